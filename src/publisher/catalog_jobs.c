/* SPDX-License-Identifier: BSD-3-Clause */
/* Jobs of the catalog, which it outlives; and jobs that go on after a while. */
#include <stdlib.h>

#include "publisher/catalog_impl.h"

#include "base/list.h"

static void destroy(struct c2_catalog *cat)
{
    for (size_t i = 0; i < cat->entries.n; i++) {
        c2_item_unref(cat->entries.p[i]->item);
        c2_entry_free(cat->entries.p[i]);
    }
    c2_vec_fini(&cat->entries);
    free(cat->fill_at);
    c2_source_free(cat->source);
    c2_so_far_unref(cat->so_far);
    free(cat);
}

bool c2_catalog_job_done(struct c2_catalog *cat)
{
    cat->njobs--;
    if (!cat->closed) return true;
    if (cat->njobs == 0) destroy(cat);
    return false;
}

/* ---- later ---- */

static void later_fire(void *ctx)
{
    struct c2_later *later = ctx;

    c2_chain_remove(later->cat->laters, later, next);
    later->fn(later->ctx);
    free(later);
}

bool c2_catalog_later(struct c2_catalog *cat, int64_t ms, void (*fn)(void *ctx), void *ctx)
{
    struct c2_later *later = malloc(sizeof(*later));

    if (!later) return false;
    *later = (struct c2_later){cat->laters, cat, NULL, fn, ctx};
    later->timer = c2_timer_start(cat->loop, ms, 0, later_fire, later);
    if (!later->timer) {
        free(later);
        return false;
    }
    cat->laters = later;
    return true;
}

void c2_catalog_end_laters(struct c2_catalog *cat)
{
    while (cat->laters) {
        struct c2_later *later = cat->laters;
        cat->laters = later->next;
        c2_timer_stop(later->timer);
        later->fn(later->ctx);
        free(later);
    }
}
