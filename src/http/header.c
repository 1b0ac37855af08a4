/* SPDX-License-Identifier: BSD-3-Clause */
/* Headers among raw lines. */
#include "http/header.h"

bool c2_header_of(struct c2_str headers, const char *name, struct c2_str *out)
{
    struct c2_str rest = headers, line, key, value;

    while (rest.n) {
        c2_str_cut(rest, '\n', &line, &rest);
        if (c2_str_cut(line, ':', &key, &value) && c2_str_eq_nocase(key, c2_str_of(name))) {
            *out = c2_str_trim(value);
            return true;
        }
    }
    return false;
}

/* HTTP/1.1 200, or HTTP/2 200; a reason may follow. */
static bool is_status_line(struct c2_str line)
{
    struct c2_str version, rest;

    line = c2_str_trim(line);
    if (!c2_str_cut(line, ' ', &version, &rest) || rest.n < 3 || (rest.n > 3 && rest.p[3] != ' '))
        return false;
    for (size_t i = 0; i < 3; i++)
        if (rest.p[i] < (i ? '0' : '1') || rest.p[i] > (i ? '9' : '5')) return false;
    return c2_str_is(version, "HTTP/1.1") || c2_str_is(version, "HTTP/1.0") || c2_str_is(version, "HTTP/2") ||
           c2_str_is(version, "HTTP/3");
}

bool c2_header_take(struct c2_buf *headers, struct c2_str line, struct cat2_error *err)
{
    struct c2_str head = {line.p, (size_t)c2_min_i64(5, (int64_t)line.n)};
    bool first = headers->n == 0 || c2_str_eq_nocase(head, C2_STR("HTTP/"));

    if (first) c2_buf_clear(headers);
    if (first && !is_status_line(line))
        return c2_fail(err, CAT2_EDATA, "the answer does not begin with a status line: %.*s",
                       (int)c2_min_i64(60, (int64_t)c2_str_trim(line).n), line.p);
    return c2_buf_append_str(headers, line, err);
}
