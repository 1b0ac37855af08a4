/* SPDX-License-Identifier: BSD-3-Clause */
/* The judgement on a request. What is open to everybody is decided first and costs one comparison. */

#include "access/access_impl.h"

static const char CSRF_HEADER[] = "X-Caterva2-CSRF";

static bool is_open(const struct c2_access *access, enum c2_scope scope)
{
    return !access->gate.closed &&
           (scope == C2_SCOPE_READ || scope == C2_SCOPE_FOLLOW || scope == C2_SCOPE_PUBLISH);
}

/* A browser sends its cookie whatever page makes it; the token is on our pages alone. */
static bool is_forged(struct c2_request *req, const struct c2_access_pass *pass)
{
    struct c2_str sent;

    if (pass->by != C2_BY_SESSION || c2_request_method(req) == C2_GET) return false;
    return !c2_request_header(req, CSRF_HEADER, &sent) || sent.n != C2_KEY_SECRET ||
           !c2_secret_same(sent.p, pass->csrf, C2_KEY_SECRET);
}

static enum c2_gate_verdict decide(struct c2_access *access, struct c2_request *req,
                                   struct c2_access_pass *pass)
{
    const char *root = c2_request_root(req);
    char why[ACCESS_WHY_MAX], who[320];

    if (pass->holder) {
        c2_holder_words(pass->holder, who);
        c2_request_set_user(req, who);
    }

    if (!is_open(access, pass->scope) && !c2_access_pass_may(&pass->base, pass->scope)) {
        c2_access_why(access, req, pass->scope, why);
        c2_access_refuse(access, req, pass->by == C2_BY_NOTHING ? 401 : 403, why);
        return C2_GATE_SHUT;
    }
    if (is_forged(req, pass)) {
        c2_access_refuse_text(access, req, 403,
                              "a browser that is signed in has to send the token of its page (%s)",
                              CSRF_HEADER);
        return C2_GATE_SHUT;
    }
    if (root && !c2_access_pass_sees(&pass->base, c2_str_of(root))) {
        c2_access_refuse_text(access, req, 403,
                              "the key is not for what is published here: cat2admin key add "
                              "--roots names roots");
        return C2_GATE_SHUT;
    }
    return C2_GATE_OPEN;
}

static void on_password(struct c2_access *access, struct c2_request *req, struct c2_holder *holder)
{
    struct c2_access_pass *pass = (struct c2_access_pass *)c2_request_has_pass(req);

    if (!holder) {
        c2_access_refuse(access, req, 401, "the user or the password is wrong, or the user has expired");
        return;
    }
    c2_access_pass_give(pass, C2_BY_PASSWORD, holder);
    if (decide(access, req, pass) == C2_GATE_OPEN) c2_request_enter(req);
}

/* Nobody has a key here, and what is open needs none: a proxy may have sent passwords of its own on. */
static bool needs_nothing(const struct c2_access *access, enum c2_scope scope)
{
    return is_open(access, scope) && access->holders.n == 0;
}

static enum c2_gate_verdict identify(struct c2_access *access, struct c2_request *req,
                                     struct c2_access_pass *pass)
{
    char why[ACCESS_WHY_MAX];
    struct c2_str user, password;

    c2_access_look(access);
    if (needs_nothing(access, pass->scope)) return C2_GATE_OPEN;
    switch (c2_credentials_read(access, req, pass, why)) {
    case C2_CREDENTIALS_BAD:
        c2_access_refuse(access, req, 401, why);
        return C2_GATE_SHUT;
    case C2_CREDENTIALS_LATER:
        (void)c2_credentials_basic(req, &user, &password);
        c2_access_try(access, req, user, password, on_password);
        return C2_GATE_LATER;
    case C2_CREDENTIALS_NONE:
    case C2_CREDENTIALS_GOOD:
        break;
    }
    return decide(access, req, pass);
}

enum c2_gate_verdict c2_access_judge(void *ctx, struct c2_request *req, enum c2_scope scope)
{
    struct c2_access *access = ctx;

    if (!access->gate.closed && (scope == C2_SCOPE_READ || scope == C2_SCOPE_METRICS)) return C2_GATE_OPEN;
    if (scope == C2_SCOPE_METRICS) {
        if (c2_access_is_local(req)) return C2_GATE_OPEN;
        scope = C2_SCOPE_READ;
    }
    struct c2_access_pass *pass = c2_access_pass_new(access, req);
    if (!pass) {
        c2_reply_detail(req, 503, "out of memory");
        return C2_GATE_SHUT;
    }
    pass->scope = scope;
    if (c2_access_trusts(access, req)) {
        c2_access_pass_give(pass, C2_BY_ADDRESS, NULL);
        return C2_GATE_OPEN;
    }
    return identify(access, req, pass);
}

bool c2_access_may(void *ctx, struct c2_request *req, enum c2_scope scope)
{
    struct c2_access *access = ctx;
    const struct c2_pass *pass = c2_request_has_pass(req);

    if (!access->gate.closed && (scope == C2_SCOPE_READ || scope == C2_SCOPE_FOLLOW)) return true;
    return pass ? c2_access_pass_may(pass, scope) : c2_access_trusts(access, req);
}

void c2_access_answered(void *ctx, struct c2_request *req, int status)
{
    struct c2_access *access = ctx;
    const struct c2_access_pass *pass = (const struct c2_access_pass *)c2_request_has_pass(req);

    if (pass->refused || pass->scope == C2_SCOPE_READ) return;
    access->nchanged++;
    c2_audit(req, "change", status, NULL);
}
