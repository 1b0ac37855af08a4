/* SPDX-License-Identifier: BSD-3-Clause */
/* The threads of fronts, and what they tell the server's loop. */
#include "net/front.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/list.h"

#define CORES_FEW     4 /* with fewer, changes of threads cost more than another thread saves */
#define CORES_A_FRONT 4 /* of these one reads and sends, the others work (docs/decisions/0032-fronts.md) */
#define FRONTS_MOST   8 /* the server's loop is at its limit */

/* ---- messages ---- */

struct c2_mailbox {
    struct c2_loop *loop;
    pthread_mutex_t lock; /* guards what follows; not held while anything is called */
    struct c2_loop_call *first, *last;
    bool posted; /* the loop has been told */
    bool closed; /* and frees it then */
    struct c2_loop_call post;
};

struct c2_mailbox *c2_mailbox_new(struct c2_loop *loop)
{
    struct c2_mailbox *box = calloc(1, sizeof(*box));

    if (!box) return NULL;
    box->loop = loop;
    pthread_mutex_init(&box->lock, NULL);
    return box;
}

static void dispose(struct c2_mailbox *box)
{
    pthread_mutex_destroy(&box->lock);
    free(box);
}

/* Run what is there. true: there was something. */
static bool run_all(struct c2_mailbox *box)
{
    pthread_mutex_lock(&box->lock);
    struct c2_loop_call *call = box->first;
    box->first = NULL;
    pthread_mutex_unlock(&box->lock);
    c2_loop_run_calls(call);
    return call != NULL;
}

static void on_post(void *ctx)
{
    struct c2_mailbox *box = ctx;

    pthread_mutex_lock(&box->lock);
    bool closed = box->closed;
    box->posted = false;
    pthread_mutex_unlock(&box->lock);
    if (closed)
        dispose(box);
    else
        run_all(box);
}

void c2_mailbox_put(struct c2_mailbox *box, struct c2_loop_call *call, c2_loop_fn *fn, void *ctx)
{
    *call = (struct c2_loop_call){.fn = fn, .ctx = ctx};
    pthread_mutex_lock(&box->lock);
    c2_chain_push(box->first, box->last, call);
    bool tell = !box->posted;
    box->posted = true;
    pthread_mutex_unlock(&box->lock);
    if (tell) c2_loop_post(box->loop, &box->post, on_post, box);
}

void c2_mailbox_free(struct c2_mailbox *box)
{
    if (!box) return;
    while (run_all(box))
        ;
    pthread_mutex_lock(&box->lock);
    box->closed = true;
    bool posted = box->posted;
    pthread_mutex_unlock(&box->lock);
    if (!posted) dispose(box);
}

/* ---- threads ---- */

int c2_fronts_default(void)
{
    int64_t cores = sysconf(_SC_NPROCESSORS_ONLN);

    return cores < CORES_FEW ? 0 : (int)c2_min_i64(cores / CORES_A_FRONT, FRONTS_MOST);
}

static void *front_main(void *arg)
{
    struct c2_front *front = arg;

    while (sem_wait(&front->go) != 0)
        ; /* by a signal */
    c2_loop_run(front->loop);
    return NULL;
}

bool c2_front_start(struct c2_front *front, struct cat2_error *err)
{
    sigset_t all, before;

    sem_init(&front->go, 0, 0);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are for the other threads */
    int failed = pthread_create(&front->thread, NULL, front_main, front);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        sem_destroy(&front->go);
        return c2_fail_errno(err, failed, "the server's threads");
    }
    pthread_setname_np(front->thread, "front");
    front->started = true;
    return true;
}

void c2_front_go(struct c2_front *front)
{
    sem_post(&front->go);
}

static void on_stop(void *ctx)
{
    struct c2_front *front = ctx;

    front->let_go(front);
    c2_loop_stop(front->loop);
}

void c2_front_join(struct c2_front *front, void (*let_go)(struct c2_front *front))
{
    front->let_go = let_go;
    c2_loop_post(front->loop, &front->stop, on_stop, front);
    c2_front_go(front); /* if it never did */
    pthread_join(front->thread, NULL);
    sem_destroy(&front->go);
    front->started = false;
}
