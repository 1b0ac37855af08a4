/* SPDX-License-Identifier: BSD-3-Clause */
/* Checked answers: a flight, and another when its answer is not what was sent. */
#include "net/checked.h"

#include <stdio.h>
#include <stdlib.h>

#include "wire/url.h"

#define TRIES 3

struct c2_checked {
    struct c2_http *http;
    struct c2_http_flight *flight;
    struct c2_http_call call; /* of who asks; strings below are ours */
    enum c2_wire_kind kind;
    enum c2_check check;
    int tries;
    bool damaged; /* the flight under way has met an answer that is not to be believed */
    bool handed;  /* data() has had some */
    bool hashed;  /* the head of a stream holds */
    char *url, *method;
    struct c2_buf body;
    char **headers; /* NULL-terminated */
};

static void checked_free(struct c2_checked *c)
{
    for (char **header = c->headers; header && *header; header++)
        free(*header);
    free(c->headers);
    free(c->url);
    free(c->method);
    c2_buf_fini(&c->body);
    free(c);
}

static bool start(struct c2_checked *c);

/* ---- looking at an answer ---- */

static bool asked_header(const void *ctx, const char *name, struct c2_str *out)
{
    const struct c2_checked *c = ctx;
    struct c2_str key, value;

    for (char **header = c->headers; header && *header; header++)
        if (c2_str_cut(c2_str_of(*header), ':', &key, &value) && c2_str_eq_nocase(key, c2_str_of(name))) {
            *out = value;
            return true;
        }
    return false;
}

static bool said_header(const void *ctx, const char *name, struct c2_str *out)
{
    return c2_http_header(ctx, name, out);
}

static struct c2_str target_of(const char *url)
{
    struct c2_str host, path;

    url = c2_url_no_scheme(url);
    if (!c2_str_cut(c2_str_of(url), '/', &host, &path)) return C2_STR("/");
    return (struct c2_str){path.p - 1, path.n + 1};
}

/* Does the answer's hash hold? Says why not. */
static bool holds(struct c2_checked *c, const struct c2_http_reply *reply, bool *hashed, const char **why)
{
    struct c2_str given;
    char expected[32];
    struct c2_bytes body = reply->body ? c2_buf_bytes(reply->body) : (struct c2_bytes){NULL, 0};

    *hashed = false;
    *why = "the service got a body that was not sent";
    if (c2_http_header(reply, C2_PROOF_DAMAGED, &given)) return false;
    if (!c2_http_header(reply, C2_PROOF_HEADER, &given)) {
        bool taken = c->check == C2_CHECK_ASK || (c->check == C2_CHECK_PREFER && c->tries == TRIES);
        *why = "it has no hash, as others of this service have";
        return taken;
    }
    bool stream = c2_str_ends(given, "; head");
    bool taken_by_data = c->call.data && reply->status / 100 == 2;
    *why = "its hash does not hold";
    if (stream != taken_by_data) return false;
    struct c2_proof_answer answer = {.target = target_of(c->url),
                                     .status = reply->status,
                                     .asked = asked_header,
                                     .asked_ctx = c,
                                     .said = said_header,
                                     .said_ctx = reply,
                                     .body = stream ? NULL : &body};
    c2_proof_of_answer(&answer, expected);
    *hashed = c2_str_is(given, expected);
    return *hashed;
}

static bool on_head(void *ctx, const struct c2_http_reply *reply, struct cat2_error *err)
{
    struct c2_checked *c = ctx;
    struct c2_http_reply said = *reply;
    const char *why = "";

    if (!holds(c, reply, &c->hashed, &why)) {
        c->damaged = true;
        return c2_fail(err, CAT2_EDATA, "%s", why);
    }
    said.hashed = c->hashed;
    return !c->call.head || c->call.head(c->call.ctx, &said, err);
}

static bool on_data(void *ctx, int status, struct c2_bytes bytes, struct cat2_error *err)
{
    struct c2_checked *c = ctx;

    c->handed = true;
    return c->call.data(c->call.ctx, status, bytes, err);
}

/* ---- the end of a flight ---- */

static void finish(struct c2_checked *c, struct c2_http_reply *reply, const struct cat2_error *err)
{
    const struct c2_http_call call = c->call;

    c->flight = NULL;
    call.done(call.ctx, reply, err);
    checked_free(c);
}

static void give_up(struct c2_checked *c, const struct cat2_error *why)
{
    struct cat2_error err = *why;

    if (c->damaged)
        c2_fail(&err, CAT2_EUPSTREAM, "%.200s: damaged on its way, %d times: %.100s", c->url, c->tries,
                why->message);
    else if (err.code == CAT2_EDATA && !c->handed)
        err.code = CAT2_EUPSTREAM;
    finish(c, NULL, &err);
}

static void again(struct c2_checked *c, const struct cat2_error *why)
{
    c->flight = NULL;
    if (c->tries < TRIES && !c->handed && start(c)) return;
    give_up(c, why);
}

static void on_done(void *ctx, struct c2_http_reply *reply, const struct cat2_error *err)
{
    struct c2_checked *c = ctx;
    struct cat2_error bad;
    const char *why = "";

    if (err) {
        if (c->damaged) c2_wire_mismatch(c->kind, "%.200s: %.100s", c->url, err->message);
        bool worth = c->damaged || err->code == CAT2_EDATA;
        worth ? again(c, err) : finish(c, NULL, err);
        return;
    }
    bool streamed = c->call.data && reply->status / 100 == 2 && c->handed;
    reply->hashed = c->hashed;
    if (!streamed && !holds(c, reply, &reply->hashed, &why)) {
        c->damaged = true;
        c2_fail(&bad, CAT2_EDATA, "%s", why);
        c2_wire_mismatch(c->kind, "%.200s: %s", c->url, why);
        again(c, &bad);
        return;
    }
    finish(c, reply, NULL);
}

/* ---- starting one ---- */

static bool start(struct c2_checked *c)
{
    struct c2_http_call call = c->call;

    c->tries++;
    c->damaged = c->handed = c->hashed = false;
    call.url = c->url;
    call.method = c->method;
    call.headers = (const char *const *)c->headers;
    call.body = c2_buf_str(&c->body);
    call.fresh = c->call.fresh || c->tries > 1;
    call.head = call.data ? on_head : NULL;
    call.data = call.data ? on_data : NULL;
    call.done = on_done;
    call.ctx = c;
    c->flight = c2_http_start(c->http, &call);
    return c->flight != NULL;
}

static bool copy_headers(struct c2_checked *c, const struct c2_http_call *call)
{
    char text[64], digits[17];
    size_t n = 0;

    while (call->headers && call->headers[n])
        n++;
    c->headers = calloc(n + 3, sizeof(*c->headers));
    if (!c->headers) return false;
    for (size_t i = 0; i < n; i++)
        if (!(c->headers[i] = c2_str_dup(c2_str_of(call->headers[i])))) return false;
    if (!(c->headers[n++] = c2_str_dup(C2_STR(C2_PROOF_WANT ": 1")))) return false;
    if (!call->body.n) return true;
    c2_hash_text(c2_hash_bytes(c2_bytes_of(call->body)), digits);
    snprintf(text, sizeof(text), C2_PROOF_HEADER ": %s", digits);
    c->headers[n] = c2_str_dup(c2_str_of(text));
    return c->headers[n] != NULL;
}

struct c2_checked *c2_checked_start(struct c2_http *http, const struct c2_http_call *call,
                                    enum c2_wire_kind kind, enum c2_check check)
{
    struct c2_checked *c = calloc(1, sizeof(*c));
    struct cat2_error err;

    if (!c) return NULL;
    c->http = http;
    c->call = *call;
    c->kind = kind;
    c->check = check;
    c2_buf_init(&c->body, call->body.n);
    c->url = c2_str_dup(c2_str_of(call->url));
    c->method = call->method ? c2_str_dup(c2_str_of(call->method)) : NULL;
    if (c->url && (c->method || !call->method) && c2_buf_append(&c->body, call->body.p, call->body.n, &err) &&
        copy_headers(c, call) && start(c))
        return c;
    checked_free(c);
    return NULL;
}

void c2_checked_cancel(struct c2_checked *checked)
{
    if (!checked) return;
    c2_http_cancel(checked->flight);
    checked_free(checked);
}
