/* SPDX-License-Identifier: BSD-3-Clause */
/* The life of a root, and where its datasets are found. Loop thread. */
#ifndef C2_SUBSCRIBER_MIRROR_ROOT_H
#define C2_SUBSCRIBER_MIRROR_ROOT_H

#include "subscriber/mirror/mirror.h"

enum c2_root_event {
    C2_ROOT_ON_FOLLOW,   /* somebody wants it to be followed */
    C2_ROOT_ON_RESTORED, /* its list of an earlier run has been read */
    C2_ROOT_ON_LISTED,   /* a listing has been taken over */
    C2_ROOT_ON_FAILED,   /* a listing has failed */
    C2_ROOT_ON_NOT_YET,  /* the publisher answers, but makes its own first list still */
    C2_ROOT_ON_LEAVE     /* it is to be followed no more */
};
/** Move on. What cannot happen in the life it is in is a bug of ours: asserted. */
void c2_root_event(struct c2_root_state *root, enum c2_root_event event);

bool c2_root_is_followed(const struct c2_root_state *root);
/** There is a list of it, perhaps an old one. */
bool c2_root_is_listed(const struct c2_root_state *root);
/** How many datasets it shows. */
static inline size_t c2_root_ndatasets(const struct c2_root_state *root)
{
    return root->n - root->nattrs;
}
/** The last listing failed. */
bool c2_root_is_unreached(const struct c2_root_state *root);

struct c2_root_state *c2_sub_root(struct c2_subscriber *sub, struct c2_str name); /* NULL when none */
/** The same for who sent the request: a root that it does not see is not there. */
struct c2_root_state *c2_sub_root_of(struct c2_request *req, struct c2_subscriber *sub, struct c2_str name);
/** This root, or the first one after it, that the request's sender sees. */
struct c2_root_state *c2_sub_seen(struct c2_request *req, struct c2_root_state *root);
/** May the request make us follow it? Also when it is followed, or NULL. @errors http_status 403. */
bool c2_sub_may_follow(struct c2_request *req, const struct c2_root_state *root, struct cat2_error *err);
/** Index of the first dataset whose path does not sort before `path`; root->n when there is none. */
size_t c2_sub_lower(const struct c2_root_state *root, struct c2_str path);
struct c2_ds *c2_sub_find(struct c2_root_state *root, struct c2_str path); /* borrowed, NULL when none */

#endif
