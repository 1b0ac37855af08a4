/* SPDX-License-Identifier: BSD-3-Clause */
/* A fetch under way: upstream.c asks, upstream_store.c stores. Loop thread. */
#ifndef C2_SUBSCRIBER_FETCH_UPSTREAM_IMPL_H
#define C2_SUBSCRIBER_FETCH_UPSTREAM_IMPL_H

#include "subscriber/fetch/upstream.h"
#include "wire/pieces.h"

struct c2_arrival;
struct c2_fetching {
    struct c2_loop_call starting;
    struct c2_ds *ds;
    bool python; /* the source is a Python server */
    struct c2_cachefile *cf;
    struct c2_want *wants;
    uint8_t *stored; /* by want */
    size_t n, next;
    struct c2_turn turn;    /* the source of this pass */
    int64_t nbytes;         /* about, of all that is wanted */
    bool lost;              /* a source of a share gave nothing: the next pass asks the others */
    bool no_direct;         /* the store is asked for nothing more of this fetch */
    bool moving;            /* this one has: the next pass goes elsewhere */
    struct cat2_error left; /* why the first of them was left */
    int passes;             /* begun, at this source */
    struct cat2_error bad;  /* why pieces of this pass are asked for again */
    int under_way, storing;
    size_t storing_nbytes;
    struct c2_arrival *held, *confirmed; /* counted as storing; see confirm() */
    bool failed;
    struct cat2_error err;
    void (*go_on)(struct c2_fetching *f); /* c2_upstream_go_on() and c2_store_begin(), for direct.c */
    void (*store)(struct c2_arrival *s);
    const struct c2_fetch_hooks *hooks;
    void *ctx;
};
struct c2_arrival {
    struct c2_arrival *next;
    struct c2_fetching *fetch;
    struct c2_cachefile *cf;
    size_t want;
    uint64_t share;        /* the source of a share; 0: f->turn's */
    struct c2_piece piece; /* its bytes are those of record */
    int32_t *blocks;
    struct c2_buf record;
    size_t had; /* bytes of the record that were here before */
    struct cat2_error err;
    bool checked, ok;
};

/** It ends without what is missing. */
void c2_upstream_fail(struct c2_fetching *f, const struct cat2_error *err);
/** A piece of a share is not as it was sent: its source is left, if there is another one. Else, or
 * share 0, the next pass asks for it again. */
void c2_upstream_bad_piece(struct c2_fetching *f, uint64_t share, const struct cat2_error *err);
/** Ask for more, or end: f may be freed. */
void c2_upstream_go_on(struct c2_fetching *f);

/* ---- direct.c: the store of objects itself, where it has the frame and may be asked ---- */
#define C2_SHARE_DIRECT 1 /* in place of the key of a source: the piece is from the store */
/** Before the first request: where is the frame? true: go_on() when that is known. */
bool c2_direct_ask(struct c2_fetching *f);
/** Is the next want to be had there? */
bool c2_direct_may(const struct c2_fetching *f);
/** How many requests may be under way before the next one; `usual`: of those to publishers. */
int c2_direct_flights(const struct c2_fetching *f, int usual);
/** Ask the store for it, and for those that follow it in the frame. */
bool c2_direct_start(struct c2_fetching *f, struct cat2_error *err);
/** It is asked for nothing more: what is missing comes from the publisher. */
void c2_direct_leave(struct c2_fetching *f, const struct cat2_error *why);

/* ---- upstream_store.c ---- */
/** Store a piece, or hold it. Takes s. */
void c2_store_begin(struct c2_arrival *s);
void c2_store_drop(struct c2_fetching *f, struct c2_arrival **list);
/** Chunks come from Python servers without their etag. They are of our generation if the dataset still has
 * its etag after they came: that is asked for, and what is held is stored or dropped then. f may be freed. */
void c2_store_confirm(struct c2_fetching *f);

#endif
