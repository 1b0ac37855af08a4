/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory that lives as long as one request: allocate freely, free all at once. Not thread-safe. */
#ifndef C2_BASE_ARENA_H
#define C2_BASE_ARENA_H

#include "base/str.h"

struct c2_arena {
    struct c2_arena_block *blocks;
    size_t nbytes, max; /* handed out, ceiling */
    bool starved;       /* something that was asked for could not be had */
};

void c2_arena_init(struct c2_arena *arena, size_t ceiling);
void c2_arena_fini(struct c2_arena *arena);
C2_DEFINE_AUTO(c2_arena);
/** n zeroed bytes, aligned for any type; NULL at the ceiling or when out of memory. */
void *c2_arena_alloc(struct c2_arena *arena, size_t n);
/** A NUL-terminated copy; NULL as above. */
char *c2_arena_strdup(struct c2_arena *arena, struct c2_str s);
char *c2_arena_printf(struct c2_arena *arena, const char *fmt, ...) C2_PRINTF(2, 3);

#endif
