/* SPDX-License-Identifier: BSD-3-Clause */
/* Towards the publisher: many pieces in one request from ours, chunk by chunk in parallel from Python's. What
 * comes is checked, guarded and stored by workers while more arrives; what was damaged on its way, or did not
 * come, is asked for again. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/log.h"
#include "subscriber/fetch/upstream_impl.h"
#include "subscriber/mirror/follow.h"
#include "subscriber/mirror/reason.h"
#include "subscriber/mirror/roots.h"
#include "subscriber/mirror/shares.h"
#include "subscriber/mirror/upcall.h"
#include "subscriber/mirror/via.h"
#include "wire/url.h"

#define QUESTION_MAX 6000      /* characters of ?pieces= in one request */
#define BATCH_NBYTES (4 << 20) /* estimated bytes of one request's answer */
#define SHARE_NBYTES (1 << 20) /* the same, of a read that is spread over several sources */
#define SPREAD_MIN   (4 << 20) /* a read that brings less is not */
#define FLIGHTS_MAX  4 /* requests of one fetch at a time: what a fetch may hold in memory, and a window */
#define PASSES_MAX   3 /* that a piece is asked for */
#define STORING_MAX  (4 << 20) /* bytes that wait to be stored: no new requests meanwhile */

struct request {
    struct c2_fetching *fetch;
    size_t first, n;     /* its wants */
    size_t at;           /* answered so far: the next answer is most likely to this */
    struct c2_turn turn; /* whom it asks: the fetch's, or the source of a share */
    bool is_share, is_slow;
    int64_t since_ms, got; /* of a share: when it was asked for, and bytes that came */
    struct c2_pieces_reader reader;
};

void c2_upstream_fail(struct c2_fetching *f, const struct cat2_error *err)
{
    if (f->failed) return;
    f->failed = true;
    f->err = *err;
    if (err->http_status != 422 && err->http_status != 503 && err->http_status != 404)
        f->err.http_status = 0; /* bytes of ours that are wrong are no 422 */
    if ((err->code == CAT2_EDATA && err->http_status != 422) || err->code == CAT2_ELIMIT)
        f->err.code = CAT2_EUPSTREAM;
    c2_fail_within(&f->err, "%.80s/%.100s", f->ds->root, f->ds->path);
    struct c2_root_state *root = c2_sub_root(f->ds->sub, c2_str_of(f->ds->root));
    bool stale = err->code == CAT2_ECHANGED || err->code == CAT2_ENOTFOUND || err->code == CAT2_EDATA;
    if (root) c2_upstream_blame(root, &f->err);
    if (root && stale) c2_sub_follow(root); /* the publisher has something else by now */
}

/* Not as it was sent, or not sent: the next pass asks for it again. */
static void ask_again(struct c2_fetching *f, const struct cat2_error *err)
{
    if (f->bad.code == CAT2_OK) f->bad = *err;
}

/* ---- sources ---- */

static struct c2_root_state *root_of(const struct c2_fetching *f)
{
    return c2_sub_root(f->ds->sub, c2_str_of(f->ds->root));
}

/* What the first source says tells most, but that there is another generation. */
static void note_left(struct c2_fetching *f, const struct cat2_error *err)
{
    const struct c2_root_state *root = root_of(f);

    if (f->left.code == CAT2_OK || err->code == CAT2_ECHANGED || (root && c2_turn_is_first(root, &f->turn)))
        f->left = *err;
}

/* The source gave nothing. false: nor will another; only ours give pieces. */
static bool leave(struct c2_fetching *f, const struct c2_http_reply *reply, const struct cat2_error *why,
                  const struct cat2_error *err)
{
    if (!f->ds->speaks_pieces || !c2_turn_may_leave(root_of(f), &f->turn, reply, why)) return false;
    note_left(f, err);
    f->moving = true;
    return true;
}

/* A share did not come: its source gets no more of this fetch, what it did not bring is the others'. false:
 * there are no others. */
static bool leave_share(struct c2_fetching *f, uint64_t at, const struct cat2_error *err)
{
    const struct c2_root_state *root = root_of(f);
    struct c2_turn turn = f->turn;

    turn.at = at;
    if (!root || root->sub->stopping || !c2_turn_has_other(root, &turn)) return false;
    note_left(f, err);
    c2_turn_leave_at(&f->turn, at);
    if (f->turn.at == at) c2_turn_next(root, &f->turn);
    f->lost = true;
    return true;
}

void c2_upstream_bad_piece(struct c2_fetching *f, uint64_t share, const struct cat2_error *err)
{
    if (share == C2_SHARE_DIRECT)
        c2_direct_leave(f, err);
    else if (!share || !leave_share(f, share, err))
        ask_again(f, err);
}

/* The next pass asks those that are left; each is asked as often as ever. */
static bool go_on_without(struct c2_fetching *f)
{
    f->lost = false;
    f->passes = 0;
    return true;
}

static bool go_elsewhere(struct c2_fetching *f)
{
    const struct c2_root_state *root = root_of(f);

    c2_turn_leave(&f->turn);
    if (!root || !f->ds->speaks_pieces || !c2_turn_next(root, &f->turn)) return false;
    f->passes = 0;
    f->moving = false;
    return true;
}

/* Which want of the request a piece answers: answers come in the order of the question. */
static bool find_want(struct request *r, int64_t nchunk, size_t *out)
{
    for (; r->at < r->n; r->at++)
        if (r->fetch->wants[r->first + r->at].nchunk == nchunk) {
            *out = r->first + r->at++;
            return true;
        }
    return false;
}

static bool store_piece(void *ctx, const struct c2_piece *piece, struct cat2_error *err)
{
    struct request *r = ctx;
    struct c2_fetching *f = r->fetch;
    struct c2_arrival *s;
    size_t want;

    if (!find_want(r, piece->nchunk, &want))
        return c2_fail(err, CAT2_EDATA, "the publisher sent chunk %" PRId64 ", which was not asked for",
                       piece->nchunk);
    s = calloc(1, sizeof(*s));
    if (!s) return c2_fail_nomem(err, "chunk");
    *s =
        (struct c2_arrival){.fetch = f, .want = want, .share = r->is_share ? r->turn.at : 0, .piece = *piece};
    if (piece->nblocks) {
        s->blocks = malloc((size_t)piece->nblocks * sizeof(*s->blocks));
        if (!s->blocks) {
            free(s);
            return c2_fail_nomem(err, "chunk");
        }
        memcpy(s->blocks, piece->blocks, (size_t)piece->nblocks * sizeof(*s->blocks));
    }
    s->record = c2_buf_steal(piece->record);
    s->cf = c2_cachefile_ref(f->cf);
    c2_store_begin(s);
    return true;
}

/* ---- requests ---- */

static bool on_data(void *ctx, int status, struct c2_bytes bytes, struct cat2_error *err)
{
    struct request *r = ctx;
    struct c2_root_state *root = root_of(r->fetch);

    (void)status;
    r->got += (int64_t)bytes.n;
    if (r->is_share && root) {
        c2_share_got(root, r->turn.at, bytes.n);
        int64_t ms = c2_loop_now_ms(root->sub->config.loop) - r->since_ms;
        r->is_slow = c2_share_is_slow(root, &r->fetch->turn, r->turn.at, r->got, ms);
        if (r->is_slow)
            return c2_fail(err, CAT2_EUPSTREAM,
                           "it sends much less than the other sources: %" PRId64 " bytes in %" PRId64 " ms",
                           r->got, ms);
    }
    return c2_pieces_feed(&r->reader, bytes, store_piece, r, err);
}

static bool take_chunk(struct request *r, struct c2_http_reply *reply, struct cat2_error *err)
{
    struct c2_piece piece = {.whole = true,
                             .nchunk = r->fetch->wants[r->first].nchunk,
                             .data = c2_buf_bytes(reply->body),
                             .record = reply->body};

    return store_piece(r, &piece, err);
}

/* What an answer says against the pieces. *again: it may be damage. */
static bool check_reply(const struct c2_ds *ds, const struct c2_turn *turn, const struct c2_http_reply *reply,
                        bool *again, struct cat2_error *err)
{
    *again = !reply->hashed; /* a status without a hash is not believed at once */
    if (reply->status == 200) return true;
    if (reply->status == 412 || reply->status == 503) *again = false; /* who asked may ask again */
    return c2_upstream_refused(ds, turn, reply, err);
}

/* The request is over; what it did not bring is asked for again, here or elsewhere. why: there was no answer.
 */
static void not_done(struct c2_fetching *f, const struct c2_http_reply *reply, const struct cat2_error *why,
                     const struct cat2_error *err, bool again)
{
    if (again) {
        ask_again(f, err);
    } else if (!f->moving && !leave(f, reply, why, err)) {
        if (f->left.code != CAT2_OK) note_left(f, err);
        c2_upstream_fail(f, f->left.code == CAT2_OK ? err : &f->left);
    }
}

/* For all fetches: is the source well? One that answers is; but who gives nothing, as of a damaged chunk, is
 * not preferred for that. */
static void note_source(const struct request *r, bool given, const struct cat2_error *why)
{
    struct c2_root_state *root = root_of(r->fetch);

    if (!root) return;
    if (r->is_share) c2_share_end(root, r->turn.at, SHARE_NBYTES);
    if ((!why && !given) || (r->is_share && (!why || r->is_slow)))
        c2_supplier_note_well(root, r->turn.at);
    else
        c2_supplier_note(root, r->turn.at, why);
}

static bool may_leave_share(const struct request *r, const struct c2_http_reply *reply,
                            const struct cat2_error *why, bool again)
{
    return again || r->is_slow || c2_turn_may_leave(root_of(r->fetch), &r->turn, reply, why);
}

static void on_done(void *ctx, struct c2_http_reply *reply, const struct cat2_error *why)
{
    struct request *r = ctx;
    struct c2_fetching *f = r->fetch;
    struct cat2_error err = {0};
    bool again = false, ok = !why && check_reply(f->ds, &r->turn, reply, &again, &err);

    if (why) {
        err = *why;
        again = err.code == CAT2_EDATA || (f->ds->speaks_pieces && err.code == CAT2_ELIMIT);
    } else if (ok) {
        ok = f->ds->speaks_pieces ? c2_pieces_end(&r->reader, &err) : take_chunk(r, reply, &err);
        again = err.code == CAT2_EDATA;
    }
    if (!ok && again && err.code == CAT2_EDATA)
        c2_wire_mismatch(C2_WIRE_PIECES, "%.80s/%.200s: %.200s", f->ds->root, f->ds->path, err.message);
    note_source(r, !why && reply->status == 200, why);
    if (!ok && !(r->is_share && may_leave_share(r, reply, why, again) && leave_share(f, r->turn.at, &err)))
        not_done(f, reply, why, &err, again);
    c2_pieces_reader_fini(&r->reader);
    free(r);
    f->under_way--;
    c2_upstream_go_on(f);
}

static bool put_want(const struct c2_want *want, struct c2_buf *url, struct cat2_error *err)
{
    bool ok = c2_buf_printf(url, err, "%" PRId64, want->nchunk);

    if (ok && want->n) return c2_buf_printf(url, err, ":@%d-%d", want->off, want->off + want->n - 1);
    for (int32_t i = 0; ok && i < want->nblocks;) {
        int32_t last = i;
        while (last + 1 < want->nblocks && want->blocks[last + 1] == want->blocks[last] + 1)
            last++;
        ok = c2_buf_printf(url, err, last == i ? "%c%d" : "%c%d-%d", i ? ';' : ':', want->blocks[i],
                           want->blocks[last]);
        i = last + 1;
    }
    return ok;
}

/* How many compressed bytes a want is likely to bring. */
static int64_t estimate(const struct c2_fetching *f, const struct c2_want *want)
{
    const struct c2_meta *meta = f->ds->meta;
    int64_t chunk = meta->nchunks
                        ? c2_min_i64(meta->chunksize + 32, 2 * (meta->cbytes / meta->nchunks) + 1024)
                        : meta->chunksize;

    if (want->n) return want->n + (int64_t)meta->cparams.blocksize * 2 + 4096;
    return want->whole || meta->grid.nblocks < 1
               ? chunk
               : chunk / meta->grid.nblocks * want->nblocks + 32 + 4 * meta->grid.nblocks;
}

/* One question, as many wants as fit; runs of whole chunks as ranges. */
static bool question(struct c2_fetching *f, struct request *r, struct c2_buf *url, struct cat2_error *err)
{
    size_t start = url->n;
    int64_t nbytes = 0, most = r->is_share ? SHARE_NBYTES : BATCH_NBYTES;
    bool ok = c2_buf_puts(url, "?pieces=", err);

    r->first = f->next;
    while (ok && f->next < f->n && url->n - start < QUESTION_MAX && nbytes < most) {
        const struct c2_want *want = &f->wants[f->next];
        if (f->next > r->first) ok = c2_buf_putc(url, ',', err);
        ok = ok && put_want(want, url, err);
        nbytes += estimate(f, want);
        int64_t first = want->nchunk, last = first;
        while (want->whole && ++f->next < f->n && f->wants[f->next].whole &&
               f->wants[f->next].nchunk == last + 1 && nbytes < most) {
            last++;
            nbytes += estimate(f, want);
        }
        if (!want->whole) f->next++;
        if (ok && last > first) ok = c2_buf_printf(url, err, "-%" PRId64, last);
    }
    r->n = f->next - r->first;
    return ok;
}

/* 0: as long as ever. */
static int64_t stall_ms(const struct request *r)
{
    const struct c2_root_state *root = root_of(r->fetch);

    return root && c2_turn_has_other(root, &r->turn) ? C2_SUPPLIER_STALL_MS : 0;
}

/* A large read is spread over the sources that are equally near. */
static void choose_source(struct request *r)
{
    struct c2_fetching *f = r->fetch;
    struct c2_root_state *root = root_of(f);
    uint64_t at = 0;

    r->turn = f->turn;
    if (root && f->ds->speaks_pieces && f->nbytes >= SPREAD_MIN && c2_shares_are_several(root, &f->turn))
        at = c2_share_begin(root, &f->turn, SHARE_NBYTES);
    if (!at) return;
    r->is_share = true;
    r->turn.at = at;
    r->since_ms = c2_loop_now_ms(root->sub->config.loop);
}

static bool start_request(struct c2_fetching *f, struct cat2_error *err)
{
    C2_AUTO(c2_buf) url = C2_BUF_INIT(65536);
    char match[900];
    const char *headers[] = {match, NULL};
    struct request *r = calloc(1, sizeof(*r));

    if (!r) return c2_fail_nomem(err, "request");
    r->fetch = f;
    choose_source(r);
    size_t record_max = (size_t)f->ds->meta->chunksize + (size_t)f->ds->meta->chunksize / 8 + (32u << 20);
    c2_pieces_reader_init(&r->reader, record_max);
    bool ok = c2_ds_url(f->ds, &r->turn, f->python ? "chunk" : "download", &url, err);
    if (ok && f->ds->speaks_pieces) ok = question(f, r, &url, err);
    if (ok && !f->ds->speaks_pieces) {
        r->first = f->next++;
        r->n = 1;
        ok = c2_buf_printf(&url, err, "?nchunk=%" PRId64, f->wants[r->first].nchunk);
    }
    snprintf(match, sizeof(match), "If-Match: %s", f->ds->match);
    struct c2_http_call call = {.url = c2_buf_cstr(&url),
                                .headers = f->ds->speaks_pieces ? headers : NULL,
                                .timeout_ms = 120000,
                                .stall_ms = stall_ms(r),
                                .body_max = f->ds->speaks_pieces ? 65536 : record_max,
                                .fresh = f->passes > 1,
                                .data = f->ds->speaks_pieces ? on_data : NULL,
                                .done = on_done,
                                .ctx = r};
    ok = ok && c2_upcall_start(f->ds->sub, &call, C2_WIRE_PIECES, c2_sub_check(root_of(f)), err);
    if (ok) {
        f->under_way++;
        f->ds->sub->flights++;
        return true;
    }
    if (r->is_share && root_of(f)) c2_share_end(root_of(f), r->turn.at, SHARE_NBYTES);
    c2_pieces_reader_fini(&r->reader);
    free(r);
    return false;
}

/* All that was under way is back: what is not stored goes into another pass. false: there is none, or one too
 * many. */
static bool next_pass(struct c2_fetching *f)
{
    size_t left = 0;

    if (f->failed) return false;
    for (size_t i = 0; i < f->n; i++) {
        if (f->stored[i])
            free(f->wants[i].blocks);
        else
            f->wants[left++] = f->wants[i];
    }
    f->n = left;
    f->next = 0;
    memset(f->stored, 0, left);
    if (left == 0) return false;
    if (f->bad.code == CAT2_OK) c2_fail(&f->bad, CAT2_EDATA, "the publisher left chunks out");
    if ((f->lost && !f->moving) ? go_on_without(f)
                                : (f->moving || f->passes == PASSES_MAX) && go_elsewhere(f)) {
        f->lost = false;
        f->bad = (struct cat2_error){0};
        f->passes++;
        return true;
    }
    if (f->passes == PASSES_MAX) {
        c2_fail_within(&f->bad, "asked for %d times", f->passes);
        c2_upstream_fail(f, &f->bad);
        return false;
    }
    f->passes++;
    f->bad = (struct cat2_error){0};
    return true;
}

static void finish(struct c2_fetching *f)
{
    f->hooks->done(f->ctx, f->failed ? &f->err : NULL);
    for (size_t i = 0; i < f->n; i++)
        free(f->wants[i].blocks);
    free(f->wants);
    free(f->stored);
    c2_cachefile_unref(f->cf);
    c2_ds_unref(f->ds);
    free(f);
}

void c2_upstream_go_on(struct c2_fetching *f)
{
    struct cat2_error err;

    do {
        while (!f->failed && !f->moving && f->next < f->n &&
               f->under_way < (f->ds->speaks_pieces ? c2_direct_flights(f, FLIGHTS_MAX) : C2_UPSTREAM_MAX) &&
               f->storing_nbytes < STORING_MAX)
            if (!(c2_direct_may(f) ? c2_direct_start(f, &err) : start_request(f, &err)))
                c2_upstream_fail(f, &err);
        if (f->failed) c2_store_drop(f, &f->held);
        if (f->held && !f->under_way) {
            c2_store_confirm(f);
            return;
        }
        if (f->under_way || f->storing || (!f->failed && !f->moving && f->next < f->n)) return;
    } while (next_pass(f));
    finish(f);
}

static void start_fetch(void *ctx)
{
    if (!c2_direct_ask(ctx)) c2_upstream_go_on(ctx);
}

bool c2_upstream_fetch(struct c2_ds *ds, struct c2_want *wants, size_t n, const struct c2_fetch_hooks *hooks,
                       void *ctx, struct cat2_error *err)
{
    struct c2_fetching *f = calloc(1, sizeof(*f));
    uint8_t *stored = calloc(n + 1, sizeof(*stored));

    if (!f || !stored) {
        free(f);
        free(stored);
        return c2_fail_nomem(err, "fetch");
    }
    *f = (struct c2_fetching){.ds = c2_ds_ref(ds),
                              .cf = c2_cachefile_ref(ds->cf),
                              .wants = wants,
                              .stored = stored,
                              .n = n,
                              .passes = 1,
                              .go_on = c2_upstream_go_on,
                              .store = c2_store_begin,
                              .hooks = hooks,
                              .ctx = ctx};
    for (size_t i = 0; i < n; i++)
        f->nbytes += estimate(f, &wants[i]);
    const struct c2_root_state *root = root_of(f);
    f->python = root && root->root.python;
    if (root && ds->speaks_pieces)
        c2_turn_next(root, &f->turn);
    else if (root)
        c2_turn_first(root, &f->turn);
    c2_loop_post(ds->sub->config.loop, &f->starting, start_fetch, f);
    return true;
}
