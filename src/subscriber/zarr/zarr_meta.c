/* SPDX-License-Identifier: BSD-3-Clause */
/* What Zarr says of an array, and which items a chunk of it holds. */
#include "subscriber/zarr/zarr.h"

/* ---- chunks ---- */

/* The axes of one chunk: the dataset's, at least 1. */
static void chunk_shape_of(const struct c2_grid *grid, int64_t shape[C2_DIM_MAX])
{
    for (int i = 0; i < grid->ndim; i++)
        shape[i] = c2_max_i64(1, grid->chunks[i]);
}

/* Digits as a number is written: no sign, no zero in front. */
static bool read_index(struct c2_str text, int64_t *index)
{
    bool digits = text.n > 0 && (text.n == 1 || text.p[0] != '0');

    for (size_t i = 0; i < text.n; i++)
        digits &= text.p[i] >= '0' && text.p[i] <= '9';
    return digits && c2_str_to_i64(text, index);
}

bool c2_zarr_key_parse(struct c2_str key, int ndim, int64_t index[C2_DIM_MAX])
{
    struct c2_str head;

    if (ndim == 0) return c2_str_is(key, "0");
    for (int i = 0; i < ndim; i++) {
        bool more = c2_str_cut(key, '.', &head, &key);
        if (more != (i + 1 < ndim) || !read_index(head, &index[i])) return false;
    }
    return true;
}

bool c2_zarr_chunk_bound(const struct c2_grid *grid, const int64_t index[C2_DIM_MAX], struct c2_bound *out,
                         struct cat2_error *err)
{
    int64_t shape[C2_DIM_MAX];

    *out = (struct c2_bound){.ndim = grid->ndim, .out_ndim = grid->ndim, .nitems = 1};
    chunk_shape_of(grid, shape);
    for (int i = 0; i < grid->ndim; i++) {
        if (index[i] >= c2_div_ceil(grid->shape[i], shape[i]))
            return c2_fail(err, CAT2_ENOTFOUND, "there is no chunk %lld along axis %d, of %lld",
                           (long long)index[i], i, (long long)c2_div_ceil(grid->shape[i], shape[i]));
        out->axes[i] = (struct c2_axis_sel){.start = index[i] * shape[i], .step = 1, .count = shape[i]};
        out->out_shape[i] = shape[i];
        if (!c2_mul_i64(out->nitems, shape[i], &out->nitems))
            return c2_fail(err, CAT2_ELIMIT, "the chunk is too large");
    }
    return true;
}

bool c2_zarr_clip(const struct c2_grid *grid, const struct c2_bound *bound, struct c2_bound *out)
{
    *out = *bound;
    for (int i = 0; i < bound->ndim; i++) {
        int64_t left = grid->shape[i] - bound->axes[i].start;
        if (left <= 0) return false;
        if (left < bound->axes[i].count) *out = c2_bound_part(out, i, 0, left);
    }
    return true;
}

void c2_zarr_pad(const struct c2_bound *bound, const struct c2_bound *clipped, size_t itemsize,
                 const uint8_t *items, uint8_t *out)
{
    int last = bound->ndim - 1, axis;
    int64_t at[C2_DIM_MAX] = {0};
    size_t run = (size_t)(bound->ndim ? clipped->axes[last].count : 1) * itemsize;

    do {
        int64_t offset = 0;
        for (int i = 0; i <= last; i++)
            offset = offset * bound->axes[i].count + at[i];
        memcpy(out + (size_t)offset * itemsize, items, run);
        items += run;
        for (axis = last - 1; axis >= 0 && ++at[axis] == clipped->axes[axis].count; axis--)
            at[axis] = 0;
    } while (axis >= 0);
}

/* ---- metadata ---- */

static void put_dtype(const struct c2_dtype *dtype, struct c2_jw *w);

static void put_field(const struct c2_field *field, struct c2_jw *w)
{
    c2_jw_begin_array(w);
    c2_jw_cstr(w, field->name);
    put_dtype(&field->type, w);
    if (field->ndim > 0) c2_jw_ints(w, field->shape, field->ndim);
    c2_jw_end_array(w);
}

static void put_dtype(const struct c2_dtype *dtype, struct c2_jw *w)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(C2_DTYPE_TEXT_MAX);

    if (dtype->nfields == 0) {
        w->ok = w->ok && c2_dtype_descr(dtype, &text, w->err);
        c2_jw_str(w, c2_buf_str(&text));
        return;
    }
    c2_jw_begin_array(w);
    for (int i = 0; i < dtype->nfields; i++)
        put_field(&dtype->fields[i], w);
    c2_jw_end_array(w);
}

bool c2_zarr_common(const struct c2_dtype *dtype)
{
    bool common =
        !(dtype->kind == 'f' && dtype->itemsize > 8) && !(dtype->kind == 'c' && dtype->itemsize > 16);

    for (int i = 0; common && i < dtype->nfields; i++)
        common = dtype->fields[i].ndim == 0 && dtype->fields[i].type.nfields == 0 &&
                 c2_zarr_common(&dtype->fields[i].type);
    return common;
}

void c2_zarr_put_shape(const struct c2_grid *grid, struct c2_jw *w)
{
    c2_jw_put_ints(w, "shape", grid->shape, grid->ndim);
}

void c2_zarr_put_chunk_shape(const struct c2_grid *grid, const char *key, struct c2_jw *w)
{
    int64_t chunks[C2_DIM_MAX];

    chunk_shape_of(grid, chunks);
    c2_jw_put_ints(w, key, chunks, grid->ndim);
}

static void put_fill_value(const struct c2_meta *meta, struct c2_jw *w)
{
    C2_AUTO_PTR(c2_json) *json = NULL;

    c2_jw_key(w, "fill_value");
    if (!c2_str_has(c2_buf_str(&meta->vlmeta), "\"_FillValue\"") ||
        !c2_jw_read(w, c2_buf_str(&meta->vlmeta), &json) ||
        !c2_zarr_put_fill(&meta->dtype, c2_json_root(json), w))
        c2_jw_null(w);
}

void c2_zarr_array_json(const struct c2_meta *meta, struct c2_jw *w)
{
    c2_jw_begin_object(w);
    c2_jw_put_int(w, "zarr_format", 2);
    c2_zarr_put_shape(&meta->grid, w);
    c2_zarr_put_chunk_shape(&meta->grid, "chunks", w);
    c2_jw_key(w, "dtype");
    put_dtype(&meta->dtype, w);
    c2_jw_put_null(w, "compressor");
    c2_jw_put_null(w, "filters");
    put_fill_value(meta, w);
    c2_jw_put_cstr(w, "order", "C");
    c2_jw_put_cstr(w, "dimension_separator", ".");
    c2_jw_end_object(w);
}
