/* SPDX-License-Identifier: BSD-3-Clause */
/* Whatever peers send and whenever they go: the broker answers in well-formed frames, each request at most
 * once.
 *
 * The WebSocket, the request and the timers that broker_peer.c calls are played here; the hub is the real
 * one. The input is lines: a digit for the peer, then 'c' closes it, 'a' answers its last notify, 't' lets a
 * timer of anyone run out, 'f' makes its sending fail, and ' ' is followed by the text it sends. */
#include <stdio.h>
#include <sys/socket.h>

#include "base/limits.h"
#include "broker/broker_impl.h"
#include "net/gate.h"
#include "wire/pubsub.h"

#define NPEERS     3
#define NTIMERS    64
#define EVENTS_MAX 200 /* of one input: each may go to thousands of subscriptions */

struct c2_ws {
    const struct c2_ws_events *events;
    void *ctx; /* NULL: nobody is connected */
    bool failing, closed;
    int nasked, nanswered;
    char owes[33]; /* call_id of the last notify */
};
struct c2_timer {
    c2_loop_fn *fn;
    void *ctx;
};
static struct c2_ws peers[NPEERS], *connecting;
static struct c2_timer timers[NTIMERS];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- what broker_peer.c calls ---- */

bool c2_ws_send(struct c2_ws *ws, struct c2_str text)
{
    struct cat2_error err;
    C2_AUTO(c2_ps_message) message = {0};

    C2_ASSERT(ws->ctx && text.n <= C2_WS_MESSAGE_MAX);
    C2_ASSERT(c2_ps_parse(text, &message, &err) && message.kind != C2_PS_IGNORED);
    if (ws->failing || ws->closed) return false;
    if (message.kind == C2_PS_RESPONSE) {
        C2_ASSERT(++ws->nanswered <= ws->nasked);
        return true;
    }
    C2_ASSERT(c2_str_is(message.method, "notify") && message.call_id.n == 32);
    C2_ASSERT(c2_jval_kind(c2_jget(message.arguments, "data")) != C2_JNONE);
    snprintf(ws->owes, sizeof(ws->owes), "%.*s", C2_STR_ARG(message.call_id));
    return true;
}
bool c2_ws_send_shared(struct c2_ws *ws, struct c2_str head, struct c2_blob *shared, struct c2_str tail)
{
    C2_AUTO(c2_buf) whole = C2_BUF_INIT(C2_WS_MESSAGE_MAX);
    struct cat2_error err;

    C2_ASSERT(shared && c2_buf_append_str(&whole, head, &err) &&
              c2_buf_append_str(&whole, c2_buf_str(&shared->bytes), &err) &&
              c2_buf_append_str(&whole, tail, &err));
    return c2_ws_send(ws, c2_buf_str(&whole));
}
/* A peer that does not answer has not read, either. */
size_t c2_ws_unsent(const struct c2_ws *ws)
{
    return ws->owes[0] ? C2_WS_QUEUE_LOW + 1 : 0;
}
const struct c2_peer *c2_ws_peer(const struct c2_ws *ws)
{
    static const struct c2_peer here = {
        .family = AF_INET, .address = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1}, .is_loopback = true};
    static const struct c2_peer unknown = {0};

    return ws == &peers[2] ? &unknown : &here; /* who may not publish what is not registered */
}
void c2_ws_close(struct c2_ws *ws, int code, const char *reason)
{
    C2_ASSERT(code >= 1000 && reason);
    ws->closed = true;
}
void c2_ws_abort(struct c2_ws *ws)
{
    ws->ctx = NULL;
}
void c2_reply_websocket(struct c2_request *req, const struct c2_ws_events *events, void *ctx,
                        struct c2_ws **out)
{
    (void)req;
    *connecting = (struct c2_ws){.events = events, .ctx = ctx};
    *out = connecting;
}
/* Every second peer asks for hashes. */
bool c2_request_header(const struct c2_request *req, const char *name, struct c2_str *out)
{
    (void)req;
    C2_ASSERT(name);
    *out = C2_STR("1");
    return connecting == &peers[1];
}
struct c2_pass *c2_request_pass(struct c2_request *req)
{
    (void)req;
    return NULL; /* all is open */
}

bool c2_request_sees(struct c2_request *req, struct c2_str root)
{
    (void)req, (void)root;
    return true;
}

void c2_pass_unref(struct c2_pass *pass)
{
    (void)pass;
}

bool c2_pass_may(const struct c2_pass *pass, enum c2_scope scope)
{
    (void)pass, (void)scope;
    return true;
}

bool c2_pass_sees(const struct c2_pass *pass, struct c2_str root)
{
    (void)pass, (void)root;
    return true;
}

bool c2_pass_holds(const struct c2_pass *pass)
{
    (void)pass;
    return true;
}

void c2_reply_header(struct c2_request *req, const char *name, const char *value)
{
    (void)req;
    C2_ASSERT(name && value);
}
void c2_reply_detail(struct c2_request *req, int status, const char *fmt, ...)
{
    (void)req;
    C2_ASSERT(status >= 400 && fmt);
}
const struct c2_clock *c2_loop_clock(struct c2_loop *loop)
{
    (void)loop;
    return c2_clock_real();
}
struct c2_timer *c2_timer_start(struct c2_loop *loop, int64_t delay_ms, int64_t repeat_ms, c2_loop_fn *fn,
                                void *ctx)
{
    (void)loop;
    C2_ASSERT(delay_ms > 0 && repeat_ms == 0);
    for (int i = 0; i < NTIMERS; i++)
        if (!timers[i].fn) {
            timers[i] = (struct c2_timer){fn, ctx};
            return &timers[i];
        }
    return NULL;
}
void c2_timer_stop(struct c2_timer *timer)
{
    C2_ASSERT(!timer || timer->fn);
    if (timer) timer->fn = NULL;
}

/* ---- the peers' side ---- */

static void time_passes(void)
{
    for (int i = 0; i < NTIMERS; i++) {
        c2_loop_fn *fn = timers[i].fn;
        timers[i].fn = NULL;
        if (!fn) continue;
        fn(timers[i].ctx);
        return;
    }
}

static void leave(struct c2_ws *ws)
{
    void *ctx = ws->ctx;

    if (!ctx) return;
    ws->events->close(ctx, ws, 1006, "gone");
    ws->ctx = NULL;
}

static void send_text(struct c2_broker *broker, struct c2_ws *ws, struct c2_str text)
{
    connecting = ws;
    if (!ws->ctx) c2_broker_handle_pubsub(NULL, broker);
    C2_ASSERT(ws->ctx);
    ws->nasked++;
    ws->events->text(ws->ctx, ws, text);
    if (ws->closed) leave(ws);
}

static void answer(struct c2_broker *broker, struct c2_ws *ws)
{
    struct cat2_error err;
    C2_AUTO(c2_buf) frame = C2_BUF_INIT(1024);

    if (!ws->ctx || !ws->owes[0]) return;
    C2_ASSERT(c2_ps_response(&frame, C2_STR("true"), "bool", c2_str_of(ws->owes), &err));
    ws->owes[0] = '\0';
    send_text(broker, ws, c2_buf_str(&frame));
    if (ws->ctx) ws->events->drained(ws->ctx, ws);
    if (ws->ctx && ws->closed) leave(ws);
}

static void play(struct c2_broker *broker, struct c2_str line)
{
    struct c2_ws *ws = line.n < 2 ? NULL : &peers[(unsigned char)line.p[0] % NPEERS];

    if (!ws) return;
    switch (line.p[1]) {
    case 'c':
        leave(ws);
        break;
    case 'a':
        answer(broker, ws);
        break;
    case 't':
        time_passes();
        break;
    case 'f':
        ws->failing = true;
        break;
    default:
        send_text(broker, ws, (struct c2_str){line.p + 2, line.n - 2});
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cat2_error err;
    struct c2_broker broker = {0};

    C2_ASSERT(c2_hub_new(NULL, "0123456789abcdef0123456789abcdef", &broker.hub, &err));
    for (size_t at = 0; at < size && broker.nevents < EVENTS_MAX;) {
        const uint8_t *end = memchr(data + at, '\n', size - at);
        size_t n = end ? (size_t)(end - data) - at : size - at;
        play(&broker, (struct c2_str){(const char *)data + at, n});
        at += n + 1;
    }
    for (int i = 0; i < NPEERS / 2; i++)
        leave(&peers[i]);
    c2_broker_free_peers(&broker);
    C2_ASSERT(!broker.peers);
    for (int i = 0; i < NTIMERS; i++)
        C2_ASSERT(!timers[i].fn);
    memset(peers, 0, sizeof(peers));
    c2_hub_free(broker.hub);
    return 0;
}
