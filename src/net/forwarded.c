/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading the headers of proxies. What is malformed is refused: nothing of it is guessed. */
#include "net/forwarded.h"

#include <stdarg.h>
#include <stdio.h>

#include "wire/url.h"

/* What one proxy says; of X-Forwarded-For the client alone. */
struct hop {
    struct c2_str client, host, proto; /* p NULL: not said */
};
struct hops {
    struct hop p[C2_FORWARDED_HOPS_MAX];
    size_t n;
};

static bool complain(char why[C2_FORWARDED_WHY_MAX], const char *fmt, ...) C2_PRINTF(2, 3);

static bool complain(char why[C2_FORWARDED_WHY_MAX], const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(why, C2_FORWARDED_WHY_MAX, fmt, args);
    va_end(args);
    return false;
}

static int shown(struct c2_str text)
{
    return (int)c2_min_i64(100, (int64_t)text.n);
}

/* ---- Forwarded ---- */

static bool is_token(char c)
{
    return c2_is_alnum(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static struct c2_str token(struct c2_cursor *in)
{
    struct c2_str text = {in->p, 0};

    for (; !c2_cursor_done(in) && is_token(*in->p); in->p++)
        text.n++;
    return text;
}

/* Text in quotes, without them. What is escaped in it stays so: nothing that we look for has to be. */
static bool quoted(struct c2_cursor *in, struct c2_str *out)
{
    const char *start = ++in->p;

    for (; !c2_cursor_done(in) && *in->p != '"'; in->p++)
        if (*in->p == '\\' && c2_cursor_left(in) > 1) in->p++;
    if (c2_cursor_done(in)) return false;
    *out = (struct c2_str){start, (size_t)(in->p - start)};
    in->p++;
    return true;
}

/* Values without quotes may be addresses: several proxies send these so. */
static struct c2_str bare(struct c2_cursor *in)
{
    struct c2_str text = {in->p, 0};

    for (; !c2_cursor_done(in) && (is_token(*in->p) || strchr(":[]/", *in->p)) && *in->p; in->p++)
        text.n++;
    return text;
}

/* "for=ADDRESS": one parameter, said once in an element. */
static bool parameter(struct c2_cursor *in, struct hop *hop)
{
    struct c2_str name = token(in), value, *place = NULL;

    if (name.n == 0 || !c2_cursor_eat(in, "=")) return false;
    if (c2_cursor_peek(in) != '"')
        value = bare(in);
    else if (!quoted(in, &value))
        return false;
    if (c2_str_eq_nocase(name, C2_STR("for"))) place = &hop->client;
    if (c2_str_eq_nocase(name, C2_STR("host"))) place = &hop->host;
    if (c2_str_eq_nocase(name, C2_STR("proto"))) place = &hop->proto;
    if (place && place->p) return false;
    if (place) *place = value;
    return true;
}

/* Up to the comma, or the end. */
static bool element(struct c2_cursor *in, struct hop *hop, bool *empty)
{
    *empty = true;
    for (;;) {
        c2_cursor_blanks(in);
        if (c2_cursor_eat(in, ";")) continue;
        if (c2_cursor_done(in) || c2_cursor_peek(in) == ',') return true;
        *empty = false;
        if (!parameter(in, hop)) return false;
        c2_cursor_blanks(in);
        if (!c2_cursor_done(in) && !strchr(";,", *in->p)) return false;
    }
}

static bool read_forwarded(struct c2_str text, struct hops *out, char why[C2_FORWARDED_WHY_MAX])
{
    struct c2_cursor in = c2_cursor_of(text);

    for (bool more = true; more; more = c2_cursor_eat(&in, ",")) {
        struct hop hop = {0};
        bool empty;
        if (!element(&in, &hop, &empty))
            return complain(why, "the header Forwarded is malformed (RFC 7239): %.*s", shown(text), text.p);
        if (empty) continue;
        if (out->n == C2_FORWARDED_HOPS_MAX)
            return complain(why, "the header Forwarded names more than %d proxies", C2_FORWARDED_HOPS_MAX);
        out->p[out->n++] = hop;
    }
    return true;
}

/* ---- lists with commas ---- */

static bool read_clients(struct c2_str text, struct hops *out, char why[C2_FORWARDED_WHY_MAX])
{
    struct c2_str item;

    for (bool more = true; more;) {
        more = c2_str_cut(text, ',', &item, &text);
        item = c2_str_trim(item);
        if (item.n == 0) continue;
        if (out->n == C2_FORWARDED_HOPS_MAX)
            return complain(why, "the header X-Forwarded-For names more than %d proxies",
                            C2_FORWARDED_HOPS_MAX);
        out->p[out->n++].client = item;
    }
    return true;
}

/* The value that belongs to hop i of n, or the last one. */
static struct c2_str value_of(struct c2_str text, size_t i, size_t n)
{
    struct c2_str rest = text, item, found = {"", 0}, last = {"", 0};
    size_t count = 0;

    for (bool more = text.n > 0; more;) {
        more = c2_str_cut(rest, ',', &item, &rest);
        last = c2_str_trim(item);
        if (count++ == i) found = last;
    }
    return count == n ? found : last;
}

/* ---- addresses ---- */

/* A node: ADDRESS, "[V6]", with or without a port; "unknown", "_hidden". */
static bool read_node(struct c2_str node, uint8_t address[16], int *port)
{
    struct c2_str name, after;
    int64_t number = 0;
    bool v6;

    *port = 0;
    if (!c2_cut_port(node, &name, &after, &v6) || (v6 && !memchr(name.p, ':', name.n))) return false;
    if (!v6 && after.n && memchr(after.p, ':', after.n)) { /* an IPv6 address without brackets */
        name = node;
        after.n = 0;
    }
    if (!c2_address_parse(name, address)) return false;
    if (c2_str_to_i64(after, &number) && number > 0 && number <= UINT16_MAX) *port = (int)number;
    return true;
}

/* The client is the rightmost that is no trusted proxy. Where all are, it is the first. */
static size_t find_client(const struct hops *hops, const struct c2_subnets *proxies, struct c2_forwarded *out)
{
    size_t i = hops->n;

    out->named = hops->n > 0;
    while (i-- > 0) {
        out->known = hops->p[i].client.p && read_node(hops->p[i].client, out->address, &out->port);
        if (!out->known || !c2_subnets_have(proxies, out->address)) break;
    }
    return i == SIZE_MAX ? 0 : i;
}

/* ---- scheme, host, path ---- */

static bool read_proto(struct c2_str text, struct c2_forwarded *out, char why[C2_FORWARDED_WHY_MAX])
{
    bool https = c2_str_eq_nocase(text, C2_STR("https")) || c2_str_eq_nocase(text, C2_STR("wss"));
    bool http = c2_str_eq_nocase(text, C2_STR("http")) || c2_str_eq_nocase(text, C2_STR("ws"));

    out->https = https;
    out->schemed = https || http;
    return out->schemed || text.n == 0 ||
           complain(why, "a proxy says that it was asked by '%.*s', which is neither http nor https",
                    shown(text), text.p);
}

static bool read_host(struct c2_str text, struct c2_forwarded *out, char why[C2_FORWARDED_WHY_MAX])
{
    C2_AUTO(c2_buf) url = C2_BUF_INIT(600);
    C2_AUTO(c2_buf) base = C2_BUF_INIT(600);
    struct cat2_error err;

    out->host = text;
    return text.n == 0 ||
           (!memchr(text.p, '/', text.n) && c2_buf_printf(&url, &err, "http://%.*s", C2_STR_ARG(text)) &&
            c2_base_url(c2_buf_str(&url), &base, &err)) ||
           complain(why, "a proxy says that it was asked for the host '%.*s', which is none", shown(text),
                    text.p);
}

static bool read_prefix(struct c2_str text, struct c2_forwarded *out, char why[C2_FORWARDED_WHY_MAX])
{
    C2_AUTO(c2_buf) path = C2_BUF_INIT(C2_PART_MAX);
    struct cat2_error err;

    if (!c2_base_path(text, &path, &err))
        return complain(why, "the header X-Forwarded-Prefix: %.250s", err.message);
    out->prefix = (struct c2_str){text.n ? text.p : "", path.n};
    return true;
}

static bool contradict(const struct c2_forwarded *a, const struct c2_forwarded *b)
{
    return a->known != b->known || (a->known && memcmp(a->address, b->address, sizeof(a->address)) != 0);
}

bool c2_forwarded_read(const struct c2_forwarded_heads *heads, const struct c2_subnets *proxies,
                       struct c2_forwarded *out, char why[C2_FORWARDED_WHY_MAX])
{
    struct hops standard = {0}, common = {0};
    struct c2_forwarded by_standard = {0};

    *out = (struct c2_forwarded){0};
    if ((heads->forwarded.p && !read_forwarded(heads->forwarded, &standard, why)) ||
        (heads->client.p && !read_clients(heads->client, &common, why)))
        return false;
    size_t at = find_client(&standard, proxies, &by_standard), i = find_client(&common, proxies, out);
    if (by_standard.named && out->named && contradict(&by_standard, out))
        return complain(why, "the headers Forwarded and X-Forwarded-For name different clients");
    bool ok;
    if (by_standard.named && !out->named) {
        *out = by_standard;
        ok = read_proto(standard.p[at].proto, out, why) && read_host(standard.p[at].host, out, why);
    } else {
        ok = read_proto(value_of(heads->proto, i, common.n), out, why) &&
             read_host(value_of(heads->host, i, common.n), out, why);
    }
    return ok && read_prefix(value_of(heads->prefix, i, common.n), out, why);
}
