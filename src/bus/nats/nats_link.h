/* SPDX-License-Identifier: BSD-3-Clause */
/* One connection to NATS servers, for the loop. libnats may block and has threads of its own: what is sent
 * goes through a thread of ours, and what comes is posted to the loop. Connects for ever. Loop thread only,
 * callbacks too. */
#ifndef C2_BUS_NATS_NATS_LINK_H
#define C2_BUS_NATS_NATS_LINK_H

#include "bus/nats/nats_address.h"
#include "http/authorities.h"
#include "net/loop.h"

#define C2_NATS_IN_NBYTES_MAX                                                                                \
    (64 << 20)                            /* received and not looked at yet; as many as libnats keeps itself \
                                           */
#define C2_NATS_OUT_NBYTES_MAX (64 << 20) /* to be sent: 64 announcements of 1 MB at most */

struct c2_nats_link;
struct c2_nats_message {
    struct c2_nats_message *next;
    unsigned connection;   /* during which it came */
    char *subject;         /* of the inbox: what follows it and a dot */
    bool inbox;            /* it was sent to the inbox; else it is one of a stream, or a notice */
    bool notice;           /* it is of the subject of c2_nats_link_hear() */
    char *reply;           /* "": none */
    int status;            /* of JetStream and the server, as 100 and 503; 0: an ordinary message */
    char stalled[128];     /* of a heartbeat: where to send a sign that we read; "": nowhere */
    int64_t last_consumer; /* of a heartbeat: the number of the last message; -1: not said */
    struct c2_str data;
};
struct c2_nats_link_events {
    /* Connected, or not any more; why: when it is known. */
    void (*linked)(void *ctx, bool up, const char *why);
    void (*message)(void *ctx, const struct c2_nats_message *message);
    void *ctx;
};
/** @param creds        NULL: none. Borrowed, as address and authorities.
 *  @errors CAT2_EUNSUPPORTED: no libnats; CAT2_EIO: no thread; CAT2_ENOMEM. */
bool c2_nats_link_new(struct c2_loop *loop, const struct c2_nats_address *address, const char *creds,
                      const struct c2_authorities *authorities, const struct c2_nats_link_events *events,
                      struct c2_nats_link **out, struct cat2_error *err);
/** Waits until the library's threads are done with it, some seconds at most. */
void c2_nats_link_free(struct c2_nats_link *link);
struct c2_nats_sending {
    const char *subject, *reply; /* reply may be NULL */
    struct {
        const char *name, *value;
    } headers[2]; /* NULL: none */
    struct c2_str data;
};
/** Queue it; lost when the connection is. @errors CAT2_ENOMEM, CAT2_EUPSTREAM: too much waits. */
bool c2_nats_link_send(struct c2_nats_link *link, const struct c2_nats_sending *what, struct cat2_error *err);
enum c2_nats_ears {
    C2_NATS_ANSWERS,
    C2_NATS_EVENTS,
    C2_NATS_REGISTRY,
    C2_NATS_MIRRORS,
    C2_NATS_NOTICES,
    C2_NATS_EARS
};
/** Listen to INBOX.SUFFIX, from before what is sent next; in place of what this ear listened to. Answers are
 * listened to from the beginning, at INBOX.c.*: JetStream sends to who asks for the very subject, without
 * wildcards. @errors as of c2_nats_link_send(). */
bool c2_nats_link_listen(struct c2_nats_link *link, enum c2_nats_ears ear, const char *suffix,
                         struct cat2_error *err);
/** Listen to a subject of others, which may have wildcards. */
bool c2_nats_link_hear(struct c2_nats_link *link, const char *subject, struct cat2_error *err);
/** Under which subjects messages come: INBOX.ANYTHING. */
const char *c2_nats_link_inbox(const struct c2_nats_link *link);
/** Bytes that a message may have; 0 before the first connection. */
int64_t c2_nats_link_payload_max(struct c2_nats_link *link);
/** Messages that were thrown away since too much waited. */
uint64_t c2_nats_link_dropped(struct c2_nats_link *link);

#endif
