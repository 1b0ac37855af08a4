/* SPDX-License-Identifier: BSD-3-Clause */
/* Settings into paths, origins and policies, once for all servers of a process. */
#include "net/exposure.h"

#include <stdio.h>

#include "wire/url.h"

#define ORIGINS_NBYTES_MAX 65536      /* of all origins together */
#define BETWEEN            " \t\r\n," /* the values of a list */
#define SELF               "'self'"
/* What comes from roots must do nothing where it is shown as itself: no script, no requests, an origin of its
 * own. Style that is part of a picture may stay. */
#define CONTENT_POLICY "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors "

const struct c2_exposure c2_exposure_default = {.ancestors = SELF, .content_policy = CONTENT_POLICY SELF};

/* ---- paths ---- */

static bool set_path(struct c2_str text, char *out, size_t size, const char *option, struct cat2_error *err)
{
    C2_AUTO(c2_buf) path = C2_BUF_INIT(size - 1);

    if (!c2_base_path(text, &path, err)) return c2_fail_within(err, "%s", option);
    snprintf(out, size, "%s", c2_buf_cstr(&path));
    return true;
}

/* "/data" of "https://host/data". */
static struct c2_str path_of(const char *url)
{
    const char *host = strstr(url, "://"), *path = host ? strchr(host + 3, '/') : NULL;

    return c2_str_of(path ? path : "");
}

static bool set_paths(struct c2_exposure *exposure, const struct c2_exposure_settings *settings,
                      struct cat2_error *err)
{
    struct c2_str path = settings->public_url ? path_of(settings->public_url) : (struct c2_str){"", 0};
    struct cat2_error why;

    exposure->has_public_url = settings->public_url != NULL;
    if (settings->base_path && !set_path(c2_str_of(settings->base_path), exposure->base_path,
                                         sizeof(exposure->base_path), "--base-path", err))
        return false;
    /* One that is no path for us has to be taken off by the proxy: it is told as it is. */
    bool plain = set_path(path, exposure->public_path, sizeof(exposure->public_path), "--public-url", &why);
    if (!plain) snprintf(exposure->public_path, sizeof(exposure->public_path), "%.*s", C2_STR_ARG(path));
    if (!settings->public_url)
        memcpy(exposure->public_path, exposure->base_path, sizeof(exposure->public_path));
    if (!settings->base_path && plain)
        memcpy(exposure->base_path, exposure->public_path, sizeof(exposure->base_path));
    return true;
}

size_t c2_exposure_outer(const struct c2_exposure *exposure, const char *target)
{
    size_t n = strlen(exposure->base_path);

    if (n == 0 || strncmp(target, exposure->base_path, n) != 0) return 0;
    return target[n] == '/' || target[n] == '?' || target[n] == '\0' ? n : 0;
}

/* ---- origins ---- */

/* "https://host", as browsers write it: small letters, without the usual port. */
static bool put_origin(struct c2_str text, struct c2_buf *out, struct cat2_error *err)
{
    C2_AUTO(c2_buf) url = C2_BUF_INIT(1024);
    struct cat2_error why;
    bool https = c2_str_starts(text, "https://");

    if ((!https && !c2_str_starts(text, "http://")) || !c2_base_url(text, &url, &why) ||
        strchr(c2_buf_cstr(&url) + (https ? 8 : 7), '/'))
        return c2_fail(err, CAT2_EINVAL, "'%.*s' is neither http[s]://HOST[:PORT] nor * nor none",
                       (int)c2_min_i64(100, (int64_t)text.n), text.p);
    struct c2_str origin = c2_buf_str(&url);
    const char *usual = https ? ":443" : ":80";
    if (c2_str_ends(origin, usual)) origin.n -= strlen(usual);
    for (size_t i = 0; i < origin.n; i++)
        if (!c2_buf_putc(out, c2_lower(origin.p[i]), err)) return false;
    return c2_buf_putc(out, '\n', err);
}

static bool set_origins(struct c2_exposure *exposure, const char *list, struct cat2_error *err)
{
    bool all = false;

    for (const char *p = list + strspn(list, BETWEEN); *p; p += strspn(p, BETWEEN)) {
        struct c2_str text = {p, strcspn(p, BETWEEN)};
        p += text.n;
        if (c2_str_is(text, "*"))
            all = true;
        else if (!c2_str_is(text, "none") && !put_origin(text, &exposure->origins, err))
            return c2_fail_within(err, "--cors-origins");
    }
    exposure->cors_named = !all;
    return true;
}

bool c2_exposure_allows(const struct c2_exposure *exposure, struct c2_str origin)
{
    struct c2_str rest = c2_buf_str(&exposure->origins), line;

    if (!exposure->cors_named) return true;
    while (c2_str_cut(rest, '\n', &line, &rest))
        if (c2_str_eq(line, origin)) return true;
    return false;
}

/* ---- frames ---- */

/* A source of a policy: a scheme, a host with or without one, a port; '*' for parts of the host and ports. */
static bool is_source(struct c2_str text)
{
    return text.n > 0 && c2_str_is_made_of(text, "-._:/*[]");
}

static bool set_ancestors(struct c2_exposure *exposure, const char *list, struct cat2_error *err)
{
    C2_AUTO(c2_buf) sources = C2_BUF_INIT(sizeof(exposure->ancestors) - 1);
    bool none = false;

    for (const char *p = list + strspn(list, BETWEEN); *p; p += strspn(p, BETWEEN)) {
        struct c2_str text = {p, strcspn(p, BETWEEN)};
        p += text.n;
        if (c2_str_is(text, "self") || c2_str_is(text, SELF))
            text = C2_STR(SELF);
        else if (c2_str_is(text, "none") || c2_str_is(text, "'none'")) {
            none = true;
            continue;
        } else if (!is_source(text))
            return c2_fail(err, CAT2_EINVAL,
                           "--frame-ancestors: '%.*s' is neither self, none, * nor [http[s]://]HOST[:PORT]",
                           (int)c2_min_i64(100, (int64_t)text.n), text.p);
        if ((sources.n && !c2_buf_putc(&sources, ' ', err)) || !c2_buf_append_str(&sources, text, err))
            return c2_fail_within(err, "--frame-ancestors");
    }
    if (none && sources.n)
        return c2_fail(err, CAT2_EINVAL, "--frame-ancestors: none does not go with others");
    snprintf(exposure->ancestors, sizeof(exposure->ancestors), "%s",
             sources.n ? c2_buf_cstr(&sources) : "'none'");
    return true;
}

/* ---- the whole ---- */

bool c2_exposure_init(struct c2_exposure *exposure, const struct c2_exposure_settings *settings,
                      struct cat2_error *err)
{
    struct c2_exposure made = c2_exposure_default;

    c2_buf_init(&made.origins, ORIGINS_NBYTES_MAX);
    bool ok = set_paths(&made, settings, err) &&
              c2_subnets_parse(settings->trusted_proxies ? settings->trusted_proxies : "",
                               "--trusted-proxies", &made.proxies, err) &&
              (!settings->cors_origins || set_origins(&made, settings->cors_origins, err)) &&
              (!settings->frame_ancestors || set_ancestors(&made, settings->frame_ancestors, err));
    if (!ok) {
        c2_exposure_fini(&made);
        return false;
    }
    snprintf(made.content_policy, sizeof(made.content_policy), CONTENT_POLICY "%s", made.ancestors);
    *exposure = made;
    return true;
}

void c2_exposure_fini(struct c2_exposure *exposure)
{
    c2_subnets_fini(&exposure->proxies);
    c2_buf_fini(&exposure->origins);
}
