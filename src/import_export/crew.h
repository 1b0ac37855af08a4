/* SPDX-License-Identifier: BSD-3-Clause */
/* Chunks through many hands: taken in order by the caller's thread, worked on by all, handed in in order by
 * the caller's thread again. Few are under way at once, so memory stays what it is however many there are. */
#ifndef C2_IMPORT_EXPORT_CREW_H
#define C2_IMPORT_EXPORT_CREW_H

#include "blosc/codec.h"

#define C2_CREW_UNITS 16 /* the most under way */

/* One chunk under way. */
struct c2_crew_unit {
    int64_t i;         /* which */
    int at;            /* 0 <= at < C2_CREW_UNITS: a place of its own for what `take` leaves for `work` */
    struct c2_buf out; /* what `work` made; empty when it begins */
    bool copied;       /* `work` may set it: not compressed again */
};
struct c2_crew_work {
    bool (*take)(void *ctx, struct c2_crew_unit *unit, struct cat2_error *err); /* NULL: nothing to take */
    bool (*work)(void *ctx, struct c2_codec *codec, struct c2_crew_unit *unit, struct cat2_error *err);
    bool (*hand_in)(void *ctx, struct c2_crew_unit *unit, struct cat2_error *err);
};

struct c2_crew;
/** @param nthreads  with the caller's; 0: one a core. */
bool c2_crew_new(int nthreads, struct c2_crew **out, struct cat2_error *err);
void c2_crew_free(struct c2_crew *crew);
C2_DEFINE_AUTO_PTR(c2_crew, c2_crew_free);
/** Units 0 <= i < n. The first failure ends it, after the units under way.
 *  @param nbytes  of a decoded unit: decides how many are under way. */
bool c2_crew_run(struct c2_crew *crew, const struct c2_crew_work *work, void *ctx, int64_t n, int64_t nbytes,
                 struct cat2_error *err);
/** The codec of the caller's thread, between runs. */
struct c2_codec *c2_crew_codec(struct c2_crew *crew);

#endif
