/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the publisher share. */
#ifndef C2_PUBLISHER_PUBLISHER_IMPL_H
#define C2_PUBLISHER_PUBLISHER_IMPL_H

#include "publisher/catalog.h"
#include "publisher/publisher.h"

#define C2_PUBLISHING_MAX    8 /* announcements on their way to the bus */
#define C2_ANNOUNCE_RETRY_MS 1000

struct c2_publisher {
    struct c2_publisher_parts parts;
    struct c2_catalog *catalog;
    char *name;
    struct c2_announcement *announcing; /* on their way: they outlive us */
    struct c2_timer *timer;
    size_t nannouncing;
    size_t nannounced;
    bool announce_soon, stopped, walked;
};

extern const struct c2_route c2_publisher_routes[];
extern const size_t c2_publisher_nroutes;

/* Handlers, state = publisher. */
c2_handler c2_publisher_download, c2_publisher_frame, c2_publisher_list_full;
c2_handler c2_publisher_attrs, c2_publisher_root_attrs;
/** The line of a full listing for a dataset, without its end: what is known of it, or why it cannot be
 * served. */
bool c2_publisher_line(const struct c2_entry *entry, const struct cat2_error *failure, struct c2_buf *out);

/** The path of a request, normalised as Python's; NULL: answered already. */
const char *c2_publisher_path(struct c2_request *req);
/** Generation headers of entry or item; false: If-Match does not hold, answered 412. */
bool c2_publisher_generation(struct c2_request *req, const struct c2_generation *gen);
/** Quoted strong validator for standard HTTP, in the request's arena. */
const char *c2_publisher_strong_etag(struct c2_request *req, const struct c2_generation *gen);

/* Announcer. */
bool c2_announcer_start(struct c2_publisher *pub, const char *http, struct cat2_error *err);
void c2_announcer_stop(struct c2_publisher *pub);

#endif
