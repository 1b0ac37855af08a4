/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of subscribers, 32 hexadecimal digits each (peer_id), with blanks between. */
#include "subscriber/mirror/via.h"

#include <stdio.h>

#include "subscriber/mirror/roots.h"
#include "subscriber/mirror/suppliers.h"

void c2_via_say(struct c2_request *req, struct c2_root_state *root)
{
    char text[C2_VIA_SIZE + 64];

    snprintf(text, sizeof(text), "%s%s%s", root->sub->peer_id, *root->via ? " " : "", root->via);
    c2_reply_header(req, C2_VIA_HEADER, text);
}

static bool fail_circle(const struct c2_root_state *root, const char *place, struct cat2_error *err)
{
    return c2_fail(
        err, CAT2_EUPSTREAM,
        "root %.100s comes in a circle: the subscriber at %.100s, which is asked for it, has it from "
        "this one; give one of them another --upstream",
        root->root.name, place);
}

bool c2_via_may_ask(const struct c2_root_state *root, struct cat2_error *err)
{
    return !root->cyclic || fail_circle(root, root->root.http, err);
}

static bool has_us(const struct c2_root_state *root, struct c2_str via)
{
    bool found = false;
    struct c2_str name;

    while (via.n && !found) {
        c2_str_cut(via, ' ', &name, &via);
        found = c2_str_is(name, root->sub->peer_id);
    }
    return found;
}

bool c2_via_take(struct c2_root_state *root, const struct c2_turn *turn, const struct c2_http_reply *reply,
                 struct cat2_error *err)
{
    const struct c2_root place = c2_turn_place(root, turn);
    struct c2_str text = {"", 0};

    c2_http_header(reply, C2_VIA_HEADER, &text);
    if (text.n >= sizeof(root->via))
        return c2_fail(err, CAT2_EUPSTREAM, "root %.100s comes through more than %d subscribers",
                       root->root.name, C2_VIA_MAX);
    bool circle = has_us(root, text);
    if (c2_turn_is_first(root, turn)) root->cyclic = circle;
    if (circle) {
        c2_supplier_note_circle(root, turn->at);
        return fail_circle(root, place.http, err);
    }
    snprintf(root->via, sizeof(root->via), "%.*s", C2_STR_ARG(text));
    return true;
}
