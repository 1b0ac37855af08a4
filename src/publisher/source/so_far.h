/* SPDX-License-Identifier: BSD-3-Clause */
/* Names that a source has found so far, while it is looked at for the first time: for those who cannot wait
 * for its list. They come in the order in which they are found, a name may come twice, and datasets may turn
 * out not to be there: it is no list. Counted; any thread. */
#ifndef C2_PUBLISHER_SOURCE_SO_FAR_H
#define C2_PUBLISHER_SOURCE_SO_FAR_H

#include "wire/json.h"

struct c2_so_far;
/** refs 1. Of more than max bytes of names the rest is not kept. NULL: out of memory. */
struct c2_so_far *c2_so_far_new(size_t max);
struct c2_so_far *c2_so_far_ref(struct c2_so_far *so_far);
void c2_so_far_unref(struct c2_so_far *so_far); /* NULL is fine */
/** Found: PREFIX/PATH, or PATH where there is no prefix (NULL). NULL so_far is fine. */
void c2_so_far_add(struct c2_so_far *so_far, const char *prefix, const char *path);
/** There is a list: names are forgotten, and none is kept any more. */
void c2_so_far_end(struct c2_so_far *so_far);
/** Write names from *at on (0: from the first) as strings of a JSON array, up to about max bytes; *at is
 * moved behind them. @return how many. */
size_t c2_so_far_put(struct c2_so_far *so_far, size_t *at, size_t max, struct c2_jw *out);

#endif
