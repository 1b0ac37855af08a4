/* SPDX-License-Identifier: BSD-3-Clause */
/* The background, which makes all entries known: what is quick, and beside it what may take minutes. */
#include <stdlib.h>

#include "publisher/catalog_impl.h"

/* First all that is quick, then what was sketched. One at a time: a worker stays free for requests. But what
 * was sketched may take minutes (a large file to be compressed): changes are not told that late. */
static struct c2_entry *next_to_fill(struct c2_catalog *cat, bool sketched)
{
    size_t at = !sketched && cat->fill_at ? c2_catalog_lower(cat, cat->fill_at) : 0;

    for (; at < cat->entries.n; at++) {
        struct c2_entry *entry = cat->entries.p[at];
        bool wanted = sketched ? entry->sketched : !entry->json;
        if (wanted && !entry->gone && !entry->failed && !entry->loading) return entry;
    }
    return NULL;
}

static void go_on(struct c2_catalog *cat);

/* What failed, but as a sketch, comes again with the next walk, not in circles. */
static void filled(struct c2_catalog *cat, bool sketch, bool ok)
{
    cat->filling[!sketch] = false;
    if (ok || sketch) go_on(cat);
}

static void fill(struct c2_catalog *cat, struct c2_entry *entry, bool sketch)
{
    cat->filling[!sketch] = true;
    c2_entry_load(cat, entry, sketch, filled);
    if (!entry->loading) cat->filling[!sketch] = false;
}

static void fill_quick(struct c2_catalog *cat)
{
    struct c2_entry *entry = next_to_fill(cat, false);

    if (!entry) { /* what failed for the moment is tried again with the next walk only */
        free(cat->fill_at);
        cat->fill_at = NULL;
        return;
    }
    char *next = malloc(strlen(entry->path) + 2);
    if (!next) return;
    memcpy(next, entry->path, strlen(entry->path));
    memcpy(next + strlen(entry->path), "\x01", 2); /* the first path after this one */
    free(cat->fill_at);
    cat->fill_at = next;
    fill(cat, entry, true);
}

static void go_on(struct c2_catalog *cat)
{
    struct c2_entry *slow;

    if (cat->closed) return;
    if (!cat->filling[0]) fill_quick(cat);
    if (cat->filling[0] || cat->filling[1]) return;
    slow = next_to_fill(cat, true);
    if (slow) fill(cat, slow, false);
}

void c2_catalog_fill_anew(struct c2_catalog *cat)
{
    free(cat->fill_at);
    cat->fill_at = NULL;
    go_on(cat);
}
