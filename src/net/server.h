/* SPDX-License-Identifier: BSD-3-Clause */
/* HTTP server on the loop: routes as tables, answers at once or later, bodies pulled as the socket drains.
 * Loop thread only.
 *
 * A handler must, now or later, call exactly one c2_reply_*(). Until then the request is held; it stays valid
 * until the reply is called, also when the client leaves. HEAD runs the GET handler and drops the body. A
 * path that only differs by a trailing slash from a route is redirected (307); unknown ones 404
 * {"detail":"Not Found"}, other methods 405 with Allow. */
#ifndef C2_NET_SERVER_H
#define C2_NET_SERVER_H

#include "base/arena.h"
#include "base/blob.h"
#include "base/exposition.h"
#include "base/limits.h"
#include "base/range.h"
#include "net/loop.h"
#include "net/peer.h"
#include "wire/url.h"

struct c2_hosts;
struct c2_exposure;
struct c2_gate;
struct c2_pass;
struct c2_server;
struct c2_request;
struct c2_tls;

enum c2_method { C2_GET = 1, C2_POST = 2, C2_DELETE = 4, C2_PUT = 8 };
const char *c2_method_name(enum c2_method method); /* "GET" */
/* What a request needs (src/access/scope.h says who has it). Values stand in stored masks: keep them. */
enum c2_scope {
    C2_SCOPE_BY_METHOD, /* READ for GET, else WRITE */
    C2_SCOPE_NONE,      /* nothing: it is answered to everybody */
    C2_SCOPE_READ,
    C2_SCOPE_FOLLOW,
    C2_SCOPE_WRITE,
    C2_SCOPE_PUBLISH,
    C2_SCOPE_ADMIN,
    C2_SCOPE_METRICS /* READ, and nothing where the peer is this machine */
};
typedef void c2_handler(struct c2_request *req, void *state);
/* Pattern segments: literal, {name} = one segment, {name*} = the rest (may be empty, may hold slashes), or
 * all but the last segment when one follows in the pattern. */
struct c2_route {
    enum c2_method method;
    const char *pattern;
    c2_handler *handler;
    /* The parameters of its query; NULL: the handler takes what there is. Others are refused with 400. Words
     * with blanks between: a name, or with '/' between several names of one parameter, then marks: '?' may be
     * empty, '*' may be given several times, '!' a boolean. "KEY=VALUE:" begins parameters that go with this
     * one only; "@KEY" first: errors of this route are {"KEY": text}. "_" is taken everywhere. */
    const char *query;
    const void *arg; /* c2_request_route_arg(): for handlers of several routes */
    size_t body_max; /* bytes of a request's body; a longer one is refused with 413. 0: it takes none */
    enum c2_scope scope;
    bool form;   /* its body is that of a form of ours, which browsers may send */
    bool unread; /* whatever its body is, it is not read, and does not matter */
};
struct c2_server_options {
    struct c2_endpoint listen;
    int connections_max;         /* 0: C2_CONNECTIONS_MAX. Idle ones end after 30 s, of few after 10 s */
    int nfronts;                 /* threads that read requests and send answers; 0: the loop does (front.h) */
    int connections_per_address; /* 0: all of them for loopback, a quarter for other addresses */
    bool cors;                   /* Access-Control-Allow-Origin: * on GET, and answers preflight OPTIONS */
    const char *server_name;     /* "cat2sub/0.1.0" */
    const struct c2_hosts *hosts; /* its names (net/origin.h), for the server's life; NULL: every name */
    const struct c2_exposure
        *exposure;              /* how it is seen from outside (net/exposure.h), as long; NULL: as it is */
    const struct c2_gate *gate; /* who may ask (net/gate.h), for the server's life; NULL: everybody */
    struct c2_tls *tls;         /* borrowed for the server's life; NULL: plain HTTP */
};
/** Bind and listen at once; requests are served when the loop runs. @errors CAT2_EIO names the address ("in
 * use"). */
bool c2_server_new(struct c2_loop *loop, const struct c2_server_options *options, struct c2_server **out,
                   struct cat2_error *err);
/** Add a table (borrowed for the server's life); earlier tables win. */
void c2_server_routes(struct c2_server *server, const struct c2_route *routes, size_t n, void *state);
/** The port really bound (for port 0). */
int c2_server_port(const struct c2_server *server);
/** How many connections it has at most. */
unsigned c2_server_connections_max(const struct c2_server *server);
/** How many of `max` things that clients hold a peer may have: connections_per_address, or its default. */
size_t c2_server_per_address(const struct c2_server *server, const struct c2_peer *peer, size_t max);
/** Stop accepting, wait up to grace_ms for answers under way, then close; calls done(ctx) on the loop. */
void c2_server_drain(struct c2_server *server, int64_t grace_ms, c2_loop_fn *done, void *ctx);
void c2_server_free(struct c2_server *server);
/** What it serves, for labels of metrics and for the access log: "broker", "publisher", "subscriber", and for
 * a publisher its root, which who asks must see, else NULL. Both live as long as the server. */
void c2_server_serves(struct c2_server *server, const char *service, const char *root);
/** For /metrics: requests by route and status, bytes, in flight, connections, a histogram of durations. */
void c2_server_metrics(const struct c2_server *server, struct c2_metrics *m);

/* ---- the request ---- */
/** How often the handler's work was begun anew before; counts. */
int c2_request_again(struct c2_request *req);
/** Handle the request anew, from its route on; it has not been answered. false: that was done `most` times.
 */
bool c2_request_redo(struct c2_request *req, int most);
/** Did it come by TLS? */
bool c2_request_is_tls(const struct c2_request *req);
bool c2_request_is_head(const struct c2_request *req);         /* only the headers will be sent */
struct c2_str c2_request_path(const struct c2_request *req);   /* decoded once */
struct c2_str c2_request_target(const struct c2_request *req); /* as sent, without the base path */
struct c2_str c2_request_param(const struct c2_request *req,
                               const char *name); /* a {name} of the pattern, decoded; "" if none */
/** Give it another value, which lives as long as the request. */
void c2_request_param_set(struct c2_request *req, const char *name, struct c2_str value);
bool c2_request_query(const struct c2_request *req, const char *name,
                      struct c2_str *out); /* decoded; the last one wins */
/** Give a parameter of the query this value, which lives as long as the request: it is that of a body. */
void c2_request_query_set(struct c2_request *req, const char *name, struct c2_str value);
/** All values of a name in the query, decoded, in its arena; how many were written. */
size_t c2_request_queries(struct c2_request *req, const char *name, struct c2_str *out, size_t max);
bool c2_request_header(const struct c2_request *req, const char *name, struct c2_str *out); /* any case */
/** Does Accept-Encoding name this content coding, and not with a quality of 0? */
bool c2_request_takes_coding(const struct c2_request *req, const char *coding);
struct c2_bytes c2_request_body(const struct c2_request *req); /* at most its route's body_max */
const void *c2_request_route_arg(const struct c2_request *req);
/** May its sender do what needs this scope, here and now? Of READ and FOLLOW: is that open to it? */
bool c2_request_may(struct c2_request *req, enum c2_scope scope);
/** Is this root there for its sender? What is not is answered as if it did not exist. */
bool c2_request_sees(struct c2_request *req, struct c2_str root);
/** Who sent it, as a reference of the caller's, for what outlives the request. NULL: everything is open to
 * it. */
struct c2_pass *c2_request_pass(struct c2_request *req);
/** Who sent it, also behind trusted proxies; lives as long as the request. Never NULL: family 0 when it
 * cannot be told, as where a proxy of this machine is not trusted. is_loopback only without any proxy
 * between. */
const struct c2_peer *c2_request_peer(const struct c2_request *req);
/** Has its client left, or closed its side? One system call; for what takes long. */
bool c2_request_is_gone(const struct c2_request *req);
const struct c2_exposure *c2_request_exposure(const struct c2_request *req);
/** What the client's addresses have in front of our paths: "/data" or "". */
const char *c2_request_prefix(struct c2_request *req);
/** "https://host/data", where a trusted proxy tells how it was asked and --public-url does not; else NULL. */
const char *c2_request_told_url(struct c2_request *req);
/** Did the client use https towards a trusted proxy? */
bool c2_request_is_https(const struct c2_request *req);
/** Is `name` the first part of a path that is served here? */
bool c2_server_has_path(const struct c2_server *server, struct c2_str name);
struct c2_arena *c2_request_arena(struct c2_request *req);
/** Who asks, for the access log: a name or the label of a key, never the key. Copied. */
void c2_request_set_user(struct c2_request *req, const char *user);
const char *c2_request_id(const struct c2_request *req); /* X-Request-Id of the client (if sane) or ours */
/* What is wrong with a part of a request, as FastAPI tells it: of static storage. */
struct c2_fault {
    const char *type; /* such as "missing", "int_parsing" */
    const char *name; /* of the parameter or member; NULL: the body as a whole */
};
/** Make err, which has the words for it, a 422 whose detail is [{"type","loc","msg"}]. Returns false. */
bool c2_request_fault(struct c2_request *req, const char *type, const char *name, struct cat2_error *err);
/** Query parameter as Python's bool (true 1 on yes y t / false 0 off no n f): false + 422 text in err when it
 * is none of them. */
bool c2_request_query_bool(struct c2_request *req, const char *name, bool fallback, bool *out,
                           struct cat2_error *err);
/** Query parameter as an integer; *found tells presence. */
bool c2_request_query_int(struct c2_request *req, const char *name, bool *found, int64_t *out,
                          struct cat2_error *err);

/* ---- replies; each ends the request ---- */
/** Add a header to the reply that follows; copied. */
void c2_reply_header(struct c2_request *req, const char *name, const char *value);
/** The same in place of what was said under this name before. */
void c2_reply_header_anew(struct c2_request *req, const char *name, const char *value);
/* Errors about a {path} begin with it, when the message does not hold it. */
/** code -> status: EINVAL 400, ENOTFOUND 404, ECHANGED 412, ELIMIT 413, EUPSTREAM 502, EDATA 500, EIO 500,
 * ENOMEM 503, EUNSUPPORTED 501, ECANCELLED 503; err->http_status wins when set. Body {"detail": message}. */
void c2_reply_error(struct c2_request *req, const struct cat2_error *err);
void c2_reply_detail(struct c2_request *req, int status, const char *fmt, ...)
    C2_PRINTF(3, 4); /* {"detail": text} */
/** 503 {"detail": text} with Retry-After; other 503s say 1 s. */
void c2_reply_later(struct c2_request *req, int seconds, const char *fmt, ...) C2_PRINTF(3, 4);
void c2_reply_json(struct c2_request *req, int status, struct c2_buf *take);
/** 200 with JSON that was made, ok; or else why it was not. Takes the buffer either way. */
void c2_reply_built(struct c2_request *req, bool ok, struct c2_buf *take, const struct cat2_error *err);
void c2_reply_buf(struct c2_request *req, int status, const char *content_type,
                  struct c2_buf *take); /* NULL type: none sent */
/** Bytes that are kept elsewhere too; takes a reference of its own. */
void c2_reply_blob(struct c2_request *req, int status, const char *content_type, struct c2_blob *blob);
/** Bytes that stay until sent(ctx), which is called once, also when the client leaves. */
void c2_reply_lent(struct c2_request *req, int status, const char *content_type, struct c2_bytes bytes,
                   void (*sent)(void *ctx), void *ctx);
void c2_reply_empty(struct c2_request *req, int status); /* 204, 304, ... */
/** 307 to "/path?query" of this server, percent-encoded. Told relative to the address asked for, which is
 * right behind any proxy: https, another name, beneath a path. */
void c2_reply_redirect(struct c2_request *req, const char *there);
/** 307 to the address without the slashes at its end. false: it has none, nothing is answered. */
bool c2_reply_without_slash(struct c2_request *req);
/** Immutable bytes that outlive the server (embedded files). */
void c2_reply_static(struct c2_request *req, int status, const char *content_type, struct c2_bytes bytes);

/* A body that is pulled while the socket drains. */
#define C2_BODY_END  0
#define C2_BODY_WAIT (-1) /* nothing now: c2_body_wake(req) later */
#define C2_BODY_FAIL (-2) /* closes the connection: the body is short, never wrong */
struct c2_body {
    int64_t (*pull)(void *ctx, uint8_t *to, size_t room); /* > 0 bytes written, or one of the above */
    void (*free)(void *ctx);                              /* also when the client leaves */
    void *ctx;
};
/** @param length  bytes, or -1: chunked transfer. The returned-to `req` stays valid until body.free() for
 * c2_body_wake(). */
void c2_reply_body(struct c2_request *req, int status, const char *content_type, int64_t length,
                   const struct c2_body *body);
void c2_body_wake(struct c2_request *req);

/* Random-access content: the server does Range (single, multipart), If-Range, 206, 416. */
struct c2_content {
    int64_t nbytes;
    const char *content_type;
    const char *etag; /* quoted value for the ETag header, or NULL */
    int64_t mtime_ms; /* Last-Modified; < 0 none */
    int fd;           /* >= 0: send from this descriptor (taken, closed after) */
    /* fd < 0: make a body for [off, off+n). May be called several times (multipart), one after another is
     * finished. Loop. */
    bool (*open)(void *ctx, struct c2_request *req, int64_t off, int64_t n, struct c2_body *out,
                 struct cat2_error *err);
    /* fd < 0, of c2_content_build(): these bytes. Worker. */
    bool (*read)(void *ctx, int64_t off, size_t n, uint8_t *to, struct cat2_error *err);
    void (*free)(
        void *ctx); /* when the content is not needed any more: all of it was sent, or the client left */
    void *ctx;
};
void c2_reply_content(struct c2_request *req, const struct c2_content *content);
/** The body of an answer to ranges (1 or more) of content->fd, or as content->read() has them, in memory.
 * Worker. @errors CAT2_EIO; those of read(). */
bool c2_content_build(const struct c2_content *content, const struct c2_range *ranges, int n,
                      struct c2_buf *out, struct cat2_error *err);
/** Answer 206 with it; takes the buffer. The caller has looked at the conditions, and keeps content->fd. */
void c2_reply_content_built(struct c2_request *req, const struct c2_content *content,
                            const struct c2_range *ranges, int n, struct c2_buf *take);

/* Ranges of a header, for handlers that must know them before. */
/** "bytes=..." on nbytes: number of satisfiable ranges written (<= max), 0 = none satisfiable (416), -1 =
 * ignore the header (malformed, other unit, too many). */
int c2_ranges_parse(struct c2_str header, int64_t nbytes, struct c2_range *out, int max);
/** The field Range, of GET alone (RFC 9110, 14.2), where If-Range is not there or is this ETag; NULL: there
 * is none, so that it is another.
 */
bool c2_request_range(const struct c2_request *req, const char *etag_quoted, struct c2_str *out);
/** If-Match against the ETag of the answer to come, or another name of the same generation (NULL: none):
 * true: it ended the request, which is answered 412. */
bool c2_reply_if_other(struct c2_request *req, const char *etag_quoted, const char *also);
/** If-None-Match: true: answered 304, with the headers said so far and this ETag. */
bool c2_reply_if_known(struct c2_request *req, const char *etag_quoted);
/** Both. */
bool c2_reply_if_settled(struct c2_request *req, const char *etag_quoted);

#endif
