/* SPDX-License-Identifier: BSD-3-Clause */
/* Scopes and patterns of roots, as text and as what is compared. */
#include "access/scope.h"

#include <fnmatch.h>
#include <stdio.h>

#include "base/limits.h"

static const char SEPARATORS[] = ", \t\r\n";
#define READ (1U << C2_SCOPE_READ)
static const struct {
    const char *name;
    enum c2_scope scope;
    unsigned means;
} names[] = {{"admin", C2_SCOPE_ADMIN, C2_SCOPES_ALL},
             {"publish", C2_SCOPE_PUBLISH, 1U << C2_SCOPE_PUBLISH | READ},
             {"write", C2_SCOPE_WRITE, 1U << C2_SCOPE_WRITE | READ},
             {"follow", C2_SCOPE_FOLLOW, 1U << C2_SCOPE_FOLLOW | READ},
             {"read", C2_SCOPE_READ, READ}};

/* The next word; false at the end. */
static bool next_word(struct c2_str *rest, struct c2_str *word)
{
    size_t at = 0, n = 0;

    while (at < rest->n && strchr(SEPARATORS, rest->p[at]))
        at++;
    while (at + n < rest->n && !strchr(SEPARATORS, rest->p[at + n]))
        n++;
    *word = (struct c2_str){rest->p + at, n};
    *rest = (struct c2_str){rest->p + at + n, rest->n - at - n};
    return n > 0;
}

bool c2_scopes_parse(struct c2_str text, unsigned *out, struct cat2_error *err)
{
    struct c2_str word;
    unsigned scopes = 0;

    while (next_word(&text, &word)) {
        size_t i = 0;
        while (i < C2_ARRAY_LEN(names) && !c2_str_eq_nocase(word, c2_str_of(names[i].name)))
            i++;
        if (i == C2_ARRAY_LEN(names))
            return c2_fail(err, CAT2_EINVAL, "'%.*s' is no scope: read, follow, write, publish or admin",
                           (int)c2_min_i64(40, (int64_t)word.n), word.p);
        scopes |= names[i].means;
    }
    if (!scopes) return c2_fail(err, CAT2_EINVAL, "no scope is named: read, follow, write, publish or admin");
    *out = scopes;
    return true;
}

void c2_scopes_format(unsigned scopes, char out[64])
{
    size_t n = 0;

    snprintf(out, 64, "%s", scopes == C2_SCOPES_ALL ? "admin" : "");
    for (size_t i = C2_ARRAY_LEN(names); i-- > 1 && scopes != C2_SCOPES_ALL;)
        if (scopes & c2_scope_bit(names[i].scope))
            n += (size_t)snprintf(out + n, 64 - n, "%s%s", n ? "," : "", names[i].name);
}

const char *c2_scope_name(enum c2_scope scope)
{
    for (size_t i = 0; i < C2_ARRAY_LEN(names); i++)
        if (names[i].scope == scope) return names[i].name;
    return scope == C2_SCOPE_METRICS ? "read" : "none";
}

/* ---- roots ---- */

bool c2_grants_parse(struct c2_str text, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_str word;

    c2_buf_clear(out);
    while (next_word(&text, &word)) {
        if (word.n > C2_NAME_MAX || memchr(word.p, '/', word.n))
            return c2_fail(err, CAT2_EINVAL, "'%.*s' is no pattern of names of roots",
                           (int)c2_min_i64(100, (int64_t)word.n), word.p);
        if (!c2_buf_append_str(out, word, err) || !c2_buf_putc(out, '\n', err)) return false;
    }
    return out->n || c2_fail(err, CAT2_EINVAL, "no root is named; * is all of them");
}

bool c2_grants_have(const char *lines, struct c2_str root)
{
    char name[C2_NAME_MAX + 1], pattern[C2_NAME_MAX + 1];
    struct c2_str rest = c2_str_of(lines), line;

    if (strcmp(lines, "*\n") == 0) return true;
    if (root.n == 0 || root.n >= sizeof(name) || memchr(root.p, '\0', root.n)) return false;
    snprintf(name, sizeof(name), "%.*s", C2_STR_ARG(root));
    while (rest.n) {
        c2_str_cut(rest, '\n', &line, &rest);
        if (line.n == 0 || line.n >= sizeof(pattern)) continue;
        snprintf(pattern, sizeof(pattern), "%.*s", C2_STR_ARG(line));
        if (fnmatch(pattern, name, 0) == 0) return true;
    }
    return false;
}
