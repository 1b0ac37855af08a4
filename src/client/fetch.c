/* SPDX-License-Identifier: BSD-3-Clause */
/* A selection: bound here, asked for as text, decoded here. A modern server applies steps itself; from a
 * Python one of 2024, which ignores them, the covering box is fetched and stepped through locally. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/limits.h"
#include "client/internal.h"
#include "data/frame.h"
#include "data/guard.h"
#include "data/select.h"

#define SMALL_NBYTES 8192 /* below, compression costs more than it saves */

/* The selection as slice text, every number explicit: "3:4:1". A full axis is left out when it ends the text.
 */
static bool slice_text(const struct c2_bound *bound, bool steps, struct c2_buf *out, struct cat2_error *err)
{
    int64_t lo[C2_DIM_MAX], hi[C2_DIM_MAX];

    c2_bound_box(bound, lo, hi);
    for (int axis = 0; axis < bound->ndim; axis++) {
        const struct c2_axis_sel *sel = &bound->axes[axis];
        if (axis && !c2_buf_putc(out, ',', err)) return false;
        if (!steps || sel->step == 1 || sel->count < 2) {
            int64_t start = steps ? sel->start : lo[axis];
            int64_t stop = steps ? sel->start + sel->count : hi[axis];
            if (!c2_buf_printf(out, err, "%" PRId64 ":%" PRId64, start, stop)) return false;
            continue;
        }
        int64_t stop = sel->start + (sel->count - 1) * sel->step + (sel->step > 0 ? 1 : -1);
        bool open = stop < 0; /* a negative stop would wrap: leave it open */
        if (!c2_buf_printf(out, err, "%" PRId64 ":", sel->start) ||
            (!open && !c2_buf_printf(out, err, "%" PRId64, stop)) ||
            !c2_buf_printf(out, err, ":%" PRId64, sel->step))
            return false;
    }
    return true;
}

static bool fetch_target(const cat2_dataset *dataset, const struct c2_bound *bound, int64_t nbytes,
                         struct c2_buf *target, struct cat2_error *err)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(4096);

    if (!bound->whole && !slice_text(bound, dataset->modern, &text, err)) return false;
    if (!c2_client_target("/api/fetch/", dataset->path, target, err) ||
        !c2_buf_puts(target, "?slice_=", err) || !c2_client_target("", c2_buf_cstr(&text), target, err))
        return false;
    if (!dataset->modern) return c2_buf_puts(target, "&prefer_schunk=true", err);
    return c2_buf_puts(target, nbytes <= SMALL_NBYTES ? "&format=raw" : "&format=b2nd", err);
}

static bool copy_exact(struct c2_bytes from, uint8_t *out, size_t n, struct cat2_error *err)
{
    if (from.n != n)
        return c2_fail(err, CAT2_EDATA, "the answer holds %zu bytes of data, expected %zu", from.n, n);
    if (n) memcpy(out, from.p, n);
    return true;
}

/* A cframe of the selection: any grid, but exactly our number of items. */
static bool decode_cframe(cat2_client *client, struct c2_buf *body, uint8_t *out, size_t n,
                          struct cat2_error *err)
{
    C2_AUTO_PTR(c2_frame) *frame = NULL;
    const struct c2_slice all = {0};
    struct c2_bound whole;

    if (!c2_frame_open_buf(body, "answer", &frame, err)) return false;
    const struct c2_meta *meta = c2_frame_meta(frame);
    if (!c2_slice_bind(&all, meta->grid.shape, meta->grid.ndim, &whole, err)) return false;
    if ((uint64_t)whole.nitems * (uint64_t)meta->grid.typesize != n)
        return c2_fail(err, CAT2_EDATA, "the answer holds %" PRId64 " items, expected %zu bytes",
                       whole.nitems, n);
    struct c2_selectable selectable = {meta, c2_frame_chunks(frame)};
    return c2_select_items(client->codec, &selectable, &whole, out, err);
}

/* The first byte tells what a Python server chose to send. */
static bool decode(cat2_dataset *dataset, struct c2_buf *body, uint8_t *out, size_t n, struct cat2_error *err)
{
    uint8_t first = body->n ? body->p[0] : 0;
    struct c2_bytes data;

    if (first == 0x9e) return decode_cframe(dataset->client, body, out, n, err);
    if (first == 0x80)
        return c2_pickle_data(c2_buf_bytes(body), n, &data, err) && copy_exact(data, out, n, err);
    struct c2_chunk_expect want = {(int64_t)n, -1, -1, false};
    struct c2_chunk_info info;
    return c2_guard_chunk(c2_buf_bytes(body), &want, &info, err) &&
           c2_codec_decode(dataset->client->codec, &dataset->meta, c2_buf_bytes(body), out, err);
}

/* One request, its items in C order: the selection itself, or its box when the server cannot step. */
static bool fetch_once(cat2_dataset *dataset, const struct c2_bound *bound, uint8_t *out, size_t n,
                       struct cat2_error *err)
{
    C2_AUTO(c2_buf) target = C2_BUF_INIT(16384);
    C2_AUTO(c2_chttp) http = {.body = C2_BUF_INIT(n + n / 8 + (1u << 20))};

    if (!fetch_target(dataset, bound, (int64_t)n, &target, err)) return false;
    http.target = c2_buf_cstr(&target);
    if (!c2_chttp_run(dataset->client, &http, err)) return c2_client_named(dataset->path, err);
    if (dataset->modern && n <= SMALL_NBYTES) return copy_exact(c2_buf_bytes(&http.body), out, n, err);
    return decode(dataset, &http.body, out, n, err);
}

static bool is_box(const struct c2_bound *bound)
{
    for (int axis = 0; axis < bound->ndim; axis++)
        if (bound->axes[axis].step != 1 && bound->axes[axis].count > 1) return false;
    return true;
}

/* Fetch the covering box, then pick the selection out of it. */
static bool fetch_stepped(cat2_dataset *dataset, const struct c2_bound *bound, uint8_t *out,
                          struct cat2_error *err)
{
    int64_t lo[C2_DIM_MAX], hi[C2_DIM_MAX], shape[C2_DIM_MAX], nitems = 1, nbytes;
    int32_t edge[C2_DIM_MAX];
    struct c2_bound box = *bound, inside = *bound;
    struct c2_grid grid;

    c2_bound_box(bound, lo, hi);
    for (int axis = 0; axis < bound->ndim; axis++) {
        shape[axis] = hi[axis] - lo[axis];
        if (shape[axis] > INT32_MAX || !c2_mul_i64(nitems, shape[axis], &nitems))
            return c2_fail(err, CAT2_ELIMIT, "axis %d: too many items between the ends of a stepped slice",
                           axis);
        edge[axis] = (int32_t)shape[axis];
        box.axes[axis] = (struct c2_axis_sel){lo[axis], 1, shape[axis], false};
        inside.axes[axis].start -= lo[axis];
    }
    if (!c2_mul_i64(nitems, dataset->meta.dtype.itemsize, &nbytes) ||
        nbytes > dataset->client->options.reply_nbytes_max)
        return c2_fail(err, CAT2_ELIMIT, "the box around the slice is larger than %" PRId64 " bytes",
                       dataset->client->options.reply_nbytes_max);
    box.nitems = nitems;
    box.whole = false;
    if (!c2_grid_init(&grid, shape, edge, edge, bound->ndim, dataset->meta.grid.typesize, true, err))
        return false;
    uint8_t *items = malloc((size_t)nbytes + 1);
    if (!items) return c2_fail_nomem(err, "slice");
    bool ok = fetch_once(dataset, &box, items, (size_t)nbytes, err);
    if (ok) c2_grid_scatter(&grid, &inside, 0, 0, items, out);
    free(items);
    return ok;
}

bool c2_client_fetch(cat2_dataset *dataset, const struct c2_bound *bound, uint8_t *out,
                     struct cat2_error *err)
{
    size_t n = (size_t)(bound->nitems * dataset->meta.dtype.itemsize);

    if (n == 0) return true;
    if (dataset->modern || is_box(bound)) return fetch_once(dataset, bound, out, n, err);
    return fetch_stepped(dataset, bound, out, err);
}

bool c2_client_slice(const cat2_dataset *dataset, const char *slice, struct c2_bound *out,
                     struct cat2_error *err)
{
    const struct c2_grid *grid = &dataset->meta.grid;
    struct c2_slice parsed;

    return (c2_slice_parse(c2_str_of(slice), &parsed, err) &&
            c2_slice_bind(&parsed, grid->shape, grid->ndim, out, err)) ||
           c2_fail_within(err, "%.70s[%.50s]", dataset->path, slice);
}

bool cat2_dataset_fetch(cat2_dataset *dataset, const char *slice, cat2_array **out, struct cat2_error *err)
{
    struct cat2_error mine;
    struct c2_bound bound;
    int64_t nbytes;

    err = c2_err_or(err, &mine);
    if (!c2_client_slice(dataset, slice, &bound, err)) return false;
    if (!c2_mul_i64(bound.nitems, dataset->meta.dtype.itemsize, &nbytes) ||
        nbytes > dataset->client->options.reply_nbytes_max)
        return c2_fail(err, CAT2_ELIMIT, "slice of %" PRId64 " items is larger than %" PRId64 " bytes",
                       bound.nitems, dataset->client->options.reply_nbytes_max);
    cat2_array *array = calloc(1, sizeof(*array));
    if (!array) return c2_fail_nomem(err, "array");
    *array = (struct cat2_array){.bound = bound, .itemsize = dataset->meta.dtype.itemsize, .nbytes = nbytes};
    array->dtype_name = c2_str_dup(c2_str_of(dataset->dtype_name));
    array->data = malloc((size_t)nbytes + 1);
    bool ok = (array->dtype_name && array->data) || c2_fail_nomem(err, "array");
    if (!ok || !c2_client_fetch(dataset, &bound, array->data, err)) {
        cat2_array_free(array);
        return false;
    }
    *out = array;
    return true;
}
