/* SPDX-License-Identifier: BSD-3-Clause */
/* The processes of one helper: started when they are needed, asked by one at a time each, kept for the next,
 * and left alone for a while when too many of them end. Any thread; calls block. */
#ifndef C2_HELPER_POOL_H
#define C2_HELPER_POOL_H

#include "helper/child.h"

struct c2_helpers_options {
    const char *name, *variable; /* as of c2_child_find(); of static storage */
    const char *argument; /* of the program, or NULL. Copied. When another directory is there, processes
                           * are started anew */
    int max;              /* processes at a time; 0: as many as are asked for */
    int kept;             /* processes that wait for work; more are ended */
    int deaths_max;       /* so many ended in deaths_ms: none is started until one is older */
    int deaths_ms;
};
struct c2_helpers;
bool c2_helpers_new(const struct c2_helpers_options *options, struct c2_helpers **out,
                    struct cat2_error *err);
/** Ends the processes; nobody may have one. NULL is fine. */
void c2_helpers_free(struct c2_helpers *all);
/** c2_helpers_take() fails with CAT2_ECANCELLED, now and later; who talks to one is told that it ended. */
void c2_helpers_cancel(struct c2_helpers *all);
bool c2_helpers_is_cancelled(struct c2_helpers *all);

struct c2_helper; /* one process, yours until you give it back or end it */
/** Wait for one. That which was asked for the same subject (or NULL) last is preferred, then a new one.
 * is_long: this takes long; one process of `max` is left free of such work.
 *  @errors CAT2_ECANCELLED; CAT2_ELIMIT too many ended; those of c2_child_start(). */
bool c2_helpers_take(struct c2_helpers *all, const char *subject, bool is_long, struct c2_helper **out,
                     struct cat2_error *err);
void c2_helpers_give(struct c2_helpers *all, struct c2_helper *helper);
/** Its process goes. Says how it ended, as c2_child_bury(). */
void c2_helpers_end(struct c2_helpers *all, struct c2_helper *helper, bool late, char how[64]);
/** It did not do what it was asked: its process goes. One that was kept, of which nothing was `heard` and
 * which is not late may have been ended from outside (kill, lack of memory) a moment ago: a new process takes
 * its place, and is to be asked the same. One that was started for this ended because of it.
 *  @return false: there is no other, the helper is not yours any more, and this was one of deaths_max. */
bool c2_helpers_again(struct c2_helpers *all, struct c2_helper *helper, const struct c2_talk *talk,
                      bool heard, char how[64]);
/** Was it started since you asked for it? */
bool c2_helper_is_new(const struct c2_helper *helper);
struct c2_talk c2_helper_talk(const struct c2_helper *helper, int64_t patience_ms);

#endif
