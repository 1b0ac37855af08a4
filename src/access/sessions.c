/* SPDX-License-Identifier: BSD-3-Clause */
/* Sessions by the hashes of their tokens. */
#include "access/sessions.h"

#include <stdlib.h>

#include "base/list.h"

#define BUCKETS      1024
#define SESSIONS_MAX 4096 /* some 400 bytes each */
#define OF_ONE_MAX   32   /* browsers of one user: a stolen password cannot end others' sessions */
#define IDLE_MS      (12 * 3600000LL)     /* a working day */
#define LIFE_MS      (7 * 24 * 3600000LL) /* a week, however busy */

struct c2_sessions {
    const struct c2_clock *clock;
    struct c2_browser_session *buckets[BUCKETS];
    size_t n;
};

struct c2_sessions *c2_sessions_new(const struct c2_clock *clock)
{
    struct c2_sessions *sessions = calloc(1, sizeof(*sessions));

    if (sessions) sessions->clock = clock;
    return sessions;
}

static struct c2_browser_session **bucket_of(struct c2_sessions *sessions, const uint8_t *hash)
{
    return &sessions->buckets[(hash[0] << 8 | hash[1]) % BUCKETS];
}

void c2_sessions_end(struct c2_sessions *sessions, struct c2_browser_session *session)
{
    c2_chain_remove(*bucket_of(sessions, session->hash), session, next);
    c2_holder_unref(session->holder);
    free(session);
    sessions->n--;
}

static bool is_over(const struct c2_sessions *sessions, const struct c2_browser_session *session)
{
    int64_t now = c2_mono_ms(sessions->clock);

    return now - session->used_ms > IDLE_MS || now - session->begun_ms > LIFE_MS;
}

static bool is_of(const struct c2_browser_session *session, const struct c2_holder *holder)
{
    return session->holder->kind == holder->kind && strcmp(session->holder->name, holder->name) == 0;
}

/* What is over ends; then the one that was not used for longest, of all or of one holder, if there are too
 * many. */
static void make_room(struct c2_sessions *sessions, const struct c2_holder *holder)
{
    struct c2_browser_session *oldest = NULL, *oldest_own = NULL;
    size_t nown = 0;

    for (size_t i = 0; i < BUCKETS; i++)
        for (struct c2_browser_session *session = sessions->buckets[i], *next; session; session = next) {
            next = session->next;
            if (is_over(sessions, session)) {
                c2_sessions_end(sessions, session);
                continue;
            }
            bool own = is_of(session, holder);
            nown += own;
            if (!oldest || session->used_ms < oldest->used_ms) oldest = session;
            if (own && (!oldest_own || session->used_ms < oldest_own->used_ms)) oldest_own = session;
        }
    if (nown >= OF_ONE_MAX)
        c2_sessions_end(sessions, oldest_own);
    else if (sessions->n >= SESSIONS_MAX)
        c2_sessions_end(sessions, oldest);
}

struct c2_browser_session *c2_sessions_begin(struct c2_sessions *sessions, struct c2_holder *holder,
                                             char token[C2_KEY_SECRET + 1])
{
    struct c2_browser_session *session = calloc(1, sizeof(*session));

    if (!session) return NULL;
    make_room(sessions, holder);
    c2_token_make(token);
    c2_token_make(session->csrf);
    c2_secret_hash(c2_str_of(token), session->hash);
    session->holder = c2_holder_ref(holder);
    session->begun_ms = session->used_ms = c2_mono_ms(sessions->clock);
    struct c2_browser_session **bucket = bucket_of(sessions, session->hash);
    session->next = *bucket;
    *bucket = session;
    sessions->n++;
    return session;
}

struct c2_browser_session *c2_sessions_find(struct c2_sessions *sessions, struct c2_str token)
{
    uint8_t hash[C2_SECRET_HASH];

    if (token.n != C2_KEY_SECRET) return NULL;
    c2_secret_hash(token, hash);
    struct c2_browser_session *session = *bucket_of(sessions, hash);
    while (session && !c2_secret_same(session->hash, hash, sizeof(hash)))
        session = session->next;
    if (session && is_over(sessions, session)) {
        c2_sessions_end(sessions, session);
        return NULL;
    }
    if (session) session->used_ms = c2_mono_ms(sessions->clock);
    return session;
}

size_t c2_sessions_count(const struct c2_sessions *sessions)
{
    return sessions->n;
}

void c2_sessions_free(struct c2_sessions *sessions)
{
    if (!sessions) return;
    for (size_t i = 0; i < BUCKETS; i++)
        while (sessions->buckets[i])
            c2_sessions_end(sessions, sessions->buckets[i]);
    free(sessions);
}
