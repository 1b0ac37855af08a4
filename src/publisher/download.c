/* SPDX-License-Identifier: BSD-3-Clause */
/* Chunks, blocks of chunks, and many of them: read in workers, one chunk in memory a request, all of one
 * generation. */
#include "publisher/download.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "publisher/publisher_impl.h"
#include "wire/proof.h"

/* Blocks are worth their prefix only in large chunks that hold them apart. */
#define WHOLE_BELOW (128 << 10)

/* ---- one chunk or some of its blocks, in a worker ---- */

/* A chunk, where its blocks are, and what is kept of them. */
struct cutter {
    const struct c2_buf *chunk;
    const struct c2_chunk_info *info;
    int32_t *off, *len;
    struct c2_cut *out;
};

static bool keep_block(const struct cutter *c, int32_t nblock, struct cat2_error *err)
{
    return c2_buf_append(&c->out->blocks, &nblock, sizeof(nblock), err) &&
           c2_buf_append(&c->out->data, c->chunk->p + c->off[nblock], (size_t)c->len[nblock], err);
}

static bool keep_spans(const struct cutter *c, const struct c2_cut_want *want, struct cat2_error *err)
{
    bool ok = true;

    for (size_t i = 0; ok && i < want->nspans; i++) {
        if (want->spans[i].last >= c->info->nblocks)
            return c2_fail(err, CAT2_ENOTFOUND, "the chunk has %d blocks only", c->info->nblocks);
        for (int64_t n = want->spans[i].first; ok && n <= want->spans[i].last; n++)
            ok = keep_block(c, (int32_t)n, err);
    }
    return ok;
}

/* The blocks that the bytes of span touch; the first one if they touch none, for a record must have one. */
static bool keep_under(const struct cutter *c, struct c2_span span, struct cat2_error *err)
{
    bool ok = true;

    for (int32_t i = 0; ok && i < c->info->nblocks; i++)
        if (c->off[i] <= span.last && c->off[i] + c->len[i] > span.first) ok = keep_block(c, i, err);
    return ok && (c->out->blocks.n || keep_block(c, 0, err));
}

static bool cut_blocks(const struct c2_buf *chunk, const struct c2_chunk_info *info,
                       const struct c2_cut_want *want, struct c2_cut *out, struct cat2_error *err)
{
    size_t n = (size_t)info->nblocks;
    int32_t *extents = malloc((n ? n : 1) * 2 * sizeof(*extents));
    struct cutter c = {chunk, info, extents, extents + n, out};
    struct c2_bytes prefix = {chunk->p, (size_t)info->data_start};

    if (!extents) return c2_fail_nomem(err, "block extents");
    bool ok = c2_block_extents(prefix, info, c.off, c.len, err) &&
              c2_buf_append(&out->prefix, prefix.p, prefix.n, err) &&
              (want->bytes ? keep_under(&c, want->spans[0], err) : keep_spans(&c, want, err));
    free(extents);
    return ok;
}

bool c2_cut_read(struct c2_item *item, int64_t nchunk, const struct c2_cut_want *want, struct c2_cut *out,
                 struct cat2_error *err)
{
    C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
    struct c2_chunk_expect any = {.nbytes = -1, .blocksize = -1, .typesize = -1};
    struct c2_chunk_info info;

    c2_cut_init(out);
    if (item->refusal) return c2_fail(err, CAT2_EUNSUPPORTED, "%s", item->refusal);
    if (nchunk >= item->meta->nchunks)
        return c2_fail(err, CAT2_ENOTFOUND, "chunk %lld: the dataset has %lld", (long long)nchunk,
                       (long long)item->meta->nchunks);
    if (!item->ops->chunk(item, nchunk, &chunk, err)) return false;
    out->whole = want->nspans == 0 || chunk.n < WHOLE_BELOW;
    if (!out->whole) {
        if (!c2_guard_chunk(c2_buf_bytes(&chunk), &any, &info, err)) return false;
        out->whole = info.special || info.memcpyed || info.delta || info.vlblocks || info.nblocks < 2;
    }
    if (!out->whole) return cut_blocks(&chunk, &info, want, out, err);
    c2_buf_fini(&out->data);
    out->data = c2_buf_steal(&chunk);
    return true;
}

void c2_cut_init(struct c2_cut *cut)
{
    cut->whole = false;
    c2_buf_init(&cut->prefix, C2_CHUNK_CBYTES_MAX);
    c2_buf_init(&cut->blocks, C2_NBLOCKS_MAX * sizeof(int32_t));
    c2_buf_init(&cut->data, C2_CHUNK_CBYTES_MAX);
}

void c2_cut_fini(struct c2_cut *cut)
{
    c2_buf_fini(&cut->prefix);
    c2_buf_fini(&cut->blocks);
    c2_buf_fini(&cut->data);
}

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

    struct c2_cut_want want = {job->want.spans, job->want.nspans, false};

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
        if (job->want.nspans) c2_reply_header(job->req, "X-Caterva2-Whole", "1");
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
        c2_reply_error(req, err);
        return false;
    }
    if (!c2_publisher_generation(req, &entry->item->gen)) return false;
    *out = c2_item_ref(entry->item);
    return true;
}

static void chunk_ready(void *ctx, struct c2_entry *entry, const struct cat2_error *err)
{
    struct chunk_job *job = ctx;

    if (!c2_download_open(job->req, entry, err, &job->item))
        chunk_free(job);
    else
        c2_pool_run(job->pool, chunk_work, chunk_done, job);
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
