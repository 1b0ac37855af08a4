/* SPDX-License-Identifier: BSD-3-Clause */
/* From entries to points. */
#include "ndim/pick.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/vec.h"

/* The integers of an entry, as an array. */
struct list {
    C2_VEC(int64_t);
    int ndim;
    int64_t shape[C2_DIM_MAX];
};
struct entries {
    struct list lists[C2_DIM_MAX]; /* of the axes with integers or lists */
    bool is_list[C2_DIM_MAX];      /* an integer is none */
    bool is_picked[C2_DIM_MAX];
    size_t ncoordinates;
};

static void entries_fini(struct entries *e)
{
    for (int axis = 0; axis < C2_DIM_MAX; axis++)
        c2_vec_fini(&e->lists[axis]);
}
C2_DEFINE_AUTO(entries);

/* ---- entries ---- */

static bool bad(struct cat2_error *err, int axis, const char *what)
{
    return c2_fail(err, CAT2_EINVAL, "indices: axis %d: %s", axis, what);
}

static bool add_index(struct entries *e, int axis, int64_t index, int64_t n, struct cat2_error *err)
{
    int64_t at = index < 0 ? index + n : index;

    if (at < 0 || at >= n)
        return c2_fail(err, CAT2_EINVAL,
                       "indices: index %" PRId64 " is out of bounds for axis %d with size %" PRId64, index,
                       axis, n);
    if (++e->ncoordinates > C2_PICK_MAX)
        return c2_fail(err, CAT2_EINVAL, "indices: more than %d coordinates: ask for them in batches",
                       C2_PICK_MAX);
    return c2_vec_push(&e->lists[axis], C2_PICK_MAX, "coordinates", err, at);
}

/* A list of booleans: where they are true. */
static bool add_mask(struct entries *e, int axis, struct c2_jval mask, int64_t n, struct cat2_error *err)
{
    struct c2_jiter it = c2_jiter_of(mask);
    struct c2_jval value;
    struct c2_str key;
    int64_t at = 0;
    bool set;

    if ((int64_t)c2_jlen(mask) != n)
        return c2_fail(err, CAT2_EINVAL, "indices: axis %d: a mask of %zu for a size of %" PRId64, axis,
                       c2_jlen(mask), n);
    for (; c2_jnext(&it, &key, &value); at++) {
        if (!c2_jbool(value, &set)) return bad(err, axis, "a list may hold only integers, or only booleans");
        if (set && !add_index(e, axis, at, n, err)) return false;
    }
    e->lists[axis].ndim = 1;
    e->lists[axis].shape[0] = (int64_t)e->lists[axis].n;
    return true;
}

/* Lists in lists are an array, which has as many everywhere. */
static bool add_list(struct entries *e, int axis, struct c2_jval list, int depth, int64_t n,
                     struct cat2_error *err)
{
    struct list *to = &e->lists[axis];
    struct c2_jiter it = c2_jiter_of(list);
    struct c2_jval value;
    struct c2_str key;
    int64_t index;

    if (depth == C2_DIM_MAX) return bad(err, axis, "lists are nested too deep");
    if (depth == to->ndim && to->n == 0) { /* the first of this depth */
        to->shape[depth] = (int64_t)c2_jlen(list);
        to->ndim = depth + 1;
    }
    if (depth >= to->ndim || to->shape[depth] != (int64_t)c2_jlen(list))
        return bad(err, axis, "lists in a list must be of one length");
    while (c2_jnext(&it, &key, &value)) {
        if (c2_jval_kind(value) == C2_JARRAY) {
            if (!add_list(e, axis, value, depth + 1, n, err)) return false;
            continue;
        }
        if (!c2_jint(value, &index)) return bad(err, axis, "a list may hold only integers, or only booleans");
        if (depth + 1 != to->ndim) return bad(err, axis, "lists in a list must be of one length");
        if (!add_index(e, axis, index, n, err)) return false;
    }
    return true;
}

/* An integer as text is that integer. */
static bool add_text(struct entries *e, int axis, struct c2_str text, int64_t n, struct c2_axis_sel *out,
                     struct cat2_error *err)
{
    struct c2_slice slice;
    struct c2_bound bound;

    if (!c2_slice_parse(text, &slice, err)) return c2_fail_within(err, "indices: axis %d", axis);
    if (slice.nsels == 1 && slice.sels[0].kind == C2_SEL_INDEX) {
        e->is_picked[axis] = true;
        return add_index(e, axis, slice.sels[0].start, n, err);
    }
    if (slice.nsels != 1 || slice.sels[0].kind != C2_SEL_RANGE)
        return bad(err, axis, "a text is no slice, as \"2:5\" or \"::2\" is");
    if (!c2_slice_bind(&slice, &n, 1, &bound, err)) return false;
    *out = bound.axes[0];
    return true;
}

static bool add_entry(struct entries *e, int axis, struct c2_jval entry, int64_t n, struct c2_axis_sel *slice,
                      struct cat2_error *err)
{
    struct c2_str text;
    int64_t index;

    switch (c2_jval_kind(entry)) {
    case C2_JNULL:
        *slice = (struct c2_axis_sel){0, 1, n, false};
        return true;
    case C2_JSTR:
        return c2_jstr(entry, &text) && add_text(e, axis, text, n, slice, err);
    case C2_JARRAY:
        e->is_picked[axis] = e->is_list[axis] = true;
        return c2_jval_kind(c2_jat(entry, 0)) == C2_JBOOL ? add_mask(e, axis, entry, n, err)
                                                          : add_list(e, axis, entry, 0, n, err);
    default:
        e->is_picked[axis] = true;
        if (c2_jint(entry, &index)) return add_index(e, axis, index, n, err);
        return bad(err, axis, "not an integer, a list of integers or booleans, a slice or null");
    }
}

/* ---- points ---- */

/* Broadcast the lists to one shape: each axis is as long in all, or 1. */
static bool broadcast(const struct entries *e, int ndim, struct c2_pick *out, int64_t *points,
                      struct cat2_error *err)
{
    for (int axis = 0; axis < ndim; axis++)
        if (e->lists[axis].ndim > out->points_ndim) out->points_ndim = e->lists[axis].ndim;
    for (int i = 0; i < out->points_ndim; i++)
        points[i] = 1;
    for (int axis = 0; axis < ndim; axis++) {
        const struct list *list = &e->lists[axis];
        for (int i = 0; i < list->ndim; i++) {
            int64_t *n = &points[out->points_ndim - list->ndim + i];
            if (list->shape[i] == 1 || list->shape[i] == *n) continue;
            if (*n != 1) return bad(err, axis, "the lists are of lengths that do not broadcast");
            *n = list->shape[i];
        }
    }
    out->npoints = 1;
    for (int i = 0; i < out->points_ndim; i++)
        if (!c2_mul_i64(out->npoints, points[i], &out->npoints)) return bad(err, 0, "too many points");
    if (out->npoints > C2_PICK_MAX)
        return c2_fail(err, CAT2_EINVAL,
                       "indices: more than %d coordinates, broadcast: ask for them in batches", C2_PICK_MAX);
    return true;
}

/* The item of a list that a point has. */
static int64_t item_of(const struct list *list, const struct c2_pick *pick, const int64_t *points, int64_t i)
{
    int64_t at = 0, stride = 1;

    C2_ASSERT(list->p);
    for (int k = pick->points_ndim - 1; k >= 0; k--) {
        int64_t n = points[k];
        C2_ASSERT(n > 0); /* there is a point */
        int64_t coordinate = i % n;
        int own = k - (pick->points_ndim - list->ndim);
        i /= n;
        if (own < 0) continue;
        if (list->shape[own] != 1) at += coordinate * stride;
        stride *= list->shape[own];
    }
    return list->p[at];
}

static bool make_points(const struct entries *e, const int64_t *points, struct c2_pick *out,
                        struct cat2_error *err)
{
    out->at = malloc(((size_t)out->npoints * (size_t)out->npicked + 1) * sizeof(*out->at));
    if (!out->at) return c2_fail_nomem(err, "indices");
    for (int k = 0; k < out->npicked; k++) {
        const struct list *list = &e->lists[out->picked[k]];
        struct c2_axis_sel *hull = &out->bound.axes[out->picked[k]];
        int64_t low = INT64_MAX, high = -1;
        for (int64_t i = 0; i < out->npoints; i++) {
            int64_t at = item_of(list, out, points, i);
            out->at[i * out->npicked + k] = at;
            low = c2_min_i64(low, at);
            high = c2_max_i64(high, at);
        }
        *hull = high < 0 ? (struct c2_axis_sel){0, 1, 0, false}
                         : (struct c2_axis_sel){low, 1, high - low + 1, false};
    }
    return true;
}

/* ---- the result ---- */

/* Where the points' axes stand: where the picked ones stood, or first. */
static int place_of(const struct c2_pick *pick)
{
    for (int k = 1; k < pick->npicked; k++)
        if (pick->picked[k] != pick->picked[k - 1] + 1) return 0;
    return pick->npicked && pick->points_ndim ? pick->picked[0] : 0;
}

static bool lay_out(struct c2_pick *out, const int64_t *points, struct cat2_error *err)
{
    int ndim = out->bound.ndim, n = 0;
    bool empty = false;

    if (ndim - out->npicked + out->points_ndim > C2_DIM_MAX)
        return c2_fail(err, CAT2_EINVAL, "indices: the result has more than %d axes", C2_DIM_MAX);
    out->points_axis = place_of(out);
    for (int axis = 0, k = 0; axis <= ndim; axis++) {
        if (n == out->points_axis)
            for (int i = 0; i < out->points_ndim; i++)
                out->out_shape[n++] = points[i];
        if (axis == ndim) break;
        if (k < out->npicked && out->picked[k] == axis)
            k++;
        else
            out->out_shape[n++] = out->bound.axes[axis].count;
    }
    out->out_ndim = n;
    out->nitems = 1;
    for (int i = 0; i < n; i++)
        empty |= out->out_shape[i] == 0;
    for (int i = 0; !empty && i < n; i++)
        if (!c2_mul_i64(out->nitems, out->out_shape[i], &out->nitems))
            return c2_fail(err, CAT2_ELIMIT, "indices: more items than 64 bits count");
    if (empty) out->nitems = 0;
    return true;
}

static bool finish(const struct entries *e, int ndim, struct c2_pick *out, struct cat2_error *err)
{
    int64_t points[C2_DIM_MAX] = {0};

    for (int axis = 0; axis < ndim; axis++)
        if (e->is_picked[axis]) out->picked[out->npicked++] = axis;
    return broadcast(e, ndim, out, points, err) && make_points(e, points, out, err) &&
           lay_out(out, points, err);
}

bool c2_pick_parse(struct c2_jval entries, const int64_t *shape, int ndim, struct c2_pick *out,
                   struct cat2_error *err)
{
    C2_AUTO(entries) e = {0};
    struct c2_jiter it = c2_jiter_of(entries);
    struct c2_jval entry;
    struct c2_str key;
    int axis = 0;

    *out = (struct c2_pick){.bound = {.ndim = ndim}};
    if (c2_jval_kind(entries) != C2_JARRAY)
        return c2_fail(err, CAT2_EINVAL, "indices: a JSON list is expected, with an entry for each axis");
    if ((int64_t)c2_jlen(entries) > ndim)
        return c2_fail(err, CAT2_EINVAL, "indices: %zu entries for an array of %d dimension%s",
                       c2_jlen(entries), ndim, ndim == 1 ? "" : "s");
    for (; c2_jnext(&it, &key, &entry); axis++)
        if (!add_entry(&e, axis, entry, shape[axis], &out->bound.axes[axis], err)) return false;
    for (; axis < ndim; axis++)
        out->bound.axes[axis] = (struct c2_axis_sel){0, 1, shape[axis], false};
    if (finish(&e, ndim, out, err)) return true;
    c2_pick_fini(out);
    return false;
}

/* The coordinates of one item; what holds it and those before it. */
static void place_flat(struct c2_pick *pick, int64_t point, int64_t number, const int64_t *shape)
{
    for (int axis = pick->npicked - 1; axis >= 0; axis--) {
        struct c2_axis_sel *hull = &pick->bound.axes[axis];
        int64_t at = number % shape[axis];
        int64_t low = point ? c2_min_i64(hull->start, at) : at;
        int64_t high = point ? c2_max_i64(hull->start + hull->count - 1, at) : at;
        number /= shape[axis];
        pick->at[point * pick->npicked + axis] = at;
        *hull = (struct c2_axis_sel){low, 1, high - low + 1, false};
    }
}

bool c2_pick_flat(const uint32_t *numbers, int64_t n, bool alone, const int64_t *shape, int ndim,
                  struct c2_pick *out, struct cat2_error *err)
{
    *out = (struct c2_pick){
        .bound = {.ndim = ndim}, .npicked = ndim, .npoints = n, .points_ndim = alone ? 0 : 1};
    out->at = malloc(((size_t)n * (size_t)ndim + 1) * sizeof(*out->at));
    if (!out->at) return c2_fail_nomem(err, "rows");
    for (int axis = 0; axis < ndim; axis++) {
        out->picked[axis] = axis;
        out->bound.axes[axis] = (struct c2_axis_sel){0, 1, 0, false};
    }
    for (int64_t i = 0; i < n; i++)
        place_flat(out, i, numbers[i], shape);
    return lay_out(out, &n, err);
}

void c2_pick_fini(struct c2_pick *pick)
{
    free(pick->at);
    pick->at = NULL;
}
