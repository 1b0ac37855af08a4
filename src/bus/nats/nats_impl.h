/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the bus on NATS share. All of it is the loop's. */
#ifndef C2_BUS_NATS_NATS_IMPL_H
#define C2_BUS_NATS_NATS_IMPL_H

#include "base/limits.h"
#include "base/texts.h"
#include "bus/nats/nats.h"
#include "bus/nats/nats_link.h"
#include "wire/json.h"

#define C2_NATS_AGAIN_MS                                                                                     \
    2000 /* after something failed while the servers are there: an election takes as long */
#define C2_NATS_CALLS_MAX 1024 /* requests without an answer yet: a publisher has 64 */
#define C2_NATS_SUBJECT_MAX                                                                                  \
    (C2_NATS_TOKEN_MAX + 120) /* bytes of a subject: the longest token, and what is before it */

struct c2_nats;
/* err NULL: json is the answer. Else code is JetStream's err_code, 0 without. */
typedef void c2_nats_answered(void *ctx, struct c2_jval json, int64_t code, const struct cat2_error *err);
enum c2_nats_codes { /* err_code of JetStream */
                     C2_NATS_NO_STREAM = 10059,
                     C2_NATS_STREAM_EXISTS = 10058,
                     C2_NATS_NO_MESSAGE = 10037,
                     C2_NATS_WRONG_LAST = 10071, /* the revision is not that */
                     C2_NATS_NO_REPLICAS = 10074 /* a server without a cluster */
};

struct c2_nats_subscription {
    struct c2_nats_subscription *next;
    struct c2_nats *n;
    char topic[256];
    struct c2_bus_position at;
    struct c2_bus_listener listener;
    bool gone, fresh; /* fresh: resync() is still to be called */
};
struct c2_nats_call {
    struct c2_nats_call *next;
    struct c2_nats *n;
    uint64_t id;
    c2_nats_answered *done;
    void *ctx;
    struct c2_timer *timer;
};
/* Messages of a stream in order, none left out: an ephemeral consumer, made anew where they break off. */
struct c2_nats_feed {
    struct c2_nats *n;
    const char *name; /* "e" events, "r" registry, "m" mirrors: of the subject to which signs of life come */
    const char *stream; /* borrowed */
    enum c2_nats_ears ear;
    char filter[C2_NATS_DEPLOYMENT_MAX + 60]; /* of a bucket, of which every making begins with all that is
                                                 there; "": all of the stream, from where it was */
    bool asked, active;
    unsigned generation;
    int64_t at;   /* number in the stream of the last message */
    int64_t cseq; /* in the consumer */
    int64_t heard_ms;
    char consumer[64]; /* its name, which is ours; "": none was made */
    struct c2_timer *timer;
    void (*begin)(struct c2_nats *n);                /* its first message will come */
    void (*begun)(struct c2_nats *n, int64_t total); /* so many were there */
    void (*message)(struct c2_nats *n, const struct c2_nats_message *m,
                    const struct c2_nats_delivery *delivery);
};
/* What the registry says of a name. */
struct c2_nats_entry {
    struct c2_nats_entry *next;
    struct c2_root root;
    char owner[C2_DIGEST_MAX];
    int64_t revision;
    bool gone; /* it was removed, and the revision is that of the mark */
};
struct c2_nats_registration {
    struct c2_nats_registration *next;
    struct c2_nats *n;
    struct c2_root root;
    char owner[C2_DIGEST_MAX];
    c2_bus_done *done; /* until the root is registered */
    void *ctx;
    bool owned, asking;
    bool gone;          /* unregister_root() was called: freed when nothing is asked */
    int64_t lease_seen; /* revision of the sign of life of another owner, 0: none was seen */
    int64_t lease_last; /* of ours; 0: none yet */
    struct c2_timer *timer;
};
/* Another subscriber that answers for roots. */
struct c2_nats_mirror {
    struct c2_nats_mirror *next;
    struct c2_root place;
    char owner[C2_DIGEST_MAX];
    int64_t revision, seen_ms;
    struct c2_texts names; /* sorted */
};
/* What this process answers for. */
struct c2_nats_told {
    char subject[C2_NATS_SUBJECT_MAX]; /* "": nothing was told yet */
    struct c2_root place;
    char owner[C2_DIGEST_MAX];
    struct c2_buf body; /* empty: it leaves */
    c2_bus_done *done;  /* until it is answered */
    void *ctx;
    bool waits; /* for what the others are */
    struct cat2_error refusal;
    struct c2_timer *timer, *refusal_timer;
};
/* A question for the roots, answered a moment later. */
struct c2_nats_ask {
    struct c2_nats_ask *next;
    struct c2_nats *n;
    c2_bus_roots_done *done;
    void *ctx;
    struct c2_timer *timer;
};
struct c2_nats_watcher {
    struct c2_nats_watcher *next;
    void (*fn)(void *ctx);
    void *ctx;
};
/* What others publish, which is none of ours. */
struct c2_nats_notices {
    char subject[C2_NATS_NOTICE_MAX]; /* "": none */
    c2_bus_nats_notice *fn;
    void *ctx;
};
struct c2_nats {
    struct c2_bus bus;
    struct c2_nats_notices notices;
    struct c2_loop *loop;
    struct c2_nats_address address;
    struct c2_nats_link *link;
    char creds[4096];
    char stream[C2_NATS_DEPLOYMENT_MAX + 20], registry[C2_NATS_DEPLOYMENT_MAX + 20];
    char lease[C2_NATS_DEPLOYMENT_MAX + 20]; /* names of streams */
    bool linked;                             /* connected */
    bool up;                                 /* and streams and registry are known */
    bool said;                               /* that it is away */
    int64_t up_ms;                           /* since when */
    int64_t lease_ms;
    int step, replicas; /* of setting up */
    struct c2_timer *setup_timer, *fresh_timer;
    uint64_t last_id;
    size_t ncalls;
    struct c2_nats_call *calls;
    struct c2_nats_feed events, entries, mirrors;
    bool lost; /* events were, since subscribers were told */
    char epoch[40];
    uint64_t nconnections, nresyncs;
    struct c2_nats_subscription *subscriptions;
    bool known;                          /* all that the registry has is in roots */
    void (*on_known)(struct c2_nats *n); /* set by nats.c: when that has come about */
    void (*on_entry)(struct c2_nats *n,
                     const struct c2_nats_entry *entry); /* and for each change afterwards */
    struct c2_nats_entry *roots;
    size_t nroots;
    struct c2_nats_registration *registrations;
    struct c2_nats_mirror *mirrored; /* by whom */
    size_t nmirrored;
    bool mirrors_known;
    int64_t mirrors_seq; /* of what is told of them */
    struct c2_timer *mirrors_timer;
    struct c2_nats_told told;
    struct c2_nats_ask *asks;
    struct c2_nats_watcher *watchers;
};

/* ---- nats_call.c ---- */
/** Send a request; done is called exactly once, later, unless this fails. */
bool c2_nats_call(struct c2_nats *n, const char *subject, struct c2_str data, c2_nats_answered *done,
                  void *ctx, struct cat2_error *err);
/** Put a value in a bucket in place of that revision, 0: of none; without data: remove it.
 * C2_NATS_WRONG_LAST: there is another. */
bool c2_nats_replace(struct c2_nats *n, const char *subject, int64_t revision, struct c2_str data,
                     c2_nats_answered *done, void *ctx, struct cat2_error *err);
/** An answer came; false: to none of ours. */
bool c2_nats_answer(struct c2_nats *n, const struct c2_nats_message *m);
void c2_nats_end_calls(struct c2_nats *n, enum cat2_code code);
/** Is a message with so many bytes longer than the servers take? */
bool c2_nats_is_too_long(const struct c2_nats *n, size_t nbytes);
/** Send without an answer. */
void c2_nats_tell(struct c2_nats *n, const char *subject, struct c2_str data);

/* ---- nats_setup.c ---- */
/** The connection is there: find or make the streams, then begin. */
void c2_nats_set_up(struct c2_nats *n);

/* ---- nats_feed.c ---- */
void c2_nats_feed_start(struct c2_nats_feed *feed);
void c2_nats_feed_stop(struct c2_nats_feed *feed);
/** A message of a stream. */
void c2_nats_feed_take(struct c2_nats_feed *feed, const struct c2_nats_message *m,
                       const struct c2_nats_delivery *delivery);
/** A sign of life to INBOX.NAME.GENERATION. */
void c2_nats_feed_hear(struct c2_nats_feed *feed, const struct c2_nats_message *m);

/* ---- nats_registry.c ---- */
void c2_nats_registry_init(struct c2_nats *n);
const struct c2_nats_entry *c2_nats_entry_of(const struct c2_nats *n, const char *name);
void c2_nats_entries_free(struct c2_nats *n);
void c2_nats_roots(struct c2_nats *n, c2_bus_roots_done *done, void *ctx);
void c2_nats_asks_free(struct c2_nats *n);

/* ---- nats_mirrors.c ---- */
void c2_nats_mirrors_init(struct c2_nats *n);
void c2_nats_mirror(struct c2_nats *n, const struct c2_mirroring *mirroring, c2_bus_done *done, void *ctx);
/** The connection is there, or somebody wants to know: read who mirrors, where anybody does want it. */
void c2_nats_want_mirrors(struct c2_nats *n);
/** The connection is not there. */
void c2_nats_mirrors_away(struct c2_nats *n);
void c2_nats_mirrors_free(struct c2_nats *n);

/* ---- nats_owner.c ---- */
void c2_nats_register(struct c2_nats *n, const struct c2_root *root, const char *token, c2_bus_done *done,
                      void *ctx);
void c2_nats_unregister(struct c2_nats *n, const char *name, c2_bus_done *done, void *ctx);
struct c2_nats_registration *c2_nats_registration_of(const struct c2_nats *n, const char *name);
/** See whether the root is still ours, and make it so. */
void c2_nats_claim(struct c2_nats_registration *reg);
void c2_nats_registration_free(struct c2_nats_registration *reg);
/** A token as NATS has it: tokens are also shown to brokers, so nobody is to read them. */
bool c2_nats_hash_token(const char *token, char out[C2_DIGEST_MAX], struct cat2_error *err);
/** Warn where others than this machine look, of an address of this machine alone. */
void c2_nats_check_place(const struct c2_nats *n, const char *what, const char *http);

/* ---- nats_listeners.c ---- */
/** A root is ours from now on, or the connection is there: those who publish go on. */
void c2_nats_tell_watchers(struct c2_nats *n);
void c2_nats_dispatch(struct c2_nats *n, const char *topic, struct c2_str data, int64_t seq);
/** Tell subscribers to list again: all, or only those that never did. */
void c2_nats_resync(struct c2_nats *n, bool fresh_only);
/** Of the events of a root, not of what is told of roots. */
bool c2_nats_is_of_root(const struct c2_nats_subscription *subscription);
/** Free those that are gone, while nobody is being told anything. */
void c2_nats_sweep(struct c2_nats *n);
/** The bucket that is stream KV_BUCKET. */
const char *c2_nats_bucket(const char *stream);
/** $KV.BUCKET.KEY of a name. */
void c2_nats_key(char *out, size_t size, const char *stream, const char *name);

#endif
