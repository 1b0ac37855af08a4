/* SPDX-License-Identifier: BSD-3-Clause */
/* The server's connections: who listens to which subject, and what goes where. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/list.h"
#include "nats.h"

struct c2_nats_conn {
    struct c2_nats_conn *next;
    struct c2_nats_server *server;
    struct c2_pipe *pipe;
    char ears[C2_NATS_EARS][300]; /* subjects, "" none */
};

void c2_nats_pack(struct c2_buf *out, const char *const *texts, size_t n, struct c2_str data)
{
    struct cat2_error err;

    c2_buf_init(out, SIZE_MAX / 2);
    for (size_t i = 0; i < n; i++)
        C2_ASSERT(c2_buf_append(out, texts[i], strlen(texts[i]) + 1, &err));
    C2_ASSERT(c2_buf_append(out, data.p, data.n, &err));
}

bool c2_nats_unpack(struct c2_str message, struct c2_str *texts, size_t n, struct c2_str *data)
{
    *data = message;
    for (size_t i = 0; i < n; i++)
        if (!c2_str_cut(*data, '\0', &texts[i], data)) return false;
    return true;
}

bool c2_nats_fits(const char *pattern, const char *subject)
{
    struct c2_str p = c2_str_of(pattern), s = c2_str_of(subject), want, is;
    bool more = true, left = true;

    while (more && left) {
        more = c2_str_cut(p, '.', &want, &p);
        left = c2_str_cut(s, '.', &is, &s);
        if (c2_str_is(want, ">")) return true;
        if (!c2_str_is(want, "*") && !c2_str_eq(want, is)) return false;
    }
    return !more && !left;
}

static void to(struct c2_nats_conn *conn, int ear, const struct c2_nats_sent *what)
{
    char number[12];
    const char *texts[] = {"M", number, what->subject, what->reply, what->status, what->last};
    struct c2_buf out;

    snprintf(number, sizeof(number), "%d", ear);
    c2_nats_pack(&out, texts, C2_ARRAY_LEN(texts), what->data);
    c2_pipe_send(conn->pipe, 0, C2_PIPE_TEXT, 0, c2_buf_str(&out));
    c2_buf_fini(&out);
}

int c2_nats_route(struct c2_nats_server *server, const char *listened, const struct c2_nats_sent *what)
{
    int n = 0;

    for (struct c2_nats_conn *conn = server->conns; conn; conn = conn->next)
        for (int ear = 0; ear < C2_NATS_EARS; ear++) {
            if (!conn->ears[ear][0] || !c2_nats_fits(conn->ears[ear], listened)) continue;
            to(conn, ear, what);
            n++;
        }
    return n;
}

bool c2_nats_has_listener(const struct c2_nats_server *server, const char *subject)
{
    for (const struct c2_nats_conn *conn = server->conns; conn; conn = conn->next)
        for (int ear = 0; ear < C2_NATS_EARS; ear++)
            if (conn->ears[ear][0] && c2_nats_fits(conn->ears[ear], subject)) return true;
    return false;
}

static void publish(struct c2_nats_server *server, const struct c2_nats_published *it)
{
    const struct c2_nats_sent passed = {it->subject, it->reply, "0", "", it->data};
    struct c2_buf answer;

    c2_buf_init(&answer, SIZE_MAX / 2);
    bool taken = c2_nats_take(server, it, &answer);
    bool heard = taken || c2_nats_route(server, it->subject, &passed) > 0;
    const struct c2_nats_sent back = {it->reply, "", heard ? "0" : "503", "", c2_buf_str(&answer)};
    if (it->reply[0] && (answer.n || !heard)) c2_nats_route(server, it->reply, &back);
    c2_buf_fini(&answer);
    c2_nats_pump(server);
}

/* A header that is not there has an empty name. */
static void on_publish(struct c2_nats_server *server, struct c2_str message)
{
    struct c2_str texts[C2_NATS_TEXTS], data;
    int64_t expected = -1;

    C2_ASSERT(c2_nats_unpack(message, texts, C2_NATS_TEXTS, &data));
    for (int i = 3; i < C2_NATS_TEXTS; i += 2)
        if (c2_str_is(texts[i], "Nats-Expected-Last-Subject-Sequence"))
            C2_ASSERT(c2_str_to_i64(texts[i + 1], &expected));
    publish(server, &(struct c2_nats_published){texts[1].p, texts[2].p, expected, data});
}

static void on_subscribe(struct c2_nats_conn *conn, struct c2_str message)
{
    struct c2_str texts[3], rest;
    int64_t ear;

    C2_ASSERT(c2_nats_unpack(message, texts, 3, &rest) && c2_str_to_i64(texts[1], &ear) && ear >= 0 &&
              ear < C2_NATS_EARS);
    snprintf(conn->ears[ear], sizeof(conn->ears[ear]), "%s", texts[2].p);
}

static void conn_free(struct c2_nats_conn *conn)
{
    c2_chain_remove(conn->server->conns, conn, next);
    c2_pipe_leave(conn->pipe, 0);
    free(conn);
}

static void on_got(void *ctx, enum c2_pipe_kind kind, int code, struct c2_str text)
{
    struct c2_nats_conn *conn = ctx;

    (void)code;
    if (kind == C2_PIPE_LOST)
        conn_free(conn);
    else if (kind == C2_PIPE_PING)
        c2_pipe_send(conn->pipe, 0, C2_PIPE_PONG, 0, (struct c2_str){"", 0});
    else if (kind == C2_PIPE_TEXT && text.p[0] == 'P')
        on_publish(conn->server, text);
    else if (kind == C2_PIPE_TEXT)
        on_subscribe(conn, text);
}

struct c2_pipe *c2_nats_accept(struct c2_host *host, struct c2_host *from)
{
    if (!host->nats) return NULL;
    struct c2_nats_conn *conn = calloc(1, sizeof(*conn));
    C2_ASSERT(conn);
    conn->server = host->nats;
    conn->pipe = c2_pipe_new(host, from);
    struct c2_pipe_end *end = c2_pipe_end(conn->pipe, 0);
    end->got = on_got;
    end->ctx = conn;
    conn->next = host->nats->conns;
    host->nats->conns = conn;
    c2_pipe_send(conn->pipe, 0, C2_PIPE_TEXT, 0, (struct c2_str){"I", 2});
    return conn->pipe;
}

void c2_nats_hear(struct c2_host *host, const char *topic, struct c2_str data)
{
    char subject[400];

    snprintf(subject, sizeof(subject), "cat2.caterva2.%s", topic);
    publish(host->nats, &(struct c2_nats_published){subject, "", -1, data});
}

void c2_nats_server_free(struct c2_host *host)
{
    struct c2_nats_server *server = host->nats;

    if (!server) return;
    c2_nats_consumers_free(server);
    while (server->conns)
        conn_free(server->conns);
    free(server);
    host->nats = NULL;
}
