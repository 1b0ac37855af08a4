/* SPDX-License-Identifier: BSD-3-Clause */
/* The wrappers that --wrap puts before the allocator. Blosc2 and ZSTD do not look at every allocation of
 * theirs (3.3 and 1.5 crash), so that those inside them succeed; their making of a context fails as one. */
#include "torture.h"

#include <blosc2.h>

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
blosc2_context *__real_blosc2_create_cctx(blosc2_cparams params);
blosc2_context *__real_blosc2_create_dctx(blosc2_dparams params);
blosc2_schunk *__real_blosc2_schunk_new(blosc2_storage *storage);
int __real_blosc2_compress_ctx(blosc2_context *context, const void *from, int32_t n, void *to, int32_t room);
int __real_blosc2_decompress_ctx(blosc2_context *context, const void *from, int32_t n, void *to,
                                 int32_t room);
blosc2_context *__wrap_blosc2_create_cctx(blosc2_cparams params);
blosc2_context *__wrap_blosc2_create_dctx(blosc2_dparams params);
blosc2_schunk *__wrap_blosc2_schunk_new(blosc2_storage *storage);
int __wrap_blosc2_compress_ctx(blosc2_context *context, const void *from, int32_t n, void *to, int32_t room);
int __wrap_blosc2_decompress_ctx(blosc2_context *context, const void *from, int32_t n, void *to,
                                 int32_t room);

static _Thread_local long left; /* allocations until the one that fails; 0: off */
static _Thread_local bool fired;
static _Thread_local int inside; /* the library */

static bool fails(void)
{
    if (inside || left == 0 || --left > 0) return false;
    fired = true;
    return true;
}

void torture_arm(long nth)
{
    left = nth;
    fired = false;
}

bool torture_disarm(void)
{
    left = 0;
    return fired;
}

void *__wrap_malloc(size_t n)
{
    return fails() ? NULL : __real_malloc(n);
}
void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}
void *__wrap_realloc(void *p, size_t n)
{
    return fails() ? NULL : __real_realloc(p, n);
}

blosc2_context *__wrap_blosc2_create_cctx(blosc2_cparams params)
{
    if (fails()) return NULL;
    inside++;
    blosc2_context *made = __real_blosc2_create_cctx(params);
    inside--;
    return made;
}
blosc2_context *__wrap_blosc2_create_dctx(blosc2_dparams params)
{
    if (fails()) return NULL;
    inside++;
    blosc2_context *made = __real_blosc2_create_dctx(params);
    inside--;
    return made;
}
blosc2_schunk *__wrap_blosc2_schunk_new(blosc2_storage *storage)
{
    if (fails()) return NULL;
    inside++;
    blosc2_schunk *made = __real_blosc2_schunk_new(storage);
    inside--;
    return made;
}
int __wrap_blosc2_compress_ctx(blosc2_context *context, const void *from, int32_t n, void *to, int32_t room)
{
    inside++;
    int done = __real_blosc2_compress_ctx(context, from, n, to, room);
    inside--;
    return done;
}
int __wrap_blosc2_decompress_ctx(blosc2_context *context, const void *from, int32_t n, void *to, int32_t room)
{
    inside++;
    int done = __real_blosc2_decompress_ctx(context, from, n, to, room);
    inside--;
    return done;
}
