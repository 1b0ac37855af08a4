/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the views share. */
#ifndef C2_SUBSCRIBER_ANSWER_VIEW_IMPL_H
#define C2_SUBSCRIBER_ANSWER_VIEW_IMPL_H

#include "subscriber/answer/view.h"

void c2_view_free(struct c2_view *view);
/** Answer with why it cannot be made. */
void c2_view_refuse(struct c2_view *view, const struct cat2_error *err);
/** What heads() has to say; then onto the reply that follows, with the ETag. */
bool c2_view_make_heads(struct c2_view *view, struct cat2_error *err);
void c2_view_say_heads(struct c2_view *view);
/** Lines "Name: value" as headers of the reply that follows; that of the content type is given back. */
void c2_view_say_lines(struct c2_request *req, const char *heads, const char **content_type);
/** The pieces of part i; bound: its place. */
struct c2_pieces c2_view_pieces(struct c2_view *view, int64_t i, struct c2_bound *bound);

/** Make the parts a few ahead of the socket, and send them. Takes the view. */
void c2_view_send_parts(struct c2_view *view);

#endif
