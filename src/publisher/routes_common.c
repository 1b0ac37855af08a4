/* SPDX-License-Identifier: BSD-3-Clause */
/* What the routes share: the path of a request, the generation it wants, why it is refused. */
#include <string.h>

#include "base/limits.h"
#include "publisher/publisher_impl.h"

/* What follows /api/WORD/, decoded: from the target as sent, as the server takes "//" for "/" and would hide
 * that the path is absolute. In the request's arena; p NULL: no memory. */
static struct c2_str below_route(struct c2_request *req)
{
    C2_AUTO(c2_buf) path = C2_BUF_INIT(65536);
    struct c2_str rest, part;
    struct cat2_error err;

    c2_str_cut(c2_request_target(req), '?', &part, &rest);
    if (!c2_url_decode(part, false, &path, &err)) return (struct c2_str){0};
    rest = c2_buf_str(&path);
    for (int i = 0; i < 3; i++)
        c2_str_cut(rest, '/', &part, &rest);
    char *copy = c2_arena_alloc(c2_request_arena(req), rest.n + 1);
    if (copy && rest.n) memcpy(copy, rest.p, rest.n);
    return (struct c2_str){copy, copy ? rest.n : 0};
}

/* As Python's pathlib: "a//b", "./a" and "a/" are a/b and a; ".." and absolute ones are refused. */
const char *c2_publisher_path(struct c2_request *req)
{
    struct c2_str raw = below_route(req), rest = raw, part;
    char *out = c2_arena_alloc(c2_request_arena(req), raw.n + 2);
    bool good = !c2_str_starts(raw, "/"), found = raw.p && !memchr(raw.p, '\0', raw.n);
    size_t n = 0;

    if (!out || !raw.p) {
        c2_reply_detail(req, 503, "out of memory");
        return NULL;
    }
    while (good && rest.n > 0) {
        c2_str_cut(rest, '/', &part, &rest);
        if (c2_str_is(part, "..")) good = false;
        if (part.n == 0 || c2_str_is(part, ".")) continue;
        if (n) out[n++] = '/';
        memcpy(out + n, part.p, part.n);
        n += part.n;
    }
    if (good && found && n > 0 && n <= C2_PATH_MAX) return out;
    if (good)
        c2_reply_detail(req, 404,
                        n > C2_PATH_MAX ? "%.*s...: a path of more than %d bytes"
                                        : "%.*s: there is no such dataset",
                        (int)c2_min_i64(300, (int64_t)raw.n), raw.p, C2_PATH_MAX);
    else
        c2_reply_detail(req, 400, "Invalid path %.*s", C2_STR_ARG(raw));
    return NULL;
}

static const char *quoted(struct c2_request *req, const char *etag)
{
    const char *text = c2_arena_printf(c2_request_arena(req), "\"%s\"", etag);

    return text ? text : "\"\"";
}

const char *c2_publisher_strong_etag(struct c2_request *req, const struct c2_generation *gen)
{
    return quoted(req, gen->validator);
}

const char *c2_publisher_etag(struct c2_request *req, const struct c2_generation *gen)
{
    return quoted(req, gen->etag);
}

bool c2_publisher_generation(struct c2_request *req, const struct c2_generation *gen)
{
    c2_reply_header(req, "X-Caterva2-Generation", gen->etag);
    return !c2_reply_if_other(req, c2_publisher_etag(req, gen), c2_publisher_strong_etag(req, gen));
}

/* What cannot be opened is no fault of ours: 422, and the subscribers pass the words on. */
void c2_publisher_refuse(struct c2_request *req, const struct cat2_error *err)
{
    struct cat2_error told = *err;

    if (told.code == CAT2_EDATA && told.http_status == 0) told.http_status = 422;
    c2_reply_error(req, &told);
}
