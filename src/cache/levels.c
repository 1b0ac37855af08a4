/* SPDX-License-Identifier: BSD-3-Clause */
/* Files of reduced tiles. */
#include "cache/levels.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/log_share.h"
#include "blosc/frame_impl.h"
#include "cache/cachefile.h"

#define BLOCK (16 << 10) /* numbers */

enum stage { LEVELS_NEW, LEVELS_NONE, LEVELS_OPEN, LEVELS_FAILED };
struct c2_levels {
    atomic_int refs;
    int dirfd;
    char *rel, *etag;
    int64_t ntiles;
    /* One opens or creates the file; others wait for that. */
    pthread_mutex_t lock;
    pthread_cond_t opened;
    bool opening;
    enum stage stage;
    struct c2_cachefile *cf; /* OPEN, FAILED */
    struct cat2_error why;   /* FAILED */
};

struct c2_levels *c2_levels_new(int dirfd, const char *rel, const char *etag, int64_t ntiles)
{
    struct c2_levels *levels = calloc(1, sizeof(*levels));

    if (!levels) return NULL;
    levels->refs = 1;
    levels->dirfd = dirfd;
    levels->ntiles = ntiles;
    levels->rel = c2_str_dup(c2_str_of(rel));
    levels->etag = c2_str_dup(c2_str_of(etag));
    pthread_mutex_init(&levels->lock, NULL);
    pthread_cond_init(&levels->opened, NULL);
    if (levels->rel && levels->etag) return levels;
    c2_levels_unref(levels);
    return NULL;
}

struct c2_levels *c2_levels_ref(struct c2_levels *levels)
{
    atomic_fetch_add(&levels->refs, 1);
    return levels;
}

void c2_levels_unref(struct c2_levels *levels)
{
    if (!levels || atomic_fetch_sub(&levels->refs, 1) > 1) return;
    c2_cachefile_unref(levels->cf);
    pthread_cond_destroy(&levels->opened);
    pthread_mutex_destroy(&levels->lock);
    free(levels->rel);
    free(levels->etag);
    free(levels);
}

bool c2_levels_is(const struct c2_levels *levels, const char *rel, const char *etag)
{
    return strcmp(levels->rel, rel) == 0 && strcmp(levels->etag, etag) == 0;
}

bool c2_levels_is_in(const struct c2_levels *levels, const char *folder)
{
    return c2_str_starts(c2_str_of(levels->rel), folder);
}

/* ---- the file ---- */

static struct c2_cachefile *file_of(struct c2_levels *levels, enum stage *stage)
{
    pthread_mutex_lock(&levels->lock);
    struct c2_cachefile *cf = levels->cf; /* it stays until the end */
    *stage = levels->stage;
    pthread_mutex_unlock(&levels->lock);
    return cf;
}

static bool make_meta(int64_t ntiles, struct c2_meta *meta, struct cat2_error *err)
{
    int64_t shape = ntiles * C2_LEVELS_TILE;
    int32_t chunk = C2_LEVELS_TILE, block = BLOCK;

    *meta = (struct c2_meta){.kind = C2_KIND_ARRAY,
                             .nchunks = ntiles,
                             .nbytes = shape * 8,
                             .chunksize = C2_LEVELS_TILE * 8,
                             .chunkshape = C2_LEVELS_TILE,
                             .cparams = c2_cparams_fast(8, BLOCK * 8)};
    return c2_dtype_parse(C2_STR("<f8"), &meta->dtype, err) &&
           c2_grid_init(&meta->grid, &shape, &chunk, &block, 1, 8, true, err);
}

static bool create(struct c2_levels *levels, struct c2_cachefile **cf, struct cat2_error *err)
{
    C2_AUTO(c2_meta) meta = {0};

    return make_meta(levels->ntiles, &meta, err) &&
           c2_cachefile_create_slots(levels->dirfd, levels->rel, levels->etag, &meta, cf, err);
}

static bool fits(const struct c2_levels *levels, const struct c2_cachefile *cf)
{
    const struct c2_meta *meta = c2_cachefile_meta(cf);

    return meta->nchunks == levels->ntiles && meta->chunksize == C2_LEVELS_TILE * 8;
}

static enum stage open_or_create(struct c2_levels *levels, bool creates, struct c2_cachefile **cf,
                                 struct cat2_error *err)
{
    if (c2_cachefile_open(levels->dirfd, levels->rel, levels->etag, cf, err)) {
        if (fits(levels, *cf)) return LEVELS_OPEN;
        c2_cachefile_unref(*cf);
        *cf = NULL;
        c2_fail(err, CAT2_EDATA, "tiles of another number");
    }
    if (err->code == CAT2_EUNSUPPORTED) return LEVELS_FAILED; /* of a newer program: not ours to replace */
    if (!creates) return LEVELS_NONE;
    return create(levels, cf, err) ? LEVELS_OPEN : LEVELS_FAILED;
}

/* Be the one who opens it, if that is to be done. */
static bool enter(struct c2_levels *levels, bool creates)
{
    pthread_mutex_lock(&levels->lock);
    while (levels->opening)
        pthread_cond_wait(&levels->opened, &levels->lock);
    bool mine = levels->stage == LEVELS_NEW || (creates && levels->stage == LEVELS_NONE);
    levels->opening = mine;
    pthread_mutex_unlock(&levels->lock);
    return mine;
}

static void leave(struct c2_levels *levels, enum stage stage, struct c2_cachefile *cf,
                  const struct cat2_error *why)
{
    pthread_mutex_lock(&levels->lock);
    if (stage == LEVELS_FAILED) levels->why = *why;
    levels->opening = false;
    levels->stage = stage;
    levels->cf = cf;
    pthread_cond_broadcast(&levels->opened);
    pthread_mutex_unlock(&levels->lock);
}

static struct c2_cachefile *open_file(struct c2_levels *levels, bool creates, struct cat2_error *err)
{
    struct c2_cachefile *cf = NULL;
    enum stage stage;

    if (enter(levels, creates)) {
        stage = open_or_create(levels, creates, &cf, err);
        leave(levels, stage, cf, err);
        return cf;
    }
    cf = file_of(levels, &stage);
    return c2_levels_failed(levels, err) || stage != LEVELS_OPEN ? NULL : cf;
}

/* ---- tiles ---- */

void c2_levels_look(struct c2_levels *levels)
{
    struct cat2_error err;

    open_file(levels, false, &err);
}

bool c2_levels_has(struct c2_levels *levels, int64_t n)
{
    enum stage stage;
    struct c2_cachefile *cf = file_of(levels, &stage);
    bool whole;

    return n >= 0 && cf && c2_cachefile_missing(cf, n, NULL, 0, NULL, &whole) == 0;
}

bool c2_levels_get(struct c2_levels *levels, struct c2_codec *codec, int64_t n, uint8_t *to)
{
    C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
    enum stage stage;
    struct c2_chunk_stat stat;
    struct cat2_error err;
    struct c2_cachefile *cf = c2_levels_has(levels, n) ? file_of(levels, &stage) : NULL;

    if (!cf) return false;
    struct c2_chunks chunks = c2_cachefile_chunks(cf);
    struct c2_chunk_expect want = c2_meta_expect(c2_cachefile_meta(cf), n);
    struct c2_chunk_info info;
    return c2_chunk_stat(&chunks, n, &stat, &err) && stat.kind == C2_CHUNK_STORED &&
           c2_buf_resize(&chunk, (size_t)stat.cbytes, &err) &&
           c2_chunk_read(&chunks, n, 0, stat.cbytes, chunk.p, &err) &&
           c2_guard_chunk(c2_buf_bytes(&chunk), &want, &info, &err) &&
           c2_codec_decode(codec, c2_cachefile_meta(cf), c2_buf_bytes(&chunk), to, &err);
}

bool c2_levels_put(struct c2_levels *levels, struct c2_codec *codec, int64_t n, const uint8_t *from,
                   struct cat2_error *err)
{
    C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
    struct c2_cparams cparams = c2_cparams_fast(8, BLOCK * 8);

    C2_ASSERT(n >= 0 && n < levels->ntiles);
    if (c2_levels_has(levels, n)) return true;
    struct c2_cachefile *cf = open_file(levels, true, err);
    bool ok = cf && c2_codec_encode(codec, &cparams, from, C2_LEVELS_TILE * 8, &chunk, err) &&
              c2_cachefile_put(cf, n, c2_buf_bytes(&chunk), err);
    if (cf && !ok) leave(levels, LEVELS_FAILED, cf, err);
    return ok || c2_fail_within(err, "levels of planes, %.100s", levels->rel);
}

bool c2_levels_failed(struct c2_levels *levels, struct cat2_error *err)
{
    pthread_mutex_lock(&levels->lock);
    bool failed = levels->stage == LEVELS_FAILED;
    if (failed && err) *err = levels->why;
    pthread_mutex_unlock(&levels->lock);
    return failed;
}

int64_t c2_levels_nbytes(struct c2_levels *levels)
{
    enum stage stage;
    struct c2_cachefile *cf = file_of(levels, &stage);

    return cf ? c2_cachefile_disk_nbytes(cf) : 0;
}

/* ---- folders ---- */

struct folder {
    int fd;
    int64_t nbytes;
    bool remove;
};

static bool visit(void *ctx, const char *rel, const struct stat *st, struct cat2_error *err)
{
    struct folder *folder = ctx;

    folder->nbytes += (int64_t)st->st_blocks * 512;
    return !folder->remove || c2_fs_remove(folder->fd, rel, err);
}

static int64_t walk(int dirfd, const char *rel, bool remove)
{
    C2_AUTO(c2_fd) dir = {c2_fs_open_beneath(dirfd, rel, O_RDONLY | O_DIRECTORY)};
    struct folder folder = {dir.fd, 0, remove};
    struct cat2_error err;

    if (dir.fd < 0) return 0;
    if (!c2_fs_walk(dir.fd, visit, &folder, &err))
        c2_log_some(C2_WARN, "cache: %.100s: %s", rel, err.message);
    return folder.nbytes;
}

int64_t c2_levels_folder_nbytes(int dirfd, const char *rel)
{
    return walk(dirfd, rel, false);
}

void c2_levels_folder_remove(int dirfd, const char *rel)
{
    walk(dirfd, rel, true);
    unlinkat(dirfd, rel, AT_REMOVEDIR);
}
