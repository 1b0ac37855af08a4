/* SPDX-License-Identifier: BSD-3-Clause */
/* Addresses, subjects and deliveries as text; nothing here knows a connection. */
#include "bus/nats/nats_address.h"

#include <stdio.h>

#include "net/address.h"
#include "wire/url.h"

#define PORT       "4222" /* NATS's own */
#define DEPLOYMENT "caterva2"
#define NATS       "nats://"
#define TLS        "tls://"

static bool is_on_nats(struct c2_str text)
{
    return c2_str_starts(text, NATS) || c2_str_starts(text, TLS);
}

static bool decode(struct c2_str in, const char *what, char out[C2_NATS_SECRET_MAX], struct cat2_error *err)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(C2_NATS_SECRET_MAX - 1);

    if (!c2_url_decode(in, false, &text, err) || memchr(c2_buf_cstr(&text), '\0', text.n))
        return c2_fail(err, CAT2_EINVAL, "the %s has more than %d bytes, or one that is zero", what,
                       C2_NATS_SECRET_MAX - 1);
    memcpy(out, c2_buf_cstr(&text), text.n + 1);
    return true;
}

static bool read_secrets(struct c2_str text, struct c2_nats_address *out, struct cat2_error *err)
{
    struct c2_str user, password;

    out->has_password = c2_str_cut(text, ':', &user, &password);
    if (user.n == 0) return c2_fail(err, CAT2_EINVAL, "there is no user in front of the '@'");
    return decode(user, out->has_password ? "user" : "token", out->user, err) &&
           decode(password, "password", out->password, err);
}

static bool read_server(struct c2_str text, struct c2_nats_address *out, struct cat2_error *err)
{
    struct c2_hostport place;
    char full[300];

    if (out->n >= C2_NATS_SERVERS_MAX)
        return c2_fail(err, CAT2_EINVAL, "more than %d servers", C2_NATS_SERVERS_MAX);
    const char *colon = text.n ? memrchr(text.p, ':', text.n) : NULL;
    bool has_port = colon && !memchr(colon, ']', (size_t)(text.p + text.n - colon));
    snprintf(full, sizeof(full), "%.*s%s", (int)c2_min_i64(280, (int64_t)text.n), text.p,
             has_port ? "" : ":" PORT);
    if (!c2_hostport_parse(c2_str_of(full), &place, err))
        return c2_fail(err, CAT2_EINVAL, "'%.100s' is not the address of a server: HOST:PORT or [IPV6]:PORT",
                       full);
    out->here = out->here &&
                (place.is_address ? c2_address_is_here(place.address) : c2_hostport_is_localhost(&place));
    snprintf(out->servers[out->n++], sizeof(out->servers[0]), "%s%.280s", out->tls ? TLS : NATS, full);
    return true;
}

static bool read_servers(struct c2_str text, struct c2_nats_address *out, struct cat2_error *err)
{
    struct c2_str server;

    out->here = true;
    for (bool more = true; more;) {
        more = c2_str_cut(text, ',', &server, &text);
        if (!read_server(server, out, err)) return false;
    }
    return true;
}

static bool read_deployment(struct c2_str text, struct c2_nats_address *out, struct cat2_error *err)
{
    if (text.n == 0) text = C2_STR(DEPLOYMENT);
    if (text.n > C2_NATS_DEPLOYMENT_MAX || !c2_str_is_made_of(text, "-_"))
        return c2_fail(err, CAT2_EINVAL,
                       "deployment '%.*s': must have at most %d letters, digits, '-' and '_'",
                       (int)c2_min_i64(60, (int64_t)text.n), text.p, C2_NATS_DEPLOYMENT_MAX);
    memcpy(out->deployment, text.p, text.n);
    return true;
}

bool c2_nats_address_parse(struct c2_str text, struct c2_nats_address *out, struct cat2_error *err)
{
    struct c2_nats_address address = {.tls = c2_str_starts(text, TLS)};
    struct c2_str rest, servers, deployment = {"", 0};

    if (!is_on_nats(text)) return c2_fail(err, CAT2_EINVAL, "it does not begin with " NATS " or " TLS);
    size_t scheme_n = address.tls ? strlen(TLS) : strlen(NATS);
    rest = (struct c2_str){text.p + scheme_n, text.n - scheme_n};
    const char *at = rest.n ? memrchr(rest.p, '@', rest.n) : NULL;
    if (at) {
        size_t n = (size_t)(at - rest.p);
        if (!read_secrets((struct c2_str){rest.p, n}, &address, err)) return false;
        rest = (struct c2_str){at + 1, rest.n - n - 1};
    }
    c2_str_cut(rest, '/', &servers, &deployment);
    if (!read_servers(servers, &address, err) || !read_deployment(deployment, &address, err)) return false;
    snprintf(address.text, sizeof(address.text), "%s%.*s/%s", address.tls ? TLS : NATS,
             (int)c2_min_i64(400, (int64_t)servers.n), servers.p, address.deployment);
    *out = address;
    return true;
}

void c2_nats_token(struct c2_str topic, char out[C2_NATS_TOKEN_MAX])
{
    static const char DIGITS[] = "0123456789ABCDEF";
    size_t n = 0;

    for (size_t i = 0; i < topic.n && n + 4 < C2_NATS_TOKEN_MAX; i++) {
        unsigned char c = (unsigned char)topic.p[i];
        if (c2_is_alnum((char)c) || c == '-' || c == '_') {
            out[n++] = (char)c;
            continue;
        }
        out[n++] = '=';
        out[n++] = DIGITS[c >> 4];
        out[n++] = DIGITS[c & 15];
    }
    out[n] = '\0';
}

bool c2_nats_untoken(struct c2_str token, char *out, size_t size)
{
    size_t n = 0;

    for (size_t i = 0; i < token.n; i++) {
        int c = (unsigned char)token.p[i];
        if (c == '=') {
            int high = i + 2 < token.n ? c2_hex_digit(token.p[i + 1]) : -1;
            int low = high >= 0 ? c2_hex_digit(token.p[i + 2]) : -1;
            if (low < 0) return false;
            c = high * 16 + low;
            i += 2;
        } else if (!c2_is_alnum((char)c) && c != '-' && c != '_') {
            return false;
        }
        if (c == 0 || n + 1 >= size) return false;
        out[n++] = (char)c;
    }
    out[n] = '\0';
    return n > 0;
}

#define ACK_TOKENS_MAX 12 /* $JS.ACK., domain, account, and seven; what follows is of no use */

bool c2_nats_delivery_parse(struct c2_str reply, struct c2_nats_delivery *out)
{
    struct c2_str tokens[ACK_TOKENS_MAX];
    size_t n = 0;

    for (bool more = true; more && n < ACK_TOKENS_MAX; n++)
        more = c2_str_cut(reply, '.', &tokens[n], &reply);
    if (n < 9 || !c2_str_is(tokens[0], "$JS") || !c2_str_is(tokens[1], "ACK")) return false;
    const struct c2_str *at = tokens + (n >= 11 ? 7 : 5);
    out->stream = at[-3];
    out->consumer = at[-2];
    return c2_str_to_i64(at[0], &out->stream_seq) && c2_str_to_i64(at[1], &out->consumer_seq) &&
           c2_str_to_i64(at[3], &out->pending) && out->stream_seq > 0 && out->consumer_seq > 0 &&
           out->pending >= 0;
}
