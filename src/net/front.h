/* SPDX-License-Identifier: BSD-3-Clause */
/* Fronts: each is a libmicrohttpd that reads requests and sends answers, on a loop.
 *
 * A server has one on the loop that it was made for, or several with threads and loops of their own. These
 * pass requests to the server's loop, where all handlers run, and get them back when they are answered. So
 * many processors may read, encrypt and send, while all state has one owner. All listen to one socket.
 *
 * Messages carry their own place (struct c2_loop_call), so none is lost for want of memory. */
#ifndef C2_NET_FRONT_H
#define C2_NET_FRONT_H

#include <pthread.h>
#include <semaphore.h>

#include "net/loop.h"

struct MHD_Daemon;
struct c2_conns;
struct c2_drive;
struct c2_server;

/* What fronts tell the server's loop. It outlives the server while a message to its loop is under way. */
struct c2_mailbox;
/** @param loop  whose thread reads it. NULL: no memory. */
struct c2_mailbox *c2_mailbox_new(struct c2_loop *loop);
/** Run fn(ctx) on the loop soon, in the order of the calls. Any thread. */
void c2_mailbox_put(struct c2_mailbox *box, struct c2_loop_call *call, c2_loop_fn *fn, void *ctx);
/** Run what was put, also what that puts, and end it; nobody puts any more. NULL is fine. Loop. */
void c2_mailbox_free(struct c2_mailbox *box);

struct c2_front {
    struct c2_server *server;
    struct c2_loop *loop; /* its own, or the server's */
    struct MHD_Daemon *daemon;
    struct c2_drive *drive;
    struct c2_conns *conns;
    bool is_apart; /* it has a thread, which has all of it */
    bool closing;
    bool started;
    sem_t go;
    pthread_t thread;
    struct c2_loop_call stop, close_door;
    void (*let_go)(struct c2_front *front);
};
/** How many a service has where nobody says: 0, no threads of their own, where there are few processors. */
int c2_fronts_default(void);
/** Start its thread, which waits for c2_front_go(). @errors CAT2_EIO. */
bool c2_front_start(struct c2_front *front, struct cat2_error *err);
void c2_front_go(struct c2_front *front);
/** Run let_go(front) in the thread, as its last, and wait for its end. */
void c2_front_join(struct c2_front *front, void (*let_go)(struct c2_front *front));

#endif
