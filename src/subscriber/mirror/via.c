/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of subscribers, 32 hexadecimal digits each (c2_sub_peer_id()), with blanks between. */
#include "subscriber/mirror/via.h"

#include <stdio.h>

#include "subscriber/mirror/roots.h"

void c2_via_say(struct c2_request *req, struct c2_root_state *root)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(C2_VIA_SIZE + 64);
    struct cat2_error err;

    c2_sub_peer_id(root->sub, &text);
    if (c2_buf_printf(&text, &err, "%s%s", *root->via ? " " : "", root->via))
        c2_reply_header(req, C2_VIA_HEADER, c2_buf_cstr(&text));
}

bool c2_via_may_ask(const struct c2_root_state *root, struct cat2_error *err)
{
    return !root->cyclic ||
           c2_fail(
               err, CAT2_EUPSTREAM,
               "root %.100s comes in a circle: the subscriber at %.100s, which is asked for it, has it from "
               "this one; give one of them another --upstream",
               root->root.name, root->root.http);
}

bool c2_via_take(struct c2_root_state *root, const struct c2_http_reply *reply, struct cat2_error *err)
{
    C2_AUTO(c2_buf) own = C2_BUF_INIT(64);
    struct c2_str text = {"", 0}, name, rest;

    c2_http_header(reply, C2_VIA_HEADER, &text);
    root->cyclic = false;
    if (text.n >= sizeof(root->via))
        return c2_fail(err, CAT2_EUPSTREAM, "root %.100s comes through more than %d subscribers",
                       root->root.name, C2_VIA_MAX);
    snprintf(root->via, sizeof(root->via), "%.*s", C2_STR_ARG(text));
    if (text.n) c2_sub_peer_id(root->sub, &own);
    for (rest = text; rest.n && !root->cyclic;) {
        c2_str_cut(rest, ' ', &name, &rest);
        root->cyclic = c2_str_eq(name, c2_buf_str(&own));
    }
    return c2_via_may_ask(root, err);
}
