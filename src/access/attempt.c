/* SPDX-License-Identifier: BSD-3-Clause */
/* Passwords, tried one after the other in a worker: each takes 64 MiB for some tenths of a second. Those who
 * send the same one at a time wait for the same trial. */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "access/access_impl.h"

#define ATTEMPTS_MAX 32                   /* in line, some seconds of work */
#define ATTEMPT_COST (INT64_C(256) << 20) /* a tenth of a second and more (net/worker.h) */
#define KNOWN_MS     300000               /* so long a password that was right is not tried again */

struct waiter {
    struct waiter *next;
    struct c2_request *req;
    c2_attempt_fn *fn;
};
struct c2_attempt {
    struct c2_attempt *next;
    struct c2_access *access;
    struct waiter *waiters;
    uint8_t digest[C2_SECRET_HASH];
    char user[C2_USER_MAX + 1], place[40];
    char *password;
    struct c2_holder *holder; /* NULL: there is no such user */
    bool right;
};

static struct c2_str place_of(const struct c2_peer *peer, char out[40])
{
    uint8_t client[16];
    int length = 0;

    c2_peer_client(peer->address, client);
    for (size_t i = 0; i < sizeof(client); i++)
        length += snprintf(out + length, 40 - (size_t)length, "%02x", client[i]);
    return c2_str_of(out);
}

/* Of user and password, by which a trial is known again; not to be reckoned back by who sees the memory of
 * another process. */
static bool digest_of(const struct c2_access *access, struct c2_str user, struct c2_str password,
                      uint8_t out[C2_SECRET_HASH])
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(C2_KEY_SECRET + C2_USER_MAX + C2_PASSWORD_MAX + 2);
    struct cat2_error err;

    if (!c2_buf_reserve(&text, text.max, &err) || !c2_buf_puts(&text, access->process_key, &err) ||
        !c2_buf_append_str(&text, user, &err) || !c2_buf_putc(&text, '\0', &err) ||
        !c2_buf_append_str(&text, password, &err))
        return false;
    c2_secret_hash(c2_buf_str(&text), out);
    sodium_memzero(text.p, text.n);
    return true;
}

static struct c2_holder *user_now(const struct c2_access *access, struct c2_str name)
{
    struct c2_holder *holder = c2_holders_find(&access->holders, C2_HOLDER_USER, name);
    const char *why;

    return holder && c2_holder_holds(access, holder, &why) ? holder : NULL;
}

/* ---- known passwords ---- */

static struct c2_holder *find_known(struct c2_access *access, struct c2_str user, const uint8_t *digest)
{
    int64_t now = c2_loop_now_ms(access->loop);
    struct c2_holder *holder = user_now(access, user);

    for (size_t i = 0; holder && i < KNOWN_MAX; i++) {
        const struct c2_known *known = &access->known[i];
        if (known->holder && now < known->until_ms && c2_secret_same(known->digest, digest, C2_SECRET_HASH) &&
            strcmp(known->holder->password, holder->password) == 0)
            return holder;
    }
    return NULL;
}

static void remember(struct c2_access *access, const struct c2_attempt *attempt)
{
    struct c2_known *known = &access->known[access->next_known++ % KNOWN_MAX];

    c2_holder_unref(known->holder);
    known->holder = c2_holder_ref(attempt->holder);
    memcpy(known->digest, attempt->digest, sizeof(known->digest));
    known->until_ms = c2_loop_now_ms(access->loop) + KNOWN_MS;
}

/* ---- trials ---- */

static void attempt_free(struct c2_attempt *attempt)
{
    if (attempt->password) sodium_memzero(attempt->password, strlen(attempt->password));
    free(attempt->password);
    c2_holder_unref(attempt->holder);
    free(attempt);
}

static void tell(struct c2_attempt *attempt, struct c2_holder *holder)
{
    struct c2_access *access = attempt->access;

    for (struct waiter *waiter = attempt->waiters, *next; waiter; waiter = next) {
        next = waiter->next;
        waiter->fn(access, waiter->req, holder);
        free(waiter);
    }
    attempt->waiters = NULL;
}

static void begin_next(struct c2_access *access);

static void work(void *job, void *local)
{
    struct c2_attempt *attempt = job;

    (void)local;
    attempt->right =
        c2_password_verify(attempt->holder ? attempt->holder->password : NULL, c2_str_of(attempt->password));
}

static void done(void *job)
{
    struct c2_attempt *attempt = job;
    struct c2_access *access = attempt->access;

    access->attempts = attempt->next;
    access->nattempts--;
    access->working = false;
    /* It may have been removed or revoked, or have another password, meanwhile. */
    struct c2_holder *now = user_now(access, c2_str_of(attempt->user));
    bool right =
        attempt->right && attempt->holder && now && strcmp(now->password, attempt->holder->password) == 0;
    if (right) {
        c2_slow_succeeded(access->slow_users, c2_str_of(attempt->user));
        c2_slow_succeeded(access->slow_addresses, c2_str_of(attempt->place));
        remember(access, attempt);
    } else {
        access->nfailed++;
    }
    tell(attempt, right ? now : NULL);
    attempt_free(attempt);
    begin_next(access);
}

/* The process ends: nothing is tried any more. */
static void give_up(struct c2_access *access)
{
    while (access->attempts) {
        struct c2_attempt *attempt = access->attempts;
        access->attempts = attempt->next;
        for (struct waiter *waiter = attempt->waiters, *next; waiter; waiter = next) {
            next = waiter->next;
            c2_reply_detail(waiter->req, 503, "shutting down");
            free(waiter);
        }
        attempt_free(attempt);
    }
}

static void begin_next(struct c2_access *access)
{
    if (access->working) return;
    if (access->closing) give_up(access);
    if (!access->attempts) return;
    access->working = true;
    struct c2_pool_share share = {0, ATTEMPT_COST};
    c2_pool_run_for(access->pool, &share, work, done, access->attempts);
}

static bool wait_for(struct c2_attempt *attempt, struct c2_request *req, c2_attempt_fn *fn)
{
    struct waiter *waiter = malloc(sizeof(*waiter));

    if (!waiter) {
        c2_reply_detail(req, 503, "out of memory");
        return false;
    }
    *waiter = (struct waiter){attempt->waiters, req, fn};
    attempt->waiters = waiter;
    return true;
}

/* Too soon after the last failures? */
static bool slow_down(struct c2_access *access, struct c2_request *req, struct c2_str user,
                      struct c2_str place)
{
    int64_t of_user = c2_slow_wait(access->slow_users, user);
    int64_t of_place = c2_slow_wait(access->slow_addresses, place), wait = c2_max_i64(of_user, of_place);
    char seconds[24];

    if (!wait) return false;
    snprintf(seconds, sizeof(seconds), "%" PRId64, (wait + 999) / 1000);
    c2_reply_header(req, "Retry-After", seconds);
    c2_access_refuse_text(access, req, 429, "too many wrong passwords %s: the next one is looked at in %s s",
                          of_user >= of_place ? "for this user" : "from this address", seconds);
    return true;
}

static struct c2_attempt *attempt_new(struct c2_access *access, struct c2_str user, struct c2_str password)
{
    struct c2_attempt *attempt = calloc(1, sizeof(*attempt));

    if (!attempt) return NULL;
    attempt->access = access;
    attempt->password = c2_str_dup(password);
    snprintf(attempt->user, sizeof(attempt->user), "%.*s", C2_STR_ARG(user));
    struct c2_holder *holder = user_now(access, user);
    if (holder) attempt->holder = c2_holder_ref(holder);
    if (attempt->password) return attempt;
    attempt_free(attempt);
    return NULL;
}

void c2_access_try(struct c2_access *access, struct c2_request *req, struct c2_str user,
                   struct c2_str password, c2_attempt_fn *fn)
{
    uint8_t digest[C2_SECRET_HASH];
    char place[40];

    if (user.n == 0 || user.n > C2_USER_MAX || password.n == 0 || password.n > C2_PASSWORD_MAX ||
        memchr(password.p, '\0', password.n) || memchr(user.p, '\0', user.n)) {
        fn(access, req, NULL); /* no user has such a one */
        return;
    }
    if (!digest_of(access, user, password, digest)) {
        c2_reply_detail(req, 503, "out of memory");
        return;
    }
    struct c2_holder *known = find_known(access, user, digest);
    if (known) {
        fn(access, req, known);
        return;
    }
    struct c2_attempt **at = &access->attempts;
    for (; *at; at = &(*at)->next)
        if (c2_secret_same((*at)->digest, digest, sizeof(digest))) {
            (void)wait_for(*at, req, fn);
            return;
        }
    if (slow_down(access, req, user, place_of(c2_request_peer(req), place))) return;
    struct c2_attempt *attempt =
        access->nattempts < ATTEMPTS_MAX && !access->closing ? attempt_new(access, user, password) : NULL;
    if (!attempt) {
        c2_reply_later(req, 1, "too many others are signing in");
        return;
    }
    memcpy(attempt->digest, digest, sizeof(digest));
    snprintf(attempt->place, sizeof(attempt->place), "%s", place);
    if (!wait_for(attempt, req, fn)) {
        attempt_free(attempt);
        return;
    }
    c2_slow_failed(access->slow_users, user); /* until it proves right: many at once gain nothing */
    c2_slow_failed(access->slow_addresses, c2_str_of(place));
    *at = attempt;
    access->nattempts++;
    begin_next(access);
}

void c2_attempts_end(struct c2_access *access)
{
    access->closing = true;
    begin_next(access);
}
