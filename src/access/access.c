/* SPDX-License-Identifier: BSD-3-Clause */
/* The life of the gate: its settings, and the list of users and keys. */
#include <stdio.h>
#include <stdlib.h>

#include "access/access_impl.h"
#include "base/exposition.h"
#include "base/log.h"

#define LOOK_MS       1000   /* streams of events hear of what was revoked after so long; requests at once */
#define USER_WAIT_MS  30000  /* longer, and a stranger could keep a user out */
#define USER_FREE     3      /* people mistype */
#define PLACE_FREE    10     /* many may share an address */
#define PLACE_WAIT_MS 300000 /* of one address */

/* ---- life ---- */

static void set_gate(struct c2_access *access, bool closed)
{
    access->gate = (struct c2_gate){.judge = c2_access_judge,
                                    .may = c2_access_may,
                                    .pass_may = c2_access_pass_may,
                                    .pass_sees = c2_access_pass_sees,
                                    .pass_holds = c2_access_pass_holds,
                                    .pass_free = c2_access_pass_free,
                                    .answered = c2_access_answered,
                                    .ctx = access,
                                    .closed = closed};
}

static void on_look(void *ctx)
{
    c2_access_look(ctx);
}

bool c2_access_new(struct c2_loop *loop, struct c2_pool *pool, const struct c2_access_options *options,
                   struct c2_access **out, struct cat2_error *err)
{
    if (!c2_secret_setup(err)) return false;
    struct c2_access *access = calloc(1, sizeof(*access));
    const struct c2_clock *clock = c2_loop_clock(loop);
    if (!access) return c2_fail_nomem(err, "access");
    access->head.fd = -1;
    access->loop = loop;
    access->pool = pool;
    access->trusted = options->trusted;
    access->trust_text = options->trust;
    access->file = c2_str_dup(c2_str_of(options->file ? options->file : C2_ACCESS_FILE));
    access->sessions = c2_sessions_new(clock);
    access->slow_users = c2_slow_new(clock, USER_FREE, USER_WAIT_MS);
    access->slow_addresses = c2_slow_new(clock, PLACE_FREE, PLACE_WAIT_MS);
    c2_token_make(access->process_key);
    c2_key_make(access->own);
    set_gate(access, options->closed);
    bool ok = (access->file && access->sessions && access->slow_users && access->slow_addresses) ||
              c2_fail_nomem(err, "access");
    if (!ok || !c2_access_read_file(access, err)) {
        c2_access_free(access);
        return false;
    }
    access->timer = c2_timer_start(loop, LOOK_MS, LOOK_MS, on_look, access);
    *out = access;
    return true;
}

void c2_access_stop(struct c2_access *access)
{
    if (access) c2_attempts_end(access);
}

void c2_access_free(struct c2_access *access)
{
    if (!access) return;
    c2_timer_stop(access->timer);
    for (size_t i = 0; i < KNOWN_MAX; i++)
        c2_holder_unref(access->known[i].holder);
    c2_sessions_free(access->sessions);
    c2_slow_free(access->slow_users);
    c2_slow_free(access->slow_addresses);
    c2_holders_fini(&access->holders);
    c2_fd_auto(&access->head);
    free(access->file);
    free(access);
}

const struct c2_gate *c2_access_gate(const struct c2_access *access)
{
    return &access->gate;
}

const char *c2_access_own_key(const struct c2_access *access)
{
    return access->own;
}

void c2_access_say(const struct c2_access *access)
{
    char trust[300] = "";
    size_t n = 0;

    if (access->trust_text) snprintf(trust, sizeof(trust), ", %s", access->trust_text);
    for (n = strlen(trust); n && trust[n - 1] == '\n'; n--)
        trust[n - 1] = '\0';
    for (char *p = trust; *p; p++)
        if (*p == '\n') *p = ' ';
    if (access->gate.closed)
        c2_log_info(
            "access=keys: everything needs a key or user of %s (%zu)%s%s; /healthz is open, and /metrics to "
            "this machine",
            access->file, access->holders.n, trust[0] ? ", or a network of --trust" : "", trust);
    else
        c2_log_info("access=open: reading, following and registering roots for everybody; all else for this "
                    "machine%s, and keys and users of %s (%zu)",
                    trust, access->file, access->holders.n);
}

void c2_access_metrics(const struct c2_access *access, struct c2_metrics *m)
{
    c2_metrics_counter(m, "caterva2_access_refusals_total", (double)access->nrefused,
                       "Requests that were refused for want of a key or scope.");
    c2_metrics_counter(m, "caterva2_access_changes_total", (double)access->nchanged,
                       "Requests that may change something and were let through.");
    c2_metrics_counter(m, "caterva2_access_failed_logins_total", (double)access->nfailed,
                       "Passwords that were wrong.");
    c2_metrics_gauge(m, "caterva2_access_sessions", (double)c2_sessions_count(access->sessions),
                     "Browsers that are signed in.");
}
