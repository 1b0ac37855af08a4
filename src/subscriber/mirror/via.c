/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of subscribers, 32 hexadecimal digits each (peer_id), with blanks between. */
#include "subscriber/mirror/via.h"

#include <stdio.h>

#include "subscriber/mirror/roots.h"

void c2_via_say(struct c2_request *req, struct c2_root_state *root)
{
    char text[C2_VIA_SIZE + 64];

    snprintf(text, sizeof(text), "%s%s%s", root->sub->peer_id, *root->via ? " " : "", root->via);
    c2_reply_header(req, C2_VIA_HEADER, text);
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
    struct c2_str text = {"", 0}, name, rest;

    c2_http_header(reply, C2_VIA_HEADER, &text);
    root->cyclic = false;
    if (text.n >= sizeof(root->via))
        return c2_fail(err, CAT2_EUPSTREAM, "root %.100s comes through more than %d subscribers",
                       root->root.name, C2_VIA_MAX);
    snprintf(root->via, sizeof(root->via), "%.*s", C2_STR_ARG(text));
    for (rest = text; rest.n && !root->cyclic;) {
        c2_str_cut(rest, ' ', &name, &rest);
        root->cyclic = c2_str_is(name, root->sub->peer_id);
    }
    return c2_via_may_ask(root, err);
}
