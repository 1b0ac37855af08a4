/* SPDX-License-Identifier: BSD-3-Clause */
/* Texts that many hold, counted: of the datasets of a file most are described alike. Any thread. */
#ifndef C2_BASE_SHARED_H
#define C2_BASE_SHARED_H

#include <stdatomic.h>

#include "base/str.h"

struct c2_shared {
    atomic_int refs;
    size_t n;
    char text[]; /* n bytes, and NUL */
};
/** refs 1. NULL: out of memory. */
struct c2_shared *c2_shared_new(struct c2_str text);
struct c2_shared *c2_shared_ref(struct c2_shared *shared);
void c2_shared_unref(struct c2_shared *shared); /* NULL is fine */
static inline struct c2_str c2_shared_str(const struct c2_shared *shared)
{
    return shared ? (struct c2_str){shared->text, shared->n} : (struct c2_str){0};
}

#define C2_ALIKE 1024 /* texts that a new one is compared with */
/* Of one thread at a time; all zero is empty. */
struct c2_alike {
    struct c2_shared *slots[C2_ALIKE];
};
/** A reference to a text like this, one that is there if it was among the last. NULL: out of memory. */
struct c2_shared *c2_alike_get(struct c2_alike *alike, struct c2_str text);
void c2_alike_fini(struct c2_alike *alike);

#endif
