/* SPDX-License-Identifier: BSD-3-Clause */
/* Signing in with a browser: a form that needs no script, and a cookie. */
#include <stdio.h>

#include "access/access_impl.h"
#include "wire/json.h"
#include "wire/url.h"

#define FORM_BODY   (32 << 10) /* bytes of a form: a field, escaped */
#define FORM_NBYTES (8 << 10)  /* of one field: an address to go back to is the longest */

/* A field of the body, decoded, in the request's arena; "" none. */
static struct c2_str field(struct c2_request *req, const char *name)
{
    struct c2_bytes body = c2_request_body(req);
    struct c2_str rest = {(const char *)body.p, body.n}, key, value, none = {"", 0};
    struct cat2_error err;

    while (c2_query_next(&rest, &key, &value)) {
        C2_AUTO(c2_buf) text = C2_BUF_INIT(FORM_NBYTES);
        if (!c2_str_is(key, name)) continue;
        if (!c2_url_decode(value, true, &text, &err)) return none;
        const char *copy = c2_arena_strdup(c2_request_arena(req), c2_buf_str(&text));
        return copy ? (struct c2_str){copy, text.n} : none;
    }
    return none;
}

/* Pages are served by https where the page's origin says so, whether by us or by a proxy. */
static bool is_secure(struct c2_request *req)
{
    struct c2_str origin;

    return c2_request_is_https(req) ||
           (c2_request_header(req, "Origin", &origin) && c2_str_starts(origin, "https://"));
}

static void set_cookie(struct c2_access *access, struct c2_request *req, const char *token)
{
    char name[40], text[200];

    c2_session_cookie(access, name);
    snprintf(text, sizeof(text), "%s=%s; Path=/; HttpOnly; SameSite=Lax%s%s", name, token,
             *token ? "" : "; Max-Age=0", is_secure(req) ? "; Secure" : "");
    c2_reply_header(req, "Set-Cookie", text);
    c2_reply_header(req, "Cache-Control", "no-store");
}

/* To a page of ours, told relative to /login, so that it is right behind a proxy, too; 303: by GET. */
static void go_on(struct c2_request *req)
{
    struct c2_str next = field(req, "next");
    char location[FORM_NBYTES + 2] = "./";
    bool ours = next.n > 0 && next.n < FORM_NBYTES && next.p[0] == '/';

    for (size_t i = 0; ours && i < next.n; i++)
        ours = (unsigned char)next.p[i] > 0x20 && next.p[i] != '\\' && next.p[i] != 0x7f;
    while (ours && next.n && next.p[0] == '/') {
        next.p++;
        next.n--;
    }
    if (ours) snprintf(location, sizeof(location), "./%.*s", C2_STR_ARG(next));
    c2_reply_header(req, "Location", location);
    c2_reply_empty(req, 303);
}

struct c2_str c2_access_next(struct c2_request *req)
{
    struct c2_str next = {"", 0};

    if (!c2_str_is(c2_request_path(req), "/login")) return c2_request_target(req);
    if (c2_request_method(req) == C2_POST) return field(req, "next");
    c2_request_query(req, "next", &next);
    return next;
}

/* ---- in ---- */

static void begin(struct c2_access *access, struct c2_request *req, struct c2_holder *holder)
{
    char token[C2_KEY_SECRET + 1], who[320];

    if (!c2_sessions_begin(access->sessions, holder, token)) {
        c2_reply_detail(req, 503, "out of memory");
        return;
    }
    c2_holder_words(holder, who);
    c2_audit(req, "login", 303, who);
    set_cookie(access, req, token);
    go_on(req);
}

static void fail(struct c2_access *access, struct c2_request *req, const char *why)
{
    access->nrefused++;
    c2_audit(req, "login-failed", 401, why);
    c2_reply_header(req, "WWW-Authenticate", "Bearer realm=\"caterva2\"");
    access->page(access->page_ctx, req, 401, why);
}

static void on_password(struct c2_access *access, struct c2_request *req, struct c2_holder *holder)
{
    if (holder)
        begin(access, req, holder);
    else
        fail(access, req, "The name or the password is wrong.");
}

static void handle_login(struct c2_request *req, void *state)
{
    struct c2_access *access = state;
    struct c2_str user = field(req, "user"), password = field(req, "password"), id;
    struct c2_access_pass pass = {.access = access};
    char why[ACCESS_WHY_MAX];

    c2_access_look(access);
    if (!c2_key_parse(password, &id)) {
        c2_access_try(access, req, user, password, on_password);
    } else if (!c2_credentials_key(access, &pass, password, why)) {
        fail(access, req, why);
    } else if (!pass.holder) {
        fail(access, req, "This key is of the service itself.");
    } else {
        begin(access, req, pass.holder);
        c2_holder_unref(pass.holder);
    }
}

static void handle_form(struct c2_request *req, void *state)
{
    struct c2_access *access = state;

    c2_reply_header(req, "Cache-Control", "no-store");
    access->page(access->page_ctx, req, 200, "");
}

/* ---- out ---- */

static void handle_logout(struct c2_request *req, void *state)
{
    struct c2_access *access = state;
    struct c2_browser_session *session = c2_access_session(access, req);
    struct c2_str csrf = field(req, "csrf");
    char who[320];

    if (session && (csrf.n != C2_KEY_SECRET || !c2_secret_same(csrf.p, session->csrf, C2_KEY_SECRET))) {
        c2_access_refuse(access, req, 403, "signing out needs the token of the page (field csrf)");
        return;
    }
    if (session) {
        c2_holder_words(session->holder, who);
        c2_audit(req, "logout", 303, who);
        c2_sessions_end(access->sessions, session);
    }
    set_cookie(access, req, "");
    go_on(req);
}

/* ---- who ---- */

struct c2_access_user c2_access_user(struct c2_access *access, const struct c2_request *req)
{
    const struct c2_browser_session *session = c2_access_session(access, req);

    if (session) return (struct c2_access_user){.user = session->holder->name, .csrf = session->csrf};
    return (struct c2_access_user){.can_sign_in = access->holders.n > 0};
}

static void handle_session(struct c2_request *req, void *state)
{
    struct c2_access *access = state;
    const struct c2_browser_session *session = c2_access_session(access, req);
    struct c2_buf out = C2_BUF_INIT(4096);
    struct cat2_error err;
    struct c2_jw w;
    char scopes[64];

    c2_jw_init(&w, &out, C2_JSON_COMPACT, &err);
    c2_jw_begin_object(&w);
    c2_jw_put_cstr(&w, "access", access->gate.closed ? "keys" : "open");
    c2_jw_key(&w, "user");
    if (session) {
        c2_scopes_format(session->holder->scopes, scopes);
        c2_jw_cstr(&w, session->holder->name);
        c2_jw_put_cstr(&w, "scopes", scopes);
        c2_jw_put_cstr(&w, "csrf", session->csrf);
    } else {
        c2_jw_null(&w);
    }
    c2_jw_end_object(&w);
    c2_reply_header(req, "Cache-Control", "no-store");
    c2_reply_built(req, c2_jw_finish(&w), &out, &err);
}

void c2_access_add_login(struct c2_access *access, struct c2_server *server, c2_access_page_fn *page,
                         void *ctx)
{
    static const struct c2_route routes[] = {
        {C2_GET, "/login", handle_form, "next?", .scope = C2_SCOPE_NONE},
        {C2_POST, "/login", handle_login, "", .scope = C2_SCOPE_NONE, .body_max = FORM_BODY, .form = true},
        {C2_POST, "/logout", handle_logout, "", .scope = C2_SCOPE_NONE, .body_max = FORM_BODY, .form = true},
        {C2_GET, "/api/session", handle_session, "", .scope = C2_SCOPE_NONE},
    };

    access->page = page;
    access->page_ctx = ctx;
    access->page_server = server;
    c2_server_routes(server, routes, C2_ARRAY_LEN(routes), access);
}
