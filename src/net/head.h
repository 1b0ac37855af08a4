/* SPDX-License-Identifier: BSD-3-Clause */
/* What RFC 9112 asks of the head of a request, and of the lines of a chunked body. Whatever two programs may
 * understand differently is refused, because a proxy in front of us may be one of the two. Pure. */
#ifndef C2_NET_HEAD_H
#define C2_NET_HEAD_H

#include "base/str.h"

/* libmicrohttpd keeps a head, what it notes of each field, and the head of the answer in 32 KiB. */
#define C2_HEAD_LINE_MAX    16000 /* a path of C2_PATH_MAX bytes, all escaped, and a query */
#define C2_HEAD_MAX         20480 /* the whole head */
#define C2_HEAD_FIELDS_MAX  100   /* browsers send twenty */
#define C2_HEAD_COOKIES_MAX 24576 /* with the head: it keeps a copy of them, and notes each */
#define C2_CHUNK_LINE_MAX   256   /* a size and its extensions, of which nobody makes use */
#define C2_TRAILER_MAX      4096  /* fields after a chunked body, of which we make no use */
#define C2_HEAD_STATUS_MAX  505

enum c2_framing { C2_FRAMING_NONE, C2_FRAMING_LENGTH, C2_FRAMING_CHUNKED };
/* What of a head tells where the request ends. */
struct c2_head {
    enum c2_framing framing;
    uint64_t length; /* of C2_FRAMING_LENGTH */
    bool upgrade;    /* what follows may be no HTTP */
    bool expects;    /* an answer before the body is sent */
    size_t query;    /* where in it the '?' of the target is; 0: it has none */
};

/** "http://HOST[:PORT]/PATH" (or https): what stands before the path, and what of it says which host. false:
 * the target has another form. */
bool c2_target_is_absolute(struct c2_str target, struct c2_str *before, struct c2_str *host);
/** How long a head or trailer is that begins with `text`, with the empty line at its end; 0: it is not whole
 * yet. *scanned: so far it was looked through; 0 at first. -1: a line ends with LF alone, and *why says so.
 */
int64_t c2_head_end(struct c2_bytes text, size_t *scanned, const char **why);
/** Can something begin like this that has no end yet? 0, or the status of its refusal. */
int c2_head_begins(struct c2_bytes text, const char **why);
/** Judge a whole head. 0: `out` says what follows. Else the status of its refusal, and *why is a constant. */
int c2_head_judge(struct c2_bytes text, struct c2_head *out, const char **why);
/** Judge whole trailers, with the empty line: 0 or 400. */
int c2_trailer_judge(struct c2_bytes text, const char **why);
/** Judge the line before a chunk, without CR LF: 0 and its size, or 400. */
int c2_chunk_line(struct c2_bytes line, uint64_t *size, const char **why);

#endif
