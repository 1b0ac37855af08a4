/* SPDX-License-Identifier: BSD-3-Clause */
/* What the routes of the views share: a request goes through its stages, each of them first the pieces it
 * needs, then work in the pool; then it is answered, and the answer is remembered.
 *
 *   c2_view_start ──► queued ──► cache file ──► plan ──► (pieces ──► work)* ──► finish ──► reply
 *
 * A few run at a time, so that their memory is bounded; the others wait in line. */
#ifndef C2_SUBSCRIBER_ANSWER_JOB_H
#define C2_SUBSCRIBER_ANSWER_JOB_H

#include "base/lru.h"
#include "reduce/walk.h"
#include "subscriber/mirror/mirror.h"

struct c2_view;
/* plan, work and finish run in the pool; false: view->err says why. Any but work and free may be NULL. */
struct c2_view_ops {
    /** On the loop, before all else; again after waiting. true: much memory will be needed, one such view at
     * a time. */
    bool (*start)(struct c2_view *view);
    /** Once, when the cache file is there; sets view->nstages if it is not 1. */
    bool (*plan)(struct c2_view *view, struct c2_codec *codec);
    /** The pieces stage i needs. Loop. false: none. */
    bool (*bound)(struct c2_view *view, int64_t i, struct c2_bound *out);
    bool (*work)(struct c2_view *view, struct c2_codec *codec, int64_t i);
    /** Fill view->out and view->heads. */
    bool (*finish)(struct c2_view *view);
    /** On the loop, after finish: remember what others can use. */
    void (*end)(struct c2_view *view);
    /** Frees view->state. */
    void (*free)(void *state);
};
struct c2_view {
    struct c2_view *next; /* in line */
    struct c2_request *req;
    struct c2_ds *ds;
    struct c2_cachefile *cf;
    struct c2_selectable source; /* of cf; from plan on */
    const struct c2_view_ops *ops;
    void *state;
    int64_t nstages, stage;
    bool ok, planned, heavy;
    struct cat2_error err;
    const char *content_type; /* of the answer; default JSON */
    struct c2_buf out;
    struct c2_buf heads; /* "Name: value\n"... */
    struct c2_buf key;   /* the answer is remembered under this; empty: it is not */
};
/* The views of one subscriber. */
struct c2_views {
    int running;
    bool heavy;                   /* one that needs much memory is running */
    struct c2_view *first, *last; /* in line */
    struct c2_view *heavy_first, *heavy_last;
    struct c2_lru *answers, *orders;
};
struct c2_views *c2_views_new(void);
void c2_views_free(struct c2_views *views);

/** Answered already: other generation, not modified, or remembered? Sets ETag and Cache-Control else. The key
 * is the request's target and the dataset object. */
bool c2_view_settled(struct c2_request *req, struct c2_ds *ds);
/** Takes state. The request is answered from here on. */
void c2_view_start(struct c2_request *req, struct c2_ds *ds, const struct c2_view_ops *ops, void *state);
/** 400 with the place in an expression the error is about. */
void c2_view_refuse(struct c2_request *req, const struct cat2_error *why, int64_t position);
/** A header of the answer. */
bool c2_view_head(struct c2_view *view, struct cat2_error *err, const char *name, const char *value);
/** A query parameter, "" when it is not there. */
struct c2_str c2_view_query(const struct c2_request *req, const char *name);
/** A query parameter as an integer of [low, high]. @errors CAT2_EINVAL. */
bool c2_view_int(const struct c2_request *req, const char *name, int64_t low, int64_t high, int64_t *value,
                 struct cat2_error *err);
/** `slice_` or `at`. */
struct c2_str c2_view_slice(const struct c2_request *req);

#endif
