/* SPDX-License-Identifier: BSD-3-Clause */
/* Who may ask this process for what: the gate (net/gate.h) of its servers. Users and keys are those of the
 * access file, noticed as they change. Loop thread only.
 *
 *                     open                                        keys
 *   read, follow      everybody                                   a key, a user, --trust
 *   publish           everybody, and routes judge (broker)        the same
 *   write, admin      this machine, --trust, a key, a user        the same
 *   /metrics          everybody                                   this machine, or as read
 */
#ifndef C2_ACCESS_ACCESS_H
#define C2_ACCESS_ACCESS_H

#include "access/store.h"
#include "net/gate.h"
#include "net/subnet.h"
#include "net/worker.h"

struct c2_access;
struct c2_metrics;
struct c2_access_options {
    const char *file;                 /* the access file; NULL: C2_ACCESS_FILE */
    bool closed;                      /* --access keys */
    const struct c2_subnets *trusted; /* networks that need no key, borrowed; NULL: none */
    const char *trust;                /* the same as given, one a line, borrowed; NULL */
};
/** Without a file there are no users and keys yet. @errors those of the file. */
bool c2_access_new(struct c2_loop *loop, struct c2_pool *pool, const struct c2_access_options *options,
                   struct c2_access **out, struct cat2_error *err);
/** Passwords are not tried any more; before the pool is freed. NULL is fine. */
void c2_access_stop(struct c2_access *access);
/** After pool and servers. NULL is fine. */
void c2_access_free(struct c2_access *access);
const struct c2_gate *c2_access_gate(const struct c2_access *access);
/** One line for the log: what is open to whom. */
void c2_access_say(const struct c2_access *access);
/** A key of this process to itself, which no file has. Lives as long as access. */
const char *c2_access_own_key(const struct c2_access *access);
void c2_access_metrics(const struct c2_access *access, struct c2_metrics *m);

/* ---- signing in (login.c) ---- */
/** Answer with a page: a browser that wants one is refused, or is to sign in. why: "" nothing is wrong. */
typedef void c2_access_page_fn(void *ctx, struct c2_request *req, int status, const char *why);
/** Add /login, /logout and /api/session to a server whose pages people see. */
void c2_access_add_login(struct c2_access *access, struct c2_server *server, c2_access_page_fn *page,
                         void *ctx);
/** Where the form leads once somebody has signed in: the page that was asked for, as PATH?QUERY of ours. */
struct c2_str c2_access_next(struct c2_request *req);
/* What a page shows of who looks at it. */
struct c2_access_user {
    bool can_sign_in; /* there is somebody who could, and nobody has */
    const char *user; /* who has signed in; NULL: nobody */
    const char *csrf; /* to be sent back by what changes something */
};
struct c2_access_user c2_access_user(struct c2_access *access, const struct c2_request *req);

#endif
