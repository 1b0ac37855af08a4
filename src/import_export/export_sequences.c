/* SPDX-License-Identifier: BSD-3-Clause */
/* A directory of two arrays, "offsets" and "values", that its description says to be one dataset of sequences
 * of variable length. */

#include "base/endian.h"
#include "import_export/export_impl.h"
#include "select/select.h"

#define ITEMS_AT_ONCE 16384
#define BYTES_AT_ONCE ((int64_t)64 << 20)

struct parts {
    struct c2_exporter *ex;
    struct c2_export_item *item; /* of the directory */
    struct c2_export_dataset offsets, values;
    struct c2_meta meta; /* of the dataset, as if an item were a number */
    struct c2_h5w_plan plan;
    struct c2_h5w_dataset *out;
    int64_t nitems, row, each, nvalues; /* items; in a row of the first axis; bytes of a value; values */
    bool broken;
};

static void parts_auto(struct parts *p)
{
    c2_h5w_dataset_close(p->out);
    c2_export_dataset_fini(&p->offsets);
    c2_export_dataset_fini(&p->values);
    c2_meta_fini(&p->meta);
}

static bool unlike(struct cat2_error *err)
{
    return c2_fail(err, CAT2_EDATA, "its arrays offsets and values are not those of the described sequences");
}

/* The dataset's geometry, one number an item. */
static bool make_meta(struct parts *p, const struct c2_h5w_like *like, struct cat2_error *err)
{
    int64_t shape[C2_DIM_MAX], some[C2_DIM_MAX];
    int32_t chunks[C2_DIM_MAX], blocks[C2_DIM_MAX];
    int ndim;

    if (!c2_h5w_like_shape(like, shape, &ndim, &p->nitems)) return unlike(err);
    p->meta.kind = C2_KIND_ARRAY;
    p->row = 1;
    for (int i = 0; i < ndim; i++) {
        some[i] = c2_max_i64(1, shape[i]);
        if (i > 0 && !c2_mul_i64(p->row, shape[i], &p->row)) return unlike(err);
    }
    if (ndim > 0) c2_grid_choose(some, ndim, 8, chunks, blocks);
    bool null = ndim == 0 && p->nitems == 0; /* as the arrays of such datasets: one axis of nothing */
    int32_t one = 1;
    int64_t none = 0;
    return c2_dtype_parse(C2_STR("<i8"), &p->meta.dtype, err) &&
           (null ? c2_grid_init(&p->meta.grid, &none, &one, &one, 1, 8, true, err)
                 : c2_grid_init(&p->meta.grid, shape, chunks, blocks, ndim, 8, true, err));
}

static bool open_parts(struct parts *p, const struct c2_h5w_like *like, struct cat2_error *err)
{
    const struct c2_meta *offsets, *values;

    if (!c2_export_dataset_open(p->ex, p->item->offsets, &p->offsets, err) ||
        !c2_export_dataset_open(p->ex, p->item->values, &p->values, err) || !make_meta(p, like, err))
        return false;
    offsets = c2_frame_meta(p->offsets.frame);
    values = c2_frame_meta(p->values.frame);
    const struct c2_dtype *type = &offsets->dtype;
    if (offsets->grid.ndim != 1 || type->kind != 'i' || type->itemsize != 8 || type->order != '<' ||
        values->grid.ndim < 1 || offsets->grid.shape[0] - 1 != p->nitems)
        return unlike(err);
    p->nvalues = values->grid.shape[0];
    p->each = values->grid.typesize;
    for (int i = 1; i < values->grid.ndim; i++)
        if (!c2_mul_i64(p->each, values->grid.shape[i], &p->each) || p->each > C2_CHUNK_NBYTES_MAX)
            return unlike(err);
    return true;
}

/* Items of the first axis, whole along the others. */
static bool read_range(struct parts *p, const struct c2_export_dataset *ds, int64_t start, int64_t n,
                       int64_t each, struct c2_buf *out, struct cat2_error *err)
{
    const struct c2_grid *grid = &c2_frame_meta(ds->frame)->grid;
    struct c2_selectable from = {c2_frame_meta(ds->frame), c2_frame_chunks(ds->frame)};
    struct c2_bound bound = {.ndim = grid->ndim, .out_ndim = grid->ndim, .nitems = 1};

    for (int i = 0; i < grid->ndim; i++) {
        int64_t count = i ? grid->shape[i] : n;
        bound.axes[i] = (struct c2_axis_sel){.start = i ? 0 : start, .step = 1, .count = count};
        bound.out_shape[i] = count;
        bound.nitems *= count;
    }
    if (n > C2_CHUNK_NBYTES_MAX / c2_max_i64(1, each))
        return c2_fail(err, CAT2_ELIMIT, "a sequence of too many values");
    if (!c2_buf_resize(out, (size_t)(n * each), err)) return false;
    return bound.nitems == 0 || c2_select_items(c2_crew_codec(p->ex->crew), &from, &bound, out->p, err);
}

/* As many rows as are no burden to memory; one at least. */
static int64_t fit(const struct parts *p, const struct c2_buf *offsets, int64_t n)
{
    uint64_t first = c2_le64(offsets->p), most = (uint64_t)(BYTES_AT_ONCE / c2_max_i64(1, p->each));

    while (n > p->row && c2_le64(offsets->p + 8 * n) - first > most) /* not checked yet: unsigned */
        n = c2_max_i64(1, n / p->row / 2) * p->row;
    return n;
}

static bool put_some(struct parts *p, int64_t at, int64_t *n, struct cat2_error *err)
{
    C2_AUTO(c2_buf) offsets = C2_BUF_INIT(C2_CHUNK_NBYTES_MAX), values = C2_BUF_INIT(C2_CHUNK_NBYTES_MAX);

    if (!read_range(p, &p->offsets, at, *n + 1, 8, &offsets, err)) return false;
    *n = fit(p, &offsets, *n);
    int64_t first = (int64_t)c2_le64(offsets.p), last = (int64_t)c2_le64(offsets.p + 8 * *n);
    if (first < 0 || last < first || last > p->nvalues) return unlike(err);
    if (!read_range(p, &p->values, first, last - first, p->each, &values, err)) return false;
    if (c2_h5w_put_sequences(p->out, at, *n, offsets.p, last - first, &c2_frame_meta(p->values.frame)->dtype,
                             values.p, err))
        return true;
    p->broken = err->code == CAT2_EIO;
    return false;
}

static bool put_all(struct parts *p, struct cat2_error *err)
{
    int64_t at = 0, n;

    while (at < p->nitems && p->row > 0) {
        if (!c2_convert_goes_on(p->ex->options, err)) return false;
        n = c2_min_i64(p->nitems - at, c2_max_i64(1, ITEMS_AT_ONCE / p->row) * p->row);
        if (!put_some(p, at, &n, err)) return false;
        at += n;
    }
    return true;
}

static bool write_sequences(struct parts *p, const struct c2_h5w_like *like, struct cat2_error *err)
{
    struct c2_exporter *ex = p->ex;
    struct c2_export_telling telling = {ex, p->item};
    struct c2_h5w_teller teller = c2_export_teller(&telling);
    enum c2_h5w_filters filters = (enum c2_h5w_filters)ex->options->filters;
    bool again = p->item->made;

    if (!open_parts(p, like, err) || !c2_h5w_plan(ex->file, like, &p->meta, filters, false, &p->plan, err))
        return false;
    if (again ? !c2_h5w_dataset_again(ex->file, p->item->target, &p->meta, like, &p->plan, &p->out, err)
              : !c2_h5w_dataset_like(ex->file, p->item->target, &p->meta, like, &p->plan, filters, &teller,
                                     &p->out, err))
        return false;
    p->item->made = true;
    p->item->items_wait = p->plan.later && !again;
    return ex->options->dry_run || p->item->items_wait || put_all(p, err);
}

bool c2_export_sequences(struct c2_exporter *ex, struct c2_export_item *item, const struct c2_h5w_like *like,
                         struct cat2_error *err)
{
    __attribute__((cleanup(parts_auto))) struct parts p = {.ex = ex, .item = item};
    struct cat2_error ignored;
    bool again = item->made;

    if (write_sequences(&p, like, err)) {
        ex->counts->datasets += !again;
        if (ex->options->dry_run && !again) c2_export_note(ex, C2_NOTE_LISTED, item->target, item->source);
        return true;
    }
    if (p.broken || err->code == CAT2_ECANCELLED || err->code == CAT2_ENOMEM)
        return c2_fail_within(err, "%.100s", item->source);
    c2_h5w_dataset_close(p.out);
    p.out = NULL;
    if (item->made) c2_h5w_remove(ex->file, item->target, &ignored);
    ex->counts->datasets -= again;
    item->made = item->items_wait = false;
    c2_export_note(ex, C2_NOTE_SKIPPED, item->source, err->message);
    return true;
}
