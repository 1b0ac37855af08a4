/* SPDX-License-Identifier: BSD-3-Clause */
/* What the two files of a connection share: nats_link.c is the loop's, nats_thread.c has what other threads
 * do. */
#ifndef C2_BUS_NATS_NATS_LINK_IMPL_H
#define C2_BUS_NATS_NATS_LINK_IMPL_H

#include <pthread.h>

#include "bus/nats/nats_lib.h"
#include "bus/nats/nats_link.h"

/* What our thread is to do: send a message, or listen to a subject. */
struct c2_nats_task {
    struct c2_nats_task *next;
    natsMsg *message; /* NULL: listen */
    enum c2_nats_ears ear;
    char subject[200];
    size_t nbytes;
};
struct c2_nats_link {
    struct c2_loop *loop;
    const struct c2_nats_lib *lib;
    const struct c2_nats_address *address;
    const char *creds;
    const struct c2_authorities *authorities;
    struct c2_nats_link_events events;
    char inbox[128];
    bool told_up, freed, is_held; /* the loop's; is_held: libnats did not let go */
    unsigned told;
    struct c2_timer *timer;

    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    natsConnection *nc; /* our thread's; no other uses it */
    natsSubscription *ears[C2_NATS_EARS];
    bool want_connect, stop, up, posted, is_over, has_closed;
    int nears;           /* subscriptions that libnats may still call back for */
    unsigned connection; /* counts those that came about */
    char why[200];
    int64_t payload_max;
    uint64_t dropped;
    struct c2_nats_task *out_first, *out_last;
    size_t out_nbytes, in_nbytes;
    struct c2_nats_message *in_first, *in_last;
    struct c2_loop_call call;
    c2_loop_fn *drain; /* tells the loop what came */
};

/* ---- nats_thread.c ---- */
/** Our thread: makes the connection, sends, and ends it. @returns NULL: libnats did not let go of it. */
void *c2_nats_link_run(void *ctx);
void c2_nats_message_free(struct c2_nats_message *m);
void c2_nats_task_free(struct c2_nats_link *link, struct c2_nats_task *task);

#endif
