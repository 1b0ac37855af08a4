/* SPDX-License-Identifier: BSD-3-Clause */
/* Whole chunks from the store of objects that a publisher has its frames in. The publisher says where the
 * frame is, for a while; the places of chunks in it are those of the cache file, which has its layout. Only
 * stores that the operator has named are asked. Each answer must be of the object that was named: its ETag,
 * its length, the range. What the store does not give so comes from the publisher. Loop thread. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/endian.h"
#include "base/limits.h"
#include "base/log.h"
#include "blosc/chunk_format.h"
#include "subscriber/fetch/upstream_impl.h"
#include "subscriber/mirror/roots.h"
#include "subscriber/mirror/suppliers.h"
#include "subscriber/mirror/upcall.h"

#define DIRECT_MIN   (256 << 10) /* a fetch that brings less is not worth the question where the frame is */
#define RANGE_NBYTES (4 << 20)   /* of one request, and a chunk: memory, as of one to a publisher */
#define ANSWER_MAX   131072      /* bytes of what the publisher says */
#define RETRY_MS     10000       /* after a failure, the publisher gives all for so long */
#define CBYTES_AT    12          /* in a chunk's header: its length */

struct range {
    struct c2_fetching *fetch;
    size_t first, n; /* wants */
    int64_t off, nbytes;
};

static int64_t now_ms(const struct c2_fetching *f)
{
    return c2_loop_now_ms(f->ds->sub->config.loop);
}

/* Has the operator named the store that this is a URL of? */
static bool is_allowed(const char *stores, const char *url)
{
    struct c2_str rest = c2_str_of(stores), line;

    for (bool more = true; more;) {
        more = c2_str_cut(rest, '\n', &line, &rest);
        if (line.n && strncmp(url, line.p, line.n) == 0 && url[line.n] == '/') return true;
    }
    return false;
}

static bool is_wanted(const struct c2_fetching *f)
{
    const struct c2_ds *ds = f->ds;

    return ds->sub->config.direct_stores && !f->no_direct && ds->speaks_pieces && ds->has_frame &&
           c2_cachefile_is_mirror(f->cf) && (!ds->direct || now_ms(f) >= ds->direct->not_before);
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

    return direct && direct->url && now_ms(f) < direct->until_ms;
}

bool c2_direct_may(const struct c2_fetching *f)
{
    int64_t off, room;

    return is_wanted(f) && has_url(f) && f->wants[f->next].whole &&
           has_place(f, f->wants[f->next].nchunk, &off, &room);
}

static void forget(struct c2_ds *ds, int64_t not_before)
{
    if (!ds->direct) return;
    free(ds->direct->url);
    ds->direct->url = NULL;
    ds->direct->not_before = not_before;
}

void c2_direct_leave(struct c2_fetching *f, const struct cat2_error *why)
{
    f->lost = f->no_direct = true;
    forget(f->ds, now_ms(f) + RETRY_MS);
    c2_log_some(C2_WARN, "root=%s %.200s: what its store was to send comes from the publisher: %s",
                f->ds->root, f->ds->path, why->message);
}

/* ---- where it is ---- */

/* Nothing that could end the line of a request, or a header. */
static bool is_printable(struct c2_str text)
{
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] <= ' ' || text.p[i] == 0x7f) return false;
    return true;
}

/* {"url":"...","etag":"\"...\"","nbytes":N,"seconds":S} */
static bool read_place(struct c2_fetching *f, struct c2_str text, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct c2_direct *direct = f->ds->direct;
    struct c2_str url, etag;
    int64_t nbytes, seconds;

    if (!c2_json_parse(text, &json, err)) return false;
    struct c2_jval object = c2_json_root(json);
    if (!c2_jstr(c2_jget(object, "url"), &url) || !c2_jstr(c2_jget(object, "etag"), &etag) ||
        !c2_jint(c2_jget(object, "nbytes"), &nbytes) || !c2_jint(c2_jget(object, "seconds"), &seconds) ||
        etag.n < 2 || etag.n >= sizeof(direct->etag) || etag.p[0] != '"' || !is_printable(etag) ||
        !is_printable(url) || seconds < 0)
        return c2_fail(err, CAT2_EUPSTREAM, "the publisher does not say where its store has the data");
    char *copy = c2_str_dup(url);
    if (!copy) return c2_fail_nomem(err, "direct");
    if (!is_allowed(f->ds->sub->config.direct_stores, copy)) {
        c2_fail(err, CAT2_EUPSTREAM, "%.*s is at none of the stores that may be asked (direct-store)",
                (int)strcspn(copy, "?"), copy);
        free(copy);
        return false;
    }
    if (nbytes != f->ds->layout.frame_len) {
        free(copy);
        return c2_fail(err, CAT2_EUPSTREAM, "the object has %" PRId64 " bytes, the frame %" PRId64, nbytes,
                       f->ds->layout.frame_len);
    }
    free(direct->url);
    direct->url = copy;
    direct->nbytes = nbytes;
    snprintf(direct->etag, sizeof(direct->etag), "%.*s", C2_STR_ARG(etag));
    direct->until_ms = now_ms(f) + c2_min_i64(seconds, 86400) * 900; /* a tenth less: requests take time */
    return true;
}

static void on_place(void *ctx, struct c2_http_reply *reply, const struct cat2_error *why)
{
    struct c2_fetching *f = ctx;
    struct cat2_error err;

    f->under_way--;
    if (why || reply->status != 200) { /* such a publisher, or such a dataset: who knows when that changes */
        f->no_direct = true;
        forget(f->ds, now_ms(f) + (why || reply->status != 404 ? RETRY_MS : 6 * RETRY_MS));
    } else if (!read_place(f, c2_buf_str(reply->body), &err)) {
        c2_direct_leave(f, &err);
    }
    f->go_on(f);
}

static bool has_whole(const struct c2_fetching *f)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->wants[i].whole) return true;
    return false;
}

bool c2_direct_ask(struct c2_fetching *f)
{
    C2_AUTO(c2_buf) url = C2_BUF_INIT(4 * C2_PATH_MAX);
    char match[900];
    const char *headers[] = {match, NULL};
    struct cat2_error err;

    if (!is_wanted(f) || f->nbytes < DIRECT_MIN || !has_whole(f) || has_url(f)) return false;
    if (!f->ds->direct && !(f->ds->direct = calloc(1, sizeof(*f->ds->direct)))) return false;
    snprintf(match, sizeof(match), "If-Match: %s", f->ds->match);
    if (!c2_ds_url(f->ds, &f->turn, "direct", &url, &err)) return false;
    struct c2_http_call call = {
        .url = c2_buf_cstr(&url), .headers = headers, .body_max = ANSWER_MAX, .done = on_place, .ctx = f};
    struct c2_root_state *root = c2_sub_root(f->ds->sub, c2_str_of(f->ds->root));
    if (!c2_upcall_start(f->ds->sub, &call, C2_WIRE_INFO, c2_sub_check(root), &err)) return false;
    f->under_way++;
    return true;
}

/* ---- ranges ---- */

/* A chunk says how long it is; what stands between it and the next one is none of it. */
static bool take(struct range *r, size_t want, struct c2_bytes bytes, struct cat2_error *err)
{
    struct c2_fetching *f = r->fetch;
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

static bool take_all(struct range *r, struct c2_bytes body, struct cat2_error *err)
{
    int64_t off, room;

    for (size_t i = r->first; i < r->first + r->n; i++) {
        if (!c2_cachefile_place(r->fetch->cf, r->fetch->wants[i].nchunk, &off, &room)) continue;
        struct c2_bytes bytes = {body.p + (off - r->off), (size_t)room};
        if (!take(r, i, bytes, err)) return false;
    }
    return true;
}

/* Is the answer that range of that object, in that state? */
static bool check(const struct range *r, const struct c2_http_reply *reply, struct cat2_error *err)
{
    const struct c2_direct *direct = r->fetch->ds->direct;
    struct c2_str etag = {"", 0}, is = {"", 0};
    char must[100];

    if (reply->status != 206)
        return c2_fail(err, CAT2_EUPSTREAM, "the store answers %d to a range", reply->status);
    c2_http_header(reply, "ETag", &etag);
    c2_http_header(reply, "Content-Range", &is);
    snprintf(must, sizeof(must), "bytes %" PRId64 "-%" PRId64 "/%" PRId64, r->off, r->off + r->nbytes - 1,
             r->fetch->ds->layout.frame_len);
    if (!direct->url || !c2_str_is(etag, direct->etag))
        return c2_fail(err, CAT2_ECHANGED, "the object is another one by now");
    return (c2_str_is(is, must) && (int64_t)reply->body->n == r->nbytes) ||
           c2_fail(err, CAT2_EDATA, "the store sends %zu bytes, '%.*s' for '%s'", reply->body->n,
                   (int)c2_min_i64((int64_t)is.n, 60), is.p, must);
}

static void on_range(void *ctx, struct c2_http_reply *reply, const struct cat2_error *why)
{
    struct range *r = ctx;
    struct c2_fetching *f = r->fetch;
    struct cat2_error err;

    if (why) err = *why;
    if (!f->no_direct && (why || !check(r, reply, &err) || !take_all(r, c2_buf_bytes(reply->body), &err)))
        c2_direct_leave(f, &err);
    free(r);
    f->under_way--;
    f->go_on(f);
}

/* Chunks that follow each other in the frame, as many as one request brings. */
static void collect(struct range *r)
{
    struct c2_fetching *f = r->fetch;
    int64_t off, room;

    r->first = f->next;
    c2_cachefile_place(f->cf, f->wants[f->next].nchunk, &r->off, &r->nbytes);
    while (++f->next < f->n && r->nbytes < RANGE_NBYTES && f->wants[f->next].whole &&
           has_place(f, f->wants[f->next].nchunk, &off, &room) && off == r->off + r->nbytes)
        r->nbytes += room;
    r->n = f->next - r->first;
}

bool c2_direct_start(struct c2_fetching *f, struct cat2_error *err)
{
    struct range *r = calloc(1, sizeof(*r));
    char range[80], match[320];
    const char *headers[] = {range, match, NULL};

    if (!r) return c2_fail_nomem(err, "request");
    r->fetch = f;
    collect(r);
    snprintf(range, sizeof(range), "Range: bytes=%" PRId64 "-%" PRId64, r->off, r->off + r->nbytes - 1);
    snprintf(match, sizeof(match), "If-Match: %s", f->ds->direct->etag);
    struct c2_http_call call = {.url = f->ds->direct->url,
                                .headers = headers,
                                .timeout_ms = 120000,
                                .stall_ms = C2_SUPPLIER_STALL_MS,
                                .body_max = (size_t)c2_max_i64(r->nbytes, 65536),
                                .done = on_range,
                                .ctx = r};
    if (!c2_upcall_start(f->ds->sub, &call, C2_WIRE_PIECES, C2_CHECK_ASK, err)) {
        free(r);
        return false;
    }
    f->under_way++;
    return true;
}
