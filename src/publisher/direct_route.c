/* SPDX-License-Identifier: BSD-3-Clause */
/* GET /api/direct/PATH: where the store of objects has the frame, for those who read it there themselves. */
#include "publisher/download_chunks.h"
#include "publisher/publisher_impl.h"

/* A part of an object is told to those only who know of offsets: others would take the beginning of the
 * object for it. */
static bool tell(struct c2_item *item, bool knows_offsets, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_item_direct direct = {.url = C2_BUF_INIT(0)};
    struct c2_jw w;

    bool ok = c2_item_direct(item, &direct, err);
    if (ok && direct.is_part && !knows_offsets)
        ok = c2_fail(err, CAT2_ENOTFOUND,
                     "the dataset is a part of its object: who asks must know of offsets (" C2_PIECES_OFFSETS
                     ")");
    if (ok) {
        c2_jw_init(&w, out, C2_JSON_COMPACT, err);
        c2_jw_begin_object(&w);
        c2_jw_put_cstr(&w, "url", c2_buf_cstr(&direct.url));
        c2_jw_put_cstr(&w, "etag", direct.etag);
        c2_jw_put_int(&w, "nbytes", direct.nbytes);
        c2_jw_put_int(&w, "seconds", direct.seconds);
        if (direct.is_part) c2_jw_put_int(&w, "offset", direct.off);
        c2_jw_end_object(&w);
        ok = c2_jw_finish(&w);
    }
    c2_buf_fini(&direct.url);
    return ok;
}

static void ready(void *ctx, struct c2_entry *entry, const struct cat2_error *failed)
{
    struct c2_request *req = ctx;
    struct c2_buf out = C2_BUF_INIT(131072);
    struct cat2_error err;
    struct c2_item *item;
    struct c2_str said;

    if (!c2_download_open(req, entry, failed, &item)) return;
    c2_reply_header(req, "Cache-Control", "no-store");
    bool knows_offsets = c2_request_header(req, C2_PIECES_OFFSETS, &said);
    c2_reply_built(req, tell(item, knows_offsets, &out, &err), &out, &err);
    c2_item_unref(item);
}

void c2_publisher_direct(struct c2_request *req, void *state)
{
    struct c2_publisher *pub = state;

    if (!pub->direct) {
        c2_reply_detail(req, 404, "this publisher does not tell where its store has the data (direct)");
        return;
    }
    if (pub->stopped) {
        c2_reply_detail(req, 503, "shutting down");
        return;
    }
    const char *path = c2_publisher_path(req);
    if (path) c2_catalog_get(pub->catalog, path, C2_NEED_ITEM, ready, req);
}
