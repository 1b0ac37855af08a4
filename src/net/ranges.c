/* SPDX-License-Identifier: BSD-3-Clause */
/* Range headers and lists of etags (RFC 9110, 13 and 14). */
#include "net/server.h"

/* "5-9", "5-", "-5" against nbytes. false: malformed; out->n 0: not satisfiable. */
static bool one_range(struct c2_str text, int64_t nbytes, struct c2_range *out)
{
    struct c2_str from, to;
    int64_t a = 0, b = 0;

    text = c2_str_trim(text);
    *out = (struct c2_range){0, 0};
    if (!c2_str_cut(text, '-', &from, &to)) return false;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != '-' && (text.p[i] < '0' || text.p[i] > '9')) return false;
    if (memchr(to.p, '-', to.n) || (from.n == 0 && to.n == 0)) return false;
    if (from.n && !c2_str_to_i64(from, &a)) a = INT64_MAX;
    if (to.n && !c2_str_to_i64(to, &b)) b = INT64_MAX;
    if (from.n && to.n && a > b) return false;
    if (from.n == 0) { /* the last b bytes */
        int64_t n = c2_min_i64(b, nbytes);
        *out = (struct c2_range){nbytes - n, n};
        return true;
    }
    if (a >= nbytes) return true;
    *out = (struct c2_range){a, (to.n ? c2_min_i64(b, nbytes - 1) : nbytes - 1) - a + 1};
    return true;
}

int c2_ranges_parse(struct c2_str header, int64_t nbytes, struct c2_range *out, int max)
{
    struct c2_str unit, rest, part;
    int n = 0;

    if (!c2_str_cut(header, '=', &unit, &rest) || !c2_str_eq_nocase(c2_str_trim(unit), C2_STR("bytes")))
        return -1;
    for (bool more = true; more;) {
        struct c2_range range;
        more = c2_str_cut(rest, ',', &part, &rest);
        if (!one_range(part, nbytes, &range)) return -1;
        if (range.n == 0) continue;
        if (n == max) return -1;
        out[n++] = range;
    }
    return n;
}
