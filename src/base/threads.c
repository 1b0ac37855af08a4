/* SPDX-License-Identifier: BSD-3-Clause */
/* Two queues, a lock, a condition. */
#include "base/threads.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define THREADS_MAX 64 /* more wait for memory and for the loop; machines with more cores are rare */

struct queue {
    struct c2_task *first, *last;
};
struct member {
    pthread_t thread;
    struct c2_threads *threads;
    void *local;
};
struct c2_threads {
    const struct c2_threads_kind *kind;
    pthread_mutex_t lock; /* guards all below but the members */
    pthread_cond_t wake;
    struct queue normal, low;
    bool stopping;
    int n, low_running;
    struct member members[THREADS_MAX];
};

static struct c2_task *pop(struct queue *queue)
{
    struct c2_task *task = queue->first;

    if (!task) return NULL;
    queue->first = task->next;
    if (!queue->first) queue->last = NULL;
    return task;
}

static struct c2_task *next_task(struct c2_threads *threads, bool *low)
{
    struct c2_task *task = threads->stopping ? NULL : pop(&threads->normal);

    *low = false;
    if (task || threads->stopping || threads->low_running + 1 >= threads->n) return task;
    task = pop(&threads->low);
    *low = task != NULL;
    return task;
}

static void *thread_main(void *arg)
{
    struct member *member = arg;
    struct c2_threads *threads = member->threads;
    bool low;

    pthread_mutex_lock(&threads->lock);
    for (;;) {
        struct c2_task *task = next_task(threads, &low);
        if (!task && threads->stopping) break;
        if (!task) {
            pthread_cond_wait(&threads->wake, &threads->lock);
            continue;
        }
        threads->low_running += low;
        pthread_mutex_unlock(&threads->lock);
        threads->kind->work(task, member->local);
        pthread_mutex_lock(&threads->lock);
        threads->low_running -= low;
    }
    pthread_mutex_unlock(&threads->lock);
    return NULL;
}

static bool start(struct c2_threads *threads, struct cat2_error *err)
{
    struct member *member = &threads->members[threads->n];

    member->threads = threads;
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
    pthread_cond_init(&threads->wake, NULL);
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

void c2_threads_put(struct c2_threads *threads, struct c2_task *task, bool low)
{
    struct queue *queue = low ? &threads->low : &threads->normal;

    task->next = NULL;
    pthread_mutex_lock(&threads->lock);
    if (queue->last)
        queue->last->next = task;
    else
        queue->first = task;
    queue->last = task;
    pthread_mutex_unlock(&threads->lock);
    pthread_cond_signal(&threads->wake);
}

struct c2_task *c2_threads_take(struct c2_threads *threads)
{
    pthread_mutex_lock(&threads->lock);
    struct c2_task *task = pop(&threads->normal);
    if (!task) task = pop(&threads->low);
    pthread_mutex_unlock(&threads->lock);
    return task;
}

void c2_threads_stop(struct c2_threads *threads)
{
    pthread_mutex_lock(&threads->lock);
    threads->stopping = true;
    pthread_mutex_unlock(&threads->lock);
    pthread_cond_broadcast(&threads->wake);
    for (; threads->n > 0; threads->n--) {
        struct member *member = &threads->members[threads->n - 1];
        pthread_join(member->thread, NULL);
        if (member->local) threads->kind->local_free(member->local);
    }
}

void c2_threads_free(struct c2_threads *threads)
{
    if (!threads) return;
    c2_threads_stop(threads);
    pthread_mutex_destroy(&threads->lock);
    pthread_cond_destroy(&threads->wake);
    free(threads);
}

int c2_threads_n(const struct c2_threads *threads)
{
    return threads->n;
}
