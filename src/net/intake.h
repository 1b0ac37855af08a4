/* SPDX-License-Identifier: BSD-3-Clause */
/* What a client sends, on its way from the socket to libmicrohttpd: heads and the lines of chunked bodies are
 * held back until they are whole, are judged (net/head.h), and only then passed on. So a request that is not
 * whole costs a few bytes, and one that could be understood in two ways is never understood at all. In place
 * of a request that is refused one is passed on that the server answers with the refusal
 * (c2_intake_refused). Nothing that follows is read.
 *
 * The query of a target is hidden from libmicrohttpd, which would note each of its parameters, and does not
 * go on where it has no room for them: 0.9.75 neither answers nor ends then. */
#ifndef C2_NET_INTAKE_H
#define C2_NET_INTAKE_H

#include "base/buf.h"
#include "net/head.h"

#define C2_INTAKE_QUERY  '\x01' /* in place of the '?' of a target; no target holds it */
#define C2_INTAKE_AGAIN  (-1)   /* nothing now */
#define C2_INTAKE_FAILED (-2)   /* the source failed */
/** Reads from a socket. > 0 bytes, 0 at the end, or one of the above. */
typedef int64_t c2_intake_source(void *ctx, uint8_t *to, size_t room);

enum c2_intake_state {
    C2_IN_HEAD,
    C2_IN_BODY,       /* of `left` bytes */
    C2_IN_CHUNK_LINE, /* before a chunk */
    C2_IN_CHUNK,      /* `left` bytes of one */
    C2_IN_CHUNK_END,  /* CR LF after it */
    C2_IN_TRAILER,
    C2_IN_RAW,    /* it was asked to become a WebSocket: bytes are passed on as they are */
    C2_IN_REFUSED /* bytes are dropped */
};
struct c2_intake {
    enum c2_intake_state state;
    uint64_t left;
    struct c2_buf part; /* of a head, line or trailer that is not whole */
    size_t scanned;
    int nempty;          /* lines before a head */
    struct c2_buf ready; /* judged, and not passed on yet */
    size_t ready_at;
    uint64_t nheads; /* passed on or ready, with that in place of the refused one */
    uint64_t nbody;  /* bytes of bodies that came */
    int status;      /* of the refusal */
    const char *why;
};

void c2_intake_init(struct c2_intake *in);
void c2_intake_fini(struct c2_intake *in);
/** Read for libmicrohttpd. Fewer bytes than `room` are returned only when the source has no more for now. */
int64_t c2_intake_read(struct c2_intake *in, c2_intake_source *source, void *ctx, uint8_t *to, size_t room);
/** Is a head, or the rest of a body, still to come? */
bool c2_intake_has_part_of_head(const struct c2_intake *in);
bool c2_intake_awaits_body(const struct c2_intake *in);
/** The nth request (from 1) of the connection is in place of one that was refused: its status, and why. 0:
 * it is one of the client's. */
int c2_intake_refused(const struct c2_intake *in, uint64_t nth, const char **why);

#endif
