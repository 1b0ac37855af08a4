/* SPDX-License-Identifier: BSD-3-Clause */
/* Attributes of any bytes on their way into HDF5. */
#include <stdlib.h>

#include "wire/packed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool touch(void *ctx, struct c2_str key, struct c2_bytes value, struct cat2_error *err)
{
    (void)ctx;
    (void)key;
    (void)err;
    if (value.n == 0) abort();
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct c2_packed_shape shape;
    struct cat2_error err;
    struct c2_bytes in = {data, size};
    C2_AUTO(c2_buf) values = C2_BUF_INIT(1 << 20);

    if (c2_packed_look(in, &shape, &err) && shape.kind != C2_PACKED_OTHER &&
        c2_packed_values(in, &shape, &values, &err) && shape.kind == C2_PACKED_INT &&
        values.n != 8 * shape.nvalues)
        abort();
    if (c2_packed_is_text_map(in)) c2_packed_each(in, touch, NULL, &err);
    return 0;
}
