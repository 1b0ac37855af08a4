/* SPDX-License-Identifier: BSD-3-Clause */
/* A selection as text. A large array prints as its corners: just those are fetched, a corner a request. */
#include <stdlib.h>

#include "client/internal.h"
#include "ndim/print.h"

struct corners {
    cat2_dataset *dataset;
    struct c2_bound bound;     /* the whole selection */
    int axis_of[C2_DIM_MAX];   /* axis of the dataset of each axis of the result */
    int64_t shape[C2_DIM_MAX]; /* of the edges: at most 6 along a cut axis */
    bool cut[C2_DIM_MAX];
    uint8_t *edges;
};

/* Copy a corner (C order, corner_shape) to its place among the edges. */
static void place_corner(const struct corners *c, const int64_t *at, const int64_t *shape,
                         const uint8_t *items)
{
    int ndim = c->bound.out_ndim;
    int64_t index[C2_DIM_MAX] = {0}, itemsize = c->dataset->meta.dtype.itemsize;
    size_t run = (size_t)(ndim ? shape[ndim - 1] * itemsize : itemsize);

    for (;;) {
        int64_t to = 0;
        for (int i = 0; i < ndim; i++)
            to = to * c->shape[i] + at[i] + index[i];
        memcpy(c->edges + to * itemsize, items, run);
        items += run;
        int i = ndim - 2;
        while (i >= 0 && ++index[i] == shape[i])
            index[i--] = 0;
        if (i < 0) return;
    }
}

/* which: bit i set = the far end of cut axis i. */
static bool fetch_corner(const struct corners *c, uint32_t which, struct cat2_error *err)
{
    struct c2_bound part = c->bound;
    int64_t at[C2_DIM_MAX] = {0}, shape[C2_DIM_MAX];

    for (int i = 0; i < c->bound.out_ndim; i++) {
        int64_t count = c->bound.out_shape[i];
        shape[i] = c->cut[i] ? 3 : count;
        if (!c->cut[i]) continue;
        bool far = which >> i & 1;
        at[i] = far ? 3 : 0;
        part = c2_bound_part(&part, c->axis_of[i], far ? count - 3 : 0, 3);
    }
    size_t nbytes = (size_t)(part.nitems * c->dataset->meta.dtype.itemsize);
    uint8_t *items = malloc(nbytes + 1);
    if (!items) return c2_fail_nomem(err, "corner");
    bool ok = c2_client_fetch(c->dataset, &part, items, err);
    if (ok && nbytes) place_corner(c, at, shape, items);
    free(items);
    return ok;
}

static bool fetch_edges(struct corners *c, struct cat2_error *err)
{
    int64_t nbytes = c->dataset->meta.dtype.itemsize;
    uint32_t mask = 0;
    int n = 0;

    for (int axis = 0; axis < c->bound.ndim; axis++)
        if (!c->bound.axes[axis].dropped) c->axis_of[n++] = axis;
    for (int i = 0; i < n; i++) {
        c->cut[i] = c->bound.out_shape[i] > 6;
        c->shape[i] = c->cut[i] ? 6 : c->bound.out_shape[i];
        mask |= (uint32_t)c->cut[i] << i;
        if (!c2_mul_i64(nbytes, c->shape[i], &nbytes) ||
            nbytes > c->dataset->client->options.reply_nbytes_max)
            return c2_fail(err, CAT2_ELIMIT, "even its edges are too large to show");
    }
    c->edges = malloc((size_t)nbytes + 1);
    if (!c->edges) return c2_fail_nomem(err, "edges");
    uint32_t which = 0;
    do {
        if (!fetch_corner(c, which, err)) return false;
        which = (which - mask) & mask; /* the next subset of mask */
    } while (which);
    return true;
}

static bool show_array(cat2_dataset *dataset, const struct c2_bound *bound, struct c2_buf *out,
                       struct cat2_error *err)
{
    struct corners c = {.dataset = dataset, .bound = *bound};
    int64_t nbytes = 0;
    bool ok;

    if (c2_print_summarised(bound->out_shape, bound->out_ndim)) {
        ok = fetch_edges(&c, err);
    } else {
        ok = c2_mul_i64(bound->nitems, dataset->meta.dtype.itemsize, &nbytes) ||
             c2_fail(err, CAT2_ELIMIT, "too large");
        c.edges = ok ? malloc((size_t)nbytes + 1) : NULL;
        ok = ok && (c.edges || c2_fail_nomem(err, "items")) && c2_client_fetch(dataset, bound, c.edges, err);
    }
    ok = ok && c2_print_array(&dataset->meta.dtype, bound->out_shape, bound->out_ndim, c.edges, out, err);
    free(c.edges);
    return ok;
}

static bool show_bytes(cat2_dataset *dataset, const char *slice, struct c2_buf *out, struct cat2_error *err)
{
    cat2_array *array = NULL;

    if (!cat2_dataset_fetch(dataset, slice, &array, err)) return false;
    struct c2_str text = {(const char *)array->data, (size_t)array->nbytes};
    bool ok = c2_str_is_utf8(text) ? c2_buf_append_str(out, text, err) : c2_buf_puts(out, "Binary data", err);
    cat2_array_free(array);
    return ok;
}

bool cat2_dataset_show(cat2_dataset *dataset, const char *slice, char **text, struct cat2_error *err)
{
    struct cat2_error mine;
    struct c2_bound bound;

    err = c2_err_or(err, &mine);
    C2_AUTO(c2_buf) out = C2_BUF_INIT((size_t)dataset->client->options.reply_nbytes_max);
    if (!c2_client_slice(dataset, slice, &bound, err)) return false;
    bool ok = dataset->meta.kind == C2_KIND_ARRAY ? show_array(dataset, &bound, &out, err)
                                                  : show_bytes(dataset, slice, &out, err);
    char *copy = ok ? c2_str_dup(c2_buf_str(&out)) : NULL;
    if (ok && !copy) return c2_fail_nomem(err, "text");
    if (ok) *text = copy;
    return ok;
}
