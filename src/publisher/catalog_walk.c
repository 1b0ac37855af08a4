/* SPDX-License-Identifier: BSD-3-Clause */
/* Looking at the whole source, and comparing what it has now with the entries. */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "publisher/catalog_impl.h"

#define TURN             500     /* entries that are compared in one turn of the loop: some milliseconds */
#define TURN_MS          2       /* between such turns */
#define AHEAD            1024    /* entries of a walk, after which */
#define PAUSE_NS         2000000 /* it waits, so that the loop can take them, */
#define PAUSES           50      /* so often at most: what holds up the loop must not hold up this */
#define LOOK_FOR_SHARE   10      /* of the time, for looks that strangers can cause */
#define LOOK_FOR_WAIT_MS 2000    /* for such a look: less than subscribers wait for an answer */
#define WALK_COST                                                                                            \
    (INT64_C(64) << 20) /* bytes that are decoded in the time of a look at thousands of files                \
                         */

struct seen {
    char *path;
    struct c2_shared *meta; /* NULL where it is not known yet */
    struct c2_generation gen;
};
struct seen_list {
    C2_VEC(struct seen);
};
struct c2_walk_job {
    struct c2_catalog *cat;
    struct c2_source *source;
    struct c2_look *looks;
    uint32_t number;
    int64_t begun_ms;
    bool look_for;
    pthread_mutex_t lock;   /* guards found */
    struct seen_list found; /* by the worker, not taken yet */
    struct seen_list taken; /* by the loop, from taken_at on not merged yet */
    size_t taken_at;
    struct c2_timer *timer; /* while more than a turn's worth waits */
    char *at;               /* the walk is over, and entries before this were looked at; NULL: none was */
    bool ok, ran, over;
    struct cat2_error err;
};

static void seen_fini(struct seen *seen)
{
    free(seen->path);
    c2_shared_unref(seen->meta);
}

static void seen_list_fini(struct seen_list *list, size_t from)
{
    for (size_t i = from; i < list->n; i++)
        seen_fini(&list->p[i]);
    c2_vec_fini(list);
}

static size_t nwaiting(struct c2_walk_job *job)
{
    pthread_mutex_lock(&job->lock);
    size_t n = job->found.n;
    pthread_mutex_unlock(&job->lock);
    return n;
}

/* The loop takes what is found while the walk goes on; a walk that is far ahead of it waits a little. */
static size_t hand_over(struct c2_walk_job *job, const struct seen *seen, struct cat2_error *err)
{
    pthread_mutex_lock(&job->lock);
    bool ok = c2_vec_push(&job->found, C2_VEC_NO_MAX, "datasets", err, *seen);
    size_t n = job->found.n;
    pthread_mutex_unlock(&job->lock);
    return ok ? n : 0;
}

static bool collect(void *ctx, const char *path, const struct c2_generation *gen, struct cat2_error *err)
{
    const struct timespec pause = {0, PAUSE_NS};
    struct c2_walk_job *job = ctx;
    struct seen seen = {c2_str_dup(c2_str_of(path)), gen->meta ? c2_shared_ref(gen->meta) : NULL, *gen};

    seen.gen.meta = NULL;
    bool ok = seen.path || c2_fail_nomem(err, "list of datasets");
    size_t n = ok ? hand_over(job, &seen, err) : 0;
    if (n == 0) {
        seen_fini(&seen);
        return false;
    }
    atomic_fetch_add(&job->cat->nfound, 1);
    if (!gen->within || strcmp(gen->within, "h5") != 0) /* those have been told already */
        c2_so_far_add(job->cat->so_far, NULL, path);
    for (int i = 0; n % AHEAD == 0 && i < PAUSES && nwaiting(job) >= AHEAD; i++)
        nanosleep(&pause, NULL);
    return true;
}

static void walk_work(void *ctx, void *local)
{
    struct c2_walk_job *job = ctx;

    (void)local;
    atomic_store(&job->cat->nfound, 0);
    job->ok = c2_source_walk(job->source, collect, job, &job->err);
    job->ran = true;
}

/* ---- comparing, some entries to a turn of the loop ---- */

static void merge_one(struct c2_catalog *cat, const struct c2_walk_job *job, struct seen *seen)
{
    struct c2_entry *entry = c2_catalog_find(cat, seen->path);

    if (entry && entry->walk == job->number) return; /* a source that says it twice */
    if (!entry) entry = c2_catalog_insert(cat, seen->path, c2_catalog_lower(cat, seen->path));
    if (!entry) return;
    bool known = entry->listed;
    entry->walk = job->number;
    entry->listed = true;
    c2_entry_renew(cat, entry, &seen->gen);
    c2_entry_learn(cat, entry, seen->meta, seen->gen.cparams);
    entry->gen.remark = seen->gen.remark;
    if (!known && cat->changed) cat->changed(cat->changed_ctx, entry);
}

/* A turn's worth of what was found. false: there is no more of it now. */
static bool merge_some(struct c2_walk_job *job)
{
    for (int i = 0; i < TURN; i++) {
        if (job->taken_at == job->taken.n) {
            seen_list_fini(&job->taken, job->taken_at);
            job->taken_at = 0;
            pthread_mutex_lock(&job->lock);
            job->taken = job->found;
            job->found = (struct seen_list){0};
            pthread_mutex_unlock(&job->lock);
        }
        if (job->taken_at == job->taken.n) return false;
        struct seen *seen = &job->taken.p[job->taken_at++];
        merge_one(job->cat, job, seen);
        seen_fini(seen);
    }
    return true;
}

/* What the walk did not see is gone. Entries that only this walk missed (made meanwhile) come again with the
 * next event. false: there is no more. */
static bool drop_some(struct c2_walk_job *job)
{
    struct c2_catalog *cat = job->cat;
    size_t at = job->at ? c2_catalog_lower(cat, job->at) : 0;

    for (int i = 0; i < TURN && at < cat->entries.n; i++) {
        struct c2_entry *entry = cat->entries.p[at++];
        if (entry->walk != job->number) c2_entry_gone(cat, entry);
        if (!c2_entry_is_over(entry)) continue;
        size_t n = cat->entries.n;
        c2_catalog_drop(cat, entry);
        at -= cat->entries.n < n;
    }
    if (at >= cat->entries.n) return false;
    char *next = c2_str_dup(c2_str_of(cat->entries.p[at]->path));
    free(job->at);
    job->at = next; /* without memory from the start again, which costs time only */
    return true;
}

static void start_walk(struct c2_catalog *cat);

static void tell_looks(struct c2_look *looks, const struct cat2_error *err)
{
    while (looks) {
        struct c2_look *next = looks->next;
        looks->fn(looks->ctx, err);
        free(looks);
        looks = next;
    }
}

/* The walk may have found another directory where the root was: it is watched from now on. */
static void listen(struct c2_catalog *cat)
{
    const char *why;

    c2_source_hears_all(cat->source, &why);
}

/* Nobody but those who asked so waits for a look: later, or never where that is not soon. */
static void look_for_soon(struct c2_catalog *cat)
{
    int64_t ms = cat->look_for_ms - c2_loop_now_ms(cat->loop);
    struct c2_look *looks = cat->looks;

    if (ms <= LOOK_FOR_WAIT_MS) {
        c2_catalog_look_later(cat, c2_max_i64(ms, 0));
        return;
    }
    cat->look_for = false;
    cat->looks = NULL;
    tell_looks(looks, NULL);
}

static void finish(struct c2_walk_job *job)
{
    struct c2_catalog *cat = job->cat;
    bool alive = c2_catalog_job_done(cat);

    if (alive) {
        int64_t now = c2_loop_now_ms(cat->loop);
        if (job->look_for) cat->look_for_ms = now + LOOK_FOR_SHARE * (now - job->begun_ms);
        cat->walk = NULL;
        cat->complete = cat->complete || job->ok;
        if (job->ok) c2_so_far_end(cat->so_far);
        if (!job->ok) c2_log_warn("cannot list the datasets: %s", job->err.message);
    }
    c2_timer_stop(job->timer);
    tell_looks(job->looks, job->ok ? NULL : &job->err);
    seen_list_fini(&job->taken, job->taken_at);
    seen_list_fini(&job->found, 0);
    pthread_mutex_destroy(&job->lock);
    free(job->at);
    free(job);
    if (!alive || cat->closed) return;
    listen(cat);
    if (cat->walk_again && !cat->walk) start_walk(cat);
    if (cat->look_for && !cat->walk) look_for_soon(cat);
    cat->walked(cat);
}

static bool is_far(struct c2_walk_job *job)
{
    return nwaiting(job) >= TURN || job->taken_at < job->taken.n;
}

static bool merge_or_drop(struct c2_walk_job *job)
{
    return merge_some(job) || (job->ok && drop_some(job));
}

/* Of a large source a part is compared in each turn of the loop, already while the walk goes on. */
static void on_turn(void *ctx)
{
    struct c2_walk_job *job = ctx;

    if (!job->over && is_far(job)) merge_some(job);
    if (!job->over || merge_or_drop(job)) return;
    finish(job);
}

static void walk_done(void *ctx)
{
    struct c2_walk_job *job = ctx;
    bool cancelled = !job->ran || job->cat->closed;

    job->over = true;
    if (cancelled) job->ok = c2_fail(&job->err, CAT2_ECANCELLED, "shutting down");
    if (!cancelled && merge_or_drop(job) && job->timer) return;
    while (!cancelled && merge_or_drop(job))
        ; /* there was no memory for a timer */
    finish(job);
}

static void start_walk(struct c2_catalog *cat)
{
    struct c2_walk_job *job = calloc(1, sizeof(*job));
    struct cat2_error err;

    cat->walk_again = false;
    if (!job) {
        struct c2_look *looks = cat->looks;
        cat->looks = NULL;
        c2_fail_nomem(&err, "list of datasets");
        tell_looks(looks, &err);
        return;
    }
    *job =
        (struct c2_walk_job){.cat = cat, .source = cat->source, .looks = cat->looks, .number = ++cat->nwalks};
    cat->looks = NULL;
    job->begun_ms = c2_loop_now_ms(cat->loop);
    job->look_for = cat->look_for;
    cat->look_for = false;
    pthread_mutex_init(&job->lock, NULL);
    job->timer = c2_timer_start(cat->loop, TURN_MS, TURN_MS, on_turn, job);
    cat->walk = job;
    cat->njobs++;
    struct c2_pool_share share = {0, WALK_COST};
    c2_pool_run_for(cat->pool, &share, walk_work, walk_done, job);
}

void c2_catalog_rescan(struct c2_catalog *cat, c2_catalog_done *fn, void *ctx)
{
    struct cat2_error err;

    if (fn) {
        struct c2_look *look = cat->closed ? NULL : malloc(sizeof(*look));
        if (!look) {
            c2_fail(&err, cat->closed ? CAT2_ECANCELLED : CAT2_ENOMEM, "cannot look at the datasets now");
            fn(ctx, &err);
            return;
        }
        *look = (struct c2_look){cat->looks, fn, ctx};
        cat->looks = look;
    }
    if (cat->closed) return;
    if (cat->walk)
        cat->walk_again = true;
    else
        start_walk(cat);
}

bool c2_catalog_look_for(struct c2_catalog *cat, c2_catalog_done *fn, void *ctx)
{
    int64_t now = c2_loop_now_ms(cat->loop);
    bool under_way = cat->walk && cat->walk->look_for;
    int64_t ms = under_way ? LOOK_FOR_SHARE * (now - cat->walk->begun_ms) : cat->look_for_ms - now;

    if (!cat->look_for && ms > LOOK_FOR_WAIT_MS) return false;
    if (cat->closed || (!cat->look_for && !under_way && ms <= 0)) {
        cat->look_for = true;
        c2_catalog_rescan(cat, fn, ctx);
        return true;
    }
    struct c2_look *look = malloc(sizeof(*look));
    if (!look) return false;
    *look = (struct c2_look){cat->looks, fn, ctx};
    cat->looks = look;
    cat->look_for = true;
    if (!cat->walk) c2_catalog_look_later(cat, c2_max_i64(ms, 0));
    return true;
}

void c2_catalog_list_first(struct c2_catalog *cat, c2_catalog_done *fn, void *ctx)
{
    struct c2_look *look = cat->walk && !cat->closed ? malloc(sizeof(*look)) : NULL;

    if (!look) {
        c2_catalog_rescan(cat, fn, ctx);
        return;
    }
    *look = (struct c2_look){cat->walk->looks, fn, ctx};
    cat->walk->looks = look;
}

static void look(void *ctx)
{
    struct c2_catalog *cat = ctx;

    cat->look_timer = NULL;
    c2_catalog_rescan(cat, NULL, NULL);
}

void c2_catalog_look_later(struct c2_catalog *cat, int64_t ms)
{
    if (!cat->look_timer && !cat->closed) cat->look_timer = c2_timer_start(cat->loop, ms, 0, look, cat);
}

bool c2_catalog_is_looking(const struct c2_catalog *cat)
{
    return cat->walk || cat->walk_again || cat->look_timer || cat->deciding;
}

void c2_catalog_end_walk(struct c2_catalog *cat)
{
    struct c2_look *looks = cat->looks, *walk_looks = cat->walk ? cat->walk->looks : NULL;
    struct cat2_error err;

    c2_timer_stop(cat->look_timer);
    cat->look_timer = NULL;
    cat->looks = NULL;
    if (cat->walk) {
        cat->walk->looks = NULL;
        c2_timer_stop(cat->walk->timer);
        cat->walk->timer = NULL;
        if (cat->walk->over) finish(cat->walk); /* else its worker comes back */
    }
    c2_fail(&err, CAT2_ECANCELLED, "shutting down");
    tell_looks(looks, &err);
    tell_looks(walk_looks, &err);
}
