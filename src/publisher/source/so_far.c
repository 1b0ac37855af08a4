/* SPDX-License-Identifier: BSD-3-Clause */
/* Names that were found so far: one after the other, each with its NUL. */
#include "publisher/source/so_far.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct c2_so_far {
    atomic_int refs;
    pthread_mutex_t lock; /* guards the rest */
    struct c2_buf names;
    bool over;
};

struct c2_so_far *c2_so_far_new(size_t max)
{
    struct c2_so_far *so_far = calloc(1, sizeof(*so_far));

    if (!so_far) return NULL;
    atomic_init(&so_far->refs, 1);
    pthread_mutex_init(&so_far->lock, NULL);
    c2_buf_init(&so_far->names, max);
    return so_far;
}

struct c2_so_far *c2_so_far_ref(struct c2_so_far *so_far)
{
    atomic_fetch_add(&so_far->refs, 1);
    return so_far;
}

void c2_so_far_unref(struct c2_so_far *so_far)
{
    if (!so_far || atomic_fetch_sub(&so_far->refs, 1) != 1) return;
    c2_buf_fini(&so_far->names);
    pthread_mutex_destroy(&so_far->lock);
    free(so_far);
}

void c2_so_far_add(struct c2_so_far *so_far, const char *prefix, const char *path)
{
    struct cat2_error ignored;

    if (!so_far) return;
    pthread_mutex_lock(&so_far->lock);
    size_t before = so_far->names.n;
    bool ok = so_far->over || (!prefix || (c2_buf_puts(&so_far->names, prefix, &ignored) &&
                                           c2_buf_putc(&so_far->names, '/', &ignored)));
    ok = ok && (so_far->over || c2_buf_append(&so_far->names, path, strlen(path) + 1, &ignored));
    if (!ok) so_far->names.n = before;
    pthread_mutex_unlock(&so_far->lock);
}

void c2_so_far_end(struct c2_so_far *so_far)
{
    pthread_mutex_lock(&so_far->lock);
    so_far->over = true;
    c2_buf_fini(&so_far->names);
    pthread_mutex_unlock(&so_far->lock);
}

size_t c2_so_far_put(struct c2_so_far *so_far, size_t *at, size_t max, struct c2_jw *out)
{
    size_t n = 0;

    pthread_mutex_lock(&so_far->lock);
    for (size_t end = *at + max; *at < so_far->names.n && *at < end; n++) {
        const char *name = (const char *)so_far->names.p + *at;
        c2_jw_cstr(out, name);
        *at += strlen(name) + 1;
    }
    pthread_mutex_unlock(&so_far->lock);
    return n;
}
