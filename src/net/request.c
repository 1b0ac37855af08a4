/* SPDX-License-Identifier: BSD-3-Clause */
/* What a handler may ask of a request. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "net/server_impl.h"

#include "base/list.h"

int c2_request_again(struct c2_request *req)
{
    return req->tries++;
}

bool c2_request_redo(struct c2_request *req, int most)
{
    if (req->redone++ >= most) return false;
    req->heads = NULL;
    req->ngiven = 0;
    req->table->routes[req->nroute].handler(req, req->table->state);
    return true;
}

const void *c2_request_route_arg(const struct c2_request *req)
{
    return req->table->routes[req->nroute].arg;
}

bool c2_request_is_tls(const struct c2_request *req)
{
    return req->server->tls != NULL;
}
bool c2_request_is_head(const struct c2_request *req)
{
    return req->head;
}

struct c2_str c2_request_path(const struct c2_request *req)
{
    return c2_buf_str(&req->path);
}
struct c2_str c2_request_target(const struct c2_request *req)
{
    return c2_str_of(req->target);
}
struct c2_bytes c2_request_body(const struct c2_request *req)
{
    return c2_buf_bytes(&req->body);
}
struct c2_arena *c2_request_arena(struct c2_request *req)
{
    return &req->arena;
}

struct c2_str c2_request_param(const struct c2_request *req, const char *name)
{
    for (size_t i = 0; i < req->nparams; i++)
        if (c2_str_is((struct c2_str){req->params[i].name, req->params[i].name_n}, name))
            return req->params[i].value;
    return (struct c2_str){"", 0};
}

void c2_request_param_set(struct c2_request *req, const char *name, struct c2_str value)
{
    for (size_t i = 0; i < req->nparams; i++)
        if (c2_str_is((struct c2_str){req->params[i].name, req->params[i].name_n}, name))
            req->params[i].value = value;
}

/* No memory is another thing than text that is not encoded well: the arena knows of it. */
static bool decode(struct c2_arena *arena, struct c2_str text, struct c2_buf *out)
{
    struct cat2_error err;

    if (c2_url_decode(text, true, out, &err)) return true;
    arena->starved = arena->starved || err.code == CAT2_ENOMEM;
    return false;
}

/* Decoded text goes to the request's arena, so that it lives as long as the request. */
struct c2_str c2_query_decoded(const struct c2_request *req, struct c2_str text)
{
    C2_AUTO(c2_buf) out = C2_BUF_INIT(C2_REQUEST_ARENA_MAX);

    if (text.n == 0) return (struct c2_str){"", 0};
    if (!memchr(text.p, '%', text.n) && !memchr(text.p, '+', text.n)) return text;
    struct c2_arena *arena = (struct c2_arena *)(uintptr_t)&req->arena;
    if (!decode(arena, text, &out)) return (struct c2_str){"", 0};
    char *copy = c2_arena_strdup(arena, c2_buf_str(&out));
    return copy ? (struct c2_str){copy, out.n} : (struct c2_str){"", 0};
}

bool c2_request_query(const struct c2_request *req, const char *name, struct c2_str *out)
{
    struct c2_str rest = req->query, key, value;
    bool found = false;

    for (size_t i = 0; i < req->ngiven; i++)
        if (strcmp(req->given[i].name, name) == 0) return *out = req->given[i].value, true;
    while (c2_query_next(&rest, &key, &value)) {
        if (!c2_str_is(key, name) &&
            !(memchr(key.p, '%', key.n) && c2_str_is(c2_query_decoded(req, key), name)))
            continue;
        *out = value;
        found = true;
    }
    if (found) *out = out->n ? c2_query_decoded(req, *out) : (struct c2_str){"", 0};
    return found;
}

void c2_request_query_set(struct c2_request *req, const char *name, struct c2_str value)
{
    C2_ASSERT(req->ngiven < QUERY_GIVEN_MAX);
    req->given[req->ngiven].name = name;
    req->given[req->ngiven++].value = value;
}

bool c2_request_header(const struct c2_request *req, const char *name, struct c2_str *out)
{
    struct MHD_Connection *connection = c2_request_connection(req);
    if (req->host && strcasecmp(name, "Host") == 0) return *out = c2_str_of(req->host), true;
    const char *value = connection ? MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name) : NULL;

    if (!value) return false;
    *out = c2_str_of(value);
    return true;
}

bool c2_request_takes_coding(const struct c2_request *req, const char *coding)
{
    struct c2_str header, item, quality;

    if (!c2_request_header(req, "Accept-Encoding", &header)) return false;
    while (header.n) {
        c2_str_cut(header, ',', &item, &header);
        c2_str_cut(item, ';', &item, &quality);
        quality = c2_str_trim(quality);
        bool refused = c2_str_starts(quality, "q=0");
        for (size_t i = 3; refused && i < quality.n; i++)
            refused = quality.p[i] == '0' || quality.p[i] == '.';
        if (c2_str_eq_nocase(c2_str_trim(item), c2_str_of(coding))) return !refused;
    }
    return false;
}

void c2_request_set_user(struct c2_request *req, const char *user)
{
    req->user = c2_arena_strdup(&req->arena, c2_str_of(user));
}

/* The client's id when it is sane, else one of ours, made when first asked for. */
const char *c2_request_id(const struct c2_request *req)
{
    struct c2_request *mutable = (struct c2_request *)(uintptr_t)req;
    struct c2_str given;

    if (req->id[0]) return req->id;
    bool sane = c2_request_header(req, "X-Request-Id", &given) && given.n > 0 && given.n < sizeof(req->id);
    if (sane && c2_str_is_made_of(given, "-_."))
        memcpy(mutable->id, given.p, given.n);
    else
        snprintf(mutable->id, sizeof(mutable->id), "%llx", (unsigned long long)(uint64_t)req->started_us);
    return req->id;
}

bool c2_request_fault(struct c2_request *req, const char *type, const char *name, struct cat2_error *err)
{
    req->fault = (struct c2_fault){type, name};
    err->http_status = 422;
    return false;
}

static bool unprocessable(struct c2_request *req, const struct c2_fault *fault, const char *what,
                          struct c2_str text, struct cat2_error *err)
{
    c2_fail(err, CAT2_EINVAL, "%s: '%.*s' is not %s", fault->name, (int)c2_min_i64(60, (int64_t)text.n),
            text.p, what);
    return c2_request_fault(req, fault->type, fault->name, err);
}

size_t c2_request_queries(struct c2_request *req, const char *name, struct c2_str *out, size_t max)
{
    struct c2_str path, rest, key, value;
    size_t n = 0;

    c2_str_cut(c2_request_target(req), '?', &path, &rest);
    while (n < max && c2_query_next(&rest, &key, &value)) {
        C2_AUTO(c2_buf) text = C2_BUF_INIT(C2_PATH_MAX);
        C2_AUTO(c2_buf) plain = C2_BUF_INIT(C2_PATH_MAX);
        if (!decode(&req->arena, key, &plain) || !c2_str_is(c2_buf_str(&plain), name) ||
            !decode(&req->arena, value, &text))
            continue;
        char *copy = c2_arena_strdup(c2_request_arena(req), c2_buf_str(&text));
        if (copy) out[n++] = c2_str_of(copy);
    }
    return n;
}

bool c2_request_query_bool(struct c2_request *req, const char *name, bool fallback, bool *out,
                           struct cat2_error *err)
{
    static const char *const yes[] = {"true", "1", "on", "yes", "y", "t"}, *const no[] = {"false", "0", "off",
                                                                                          "no",    "n", "f"};
    struct c2_str text;

    *out = fallback;
    if (!c2_request_query(req, name, &text)) return true;
    for (size_t i = 0; i < C2_ARRAY_LEN(yes); i++) {
        *out = c2_str_eq_nocase(text, c2_str_of(yes[i]));
        if (*out || c2_str_eq_nocase(text, c2_str_of(no[i]))) return true;
    }
    return unprocessable(req, &(struct c2_fault){"bool_parsing", name}, "a boolean", text, err);
}

bool c2_request_query_int(struct c2_request *req, const char *name, bool *found, int64_t *out,
                          struct cat2_error *err)
{
    struct c2_str text, whole, fraction;

    *found = c2_request_query(req, name, &text);
    if (!*found) return true;
    if (c2_str_to_i64(text, out)) return true;
    bool zeros = c2_str_cut(text, '.', &whole, &fraction) && fraction.n > 0;
    for (size_t i = 0; zeros && i < fraction.n; i++)
        zeros = fraction.p[i] == '0';
    if (zeros && c2_str_to_i64(whole, out)) return true;
    bool digits = text.n > 18;
    for (size_t i = 0; digits && i < text.n; i++)
        digits = text.p[i] >= '0' && text.p[i] <= '9';
    if (!digits) return unprocessable(req, &(struct c2_fault){"int_parsing", name}, "an integer", text, err);
    *out = INT64_MAX; /* an integer, only larger than anything we have */
    return true;
}

void c2_request_unref(struct c2_request *req)
{
    if (--req->refs > 0) return;
    struct c2_server *server = req->server;
    pthread_mutex_lock(&server->lock);
    c2_list_remove(server->requests, req);
    pthread_mutex_unlock(&server->lock);
    server->nrequests--;
    c2_buf_fini(&req->path);
    c2_upload_end(&req->upload);
    c2_buf_fini(&req->body);
    c2_arena_fini(&req->arena);
    free(req->pull_own);
    free(req->asked);
    if (req->at_end) req->at_end(req->at_end_ctx);
    free(req);
}
