/* SPDX-License-Identifier: BSD-3-Clause */
/* Blocks of a chunk, and where in it they are. */
#include "blosc/cut.h"

#include <stdlib.h>

#include "base/endian.h"
#include "blosc/chunk_format.h"

/* Blocks are worth their prefix only in large chunks that hold them apart. */
#define WHOLE_BELOW (128 << 10)

/* A chunk, where its blocks are, and what is kept of them. */
struct cutter {
    const uint8_t *chunk; /* in memory; NULL: in chunks */
    const struct c2_chunks *chunks;
    int64_t nchunk;
    const struct c2_chunk_info *info;
    int32_t *off, *len;
    struct c2_cut *out;
};

static bool keep_block(const struct cutter *c, int32_t nblock, struct cat2_error *err)
{
    struct c2_buf *data = &c->out->data;
    size_t before = data->n, n = (size_t)c->len[nblock];

    if (c->chunk && !c2_buf_append(data, c->chunk + c->off[nblock], n, err)) return false;
    if (!c->chunk &&
        (!c2_buf_resize(data, before + n, err) ||
         !c2_chunk_read(c->chunks, c->nchunk, c->off[nblock], (int32_t)n, data->p + before, err))) {
        data->n = before;
        return false;
    }
    return c2_buf_append(&c->out->blocks, &nblock, sizeof(nblock), err);
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

/* The blocks that the bytes of span touch; the first one that is here if they touch none, for a record must
 * have one. */
static bool keep_under(const struct cutter *c, struct c2_span span, struct cat2_error *err)
{
    bool ok = true;

    for (int32_t i = 0; ok && i < c->info->nblocks; i++)
        if (c->off[i] <= span.last && c->off[i] + c->len[i] > span.first) ok = keep_block(c, i, err);
    if (!ok || c->out->blocks.n) return ok;
    ok = c2_fail(err, CAT2_ENOTFOUND, "no block of the chunk is here");
    for (int32_t i = 0; !ok && err->code == CAT2_ENOTFOUND && i < c->info->nblocks; i++)
        ok = keep_block(c, i, err);
    return ok;
}

static bool cut_blocks(struct cutter *c, struct c2_bytes prefix, const struct c2_cut_want *want,
                       struct cat2_error *err)
{
    size_t n = (size_t)c->info->nblocks;
    int32_t *extents = malloc((n ? n : 1) * 2 * sizeof(*extents));

    if (!extents) return c2_fail_nomem(err, "block extents");
    c->off = extents;
    c->len = extents + n;
    bool ok = c2_block_extents(prefix, c->info, c->off, c->len, err) &&
              c2_buf_append(&c->out->prefix, prefix.p, prefix.n, err) &&
              (want->bytes ? keep_under(c, want->spans[0], err) : keep_spans(c, want, err));
    free(extents);
    return ok;
}

static bool is_divided(const struct c2_chunk_info *info)
{
    return !info->special && !info->memcpyed && !info->delta && !info->vlblocks && info->nblocks > 1;
}

bool c2_cut_chunk(struct c2_buf *chunk, const struct c2_cut_want *want, struct c2_cut *out,
                  struct cat2_error *err)
{
    struct c2_chunk_expect any = {.nbytes = -1, .blocksize = -1, .typesize = -1};
    struct c2_chunk_info info;

    out->whole = want->nspans == 0 || chunk->n < WHOLE_BELOW;
    if (!out->whole) {
        if (!c2_guard_chunk(c2_buf_bytes(chunk), &any, &info, err)) return false;
        out->whole = !is_divided(&info);
    }
    if (!out->whole) {
        struct cutter c = {.chunk = chunk->p, .info = &info, .out = out};
        return cut_blocks(&c, (struct c2_bytes){chunk->p, (size_t)info.data_start}, want, err);
    }
    c2_buf_fini(&out->data);
    out->data = c2_buf_steal(chunk);
    return true;
}

/* Have the chunk's first n bytes. */
static bool have_bytes(const struct c2_chunks *chunks, int64_t nchunk, int64_t n, struct c2_buf *out,
                       struct cat2_error *err)
{
    size_t have = out->n;

    return (int64_t)have >= n ||
           (c2_buf_resize(out, (size_t)n, err) &&
            c2_chunk_read(chunks, nchunk, (int32_t)have, (int32_t)((size_t)n - have), out->p + have, err));
}

static bool read_prefix(const struct c2_chunks *chunks, int64_t nchunk, const struct c2_chunk_expect *expect,
                        struct c2_buf *out, struct c2_chunk_info *info, struct cat2_error *err)
{
    struct c2_chunk_stat stat;

    if (!c2_chunk_stat(chunks, nchunk, &stat, err) ||
        !have_bytes(chunks, nchunk, C2_CHUNK_HEADER, out, err) ||
        !c2_guard_header(out->p, stat.cbytes, expect, info, err) ||
        !have_bytes(chunks, nchunk, info->data_start, out, err))
        return false;
    if (info->has_dict) {
        int64_t at = info->data_start;
        if (!have_bytes(chunks, nchunk, at + 4, out, err) ||
            !have_bytes(chunks, nchunk, at + 4 + c2_le32(out->p + at), out, err))
            return false;
    }
    return c2_guard_prefix(c2_buf_bytes(out), expect, info, err);
}

bool c2_cut_partial(const struct c2_chunks *chunks, int64_t nchunk, const struct c2_chunk_expect *expect,
                    const struct c2_cut_want *want, struct c2_cut *out, struct cat2_error *err)
{
    C2_AUTO(c2_buf) prefix = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
    struct c2_chunk_info info;
    struct cutter c = {.chunks = chunks, .nchunk = nchunk, .info = &info, .out = out};

    out->whole = false;
    return read_prefix(chunks, nchunk, expect, &prefix, &info, err) &&
           (is_divided(&info) || c2_fail(err, CAT2_EUNSUPPORTED, "the chunk has no blocks of its own")) &&
           cut_blocks(&c, c2_buf_bytes(&prefix), want, err);
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
