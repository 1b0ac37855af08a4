/* SPDX-License-Identifier: BSD-3-Clause */
/* Strings of variable length, shown at the width of the widest: U where the file says UTF-8 and means it,
 * else S. They are few and short, or they are not carried. */
#include <stdlib.h>

#include "base/endian.h"
#include "hdf5/h5_impl.h"

#define BATCH 4096 /* strings read at once */

struct text_look {
    size_t bytes, chars; /* of the widest */
    bool utf8;
};

static size_t count_chars(struct c2_str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += ((uint8_t)s.p[i] & 0xc0) != 0x80;
    return n;
}

static void look(struct text_look *seen, char *const *texts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct c2_str s = c2_str_of(texts[i]);
        if (s.n > seen->bytes) seen->bytes = s.n;
        if (seen->utf8 && !c2_str_is_utf8(s)) seen->utf8 = false;
        size_t chars = seen->utf8 ? count_chars(s) : 0;
        if (chars > seen->chars) seen->chars = chars;
    }
}

/* Rows of the slowest axis, about BATCH strings at a time. */
static bool look_at_all(struct c2_h5_dataset *ds, hid_t space, size_t nitems, struct text_look *seen,
                        struct cat2_error *err)
{
    hsize_t dims[C2_H5_DIM_MAX], start[C2_H5_DIM_MAX] = {0}, count[C2_H5_DIM_MAX];
    int ndim = H5Sget_simple_extent_dims(space, dims, NULL);
    size_t row = ndim > 0 ? nitems / dims[0] : 1, rows = row < BATCH ? BATCH / row : 1;
    char **texts = calloc(rows * row, sizeof(*texts));
    bool ok = texts || c2_fail_nomem(err, "strings");

    for (hsize_t at = 0; ok && at < (ndim > 0 ? dims[0] : 1); at += rows) {
        hsize_t n = ndim > 0 ? dims[0] - at : 1;
        if (n > rows) n = rows;
        memcpy(count, dims, sizeof(count));
        start[0] = at;
        count[0] = n;
        hsize_t total = n * row;
        hid_t mem = H5Screate_simple(1, &total, NULL);
        if (ndim > 0) H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL);
        memset(texts, 0, rows * row * sizeof(*texts));
        ok = mem >= 0 && H5Dread(ds->id, ds->mem, mem, space, H5P_DEFAULT, texts) >= 0;
        if (ok) {
            look(seen, texts, total);
            H5Dvlen_reclaim(ds->mem, mem, H5P_DEFAULT, texts);
        } else {
            c2_h5_fail(err, CAT2_EDATA, "the strings cannot be read");
        }
        if (mem >= 0) H5Sclose(mem);
    }
    free(texts);
    return ok;
}

bool c2_h5_text_measure(struct c2_h5_dataset *ds, struct cat2_error *err)
{
    struct text_look seen = {.utf8 = ds->type.utf8};
    hid_t space = H5Dget_space(ds->id);
    hssize_t n = space >= 0 ? H5Sget_simple_extent_npoints(space) : -1;
    bool ok = n >= 0 || c2_h5_fail(err, CAT2_EDATA, "the shape cannot be read");

    if (ok && n > C2_H5_TEXTS_MAX)
        ok = c2_fail(err, CAT2_EUNSUPPORTED, "%lld strings of variable length; up to %d are carried",
                     (long long)n, C2_H5_TEXTS_MAX);
    if (ok && n > 0) ok = look_at_all(ds, space, (size_t)n, &seen, err);
    if (space >= 0) H5Sclose(space);
    if (ok && seen.bytes > C2_H5_TEXT_MAX)
        ok = c2_fail(err, CAT2_EUNSUPPORTED,
                     "a string of variable length takes %zu bytes; up to %d are carried", seen.bytes,
                     C2_H5_TEXT_MAX);
    if (!ok) return false;
    ds->facts.is_text = true;
    ds->type.utf8 = seen.utf8;
    size_t width = seen.utf8 ? seen.chars : seen.bytes;
    if (width == 0) width = 1;
    ds->type.dtype = seen.utf8 ? (struct c2_dtype){.kind = 'U', .order = '<', .itemsize = 4 * (int64_t)width}
                               : (struct c2_dtype){.kind = 'S', .order = '|', .itemsize = (int64_t)width};
    return true;
}

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

bool c2_h5_text_read(struct c2_h5_dataset *ds, hid_t mem_space, hid_t file_space, uint8_t *out, size_t n,
                     struct cat2_error *err)
{
    size_t item = (size_t)ds->meta.grid.typesize;
    char **texts = calloc(n ? n : 1, sizeof(*texts));

    if (!texts) return c2_fail_nomem(err, "strings");
    if (H5Dread(ds->id, ds->mem, mem_space, file_space, H5P_DEFAULT, texts) < 0) {
        free(texts);
        return c2_h5_fail(err, CAT2_EDATA, "the strings cannot be read");
    }
    memset(out, 0, n * item);
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++) {
        struct c2_str s = c2_str_of(texts[i]);
        bool fits = ds->type.utf8 ? c2_str_is_utf8(s) && count_chars(s) * 4 <= item : s.n <= item;
        if (!fits)
            ok = c2_fail(err, CAT2_ECHANGED, "a string became wider since the dataset was opened");
        else if (ds->type.utf8)
            put_utf32(s, out + i * item, item / 4);
        else if (s.n)
            memcpy(out + i * item, s.p, s.n);
    }
    H5Dvlen_reclaim(ds->mem, mem_space, H5P_DEFAULT, texts);
    free(texts);
    return ok;
}
