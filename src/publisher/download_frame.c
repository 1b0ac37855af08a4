/* SPDX-License-Identifier: BSD-3-Clause */
/* The frame as a file: ranges of it with a hash for who wants one, and the digest of the whole. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/digest.h"
#include "publisher/download_chunks.h"
#include "publisher/publisher_impl.h"
#include "wire/proof.h"

/* Of a frame in one answer with a hash, which is in memory; larger ones are streamed without. The largest
 * trailer fits, and with it the index of some millions of chunks. */
#define RANGES_NBYTES_MAX (C2_TRAILER_NBYTES_MAX + (16 << 20))

#define RANGE_HEAD_MAX 512 /* of one part of an answer to several */

/* Ranges whose answer has a hash: read in a worker. */
struct ranges_job {
    struct c2_request *req;
    struct c2_item *item;
    struct c2_content content;
    struct c2_range ranges[C2_RANGES_MAX];
    int n;
    bool ran, ok;
    struct c2_buf body;
    struct cat2_error err;
};

static void ranges_work(void *ctx, void *local)
{
    struct ranges_job *job = ctx;

    (void)local;
    job->ran = true;
    job->ok = c2_content_build(&job->content, job->ranges, job->n, &job->body, &job->err) &&
              c2_item_check(job->item, &job->err);
}

static void ranges_done(void *ctx)
{
    struct ranges_job *job = ctx;

    if (!job->ran) c2_fail(&job->err, CAT2_ECANCELLED, "shutting down");
    if (job->ok)
        c2_reply_content_built(job->req, &job->content, job->ranges, job->n, &job->body);
    else
        c2_reply_error(job->req, &job->err);
    c2_buf_fini(&job->body);
    if (job->content.fd >= 0) close(job->content.fd);
    c2_item_unref(job->item);
    free(job);
}

/* It is no file of its own: in a part of one, in memory, or with somebody else. */
static bool has_no_file(const struct c2_item *item)
{
    return c2_frame_fd(item->frame) < 0;
}

static bool read_frame(void *ctx, int64_t off, size_t n, uint8_t *to, struct cat2_error *err)
{
    return c2_frame_pread(((const struct c2_item *)ctx)->frame, to, n, off, err);
}

/* A few ranges for one who wants a hash. false: not so, nothing was done. */
static bool reply_ranges(struct c2_request *req, struct c2_pool *pool, struct c2_item *item,
                         const struct c2_content *content)
{
    struct c2_str header;
    int64_t total = 0;

    if (!c2_request_header(req, C2_PROOF_WANT, &header) || c2_request_header(req, "If-Range", &header) ||
        !c2_request_range(req, content->etag, &header))
        return false;
    struct ranges_job *job = calloc(1, sizeof(*job));
    if (!job) return false;
    job->n = c2_ranges_parse(header, content->nbytes, job->ranges, C2_RANGES_MAX);
    for (int i = 0; i < job->n; i++)
        total += job->ranges[i].n;
    if (job->n < 1 || total > RANGES_NBYTES_MAX) {
        free(job);
        return false;
    }
    job->req = req;
    job->item = c2_item_ref(item);
    job->content = *content;
    c2_buf_init(&job->body, RANGES_NBYTES_MAX + C2_RANGES_MAX * RANGE_HEAD_MAX);
    struct c2_pool_share share = {0, total};
    c2_pool_run_for(pool, &share, ranges_work, ranges_done, job);
    return true;
}

struct frame_call {
    struct c2_request *req;
    struct c2_pool *pool;
    struct c2_item *item;
    bool ran, ok;
    char digest[C2_DIGEST_MAX];
    struct cat2_error err;
};

static void frame_free(struct frame_call *call)
{
    c2_item_unref(call->item);
    free(call);
}

static void reply_frame(struct frame_call *call)
{
    struct c2_request *req = call->req;
    struct c2_item *item = call->item;
    const char *etag = c2_publisher_strong_etag(req, &item->gen);
    bool fileless = has_no_file(item);
    int fd = fileless ? -1 : fcntl(c2_frame_fd(item->frame), F_DUPFD_CLOEXEC, 0);

    if (item->digest[0] && c2_digest_wanted(req)) c2_reply_header(req, "Repr-Digest", item->digest);
    if (fd < 0 && !fileless) {
        c2_reply_detail(req, 503, "no more file descriptors");
    } else if (c2_reply_if_known(req, etag)) {
        if (fd >= 0) close(fd);
    } else {
        struct c2_content content = {.nbytes = c2_frame_layout(item->frame)->frame_len,
                                     .content_type = "application/octet-stream",
                                     .etag = etag,
                                     .mtime_ms = item->gen.mtime_ms,
                                     .fd = fd,
                                     .read = read_frame,
                                     .ctx = item};
        if (!reply_ranges(req, call->pool, item, &content)) {
            if (fd >= 0) close(fd);
            c2_publisher_reply_frame(req, call->pool, item, content);
        }
    }
    frame_free(call);
}

/* ---- the digest of a file, once a generation that is open ---- */

static void digest_work(void *ctx, void *local)
{
    struct frame_call *call = ctx;

    (void)local;
    call->ran = true;
    call->ok = c2_digest_file(c2_frame_fd(call->item->frame), c2_frame_layout(call->item->frame)->frame_len,
                              call->digest, &call->err) &&
               c2_item_check(call->item, &call->err);
}

static void digest_done(void *ctx)
{
    struct frame_call *call = ctx;

    if (!call->ran) c2_fail(&call->err, CAT2_ECANCELLED, "shutting down");
    if (!call->ok) {
        c2_reply_error(call->req, &call->err);
        frame_free(call);
        return;
    }
    memcpy(call->item->digest, call->digest, sizeof(call->digest));
    reply_frame(call);
}

static void frame_ready(void *ctx, struct c2_entry *entry, const struct cat2_error *err)
{
    struct frame_call *call = ctx;

    if (!c2_download_open(call->req, entry, err, &call->item)) {
        frame_free(call);
    } else if (!call->item->frame) {
        c2_reply_detail(call->req, 409, "the dataset is not kept as one contiguous frame");
        frame_free(call);
    } else if (!call->item->digest[0] && !has_no_file(call->item) && c2_digest_wanted(call->req)) {
        struct c2_pool_share share = {0, c2_frame_layout(call->item->frame)->frame_len};
        c2_pool_run_for(call->pool, &share, digest_work, digest_done, call);
    } else {
        reply_frame(call);
    }
}

void c2_publisher_frame(struct c2_request *req, void *state)
{
    struct c2_publisher *pub = state;
    const char *path = c2_publisher_path(req);
    struct frame_call *call;

    if (!path) return;
    if (pub->stopped) {
        c2_reply_detail(req, 503, "shutting down");
        return;
    }
    call = calloc(1, sizeof(*call));
    if (!call) {
        c2_reply_detail(req, 503, "out of memory");
        return;
    }
    call->req = req;
    call->pool = pub->parts.pool;
    c2_catalog_get(pub->catalog, path, C2_NEED_ITEM, frame_ready, call);
}
