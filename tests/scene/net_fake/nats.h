/* SPDX-License-Identifier: BSD-3-Clause */
/* A server of NATS with JetStream, as much of it as src/bus/nats uses, in the world of a scene. Connections
 * are pipes, on which one message is several texts, each with a NUL behind it, and the data:
 *
 *   client:  P SUBJECT REPLY NAME VALUE NAME VALUE data      publish, with two headers
 *            S EAR SUBJECT                                   subscribe, in place of what that ear listened to
 *   server:  I                                               connected
 *            M EAR SUBJECT REPLY STATUS LAST data            a message; LAST of a sign of life:
 * Nats-Last-Consumer
 *
 * tests/system/test_nats_model.py compares its answers with those of nats-server. */
#ifndef C2_SCENE_NATS_H
#define C2_SCENE_NATS_H

#include "bus/nats/nats_link.h"
#include "fake.h"

#define C2_NATS_TEXTS 7 /* at most, of one message */

struct c2_nats_store; /* the streams: they stay when a server ends */
struct c2_nats_server;

/** A server begins at a host. *store: NULL for an empty one, which is made. */
void c2_nats_serve(struct c2_host *host, struct c2_nats_store **store);
/** It ends, in whatever way its host did. */
void c2_nats_server_free(struct c2_host *host);
void c2_nats_store_free(struct c2_nats_store *store); /* NULL is fine */
/** A client's connection has come to a host; NULL: nobody serves there. The client's end is its own to set.
 */
struct c2_pipe *c2_nats_accept(struct c2_host *host, struct c2_host *from);

/** For the scene: as if somebody had published it. */
void c2_nats_hear(struct c2_host *host, const char *topic, struct c2_str data);
/** Is that root registered? */
bool c2_nats_knows(const struct c2_nats_store *store, const char *root);

/* ---- what its files share ---- */

/** n texts and data. */
void c2_nats_pack(struct c2_buf *out, const char *const *texts, size_t n, struct c2_str data);
/** false: it has fewer than n. */
bool c2_nats_unpack(struct c2_str message, struct c2_str *texts, size_t n, struct c2_str *data);
/** Is the subject one of the pattern, in which * is one part and > the rest? */
bool c2_nats_fits(const char *pattern, const char *subject);

struct c2_nats_published {
    const char *subject, *reply;
    int64_t expected; /* last number of the subject; -1: any */
    struct c2_str data;
};
/** Does JetStream take what is published? Then the answer, if there is one, is in out. */
bool c2_nats_take(struct c2_nats_server *server, const struct c2_nats_published *it, struct c2_buf *out);
struct c2_nats_sent {
    const char *subject, *reply, *status, *last;
    struct c2_str data;
};
/** To all who listen to this subject; to how many. */
int c2_nats_route(struct c2_nats_server *server, const char *listened, const struct c2_nats_sent *what);
bool c2_nats_has_listener(const struct c2_nats_server *server, const char *subject);

struct c2_nats_consumer;
struct c2_nats_server {
    struct c2_host *host;
    struct c2_nats_store *store;
    struct c2_nats_conn *conns;
    struct c2_nats_consumer *consumers;
};
/** Send what consumers have not sent yet. */
void c2_nats_pump(struct c2_nats_server *server);
void c2_nats_consumers_free(struct c2_nats_server *server);

#endif
