/* SPDX-License-Identifier: BSD-3-Clause */
/* Chunks, or blocks of them, from the store of objects that a publisher has its frames in. The publisher says
 * where the frame is, for a while; the places of chunks in it are those of the cache file, which has its
 * layout. Only stores that the operator has named are asked. Each answer must be of the object that was
 * named: its ETag, its length, the range. What the store does not give so comes from the publisher. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/endian.h"
#include "base/limits.h"
#include "base/log.h"
#include "blosc/chunk_format.h"
#include "subscriber/fetch/direct_impl.h"
#include "subscriber/fetch/direct_place.h"
#include "subscriber/mirror/dataset.h"
#include "subscriber/mirror/roots.h"
#include "subscriber/mirror/suppliers.h"
#include "subscriber/mirror/upcall.h"

#define DIRECT_MIN                                                                                           \
    (256 << 10)                /* who reads less of a dataset is not worth the question where its frame is   \
                                */
#define RANGE_NBYTES (4 << 20) /* of one request, and a chunk: memory, as of one to a publisher */
#define ANSWER_MAX   131072    /* bytes of what the publisher says */
#define RETRY_MS     10000     /* after a failure, the publisher gives all for so long */
#define CBYTES_AT    12        /* in a chunk's header: its length */

static int64_t now_ms(const struct c2_ds *ds)
{
    return c2_loop_now_ms(ds->sub->config.loop);
}

static bool is_wanted(const struct c2_fetching *f)
{
    const struct c2_ds *ds = f->ds;

    return ds->sub->config.direct_stores && !f->no_direct && ds->speaks_pieces && ds->has_frame &&
           c2_cachefile_is_mirror(f->cf) && (!ds->direct || now_ms(ds) >= ds->direct->not_before);
}

/* A chunk in the frame, and not much besides: an index may leave gaps of any size. */
static bool has_place(const struct c2_fetching *f, int64_t nchunk, int64_t *off, int64_t *room)
{
    return c2_cachefile_place(f->cf, nchunk, off, room) &&
           *room <= f->ds->meta->chunksize + (int64_t)(f->ds->meta->chunksize / 8) + RANGE_NBYTES;
}

static bool has_url(const struct c2_fetching *f)
{
    const struct c2_direct *direct = f->ds->direct;

    return direct && direct->url && now_ms(f->ds) < direct->until_ms;
}

bool c2_direct_may(const struct c2_fetching *f)
{
    int64_t off, room;

    return is_wanted(f) && has_url(f) && has_place(f, f->wants[f->next].nchunk, &off, &room);
}

bool c2_direct_goes_on(const struct c2_fetching *f)
{
    return !f->failed && !f->no_direct && has_url(f);
}

/* Blocks are small, and each may take two requests that follow each other. */
int c2_direct_flights(const struct c2_fetching *f, int usual)
{
    const struct c2_want *want = &f->wants[f->next];
    int64_t nbytes = want->n ? want->n : (int64_t)want->nblocks * f->ds->meta->cparams.blocksize;
    bool small = !want->whole && nbytes <= DIRECT_MIN && c2_direct_may(f);

    return small ? C2_UPSTREAM_MAX : usual;
}

static void forget(struct c2_ds *ds, int64_t not_before)
{
    if (!ds->direct) return;
    free(ds->direct->url);
    ds->direct->url = NULL;
    ds->direct->not_before = not_before;
}

static void leave(struct c2_ds *ds, const struct cat2_error *why)
{
    forget(ds, now_ms(ds) + RETRY_MS);
    c2_log_some(C2_WARN, "root=%s %.200s: what its store was to send comes from the publisher: %s", ds->root,
                ds->path, why->message);
}

void c2_direct_skip(struct c2_fetching *f)
{
    f->lost = f->no_direct = true;
}

void c2_direct_leave(struct c2_fetching *f, const struct cat2_error *why)
{
    c2_direct_skip(f);
    leave(f->ds, why);
}

/* ---- where it is ---- */

struct question {
    struct c2_ds *ds;      /* counted */
    struct c2_fetching *f; /* waits for the answer, or NULL */
};

static bool take_place(struct c2_ds *ds, struct c2_str text, struct cat2_error *err)
{
    struct c2_direct *direct = ds->direct;
    struct c2_direct_place place;

    _Static_assert(sizeof(direct->etag) >= sizeof(place.etag), "an ETag that was read fits");
    if (!c2_direct_place_read(text, ds->layout.frame_len, ds->sub->config.direct_stores, &place, err))
        return false;
    free(direct->url);
    direct->url = place.url;
    direct->nbytes = place.nbytes;
    direct->off = place.off;
    direct->small_nbytes = DIRECT_MIN; /* when the URL has run out, the next fetch asks */
    memcpy(direct->etag, place.etag, sizeof(place.etag));
    direct->until_ms = now_ms(ds) + c2_min_i64(place.seconds, 86400) * 900; /* a tenth less: requests take
                                                                              time */
    return true;
}

static void on_place(void *ctx, struct c2_http_reply *reply, const struct cat2_error *why)
{
    struct question *q = ctx;
    struct c2_fetching *f = q->f;
    struct c2_ds *ds = q->ds;
    struct cat2_error err;

    if (why || reply->status != 200) { /* such a publisher, or such a dataset: who knows when that changes */
        if (f) f->no_direct = true;
        forget(ds, now_ms(ds) + (why || reply->status != 404 ? RETRY_MS : 6 * RETRY_MS));
    } else if (!take_place(ds, c2_buf_str(reply->body), &err)) {
        if (f) c2_direct_skip(f);
        leave(ds, &err);
    }
    if (!f) ds->direct->asking = false;
    free(q);
    if (f) f->under_way--;
    if (f) f->go_on(f);
    c2_ds_unref(ds);
}

static bool ask(struct c2_fetching *f, bool waits)
{
    C2_AUTO(c2_buf) url = C2_BUF_INIT(4 * C2_PATH_MAX);
    char match[900];
    const char *headers[] = {match, C2_PIECES_OFFSETS ": 1", NULL};
    struct question *q = calloc(1, sizeof(*q));
    struct cat2_error err;

    if (!q) return false;
    *q = (struct question){c2_ds_ref(f->ds), waits ? f : NULL};
    snprintf(match, sizeof(match), "If-Match: %s", f->ds->match);
    bool ok = c2_ds_url(f->ds, &f->turn, "direct", &url, &err);
    struct c2_http_call call = {
        .url = c2_buf_cstr(&url), .headers = headers, .body_max = ANSWER_MAX, .done = on_place, .ctx = q};
    struct c2_root_state *root = c2_sub_root(f->ds->sub, c2_str_of(f->ds->root));
    if (ok && c2_upcall_start(f->ds->sub, &call, C2_WIRE_INFO, c2_sub_check(root), &err)) return true;
    c2_ds_unref(q->ds);
    free(q);
    return false;
}

/* Who reads little does not wait for the answer: the publisher gives it. */
bool c2_direct_ask(struct c2_fetching *f)
{
    struct c2_direct *direct;

    if (!is_wanted(f) || f->n == 0 || has_url(f)) return false;
    if (!f->ds->direct && !(f->ds->direct = calloc(1, sizeof(*f->ds->direct)))) return false;
    direct = f->ds->direct;
    if (f->nbytes >= DIRECT_MIN) {
        if (!ask(f, true)) return false;
        f->under_way++;
        return true;
    }
    direct->small_nbytes += f->nbytes;
    if (direct->small_nbytes >= DIRECT_MIN && !direct->asking) direct->asking = ask(f, false);
    return false;
}

/* ---- ranges ---- */

/* Is the answer that range of that object, in that state? */
static bool check(const struct c2_direct_range *r, const struct c2_http_reply *reply, struct cat2_error *err)
{
    const struct c2_direct *direct = r->fetch->ds->direct;
    struct c2_str etag = {"", 0}, is = {"", 0};
    int64_t from = direct->off + r->off;
    char must[100];

    if (reply->status != 206)
        return c2_fail(err, CAT2_EUPSTREAM, "the store answers %d to a range", reply->status);
    c2_http_header(reply, "ETag", &etag);
    c2_http_header(reply, "Content-Range", &is);
    snprintf(must, sizeof(must), "bytes %" PRId64 "-%" PRId64 "/%" PRId64, from, from + r->nbytes - 1,
             direct->nbytes);
    if (!direct->url || !c2_str_is(etag, direct->etag))
        return c2_fail(err, CAT2_ECHANGED, "the object is another one by now");
    return (c2_str_is(is, must) && (int64_t)reply->body->n == r->nbytes) ||
           c2_fail(err, CAT2_EDATA, "the store sends %zu bytes, '%.*s' for '%s'", reply->body->n,
                   (int)c2_min_i64((int64_t)is.n, 60), is.p, must);
}

static void on_range(void *ctx, struct c2_http_reply *reply, const struct cat2_error *why)
{
    struct c2_direct_range *r = ctx;
    struct c2_fetching *f = r->fetch;
    struct cat2_error err;
    bool ok = false;

    if (why) err = *why;
    if (!f->no_direct && !f->failed) {
        ok = !why && check(r, reply, &err) && r->take(r, c2_buf_bytes(reply->body), &err);
        if (!ok) c2_direct_leave(f, &err);
    }
    if (r->end) r->end(r, ok);
    free(r);
    f->under_way--;
    f->go_on(f);
}

bool c2_direct_get(struct c2_direct_range *r, struct cat2_error *err)
{
    struct c2_fetching *f = r->fetch;
    const struct c2_direct *direct = f->ds->direct;
    int64_t from = direct->off + r->off;
    char range[80], match[320];
    const char *headers[] = {range, match, NULL};

    snprintf(range, sizeof(range), "Range: bytes=%" PRId64 "-%" PRId64, from, from + r->nbytes - 1);
    snprintf(match, sizeof(match), "If-Match: %s", direct->etag);
    struct c2_http_call call = {.url = direct->url,
                                .headers = headers,
                                .timeout_ms = 120000,
                                .stall_ms = C2_SUPPLIER_STALL_MS,
                                .body_max = (size_t)c2_max_i64(r->nbytes, 65536),
                                .done = on_range,
                                .ctx = r};
    if (c2_upcall_start(f->ds->sub, &call, C2_WIRE_PIECES, C2_CHECK_ASK, err)) {
        f->under_way++;
        return true;
    }
    if (r->end) r->end(r, false);
    free(r);
    return false;
}

/* ---- whole chunks ---- */

/* A chunk says how long it is; what stands between it and the next one is none of it. */
static bool take(struct c2_fetching *f, size_t want, struct c2_bytes bytes, struct cat2_error *err)
{
    int64_t nchunk = f->wants[want].nchunk;
    uint32_t n = bytes.n < C2_CHUNK_HEADER ? 0 : c2_le32(bytes.p + CBYTES_AT);

    if (n < C2_CHUNK_HEADER || n > bytes.n)
        return c2_fail(err, CAT2_EDATA, "chunk %" PRId64 " says that it has %" PRIu32 " bytes of %zu", nchunk,
                       n, bytes.n);
    struct c2_arrival *s = calloc(1, sizeof(*s));
    if (!s) return c2_fail_nomem(err, "chunk");
    *s = (struct c2_arrival){.fetch = f, .want = want, .share = C2_SHARE_DIRECT};
    c2_buf_init(&s->record, n);
    if (!c2_buf_append(&s->record, bytes.p, n, err)) {
        free(s);
        return false;
    }
    s->piece = (struct c2_piece){.whole = true, .nchunk = nchunk, .data = c2_buf_bytes(&s->record)};
    s->cf = c2_cachefile_ref(f->cf);
    f->ds->sub->direct_nbytes += n;
    f->store(s);
    return true;
}

static bool take_all(struct c2_direct_range *r, struct c2_bytes body, struct cat2_error *err)
{
    int64_t off, room;

    for (size_t i = r->first; i < r->first + r->nwants; i++) {
        if (!c2_cachefile_place(r->fetch->cf, r->fetch->wants[i].nchunk, &off, &room)) continue;
        struct c2_bytes bytes = {body.p + (off - r->off), (size_t)room};
        if (!take(r->fetch, i, bytes, err)) return false;
    }
    return true;
}

bool c2_direct_get_whole(struct c2_fetching *f, size_t want, struct cat2_error *err)
{
    struct c2_direct_range *r = calloc(1, sizeof(*r));

    if (!r) return c2_fail_nomem(err, "request");
    *r = (struct c2_direct_range){.fetch = f, .take = take_all, .first = want, .nwants = 1};
    c2_cachefile_place(f->cf, f->wants[want].nchunk, &r->off, &r->nbytes);
    return c2_direct_get(r, err);
}

/* Is the next want of the chunk at hand, or of the one that follows it in the frame, which is to come whole
 * too? */
static bool goes_along(const struct c2_fetching *f, const struct c2_direct_range *r, int64_t *more)
{
    int64_t off, room;

    if (f->next == f->n || c2_direct_has_blocks(f, f->next) ||
        !has_place(f, f->wants[f->next].nchunk, &off, &room))
        return false;
    bool same = f->wants[f->next].nchunk == f->wants[f->next - 1].nchunk;
    *more = same ? 0 : room;
    return same || (r->nbytes < RANGE_NBYTES && off == r->off + r->nbytes);
}

bool c2_direct_start(struct c2_fetching *f, struct cat2_error *err)
{
    int64_t more = 0;

    if (c2_direct_has_blocks(f, f->next)) return c2_direct_start_blocks(f, err);
    struct c2_direct_range *r = calloc(1, sizeof(*r));
    if (!r) return c2_fail_nomem(err, "request");
    *r = (struct c2_direct_range){.fetch = f, .take = take_all, .first = f->next};
    c2_cachefile_place(f->cf, f->wants[f->next].nchunk, &r->off, &r->nbytes);
    f->next++;
    while (goes_along(f, r, &more)) {
        r->nbytes += more;
        f->next++;
    }
    r->nwants = f->next - r->first;
    return c2_direct_get(r, err);
}
