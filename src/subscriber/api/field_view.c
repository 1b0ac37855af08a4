/* SPDX-License-Identifier: BSD-3-Clause */
/* /api/fetch with field: one field of the items of a slice, as an array of its type. The axes of a field that
 * is an array follow those of the slice. */
#include "subscriber/api/api.h"
#include "subscriber/api/fetch_kinds.h"

#define PART_NBYTES (4 << 20) /* of whole items, of which the field is taken */

struct taking {
    struct c2_bound bound; /* of the items */
    const struct c2_field *field;
    int64_t offset, itemsize; /* of the field, of an item */
    int ndim;                 /* of the result */
    int64_t shape[C2_DIM_MAX];
};
struct source {
    const struct taking *t;
    const struct c2_reading *reading;
};

static bool lay_out(struct taking *t, struct cat2_error *err)
{
    int before = t->bound.out_ndim;

    t->ndim = before + t->field->ndim;
    if (t->ndim > C2_DIM_MAX)
        return c2_fail(err, CAT2_EINVAL, "field: the result has more than %d axes", C2_DIM_MAX);
    for (int i = 0; i < t->ndim; i++)
        t->shape[i] = i < before ? t->bound.out_shape[i] : t->field->shape[i - before];
    return true;
}

static bool field_parse(struct c2_view *view, struct cat2_error *err)
{
    struct c2_str name = c2_view_query(view->req, "field");
    const struct c2_dtype *dtype = &view->ds->meta->dtype;
    struct taking *t = view->state;

    if (!c2_fetch_goes_with(view, "field", "slice", err)) return false;
    if (view->ds->meta->kind == C2_KIND_ARRAY && dtype->nfields)
        t->field = c2_dtype_field(dtype, name, &t->offset);
    if (!t->field)
        return c2_fail(err, CAT2_EINVAL, "field: there is no '%.*s'", (int)c2_min_i64(100, (int64_t)name.n),
                       name.p);
    if (t->field->type.itemsize == 0)
        return c2_fail(err, CAT2_EINVAL, "field: '%.*s' has items of no bytes", C2_STR_ARG(name));
    t->itemsize = dtype->itemsize;
    if (!c2_view_slice(view, &t->bound, err) || !lay_out(t, err)) return false;
    c2_view_select(view, &t->bound, 0);
    view->weight = 4;
    view->content_type = "application/octet-stream";
    c2_buf_init(&view->out, (size_t)C2_CHUNK_CBYTES_MAX);
    return true;
}

/* The items of a box of the result: its axes beyond theirs are within the field. */
static struct c2_bound items_of(const struct taking *t, const int64_t *first, const int64_t *count)
{
    struct c2_bound part = t->bound;

    for (int axis = 0, at = 0; axis < part.ndim; axis++) {
        if (part.axes[axis].dropped) continue;
        part = c2_bound_part(&part, axis, first[at], count[at]);
        at++;
    }
    return part;
}

/* Of n items the box of the field's own axes. */
static void take(const struct taking *t, const int64_t *first, const int64_t *count, const uint8_t *items,
                 int64_t n, uint8_t *to)
{
    struct c2_stride axes[C2_DIM_MAX + 1];
    int64_t size = t->field->type.itemsize, from = size, out = size;
    int own = t->field->ndim;

    items += t->offset;
    for (int i = own - 1; i >= 0; i--) {
        axes[i + 1] = (struct c2_stride){count[i], from, out};
        items += first[i] * from;
        from *= t->field->shape[i];
        out *= count[i];
    }
    axes[0] = (struct c2_stride){n, t->itemsize, out};
    c2_grid_copy(axes, own + 1, (size_t)size, items, to);
}

static bool read_field(void *ctx, struct c2_codec *codec, const int64_t *first, const int64_t *count,
                       uint8_t *to, struct cat2_error *err)
{
    const struct source *s = ctx;
    int before = s->t->bound.out_ndim;
    C2_AUTO(c2_buf) items = C2_BUF_INIT((size_t)C2_CHUNK_CBYTES_MAX);
    struct c2_bound all = items_of(s->t, first, count);
    struct c2_select_parts parts;
    int64_t each = s->t->field->type.itemsize; /* bytes of the box that an item has */

    (void)codec;
    for (int i = 0; i < s->t->field->ndim; i++)
        each *= count[before + i];
    c2_select_plan(s->reading->source.meta, &all, PART_NBYTES, &parts);
    for (int64_t i = 0; i < parts.nparts; i++) {
        struct c2_bound part = c2_select_part(&parts, i);
        c2_buf_clear(&items);
        if (!c2_read_items(s->reading, &part, &items, err)) return false;
        take(s->t, first + before, count + before, items.p, part.nitems, to);
        to += part.nitems * each;
    }
    return true;
}

static bool field_run(struct c2_view *view, const struct c2_reading *reading, int64_t i, struct c2_buf *out,
                      struct cat2_error *err)
{
    const struct taking *t = view->state;
    struct source source = {t, reading};
    struct c2_made made = {.kind = C2_KIND_ARRAY,
                           .dtype = &t->field->type,
                           .typesize = (int32_t)t->field->type.itemsize,
                           .ndim = t->ndim,
                           .read = read_field,
                           .ctx = &source};

    (void)i;
    memcpy(made.shape, t->shape, sizeof(made.shape));
    return c2_made_put(view, reading, &made, out, err);
}

const struct c2_view_type c2_field_view = {
    .state_nbytes = sizeof(struct taking), .parse = field_parse, .run = field_run, .heads = c2_made_heads};
