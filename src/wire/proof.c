/* SPDX-License-Identifier: BSD-3-Clause */
/* Hashes over answers and lines: made, checked, and what failed them counted. */
#include "wire/proof.h"
#include "base/hash.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/log.h"

/* The headers that change the meaning of a request, and those that change the meaning of an answer. */
static const char *const asked_headers[] = {"If-Match", "If-None-Match", "Range"};
static const char *const said_headers[] = {"Content-Type",          "Content-Range",    "ETag",
                                           "X-Caterva2-Generation", "X-Caterva2-Whole", "X-Caterva2-Prefix",
                                           "X-Caterva2-Token",      "Repr-Digest"};

static void add_text(struct c2_hasher *state, struct c2_str text)
{
    uint64_t n = text.n;

    c2_hasher_add(state, &n, sizeof(n)); /* lengths, so that no text runs into the next */
    if (n) c2_hasher_add(state, text.p, text.n);
}

static void add_headers(struct c2_hasher *state, c2_proof_lookup *lookup, const void *ctx,
                        const char *const *names, size_t n)
{
    struct c2_str value, none = {"", 0};

    for (size_t i = 0; i < n; i++)
        add_text(state, lookup(ctx, names[i], &value) ? c2_str_trim(value) : none);
}

void c2_proof_of_answer(const struct c2_proof_answer *answer, char out[32])
{
    struct c2_hasher state;
    char status[16];

    snprintf(status, sizeof(status), "%d", answer->status);
    c2_hasher_begin(&state);
    add_text(&state, answer->target);
    add_text(&state, c2_str_of(status));
    add_headers(&state, answer->asked, answer->asked_ctx, asked_headers, C2_ARRAY_LEN(asked_headers));
    add_headers(&state, answer->said, answer->said_ctx, said_headers, C2_ARRAY_LEN(said_headers));
    if (answer->body) add_text(&state, (struct c2_str){(const char *)answer->body->p, answer->body->n});
    c2_hash_text(c2_hasher_end(&state), out);
    if (!answer->body) memcpy(out + 16, "; head", 7);
}

void c2_hash_text(uint64_t hash, char out[17])
{
    snprintf(out, 17, "%016" PRIx64, hash);
}

uint64_t c2_hash_bytes(struct c2_bytes bytes)
{
    return c2_hash64(bytes.p, bytes.n);
}

uint64_t c2_proof_chain(uint64_t before, uint64_t next)
{
    uint64_t both[2] = {before, next};

    return c2_hash64(both, sizeof(both));
}

/* ---- compact JSON objects with a last member "hash" ---- */

#define MEMBER     ",\"hash\":\""
#define MEMBER_LEN (sizeof(MEMBER) - 1)
#define TAIL_LEN   (MEMBER_LEN + 16 + 2) /* with the digits and "} */

static bool seal(struct c2_buf *out, uint64_t value, struct cat2_error *err)
{
    char digits[17];

    c2_hash_text(value, digits);
    out->n--;
    return c2_buf_printf(out, err, MEMBER "%s\"}", digits);
}

bool c2_proof_seal_json(struct c2_buf *out, size_t start, uint64_t *hash, struct cat2_error *err)
{
    C2_ASSERT(out->n > start && out->p[out->n - 1] == '}');
    uint64_t value = c2_hash64(out->p + start, out->n - start);
    if (hash) *hash = value;
    return seal(out, value, err);
}

bool c2_proof_list_line(struct c2_proof_list *list, struct c2_buf *out, size_t start, struct cat2_error *err)
{
    uint64_t hash = 0;

    if (list->hashed && !c2_proof_seal_json(out, start, &hash, err)) return false;
    list->n++;
    list->chain = c2_proof_chain(list->chain, hash);
    return c2_buf_putc(out, '\n', err);
}

bool c2_proof_list_end(const struct c2_proof_list *list, struct c2_buf *out, struct cat2_error *err)
{
    size_t start = out->n;
    char chain[17];

    if (!list->hashed) return true;
    c2_hash_text(list->chain, chain);
    return c2_buf_printf(out, err, "{\"end\":%lld,\"chain\":\"%s\"}", (long long)list->n, chain) &&
           c2_proof_seal_json(out, start, NULL, err) && c2_buf_putc(out, '\n', err);
}

bool c2_proof_seal_around(struct c2_buf *out, size_t cut, struct c2_str middle, struct cat2_error *err)
{
    C2_ASSERT(out->n > cut && out->p[out->n - 1] == '}');
    struct c2_hasher hasher;
    c2_hasher_begin(&hasher);
    c2_hasher_add(&hasher, out->p, cut);
    c2_hasher_add(&hasher, middle.p, middle.n);
    c2_hasher_add(&hasher, out->p + cut, out->n - cut);
    return seal(out, c2_hasher_end(&hasher), err);
}

enum c2_proof_state c2_proof_open_json(char *text, size_t *n, uint64_t *hash)
{
    char digits[17];

    if (*n <= TAIL_LEN || memcmp(text + *n - TAIL_LEN, MEMBER, MEMBER_LEN) != 0) return C2_PROOF_NONE;
    char *end = text + *n - TAIL_LEN, kept = *end;
    *end = '}';
    uint64_t value = c2_hash64(text, *n - TAIL_LEN + 1);
    c2_hash_text(value, digits);
    if (memcmp(end + MEMBER_LEN, digits, 16) != 0 || memcmp(end + MEMBER_LEN + 16, "\"}", 2) != 0) {
        *end = kept;
        return C2_PROOF_BAD;
    }
    *n -= TAIL_LEN - 1;
    *hash = value;
    return C2_PROOF_GOOD;
}

enum c2_proof_state c2_proof_check_json(struct c2_str text)
{
    struct c2_hasher state;
    char digits[17];

    if (text.n <= TAIL_LEN || memcmp(text.p + text.n - TAIL_LEN, MEMBER, MEMBER_LEN) != 0)
        return C2_PROOF_NONE;
    const char *end = text.p + text.n - TAIL_LEN;
    c2_hasher_begin(&state);
    c2_hasher_add(&state, text.p, text.n - TAIL_LEN);
    c2_hasher_add(&state, "}", 1);
    c2_hash_text(c2_hasher_end(&state), digits);
    bool good = memcmp(end + MEMBER_LEN, digits, 16) == 0 && memcmp(end + MEMBER_LEN + 16, "\"}", 2) == 0;
    return good ? C2_PROOF_GOOD : C2_PROOF_BAD;
}

/* ---- what was damaged ---- */

static const char *const kind_names[C2_WIRE_KINDS] = {"pieces", "frame", "list",  "info",
                                                      "attrs",  "roots", "event", "request"};
static _Atomic uint64_t mismatches[C2_WIRE_KINDS];

void c2_wire_mismatch(enum c2_wire_kind kind, const char *fmt, ...)
{
    char text[400];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    atomic_fetch_add(&mismatches[kind], 1);
    c2_log_warn("wire: damaged on its way kind=%s: %s", kind_names[kind], text);
}

uint64_t c2_wire_mismatches(enum c2_wire_kind kind)
{
    return atomic_load(&mismatches[kind]);
}

void c2_wire_metrics(struct c2_metrics *m)
{
    c2_metrics_family(m, C2_METRICS_COUNTER, "caterva2_wire_mismatches_total",
                      "What was damaged on its way between services, by what it was.");
    for (int i = 0; i < C2_WIRE_KINDS; i++)
        c2_metrics_sample(m, (double)c2_wire_mismatches((enum c2_wire_kind)i),
                          C2_LABELS("kind", kind_names[i]));
}
