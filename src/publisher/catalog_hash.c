/* SPDX-License-Identifier: BSD-3-Clause */
/* Hashing of files in the background: at once where the contents decide whether a file changed, else at a
 * bounded rate, so that they can decide another time. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/hash.h"
#include "publisher/catalog_impl.h"
#include "publisher/generations/generations.h"

#define READ_NBYTES   (1 << 20)  /* at a time: larger reads are not faster */
#define URGENT_NBYTES (64 << 20) /* of one job, so that others get their turn */
#define LATER_NBYTES  (4 << 20)  /* of one job that nobody waits for */
#define LATER_RATE    (64 << 20) /* bytes a second */
#define FILES_MAX     256        /* of one job */
#define WAIT_MS       50         /* for what is being written */

/* A file being hashed, from job to job. */
struct stream {
    char path[C2_PATH_MAX + 1];
    int fd; /* -1: none */
    struct c2_file_key key;
    int64_t off;
    struct c2_hasher *state;
};
struct c2_hashing {
    struct stream streams[2]; /* later, urgent */
    int64_t nbytes;           /* hashed so far */
    bool running, waiting;
    struct c2_timer *timer; /* until the next job; waiting: of either stream */
};
struct hash_job {
    struct c2_catalog *cat;
    struct c2_source *source;
    struct stream *stream;
    bool urgent, wait, ran, decided;
    int64_t nbytes;
};

/* ---- in the worker ---- */

static void stream_close(struct stream *s)
{
    if (s->fd >= 0) close(s->fd);
    s->fd = -1;
}

static void give_up(struct hash_job *job)
{
    c2_gens_torn(job->source->gens, job->stream->path);
    stream_close(job->stream);
    job->decided = true;
}

/* false: it must be waited for. */
static bool stream_open(struct hash_job *job)
{
    struct stream *s = job->stream;
    struct cat2_error err;
    struct stat st;

    s->fd = c2_source_open_file(job->source, s->path, &err);
    s->off = 0;
    if (s->fd < 0 || fstat(s->fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        give_up(job);
        return true;
    }
    c2_file_key_of(&st, &s->key);
    c2_hasher128_begin(s->state);
    if (c2_file_is_quiet(&s->key)) return true;
    stream_close(s);
    if (!c2_gens_again(job->source->gens, s->path, job->urgent)) give_up(job);
    return false;
}

static void stream_end(struct hash_job *job)
{
    struct stream *s = job->stream;
    struct c2_hash128 hash = c2_hasher128_end(s->state);
    struct c2_file_key after;
    struct stat st;

    bool same = fstat(s->fd, &st) == 0;
    if (same) {
        c2_file_key_of(&st, &after);
        same = c2_file_key_same(&s->key, &after);
    }
    if (!same) {
        give_up(job);
        return;
    }
    c2_gens_hashed(job->source->gens, s->path, &s->key, &hash);
    stream_close(s);
    job->decided = true;
}

static void stream_read(struct hash_job *job, uint8_t *bytes)
{
    struct stream *s = job->stream;
    int64_t n = c2_min_i64(READ_NBYTES, s->key.size - s->off);
    struct cat2_error err;

    if (n > 0 && !c2_fs_pread(s->fd, bytes, (size_t)n, s->off, &err)) {
        give_up(job);
        return;
    }
    c2_hasher128_add(s->state, bytes, (size_t)n);
    s->off += n;
    job->nbytes += n;
    if (s->off == s->key.size) stream_end(job);
}

static void hash_work(void *ctx, void *local)
{
    struct hash_job *job = ctx;
    struct stream *s = job->stream;
    uint8_t *bytes = malloc(READ_NBYTES);
    int64_t budget = job->urgent ? URGENT_NBYTES : LATER_NBYTES;
    int nfiles = 0;

    (void)local;
    job->ran = true;
    if (!s->state) s->state = aligned_alloc(_Alignof(struct c2_hasher), sizeof(*s->state));
    while (bytes && s->state && job->nbytes < budget && nfiles < FILES_MAX) {
        if (s->fd < 0) {
            if (!c2_gens_next(job->source->gens, job->urgent, s->path)) break;
            nfiles++;
            if (!stream_open(job)) {
                job->wait = true;
                break;
            }
        }
        if (s->fd >= 0) stream_read(job, bytes);
    }
    free(bytes);
}

/* ---- on the loop ---- */

static void on_time(void *ctx)
{
    struct c2_catalog *cat = ctx;

    cat->hashing->timer = NULL;
    cat->hashing->waiting = false;
    c2_catalog_hash(cat);
}

static void hash_done(void *ctx)
{
    struct hash_job *job = ctx;
    struct c2_catalog *cat = job->cat;
    int64_t ms = job->wait ? WAIT_MS : job->urgent ? 0 : job->nbytes * 1000 / LATER_RATE;

    cat->hashing->running = cat->deciding = false;
    if (cat->closed) c2_catalog_end_hash(cat);
    if (c2_catalog_job_done(cat)) {
        cat->hashing->nbytes += job->nbytes;
        if (job->urgent && job->decided) c2_catalog_rescan(cat, NULL, NULL);
        if (job->ran && ms > 0 && !cat->hashing->timer)
            cat->hashing->timer = c2_timer_start(cat->loop, ms, 0, on_time, cat);
        if (job->wait) cat->hashing->waiting = cat->hashing->timer != NULL;
        if (job->ran) c2_catalog_hash(cat);
    }
    free(job);
}

static bool have_hashing(struct c2_catalog *cat)
{
    if (cat->hashing) return true;
    cat->hashing = calloc(1, sizeof(*cat->hashing));
    if (!cat->hashing) return false;
    for (size_t i = 0; i < C2_ARRAY_LEN(cat->hashing->streams); i++)
        cat->hashing->streams[i].fd = -1;
    return true;
}

void c2_catalog_hash(struct c2_catalog *cat)
{
    struct c2_gens *gens = cat->source->gens;

    if (cat->closed || !gens || !have_hashing(cat)) return;
    struct c2_hashing *h = cat->hashing;
    if (h->running) return; /* the streams are the job's */
    bool urgent = h->streams[1].fd >= 0 || c2_gens_count_to_hash(gens, true) > 0;
    bool later = h->streams[0].fd >= 0 || c2_gens_count_to_hash(gens, false) > 0;
    if (!(urgent || later) || (h->timer && (!urgent || h->waiting))) return;
    struct hash_job *job = calloc(1, sizeof(*job));
    if (!job) return; /* with the next look */
    *job =
        (struct hash_job){.cat = cat, .source = cat->source, .stream = &h->streams[urgent], .urgent = urgent};
    h->running = true;
    cat->deciding = urgent;
    cat->njobs++;
    struct c2_pool_share share = {0, URGENT_NBYTES};
    if (urgent)
        c2_pool_run_for(cat->pool, &share, hash_work, hash_done, job);
    else
        c2_pool_run_low(cat->pool, hash_work, hash_done, job);
}

void c2_catalog_end_hash(struct c2_catalog *cat)
{
    struct c2_hashing *h = cat->hashing;

    if (!h) return;
    c2_timer_stop(h->timer);
    h->timer = NULL;
    if (h->running) return; /* its job ends it */
    for (size_t i = 0; i < C2_ARRAY_LEN(h->streams); i++) {
        stream_close(&h->streams[i]);
        free(h->streams[i].state);
    }
    free(h);
    cat->hashing = NULL;
}

int64_t c2_catalog_hashed_nbytes(const struct c2_catalog *cat)
{
    return cat->hashing ? cat->hashing->nbytes : 0;
}
