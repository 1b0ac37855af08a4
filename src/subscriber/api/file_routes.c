/* SPDX-License-Identifier: BSD-3-Clause */
/* /files, /api/download and /api/fetch: under which name a dataset is what. */
#include "net/digest.h"
#include "subscriber/answer/lookup.h"
#include "subscriber/api/api.h"
#include "subscriber/api/file_bytes.h"

/* The Python client of release 0.2.0 asks here for the URL of the file; it is the only one that comes by
 * httpx to this route. */
static void download(struct c2_request *req, struct c2_ds *ds)
{
    struct c2_str agent, range;

    bool python = c2_request_header(req, "User-Agent", &agent) && c2_str_starts(agent, "python-httpx/");
    if (python && !c2_request_header(req, "Range", &range))
        c2_sub_reply_url(req, ds);
    else if (!c2_reply_if_settled(req, ds->quoted))
        c2_file_serve(req, ds, false, true);
}

/* The plain file; all of it is a view like others, which is made ahead of the client, and remembered if
 * small.
 */
static void itself(struct c2_request *req, struct c2_ds *ds, const struct c2_view_type *whole)
{
    struct c2_str range;

    if (!c2_request_header(req, "Range", &range) && !c2_digest_wanted(req))
        c2_view_answer(req, ds, whole);
    else if (!c2_view_generation(req, ds))
        c2_file_serve(req, ds, true, false);
}

/* It has two names here: its own, and PATH.b2 of its frame. */
static void file(struct c2_request *req, struct c2_ds *ds)
{
    bool own = c2_request_param(req, "path").n == strlen(ds->root) + 1 + strlen(ds->path);

    if (own && ds->meta.kind == C2_KIND_FILE)
        itself(req, ds, &c2_file_view);
    else if (!c2_view_generation(req, ds))
        c2_file_serve(req, ds, false, false);
}

static void fetch(struct c2_request *req, struct c2_ds *ds)
{
    if (ds->meta.kind == C2_KIND_FILE && c2_str_is(c2_view_query(req, "format"), "raw") &&
        c2_view_slice_text(req).n == 0)
        itself(req, ds, &c2_fetch_view);
    else
        c2_view_answer(req, ds, &c2_fetch_view);
}

void c2_handle_download(struct c2_request *req, void *state)
{
    c2_sub_with_dataset(req, state, false, download);
}
void c2_handle_files(struct c2_request *req, void *state)
{
    c2_sub_with_dataset(req, state, true, file);
}
void c2_handle_fetch(struct c2_request *req, void *state)
{
    c2_sub_with_dataset(req, state, false, fetch);
}
