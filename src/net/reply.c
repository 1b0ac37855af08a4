/* SPDX-License-Identifier: BSD-3-Clause */
/* Replies: made into an MHD response, then queued at once or when the held connection has been resumed. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log_share.h"
#include "net/gate.h"
#include "net/server_impl.h"
#include "wire/proof.h"

#define FEW_NBYTES        (128 << 10) /* what every client may keep in memory by not reading it */
#define UNREAD_NBYTES_MAX (24 << 20)  /* of larger answers that were made for one request, in memory */
#define TEMPORARY_FILES   "/var/tmp"

void c2_reply_header(struct c2_request *req, const char *name, const char *value)
{
    struct c2_reply_head *head = c2_arena_alloc(&req->arena, sizeof(*head));

    if (!head) return;
    head->name = c2_arena_strdup(&req->arena, c2_str_of(name));
    head->value = c2_arena_strdup(&req->arena, c2_str_of(value));
    head->next = req->heads;
    if (head->name && head->value) req->heads = head;
}

void c2_reply_header_anew(struct c2_request *req, const char *name, const char *value)
{
    struct c2_reply_head **at = &req->heads;

    while (*at)
        if (strcmp((*at)->name, name) == 0)
            *at = (*at)->next;
        else
            at = &(*at)->next;
    c2_reply_header(req, name, value);
}

/* False: there was no memory for it. */
static bool add(struct MHD_Response *response, const char *name, const char *value)
{
    return MHD_add_response_header(response, name, value) == MHD_YES;
}

/* Which pages may read the answer. */
static bool add_cors(const struct c2_request *req, struct MHD_Response *response)
{
    const struct c2_exposure *exposure = req->server->exposure;
    struct c2_str origin = C2_STR("*");

    if (!req->server->cors || req->refused || (req->method != C2_GET && !req->options)) return true;
    if (exposure->cors_named) {
        if (!add(response, "Vary", "Origin")) return false;
        if (!c2_request_header(req, "Origin", &origin) || !c2_exposure_allows(exposure, origin)) return true;
    }
    return add(response, "Access-Control-Allow-Origin", origin.p) &&
           add(response, "Access-Control-Expose-Headers", "*");
}

static bool add_headers(struct c2_request *req, int status, struct MHD_Response *response)
{
    bool policed = status < 200, typed = status < 200, ok = true,
         closed = req->server->gate && req->server->gate->closed;

    for (const struct c2_reply_head *head = req->heads; head; head = head->next) {
        bool shared =
            closed && strcmp(head->name, "Cache-Control") == 0 && strncmp(head->value, "public", 6) == 0;
        ok = add(response, head->name, shared ? "private, max-age=31536000, immutable" : head->value) && ok;
        policed = policed || strcmp(head->name, "Content-Security-Policy") == 0;
        typed = typed || strcmp(head->name, "X-Content-Type-Options") == 0;
    }
    ok = ok && (policed || add(response, "Content-Security-Policy", req->server->exposure->content_policy)) &&
         (typed || add(response, "X-Content-Type-Options", "nosniff")) &&
         (!closed || add(response, "Vary", "Authorization, Cookie")) && add_cors(req, response);
    if (req->id[0]) add(response, "X-Request-Id", req->id);
    if (req->server->name[0]) add(response, "Server", req->server->name);
    return ok && !req->arena.starved;
}

/* In place of an answer that would lack a parameter or a header: it could be taken for another one. */
static struct MHD_Response *without_memory(struct c2_request *req)
{
    static const char TEXT[] = "{\"detail\":\"out of memory\"}";
    struct MHD_Response *response =
        MHD_create_response_from_buffer(sizeof(TEXT) - 1, (void *)(uintptr_t)TEXT, MHD_RESPMEM_PERSISTENT);

    C2_ASSERT(response);
    add(response, "Content-Type", "application/json");
    add(response, "Retry-After", C2_RETRY_AFTER);
    req->length = sizeof(TEXT) - 1;
    return response;
}

void c2_reply_send(struct c2_request *req, int status, struct MHD_Response *response)
{
    C2_ASSERT(req->state == C2_REQ_HANDLING || req->state == C2_REQ_HELD);
    bool whole = response && add_headers(req, status, response);
    if (!response || (!whole && status >= 200 && status < 400)) {
        if (response) MHD_destroy_response(response);
        response = without_memory(req);
        status = 503;
    }
    bool held = req->state == C2_REQ_HELD;
    req->response = response;
    req->status = status;
    req->state = C2_REQ_REPLIED;
    /* Else the access handler queues it when the route's handler has returned. */
    if (held) c2_request_give_back(req);
}

/* ---- the hash of an answer (wire/proof.h) ---- */

static bool asked_header(const void *ctx, const char *name, struct c2_str *out)
{
    return c2_request_header(ctx, name, out);
}

/* What is said, and of which type. */
struct said {
    const struct c2_request *req;
    const char *content_type;
};

static bool said_header(const void *ctx, const char *name, struct c2_str *out)
{
    const struct said *said = ctx;

    if (strcmp(name, "Content-Type") == 0) {
        *out = c2_str_of(said->content_type);
        return said->content_type != NULL;
    }
    for (const struct c2_reply_head *head = said->req->heads; head; head = head->next)
        if (c2_str_eq_nocase(c2_str_of(head->name), c2_str_of(name))) {
            *out = c2_str_of(head->value);
            return true;
        }
    return false;
}

void c2_reply_prove(struct c2_request *req, int status, const char *content_type, const struct c2_bytes *body)
{
    struct said said = {req, content_type};
    struct c2_str wanted;
    char text[32];

    if (req->head || !c2_request_header(req, C2_PROOF_WANT, &wanted)) return;
    struct c2_proof_answer answer = {.target = c2_str_of(req->asked),
                                     .status = status,
                                     .asked = asked_header,
                                     .asked_ctx = req,
                                     .said = said_header,
                                     .said_ctx = &said,
                                     .body = body};
    c2_proof_of_answer(&answer, text);
    c2_reply_header(req, C2_PROOF_HEADER, text);
}

void c2_reply_typed(struct c2_request *req, int status, const char *content_type,
                    struct MHD_Response *response)
{
    if (response && content_type) MHD_add_response_header(response, "Content-Type", content_type);
    c2_reply_send(req, status, response);
}

/* ---- bytes that were made for one request ---- */

/* Those of large answers are counted, until their clients have read them. Freed by fronts. */
struct owned {
    struct c2_server *server;
    uint8_t *p;
    size_t n;
};

static void owned_free(void *ctx)
{
    struct owned *owned = ctx;

    owned->server->nbytes_unread -= owned->n;
    free(owned->p);
    free(owned);
}

static struct MHD_Response *from_memory(struct c2_request *req, struct c2_buf *bytes)
{
    struct owned *owned = malloc(sizeof(*owned));

    if (!owned) return NULL;
    *owned = (struct owned){req->server, bytes->p, bytes->n};
    struct MHD_Response *response =
        MHD_create_response_from_buffer_with_free_callback_cls(bytes->n, bytes->p, owned_free, owned);
    if (!response) {
        free(owned);
        return NULL;
    }
    req->server->nbytes_unread += owned->n;
    *bytes = (struct c2_buf){0};
    return response;
}

/* Clients that do not read fill memory with other large answers: this one goes to a file without a name. */
static struct MHD_Response *from_file(struct c2_buf *bytes)
{
    const char *dir = getenv("TMPDIR");
    struct cat2_error err;
    int fd = c2_fs_open_nameless(AT_FDCWD, dir && *dir ? dir : TEMPORARY_FILES);

    if (fd < 0) return NULL;
    bool ok = c2_fs_pwrite(fd, bytes->p, bytes->n, 0, &err);
    struct MHD_Response *response = ok ? MHD_create_response_from_fd_at_offset64(bytes->n, fd, 0) : NULL;
    if (!response) close(fd);
    c2_buf_fini(bytes);
    return response;
}

static void reply_large(struct c2_request *req, int status, const char *content_type, struct c2_buf *bytes)
{
    struct c2_bytes body = c2_buf_bytes(bytes);
    size_t unread = req->server->nbytes_unread;
    bool room = unread + bytes->n <= UNREAD_NBYTES_MAX || unread == 0;

    struct c2_reply_head *before = req->heads;
    c2_reply_prove(req, status, content_type, &body);
    req->length = (int64_t)body.n;
    struct MHD_Response *response = room ? from_memory(req, bytes) : from_file(bytes);
    c2_buf_fini(bytes);
    if (response) {
        c2_reply_typed(req, status, content_type, response);
        return;
    }
    req->heads = before; /* the hash was of what is not sent */
    req->length = -1;
    c2_reply_later(req, 2, "too many answers wait for their clients to read them");
}

void c2_reply_buf(struct c2_request *req, int status, const char *content_type, struct c2_buf *take)
{
    struct c2_buf bytes = c2_buf_steal(take);
    struct c2_bytes body = c2_buf_bytes(&bytes);

    if (bytes.n > FEW_NBYTES) {
        reply_large(req, status, content_type, &bytes);
        return;
    }
    struct MHD_Response *response = MHD_create_response_from_buffer(
        bytes.n, bytes.p, bytes.p ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    c2_reply_prove(req, status, content_type, &body);
    req->length = (int64_t)body.n;
    if (!response) free(bytes.p);
    c2_reply_typed(req, status, content_type, response);
}

/* What a front has sent is told to the loop thread. */
struct lent {
    struct c2_mailbox *mail;
    struct c2_loop_call call;
    void (*sent)(void *ctx);
    void *ctx;
};

static void on_sent(void *ctx)
{
    struct lent *lent = ctx;

    lent->sent(lent->ctx);
    free(lent);
}

static void tell_sent(void *ctx)
{
    struct lent *lent = ctx;

    c2_mailbox_put(lent->mail, &lent->call, on_sent, lent);
}

static struct MHD_Response *from_lent(struct c2_request *req, struct c2_bytes bytes, void (*sent)(void *ctx),
                                      void *ctx)
{
    struct c2_mailbox *mail = req->server->mail;
    void *p = (void *)(uintptr_t)bytes.p;

    if (!mail) return MHD_create_response_from_buffer_with_free_callback_cls(bytes.n, p, sent, ctx);
    struct lent *lent = malloc(sizeof(*lent));
    if (!lent) return NULL;
    *lent = (struct lent){.mail = mail, .sent = sent, .ctx = ctx};
    struct MHD_Response *response =
        MHD_create_response_from_buffer_with_free_callback_cls(bytes.n, p, tell_sent, lent);
    if (!response) free(lent);
    return response;
}

void c2_reply_lent(struct c2_request *req, int status, const char *content_type, struct c2_bytes bytes,
                   void (*sent)(void *ctx), void *ctx)
{
    struct MHD_Response *response = from_lent(req, bytes, sent, ctx);

    c2_reply_prove(req, status, content_type, &bytes);
    req->length = (int64_t)bytes.n;
    if (!response) sent(ctx);
    c2_reply_typed(req, status, content_type, response);
}

static void blob_unref(void *blob)
{
    c2_blob_unref(blob);
}

/* Whoever is the last to hold a blob frees it, in any thread. */
void c2_reply_blob(struct c2_request *req, int status, const char *content_type, struct c2_blob *blob)
{
    struct c2_bytes bytes = c2_buf_bytes(&blob->bytes);
    struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback_cls(
        bytes.n, (void *)(uintptr_t)bytes.p, blob_unref, blob);

    if (response) c2_blob_ref(blob);
    c2_reply_prove(req, status, content_type, &bytes);
    req->length = (int64_t)bytes.n;
    c2_reply_typed(req, status, content_type, response);
}

void c2_reply_json(struct c2_request *req, int status, struct c2_buf *take)
{
    c2_reply_buf(req, status, "application/json", take);
}

void c2_reply_built(struct c2_request *req, bool ok, struct c2_buf *take, const struct cat2_error *err)
{
    if (ok) {
        c2_reply_json(req, 200, take);
        return;
    }
    c2_buf_fini(take);
    c2_reply_error(req, err);
}

void c2_reply_static(struct c2_request *req, int status, const char *content_type, struct c2_bytes bytes)
{
    c2_reply_prove(req, status, content_type, &bytes);
    req->length = (int64_t)bytes.n;
    c2_reply_typed(
        req, status, content_type,
        MHD_create_response_from_buffer(bytes.n, (void *)(uintptr_t)bytes.p, MHD_RESPMEM_PERSISTENT));
}

void c2_reply_empty(struct c2_request *req, int status)
{
    c2_reply_static(req, status, NULL, (struct c2_bytes){NULL, 0});
}

/* The site's top without the slash at its end: addresses in pages would be taken beside it. */
void c2_reply_top(struct c2_request *req)
{
    const char *last = strrchr(req->server->exposure->base_path, '/');
    C2_AUTO(c2_buf) location = C2_BUF_INIT(1 << 18);
    struct cat2_error err;

    if (!c2_buf_printf(&location, &err, ".%s/%s", last, req->target)) {
        c2_reply_error(req, &err);
        return;
    }
    c2_reply_header(req, "Location", c2_buf_cstr(&location));
    c2_reply_empty(req, 307);
}

void c2_reply_redirect(struct c2_request *req, const char *there)
{
    C2_AUTO(c2_buf) location = C2_BUF_INIT(1 << 18);
    struct c2_str sent, query;
    struct cat2_error err;

    c2_str_cut(c2_str_of(req->target), '?', &sent, &query);
    bool ok = c2_buf_puts(&location, "./", &err); /* so that no first name with ':' is taken for a scheme */
    for (size_t i = 1; ok && i < sent.n; i++)
        if (sent.p[i] == '/') ok = c2_buf_puts(&location, "../", &err);
    while (*there == '/')
        there++;
    if (!ok || !c2_buf_puts(&location, there, &err)) {
        c2_reply_error(req, &err);
        return;
    }
    c2_reply_header(req, "Location", c2_buf_cstr(&location) + (location.p[2] == '.' ? 2 : 0));
    c2_reply_empty(req, 307);
}

bool c2_reply_without_slash(struct c2_request *req)
{
    C2_AUTO(c2_buf) there = C2_BUF_INIT(1 << 18);
    struct c2_str sent, query;
    struct cat2_error err;
    bool asked = c2_str_cut(c2_str_of(req->target), '?', &sent, &query);
    size_t n = sent.n;

    while (sent.n > 1 && sent.p[sent.n - 1] == '/')
        sent.n--;
    if (sent.n == n) return false;
    if (c2_buf_printf(&there, &err, "%.*s%s%.*s", C2_STR_ARG(sent), asked ? "?" : "", C2_STR_ARG(query)))
        c2_reply_redirect(req, c2_buf_cstr(&there));
    else
        c2_reply_error(req, &err);
    return true;
}
