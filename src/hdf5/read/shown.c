/* SPDX-License-Identifier: BSD-3-Clause */
/* Items that hold texts of variable length or references: each of these is shown at the width of the widest
 * in its place. U where the file says UTF-8 and means it and the dataset stays within a budget so, else S.
 * The values are read twice: to know the widest, and when they are asked for. */
#include <stdlib.h>

#include "base/endian.h"
#include "hdf5/read/type_impl.h"

#define BATCH_FIRST     64
#define BATCH_MAX       65536                /* items read at once, however small: 512 KiB of pointers */
#define BATCH_NBYTES    (8 << 20)            /* of texts in memory at once, about */
#define UTF32_BUDGET    ((uint64_t)1 << 30)  /* bytes of all texts in one place as U; more are shown as S */
#define UTF32_ITEM_MAX  ((uint64_t)16 << 20) /* bytes of one text as U; longer ones are S */
#define REFERENCE_BYTES 65536                /* a path and what it selects there */

static void look(struct c2_h5_part *part, struct c2_str s)
{
    if (s.n > part->bytes) part->bytes = s.n;
    if (part->utf8 && !c2_str_is_utf8(s)) part->utf8 = false;
    size_t chars = part->utf8 ? c2_utf8_count(s) : 0;
    if (chars > part->chars) part->chars = chars;
}

void c2_h5_text_dtype(struct c2_h5_part *part, hsize_t nitems, struct c2_dtype *out)
{
    uint64_t chars = part->chars ? part->chars : 1, bytes = part->bytes ? part->bytes : 1;
    bool small = 4 * chars <= UTF32_ITEM_MAX && (nitems == 0 || 4 * chars <= UTF32_BUDGET / nitems);

    part->utf8 = part->utf8 && small;
    *out = part->utf8 ? (struct c2_dtype){.kind = 'U', .order = '<', .itemsize = 4 * (int64_t)chars}
                      : (struct c2_dtype){.kind = 'S', .order = '|', .itemsize = (int64_t)bytes};
}

struct showing {
    struct c2_h5 *h5;
    struct c2_buf name; /* what a reference leads to */
    size_t heap;        /* bytes of texts that were seen */
    struct cat2_error *err;
};

/* The text at a place of memory: borrowed. */
static bool text_at(struct showing *s, const struct c2_h5_part *part, const uint8_t *at, struct c2_str *out)
{
    const char *p;

    if (part->kind == C2_H5_TEXT) {
        memcpy(&p, at, sizeof(p));
        *out = c2_str_of(p);
        return true;
    }
    c2_buf_clear(&s->name);
    if (!c2_h5_reference_text(s->h5, part->type, at, &s->name, s->err)) return false;
    *out = (struct c2_str){c2_buf_cstr(&s->name), s->name.n};
    return true;
}

static bool measure(struct showing *s, struct c2_h5_part *part, const uint8_t *from, size_t n)
{
    struct c2_str text;

    if (part->kind == C2_H5_BYTES) return true;
    for (size_t i = 0; i < n; i++, from += part->size) {
        for (int j = 0; part->kind == C2_H5_STRUCT && j < part->nparts; j++)
            if (!measure(s, &part->parts[j], from + part->parts[j].from, part->parts[j].n)) return false;
        if (part->kind == C2_H5_STRUCT) continue;
        if (!text_at(s, part, from, &text)) return false;
        s->heap += text.n;
        look(part, text);
    }
    return true;
}

/* ---- reading a dataspace part by part ---- */

/* The largest box of up to `most` items in C order that begins at item `at`; how many it has. */
static hsize_t next_box(int ndim, const hsize_t *dims, hsize_t at, hsize_t most, hsize_t *start,
                        hsize_t *count)
{
    int axis = ndim - 1;
    hsize_t n = 1;

    for (int i = ndim - 1; i >= 0; i--) {
        start[i] = at % dims[i];
        count[i] = 1;
        at /= dims[i];
    }
    if (axis < 0) return 1;
    while (axis > 0 && start[axis] == 0 && n * dims[axis] <= most) {
        count[axis] = dims[axis];
        n *= dims[axis--];
    }
    hsize_t want = most / n ? most / n : 1, left = dims[axis] - start[axis];
    count[axis] = want < left ? want : left;
    return n * count[axis];
}

static hsize_t next_batch(hsize_t batch, size_t heap)
{
    if (heap > BATCH_NBYTES) return batch > 4 ? batch / 4 : 1;
    return heap < BATCH_NBYTES / 8 && batch < BATCH_MAX ? batch * 4 : batch;
}

bool c2_h5_scan(struct c2_h5_dataset *ds, int64_t first, int64_t last, size_t item, c2_h5_scan_fn *fn,
                void *ctx, struct cat2_error *err)
{
    C2_AUTO(c2_buf) items = C2_BUF_INIT(C2_CHUNK_NBYTES_MAX);
    hsize_t dims[C2_H5_DIM_MAX], start[C2_H5_DIM_MAX], count[C2_H5_DIM_MAX], n = 0;
    hid_t space = H5Dget_space(ds->id);
    hssize_t all = space >= 0 ? H5Sget_simple_extent_npoints(space) : -1;
    int ndim = space >= 0 ? H5Sget_simple_extent_dims(space, dims, NULL) : -1;
    hsize_t batch = BATCH_FIRST, most = C2_CHUNK_NBYTES_MAX / 16 / (item ? item : 1) + 1;
    bool ok = (all >= 0 && ndim >= 0) || c2_h5_fail(err, CAT2_EDATA, "the shape cannot be read");

    if (ok && first == 0 && last == INT64_MAX && all > C2_H5_SCAN_MAX)
        ok = c2_fail(err, CAT2_EUNSUPPORTED, "%lld items of variable length; up to %d are carried",
                     (long long)all, C2_H5_SCAN_MAX);
    hsize_t end = ok && last < all ? (hsize_t)last : (hsize_t)all;
    for (hsize_t at = (hsize_t)first; ok && at < end; at += n) {
        size_t heap = 0;
        hsize_t want = batch < most ? batch : most;
        n = next_box(ndim, dims, at, want < end - at ? want : end - at, start, count);
        hid_t mem = H5Screate_simple(1, &n, NULL);
        ok = c2_buf_resize(&items, n * item, err);
        if (ok) memset(items.p, 0, n * item);
        if (ok && (mem < 0 ||
                   (ndim > 0 && H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) < 0) ||
                   H5Dread(ds->id, ds->mem, mem, space, H5P_DEFAULT, items.p) < 0))
            ok = c2_h5_fail(err, CAT2_EDATA, "the values cannot be read");
        if (ok) {
            ok = fn(ctx, items.p, n, &heap, err);
            H5Dvlen_reclaim(ds->mem, mem, H5P_DEFAULT, items.p);
            H5Eclear2(H5E_DEFAULT);
        }
        if (mem >= 0) H5Sclose(mem);
        batch = next_batch(batch, heap);
    }
    if (space >= 0) H5Sclose(space);
    return ok;
}

/* ---- the widest ---- */

struct measuring {
    struct showing showing;
    struct c2_h5_part *part;
    size_t elements; /* of an item of the dataspace */
};

static bool measure_items(void *ctx, const uint8_t *items, size_t n, size_t *heap, struct cat2_error *err)
{
    struct measuring *m = ctx;

    m->showing.err = err;
    m->showing.heap = 0;
    if (!measure(&m->showing, m->part, items, n * m->elements)) return false;
    *heap = m->showing.heap;
    return true;
}

bool c2_h5_measure_part(struct c2_h5 *h5, struct c2_h5_part *part, const uint8_t *items, size_t n,
                        size_t *heap, struct cat2_error *err)
{
    struct showing s = {.h5 = h5, .name = C2_BUF_INIT(REFERENCE_BYTES), .err = err};
    bool ok = measure(&s, part, items, n);

    *heap += s.heap;
    c2_buf_fini(&s.name);
    return ok;
}

bool c2_h5_measure(struct c2_h5_dataset *ds, struct cat2_error *err)
{
    struct measuring m = {.showing = {.h5 = ds->h5, .name = C2_BUF_INIT(REFERENCE_BYTES)},
                          .part = &ds->type.part,
                          .elements = 1};

    for (int i = 0; i < ds->type.ndim; i++)
        m.elements *= (size_t)ds->type.dims[i];
    bool ok = c2_h5_scan(ds, 0, INT64_MAX, m.elements * ds->type.part.size, measure_items, &m, err);
    c2_buf_fini(&m.showing.name);
    return ok;
}

/* ---- showing ---- */

/* Code points, one at a time, of text known to be UTF-8. */
static void put_utf32(struct c2_str s, uint8_t *out, size_t width)
{
    size_t i = 0;

    for (size_t k = 0; k < width && i < s.n; k++) {
        uint8_t c = (uint8_t)s.p[i++];
        uint32_t point = c < 0x80 ? c : c < 0xe0 ? c & 0x1f : c < 0xf0 ? c & 0x0f : c & 0x07;
        while (i < s.n && ((uint8_t)s.p[i] & 0xc0) == 0x80)
            point = point << 6 | ((uint8_t)s.p[i++] & 0x3f);
        c2_put_le32(out + 4 * k, point);
    }
}

static bool put_text(struct showing *s, const struct c2_dtype *dtype, struct c2_str text, uint8_t *to)
{
    size_t width = (size_t)dtype->itemsize;
    bool utf8 = dtype->kind == 'U';

    if (utf8 ? !c2_str_is_utf8(text) || c2_utf8_count(text) * 4 > width : text.n > width)
        return c2_fail(s->err, CAT2_ECHANGED, "a text became wider since the dataset was opened");
    memset(to, 0, width);
    if (utf8)
        put_utf32(text, to, width / 4);
    else if (text.n)
        memcpy(to, text.p, text.n);
    return true;
}

static bool show(struct showing *s, const struct c2_h5_part *part, const struct c2_dtype *dtype,
                 const uint8_t *from, size_t n, uint8_t *to)
{
    struct c2_str text;

    if (part->kind == C2_H5_BYTES) {
        memcpy(to, from, n * part->size);
        return true;
    }
    for (size_t i = 0; i < n; i++, from += part->size, to += dtype->itemsize) {
        for (int j = 0; part->kind == C2_H5_STRUCT && j < part->nparts; j++) {
            const struct c2_h5_part *its = &part->parts[j];
            const struct c2_field *field = &dtype->fields[j];
            if (!show(s, its, &field->type, from + its->from, its->n, to + field->offset)) return false;
        }
        if (part->kind == C2_H5_STRUCT) continue;
        if (!text_at(s, part, from, &text) || !put_text(s, dtype, text, to)) return false;
    }
    return true;
}

bool c2_h5_show_part(struct c2_h5 *h5, const struct c2_h5_part *part, const struct c2_dtype *dtype,
                     const uint8_t *items, size_t n, uint8_t *out, struct cat2_error *err)
{
    struct showing s = {.h5 = h5, .name = C2_BUF_INIT(REFERENCE_BYTES), .err = err};
    bool ok = show(&s, part, dtype, items, n, out);

    c2_buf_fini(&s.name);
    return ok;
}

bool c2_h5_shown_read(struct c2_h5_dataset *ds, hid_t mem_space, hid_t file_space, uint8_t *out, size_t n,
                      struct cat2_error *err)
{
    size_t elements = n;

    for (int i = 0; i < ds->type.ndim; i++)
        elements *= (size_t)ds->type.dims[i];
    uint8_t *items = calloc(elements ? elements : 1, ds->type.part.size);
    if (!items) return c2_fail_nomem(err, "values");
    if (H5Dread(ds->id, ds->mem, mem_space, file_space, H5P_DEFAULT, items) < 0) {
        free(items);
        return c2_h5_fail(err, CAT2_EDATA, "the values cannot be read");
    }
    bool ok = c2_h5_show_part(ds->h5, &ds->type.part, &ds->meta.dtype, items, elements, out, err);
    H5Dvlen_reclaim(ds->mem, mem_space, H5P_DEFAULT, items);
    H5Eclear2(H5E_DEFAULT);
    free(items);
    return ok;
}
