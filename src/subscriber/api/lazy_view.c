/* SPDX-License-Identifier: BSD-3-Clause */
/* /api/fetch of a saved expression: what its operands have is brought into the cache and held, one operand
 * after the other; then the expression is evaluated from there, a box at a time. */
#include <stdlib.h>

#include "expr/expr.h"
#include "subscriber/api/fetch_kinds.h"
#include "subscriber/api/lazy.h"

struct operand {
    struct c2_ds *ds;
    int64_t lo[C2_DIM_MAX], hi[C2_DIM_MAX]; /* of what is needed; lo > hi: nothing */
    bool needed;
    struct c2_bound bound; /* the same */
    struct c2_hold hold;
    struct c2_cachefile *cf; /* held; NULL not yet */
};
struct evaluating {
    struct c2_expr *expr;
    int node;
    struct operand *operands; /* C2_LAZY_OPERANDS_MAX */
    int noperands;
    struct c2_bound bound; /* of the result */
};
/* For the evaluator. */
struct reader {
    struct c2_view *view;
    struct c2_codec *codec;
};

/* ---- which operands there are ---- */

static bool add_operand(void *ctx, struct c2_ds *ds, int *id, struct cat2_error *err)
{
    struct evaluating *e = ctx;

    for (*id = 0; *id < e->noperands; (*id)++)
        if (e->operands[*id].ds == ds) return true;
    if (e->noperands == C2_LAZY_OPERANDS_MAX)
        return c2_fail(err, CAT2_ELIMIT, "an expression has up to %d operands", C2_LAZY_OPERANDS_MAX);
    e->operands[e->noperands++].ds = c2_ds_ref(ds);
    return true;
}

/* One box around all that is needed of it. */
static void need(void *ctx, int id, const struct c2_bound *bound)
{
    struct evaluating *e = ctx;
    struct operand *o = &e->operands[id];
    int64_t lo[C2_DIM_MAX], hi[C2_DIM_MAX];

    c2_bound_box(bound, lo, hi);
    for (int i = 0; i < bound->ndim; i++) {
        o->lo[i] = o->needed ? c2_min_i64(o->lo[i], lo[i]) : lo[i];
        o->hi[i] = o->needed ? c2_max_i64(o->hi[i], hi[i]) : hi[i];
    }
    o->needed = true;
}

static bool bind_operand(struct operand *o, struct cat2_error *err)
{
    const struct c2_grid *grid = &o->ds->meta->grid;
    struct c2_slice all = {0};

    if (!c2_slice_bind(&all, grid->shape, grid->ndim, &o->bound, err)) return false;
    for (int i = 0; o->needed && i < grid->ndim; i++)
        o->bound = c2_bound_part(&o->bound, i, o->lo[i], o->hi[i] - o->lo[i]);
    o->hold = (struct c2_hold){.kind = C2_HOLD_BOUND, .bound = &o->bound};
    return c2_codec_supports(&o->ds->meta->cparams, err);
}

/* ---- the request ---- */

/* What was saved with it is what info tells. */
static bool is_as_saved(const struct c2_view *view, struct cat2_error *err)
{
    const struct evaluating *e = view->state;
    const struct c2_meta *meta = view->ds->meta;
    struct c2_expr_type type = c2_expr_type(e->expr, e->node);
    bool same = type.ndim == meta->grid.ndim;

    for (int i = 0; same && i < type.ndim; i++)
        same = type.shape[i] == meta->grid.shape[i];
    if (!same)
        return c2_fail(err, CAT2_EINVAL,
                       "by its operands of now the expression has another shape than what was saved says");
    if (type.kind == 'b' && meta->dtype.kind != 'b')
        return c2_fail(err, CAT2_EUNSUPPORTED,
                       "a condition was saved, and neither of the values between which it chooses");
    return true;
}

static bool plan(struct c2_view *view, struct cat2_error *err)
{
    struct evaluating *e = view->state;
    int64_t cost = 0, work = 0;

    c2_expr_needs(e->expr, e->node, e->bound.axes, need, e);
    for (int i = 0; i < e->noperands; i++) {
        struct operand *o = &e->operands[i];
        if (!bind_operand(o, err)) return c2_fail_within(err, "%.200s", o->ds->path);
        if (o->needed && !c2_add_i64(cost, c2_grid_cost(&o->ds->meta->grid, &o->bound), &cost))
            cost = INT64_MAX;
    }
    bool fits = c2_mul_i64(c2_expr_work(e->expr, e->node, e->bound.nitems), sizeof(double), &work) &&
                c2_add_i64(work, cost, &work);
    view->work = fits ? work : INT64_MAX;
    view->nparts = c2_max_i64(1, e->noperands);
    return true;
}

static bool lazy_parse(struct c2_view *view, struct cat2_error *err)
{
    const struct c2_meta *meta = view->ds->meta;
    struct evaluating *e = view->state;
    struct c2_lazy_operands operands = {add_operand, e};
    struct c2_slice slice;

    e->expr = c2_expr_new();
    e->operands = calloc(C2_LAZY_OPERANDS_MAX, sizeof(*e->operands));
    if (!e->expr || !e->operands) return c2_fail_nomem(err, "expression");
    if (!c2_fetch_goes_with(view, "an expression", "slice", err) ||
        !c2_lazy_parse(view->ds, e->expr, &operands, &e->node, err) || !is_as_saved(view, err) ||
        !c2_slice_parse(c2_view_slice_text(view->req), &slice, err) ||
        !c2_slice_bind(&slice, meta->grid.shape, meta->grid.ndim, &e->bound, err) || !plan(view, err))
        return false;
    view->weight = 4;
    view->content_type = "application/octet-stream";
    c2_buf_init(&view->out, (size_t)C2_CHUNK_CBYTES_MAX);
    return true;
}

/* ---- a part for each operand ---- */

static struct c2_ds *lazy_of(struct c2_view *view, int64_t i)
{
    const struct evaluating *e = view->state;

    return e->noperands ? e->operands[i].ds : view->ds;
}

static bool lazy_bound(struct c2_view *view, int64_t i, struct c2_bound *out)
{
    const struct evaluating *e = view->state;

    if (!e->noperands || !e->operands[i].needed) return false;
    *out = e->operands[i].bound;
    return out->nitems > 0;
}

static bool read_operand(void *ctx, int id, const struct c2_bound *bound, struct c2_buf *out,
                         struct cat2_error *err)
{
    const struct reader *reader = ctx;
    const struct evaluating *e = reader->view->state;
    const struct operand *o = &e->operands[id];
    struct c2_selectable source = {c2_cachefile_meta(o->cf), c2_cachefile_chunks(o->cf)};

    return c2_buf_resize(out, (size_t)(bound->nitems * source.meta->dtype.itemsize), err) &&
           (out->n == 0 || c2_select_items(reader->codec, &source, bound, out->p, err));
}

static bool read_result(void *ctx, struct c2_codec *codec, const int64_t *first, const int64_t *count,
                        uint8_t *items, struct cat2_error *err)
{
    struct c2_view *view = ctx;
    const struct evaluating *e = view->state;
    struct c2_axis_sel axes[C2_DIM_MAX];
    struct reader reader = {view, codec};
    struct c2_expr_source source = {read_operand, &reader};

    for (int i = 0, at = 0; i < e->bound.ndim; i++) {
        axes[i] = e->bound.axes[i];
        if (axes[i].dropped) continue;
        axes[i].start += first[at] * axes[i].step;
        axes[i].count = count[at++];
    }
    return c2_expr_eval(e->expr, e->node, &source, axes, &view->ds->meta->dtype, items, err);
}

static bool lazy_run(struct c2_view *view, const struct c2_reading *reading, int64_t i, struct c2_buf *out,
                     struct cat2_error *err)
{
    const struct c2_dtype *dtype = &view->ds->meta->dtype;
    struct evaluating *e = view->state;
    struct c2_made made = {.kind = C2_KIND_ARRAY,
                           .dtype = dtype,
                           .typesize = (int32_t)dtype->itemsize,
                           .ndim = e->bound.out_ndim,
                           .read = read_result,
                           .ctx = view};

    if (e->noperands && !e->operands[i].cf) {
        e->operands[i].cf = c2_cachefile_ref(reading->cf);
        c2_cachefile_hold(reading->cf, &e->operands[i].hold);
    }
    if (i + 1 < view->nparts) return true;
    memcpy(made.shape, e->bound.out_shape, sizeof(made.shape));
    return c2_made_put(view, reading, &made, out, err);
}

static void lazy_fini(void *state)
{
    struct evaluating *e = state;

    for (int i = 0; i < e->noperands; i++) {
        struct operand *o = &e->operands[i];
        if (o->cf) c2_cachefile_release(o->cf, &o->hold);
        if (o->cf) c2_cachefile_unref(o->cf);
        c2_ds_unref(o->ds);
    }
    free(e->operands);
    c2_expr_free(e->expr);
}

const struct c2_view_type c2_lazy_view = {.state_nbytes = sizeof(struct evaluating),
                                          .parse = lazy_parse,
                                          .of = lazy_of,
                                          .bound = lazy_bound,
                                          .run = lazy_run,
                                          .heads = c2_made_heads,
                                          .fini = lazy_fini,
                                          .sums = true,
                                          .of_now = true,
                                          .in_line = true};
