/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the gate share. */
#ifndef C2_ACCESS_ACCESS_IMPL_H
#define C2_ACCESS_ACCESS_IMPL_H

#include "access/access.h"
#include "access/sessions.h"
#include "access/slow.h"
#include "base/fs.h"

#define ACCESS_WHY_MAX 500 /* bytes of the reason of a refusal */

struct c2_attempt;
/* Passwords that were right a moment ago: tools send them with each request. */
#define KNOWN_MAX 256 /* users that work with passwords at a time */
struct c2_known {
    uint8_t digest[C2_SECRET_HASH]; /* of user and password, with a key of this process */
    struct c2_holder *holder;
    int64_t until_ms;
};
/* What the file looked like when it was read. */
struct c2_file_mark {
    int64_t dev, ino, size, mtime_ns;
    uint8_t counter[16];
};
struct c2_access {
    struct c2_loop *loop;
    struct c2_pool *pool;
    struct c2_gate gate;
    char *file;
    const struct c2_subnets *trusted; /* NULL: none */
    const char *trust_text;           /* as given, one a line; NULL */
    struct c2_holders holders;
    struct c2_file_mark mark;
    struct c2_fd head; /* of the file as it was looked at last, kept open; -1 */
    dev_t head_dev;    /* that it is of */
    ino_t head_ino;
    uint64_t generation; /* of holders: counts */
    bool unread;         /* the file could not be read, and that was said */
    struct c2_timer *timer;
    char own[C2_KEY_TEXT + 1];
    char process_key[C2_KEY_SECRET + 1]; /* for digests that no other process makes */
    struct c2_sessions *sessions;
    struct c2_slow *slow_users, *slow_addresses;
    struct c2_attempt *attempts; /* in line for argon2, the first under way */
    int nattempts;
    bool working, closing;
    struct c2_known known[KNOWN_MAX];
    size_t next_known;
    c2_access_page_fn *page;
    void *page_ctx;
    struct c2_server *page_server;
    uint64_t nrefused, nchanged, nfailed; /* since the start */
};

enum c2_pass_by { C2_BY_NOTHING, C2_BY_ADDRESS, C2_BY_KEY, C2_BY_PASSWORD, C2_BY_SESSION, C2_BY_PROCESS };
struct c2_access_pass {
    struct c2_pass base;
    struct c2_access *access;
    enum c2_pass_by by;
    struct c2_holder *holder; /* with KEY, PASSWORD and SESSION */
    uint64_t generation;      /* of holders when it was looked up */
    enum c2_scope scope;      /* that the request needs */
    bool gone;                /* the holder is not there any more */
    char csrf[C2_KEY_SECRET + 1];
    bool refused; /* and the log has it */
};

/* ---- who.c ---- */
/** At the start. @errors those of c2_store_read(). */
bool c2_access_read_file(struct c2_access *access, struct cat2_error *err);
/** Read the file again if it has changed. */
void c2_access_look(struct c2_access *access);
/** Is the sender's address enough? */
bool c2_access_trusts(const struct c2_access *access, struct c2_request *req);
/** Of this machine, and no proxy on it passed the request on. */
bool c2_access_is_local(struct c2_request *req);
/** Is it in force now? why: else. */
bool c2_holder_holds(const struct c2_access *access, const struct c2_holder *holder, const char **why);
/** Replace a reference by one to the same holder as the file has it now. false: it is gone, or has another
 * secret; *holder is as before. */
bool c2_holder_renew(const struct c2_access *access, struct c2_holder **holder);

/* ---- pass.c ---- */
struct c2_access_pass *c2_access_pass_new(struct c2_access *access, struct c2_request *req);
void c2_access_pass_give(struct c2_access_pass *pass, enum c2_pass_by by, struct c2_holder *holder);
bool c2_access_pass_may(const struct c2_pass *base, enum c2_scope scope);
bool c2_access_pass_sees(const struct c2_pass *base, struct c2_str root);
bool c2_access_pass_holds(const struct c2_pass *base);
void c2_access_pass_free(struct c2_pass *base);

/* ---- credentials.c ---- */
enum c2_found_by { C2_CREDENTIALS_NONE, C2_CREDENTIALS_GOOD, C2_CREDENTIALS_BAD, C2_CREDENTIALS_LATER };
/** What the request's headers say of its sender. GOOD: the pass has it. BAD: why says why. LATER: it is a
 * password to be tried: c2_access_try(). */
enum c2_found_by c2_credentials_read(struct c2_access *access, struct c2_request *req,
                                     struct c2_access_pass *pass, char why[ACCESS_WHY_MAX]);
/** A key, as text. */
bool c2_credentials_key(struct c2_access *access, struct c2_access_pass *pass, struct c2_str key,
                        char why[ACCESS_WHY_MAX]);
/** "user:password" of a Basic header, in the request's arena; false: it is none. */
bool c2_credentials_basic(struct c2_request *req, struct c2_str *user, struct c2_str *password);
/** The session of the request's cookie, or NULL. */
struct c2_browser_session *c2_access_session(struct c2_access *access, const struct c2_request *req);
/** The name of the session's cookie: one for each port, which cookies do not tell apart. */
void c2_session_cookie(const struct c2_access *access, char out[40]);

/* ---- attempt.c ---- */
/** Called on the loop: with the user, whose password it is; or NULL. */
typedef void c2_attempt_fn(struct c2_access *access, struct c2_request *req, struct c2_holder *holder);
/** Try a password in a worker; fn, now or later, or the request is answered (429, 503). */
void c2_access_try(struct c2_access *access, struct c2_request *req, struct c2_str user,
                   struct c2_str password, c2_attempt_fn *fn);
void c2_attempts_end(struct c2_access *access);

/* ---- judge.c ---- */
enum c2_gate_verdict c2_access_judge(void *ctx, struct c2_request *req, enum c2_scope scope);
bool c2_access_may(void *ctx, struct c2_request *req, enum c2_scope scope);
void c2_access_answered(void *ctx, struct c2_request *req, int status);

/* ---- refusal.c ---- */
/** Answer 401 or 403, and note it. */
void c2_access_refuse(struct c2_access *access, struct c2_request *req, int status, const char *why);
void c2_access_refuse_text(struct c2_access *access, struct c2_request *req, int status, const char *fmt, ...)
    C2_PRINTF(4, 5);
/** Why this scope is not had, and what would give it. */
void c2_access_why(const struct c2_access *access, struct c2_request *req, enum c2_scope scope,
                   char why[ACCESS_WHY_MAX]);
/** The line of the log about a request. */
void c2_audit(const struct c2_request *req, const char *event, int status, const char *why);

#endif
