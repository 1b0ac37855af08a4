/* SPDX-License-Identifier: BSD-3-Clause */
/* What readers hold is not evicted. Few hold at a time, so that a list of them is looked through. */
#include "cache/cachefile_impl.h"

void c2_cachefile_hold(struct c2_cachefile *cf, struct c2_hold *hold)
{
    pthread_mutex_lock(&cf->lock);
    hold->next = cf->holds;
    cf->holds = hold;
    pthread_mutex_unlock(&cf->lock);
}

void c2_cachefile_release(struct c2_cachefile *cf, struct c2_hold *hold)
{
    pthread_mutex_lock(&cf->lock);
    struct c2_hold **link = &cf->holds;
    while (*link && *link != hold)
        link = &(*link)->next;
    C2_ASSERT(*link);
    *link = hold->next;
    pthread_mutex_unlock(&cf->lock);
}

static bool is_under(const struct c2_cachefile *cf, const struct c2_hold *hold, int64_t nchunk)
{
    int64_t off, room;

    if (!c2_cachefile_place(cf, nchunk, &off, &room)) return false;
    for (size_t i = 0; i < hold->nranges; i++)
        if (hold->ranges[i].off < off + room && off < hold->ranges[i].off + hold->ranges[i].n) return true;
    return false;
}

bool c2_cache_is_held(const struct c2_cachefile *cf, int64_t nchunk)
{
    for (const struct c2_hold *hold = cf->holds; hold; hold = hold->next)
        if (hold->kind == C2_HOLD_ALL ||
            (hold->kind == C2_HOLD_BOUND && c2_grid_touches(&cf->meta.grid, hold->bound, nchunk)) ||
            (hold->kind == C2_HOLD_RANGES && is_under(cf, hold, nchunk)))
            return true;
    return false;
}
