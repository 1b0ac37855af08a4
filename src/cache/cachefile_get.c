/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading the cache: record, bytes, record again. What fails its hash is dropped and counts as missing. */
#include "cache/cachefile_impl.h"

#include <stdlib.h>

#include "base/cancel.h"
#include "base/hash.h"
#include "base/log.h"
#include "blosc/chunk_format.h"

#define READ_TRIES 4 /* a chunk that changes more often below one read is being thrown out */

/* One read on its way. */
struct span {
    int64_t nchunk, place;
    int32_t off, n;
    uint8_t *to;
    struct c2_cache_rec rec;
    int32_t bad_block; /* that failed its check; -1: prefix or whole chunk */
};

static bool not_here(const struct span *s, struct cat2_error *err)
{
    return c2_fail(err, CAT2_ENOTFOUND, "chunk %lld is not cached", (long long)s->nchunk);
}

/* Only all of it has a hash. */
static bool read_whole(struct c2_cachefile *cf, struct span *s, struct cat2_error *err)
{
    size_t cbytes = s->rec.cbytes;
    bool all = s->off == 0 && s->n == (int64_t)cbytes;
    uint8_t *bytes = all ? s->to : malloc(cbytes);

    if (!bytes) return c2_fail_nomem(err, "chunk");
    bool ok = c2_cache_pread(cf, bytes, cbytes, s->place, err) &&
              (c2_hash64(bytes, cbytes) == s->rec.hash || c2_fail(err, CAT2_EDATA, "hash"));
    if (ok && !all) memcpy(s->to, bytes + s->off, (size_t)s->n);
    if (!all) free(bytes);
    return ok;
}

/* The chunk's bytes [at, at + n) are at p: put those of the span where they belong. */
static void give(const struct span *s, const uint8_t *p, int64_t at, int64_t n)
{
    int64_t lo = c2_max_i64(at, s->off), hi = c2_min_i64(at + n, (int64_t)s->off + s->n);

    if (lo < hi) memcpy(s->to + (lo - s->off), p + (lo - at), (size_t)(hi - lo));
}

/* The span's bytes are in s->to, not checked yet. A block that sticks out of it is read anew, and what was
 * checked is what is given. */
static bool check_block(struct c2_cachefile *cf, struct span *s, int32_t nblock, int32_t off, int32_t len,
                        struct c2_buf *scratch, struct cat2_error *err)
{
    uint32_t word = c2_cache_word(cf, s->nchunk, nblock);
    bool inside = off >= s->off && off + len <= s->off + s->n;
    const uint8_t *bytes = inside ? s->to + (off - s->off) : NULL;

    if (!word && c2_cache_state_of(&s->rec) != C2_CACHE_BLOCKS) return not_here(s, err);
    if (!word) { /* the record promises it, but the word was lost with the power */
        s->bad_block = nblock;
        return c2_fail(err, CAT2_EDATA, "word");
    }
    if (!inside) {
        if (!c2_buf_resize(scratch, (size_t)len, err) ||
            !c2_cache_pread(cf, scratch->p, (size_t)len, s->place + off, err))
            return false;
        bytes = scratch->p;
    }
    if (c2_cache_block_check((struct c2_bytes){bytes, (size_t)len}) != word) {
        s->bad_block = nblock;
        return c2_fail(err, CAT2_EDATA, "hash");
    }
    if (!inside) give(s, bytes, off, len);
    return true;
}

/* Every block that the span touches is here and sound. */
static bool check_span(struct c2_cachefile *cf, struct span *s, struct c2_bytes prefix,
                       struct cat2_error *err)
{
    C2_AUTO(c2_buf) table = C2_BUF_INIT((size_t)C2_NBLOCKS_MAX * 8);
    C2_AUTO(c2_buf) scratch = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
    struct c2_chunk_expect want = c2_cache_expect(cf, s->nchunk);
    int32_t end = s->off + s->n;
    struct c2_chunk_info info;

    if (!c2_guard_prefix(prefix, &want, &info, err)) return false;
    int32_t n = info.nblocks;
    if (n > cf->blocks_per_chunk) return c2_fail(err, CAT2_EDATA, "blocks");
    if (!c2_buf_resize(&table, (size_t)n * 8, err)) return false;
    int32_t *off = (int32_t *)(void *)table.p, *len = off + n;
    if (!c2_block_places(prefix, &info, off, len, err)) return false;
    for (int32_t i = 0; i < n; i++)
        if (off[i] < end && off[i] + len[i] > s->off && !check_block(cf, s, i, off[i], len[i], &scratch, err))
            return false;
    return true;
}

static bool read_partial(struct c2_cachefile *cf, struct span *s, struct cat2_error *err)
{
    C2_AUTO(c2_buf) scratch = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
    size_t prefix_len = s->rec.state >> 4;
    struct c2_bytes prefix = {s->to, prefix_len};
    bool inside = s->off == 0 && (size_t)s->n >= prefix_len;

    if (!c2_cache_pread(cf, s->to, (size_t)s->n, s->place + s->off, err)) return false;
    if (!inside) {
        if (!c2_buf_resize(&scratch, prefix_len, err) ||
            !c2_cache_pread(cf, scratch.p, prefix_len, s->place, err))
            return false;
        prefix = c2_buf_bytes(&scratch);
    }
    if (c2_hash64(prefix.p, prefix.n) != s->rec.hash) return c2_fail(err, CAT2_EDATA, "hash");
    if (!inside) give(s, prefix.p, 0, (int64_t)prefix.n);
    return (int64_t)s->off + s->n <= (int64_t)prefix_len || check_span(cf, s, prefix, err);
}

static bool read_once(struct c2_cachefile *cf, struct span *s, struct cat2_error *err)
{
    s->bad_block = -1;
    enum c2_cache_state state = c2_cache_state_of(&s->rec);
    if (state == C2_CACHE_ABSENT) return not_here(s, err);
    if ((int64_t)s->off + s->n > s->rec.cbytes) return c2_fail(err, CAT2_EINVAL, "bytes leave the chunk");
    return state == C2_CACHE_WHOLE ? read_whole(cf, s, err) : read_partial(cf, s, err);
}

/* The bytes are not what was stored. Said once: the record is gone then. */
static void drop_bad(struct c2_cachefile *cf, const struct span *s)
{
    bool dropped = s->bad_block < 0 ? c2_cache_drop(cf, s->nchunk, &s->rec)
                                    : c2_cache_drop_block(cf, s->nchunk, s->bad_block, &s->rec);

    if (!dropped) return;
    c2_cache_count_dropped();
    c2_log_warn("cache: stored bytes fail their hash, will be fetched again nchunk=%lld block=%d etag=%s",
                (long long)s->nchunk, s->bad_block, cf->etag);
}

static bool read_op(void *self, int64_t nchunk, int32_t off, int32_t n, uint8_t *to, struct cat2_error *err)
{
    struct c2_cachefile *cf = self;
    struct span s = {.nchunk = nchunk, .off = off, .n = n, .to = to};

    if (nchunk < 0 || nchunk >= cf->meta.nchunks || off < 0 || n < 0 || INT32_MAX - n < off)
        return c2_fail(err, CAT2_EINVAL, "no such bytes of chunk %lld", (long long)nchunk);
    s.place = c2_frame_chunk_off(cf->frame, nchunk);
    if (s.place < 0) return c2_fail(err, CAT2_EINVAL, "chunk %lld is special", (long long)nchunk);
    c2_cache_choose_ahead(cf);
    for (int tries = 0; tries < READ_TRIES; tries++) {
        s.rec = c2_cache_load(cf, nchunk);
        bool ok = read_once(cf, &s, err);
        struct c2_cache_rec after = c2_cache_load(cf, nchunk);
        if (!c2_cache_same(&s.rec, &after)) continue; /* it changed below us */
        if (ok) c2_cache_touch(cf, nchunk);
        if (ok || err->code != CAT2_EDATA) return ok;
        drop_bad(cf, &s);
        return not_here(&s, err);
    }
    return not_here(&s, err);
}

/* Partial chunks tell their length in their header, which the record repeats. */
static bool stat_op(void *self, int64_t nchunk, struct c2_chunk_stat *out, struct cat2_error *err)
{
    const struct c2_cachefile *cf = self;

    if (nchunk < 0 || nchunk >= cf->meta.nchunks)
        return c2_fail(err, CAT2_EINVAL, "no chunk %lld: there are %lld", (long long)nchunk,
                       (long long)cf->meta.nchunks);
    *out = (struct c2_chunk_stat){.kind = C2_CHUNK_STORED};
    if (c2_frame_chunk_off(cf->frame, nchunk) < 0) {
        (void)c2_frame_kind(cf->frame->offsets[nchunk], &out->kind);
        out->cbytes = C2_CHUNK_HEADER;
        return true;
    }
    struct c2_cache_rec rec = c2_cache_load(cf, nchunk);
    enum c2_cache_state state = c2_cache_state_of(&rec);
    if (state == C2_CACHE_ABSENT) out->kind = C2_CHUNK_ABSENT;
    out->cbytes = (int32_t)rec.cbytes;
    out->partial = state == C2_CACHE_PARTIAL;
    out->undivided = state == C2_CACHE_WHOLE;
    return true;
}

struct c2_chunks c2_cachefile_chunks(struct c2_cachefile *cf)
{
    static const struct c2_chunks_ops ops = {.stat = stat_op, .read = read_op};

    return (struct c2_chunks){&ops, cf};
}

/* A whole stored chunk, appended; verified by the read. */
static bool append_chunk(struct c2_cachefile *cf, int64_t nchunk, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_chunk_stat st;
    size_t before = out->n;

    if (!stat_op(cf, nchunk, &st, err)) return false;
    if (st.kind == C2_CHUNK_ABSENT || st.partial)
        return c2_fail(err, CAT2_ENOTFOUND, "chunk %lld is not cached", (long long)nchunk);
    if (st.kind != C2_CHUNK_STORED) {
        int32_t nbytes = (int32_t)c2_cache_expect(cf, nchunk).nbytes;
        return c2_chunk_special(st.kind, &cf->meta.cparams, nbytes, out, err);
    }
    if (!c2_buf_resize(out, before + (size_t)st.cbytes, err)) return false;
    if (read_op(cf, nchunk, 0, st.cbytes, out->p + before, err)) return true;
    out->n = before;
    return false;
}

static bool export_attributes(struct c2_cachefile *cf, struct c2_frame_writer *w, struct cat2_error *err)
{
    for (int i = 0; i < c2_frame_nvlmeta(cf->frame); i++) {
        C2_AUTO(c2_buf) msgpack = C2_BUF_INIT(C2_VLMETA_NBYTES_MAX);
        struct c2_str name;
        if (!c2_frame_vlmeta(cf->frame, i, &name, &msgpack, err) ||
            !c2_frame_writer_vlmeta(w, name, c2_buf_bytes(&msgpack), err))
            return false;
    }
    return true;
}

bool c2_cachefile_export(struct c2_cachefile *cf, int fd, struct cat2_error *err)
{
    C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
    C2_AUTO_PTR(c2_frame_writer) *w = NULL;

    if (!c2_frame_writer_new(fd, &cf->meta, &w, err) || !export_attributes(cf, w, err)) return false;
    for (int64_t i = 0; i < cf->meta.nchunks; i++) {
        c2_buf_clear(&chunk);
        if (c2_cancelled(err) || !append_chunk(cf, i, &chunk, err) ||
            !c2_frame_writer_add(w, c2_buf_bytes(&chunk), err))
            return false;
    }
    return c2_frame_writer_finish(w, NULL, err);
}
