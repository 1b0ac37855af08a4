/* SPDX-License-Identifier: BSD-3-Clause */
/* What a request's headers say of its sender: a key, a password, or a session's cookie. */
#include <sodium.h>
#include <stdio.h>

#include "access/access_impl.h"

void c2_session_cookie(const struct c2_access *access, char out[40])
{
    snprintf(out, 40, "cat2_session_%d", access->page_server ? c2_server_port(access->page_server) : 0);
}

static bool read_cookie(const struct c2_request *req, const char *name, struct c2_str *out)
{
    struct c2_str cookies, item, key, value;

    if (!c2_request_header(req, "Cookie", &cookies)) return false;
    while (cookies.n) {
        c2_str_cut(cookies, ';', &item, &cookies);
        if (!c2_str_cut(c2_str_trim(item), '=', &key, &value) || !c2_str_is(key, name)) continue;
        *out = value;
        return true;
    }
    return false;
}

static bool fail(char why[ACCESS_WHY_MAX], const char *text)
{
    snprintf(why, ACCESS_WHY_MAX, "%s", text);
    return false;
}

bool c2_credentials_key(struct c2_access *access, struct c2_access_pass *pass, struct c2_str key,
                        char why[ACCESS_WHY_MAX])
{
    uint8_t hash[C2_SECRET_HASH];
    struct c2_str id;
    const char *state;

    if (!c2_key_parse(key, &id)) return fail(why, "what was sent is not a key of Caterva2 (cat2_...)");
    if (c2_secret_same(key.p, access->own, key.n)) {
        c2_access_pass_give(pass, C2_BY_PROCESS, NULL);
        return true;
    }
    c2_secret_hash(key, hash);
    struct c2_holder *holder = c2_holders_find(&access->holders, C2_HOLDER_KEY, id);
    if (!holder || !c2_secret_same(holder->hash, hash, sizeof(hash)))
        return fail(why, "the key that was sent is not known here");
    if (c2_holder_holds(access, holder, &state)) {
        c2_access_pass_give(pass, C2_BY_KEY, holder);
        return true;
    }
    snprintf(why, ACCESS_WHY_MAX, "key %s %s: cat2admin key add makes another", holder->name, state);
    return false;
}

bool c2_credentials_basic(struct c2_request *req, struct c2_str *user, struct c2_str *password)
{
    struct c2_str header, scheme, text;
    size_t n = 0;

    if (!c2_request_header(req, "Authorization", &header) || !c2_str_cut(header, ' ', &scheme, &text) ||
        !c2_str_eq_nocase(scheme, C2_STR("Basic")))
        return false;
    text = c2_str_trim(text);
    char *plain = c2_arena_alloc(c2_request_arena(req), text.n + 1);
    if (!plain || sodium_base642bin((unsigned char *)plain, text.n, text.p, text.n, NULL, &n, NULL,
                                    sodium_base64_VARIANT_ORIGINAL) != 0)
        return false;
    return c2_str_cut((struct c2_str){plain, n}, ':', user, password);
}

/* A session lasts as long as who began it. */
static struct c2_browser_session *session_of(struct c2_access *access, const struct c2_request *req)
{
    struct c2_str token;
    char name[40];
    const char *why;

    c2_session_cookie(access, name);
    if (!access->page_server || c2_request_server(req) != access->page_server ||
        !read_cookie(req, name, &token))
        return NULL;
    struct c2_browser_session *session = c2_sessions_find(access->sessions, token);
    if (!session) return NULL;
    if (c2_holder_renew(access, &session->holder) && c2_holder_holds(access, session->holder, &why))
        return session;
    c2_sessions_end(access->sessions, session);
    return NULL;
}

static enum c2_found_by basic(struct c2_access *access, struct c2_request *req, struct c2_access_pass *pass,
                              char why[ACCESS_WHY_MAX])
{
    struct c2_str user, password, id;

    if (!c2_credentials_basic(req, &user, &password)) {
        fail(why, "the header Authorization is neither Bearer KEY nor Basic");
        return C2_CREDENTIALS_BAD;
    }
    bool is_key = c2_key_parse(password, &id);
    if (!is_key && !c2_key_parse(user, &id)) return C2_CREDENTIALS_LATER;
    return c2_credentials_key(access, pass, is_key ? password : user, why) ? C2_CREDENTIALS_GOOD
                                                                           : C2_CREDENTIALS_BAD;
}

enum c2_found_by c2_credentials_read(struct c2_access *access, struct c2_request *req,
                                     struct c2_access_pass *pass, char why[ACCESS_WHY_MAX])
{
    struct c2_str header, scheme, key;

    if (c2_request_header(req, "Authorization", &header)) {
        if (!c2_str_cut(header, ' ', &scheme, &key) || !c2_str_eq_nocase(scheme, C2_STR("Bearer")))
            return basic(access, req, pass, why);
        return c2_credentials_key(access, pass, c2_str_trim(key), why) ? C2_CREDENTIALS_GOOD
                                                                       : C2_CREDENTIALS_BAD;
    }
    const struct c2_browser_session *session = session_of(access, req);
    if (!session) return C2_CREDENTIALS_NONE;
    c2_access_pass_give(pass, C2_BY_SESSION, session->holder);
    memcpy(pass->csrf, session->csrf, sizeof(pass->csrf));
    return C2_CREDENTIALS_GOOD;
}

struct c2_browser_session *c2_access_session(struct c2_access *access, const struct c2_request *req)
{
    c2_access_look(access);
    return session_of(access, req);
}
