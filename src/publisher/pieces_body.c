/* SPDX-License-Identifier: BSD-3-Clause */
/* ?pieces=: records streamed one after another; the next chunk is read when the socket has taken the last. */
#include <stdlib.h>

#include "publisher/download_chunks.h"
#include "publisher/publisher_impl.h"
#include "wire/proof.h"

struct pieces {
    struct c2_request *req;
    struct c2_pool *pool;
    const struct c2_publisher *pub;
    struct c2_item *item;
    struct c2_pieces_want want;
    size_t at;               /* in want */
    int64_t nchunk;          /* next one of that item */
    struct c2_buf record[3]; /* what stands before the data, the data, and behind it */
    int sending;             /* which of these */
    size_t sent;             /* of it */
    bool replied, reading, failed, left;
    bool hashed; /* who asks knows records with hashes */
    struct cat2_error err;
};

static void drop_record(struct pieces *it)
{
    for (int i = 0; i < 3; i++)
        c2_buf_fini(&it->record[i]);
    it->sending = 0;
    it->sent = 0;
}

static void pieces_free(struct pieces *it)
{
    c2_item_unref(it->item);
    c2_pieces_want_fini(&it->want);
    drop_record(it);
    free(it);
}

static void read_work(void *ctx, void *local)
{
    struct pieces *it = ctx;
    const struct c2_piece_want *want = &it->want.p[it->at];
    struct c2_cut_want only = {want->nspans ? it->want.spans.p + want->span_at : NULL, want->nspans,
                               want->bytes};
    struct c2_cut cut;

    (void)local;
    it->failed = !c2_cut_read(it->item, it->nchunk, &only, &cut, &it->err);
    if (!it->failed) {
        struct c2_piece piece = {.whole = cut.whole,
                                 .nchunk = it->nchunk,
                                 .hashed = it->hashed,
                                 .nblocks = (int32_t)(cut.blocks.n / sizeof(int32_t)),
                                 .blocks = (const int32_t *)(const void *)cut.blocks.p,
                                 .prefix = c2_buf_bytes(&cut.prefix),
                                 .data = c2_buf_bytes(&cut.data)};
        it->failed = !c2_piece_ends(&piece, &it->record[0], &it->record[2], &it->err);
        it->record[1] = c2_buf_steal(&cut.data);
    }
    c2_cut_fini(&cut);
}

static int64_t pieces_pull(void *ctx, uint8_t *to, size_t room);

static void body_free(void *ctx)
{
    struct pieces *it = ctx;

    it->left = true;
    if (!it->reading) pieces_free(it);
}

/* The first record decides the status; later failures cut the answer short. */
static void read_done(void *ctx)
{
    struct pieces *it = ctx;
    struct c2_body body = {pieces_pull, body_free, it};

    it->reading = false;
    if (it->left) {
        pieces_free(it);
        return;
    }
    if (!it->failed && it->record[0].n == 0)
        it->failed = !c2_fail(&it->err, CAT2_ECANCELLED, "shutting down");
    if (!it->failed && ++it->nchunk > it->want.p[it->at].chunks.last && ++it->at < it->want.n)
        it->nchunk = it->want.p[it->at].chunks.first;
    if (it->replied) {
        c2_body_wake(it->req);
    } else if (it->failed) {
        c2_reply_error(it->req, &it->err);
        pieces_free(it);
    } else {
        it->replied = true;
        c2_reply_body(it->req, 200, C2_PIECES_TYPE, -1, &body);
    }
}

static void read_next(struct pieces *it)
{
    drop_record(it);
    it->reading = true;
    struct c2_pool_share share = {0, c2_cut_cost(it->item, it->want.p[it->at].nspans)};
    c2_pool_run_for(it->pool, &share, read_work, read_done, it);
}

/* As much of the record as there is room for. */
static size_t take(struct pieces *it, uint8_t *to, size_t room)
{
    size_t n = 0;

    while (it->sending < 3 && n < room) {
        const struct c2_buf *from = &it->record[it->sending];
        size_t some = from->n - it->sent < room - n ? from->n - it->sent : room - n;
        if (some) memcpy(to + n, from->p + it->sent, some);
        n += some;
        it->sent += some;
        if (it->sent < from->n) break;
        it->sending++;
        it->sent = 0;
    }
    return n;
}

static int64_t pieces_pull(void *ctx, uint8_t *to, size_t room)
{
    struct pieces *it = ctx;

    if (it->reading) return C2_BODY_WAIT;
    if (it->failed) return C2_BODY_FAIL;
    size_t n = take(it, to, room);
    if (n > 0) return (int64_t)n;
    if (it->at == it->want.n) return C2_BODY_END;
    if (it->pub->stopped) return C2_BODY_FAIL;
    read_next(it);
    return C2_BODY_WAIT;
}

/* All chunks must exist before anything is sent. */
static bool check_range(struct pieces *it)
{
    for (size_t i = 0; i < it->want.n; i++)
        if (it->want.p[i].chunks.last >= it->item->meta->nchunks)
            return c2_fail(&it->err, CAT2_ENOTFOUND, "chunk %lld: the dataset has %lld",
                           (long long)it->want.p[i].chunks.last, (long long)it->item->meta->nchunks);
    return true;
}

static void pieces_ready(void *ctx, struct c2_entry *entry, const struct cat2_error *err)
{
    struct pieces *it = ctx;

    if (!entry) {
        c2_reply_error(it->req, err);
        pieces_free(it);
        return;
    }
    if (!c2_publisher_generation(it->req, &entry->item->gen)) {
        pieces_free(it);
        return;
    }
    it->item = c2_item_ref(entry->item);
    if (!check_range(it)) {
        c2_reply_error(it->req, &it->err);
        pieces_free(it);
        return;
    }
    it->nchunk = it->want.p[0].chunks.first;
    read_next(it);
}

void c2_pieces_start(struct c2_request *req, struct c2_publisher *pub, struct c2_str text, const char *path)
{
    struct pieces *it = calloc(1, sizeof(*it));
    struct c2_str wanted;

    if (!it) {
        c2_reply_detail(req, 503, "out of memory");
        return;
    }
    it->req = req;
    it->pool = pub->parts.pool;
    it->pub = pub;
    it->hashed = c2_request_header(req, C2_PROOF_WANT, &wanted);
    for (int i = 0; i < 3; i++)
        c2_buf_init(&it->record[i],
                    (size_t)C2_CHUNK_CBYTES_MAX + 4 * (size_t)C2_NBLOCKS_MAX + C2_PIECE_HEAD_SIZE);
    if (!c2_pieces_parse(text, &it->want, &it->err)) {
        c2_reply_error(req, &it->err);
        pieces_free(it);
        return;
    }
    c2_catalog_get(pub->catalog, path, C2_NEED_ITEM, pieces_ready, it);
}
