/* SPDX-License-Identifier: BSD-3-Clause */
/* /files, /api/download and /api/fetch: under which name a dataset is what. */
#include <stdio.h>

#include "net/digest.h"
#include "subscriber/answer/lookup.h"
#include "subscriber/answer/refuse.h"
#include "subscriber/api/api.h"
#include "subscriber/api/fetch_kinds.h"
#include "subscriber/api/file_bytes.h"
#include "subscriber/api/lazy.h"
#include "subscriber/api/old_client.h"
#include "wire/json.h"

/* The frame that a plain file is stored as, as a coding of the file: other bytes, and so another ETag. */
static void coded(struct c2_request *req, struct c2_ds *ds)
{
    char etag[1100];

    snprintf(etag, sizeof(etag), "\"%.1000s;blosc2\"", ds->etag);
    struct c2_file_as as = {
        .attachment = true, .coded = true, .etag = c2_arena_strdup(c2_request_arena(req), c2_str_of(etag))};
    if (!as.etag)
        c2_reply_detail(req, 503, "out of memory");
    else if (!c2_reply_if_settled(req, as.etag))
        c2_file_serve(req, ds, &as);
}

/* An array or a frame as its file. A plain file as itself; where the client takes that coding, as its frame.
 * Clients of 2024 want the address of the file. */
static void download(struct c2_request *req, struct c2_ds *ds)
{
    bool plain = ds->meta->kind == C2_KIND_FILE, takes = plain && c2_request_takes_coding(req, "blosc2");
    struct c2_str range;

    if (plain) c2_reply_header(req, "Vary", "Accept-Encoding");
    if (!takes && c2_old_client_is(ds->sub, req) && !c2_request_header(req, "Range", &range))
        c2_sub_reply_url(req, ds);
    else if (takes)
        coded(req, ds);
    else if (!c2_reply_if_settled(req, ds->quoted))
        c2_file_serve(req, ds, &(struct c2_file_as){.itself = plain, .attachment = true});
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
        c2_file_serve(req, ds, &(struct c2_file_as){.itself = true});
}

static void frame(struct c2_request *req, struct c2_ds *ds)
{
    if (!c2_view_generation(req, ds)) c2_file_serve(req, ds, &(struct c2_file_as){0});
}

/* It has two names here: its own, and PATH.b2 of its frame. */
static void file(struct c2_request *req, struct c2_ds *ds)
{
    bool own = c2_request_param(req, "path").n == strlen(ds->root) + 1 + strlen(ds->path);

    if (own && ds->meta->kind == C2_KIND_FILE)
        itself(req, ds, &c2_file_view);
    else
        frame(req, ds);
}

/* Does the request want what is stored, all of it? Then the answer is a file, with ranges. */
static bool wants_stored(const struct c2_request *req)
{
    static const char *const MADE[] = {"slice_",        "at",   "indices", "field", "filter", "format",
                                       "prefer_schunk", "rows", "sort",    "where", "fields"};
    struct c2_str value;

    for (size_t i = 0; i < C2_ARRAY_LEN(MADE); i++)
        if (c2_request_query(req, MADE[i], &value) && value.n) return false;
    return true;
}

/* What is made for a request has no bytes that a range could be of. */
static void made(struct c2_request *req, struct c2_ds *ds, const struct c2_view_type *type)
{
    struct c2_str range;

    if (!c2_request_is_head(req) && c2_request_header(req, "Range", &range)) {
        c2_reply_header(req, "Accept-Ranges", "none");
        c2_reply_detail(
            req, 416,
            "%.100s/%.200s: the answer is made for this request: ranges are of the whole, without "
            "slice_, indices, field, filter and format",
            ds->root, ds->path);
        return;
    }
    c2_view_answer(req, ds, type);
}

/* A Blosc2 store is stored as itself: a file of frames. */
static bool is_store(const struct c2_ds *ds)
{
    return ds->meta->kind == C2_KIND_FILE && c2_str_ends(c2_str_of(ds->path), ".b2z");
}

/* A saved expression is evaluated. */
static void fetch(struct c2_request *req, struct c2_ds *ds)
{
    if (ds->error) {
        if (c2_is_lazy(ds))
            made(req, ds, &c2_lazy_view);
        else
            c2_reply_unserved(req, ds);
        return;
    }
    struct c2_ds *rows = c2_ctable_asked(req, ds);
    ds = c2_ctable_rows(req, ds);
    if (rows)
        made(req, rows, &c2_ctable_view);
    else if (ds->meta->kind == C2_KIND_FILE && c2_str_is(c2_view_query(req, "format"), "raw") &&
             c2_view_slice_text(req).n == 0)
        itself(req, ds, &c2_fetch_view);
    else if (wants_stored(req) && is_store(ds))
        itself(req, ds, &c2_file_view);
    else if (is_store(ds) && c2_view_query(req, "format").n == 0)
        c2_reply_detail(req, 400, "%.100s/%.200s is a store: there is nothing to slice, but in its datasets",
                        ds->root, ds->path);
    else if (wants_stored(req))
        frame(req, ds);
    else
        made(req, ds, &c2_fetch_view);
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
    c2_sub_with_known(req, state, fetch, NULL);
}

/* ---- a posted fetch: the same parameters, as the members of an object ---- */

static const char *const MEMBERS[] = {"slice_", "indices", "field", "filter"};

static bool is_unknown(struct c2_request *req, struct c2_str name, struct cat2_error *err)
{
    int n = (int)c2_min_i64(80, (int64_t)name.n);
    const char *copy = c2_arena_strdup(c2_request_arena(req), (struct c2_str){name.p, (size_t)n});

    c2_fail(err, CAT2_EINVAL, "unknown key '%.*s' of the body; known are: slice_, indices, field, filter", n,
            name.p);
    return c2_request_fault(req, "extra_forbidden", copy, err);
}

/* Coordinates stay where they are: there may be many. null: it is not asked for. */
static bool take_member(struct c2_request *req, struct c2_str name, struct c2_jval value,
                        struct cat2_error *err)
{
    struct c2_str text;
    size_t i = 0;

    while (i < C2_ARRAY_LEN(MEMBERS) && !c2_str_is(name, MEMBERS[i]))
        i++;
    if (i == C2_ARRAY_LEN(MEMBERS)) return is_unknown(req, name, err);
    if (c2_jval_kind(value) == C2_JNULL) return true;
    bool is_text = c2_jstr(value, &text);
    if (i == 1 && (is_text ? text.n > 0 : c2_jval_kind(value) == C2_JARRAY)) {
        c2_request_query_set(req, MEMBERS[i], C2_STR(C2_FETCH_IN_BODY));
        return true;
    }
    if (!is_text) {
        c2_fail(err, CAT2_EINVAL, "%s must be a text", MEMBERS[i]);
        return c2_request_fault(req, "string_type", MEMBERS[i], err);
    }
    const char *copy = c2_arena_strdup(c2_request_arena(req), text);
    if (!copy) return c2_fail_nomem(err, "the request's body");
    c2_request_query_set(req, MEMBERS[i], (struct c2_str){copy, text.n});
    return true;
}

static bool take_body(struct c2_request *req, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct c2_jval value;
    struct c2_str name;

    bool is_json = c2_json_parse(c2_fetch_body(req), &json, err);
    if (!is_json || c2_jval_kind(c2_json_root(json)) != C2_JOBJECT) {
        c2_fail(err, CAT2_EINVAL, "the body must be a JSON object");
        return c2_request_fault(req, is_json ? "model_type" : "json_invalid", NULL, err);
    }
    struct c2_jiter it = c2_jiter_of(c2_json_root(json));
    for (size_t n = 0; c2_jnext(&it, &name, &value); n++) {
        if (n < C2_ARRAY_LEN(MEMBERS)) {
            if (!take_member(req, name, value, err)) return false;
            continue;
        }
        c2_fail(err, CAT2_EINVAL, "a key of the body is given twice"); /* more than there are names */
        return c2_request_fault(req, "model_type", NULL, err);
    }
    return true;
}

void c2_handle_fetch_post(struct c2_request *req, void *state)
{
    struct cat2_error err;

    if (take_body(req, &err))
        c2_handle_fetch(req, state);
    else
        c2_reply_error(req, &err);
}
