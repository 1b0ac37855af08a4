/* SPDX-License-Identifier: BSD-3-Clause */
/* Who may ask for what is judged elsewhere (src/access), once for each request, between its route and its
 * handler. Loop thread only. */
#ifndef C2_NET_GATE_H
#define C2_NET_GATE_H

#include "net/server.h"

/* Who sent a request, beyond its address: the first member of what the gate keeps of it. */
struct c2_pass {
    int refs;
    const struct c2_gate *gate;
    bool named; /* by a key or a user, not by an address alone */
};
enum c2_gate_verdict {
    C2_GATE_OPEN, /* the handler is next */
    C2_GATE_SHUT, /* it was answered */
    C2_GATE_LATER /* c2_request_enter(), or an answer, is to follow */
};
struct c2_gate {
    /** May set the request's pass. */
    enum c2_gate_verdict (*judge)(void *ctx, struct c2_request *req, enum c2_scope scope);
    bool (*may)(void *ctx, struct c2_request *req, enum c2_scope scope);
    bool (*pass_may)(const struct c2_pass *pass, enum c2_scope scope);
    bool (*pass_sees)(const struct c2_pass *pass, struct c2_str root);
    bool (*pass_holds)(const struct c2_pass *pass);
    /** The last reference is gone. */
    void (*pass_free)(struct c2_pass *pass);
    /** A request with a pass has been answered, or has gone without an answer (status 0). */
    void (*answered)(void *ctx, struct c2_request *req, int status);
    void *ctx;
    bool closed; /* nothing is seen without a pass, and answers differ from one client to another */
};

/** Go on with a request that was C2_GATE_LATER. */
void c2_request_enter(struct c2_request *req);
/** Takes the reference. */
void c2_request_set_pass(struct c2_request *req, struct c2_pass *pass);
/** Borrowed; NULL: none. */
struct c2_pass *c2_request_has_pass(const struct c2_request *req);
/** The root (c2_server_serves()) of the request's server, or NULL. */
const char *c2_request_root(const struct c2_request *req);
/** Was its sender told by a trusted proxy? */
bool c2_request_is_told(const struct c2_request *req);
/** Does a header tell that a proxy, trusted or not, has passed it on? */
bool c2_request_was_passed_on(const struct c2_request *req);
struct c2_server *c2_request_server(const struct c2_request *req);
enum c2_method c2_request_method(const struct c2_request *req);

void c2_pass_unref(struct c2_pass *pass); /* NULL is fine */
/** As of a request; a pass that does not hold any more may and sees nothing. NULL: everything. */
bool c2_pass_may(const struct c2_pass *pass, enum c2_scope scope);
bool c2_pass_sees(const struct c2_pass *pass, struct c2_str root);
/** Has it neither been revoked nor expired since? NULL: yes. */
bool c2_pass_holds(const struct c2_pass *pass);

#endif
