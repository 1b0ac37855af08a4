/* SPDX-License-Identifier: BSD-3-Clause */
/* A chain of blocks, newest first; allocation moves a mark in the newest. */
#include "base/arena.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define BLOCK_NBYTES 4096 /* what most requests need, and a page */

struct c2_arena_block {
    struct c2_arena_block *next;
    size_t used, size;
    max_align_t data[];
};

void c2_arena_init(struct c2_arena *arena, size_t ceiling)
{
    *arena = (struct c2_arena){.max = ceiling};
}

void c2_arena_fini(struct c2_arena *arena)
{
    if (!arena) return;
    for (struct c2_arena_block *block = arena->blocks, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    *arena = (struct c2_arena){.max = arena->max};
}

static void *alloc(struct c2_arena *arena, size_t n)
{
    struct c2_arena_block *block = arena->blocks;
    size_t rounded, total;

    if (!c2_add_size(n, sizeof(max_align_t) - 1, &rounded)) return NULL;
    rounded -= rounded % sizeof(max_align_t);
    if (!c2_add_size(arena->nbytes, rounded, &total) || total > arena->max) return NULL;
    if (!block || block->size - block->used < rounded) {
        size_t size = rounded > BLOCK_NBYTES ? rounded : BLOCK_NBYTES;
        block = malloc(sizeof(*block) + size);
        if (!block) return NULL;
        *block = (struct c2_arena_block){.next = arena->blocks, .size = size};
        arena->blocks = block;
    }
    void *at = (uint8_t *)block->data + block->used;
    block->used += rounded;
    arena->nbytes = total;
    memset(at, 0, n);
    return at;
}

void *c2_arena_alloc(struct c2_arena *arena, size_t n)
{
    void *at = alloc(arena, n);

    arena->starved = arena->starved || !at;
    return at;
}

char *c2_arena_strdup(struct c2_arena *arena, struct c2_str s)
{
    char *copy = s.n < SIZE_MAX ? c2_arena_alloc(arena, s.n + 1) : NULL;

    if (copy && s.n) memcpy(copy, s.p, s.n);
    return copy;
}

char *c2_arena_printf(struct c2_arena *arena, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *text = n >= 0 ? c2_arena_alloc(arena, (size_t)n + 1) : NULL;
    if (!text) return NULL;
    va_start(args, fmt);
    vsnprintf(text, (size_t)n + 1, fmt, args);
    va_end(args);
    return text;
}
