/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests and answers on their way between two hosts, and what can happen to them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "fake.h"

/* refs: one each of the asker, the answering end, and every event on its way. */
struct c2_exchange {
    struct c2_exchange *prev, *next;
    int refs;
    struct c2_host *from, *to;
    struct c2_question question; /* copies */
    char *address, *method, *target, *headers;
    struct c2_buf body;
    struct c2_asker asker;
    bool left, ended, lost;            /* the asker left; it was told the end; the connection broke */
    struct MHD_Connection *connection; /* the answering end, while it has one */
    struct c2_pipe *pipe;
    int64_t sent; /* bytes of the answer's body */
    int64_t last; /* when the last thing sent arrives at the asker */
};

static struct c2_exchange *exchanges;
static struct {
    struct c2_fake_asked *items;
    size_t n, cap;
} asked;

static void unref(struct c2_exchange *x)
{
    if (--x->refs > 0) return;
    if (x->prev)
        x->prev->next = x->next;
    else
        exchanges = x->next;
    if (x->next) x->next->prev = x->prev;
    if (x->pipe) c2_pipe_leave(x->pipe, 1); /* the asker left before it knew */
    free(x->address);
    free(x->method);
    free(x->target);
    free(x->headers);
    c2_buf_fini(&x->body);
    free(x);
}

/* ---- what was asked ---- */

struct c2_fake_asked *c2_fake_log(size_t *n)
{
    *n = asked.n;
    return asked.items;
}

void c2_fake_log_clear(void)
{
    free(asked.items);
    memset(&asked, 0, sizeof(asked));
}

static void note(const struct c2_exchange *x)
{
    if (asked.n == asked.cap) {
        asked.cap = asked.cap ? 2 * asked.cap : 64;
        asked.items = realloc(asked.items, asked.cap * sizeof(*asked.items));
        C2_ASSERT(asked.items);
    }
    struct c2_fake_asked *item = &asked.items[asked.n++];
    *item = (struct c2_fake_asked){.at = c2_fake_now(), .from = x->from, .to = x->to};
    snprintf(item->what, sizeof(item->what), "%s %s", x->method, x->target);
}

/* ---- towards the asker ---- */

struct parcel {
    struct c2_exchange *x;
    enum { PARCEL_HEAD, PARCEL_BYTES, PARCEL_END } kind;
    int status;
    bool broken;
    struct c2_buf bytes; /* headers, body, or why it broke */
};

static void deliver(void *ctx)
{
    struct parcel *parcel = ctx;
    struct c2_exchange *x = parcel->x;
    const struct c2_asker asker = x->asker;

    if (!x->left && !x->ended && !x->lost) {
        if (parcel->kind == PARCEL_HEAD) {
            asker.head(asker.ctx, parcel->status, c2_buf_str(&parcel->bytes));
        } else if (parcel->kind == PARCEL_BYTES) {
            asker.bytes(asker.ctx, c2_buf_bytes(&parcel->bytes));
        } else {
            x->ended = true;
            asker.ended(asker.ctx, parcel->broken ? c2_buf_cstr(&parcel->bytes) : NULL);
        }
    }
    c2_buf_fini(&parcel->bytes);
    free(parcel);
    unref(x);
}

static void post(struct c2_exchange *x, struct parcel with, struct c2_bytes bytes, int64_t delay_ms)
{
    struct parcel *parcel = malloc(sizeof(*parcel));
    struct cat2_error err;

    C2_ASSERT(parcel);
    *parcel = with;
    parcel->x = x;
    c2_buf_init(&parcel->bytes, SIZE_MAX / 2);
    C2_ASSERT(c2_buf_append(&parcel->bytes, bytes.p, bytes.n, &err));
    x->refs++;
    x->last = c2_max_i64(x->last, c2_fake_now() + delay_ms);
    c2_fake_at(x->from, x->to, x->last, deliver, parcel);
}

static void post_end(struct c2_exchange *x, const char *broken, int64_t delay_ms)
{
    struct c2_str why = c2_str_of(broken ? broken : "");

    post(x, (struct parcel){.kind = PARCEL_END, .broken = broken != NULL},
         (struct c2_bytes){(const uint8_t *)why.p, why.n}, delay_ms);
}

/* ---- asking ---- */

static void arrive(void *ctx)
{
    struct c2_exchange *x = ctx;

    if (!x->to->alive || !x->to->daemon) {
        post_end(x, "connection reset", c2_fake_latency(x->from, x->to));
    } else if (!x->left && !x->lost) {
        x->refs++;
        x->connection = c2_server_arrival(x->to->daemon, x);
    }
    unref(x);
}

static void give_up(void *ctx)
{
    struct c2_exchange *x = ctx;

    if (!x->left && !x->ended) {
        x->ended = true;
        x->asker.ended(x->asker.ctx, "connection timed out");
    }
    unref(x);
}

static struct c2_exchange *make(struct c2_host *from, const struct c2_question *question)
{
    struct c2_exchange *x = calloc(1, sizeof(*x));
    struct cat2_error err;

    C2_ASSERT(x);
    x->refs = 1;
    x->from = from;
    x->to = c2_fake_host_at(question->address);
    x->address = c2_str_dup(c2_str_of(question->address));
    x->method = c2_str_dup(c2_str_of(question->method));
    x->target = c2_str_dup(c2_str_of(question->target));
    x->headers = c2_str_dup(c2_str_of(question->headers));
    c2_buf_init(&x->body, SIZE_MAX / 2);
    C2_ASSERT(x->address && x->method && x->target && x->headers &&
              c2_buf_append(&x->body, question->body.p, question->body.n, &err));
    x->question =
        (struct c2_question){x->address, x->method, x->target, x->headers, c2_buf_bytes(&x->body), 0};
    x->next = exchanges;
    if (x->next) x->next->prev = x;
    exchanges = x;
    return x;
}

struct c2_exchange *c2_exchange_start(struct c2_host *from, const struct c2_question *question,
                                      const struct c2_asker *asker)
{
    struct c2_exchange *x = make(from, question);
    int64_t latency = x->to ? c2_fake_latency(from, x->to) : 0;

    x->asker = *asker;
    note(x);
    if (x->to && from->alive && (x->to->unreachable || from->unreachable)) {
        x->refs++;
        c2_fake_at(from, NULL, c2_fake_now() + question->connect_ms, give_up, x);
    } else if (!x->to || !from->alive || !x->to->alive || !x->to->daemon) {
        if (!x->to) x->to = from;
        post_end(x, "connection refused", 2 * latency);
    } else {
        x->refs++;
        c2_fake_at(x->to, from, c2_fake_now() + latency, arrive, x);
    }
    return x;
}

void c2_exchange_leave(struct c2_exchange *x)
{
    x->left = true;
    unref(x);
}

struct c2_pipe *c2_exchange_pipe(struct c2_exchange *x)
{
    struct c2_pipe *pipe = x->pipe;

    x->pipe = NULL;
    return pipe;
}

/* ---- answering ---- */

const struct c2_question *c2_exchange_question(const struct c2_exchange *x)
{
    return &x->question;
}
struct c2_host *c2_exchange_from(const struct c2_exchange *x)
{
    return x->from;
}
bool c2_exchange_left(const struct c2_exchange *x)
{
    return x->left || x->ended;
}

void c2_exchange_head(struct c2_exchange *x, int status, struct c2_str headers, struct c2_pipe *pipe)
{
    x->pipe = pipe;
    post(x, (struct parcel){.kind = PARCEL_HEAD, .status = status},
         (struct c2_bytes){(const uint8_t *)headers.p, headers.n}, c2_fake_latency(x->from, x->to));
}

static bool faulty(const struct c2_exchange *x)
{
    return strstr(x->target, "/api/download/"); /* of a publisher, or of a subscriber below /mirror/ROOT */
}

/* The scene's faults meet the first bytes of chunk data that reach their place. */
bool c2_exchange_bytes(struct c2_exchange *x, struct c2_bytes bytes)
{
    struct c2_host *to = x->to;
    int64_t latency = c2_fake_latency(x->from, to), start = x->sent;
    int64_t cut = to->cut_after - start, wrong = to->wrong_at - start;
    int64_t n = (int64_t)bytes.n;

    x->sent += n;
    if (faulty(x) && to->cut_after >= 0 && cut <= n) {
        if (--to->nfaults == 0) to->cut_after = -1;
        post(x, (struct parcel){.kind = PARCEL_BYTES}, (struct c2_bytes){bytes.p, (size_t)c2_max_i64(0, cut)},
             latency);
        return false;
    }
    if (faulty(x) && to->wrong_at >= 0 && wrong >= 0 && wrong < n) {
        if (--to->nfaults == 0) to->wrong_at = -1;
        uint8_t *copy = malloc(bytes.n);
        C2_ASSERT(copy);
        memcpy(copy, bytes.p, bytes.n);
        copy[wrong] ^= 0xff;
        post(x, (struct parcel){.kind = PARCEL_BYTES}, (struct c2_bytes){copy, bytes.n}, latency);
        free(copy);
        return true;
    }
    post(x, (struct parcel){.kind = PARCEL_BYTES}, bytes, latency);
    return true;
}

void c2_exchange_end(struct c2_exchange *x, const char *broken)
{
    x->connection = NULL;
    post_end(x, broken, c2_fake_latency(x->from, x->to));
    unref(x);
}

/* ---- what a scene does to them ---- */

static void tell_lost(void *ctx)
{
    struct c2_exchange *x = ctx;

    if (!x->left && !x->ended) {
        x->ended = true;
        x->asker.ended(x->asker.ctx, "connection reset");
    }
    unref(x);
}

static void cut(struct c2_exchange *x)
{
    struct MHD_Connection *connection = x->connection;

    x->connection = NULL;
    if (connection) {
        c2_server_departure(connection);
        unref(x);
    }
    if (x->left || x->ended || !x->from->alive) return;
    x->refs++;
    x->lost = true; /* with all that is on its way */
    c2_fake_at(x->from, x->to, c2_fake_now(), tell_lost, x);
}

static int cut_all(struct c2_host *host, bool asked_too, const char *target)
{
    int n = 0;

    for (struct c2_exchange *x = exchanges, *next; x; x = next) {
        x->refs++; /* it, and with it its place in the list, stays */
        bool meant = !target || strcmp(x->target, target) == 0;
        if (meant && (x->to == host || (asked_too && x->from == host))) {
            n += !x->left && !x->ended;
            cut(x);
        }
        next = x->next;
        unref(x);
    }
    return n;
}

int c2_fake_cut(struct c2_host *host, const char *target)
{
    return cut_all(host, false, target);
}

void c2_fake_kill(struct c2_host *host)
{
    host->alive = false;
    host->hung = false;
    host->cut_after = host->wrong_at = -1;
    c2_fake_cut_pipes(host);
    cut_all(host, true, NULL);
}
