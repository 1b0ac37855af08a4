/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the remote bus share: remote.c has the registry and the bus, remote_ws.c the socket,
 * remote_place.c which of several places it is at. */
#ifndef C2_BUS_REMOTE_IMPL_H
#define C2_BUS_REMOTE_IMPL_H

#include "bus/remote.h"
#include "net/checked.h"
#include "net/websocket.h"

struct c2_bus_subscription {
    struct c2_bus_subscription *next;
    struct c2_remote *remote;
    char topic[256];
    struct c2_bus_position at;
    struct c2_bus_listener listener;
    bool gone;
};
/* A request on the socket that waits for its reply. */
struct c2_remote_call {
    struct c2_remote_call *next;
    struct c2_remote *remote;
    char id[33];
    bool resume;
    c2_bus_done *done;
    void *ctx;
    struct c2_timer *timer;
};
struct registration {
    struct registration *next;
    struct c2_remote *remote;
    struct c2_root root;
    char token[33];
    c2_bus_done *done; /* until the broker has taken it */
    void *ctx;
    struct c2_timer *timer; /* it is posted again */
};
struct watcher {
    struct watcher *next;
    void (*fn)(void *ctx);
    void *ctx;
};
struct c2_remote_place {
    char broker[300]; /* host:port */
    bool tls;         /* it speaks TLS */
    bool avoided;     /* it is asked only where all are to be avoided */
};
struct c2_remote {
    struct c2_bus bus;
    struct c2_loop *loop;
    struct c2_http *http;
    struct c2_remote_place places[C2_BUS_PLACES_MAX];
    int nplaces, at;
    uint64_t visit;     /* changes of place: answers that were asked for at another one do not count */
    const char *broker; /* of the place it is at */
    bool tls;
    struct c2_ws *ws;
    bool up, freed;
    bool silent;         /* a Python server: it has roots, and no events */
    bool here;           /* the broker is on this machine */
    bool hashed;         /* this connection's frames have hashes */
    bool known_ours;     /* a broker with hashes answered before: a handshake without is doubted */
    int doubts;          /* handshakes in a row without that sign */
    bool rest_hashed;    /* the registry's answers have hashes */
    uint64_t roots_told; /* hash of the last answer that told the roots; 0: none */
    int tries;
    struct c2_timer *timer;
    struct c2_timer *look; /* the next place that is named before is due to be tried */
    struct c2_ws *trial;   /* it is being tried; NULL: none */
    int tried;             /* which that is, or was last */
    int nlooks;            /* such trials in a row, none of which led to a place that stayed */
    int64_t opened_ms;     /* since when it is up */
    struct c2_bus_subscription *subscriptions;
    struct c2_remote_call *calls;
    struct registration *registrations;
    struct watcher *watchers;
    void (*connected)(struct c2_remote *r); /* it is, just now */
    int flights; /* HTTP requests under way: the remote is freed only after they ended */
};

/* ---- remote_ws.c ---- */
/** Send a request that waits for its reply; with: done, ctx, resume. */
bool c2_remote_send(struct c2_remote *r, const char *method, struct c2_str arguments,
                    struct c2_remote_call with, struct cat2_error *err);
/** All requests that wait for their replies fail. */
void c2_remote_end_calls(struct c2_remote *r, const struct cat2_error *err);
/** A sign of life of its publisher. */
void c2_remote_claim(struct c2_remote *r, const struct registration *reg);
void c2_remote_ask_topic(struct c2_remote *r, struct c2_bus_subscription *subscription);
void c2_remote_connect(void *ctx);
/** What a connection to the place it is at tells. */
void c2_remote_opened(void *ctx, struct c2_ws *ws);
void c2_remote_on_text(void *ctx, struct c2_ws *ws, struct c2_str text);
void c2_remote_closed(void *ctx, struct c2_ws *ws, int code, const char *reason);
void c2_remote_url(const struct c2_remote_place *place, char out[400]);
/** These roots were told. A Python server is not asked for events, until something else is at its place. */
void c2_remote_note_who(struct c2_remote *r, const struct c2_root *roots, size_t n);

/* ---- remote_place.c ---- */
/** HOST:PORT, or several, one a line. */
bool c2_remote_read_places(struct c2_remote *r, struct c2_str lines, struct cat2_error *err);
/** It is at this place from now on; nothing is connected. */
void c2_remote_go_to(struct c2_remote *r, int at);
/** It has lost the place it was at. */
void c2_remote_go_on(struct c2_remote *r, bool was_up);
/** It is connected to a place, or one that is named before could not be taken: that is tried in a while. */
void c2_remote_look(struct c2_remote *r);
void c2_remote_look_stop(struct c2_remote *r);
void c2_remote_avoid(struct c2_remote *r, int at, bool avoid);

#endif
