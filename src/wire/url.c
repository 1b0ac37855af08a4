/* SPDX-License-Identifier: BSD-3-Clause */
/* Percent-encoding, query strings and endpoints. */
#include "wire/url.h"

#include <stdio.h>

#include "base/limits.h"

bool c2_url_decode(struct c2_str in, bool plus_is_blank, struct c2_buf *out, struct cat2_error *err)
{
    if (!c2_buf_reserve(out, in.n, err)) return false;
    for (size_t i = 0; i < in.n; i++) {
        char c = in.p[i];
        int high = c == '%' && i + 2 < in.n ? c2_hex_digit(in.p[i + 1]) : -1;
        int low = high >= 0 ? c2_hex_digit(in.p[i + 2]) : -1;
        if (low >= 0) {
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+' && plus_is_blank) {
            c = ' ';
        }
        out->p[out->n++] = (uint8_t)c;
    }
    if (out->p) out->p[out->n] = '\0';
    return true;
}

static bool unreserved(char c)
{
    return c2_is_alnum(c) || (c && strchr("-._~", c));
}

bool c2_url_encode_least(struct c2_str in, struct c2_buf *out, struct cat2_error *err)
{
    bool ok = true;

    for (size_t i = 0; ok && i < in.n; i++) {
        unsigned char c = (unsigned char)in.p[i];
        ok = c < 0x20 || c == 0x7f || strchr("%?#\\", c) ? c2_buf_printf(out, err, "%%%02X", c)
                                                         : c2_buf_putc(out, (char)c, err);
    }
    return ok;
}

bool c2_url_encode(struct c2_str in, bool keep_slash, struct c2_buf *out, struct cat2_error *err)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < in.n; i++) {
        unsigned char c = (unsigned char)in.p[i];
        char escaped[3] = {'%', digits[c >> 4], digits[c & 15]};
        bool plain = unreserved((char)c) || (c == '/' && keep_slash);
        if (!(plain ? c2_buf_putc(out, (char)c, err) : c2_buf_append(out, escaped, 3, err))) return false;
    }
    return true;
}

bool c2_query_next(struct c2_str *rest, struct c2_str *key, struct c2_str *value)
{
    struct c2_str pair;

    while (rest->n) {
        c2_str_cut(*rest, '&', &pair, rest);
        if (pair.n == 0) continue;
        c2_str_cut(pair, '=', key, value);
        return true;
    }
    return false;
}

static bool parse_port(struct c2_str text, int *out, struct cat2_error *err)
{
    int64_t port;

    if (text.n == 0 || text.p[0] == '+' || text.p[0] == '-' || !c2_str_to_i64(text, &port) || port < 0 ||
        port > 65535)
        return c2_fail(err, CAT2_EINVAL, "port '%.*s' is not a number from 0 to 65535", C2_STR_ARG(text));
    *out = (int)port;
    return true;
}

/* Hosts are written into URLs and Host headers, and some come from other hosts. A character that could end a
 * URL or a header is refused. */
static bool host_ok(struct c2_str host)
{
    for (size_t i = 0; i < host.n; i++) {
        unsigned char c = (unsigned char)host.p[i];
        if (c <= ' ' || c == 0x7f || strchr("/?#@\\[]\"<>", c)) return false;
    }
    return host.n > 0;
}

bool c2_cut_port(struct c2_str text, struct c2_str *host, struct c2_str *port, bool *v6)
{
    *v6 = text.n && text.p[0] == '[';
    if (!*v6) {
        c2_str_cut(text, ':', host, port);
        return true;
    }
    if (!c2_str_cut((struct c2_str){text.p + 1, text.n - 1}, ']', host, port)) return false;
    if (port->n && port->p[0] != ':') return false;
    if (port->n) *port = (struct c2_str){port->p + 1, port->n - 1};
    return true;
}

bool c2_endpoint_parse(struct c2_str text, struct c2_endpoint *out, struct cat2_error *err)
{
    struct c2_str host, port;
    struct c2_endpoint endpoint = {0};

    if (text.n && text.p[0] == '[') {
        endpoint.v6 = true;
        if (!c2_str_cut((struct c2_str){text.p + 1, text.n - 1}, ']', &host, &port) || port.n == 0 ||
            port.p[0] != ':')
            return c2_fail(err, CAT2_EINVAL, "'%.*s' is not [ADDRESS]:PORT", C2_STR_ARG(text));
        port = (struct c2_str){port.p + 1, port.n - 1};
    } else if (!c2_str_cut(text, ':', &host, &port) || memchr(port.p, ':', port.n)) {
        return c2_fail(err, CAT2_EINVAL, "'%.*s' is not HOST:PORT", C2_STR_ARG(text));
    }
    if (host.n >= sizeof(endpoint.host) || !host_ok(host))
        return c2_fail(err, CAT2_EINVAL, "'%.*s' names no host", C2_STR_ARG(text));
    memcpy(endpoint.host, host.p, host.n);
    if (!parse_port(port, &endpoint.port, err)) return false;
    *out = endpoint;
    return true;
}

bool c2_endpoint_format(const struct c2_endpoint *e, struct c2_buf *out, struct cat2_error *err)
{
    return c2_buf_printf(out, err, e->v6 ? "[%s]:%d" : "%s:%d", e->host, e->port);
}

const char *c2_url_no_scheme(const char *url)
{
    const char *end = strstr(url, "://");

    return end ? end + 3 : url;
}

bool c2_service_address(struct c2_str text, char *out, size_t size, bool *tls, struct cat2_error *err)
{
    struct c2_str rest = text;
    struct c2_endpoint at;
    C2_AUTO(c2_buf) address = C2_BUF_INIT(size - 1);
    bool https = c2_str_starts(text, "https://"), http = c2_str_starts(text, "http://");
    size_t n = https ? 8 : http ? 7 : 0;

    rest = (struct c2_str){text.p + n, text.n - n};
    if (n && rest.n && rest.p[rest.n - 1] == '/') rest.n--;
    if (!c2_endpoint_parse(rest, &at, err)) return false;
    if (strcmp(at.host, "*") == 0) snprintf(at.host, sizeof(at.host), "localhost");
    if (!c2_endpoint_format(&at, &address, err)) return false;
    memcpy(out, address.p, address.n + 1);
    *tls = https;
    return true;
}

bool c2_endpoint_is_local(const struct c2_endpoint *e)
{
    return strcmp(e->host, "localhost") == 0 || strcmp(e->host, "::1") == 0 ||
           strncmp(e->host, "127.", 4) == 0;
}

/* "/path" of a base address: what cannot end it, or a quoted text that it stands in. */
static bool base_path_ok(struct c2_str path)
{
    for (size_t i = 0; i < path.n; i++) {
        unsigned char c = (unsigned char)path.p[i];
        if (c <= ' ' || c >= 0x7f || strchr("?#\\\"<>", c)) return false;
    }
    return true;
}

bool c2_base_url(struct c2_str text, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_str rest = text, host;
    struct c2_endpoint at;
    char with_port[600];

    bool https = c2_str_starts(text, "https://"), http = c2_str_starts(text, "http://");
    size_t n = https ? 8 : http ? 7 : 0;
    rest = (struct c2_str){text.p + n, text.n - n};
    while (n && rest.n && rest.p[rest.n - 1] == '/')
        rest.n--;
    const char *slash = n && rest.n ? memchr(rest.p, '/', rest.n) : NULL;
    host = slash ? (struct c2_str){rest.p, (size_t)(slash - rest.p)} : rest;
    struct c2_str path = {rest.p + host.n, rest.n - host.n};
    bool ported = !n || (host.n && host.p[host.n - 1] != ']' && memrchr(host.p, ':', host.n));
    snprintf(with_port, sizeof(with_port), "%.*s%s", C2_STR_ARG(host), ported ? "" : ":0");
    if (host.n > sizeof(with_port) - 8 || !base_path_ok(path) ||
        !c2_endpoint_parse(c2_str_of(with_port), &at, err))
        return c2_fail(err, CAT2_EINVAL, "'%.100s' is neither HOST:PORT nor http[s]://HOST[:PORT][/PATH]",
                       text.n ? text.p : "");
    return c2_buf_printf(out, err, "http%s://%.*s", https ? "s" : "", C2_STR_ARG(rest));
}

/* Names that mean the same to proxies, browsers and us, however they are encoded: nothing has to be. */
bool c2_base_path(struct c2_str text, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_str rest = text, name;
    bool ok = text.n == 0 || (text.p[0] == '/' && text.n <= C2_PART_MAX);

    while (ok && rest.n && rest.p[rest.n - 1] == '/')
        rest.n--;
    ok = ok && c2_str_is_made_of(rest, "/-._~");
    struct c2_str path = rest;
    if (ok && rest.n) rest = (struct c2_str){rest.p + 1, rest.n - 1};
    for (bool more = ok && path.n; ok && more;) {
        more = c2_str_cut(rest, '/', &name, &rest);
        ok = name.n && !c2_str_is(name, ".") && !c2_str_is(name, "..");
    }
    if (!ok)
        return c2_fail(
            err, CAT2_EINVAL,
            "'%.*s' is no path such as /data: names of letters, digits, - . _ ~, each after a slash",
            (int)c2_min_i64(100, (int64_t)text.n), text.n ? text.p : "");
    return c2_buf_append_str(out, path, err);
}
