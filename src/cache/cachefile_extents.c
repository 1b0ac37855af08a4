/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the blocks of a chunk are, from its beginning: of a chunk that is elsewhere, or stored in part. */
#include "cache/cachefile_impl.h"

#include <stdlib.h>

#include "base/endian.h"
#include "blosc/chunk_format.h"

bool c2_cache_tiles(const struct c2_chunk_info *info, const int32_t *off)
{
    int32_t first = info->cbytes;

    for (int32_t i = 0; i < info->nblocks; i++)
        if (off[i] < first) first = off[i];
    return first == info->data_start;
}

void c2_chunk_extents_fini(struct c2_chunk_extents *extents)
{
    free(extents->off);
    *extents = (struct c2_chunk_extents){0};
}

/* Bytes of the beginning, as far as head tells. */
static bool find_need(struct c2_bytes head, const struct c2_chunk_info *info, int64_t *need,
                      struct cat2_error *err)
{
    *need = info->data_start;
    if (!info->has_dict || info->memcpyed) return true;
    *need += 4;
    if ((int64_t)head.n >= *need) *need += c2_le32(head.p + info->data_start);
    return *need <= info->cbytes || c2_fail(err, CAT2_EDATA, "no room for its dictionary");
}

static bool find_blocks(const struct c2_cachefile *cf, int64_t nchunk, struct c2_bytes prefix,
                        struct c2_chunk_extents *out, struct cat2_error *err)
{
    struct c2_chunk_expect want = c2_cache_expect(cf, nchunk);
    struct c2_chunk_info info;

    if (!c2_guard_prefix(prefix, &want, &info, err)) return false;
    size_t n = (size_t)info.nblocks;
    int32_t *off = malloc((2 * n + 1) * sizeof(*off));
    if (!off) return c2_fail_nomem(err, "blocks");
    if (!c2_block_places(prefix, &info, off, off + n, err) ||
        !(c2_cache_tiles(&info, off) || c2_fail(err, CAT2_EUNSUPPORTED, "is cached whole only"))) {
        free(off);
        return false;
    }
    *out = (struct c2_chunk_extents){.need = out->need,
                                     .nblocks = info.nblocks,
                                     .prefix_n = info.data_start,
                                     .cbytes = info.cbytes,
                                     .off = off,
                                     .len = off + n};
    return true;
}

bool c2_cachefile_extents(const struct c2_cachefile *cf, int64_t nchunk, struct c2_bytes head,
                          struct c2_chunk_extents *out, struct cat2_error *err)
{
    int64_t off, room, need;
    struct c2_chunk_info info;

    if (!c2_cachefile_place(cf, nchunk, &off, &room))
        return c2_fail(err, CAT2_EINVAL, "chunk %lld has no place", (long long)nchunk);
    out->need = C2_CHUNK_HEADER;
    if (head.n < C2_CHUNK_HEADER) return true;
    struct c2_chunk_expect want = c2_cache_expect(cf, nchunk);
    if (!c2_guard_header(head.p, room, &want, &info, err)) return false;
    if (info.special || info.delta || info.nblocks > cf->blocks_per_chunk)
        return c2_fail(err, CAT2_EUNSUPPORTED, "is cached whole only");
    if (!find_need(head, &info, &need, err)) return false;
    out->need = (int32_t)need;
    return need > (int64_t)head.n ||
           find_blocks(cf, nchunk, (struct c2_bytes){head.p, (size_t)need}, out, err);
}

bool c2_cachefile_prefix(struct c2_cachefile *cf, int64_t nchunk, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_chunks chunks = c2_cachefile_chunks(cf);
    size_t before = out->n;

    struct c2_cache_rec rec = c2_cache_load(cf, nchunk);
    enum c2_cache_state state = c2_cache_state_of(&rec);
    if (state != C2_CACHE_PARTIAL && state != C2_CACHE_BLOCKS)
        return c2_fail(err, CAT2_ENOTFOUND, "chunk %lld is not cached", (long long)nchunk);
    size_t n = rec.state >> 4;
    if (!c2_buf_resize(out, before + n, err)) return false;
    if (c2_chunk_read(&chunks, nchunk, 0, (int32_t)n, out->p + before, err)) return true;
    out->n = before;
    return false;
}
