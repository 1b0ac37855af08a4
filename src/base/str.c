/* SPDX-License-Identifier: BSD-3-Clause */
/* Borrowed text, and the cursor. */
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

int c2_hex_digit(char c)
{
    if (c2_is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool c2_str_is_made_of(struct c2_str s, const char *others)
{
    for (size_t i = 0; i < s.n; i++)
        if (!c2_is_alnum(s.p[i]) && (!s.p[i] || !strchr(others, s.p[i]))) return false;
    return true;
}

bool c2_str_is_visible(struct c2_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~') return false;
    return true;
}

bool c2_str_eq(struct c2_str a, struct c2_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool c2_str_eq_nocase(struct c2_str a, struct c2_str b)
{
    if (a.n != b.n) return false;
    for (size_t i = 0; i < a.n; i++)
        if (c2_lower(a.p[i]) != c2_lower(b.p[i])) return false;
    return true;
}

bool c2_str_is(struct c2_str a, const char *text)
{
    return c2_str_eq(a, c2_str_of(text));
}

bool c2_str_starts(struct c2_str s, const char *prefix)
{
    size_t n = strlen(prefix);
    return s.n >= n && memcmp(s.p, prefix, n) == 0;
}

bool c2_str_ends(struct c2_str s, const char *suffix)
{
    size_t n = strlen(suffix);
    return s.n >= n && memcmp(s.p + s.n - n, suffix, n) == 0;
}

bool c2_str_has(struct c2_str s, const char *part)
{
    return s.n && memmem(s.p, s.n, part, strlen(part));
}

struct c2_str c2_str_no_slashes(struct c2_str s)
{
    while (s.n && s.p[s.n - 1] == '/')
        s.n--;
    return s;
}

size_t c2_str_find_nocase(struct c2_str s, struct c2_str part)
{
    for (size_t i = 0; i + part.n <= s.n; i++)
        if (c2_str_eq_nocase((struct c2_str){s.p + i, part.n}, part)) return i;
    return s.n;
}

struct c2_str c2_str_trim(struct c2_str s)
{
    while (s.n && is_blank(s.p[0]))
        s = (struct c2_str){s.p + 1, s.n - 1};
    while (s.n && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

bool c2_str_cut(struct c2_str s, char sep, struct c2_str *head, struct c2_str *rest)
{
    const char *at = s.n ? memchr(s.p, sep, s.n) : NULL;

    *head = s;
    *rest = (struct c2_str){s.p + s.n, 0};
    if (!at) return false;
    head->n = (size_t)(at - s.p);
    *rest = (struct c2_str){at + 1, s.n - head->n - 1};
    return true;
}

char *c2_str_dup(struct c2_str s)
{
    char *copy = malloc(s.n + 1);

    if (!copy) return NULL;
    if (s.n) memcpy(copy, s.p, s.n);
    copy[s.n] = '\0';
    return copy;
}

int c2_str_cmp(struct c2_str a, struct c2_str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n ? memcmp(a.p, b.p, n) : 0;

    if (order) return order;
    return a.n < b.n ? -1 : a.n > b.n;
}

/* Length of the well-formed character at p (RFC 3629), 0 when there is none. */
static size_t utf8_length(const unsigned char *p, size_t left)
{
    static const unsigned char least[] = {0, 0, 0x80, 0xa0, 0x90};
    size_t n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;

    if (n == 0 || n > left) return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80) return 0;
    if ((p[0] == 0xe0 || p[0] == 0xf0) && p[1] < least[n]) return 0; /* overlong */
    if ((p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0; /* surrogate, past U+10FFFF */
    return n;
}

bool c2_str_lists(struct c2_str list, const char *word)
{
    struct c2_str part;

    for (bool more = true; more;) {
        more = c2_str_cut(list, ',', &part, &list);
        if (c2_str_eq_nocase(c2_str_trim(part), c2_str_of(word))) return true;
    }
    return false;
}

bool c2_str_is_utf8(struct c2_str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t i = 0;

    while (i < s.n) {
        size_t n = utf8_length(p + i, s.n - i);
        if (n == 0) return false;
        i += n;
    }
    return true;
}

bool c2_str_to_i64(struct c2_str s, int64_t *out)
{
    struct c2_cursor in = c2_cursor_of(s);
    bool overflow = false;

    return c2_cursor_i64(&in, out, &overflow) && !overflow && c2_cursor_done(&in);
}

bool c2_cursor_eat(struct c2_cursor *in, const char *text)
{
    size_t n = strlen(text);

    if (c2_cursor_left(in) < n || memcmp(in->p, text, n) != 0) return false;
    in->p += n;
    return true;
}

void c2_cursor_blanks(struct c2_cursor *in)
{
    while (in->p < in->end && is_blank(*in->p))
        in->p++;
}

bool c2_cursor_i64(struct c2_cursor *in, int64_t *out, bool *overflow)
{
    const char *p = in->p;
    bool negative = p < in->end && *p == '-';
    int64_t value = 0;

    *overflow = false;
    if (p < in->end && (*p == '-' || *p == '+')) p++;
    if (p == in->end || !c2_is_digit(*p)) return false;
    for (; p < in->end && c2_is_digit(*p); p++) {
        int64_t digit = *p - '0'; /* counted downwards, so that INT64_MIN fits */
        if (!c2_mul_i64(value, 10, &value) || !c2_add_i64(value, -digit, &value)) *overflow = true;
    }
    if (!negative && value == INT64_MIN) *overflow = true;
    in->p = p;
    *out = *overflow ? 0 : negative ? value : -value;
    return true;
}

bool c2_path_check(struct c2_str rel, struct cat2_error *err)
{
    size_t start = 0;

    if (rel.n == 0) return c2_fail(err, CAT2_EINVAL, "path is empty");
    if (rel.n > C2_PATH_MAX) return c2_fail(err, CAT2_ELIMIT, "path is longer than %d bytes", C2_PATH_MAX);
    if (memchr(rel.p, '\0', rel.n)) return c2_fail(err, CAT2_EINVAL, "path holds a NUL byte");
    for (size_t i = 0; i <= rel.n; i++) {
        if (i < rel.n && rel.p[i] != '/') continue;
        struct c2_str part = {rel.p + start, i - start};
        if (part.n == 0 || c2_str_is(part, ".") || c2_str_is(part, ".."))
            return c2_fail(err, CAT2_EINVAL, "path has an empty, '.' or '..' part");
        if (part.n > C2_PART_MAX)
            return c2_fail(err, CAT2_ELIMIT, "path has a part longer than %d bytes", C2_PART_MAX);
        start = i + 1;
    }
    return true;
}

struct c2_str c2_path_last(struct c2_str path)
{
    for (size_t i = path.n; i > 0; i--)
        if (path.p[i - 1] == '/') return (struct c2_str){path.p + i, path.n - i};
    return path;
}

bool c2_path_is_near(struct c2_str a, struct c2_str b)
{
    struct c2_str shorter = a.n < b.n ? a : b, longer = a.n < b.n ? b : a;

    if (shorter.n == 0) return true;
    if (memcmp(shorter.p, longer.p, shorter.n) != 0) return false;
    return longer.n == shorter.n || longer.p[shorter.n] == '/' || longer.p[shorter.n] == '.';
}

struct c2_str c2_path_parent(struct c2_str path)
{
    struct c2_str last = c2_path_last(path);

    return (struct c2_str){path.p, last.n < path.n ? path.n - last.n - 1 : 0};
}

void c2_size_text(int64_t nbytes, char out[16])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double size = (double)nbytes;
    size_t unit = 0;

    for (; size >= 1024 && unit + 1 < C2_ARRAY_LEN(units); unit++)
        size /= 1024;
    snprintf(out, 16, unit ? "%.1f %s" : "%.0f %s", size, units[unit]);
}

size_t c2_utf8_count(struct c2_str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += ((uint8_t)s.p[i] & 0xc0) != 0x80;
    return n;
}

size_t c2_utf8_first(struct c2_str s)
{
    unsigned char lead = (unsigned char)s.p[0];
    size_t n = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;

    return n <= s.n && c2_str_is_utf8((struct c2_str){s.p, n}) ? n : 0;
}

size_t c2_utf8_whole(struct c2_str s, size_t n)
{
    while (n && n < s.n && ((uint8_t)s.p[n] & 0xc0) == 0x80)
        n--;
    return n;
}

size_t c2_utf8_encode(uint32_t c, uint8_t out[4])
{
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

    for (size_t i = n; i-- > 1; c >>= 6)
        out[i] = (uint8_t)(0x80 | (c & 0x3f));
    out[0] = (uint8_t)(n == 1   ? c
                       : n == 2 ? 0xc0 | (c & 0x1f)
                       : n == 3 ? 0xe0 | (c & 0x0f)
                                : 0xf0 | (c & 0x07));
    return n;
}
