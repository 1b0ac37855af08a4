/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads heads strictly: nothing is repaired, nothing is left out. */
#include "net/head.h"

#include <string.h>

#define DIGITS_MAX 18 /* of a length: fits in 63 bits */
#define HEX_MAX    15 /* of a chunk's size: likewise */
#define NOTE_SIZE  64 /* what libmicrohttpd needs to note a cookie */

/* What was seen of the fields that say where a request ends and whom it is for. */
struct seen {
    struct c2_str length, coding;
    int nlengths, ncodings, nhosts;
    size_t cookies; /* bytes that libmicrohttpd keeps of them */
    bool upgrade, expects;
};

/* What a character may be part of. */
enum { TOKEN = 1, VALUE = 2, NAME_OF_HOST = 4 };

#define T (TOKEN | VALUE | NAME_OF_HOST) /* letters, digits, and what no rule forbids */
#define N (TOKEN | VALUE)
#define H (VALUE | NAME_OF_HOST)
#define V VALUE
static const uint8_t kinds[256] = {
    ['\t'] = V,          [' '] = V, ['!'] = T, ['"'] = V, ['#'] = N, ['$'] = T,  ['%'] = T, ['&'] = T,
    ['\''] = T,          ['('] = H, [')'] = H, ['*'] = T, ['+'] = T, [','] = V,  ['-'] = T, ['.'] = T,
    ['/'] = V,           ['0'] = T, ['1'] = T, ['2'] = T, ['3'] = T, ['4'] = T,  ['5'] = T, ['6'] = T,
    ['7'] = T,           ['8'] = T, ['9'] = T, [':'] = H, [';'] = H, ['<'] = V,  ['='] = H, ['>'] = V,
    ['?'] = V,           ['@'] = V, ['A'] = T, ['B'] = T, ['C'] = T, ['D'] = T,  ['E'] = T, ['F'] = T,
    ['G'] = T,           ['H'] = T, ['I'] = T, ['J'] = T, ['K'] = T, ['L'] = T,  ['M'] = T, ['N'] = T,
    ['O'] = T,           ['P'] = T, ['Q'] = T, ['R'] = T, ['S'] = T, ['T'] = T,  ['U'] = T, ['V'] = T,
    ['W'] = T,           ['X'] = T, ['Y'] = T, ['Z'] = T, ['['] = H, ['\\'] = V, [']'] = H, ['^'] = N,
    ['_'] = T,           ['`'] = N, ['a'] = T, ['b'] = T, ['c'] = T, ['d'] = T,  ['e'] = T, ['f'] = T,
    ['g'] = T,           ['h'] = T, ['i'] = T, ['j'] = T, ['k'] = T, ['l'] = T,  ['m'] = T, ['n'] = T,
    ['o'] = T,           ['p'] = T, ['q'] = T, ['r'] = T, ['s'] = T, ['t'] = T,  ['u'] = T, ['v'] = T,
    ['w'] = T,           ['x'] = T, ['y'] = T, ['z'] = T, ['{'] = V, ['|'] = N,  ['}'] = V, ['~'] = T,
    [0x80 ... 0xff] = V,
};
#undef T
#undef N
#undef H
#undef V

static bool is_all(struct c2_str text, uint8_t kind)
{
    uint8_t all = kind;

    for (size_t i = 0; i < text.n; i++)
        all &= kinds[(uint8_t)text.p[i]];
    return all != 0;
}

static bool is_token(struct c2_str text)
{
    return text.n > 0 && is_all(text, TOKEN);
}

static int refuse(const char **why, int status, const char *text)
{
    *why = text;
    return status;
}

int64_t c2_head_end(struct c2_bytes text, size_t *scanned, const char **why)
{
    size_t at = *scanned;

    while (at < text.n) {
        const uint8_t *lf = memchr(text.p + at, '\n', text.n - at);
        if (!lf) break;
        size_t i = (size_t)(lf - text.p);
        if (i == 0 || text.p[i - 1] != '\r') {
            *why = "a line of the request's head ends with LF alone, not with CR LF";
            return -1;
        }
        at = *scanned = i + 1;
        if (i == 1 || (i >= 3 && text.p[i - 2] == '\n')) return (int64_t)at;
    }
    *scanned = text.n;
    return 0;
}

int c2_head_begins(struct c2_bytes text, const char **why)
{
    if (!text.n) return 0;
    if (!(kinds[text.p[0]] & TOKEN) && text.p[0] != '\r')
        return refuse(why, 400, "this is no request of HTTP/1.1");
    if (text.n > C2_HEAD_LINE_MAX && !memchr(text.p, '\n', C2_HEAD_LINE_MAX))
        return refuse(why, 414, "the request's path and query are longer than 16000 bytes");
    if (text.n > C2_HEAD_MAX) return refuse(why, 431, "the request's head is longer than 20480 bytes");
    return 0;
}

bool c2_target_is_absolute(struct c2_str target, struct c2_str *before, struct c2_str *host)
{
    static const char *const schemes[] = {"http://", "https://"};
    size_t at = 0, n = 0;

    for (size_t i = 0; !at && i < C2_ARRAY_LEN(schemes); i++) {
        struct c2_str scheme = c2_str_of(schemes[i]);
        if (target.n >= scheme.n && c2_str_eq_nocase((struct c2_str){target.p, scheme.n}, scheme))
            at = scheme.n;
    }
    while (at + n < target.n && !strchr("/?#", target.p[at + n]))
        n++;
    *host = (struct c2_str){target.p + at, n};
    *before = (struct c2_str){target.p, at + n};
    return at > 0;
}

/* An address names a host, and nobody's password. */
static int judge_target(struct c2_str target, const char **why)
{
    struct c2_str before, host;

    for (size_t i = 0; i < target.n; i++) /* bytes of UTF-8 are not allowed, but frequent and harmless */
        if ((unsigned char)target.p[i] <= ' ' || target.p[i] == 0x7f)
            return refuse(why, 400, "the request's target holds a control character");
    if (c2_target_is_absolute(target, &before, &host) &&
        (!host.n || host.p[0] == ':' || !is_all(host, NAME_OF_HOST)))
        return refuse(why, 400, "the request's target is an address without HOST or HOST:PORT");
    return 0;
}

/* "METHOD TARGET HTTP/1.x" */
static int judge_line(struct c2_str line, struct c2_head *out, bool *is_1_0, const char **why)
{
    struct c2_str method, target, version, rest;

    if (line.n > C2_HEAD_LINE_MAX)
        return refuse(why, 414, "the request's path and query are longer than 16000 bytes");
    if (!c2_str_cut(line, ' ', &method, &rest) || !c2_str_cut(rest, ' ', &target, &version) ||
        !is_token(method) || !target.n)
        return refuse(why, 400, "the request's first line is not METHOD TARGET VERSION");
    int status = judge_target(target, why);
    if (status) return status;
    bool http = version.n == 8 && memcmp(version.p, "HTTP/", 5) == 0 && c2_is_digit(version.p[5]) &&
                version.p[6] == '.' && c2_is_digit(version.p[7]);
    if (!http) return refuse(why, 400, "the request's first line does not end with a version of HTTP");
    *is_1_0 = version.p[7] == '0';
    if (version.p[5] != '1' || version.p[7] > '1')
        return refuse(why, 505, "HTTP/1.1 and HTTP/1.0 are served here");
    const char *query = memchr(target.p, '?', target.n);
    out->query = query ? (size_t)(query - line.p) : 0;
    return 0;
}

static int judge_field(struct c2_str line, struct c2_str *name, struct c2_str *value, const char **why)
{
    if (line.p[0] == ' ' || line.p[0] == '\t')
        return refuse(why, 400, "a field of the request's head goes on in a second line");
    if (!c2_str_cut(line, ':', name, value))
        return refuse(why, 400, "a line of the request's head has no colon");
    if (!is_token(*name))
        return refuse(why, 400,
                      "the name of a field of the request's head holds a blank or a character that "
                      "is not allowed there");
    if (!is_all(*value, VALUE))
        return refuse(why, 400, "a field of the request's head holds a control character");
    *value = c2_str_trim(*value);
    return 0;
}

static size_t kept_of_cookies(struct c2_str value)
{
    size_t n = value.n + NOTE_SIZE;

    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] == ';' || value.p[i] == ',') n += NOTE_SIZE;
    return n;
}

static int note(struct seen *seen, struct c2_str name, struct c2_str value, const char **why)
{
    if (name.n != 4 && name.n != 6 && name.n != 7 && name.n != 14 && name.n != 17)
        return 0; /* of those below */
    if (c2_str_eq_nocase(name, C2_STR("Content-Length"))) {
        seen->nlengths++;
        seen->length = value;
    } else if (c2_str_eq_nocase(name, C2_STR("Transfer-Encoding"))) {
        seen->ncodings++;
        seen->coding = value;
    } else if (c2_str_eq_nocase(name, C2_STR("Host"))) {
        seen->nhosts++;
        if (!is_all(value, NAME_OF_HOST)) return refuse(why, 400, "the field Host is not HOST or HOST:PORT");
    } else if (c2_str_eq_nocase(name, C2_STR("Cookie"))) {
        seen->cookies += kept_of_cookies(value);
    } else if (c2_str_eq_nocase(name, C2_STR("Upgrade"))) {
        seen->upgrade = seen->upgrade || c2_str_lists(value, "websocket");
    } else if (c2_str_eq_nocase(name, C2_STR("Expect"))) {
        seen->expects = true;
    }
    return 0;
}

/* Where the last coding is another one, nothing says where the request ends: 400, not 501 (RFC 9112, 6.3). */
static int judge_codings(struct c2_str list, const char **why)
{
    struct c2_str part;
    bool chunked = false;

    for (bool more = true; more;) {
        more = c2_str_cut(list, ',', &part, &list);
        part = c2_str_trim(part);
        if (chunked || !part.n)
            return refuse(why, 400, "Transfer-Encoding names chunked before its end, or nothing");
        chunked = c2_str_eq_nocase(part, C2_STR("chunked"));
    }
    if (chunked) return 0;
    return refuse(why, 400, "Transfer-Encoding does not end with chunked: the request has no end");
}

/* Where the request ends must be said once. */
static int judge_framing(const struct seen *seen, bool is_1_0, struct c2_head *out, const char **why)
{
    int64_t length = 0;

    if (seen->nhosts > 1) return refuse(why, 400, "the request has more than one field Host");
    if (!seen->nhosts && !is_1_0) return refuse(why, 400, "the request has no field Host");
    if (seen->nlengths > 1) return refuse(why, 400, "the request has more than one Content-Length");
    if (seen->nlengths && seen->ncodings)
        return refuse(why, 400, "the request has both Content-Length and Transfer-Encoding");
    if (seen->ncodings) {
        if (is_1_0 || seen->ncodings > 1)
            return refuse(why, 400, "Transfer-Encoding is given twice, or with HTTP/1.0");
        int status = judge_codings(seen->coding, why);
        if (status) return status;
        if (!c2_str_eq_nocase(seen->coding, C2_STR("chunked")))
            return refuse(why, 501, "the only Transfer-Encoding that is served here is chunked");
        out->framing = C2_FRAMING_CHUNKED;
    }
    if (seen->nlengths) {
        bool digits = seen->length.n > 0 && seen->length.n <= DIGITS_MAX;
        for (size_t i = 0; digits && i < seen->length.n; i++)
            digits = c2_is_digit(seen->length.p[i]);
        if (!digits || !c2_str_to_i64(seen->length, &length))
            return refuse(why, 400, "Content-Length is not a number of bytes");
        out->framing = length ? C2_FRAMING_LENGTH : C2_FRAMING_NONE;
        out->length = (uint64_t)length;
    }
    out->upgrade = seen->upgrade;
    out->expects = seen->expects;
    return 0;
}

/* The next line, without its CR LF; every LF has its CR (c2_head_end). */
static struct c2_str next_line(struct c2_bytes text, size_t *at)
{
    const uint8_t *from = text.p + *at, *lf = memchr(from, '\n', text.n - *at);

    if (!lf) return (struct c2_str){"", 0};
    *at = (size_t)(lf + 1 - text.p);
    return (struct c2_str){(const char *)from, (size_t)(lf - from) - 1};
}

int c2_head_judge(struct c2_bytes text, struct c2_head *out, const char **why)
{
    struct seen seen = {0};
    struct c2_str name, value;
    bool is_1_0 = false;
    size_t at = 0, n = 0;

    *out = (struct c2_head){0};
    if (text.n > C2_HEAD_MAX) return c2_head_begins(text, why);
    int status = judge_line(next_line(text, &at), out, &is_1_0, why);
    while (!status) {
        struct c2_str line = next_line(text, &at);
        if (!line.n) break;
        if (++n > C2_HEAD_FIELDS_MAX) return refuse(why, 431, "the request's head has more than 100 fields");
        status = judge_field(line, &name, &value, why);
        if (!status) status = note(&seen, name, value, why);
    }
    if (!status && seen.cookies && text.n + seen.cookies > C2_HEAD_COOKIES_MAX)
        return refuse(why, 431, "the request's head has too many cookies");
    return status ? status : judge_framing(&seen, is_1_0, out, why);
}

int c2_trailer_judge(struct c2_bytes text, const char **why)
{
    struct c2_str name, value;
    size_t at = 0;

    for (struct c2_str line = next_line(text, &at); line.n; line = next_line(text, &at))
        if (judge_field(line, &name, &value, why)) return 400;
    return 0;
}

int c2_chunk_line(struct c2_bytes line, uint64_t *size, const char **why)
{
    size_t i = 0;

    *size = 0;
    for (; i < line.n && c2_hex_digit((char)line.p[i]) >= 0; i++) {
        if (i >= HEX_MAX) return refuse(why, 400, "the size of a chunk of the request's body is too large");
        *size = *size << 4 | (unsigned)c2_hex_digit((char)line.p[i]);
    }
    if (i == 0 || (i < line.n && line.p[i] != ';'))
        return refuse(why, 400, "the size of a chunk of the request's body is not a hexadecimal number");
    for (; i < line.n; i++)
        if (line.p[i] < ' ' && line.p[i] != '\t')
            return refuse(why, 400, "a chunk of the request's body has a control character before it");
    return 0;
}
