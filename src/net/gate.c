/* SPDX-License-Identifier: BSD-3-Clause */
/* Between routes and handlers: the gate is asked, and the pass kept. */
#include "net/gate.h"
#include "net/server_impl.h"

static const struct c2_gate *gate_of(const struct c2_request *req)
{
    return req->server->gate;
}

static const struct c2_route *route_of(const struct c2_request *req)
{
    return &req->table->routes[req->nroute];
}

/* ---- requests ---- */

void c2_request_enter(struct c2_request *req)
{
    const struct c2_route *route = route_of(req);

    if (c2_query_check(req, route->query)) route->handler(req, req->table->state);
}

void c2_gate_pass_through(struct c2_request *req)
{
    const struct c2_gate *gate = gate_of(req);
    enum c2_scope scope = route_of(req)->scope;

    if (scope == C2_SCOPE_BY_METHOD) scope = req->method == C2_GET ? C2_SCOPE_READ : C2_SCOPE_WRITE;
    if (!gate || scope == C2_SCOPE_NONE || gate->judge(gate->ctx, req, scope) == C2_GATE_OPEN)
        c2_request_enter(req);
}

void c2_gate_leave(struct c2_request *req)
{
    struct c2_pass *pass = req->pass;

    if (!pass) return;
    pass->gate->answered(pass->gate->ctx, req, req->status);
    req->pass = NULL;
    c2_pass_unref(pass);
}

bool c2_request_may(struct c2_request *req, enum c2_scope scope)
{
    const struct c2_gate *gate = gate_of(req);

    return !gate || gate->may(gate->ctx, req, scope);
}

bool c2_request_sees(struct c2_request *req, struct c2_str root)
{
    const struct c2_gate *gate = gate_of(req);

    if (!gate || !gate->closed) return true;
    return req->pass && c2_pass_sees(req->pass, root);
}

struct c2_pass *c2_request_pass(struct c2_request *req)
{
    if (req->pass) req->pass->refs++;
    return req->pass;
}

void c2_request_set_pass(struct c2_request *req, struct c2_pass *pass)
{
    C2_ASSERT(!req->pass);
    req->pass = pass;
}

struct c2_pass *c2_request_has_pass(const struct c2_request *req)
{
    return req->pass;
}

const char *c2_request_root(const struct c2_request *req)
{
    return req->server->root;
}

bool c2_request_is_told(const struct c2_request *req)
{
    return req->forwarded != NULL;
}

struct c2_server *c2_request_server(const struct c2_request *req)
{
    return req->server;
}

enum c2_method c2_request_method(const struct c2_request *req)
{
    return req->method;
}

/* ---- passes ---- */

void c2_pass_unref(struct c2_pass *pass)
{
    if (pass && --pass->refs == 0) pass->gate->pass_free(pass);
}

bool c2_pass_may(const struct c2_pass *pass, enum c2_scope scope)
{
    return !pass || pass->gate->pass_may(pass, scope);
}

bool c2_pass_sees(const struct c2_pass *pass, struct c2_str root)
{
    return !pass || pass->gate->pass_sees(pass, root);
}

bool c2_pass_holds(const struct c2_pass *pass)
{
    return !pass || pass->gate->pass_holds(pass);
}
