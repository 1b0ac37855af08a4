/* SPDX-License-Identifier: BSD-3-Clause */
/* The whole root with metadata, one line a dataset, streamed. What is not known yet is waited for, but not
 * its compression. The place in the list is a path, so that it may change under way. While the root is looked
 * at for the first time, who asks for it is told the names that are found (wire/early_names.h), and then the
 * list.
 */
#include <stdlib.h>
#include <string.h>

#include "publisher/publisher_impl.h"
#include "publisher/source/so_far.h"
#include "wire/early_names.h"
#include "wire/proof.h"

#define BATCH         (256 << 10)
#define NAMES_NBYTES  (32 << 10) /* of names found so far, in a line */
#define NAMES_TICK_MS 200        /* between lines of them */
#define NAMES_IDLE_MS 5000       /* or, when none is found, lines of none: who waits sees that it goes on */

struct full {
    struct c2_publisher *pub;
    struct c2_request *req;
    struct c2_buf out;
    size_t sent;
    char *at; /* the last path written */
    bool waiting, done, left;
    struct c2_timer *ticker; /* while the root is looked at for the first time */
    bool looking, again;     /* and is to be looked at again */
    bool begun;              /* the answer */
    size_t names_at;
    int64_t told_ms;
    struct c2_proof_list lines;
    char *awaited; /* the path of the dataset waited for; it may be gone when the answer is there */
    struct cat2_error failure; /* of that one */
    bool failed;
    bool cut; /* that says nothing of the dataset: rather no list than a wrong one */
};

static void full_unref(struct full *full)
{
    c2_buf_fini(&full->out);
    free(full->at);
    free(full->awaited);
    free(full);
}

bool c2_publisher_line(struct c2_entry *entry, const struct cat2_error *failure, struct c2_buf *out)
{
    const char *within = entry->gen.within;
    struct cat2_error err;
    struct c2_jw w;

    c2_entry_tell(entry);
    c2_jw_init(&w, out, C2_JSON_COMPACT, &err);
    c2_jw_begin_object(&w);
    c2_jw_put_cstr(&w, "path", entry->path);
    if (entry->gen.remark) {
        c2_jw_put_cstr(&w, "remark", entry->gen.remark);
    }
    if (entry->imported || (within && strcmp(within, "h5") == 0)) {
        c2_jw_put_cstr(&w, "hdf5", entry->imported ? "import" : "file");
    } else if (within) {
        c2_jw_put_cstr(&w, "within", within);
    }
    if (failure) {
        c2_jw_put_cstr(&w, "error", failure->message);
        if (c2_is_busy(failure)) {
            c2_jw_put_bool(&w, "busy", true);
        }
    } else {
        c2_jw_put_cstr(&w, "etag", entry->gen.etag);
        c2_jw_put_cstr(&w, "validator", entry->gen.validator);
        c2_jw_put_raw(&w, "metadata", c2_shared_str(entry->json));
        if (entry->refusal) {
            c2_jw_put_cstr(&w, "refusal", entry->refusal);
        }
        c2_jw_open_object(&w, "cparams");
        c2_meta_put_cparams(entry->cparams, &w);
        c2_jw_end_object(&w);
        c2_jw_key(&w, "frame");
        if (entry->layout) {
            c2_jw_begin_object(&w);
            c2_jw_put_int(&w, "frame_len", entry->layout->frame_len);
            c2_jw_put_int(&w, "header_len", entry->layout->header_len);
            c2_jw_put_int(&w, "index_off", entry->layout->index_off);
            c2_jw_put_int(&w, "blocksize", entry->layout->blocksize);
            c2_jw_end_object(&w);
        } else {
            c2_jw_null(&w);
        }
    }
    c2_jw_end_object(&w);
    return c2_jw_finish(&w);
}

static bool put_line(struct full *full, struct c2_entry *entry, const struct cat2_error *failure)
{
    size_t start = full->out.n;
    struct cat2_error err;

    return c2_publisher_line(entry, failure, &full->out) &&
           c2_proof_list_line(&full->lines, &full->out, start, &err);
}

static void entry_ready(void *ctx, struct c2_entry *entry, const struct cat2_error *err)
{
    struct full *full = ctx;

    full->waiting = false;
    if (full->left) {
        full_unref(full);
        return;
    }
    full->failed = entry == NULL;
    full->cut = !entry && (err->code == CAT2_ENOMEM || err->code == CAT2_ECANCELLED);
    if (!entry) full->failure = *err;
    c2_body_wake(full->req);
}

static struct c2_entry *next_entry(struct full *full)
{
    struct c2_catalog *cat = full->pub->catalog;
    size_t i = full->at ? c2_catalog_lower(cat, full->at) : 0;

    for (; i < c2_catalog_count(cat); i++) {
        struct c2_entry *entry = c2_catalog_at(cat, i);
        if (entry->listed && (!full->at || strcmp(entry->path, full->at) != 0)) return entry;
    }
    return NULL;
}

static int64_t wait_for(struct full *full, const struct c2_entry *entry)
{
    free(full->awaited);
    full->awaited = c2_str_dup(c2_str_of(entry->path));
    if (!full->awaited) return C2_BODY_FAIL;
    full->waiting = true;
    c2_catalog_get(full->pub->catalog, entry->path, C2_NEED_SKETCH, entry_ready, full);
    return C2_BODY_WAIT;
}

/* Why there is nothing to tell of the dataset; NULL: there is. */
static const struct cat2_error *failure_of(const struct full *full, const struct c2_entry *entry)
{
    if (entry->failed) return c2_entry_why(entry);
    return full->failed && strcmp(full->awaited, entry->path) == 0 ? &full->failure : NULL;
}

/* 1: buffer has something; else a C2_BODY_ code. */
static int64_t refill(struct full *full)
{
    struct cat2_error err;

    c2_buf_clear(&full->out);
    full->sent = 0;
    while (full->out.n < BATCH) {
        if (full->pub->stopped || full->cut) return C2_BODY_FAIL;
        struct c2_entry *entry = next_entry(full);
        if (!entry) {
            full->done = true;
            if (!c2_proof_list_end(&full->lines, &full->out, &err)) return C2_BODY_FAIL;
            break;
        }
        const struct cat2_error *failure = failure_of(full, entry);
        if (!failure && !entry->json) {
            if (full->out.n) break; /* send what there is first */
            return wait_for(full, entry);
        }
        full->failed = false;
        char *at = c2_str_dup(c2_str_of(entry->path));
        if (!at || !put_line(full, entry, failure)) {
            free(at);
            return C2_BODY_FAIL;
        }
        free(full->at);
        full->at = at;
    }
    return 1;
}

/* A line of the names that were found since the last one. */
static int64_t put_names(struct full *full)
{
    int64_t now = c2_loop_now_ms(full->pub->parts.loop);
    struct cat2_error err;
    struct c2_jw w;

    c2_buf_clear(&full->out);
    full->sent = 0;
    c2_jw_init(&w, &full->out, C2_JSON_COMPACT, &err);
    c2_jw_begin_object(&w);
    c2_jw_open_array(&w, C2_SO_FAR_KEY);
    size_t n = c2_so_far_put(c2_catalog_so_far(full->pub->catalog), &full->names_at, NAMES_NBYTES, &w);
    c2_jw_end_array(&w);
    c2_jw_end_object(&w);
    if (!c2_jw_finish(&w) || (full->lines.hashed && !c2_proof_seal_json(&full->out, 0, NULL, &err)) ||
        !c2_buf_putc(&full->out, '\n', &err))
        return C2_BODY_FAIL;
    if (n == 0 && (!full->begun || now - full->told_ms < NAMES_IDLE_MS)) {
        c2_buf_clear(&full->out);
        return C2_BODY_WAIT;
    }
    full->told_ms = now;
    return 1;
}

static int64_t refill_or_names(struct full *full)
{
    if (!full->looking && !full->again) return full->cut ? C2_BODY_FAIL : refill(full);
    return full->pub->stopped ? C2_BODY_FAIL : put_names(full);
}

static int64_t full_pull(void *ctx, uint8_t *to, size_t room)
{
    struct full *full = ctx;

    if (full->waiting) return C2_BODY_WAIT;
    if (full->sent == full->out.n) {
        if (full->done) return C2_BODY_END;
        int64_t got = refill_or_names(full);
        if (got != 1) return got;
        if (full->out.n == 0) return C2_BODY_END;
    }
    size_t n = full->out.n - full->sent < room ? full->out.n - full->sent : room;
    memcpy(to, full->out.p + full->sent, n);
    full->sent += n;
    return (int64_t)n;
}

static void full_free(void *ctx)
{
    struct full *full = ctx;

    full->left = true;
    c2_timer_stop(full->ticker);
    full->ticker = NULL;
    if (!full->waiting && !full->looking) full_unref(full);
}

static void begin(struct full *full)
{
    struct c2_body body = {full_pull, full_free, full};

    full->begun = true;
    c2_reply_body(full->req, 200, "application/x-ndjson", -1, &body);
}

static void full_ready(void *ctx, const struct cat2_error *err)
{
    struct full *full = ctx;

    if (err) {
        struct c2_request *req = full->req;
        full_unref(full);
        c2_reply_error(req, err);
        return;
    }
    begin(full);
}

/* ---- while there is no list ---- */

static void on_first(void *ctx, const struct cat2_error *err);

static void stop_ticker(struct full *full)
{
    c2_timer_stop(full->ticker);
    full->ticker = NULL;
}

static void look(struct full *full)
{
    full->again = false;
    full->looking = true;
    c2_catalog_list_first(full->pub->catalog, on_first, full);
}

/* Answered otherwise; a look under way ends without it. */
static void refuse(struct full *full)
{
    struct c2_request *req = full->req;
    struct cat2_error err;

    if (full->pub->stopped) /* and the catalog is closed */
        c2_fail(&err, CAT2_ECANCELLED, "shutting down");
    else
        c2_catalog_not_yet(full->pub->catalog, &err);
    full_free(full);
    c2_reply_error(req, &err);
}

static void on_tick(void *ctx)
{
    struct full *full = ctx;
    bool late = c2_loop_now_ms(full->pub->parts.loop) - full->told_ms > C2_LIST_PATIENCE_MS;

    if (full->again && !full->pub->stopped) {
        look(full);
    } else if (full->begun) {
        c2_body_wake(full->req);
    } else {
        int64_t got = full->pub->stopped ? C2_BODY_FAIL : put_names(full);
        if (got == C2_BODY_FAIL || (got == C2_BODY_WAIT && late)) {
            refuse(full);
            return;
        }
        if (got != C2_BODY_WAIT) begin(full);
    }
}

/* What is being written is looked at again; until names were told, any other failure is the answer. */
static void on_first(void *ctx, const struct cat2_error *err)
{
    struct full *full = ctx;

    full->looking = false;
    if (full->left) {
        full_unref(full);
        return;
    }
    full->again = err && c2_is_busy(err);
    if (full->again) return;
    stop_ticker(full);
    if (!full->begun) {
        full_ready(full, err);
        return;
    }
    full->cut = err != NULL;
    c2_body_wake(full->req);
}

/* false: it is not looked at for the first time, or nobody asked for names. */
static bool tell_names(struct full *full)
{
    struct c2_loop *loop = full->pub->parts.loop;
    struct c2_str wanted;

    if (c2_catalog_is_complete(full->pub->catalog) || full->pub->stopped ||
        !c2_request_header(full->req, C2_SO_FAR_WANT, &wanted))
        return false;
    full->ticker = c2_timer_start(loop, NAMES_TICK_MS, NAMES_TICK_MS, on_tick, full);
    if (!full->ticker) return false;
    full->told_ms = c2_loop_now_ms(loop);
    look(full);
    return true;
}

void c2_publisher_list_full(struct c2_request *req, void *state)
{
    struct c2_publisher *pub = state;
    struct full *full = calloc(1, sizeof(*full));
    struct c2_str wanted;

    if (!full) {
        c2_reply_detail(req, 503, "out of memory");
        return;
    }
    full->pub = pub;
    full->req = req;
    full->lines.hashed = c2_request_header(req, C2_PROOF_WANT, &wanted);
    c2_buf_init(&full->out, C2_JSON_NBYTES_MAX);
    if (!tell_names(full)) c2_catalog_list(pub->catalog, full_ready, full);
}
