/* SPDX-License-Identifier: BSD-3-Clause */
/* Checks every number of a Blosc2 chunk that the library would use unchecked: sizes, bstarts, the length
 * of every compressed stream. What passes cannot make a decoder leave its buffers.
 *
 *   header[32] | i32 bstarts[nblocks] | (i32 size, dictionary) | streams: i32 csize, csize bytes          all
 * little-endian
 */
#include "blosc/guard.h"

#include <stdlib.h>

#include "base/bisect.h"
#include "base/endian.h"
#include "blosc/chunk_format.h"

#define DICT_NBYTES_MAX     (32 << 10) /* what Blosc2 takes at most */
#define REPEATED_NBYTES_MAX 65536      /* one item of a repeated-value chunk */
#define BLOCK_NBYTES_MAX    536866816  /* Blosc2's BLOSC2_MAXBLOCKSIZE */

static bool bad(struct cat2_error *err, const char *what, int64_t value)
{
    return c2_fail(err, CAT2_EDATA, "bad chunk: %s (%lld)", what, (long long)value);
}

static bool check_special(const uint8_t *head, struct c2_chunk_info *info, struct cat2_error *err)
{
    if (info->special > C2_SPECIAL_UNINIT) return bad(err, "unknown special value", info->special);
    if (info->special == C2_SPECIAL_VALUE) {
        int32_t item = info->cbytes - C2_CHUNK_HEADER;
        if (item < 1 || item > REPEATED_NBYTES_MAX || info->nbytes % item)
            return bad(err, "length of the repeated item", item);
        return true;
    }
    if (info->cbytes != C2_CHUNK_HEADER) return bad(err, "special chunk with data", info->cbytes);
    if (info->special == C2_SPECIAL_NAN && (info->typesize != 4 && info->typesize != 8))
        return bad(err, "NaN items of typesize", info->typesize);
    if (info->special != C2_SPECIAL_ZERO && info->nbytes % head[C2_CHUNK_TYPESIZE])
        return bad(err, "special chunk of partial items, bytes", info->nbytes);
    return true;
}

static bool check_filters(const uint8_t *head, bool index, struct c2_chunk_info *info, struct cat2_error *err)
{
    for (int i = 0; i < 6; i++) {
        int filter = head[C2_CHUNK_FILTERS + i];
        if (index && filter > C2_FILTER_BITSHUFFLE) return bad(err, "filter of an index", filter);
        if (filter == C2_FILTER_DELTA) info->delta = true;
    }
    return true;
}

static bool check_sizes(const uint8_t *head, int64_t avail, const struct c2_chunk_expect *want,
                        struct c2_chunk_info *info, struct cat2_error *err)
{
    int32_t blocksize = info->blocksize;

    if (info->cbytes < C2_CHUNK_HEADER || info->cbytes > avail)
        return bad(err, "compressed size", info->cbytes);
    if (info->nbytes < 1 || info->nbytes > C2_CHUNK_NBYTES_MAX) return bad(err, "size", info->nbytes);
    if (want->nbytes >= 0 && info->nbytes != want->nbytes)
        return bad(err, "size is not the dataset's", info->nbytes);
    if (info->typesize < 1) return bad(err, "typesize", info->typesize);
    if (want->typesize > 0 && info->typesize != (want->typesize > 255 ? 1 : want->typesize))
        return bad(err, "typesize is not the dataset's", info->typesize);
    if (info->special) { /* the blocksize has no meaning here, and writers set different values */
        if (want->blocksize > 0 && want->blocksize <= info->nbytes) blocksize = want->blocksize;
        if (blocksize < 1 || blocksize > info->nbytes) blocksize = info->nbytes;
        info->blocksize = blocksize;
    }
    if (blocksize < 1 || blocksize > info->nbytes || blocksize > BLOCK_NBYTES_MAX)
        return bad(err, "blocksize", blocksize);
    if (!info->special && want->blocksize > 0 && blocksize != want->blocksize)
        return bad(err, "blocksize is not the dataset's", blocksize);
    int64_t nblocks = c2_div_ceil(info->nbytes, blocksize);
    if (nblocks > C2_NBLOCKS_MAX) return bad(err, "number of blocks", nblocks);
    info->nblocks = (int32_t)nblocks;
    return check_filters(head, want->index, info, err);
}

bool c2_guard_header(const uint8_t *head, int64_t avail, const struct c2_chunk_expect *want,
                     struct c2_chunk_info *out, struct cat2_error *err)
{
    struct c2_chunk_info info = {0};

    if (avail < C2_CHUNK_HEADER) return bad(err, "shorter than its header", avail);
    int flags = head[C2_CHUNK_FLAGS], flags2 = head[C2_CHUNK_FLAGS2];
    if (head[0] < 1 || head[0] > C2_CHUNK_VERSION_MAX) return bad(err, "version", head[0]);
    if ((flags & 5) != 5) return bad(err, "header is not Blosc2's, flags", flags);
    if (flags2 & (C2_FLAG2_LAZY | C2_FLAG2_INSTRUMENTED))
        return bad(err, "lazy or instrumented, flags", flags2);
    info.nbytes = (int32_t)c2_le32(head + 4);
    info.blocksize = (int32_t)c2_le32(head + 8);
    info.cbytes = (int32_t)c2_le32(head + 12);
    info.typesize = head[C2_CHUNK_TYPESIZE];
    info.special = (flags2 >> 4) & 7;
    info.memcpyed = (flags & C2_FLAG_MEMCPYED) != 0;
    info.has_dict = (flags2 & C2_FLAG2_DICT) != 0;
    info.split = !(flags & C2_FLAG_NOSPLIT);
    info.vlblocks = (head[C2_CHUNK_FLAGS3] & 1) != 0;
    info.codec = flags >> 5;
    if (info.codec == C2_CHUNK_UDCODEC) info.codec = head[C2_CHUNK_CODEC];
    info.data_start = C2_CHUNK_HEADER;
    if (info.vlblocks) return c2_fail(err, CAT2_EUNSUPPORTED, "chunk of variable-length blocks");
    if (!check_sizes(head, avail, want, &info, err)) return false;
    if (info.special) {
        if (!check_special(head, &info, err)) return false;
    } else if (info.memcpyed) {
        if ((int64_t)info.nbytes + C2_CHUNK_HEADER != info.cbytes)
            return bad(err, "stored chunk's size", info.cbytes);
    } else {
        int code = flags >> 5;
        if (code != 0 && code != 1 && code != 3 && code != 4 && code != C2_CHUNK_UDCODEC)
            return bad(err, "codec", code);
        int64_t start = C2_CHUNK_HEADER + 4 * (int64_t)info.nblocks;
        if (start > info.cbytes) return bad(err, "no room for its blocks", info.nblocks);
        info.data_start = (int32_t)start; /* the dictionary, if any, is added by c2_guard_prefix() */
    }
    *out = info;
    return true;
}

/* Bytes of block nblock before compression. */
static int32_t block_nbytes(const struct c2_chunk_info *info, int32_t nblock)
{
    int32_t rest = info->nbytes % info->blocksize;

    return nblock == info->nblocks - 1 && rest ? rest : info->blocksize;
}

/* The streams of one block: `p` is its start, `avail` the bytes up to where it must end. */
static bool check_streams(const struct c2_chunk_info *info, int32_t nblock, const uint8_t *p, int64_t avail,
                          int64_t *used, struct cat2_error *err)
{
    int32_t plain = block_nbytes(info, nblock);
    bool leftover = plain != info->blocksize;
    int nstreams = info->split && !leftover ? info->typesize : 1;
    int64_t pos = 0;

    plain /= nstreams;
    if (plain == 0) return bad(err, "block shorter than an item", nblock);
    for (int i = 0; i < nstreams; i++) {
        if (avail - pos < 4) return bad(err, "stream leaves its block", nblock);
        int32_t csize = (int32_t)c2_le32(p + pos);
        pos += 4;
        if (csize < 0) { /* a run of one byte value */
            if (csize < -255 || pos >= avail || !(p[pos] & 1)) return bad(err, "run token", csize);
            pos++;
        } else {
            /* No writer makes a stream that is longer than the plain block, and BloscLZ would overflow its
             * match length. */
            if (csize > plain || csize > avail - pos) return bad(err, "stream size", csize);
            pos += csize;
        }
    }
    *used = pos;
    return true;
}

static bool check_bstarts(const uint8_t *p, const struct c2_chunk_info *info, struct cat2_error *err)
{
    for (int32_t i = 0; i < info->nblocks; i++) {
        int32_t start = (int32_t)c2_le32(p + C2_CHUNK_HEADER + 4 * (size_t)i);
        if (start < info->data_start || start > info->cbytes - 4) return bad(err, "start of a block", start);
    }
    return true;
}

/* Header, dictionary and bstarts of `have` bytes of a chunk that is `avail` long. */
static bool check_prefix(struct c2_bytes have, int64_t avail, const struct c2_chunk_expect *want,
                         struct c2_chunk_info *out, struct cat2_error *err)
{
    struct c2_chunk_info info;

    if (have.n < C2_CHUNK_HEADER) return bad(err, "shorter than its header", (int64_t)have.n);
    if (!c2_guard_header(have.p, avail, want, &info, err)) return false;
    if (info.special || info.memcpyed) {
        *out = info;
        return true;
    }
    if (have.n < (size_t)info.data_start) return bad(err, "no room for its blocks", info.nblocks);
    if (info.has_dict) {
        int64_t at = info.data_start;
        if (at + 4 > (int64_t)have.n || at + 4 > info.cbytes)
            return bad(err, "no room for its dictionary", at);
        int32_t n = (int32_t)c2_le32(have.p + at);
        if (n < 1 || n > DICT_NBYTES_MAX || at + 4 + n > info.cbytes) return bad(err, "dictionary size", n);
        info.data_start += 4 + n;
        if ((int64_t)have.n < info.data_start) return bad(err, "cut off in its dictionary", n);
    }
    if (!check_bstarts(have.p, &info, err)) return false;
    *out = info;
    return true;
}

bool c2_guard_chunk(struct c2_bytes chunk, const struct c2_chunk_expect *want, struct c2_chunk_info *out,
                    struct cat2_error *err)
{
    struct c2_chunk_info info;
    int64_t total = 0, used;

    if (!check_prefix(chunk, (int64_t)chunk.n, want, &info, err)) return false;
    if ((size_t)info.cbytes != chunk.n)
        return bad(err, "bytes behind its end", (int64_t)chunk.n - info.cbytes);
    if (!info.special && !info.memcpyed)
        for (int32_t i = 0; i < info.nblocks; i++) {
            int32_t start = (int32_t)c2_le32(chunk.p + C2_CHUNK_HEADER + 4 * (size_t)i);
            if (!check_streams(&info, i, chunk.p + start, info.cbytes - start, &used, err)) return false;
            total += used;
            if (total > info.cbytes) return bad(err, "blocks overlap", i);
        }
    *out = info;
    return true;
}

bool c2_guard_prefix(struct c2_bytes prefix, const struct c2_chunk_expect *want, struct c2_chunk_info *out,
                     struct cat2_error *err)
{
    struct c2_chunk_info info;

    if (!check_prefix(prefix, C2_CHUNK_CBYTES_MAX, want, &info, err)) return false;
    if ((size_t)info.data_start != prefix.n)
        return bad(err, "length of header and block starts", (int64_t)prefix.n);
    *out = info;
    return true;
}

bool c2_guard_block(const struct c2_chunk_info *info, int32_t nblock, struct c2_bytes block,
                    struct cat2_error *err)
{
    int64_t used;

    if (nblock < 0 || nblock >= info->nblocks) return bad(err, "no such block", nblock);
    if (info->special || info->memcpyed) {
        if (block.n != (size_t)block_nbytes(info, nblock))
            return bad(err, "size of a stored block", (int64_t)block.n);
        return true;
    }
    return check_streams(info, nblock, block.p, (int64_t)block.n, &used, err);
}

static int compare_i32(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

    return (x > y) - (x < y);
}

/* The first of sorted[n] above `start`, or `end`. */
static int32_t next_start(const int32_t *sorted, int32_t n, int32_t start, int32_t end)
{
    int32_t at;

    c2_bisect(at, n, sorted[at] <= start);
    return at < n ? sorted[at] : end;
}

bool c2_block_extents(struct c2_bytes prefix, const struct c2_chunk_info *info, int32_t *off, int32_t *len,
                      struct cat2_error *err)
{
    int32_t n = info->nblocks;
    bool ascending = true;

    if (info->special || info->memcpyed)
        return c2_fail(err, CAT2_EINVAL, "this chunk has no table of blocks");
    if (prefix.n < C2_CHUNK_HEADER + 4 * (size_t)n) return bad(err, "no room for its blocks", n);
    for (int32_t i = 0; i < n; i++) {
        off[i] = (int32_t)c2_le32(prefix.p + C2_CHUNK_HEADER + 4 * (size_t)i);
        if (off[i] < info->data_start || off[i] > info->cbytes - 4)
            return bad(err, "start of a block", off[i]);
        if (i > 0 && off[i] <= off[i - 1]) ascending = false;
    }
    if (ascending) {
        for (int32_t i = 0; i < n; i++)
            len[i] = (i + 1 < n ? off[i + 1] : info->cbytes) - off[i];
        return true;
    }
    int32_t *sorted = malloc((size_t)n * sizeof(*sorted));
    if (!sorted) return c2_fail_nomem(err, "table of blocks");
    memcpy(sorted, off, (size_t)n * sizeof(*sorted));
    qsort(sorted, (size_t)n, sizeof(*sorted), compare_i32);
    for (int32_t i = 0; i < n; i++)
        len[i] = next_start(sorted, n, off[i], info->cbytes) - off[i];
    free(sorted);
    return true;
}

bool c2_block_places(struct c2_bytes prefix, const struct c2_chunk_info *info, int32_t *off, int32_t *len,
                     struct cat2_error *err)
{
    if (!info->memcpyed) return c2_block_extents(prefix, info, off, len, err);
    for (int32_t i = 0; i < info->nblocks; i++) {
        off[i] = C2_CHUNK_HEADER + i * info->blocksize;
        len[i] = (int32_t)c2_min_i64(info->blocksize, info->cbytes - off[i]);
    }
    return true;
}
