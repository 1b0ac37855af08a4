/* SPDX-License-Identifier: BSD-3-Clause */
/* What clients of the Python server may ask to be written, and the accounts that it has for that: none of it
 * is done here, and the answer says so. Bodies are not read. */
#include "subscriber/api/api.h"

#define READS "clients do not write here: what is in a publisher's root is served as it is there"
#define USERS "there are no accounts to sign in to by this: keys and users are kept by cat2admin"

static void refuse(struct c2_request *req, void *state)
{
    struct c2_str path = c2_request_path(req);

    (void)state;
    c2_reply_detail(req, 501, "%.*s: %s", (int)c2_min_i64(200, (int64_t)path.n), path.p,
                    (const char *)c2_request_route_arg(req));
}

static const struct c2_route routes[] = {
    {C2_POST, "/api/upload/{path*}", refuse, NULL, READS, .unread = true},
    {C2_POST, "/api/upload_lazyarr/{path*}", refuse, NULL, READS, .unread = true},
    {C2_POST, "/api/lazyexpr/", refuse, NULL, READS, .unread = true},
    {C2_POST, "/api/append/{path*}", refuse, NULL, READS, .unread = true},
    {C2_POST, "/api/chunk/{path*}", refuse, NULL, READS, .unread = true},
    {C2_POST, "/api/publish/{path*}", refuse, NULL, READS, .unread = true},
    {C2_POST, "/api/copy/", refuse, NULL, READS, .unread = true},
    {C2_POST, "/api/move/", refuse, NULL, READS, .unread = true},
    {C2_POST, "/api/remove/{path*}", refuse, NULL, READS, .unread = true},
    {C2_POST, "/api/unfold/{path*}", refuse, NULL, READS, .unread = true},
    {C2_POST, "/api/load_from_url/{path*}", refuse, NULL, READS, .unread = true},
    {C2_POST, "/api/addnotebook/{path*}", refuse, NULL, READS, .unread = true},
    {C2_POST, "/api/adduser/", refuse, NULL, USERS, .unread = true},
    {C2_GET, "/api/deluser/{name}", refuse, NULL, USERS, .unread = true},
    {C2_GET, "/api/listusers/", refuse, NULL, USERS, .unread = true},
    {C2_POST, "/auth/jwt/login", refuse, NULL, USERS, .unread = true},
};

void c2_writing_add_routes(struct c2_subscriber *sub)
{
    c2_server_routes(sub->config.server, routes, C2_ARRAY_LEN(routes), sub);
}
