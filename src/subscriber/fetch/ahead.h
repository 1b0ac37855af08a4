/* SPDX-License-Identifier: BSD-3-Clause */
/* Chunks that an answer will need soon are fetched into the cache file while what it needs now is decoded and
 * sent. They are not held: what is evicted before it is read is fetched again. Loop thread. */
#ifndef C2_SUBSCRIBER_FETCH_AHEAD_H
#define C2_SUBSCRIBER_FETCH_AHEAD_H

#include "subscriber/fetch/read.h"

#define C2_AHEAD_FLIGHTS 2 /* while one waits for its last pieces, the other is asked for */

struct c2_ahead_flight;
/* Of one answer, in what sends it. Zeros at first. */
struct c2_ahead {
    struct c2_ds *ds; /* borrowed; NULL: nothing is fetched ahead */
    bool of_frame, ended;
    struct c2_ahead_flight *flights[C2_AHEAD_FLIGHTS];
    /* Of a selection. */
    struct c2_bound bound;
    struct c2_ahead_walk {
        struct c2_grid_walk walk;
        int64_t nchunk, n; /* where it is, and how many chunks it has passed */
        bool more;
    } asked, needed; /* each at the first chunk that is not */
    /* Of a frame. */
    int64_t off, end; /* bytes that were not looked at */
    int64_t now;      /* bytes before it are being read */
};

/** Of a selection's chunks, in their order. One that goes backwards is not fetched ahead. */
void c2_ahead_of_bound(struct c2_ahead *ahead, struct c2_ds *ds, const struct c2_bound *bound);
/** This part of it is being made: fetch what is missing up to its last chunk, and some more. */
void c2_ahead_need(struct c2_ahead *ahead, const struct c2_bound *part);
/** Of a frame that is mirrored: its bytes [off, end). */
void c2_ahead_of_frame(struct c2_ahead *ahead, struct c2_ds *ds, int64_t off, int64_t end);
/** The bytes before `off` are being read: fetch what is missing of some that follow. */
void c2_ahead_need_bytes(struct c2_ahead *ahead, int64_t off);
/** What is under way ends by itself. */
void c2_ahead_stop(struct c2_ahead *ahead);

#endif
