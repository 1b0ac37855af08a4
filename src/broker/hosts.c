/* SPDX-License-Identifier: BSD-3-Clause */
/* Where publishers say they are. Subscribers ask at the address that is registered, so
 * nobody may send them anywhere else than to himself (net/address.h). A host name is resolved first. */
#include <stdio.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/log_share.h"
#include "broker/broker_impl.h"
#include "net/gate.h"
#include "net/resolve.h"

#define PLACINGS_MAX                                                                                         \
    64 /* names that are resolved at a time: each is a question to the DNS that a stranger asks */
#define HOST_ROOTS_MAX 256 /* at one host, of registrations that are not from here and not trusted */

struct c2_placing {
    struct c2_placing *next;
    struct c2_broker *broker;
    struct c2_request *req;
    struct c2_root root;
    struct c2_buf json;
    c2_placed *go;
    struct c2_resolve *resolve;
};

static struct c2_address_rules rules_of(const struct c2_broker *broker)
{
    return (struct c2_address_rules){broker->config.trusted, c2_address_is_here};
}

static bool is_known_there(const struct c2_broker *broker, const struct c2_root *root)
{
    const struct c2_root *known = c2_hub_root(broker->hub, root->name);
    return known && strcmp(known->http, root->http) == 0;
}

/* How many roots are at the host of this one. */
static size_t count_there(const struct c2_broker *broker, const struct c2_root *root)
{
    const char *colon = strrchr(root->http, ':');
    size_t host_n = (size_t)(colon - root->http) + 1, n = 0;

    for (size_t i = 0; i < c2_hub_nroots(broker->hub); i++)
        n += strncmp(c2_hub_root_at(broker->hub, i)->http, root->http, host_n) == 0;
    return n;
}

static void refuse(struct c2_request *req, int status, const struct c2_root *root, struct c2_buf *json,
                   const char *why)
{
    c2_buf_fini(json);
    c2_log_some(C2_WARN, "root name=%s http=%s from=%s is refused: %s", root->name, root->http,
                c2_request_peer(req)->text, why);
    c2_reply_detail(req, status, "root %.100s at %.100s: %s", root->name, root->http, why);
}

/* A key with the scope publish is for any address. */
static bool has_key(const struct c2_request *req)
{
    const struct c2_pass *pass = c2_request_has_pass(req);

    return pass && pass->named && c2_pass_may(pass, C2_SCOPE_PUBLISH);
}

bool c2_broker_has_free_hand(const struct c2_broker *broker, const struct c2_request *req)
{
    const struct c2_peer *from = c2_request_peer(req);

    return c2_broker_trusts(broker, from) || has_key(req) || c2_address_is_here(from->address);
}

/* n 0: why tells what is wrong with the name. What is registered already stays so, whoever says it again. */
static void judge(struct c2_broker *broker, struct c2_request *req, const struct c2_root *root,
                  struct c2_buf *json, c2_placed *go, const uint8_t (*addresses)[16], size_t n,
                  const char *unknown)
{
    const struct c2_address_rules rules = rules_of(broker);
    const struct c2_peer *from = c2_request_peer(req);
    struct c2_root placed = *root;
    char why[C2_WHY_MAX];
    bool may = false, trusted = c2_broker_trusts(broker, from) || has_key(req);

    if (!c2_address_can_publish(addresses, n, why)) { /* whoever says it */
        refuse(req, 403, root, json, why);
        return;
    }
    if (!n) snprintf(why, sizeof(why), "%.120s; only networks of --trust may register such names", unknown);
    if (n) may = c2_address_may_register(&rules, from, addresses, n, why);
    if (trusted && (!n || has_key(req))) may = true; /* subscribers may know the name */
    if (may && !c2_broker_has_free_hand(broker, req) && !c2_hub_root(broker->hub, root->name) &&
        count_there(broker, root) >= HOST_ROOTS_MAX) {
        may = false;
        snprintf(why, sizeof(why), "%d roots are registered there, and only --trust or a key lets have more",
                 HOST_ROOTS_MAX);
    }
    if (!may && !is_known_there(broker, root)) {
        refuse(req, n ? 403 : 400, root, json, why);
        return;
    }
    if (may) snprintf(placed.from, sizeof(placed.from), "%s", from->text);
    go(broker, req, &placed, json);
}

static void drop(struct c2_placing *placing)
{
    c2_chain_remove(placing->broker->placings, placing, next);
    c2_buf_fini(&placing->json);
    free(placing);
}

static void on_resolved(void *ctx, const uint8_t (*addresses)[16], size_t n, const struct cat2_error *err)
{
    struct c2_placing *placing = ctx;

    judge(placing->broker, placing->req, &placing->root, &placing->json, placing->go, addresses, n,
          err ? err->message : NULL);
    drop(placing);
}

static void resolve(struct c2_broker *broker, struct c2_request *req, const struct c2_root *root,
                    struct c2_buf *json, c2_placed *go, const char *host)
{
    struct c2_placing *placing = calloc(1, sizeof(*placing));
    size_t n = 0;

    for (const struct c2_placing *p = broker->placings; p; p = p->next)
        n++;
    if (placing && n < PLACINGS_MAX && !broker->stopping) {
        *placing = (struct c2_placing){broker->placings, broker, req, *root, *json, go, NULL};
        placing->resolve = c2_resolve_start(broker->config.loop, host, on_resolved, placing);
    }
    if (!placing || !placing->resolve) {
        free(placing);
        c2_buf_fini(json);
        c2_reply_later(req, 1, "the broker is busy with other registrations");
        return;
    }
    broker->placings = placing;
}

void c2_broker_place(struct c2_broker *broker, struct c2_request *req, const struct c2_root *root,
                     struct c2_buf *json, c2_placed *go)
{
    static const uint8_t localhost[2][16] = {{[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1}, {[15] = 1}};
    struct c2_hostport place;
    struct cat2_error err;

    if (!c2_hostport_parse(c2_str_of(root->http), &place, &err)) {
        if (is_known_there(broker, root)) {
            go(broker, req, root, json); /* by an earlier version */
            return;
        }
        c2_buf_fini(json);
        c2_fail_within(&err, "root %.100s", root->name);
        c2_reply_error(req, &err);
    } else if (place.is_address) {
        judge(broker, req, root, json, go, (const uint8_t(*)[16]) & place.address, 1, NULL);
    } else if (c2_hostport_is_localhost(&place)) {
        judge(broker, req, root, json, go, localhost, C2_ARRAY_LEN(localhost), NULL);
    } else {
        resolve(broker, req, root, json, go, place.host);
    }
}

void c2_broker_end_placings(struct c2_broker *broker)
{
    while (broker->placings) {
        struct c2_placing *placing = broker->placings;
        c2_resolve_cancel(placing->resolve);
        c2_reply_detail(placing->req, 503, "the broker is stopping");
        drop(placing);
    }
}
