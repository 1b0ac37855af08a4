/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a root's publisher is, in JSON and as text. */
#include <string.h>

#include "base/limits.h"
#include "bus/bus.h"
#include "wire/url.h"

#define HTTPS  "https://"
#define MIRROR "mirror:"
#define PYTHON "python:"

bool c2_root_name_check(struct c2_str name, struct cat2_error *err)
{
    bool ok = name.n > 0 && name.n <= C2_NAME_MAX && name.p[0] != '.' && !memchr(name.p, '/', name.n) &&
              !memchr(name.p, '\0', name.n) && !c2_str_is(name, C2_TOPIC_NEW) &&
              !c2_str_is(name, C2_TOPIC_MIRRORS);

    return ok || c2_fail(err, CAT2_EINVAL,
                         "root name '%.*s': must have 1 to %d bytes, not hold '/' or begin with '.', and not "
                         "be " C2_TOPIC_NEW " or " C2_TOPIC_MIRRORS,
                         (int)c2_min_i64(60, (int64_t)name.n), name.p, C2_NAME_MAX);
}

const char *c2_root_scheme(const struct c2_root *root)
{
    return root->tls ? "https" : "http";
}

static bool put_name(const struct c2_root *root, struct c2_buf *out, struct cat2_error *err)
{
    return c2_url_encode(c2_str_of(root->name), false, out, err);
}

bool c2_root_put_url(const struct c2_root *root, const char *route, struct c2_buf *out,
                     struct cat2_error *err)
{
    size_t word = strcspn(route, "/?");

    if (!c2_buf_printf(out, err, "%s://%s", c2_root_scheme(root), root->http)) return false;
    if (root->mirror && (!c2_buf_puts(out, "/mirror/", err) || !put_name(root, out, err))) return false;
    if (!root->python) return c2_buf_printf(out, err, "/api/%s", route);
    return c2_buf_printf(out, err, "/api/%.*s/", (int)word, route) && put_name(root, out, err) &&
           c2_buf_puts(out, route + word, err);
}

bool c2_root_is_at(const struct c2_root *root, const struct c2_root *other)
{
    return root->tls == other->tls && root->mirror == other->mirror && root->python == other->python &&
           strcmp(root->http, other->http) == 0;
}

bool c2_root_put_address(const struct c2_root *root, struct c2_buf *out, struct cat2_error *err)
{
    const char *what = root->mirror ? MIRROR : root->python ? PYTHON : "";

    return c2_buf_printf(out, err, "%s%s%s", what, root->tls ? HTTPS : "", root->http);
}

static bool skip(struct c2_str *text, const char *head)
{
    bool there = c2_str_starts(*text, head);

    if (there) *text = (struct c2_str){text->p + strlen(head), text->n - strlen(head)};
    return there;
}

bool c2_root_set_address(struct c2_root *root, struct c2_str text)
{
    bool mirror = skip(&text, MIRROR), python = !mirror && skip(&text, PYTHON), tls = skip(&text, HTTPS);

    if (text.n >= sizeof(root->http)) return false;
    memset(root->http, 0, sizeof(root->http));
    memcpy(root->http, text.p, text.n);
    root->tls = tls;
    root->mirror = mirror;
    root->python = python;
    return true;
}

void c2_root_place_jw(struct c2_jw *w, const struct c2_root *root)
{
    c2_jw_put_cstr(w, "http", root->http);
    if (root->tls) c2_jw_put_bool(w, "tls", true);
}

void c2_root_jw(struct c2_jw *w, const struct c2_root *root)
{
    c2_jw_put_cstr(w, "name", root->name);
    c2_root_place_jw(w, root);
}

bool c2_root_of_json(struct c2_str name, struct c2_jval value, struct c2_root *out)
{
    struct c2_str http = {"", 0}, again;
    bool placed = c2_jstr(c2_jget(value, "http"), &http);
    bool python = !placed && c2_jstr(c2_jget(value, "name"), &again) && c2_str_eq(name, again);

    if ((!placed && !python) || name.n >= sizeof(out->name) || http.n >= sizeof(out->http)) return false;
    *out = (struct c2_root){.python = python};
    memcpy(out->name, name.p, name.n);
    memcpy(out->http, http.p, http.n);
    c2_jbool(c2_jget(value, "tls"), &out->tls);
    return true;
}
