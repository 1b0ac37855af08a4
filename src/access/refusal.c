/* SPDX-License-Identifier: BSD-3-Clause */
/* Refusals, with what would have been let through. */
#include <stdarg.h>
#include <stdio.h>

#include "access/access_impl.h"

void c2_access_why(const struct c2_access *access, struct c2_request *req, enum c2_scope scope,
                   char why[ACCESS_WHY_MAX])
{
    const struct c2_access_pass *pass = (const struct c2_access_pass *)c2_request_has_pass(req);
    const char *name = c2_scope_name(scope);
    char who[320], has[64];

    if (pass && pass->holder) {
        c2_holder_words(pass->holder, who);
        c2_scopes_format(pass->holder->scopes, has);
        snprintf(why, ACCESS_WHY_MAX,
                 "%.200s may %s; this needs the scope %s (cat2admin key add --scopes %s)", who, has, name,
                 name);
        return;
    }
    snprintf(why, ACCESS_WHY_MAX,
             "this needs a key with the scope %s (header Authorization: Bearer KEY; cat2admin key add "
             "--scopes %s)%s, "
             "or an address that --trust names%s",
             name, name,
             access->page_server == c2_request_server(req) ? ", a user who has signed in at /login" : "",
             access->gate.closed ? "; the setting access is \"keys\" here" : " or of this machine");
}

/* A person who looks at a page; scripts and tools are told in JSON. */
static bool wants_page(const struct c2_access *access, struct c2_request *req)
{
    struct c2_str accept;

    return access->page && c2_request_server(req) == access->page_server &&
           c2_request_method(req) == C2_GET && c2_request_header(req, "Accept", &accept) &&
           c2_str_has(accept, "text/html");
}

/* Programs that send passwords only when asked to are asked; browsers would open a window of their own. */
static void challenge(struct c2_request *req)
{
    struct c2_str value;

    c2_reply_header(req, "WWW-Authenticate", "Bearer realm=\"caterva2\"");
    if (!c2_request_header(req, "Sec-Fetch-Mode", &value) && !c2_request_header(req, "Origin", &value))
        c2_reply_header(req, "WWW-Authenticate", "Basic realm=\"caterva2\", charset=\"UTF-8\"");
}

void c2_access_refuse(struct c2_access *access, struct c2_request *req, int status, const char *why)
{
    struct c2_access_pass *pass = (struct c2_access_pass *)c2_request_has_pass(req);

    if (pass) pass->refused = true;
    access->nrefused++;
    c2_audit(req, "refused", status, why);
    c2_reply_header(req, "Cache-Control", "no-store");
    if (wants_page(access, req)) {
        if (status == 401) c2_reply_header(req, "WWW-Authenticate", "Bearer realm=\"caterva2\"");
        access->page(access->page_ctx, req, status, why);
        return;
    }
    if (status == 401) challenge(req);
    c2_reply_detail(req, status, "%s", why);
}

void c2_access_refuse_text(struct c2_access *access, struct c2_request *req, int status, const char *fmt, ...)
{
    char why[ACCESS_WHY_MAX];
    va_list args;

    va_start(args, fmt);
    vsnprintf(why, sizeof(why), fmt, args);
    va_end(args);
    c2_access_refuse(access, req, status, why);
}
