/* SPDX-License-Identifier: BSD-3-Clause */
/* Counted datasets, and the text of a generation. */
#include <stdio.h>

#include "publisher/source.h"
#include "wire/json.h"

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

bool c2_etag_format(int64_t sec, long nsec, int64_t size, char out[64])
{
    struct cat2_error err;
    C2_AUTO(c2_buf) text = C2_BUF_INIT(63);

    bool ok = c2_format_double((double)sec + 1e-9 * (double)nsec, &text, &err) &&
              c2_buf_printf(&text, &err, ":%lld", (long long)size);
    snprintf(out, 64, "%s", ok ? c2_buf_cstr(&text) : "?");
    return ok;
}
