/* SPDX-License-Identifier: BSD-3-Clause */
/* Blocking HTTP: GET, HEAD and POST over one connection that is kept alive, with bounded answers and errors
 * that say what was asked for and why it failed. Any thread, one at a time for each session. */
#ifndef C2_HTTP_SESSION_H
#define C2_HTTP_SESSION_H

#include "base/buf.h"
#include "http/authorities.h"
#include "http/s3_keys.h"

#define C2_KEY_MAX 512 /* bytes of a key; ours have less than 100 */

struct c2_session {
    char base[1024]; /* "http[s]://host[:port][/path]", in front of every target */
    struct c2_authorities authorities;
    char key[C2_KEY_MAX]; /* sent with every request to base, and nowhere else; "": none */
    const char *agent;    /* User-Agent; lives as long */
    int64_t connect_timeout_ms;
    int64_t answer_timeout_ms; /* without a byte */
    bool (*go_on)(void *ctx);  /* NULL or asked while waiting */
    void *go_on_ctx;
    const struct c2_s3_keys *sign; /* requests are signed with these, for S3; NULL, or without id: not */
    bool no_link_local; /* a name that leads to a link-local address, where clouds keep secrets, is refused */
    bool local;         /* out: it leads to this machine, as far as it has been used */
    void *curl;
};
/** Its other fields are set by the caller, before or after. */
bool c2_session_init(struct c2_session *session, struct cat2_error *err);
/** Of one that was not initialised too, if it is of zeros. */
void c2_session_fini(struct c2_session *session);

/* One GET, HEAD or POST. The answer's body goes to `sink` as it comes when that is set, else to `body`. */
struct c2_exchange {
    const char *method, *target; /* "/api/..." already encoded */
    const char *const *headers;  /* NULL-terminated or NULL */
    int status;                  /* out */
    int64_t content_length;      /* out; -1 unknown */
    struct c2_buf body;          /* out; ceiling set by the caller */
    struct c2_buf reply_headers; /* out: raw lines of the final answer */
    bool (*sink)(void *ctx, struct c2_exchange *http, struct c2_bytes bytes, struct cat2_error *err);
    void *ctx;
    struct cat2_error err; /* set by the sink */
};
/** Take a key. @errors CAT2_EINVAL it is empty, too long, or holds what no header can. */
bool c2_session_set_key(struct c2_session *session, struct c2_str key, struct cat2_error *err);
/** The same, the first line of a file. @errors also CAT2_ENOTFOUND, CAT2_EIO. */
bool c2_session_read_key(struct c2_session *session, const char *file, struct cat2_error *err);
/** true on any 2xx; other statuses become errors with the server's own detail text. After a 503 that says
 * when to come again it is asked again, as long as answer_timeout_ms allows. */
bool c2_exchange_run(struct c2_session *session, struct c2_exchange *http, struct cat2_error *err);
/** A header of the answer, any case. */
bool c2_exchange_header(const struct c2_exchange *http, const char *name, struct c2_str *out);
void c2_exchange_fini(struct c2_exchange *http);
C2_DEFINE_AUTO(c2_exchange);

#endif
