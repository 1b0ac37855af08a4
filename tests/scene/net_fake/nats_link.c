/* SPDX-License-Identifier: BSD-3-Clause */
/* bus/nats/nats_link.h over pipes: the times are those of nats_thread.c and, of libnats, what it is told
 * there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/random.h"
#include "nats.h"

#define CONNECT_MS 3000 /* for a server that says nothing */
#define AGAIN_MS   2000 /* after a connection could not be made */
#define PAUSE_MS   1000 /* after one was lost, and as much again by chance: here half of it */
#define PING_MS    5000
#define PINGS_MAX  2 /* without an answer */
#define PAYLOAD    (1 << 20)

/* A connection on its way; the link may leave it. */
struct attempt {
    struct c2_nats_link *link;
    struct c2_host *from, *to;
};
struct c2_nats_link {
    struct c2_loop *loop;
    struct c2_host *host;
    struct c2_nats_link_events events;
    char server[100], inbox[64];
    struct attempt *attempt;
    struct c2_pipe *pipe;
    bool up;
    int npings;
    struct c2_timer *timer, *pinger;
    char heard[200]; /* the subject of notices; "": none */
};

static void connect_now(void *ctx);

static void lose(struct c2_nats_link *link, const char *why, int64_t again_ms)
{
    c2_timer_stop(link->timer);
    c2_timer_stop(link->pinger);
    link->pinger = NULL;
    if (link->attempt) link->attempt->link = NULL;
    link->attempt = NULL;
    if (link->pipe) c2_pipe_leave(link->pipe, 1);
    link->pipe = NULL;
    link->up = false;
    link->timer = c2_timer_start(link->loop, again_ms, 0, connect_now, link);
    link->events.linked(link->events.ctx, false, why);
}

static void on_connect_time(void *ctx)
{
    struct c2_nats_link *link = ctx;

    link->timer = NULL;
    lose(link, "Timeout", AGAIN_MS);
}

static void on_ping_time(void *ctx)
{
    struct c2_nats_link *link = ctx;

    if (++link->npings > PINGS_MAX)
        lose(link, "Stale Connection", PAUSE_MS + PAUSE_MS / 2);
    else
        c2_pipe_send(link->pipe, 1, C2_PIPE_PING, 0, (struct c2_str){"", 0});
}

static void listen_to_subject(struct c2_nats_link *link, enum c2_nats_ears ear, const char *subject)
{
    char number[12];
    const char *texts[] = {"S", number, subject};
    struct c2_buf out;

    snprintf(number, sizeof(number), "%d", (int)ear);
    c2_nats_pack(&out, texts, C2_ARRAY_LEN(texts), (struct c2_str){"", 0});
    c2_pipe_send(link->pipe, 1, C2_PIPE_TEXT, 0, c2_buf_str(&out));
    c2_buf_fini(&out);
}

static void listen_to(struct c2_nats_link *link, enum c2_nats_ears ear, const char *suffix)
{
    char subject[200];

    snprintf(subject, sizeof(subject), "%s.%s", link->inbox, suffix);
    listen_to_subject(link, ear, subject);
}

static void connected(struct c2_nats_link *link)
{
    c2_timer_stop(link->timer);
    link->timer = NULL;
    link->up = true;
    link->npings = 0;
    link->pinger = c2_timer_start(link->loop, PING_MS, PING_MS, on_ping_time, link);
    listen_to(link, C2_NATS_ANSWERS, "c.*");
    link->events.linked(link->events.ctx, true, NULL);
}

static void take_message(struct c2_nats_link *link, struct c2_str text)
{
    struct c2_nats_message m = {.stalled = "", .last_consumer = -1};
    struct c2_str texts[6], data;
    size_t n = strlen(link->inbox);
    int64_t status, last;

    C2_ASSERT(c2_nats_unpack(text, texts, C2_ARRAY_LEN(texts), &data) && c2_str_to_i64(texts[4], &status));
    char *subject = c2_str_dup(texts[2]), *reply = c2_str_dup(texts[3]);
    C2_ASSERT(subject && reply);
    m.inbox = strncmp(subject, link->inbox, n) == 0 && subject[n] == '.';
    m.notice = !m.inbox && strcmp(subject, link->heard) == 0;
    m.subject = m.inbox ? subject + n + 1 : subject;
    m.reply = reply;
    m.status = (int)status;
    if (c2_str_to_i64(texts[5], &last)) m.last_consumer = last;
    m.data = data;
    link->events.message(link->events.ctx, &m);
    free(subject);
    free(reply);
}

static void on_got(void *ctx, enum c2_pipe_kind kind, int code, struct c2_str text)
{
    struct c2_nats_link *link = ctx;

    (void)code;
    if (kind == C2_PIPE_LOST)
        lose(link, "Connection Closed", PAUSE_MS + PAUSE_MS / 2);
    else if (kind == C2_PIPE_PONG)
        link->npings = 0;
    else if (kind == C2_PIPE_TEXT && text.p[0] == 'I')
        connected(link);
    else if (kind == C2_PIPE_TEXT)
        take_message(link, text);
}

/* At the server's host, as soon as it does anything. */
static void on_arrival(void *ctx)
{
    struct attempt *attempt = ctx;
    struct c2_nats_link *link = attempt->link;

    if (link) {
        link->attempt = NULL;
        link->pipe = c2_nats_accept(attempt->to, attempt->from);
    }
    if (link && link->pipe) {
        c2_pipe_end(link->pipe, 1)->got = on_got;
        c2_pipe_end(link->pipe, 1)->ctx = link;
    }
    free(attempt);
}

/* Where nobody is, that is said after the way there and back. */
static void on_refusal(void *ctx)
{
    struct c2_nats_link *link = ctx;

    link->timer = NULL;
    lose(link, "No server available for connection", AGAIN_MS);
}

static void connect_now(void *ctx)
{
    struct c2_nats_link *link = ctx;
    struct c2_host *to = c2_fake_host(link->server), *from = link->host;
    int64_t ms = c2_fake_latency(from, to);
    bool reached = !to->unreachable && !from->unreachable;

    link->timer = NULL;
    if (from->ncalls < (int)C2_ARRAY_LEN(from->calls)) from->calls[from->ncalls] = c2_fake_now();
    from->ncalls++;
    if (reached && (!to->alive || !to->nats)) {
        link->timer = c2_timer_start(link->loop, 2 * ms, 0, on_refusal, link);
        return;
    }
    link->timer = c2_timer_start(link->loop, CONNECT_MS, 0, on_connect_time, link);
    if (!reached) return;
    link->attempt = malloc(sizeof(*link->attempt));
    C2_ASSERT(link->attempt);
    *link->attempt = (struct attempt){link, from, to};
    c2_fake_at(to, from, c2_fake_now() + ms, on_arrival, link->attempt);
}

/* ---- bus/nats/nats_link.h ---- */

bool c2_nats_link_send(struct c2_nats_link *link, const struct c2_nats_sending *what, struct cat2_error *err)
{
    const char *texts[C2_NATS_TEXTS] = {"P", what->subject, what->reply ? what->reply : ""};
    struct c2_buf out;

    (void)err;
    if (!link->up) return true; /* it is lost */
    for (int i = 0; i < 2; i++) {
        texts[3 + 2 * i] = what->headers[i].name ? what->headers[i].name : "";
        texts[4 + 2 * i] = what->headers[i].name ? what->headers[i].value : "";
    }
    c2_nats_pack(&out, texts, C2_NATS_TEXTS, what->data);
    c2_pipe_send(link->pipe, 1, C2_PIPE_TEXT, 0, c2_buf_str(&out));
    c2_buf_fini(&out);
    return true;
}

bool c2_nats_link_listen(struct c2_nats_link *link, enum c2_nats_ears ear, const char *suffix,
                         struct cat2_error *err)
{
    (void)err;
    if (link->up) listen_to(link, ear, suffix);
    return true;
}

/* Without wildcards. */
bool c2_nats_link_hear(struct c2_nats_link *link, const char *subject, struct cat2_error *err)
{
    (void)err;
    snprintf(link->heard, sizeof(link->heard), "%s", subject);
    if (link->up) listen_to_subject(link, C2_NATS_NOTICES, subject);
    return true;
}

const char *c2_nats_link_inbox(const struct c2_nats_link *link)
{
    return link->inbox;
}

int64_t c2_nats_link_payload_max(struct c2_nats_link *link)
{
    (void)link;
    return PAYLOAD;
}

uint64_t c2_nats_link_dropped(struct c2_nats_link *link)
{
    (void)link;
    return 0;
}

void c2_nats_link_free(struct c2_nats_link *link)
{
    if (!link) return;
    c2_timer_stop(link->timer);
    c2_timer_stop(link->pinger);
    if (link->attempt) link->attempt->link = NULL;
    if (link->pipe) c2_pipe_leave(link->pipe, 1);
    free(link);
}

/* The first server of the address. */
bool c2_nats_link_new(struct c2_loop *loop, const struct c2_nats_address *address, const char *creds,
                      const struct c2_authorities *authorities, const struct c2_nats_link_events *events,
                      struct c2_nats_link **out, struct cat2_error *err)
{
    struct c2_nats_link *link = calloc(1, sizeof(*link));
    const char *host = strstr(address->servers[0], "://") + 3;
    char hex[33];

    (void)creds, (void)authorities, (void)err;
    C2_ASSERT(link);
    *link = (struct c2_nats_link){.loop = loop, .host = c2_fake_host_of(loop), .events = *events};
    snprintf(link->server, sizeof(link->server), "%.*s", (int)strcspn(host, ":"), host);
    c2_random_hex32(hex);
    snprintf(link->inbox, sizeof(link->inbox), "_INBOX.%s", hex);
    link->timer = c2_timer_start(loop, 0, 0, connect_now, link);
    *out = link;
    return true;
}
