/* SPDX-License-Identifier: BSD-3-Clause */
/* Attributes of roots and folders. */
#ifndef C2_SUBSCRIBER_ANSWER_FOLDER_ATTRS_H
#define C2_SUBSCRIBER_ANSWER_FOLDER_ATTRS_H

#include "subscriber/mirror/mirror.h"

/** Attributes of a root or a folder, ROOT/PATH. fn is called once, at once or later: with a JSON object that
 * is borrowed, or with why there is none: CAT2_ENOTFOUND, it has none. */
typedef void c2_attrs_fn(void *ctx, struct c2_str json, const struct cat2_error *err);
void c2_sub_attrs(struct c2_subscriber *sub, struct c2_str whole, c2_attrs_fn *fn, void *ctx);

/** Reply to a request with them. */
void c2_sub_reply_attrs(struct c2_request *req, struct c2_subscriber *sub, struct c2_str whole);

/* Of several folders of one root, asked for a few at a time. */
struct c2_attrs_batch;
struct c2_folder_attrs {
    struct c2_str path; /* within the root; borrowed until the batch is done */
    struct c2_buf json; /* empty: it has none, or they cannot be had now */
    bool failed;        /* the latter */
    struct c2_attrs_batch *batch;
};
struct c2_attrs_batch {
    struct c2_subscriber *sub;
    const char *root;
    struct c2_folder_attrs *folders; /* malloc'd */
    size_t n;
    size_t next, asked; /* the first that was not asked for yet; those that are waited for */
    bool asking;
    void (*done)(void *ctx); /* called once, at once or later */
    void *ctx;
};
void c2_sub_attrs_batch(struct c2_attrs_batch *batch);
void c2_sub_attrs_batch_fini(struct c2_attrs_batch *batch);
/** Is it worth asking for the attributes of this folder? Of what is not in an HDF5 file, nor made of one, a
 * publisher of ours has none. */
bool c2_sub_may_have_attrs(struct c2_root_state *root, struct c2_str path);

#endif
