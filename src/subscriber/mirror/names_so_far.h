/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of a root that is being listed for the first time, as its publisher finds them (wire/early_names.h).
 * They are shown as what they are, and never taken for the list: nothing is dropped because of them. Loop
 * thread.
 */
#ifndef C2_SUBSCRIBER_MIRROR_NAMES_SO_FAR_H
#define C2_SUBSCRIBER_MIRROR_NAMES_SO_FAR_H

#include "subscriber/mirror/mirror.h"

#define C2_SO_FAR_NAMES_MAX (1 << 20) /* an answer that sorts them takes 48 bytes for each */

struct c2_sub_so_far {   /* all zero: none */
    struct c2_buf names; /* each with its NUL, in the order in which they were found */
    size_t n;            /* names that came */
    size_t nkept;        /* of which are kept: no more than C2_SO_FAR_NAMES_MAX, and C2_SO_FAR_MAX bytes */
    uint64_t serial;     /* another one when they begin anew */
};
/** Is this line of a list one of names? Then they are added. */
bool c2_sub_so_far_take(struct c2_root_state *root, struct c2_str line);
/** Forget them, and what was said of how far the listing is. */
void c2_sub_so_far_clear(struct c2_root_state *root);
/** Is the root being listed for the first time, without a failure? Then what is found so far is all that can
 * be told of it. */
bool c2_sub_so_far_is_all(const struct c2_root_state *root);
/** Of names, each with its NUL: those beneath a folder (its path with a '/' at the end, "" for all), whole,
 * sorted, each once. They are borrowed from `names`; free the array. Any thread. @errors CAT2_ENOMEM. */
bool c2_sub_so_far_beneath(struct c2_str names, struct c2_str dir, const char ***list, size_t *n,
                           struct cat2_error *err);
/** The names that came last, at most max of them, the last one first; out[0..n) are borrowed until the loop
 * turns.
 * @return n. */
size_t c2_sub_so_far_last(const struct c2_root_state *root, size_t max, const char **out);

#endif
