/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the publisher share. */
#ifndef C2_PUBLISHER_PUBLISHER_IMPL_H
#define C2_PUBLISHER_PUBLISHER_IMPL_H

#include "publisher/catalog.h"
#include "publisher/generations/generations.h"
#include "publisher/publisher.h"

#define C2_PUBLISHING_MAX    8    /* announcements on their way to the bus */
#define C2_ANNOUNCE_RETRY_MS 1000 /* as often as a broker that was started again is looked for */

#define C2_NOTES_MAX 64 /* paths; of more changes at a time the whole root is noted */
/* Something that has changed, and is not announced yet as far as is known. */
struct c2_change_note {
    char *path;                  /* "": the whole root */
    int64_t since_ms, judged_ms; /* judged_ms: when it was seen last that it has not settled; 0: not yet */
    int nnudged;
};
struct c2_publisher {
    struct c2_publisher_parts parts;
    struct c2_catalog *catalog;
    char *name;
    struct c2_announcement *announcing; /* on their way: they outlive us */
    struct c2_timer *timer, *poll_timer, *save_timer, *tender;
    struct c2_gens *gens;
    struct c2_source *source; /* the catalog's */
    int64_t poll_ms, polled_at;
    void (*refused)(void *ctx, const struct cat2_error *err);
    void (*answered)(void *ctx); /* NULL: told already */
    void *refused_ctx;
    const char *deaf; /* why events do not tell of every change; NULL: they do */
    size_t npolls;
    size_t nannouncing;
    size_t nannounced;
    bool announce_soon, stopped, walked;
    int dirfd; /* of the state, for its metrics; -1: none */
    struct c2_bus_looker looker;
    struct c2_change_note notes[C2_NOTES_MAX];
    size_t nnotes;
    bool hearing;    /* what is told of is heard ahead of time */
    bool direct;     /* subscribers are told where the store has a frame */
    bool registered; /* the broker has taken the root, once at least */
};

extern const struct c2_route c2_publisher_routes[];
extern const size_t c2_publisher_nroutes;

/* Handlers, state = publisher. */
c2_handler c2_publisher_download, c2_publisher_frame, c2_publisher_list_full;
c2_handler c2_publisher_direct;
c2_handler c2_publisher_attrs, c2_publisher_root_attrs;
/** Answer with the frame of item, or ranges of it; content says the rest. */
void c2_publisher_reply_frame(struct c2_request *req, struct c2_pool *pool, struct c2_item *item,
                              struct c2_content content);
/** The line of a full listing for a dataset, without its end: what is known of it, or why it cannot be
 * served. */
bool c2_publisher_line(struct c2_entry *entry, const struct cat2_error *failure, struct c2_buf *out);

/** The path of a request, normalised as Python's; NULL: answered already. */
const char *c2_publisher_path(struct c2_request *req);
/** The error of a dataset as an answer. */
void c2_publisher_refuse(struct c2_request *req, const struct cat2_error *err);
/** Generation headers of entry or item; false: If-Match does not hold, answered 412. */
bool c2_publisher_generation(struct c2_request *req, const struct c2_generation *gen);
/** The etag, and the strong validator for standard HTTP: quoted, in the request's arena. */
const char *c2_publisher_etag(struct c2_request *req, const struct c2_generation *gen);
const char *c2_publisher_strong_etag(struct c2_request *req, const struct c2_generation *gen);

/** Write generations that changed to the state, as many as one turn of the loop has time for. */
bool c2_publisher_save(struct c2_publisher *pub, bool *more, struct cat2_error *err);

/* poll.c: looks at everything that no event calls for. */
void c2_poll_start(struct c2_publisher *pub, int64_t poll_ms);
void c2_poll_stop(struct c2_publisher *pub);

/* look_ahead.c: changes are looked at when somebody asks, ahead of their events. */
void c2_look_start(struct c2_publisher *pub);
void c2_look_stop(struct c2_publisher *pub);
/** Something at this path has changed (NULL: anything): it is looked at. */
void c2_look_note(struct c2_publisher *pub, const char *rel);

/* Announcer. */
/** Is it to be announced? */
bool c2_announcer_owes(const struct c2_entry *entry);
bool c2_announcer_start(struct c2_publisher *pub, const struct c2_publisher_options *options,
                        struct cat2_error *err);
void c2_announcer_stop(struct c2_publisher *pub);

#endif
