/* SPDX-License-Identifier: BSD-3-Clause */
/* What WebSockets keep: messages that a peer has not read yet, and messages of which only a part has come.
 * Each peer has a ceiling, and so have all together: past that, whoever keeps most is dropped.
 *
 * A server's messages are framed here, not by wslay, which copies them: so a blob is kept once, however many
 * peers are to get it. Frames of wslay (pings, pongs, closes) go between them. */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/list.h"
#include "base/log_share.h"
#include "net/ws_impl.h"

#define QUEUES_MAX  (64 << 20) /* unsent bytes of all servers' peers; what several are to get counts once */
#define READING_MAX (48 << 20) /* of unfinished messages: three of the largest */
#define KEEP_MAX    4096       /* room for the next message that a quiet peer keeps */
#define TRIM_MIN    (8 << 20)  /* freed, at once or little by little: worth giving back to the system */
#define HEAD_MAX    10         /* of a frame that is not masked */

struct c2_ws_out {
    struct c2_ws_out *next;
    struct c2_blob *shared; /* after the first `cut` bytes of own; NULL: none */
    size_t own_n, cut, sent;
    uint8_t own[];
};

/* Loop thread only. */
static struct {
    struct c2_ws *first;
    size_t queued, reading, freed; /* freed: since the last time it was given back */
    uint64_t dropped_queue, dropped_queues, dropped_reading;
} all;

static size_t out_size(const struct c2_ws_out *out)
{
    return out->own_n + (out->shared ? out->shared->bytes.n : 0);
}

static void give_back(size_t n)
{
    all.freed += n;
    if (all.freed < TRIM_MIN) return;
    all.freed = 0;
    malloc_trim(0);
}

/* ---- who there is ---- */

void c2_ws_enter(struct c2_ws *ws)
{
    c2_buf_init(&ws->in, C2_WS_MESSAGE_MAX);
    ws->out_last = &ws->out;
    c2_list_push(all.first, ws);
    ws->entered = true;
}

static void free_out(struct c2_ws *ws, struct c2_ws_out *out)
{
    size_t shared = out->shared && --out->shared->queues == 0 ? out->shared->bytes.n : 0;
    size_t n = shared + sizeof(*out) + out->own_n;

    ws->out_n -= out_size(out);
    all.queued -= n;
    c2_blob_unref(out->shared);
    free(out);
    give_back(n);
}

/* All that is not on its way already; keep: a frame that has begun. */
static void forget_out(struct c2_ws *ws, bool keep)
{
    struct c2_ws_out *out = ws->out, *next;

    if (keep && out && out->sent) {
        next = out->next;
        out->next = NULL;
        ws->out_last = &out->next;
        out = next;
    } else {
        ws->out = NULL;
        ws->out_last = &ws->out;
    }
    for (; out; out = next) {
        next = out->next;
        free_out(ws, out);
    }
}

static void forget_in(struct c2_ws *ws)
{
    size_t n = ws->in.cap;

    all.reading -= ws->in.n;
    c2_buf_fini(&ws->in);
    give_back(n);
}

void c2_ws_leave(struct c2_ws *ws)
{
    if (!ws->entered) return;
    ws->entered = false;
    forget_out(ws, false);
    forget_in(ws);
    c2_list_remove(all.first, ws);
}

void c2_ws_forget_unsent(struct c2_ws *ws)
{
    if (ws->entered) forget_out(ws, true);
}

/* ---- ceilings ---- */

/* Frees what it keeps, and says goodbye. */
static void drop(struct c2_ws *ws, uint64_t *count, const char *why)
{
    ++*count;
    c2_log_some(C2_WARN, "a WebSocket peer is dropped: %s", why);
    c2_ws_close(ws, 1013, why);
    forget_out(ws, true);
    forget_in(ws);
}

static void drop_largest(bool reading)
{
    struct c2_ws *largest = NULL;
    size_t most = 0;

    for (struct c2_ws *ws = all.first; ws; ws = ws->next) {
        size_t n = reading ? ws->in.n : ws->out_n;
        if (ws->state != C2_WS_OPEN || n <= most) continue;
        most = n;
        largest = ws;
    }
    if (!largest) return;
    if (reading)
        drop(largest, &all.dropped_reading, "too many messages are unfinished, and this one is the largest");
    else
        drop(largest, &all.dropped_queues,
             "too much is waiting for peers that do not read, and most for this one");
}

void c2_ws_read_part(struct c2_ws *ws, struct c2_bytes bytes)
{
    struct cat2_error err;

    if (ws->state != C2_WS_OPEN) return;
    if (!c2_buf_append(&ws->in, bytes.p, bytes.n, &err)) {
        c2_ws_close(ws, 1009, "the message is too long");
        forget_in(ws);
        return;
    }
    all.reading += bytes.n;
    if (all.reading > READING_MAX) drop_largest(true);
}

struct c2_buf c2_ws_read_whole(struct c2_ws *ws)
{
    all.reading -= ws->in.n;
    return c2_buf_steal(&ws->in);
}

void c2_ws_read_done(struct c2_ws *ws, struct c2_buf *message)
{
    if (ws->entered && !ws->in.p && message->cap <= KEEP_MAX) { /* room for the next one */
        c2_buf_clear(message);
        ws->in = c2_buf_steal(message);
        return;
    }
    size_t n = message->cap;
    c2_buf_fini(message);
    give_back(n);
}

/* ---- out ---- */

static size_t frame_head(uint8_t to[HEAD_MAX], size_t n)
{
    size_t extra = n < 126 ? 0 : n < 65536 ? 2 : 8;

    to[0] = 0x81; /* all of a text message */
    to[1] = (uint8_t)(extra == 0 ? n : extra == 2 ? 126 : 127);
    for (size_t i = 0; i < extra; i++)
        to[2 + i] = (uint8_t)((uint64_t)n >> (8 * (extra - 1 - i)));
    return 2 + extra;
}

bool c2_ws_queue(struct c2_ws *ws, struct c2_str head, struct c2_blob *shared, struct c2_str tail)
{
    size_t n = head.n + (shared ? shared->bytes.n : 0) + tail.n;
    struct c2_ws_out *out;

    if (ws->out_n > 0 && ws->out_n + n > C2_WS_QUEUE_MAX) {
        drop(ws, &all.dropped_queue, "send queue is full");
        return false;
    }
    out = malloc(sizeof(*out) + HEAD_MAX + head.n + tail.n);
    if (!out) {
        drop(ws, &all.dropped_queue, "out of memory");
        return false;
    }
    *out = (struct c2_ws_out){.shared = shared ? c2_blob_ref(shared) : NULL};
    out->own_n = frame_head(out->own, n);
    if (head.n) memcpy(out->own + out->own_n, head.p, head.n);
    out->own_n += head.n;
    out->cut = out->own_n;
    if (tail.n) memcpy(out->own + out->own_n, tail.p, tail.n);
    out->own_n += tail.n;
    *ws->out_last = out;
    ws->out_last = &out->next;
    ws->out_n += out_size(out);
    ws->lags = ws->lags || ws->out_n > C2_WS_QUEUE_LOW;
    all.queued += sizeof(*out) + out->own_n + (shared && shared->queues++ == 0 ? shared->bytes.n : 0);
    if (all.queued > QUEUES_MAX) drop_largest(false);
    return ws->state == C2_WS_OPEN;
}

/* The parts of it that are left. */
static int left(const struct c2_ws_out *out, struct iovec parts[3])
{
    const struct c2_bytes whole[3] = {
        {out->own, out->cut},
        {out->shared ? out->shared->bytes.p : NULL, out->shared ? out->shared->bytes.n : 0},
        {out->own + out->cut, out->own_n - out->cut}};
    size_t skip = out->sent;
    int n = 0;

    for (int i = 0; i < 3; i++) {
        size_t here = skip < whole[i].n ? skip : whole[i].n;
        skip -= here;
        if (here == whole[i].n) continue;
        parts[n++] = (struct iovec){(void *)(uintptr_t)(whole[i].p + here), whole[i].n - here};
    }
    return n;
}

enum c2_ws_sent c2_ws_send_out(struct c2_ws *ws)
{
    while (ws->out) {
        struct c2_ws_out *out = ws->out;
        struct iovec parts[3];
        int nparts = left(out, parts);
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = (size_t)nparts};
        ssize_t n = ws->tls ? c2_tls_sendv(ws->tls, parts, nparts) : sendmsg(ws->fd, &message, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? C2_WS_SENT_SOME : C2_WS_SENT_FAILED;
        out->sent += (size_t)n;
        if (out->sent < out_size(out)) continue;
        ws->out = out->next;
        if (!ws->out) ws->out_last = &ws->out;
        free_out(ws, out);
        return C2_WS_SENT_MESSAGE;
    }
    return C2_WS_SENT_ALL;
}

bool c2_ws_in_frame(const struct c2_ws *ws)
{
    return ws->out && ws->out->sent;
}

const struct c2_peer *c2_ws_peer(const struct c2_ws *ws)
{
    return &ws->peer;
}

size_t c2_ws_unsent(const struct c2_ws *ws)
{
    return ws->out_n;
}

void c2_ws_metrics(struct c2_metrics *m)
{
    c2_metrics_gauge(m, "caterva2_websocket_queued_bytes", (double)all.queued,
                     "Bytes that wait to be sent to WebSocket peers.");
    c2_metrics_gauge(m, "caterva2_websocket_unfinished_bytes", (double)all.reading,
                     "Bytes of messages of which the rest has not come yet.");
    c2_metrics_family(m, C2_METRICS_COUNTER, "caterva2_websocket_dropped_total",
                      "WebSocket peers that were dropped, by what was too much.");
    c2_metrics_sample(m, (double)all.dropped_queue, C2_LABELS("why", "queue"));
    c2_metrics_sample(m, (double)all.dropped_queues, C2_LABELS("why", "all queues"));
    c2_metrics_sample(m, (double)all.dropped_reading, C2_LABELS("why", "unfinished messages"));
}
