/* SPDX-License-Identifier: BSD-3-Clause */
/* Counted datasets, and that they do not change while they are read. */
#include "publisher/source/source.h"

static atomic_size_t nopen;

void c2_item_count(struct c2_item *item)
{
    item->counted = true;
    atomic_fetch_add(&nopen, 1);
}

size_t c2_items_open(void)
{
    return atomic_load(&nopen);
}

struct c2_item *c2_item_ref(struct c2_item *item)
{
    atomic_fetch_add(&item->refs, 1);
    return item;
}

void c2_item_unref(struct c2_item *item)
{
    if (!item || atomic_fetch_sub(&item->refs, 1) != 1) return;
    if (item->counted) atomic_fetch_sub(&nopen, 1);
    if (item->home) item->home->free(item->home);
    item->ops->free(item);
}

bool c2_item_check(struct c2_item *item, struct cat2_error *err)
{
    if (item->ops->check) return item->ops->check(item, err);
    return !item->home || item->home->check(item, err);
}

bool c2_item_direct(struct c2_item *item, struct c2_item_direct *out, struct cat2_error *err)
{
    return item->ops->direct ? item->ops->direct(item, out, err)
                             : c2_fail(err, CAT2_ENOTFOUND, "the dataset is no frame in a store of objects");
}

bool c2_item_chunk(struct c2_item *item, int64_t nchunk, struct c2_buf *out, struct cat2_error *err)
{
    size_t before = out->n;
    struct cat2_error late;

    bool ok = item->ops->chunk(item, nchunk, out, err);
    if (item->ops->check || c2_item_check(item, &late)) return ok;
    out->n = before;
    *err = late;
    return false;
}
