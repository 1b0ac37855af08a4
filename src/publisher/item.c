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

bool c2_etag_format(double mtime, int64_t size, char out[64])
{
    struct cat2_error err;
    C2_AUTO(c2_buf) text = C2_BUF_INIT(63);

    bool ok = c2_format_double(mtime, &text, &err) && c2_buf_printf(&text, &err, ":%lld", (long long)size);
    snprintf(out, 64, "%s", ok ? c2_buf_cstr(&text) : "?");
    return ok;
}

bool c2_fail_busy(struct cat2_error *err, const char *path)
{
    c2_fail(err, CAT2_EUPSTREAM, "%.160s is being written: try again", path);
    err->http_status = 503;
    return false;
}

bool c2_is_busy(const struct cat2_error *err)
{
    return err->code == CAT2_EUPSTREAM && err->http_status == 503;
}
