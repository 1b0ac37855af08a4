/* SPDX-License-Identifier: BSD-3-Clause */
/* Counted texts. */
#include "base/shared.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

struct c2_shared *c2_shared_new(struct c2_str text)
{
    struct c2_shared *shared = malloc(sizeof(*shared) + text.n + 1);

    if (!shared) return NULL;
    atomic_init(&shared->refs, 1);
    shared->n = text.n;
    if (text.n) memcpy(shared->text, text.p, text.n);
    shared->text[text.n] = '\0';
    return shared;
}

struct c2_shared *c2_shared_ref(struct c2_shared *shared)
{
    atomic_fetch_add(&shared->refs, 1);
    return shared;
}

void c2_shared_unref(struct c2_shared *shared)
{
    if (shared && atomic_fetch_sub(&shared->refs, 1) == 1) free(shared);
}

struct c2_shared *c2_alike_get(struct c2_alike *alike, struct c2_str text)
{
    struct c2_shared **slot = &alike->slots[c2_hash64(text.p, text.n) % C2_ALIKE];

    if (!*slot || c2_str_cmp(c2_shared_str(*slot), text) != 0) {
        struct c2_shared *fresh = c2_shared_new(text);
        if (!fresh) return NULL;
        c2_shared_unref(*slot);
        *slot = fresh;
    }
    return c2_shared_ref(*slot);
}

void c2_alike_fini(struct c2_alike *alike)
{
    for (size_t i = 0; i < C2_ALIKE; i++) {
        c2_shared_unref(alike->slots[i]);
        alike->slots[i] = NULL;
    }
}
