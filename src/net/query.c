/* SPDX-License-Identifier: BSD-3-Clause */
/* A request's query against what its route takes: nothing is ignored. */
#include "net/server_impl.h"

#define GIVEN_MAX 256 /* parameters of one request */
#define SHOWN_MAX 80  /* bytes of a name or value in a message */

struct given {
    struct c2_str key, value;
};
struct query {
    struct c2_request *req;
    struct c2_str spec; /* the route's */
    struct given list[GIVEN_MAX];
    size_t n;
};
/* A word of the specification: names of one parameter with '/' between, and marks. */
struct word {
    struct c2_str names;
    bool empty, many, flag;
    struct c2_str section; /* "format=png", or empty */
    bool active;           /* the request meets it */
};

static int shown(struct c2_str text)
{
    return (int)c2_min_i64(SHOWN_MAX, (int64_t)text.n);
}

static bool meets(const struct query *q, struct c2_str section)
{
    struct c2_str name, value;

    c2_str_cut(section, '=', &name, &value);
    for (size_t i = 0; i < q->n; i++)
        if (c2_str_eq(q->list[i].key, name) && c2_str_eq(q->list[i].value, value)) return true;
    return section.n == 0;
}

/* The next word of *rest; `word` carries its section from call to call. */
static bool next_word(const struct query *q, struct c2_str *rest, struct word *word)
{
    struct c2_str text;

    for (;;) {
        *rest = c2_str_trim(*rest);
        if (rest->n == 0) return false;
        c2_str_cut(*rest, ' ', &text, rest);
        if (text.p[text.n - 1] != ':') break;
        word->section = (struct c2_str){text.p, text.n - 1};
    }
    word->active = meets(q, word->section);
    word->empty = word->many = word->flag = false;
    for (; strchr("?*!", text.p[text.n - 1]); text.n--) {
        char mark = text.p[text.n - 1];
        word->empty |= mark == '?';
        word->many |= mark == '*';
        word->flag |= mark == '!';
    }
    word->names = text;
    return true;
}

static bool is_one_of(struct c2_str names, struct c2_str key)
{
    struct c2_str name;

    while (names.n) {
        c2_str_cut(names, '/', &name, &names);
        if (c2_str_eq(name, key)) return true;
    }
    return false;
}

/* ---- what is wrong ---- */

static void known_names(const struct query *q, struct c2_buf *out)
{
    struct c2_str rest = q->spec, names, name;
    struct word word = {0};
    struct cat2_error err;
    bool ok = true;

    while (ok && next_word(q, &rest, &word)) {
        for (names = word.names; ok && word.active && names.n;) {
            c2_str_cut(names, '/', &name, &names);
            ok = c2_buf_printf(out, &err, "%s%.*s", out->n ? ", " : "", C2_STR_ARG(name));
        }
    }
}

static bool unknown(const struct query *q, struct c2_str key, struct c2_str elsewhere)
{
    C2_AUTO(c2_buf) names = C2_BUF_INIT(400);

    known_names(q, &names);
    if (elsewhere.n)
        c2_reply_detail(q->req, 400, "the parameter '%.*s' goes with %.*s only; without it there are: %s",
                        shown(key), key.p, C2_STR_ARG(elsewhere), c2_buf_cstr(&names));
    else if (names.n)
        c2_reply_detail(q->req, 400, "unknown parameter '%.*s'; known are: %s", shown(key), key.p,
                        c2_buf_cstr(&names));
    else
        c2_reply_detail(q->req, 400, "unknown parameter '%.*s'; none are known here", shown(key), key.p);
    return false;
}

static bool check_value(const struct query *q, const struct word *word, const struct given *it)
{
    struct cat2_error err;
    bool flag, ok = true;
    const char *name = c2_arena_strdup(&q->req->arena, it->key);

    if (it->value.n == 0 && !word->empty) {
        c2_reply_detail(q->req, 400, "the parameter '%.*s' is empty", shown(it->key), it->key.p);
        return false;
    }
    if (name && word->flag) ok = c2_request_query_bool(q->req, name, false, &flag, &err);
    if (!ok) c2_reply_error(q->req, &err);
    return ok;
}

/* The same parameter once more, under this name or another of its names. */
static bool check_twice(const struct query *q, const struct word *word, size_t at)
{
    const struct given *it = &q->list[at], *other;

    for (size_t i = 0; i < at && !word->many; i++) {
        other = &q->list[i];
        if (!is_one_of(word->names, other->key) || c2_str_eq(it->value, other->value)) continue;
        if (c2_str_eq(it->key, other->key))
            c2_reply_detail(q->req, 400, "the parameter '%.*s' is given twice, with different values",
                            shown(it->key), it->key.p);
        else
            c2_reply_detail(q->req, 400, "'%.*s' and '%.*s' are the same parameter: give one of them",
                            shown(other->key), other->key.p, shown(it->key), it->key.p);
        return false;
    }
    return true;
}

static bool check(const struct query *q, size_t at)
{
    const struct given *it = &q->list[at];
    struct c2_str rest = q->spec, elsewhere = {"", 0};
    struct word word = {0};

    if (c2_str_is(it->key, "_")) return true; /* what libraries add so that no cache answers */
    while (next_word(q, &rest, &word)) {
        if (!is_one_of(word.names, it->key)) continue;
        if (word.active) return check_value(q, &word, it) && check_twice(q, &word, at);
        elsewhere = word.section;
    }
    return unknown(q, it->key, elsewhere);
}

bool c2_query_check(struct c2_request *req, const char *spec)
{
    struct c2_str rest = req->query, key, value, names = c2_str_of(spec);
    struct query q; /* not in the arena, which would fill 8 KiB with zeros for every request */

    if (c2_str_starts(names, "@")) { /* errors of this route stand under another key */
        c2_str_cut((struct c2_str){names.p + 1, names.n - 1}, ' ', &key, &names);
        req->error_key = c2_arena_strdup(&req->arena, key);
    }
    if (!spec || rest.n == 0) return true;
    q.req = req;
    q.spec = names;
    q.n = 0;
    while (c2_query_next(&rest, &key, &value)) {
        if (q.n == GIVEN_MAX) {
            c2_reply_detail(req, 400, "more than %d parameters", GIVEN_MAX);
            return false;
        }
        q.list[q.n++] = (struct given){c2_query_decoded(req, key), c2_query_decoded(req, value)};
    }
    for (size_t i = 0; i < q.n; i++)
        if (!check(&q, i)) return false;
    return true;
}
