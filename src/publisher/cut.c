/* SPDX-License-Identifier: BSD-3-Clause */
/* Blocks of a chunk, and where in it they are. */
#include "publisher/cut.h"

#include <stdlib.h>

#include "blosc/guard.h"

/* Blocks are worth their prefix only in large chunks that hold them apart. */
#define WHOLE_BELOW (128 << 10)

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
    if (!c2_item_chunk(item, nchunk, &chunk, err)) return false;
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

/* In a frame it lies as it is sent; from others the chunk is decoded and compressed. */
int64_t c2_cut_cost(const struct c2_item *item, size_t nspans)
{
    const struct c2_meta *meta = item->meta;

    if (!item->frame) return 4 * (int64_t)meta->chunksize;
    return nspans || !meta->nchunks ? 0 : meta->cbytes / meta->nchunks;
}
