/* SPDX-License-Identifier: BSD-3-Clause */
/* The list of a root: one full listing from a publisher of ours, a list and an info a dataset from a Python
 * one.
 *
 * Lines of ours have hashes, and the last one says how many there are (wire/proof.h). A line that does not
 * have its hash is asked for again by its path; if that does not help, or lines are missing, the whole list
 * is. A Python list has no hashes: names that are not those known are believed when they come twice. */
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/log_share.h"
#include "subscriber/mirror/age.h"
#include "subscriber/mirror/follow.h"
#include "subscriber/mirror/follow_impl.h"
#include "subscriber/mirror/names_so_far.h"
#include "subscriber/mirror/reason.h"
#include "subscriber/mirror/roots.h"
#include "subscriber/mirror/suppliers.h"
#include "subscriber/mirror/via.h"
#include "wire/early_names.h"
#include "wire/url.h"

#define INFOS_AT_ONCE      16
#define LIST_MS            ((int64_t)24 * 3600 * 1000) /* it is as long as it is; what counts is that it goes on */
#define LIST_STALL_MS      60000                       /* one dataset may have to be read first */
#define BAD_LINES_MAX      64                          /* more: the whole list again */
#define KNOWN_AHEAD        8                     /* datasets of the known list that a line is compared with */
#define LIST_BUFFER_NBYTES (8 << 10)             /* libcurl fills it a hundred times in a turn: 2000 lines */
#define LINE_MAX           C2_TRAILER_NBYTES_MAX /* attributes are most of a long one */

void c2_follow_clear_infos(struct c2_follow *f)
{
    for (size_t i = 0; i < f->infos.n; i++) {
        c2_checked_cancel(f->infos.p[i].flight);
        free(f->infos.p[i].path);
    }
    c2_vec_fini(&f->infos);
    f->next = f->under_way = 0;
}

void c2_follow_clear(struct c2_follow *f)
{
    c2_checked_cancel(f->list);
    f->list = NULL;
    c2_follow_clear_infos(f);
    for (size_t i = 0; i < f->found.n; i++)
        c2_ds_unref(f->found.p[i]);
    c2_vec_fini(&f->found);
    c2_texts_fini(&f->groups);
    c2_buf_clear(&f->text);
    f->next_group = f->known_at = 0;
    f->group_tries = 0;
    f->group_told = 0;
}

bool c2_follow_keep(struct c2_follow *f, struct c2_ds *ds, struct cat2_error *err)
{
    return c2_vec_push(&f->found, C2_DATASETS_MAX, "datasets", err, ds) || (c2_ds_unref(ds), false);
}

bool c2_follow_add_info(struct c2_follow *f, struct c2_str path, bool within, struct cat2_error *err)
{
    char *copy = c2_str_dup(path);

    if (!copy) return c2_fail_nomem(err, "listing");
    return c2_vec_push(&f->infos, C2_DATASETS_MAX, "datasets", err,
                       (struct c2_follow_info){.follow = f, .path = copy, .within = within}) ||
           (free(copy), false);
}

/* ---- lines of ours ---- */

/* The line is not what was sent: its path may still be readable, and then a dataset of that name is asked
 * for. */
static bool bad_line(struct c2_follow *f, struct c2_str line, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct cat2_error bad;
    struct c2_str path;

    c2_wire_mismatch(C2_WIRE_LIST, "a line of %.100s: %.*s", f->root->root.name,
                     (int)c2_min_i64(120, (int64_t)line.n), line.p);
    if (f->infos.n < BAD_LINES_MAX && c2_json_parse(line, &json, &bad) &&
        c2_jstr(c2_jget(c2_json_root(json), "path"), &path) && c2_path_check(path, &bad))
        return c2_follow_add_info(f, path, false, err);
    f->nlost++;
    return true;
}

/* {"end":N,"chain":"DIGITS"} */
static bool is_end(struct c2_follow *f, struct c2_str line)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct cat2_error bad;
    struct c2_str chain;
    char expected[17];

    if (!c2_str_starts(line, "{\"end\":") || !c2_json_parse(line, &json, &bad)) return false;
    if (!c2_jint(c2_jget(c2_json_root(json), "end"), &f->nend) ||
        !c2_jstr(c2_jget(c2_json_root(json), "chain"), &chain))
        return false;
    c2_hash_text(f->chain, expected);
    if (!c2_str_is(chain, expected)) f->chain_end = ~f->chain; /* as of bad lines */
    return true;
}

/* While it is being written it stays as it was: what it will be is announced. Takes ds, gives a reference. */
static struct c2_ds *or_known(struct c2_follow *f, struct c2_ds *ds)
{
    struct c2_ds *old = ds->busy ? c2_sub_find(f->root, c2_str_of(ds->path)) : NULL;

    if (!old || old->error) return ds;
    c2_ds_unref(ds);
    return c2_ds_ref(old);
}

/* The dataset whose line this is, as it was. Lists are sorted, so it is the one after the last that came;
 * after others, one of the next few. NULL: it is read. */
static struct c2_ds *known_by_line(struct c2_follow *f, struct c2_str line)
{
    const struct c2_root_state *root = f->root;

    for (size_t i = 0; i < KNOWN_AHEAD && f->known_at + i < root->n; i++) {
        struct c2_ds *ds = root->datasets[f->known_at + i];
        if (!*ds->etag || !ds->speaks_pieces || !c2_ds_is_line(ds, line)) continue;
        f->known_at += i + 1;
        return c2_ds_ref(ds);
    }
    return NULL;
}

/* Names that the publisher finds while there is no list. They come before its lines; those of an earlier try
 * are shown until then. */
static bool is_of_names(struct c2_follow *f, struct c2_str line)
{
    if (!c2_str_starts(line, "{\"" C2_SO_FAR_KEY "\":")) return false;
    if (!f->named) c2_sub_so_far_clear(f->root);
    f->named = true;
    return c2_sub_so_far_take(f->root, line);
}

static bool take_line(struct c2_follow *f, struct c2_str line, struct cat2_error *err)
{
    struct cat2_error why;
    struct c2_ds *ds;
    uint64_t hash;

    if (c2_str_trim(line).n == 0) return true;
    if (f->hashed) {
        char *text = (char *)f->text.p + (line.p - (const char *)f->text.p);
        if (c2_proof_open_json(text, &line.n, &hash) != C2_PROOF_GOOD) return bad_line(f, line, err);
        if (is_end(f, line) || is_of_names(f, line)) return true;
        f->chain = c2_proof_chain(f->chain, hash);
        f->nlines++;
    } else if (c2_proof_check_json(line) != C2_PROOF_NONE) {
        /* It was asked for hashes and sends them: the answer lost its own on the way, and maybe more. */
        return c2_fail(err, CAT2_EDATA, "the lines of the list have hashes, and its head has none");
    } else if (is_of_names(f, line)) {
        return true;
    }
    if ((ds = known_by_line(f, line))) return c2_follow_keep(f, ds, err);
    if (c2_ds_from_line(f->root, line, true, &ds, &why)) return c2_follow_keep(f, or_known(f, ds), err);
    if (why.code == CAT2_ENOMEM) return c2_fail_nomem(err, "listing");
    c2_log_some(C2_WARN, "follow root=%s: %s", f->root->root.name,
                why.message); /* one line is no reason to lose the others */
    return true;
}

static bool on_list_head(void *ctx, const struct c2_http_reply *reply, struct cat2_error *err)
{
    struct c2_follow *f = ctx;

    (void)err;
    f->hashed = reply->hashed;
    return true;
}

static bool on_list_data(void *ctx, int status, struct c2_bytes bytes, struct cat2_error *err)
{
    struct c2_follow *f = ctx;
    struct c2_str line, rest;
    size_t looked_at = f->streaming ? f->text.n : 0; /* there is no end of a line in it */

    (void)status;
    if (!c2_buf_append(&f->text, bytes.p, bytes.n, err)) return false;
    if (!f->known_type) { /* '{' starts a line of ours, '[' a Python list */
        struct c2_str head = c2_str_trim(c2_buf_str(&f->text));
        if (head.n == 0) {
            c2_buf_clear(&f->text);
            return true;
        }
        f->known_type = true;
        f->streaming = f->hashed || head.p[0] == '{';
    }
    if (!f->streaming) return true;
    rest = c2_buf_str(&f->text);
    if (!memchr(rest.p + looked_at, '\n', rest.n - looked_at))
        return rest.n <= LINE_MAX ||
               c2_fail(err, CAT2_ELIMIT, "a line of its list has more than %d bytes", LINE_MAX);
    while (memchr(rest.p, '\n', rest.n)) {
        c2_str_cut(rest, '\n', &line, &rest);
        if (!take_line(f, line, err)) return false;
    }
    memmove(f->text.p, rest.p, rest.n);
    f->text.n = rest.n;
    return true;
}

/* ---- single datasets ---- */

/* The whole list again, unless it has been asked for too often. */
static void list_again(struct c2_follow *f, const struct cat2_error *why)
{
    struct cat2_error err = *why;

    if (f->tries < C2_FOLLOW_TRIES) {
        c2_follow_list(f);
        return;
    }
    c2_fail_within(&err, "asked for %d times", f->tries);
    err.code = CAT2_EUPSTREAM;
    f->end->failed(f, &err);
}

static bool start_info(struct c2_follow *f, struct c2_follow_info *info, struct cat2_error *err);

/* A damaged line's dataset has been asked for by its path. false: that path may be the damage. */
static bool take_asked_line(struct c2_follow *f, const struct c2_follow_info *info,
                            struct c2_http_reply *reply, struct cat2_error *err)
{
    struct cat2_error why;
    struct c2_ds *ds;

    *err = (struct cat2_error){0};
    if (reply->status != 200 ||
        !c2_ds_from_line(f->root, c2_str_trim(c2_buf_str(reply->body)), true, &ds, &why))
        return false;
    if (strcmp(ds->path, info->path) == 0) return c2_follow_keep(f, ds, err);
    c2_ds_unref(ds);
    return false;
}

/* As it was; what is in a file has a suffix here that a Python server does not tell. */
static struct c2_ds *known(struct c2_follow *f, const struct c2_follow_info *info)
{
    struct c2_str path = c2_str_of(info->path);

    return info->within ? c2_sub_find_own(f->root, path) : c2_sub_find(f->root, path);
}

/* It may be that it is asked for again. */
static bool take_info(struct c2_follow *f, struct c2_follow_info *info, struct c2_http_reply *reply,
                      struct cat2_error *err)
{
    bool as_it_was = reply->status == 304 || reply->status == 503;
    struct c2_ds *old = as_it_was ? known(f, info) : NULL, *ds;

    if (reply->status >= 500 && !f->root->root.python) f->unsure = true;
    if (old && (reply->status == 304 || !old->error)) return c2_follow_keep(f, c2_ds_ref(old), err);
    if (!c2_follow_ds_of_info(f->root, info->path, info->within, reply, &ds, err)) {
        if (err->code == CAT2_ENOMEM) return false;
        c2_log_some(C2_WARN, "follow root=%s: %.200s: %s", f->root->root.name, info->path, err->message);
        return true; /* its name is of no use; the others are listed */
    }
    if (c2_follow_is_doubtful(f->root, ds, reply, &info->told) && info->tries < C2_FOLLOW_TRIES) {
        c2_ds_unref(ds);
        return start_info(f, info, err);
    }
    return (!f->root->root.python || c2_follow_note_group(f, info, reply, err) || (c2_ds_unref(ds), false)) &&
           c2_follow_keep(f, ds, err);
}

static void on_info(void *ctx, struct c2_http_reply *reply, const struct cat2_error *why)
{
    struct c2_follow_info *info = ctx;
    struct c2_follow *f = info->follow;
    struct cat2_error err = {0};

    info->flight = NULL;
    f->under_way--;
    if (why) {
        f->end->failed(f, why);
        return;
    }
    /* Python says why with no hash: not believed at once. */
    bool doubt = !reply->hashed && reply->status != 200 && reply->status != 304 && reply->status < 500;
    if (doubt && info->tries < C2_FOLLOW_TRIES && start_info(f, info, &err)) return;
    if (f->streaming ? take_asked_line(f, info, reply, &err) : take_info(f, info, reply, &err)) {
        c2_follow_more_infos(f);
    } else if (f->streaming && err.code == CAT2_OK) {
        c2_fail(&err, CAT2_EDATA, "%.200s is not where a damaged line of the list has it", info->path);
        list_again(f, &err);
    } else {
        f->end->failed(f, &err);
    }
}

static bool start_info(struct c2_follow *f, struct c2_follow_info *info, struct cat2_error *err)
{
    C2_AUTO(c2_buf) url = C2_BUF_INIT(4 * C2_PATH_MAX);
    char condition[600];
    const char *headers[] = {condition, NULL};
    struct c2_ds *old = c2_sub_find(f->root, c2_str_of(info->path));
    bool conditional = !f->streaming && old && *old->etag && !old->speaks_pieces && !old->error;

    struct c2_root place = c2_turn_place(f->root, &f->turn);
    if (!c2_root_put_url(&place, "info/", &url, err) ||
        !c2_url_encode(c2_str_of(info->path), true, &url, err) ||
        (f->streaming && !c2_buf_puts(&url, "?full=1", err)))
        return false;
    snprintf(condition, sizeof(condition), "If-None-Match: %s", conditional ? old->etag : "");
    struct c2_http_call call = {.url = c2_buf_cstr(&url),
                                .headers = conditional ? headers : NULL,
                                .body_max = 16 << 20,
                                .fresh = info->tries > 0,
                                .done = on_info,
                                .ctx = info};
    enum c2_check check = f->streaming ? C2_CHECK_MUST : C2_CHECK_ASK;
    info->flight = c2_checked_start(f->root->sub->config.http, &call, C2_WIRE_INFO, check);
    if (!info->flight) return c2_fail_nomem(err, "request");
    info->tries++;
    f->under_way++;
    return true;
}

void c2_follow_more_infos(struct c2_follow *f)
{
    struct cat2_error err;

    while (f->next < f->infos.n && f->under_way < INFOS_AT_ONCE)
        if (!start_info(f, &f->infos.p[f->next++], &err)) {
            f->end->failed(f, &err);
            return;
        }
    if (f->under_way == 0 && !c2_follow_next_group(f)) f->end->complete(f);
}

static bool plan_infos(struct c2_follow *f, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct c2_str path = {0}, key;
    struct c2_jval value;

    if (!c2_json_parse(c2_buf_str(&f->text), &json, err)) return false;
    struct c2_jval list = c2_json_root(json);
    if (c2_jval_kind(list) != C2_JARRAY) return c2_fail(err, CAT2_EDATA, "the publisher's list is no array");
    struct c2_jiter it = c2_jiter_of(list);
    while (c2_jnext(&it, &key, &value)) {
        struct cat2_error bad;
        if (!c2_jstr(value, &path) || !c2_path_check(path, &bad)) {
            c2_log_some(C2_WARN, "follow root=%s: a listed dataset has no usable path: %.*s",
                        f->root->root.name, (int)c2_min_i64(200, (int64_t)path.n), path.n ? path.p : "");
            continue;
        }
        if (!c2_follow_add_info(f, path, false, err)) return false;
    }
    return true;
}

static int by_path(const void *a, const void *b)
{
    const struct c2_follow_info *x = a, *y = b;

    return c2_str_cmp(c2_str_of(x->path), c2_str_of(y->path));
}

/* Are the names that were listed those that are known? */
static bool names_are_known(struct c2_follow *f)
{
    struct c2_root_state *root = f->root;
    bool same = c2_root_is_listed(root) && f->infos.n == root->n;

    if (same && root->n) qsort(f->infos.p, f->infos.n, sizeof(*f->infos.p), by_path);
    for (size_t i = 0; same && i < root->n; i++)
        same = strcmp(f->infos.p[i].path, root->datasets[i]->path) == 0;
    return same;
}

/* One flipped bit in a name would drop a dataset that is there. */
static bool is_believed(struct c2_follow *f)
{
    return c2_hash_again(c2_hash64(f->text.p, f->text.n), &f->names) || names_are_known(f);
}

/* ---- the list ---- */

/* The lines have come: are they all of those that were sent? */
static bool all_lines(struct c2_follow *f, struct cat2_error *err)
{
    if (!take_line(f, c2_buf_str(&f->text), err)) return false;
    if (!f->hashed) return true;
    bool all = f->nlost == 0 && f->nend == f->nlines + (int64_t)f->infos.n;
    if (all && (f->infos.n > 0 || f->chain_end == 0)) return true;
    c2_fail(err, CAT2_EDATA, "the list was damaged on its way: %lld lines of %lld", (long long)f->nlines,
            (long long)f->nend);
    c2_wire_mismatch(C2_WIRE_LIST, "root %.100s: %.200s", f->root->root.name, err->message);
    return false;
}

static void on_list(void *ctx, struct c2_http_reply *reply, const struct cat2_error *why)
{
    struct c2_follow *f = ctx;
    struct cat2_error err = {0};
    bool ok = false;

    f->list = NULL;
    if (why) {
        why->code == CAT2_EDATA ? list_again(f, why) : f->end->failed(f, why);
        return;
    }
    if (!c2_via_take(f->root, &f->turn, reply, &err)) {
        f->end->failed(f, &err);
        return;
    }
    f->source = c2_source_age_of(reply);
    if (!f->known_type) /* no line at all: an empty root of ours */
        f->streaming = reply->hashed || c2_str_starts(reply->content_type, "application/x-ndjson");
    if (reply->status == 503 && c2_turn_is_first(f->root, &f->turn)) {
        f->end->not_yet(f, reply);
        return;
    }
    f->same = reply->status == 304 && *f->etag && c2_str_is(reply->etag, f->etag);
    if (f->same) {
        f->end->complete(f);
        return;
    }
    if (reply->status != 200)
        c2_reason_of_reply(reply, c2_turn_place(f->root, &f->turn).http, "/api/list", f->root->root.name,
                           &err);
    else
        ok = f->streaming ? all_lines(f, &err) : plan_infos(f, &err);
    if (ok && !f->streaming && !is_believed(f)) {
        c2_fail(&err, CAT2_EDATA, "the names of its list, which has no hashes, differ each time");
        ok = false;
    }
    if (ok)
        c2_follow_more_infos(f);
    else if (err.code == CAT2_EDATA)
        list_again(f, &err);
    else
        f->end->failed(f, &err);
}

void c2_follow_list(struct c2_follow *f)
{
    struct c2_subscriber *sub = f->root->sub;
    C2_AUTO(c2_buf) url = C2_BUF_INIT(2048);
    struct cat2_error err;

    c2_follow_clear(f);
    f->streaming = f->known_type = f->hashed = f->unsure = false;
    f->nlines = f->nlost = 0;
    f->nend = -1;
    f->chain = f->chain_end = 0;
    f->same = f->named = false;
    struct c2_root place = c2_turn_place(f->root, &f->turn);
    if (!c2_root_put_url(&place, "list?full=1", &url, &err)) {
        f->end->failed(f, &err);
        return;
    }
    /* Mirrors answer 304 to the lines that are known, whoever they came from. */
    *f->etag = '\0';
    if (place.mirror && f->tries == 0 && c2_root_is_listed(f->root)) c2_sub_lines_etag(f->root, f->etag);
    char known[80];
    const char *headers[] = {known, NULL};
    bool first = !c2_root_is_listed(f->root);
    if (first)
        snprintf(known, sizeof(known), C2_SO_FAR_WANT ": 1");
    else
        snprintf(known, sizeof(known), "If-None-Match: %s", f->etag);
    struct c2_http_call call = {.url = c2_buf_cstr(&url),
                                .headers = first || *f->etag ? headers : NULL,
                                .timeout_ms = LIST_MS,
                                .stall_ms = LIST_STALL_MS,
                                .buffer_nbytes = LIST_BUFFER_NBYTES,
                                .body_max = 65536,
                                .fresh = f->tries > 0,
                                .head = on_list_head,
                                .data = on_list_data,
                                .done = on_list,
                                .ctx = f};
    f->tries++;
    f->list = c2_checked_start(sub->config.http, &call, C2_WIRE_LIST,
                               f->root->hashed ? C2_CHECK_PREFER : C2_CHECK_ASK);
    if (f->list) return;
    c2_fail_nomem(&err, "request");
    f->end->failed(f, &err);
}
