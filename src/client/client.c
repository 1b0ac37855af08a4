/* SPDX-License-Identifier: BSD-3-Clause */
/* The client object and what it asks about roots. */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "client/internal.h"
#include "wire/json.h"
#include "wire/url.h"

/* HOST:PORT is as a service is told to listen, too, for settings are shared: "*" is this machine then. */
static bool base_url(const char *host, char *out, size_t size, struct cat2_error *err)
{
    struct c2_str text = c2_str_trim(c2_str_of(host));
    C2_AUTO(c2_buf) url = C2_BUF_INIT(size - 1);
    struct cat2_error why;
    char address[300];
    bool tls, bare = !c2_str_has(text, "://");

    text = c2_str_no_slashes(text);
    if (c2_service_address(text, address, sizeof(address), &tls, &why)) {
        if (c2_str_ends(c2_str_of(address), ":0"))
            return c2_fail(err, CAT2_EINVAL, "host '%.100s': needs a host and a port to connect to", host);
        snprintf(out, size, "http%s://%s", tls ? "s" : "", address);
        return true;
    }
    if (bare) {
        *err = why;
        return c2_fail_within(err, "host '%.100s'", host);
    }
    if (!c2_base_url(text, &url, err)) return c2_fail_within(err, "host");
    memcpy(out, url.p, url.n + 1);
    return true;
}

bool c2_options_take(const void *given, size_t size, void *ours, size_t known, struct cat2_error *err)
{
    if (size < sizeof(size)) return c2_fail(err, CAT2_EINVAL, "options have no size: begin with their _INIT");
    if (size > known)
        return c2_fail(err, CAT2_EINVAL, "options are those of a later libcaterva2 than " C2_VERSION);
    memcpy(ours, given, size);
    return true;
}

/* Whom to believe, and who we are. */
static bool set_access(cat2_client *client, struct cat2_error *err)
{
    struct cat2_client_options *options = &client->options;
    const char *given = getenv("CATERVA2_KEY");

    if (options->key && options->key_file)
        return c2_fail(err, CAT2_EINVAL, "both a key and a key file are given");
    if (!c2_authorities_init(&client->session.authorities, options->ca, options->insecure, err)) return false;
    bool ok = true;
    if (options->key_file)
        ok = c2_session_read_key(&client->session, options->key_file, err);
    else if (options->key)
        ok = !options->key[0] || c2_session_set_key(&client->session, c2_str_of(options->key), err);
    else if (given && *given)
        ok = c2_session_set_key(&client->session, c2_str_of(given), err) ||
             c2_fail_within(err, "CATERVA2_KEY");
    options->ca = options->key = options->key_file = NULL; /* the caller's */
    return ok;
}

static void client_free(cat2_client *client)
{
    c2_session_fini(&client->session);
    c2_codec_free(client->codec);
    free(client);
}

bool cat2_client_new(const char *host, const struct cat2_client_options *options, cat2_client **out,
                     struct cat2_error *err)
{
    struct cat2_error mine;
    cat2_client *client = calloc(1, sizeof(*client));

    err = c2_err_or(err, &mine);
    if (!client) return c2_fail_nomem(err, "client");
    client->refs = 1;
    client->options = (struct cat2_client_options)CAT2_CLIENT_OPTIONS_INIT;
    if (options && !c2_options_take(options, options->size, &client->options, sizeof(client->options), err)) {
        client_free(client);
        return false;
    }
    bool ok = host ? base_url(host, client->session.base, sizeof(client->session.base), err)
                   : c2_fail(err, CAT2_EINVAL, "no host given");
    ok = ok && set_access(client, err);
    if (ok) {
        c2_codec_setup();
        client->session.agent = "libcaterva2/" C2_VERSION;
        client->session.connect_timeout_ms = client->options.connect_timeout_ms;
        client->session.answer_timeout_ms = client->options.answer_timeout_ms;
        client->codec = c2_codec_new();
        ok = c2_session_init(&client->session, err) && (client->codec || c2_fail_nomem(err, "client"));
    }
    if (!ok) {
        client_free(client);
        return false;
    }
    *out = client;
    return true;
}

void cat2_client_free(cat2_client *client)
{
    if (client && --client->refs == 0) client_free(client);
}

void cat2_client_on_wait(cat2_client *client, bool (*go_on)(void *ctx), void *ctx)
{
    client->session.go_on = go_on;
    client->session.go_on_ctx = ctx;
}

size_t cat2_strings_count(const cat2_strings *strings)
{
    return strings ? strings->n : 0;
}
const char *cat2_strings_at(const cat2_strings *strings, size_t i)
{
    return i < cat2_strings_count(strings) ? strings->list[i] : NULL;
}
bool cat2_strings_flag(const cat2_strings *strings, size_t i)
{
    return i < cat2_strings_count(strings) && strings->flags[i];
}

void cat2_strings_free(cat2_strings *strings)
{
    if (!strings) return;
    for (size_t i = 0; strings->list && i < strings->n; i++)
        free(strings->list[i]);
    free(strings->list);
    free(strings->flags);
    free(strings);
}

static cat2_strings *strings_new(size_t n)
{
    cat2_strings *strings = calloc(1, sizeof(*strings));

    if (!strings) return NULL;
    strings->n = n;
    strings->list = calloc(n + 1, sizeof(*strings->list));
    strings->flags = calloc(n + 1, sizeof(*strings->flags));
    if (strings->list && strings->flags) return strings;
    cat2_strings_free(strings);
    return NULL;
}

/* A root's name, also when it is written as a folder's: "foo/". */
static struct c2_str without_slash(const char *path)
{
    return c2_str_no_slashes(c2_str_of(path));
}

bool c2_client_named(const char *name, struct cat2_error *err)
{
    if (!strstr(err->message, name)) c2_fail_within(err, "%.120s", name);
    return false;
}

bool c2_client_target(const char *prefix, const char *path, struct c2_buf *out, struct cat2_error *err)
{
    return c2_buf_puts(out, prefix, err) && c2_url_encode(c2_str_of(path), true, out, err);
}

/* GET or POST a target, parse the JSON answer. */
static bool ask(cat2_client *client, const char *method, const char *prefix, const char *path,
                const char *query, struct c2_json **out, struct cat2_error *err)
{
    C2_AUTO(c2_buf) target = C2_BUF_INIT(4 * C2_PATH_MAX);
    C2_AUTO(c2_exchange) http = {.method = method, .body = C2_BUF_INIT(C2_JSON_NBYTES_MAX)};

    if (!c2_buf_puts(&target, prefix, err) || !c2_url_encode(without_slash(path), true, &target, err) ||
        !c2_buf_puts(&target, query, err))
        return false;
    http.target = c2_buf_cstr(&target);
    if (!c2_exchange_run(&client->session, &http, err)) return c2_client_named(path, err);
    return c2_json_parse(c2_buf_str(&http.body), out, err) ||
           c2_fail_within(err, "answer to %.100s", http.target);
}

/* Keep the i-th string of an answer: an array's item, or an object's key with its "subscribed" mark. */
static bool keep(cat2_strings *strings, size_t i, struct c2_str key, struct c2_jval value,
                 struct cat2_error *err)
{
    struct c2_str text = key;
    bool subscribed = false;

    if (!key.p && !c2_jstr(value, &text))
        return c2_fail(err, CAT2_EDATA, "the answer's list holds something that is no text");
    c2_jbool(c2_jget(value, "subscribed"), &subscribed);
    strings->flags[i] = subscribed;
    strings->list[i] = c2_str_dup(text);
    return strings->list[i] || c2_fail_nomem(err, "list");
}

static bool ask_strings(cat2_client *client, const char *prefix, const char *path, const char *query,
                        enum c2_jkind kind, cat2_strings **out, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct c2_jval value;

    if (!ask(client, NULL, prefix, path, query, &json, err)) return false;
    struct c2_jval root = c2_json_root(json);
    if (c2_jval_kind(root) != kind)
        return c2_fail(err, CAT2_EDATA, "%s%.100s: the answer has another shape", prefix, path);
    cat2_strings *strings = strings_new(c2_jlen(root));
    if (!strings) return c2_fail_nomem(err, "list");
    struct c2_jiter it = c2_jiter_of(root);
    struct c2_str key = {0};
    bool ok = true;
    for (size_t i = 0; ok && i < strings->n && c2_jnext(&it, &key, &value); i++)
        ok = keep(strings, i, key, value, err);
    if (!ok) {
        cat2_strings_free(strings);
        return false;
    }
    *out = strings;
    return true;
}

bool cat2_client_roots(cat2_client *client, cat2_strings **roots, struct cat2_error *err)
{
    struct cat2_error mine;
    return ask_strings(client, "/api/roots", "", "", C2_JOBJECT, roots, c2_err_or(err, &mine));
}

bool cat2_client_list(cat2_client *client, const char *root, cat2_strings **paths, struct cat2_error *err)
{
    struct cat2_error mine, *why = c2_err_or(err, &mine);

    return ask_strings(client, "/api/list/", root, "?inside=1", C2_JARRAY, paths, why) ||
           (why->http_status == 400 && /* of before there was such a list */
            ask_strings(client, "/api/list/", root, "", C2_JARRAY, paths, why));
}

bool cat2_client_url(cat2_client *client, const char *path, cat2_strings **urls, struct cat2_error *err)
{
    struct cat2_error mine;
    return ask_strings(client, "/api/url/", path, "", C2_JARRAY, urls, c2_err_or(err, &mine));
}

/* POST /api/WORD/ROOT, which answers "Ok". */
static bool order(cat2_client *client, const char *word, const char *root, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct c2_str answer;
    char route[40];

    snprintf(route, sizeof(route), "/api/%s/", word);
    if (!ask(client, "POST", route, root, "", &json, err)) return false;
    return (c2_jstr(c2_json_root(json), &answer) && c2_str_is(answer, "Ok")) ||
           c2_fail(err, CAT2_EDATA, "%s %.100s: the answer is not \"Ok\"", word, root);
}

bool cat2_client_subscribe(cat2_client *client, const char *root, struct cat2_error *err)
{
    struct cat2_error mine;

    return order(client, "subscribe", root, c2_err_or(err, &mine));
}

bool cat2_client_unsubscribe(cat2_client *client, const char *root, struct cat2_error *err)
{
    struct cat2_error mine;

    return order(client, "unsubscribe", root, c2_err_or(err, &mine));
}

bool cat2_client_get_json(cat2_client *client, const char *target, char **json, struct cat2_error *err)
{
    struct cat2_error mine;
    C2_AUTO(c2_exchange) http = {.target = target, .body = C2_BUF_INIT(C2_JSON_NBYTES_MAX)};

    err = c2_err_or(err, &mine);
    if (!c2_exchange_run(&client->session, &http, err)) return false;
    char *text = c2_str_dup(c2_buf_str(&http.body));
    if (!text) return c2_fail_nomem(err, "answer");
    *json = text;
    return true;
}
