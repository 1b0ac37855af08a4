/* SPDX-License-Identifier: BSD-3-Clause */
/* Finding the handler: patterns against the decoded path; 404, 405 and 307 where there is none. */
#include <stdio.h>

#include "net/server_impl.h"

static size_t first_slash(struct c2_str text)
{
    const char *slash = text.n ? memchr(text.p, '/', text.n) : NULL;

    return slash ? (size_t)(slash - text.p) : text.n;
}

static size_t last_slash(struct c2_str text)
{
    const char *slash = text.n ? memrchr(text.p, '/', text.n) : NULL;

    return slash ? (size_t)(slash - text.p) : text.n;
}

/* Match pattern against path, noting parameters. */
static bool match(const char *pattern, struct c2_str path, struct c2_request *req)
{
    size_t at = 0;

    req->nparams = 0;
    for (; *pattern; pattern++) {
        if (*pattern != '{') {
            if (at == path.n || path.p[at++] != *pattern) return false;
            continue;
        }
        const char *name = pattern + 1, *close = strchr(pattern, '}');
        bool rest = close[-1] == '*';
        struct c2_str left = {path.p + at, path.n - at};
        size_t n = rest && close[1] ? last_slash(left) : rest ? left.n : first_slash(left);
        if (n == 0 && !rest) return false;
        C2_ASSERT(req->nparams < ROUTE_PARAMS_MAX);
        req->params[req->nparams].name = name;
        req->params[req->nparams].name_n = (size_t)(close - name) - rest;
        req->params[req->nparams++].value = (struct c2_str){path.p + at, n};
        at += n;
        pattern = close;
    }
    return at == path.n;
}

/* Search all tables; methods of routes that match the path are gathered in *allowed. */
static bool search(struct c2_request *req, struct c2_str path, bool any_method, unsigned *allowed)
{
    struct c2_server *server = req->server;

    for (size_t t = 0; t < server->ntables; t++)
        for (size_t i = 0; i < server->tables[t].n; i++) {
            const struct c2_route *route = &server->tables[t].routes[i];
            if (!match(route->pattern, path, req)) continue;
            *allowed |= (unsigned)route->method;
            if (!any_method && (req->other_method || !(route->method & req->method))) continue;
            req->table = &server->tables[t];
            req->nroute = i;
            return true;
        }
    return false;
}

const char *c2_method_name(enum c2_method method)
{
    return method == C2_GET ? "GET" : method == C2_POST ? "POST" : method == C2_DELETE ? "DELETE" : "PUT";
}

static void allow_header(struct c2_request *req, unsigned allowed)
{
    static const struct {
        unsigned method;
        const char *name;
    } names[] = {{C2_GET, "GET, HEAD"}, {C2_POST, "POST"}, {C2_DELETE, "DELETE"}, {C2_PUT, "PUT"}};
    char text[64] = "";
    size_t n = 0;

    for (size_t i = 0; i < C2_ARRAY_LEN(names); i++)
        if (allowed & names[i].method)
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n ? ", " : "", names[i].name);
    c2_reply_header(req, "Allow", text);
}

/* Would the path be found with a slash more or less at its end? Then say so. True: it is answered. */
static bool redirect(struct c2_request *req)
{
    struct c2_str path = c2_buf_str(&req->path), sent, query;
    C2_AUTO(c2_buf) other = C2_BUF_INIT(65536);
    C2_AUTO(c2_buf) there = C2_BUF_INIT(131072);
    struct cat2_error err;
    unsigned allowed = 0;
    bool slash = path.n > 1 && path.p[path.n - 1] == '/';

    if (path.n < 2) return false;
    if (slash) path.n--;
    if (!c2_buf_append_str(&other, path, &err) || (!slash && !c2_buf_putc(&other, '/', &err))) {
        c2_reply_error(req, &err);
        return true;
    }
    bool found = search(req, c2_buf_str(&other), true, &allowed);
    req->table = NULL;
    req->nparams = 0;
    if (!found) return false;
    if (slash) return c2_reply_without_slash(req);
    bool asked = c2_str_cut(c2_str_of(req->target), '?', &sent, &query);
    if (!c2_buf_printf(&there, &err, "%.*s/%s%.*s", C2_STR_ARG(sent), asked ? "?" : "", C2_STR_ARG(query)))
        c2_reply_error(req, &err);
    else
        c2_reply_redirect(req, c2_buf_cstr(&there));
    return true;
}

/* What another site's page may do: read. */
static void preflight(struct c2_request *req)
{
    c2_reply_header(req, "Access-Control-Allow-Methods", "GET, HEAD");
    c2_reply_header(req, "Access-Control-Allow-Headers", "*, Authorization"); /* which * is not */
    c2_reply_header(req, "Access-Control-Max-Age", "86400");
    c2_reply_empty(req, 204);
}

static int shown(struct c2_str text)
{
    return (int)c2_min_i64(300, (int64_t)text.n);
}

const struct c2_route *c2_route_look(struct c2_request *req)
{
    unsigned allowed = 0;
    bool found = search(req, c2_buf_str(&req->path), false, &allowed);
    const struct c2_route *route = found ? &req->table->routes[req->nroute] : NULL;

    req->table = NULL;
    req->nparams = 0;
    return route;
}

bool c2_server_has_path(const struct c2_server *server, struct c2_str name)
{
    for (size_t t = 0; t < server->ntables; t++)
        for (size_t i = 0; i < server->tables[t].n; i++) {
            struct c2_str rest = c2_str_of(server->tables[t].routes[i].pattern + 1), first;
            c2_str_cut(rest, '/', &first, &rest);
            if (c2_str_eq(first, name)) return true;
        }
    return false;
}

bool c2_route_find(struct c2_request *req)
{
    struct c2_str path = c2_buf_str(&req->path);
    unsigned allowed = 0;

    if (search(req, path, false, &allowed)) return true;
    req->nparams = 0;
    if (allowed && req->options && req->server->cors) {
        preflight(req);
    } else if (allowed) {
        allow_header(req, allowed);
        c2_reply_detail(req, 405, "%.*s: this method is not allowed here", shown(path), path.p);
    } else if (!redirect(req)) {
        c2_reply_detail(req, 404, "nothing is served at %.*s", shown(path), path.p);
    }
    return false;
}
