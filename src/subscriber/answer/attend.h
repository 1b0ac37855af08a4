/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests that are worked on for long: a few times a second it is looked whether their clients are still
 * there. Those that are answered before the first look cost nothing. Loop thread. */
#ifndef C2_SUBSCRIBER_ANSWER_ATTEND_H
#define C2_SUBSCRIBER_ANSWER_ATTEND_H

#include "net/loop.h"
#include "net/server.h"

#define C2_ATTEND_MS                                                                                         \
    250 /* work for nobody goes on for so long, and a look at 300 clients takes a millisecond */

struct c2_attended {
    struct c2_attended *prev, *next;
    const struct c2_request *req;
    void (*left)(void *ctx); /* the client has; once. It may end what is attended, and no other */
    void *ctx;
    bool seen, listed;
};
struct c2_attendance {
    struct c2_loop *loop;
    struct c2_timer *timer; /* while there is something to look at */
    struct c2_attended *first;
    void (*tick)(void *ctx); /* at every look; NULL: nothing else to do */
    bool (*idle)(void *ctx); /* after a tick with nobody attended: may the looks end? NULL: yes */
    void *ctx;
    bool stopped;   /* no timer any more */
    uint64_t nleft; /* clients that left while they were waited for */
};
void c2_attend(struct c2_attendance *all, struct c2_attended *one, const struct c2_request *req,
               void (*left)(void *ctx), void *ctx);
void c2_unattend(struct c2_attendance *all, struct c2_attended *one); /* also when it never was */
/** Look from now on, though nobody is attended. */
void c2_attend_start(struct c2_attendance *all);
void c2_attend_stop(struct c2_attendance *all);

#endif
