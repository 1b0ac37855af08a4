/* SPDX-License-Identifier: BSD-3-Clause */
/* One curl handle, kept alive; bounded answers; readable errors. */
#include "http/session.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "http/handle.h"
#include "http/header.h"
#include "http/link_local.h"
#include "wire/json.h"
#include "wire/url.h"
#include "wire/xml.h"

#define RETRY_AFTER_MAX 5 /* seconds: sooner than we are told is better than much later */

struct transfer {
    struct c2_session *session;
    struct c2_exchange *http;
};

static int status_of(const struct transfer *t)
{
    long status = 0;

    curl_easy_getinfo(t->session->curl, CURLINFO_RESPONSE_CODE, &status);
    return (int)status;
}

static size_t on_body(char *bytes, size_t one, size_t n, void *ctx)
{
    struct transfer *t = ctx;
    struct c2_exchange *http = t->http;

    (void)one;
    http->status = status_of(t);
    if (http->sink && http->status / 100 == 2) {
        curl_off_t length = -1;
        curl_easy_getinfo(t->session->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
        http->content_length = (int64_t)length;
        return http->sink(http->ctx, http, (struct c2_bytes){(uint8_t *)bytes, n}, &http->err) ? n : 0;
    }
    return c2_buf_append(&http->body, bytes, n, &http->err) ? n : 0;
}

static size_t on_header(char *bytes, size_t one, size_t n, void *ctx)
{
    struct transfer *t = ctx;

    (void)one;
    return c2_header_take(&t->http->reply_headers, (struct c2_str){bytes, n}, &t->http->err) ? n : 0;
}

bool c2_exchange_header(const struct c2_exchange *http, const char *name, struct c2_str *out)
{
    return c2_header_of(c2_buf_str(&http->reply_headers), name, out);
}

void c2_exchange_fini(struct c2_exchange *http)
{
    c2_buf_fini(&http->body);
    c2_buf_fini(&http->reply_headers);
}

/* "CODE: MESSAGE" of an object store's <Error>. */
static bool s3_detail(struct c2_str text, struct c2_buf *out)
{
    struct c2_xml xml = c2_xml_of(text);
    struct c2_xml_event event;
    struct cat2_error ignored;

    while (c2_xml_next(&xml, &event, &ignored) && event.kind != C2_XML_END) {
        if (event.kind != C2_XML_TEXT) continue;
        if (!c2_xml_is_at(&xml, "Error/Code") && !c2_xml_is_at(&xml, "Error/Message")) continue;
        if ((out->n && !c2_buf_puts(out, ": ", &ignored)) || !c2_xml_decode(event.text, out, &ignored))
            return false;
    }
    return out->n > 0;
}

/* A text, or the message of the first of FastAPI's faults. */
static bool words_of(struct c2_jval detail, struct c2_str *out)
{
    return c2_jstr(detail, out) || c2_jstr(c2_jget(c2_jat(detail, 0), "msg"), out);
}

/* {"detail": text} of an error answer (or {"message": text}, or FastAPI's list); else its body, when that is
 * one short line. */
static bool detail_of(const struct c2_exchange *http, char *out, size_t size)
{
    struct c2_str text = c2_str_trim(c2_buf_str(&http->body)), detail = {"", 0};
    struct cat2_error ignored;
    C2_AUTO_PTR(c2_json) *json = NULL;
    C2_AUTO(c2_buf) s3 = C2_BUF_INIT(size - 1);

    if (c2_str_starts(text, "<") && s3_detail(text, &s3)) {
        snprintf(out, size, "%s", c2_buf_cstr(&s3));
        return true;
    }
    if (c2_json_parse(text, &json, &ignored) && (words_of(c2_jget(c2_json_root(json), "detail"), &detail) ||
                                                 c2_jstr(c2_jget(c2_json_root(json), "message"), &detail)))
        text = detail;
    if (text.n == 0 || (!json && (text.n > 200 || memchr(text.p, '\n', text.n)))) return false;
    snprintf(out, size, "%.*s", (int)c2_min_i64((int64_t)size - 1, (int64_t)text.n), text.p);
    return true;
}

/* "400 Bad Request", as the answer's first line has it. */
static struct c2_str status_text(const struct c2_exchange *http)
{
    struct c2_str version, rest, line;

    c2_str_cut(c2_buf_str(&http->reply_headers), '\n', &line, &rest);
    c2_str_cut(c2_str_trim(line), ' ', &version, &rest);
    return c2_str_trim(rest);
}

/* What was asked for, without the parameters. */
static int target_length(const struct c2_exchange *http)
{
    return (int)c2_min_i64(120, (int64_t)strcspn(http->target, "?"));
}

/* A refusal says which key would do; this says what was given. */
static const char *about_key(const struct c2_session *session, int status)
{
    if (status != 401 && status != 403) return "";
    if (session->sign) return session->sign->id[0] ? " (signed)" : "";
    return session->key[0] ? " (a key was given)" : " (no key was given: --key-file or CATERVA2_KEY)";
}

static bool fail_status(const struct c2_session *session, const struct c2_exchange *http,
                        struct cat2_error *err)
{
    enum cat2_code code = CAT2_EUPSTREAM;
    struct c2_str text = status_text(http), location;
    char detail[220];
    size_t room = sizeof(detail) - strlen(about_key(session, http->status));

    if (http->status == 404 || http->status == 416)
        code = CAT2_ENOTFOUND;
    else if (http->status == 412)
        code = CAT2_ECHANGED;
    else if (http->status == 413)
        code = CAT2_ELIMIT;
    else if (http->status == 501)
        code = CAT2_EUNSUPPORTED;
    else if (http->status / 100 == 4)
        code = CAT2_EINVAL;
    struct c2_str number, phrase;
    c2_str_cut(text, ' ', &number, &phrase);
    bool moved = http->status / 100 == 3 && c2_exchange_header(http, "Location", &location);
    if (detail_of(http, detail, room) &&
        !c2_str_eq_nocase(c2_str_of(detail), phrase)) /* which is no reason */
        c2_fail(err, code, "%s%s", detail, about_key(session, http->status));
    else
        c2_fail(err, code, "%.80s%.*s: the answer is %.*s%s%.*s%s", session->base, target_length(http),
                http->target, (int)c2_min_i64(60, (int64_t)text.n), text.p,
                moved ? ", to " : ", without a reason", moved ? (int)c2_min_i64(100, (int64_t)location.n) : 0,
                moved ? location.p : "", about_key(session, http->status));
    err->http_status = http->status;
    return false;
}

/* false and CAT2_ECANCELLED when the caller does not want to wait any longer. */
static bool go_on(const struct c2_session *session, struct cat2_error *err)
{
    return !session->go_on || session->go_on(session->go_on_ctx) ||
           c2_fail(err, CAT2_ECANCELLED, "cancelled");
}

static int on_wait(void *ctx, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now)
{
    struct transfer *t = ctx;

    (void)total, (void)now, (void)up_total, (void)up_now;
    return t->http->err.code != CAT2_OK || !go_on(t->session, &t->http->err);
}

/* Whether the connection just used ends on this machine. */
static void note_address(struct c2_session *session)
{
    char *ip = NULL;

    if (curl_easy_getinfo(session->curl, CURLINFO_PRIMARY_IP, &ip) != CURLE_OK || !ip || !*ip) return;
    session->local = strncmp(ip, "127.", 4) == 0 || strcmp(ip, "::1") == 0;
}

/* The signature is of the target as it is sent, whose parameters must be in order. */
static void sign(CURL *curl, const struct c2_s3_keys *keys)
{
    char scheme[sizeof(keys->region) + 20];

    snprintf(scheme, sizeof(scheme), "aws:amz:%s:s3", keys->region);
    curl_easy_setopt(curl, CURLOPT_AWS_SIGV4, scheme);
    curl_easy_setopt(curl, CURLOPT_USERNAME, keys->id);
    curl_easy_setopt(curl, CURLOPT_PASSWORD, keys->secret);
}

static void set_options(struct c2_session *session, struct transfer *t, const char *url,
                        struct curl_slist *headers, char *reason)
{
    const struct c2_handle_options options = {.url = url,
                                              .agent = session->agent,
                                              .authorities = &session->authorities,
                                              .headers = headers,
                                              .buffer_nbytes = 512 * 1024,
                                              .connect_ms = (long)session->connect_timeout_ms,
                                              .slow_bytes = 1,
                                              .slow_s =
                                                  (long)c2_max_i64(1, session->answer_timeout_ms / 1000),
                                              .reason = reason,
                                              .header = on_header,
                                              .body = on_body,
                                              .progress = session->go_on ? on_wait : NULL,
                                              .ctx = t};

    curl_easy_reset(session->curl);
    c2_handle_set(session->curl, &options);
    if (t->session->no_link_local)
        curl_easy_setopt(session->curl, CURLOPT_OPENSOCKETFUNCTION, c2_open_socket_elsewhere);
    if (t->session->sign && t->session->sign->id[0]) sign(session->curl, t->session->sign);
    if (t->http->method && strcmp(t->http->method, "HEAD") == 0)
        curl_easy_setopt(session->curl, CURLOPT_NOBODY, 1L);
    if (t->http->method && strcmp(t->http->method, "POST") == 0) {
        curl_easy_setopt(session->curl, CURLOPT_POST, 1L);
        curl_easy_setopt(session->curl, CURLOPT_POSTFIELDSIZE, 0L);
    }
}

static bool run_once(struct c2_session *session, struct c2_exchange *http, struct cat2_error *err)
{
    struct transfer t = {session, http};
    char reason[CURL_ERROR_SIZE] = "";
    C2_AUTO(c2_buf) url = C2_BUF_INIT(16384);

    http->status = 0;
    http->content_length = -1;
    http->reply_headers.max = 65536;
    if (!c2_buf_puts(&url, session->base, err) || !c2_buf_puts(&url, http->target, err)) return false;
    bool signs = session->sign && session->sign->id[0];
    struct curl_slist *headers = signs ? c2_handle_s3_headers(session->sign->token, http->headers)
                                       : c2_handle_headers(session->key, false, http->headers);
    if (!headers) return c2_fail_nomem(err, "request headers");
    set_options(session, &t, c2_buf_cstr(&url), headers, reason);
    CURLcode code = curl_easy_perform(session->curl);
    curl_easy_setopt(session->curl, CURLOPT_ERRORBUFFER, NULL);
    curl_slist_free_all(headers);
    http->status = status_of(&t);
    note_address(session);
    if (code != CURLE_OK && http->err.code != CAT2_OK) {
        *err = http->err;
        return false;
    }
    if (code != CURLE_OK) return c2_handle_fail(code, c2_url_no_scheme(session->base), reason, err);
    return http->status / 100 == 2 || fail_status(session, http, err);
}

/* How long the subscriber wants us to wait before we ask again; -1: it does not say. */
static int64_t retry_ms(const struct c2_exchange *http)
{
    struct c2_str text;
    int64_t seconds;

    if (http->status != 503 || !c2_exchange_header(http, "Retry-After", &text) ||
        !c2_str_to_i64(text, &seconds))
        return -1;
    return 1000 * c2_max_i64(1, c2_min_i64(seconds, RETRY_AFTER_MAX));
}

/* Wait, in steps short enough for whoever wants to give up. */
static bool wait_ms(const struct c2_session *session, int64_t ms, struct cat2_error *err)
{
    int64_t end = c2_now_ms() + ms, left;

    while ((left = end - c2_now_ms()) > 0) {
        poll(NULL, 0, (int)c2_min_i64(left, 200));
        if (!go_on(session, err)) return false;
    }
    return true;
}

bool c2_exchange_run(struct c2_session *session, struct c2_exchange *http, struct cat2_error *err)
{
    int64_t start = c2_now_ms(), wait;

    for (;;) {
        if (run_once(session, http, err)) return true;
        wait = retry_ms(http);
        if (wait < 0 || c2_now_ms() + wait - start > session->answer_timeout_ms) return false;
        if (!wait_ms(session, wait, err)) return false;
        c2_buf_clear(&http->body);
        c2_buf_clear(&http->reply_headers);
        http->err = (struct cat2_error){0};
    }
}

bool c2_session_set_key(struct c2_session *session, struct c2_str key, struct cat2_error *err)
{
    key = c2_str_trim(key);
    if (!key.n) return c2_fail(err, CAT2_EINVAL, "the key is empty");
    if (key.n >= sizeof(session->key))
        return c2_fail(err, CAT2_EINVAL, "the key is longer than %d characters", C2_KEY_MAX - 1);
    if (!c2_str_is_visible(key))
        return c2_fail(err, CAT2_EINVAL, "the key holds a blank, or a character that is not ASCII");
    snprintf(session->key, sizeof(session->key), "%.*s", C2_STR_ARG(key));
    return true;
}

bool c2_session_read_key(struct c2_session *session, const char *file, struct cat2_error *err)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(65536);
    struct c2_str line, rest;

    if (!c2_fs_read_file("key file", file, text.max, &text, err)) return false;
    c2_str_cut(c2_buf_str(&text), '\n', &line, &rest);
    bool ok = c2_session_set_key(session, line, err) || c2_fail_within(err, "key file %.150s", file);
    explicit_bzero(text.p, text.n);
    return ok;
}

bool c2_session_init(struct c2_session *session, struct cat2_error *err)
{
    session->curl = curl_easy_init();
    return session->curl || c2_fail_nomem(err, "HTTP client");
}

void c2_session_fini(struct c2_session *session)
{
    if (session->curl) curl_easy_cleanup(session->curl);
    session->curl = NULL;
    explicit_bzero(session->key, sizeof(session->key));
}
