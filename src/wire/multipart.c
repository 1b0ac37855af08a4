/* SPDX-License-Identifier: BSD-3-Clause */
/* A reader of multipart/byteranges. It uses only the boundary and the range of each part. */
#include "wire/multipart.h"

#include <stdint.h>

#define BOUNDARY_MAX 70 /* RFC 2046, 5.1.1 */

static bool bad(struct cat2_error *err, const char *what)
{
    return c2_fail(err, CAT2_EDATA, "multipart: %s", what);
}

static bool find_boundary(struct c2_str type, struct c2_str *out)
{
    struct c2_str head, rest, name, value;

    if (!c2_str_cut(type, ';', &head, &rest)) return false;
    if (!c2_str_eq_nocase(c2_str_trim(head), C2_STR("multipart/byteranges"))) return false;
    while (rest.n) {
        struct c2_str parameters = rest, parameter;
        if (!c2_str_cut(parameters, ';', &parameter, &rest)) rest = C2_STR("");
        if (!c2_str_cut(c2_str_trim(parameter), '=', &name, &value)) continue;
        if (!c2_str_eq_nocase(name, C2_STR("boundary"))) continue;
        if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
            value = (struct c2_str){value.p + 1, value.n - 2};
        *out = value;
        return value.n > 0 && value.n <= BOUNDARY_MAX;
    }
    return false;
}

/* Up to the next CRLF, which is eaten. */
static bool read_line(struct c2_cursor *in, struct c2_str *out)
{
    const char *start = in->p;

    for (; in->end - in->p >= 2; in->p++)
        if (in->p[0] == '\r' && in->p[1] == '\n') {
            *out = (struct c2_str){start, (size_t)(in->p - start)};
            in->p += 2;
            return true;
        }
    return false;
}

/* "bytes 0-99/1000" */
static bool read_range(struct c2_str text, int64_t *off, int64_t *n)
{
    struct c2_cursor in = c2_cursor_of(c2_str_trim(text));
    bool overflow = false;
    int64_t last;

    if (!c2_cursor_eat(&in, "bytes ") || c2_cursor_peek(&in) == '-' || c2_cursor_peek(&in) == '+')
        return false;
    if (!c2_cursor_i64(&in, off, &overflow) || !c2_cursor_eat(&in, "-") || c2_cursor_peek(&in) == '-')
        return false;
    if (!c2_cursor_i64(&in, &last, &overflow) || overflow || !c2_cursor_eat(&in, "/")) return false;
    if (last < *off || last == INT64_MAX) return false;
    *n = last - *off + 1;
    return true;
}

/* The lines in front of a part's bytes. */
static bool read_head(struct c2_cursor *in, int64_t *off, int64_t *n)
{
    struct c2_str line, name, value;
    bool found = false;

    while (read_line(in, &line)) {
        if (line.n == 0) return found;
        if (!c2_str_cut(line, ':', &name, &value)) return false;
        if (c2_str_eq_nocase(name, C2_STR("Content-Range"))) found = read_range(value, off, n);
    }
    return false;
}

static bool eat_boundary(struct c2_cursor *in, struct c2_str boundary)
{
    struct c2_cursor at = *in;

    if (!c2_cursor_eat(&at, "--") || c2_cursor_left(&at) < boundary.n) return false;
    if (!c2_str_eq((struct c2_str){at.p, boundary.n}, boundary)) return false;
    at.p += boundary.n;
    *in = at;
    return true;
}

bool c2_multipart_read(struct c2_str content_type, struct c2_bytes body, c2_multipart_fn *fn, void *ctx,
                       struct cat2_error *err)
{
    struct c2_cursor in = c2_cursor_of((struct c2_str){(const char *)body.p, body.n});
    struct c2_str boundary;
    int64_t off = 0, n = 0;

    if (!find_boundary(content_type, &boundary)) return bad(err, "no boundary in its type");
    c2_cursor_eat(&in, "\r\n");
    for (;;) {
        if (!eat_boundary(&in, boundary)) return bad(err, "no boundary where one is due");
        if (c2_cursor_eat(&in, "--")) return true;
        if (!c2_cursor_eat(&in, "\r\n")) return bad(err, "text behind a boundary");
        if (!read_head(&in, &off, &n)) return bad(err, "a part without its range");
        if ((uint64_t)n > c2_cursor_left(&in)) return bad(err, "a part is cut short");
        if (!fn(ctx, off, (struct c2_bytes){(const uint8_t *)in.p, (size_t)n}, err)) return false;
        in.p += n;
        if (!c2_cursor_eat(&in, "\r\n")) return bad(err, "a part is longer than its range");
    }
}
