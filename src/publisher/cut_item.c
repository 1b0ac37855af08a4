/* SPDX-License-Identifier: BSD-3-Clause */
/* Chunks of an item, cut. */
#include "publisher/cut_item.h"

bool c2_cut_read(struct c2_item *item, int64_t nchunk, const struct c2_cut_want *want, struct c2_cut *out,
                 struct cat2_error *err)
{
    C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);

    c2_cut_init(out);
    if (item->refusal) return c2_fail(err, CAT2_EUNSUPPORTED, "%s", item->refusal);
    if (nchunk >= item->meta->nchunks)
        return c2_fail(err, CAT2_ENOTFOUND, "chunk %lld: the dataset has %lld", (long long)nchunk,
                       (long long)item->meta->nchunks);
    return c2_item_chunk(item, nchunk, &chunk, err) && c2_cut_chunk(&chunk, want, out, err);
}

/* In a frame it lies as it is sent; from others the chunk is decoded and compressed. */
int64_t c2_cut_cost(const struct c2_item *item, size_t nspans)
{
    const struct c2_meta *meta = item->meta;

    if (!item->frame) return 4 * (int64_t)meta->chunksize;
    return nspans || !meta->nchunks ? 0 : meta->cbytes / meta->nchunks;
}
