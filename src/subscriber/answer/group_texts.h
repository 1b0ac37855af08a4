/* SPDX-License-Identifier: BSD-3-Clause */
/* Attributes of the groups of a root, for searches. They are kept in memory, and asked for again by the first
 * search after ten seconds: their publisher does not say when they change. Loop thread; what is given may be
 * read by any. */
#ifndef C2_SUBSCRIBER_ANSWER_GROUP_TEXTS_H
#define C2_SUBSCRIBER_ANSWER_GROUP_TEXTS_H

#include "subscriber/mirror/mirror.h"

#define C2_SEARCHED_GROUPS_MAX 512 /* of one root: their publisher is asked for each, eight at a time */

struct c2_group_text {
    char *path; /* "" the root */
    struct c2_buf json;
};
struct c2_group_texts {
    int refs;
    uint64_t serial;         /* of this root */
    struct c2_group_text *p; /* sorted as the list is: a group before what is in it */
    size_t n;
    size_t left; /* groups whose attributes are not here: too many, or the publisher does not tell */
};

/** Call fn, at once or soon, when what there is may be had by c2_group_texts_now(). What is there of the same
 * list is given at once, and asked for again meanwhile if it is old. Groups that are not told of within
 * C2_GROUPS_PATIENCE_MS are left, and searched by a later call. */
#define C2_GROUPS_PATIENCE_MS 1500
typedef void c2_group_texts_fn(void *ctx);
void c2_group_texts_ask(struct c2_root_state *root, c2_group_texts_fn *fn, void *ctx);
/** What is there, borrowed; or NULL. *left: how many groups are not searched. */
struct c2_group_texts *c2_group_texts_now(const struct c2_root_state *root, size_t *left);
struct c2_group_texts *c2_group_texts_ref(struct c2_group_texts *texts); /* NULL is fine */
void c2_group_texts_unref(struct c2_group_texts *texts);                 /* the same */
/** Is this group in the folder (its path with a '/' at the end, "" for all), or the folder itself, and do its
 * attributes hold the text? */
bool c2_group_is_found(const struct c2_group_text *group, struct c2_str dir, struct c2_str text);
/** The root is going. */
void c2_group_texts_drop(struct c2_root_state *root);

#endif
