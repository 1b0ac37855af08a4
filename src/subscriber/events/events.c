/* SPDX-License-Identifier: BSD-3-Clause */
/* The log and its readers. docs/protocol.md "GET /api/events". */
#include "subscriber/events/events.h"
#include "base/list.h"
#include "net/crowd.h"
#include "net/gate.h"
#include "subscriber/mirror/root.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define LOG_MAX      C2_TOLD_EACH_MAX /* as many as the broker keeps of a root */
#define SHARE        4 /* part of the connections that is left for requests; of the streams, for an address */
#define TICK_MS      3000                     /* places of readers that left are free again by then */
#define PING_TICKS   5                        /* 15 s: proxies end connections that are silent for 30 s */
#define PING         ": nothing happened\n\n" /* curl takes less than a byte a second, over five, for silence */
#define RETRY_S      5                        /* until a place may be free */
#define EVENT_NBYTES 16384                    /* the longest path, escaped, and then some */

struct event {
    const struct c2_root_state *root;
    struct c2_blob *text; /* as it is sent */
};
struct listener {
    struct c2_crowd_member member; /* comes first */
    struct listener *prev, *next;
    struct c2_events *events;
    struct c2_request *req;
    struct c2_pass *pass; /* whose it is, as long as that holds; NULL: everybody's */
    struct c2_str *names; /* of roots, in the request's arena; none: all */
    size_t nnames;
    uint64_t at;          /* the next event to be looked at */
    struct c2_blob *text; /* being sent */
    size_t sent;
    bool ping, ended; /* ended: its place is another's */
    bool gone;        /* its reader is */
};
struct c2_events {
    struct c2_subscriber *sub;
    uint64_t seq; /* of the last event; the first is 1 */
    struct event log[LOG_MAX];
    struct listener *listeners;
    struct c2_crowd crowd; /* of the listeners, by their addresses */
    struct c2_timer *timer;
    unsigned ticks;
    bool stopped, orphaned; /* orphaned: the last listener frees it */
};

/* ---- texts ---- */

static struct c2_blob *finish_text(struct c2_buf *text, struct c2_jw *w)
{
    struct cat2_error err;
    struct c2_blob *blob = NULL;

    if (c2_jw_finish(w) && c2_buf_puts(text, "\n\n", &err)) blob = c2_blob_new(text);
    c2_buf_fini(text);
    return blob;
}

/* Up to "data: ". */
static void begin_text(struct c2_events *events, uint64_t seq, const char *name, struct c2_buf *text,
                       struct c2_jw *w, struct cat2_error *err)
{
    bool ok = c2_buf_printf(text, err, "id: %" PRId64 "-%" PRIu64 "\nevent: %s\ndata: ", events->sub->epoch,
                            seq, name);

    c2_jw_init(w, text, C2_JSON_COMPACT, err);
    w->ok = ok;
}

static void put_root(struct c2_jw *w, const struct c2_root_state *root)
{
    c2_jw_begin_object(w);
    c2_root_jw(w, &root->root);
    c2_jw_key(w, "subscribed");
    if (c2_root_is_followed(root))
        c2_jw_bool(w, true);
    else
        c2_jw_null(w);
    c2_jw_put_uint(w, "datasets", c2_root_ndatasets(root));
    c2_jw_key(w, "listed"); /* else the number says nothing */
    c2_jw_bool(w, c2_root_is_listed(root));
    c2_jw_put_bool(w, "reached", !c2_root_is_unreached(root));
    c2_jw_end_object(w);
}

static bool wanted(const struct listener *l, const struct c2_root_state *root)
{
    if (!c2_pass_sees(l->pass, c2_str_of(root->root.name))) return false;
    for (size_t i = 0; i < l->nnames; i++)
        if (c2_str_is(l->names[i], root->root.name)) return true;
    return l->nnames == 0;
}

static struct c2_blob *hello_text(struct listener *l)
{
    struct c2_buf text = C2_BUF_INIT(16 << 20);
    struct cat2_error err;
    struct c2_jw w;

    begin_text(l->events, l->at - 1, "hello", &text, &w, &err);
    c2_jw_begin_object(&w);
    c2_jw_open_array(&w, "roots");
    for (const struct c2_root_state *root = l->events->sub->roots; root; root = root->next)
        if (wanted(l, root)) put_root(&w, root);
    c2_jw_end_array(&w);
    c2_jw_end_object(&w);
    return finish_text(&text, &w);
}

static struct c2_blob *resync_text(struct c2_events *events)
{
    struct c2_buf text = C2_BUF_INIT(EVENT_NBYTES);
    struct cat2_error err;
    struct c2_jw w;

    begin_text(events, events->seq, "resync", &text, &w, &err);
    c2_jw_begin_object(&w);
    c2_jw_end_object(&w);
    return finish_text(&text, &w);
}

/* ---- the log ---- */

static void append(struct c2_events *events, const struct c2_root_state *root, struct c2_buf *text,
                   struct c2_jw *w)
{
    struct event *slot = &events->log[++events->seq % LOG_MAX];

    c2_blob_unref(slot->text);
    *slot = (struct event){root, finish_text(text, w)}; /* without a text: readers step over it */
    for (struct listener *l = events->listeners; l; l = l->next)
        c2_body_wake(l->req);
}

static void on_dataset(void *ctx, struct c2_root_state *root, const struct c2_ds *ds, const char *change)
{
    struct c2_events *events = ctx;
    struct c2_buf text = C2_BUF_INIT(EVENT_NBYTES);
    char path[256 + C2_PATH_MAX + 2];
    struct cat2_error err;
    struct c2_jw w;

    snprintf(path, sizeof(path), "%s/%s", root->root.name, ds->path);
    begin_text(events, events->seq + 1, "dataset", &text, &w, &err);
    c2_jw_begin_object(&w);
    c2_jw_put_cstr(&w, "path", path);
    c2_jw_put_cstr(&w, "etag", ds->etag);
    c2_jw_put_cstr(&w, "change", change);
    c2_jw_end_object(&w);
    append(events, root, &text, &w);
}

static void on_root(void *ctx, struct c2_root_state *root)
{
    struct c2_events *events = ctx;
    struct c2_buf text = C2_BUF_INIT(EVENT_NBYTES);
    struct cat2_error err;
    struct c2_jw w;

    begin_text(events, events->seq + 1, "root", &text, &w, &err);
    put_root(&w, root);
    append(events, root, &text, &w);
}

/* More events than are kept, none of which is told: everybody gets a resync. */
static void on_many(void *ctx, struct c2_root_state *root)
{
    struct c2_events *events = ctx;

    (void)root;
    for (size_t i = 0; i < LOG_MAX; i++) {
        c2_blob_unref(events->log[i].text);
        events->log[i] = (struct event){0};
    }
    events->seq += LOG_MAX + 1;
    for (struct listener *l = events->listeners; l; l = l->next)
        c2_body_wake(l->req);
}

/* ---- readers ---- */

static uint64_t oldest(const struct c2_events *events)
{
    return events->seq >= LOG_MAX ? events->seq - LOG_MAX + 1 : 1;
}

/* The next text for a listener, a reference of its own; NULL when there is nothing to say. */
static struct c2_blob *next_text(struct listener *l)
{
    struct c2_events *events = l->events;

    if (l->at < oldest(events)) {
        l->at = events->seq + 1;
        return resync_text(events);
    }
    while (l->at <= events->seq) {
        const struct event *event = &events->log[l->at++ % LOG_MAX];
        if (event->text && wanted(l, event->root)) return c2_blob_ref(event->text);
    }
    return NULL;
}

static int64_t events_pull(void *ctx, uint8_t *to, size_t room)
{
    struct listener *l = ctx;
    size_t n = 0;

    if (l->events->stopped || l->ended || l->gone || !c2_pass_holds(l->pass)) return C2_BODY_END;
    while (n < room) {
        if (!l->text) {
            l->sent = 0;
            l->text = next_text(l);
        }
        if (!l->text) break;
        size_t some = l->text->bytes.n - l->sent;
        if (some > room - n) some = room - n;
        memcpy(to + n, l->text->bytes.p + l->sent, some);
        n += some;
        l->sent += some;
        if (l->sent < l->text->bytes.n) break;
        c2_blob_unref(l->text);
        l->text = NULL;
    }
    if (n == 0 && l->ping && room >= strlen(PING)) {
        n = strlen(PING);
        memcpy(to, PING, n);
    }
    l->ping = false;
    return n ? (int64_t)n : C2_BODY_WAIT;
}

static void free_orphan(struct c2_events *events)
{
    if (!events->orphaned || events->listeners) return;
    c2_crowd_fini(&events->crowd);
    free(events);
}

static void listener_free(void *ctx)
{
    struct listener *l = ctx;

    c2_list_remove(l->events->listeners, l);
    struct c2_events *events = l->events;
    c2_blob_unref(l->text);
    if (!l->ended) c2_crowd_leave(&events->crowd, &l->member);
    c2_pass_unref(l->pass);
    free(l);
    free_orphan(events);
}

/* A stream that has nothing to say is not looked at by libmicrohttpd: readers that left would keep places
 * that their address has few of. */
static void on_tick(void *ctx)
{
    struct c2_events *events = ctx;
    bool ping = ++events->ticks % PING_TICKS == 0;

    for (struct listener *l = events->listeners, *next; l; l = next) {
        next = l->next;
        l->gone = c2_request_is_gone(l->req);
        l->ping = l->ping || ping;
        if (ping || l->gone) c2_body_wake(l->req);
    }
}

/* ---- the request ---- */

static bool read_names(struct c2_request *req, struct listener *l)
{
    struct c2_str text = {"", 0}, rest, name;

    if (!c2_request_query(req, "roots", &text) || text.n == 0) return true;
    text = c2_str_of(c2_arena_strdup(c2_request_arena(req), text));
    l->names = c2_arena_alloc(c2_request_arena(req), (text.n + 1) * sizeof(*l->names));
    if (!text.p || !l->names) return false;
    for (rest = text; rest.n;) {
        c2_str_cut(rest, ',', &name, &rest);
        if (name.n) l->names[l->nnames++] = name;
    }
    return true;
}

/* Where the stream goes on: after the event the reader saw last. An id of another process is older than all.
 */
static uint64_t position(struct c2_request *req, const struct c2_events *events)
{
    struct c2_str text, epoch, seq;
    int64_t e, s;

    if ((!c2_request_header(req, "Last-Event-ID", &text) && !c2_request_query(req, "last", &text)) || !text.n)
        return events->seq + 1;
    bool ours = c2_str_cut(text, '-', &epoch, &seq) && c2_str_to_i64(epoch, &e) && c2_str_to_i64(seq, &s) &&
                e == events->sub->epoch && s >= 0 && (uint64_t)s <= events->seq;
    return ours ? (uint64_t)s + 1 : 0;
}

/* Another stream has its place; the reader comes back, and goes on where it was. */
static void end_stream(struct c2_events *events, struct listener *l)
{
    c2_crowd_leave(&events->crowd, &l->member);
    l->ended = true;
    c2_body_wake(l->req);
}

/* Find a place for one more of an address. When all are taken, the one with most streams gives one up; where
 * that is the same address, there is none. false: the request was answered. */
static bool find_place(struct c2_events *events, struct c2_request *req)
{
    const struct c2_peer *peer = c2_request_peer(req);
    size_t max = events->crowd.max, n = c2_crowd_count(&events->crowd, peer->address);
    size_t most = c2_server_per_address(events->sub->config.server, peer, max);

    if (n >= most && most < max) {
        c2_reply_later(req, RETRY_S,
                       "your address has %zu event streams, and may have no more "
                       "(--connections-per-address)",
                       n);
        return false;
    }
    if (events->crowd.n < max) return true;
    struct listener *l = (struct listener *)c2_crowd_yielding(&events->crowd, NULL);
    if (l && c2_crowd_count_of(&l->member) > n + 1) {
        end_stream(events, l);
        return true;
    }
    c2_reply_later(req, RETRY_S,
                   "too many event streams: %zu are served at a time, a part of all connections "
                   "(ulimit -n)",
                   max);
    return false;
}

static void handle_events(struct c2_request *req, void *state)
{
    struct c2_subscriber *sub = state;
    struct c2_events *events = sub->events;
    struct listener *l = NULL;

    if (!events->stopped && !find_place(events, req)) return;
    if (events->stopped || !(l = calloc(1, sizeof(*l))) || !read_names(req, l) ||
        !c2_crowd_join(&events->crowd, &l->member, c2_request_peer(req)->address, 0)) {
        free(l);
        c2_reply_detail(req, 503, events->stopped ? "shutting down" : "out of memory");
        return;
    }
    l->events = events;
    l->req = req;
    l->pass = c2_request_pass(req);
    l->at = position(req, events);
    bool known = l->at > 0;
    c2_list_push(events->listeners, l);
    if (!known) l->at = 1; /* hello must not claim that all is known */
    l->text = hello_text(l);
    if (!known) l->at = 0;
    c2_reply_header(req, "Cache-Control", "no-store");
    c2_reply_header(req, "X-Accel-Buffering", "no"); /* proxies must pass events on at once */
    struct c2_body body = {events_pull, listener_free, l};
    c2_reply_body(req, 200, "text/event-stream", -1, &body);
}

/* ---- life ---- */

struct c2_events *c2_events_new(struct c2_subscriber *sub)
{
    struct c2_events *events = calloc(1, sizeof(*events));

    unsigned max = c2_server_connections_max(sub->config.server);

    if (!events) return NULL;
    if (!c2_crowd_init(&events->crowd, max - max / SHARE)) {
        free(events);
        return NULL;
    }
    events->sub = sub;
    sub->watchers[C2_WATCH_BROWSERS] = (struct c2_mirror_watcher){on_dataset, on_root, on_many, events};
    events->timer = c2_timer_start(sub->config.loop, TICK_MS, TICK_MS, on_tick, events);
    return events;
}

void c2_events_stop(struct c2_events *events)
{
    if (!events) return;
    events->stopped = true;
    c2_timer_stop(events->timer);
    events->timer = NULL;
    for (struct listener *l = events->listeners; l; l = l->next)
        c2_body_wake(l->req);
}

void c2_events_free(struct c2_events *events)
{
    if (!events) return;
    c2_events_stop(events);
    for (size_t i = 0; i < LOG_MAX; i++)
        c2_blob_unref(events->log[i].text);
    events->orphaned = true; /* a reader that did not take its last bytes goes with the server */
    free_orphan(events);
}

void c2_events_add_routes(struct c2_subscriber *sub)
{
    static const struct c2_route routes[] = {
        {C2_GET, "/api/events", handle_events, "roots? last?", NULL},
    };

    c2_server_routes(sub->config.server, routes, C2_ARRAY_LEN(routes), sub);
}

void c2_events_metrics(const struct c2_events *events, struct c2_metrics *m)
{
    c2_metrics_gauge(m, "caterva2_event_streams", (double)events->crowd.n, "Clients that listen to events.");
    c2_metrics_gauge(m, "caterva2_event_streams_max", (double)events->crowd.max,
                     "Clients that may listen at a time.");
    c2_metrics_counter(m, "caterva2_events_total", (double)events->seq, "Events that were told to them.");
}
