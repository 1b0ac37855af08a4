/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a dataset is asked for, and what is said of those who do not give it. */
#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "subscriber/fetch/upstream.h"
#include "subscriber/mirror/reason.h"
#include "subscriber/mirror/roots.h"
#include "subscriber/mirror/suppliers.h"
#include "subscriber/mirror/via.h"
#include "wire/url.h"

#define BLAME_MS 10000 /* between two lines of the log about the data of one root */

bool c2_upstream_refused(const struct c2_ds *ds, const struct c2_turn *turn,
                         const struct c2_http_reply *reply, struct cat2_error *err)
{
    struct c2_root_state *root = c2_sub_root(ds->sub, c2_str_of(ds->root));
    char name[C2_NAME_MAX + C2_PATH_MAX + 2];

    snprintf(name, sizeof(name), "%s/%s", ds->root, ds->path);
    if (root && reply->status == 503) root->retry_s = c2_reason_retry_s(reply);
    c2_reason_of_reply(reply, root ? c2_turn_place(root, turn).http : "?", "its data", name, err);
    /* That it is gone is said when the list says so, or others would still get it afterwards. */
    if (err->code == CAT2_ENOTFOUND) {
        err->code = CAT2_ECHANGED;
        err->http_status = 404;
    }
    return false;
}

bool c2_ds_url(const struct c2_ds *ds, const struct c2_turn *turn, const char *route, struct c2_buf *out,
               struct cat2_error *err)
{
    struct c2_root_state *root = c2_sub_root(ds->sub, c2_str_of(ds->root));

    if (!root) return c2_fail(err, CAT2_ENOTFOUND, "root %.100s is gone", ds->root);
    struct c2_root place = c2_turn_place(root, turn);
    return (!c2_turn_is_first(root, turn) || c2_via_may_ask(root, err)) &&
           c2_root_put_url(&place, route, out, err) && c2_buf_putc(out, '/', err) &&
           c2_url_encode(place.python ? c2_ds_own_name(ds) : c2_str_of(ds->path), true, out, err);
}

void c2_upstream_blame(struct c2_root_state *root, const struct cat2_error *err)
{
    int64_t left_out;

    if (err->code != CAT2_EUPSTREAM || err->http_status == 503) return;
    if (!c2_log_share_take(&root->blamed, 1, BLAME_MS, &left_out)) return;
    c2_log_warn("fetch root=%s publisher=%s (%" PRId64 " such since the last line): %s", root->root.name,
                root->root.http, left_out, err->message);
}
