/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of reading share. */
#ifndef C2_SUBSCRIBER_FETCH_READ_IMPL_H
#define C2_SUBSCRIBER_FETCH_READ_IMPL_H

#include "subscriber/fetch/read.h"

/** Fill wants with what is missing and not under way; others tells of the rest. */
bool c2_read_look(struct c2_read *r, struct cat2_error *err);
void c2_read_drop_wants(struct c2_read *r);
bool c2_read_note(void *read, const struct c2_chunk_span *span);
bool c2_ds_is_flying(const struct c2_ds *ds, int64_t nchunk);
#define C2_WANTS_MAX 65536 /* chunks asked for in one go */

#endif
