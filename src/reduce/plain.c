/* SPDX-License-Identifier: BSD-3-Clause */
/* Items, turned round where they must be. */
#include "reduce/plain.h"

#include <inttypes.h>
#include <stdio.h>

#define BATCH 512

static int64_t real_size(int64_t size)
{
    return size <= 4 ? 4 : 8;
}

static void name_it(const struct c2_dtype *dtype, struct c2_plain *out)
{
    char order =
        dtype->kind == 'b' || dtype->kind == 'S' || dtype->kind == 'V' || out->out_size == 1 ? '|' : '<';
    int64_t size = dtype->kind == 'U' ? out->per_item : out->out_size;

    if (dtype->kind == 'M' || dtype->kind == 'm')
        snprintf(out->typestr, sizeof(out->typestr), "<%c8%s%s%s", dtype->kind, *dtype->unit ? "[" : "",
                 dtype->unit, *dtype->unit ? "]" : "");
    else
        snprintf(out->typestr, sizeof(out->typestr), "%c%c%" PRId64, order, dtype->kind, size);
}

bool c2_plain_of(const struct c2_dtype *dtype, struct c2_plain *out, struct cat2_error *err)
{
    int64_t n = dtype->itemsize;

    *out = (struct c2_plain){.same = true, .per_item = 1, .in_size = n, .out_size = n};
    if (dtype->nfields)
        return c2_fail(err, CAT2_EUNSUPPORTED, "structures are given as JSON or npy, not as plain numbers");
    struct c2_num num = {.kind = dtype->kind, .size = (int)n, .swapped = c2_dtype_swapped(dtype)};
    if (dtype->kind == 'c' || dtype->kind == 'U') {
        out->per_item = dtype->kind == 'c' ? 2 : n / 4;
        num.kind = dtype->kind == 'c' ? 'f' : 'u';
        num.size = dtype->kind == 'c' ? (int)(n / 2) : 4;
    }
    if (num.kind == 'M' || num.kind == 'm') num.kind = 'i';
    num.itemsize = num.size;
    num.wide = num.kind != 'f' && num.size == 8;
    num.out_kind = num.kind;
    num.out_size = num.kind == 'f' ? (int)real_size(num.size) : num.size;
    bool number = num.kind == 'i' || num.kind == 'u' || num.kind == 'f';
    if (number) out->out_size = out->per_item * num.out_size;
    out->same = !number || (!num.swapped && num.out_size == num.size);
    out->num = num;
    name_it(dtype, out);
    return true;
}

void c2_plain_items(const struct c2_plain *plain, const uint8_t *items, int64_t n, uint8_t *out)
{
    int64_t wide[BATCH], left = n * plain->per_item;
    double real[BATCH];

    if (plain->same) {
        if (n && plain->out_size) memcpy(out, items, (size_t)(n * plain->out_size));
        return;
    }
    while (left > 0) {
        int64_t count = c2_min_i64(left, BATCH);
        if (plain->num.wide) {
            c2_num_load_i64(&plain->num, items, count, wide);
            c2_num_store_i64(&plain->num, wide, count, out);
        } else {
            c2_num_load(&plain->num, items, count, real);
            c2_num_store(&plain->num, real, count, out);
        }
        items += count * plain->num.size;
        out += count * plain->num.out_size;
        left -= count;
    }
}
