/* SPDX-License-Identifier: BSD-3-Clause */
/* GET and POST /api/fetch with indices: items at coordinates, as NumPy picks them. */
#include "subscriber/api/api.h"
#include "subscriber/api/fetch_kinds.h"

#define TEXT_MAX                                                                                             \
    (8 << 20) /* of a million coordinates, of eight bytes each; and of no more of anything else */
#define FEW_NBYTES (64 << 10) /* of text: parsed on the loop, in less than a millisecond */

struct picking {
    struct c2_pick pick;
    struct c2_pick_plan plan;
    bool planned;
};

/* ---- what these views have in common ---- */

bool c2_fetch_goes_with(const struct c2_view *view, const char *name, const char *allowed,
                        struct cat2_error *err)
{
    static const char *const NAMES[] = {"slice_",        "at",   "indices", "field", "filter",
                                        "prefer_schunk", "rows", "sort",    "where", "fields"};
    struct c2_str format = c2_view_query(view->req, "format");

    for (size_t i = 0; i < C2_ARRAY_LEN(NAMES); i++) {
        bool same = strcmp(NAMES[i], name) == 0 || strcmp(i < 2 ? "slice" : NAMES[i], allowed) == 0;
        if (!same && c2_view_query(view->req, NAMES[i]).n)
            return c2_fail(err, CAT2_EINVAL, "%s cannot be combined with %s", name, NAMES[i]);
    }
    return format.n == 0 || c2_str_is(format, "b2nd") ||
           c2_fail(err, CAT2_EINVAL, "%s goes with format=b2nd only", name);
}

bool c2_made_heads(struct c2_view *view, struct cat2_error *err)
{
    return c2_view_head(view, err, "Accept-Ranges", "none") && c2_view_download(view, "b2nd", err);
}

bool c2_made_put(struct c2_view *view, const struct c2_reading *reading, const struct c2_made *made,
                 struct c2_buf *out, struct cat2_error *err)
{
    int64_t nbytes = made->typesize;

    for (int i = 0; i < made->ndim; i++)
        if (!c2_mul_i64(nbytes, made->shape[i], &nbytes))
            return c2_fail(err, CAT2_ELIMIT, "the selection is too large");
    return c2_view_spool(view, nbytes, err) && c2_select_made(reading->codec, made, view->spool, out, err);
}

bool c2_picked_put(struct c2_view *view, const struct c2_reading *reading, const struct c2_pick *pick,
                   struct c2_buf *out, struct cat2_error *err)
{
    struct c2_picking picking = {reading->source, pick};
    struct c2_made made = {.kind = C2_KIND_ARRAY,
                           .dtype = &view->ds->meta->dtype,
                           .typesize = view->ds->meta->cparams.typesize,
                           .ndim = pick->out_ndim,
                           .read = c2_select_picked,
                           .ctx = &picking};

    memcpy(made.shape, pick->out_shape, sizeof(made.shape));
    return c2_made_put(view, reading, &made, out, err);
}

bool c2_picked_bound(const struct c2_pick *pick, struct c2_bound *out)
{
    *out = pick->bound;
    out->nitems = pick->nitems;
    return pick->nitems > 0;
}

/* ---- coordinates ---- */

static struct c2_str text_of(const struct c2_view *view)
{
    struct c2_str text = c2_view_query(view->req, "indices");

    return c2_str_is(text, C2_FETCH_IN_BODY) ? c2_fetch_body(view->req) : text;
}

/* Of a body, there is room for more than for its coordinates. */
static bool is_short(struct c2_str text, struct cat2_error *err)
{
    return text.n <= TEXT_MAX ||
           c2_fail(err, CAT2_EINVAL, "indices: %zu characters, where at most %d are read", text.n, TEXT_MAX);
}

static bool parse_json(struct c2_str text, struct c2_json **out, struct cat2_error *err)
{
    if (c2_json_parse(text, out, err)) return true;
    if (err->code == CAT2_EDATA) err->code = CAT2_EINVAL;
    return c2_fail_within(err, "indices: not JSON");
}

/* In a body they are a member, a list or the text of one. */
static bool parse_text(struct c2_view *view, struct cat2_error *err)
{
    const struct c2_grid *grid = &view->ds->meta->grid;
    C2_AUTO_PTR(c2_json) *json = NULL, *inner = NULL;
    struct picking *p = view->state;
    struct c2_str text;

    if (!is_short(text_of(view), err) || !parse_json(text_of(view), &json, err)) return false;
    struct c2_jval entries = c2_json_root(json);
    if (c2_jval_kind(entries) == C2_JOBJECT &&
        c2_str_is(c2_view_query(view->req, "indices"), C2_FETCH_IN_BODY))
        entries = c2_jget(entries, "indices");
    if (c2_jstr(entries, &text)) {
        if (!is_short(text, err) || !parse_json(text, &inner, err)) return false;
        entries = c2_json_root(inner);
    }
    return c2_pick_parse(entries, grid->shape, grid->ndim, &p->pick, err);
}

static bool plan(struct c2_view *view, struct cat2_error *err)
{
    const struct c2_meta *meta = view->ds->meta;
    struct picking *p = view->state;
    int64_t nbytes, work;

    if (!parse_text(view, err) || !c2_select_plan_picks(&meta->grid, &p->pick, &p->plan, err)) return false;
    p->planned = true;
    if (!c2_mul_i64(p->pick.nitems, 4 * meta->dtype.itemsize, &nbytes) ||
        !c2_add_i64(p->plan.work, nbytes, &work))
        work = INT64_MAX;
    view->cost = p->plan.work;
    return c2_view_work_is_allowed(view, c2_max_i64(1, work), err);
}

static bool indices_parse(struct c2_view *view, struct cat2_error *err)
{
    const struct c2_meta *meta = view->ds->meta;

    if (!c2_fetch_goes_with(view, "indices", "", err)) return false;
    if (meta->kind != C2_KIND_ARRAY)
        return c2_fail(err, CAT2_EINVAL, "indices are of arrays: there is nothing to slice here");
    if (!c2_codec_supports(&meta->cparams, err)) return false;
    view->weight = 4; /* frames are compressed */
    view->content_type = "application/octet-stream";
    c2_buf_init(&view->out, (size_t)C2_CHUNK_CBYTES_MAX);
    return text_of(view).n > FEW_NBYTES || plan(view, err);
}

static bool indices_is_heavy(struct c2_view *view)
{
    return text_of(view).n > (1 << 20);
}

static bool indices_size(struct c2_view *view, const struct c2_reading *reading, struct cat2_error *err)
{
    const struct picking *p = view->state;

    (void)reading;
    return p->planned || plan(view, err);
}

static bool indices_bound(struct c2_view *view, int64_t i, struct c2_bound *out)
{
    const struct picking *p = view->state;

    (void)i;
    return c2_picked_bound(&p->pick, out);
}

static const int64_t *indices_blocks(struct c2_view *view, int64_t i, size_t *n)
{
    const struct picking *p = view->state;

    (void)i;
    *n = p->plan.nblocks;
    return p->plan.blocks;
}

static bool indices_run(struct c2_view *view, const struct c2_reading *reading, int64_t i, struct c2_buf *out,
                        struct cat2_error *err)
{
    const struct picking *p = view->state;

    (void)i;
    return c2_picked_put(view, reading, &p->pick, out, err);
}

static void indices_fini(void *state)
{
    struct picking *p = state;

    c2_pick_fini(&p->pick);
    free(p->plan.blocks);
}

const struct c2_view_type c2_indices_view = {.state_nbytes = sizeof(struct picking),
                                             .parse = indices_parse,
                                             .is_heavy = indices_is_heavy,
                                             .size = indices_size,
                                             .bound = indices_bound,
                                             .blocks = indices_blocks,
                                             .run = indices_run,
                                             .heads = c2_made_heads,
                                             .fini = indices_fini};
