/* SPDX-License-Identifier: BSD-3-Clause */
/* Chunks, blocks of chunks, and many of them: read in workers, one chunk in memory a request, all of one
 * generation. */
#include "publisher/download_chunks.h"

#include <stdio.h>
#include <stdlib.h>

#include "publisher/publisher_impl.h"

/* ---- a single chunk ---- */

struct chunk_job {
    struct c2_request *req;
    struct c2_pool *pool;
    struct c2_item *item;
    int64_t nchunk;
    struct c2_pieces_want want; /* its block ranges, if any */
    struct c2_cut cut;
    bool ok;
    struct cat2_error err;
};

static void chunk_free(struct chunk_job *job)
{
    c2_item_unref(job->item);
    c2_pieces_want_fini(&job->want);
    c2_cut_fini(&job->cut);
    free(job);
}

static void chunk_work(void *ctx, void *local)
{
    struct chunk_job *job = ctx;

    struct c2_cut_want want = {job->want.spans.p, job->want.spans.n, false};

    (void)local;
    job->ok = c2_cut_read(job->item, job->nchunk, &want, &job->cut, &job->err);
    if (job->ok && !job->cut.whole) {
        size_t n = job->cut.prefix.n;
        job->ok = c2_buf_append(&job->cut.prefix, job->cut.data.p, job->cut.data.n, &job->err);
        job->nchunk = (int64_t)n; /* from here on: bytes of prefix */
    }
}

static void chunk_done(void *ctx)
{
    struct chunk_job *job = ctx;
    char text[24];

    if (!job->ok) {
        if (job->err.code == CAT2_OK) c2_fail(&job->err, CAT2_ECANCELLED, "shutting down");
        c2_reply_error(job->req, &job->err);
    } else if (job->cut.whole) {
        if (job->want.spans.n) c2_reply_header(job->req, "X-Caterva2-Whole", "1");
        c2_reply_buf(job->req, 200, NULL, &job->cut.data);
    } else {
        snprintf(text, sizeof(text), "%lld", (long long)job->nchunk);
        c2_reply_header(job->req, "X-Caterva2-Prefix", text);
        c2_reply_buf(job->req, 200, NULL, &job->cut.prefix);
    }
    chunk_free(job);
}

/* The dataset is open: hold what the request named to this generation. */
bool c2_download_open(struct c2_request *req, struct c2_entry *entry, const struct cat2_error *err,
                      struct c2_item **out)
{
    if (!entry) {
        c2_publisher_refuse(req, err);
        return false;
    }
    if (!c2_publisher_generation(req, &entry->item->gen)) return false;
    *out = c2_item_ref(entry->item);
    return true;
}

static void chunk_ready(void *ctx, struct c2_entry *entry, const struct cat2_error *err)
{
    struct chunk_job *job = ctx;

    if (!c2_download_open(job->req, entry, err, &job->item)) {
        chunk_free(job);
        return;
    }
    struct c2_pool_share share = {0, c2_cut_cost(job->item, job->want.spans.n)};
    c2_pool_run_for(job->pool, &share, chunk_work, chunk_done, job);
}

static void start_chunk(struct c2_request *req, struct c2_publisher *pub, int64_t nchunk, const char *path)
{
    struct chunk_job *job = calloc(1, sizeof(*job));
    struct c2_str blocks;

    if (!job) {
        c2_reply_detail(req, 503, "out of memory");
        return;
    }
    job->req = req;
    job->pool = pub->parts.pool;
    job->nchunk = nchunk;
    c2_cut_init(&job->cut);
    if (c2_request_query(req, "blocks", &blocks) &&
        !c2_pieces_parse_blocks(blocks, ',', nchunk, &job->want, &job->err)) {
        c2_reply_error(req, &job->err);
        chunk_free(job);
        return;
    }
    c2_catalog_get(pub->catalog, path, C2_NEED_ITEM, chunk_ready, job);
}

void c2_publisher_download(struct c2_request *req, void *state)
{
    struct c2_publisher *pub = state;
    struct cat2_error err;
    struct c2_str pieces;
    int64_t nchunk = -1;
    bool found;

    if (pub->stopped) {
        c2_reply_detail(req, 503, "shutting down");
        return;
    }
    bool many = c2_request_query(req, "pieces", &pieces);
    if (!c2_request_query_int(req, "nchunk", &found, &nchunk, &err)) {
        c2_reply_error(req, &err);
        return;
    }
    if (!many && (!found || nchunk < 0)) {
        c2_reply_detail(req, 400, "Chunk number required");
        return;
    }
    const char *path = c2_publisher_path(req);
    if (!path) return;
    if (many)
        c2_pieces_start(req, pub, pieces, path);
    else
        start_chunk(req, pub, nchunk, path);
}
