/* SPDX-License-Identifier: BSD-3-Clause */
/* Following roots: their lists, and who waits for these. */
#ifndef C2_SUBSCRIBER_MIRROR_FOLLOW_H
#define C2_SUBSCRIBER_MIRROR_FOLLOW_H

#include "subscriber/mirror/mirror.h"

#define C2_FOLLOW_LEFT "the root is not followed any more"

/** Follow it from now on, also after a restart. false: it is followed already. */
bool c2_follow_begin(struct c2_root_state *root);
/** List the root now, or again after the listing under way; nothing when it is not followed. */
void c2_sub_follow(struct c2_root_state *root);
/** The same in a while. */
void c2_follow_later(struct c2_root_state *root, int64_t ms);
/** Hear no events of it any more, end what is under way. Who waits for it is told by c2_sub_tell_waiters().
 */
void c2_follow_stop(struct c2_root_state *root);
/** c2_follow_stop(), and who waits is told why. */
void c2_follow_cancel(struct c2_root_state *root, const char *why);
/** The listing under way is of no use. */
void c2_follow_drop(struct c2_root_state *root);

/* ---- follow_python.c ---- */
/** The etag of a Python publisher's answer, without the quotes that servers of today have. Borrowed. */
struct c2_str c2_follow_etag(const struct c2_http_reply *reply);
/** The dataset that a Python publisher's answer to /api/info tells of; with an error where it tells of none.
 * within: it is in a file of datasets, where names have no suffix. @errors CAT2_ENOMEM; CAT2_EDATA its name
 * is of no use with its suffix. */
bool c2_follow_ds_of_info(struct c2_root_state *root, const char *path, bool within,
                          struct c2_http_reply *reply, struct c2_ds **out, struct cat2_error *err);
/** Is what it tells perhaps damage? An error without a hash is believed when it comes twice, also if the
 * first time is long ago. *told: as for c2_hash_again(). */
bool c2_follow_is_doubtful(struct c2_root_state *root, const struct c2_ds *ds,
                           const struct c2_http_reply *reply, uint64_t *told);

/** Subscribe if need be; fn once the root has been listed, or cannot be. @errors status 503: it is being
 * listed, for long. */
void c2_sub_when_listed(struct c2_root_state *root, void (*fn)(void *ctx, const struct cat2_error *err),
                        void *ctx);
/** The same for who has used it: a root that has been left meanwhile stays left, and fn is told so. */
void c2_sub_when_listed_again(struct c2_root_state *root, void (*fn)(void *ctx, const struct cat2_error *err),
                              void *ctx);
/** The same for who wants something of it: at once when the root has been listed before, or there is none
 * (NULL); else within some seconds. */
void c2_sub_when_known(struct c2_root_state *root, void (*fn)(void *ctx, const struct cat2_error *err),
                       void *ctx);
void c2_sub_when_known_within(struct c2_root_state *root, int64_t ms,
                              void (*fn)(void *ctx, const struct cat2_error *err), void *ctx);
/* ---- waiters.c ---- */
/** fn when the root's waiters are told, or after `ms`, with an error of status 503. */
void c2_waiters_add(struct c2_root_state *root, int64_t ms,
                    void (*fn)(void *ctx, const struct cat2_error *err), void *ctx);
void c2_sub_tell_waiters(struct c2_root_state *root, const struct cat2_error *err);

/* ---- early.c ---- */
/** fn(ctx, NULL) when this dataset is known, or is not there: where it is not in the list, its publisher is
 * asked. One that cannot tell of one dataset is waited for as by c2_sub_when_known(). */
void c2_sub_when_found(struct c2_root_state *root, struct c2_str path,
                       void (*fn)(void *ctx, const struct cat2_error *err), void *ctx);

/* ---- watch_roots.c ---- */
/** Know the roots of the broker from now on, and follow those that were followed. */
bool c2_sub_watch_roots(struct c2_subscriber *sub, struct cat2_error *err);

/* ---- leave.c ---- */
/** Follow the root no more, forget its datasets and what is cached of them. */
bool c2_sub_leave(struct c2_root_state *root, struct cat2_error *err);
/** Remove what was left aside, in the background. */
void c2_sub_clear_aside(struct c2_subscriber *sub);

#endif
