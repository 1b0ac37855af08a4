/* SPDX-License-Identifier: BSD-3-Clause */
/* Selections of /api/fetch that are no slices: items at coordinates, rows that a filter leaves, a field.
 * Their answer is the frame of a new array. */
#ifndef C2_SUBSCRIBER_API_FETCH_KINDS_H
#define C2_SUBSCRIBER_API_FETCH_KINDS_H

#include "subscriber/answer/view.h"

extern const struct c2_view_type c2_indices_view, c2_filter_view, c2_field_view;

/* ---- ctable.c ---- */
extern const struct c2_view_type c2_ctable_view;
/** The rows that a request for ds asks for as a table of Blosc2, by the name of the store or by that which it
 * has there; NULL: it does not. */
struct c2_ds *c2_ctable_asked(struct c2_request *req, struct c2_ds *ds);
/** The rows as an array, where ds is a store that is nothing but a table and the request is for some of its
 * columns or rows by what is in them; else ds. */
struct c2_ds *c2_ctable_rows(struct c2_request *req, struct c2_ds *ds);
/** The info of it, in place of that of ds, or of what else is at its path. */
bool c2_ctable_info(struct c2_ds *ds, const struct c2_ds *rows, struct c2_buf *out, struct cat2_error *err);

#define C2_FETCH_BODY_MAX (9 << 20) /* of a posted fetch: a million coordinates */
#define C2_FETCH_IN_BODY  "body"    /* the value of indices that stand in the request's body */
#define C2_PICKED_HEAVY                                                                                      \
    (32 << 20) /* bytes of coordinates or rows, of which one request is made at a time                       \
                */

/** The text of a posted fetch. */
static inline struct c2_str c2_fetch_body(const struct c2_request *req)
{
    struct c2_bytes body = c2_request_body(req);

    return (struct c2_str){(const char *)body.p, body.n};
}

/** Parse: may `name` be asked for beside what else the request has? One parameter, or "slice" for slice_ and
 * at, is allowed; and no format but b2nd. */
bool c2_fetch_goes_with(const struct c2_view *view, const char *name, const char *allowed,
                        struct cat2_error *err);
/** Heads of all of them. */
bool c2_made_heads(struct c2_view *view, struct cat2_error *err);
/** Run: the frame of what is made, nbytes of items, in the view's spool or out. */
bool c2_made_put(struct c2_view *view, const struct c2_reading *reading, const struct c2_made *made,
                 struct c2_buf *out, struct cat2_error *err);
/** The same of items that are picked; and what of the dataset they need, false: nothing. */
bool c2_picked_put(struct c2_view *view, const struct c2_reading *reading, const struct c2_pick *pick,
                   struct c2_buf *out, struct cat2_error *err);
bool c2_picked_bound(const struct c2_pick *pick, struct c2_bound *out);

#endif
