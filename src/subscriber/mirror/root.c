/* SPDX-License-Identifier: BSD-3-Clause */
/* The life of a root, as its subscriber knows it.
 *
 *              without a list                   with a list
 *
 *   follow                  restored
 *   ------> FIRST ----------------------------> KEPT <---------.
 *            |  ^                                |  ^          |
 *     failed |  | not yet                 failed |  | not yet  | not yet
 *            v  |                                v  |          |
 *         UNREACHED                             AWAY           |
 *                                                ^             |
 *                                         failed |             |
 *                    (all four) listed           |             |
 *                   ------------------------> CURRENT ---------'
 *
 *   UNFOLLOWED  a name the broker told; every other life ends here when the root is left
 *   FIRST       what it holds is not known: its first listing is due or under way
 *   UNREACHED   what it holds is not known, and the last listing failed
 *   KEPT        its list is of an earlier run, or from before its publisher started anew
 *   CURRENT     its list is the publisher's, and events keep it so
 *   AWAY        its list may be old: the last listing failed
 *
 * What is under way is told by `follow`, `timer` and `refresh`: a listing, the time of the next one, and
 * single datasets. A listing and its timer exclude each other. */
#include "subscriber/mirror/root.h"

#include "base/bisect.h"
#include "base/check.h"

#define NEVER (-1)
enum { UNFOLLOWED, FIRST, UNREACHED, KEPT, CURRENT, AWAY }; /* enum c2_root_life, in short */
static const int moves[][6] = {
    /* on      follow, restored, listed, failed, not yet, leave */
    [C2_ROOT_UNFOLLOWED] = {FIRST, NEVER, NEVER, NEVER, NEVER, UNFOLLOWED},
    [C2_ROOT_FIRST] = {NEVER, KEPT, CURRENT, UNREACHED, FIRST, UNFOLLOWED},
    [C2_ROOT_UNREACHED] = {NEVER, NEVER, CURRENT, UNREACHED, FIRST, UNFOLLOWED},
    [C2_ROOT_KEPT] = {NEVER, KEPT, CURRENT, AWAY, KEPT, UNFOLLOWED},
    [C2_ROOT_CURRENT] = {NEVER, NEVER, CURRENT, AWAY, KEPT, UNFOLLOWED},
    [C2_ROOT_AWAY] = {NEVER, NEVER, CURRENT, AWAY, KEPT, UNFOLLOWED},
};

static void check(const struct c2_root_state *root)
{
    bool has_work = root->follow || root->timer || root->refresh || root->topic;

    C2_ASSERT(!root->follow || !root->timer);
    C2_ASSERT(c2_root_is_followed(root) || (!has_work && root->n == 0 && root->retries == 0));
    C2_ASSERT(!c2_root_is_unreached(root) || root->retries > 0);
}

void c2_root_event(struct c2_root_state *root, enum c2_root_event event)
{
    int to = moves[root->life][event];

    C2_ASSERT(to != NEVER);
    root->life = (enum c2_root_life)to;
    check(root);
}

bool c2_root_is_followed(const struct c2_root_state *root)
{
    return root->life != C2_ROOT_UNFOLLOWED;
}

bool c2_root_is_listed(const struct c2_root_state *root)
{
    return root->life == C2_ROOT_KEPT || root->life == C2_ROOT_CURRENT || root->life == C2_ROOT_AWAY;
}

bool c2_root_is_unreached(const struct c2_root_state *root)
{
    return root->life == C2_ROOT_UNREACHED || root->life == C2_ROOT_AWAY;
}

/* ---- where its datasets are found ---- */

struct c2_root_state *c2_sub_root(struct c2_subscriber *sub, struct c2_str name)
{
    for (struct c2_root_state *root = sub->roots; root; root = root->next)
        if (c2_str_is(name, root->root.name)) return root;
    return NULL;
}

struct c2_root_state *c2_sub_root_of(struct c2_request *req, struct c2_subscriber *sub, struct c2_str name)
{
    return c2_request_sees(req, name) ? c2_sub_root(sub, name) : NULL;
}

struct c2_root_state *c2_sub_seen(struct c2_request *req, struct c2_root_state *root)
{
    while (root && !c2_request_sees(req, c2_str_of(root->root.name)))
        root = root->next;
    return root;
}

bool c2_sub_may_follow(struct c2_request *req, const struct c2_root_state *root, struct cat2_error *err)
{
    if (!root || c2_root_is_followed(root) || c2_request_may(req, C2_SCOPE_FOLLOW)) return true;
    c2_fail(err, CAT2_EINVAL,
            "root %.100s is not followed yet: to have it followed needs a key with the scope follow "
            "(cat2admin key "
            "add --scopes follow)",
            root->root.name);
    err->http_status = 403;
    return false;
}

size_t c2_sub_lower(const struct c2_root_state *root, struct c2_str path)
{
    size_t at;

    c2_bisect(at, root->n, c2_str_cmp(c2_str_of(root->datasets[at]->path), path) < 0);
    return at;
}

struct c2_ds *c2_sub_find(struct c2_root_state *root, struct c2_str path)
{
    size_t i = c2_sub_lower(root, path);

    return i < root->n && c2_str_is(path, root->datasets[i]->path) ? root->datasets[i] : NULL;
}
