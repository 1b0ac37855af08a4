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

#define REFUSED(method, pattern, why)                                                                        \
    {                                                                                                        \
        C2_##method, pattern, refuse, NULL, why, .unread = true                                              \
    }
static const struct c2_route routes[] = {
    REFUSED(POST, "/api/upload/{path*}", READS),
    REFUSED(POST, "/api/upload_lazyarr/{path*}", READS),
    REFUSED(POST, "/api/lazyexpr/", READS),
    REFUSED(POST, "/api/append/{path*}", READS),
    REFUSED(POST, "/api/chunk/{path*}", READS),
    REFUSED(POST, "/api/publish/{path*}", READS),
    REFUSED(POST, "/api/copy/", READS),
    REFUSED(POST, "/api/move/", READS),
    REFUSED(POST, "/api/remove/{path*}", READS),
    REFUSED(POST, "/api/unfold/{path*}", READS),
    REFUSED(POST, "/api/load_from_url/{path*}", READS),
    REFUSED(POST, "/api/addnotebook/{path*}", READS),
    REFUSED(POST, "/api/adduser/", USERS),
    REFUSED(GET, "/api/deluser/{name}", USERS),
    REFUSED(GET, "/api/listusers/", USERS),
    REFUSED(POST, "/auth/jwt/login", USERS),
};

void c2_writing_add_routes(struct c2_subscriber *sub)
{
    c2_server_routes(sub->config.server, routes, C2_ARRAY_LEN(routes), sub);
}
