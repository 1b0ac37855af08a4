/* SPDX-License-Identifier: BSD-3-Clause */
/* Processes of cat2h5 and talking to them. */
#include "publisher/source/h5_worker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "helper/child.h"

#define WORKERS_MAX 2      /* of a source: libhdf5 does one thing at a time in each */
#define PATIENCE_MS 30000  /* for one request */
#define LOOK_MS     10000  /* whether a dataset changed */
#define WALK_MS     300000 /* for all names of a file */
#define REASONS_MAX 1024   /* distinct texts of why a dataset is not carried */
#define DEATHS_MAX  20     /* in DEATHS_MS; then requests fail at once for a while */
#define DEATHS_MS   10000

struct worker {
    struct c2_child child;
    bool busy;
    uint64_t used;
    char *file; /* the last it was asked for */
};
struct c2_h5_workers {
    atomic_int refs;
    pthread_mutex_t lock; /* guards all below; never held while a worker is talked to */
    pthread_cond_t idle;
    struct worker workers[WORKERS_MAX];
    uint64_t clock;
    bool walking;               /* one walks at most: the other stays free for what is quick */
    int64_t deaths[DEATHS_MAX]; /* times of the last ones, a ring */
    int ndeaths;
    bool cancelled;
    char **reasons;
    int nreasons;
    char *dir;
    char program[PATH_MAX];
};

/* ---- processes ---- */

static bool start(struct c2_h5_workers *all, struct worker *worker, struct cat2_error *err)
{
    char *argv[] = {(char *)"cat2h5", all->dir, NULL};

    return c2_child_start(all->program, argv, &worker->child, err);
}

static int64_t now_ms(void)
{
    return c2_mono_ms(c2_clock_real());
}

/* ---- which one ---- */

static bool too_many_deaths(const struct c2_h5_workers *all)
{
    return all->ndeaths >= DEATHS_MAX && now_ms() - all->deaths[all->ndeaths % DEATHS_MAX] < DEATHS_MS;
}

/* An idle one that has the file open, else one that does not run, else the one idle for longest. */
static struct worker *choose(struct c2_h5_workers *all, const char *file)
{
    struct worker *best = NULL;

    for (int i = 0; i < WORKERS_MAX; i++) {
        struct worker *w = &all->workers[i];
        if (w->busy) continue;
        if (w->child.pid && w->file && strcmp(w->file, file) == 0) return w;
        if (!best || (best->child.pid && (!w->child.pid || w->used < best->used))) best = w;
    }
    return best;
}

/* One that ended while nobody asked it costs no request. */
static void forget_ended(struct worker *worker)
{
    char byte, how[64];

    if (!worker->child.pid || recv(worker->child.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 0) return;
    c2_child_bury(&worker->child, true, how);
    c2_log_warn("cat2h5 ended while it had nothing to do");
}

static bool acquire(struct c2_h5_workers *all, const char *file, bool walk, struct worker **out,
                    struct cat2_error *err)
{
    struct worker *worker = NULL;
    bool ok = true;

    pthread_mutex_lock(&all->lock);
    while (!all->cancelled && ((walk && all->walking) || !(worker = choose(all, file))))
        pthread_cond_wait(&all->idle, &all->lock);
    if (!all->cancelled) forget_ended(worker);
    if (all->cancelled)
        ok = c2_fail(err, CAT2_ECANCELLED, "shutting down");
    else if (!worker->child.pid && too_many_deaths(all))
        ok = c2_fail(err, CAT2_EIO, "the HDF5 worker ended too often; it is started again in some seconds");
    else if (!worker->child.pid)
        ok = start(all, worker, err);
    if (ok) {
        worker->busy = true;
        all->walking = all->walking || walk;
        worker->used = ++all->clock;
        if (!worker->file || strcmp(worker->file, file) != 0) {
            free(worker->file);
            worker->file = c2_str_dup(c2_str_of(file));
        }
    }
    pthread_mutex_unlock(&all->lock);
    *out = worker;
    return ok;
}

static void release(struct c2_h5_workers *all, struct worker *worker, bool walk, bool died)
{
    pthread_mutex_lock(&all->lock);
    if (walk) all->walking = false;
    worker->busy = false;
    if (died) all->deaths[all->ndeaths++ % DEATHS_MAX] = now_ms();
    pthread_cond_broadcast(&all->idle);
    pthread_mutex_unlock(&all->lock);
}

/* ---- talking ---- */

/* Nobody else may touch its descriptor from here on. */
static struct c2_child take_out(struct c2_h5_workers *all, struct worker *worker)
{
    pthread_mutex_lock(&all->lock);
    struct c2_child dead = worker->child;
    worker->child = (struct c2_child){0, -1};
    pthread_mutex_unlock(&all->lock);
    return dead;
}

/* Its head, name and body; what cannot be an answer counts as an end. */
static bool next_answer(struct c2_talk *talk, struct c2_h5_answer *a, struct c2_buf *name,
                        struct c2_buf *body, struct c2_buf *others)
{
    struct cat2_error ignored;

    c2_buf_clear(name);
    c2_buf_clear(others);
    if (!c2_talk_receive(talk, a, sizeof(*a))) return false;
    size_t before = body->n;
    if (a->magic != C2_H5_PROTO_MAGIC || a->name_len > C2_H5_PROTO_NAME || a->body_len > C2_H5_PROTO_BODY ||
        a->others_len > C2_H5_PROTO_BODY || !c2_buf_resize(name, a->name_len, &ignored) ||
        !c2_buf_resize(body, before + a->body_len, &ignored) ||
        !c2_buf_resize(others, a->others_len, &ignored)) {
        talk->ended = true;
        return false;
    }
    return c2_talk_receive(talk, name->p, name->n) && c2_talk_receive(talk, body->p + before, a->body_len) &&
           c2_talk_receive(talk, others->p, others->n);
}

static bool give_item(struct c2_h5_call *call, const struct c2_h5_answer *a, const struct c2_buf *name,
                      const struct c2_buf *body, struct cat2_error *err)
{
    const char *path = c2_buf_cstr(name);
    size_t n = strlen(path);

    if (n + 1 > name->n) return c2_fail(err, CAT2_EDATA, "the HDF5 worker sent no name");
    return call->item(call->ctx, a, path, path + n + 1, c2_buf_str(body), err);
}

/* *whole: the conversation came to its end, well or not. */
static bool converse(struct c2_talk *talk, struct c2_h5_call *call, bool *whole, struct cat2_error *err)
{
    struct c2_h5_request req = {C2_H5_PROTO_MAGIC, call->op, call->nchunk, strlen(call->file),
                                strlen(call->name)};
    C2_AUTO(c2_buf) name = C2_BUF_INIT(C2_H5_PROTO_NAME);
    C2_AUTO(c2_buf) own = C2_BUF_INIT(C2_H5_PROTO_BODY);
    C2_AUTO(c2_buf) own_others = C2_BUF_INIT(C2_H5_PROTO_BODY);
    struct c2_buf *others = call->others ? call->others : &own_others;
    bool ok = true;

    *whole = false;
    if (!c2_talk_send(talk, &req, sizeof(req)) || !c2_talk_send(talk, call->file, req.file_len) ||
        !c2_talk_send(talk, call->name, req.name_len))
        return false;
    for (;;) {
        struct c2_buf *body = call->body && call->op != C2_H5_OP_WALK ? call->body : &own;
        size_t before = body->n;
        if (!next_answer(talk, &call->answer, &name, body, others)) return false;
        if (call->answer.status == C2_H5_ITEM && call->op == C2_H5_OP_WALK) {
            ok = ok && give_item(call, &call->answer, &name, body, err);
            c2_buf_clear(body);
            continue;
        }
        *whole = true;
        if (call->answer.status == C2_H5_DONE) return ok;
        enum cat2_code code = call->answer.code > 0 ? (enum cat2_code)call->answer.code : CAT2_EDATA;
        c2_fail(err, code, "%.*s", (int)(body->n - before), (const char *)body->p + before);
        body->n = before;
        return false;
    }
}

static int64_t patience(enum c2_h5_op op)
{
    return op == C2_H5_OP_WALK ? WALK_MS : op == C2_H5_OP_LOOK ? LOOK_MS : PATIENCE_MS;
}

bool c2_h5_workers_call(struct c2_h5_workers *all, struct c2_h5_call *call, struct cat2_error *err)
{
    struct worker *worker;
    struct c2_child dead;
    char how[64];
    bool whole, walk = call->op == C2_H5_OP_WALK;

    if (!acquire(all, call->file, walk, &worker, err)) return false;
    struct c2_talk talk = c2_talk_begin(worker->child.fd, patience(call->op));
    bool ok = converse(&talk, call, &whole, err);
    if (whole) {
        release(all, worker, walk, false);
        return ok;
    }
    dead = take_out(all, worker);
    c2_child_bury(&dead, talk.late, how);
    release(all, worker, walk, true);
    if (all->cancelled) return c2_fail(err, CAT2_ECANCELLED, "shutting down");
    c2_log_warn("cat2h5 %s file=%s object=%s", how, call->file, call->name);
    return c2_fail(err, CAT2_EIO, "the HDF5 worker %s, asked for %.120s", how, call->name);
}

/* ---- reasons ---- */

const char *c2_h5_workers_reason(struct c2_h5_workers *all, const char *text)
{
    const char *found = NULL;

    pthread_mutex_lock(&all->lock);
    if (!all->reasons) all->reasons = calloc(REASONS_MAX, sizeof(*all->reasons));
    for (int i = 0; i < all->nreasons && !found; i++)
        if (strcmp(all->reasons[i], text) == 0) found = all->reasons[i];
    if (!found && all->reasons && all->nreasons < REASONS_MAX) {
        char *copy = c2_str_dup(c2_str_of(text));
        if (copy) found = all->reasons[all->nreasons++] = copy;
    }
    pthread_mutex_unlock(&all->lock);
    return found ? found : "cannot be carried";
}

/* ---- life ---- */

bool c2_h5_workers_new(const char *dir, struct c2_h5_workers **out, struct cat2_error *err)
{
    struct c2_h5_workers *all = calloc(1, sizeof(*all));

    if (all && dir) all->dir = c2_str_dup(c2_str_of(dir));
    if (!all || (dir && !all->dir)) {
        free(all);
        return c2_fail_nomem(err, "HDF5 workers");
    }
    pthread_mutex_init(&all->lock, NULL);
    pthread_cond_init(&all->idle, NULL);
    atomic_init(&all->refs, 1);
    c2_child_find("cat2h5", "CATERVA2_H5_WORKER", all->program);
    *out = all;
    return true;
}

void c2_h5_workers_cancel(struct c2_h5_workers *all)
{
    pthread_mutex_lock(&all->lock);
    all->cancelled = true;
    for (int i = 0; i < WORKERS_MAX; i++)
        if (all->workers[i].child.pid)
            shutdown(all->workers[i].child.fd, SHUT_RDWR); /* who waits for it is told */
    pthread_cond_broadcast(&all->idle);
    pthread_mutex_unlock(&all->lock);
}

struct c2_h5_workers *c2_h5_workers_ref(struct c2_h5_workers *all)
{
    atomic_fetch_add(&all->refs, 1);
    return all;
}

void c2_h5_workers_unref(struct c2_h5_workers *all)
{
    char how[64];

    if (!all || atomic_fetch_sub(&all->refs, 1) != 1) return;
    for (int i = 0; i < WORKERS_MAX; i++) {
        if (all->workers[i].child.pid) c2_child_bury(&all->workers[i].child, true, how);
        free(all->workers[i].file);
    }
    for (int i = 0; i < all->nreasons; i++)
        free(all->reasons[i]);
    free(all->reasons);
    free(all->dir);
    pthread_cond_destroy(&all->idle);
    pthread_mutex_destroy(&all->lock);
    free(all);
}
