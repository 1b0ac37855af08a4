/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a bus on NATS is, as an option says it, and the names of what is ours there:
 *
 *   nats://[USER:PASSWORD@ or TOKEN@]HOST[:PORT][,HOST[:PORT]...][/DEPLOYMENT]    tls:// by TLS
 *
 * User, password and token may have percent-encoded bytes. */
#ifndef C2_BUS_NATS_NATS_ADDRESS_H
#define C2_BUS_NATS_NATS_ADDRESS_H

#include "base/buf.h"

#define C2_NATS_SERVERS_MAX    16   /* of one address: a cluster has three or five */
#define C2_NATS_SECRET_MAX     1024 /* bytes of a user, password or token: JWTs are in creds files */
#define C2_NATS_DEPLOYMENT_MAX 64   /* bytes of a deployment: part of names of streams, which may have 255 */
#define C2_NATS_TOKEN_MAX      800  /* bytes of a root name in a subject: each of 255 may become three */

struct c2_nats_address {
    char servers[C2_NATS_SERVERS_MAX][300]; /* nats://HOST:PORT or tls://HOST:PORT */
    size_t n;
    bool tls;
    bool here;                                                   /* each is this machine, as it is written */
    char user[C2_NATS_SECRET_MAX], password[C2_NATS_SECRET_MAX]; /* "": none; a token is a user alone */
    bool has_password;
    char deployment[C2_NATS_DEPLOYMENT_MAX + 1];
    char text[600]; /* for messages: without user and password */
};
/** @errors CAT2_EINVAL, without user, password and token in the message. */
bool c2_nats_address_parse(struct c2_str text, struct c2_nats_address *out, struct cat2_error *err);

/** A topic as one part of a subject and as a key: letters, digits, '-' and '_' stay, other bytes are =XX. */
void c2_nats_token(struct c2_str topic, char out[C2_NATS_TOKEN_MAX]);
/** Back; false: it is none of ours, or too long. */
bool c2_nats_untoken(struct c2_str token, char *out, size_t size);

/* What the address for acknowledgements of a delivered message says. */
struct c2_nats_delivery {
    struct c2_str stream, consumer;   /* borrowed of the text */
    int64_t stream_seq, consumer_seq; /* from 1 */
    int64_t pending;                  /* messages that come after it */
};
/** $JS.ACK.[DOMAIN.ACCOUNT.]STREAM.CONSUMER.TIMES.SEQ.CSEQ.TIME.PENDING[.MORE] */
bool c2_nats_delivery_parse(struct c2_str reply, struct c2_nats_delivery *out);

#endif
