/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the data of a root is to be had: its publisher, or the subscriber that is followed, which is the
 * first of its sources; and subscribers that mirror it. They are measured; data is asked of the nearest that
 * is well, and of the next when that fails. A root with one source has none here. Loop thread.
 * docs/decisions/0026-suppliers.md. */
#ifndef C2_SUBSCRIBER_MIRROR_SUPPLIERS_H
#define C2_SUBSCRIBER_MIRROR_SUPPLIERS_H

#include "subscriber/mirror/mirror.h"

#define C2_SUPPLIER_STALL_MS 5000 /* so long a source may send nothing, where another one could be asked */

/* A service, for all roots that are to be had there. */
struct c2_supplier {
    struct c2_supplier *next;
    struct c2_subscriber *sub;
    struct c2_root place; /* its name says nothing */
    uint64_t key;         /* a hash of it */
    int nroots;
    struct c2_http_flight *probe; /* it is being measured */
    int64_t asked_ms, due_ms;
    double round_trip_ms;         /* smoothed; < 0: not measured */
    int nprobes;                  /* that were answered */
    int nfailed;                  /* in a row: not 0, it is not well */
    int64_t nfailures;            /* in all */
    int64_t pending;              /* shares.h: about so many bytes are being asked for there */
    double rate;                  /* bytes a millisecond, smoothed; < 0: not measured */
    int64_t rated_ms;             /* when that was */
    int64_t busy_ms, busy_nbytes; /* since then, so many have come */
    int64_t nbytes;               /* of shares, in all */
    uint64_t *current; /* hashes of the names of roots that it has as they are now, sorted; of a mirror */
    size_t ncurrent;
    bool tells_current;    /* else it has too many, or is of an earlier version */
    bool circle;           /* it has roots from us: it is asked for nothing */
    char via[C2_VIA_SIZE]; /* subscribers that its roots come through, itself the first */
    char why[160];         /* it failed last */
};

/** A service is measured for as long as it is held. NULL: no memory. */
struct c2_supplier *c2_supplier_hold(struct c2_subscriber *sub, const struct c2_root *place);
void c2_supplier_let_go(struct c2_supplier *supplier);
/** These are the further places of the root, besides root->root; ours is left out. */
void c2_suppliers_set(struct c2_root_state *root, const struct c2_root *others, size_t n);
/** Those that the subscriber is told to follow, where it follows subscribers. */
void c2_suppliers_set_upstreams(struct c2_root_state *root);
/** The first place, root->root, is another one. */
void c2_suppliers_move(struct c2_root_state *root);
void c2_suppliers_drop(struct c2_root_state *root);
/** The nearest that is well, else the first: an index; 0 where there are none. */
int c2_supplier_used(const struct c2_root_state *root);

/* A turn begins as {0}. */
/** Ask the nearest that has not been left and is well, else any. false: all were left, and the turn is as
 * before. */
bool c2_turn_next(const struct c2_root_state *root, struct c2_turn *turn);
/** Ask root->root. */
void c2_turn_first(const struct c2_root_state *root, struct c2_turn *turn);
bool c2_turn_is_first(const struct c2_root_state *root, const struct c2_turn *turn);
/** The source gives nothing. */
void c2_turn_leave(struct c2_turn *turn);
/** Is there one besides those that were left and the one that is asked? */
bool c2_turn_has_other(const struct c2_root_state *root, const struct c2_turn *turn);
struct c2_root c2_turn_place(const struct c2_root_state *root, const struct c2_turn *turn);
/** The source gives nothing to this turn, wherever that asks. */
void c2_turn_leave_at(struct c2_turn *turn, uint64_t at);
bool c2_turn_was_left(const struct c2_turn *turn, uint64_t at);
/** The source with this key; NULL: the root has it no more. */
struct c2_supplier *c2_supplier_at(const struct c2_root_state *root, uint64_t at);
/** Could another source have what this one did not give? reply NULL: err says why there is none. */
bool c2_turn_may_leave(const struct c2_root_state *root, const struct c2_turn *turn,
                       const struct c2_http_reply *reply, const struct cat2_error *err);
/** What came of a request to the source: err NULL, an answer. */
void c2_supplier_note(struct c2_root_state *root, uint64_t at, const struct cat2_error *err);
/** It answered, but is not the one that is asked for everything. */
void c2_supplier_note_well(struct c2_root_state *root, uint64_t at);
/** Has it this root as it is now, as far as it tells? */
bool c2_supplier_has_current(const struct c2_supplier *supplier, const char *root);
/** It has roots from us. */
void c2_supplier_note_circle(struct c2_root_state *root, uint64_t at);
/** "ok", "away", "circle" or "not measured". */
const char *c2_supplier_state(const struct c2_supplier *supplier);
/** SCHEME://HOST:PORT. */
void c2_supplier_url(const struct c2_root *place, char out[400]);
/** Nothing is measured any more. */
void c2_suppliers_stop(struct c2_subscriber *sub);

/* ---- suppliers_told.c ---- */
/** All subscribers that roots come through, this one first, as strings of an array. */
void c2_suppliers_via_jw(struct c2_jw *w, struct c2_subscriber *sub);
/** The names of followed roots that are not old, of those that the request's sender sees, as "current",
 * unless they are too many. */
void c2_suppliers_current_jw(struct c2_jw *w, struct c2_request *req, struct c2_subscriber *sub);
void c2_suppliers_metrics(const struct c2_subscriber *sub, struct c2_metrics *m);

#endif
