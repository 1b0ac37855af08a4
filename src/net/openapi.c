/* SPDX-License-Identifier: BSD-3-Clause */
/* Describing routes. */
#include "net/openapi.h"

#include <stdio.h>

#include "net/server_impl.h"
#include "wire/json.h"

/* Every status that a route may have; what they mean is in docs/protocol.md. */
static const struct {
    const char *status, *text;
} statuses[] = {{"200", "done"},
                {"204", "done, without a body"},
                {"206", "the ranges that were asked for"},
                {"303", "done; the page to go on with"},
                {"304", "unchanged since what If-None-Match names"},
                {"307", "the address has a slash more or less, or is elsewhere"},
                {"400", "the request is malformed"},
                {"401", "who asks must say who it is"},
                {"403", "not allowed"},
                {"404", "no such thing"},
                {"405", "the method is not allowed"},
                {"406", "no such content type"},
                {"408", "the request took too long"},
                {"409", "it belongs to somebody else"},
                {"411", "the length of the body is missing"},
                {"412", "another generation than If-Match names"},
                {"413", "larger than a limit"},
                {"414", "the address is too long"},
                {"415", "a content type that is not taken"},
                {"416", "no such range"},
                {"421", "not a name of this service"},
                {"422", "a parameter or the data cannot be used"},
                {"426", "a WebSocket is expected"},
                {"429", "too many requests"},
                {"431", "the headers are too large"},
                {"501", "not done here: a codec that is not installed, or writing"},
                {"502", "the publisher gave no usable answer"},
                {"503", "not now; Retry-After says when"}};

/* ---- the query ---- */

/* A name of a parameter, as c2_route.query has it. */
struct query_param {
    struct c2_str name;
    bool empty, many, flag;
    struct c2_str with; /* "format=png": goes with this one only; or empty */
};

/* The next name; *rest begins as the specification. false: there are no more. */
static bool next_query_param(struct c2_str *rest, struct query_param *param)
{
    static const char marks[] = "?*!";
    struct c2_str *text = rest;

    for (;;) {
        *text = c2_str_trim(*text);
        if (text->n == 0) return false;
        size_t n = 0;
        while (n < text->n && text->p[n] != ' ')
            n++;
        struct c2_str word = {text->p, n};
        if (word.p[0] == '@' || word.p[n - 1] == ':') { /* where errors stand; a section */
            if (word.p[0] != '@') param->with = (struct c2_str){word.p, n - 1};
            *text = (struct c2_str){text->p + n, text->n - n};
            continue;
        }
        /* One name of a word; the others are left, with the marks. */
        const char *slash = memchr(word.p, '/', n);
        size_t name = slash ? (size_t)(slash - word.p) : n;
        size_t end = n;
        param->empty = param->many = param->flag = false;
        for (; end > 0 && strchr(marks, word.p[end - 1]); end--) {
            param->empty |= word.p[end - 1] == '?';
            param->many |= word.p[end - 1] == '*';
            param->flag |= word.p[end - 1] == '!';
        }
        param->name = (struct c2_str){word.p, slash ? name : end};
        size_t taken = slash ? name + 1 : n;
        *text = (struct c2_str){text->p + taken, text->n - taken};
        return true;
    }
}

/* ---- the patterns ---- */

/* {name*} is {name}: the document has no word for slashes in it. */
static bool put_pattern(struct c2_buf *out, const char *pattern, struct cat2_error *err)
{
    bool ok = true;

    for (; ok && *pattern; pattern++)
        if (*pattern != '*') ok = c2_buf_putc(out, *pattern, err);
    return ok;
}

static const char *next_param(const char *pattern, struct c2_str *name, bool *rest)
{
    const char *open = strchr(pattern, '{'), *close = open ? strchr(open, '}') : NULL;

    if (!close) return NULL;
    *rest = close[-1] == '*';
    *name = (struct c2_str){open + 1, (size_t)(close - open - 1) - *rest};
    return close + 1;
}

/* ---- OpenAPI ---- */

static void put_param(struct c2_jw *w, struct c2_str name, const char *where, const char *type, bool many)
{
    c2_jw_begin_object(w);
    c2_jw_put_str(w, "name", name);
    c2_jw_put_cstr(w, "in", where);
    c2_jw_put_bool(w, "required", strcmp(where, "path") == 0);
    c2_jw_open_object(w, "schema");
    c2_jw_put_cstr(w, "type", many ? "array" : type);
    if (many) {
        c2_jw_open_object(w, "items");
        c2_jw_put_cstr(w, "type", type);
        c2_jw_end_object(w);
    }
    c2_jw_end_object(w);
}

static void put_params(struct c2_jw *w, const struct c2_route *route)
{
    struct c2_str name, rest = c2_str_of(route->query);
    struct query_param param = {0};
    bool slashes;

    c2_jw_open_array(w, "parameters");
    for (const char *at = route->pattern; (at = next_param(at, &name, &slashes));) {
        put_param(w, name, "path", "string", false);
        if (slashes) c2_jw_put_cstr(w, "description", "may hold slashes, which need not be escaped");
        c2_jw_end_object(w);
    }
    while (next_query_param(&rest, &param)) {
        char text[200];
        put_param(w, param.name, "query", param.flag ? "boolean" : "string", param.many);
        if (param.empty) c2_jw_put_bool(w, "allowEmptyValue", true);
        snprintf(text, sizeof(text), "with %.*s only", C2_STR_ARG(param.with));
        if (param.with.n) c2_jw_put_cstr(w, "description", text);
        c2_jw_end_object(w);
    }
    c2_jw_end_array(w);
}

static void put_content(struct c2_jw *w, const char *type, const char *schema)
{
    c2_jw_open_object(w, "content");
    c2_jw_open_object(w, type);
    c2_jw_open_object(w, "schema");
    if (schema) c2_jw_put_cstr(w, "$ref", schema);
    c2_jw_end_object(w);
    c2_jw_end_object(w);
    c2_jw_end_object(w);
}

static void put_responses(struct c2_jw *w, const struct c2_route *route)
{
    /* Their errors are their own. */
    bool pages = !route->query || route->query[0] == '@' || route->form;

    c2_jw_open_object(w, "responses");
    for (size_t i = 0; i < C2_ARRAY_LEN(statuses); i++) {
        bool bodyless = statuses[i].status[0] == '3' || strcmp(statuses[i].status, "204") == 0;
        bool error = statuses[i].status[0] >= '4' && !pages;
        c2_jw_open_object(w, statuses[i].status);
        c2_jw_put_cstr(w, "description", statuses[i].text);
        if (!bodyless)
            put_content(w, error ? "application/json" : "*/*", error ? "#/components/schemas/Error" : NULL);
        c2_jw_end_object(w);
    }
    c2_jw_end_object(w);
}

static const char *verb(enum c2_method method)
{
    return method == C2_GET ? "get" : method == C2_POST ? "post" : method == C2_DELETE ? "delete" : "put";
}

static void put_operation(struct c2_jw *w, const struct c2_route *route)
{
    c2_jw_open_object(w, verb(route->method));
    put_params(w, route);
    if (route->method == C2_POST || route->method == C2_PUT) {
        c2_jw_open_object(w, "requestBody");
        put_content(w, "application/json", NULL);
        c2_jw_end_object(w);
    }
    put_responses(w, route);
    c2_jw_end_object(w);
}

/* Calls fn for every route; the first of each pattern and method is the one that requests find. */
static const struct c2_route *route_at(const struct c2_server *server, size_t i)
{
    for (size_t t = 0; t < server->ntables; t++) {
        if (i < server->tables[t].n) return &server->tables[t].routes[i];
        i -= server->tables[t].n;
    }
    return NULL;
}

static bool is_first(const struct c2_server *server, size_t at, bool of_method)
{
    const struct c2_route *route = route_at(server, at), *other;

    for (size_t i = 0; i < at; i++) {
        other = route_at(server, i);
        if (strcmp(other->pattern, route->pattern) == 0 && (!of_method || other->method == route->method))
            return false;
    }
    return true;
}

static bool put_path(struct c2_jw *w, const struct c2_server *server, size_t at, struct cat2_error *err)
{
    const struct c2_route *route = route_at(server, at), *other;
    C2_AUTO(c2_buf) pattern = C2_BUF_INIT(1000);

    if (!is_first(server, at, false)) return true;
    if (!put_pattern(&pattern, route->pattern, err)) return false;
    c2_jw_key_str(w, c2_buf_str(&pattern));
    c2_jw_begin_object(w);
    for (size_t i = at; (other = route_at(server, i)); i++)
        if (strcmp(other->pattern, route->pattern) == 0 && is_first(server, i, true)) put_operation(w, other);
    c2_jw_end_object(w);
    return true;
}

static void put_head(struct c2_jw *w, const struct c2_server *server)
{
    char title[100];

    snprintf(title, sizeof(title), "Caterva2 %s", server->service ? server->service : "service");
    c2_jw_put_cstr(w, "openapi", "3.0.3");
    c2_jw_open_object(w, "info");
    c2_jw_put_cstr(w, "title", title);
    c2_jw_put_cstr(w, "version", C2_VERSION);
    c2_jw_put_cstr(
        w, "description",
        "Every GET route takes HEAD, too. No parameter is ignored, but for _, which every route takes.");
    c2_jw_end_object(w);
    c2_jw_key(w, "servers"); /* beside this document, wherever a proxy has put it */
    c2_jw_begin_array(w);
    c2_jw_begin_object(w);
    c2_jw_put_cstr(w, "url", "./");
    c2_jw_end_object(w);
    c2_jw_end_array(w);
    c2_jw_key(w, "components");
    c2_jw_raw(w,
              C2_STR("{\"schemas\":{\"Error\":{\"type\":\"object\",\"required\":[\"detail\"],\"properties\":"
                     "{\"detail\":{}}}}}"));
}

bool c2_openapi(const struct c2_server *server, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_jw w;
    bool ok = true;

    c2_jw_init(&w, out, C2_JSON_COMPACT, err);
    c2_jw_begin_object(&w);
    put_head(&w, server);
    c2_jw_open_object(&w, "paths");
    for (size_t i = 0; ok && route_at(server, i); i++)
        ok = put_path(&w, server, i, err);
    c2_jw_end_object(&w);
    c2_jw_end_object(&w);
    return ok && c2_jw_finish(&w);
}

/* ---- the page ---- */

static const char page_head[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, "
    "initial-scale=1\">\n<title>Routes</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>\n"
    "body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }\n"
    "table { border-collapse: collapse; width: 100%; }\n"
    "th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid #8888; "
    "}\n"
    "@media (prefers-color-scheme: dark) { body { background: #111; color: #eee; } a { color: #8cf; } }\n"
    "</style>\n<h1>Routes of this service</h1>\n"
    "<p>Every GET route takes HEAD, too. <a href=\"openapi.json\">openapi.json</a> is for programs.</p>\n"
    "<table>\n<tr><th scope=\"col\">method</th><th scope=\"col\">path</th><th "
    "scope=\"col\">parameters</th></tr>\n";

static bool put_row(const struct c2_route *route, struct c2_buf *out, struct cat2_error *err)
{
    static const char *const types[] = {"", " (boolean)", " (several)"};
    struct c2_str rest = c2_str_of(route->query);
    struct query_param param = {0};
    const char *between = "";
    bool ok = c2_buf_printf(out, err, "<tr><td>%s</td><td><code>", c2_method_name(route->method)) &&
              put_pattern(out, route->pattern, err) && c2_buf_puts(out, "</code></td><td>", err);

    while (ok && next_query_param(&rest, &param)) {
        ok = c2_buf_printf(out, err, "%s<code>%.*s</code>%s", between, C2_STR_ARG(param.name),
                           types[param.flag   ? 1
                                 : param.many ? 2
                                              : 0]) &&
             (!param.with.n || c2_buf_printf(out, err, " with <code>%.*s</code>", C2_STR_ARG(param.with)));
        between = ", ";
    }
    if (ok && !route->query) ok = c2_buf_puts(out, "any", err);
    return ok && c2_buf_puts(out, "</td></tr>\n", err);
}

bool c2_openapi_page(const struct c2_server *server, struct c2_buf *out, struct cat2_error *err)
{
    bool ok = c2_buf_puts(out, page_head, err);

    for (size_t i = 0; ok && route_at(server, i); i++)
        if (is_first(server, i, true)) ok = put_row(route_at(server, i), out, err);
    return ok && c2_buf_puts(out, "</table>\n</html>\n", err);
}
