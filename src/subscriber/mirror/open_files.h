/* SPDX-License-Identifier: BSD-3-Clause */
/* Cache files that are open, no more than may be. */
#ifndef C2_SUBSCRIBER_MIRROR_OPEN_FILES_H
#define C2_SUBSCRIBER_MIRROR_OPEN_FILES_H

#include "subscriber/mirror/mirror.h"

/** The dataset's file is open now; takes cf. */
void c2_ds_set_file(struct c2_ds *ds, struct c2_cachefile *cf);
/** Somebody wants it, now. */
void c2_ds_used(struct c2_ds *ds);
/** Close those in memory that nobody uses; how many are left. */
int c2_sub_close_idle_in_memory(struct c2_subscriber *sub);
void c2_ds_close_file(struct c2_ds *ds);
/** fn, at once or later, when another cache file may be opened, which is then counted as being prepared.
 * @errors CAT2_ENOMEM all are in use, for long. */
void c2_sub_when_room(struct c2_subscriber *sub, void (*fn)(void *ctx, const struct cat2_error *err),
                      void *ctx);
/** Stopping: those who wait are told. */
void c2_sub_room_stop(struct c2_subscriber *sub);
int c2_sub_files_max(const struct c2_subscriber *sub);

#endif
