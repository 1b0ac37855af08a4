/* SPDX-License-Identifier: BSD-3-Clause */
/* Waiting for a list that is complete, but not for ever. */
#include <stdlib.h>

#include "publisher/catalog_impl.h"

struct listing {
    struct c2_catalog *cat;
    struct c2_timer *timer; /* NULL: answered */
    c2_catalog_done *fn;
    void *ctx;
};

static void looked(void *ctx, const struct cat2_error *err)
{
    struct listing *l = ctx;

    if (l->timer) {
        c2_timer_stop(l->timer);
        l->fn(l->ctx, err);
    }
    free(l);
}

void c2_catalog_not_yet(const struct c2_catalog *cat, struct cat2_error *err)
{
    c2_fail(err, CAT2_EUPSTREAM, "the root is being listed, for the first time: %zu found so far",
            c2_catalog_nfound(cat));
    err->http_status = 503;
}

/* What the look under way finds is announced when it ends: with the last complete list nobody misses it. */
static void on_late(void *ctx)
{
    struct listing *l = ctx;
    struct cat2_error err;

    l->timer = NULL;
    if (l->cat->complete) {
        l->fn(l->ctx, NULL);
        return;
    }
    c2_catalog_not_yet(l->cat, &err);
    l->fn(l->ctx, &err);
}

void c2_catalog_list(struct c2_catalog *cat, c2_catalog_done *fn, void *ctx)
{
    struct listing *l = malloc(sizeof(*l));
    struct cat2_error err;

    if (l) *l = (struct listing){cat, c2_timer_start(cat->loop, C2_LIST_PATIENCE_MS, 0, on_late, l), fn, ctx};
    if (!l || !l->timer) {
        free(l);
        c2_fail_nomem(&err, "list");
        fn(ctx, &err);
        return;
    }
    c2_catalog_rescan(cat, looked, l);
}

struct c2_so_far *c2_catalog_so_far(const struct c2_catalog *cat)
{
    return cat->so_far;
}

size_t c2_catalog_nfound(const struct c2_catalog *cat)
{
    return atomic_load(&cat->nfound);
}

bool c2_catalog_is_complete(const struct c2_catalog *cat)
{
    return cat->complete;
}
