/* SPDX-License-Identifier: BSD-3-Clause */
/* The publisher's routes; list and info are here. */
#include <stdlib.h>

#include "publisher/publisher_impl.h"

/* ---- shared ---- */

/* ---- list ---- */

struct list_job {
    struct c2_request *req;
    struct c2_publisher *pub;
};

static void list_ready(void *ctx, const struct cat2_error *failed)
{
    struct list_job *job = ctx;
    struct c2_request *req = job->req;
    struct c2_buf out = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    const struct c2_publisher *pub = job->pub;
    struct cat2_error err;
    struct c2_jw w;

    free(job);
    if (failed) {
        c2_reply_error(req, failed);
        return;
    }
    struct c2_catalog *cat = pub->catalog;
    c2_jw_init(&w, &out, C2_JSON_COMPACT, &err);
    c2_jw_begin_array(&w);
    for (size_t i = 0; i < c2_catalog_count(cat); i++) {
        struct c2_entry *entry = c2_catalog_at(cat, i);
        if (!entry->listed || entry->gen.hidden) continue;
        c2_entry_tell(entry);
        c2_jw_cstr(&w, entry->path);
    }
    c2_jw_end_array(&w);
    c2_reply_built(req, c2_jw_finish(&w), &out, &err);
}

static void handle_list(struct c2_request *req, void *state)
{
    struct c2_publisher *pub = state;
    struct cat2_error err;
    bool full;

    if (pub->stopped) {
        c2_reply_detail(req, 503, "shutting down");
        return;
    }
    if (!c2_request_query_bool(req, "full", false, &full, &err)) {
        c2_reply_error(req, &err);
        return;
    }
    if (full) {
        c2_publisher_list_full(req, state);
        return;
    }
    struct list_job *job = malloc(sizeof(*job));
    if (!job) {
        c2_reply_detail(req, 503, "out of memory");
        return;
    }
    *job = (struct list_job){req, pub};
    c2_catalog_list(pub->catalog, list_ready, job);
}

/* ---- info ---- */

static void info_ready(void *ctx, struct c2_entry *entry, const struct cat2_error *failed)
{
    struct c2_request *req = ctx;
    struct c2_buf out = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    struct cat2_error err;

    if (!entry) {
        c2_publisher_refuse(req, failed);
        return;
    }
    if (!c2_publisher_generation(req, &entry->gen) ||
        c2_reply_if_known(req, c2_publisher_etag(req, &entry->gen)))
        return;
    c2_reply_header(req, "etag", entry->gen.etag);
    c2_reply_built(req, c2_buf_append_str(&out, c2_shared_str(entry->json), &err), &out, &err);
}

/* ---- a line of the full list ---- */

struct line {
    struct c2_request *req;
    struct c2_publisher *pub;
    const char *path;
    bool looked; /* at the whole source, for this one */
};

static void line_ready(void *ctx, struct c2_entry *entry, const struct cat2_error *failed);

static void on_looked(void *ctx, const struct cat2_error *failed)
{
    struct line *line = ctx;

    line->looked = true;
    if (failed)
        c2_reply_error(line->req, failed);
    else
        c2_catalog_get(line->pub->catalog, line->path, C2_NEED_SKETCH, line_ready, line);
}

static void refuse_line(const struct line *line, const struct cat2_error *why)
{
    if (why && why->code != CAT2_ENOTFOUND)
        c2_reply_detail(line->req, 404, "%.190s: there is no such dataset: %s", line->path, why->message);
    else
        c2_reply_detail(line->req, 404, "%.190s: there is no such dataset", line->path);
}

/* Who asks keeps what it is told in its list, so only what is listed has a line: also what cannot be opened,
 * with the reason. What is found, but not listed, may be new. During the first look nobody knows yet what is.
 */
static void line_ready(void *ctx, struct c2_entry *entry, const struct cat2_error *failed)
{
    struct line *line = ctx;
    struct c2_catalog *cat = line->pub->catalog;
    struct c2_buf out = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    struct cat2_error err;

    if (!entry && failed->code != CAT2_EDATA && failed->code != CAT2_EUNSUPPORTED) {
        c2_reply_error(line->req, failed);
        return;
    }
    if (!entry) entry = c2_catalog_find(cat, line->path);
    bool is_new = entry && !entry->gone && !entry->listed && c2_catalog_is_complete(cat);
    if (is_new && !line->looked && c2_catalog_look_for(cat, on_looked, line)) return;
    if ((!entry || entry->gone) && !c2_catalog_is_complete(cat)) {
        c2_catalog_not_yet(cat, &err);
        c2_reply_error(line->req, &err);
    } else if (!entry || entry->gone || is_new) {
        refuse_line(line, failed);
    } else if (c2_publisher_line(entry, failed, &out) && c2_buf_putc(&out, '\n', &err)) {
        c2_reply_buf(line->req, 200, "application/x-ndjson", &out);
    } else {
        c2_buf_fini(&out);
        c2_reply_detail(line->req, 503, "out of memory");
    }
}

static void start_line(struct c2_request *req, struct c2_publisher *pub, const char *path)
{
    struct line *line = c2_arena_alloc(c2_request_arena(req), sizeof(*line));

    if (!line) {
        c2_reply_detail(req, 503, "out of memory");
        return;
    }
    *line = (struct line){.req = req, .pub = pub, .path = path};
    c2_catalog_get(pub->catalog, path, C2_NEED_SKETCH, line_ready, line);
}

static void handle_info(struct c2_request *req, void *state)
{
    struct c2_publisher *pub = state;
    struct cat2_error err;
    bool full;

    if (!c2_request_query_bool(req, "full", false, &full, &err)) {
        c2_reply_error(req, &err);
        return;
    }
    const char *path = c2_publisher_path(req);
    if (!path) return;
    if (pub->stopped)
        c2_reply_detail(req, 503, "shutting down");
    else if (full)
        start_line(req, pub, path);
    else
        c2_catalog_get(pub->catalog, path, C2_NEED_META, info_ready, req);
}

const struct c2_route c2_publisher_routes[] = {
    {C2_GET, "/api/list", handle_list, "full!", NULL},
    {C2_GET, "/api/info/{path*}", handle_info, "full!", NULL},
    {C2_GET, "/api/download/{path*}", c2_publisher_download, "nchunk? blocks? pieces", NULL},
    {C2_GET, "/api/attrs", c2_publisher_root_attrs, "", NULL},
    {C2_GET, "/api/attrs/{path*}", c2_publisher_attrs, "", NULL},
    {C2_GET, "/api/frame/{path*}", c2_publisher_frame, "", NULL},
    {C2_GET, "/api/direct/{path*}", c2_publisher_direct, "", NULL},
};
const size_t c2_publisher_nroutes = C2_ARRAY_LEN(c2_publisher_routes);
