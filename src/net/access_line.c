/* SPDX-License-Identifier: BSD-3-Clause */
/* A line of the access log. Whoever asks decides most of what is in it, so all of that is escaped. */
#include <time.h>

#include "net/access_log.h"

#define TARGET_MAX                                                                                           \
    2000 /* bytes of a target that a line shows: longer ones are seldom, and sent by attackers */

enum style { COMMON, COMMON_WORD, JSON };

/* Blanks end a field where it is a word of its own. */
static bool put_char(struct c2_buf *out, unsigned char c, enum style style, struct cat2_error *err)
{
    if (c == '"' || c == '\\') return c2_buf_putc(out, '\\', err) && c2_buf_putc(out, (char)c, err);
    if (c > 0x20 && c < 0x7f) return c2_buf_putc(out, (char)c, err);
    if (c == ' ' && style != COMMON_WORD) return c2_buf_putc(out, ' ', err);
    return c2_buf_printf(out, err, style == JSON ? "\\u%04x" : "\\x%02x", c);
}

static bool put_text(struct c2_buf *out, struct c2_str text, enum style style, struct cat2_error *err)
{
    bool ok = true;

    for (size_t i = 0; ok && i < text.n; i++)
        ok = put_char(out, (unsigned char)text.p[i], style, err);
    return ok;
}

/* Decoding a name cannot hide it: letters may be written as %6b. */
static bool is_secret(struct c2_str name)
{
    static const char *const secrets[] = {"key",    "token",    "access_token", "api_key",
                                          "apikey", "secret",   "signature",    "sig",
                                          "auth",   "password", "code"};
    struct cat2_error err;
    C2_AUTO(c2_buf) plain = C2_BUF_INIT(64);

    if (memchr(name.p, '%', name.n)) {
        if (!c2_url_decode(name, true, &plain, &err)) return true;
        name = c2_buf_str(&plain);
    }
    for (size_t i = 0; i < C2_ARRAY_LEN(secrets); i++)
        if (c2_str_eq_nocase(name, c2_str_of(secrets[i]))) return true;
    return false;
}

/* name=value&name=value, without values of secrets. */
static bool put_query(struct c2_buf *out, struct c2_str query, enum style style, struct cat2_error *err)
{
    bool ok = true;

    for (size_t at = 0; ok && at < query.n;) {
        const char *amp = memchr(query.p + at, '&', query.n - at);
        size_t end = amp ? (size_t)(amp - query.p) : query.n;
        struct c2_str part = {query.p + at, end - at}, name, value;
        bool has_value = c2_str_cut(part, '=', &name, &value);
        if (has_value && value.n && is_secret(name))
            ok = put_text(out, name, style, err) && c2_buf_puts(out, "=***", err);
        else
            ok = put_text(out, part, style, err);
        if (ok && amp) ok = c2_buf_putc(out, '&', err);
        at = end + 1;
    }
    return ok;
}

static bool put_target(struct c2_buf *out, const char *target, enum style style, struct cat2_error *err)
{
    struct c2_str whole = c2_str_of(target), path, query;
    bool is_long = whole.n > TARGET_MAX;

    if (is_long) whole.n = TARGET_MAX;
    bool asked = c2_str_cut(whole, '?', &path, &query);
    return put_text(out, path, style, err) &&
           (!asked || (c2_buf_putc(out, '?', err) && put_query(out, query, style, err))) &&
           (!is_long || c2_buf_puts(out, "...", err));
}

static bool put_word(struct c2_buf *out, const char *text, struct cat2_error *err)
{
    return text && text[0] ? put_text(out, c2_str_of(text), COMMON_WORD, err) : c2_buf_putc(out, '-', err);
}

/* [26/Nov/2026:23:41:43 +0000] */
static bool put_common(const struct c2_access_entry *e, struct c2_buf *out, struct cat2_error *err)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t seconds = (time_t)(e->wall_ms / 1000);
    struct tm utc;

    gmtime_r(&seconds, &utc);
    return put_word(out, e->client, err) && c2_buf_puts(out, " - ", err) && put_word(out, e->user, err) &&
           c2_buf_printf(out, err, " [%02d/%.3s/%04d:%02d:%02d:%02d +0000] \"%s ", utc.tm_mday,
                         months + (size_t)utc.tm_mon * 3, utc.tm_year + 1900, utc.tm_hour, utc.tm_min,
                         utc.tm_sec, e->method) &&
           put_target(out, e->target ? e->target : "", COMMON_WORD, err) &&
           c2_buf_printf(out, err, " %s\" %d %llu %lld.%06lld ", e->version ? e->version : "-", e->status,
                         (unsigned long long)e->nbytes, (long long)(e->us / 1000000),
                         (long long)(e->us % 1000000)) &&
           put_word(out, e->id, err) && c2_buf_putc(out, '\n', err);
}

static bool put_member(struct c2_buf *out, const char *key, const char *text, struct cat2_error *err)
{
    if (!text) return true;
    return c2_buf_printf(out, err, ",\"%s\":\"", key) && put_text(out, c2_str_of(text), JSON, err) &&
           c2_buf_putc(out, '"', err);
}

static bool put_json(const struct c2_access_entry *e, struct c2_buf *out, struct cat2_error *err)
{
    time_t seconds = (time_t)(e->wall_ms / 1000);
    struct tm utc;

    gmtime_r(&seconds, &utc);
    return c2_buf_printf(out, err, "{\"time\":\"%04d-%02d-%02dT%02d:%02d:%02d.%03dZ\",\"level\":\"info\"",
                         utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                         (int)(e->wall_ms % 1000)) &&
           put_member(out, "service", e->service, err) && put_member(out, "root", e->root, err) &&
           put_member(out, "client", e->client, err) && put_member(out, "user", e->user, err) &&
           put_member(out, "method", e->method, err) && c2_buf_puts(out, ",\"target\":\"", err) &&
           put_target(out, e->target ? e->target : "", JSON, err) && c2_buf_putc(out, '"', err) &&
           put_member(out, "version", e->version, err) &&
           c2_buf_printf(out, err, ",\"status\":%d,\"bytes\":%llu,\"seconds\":%lld.%06lld", e->status,
                         (unsigned long long)e->nbytes, (long long)(e->us / 1000000),
                         (long long)(e->us % 1000000)) &&
           put_member(out, "id", e->id, err) && c2_buf_puts(out, "}\n", err);
}

bool c2_access_line(const struct c2_access_entry *entry, enum c2_access_format format, struct c2_buf *out,
                    struct cat2_error *err)
{
    return (format == C2_ACCESS_JSON ? put_json : put_common)(entry, out, err);
}
