/* SPDX-License-Identifier: BSD-3-Clause */
/* From the path of a request to its dataset; and its addresses. */
#ifndef C2_SUBSCRIBER_ANSWER_LOOKUP_H
#define C2_SUBSCRIBER_ANSWER_LOOKUP_H

#include "subscriber/mirror/mirror.h"
#include "wire/json.h"

/* What a path of a root is, once the root is known. For the call. */
struct c2_found {
    struct c2_request *req;
    struct c2_subscriber *sub;
    struct c2_root_state *root; /* NULL: there is none of this name */
    struct c2_str path; /* within the root, without slashes at its end; "" the root; lives as the request */
    bool slash;         /* it had one: the folder is meant, where there is a dataset of the same name */
    struct c2_ds *ds;   /* NULL: it is none */
    bool folder;        /* the root, or a folder of it */
    void *ctx;
};
/** err: why what is there cannot be told, or NULL. */
typedef void c2_found_fn(const struct c2_found *found, const struct cat2_error *err);
#define C2_PAGE_PATIENCE_MS 1500 /* who looks at a page is told after this that the root is being listed */
enum c2_find_wait {
    C2_FIND_DATASET, /* for the dataset, c2_sub_when_found() */
    C2_FIND_LISTED,  /* for the first listing of the root, c2_sub_when_known() */
    C2_FIND_NAMED,   /* for the same; the path is one of the file's names, c2_sub_find_named() */
    C2_FIND_PAGE     /* for the first listing, as long as who looks at a page waits */
};
/** Every face finds what it is asked for here. root, path: in the request's arena, or of its parameters. */
void c2_sub_find_path(struct c2_request *req, struct c2_subscriber *sub, struct c2_str root,
                      struct c2_str path, enum c2_find_wait wait, c2_found_fn *fn, void *ctx);

/** Resolve {path*} to a dataset, following its root first when it is known; then fn(req, ds) or the request
 * is answered. file: where there is a plain file PATH, PATH.b2 is it, too. */
typedef void c2_dataset_handler(struct c2_request *req, struct c2_ds *ds);
void c2_sub_with_dataset(struct c2_request *req, struct c2_subscriber *sub, bool file,
                         c2_dataset_handler *fn);
/** The same, also of a dataset that cannot be served but whose metadata is known; group: of the root or a
 * folder, which is there. */
void c2_sub_with_known(struct c2_request *req, struct c2_subscriber *sub, c2_dataset_handler *fn,
                       void (*group)(const struct c2_found *found));
/** Answer that pieces of ds cannot be had; but when the dataset has just changed at its publisher, look at
 * the root again and handle the request anew, with the new generation. */
void c2_sub_answer_error(struct c2_request *req, struct c2_ds *ds, const struct cat2_error *err);

/** The dataset's URL under /files/, as JSON. */
void c2_sub_reply_url(struct c2_request *req, struct c2_ds *ds);
/** SCHEME BASE ROUTE PATH, percent-encoded, as a JSON string. */
void c2_sub_put_url(struct c2_jw *w, const char *scheme, const char *base, const char *route,
                    struct c2_str path);

#endif
