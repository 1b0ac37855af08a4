/* SPDX-License-Identifier: BSD-3-Clause */
/* What parses is evaluated on any bytes, and gives 1 or 0; what does not says a place within the text. */
#include "view/where.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char fields[] =
        "[('a', '<i8'), ('b', '>u8'), ('t', '<f4'), ('ok', '|b1'), ('s', '|S5'), ('w', '>U2'), "
        "('in', [('x', '<f2')]), ('v', '<i2', (3,)), ('z', '<c8'), ('odd name', '|u1')]";
    C2_AUTO(c2_dtype) type = {0};
    C2_AUTO_PTR(c2_where) *where = NULL;
    struct cat2_error err;
    int64_t position = -1;
    uint8_t items[40 * 100], mask[40];

    C2_ASSERT(c2_dtype_parse(c2_str_of(fields), &type, &err) && type.itemsize <= 100);
    if (!c2_where_parse((struct c2_str){(const char *)data, size}, &type, &where, &position, &err)) {
        C2_ASSERT(position >= 0 && (size_t)position <= size);
        return 0;
    }
    for (size_t i = 0; i < sizeof(items); i++)
        items[i] = size ? (uint8_t)(data[i % size] * (i / 37 + 1)) : 0;
    memset(mask, 9, sizeof(mask));
    c2_where_eval(where, items, 40, mask);
    for (size_t i = 0; i < sizeof(mask); i++)
        C2_ASSERT(mask[i] <= 1);
    return 0;
}
