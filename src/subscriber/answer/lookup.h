/* SPDX-License-Identifier: BSD-3-Clause */
/* From the path of a request to its dataset; and its addresses. */
#ifndef C2_SUBSCRIBER_ANSWER_LOOKUP_H
#define C2_SUBSCRIBER_ANSWER_LOOKUP_H

#include "subscriber/mirror/mirror.h"
#include "wire/json.h"

/** Resolve {path*} to a dataset, following its root first when it is known; then fn(req, ds, arg) or the
 * request is answered. b2: a plain file must be asked for as PATH.b2. */
typedef void c2_dataset_handler(struct c2_request *req, struct c2_ds *ds);
void c2_sub_with_dataset(struct c2_request *req, struct c2_subscriber *sub, bool b2, c2_dataset_handler *fn);
/** The same, also of a dataset that cannot be served but whose metadata is known. */
void c2_sub_with_known(struct c2_request *req, struct c2_subscriber *sub, c2_dataset_handler *fn);
/** Answer that pieces of ds cannot be had; but when the dataset has just changed at its publisher, look at
 * the root again and begin anew with fn and the new generation. */
void c2_sub_answer_error(struct c2_request *req, struct c2_ds *ds, const struct cat2_error *err, bool b2,
                         c2_dataset_handler *fn);

/** The dataset's URL under /files/, as JSON. */
void c2_sub_reply_url(struct c2_request *req, struct c2_ds *ds);
/** SCHEME BASE ROUTE PATH, percent-encoded, as a JSON string. */
void c2_sub_put_url(struct c2_jw *w, const char *scheme, const char *base, const char *route,
                    struct c2_str path);
/** All values of a name in the query, decoded; how many were written. */
size_t c2_sub_queries(struct c2_request *req, const char *name, struct c2_str *out, size_t max);

#endif
