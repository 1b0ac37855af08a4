/* SPDX-License-Identifier: BSD-3-Clause */
/* Views: GET routes whose answer is made of the pieces of one dataset. A view is a row of functions; how it
 * is looked up, conditions, remembered answers, waiting in line, fetching, workers and headers are done here.
 *
 *   c2_handle_view ──► dataset ──► conditions ──► remembered? ──► parse ──► (size) ──► (bound ──► run)* ──►
 * (finish) ──► heads, reply
 *
 * A new one costs a file with its row, a row of the route table whose arg is that row, a test, and a line in
 * docs/protocol.md. */
#ifndef C2_SUBSCRIBER_ANSWER_VIEW_H
#define C2_SUBSCRIBER_ANSWER_VIEW_H

#include "base/fair.h"
#include "base/lru.h"
#include "subscriber/answer/attend.h"
#include "subscriber/answer/spill.h"
#include "subscriber/fetch/read.h"

#define C2_VIEW_AT_ONCE_NBYTES                                                                               \
    (8 << 20) /* items of an answer that is made whole; larger ones are sent as they are made */
#define C2_VIEW_PART_NBYTES                                                                                  \
    (4 << 20) /* of one of their parts, or up to twice that; up to three are made ahead of the client */
#define C2_VIEW_FEW_BYTES   (128 << 10) /* what every client may keep in memory by not reading it */
#define C2_VIEW_AT_ONCE_MAX 8           /* views of one kind of memory, in line, at work at a time */

struct c2_view;
struct c2_line_ticket {
    bool placed, heavy; /* placed: it has a place of those for views that need much memory */
    uint64_t client;
};
/* All but parse and run may be NULL. Those on the loop are called one after the other; size, run and finish
 * in a worker, one at a time for a view; but an answer of several parts that does not sum them up is sent as
 * it is made, and its parts are made side by side. */
struct c2_view_type {
    size_t state_nbytes; /* of view->state, zeros at first */
    /** Loop. Another view for this request, or NULL. */
    const struct c2_view_type *(*choose)(struct c2_request *req);
    /** Loop. The parameters, into view->state; what is refused is refused here. */
    bool (*parse)(struct c2_view *view, struct cat2_error *err);
    /** Loop, before all else and again after waiting. true: much memory, or a process, will be needed; of
     * such views one runs at a time. */
    bool (*is_heavy)(struct c2_view *view);
    /** Once, when the cache file is there: what only its chunks tell, as view->nparts. */
    bool (*size)(struct c2_view *view, const struct c2_reading *reading, struct cat2_error *err);
    /** Loop. The pieces part i needs; false: none. NULL: those of the i-th of view->parts. */
    bool (*bound)(struct c2_view *view, int64_t i, struct c2_bound *out);
    /** Loop. Where bound's selection is wide and little of it is needed: of its blocks only these, sorted as
     * c2_pieces has them. NULL: all. */
    const int64_t *(*blocks)(struct c2_view *view, int64_t i, size_t *n);
    /** Loop. The dataset whose pieces part i needs; of parts that are summed up. NULL: the view's. */
    struct c2_ds *(*of)(struct c2_view *view, int64_t i);
    /** Append part i to out, or add it up in view->state. May say view->nparts anew. */
    bool (*run)(struct c2_view *view, const struct c2_reading *reading, int64_t i, struct c2_buf *out,
                struct cat2_error *err);
    /** Loop. What part i costs besides decoding its pieces: so many bytes are decoded in that time, 2 MiB in
     * about a millisecond. */
    int64_t (*extra)(struct c2_view *view, int64_t i);
    /** After all parts that were summed up: append the answer to out. */
    bool (*finish)(struct c2_view *view, struct c2_buf *out, struct cat2_error *err);
    /** Loop. Headers, by c2_view_head(). */
    bool (*heads)(struct c2_view *view, struct cat2_error *err);
    /** Loop, after finish: remember what others can use. */
    void (*end)(struct c2_view *view);
    /** Frees what state holds, not state itself; also after parse has failed. */
    void (*fini)(void *state);
    bool sums;      /* run adds up: it cannot be called twice for a part */
    bool of_now;    /* it tells of the cache, not of the generation: never remembered, here or elsewhere */
    bool in_line;   /* it holds much memory while it runs: a few at a time, but for small ones */
    int32_t weight; /* of run: how many times longer than decoding it takes; 0 is 1 */
    int32_t growth; /* a part of the answer has up to so many times the bytes of its items; 0 is 1 */
};
struct c2_view {
    struct c2_task turn; /* in line */
    const struct c2_view_type *type;
    struct c2_request *req;
    struct c2_ds *ds;
    void *state;
    /* Of parse, or size: */
    int64_t nparts;               /* 1 at first */
    struct c2_select_parts parts; /* of an answer that is a selection, c2_view_select() */
    struct c2_buf head, tail;     /* what goes before and after the parts */
    int64_t length;               /* of the answer, head and tail included; -1: known at the end */
    int32_t weight;               /* of run, as of the type at first */
    int64_t memory;               /* bytes it takes to make it, if they are many */
    int64_t cost;                 /* bytes to be decoded; -1: many. Set by c2_view_select(), too */
    int64_t work;                 /* of all of it, where that is not cost times weight; 0 */
    const char *content_type;     /* static; JSON at first */
    int64_t position;             /* of an error in an expression; -1 */
    int spool;                    /* run has written the answer to this file; -1 */
    int status;                   /* of a small answer; 0 is 200 */
    bool passing; /* a better one may come for the same question: not remembered, here or elsewhere */
    /* The engine's: */
    struct c2_asker asker;
    struct c2_attended attended;
    enum { C2_VIEW_NEW, C2_VIEW_IN_LINE, C2_VIEW_RUNNING, C2_VIEW_FOLLOWING } stage;
    struct c2_view *next;      /* among those that are made, or among followers */
    struct c2_view *followers; /* requests for the same answer: it is made once */
    struct c2_view *leader;    /* of a follower */
    struct c2_read read;
    struct c2_held held; /* memory that was promised for `out` */
    int64_t part;
    struct c2_line_ticket ticket;
    void (*begin)(struct c2_view *view); /* when it has a place */
    bool left;                           /* its client has */
    bool as_made;                        /* it is sent as it is made, part by part */
    struct c2_buf out, heads, key;
};
struct c2_part_group;
struct c2_closing;
#define C2_VIEW_AGAIN 4096 /* questions are known again if they were among about so many last ones */
/* The views of one subscriber. */
struct c2_views {
    struct c2_pool *pool;
    struct c2_fair line, heavies; /* of struct c2_view, which wait for a place */
    int running;                  /* of those that were in line, or had to be */
    uint64_t clients[C2_VIEW_AT_ONCE_MAX];
    bool heavy;                   /* a heavy one is running */
    struct c2_view *making;       /* those that are made whole */
    struct c2_part_group *groups; /* those that are sent as they are made */
    struct c2_attendance attendance;
    struct c2_spill *spill;
    struct c2_lru *answers, *orders;
    uint32_t again[C2_VIEW_AGAIN]; /* by hashes of questions, a part of the last one's */
    struct c2_kept_blocks *kept;   /* the subscriber's */
    uint64_t hits, hit_nbytes;     /* of answers */
    uint64_t shared, refused;      /* requests that got another's answer; that found the line full */
    int64_t used_ms;               /* when a view was last asked for */
    int64_t trim_again_ms;         /* what was freed since goes back, too; 0: no need */
    size_t untrimmed;              /* bytes of answers made since free memory went back to the system */
    struct c2_closing *closing;    /* files to be closed at the next look */
    bool trimming, orphaned;       /* a worker looks for free memory; it frees this when it is done */
};
/** @param dirfd  borrowed: where the temporary file is made. */
struct c2_views *c2_views_new(struct c2_loop *loop, struct c2_pool *pool, int dirfd,
                              struct c2_kept_blocks *kept);
/** No timers from here on. */
void c2_views_stop(struct c2_views *views);
void c2_views_free(struct c2_views *views);
void c2_views_metrics(struct c2_views *views, struct c2_metrics *m);

/** The handler of routes whose arg is a c2_view_type; state: the subscriber. */
void c2_handle_view(struct c2_request *req, void *state);
/** The same for a dataset that was found already. */
void c2_view_answer(struct c2_request *req, struct c2_ds *ds, const struct c2_view_type *type);
/** ETag and Cache-Control of an answer made of ds; true: a condition of the request has ended it, 412 or 304.
 */
bool c2_view_generation(struct c2_request *req, const struct c2_ds *ds);

/** Something was asked for, or an answer took so many bytes of memory: they are given back in the end. */
void c2_views_used(struct c2_views *views, size_t nbytes);
/** Close a temporary file, a moment later and in a worker. */
void c2_views_close(struct c2_views *views, int fd);
/** Whose turn it is: a number for the address that asks. */
uint64_t c2_view_client(const struct c2_request *req);

/* ---- for parse ---- */
/** The answer is this selection, in parts of about so many bytes (0: in one): view->parts, view->nparts. */
void c2_view_select(struct c2_view *view, const struct c2_bound *bound, int64_t part_nbytes);
/** `slice_` or `at` of the request, bound to the dataset; and can its codec be decoded here? */
bool c2_view_slice(struct c2_view *view, struct c2_bound *out, struct cat2_error *err);
struct c2_str c2_view_slice_text(const struct c2_request *req);
/** A query parameter, "" when it is not there. */
struct c2_str c2_view_query(const struct c2_request *req, const char *name);
/** A query parameter as an integer of [low, high]. @errors CAT2_EINVAL. */
bool c2_view_int(const struct c2_request *req, const char *name, int64_t low, int64_t high, int64_t *value,
                 struct cat2_error *err);
/** In run: a file for an answer of so many bytes, view->spool, empty; of one that fits in memory: none. */
bool c2_view_spool(struct c2_view *view, int64_t nbytes, struct cat2_error *err);
/** Does the setting allow so much work for one request? @errors CAT2_ELIMIT. */
bool c2_view_work_is_allowed(const struct c2_view *view, int64_t work, struct cat2_error *err);
/* ---- for heads ---- */
bool c2_view_head(struct c2_view *view, struct cat2_error *err, const char *name, const char *value);
/** Content-Disposition: to be saved, not shown. suffix: as c2_sub_disposition() has it. */
bool c2_view_attach(struct c2_view *view, const char *suffix, struct cat2_error *err);
/** The same, where the request says download=1. */
bool c2_view_download(struct c2_view *view, const char *suffix, struct cat2_error *err);

#endif
