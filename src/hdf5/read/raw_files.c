/* SPDX-License-Identifier: BSD-3-Clause */
/* Raw data in files of its own (H5Pset_external). libhdf5 would open them wherever they are and without the
 * driver, so they are read here: one run of bytes, laid end to end over pieces of files. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "hdf5/read/beneath.h"

#define PIECES_MAX 65536 /* of one dataset: each may be a file, and is looked for when it is opened */

struct piece {
    char *filename;
    int64_t off, n; /* in the file; n < 0: to where the data ends */
};
struct c2_h5_raw_files {
    struct piece *pieces;
    size_t n;
    size_t item; /* bytes of an item in the file */
    hid_t type;  /* the file's; < 0: items need no conversion */
    hsize_t shape[C2_H5_DIM_MAX];
};

void c2_h5_raw_files_free(struct c2_h5_raw_files *files)
{
    if (!files) return;
    for (size_t i = 0; i < files->n; i++)
        free(files->pieces[i].filename);
    free(files->pieces);
    if (files->type >= 0) H5Tclose(files->type);
    free(files);
}

/* ---- finding ---- */

static bool find_piece(struct c2_h5_dataset *ds, hid_t plist, unsigned i, const char *from, struct piece *out,
                       struct cat2_error *err)
{
    char name[4096] = "", full[4096];
    off_t off = 0;
    hsize_t n = 0;

    if (H5Pget_external(plist, i, sizeof(name) - 1, name, &off, &n) < 0 || off < 0 || !name[0])
        return c2_h5_fail(err, CAT2_EDATA, "file %u of its data cannot be described", i);
    enum c2_h5_found found = c2_h5_beneath_find(ds->h5->beneath, from, name, full);
    if (found == C2_H5_OUTSIDE)
        return c2_fail(err, CAT2_EUNSUPPORTED, "its data in %.100s leads out of the root", name);
    if (found != C2_H5_THERE)
        return c2_fail(err, CAT2_EDATA, "its data in %.100s: %s", name,
                       found == C2_H5_ABSENT ? "the file is not there"
                                             : c2_h5_beneath_reason(ds->h5->beneath));
    *out = (struct piece){c2_str_dup(c2_str_of(full)), off, n > INT64_MAX / 2 ? -1 : (int64_t)n};
    return out->filename || c2_fail_nomem(err, "files of raw data");
}

static bool describe(struct c2_h5_dataset *ds, struct c2_h5_raw_files *files, struct cat2_error *err)
{
    hid_t space = H5Dget_space(ds->id);

    files->type = H5Dget_type(ds->id);
    bool ok = files->type >= 0 && space >= 0 && H5Sget_simple_extent_dims(space, files->shape, NULL) >= 0;
    if (space >= 0) H5Sclose(space);
    if (!ok) return c2_h5_fail(err, CAT2_EDATA, "its data cannot be described");
    files->item = H5Tget_size(files->type);
    if (H5Tdetect_class(files->type, H5T_VLEN) > 0 || H5Tis_variable_str(files->type) > 0)
        return c2_fail(err, CAT2_EUNSUPPORTED, "items of variable length with data in other files");
    if (ds->type.direct) {
        H5Tclose(files->type);
        files->type = -1;
    }
    return true;
}

bool c2_h5_raw_files_find(struct c2_h5_dataset *ds, hid_t plist, struct cat2_error *err)
{
    struct c2_h5_raw_files *files = calloc(1, sizeof(*files));
    int n = H5Pget_external_count(plist);
    char from[4096];
    ssize_t from_n = H5Fget_name(ds->id, from, sizeof(from));

    if (!files) return c2_fail_nomem(err, "files of raw data");
    ds->raw_files = files;
    files->type = -1;
    if (n < 1 || n > PIECES_MAX || from_n < 1 || (size_t)from_n >= sizeof(from) || from[0] != '/')
        return c2_h5_fail(err, CAT2_EDATA, "its data lies in %d files", n);
    files->pieces = calloc((size_t)n, sizeof(*files->pieces));
    if (!files->pieces) return c2_fail_nomem(err, "files of raw data");
    for (int i = 0; i < n; i++, files->n++)
        if (!find_piece(ds, plist, (unsigned)i, from, &files->pieces[i], err)) return false;
    return describe(ds, files, err);
}

/* ---- reading ---- */

struct reader {
    struct c2_h5_beneath *beneath;
    const struct c2_h5_raw_files *files;
    size_t opened; /* which piece's file; with fd >= 0 */
    int fd;
};

static bool open_piece(struct reader *r, size_t i, struct cat2_error *err)
{
    if (r->fd >= 0 && strcmp(r->files->pieces[r->opened].filename, r->files->pieces[i].filename) == 0)
        return true;
    if (r->fd >= 0) close(r->fd);
    r->opened = i;
    r->fd = c2_h5_beneath_raw(r->beneath, r->files->pieces[i].filename);
    const char *slash = strrchr(r->files->pieces[i].filename, '/');
    return r->fd >= 0 || c2_fail_errno(err, errno, "its data in %.100s", slash + 1);
}

/* What a file does not hold is zeros, as libhdf5 has it. */
static bool read_piece(int fd, uint8_t *to, size_t n, int64_t off, struct cat2_error *err)
{
    while (n) {
        ssize_t got = pread(fd, to, n, off);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return c2_fail_errno(err, errno, "its data");
        if (got == 0) {
            memset(to, 0, n);
            return true;
        }
        to += got;
        off += got;
        n -= (size_t)got;
    }
    return true;
}

static bool read_run(struct reader *r, int64_t at, size_t n, uint8_t *to, struct cat2_error *err)
{
    for (size_t i = 0; i < r->files->n && n; i++) {
        const struct piece *piece = &r->files->pieces[i];
        if (piece->n >= 0 && at >= piece->n) {
            at -= piece->n;
            continue;
        }
        size_t part = piece->n >= 0 && (int64_t)n > piece->n - at ? (size_t)(piece->n - at) : n;
        int64_t off = (int64_t)((uint64_t)piece->off + (uint64_t)at); /* beyond 2^63: the read fails */
        if (!open_piece(r, i, err) || !read_piece(r->fd, to, part, off, err)) return false;
        to += part;
        n -= part;
        at = 0;
    }
    return n == 0 || c2_fail(err, CAT2_EDATA, "its files end %zu bytes early", n);
}

struct box {
    const struct c2_h5_dataset *ds;
    const hsize_t *start, *count, *mem_dims;
};

/* Rows of the last axis, in order: where each lies in the file (items), and in a box of dims. */
static bool next_row(const struct box *box, hsize_t *at)
{
    int axis = box->ds->ndim - 2;

    while (axis >= 0 && ++at[axis] == box->count[axis])
        at[axis--] = 0;
    return axis >= 0;
}

static size_t place(const struct box *box, const hsize_t *at, const hsize_t *start, const hsize_t *dims)
{
    size_t n = 0;

    for (int i = 0; i < box->ds->ndim; i++)
        n = n * (size_t)dims[i] + (size_t)at[i] + (start ? (size_t)start[i] : 0);
    return n;
}

static bool read_rows(struct reader *r, const struct box *box, size_t row, uint8_t *to,
                      struct cat2_error *err)
{
    hsize_t at[C2_H5_DIM_MAX] = {0};
    size_t item = r->files->item;

    do {
        int64_t from = (int64_t)(place(box, at, box->start, r->files->shape) * item);
        if (!read_run(r, from, row * item, to, err)) return false;
        to += row * item;
    } while (next_row(box, at));
    return true;
}

bool c2_h5_raw_files_box(struct c2_h5_dataset *ds, const hsize_t *start, const hsize_t *count,
                         const hsize_t *mem_dims, uint8_t *out, struct cat2_error *err)
{
    struct reader r = {.beneath = ds->h5->beneath, .files = ds->raw_files, .fd = -1};
    struct box box = {ds, start, count, mem_dims};
    size_t item = c2_h5_item_nbytes(ds), wide = item > r.files->item ? item : r.files->item, n = 1;
    size_t row = ds->ndim ? (size_t)count[ds->ndim - 1] : 1;
    hsize_t at[C2_H5_DIM_MAX] = {0};

    for (int i = 0; i < ds->ndim; i++)
        n *= (size_t)count[i];
    if (n == 0) return true;
    uint8_t *items = malloc(n * wide);
    bool ok = items || c2_fail_nomem(err, "box of items");
    ok = ok && read_rows(&r, &box, row, items, err);
    if (ok && r.files->type >= 0 && H5Tconvert(r.files->type, ds->mem, n, items, NULL, H5P_DEFAULT) < 0)
        ok = c2_h5_fail(err, CAT2_EDATA, "the data cannot be converted");
    const uint8_t *from = items;
    do {
        if (!ok) break;
        memcpy(out + place(&box, at, NULL, mem_dims) * item, from, row * item);
        from += row * item;
    } while (next_row(&box, at));
    if (r.fd >= 0) close(r.fd);
    free(items);
    return ok;
}
