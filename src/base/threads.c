/* SPDX-License-Identifier: BSD-3-Clause */
/* A queue for each lane, a lock, and a condition for each thread: the one that fell idle last is woken first,
 * for what it works with is still in the caches. */
#include "base/threads.h"

#include "base/cancel.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define THREADS_MAX                                                                                          \
    64 /* of one side; more wait for memory and for the loop, and machines with more are rare */
#define LARGE_NICE                                                                                           \
    5 /* a third of the share of the others. Less, and what waits for a lock waits for long                  \
       */

struct member {
    pthread_t thread;
    struct c2_threads *threads;
    struct side *side;
    void *local;
    pthread_cond_t wake;
    bool idle;
    void (*rest)(void); /* to be called once; NULL: nothing */
};
struct side {
    int n, nidle;
    struct member *idle[THREADS_MAX]; /* the one that fell idle last is last */
    struct member members[THREADS_MAX];
};
struct c2_threads {
    const struct c2_threads_kind *kind;
    pthread_mutex_t lock; /* guards all below but the members */
    struct c2_fair lanes[C2_LANES];
    bool stopping;
    struct c2_cancel cancel;  /* what is worked on when they stop: nobody waits for it any more */
    struct side small, large; /* by what they work on */
};

static struct c2_task *next_task(struct c2_threads *threads, const struct side *side)
{
    enum c2_lane lane = side == &threads->large ? C2_LANE_LARGE : C2_LANE_SMALL;
    enum c2_lane end = lane == C2_LANE_SMALL && threads->large.n ? C2_LANE_LARGE : C2_LANES;
    struct c2_task *task = NULL;

    for (; !task && !threads->stopping && lane < end; lane++)
        task = c2_fair_pop(&threads->lanes[lane]);
    return task;
}

static void take_rest(struct c2_threads *threads, struct member *member)
{
    void (*rest)(void) = member->rest;

    member->rest = NULL;
    pthread_mutex_unlock(&threads->lock);
    rest();
    pthread_mutex_lock(&threads->lock);
}

static void fall_idle(struct c2_threads *threads, struct member *member)
{
    struct side *side = member->side;

    member->idle = true;
    side->idle[side->nidle++] = member;
    while (member->idle)
        if (member->rest)
            take_rest(threads, member);
        else
            pthread_cond_wait(&member->wake, &threads->lock);
}

/* NULL: all are at work. Whoever is woken looks for a task, and may find none. */
static struct member *rouse(struct side *side)
{
    struct member *member = side->nidle ? side->idle[--side->nidle] : NULL;

    if (member) member->idle = false;
    return member;
}

static void *thread_main(void *arg)
{
    struct member *member = arg;
    struct c2_threads *threads = member->threads;

    /* Of this thread alone, as Linux has it. It cannot be taken back: so the threads are not the same. */
    if (member->side == &threads->large) (void)!nice(LARGE_NICE);
    c2_cancel_thread(&threads->cancel);
    pthread_mutex_lock(&threads->lock);
    while (!threads->stopping) {
        struct c2_task *task = next_task(threads, member->side);
        if (!task) {
            fall_idle(threads, member);
            continue;
        }
        pthread_mutex_unlock(&threads->lock);
        threads->kind->work(task, member->local);
        pthread_mutex_lock(&threads->lock);
    }
    pthread_mutex_unlock(&threads->lock);
    return NULL;
}

static bool start(struct c2_threads *threads, struct side *side, struct cat2_error *err)
{
    struct member *member = &side->members[side->n];

    member->threads = threads;
    member->side = side;
    pthread_cond_init(&member->wake, NULL);
    if (threads->kind->local_new && !(member->local = threads->kind->local_new()))
        return c2_fail_nomem(err, "thread");
    int failed = pthread_create(&member->thread, NULL, thread_main, member);
    if (!failed) return true;
    if (member->local) threads->kind->local_free(member->local);
    return c2_fail_errno(err, failed, "thread");
}

static bool start_all(struct c2_threads *threads, struct side *side, int n, struct cat2_error *err)
{
    bool more = true;

    while (more && side->n < c2_min_i64(n, THREADS_MAX)) {
        more = start(threads, side, err);
        pthread_mutex_lock(&threads->lock);
        side->n += more;
        pthread_mutex_unlock(&threads->lock);
    }
    return side->n > 0;
}

bool c2_threads_new(int nsmall, int nlarge, const struct c2_threads_kind *kind, struct c2_threads **out,
                    struct cat2_error *err)
{
    struct c2_threads *threads = calloc(1, sizeof(*threads));
    struct cat2_error ignored;

    if (!threads) return c2_fail_nomem(err, "threads");
    if (nsmall <= 0) nsmall = (int)c2_max_i64(2, sysconf(_SC_NPROCESSORS_ONLN));
    threads->kind = kind;
    pthread_mutex_init(&threads->lock, NULL);
    if (!start_all(threads, &threads->small, nsmall, err)) {
        c2_threads_free(threads);
        return false;
    }
    start_all(threads, &threads->large, nlarge, &ignored);
    *out = threads;
    return true;
}

void c2_threads_put(struct c2_threads *threads, struct c2_task *task, enum c2_lane lane)
{
    pthread_mutex_lock(&threads->lock);
    c2_fair_push(&threads->lanes[lane], task);
    bool large = lane != C2_LANE_SMALL && threads->large.n;
    struct member *member = rouse(large ? &threads->large : &threads->small);
    pthread_mutex_unlock(&threads->lock);
    if (member) pthread_cond_signal(&member->wake);
}

struct c2_task *c2_threads_take(struct c2_threads *threads)
{
    struct c2_task *task = NULL;

    pthread_mutex_lock(&threads->lock);
    for (enum c2_lane lane = 0; !task && lane < C2_LANES; lane++)
        task = c2_fair_pop(&threads->lanes[lane]);
    pthread_mutex_unlock(&threads->lock);
    return task;
}

static void end(struct c2_threads *threads, struct side *side)
{
    for (; side->n > 0; side->n--) {
        struct member *member = &side->members[side->n - 1];
        pthread_join(member->thread, NULL);
        if (member->local) threads->kind->local_free(member->local);
        pthread_cond_destroy(&member->wake);
    }
}

void c2_threads_stop(struct c2_threads *threads)
{
    atomic_store(&threads->cancel.now, true);
    pthread_mutex_lock(&threads->lock);
    threads->stopping = true;
    for (struct member *member; (member = rouse(&threads->small)) || (member = rouse(&threads->large));)
        pthread_cond_signal(&member->wake);
    pthread_mutex_unlock(&threads->lock);
    end(threads, &threads->small);
    end(threads, &threads->large);
}

void c2_threads_free(struct c2_threads *threads)
{
    if (!threads) return;
    c2_threads_stop(threads);
    pthread_mutex_destroy(&threads->lock);
    free(threads);
}

int c2_threads_n(const struct c2_threads *threads)
{
    return threads->small.n + threads->large.n;
}

void c2_threads_rest(struct c2_threads *threads, void (*rest)(void))
{
    struct side *const sides[] = {&threads->small, &threads->large};

    pthread_mutex_lock(&threads->lock);
    for (size_t i = 0; i < C2_ARRAY_LEN(sides); i++)
        for (int k = 0; k < sides[i]->nidle; k++) {
            sides[i]->idle[k]->rest = rest;
            pthread_cond_signal(&sides[i]->idle[k]->wake);
        }
    pthread_mutex_unlock(&threads->lock);
}

size_t c2_threads_nwaiting(struct c2_threads *threads, enum c2_lane lane)
{
    pthread_mutex_lock(&threads->lock);
    size_t n = threads->lanes[lane].n;
    pthread_mutex_unlock(&threads->lock);
    return n;
}
