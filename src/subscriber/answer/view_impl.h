/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the views share. */
#ifndef C2_SUBSCRIBER_ANSWER_VIEW_IMPL_H
#define C2_SUBSCRIBER_ANSWER_VIEW_IMPL_H

#include "subscriber/answer/view.h"

/* ---- view_end.c ---- */
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

/* ---- view_reply.c ---- */
bool c2_view_reply_remembered(struct c2_request *req, struct c2_ds *ds, const struct c2_buf *key);
/** The answer that was made, to whom it was made for and to all who asked for the same. They stay. */
void c2_view_reply(struct c2_view *view);

/* ---- view_line.c ---- */
enum c2_line_place { C2_LINE_BEGIN, C2_LINE_WAIT, C2_LINE_FULL };
/** WAIT: begin() is called when there is a place. */
enum c2_line_place c2_line_enter(struct c2_view *view, void (*begin)(struct c2_view *view));
/** It does not wait any more. */
void c2_line_leave(struct c2_view *view);
/** What had a place, if it had one, has ended: others begin, as many as there are places for. */
void c2_line_give_place(struct c2_views *views, const struct c2_line_ticket *ticket);

/* ---- view_parts.c ---- */
/** Make the parts a few ahead of the socket, and send them. Takes the view. */
void c2_view_send_parts(struct c2_view *view);

#endif
