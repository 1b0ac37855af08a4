/* SPDX-License-Identifier: BSD-3-Clause */
/* GET /api/chunk: one chunk as it is stored, for readers that keep chunks themselves. */
#include <inttypes.h>

#include "subscriber/api/api.h"
#include "subscriber/api/fetch_kinds.h"

struct chunk {
    int64_t nchunk;
    struct c2_bound items; /* of it */
};

static bool chunk_parse(struct c2_view *view, struct cat2_error *err)
{
    const struct c2_meta *meta = view->ds->meta;
    const struct c2_grid *grid = &meta->grid;
    struct chunk *c = view->state;
    int64_t at[C2_DIM_MAX];
    bool found;

    if (c2_ctable_asked(view->req, view->ds))
        return c2_fail(err, CAT2_EINVAL,
                       "a table (CTable) is a set of columns and has no chunks of its own; its rows are "
                       "fetched with slice_");
    if (!c2_request_query_int(view->req, "nchunk", &found, &c->nchunk, err)) return false;
    if (!found) {
        c2_fail(err, CAT2_EINVAL, "nchunk is missing: the number of the chunk, from 0");
        return c2_request_fault(view->req, "missing", "nchunk", err);
    }
    if (c->nchunk < 0 || c->nchunk >= meta->nchunks)
        return c2_fail(err, CAT2_ENOTFOUND, "there is no chunk %" PRId64 ": it has %" PRId64, c->nchunk,
                       meta->nchunks);
    c->items = (struct c2_bound){.ndim = grid->ndim, .out_ndim = grid->ndim, .nitems = 1};
    c2_grid_chunk_at(grid, c->nchunk, at);
    for (int i = 0; i < grid->ndim; i++) {
        int64_t first = at[i] * grid->chunks[i], n = c2_min_i64(grid->chunks[i], grid->shape[i] - first);
        c->items.axes[i] = (struct c2_axis_sel){first, 1, n, false};
        c->items.out_shape[i] = n;
        c->items.nitems *= n;
    }
    c2_view_select(view, &c->items, 0);
    view->cost = meta->chunksize;
    view->content_type = "application/octet-stream";
    c2_buf_init(&view->out, (size_t)C2_CHUNK_CBYTES_MAX);
    return true;
}

static bool chunk_run(struct c2_view *view, const struct c2_reading *reading, int64_t i, struct c2_buf *out,
                      struct cat2_error *err)
{
    const struct chunk *c = view->state;
    bool partial;

    (void)i;
    if (!c2_select_stored(&reading->source, c->nchunk, &partial, out, err)) return false;
    return !partial || c2_read_whole(reading, c->nchunk, err);
}

const struct c2_view_type c2_chunk_view = {
    .state_nbytes = sizeof(struct chunk), .parse = chunk_parse, .run = chunk_run};
