/* SPDX-License-Identifier: BSD-3-Clause */
/* Counted datasets. */
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
    item->ops->free(item);
}
