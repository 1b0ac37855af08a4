/* SPDX-License-Identifier: BSD-3-Clause */
/* Cache files that are open: at most so many, two descriptors and a mapping each. Those that nobody uses at
 * the moment stay open for the next request, until others need their place: least recently used first. What
 * is closed is opened again by the next request; all that is known of it is on disk. Loop thread only. */
#include <stdlib.h>

#include "subscriber/sub_impl.h"

#define DEFAULT_MAX 64

static void take_out(struct c2_ds *ds)
{
    struct c2_open_files *open = &ds->sub->open;

    if (ds->newer)
        ds->newer->older = ds->older;
    else
        open->newest = ds->older;
    if (ds->older)
        ds->older->newer = ds->newer;
    else
        open->oldest = ds->newer;
    ds->newer = ds->older = NULL;
}

static void put_first(struct c2_ds *ds)
{
    struct c2_open_files *open = &ds->sub->open;

    ds->older = open->newest;
    if (ds->older)
        ds->older->newer = ds;
    else
        open->oldest = ds;
    open->newest = ds;
}

void c2_ds_set_file(struct c2_ds *ds, struct c2_cachefile *cf)
{
    C2_ASSERT(!ds->cf);
    ds->cf = cf;
    put_first(ds);
}

void c2_ds_used(struct c2_ds *ds)
{
    ds->used_ms = c2_mono_ms(c2_loop_clock(ds->sub->config.loop));
    if (!ds->cf) return;
    take_out(ds);
    put_first(ds);
}

void c2_ds_close_file(struct c2_ds *ds)
{
    if (!ds->cf) return;
    take_out(ds);
    c2_cachefile_unref(ds->cf);
    ds->cf = NULL;
    ds->left_nbytes = -1;
    free(ds->flying);
    ds->flying = NULL;
}

/* Who has a reference to the file reads or writes it; who ensures will want one in a moment. */
static bool is_idle(const struct c2_ds *ds)
{
    return ds->nensures == 0 && !ds->preparing && c2_cachefile_is_unshared(ds->cf);
}

static bool close_oldest(struct c2_subscriber *sub)
{
    for (struct c2_ds *ds = sub->open.oldest; ds; ds = ds->newer)
        if (is_idle(ds)) {
            c2_ds_close_file(ds);
            sub->open.nclosed++;
            return true;
        }
    return false;
}

int c2_sub_files_max(const struct c2_subscriber *sub)
{
    return sub->config.caches_max > 0 ? sub->config.caches_max : DEFAULT_MAX;
}

bool c2_sub_make_room(struct c2_subscriber *sub, struct cat2_error *err)
{
    int64_t most = c2_sub_files_max(sub);

    while (c2_cachefile_stats().nopen + sub->open.npreparing >= most)
        if (!close_oldest(sub)) {
            sub->open.nrefused++;
            return c2_fail(err, CAT2_ENOMEM,
                           "%lld datasets are being read at once, as many as there are file descriptors for",
                           (long long)most);
        }
    return true;
}
