/* SPDX-License-Identifier: BSD-3-Clause */
/* Recursive inotify on a directory tree, batched: called 50 ms after the last event, at most 1.6 s after the
 * first. If a directory cannot be watched, this is no failure: the watch is then incomplete. */
#ifndef C2_NET_WATCH_H
#define C2_NET_WATCH_H

#include "net/loop.h"

struct c2_watch;
/** changed(ctx, rel): a path beneath the directory was made, written, moved, touched or removed (files and
 * directories); rel NULL: events were lost or a directory changed wholesale, look at everything. */
typedef void c2_watch_fn(void *ctx, const char *rel);
bool c2_watch_new(struct c2_loop *loop, const char *dir, c2_watch_fn *changed, void *ctx,
                  struct c2_watch **out, struct cat2_error *err);
/** The same for the entries of one directory: nothing below is watched. */
bool c2_watch_flat_new(struct c2_loop *loop, const char *dir, c2_watch_fn *changed, void *ctx,
                       struct c2_watch **out, struct cat2_error *err);
/** Is every directory watched? If not, *why says what is missing. */
bool c2_watch_is_complete(const struct c2_watch *watch, const char **why);
/** Tell now what has happened until now: an event is there when the call that caused it returns. */
void c2_watch_hear(struct c2_watch *watch);
void c2_watch_free(struct c2_watch *watch);

#endif
