/* SPDX-License-Identifier: BSD-3-Clause */
/* First line: the type; the rest: the body. Parts lie within the body, one after another. */
#include <string.h>

#include "base/check.h"
#include "wire/multipart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool follow(void *ctx, int64_t off, struct c2_bytes bytes, struct cat2_error *err)
{
    struct c2_bytes *left = ctx;

    (void)err;
    C2_ASSERT(off >= 0 && bytes.p >= left->p && bytes.n <= left->n - (size_t)(bytes.p - left->p));
    left->n -= (size_t)(bytes.p - left->p) + bytes.n;
    left->p = bytes.p + bytes.n;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *line = size ? memchr(data, '\n', size) : NULL;
    struct cat2_error err;

    if (!line) return 0;
    struct c2_bytes body = {line + 1, size - (size_t)(line + 1 - data)}, left = body;
    (void)c2_multipart_read((struct c2_str){(const char *)data, (size_t)(line - data)}, body, follow, &left,
                            &err);
    return 0;
}
