/* SPDX-License-Identifier: BSD-3-Clause */
/* Life of a catalog. */
#include "publisher/catalog.h"

#include <stdlib.h>

#include "base/limits.h"
#include "publisher/catalog_impl.h"

/* The source was looked at: what is new is made known, and hashed. */
static void walked(struct c2_catalog *cat)
{
    c2_catalog_fill_anew(cat);
    c2_catalog_hash(cat);
}

bool c2_catalog_new(struct c2_loop *loop, struct c2_pool *pool, struct c2_source *source,
                    struct c2_catalog **out, struct cat2_error *err)
{
    struct c2_catalog *cat = calloc(1, sizeof(*cat));

    if (cat) cat->so_far = c2_so_far_new(C2_SO_FAR_MAX);
    if (!cat || !cat->so_far) {
        free(cat);
        return c2_fail_nomem(err, "catalog");
    }
    cat->loop = loop;
    cat->pool = pool;
    cat->source = source;
    cat->walked = walked;
    cat->items_max = 4 * C2_ITEMS_OPEN_MAX;
    cat->items_kept = C2_ITEMS_OPEN_MAX;
    c2_source_name_early(source, cat->so_far);
    *out = cat;
    return true;
}

void c2_catalog_limit(struct c2_catalog *cat, int items_max, int items_kept)
{
    if (items_max > 0) cat->items_max = (size_t)items_max;
    if (0 < items_kept && items_kept < C2_ITEMS_OPEN_MAX) cat->items_kept = (size_t)items_kept;
}

void c2_catalog_on_change(struct c2_catalog *cat, void (*changed)(void *ctx, struct c2_entry *entry),
                          void *ctx)
{
    cat->changed = changed;
    cat->changed_ctx = ctx;
}

void c2_catalog_close(struct c2_catalog *cat)
{
    struct cat2_error err;

    cat->changed = NULL;
    cat->closed = true;
    cat->njobs++; /* until all that waits has ended */
    c2_source_cancel(cat->source);
    c2_catalog_end_line(cat);
    c2_catalog_end_walk(cat);
    c2_fail(&err, CAT2_ECANCELLED, "shutting down");
    for (size_t i = 0; i < cat->entries.n; i++)
        c2_entry_wake(cat, cat->entries.p[i], &err);
    c2_catalog_end_hash(cat);
    c2_catalog_end_laters(cat);
    c2_catalog_job_done(cat);
}
