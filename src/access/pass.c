/* SPDX-License-Identifier: BSD-3-Clause */
/* Who sent a request, and what that is good for at any later time: keys are revoked while streams run. */
#include <stdlib.h>

#include "access/access_impl.h"

struct c2_access_pass *c2_access_pass_new(struct c2_access *access, struct c2_request *req)
{
    struct c2_access_pass *pass = calloc(1, sizeof(*pass));

    if (!pass) return NULL;
    pass->base = (struct c2_pass){.refs = 1, .gate = &access->gate};
    pass->access = access;
    c2_request_set_pass(req, &pass->base);
    return pass;
}

void c2_access_pass_give(struct c2_access_pass *pass, enum c2_pass_by by, struct c2_holder *holder)
{
    pass->by = by;
    pass->base.named = holder != NULL;
    pass->holder = holder ? c2_holder_ref(holder) : NULL;
    pass->generation = pass->access->generation;
}

void c2_access_pass_free(struct c2_pass *base)
{
    struct c2_access_pass *pass = (struct c2_access_pass *)base;

    c2_holder_unref(pass->holder);
    free(pass);
}

/* The holder as the file has it now. */
static void find_again(struct c2_access_pass *pass)
{
    pass->generation = pass->access->generation;
    pass->gone = !c2_holder_renew(pass->access, &pass->holder);
}

bool c2_access_pass_holds(const struct c2_pass *base)
{
    struct c2_access_pass *pass = (struct c2_access_pass *)(uintptr_t)base;
    const char *why;

    if (!pass->holder) return true;
    if (pass->generation != pass->access->generation && !pass->gone) find_again(pass);
    return !pass->gone && c2_holder_holds(pass->access, pass->holder, &why);
}

bool c2_access_pass_may(const struct c2_pass *base, enum c2_scope scope)
{
    const struct c2_access_pass *pass = (const struct c2_access_pass *)base;
    bool open = !pass->access->gate.closed && (scope == C2_SCOPE_READ || scope == C2_SCOPE_FOLLOW);

    if (scope == C2_SCOPE_METRICS) scope = C2_SCOPE_READ;
    if (open || pass->by == C2_BY_ADDRESS) return true;
    if (pass->by == C2_BY_PROCESS) return scope == C2_SCOPE_READ || scope == C2_SCOPE_FOLLOW;
    return pass->holder && c2_access_pass_holds(base) && (pass->holder->scopes & c2_scope_bit(scope));
}

bool c2_access_pass_sees(const struct c2_pass *base, struct c2_str root)
{
    const struct c2_access_pass *pass = (const struct c2_access_pass *)base;

    if (!pass->access->gate.closed || pass->by == C2_BY_ADDRESS || pass->by == C2_BY_PROCESS) return true;
    return pass->holder && c2_access_pass_holds(base) && c2_grants_have(pass->holder->roots, root);
}
