/* SPDX-License-Identifier: BSD-3-Clause */
/* An expression is evaluated alike for many items and for each alone, and ~ turns it round. One byte chooses
 * a dtype; the text, up to a NUL, and the items follow. */
#include <stdlib.h>

#include "reduce/where.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ITEMS_MAX 2500 /* several batches */

static const char *const dtypes[] = {
    "<f8",
    "|b1",
    ">i4",
    "<u8",
    "<i8",
    "<c8",
    "|S4",
    "<U2",
    "<M8[s]",
    ">f2",
    ("[('a', '<i8'), ('b', '>u8'), ('t', '<f4'), ('ok', '|b1'), ('s', '|S5'), ('w', '>U2'), "
     "('in', [('x', '<f2')]), ('v', '<i2', (3,)), ('z', '<c8'), ('odd name', '|u1')]")};

static void check_negated(struct c2_str text, const struct c2_dtype *dtype, const uint8_t *items, int64_t n,
                          const uint8_t *mask)
{
    C2_AUTO(c2_buf) negated = C2_BUF_INIT(1 << 20);
    C2_AUTO_PTR(c2_where) *where = NULL;
    struct cat2_error err;
    int64_t position;
    uint8_t *other = malloc((size_t)n + 1);

    bool ok = c2_buf_puts(&negated, "~(", &err) && c2_buf_append_str(&negated, text, &err) &&
              c2_buf_putc(&negated, ')', &err);
    C2_ASSERT(ok && other);
    if (c2_where_parse(c2_buf_str(&negated), dtype, &where, &position, &err)) { /* not too long or deep */
        c2_where_eval(where, items, n, other);
        for (int64_t i = 0; i < n; i++)
            C2_ASSERT(other[i] == !mask[i]);
    }
    free(other);
}

static void check(struct c2_where *where, const struct c2_dtype *dtype, struct c2_str text,
                  const uint8_t *items, int64_t n)
{
    uint8_t one, *mask = malloc((size_t)n + 1);

    C2_ASSERT(mask);
    c2_where_eval(where, items, n, mask);
    for (int64_t i = 0; i < n; i++) {
        c2_where_eval(where, items + i * dtype->itemsize, 1, &one);
        C2_ASSERT(mask[i] <= 1 && mask[i] == one);
    }
    check_negated(text, dtype, items, n, mask);
    free(mask);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    C2_AUTO(c2_dtype) dtype = {0};
    C2_AUTO_PTR(c2_where) *where = NULL;
    struct cat2_error err;
    struct c2_str text, items;
    int64_t position = -1;

    if (size == 0) return 0;
    C2_ASSERT(c2_dtype_parse(c2_str_of(dtypes[data[0] % C2_ARRAY_LEN(dtypes)]), &dtype, &err));
    c2_str_cut((struct c2_str){(const char *)data + 1, size - 1}, '\0', &text, &items);
    if (!c2_where_parse(text, &dtype, &where, &position, &err)) {
        C2_ASSERT(position >= 0 && position <= (int64_t)text.n);
        return 0;
    }
    int64_t n = c2_min_i64(ITEMS_MAX, (int64_t)items.n / dtype.itemsize);
    uint8_t *copy = malloc((size_t)(n * dtype.itemsize) + 1);
    C2_ASSERT(copy);
    if (n) memcpy(copy, items.p, (size_t)(n * dtype.itemsize));
    check(where, &dtype, text, copy, n);
    free(copy);
    return 0;
}
