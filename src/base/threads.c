/* SPDX-License-Identifier: BSD-3-Clause */
/* A queue for each lane, a lock, and a condition for each thread: the one that fell idle last is woken first,
 * for what it works with is still in the caches. */
#include "base/threads.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define THREADS_MAX 64 /* more wait for memory and for the loop; machines with more cores are rare */
#define SMALLS_MAX  16 /* small tasks in a row, while a large one waits and none is worked on */
#define NLANES      3

struct member {
    pthread_t thread;
    struct c2_threads *threads;
    void *local;
    pthread_cond_t wake;
    bool idle;
};
struct c2_threads {
    const struct c2_threads_kind *kind;
    pthread_mutex_t lock;             /* guards all below but the members */
    struct member *idle[THREADS_MAX]; /* the one that fell idle last is last */
    int nidle;
    struct c2_fair lanes[NLANES];
    bool stopping;
    int n;
    int running[NLANES]; /* being worked on */
    int nsmalls;         /* small ones taken since a large one was */
    struct member members[THREADS_MAX];
};

/* May a thread begin a task that is not small? Of several threads one is left to small ones. */
static bool has_room(const struct c2_threads *threads)
{
    int busy = threads->running[C2_LANE_LARGE] + threads->running[C2_LANE_LOW];

    return busy + 1 < threads->n || (busy == 0 && threads->n == 1);
}

/* So many small tasks came before a large one that it would wait for ever. */
static bool large_is_due(const struct c2_threads *threads)
{
    return threads->nsmalls >= SMALLS_MAX && threads->running[C2_LANE_LARGE] == 0;
}

static struct c2_task *next_task(struct c2_threads *threads, enum c2_lane *lane)
{
    bool room = has_room(threads), alone = threads->n == 1;
    const size_t nsmall = threads->lanes[C2_LANE_SMALL].n, nlarge = threads->lanes[C2_LANE_LARGE].n;

    if (threads->stopping) return NULL;
    if (nlarge && room && (nsmall == 0 || large_is_due(threads)))
        *lane = C2_LANE_LARGE;
    else if (nsmall)
        *lane = C2_LANE_SMALL;
    else if (room && !alone)
        *lane = C2_LANE_LOW;
    else
        return NULL;
    threads->nsmalls = *lane == C2_LANE_SMALL && nlarge ? threads->nsmalls + 1 : 0;
    return c2_fair_pop(&threads->lanes[*lane]);
}

static void fall_idle(struct c2_threads *threads, struct member *member)
{
    member->idle = true;
    threads->idle[threads->nidle++] = member;
    while (member->idle)
        pthread_cond_wait(&member->wake, &threads->lock);
}

/* NULL: all are at work. Whoever is woken looks for a task, and may find none that it may take. */
static struct member *rouse(struct c2_threads *threads)
{
    struct member *member = threads->nidle ? threads->idle[--threads->nidle] : NULL;

    if (member) member->idle = false;
    return member;
}

static void *thread_main(void *arg)
{
    struct member *member = arg;
    struct c2_threads *threads = member->threads;
    enum c2_lane lane;

    pthread_mutex_lock(&threads->lock);
    for (;;) {
        struct c2_task *task = next_task(threads, &lane);
        if (!task && threads->stopping) break;
        if (!task) {
            fall_idle(threads, member);
            continue;
        }
        threads->running[lane]++;
        pthread_mutex_unlock(&threads->lock);
        threads->kind->work(task, member->local);
        pthread_mutex_lock(&threads->lock);
        threads->running[lane]--;
    }
    pthread_mutex_unlock(&threads->lock);
    return NULL;
}

static bool start(struct c2_threads *threads, struct cat2_error *err)
{
    struct member *member = &threads->members[threads->n];

    member->threads = threads;
    pthread_cond_init(&member->wake, NULL);
    if (threads->kind->local_new && !(member->local = threads->kind->local_new()))
        return c2_fail_nomem(err, "thread");
    int failed = pthread_create(&member->thread, NULL, thread_main, member);
    if (!failed) return true;
    if (member->local) threads->kind->local_free(member->local);
    return c2_fail_errno(err, failed, "thread");
}

bool c2_threads_new(int n, const struct c2_threads_kind *kind, struct c2_threads **out,
                    struct cat2_error *err)
{
    struct c2_threads *threads = calloc(1, sizeof(*threads));
    bool more = true;

    if (!threads) return c2_fail_nomem(err, "threads");
    if (n <= 0) n = (int)c2_max_i64(2, sysconf(_SC_NPROCESSORS_ONLN));
    n = (int)c2_min_i64(n, THREADS_MAX);
    threads->kind = kind;
    pthread_mutex_init(&threads->lock, NULL);
    while (more && threads->n < n) {
        more = start(threads, err);
        pthread_mutex_lock(&threads->lock);
        threads->n += more;
        pthread_mutex_unlock(&threads->lock);
    }
    if (threads->n == 0) {
        c2_threads_free(threads);
        return false;
    }
    *out = threads;
    return true;
}

void c2_threads_put(struct c2_threads *threads, struct c2_task *task, enum c2_lane lane)
{
    pthread_mutex_lock(&threads->lock);
    c2_fair_push(&threads->lanes[lane], task);
    struct member *member = rouse(threads);
    pthread_mutex_unlock(&threads->lock);
    if (member) pthread_cond_signal(&member->wake);
}

struct c2_task *c2_threads_take(struct c2_threads *threads)
{
    static const enum c2_lane order[] = {C2_LANE_SMALL, C2_LANE_LARGE, C2_LANE_LOW};
    struct c2_task *task = NULL;

    pthread_mutex_lock(&threads->lock);
    for (size_t i = 0; !task && i < C2_ARRAY_LEN(order); i++)
        task = c2_fair_pop(&threads->lanes[order[i]]);
    pthread_mutex_unlock(&threads->lock);
    return task;
}

void c2_threads_stop(struct c2_threads *threads)
{
    pthread_mutex_lock(&threads->lock);
    threads->stopping = true;
    for (struct member *member; (member = rouse(threads));)
        pthread_cond_signal(&member->wake);
    pthread_mutex_unlock(&threads->lock);
    for (; threads->n > 0; threads->n--) {
        struct member *member = &threads->members[threads->n - 1];
        pthread_join(member->thread, NULL);
        if (member->local) threads->kind->local_free(member->local);
        pthread_cond_destroy(&member->wake);
    }
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
    return threads->n;
}

size_t c2_threads_nwaiting(struct c2_threads *threads, enum c2_lane lane)
{
    pthread_mutex_lock(&threads->lock);
    size_t n = threads->lanes[lane].n;
    pthread_mutex_unlock(&threads->lock);
    return n;
}
