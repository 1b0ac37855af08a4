/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages on their way between the two ends of a WebSocket. */
#include <stdlib.h>

#include "base/check.h"
#include "fake.h"
#include "net/websocket.h"

/* refs: one an end, one a message on its way. */
struct c2_pipe {
    struct c2_pipe *prev, *next;
    int refs;
    bool cut;
    struct c2_pipe_end ends[2];
};
struct message {
    struct c2_pipe *pipe;
    int to, code;
    enum c2_pipe_kind kind;
    struct c2_buf text;
};

static struct c2_pipe *pipes;

static void unref(struct c2_pipe *pipe)
{
    if (--pipe->refs > 0) return;
    if (pipe->prev)
        pipe->prev->next = pipe->next;
    else
        pipes = pipe->next;
    if (pipe->next) pipe->next->prev = pipe->prev;
    free(pipe);
}

struct c2_pipe *c2_pipe_new(struct c2_host *server, struct c2_host *client)
{
    struct c2_pipe *pipe = calloc(1, sizeof(*pipe));

    C2_ASSERT(pipe);
    pipe->refs = 2;
    pipe->ends[0].host = server;
    pipe->ends[1].host = client;
    pipe->next = pipes;
    if (pipes) pipes->prev = pipe;
    pipes = pipe;
    return pipe;
}

struct c2_pipe_end *c2_pipe_end(struct c2_pipe *pipe, int end)
{
    return &pipe->ends[end];
}

static void post(struct c2_pipe *pipe, int to, enum c2_pipe_kind kind, int code, struct c2_str text);

static void tell_drained(struct c2_pipe *pipe, int reader)
{
    struct c2_pipe_end *writer = &pipe->ends[!reader];

    if (!writer->lags || pipe->ends[reader].unread > C2_WS_QUEUE_LOW) return;
    writer->lags = false;
    if (writer->ctx && !pipe->cut) post(pipe, !reader, C2_PIPE_DRAINED, 0, (struct c2_str){"", 0});
}

static void deliver(void *ctx)
{
    struct message *m = ctx;
    struct c2_pipe_end *end = &m->pipe->ends[m->to];

    end->unread -= m->text.n;
    tell_drained(m->pipe, m->to);
    if (end->ctx && (!m->pipe->cut || m->kind == C2_PIPE_LOST))
        end->got(end->ctx, m->kind, m->code, c2_buf_str(&m->text));
    c2_buf_fini(&m->text);
    unref(m->pipe);
    free(m);
}

static void post(struct c2_pipe *pipe, int to, enum c2_pipe_kind kind, int code, struct c2_str text)
{
    struct c2_pipe_end *end = &pipe->ends[to], *from = &pipe->ends[!to];
    struct message *m = malloc(sizeof(*m));
    struct cat2_error err;

    C2_ASSERT(m);
    *m = (struct message){.pipe = pipe, .to = to, .code = code, .kind = kind};
    c2_buf_init(&m->text, SIZE_MAX / 2);
    C2_ASSERT(c2_buf_append(&m->text, text.p, text.n, &err));
    end->unread += text.n;
    end->last = c2_max_i64(end->last, c2_fake_now() + c2_fake_latency(from->host, end->host));
    pipe->refs++;
    c2_fake_at(end->host, from->host, end->last, deliver, m);
}

void c2_pipe_send(struct c2_pipe *pipe, int from_end, enum c2_pipe_kind kind, int code, struct c2_str text)
{
    if (!pipe->cut) post(pipe, !from_end, kind, code, text);
}

void c2_pipe_leave(struct c2_pipe *pipe, int end)
{
    bool told = pipe->cut;

    pipe->ends[end].ctx = NULL;
    if (!told && pipe->ends[!end].ctx) post(pipe, !end, C2_PIPE_LOST, 1006, (struct c2_str){"", 0});
    unref(pipe);
}

void c2_fake_cut_pipes(struct c2_host *host)
{
    for (struct c2_pipe *pipe = pipes; pipe; pipe = pipe->next) {
        if (pipe->cut || (pipe->ends[0].host != host && pipe->ends[1].host != host)) continue;
        pipe->cut = true;
        for (int end = 0; end < 2; end++)
            if (pipe->ends[end].host->alive) post(pipe, end, C2_PIPE_LOST, 1006, (struct c2_str){"", 0});
    }
}
