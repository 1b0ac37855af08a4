/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests that came through proxies: who sent them, and which address the client has asked. */
#include <strings.h>

#include "net/forwarded.h"
#include "net/gate.h"
#include "net/server_impl.h"

#define HEADS_NBYTES_MAX 16384 /* of one name together: a request's headers are not longer */

/* ---- the headers ---- */

/* Names by which a proxy tells that it is one. */
static bool tells(const char *name)
{
    static const char *const names[] = {
        "Forwarded",        "Via",           "X-Real-IP", "X-Client-IP", "X-Original-Forwarded-For",
        "CF-Connecting-IP", "True-Client-IP"};

    if (!strchr("FfVvXxCcTt", name[0])) return false;
    if (strncasecmp(name, "X-Forwarded-", 12) == 0) return true;
    for (size_t i = 0; i < C2_ARRAY_LEN(names); i++)
        if (strcasecmp(name, names[i]) == 0) return true;
    return false;
}

static enum MHD_Result see(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
    bool *told = cls;

    (void)kind;
    (void)value;
    *told = tells(name);
    return *told ? MHD_NO : MHD_YES;
}

struct joined {
    const char *name;
    struct c2_buf text;
    struct cat2_error err;
    bool ok, found;
};

static enum MHD_Result join(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct joined *j = cls;

    (void)kind;
    if (strcasecmp(name, j->name) != 0) return MHD_YES;
    j->ok = j->ok && (!j->found || c2_buf_putc(&j->text, ',', &j->err)) &&
            c2_buf_puts(&j->text, value ? value : "", &j->err);
    j->found = true;
    return MHD_YES;
}

bool c2_request_all_of(struct c2_request *req, const char *name, struct c2_str *out)
{
    struct joined j = {.name = name, .text = C2_BUF_INIT(HEADS_NBYTES_MAX), .ok = true};

    MHD_get_connection_values(c2_request_connection(req), MHD_HEADER_KIND, join, &j);
    const char *copy = j.found && j.ok ? c2_arena_strdup(&req->arena, c2_buf_str(&j.text)) : NULL;
    *out = (struct c2_str){copy, copy ? strlen(copy) : 0};
    c2_buf_fini(&j.text);
    return copy || !j.found;
}

static void read_heads(struct c2_request *req)
{
    struct c2_forwarded_heads heads;
    char why[C2_FORWARDED_WHY_MAX] = "";
    struct c2_forwarded *f = c2_arena_alloc(&req->arena, sizeof(*f));

    bool ok = f && c2_request_all_of(req, "Forwarded", &heads.forwarded) &&
              c2_request_all_of(req, "X-Forwarded-For", &heads.client) &&
              c2_request_all_of(req, "X-Forwarded-Proto", &heads.proto) &&
              c2_request_all_of(req, "X-Forwarded-Host", &heads.host) &&
              c2_request_all_of(req, "X-Forwarded-Prefix", &heads.prefix);
    if (!ok) {
        req->proxy_fault = "the headers of the proxies are too long";
    } else if (!c2_forwarded_read(&heads, &req->server->exposure->proxies, f, why)) {
        req->proxy_fault = c2_arena_strdup(&req->arena, c2_str_of(why));
        if (!req->proxy_fault) req->proxy_fault = "the headers of the proxies cannot be read";
    } else {
        req->forwarded = f;
    }
}

bool c2_request_was_passed_on(const struct c2_request *req)
{
    bool told = false;

    struct MHD_Connection *connection = c2_request_connection(req);
    if (connection) MHD_get_connection_values(connection, MHD_HEADER_KIND, see, &told);
    return told;
}

/* ---- who sent it ---- */

/* A loopback address that a proxy has to do with says nothing of the client: its text stays, for people. */
static void hide_loopback(struct c2_peer *peer)
{
    if (!peer->is_loopback) return;
    peer->is_loopback = false;
    peer->family = peer->port = 0;
    memset(peer->address, 0, sizeof(peer->address));
}

void c2_proxied_read(struct c2_request *req)
{
    const struct c2_exposure *exposure = req->server->exposure;

    if (!exposure->proxies.n || !req->peer.family || !c2_subnets_have(&exposure->proxies, req->peer.address))
        return;
    bool told = c2_request_was_passed_on(req);
    if (told) read_heads(req);
    if (req->forwarded && req->forwarded->known)
        c2_peer_make(req->forwarded->address, req->forwarded->port, &req->peer);
    else if (req->forwarded && req->forwarded->named)
        req->peer = (struct c2_peer){.text = "unknown"};
    if (told) hide_loopback(&req->peer);
}

/* Both names, where the target has one and the header another: a proxy may have set one of them. */
static bool means_here(const struct c2_request *req, struct MHD_Connection *connection)
{
    const char *header = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Host");
    struct c2_str host = {NULL, 0};

    c2_request_header(req, "Host", &host);
    return c2_origin_means_here(&req->server->origin, req->server->port, host) &&
           (!header || c2_origin_means_here(&req->server->origin, req->server->port, c2_str_of(header)));
}

/* Nobody is at this machine whom a proxy tells of, nor who asks for another name of it: a proxy that tells
 * nothing may have passed that on. Looked at when somebody wants to know: most requests need no rights. */
static void judge_loopback(struct c2_request *req)
{
    struct MHD_Connection *connection = c2_request_connection(req);

    if (c2_request_was_passed_on(req))
        hide_loopback(&req->peer);
    else if (!connection || !means_here(req, connection))
        req->peer.is_loopback = false;
}

const struct c2_peer *c2_request_peer(const struct c2_request *req)
{
    struct c2_request *mutable = (struct c2_request *)(uintptr_t)req;

    if (!req->peer_judged) {
        mutable->peer_judged = true;
        if (req->peer.is_loopback) judge_loopback(mutable);
    }
    return &req->peer;
}

/* ---- which address was asked ---- */

const struct c2_exposure *c2_request_exposure(const struct c2_request *req)
{
    return req->server->exposure;
}

const char *c2_request_prefix(struct c2_request *req)
{
    const struct c2_exposure *exposure = req->server->exposure;

    if (!req->forwarded || !req->forwarded->prefix.n) return exposure->public_path;
    const char *copy = c2_arena_strdup(&req->arena, req->forwarded->prefix);
    return copy ? copy : "";
}

const char *c2_request_told_url(struct c2_request *req)
{
    const struct c2_forwarded *f = req->forwarded;
    struct c2_str host = {"", 0};

    if (req->server->exposure->has_public_url || !f || !(f->schemed || f->host.n || f->prefix.n)) return NULL;
    if (f->host.n)
        host = f->host;
    else
        c2_request_header(req, "Host", &host);
    if (!host.n) return NULL;
    return c2_arena_printf(&req->arena, "http%s://%.*s%s", f->https ? "s" : "", C2_STR_ARG(host),
                           c2_request_prefix(req));
}

bool c2_request_is_https(const struct c2_request *req)
{
    return req->forwarded && req->forwarded->https;
}
