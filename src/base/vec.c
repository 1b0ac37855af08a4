/* SPDX-License-Identifier: BSD-3-Clause */
/* Twice the memory each time, so that n items cost a constant number of moves each. */
#include "base/vec.h"

#include <string.h>

#define CAP_MIN 16 /* a few items are the usual case; 16 pointers are two cache lines */

bool c2_vec_grow(void *at, size_t *cap, size_t size, size_t max, const char *what, struct cat2_error *err)
{
    size_t more = *cap > max / 2 ? max : 2 * *cap, nbytes;
    void *items;

    if (*cap >= max) return c2_fail(err, CAT2_ELIMIT, "more than %zu %s", max, what);
    if (more < CAP_MIN) more = max < CAP_MIN ? max : CAP_MIN;
    memcpy(&items, at, sizeof(items)); /* a T * read as a void * would break the rule of aliasing */
    items = __builtin_mul_overflow(more, size, &nbytes) ? NULL : realloc(items, nbytes);
    if (!items) return c2_fail_nomem(err, what);
    memcpy(at, &items, sizeof(items));
    *cap = more;
    return true;
}
