/* SPDX-License-Identifier: BSD-3-Clause */
/* The log's lines about who asked for what. What a stranger is refused, or may do without a key, is limited
 * for each client and for all of them, so that nobody fills the log; what users, keys and trusted addresses
 * change is always written. */
#include <inttypes.h>
#include <stdio.h>

#include "access/access_impl.h"
#include "base/hash.h"
#include "base/log_share.h"

#define SHOWN              300  /* bytes of a path */
#define CLIENT_BURST       60   /* lines of a client at once */
#define CLIENT_INTERVAL_MS 1000 /* then one in this time */
#define ALL_BURST          600  /* lines of all clients: of ten that fail at once all is told */
#define ALL_INTERVAL_MS    100  /* then ten a second */
#define CLIENTS_MAX        256  /* that are told apart */
#define PROBES             4    /* places where a client is looked for */

struct client {
    uint8_t address[16]; /* zeros: it is not known, or a proxy's that nobody trusts */
    struct c2_peer peer; /* who came last */
    bool is_known;       /* else nobody is here */
    struct c2_log_share share;
};

/* Within quotes of a line of the log. */
static void put_quoted(struct c2_str text, char *out, size_t room)
{
    size_t n = 0;

    for (size_t i = 0; i < text.n && i < SHOWN && n + 3 < room; i++) {
        if (text.p[i] == '"' || text.p[i] == '\\') out[n++] = '\\';
        out[n++] = text.p[i];
    }
    out[n] = '\0';
}

static const char *method_of(const struct c2_request *req)
{
    return c2_request_is_head(req) ? "HEAD" : c2_method_name(c2_request_method(req));
}

static void who_of(const struct c2_access_pass *pass, char out[320])
{
    if (pass && pass->holder)
        c2_holder_words(pass->holder, out);
    else
        snprintf(out, 320, "%s",
                 pass && pass->by == C2_BY_ADDRESS   ? "trusted address"
                 : pass && pass->by == C2_BY_PROCESS ? "this process"
                                                     : "nobody");
}

/* ---- how many ---- */

/* peer NULL: several. */
static void tell_left_out(const struct c2_peer *peer, int64_t n)
{
    if (n)
        c2_log_audit("event=left-out lines=%" PRId64 " peer=%s", n,
                     !peer           ? "several"
                     : peer->text[0] ? peer->text
                                     : "-");
}

/* That of the address, or a free one. NULL: all of its places are taken. */
static struct client *client_of(const struct c2_peer *peer)
{
    static struct client clients[CLIENTS_MAX]; /* of this process: its servers have one log */
    struct client *free_one = NULL;
    uint8_t address[16];

    c2_peer_client(peer->address, address);
    for (size_t i = 0, at = (size_t)c2_hash64(address, sizeof(address)); i < PROBES; i++) {
        struct client *client = &clients[(at + i) % CLIENTS_MAX];
        if (client->is_known && memcmp(client->address, address, sizeof(address)) == 0) return client;
        if (!free_one && c2_log_share_is_idle(&client->share)) free_one = client;
    }
    if (!free_one) return NULL;
    tell_left_out(&free_one->peer, atomic_exchange(&free_one->share.left_out, 0));
    memcpy(free_one->address, address, sizeof(address));
    free_one->peer = *peer;
    free_one->is_known = true;
    return free_one;
}

static bool may_write(const struct c2_peer *peer)
{
    static struct c2_log_share all;
    struct client *client = client_of(peer);
    int64_t left_out = 0, all_left_out = 0;

    if (client && !c2_log_share_take(&client->share, CLIENT_BURST, CLIENT_INTERVAL_MS, &left_out))
        return false;
    if (!c2_log_share_take(&all, ALL_BURST, ALL_INTERVAL_MS, &all_left_out)) return false;
    if (client) tell_left_out(&client->peer, left_out);
    tell_left_out(NULL, all_left_out);
    return true;
}

void c2_audit(const struct c2_request *req, const char *event, int status, const char *why)
{
    const struct c2_access_pass *pass = (const struct c2_access_pass *)c2_request_has_pass(req);
    char path[2 * SHOWN + 4], who[320], quoted[700], reason[2 * SHOWN + 4];
    const struct c2_peer *peer = c2_request_peer(req);
    bool known = pass && (pass->holder || pass->by == C2_BY_ADDRESS || pass->by == C2_BY_PROCESS);
    bool sure = strcmp(event, "login") == 0 || (known && !pass->refused);
    struct c2_str sent, query;

    if (!sure && !may_write(peer)) return;
    c2_str_cut(c2_request_target(req), '?', &sent, &query);
    put_quoted(sent, path, sizeof(path));
    who_of(pass, who);
    put_quoted(c2_str_of(who), quoted, sizeof(quoted));
    put_quoted(c2_str_of(why ? why : ""), reason, sizeof(reason));
    c2_log_audit("event=%s status=%d peer=%s who=\"%s\" method=%s path=\"%s\"%s%s%s", event, status,
                 peer->text[0] ? peer->text : "-", quoted, method_of(req), path, why ? " why=\"" : "", reason,
                 why ? "\"" : "");
}
