/* SPDX-License-Identifier: BSD-3-Clause */
/* Filling the cache. The order of writes is the subject of cachefile.c's opening comment. */
#include "cache/cachefile_impl.h"

#include <stdlib.h>

#include "base/hash.h"

static bool check_number(const struct c2_cachefile *cf, int64_t nchunk, struct cat2_error *err)
{
    if (0 <= nchunk && nchunk < cf->meta.nchunks) return true;
    return c2_fail(err, CAT2_EINVAL, "no chunk %lld: there are %lld", (long long)nchunk,
                   (long long)cf->meta.nchunks);
}

/* Where a chunk of that length goes. *special: the index already says all about it. */
static bool find_place(const struct c2_cachefile *cf, int64_t nchunk, int32_t cbytes, int64_t *off,
                       bool *special, struct cat2_error *err)
{
    int64_t room;

    *special = !c2_cachefile_place(cf, nchunk, off, &room);
    if (*special || cbytes <= room) return true;
    return c2_fail(err, CAT2_EDATA, "%d bytes, but its place has %lld", cbytes, (long long)room);
}

/* Before bytes are written: is there work, and does what is there go with it? Clears a chunk of another
 * encoding. */
static bool prepare(struct c2_cachefile *cf, int64_t nchunk, struct c2_bytes prefix, struct c2_cache_rec *rec,
                    struct cat2_error *err)
{
    bool ok = true;

    pthread_mutex_lock(&cf->lock);
    *rec = c2_cache_load_locked(cf, nchunk);
    enum c2_cache_state state = c2_cache_state_of(rec);
    if (state == C2_CACHE_PARTIAL || state == C2_CACHE_BLOCKS) {
        size_t n = rec->state >> 4;
        if (n > prefix.n || rec->hash != c2_hash64(prefix.p, n)) {
            ok = c2_cache_store(cf, nchunk, rec, C2_CACHE_ABSENT, (struct c2_cache_rec){0}, err);
            *rec = c2_cache_load_locked(cf, nchunk);
        }
    }
    pthread_mutex_unlock(&cf->lock);
    return ok;
}

/* How a whole chunk is recorded: with a check a block where they can be told apart, else with one hash. */
struct put {
    int64_t nchunk, place;
    struct c2_bytes chunk;
    struct c2_cache_rec fields;
    enum c2_cache_state state;
    uint32_t *words;
    int32_t nwords;
};

static bool describe(const struct c2_cachefile *cf, const struct c2_chunk_info *info, struct put *p,
                     struct cat2_error *err)
{
    size_t n = (size_t)info->nblocks;
    struct c2_bytes prefix = {p->chunk.p, (size_t)info->data_start};

    p->state = C2_CACHE_WHOLE;
    p->fields = (struct c2_cache_rec){.cbytes = (uint32_t)p->chunk.n};
    bool apart = n > 0 && info->nblocks <= cf->blocks_per_chunk && !info->special && !info->vlblocks;
    int32_t *off = apart ? malloc(2 * n * sizeof(*off)) : NULL, *len = off ? off + n : NULL;
    p->words = apart ? malloc(n * sizeof(*p->words)) : NULL;
    bool ok = !apart || (off && p->words) || c2_fail_nomem(err, "blocks");
    if (apart && ok && c2_block_places(prefix, info, off, len, err) && c2_cache_tiles(info, off)) {
        p->state = C2_CACHE_BLOCKS;
        p->nwords = info->nblocks;
        for (size_t i = 0; i < n; i++)
            p->words[i] = c2_cache_block_check((struct c2_bytes){p->chunk.p + off[i], (size_t)len[i]});
        p->fields.state = (uint32_t)prefix.n << 4;
        p->fields.hash = c2_hash64(prefix.p, prefix.n);
    } else if (ok) {
        p->fields.hash = c2_hash64(p->chunk.p, p->chunk.n);
    }
    free(off);
    return ok;
}

static bool put_entered(struct c2_cachefile *cf, const struct put *p, struct cat2_error *err)
{
    struct c2_cache_rec rec;

    if (!prepare(cf, p->nchunk, p->chunk, &rec, err)) return false;
    if (c2_cache_state_of(&rec) == C2_CACHE_WHOLE || c2_cache_state_of(&rec) == C2_CACHE_BLOCKS) return true;
    if (!c2_cache_pwrite(cf, p->chunk.p, p->chunk.n, p->place, err)) return false;
    pthread_mutex_lock(&cf->lock);
    rec = c2_cache_load_locked(cf, p->nchunk);
    bool ok = (p->nwords == 0 || c2_cache_put_words(cf, p->nchunk, 0, p->words, p->nwords, err)) &&
              c2_cache_store(cf, p->nchunk, &rec, p->state, p->fields, err);
    pthread_mutex_unlock(&cf->lock);
    return ok;
}

bool c2_cachefile_put(struct c2_cachefile *cf, int64_t nchunk, struct c2_bytes chunk, struct cat2_error *err)
{
    struct put p = {.nchunk = nchunk, .chunk = chunk};
    struct c2_chunk_info info;
    bool special;

    if (!check_number(cf, nchunk, err)) return false;
    struct c2_chunk_expect want = c2_cache_expect(cf, nchunk);
    if (!c2_guard_chunk(chunk, &want, &info, err) ||
        !find_place(cf, nchunk, info.cbytes, &p.place, &special, err))
        return c2_fail_within(err, "chunk %lld", (long long)nchunk);
    if (special) return true;
    bool ok = describe(cf, &info, &p, err);
    if (ok) {
        c2_cache_enter(cf, nchunk, p.fields.hash, true);
        ok = put_entered(cf, &p, err);
        c2_cache_leave(cf, nchunk);
    }
    free(p.words);
    return ok || c2_fail_within(err, "chunk %lld", (long long)nchunk);
}

/* One request of put_blocks, with what was found out about it. */
struct blocks {
    int64_t nchunk, place;
    struct c2_bytes prefix, data;
    uint64_t hash; /* of the prefix */
    const int32_t *blocks;
    int32_t nblocks;
    struct c2_chunk_info info;
    int32_t *off, *len; /* of every block of the chunk */
};

static bool find_extents(struct blocks *b, struct cat2_error *err)
{
    int32_t n = b->info.nblocks;

    b->off = malloc(2 * (size_t)n * sizeof(*b->off));
    if (!b->off) return c2_fail_nomem(err, "blocks");
    b->len = b->off + n;
    if (!c2_block_places(b->prefix, &b->info, b->off, b->len, err)) return false;
    return c2_cache_tiles(&b->info, b->off) || c2_fail(err, CAT2_EUNSUPPORTED, "is cached whole only");
}

/* Everything about the bytes that can be wrong without looking at the cache. */
static bool check_blocks(const struct c2_cachefile *cf, struct blocks *b, struct cat2_error *err)
{
    struct c2_chunk_expect want = c2_cache_expect(cf, b->nchunk);
    size_t at = 0;

    if (!cf->blocks_per_chunk) return c2_fail(err, CAT2_EUNSUPPORTED, "is cached whole only");
    if (!c2_guard_prefix(b->prefix, &want, &b->info, err)) return false;
    if (b->info.special) return c2_fail(err, CAT2_EINVAL, "a special chunk has no blocks");
    if (b->info.nblocks > cf->blocks_per_chunk) /* a plain frame's chunks may be cut finer than its first */
        return c2_fail(err, CAT2_EUNSUPPORTED, "is cached whole only");
    if (!find_extents(b, err)) return false;
    for (int32_t i = 0; i < b->nblocks; i++) {
        int32_t nblock = b->blocks[i];
        if (nblock < 0 || nblock >= b->info.nblocks) return c2_fail(err, CAT2_EINVAL, "no block %d", nblock);
        size_t n = (size_t)b->len[nblock];
        if (n > b->data.n - at) return c2_fail(err, CAT2_EDATA, "too few bytes for its blocks");
        if (!c2_guard_block(&b->info, nblock, (struct c2_bytes){b->data.p + at, n}, err)) return false;
        at += n;
    }
    return at == b->data.n || c2_fail(err, CAT2_EDATA, "too many bytes for its blocks");
}

static bool write_payload(struct c2_cachefile *cf, const struct blocks *b, const struct c2_cache_rec *rec,
                          struct cat2_error *err)
{
    bool fresh = c2_cache_state_of(rec) == C2_CACHE_ABSENT;
    size_t at = 0;

    if (fresh && !c2_cache_pwrite(cf, b->prefix.p, b->prefix.n, b->place, err)) return false;
    for (int32_t i = 0; i < b->nblocks;) { /* runs that are adjacent in the chunk go together */
        int32_t first = b->blocks[i], end = b->off[first] + b->len[first];
        size_t n = (size_t)b->len[first];
        for (i++; i < b->nblocks && b->off[b->blocks[i]] == end; i++) {
            end += b->len[b->blocks[i]];
            n += (size_t)b->len[b->blocks[i]];
        }
        if (!c2_cache_pwrite(cf, b->data.p + at, n, b->place + b->off[first], err)) return false;
        at += n;
    }
    return true;
}

static bool clear_words(struct c2_cachefile *cf, int64_t nchunk, int32_t nblocks, struct cat2_error *err)
{
    uint32_t zero = 0;

    for (int32_t i = 0; i < nblocks; i++)
        if (c2_cache_word(cf, nchunk, i) && !c2_cache_put_words(cf, nchunk, i, &zero, 1, err)) return false;
    return true;
}

static bool write_words(struct c2_cachefile *cf, const struct blocks *b, const uint32_t *words,
                        struct cat2_error *err)
{
    for (int32_t i = 0; i < b->nblocks;) {
        int32_t first = i;
        while (++i < b->nblocks && b->blocks[i] == b->blocks[i - 1] + 1)
            continue;
        if (!c2_cache_put_words(cf, b->nchunk, b->blocks[first], words + first, i - first, err)) return false;
    }
    return true;
}

/* Words and record, lock held. A record that is not as it was when the bytes were written (a reader found
 * damage and dropped it) makes *again true. */
static bool record_blocks(struct c2_cachefile *cf, const struct blocks *b, const uint32_t *words,
                          const struct c2_cache_rec *before, bool *again, struct cat2_error *err)
{
    struct c2_cache_rec rec = c2_cache_load_locked(cf, b->nchunk);
    struct c2_cache_rec fields = {
        .state = (uint32_t)b->prefix.n << 4, .cbytes = (uint32_t)b->info.cbytes, .hash = b->hash};
    enum c2_cache_state was = c2_cache_state_of(before), is = c2_cache_state_of(&rec);

    *again = was != C2_CACHE_ABSENT && is == C2_CACHE_ABSENT; /* the prefix may be the damage */
    if (*again) return true;
    if (is == C2_CACHE_ABSENT) {
        if (!clear_words(cf, b->nchunk, b->info.nblocks, err) ||
            !c2_cache_store(cf, b->nchunk, &rec, C2_CACHE_PARTIAL, fields, err))
            return false;
        rec = c2_cache_load_locked(cf, b->nchunk);
        is = C2_CACHE_PARTIAL;
    }
    if (!write_words(cf, b, words, err)) return false;
    if (is != C2_CACHE_PARTIAL) return true;
    for (int32_t i = 0; i < b->info.nblocks; i++)
        if (!c2_cache_word(cf, b->nchunk, i)) return true;
    return c2_cache_store(cf, b->nchunk, &rec, C2_CACHE_BLOCKS, fields, err);
}

static bool put_blocks_entered(struct c2_cachefile *cf, const struct blocks *b, const uint32_t *words,
                               struct cat2_error *err)
{
    struct c2_cache_rec rec;
    bool again = true;

    for (int tries = 0; again && tries < 3; tries++) {
        if (!prepare(cf, b->nchunk, b->prefix, &rec, err)) return false;
        if (c2_cache_state_of(&rec) == C2_CACHE_WHOLE) return true;
        if (!write_payload(cf, b, &rec, err)) return false;
        pthread_mutex_lock(&cf->lock);
        bool ok = record_blocks(cf, b, words, &rec, &again, err);
        pthread_mutex_unlock(&cf->lock);
        if (!ok) return false;
    }
    return !again || c2_fail(err, CAT2_EIO, "fails its check again and again");
}

static bool put_checked(struct c2_cachefile *cf, struct blocks *b, struct cat2_error *err)
{
    uint32_t *words = malloc(((size_t)b->nblocks + 1) * sizeof(*words));
    size_t at = 0;

    if (!words) return c2_fail_nomem(err, "blocks");
    for (int32_t i = 0; i < b->nblocks; i++) {
        size_t n = (size_t)b->len[b->blocks[i]];
        words[i] = c2_cache_block_check((struct c2_bytes){b->data.p + at, n});
        at += n;
    }
    b->hash = c2_hash64(b->prefix.p, b->prefix.n);
    c2_cache_enter(cf, b->nchunk, b->hash, true);
    bool ok = put_blocks_entered(cf, b, words, err);
    c2_cache_leave(cf, b->nchunk);
    free(words);
    return ok;
}

bool c2_cachefile_put_blocks(struct c2_cachefile *cf, int64_t nchunk, struct c2_bytes prefix,
                             const int32_t *blocks, int32_t nblocks, struct c2_bytes data,
                             struct cat2_error *err)
{
    struct blocks b = {
        .nchunk = nchunk, .prefix = prefix, .data = data, .blocks = blocks, .nblocks = nblocks};
    bool special = false;

    if (!check_number(cf, nchunk, err)) return false;
    bool ok = check_blocks(cf, &b, err) && find_place(cf, nchunk, b.info.cbytes, &b.place, &special, err) &&
              (special || put_checked(cf, &b, err));
    free(b.off);
    return ok || c2_fail_within(err, "chunk %lld", (long long)nchunk);
}
