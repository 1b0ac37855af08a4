/* SPDX-License-Identifier: BSD-3-Clause */
/* An owned array that grows, of any type, with a maximum:
 *
 *     struct names {
 *         C2_VEC(char *);
 *     } names = {0};
 *     if (!c2_vec_push(&names, NAMES_MAX, "names", err, copy)) ...
 *     for (size_t i = 0; i < names.n; i++)
 *         puts(names.p[i]);
 *     c2_vec_fini(&names);
 *
 * All zero is an empty array. The macros evaluate vec more than once. */
#ifndef C2_BASE_VEC_H
#define C2_BASE_VEC_H

#include <stdlib.h>

#include "base/error.h"
#include "base/limits.h"

/* The members: items, how many are used, for how many there is memory. */
#define C2_VEC(type)                                                                                         \
    type *p;                                                                                                 \
    size_t n, cap

/** Make room for one more item, uninitialised, at vec->p[vec->n]; n stays.
 *  @param max   of items. @param what  of what there are too many, in the plural.
 *  @errors CAT2_ELIMIT, CAT2_ENOMEM: the array is as before. */
#define c2_vec_room(vec, max, what, err)                                                                     \
    ((vec)->n < (vec)->cap || c2_vec_grow(&(vec)->p, &(vec)->cap, sizeof(*(vec)->p), (max), (what), (err)))

/** Append an item, which comes last so that it may be a compound literal. Errors as above: the item is still
 * the caller's. */
#define c2_vec_push(vec, max, what, err, ...)                                                                \
    (c2_vec_room(vec, max, what, err) && ((vec)->p[(vec)->n++] = (__VA_ARGS__), true))

/** Free the memory; the array is empty. What its items own is the caller's to free before. */
#define c2_vec_fini(vec) (free((vec)->p), (vec)->p = NULL, (vec)->n = (vec)->cap = 0, (void)0)

/** Of the macros: twice the room behind *(T **)at, for items of size bytes. */
bool c2_vec_grow(void *at, size_t *cap, size_t size, size_t max, const char *what, struct cat2_error *err);

#endif
