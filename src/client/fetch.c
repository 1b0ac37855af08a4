/* SPDX-License-Identifier: BSD-3-Clause */
/* A selection: bound here, asked for as text, decoded here. A server that accepts ranges applies steps
 * itself; from a Python one of 2024, which ignores them, the covering box is fetched and stepped through
 * locally. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "blosc/frame.h"
#include "blosc/guard.h"
#include "client/internal.h"
#include "select/select.h"

#define SMALL_NBYTES 8192 /* below, compression costs more than it saves */

/* The selection as slice text, every number explicit: "3:7:2". Where the server takes steps an integer stays
 * one, so that a frame lacks its axis, too. */
static bool slice_text(const struct c2_bound *bound, bool steps, struct c2_buf *out, struct cat2_error *err)
{
    int64_t lo[C2_DIM_MAX], hi[C2_DIM_MAX];

    c2_bound_box(bound, lo, hi);
    for (int axis = 0; axis < bound->ndim; axis++) {
        const struct c2_axis_sel *sel = &bound->axes[axis];
        if (axis && !c2_buf_putc(out, ',', err)) return false;
        if (steps && sel->dropped) {
            if (!c2_buf_printf(out, err, "%" PRId64, sel->start)) return false;
            continue;
        }
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

/* Whether the items are sent uncompressed: few items always, many if sending them takes less time than
 * compressing them. */
static bool travels_raw(const struct c2_fetch *fetch, size_t n)
{
    bool local = fetch->wire == CAT2_WIRE_AUTO && fetch->dataset->client->session.local;

    return n <= SMALL_NBYTES || local || fetch->wire == CAT2_WIRE_RAW;
}

static bool fetch_target(const cat2_dataset *dataset, const struct c2_bound *bound, const char *format,
                         struct c2_buf *target, struct cat2_error *err)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(4096);

    if (!bound->whole && !slice_text(bound, dataset->accepts_ranges, &text, err)) return false;
    if (!c2_client_target("/api/fetch/", dataset->path, target, err) ||
        !c2_buf_puts(target, "?slice_=", err) || !c2_client_target("", c2_buf_cstr(&text), target, err))
        return false;
    return c2_buf_puts(target, dataset->accepts_ranges ? format : "&prefer_schunk=true", err);
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

/* The first byte says which encoding a Python server sent. */
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

/* Where the items of an answer go as they come. */
struct landing {
    uint8_t *out;
    size_t n, have;
    struct c2_pages pages;
};

static bool land(void *ctx, struct c2_exchange *http, struct c2_bytes bytes, struct cat2_error *err)
{
    struct landing *landing = ctx;

    (void)http;
    if (bytes.n > landing->n - landing->have)
        return c2_fail(err, CAT2_EDATA, "the answer holds more than the %zu bytes of data expected",
                       landing->n);
    c2_pages_make(&landing->pages, landing->have + bytes.n);
    memcpy(landing->out + landing->have, bytes.p, bytes.n);
    landing->have += bytes.n;
    return true;
}

/* Run a request for data; of the dataset's generation only when that is pinned. */
static bool run_request(cat2_dataset *dataset, bool pinned, struct c2_exchange *http, struct cat2_error *err)
{
    char match[600];
    const char *const headers[] = {match, NULL};

    if (pinned && dataset->accepts_ranges && dataset->etag[0] == '"') {
        snprintf(match, sizeof(match), "If-Match: %s", dataset->etag);
        http->headers = headers;
    }
    bool ok = c2_exchange_run(&dataset->client->session, http, err) || c2_client_named(dataset->path, err);
    http->headers = NULL;
    return ok;
}

/* One request, its items in C order: the selection itself, or its box when the server cannot step. */
static bool fetch_once(const struct c2_fetch *fetch, const struct c2_bound *bound, uint8_t *out, size_t n,
                       struct cat2_error *err)
{
    cat2_dataset *dataset = fetch->dataset;
    bool raw = dataset->accepts_ranges && travels_raw(fetch, n);
    struct landing landing = {.out = out, .n = n, .pages = {.memory = out, .n = n}};
    C2_AUTO(c2_buf) target = C2_BUF_INIT(16384);
    C2_AUTO(c2_exchange) http = {.body = C2_BUF_INIT(n + n / 8 + (1u << 20))};

    if (!fetch_target(dataset, bound, raw ? "&format=raw" : "&format=b2nd", &target, err)) return false;
    http.target = c2_buf_cstr(&target);
    if (raw) http.sink = land, http.ctx = &landing;
    if (!run_request(dataset, fetch->pinned, &http, err)) return false;
    if (!raw) return decode(dataset, &http.body, out, n, err);
    return landing.have == n ||
           c2_fail(err, CAT2_EDATA, "%.120s: the answer holds %zu bytes of data, expected %zu", dataset->path,
                   landing.have, n);
}

static bool is_box(const struct c2_bound *bound)
{
    for (int axis = 0; axis < bound->ndim; axis++)
        if (bound->axes[axis].step != 1 && bound->axes[axis].count > 1) return false;
    return true;
}

/* Fetch the covering box, then pick the selection out of it. */
static bool fetch_stepped(const struct c2_fetch *fetch, struct cat2_error *err)
{
    cat2_dataset *dataset = fetch->dataset;
    const struct c2_bound *bound = &fetch->bound;
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
    bool ok = fetch_once(fetch, &box, items, (size_t)nbytes, err);
    if (ok) c2_grid_scatter(&grid, &inside, 0, 0, items, fetch->out);
    free(items);
    return ok;
}

bool c2_client_run_fetch(const struct c2_fetch *fetch, struct cat2_error *err)
{
    size_t n = (size_t)(fetch->bound.nitems * fetch->dataset->meta.dtype.itemsize);

    if (n == 0) return true;
    if (!fetch->dataset->accepts_ranges && !is_box(&fetch->bound)) return fetch_stepped(fetch, err);
    return fetch_once(fetch, &fetch->bound, fetch->out, n, err);
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

/* A slice that may be fetched, and how many bytes that is. */
static bool select_items(const cat2_dataset *dataset, const char *slice, struct c2_bound *bound,
                         int64_t *nbytes, struct cat2_error *err)
{
    if (!c2_client_slice(dataset, slice, bound, err)) return false;
    if (!c2_mul_i64(bound->nitems, dataset->meta.dtype.itemsize, nbytes) ||
        *nbytes > dataset->client->options.reply_nbytes_max)
        return c2_fail(err, CAT2_ELIMIT, "%.70s[%.50s]: %" PRId64 " items are larger than %" PRId64 " bytes",
                       dataset->path, slice, bound->nitems, dataset->client->options.reply_nbytes_max);
    return true;
}

bool cat2_dataset_select(const cat2_dataset *dataset, const char *slice, int *ndim, int64_t *shape,
                         int64_t *nbytes, struct cat2_error *err)
{
    struct cat2_error mine;
    struct c2_bound bound;
    int64_t n;

    if (!select_items(dataset, slice, &bound, &n, c2_err_or(err, &mine))) return false;
    *ndim = bound.out_ndim;
    *nbytes = n;
    for (int axis = 0; axis < bound.out_ndim; axis++)
        shape[axis] = bound.out_shape[axis];
    return true;
}

bool cat2_dataset_fetch_into(cat2_dataset *dataset, const char *slice, enum cat2_wire wire, void *out,
                             size_t nbytes, struct cat2_error *err)
{
    struct cat2_error mine;
    struct c2_fetch fetch = {.dataset = dataset, .out = out, .wire = wire, .pinned = true};
    int64_t n;

    err = c2_err_or(err, &mine);
    if (!select_items(dataset, slice, &fetch.bound, &n, err)) return false;
    if ((uint64_t)n != nbytes)
        return c2_fail(err, CAT2_EINVAL, "%.70s[%.50s]: has %" PRId64 " bytes, not %zu", dataset->path, slice,
                       n, nbytes);
    return c2_client_run_fetch(&fetch, err);
}

/* The head of a contiguous frame: magic, and its length at byte 16, big-endian. */
static bool is_frame(const struct c2_buf *body)
{
    uint64_t length = 0;

    if (body->n < 24 || memcmp(body->p,
                               "\x9e\xa8"
                               "b2frame",
                               10) != 0)
        return false;
    for (int i = 16; i < 24; i++)
        length = length << 8 | body->p[i];
    return length == body->n;
}

bool cat2_dataset_fetch_frame(cat2_dataset *dataset, const char *slice, void **frame, size_t *nbytes,
                              struct cat2_error *err)
{
    struct cat2_error mine;
    struct c2_bound bound;
    int64_t n;
    C2_AUTO(c2_buf) target = C2_BUF_INIT(16384);
    C2_AUTO(c2_exchange) http = {0};

    err = c2_err_or(err, &mine);
    if (!select_items(dataset, slice, &bound, &n, err)) return false;
    http.body = C2_BUF_INIT((size_t)n + (size_t)n / 8 + (1u << 20));
    if (!dataset->accepts_ranges && (!is_box(&bound) || bound.out_ndim < bound.ndim))
        return c2_fail(err, CAT2_EUNSUPPORTED,
                       "%.120s: the subscriber does not step through slices nor drop axes", dataset->path);
    if (!fetch_target(dataset, &bound, "&format=b2nd", &target, err)) return false;
    http.target = c2_buf_cstr(&target);
    if (!run_request(dataset, true, &http, err)) return false;
    if (!dataset->accepts_ranges && http.body.n && http.body.p[0] != 0x9e)
        return c2_fail(err, CAT2_EUNSUPPORTED, "%.120s: the subscriber does not send frames of this",
                       dataset->path);
    if (!is_frame(&http.body))
        return c2_fail(err, CAT2_EDATA, "%.120s: the answer is no frame", dataset->path);
    struct c2_buf body = c2_buf_steal(&http.body);
    *frame = body.p;
    *nbytes = body.n;
    return true;
}

bool cat2_dataset_fetch(cat2_dataset *dataset, const char *slice, cat2_array **out, struct cat2_error *err)
{
    struct cat2_error mine;
    struct c2_bound bound;
    int64_t nbytes;

    err = c2_err_or(err, &mine);
    if (!select_items(dataset, slice, &bound, &nbytes, err)) return false;
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
