/* SPDX-License-Identifier: BSD-3-Clause */
/* Items and keys of chunks as version 3 has them. */
#include "meaning/attrs.h"
#include "subscriber/zarr/zarr3.h"

int64_t c2_zarr3_itemsize(const struct c2_dtype *dtype)
{
    int64_t n = 0;

    if (dtype->nfields == 0) return dtype->itemsize;
    for (int i = 0; i < dtype->nfields; i++)
        n += dtype->fields[i].nbytes;
    return n;
}

bool c2_zarr3_differs(const struct c2_dtype *dtype)
{
    bool differs = dtype->nfields && c2_zarr3_itemsize(dtype) != dtype->itemsize;
    int64_t at = 0;

    for (int i = 0; i < dtype->nfields; i++) {
        differs = differs || dtype->fields[i].offset != at || c2_dtype_swapped(&dtype->fields[i].type);
        at += dtype->fields[i].nbytes;
    }
    return differs;
}

/* What is swapped as one: a character of text, a half of a complex number. */
static int64_t unit_of(const struct c2_dtype *dtype)
{
    if (!c2_dtype_swapped(dtype)) return 1;
    return dtype->kind == 'U' ? 4 : dtype->kind == 'c' ? dtype->itemsize / 2 : dtype->itemsize;
}

static void put_field(const struct c2_dtype *type, const uint8_t *from, uint8_t *to)
{
    int64_t unit = unit_of(type);

    for (int64_t at = 0; at < type->itemsize; at += unit)
        for (int64_t k = 0; k < unit; k++)
            to[at + k] = from[at + unit - 1 - k];
}

void c2_zarr3_items(const struct c2_dtype *dtype, const uint8_t *from, int64_t nitems, uint8_t *to)
{
    for (int64_t i = 0; i < nitems; i++, from += dtype->itemsize)
        for (int f = 0; f < dtype->nfields; f++) {
            put_field(&dtype->fields[f].type, from + dtype->fields[f].offset, to);
            to += dtype->fields[f].nbytes;
        }
}

/* ---- keys ---- */

static struct c2_str cut_last(struct c2_str *path)
{
    struct c2_str last = c2_path_last(*path);

    *path = c2_path_parent(*path);
    return last;
}

bool c2_zarr3_cut_key(struct c2_str *path, struct c2_buf *out)
{
    struct c2_str rest = *path, part = cut_last(&rest), key = part;
    struct cat2_error err;
    bool ok = true;

    c2_buf_clear(out);
    while (part.n && part.p[0] >= '0' && part.p[0] <= '9') {
        key.p = part.p;
        part = cut_last(&rest);
    }
    if (!c2_str_is(part, "c") || !rest.n) return false;
    if (key.p == part.p) { /* an array without axes */
        *path = rest;
        return c2_buf_putc(out, '0', &err);
    }
    key.n = (size_t)(path->p + path->n - key.p);
    for (size_t i = 0; ok && i < key.n; i++)
        ok = c2_buf_putc(out, key.p[i] == '/' ? '.' : key.p[i], &err);
    *path = rest;
    return ok;
}
