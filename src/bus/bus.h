/* SPDX-License-Identifier: BSD-3-Clause */
/* The interface to change events and to the registry of roots. It has two implementations: a broker in this
 * process (bus/local.h), and a broker reached over REST and WebSocket (bus/remote.h, ours or Python's). Loop
 * thread only; callbacks come on the loop, never before the call that caused them returns. */
#ifndef C2_BUS_BUS_H
#define C2_BUS_BUS_H

#include "base/blob.h"
#include "base/limits.h"
#include "wire/json.h"

struct c2_root {
    char name[256];
    char http[300]; /* host:port, no scheme */
    char from[64];  /* a hub's: the address that registered it; "" when that is not known */
    bool tls;       /* TLS is spoken there. On the wire "tls": true, which Python peers pass over */
    bool mirror;    /* a subscriber is there, which answers for the publisher beneath /mirror/NAME */
    bool python;    /* a Python server is there: it has the root's name in its routes, and no events */
};
#define C2_TOPIC_NEW "@new" /* on which new roots are told: no root has this name */
#define C2_TOPIC_MIRRORS                                                                                     \
    "@mirrors" /* on which is told that other subscribers mirror roots now: nor this one */
/** May a root be called so? Its name is a folder of subscribers, and the topic of its events. @errors
 * CAT2_EINVAL. */
bool c2_root_name_check(struct c2_str name, struct cat2_error *err);
/** How addresses of its publisher begin: "http" or "https". */
const char *c2_root_scheme(const struct c2_root *root);
/** Where its publisher answers: SCHEME://HOST:PORT/api/ROUTE, with /mirror/NAME in front of /api of a mirror,
 * and NAME behind the first word of ROUTE of a Python server. */
bool c2_root_put_url(const struct c2_root *root, const char *route, struct c2_buf *out,
                     struct cat2_error *err);
/** At the same place as the other? */
bool c2_root_is_at(const struct c2_root *root, const struct c2_root *other);
/** "host:port" or "https://host:port", as it is kept in a state; of a mirror after "mirror:", of a Python
 * server after "python:". */
bool c2_root_put_address(const struct c2_root *root, struct c2_buf *out, struct cat2_error *err);
/** Back; false: too long. */
bool c2_root_set_address(struct c2_root *root, struct c2_str text);
/** "name", "http" and, of TLS, "tls", inside an object. */
void c2_root_jw(struct c2_jw *w, const struct c2_root *root);
/** "http" and, of TLS, "tls", inside an object. */
void c2_root_place_jw(struct c2_jw *w, const struct c2_root *root);
/** A root out of such an object; false: it is none, or too long. Python servers do not say where their roots
 * are: `http` is "" then, and `python` is set. */
bool c2_root_of_json(struct c2_str name, struct c2_jval value, struct c2_root *out);
struct c2_event {
    struct c2_str topic; /* root name, or "@new" */
    struct c2_str data;  /* compact JSON as published: {"path":P,"metadata":{...}}, {"path":P}, or a Root */
    int64_t seq; /* numbered by our broker per root, from 1; 0 when the broker does not number (Python) */
    struct c2_str epoch;  /* changes when numbering starts anew; "" when not numbered */
    struct c2_blob *blob; /* of data, from a hub: who keeps it takes a reference; else NULL */
};

struct c2_bus;
struct c2_bus_subscription;
/* One follower of a topic. */
struct c2_bus_listener {
    void (*event)(void *ctx, const struct c2_event *event);
    /* The stream has a gap (connected for the first time, reconnected to a broker that cannot resume, log too
     * short): the follower must list everything again. Also called once after subscribing. */
    void (*resync)(void *ctx);
    void *ctx;
};
/* Where a follower left off; lets our broker resume. epoch "" = from now on (and resync() is called). */
struct c2_bus_position {
    char epoch[40];
    int64_t seq;
};
/* err NULL: done. Called a moment after what was asked for; at once where there is no memory for that. */
typedef void c2_bus_done(void *ctx, const struct cat2_error *err);
/* Each root is followed by those who mirror it: of the same name, with `mirror`. */
typedef void c2_bus_roots_done(void *ctx, const struct c2_root *roots, size_t n,
                               const struct cat2_error *err);

/* What a subscriber answers for, beside the publishers. */
struct c2_mirroring {
    const struct c2_root *place; /* where it answers; its name says nothing */
    struct c2_str roots;         /* a JSON array of their names; an empty one: it leaves */
    const char *token;           /* of its own: 32 hexadecimal digits, the same ones each time */
};

struct c2_bus_ops {
    /* Registry. register: also keeps it registered — whenever the broker is back and does not know the root,
     * it is told again — and claimed by token, 32 hexadecimal digits. done: each time until the broker has
     * taken it. An error with http_status 409 says that the name belongs to somebody else who lives.
     * unregister removes it (DELETE). */
    void (*register_root)(struct c2_bus *bus, const struct c2_root *root, const char *token,
                          c2_bus_done *done, void *ctx);
    void (*unregister_root)(struct c2_bus *bus, const char *name, c2_bus_done *done, void *ctx);
    void (*roots)(struct c2_bus *bus, c2_bus_roots_done *done, void *ctx);
    /* done(NULL) once the broker took it: the publisher may then forget the change. Fails at once while
     * disconnected. */
    void (*publish)(struct c2_bus *bus, const char *topic, struct c2_str data, c2_bus_done *done, void *ctx);
    struct c2_bus_subscription *(*subscribe)(struct c2_bus *bus, const char *topic,
                                             const struct c2_bus_position *from,
                                             const struct c2_bus_listener *listener);
    void (*unsubscribe)(struct c2_bus_subscription *subscription);
    bool (*connected)(const struct c2_bus *bus);
    /* Is the broker on this machine? While that is not known: no. */
    bool (*here)(const struct c2_bus *bus);
    /* fn(ctx) whenever connected() turned true. One watcher per bus user is enough: several may be added.
     * false: out of memory. */
    bool (*on_connect)(struct c2_bus *bus, void (*fn)(void *ctx), void *ctx);
    /* Who publishes and was not told yet is told now; who asked for anything else is not told any more. */
    void (*free)(struct c2_bus *bus);
    /* Tell what is mirrored, in place of what was told before; it counts for C2_HUB_LEASE_MS (bus/hub.h).
     * NULL: this bus keeps no mirrors. */
    void (*mirror)(struct c2_bus *bus, const struct c2_mirroring *mirroring, c2_bus_done *done, void *ctx);
    /* Which of several places is connected, or is tried next: its index. NULL: there is one only. */
    int (*at)(const struct c2_bus *bus);
    /* This place, one of several, is of no use until it is said otherwise. It is left, unless all are. NULL:
     * there is one only. */
    void (*avoid)(struct c2_bus *bus, int at, bool avoid);
};
/* A publisher in this process, which can tell of changes before their events come. */
struct c2_bus_looker {
    struct c2_bus_looker *next;
    const char *root;
    /* Has something at this path, above or beneath it changed of which no event has told yet? It looks, and
     * says so only for as long as it is worth waiting for. */
    bool (*unsettled)(void *ctx, struct c2_str path);
    void *ctx;
};
struct c2_bus {
    const struct c2_bus_ops *ops; /* first member of the implementations */
    struct c2_bus_looker *lookers;
};
/** The looker is the caller's, and stays until it is removed. */
void c2_bus_add_looker(struct c2_bus *bus, struct c2_bus_looker *looker);
void c2_bus_remove_looker(struct c2_bus *bus, struct c2_bus_looker *looker);
/** Of the publisher of this root, where it is in this process; NULL: elsewhere. */
const struct c2_bus_looker *c2_bus_looker_of(const struct c2_bus *bus, const char *root);

#endif
