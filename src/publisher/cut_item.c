/* SPDX-License-Identifier: BSD-3-Clause */
/* Chunks of an item, cut. */
#include "publisher/cut_item.h"

#include "blosc/frame_impl.h"

/* Blocks that are asked for one after the other: each is a request where the frame is elsewhere. */
#define BLOCKS_MAX 16

/* Of a frame that is elsewhere only the blocks move, if they are few. */
static bool is_worth_parts(const struct c2_item *item, const struct c2_cut_want *want)
{
    const struct c2_meta *meta = item->meta;
    int64_t n = 0, blocksize = meta->cparams.blocksize;

    if (!item->frame || !c2_frame_is_elsewhere(item->frame) || !want->nspans || want->bytes || blocksize < 1)
        return false;
    for (size_t i = 0; i < want->nspans; i++)
        n += want->spans[i].last - want->spans[i].first + 1;
    return n <= BLOCKS_MAX && 4 * n * blocksize <= meta->chunksize;
}

/* false and CAT2_EUNSUPPORTED, CAT2_EINVAL: the chunk has no parts. */
static bool read_parts(struct c2_item *item, int64_t nchunk, const struct c2_cut_want *want,
                       struct c2_cut *out, struct cat2_error *err)
{
    struct c2_chunks chunks = c2_frame_chunks(item->frame);
    struct c2_chunk_expect expect = c2_meta_expect(item->meta, nchunk);

    if (c2_cut_partial(&chunks, nchunk, &expect, want, out, err) && c2_item_check(item, err)) return true;
    c2_cut_fini(out);
    c2_cut_init(out);
    return false;
}

bool c2_cut_read(struct c2_item *item, int64_t nchunk, const struct c2_cut_want *want, struct c2_cut *out,
                 struct cat2_error *err)
{
    C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);

    c2_cut_init(out);
    if (item->refusal) return c2_fail(err, CAT2_EUNSUPPORTED, "%s", item->refusal);
    if (nchunk >= item->meta->nchunks)
        return c2_fail(err, CAT2_ENOTFOUND, "chunk %lld: the dataset has %lld", (long long)nchunk,
                       (long long)item->meta->nchunks);
    if (is_worth_parts(item, want)) {
        if (read_parts(item, nchunk, want, out, err)) return true;
        if (err->code != CAT2_EUNSUPPORTED && err->code != CAT2_EINVAL) return false;
    }
    return c2_item_chunk(item, nchunk, &chunk, err) && c2_cut_chunk(&chunk, want, out, err);
}

/* In a frame it lies as it is sent; from others the chunk is decoded and compressed. */
int64_t c2_cut_cost(const struct c2_item *item, size_t nspans)
{
    const struct c2_meta *meta = item->meta;

    if (!item->frame) return 4 * (int64_t)meta->chunksize;
    return nspans || !meta->nchunks ? 0 : meta->cbytes / meta->nchunks;
}
