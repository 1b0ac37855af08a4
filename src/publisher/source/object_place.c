/* SPDX-License-Identifier: BSD-3-Clause */
/* Addresses of stores. */
#include <stdio.h>

#include "http/link_local.h"
#include "publisher/source/object_store.h"
#include "wire/url.h"

bool c2_is_object_store(const char *root)
{
    struct c2_str text = c2_str_of(root);

    return c2_str_starts(text, "s3://") || c2_str_starts(text, "http://") || c2_str_starts(text, "https://");
}

/* HOST[:PORT] of an address, and whether it is one that only this link reaches. */
static bool check_host(struct c2_str host, struct c2_object_store_place *out, struct cat2_error *err)
{
    struct c2_str name, port;
    char text[256];
    int64_t number = 1;
    bool v6;

    if (memchr(host.p, '@', host.n))
        return c2_fail(err, CAT2_EINVAL, "a name or password in the address is not used");
    if (!c2_cut_port(host, &name, &port, &v6) || name.n == 0 || name.n >= sizeof(text) ||
        (!v6 && !c2_str_is_made_of(name, ".-_")) ||
        (port.n && (!c2_str_to_i64(port, &number) || number < 1 || number > 65535)))
        return c2_fail(err, CAT2_EINVAL, "'%.*s' is no HOST[:PORT]", (int)c2_min_i64(100, (int64_t)host.n),
                       host.p);
    snprintf(text, sizeof(text), "%.*s", C2_STR_ARG(name));
    out->link_local = c2_is_link_local_text(text);
    return true;
}

/* "https://HOST[:PORT]" and the rest, which begins with a slash or is empty. */
static bool cut_base(struct c2_str url, struct c2_object_store_place *out, struct c2_str *path,
                     struct cat2_error *err)
{
    size_t scheme = c2_str_starts(url, "https://") ? 8 : c2_str_starts(url, "http://") ? 7 : 0;

    if (!scheme) return c2_fail(err, CAT2_EINVAL, "it begins with neither http:// nor https://");
    if (!c2_str_is_visible(url))
        return c2_fail(err, CAT2_EINVAL, "it holds a blank, or a character that is not ASCII");
    if (memchr(url.p, '?', url.n) || memchr(url.p, '#', url.n))
        return c2_fail(err, CAT2_EINVAL, "parameters and fragments are not used");
    const char *slash = memchr(url.p + scheme, '/', url.n - scheme);
    size_t n = slash ? (size_t)(slash - url.p) : url.n;
    *path = (struct c2_str){url.p + n, url.n - n};
    if (!check_host((struct c2_str){url.p + scheme, n - scheme}, out, err)) return false;
    if (n >= sizeof(out->base) || path->n + 2 >= sizeof(out->target))
        return c2_fail(err, CAT2_EINVAL, "it is too long");
    snprintf(out->base, sizeof(out->base), "%.*s", (int)n, url.p);
    return true;
}

static bool site_of(const char *url, struct c2_object_store_place *out, struct cat2_error *err)
{
    struct c2_str path;

    if (!cut_base(c2_str_of(url), out, &path, err)) return false;
    snprintf(out->target, sizeof(out->target), "%.*s%s", C2_STR_ARG(path), c2_str_ends(path, "/") ? "" : "/");
    if (strstr(out->target, "/../") || strstr(out->target, "/./"))
        return c2_fail(err, CAT2_EINVAL, "'.' and '..' in its path are not used");
    snprintf(out->name, sizeof(out->name), "%s%s", out->base, out->target);
    return true;
}

/* ---- S3 ---- */

static bool is_bucket(struct c2_str name)
{
    return name.n >= 3 && name.n <= 63 && c2_str_is_made_of(name, ".-_") && c2_is_alnum(name.p[0]) &&
           !c2_str_has(name, "..");
}

/* https://s3.REGION.amazonaws.com, unless another one is given. */
static bool take_endpoint(const char *endpoint, const char *region, struct c2_object_store_place *out,
                          struct c2_str *path, struct cat2_error *err)
{
    C2_AUTO(c2_buf) amazon = C2_BUF_INIT(300);

    *path = C2_STR("");
    if (endpoint)
        return cut_base(c2_str_no_slashes(c2_str_of(endpoint)), out, path, err) ||
               c2_fail_within(err, "the endpoint %.150s", endpoint);
    if (!c2_str_is_made_of(c2_str_of(region), "-"))
        return c2_fail(err, CAT2_EINVAL, "'%.60s' is no region", region);
    return c2_buf_printf(&amazon, err, "https://s3.%s.amazonaws.com", region) &&
           cut_base(c2_buf_str(&amazon), out, path, err);
}

/* HOST to BUCKET.HOST. */
static bool name_host_by_bucket(struct c2_object_store_place *out, struct cat2_error *err)
{
    char host[sizeof(out->base)];

    snprintf(host, sizeof(host), "%s", out->base);
    const char *rest = strstr(host, "://") + 3;
    int n = snprintf(out->base, sizeof(out->base), "%.*s%s.%s", (int)(rest - host), host, out->bucket, rest);
    return n < (int)sizeof(out->base) || c2_fail(err, CAT2_EINVAL, "the endpoint is too long");
}

static bool by_path(const char *addressing, const char *endpoint, const char *bucket)
{
    if (strcmp(addressing, "auto") != 0) return strcmp(addressing, "path") == 0;
    return endpoint || strchr(bucket, '.'); /* certificates are for one name in front of Amazon's */
}

static bool bucket_of(const char *url, const char *endpoint, const char *region, const char *addressing,
                      struct c2_object_store_place *out, struct cat2_error *err)
{
    struct c2_str bucket, prefix, whole = c2_str_of(url + strlen("s3://")), path;

    c2_str_cut(whole, '/', &bucket, &prefix);
    prefix = c2_str_no_slashes(prefix);
    if (!is_bucket(bucket))
        return c2_fail(err, CAT2_EINVAL, "'%.*s' is no name of a bucket",
                       (int)c2_min_i64(80, (int64_t)bucket.n), bucket.p);
    if (prefix.n > C2_OBJECT_KEY_MAX || !c2_str_is_utf8(prefix))
        return c2_fail(err, CAT2_EINVAL, "its prefix is too long, or no UTF-8");
    snprintf(out->bucket, sizeof(out->bucket), "%.*s", C2_STR_ARG(bucket));
    snprintf(out->prefix, sizeof(out->prefix), "%.*s%s", C2_STR_ARG(prefix), prefix.n ? "/" : "");
    snprintf(out->name, sizeof(out->name), "s3://%s/%s", out->bucket, out->prefix);
    if (!take_endpoint(endpoint, region, out, &path, err)) return false;
    bool in_path = by_path(addressing, endpoint, out->bucket);
    snprintf(out->target, sizeof(out->target), "%.*s/%s%s", (int)c2_min_i64(900, (int64_t)path.n), path.p,
             in_path ? out->bucket : "", in_path ? "/" : "");
    return in_path || name_host_by_bucket(out, err);
}

bool c2_object_store_place_of(const char *url, const char *endpoint, const char *region,
                              const char *addressing, struct c2_object_store_place *out,
                              struct cat2_error *err)
{
    if (!addressing) addressing = "auto";
    *out = (struct c2_object_store_place){.s3 = c2_str_starts(c2_str_of(url), "s3://")};
    if (strcmp(addressing, "auto") != 0 && strcmp(addressing, "path") != 0 &&
        strcmp(addressing, "virtual") != 0)
        return c2_fail(err, CAT2_EINVAL, "'%.40s' is none of auto, path, virtual", addressing);
    bool ok = out->s3 ? bucket_of(url, endpoint, region, addressing, out, err) : site_of(url, out, err);
    return ok || c2_fail_within(err, "%.150s", url);
}

bool c2_object_store_target(const struct c2_object_store_place *place, const char *path, struct c2_buf *out,
                            struct cat2_error *err)
{
    return c2_buf_puts(out, place->target, err) && c2_url_encode(c2_str_of(place->prefix), true, out, err) &&
           c2_url_encode(c2_str_of(path), true, out, err);
}
