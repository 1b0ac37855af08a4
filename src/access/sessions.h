/* SPDX-License-Identifier: BSD-3-Clause */
/* Sessions of browsers, in memory: they end with the process. Bounded. One thread. */
#ifndef C2_ACCESS_SESSIONS_H
#define C2_ACCESS_SESSIONS_H

#include "access/store.h"
#include "base/clock.h"

struct c2_sessions;
struct c2_browser_session {
    struct c2_browser_session *next; /* in its bucket */
    uint8_t hash[C2_SECRET_HASH];
    struct c2_holder *holder;
    char csrf[C2_KEY_SECRET + 1];
    int64_t begun_ms, used_ms;
};
/** NULL: out of memory. clock is borrowed. */
struct c2_sessions *c2_sessions_new(const struct c2_clock *clock);
void c2_sessions_free(struct c2_sessions *sessions); /* NULL is fine */
/** Begin one; token goes into the cookie. Where there are as many as may be, the one that was not used for
 * longest ends. NULL: out of memory. */
struct c2_browser_session *c2_sessions_begin(struct c2_sessions *sessions, struct c2_holder *holder,
                                             char token[C2_KEY_SECRET + 1]);
/** The session of a token, which is used now; NULL: there is none, or it was over. */
struct c2_browser_session *c2_sessions_find(struct c2_sessions *sessions, struct c2_str token);
void c2_sessions_end(struct c2_sessions *sessions, struct c2_browser_session *session);
size_t c2_sessions_count(const struct c2_sessions *sessions);

#endif
