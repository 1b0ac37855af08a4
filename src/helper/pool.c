/* SPDX-License-Identifier: BSD-3-Clause */
/* Which process is asked, and when another one is started. */
#include "helper/pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log_share.h"
#include "base/str.h"

#define DEATHS_MAX 32 /* of any helper's deaths_max */

/* Which directory is at the place of the argument; none: zeros. */
struct place {
    dev_t dev;
    ino_t ino;
};
struct c2_helper {
    struct c2_helper *next;
    struct c2_child child; /* pid 0: not running */
    bool busy, is_new, is_long;
    uint64_t used;
    char *subject; /* the last it was asked for */
    struct place place;
};
struct c2_helpers {
    pthread_mutex_t lock; /* guards all below; never held while a process is talked to */
    pthread_cond_t idle;
    struct c2_helpers_options options;
    struct c2_helper *list;
    int n, nbusy, nlong;
    uint64_t clock;
    int64_t deaths[DEATHS_MAX]; /* times of the last ones, a ring of deaths_max */
    int ndeaths;
    bool cancelled;
    char *argument;
    char program[PATH_MAX];
};

/* ---- which one ---- */

static bool too_many_deaths(const struct c2_helpers *all)
{
    int max = all->options.deaths_max;

    return all->ndeaths >= max && c2_now_ms() - all->deaths[all->ndeaths % max] < all->options.deaths_ms;
}

static bool same_subject(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static struct c2_helper *add(struct c2_helpers *all)
{
    struct c2_helper *helper = calloc(1, sizeof(*helper));

    if (!helper) return NULL;
    helper->child = C2_CHILD_NONE;
    helper->next = all->list;
    all->list = helper;
    all->n++;
    return helper;
}

/* An idle one of this subject, else one that does not run, else the one idle for longest. NULL: all are busy,
 * or there is no memory for the first. */
static struct c2_helper *choose(struct c2_helpers *all, const char *subject)
{
    struct c2_helper *best = NULL;

    for (struct c2_helper *h = all->list; h; h = h->next) {
        if (h->busy) continue;
        if (h->child.pid && same_subject(h->subject, subject)) return h;
        if (!best || (best->child.pid && (!h->child.pid || h->used < best->used))) best = h;
    }
    if (best && !best->child.pid) return best;
    struct c2_helper *fresh = !all->options.max || all->n < all->options.max ? add(all) : NULL;
    return fresh ? fresh : best;
}

/* One that ended while nobody asked it costs no request. */
static void forget_ended(struct c2_helpers *all, struct c2_helper *helper)
{
    char byte, how[64];

    if (!helper->child.pid || recv(helper->child.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 0) return;
    c2_child_bury(&helper->child, all->options.name, true, how);
    c2_log_some(C2_WARN, "%s ended while it had nothing to do", all->options.name);
}

static struct place place_of(const char *argument)
{
    struct stat st;
    bool there = argument && stat(argument, &st) == 0 && S_ISDIR(st.st_mode);

    return there ? (struct place){st.st_dev, st.st_ino} : (struct place){0};
}

/* A process may read the directory that was there when it began, and no other. */
static void forget_elsewhere(struct c2_helpers *all, struct c2_helper *helper, struct place now)
{
    bool same = helper->place.dev == now.dev && helper->place.ino == now.ino;
    char how[64];

    if (helper->child.pid && !same) c2_child_bury(&helper->child, all->options.name, true, how);
    helper->place = now;
}

static bool make_run(struct c2_helpers *all, struct c2_helper *helper, struct place place,
                     struct cat2_error *err)
{
    char *argv[] = {(char *)all->options.name, all->argument, NULL};

    forget_ended(all, helper);
    forget_elsewhere(all, helper, place);
    helper->is_new = !helper->child.pid;
    if (!helper->is_new) return true;
    if (too_many_deaths(all))
        return c2_fail(err, CAT2_ELIMIT, "%s ended too often; it is started again in some seconds",
                       all->options.name);
    return c2_child_start(all->program, argv, &helper->child, err);
}

static void occupy(struct c2_helpers *all, struct c2_helper *helper, const char *subject, bool is_long)
{
    helper->busy = true;
    helper->is_long = is_long;
    helper->used = ++all->clock;
    all->nbusy++;
    all->nlong += is_long;
    if (same_subject(helper->subject, subject)) return;
    free(helper->subject);
    helper->subject = subject ? c2_str_dup(c2_str_of(subject)) : NULL;
}

static struct c2_helper *wait_for_one(struct c2_helpers *all, const char *subject, bool is_long)
{
    for (;;) {
        bool may = !is_long || !all->options.max || all->nlong < all->options.max - 1;
        struct c2_helper *helper = may ? choose(all, subject) : NULL;
        if (all->cancelled || helper || all->nbusy == 0) return helper;
        pthread_cond_wait(&all->idle, &all->lock);
    }
}

bool c2_helpers_take(struct c2_helpers *all, const char *subject, bool is_long, struct c2_helper **out,
                     struct cat2_error *err)
{
    struct place place = place_of(all->argument);

    pthread_mutex_lock(&all->lock);
    struct c2_helper *helper = wait_for_one(all, subject, is_long);
    bool ok = !all->cancelled || c2_fail(err, CAT2_ECANCELLED, "shutting down");
    ok = ok && (helper || c2_fail_nomem(err, "helper process")) && make_run(all, helper, place, err);
    if (ok) {
        occupy(all, helper, subject, is_long);
        *out = helper;
    }
    pthread_mutex_unlock(&all->lock);
    return ok;
}

bool c2_helper_is_new(const struct c2_helper *helper)
{
    return helper->is_new;
}

struct c2_talk c2_helper_talk(const struct c2_helper *helper, int64_t patience_ms)
{
    return c2_talk_begin(helper->child.fd, patience_ms);
}

/* ---- back ---- */

/* Nobody else may touch its descriptor from here on. */
static struct c2_child take_out(struct c2_helper *helper)
{
    struct c2_child child = helper->child;

    helper->child = C2_CHILD_NONE;
    return child;
}

static void release(struct c2_helpers *all, struct c2_helper *helper)
{
    helper->busy = false;
    all->nbusy--;
    all->nlong -= helper->is_long;
    pthread_cond_broadcast(&all->idle);
}

static int count_idle(const struct c2_helpers *all)
{
    int n = 0;

    for (const struct c2_helper *h = all->list; h; h = h->next)
        n += !h->busy && h->child.pid;
    return n;
}

void c2_helpers_give(struct c2_helpers *all, struct c2_helper *helper)
{
    struct c2_child surplus = C2_CHILD_NONE;
    char how[64];

    c2_child_hear(&helper->child, all->options.name);
    pthread_mutex_lock(&all->lock);
    if (count_idle(all) >= all->options.kept) surplus = take_out(helper);
    release(all, helper);
    pthread_mutex_unlock(&all->lock);
    if (surplus.pid) c2_child_bury(&surplus, all->options.name, true, how);
}

static void bury(struct c2_helpers *all, struct c2_helper *helper, bool late, char how[64])
{
    pthread_mutex_lock(&all->lock);
    struct c2_child dead = take_out(helper);
    pthread_mutex_unlock(&all->lock);
    c2_child_bury(&dead, all->options.name, late, how);
}

void c2_helpers_end(struct c2_helpers *all, struct c2_helper *helper, bool late, char how[64])
{
    bury(all, helper, late, how);
    pthread_mutex_lock(&all->lock);
    release(all, helper);
    pthread_mutex_unlock(&all->lock);
}

bool c2_helpers_again(struct c2_helpers *all, struct c2_helper *helper, const struct c2_talk *talk,
                      bool heard, char how[64])
{
    struct place place = place_of(all->argument);
    bool untried = !helper->is_new && !heard && !talk->late;
    struct cat2_error ignored;

    bury(all, helper, talk->late, how);
    pthread_mutex_lock(&all->lock);
    bool again = untried && !all->cancelled && make_run(all, helper, place, &ignored);
    if (!again) {
        all->deaths[all->ndeaths++ % all->options.deaths_max] = c2_now_ms();
        release(all, helper);
    }
    pthread_mutex_unlock(&all->lock);
    return again;
}

/* ---- life ---- */

bool c2_helpers_new(const struct c2_helpers_options *options, struct c2_helpers **out, struct cat2_error *err)
{
    struct c2_helpers *all = calloc(1, sizeof(*all));

    C2_ASSERT(0 < options->deaths_max && options->deaths_max <= DEATHS_MAX && options->max != 1);
    if (all && options->argument) all->argument = c2_str_dup(c2_str_of(options->argument));
    if (!all || (options->argument && !all->argument)) {
        free(all);
        return c2_fail_nomem(err, options->name);
    }
    all->options = *options;
    pthread_mutex_init(&all->lock, NULL);
    pthread_cond_init(&all->idle, NULL);
    c2_child_find(options->name, options->variable, all->program);
    *out = all;
    return true;
}

void c2_helpers_cancel(struct c2_helpers *all)
{
    pthread_mutex_lock(&all->lock);
    all->cancelled = true;
    for (struct c2_helper *h = all->list; h; h = h->next)
        if (h->child.pid) shutdown(h->child.fd, SHUT_RDWR); /* who waits for it is told */
    pthread_cond_broadcast(&all->idle);
    pthread_mutex_unlock(&all->lock);
}

bool c2_helpers_is_cancelled(struct c2_helpers *all)
{
    pthread_mutex_lock(&all->lock);
    bool cancelled = all->cancelled;
    pthread_mutex_unlock(&all->lock);
    return cancelled;
}

void c2_helpers_free(struct c2_helpers *all)
{
    char how[64];

    if (!all) return;
    while (all->list) {
        struct c2_helper *helper = all->list;
        all->list = helper->next;
        if (helper->child.pid) c2_child_bury(&helper->child, all->options.name, true, how);
        free(helper->subject);
        free(helper);
    }
    free(all->argument);
    pthread_cond_destroy(&all->idle);
    pthread_mutex_destroy(&all->lock);
    free(all);
}
