/* SPDX-License-Identifier: BSD-3-Clause */
/* Completion of roots and paths, for the programs that ask a subscriber. */
#ifndef C2_BIN_PATHS_H
#define C2_BIN_PATHS_H

#include "bin/options.h"

/** A c2_offer_fn, for programs with an option --host. `what` is
 *    root      a root the subscriber knows;  followed, other: one that it follows, that it does not
 *    folder    a followed root, or a folder of it
 *    dataset   a followed root, its folders, their datasets; dataset+ the same, and something may follow
 *  Whoever does not answer soon offers nothing. */
void c2_offer_paths(const struct c2_options *options, struct c2_str what, struct c2_str typed,
                    struct c2_offers *to);

#endif
