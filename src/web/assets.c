/* SPDX-License-Identifier: BSD-3-Clause */
/* Serving the embedded files. */
#include "web/assets.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/fs.h"
#include "net/exposure.h"

#define POLICY_MAX      4096      /* bytes of a policy with its ancestors of frames */
#define FILE_NBYTES_MAX (4 << 20) /* of one file of a development directory */

/* Of our pages; behind it go the ancestors of frames. */
static const char policy[] = "default-src 'self'; script-src 'self'; img-src 'self' blob: data:; "
                             "connect-src 'self'; object-src 'none'; "
                             "base-uri 'none'; form-action 'self'; frame-ancestors ";

/* Of what was rendered from a file of a root. */
static const char content_policy[] = "sandbox; default-src 'none'; img-src 'self'; form-action 'none'; "
                                     "base-uri 'none'; frame-ancestors ";

/* H5Web makes functions of texts, and styles as it goes. */
static const char h5web_policy[] = "default-src 'self'; script-src 'self' 'unsafe-eval'; style-src 'self' "
                                   "'unsafe-inline'; img-src 'self' blob: data:; "
                                   "connect-src 'self' blob: data:; worker-src 'self' blob:; object-src "
                                   "'none'; base-uri 'none'; form-action 'self'; frame-ancestors ";

static void say_policy(struct c2_request *req, const char *of)
{
    char text[POLICY_MAX];

    snprintf(text, sizeof(text), "%s%s", of, c2_request_exposure(req)->ancestors);
    c2_reply_header(req, "Content-Security-Policy", text);
    c2_reply_header(req, "X-Content-Type-Options", "nosniff");
}

void c2_web_content_headers(struct c2_request *req)
{
    say_policy(req, content_policy);
    c2_reply_header(req, "Referrer-Policy", "same-origin");
}

void c2_web_headers(struct c2_request *req)
{
    say_policy(req, policy);
    c2_reply_header(req, "Referrer-Policy", "same-origin");
}

const char *c2_assets_prefix(const char *web_dir)
{
    static const char development[] = "/assets/dev";
    return web_dir ? development : c2_assets_hash;
}

static const char *type_of(struct c2_str name)
{
    static const struct {
        const char *suffix, *type;
    } types[] = {{".html", "text/html; charset=utf-8"}, {".js", "text/javascript; charset=utf-8"},
                 {".css", "text/css; charset=utf-8"},   {".svg", "image/svg+xml"},
                 {".json", "application/json"},         {".wasm", "application/wasm"},
                 {".txt", "text/plain; charset=utf-8"}};

    for (size_t i = 0; i < C2_ARRAY_LEN(types); i++)
        if (c2_str_ends(name, types[i].suffix)) return types[i].type;
    return "application/octet-stream";
}

/* A file of a folder; nothing outside of it. */
static bool read_file(const char *folder, struct c2_str name, struct c2_buf *out)
{
    struct cat2_error err;
    char rel[256];

    snprintf(rel, sizeof(rel), "%.*s", (int)c2_min_i64(255, (int64_t)name.n), name.p);
    C2_AUTO(c2_fd) dir = {c2_fs_open_dir(folder, false, &err)};
    if (dir.fd < 0 || !c2_path_check(name, &err)) return false;
    C2_AUTO(c2_fd) file = {c2_fs_open(dir.fd, rel, O_RDONLY, &err)};
    return file.fd >= 0 && c2_fs_read(file.fd, FILE_NBYTES_MAX, out, &err);
}

static void no_file(struct c2_request *req, const char *of, struct c2_str name)
{
    c2_reply_detail(req, 404, "there is no file '%.*s' of %s", (int)c2_min_i64(200, (int64_t)name.n), name.p,
                    of);
}

static void reply_developed(struct c2_request *req, const char *web_dir, struct c2_str name)
{
    struct c2_buf bytes = C2_BUF_INIT(FILE_NBYTES_MAX);

    if (!read_file(web_dir, name, &bytes)) {
        c2_buf_fini(&bytes);
        no_file(req, "the web client", name);
        return;
    }
    c2_reply_header(req, "Cache-Control", "no-cache");
    c2_reply_header(req, "X-Content-Type-Options", "nosniff");
    c2_reply_buf(req, 200, type_of(name), &bytes);
}

void c2_h5web_reply(struct c2_request *req, const char *h5web_dir)
{
    struct c2_buf bytes = C2_BUF_INIT(FILE_NBYTES_MAX);
    struct c2_str name = c2_request_param(req, "name");
    char twin[256];

    if (name.n == 0) name = C2_STR("index.html");
    snprintf(twin, sizeof(twin), "%.*s.gz", (int)c2_min_i64(250, (int64_t)name.n), name.p);
    bool gzip =
        h5web_dir && c2_request_takes_coding(req, "gzip") && read_file(h5web_dir, c2_str_of(twin), &bytes);
    if (!h5web_dir || (!gzip && !read_file(h5web_dir, name, &bytes))) {
        c2_buf_fini(&bytes);
        if (h5web_dir)
            no_file(req, "H5Web", name);
        else
            c2_reply_detail(req, 404, "H5Web is not installed here (make h5web, --h5web-dir)");
        return;
    }
    say_policy(req, h5web_policy);
    c2_reply_header(req, "Cache-Control", "max-age=3600");
    c2_reply_header(req, "Vary", "Accept-Encoding");
    if (gzip) c2_reply_header(req, "Content-Encoding", "gzip");
    c2_reply_buf(req, 200, type_of(name), &bytes);
}

static void reply_embedded(struct c2_request *req, const struct c2_asset *asset, bool current)
{
    bool gzip = asset->gzip_nbytes > 0 && c2_request_takes_coding(req, "gzip");
    char coded[100]; /* other bytes have another strong ETag: RFC 9110, 8.8.3 */

    /* An address of another build gets what there is now, but nobody may keep it under that name. */
    c2_reply_header(req, "Cache-Control", current ? "public, max-age=31536000, immutable" : "no-cache");
    c2_reply_header(req, "X-Content-Type-Options", "nosniff");
    if (asset->gzip_nbytes) c2_reply_header(req, "Vary", "Accept-Encoding");
    snprintf(coded, sizeof(coded), "%.*s-gzip\"", (int)strlen(asset->etag) - 1, asset->etag);
    const char *etag = gzip ? coded : asset->etag;
    if (c2_reply_if_settled(req, etag)) return;
    c2_reply_header(req, "ETag", etag);
    if (gzip) c2_reply_header(req, "Content-Encoding", "gzip");
    struct c2_bytes bytes = {gzip ? asset->gzip : asset->bytes, gzip ? asset->gzip_nbytes : asset->nbytes};
    c2_reply_static(req, 200, asset->type, bytes);
}

void c2_assets_reply(struct c2_request *req, const char *web_dir)
{
    struct c2_str hash = c2_request_param(req, "hash"), name = c2_request_param(req, "name");
    struct c2_str prefix = c2_str_of(c2_assets_hash);

    if (web_dir) {
        reply_developed(req, web_dir, name);
        return;
    }
    for (size_t i = 0; i < c2_nassets; i++)
        if (c2_str_is(name, c2_assets[i].name)) {
            bool current =
                prefix.n > hash.n && c2_str_eq(hash, (struct c2_str){prefix.p + prefix.n - hash.n, hash.n});
            reply_embedded(req, &c2_assets[i], current);
            return;
        }
    no_file(req, "the web client", name);
}
