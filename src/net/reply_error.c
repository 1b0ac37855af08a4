/* SPDX-License-Identifier: BSD-3-Clause */
/* Refusals: an error's status, and its text as {"detail": TEXT}. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log_share.h"
#include "net/server_impl.h"
#include "wire/json.h"

/* What the request is about, {path*}, if a message does not say so: what it begins with is enough. Routes
 * that accept any parameters answer with pages. */
static struct c2_str unnamed(const struct c2_request *req, int status, const char *text)
{
    struct c2_str path = c2_str_no_slashes(c2_request_param(req, "path")), none = {"", 0};
    size_t n = path.n < 60 ? path.n : 60;
    bool strict = req->table && req->table->routes[req->nroute].query;

    return status < 400 || !strict || n == 0 || memmem(text, strlen(text), path.p, n) ? none : path;
}

static void reply_text(struct c2_request *req, int status, const char *text)
{
    struct cat2_error err;
    struct c2_jw w;
    C2_AUTO(c2_buf) json = C2_BUF_INIT(16384);
    C2_AUTO(c2_buf) whole = C2_BUF_INIT(2048);
    struct c2_str about = unnamed(req, status, text);

    if (about.n > 300) about.n = 300;
    bool ok = about.n && c2_buf_append_str(&whole, about, &err) && c2_buf_printf(&whole, &err, ": %s", text);
    c2_jw_init(&w, &json, C2_JSON_COMPACT, &err);
    c2_jw_begin_object(&w);
    c2_jw_put_str(&w, req->error_key ? req->error_key : "detail", ok ? c2_buf_str(&whole) : c2_str_of(text));
    c2_jw_end_object(&w);
    if (status == 503 && !req->retry_said) c2_reply_header(req, "Retry-After", C2_RETRY_AFTER);
    if (!c2_jw_finish(&w))
        c2_reply_send(req, 503, NULL);
    else
        c2_reply_json(req, status, &json);
}

void c2_reply_detail(struct c2_request *req, int status, const char *fmt, ...)
{
    char text[1200];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    reply_text(req, status, text);
}

void c2_reply_later(struct c2_request *req, int seconds, const char *fmt, ...)
{
    char text[512], number[16];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    snprintf(number, sizeof(number), "%d", seconds);
    c2_reply_header(req, "Retry-After", number);
    req->retry_said = true;
    reply_text(req, 503, text);
}

static int status_of(const struct cat2_error *err)
{
    static const struct {
        enum cat2_code code;
        int status;
    } table[] = {{CAT2_EINVAL, 400},       {CAT2_ENOTFOUND, 404}, {CAT2_ECHANGED, 412},
                 {CAT2_ELIMIT, 413},       {CAT2_EUPSTREAM, 502}, {CAT2_ENOMEM, 503},
                 {CAT2_EUNSUPPORTED, 501}, {CAT2_ECANCELLED, 503}};

    if (err->http_status >= 400 && err->http_status < 600) return err->http_status;
    for (size_t i = 0; i < C2_ARRAY_LEN(table); i++)
        if (table[i].code == err->code) return table[i].status;
    return 500;
}

/* As FastAPI does; parameters of an address are those of its query. */
static void reply_fault(struct c2_request *req, const char *text)
{
    C2_AUTO(c2_buf) json = C2_BUF_INIT(16384);
    struct cat2_error err;
    struct c2_jw w;

    c2_jw_init(&w, &json, C2_JSON_COMPACT, &err);
    c2_jw_begin_object(&w);
    c2_jw_open_array(&w, "detail");
    c2_jw_begin_object(&w);
    c2_jw_put_cstr(&w, "type", req->fault.type);
    c2_jw_open_array(&w, "loc");
    if (req->method == C2_GET) c2_jw_cstr(&w, "query");
    if (req->fault.name) c2_jw_cstr(&w, req->fault.name);
    c2_jw_end_array(&w);
    c2_jw_put_cstr(&w, "msg", text);
    c2_jw_end_object(&w);
    c2_jw_end_array(&w);
    c2_jw_end_object(&w);
    if (c2_jw_finish(&w))
        c2_reply_json(req, 422, &json);
    else
        c2_reply_send(req, 503, NULL);
}

void c2_reply_error(struct c2_request *req, const struct cat2_error *err)
{
    int status = status_of(err);

    if (status == 422 && req->fault.type && !req->error_key) {
        reply_fault(req, err->message);
        return;
    }
    if (status == 500)
        c2_log_some(C2_ERROR, "request id=%s path=%.*s status=500: %s", c2_request_id(req),
                    C2_STR_ARG(c2_request_path(req)), err->message);
    reply_text(req, status, err->message);
}
