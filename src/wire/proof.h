/* SPDX-License-Identifier: BSD-3-Clause */
/* Hashes over what services of ours say to each other, so that a bit that flips on the way is noticed: HTTP
 * answers, lines of a listing, events. All are XXH3-64, written as 16 hexadecimal digits.
 *
 * An answer: whoever asks sends "X-Caterva2-Want-Hash: 1" and gets "X-Caterva2-Hash: DIGITS". The hash is
 * over the request's target and conditions as the server read them, the status, the headers that decide what
 * the answer means, and the body. "DIGITS; head" leaves the body out: it is a stream whose parts have hashes
 * of their own (records of pieces, lines of a listing).
 *
 * What was found damaged is counted by kind, for /metrics. Counting works on any thread. */
#ifndef C2_WIRE_PROOF_H
#define C2_WIRE_PROOF_H

#include "base/exposition.h"

#define C2_PROOF_WANT    "X-Caterva2-Want-Hash"
#define C2_PROOF_HEADER  "X-Caterva2-Hash"
#define C2_PROOF_DAMAGED "X-Caterva2-Damaged" /* of a 400: the body that was sent did not have its hash */

/** Look up a header, any case; false: there is none. */
typedef bool c2_proof_lookup(const void *ctx, const char *name, struct c2_str *out);
struct c2_proof_answer {
    struct c2_str target; /* "/api/list?full=1" */
    int status;
    c2_proof_lookup *asked, *said; /* headers of the request, of the answer */
    const void *asked_ctx, *said_ctx;
    const struct c2_bytes *body; /* NULL: a stream, not covered */
};
/** The value of C2_PROOF_HEADER. */
void c2_proof_of_answer(const struct c2_proof_answer *answer, char out[32]);

/** 16 digits and a NUL. */
void c2_hash_text(uint64_t hash, char out[17]);
uint64_t c2_hash_bytes(struct c2_bytes bytes);

/** Put `,"hash":"DIGITS"` in front of the closing brace of the compact JSON object that begins at `start` of
 * out: over all before it. *hash, if not NULL, gets it. */
bool c2_proof_seal_json(struct c2_buf *out, size_t start, uint64_t *hash, struct cat2_error *err);
/** The same of an object of which `middle` is missing at `cut`. */
bool c2_proof_seal_around(struct c2_buf *out, size_t cut, struct c2_str middle, struct cat2_error *err);
enum c2_proof_state { C2_PROOF_NONE, C2_PROOF_GOOD, C2_PROOF_BAD };
/** The same in reverse: BAD, it does not hold; GOOD, and the text becomes the object without it, in place (*n
 * shrinks). */
enum c2_proof_state c2_proof_open_json(char *text, size_t *n, uint64_t *hash);
/** Does the hash of the text match? The text is not changed. */
enum c2_proof_state c2_proof_check_json(struct c2_str text);
/** A hash over hashes in their order; begin with 0. */
uint64_t c2_proof_chain(uint64_t before, uint64_t next);

/* Lines of a listing, a compact JSON object each. With hashes each has one, and a last line tells how many
 * there were, and their chain: a list that lost its end, or lines, is told by it. */
struct c2_proof_list {
    bool hashed;
    int64_t n;
    uint64_t chain;
};
/** The object that begins at `start` of out is a line. */
bool c2_proof_list_line(struct c2_proof_list *list, struct c2_buf *out, size_t start, struct cat2_error *err);
bool c2_proof_list_end(const struct c2_proof_list *list, struct c2_buf *out, struct cat2_error *err);

enum c2_wire_kind {
    C2_WIRE_PIECES, /* chunks and blocks */
    C2_WIRE_FRAME,  /* ranges of a frame */
    C2_WIRE_LIST,
    C2_WIRE_INFO,
    C2_WIRE_ATTRS,
    C2_WIRE_ROOTS,
    C2_WIRE_EVENT,   /* anything on the broker's socket */
    C2_WIRE_REQUEST, /* a body that we were sent */
    C2_WIRE_KINDS
};
/** Count and log that something was not what had been sent. */
void c2_wire_mismatch(enum c2_wire_kind kind, const char *fmt, ...) C2_PRINTF(2, 3);
uint64_t c2_wire_mismatches(enum c2_wire_kind kind);
/** The counters, for /metrics. */
void c2_wire_metrics(struct c2_metrics *m);

#endif
