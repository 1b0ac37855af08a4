/* SPDX-License-Identifier: BSD-3-Clause */
/* A large read from several sources at once: each gets what it is likely to send first, by the rate that was
 * measured. Loop thread. docs/decisions/0026-suppliers.md. */
#ifndef C2_SUBSCRIBER_MIRROR_SHARES_H
#define C2_SUBSCRIBER_MIRROR_SHARES_H

#include "subscriber/mirror/suppliers.h"

/** Are there two sources or more that are well, equally near, and not left by the turn? */
bool c2_shares_are_several(const struct c2_root_state *root, const struct c2_turn *turn);
/** One of them is to send about nbytes: its key, which c2_share_end() takes. 0: there are none. */
uint64_t c2_share_begin(struct c2_root_state *root, const struct c2_turn *turn, int64_t nbytes);
/** Bytes came. */
void c2_share_got(struct c2_root_state *root, uint64_t at, size_t n);
/** The request of c2_share_begin() is over. */
void c2_share_end(struct c2_root_state *root, uint64_t at, int64_t nbytes);
/** A request to the source has brought nbytes in ms: is that so little that another one of those would be
 * done long before? */
bool c2_share_is_slow(const struct c2_root_state *root, const struct c2_turn *turn, uint64_t at,
                      int64_t nbytes, int64_t ms);

#endif
