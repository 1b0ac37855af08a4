/* SPDX-License-Identifier: BSD-3-Clause */
/* Whole datasets as frames. A mirrored one is served by ranges before it is cached: what a range touches is
 * fetched. One in slots is fetched, then written out compactly. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/limits.h"
#include "base/log.h"
#include "net/digest.h"
#include "subscriber/answer/disposition.h"
#include "subscriber/answer/lookup.h"
#include "subscriber/api/api.h"
#include "subscriber/fetch/ensure.h"
#include "subscriber/mirror/catalog.h"

#define WINDOW (2 << 20) /* of a mirrored frame that is being made ready at a time */

/* What of a read was missing. */
struct missing {
    struct c2_chunk_span *spans;
    size_t n, cap;
};
struct file {
    struct c2_request *req;
    struct c2_ds *ds;
    struct c2_cachefile *cf;
    int fd;
    bool attachment, ok;
    bool digested; /* its digest is wanted */
    char digest[C2_DIGEST_MAX];
    struct cat2_error err;
    /* before a mirror is served */
    struct c2_range ranges[C2_RANGES_MAX];
    int nranges, rounds;
    struct c2_buf warm; /* the last range read before the status; at the end, the only one's first window */
    struct missing missing;
};

static void file_free(struct file *f)
{
    if (f->fd >= 0) close(f->fd);
    c2_buf_fini(&f->warm);
    free(f->missing.spans);
    c2_cachefile_unref(f->cf);
    c2_ds_unref(f->ds);
    free(f);
}

static void file_error(struct file *f, const struct cat2_error *err)
{
    c2_reply_error(f->req, err);
    file_free(f);
}

static bool note_missing(void *ctx, const struct c2_chunk_span *span)
{
    struct missing *m = ctx;

    if (m->n == m->cap) {
        size_t cap = m->cap ? 2 * m->cap : 16;
        struct c2_chunk_span *grown = realloc(m->spans, cap * sizeof(*grown));
        if (!grown) return false;
        m->spans = grown;
        m->cap = cap;
    }
    m->spans[m->n++] = *span;
    return true;
}

static void download(struct c2_request *req, struct c2_ds *ds);
static void file(struct c2_request *req, struct c2_ds *ds);

/* Pieces could not be had. */
static void file_missing(struct file *f, const struct cat2_error *err)
{
    struct c2_ds *ds = c2_ds_ref(f->ds);
    struct c2_request *req = f->req;
    bool attachment = f->attachment;

    file_free(f);
    c2_sub_answer_error(req, ds, err, !attachment, attachment ? download : file);
    c2_ds_unref(ds);
}

/* ---- a stretch of a mirrored frame, window by window ---- */

/* A window is read from the cache, every byte verified; what is missing is fetched, and it is read again. */
struct stretch {
    struct c2_ds *ds;
    struct c2_cachefile *cf;
    struct c2_request *req;
    int64_t off, left; /* of what has not been read yet */
    struct c2_buf window;
    size_t sent;
    int rounds; /* of the window at hand */
    bool busy, failed, gone;
    struct missing missing;
    struct cat2_error err;
};

static void stretch_free(struct stretch *s)
{
    c2_buf_fini(&s->window);
    free(s->missing.spans);
    c2_cachefile_unref(s->cf);
    c2_ds_unref(s->ds);
    free(s);
}

static void stretch_settle(struct stretch *s)
{
    s->busy = false;
    if (s->gone)
        stretch_free(s);
    else
        c2_body_wake(s->req);
}

static void window_work(void *job, void *codec)
{
    struct stretch *s = job;
    size_t n = (size_t)c2_min_i64(WINDOW, s->left);

    (void)codec;
    s->missing.n = 0;
    s->failed = !c2_buf_resize(&s->window, n, &s->err) ||
                !c2_cachefile_read_frame(s->cf, s->off, n, s->window.p, note_missing, &s->missing, &s->err);
}

static void read_window(struct stretch *s);

static void on_window_pieces(void *ctx, const struct cat2_error *err)
{
    struct stretch *s = ctx;

    if (!err && !s->gone) {
        read_window(s);
        return;
    }
    s->failed = true;
    if (err) c2_log_warn("dataset root=%s path=%s: %s", s->ds->root, s->ds->path, err->message);
    stretch_settle(s);
}

static void window_done(void *job)
{
    struct stretch *s = job;

    if (!s->failed && s->missing.n && !s->gone && s->rounds++ < C2_ENSURE_ROUNDS) {
        c2_ensure_spans(s->ds, s->missing.spans, s->missing.n, on_window_pieces, s);
        return;
    }
    if (s->missing.n || s->failed) {
        s->failed = true;
    } else {
        s->off += (int64_t)s->window.n;
        s->left -= (int64_t)s->window.n;
        s->sent = 0;
    }
    stretch_settle(s);
}

static void read_window(struct stretch *s)
{
    c2_pool_run(s->ds->sub->config.pool, window_work, window_done, s);
}

static int64_t stretch_pull(void *ctx, uint8_t *to, size_t room)
{
    struct stretch *s = ctx;
    size_t n = s->window.n - s->sent;

    if (s->busy) return C2_BODY_WAIT;
    if (s->failed) return C2_BODY_FAIL;
    if (n == 0 && s->left == 0) return C2_BODY_END;
    if (n == 0) {
        s->busy = true;
        s->rounds = 0;
        read_window(s);
        return C2_BODY_WAIT;
    }
    if (n > room) n = room;
    memcpy(to, s->window.p + s->sent, n);
    s->sent += n;
    return (int64_t)n;
}

static void stretch_close(void *ctx)
{
    struct stretch *s = ctx;

    s->gone = true;
    if (!s->busy) stretch_free(s);
}

static bool open_stretch(void *ctx, struct c2_request *req, int64_t off, int64_t n, struct c2_body *out,
                         struct cat2_error *err)
{
    struct file *f = ctx;
    struct stretch *s = calloc(1, sizeof(*s));

    if (!s) return c2_fail_nomem(err, "download");
    *s = (struct stretch){
        .ds = c2_ds_ref(f->ds), .cf = c2_cachefile_ref(f->cf), .req = req, .off = off, .left = n};
    c2_buf_init(&s->window, WINDOW);
    if (f->warm.n && off == f->ranges[0].off) {
        s->window = c2_buf_steal(&f->warm);
        s->off += (int64_t)s->window.n;
        s->left -= (int64_t)s->window.n;
    }
    *out = (struct c2_body){stretch_pull, stretch_close, s};
    return true;
}

static void content_free(void *ctx)
{
    file_free(ctx);
}

/* ---- the answer ---- */

static void disposition(struct c2_request *req, const struct c2_ds *ds)
{
    struct cat2_error err;
    C2_AUTO(c2_buf) text = C2_BUF_INIT(32768);

    if (c2_sub_disposition(ds, C2_STR(""), NULL, &text, &err))
        c2_reply_header(req, "Content-Disposition", c2_buf_cstr(&text));
}

/* Headers that go before those of the content. */
static void heads(struct file *f)
{
    if (f->attachment) disposition(f->req, f->ds);
    if (f->digested && f->ds->digest[0]) c2_reply_header(f->req, "Repr-Digest", f->ds->digest);
}

static void reply_fd(struct file *f)
{
    struct stat st;
    struct c2_content content = {.content_type = "application/octet-stream",
                                 .etag = f->ds->quoted,
                                 .mtime_ms = -1,
                                 .fd = f->fd,
                                 .free = content_free, /* the cache file is open as long: counted as one */
                                 .ctx = f};

    if (fstat(f->fd, &st) == 0) content.nbytes = st.st_size;
    f->fd = -1;
    heads(f);
    c2_reply_content(f->req, &content);
}

static void reply_mirror(struct file *f)
{
    struct c2_content content = {.nbytes = c2_cachefile_layout(f->cf)->frame_len,
                                 .content_type = "application/octet-stream",
                                 .etag = f->ds->quoted,
                                 .mtime_ms = -1,
                                 .fd = -1,
                                 .open = open_stretch,
                                 .free = content_free,
                                 .ctx = f};

    heads(f);
    c2_reply_content(f->req, &content);
}

static void export_work(void *job, void *codec)
{
    struct file *f = job;

    (void)codec;
    f->fd = openat(f->ds->sub->statefd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (f->fd < 0)
        f->ok = c2_fail_errno(&f->err, errno, "temporary file");
    else
        f->ok = c2_cachefile_export(f->cf, f->fd, &f->err);
    if (f->ok && f->digested && !f->digest[0])
        f->ok = c2_digest_file(f->fd, lseek(f->fd, 0, SEEK_END), f->digest, &f->err);
}

static void on_all_pieces(void *ctx, const struct cat2_error *err);

static void export_done(void *job)
{
    struct file *f = job;

    if (f->ok) {
        if (f->digest[0]) memcpy(f->ds->digest, f->digest, sizeof(f->digest));
        reply_fd(f);
    } else if (f->err.code == CAT2_ENOTFOUND && f->rounds++ < C2_ENSURE_ROUNDS) {
        close(f->fd);
        f->fd = -1;
        c2_ensure(f->ds, C2_NEED_ALL, NULL, on_all_pieces, f);
    } else
        file_error(f, &f->err);
}

static void on_all_pieces(void *ctx, const struct cat2_error *err)
{
    struct file *f = ctx;

    if (err)
        file_missing(f, err);
    else
        c2_pool_run(f->ds->sub->config.pool, export_work, export_done, f);
}

/* ---- the way of serving it ---- */

/* What a range needs first is fetched before the status is sent: whoever asks for what cannot be had is told
 * so, and the pieces under many small ranges come in one trip. */
static void warm_work(void *job, void *codec)
{
    struct file *f = job;
    int64_t left = WINDOW;

    (void)codec;
    f->ok = true;
    f->missing.n = 0;
    for (int i = 0; f->ok && i < f->nranges && left > 0; i++) {
        int64_t n = c2_min_i64(left, f->ranges[i].n);
        f->ok = c2_buf_resize(&f->warm, (size_t)n, &f->err) &&
                c2_cachefile_read_frame(f->cf, f->ranges[i].off, (size_t)n, f->warm.p, note_missing,
                                        &f->missing, &f->err);
        left -= n;
    }
}

static void warm_done(void *job);

static void on_warm(void *ctx, const struct cat2_error *err)
{
    struct file *f = ctx;

    if (err)
        file_missing(f, err);
    else
        c2_pool_run(f->ds->sub->config.pool, warm_work, warm_done, f);
}

static void warm_done(void *job)
{
    struct file *f = job;

    if (!f->ok) {
        file_error(f, &f->err);
    } else if (f->missing.n && f->rounds++ < C2_ENSURE_ROUNDS) {
        c2_ensure_spans(f->ds, f->missing.spans, f->missing.n, on_warm, f);
    } else {
        if (f->missing.n || f->nranges != 1) c2_buf_fini(&f->warm);
        reply_mirror(f);
    }
}

static void serve_mirror(struct file *f)
{
    struct c2_str header;

    bool bodiless =
        c2_request_is_head(f->req) ||
        (c2_request_header(f->req, "If-None-Match", &header) && c2_etag_listed(header, f->ds->quoted)) ||
        (c2_request_header(f->req, "If-Match", &header) && !c2_etag_listed(header, f->ds->quoted));
    int64_t nbytes = c2_cachefile_layout(f->cf)->frame_len;
    f->nranges = -1;
    if (c2_request_header(f->req, "Range", &header))
        f->nranges = c2_ranges_parse(header, nbytes, f->ranges, C2_RANGES_MAX);
    if (f->nranges < 0) {
        f->ranges[0] = (struct c2_range){0, nbytes};
        f->nranges = 1;
    }
    if (bodiless)
        reply_mirror(f);
    else
        on_warm(f, NULL);
}

/* ---- the digest of a mirror: all of it is needed first ---- */

static void digest_work(void *job, void *codec)
{
    struct file *f = job;
    int64_t nbytes = c2_cachefile_layout(f->cf)->frame_len;
    C2_AUTO(c2_buf) window = C2_BUF_INIT(WINDOW);
    struct c2_digest *digest = c2_digest_new();

    (void)codec;
    f->missing.n = 0;
    f->ok = digest || c2_fail_nomem(&f->err, "SHA-256");
    for (int64_t at = 0; f->ok && f->missing.n == 0 && at < nbytes; at += WINDOW) {
        size_t n = (size_t)c2_min_i64(WINDOW, nbytes - at);
        f->ok = c2_buf_resize(&window, n, &f->err) &&
                c2_cachefile_read_frame(f->cf, at, n, window.p, note_missing, &f->missing, &f->err) &&
                c2_digest_add(digest, c2_buf_bytes(&window), &f->err);
    }
    if (f->ok && f->missing.n == 0)
        f->ok = c2_digest_end(digest, f->digest, &f->err);
    else
        c2_digest_free(digest);
}

static void digest_done(void *job);

static void on_digest_pieces(void *ctx, const struct cat2_error *err)
{
    struct file *f = ctx;

    if (err)
        file_missing(f, err);
    else
        c2_pool_run(f->ds->sub->config.pool, digest_work, digest_done, f);
}

static void digest_done(void *job)
{
    struct file *f = job;

    if (f->ok && f->missing.n && f->rounds++ < C2_ENSURE_ROUNDS) {
        c2_ensure(f->ds, C2_NEED_ALL, NULL, on_digest_pieces, f);
        return;
    }
    if (!f->ok) {
        file_error(f, &f->err);
        return;
    }
    memcpy(f->ds->digest, f->digest, sizeof(f->digest));
    serve_mirror(f);
}

/* The cache file is there: now it is known how the dataset can be served. */
static void on_ready(void *ctx, const struct cat2_error *err)
{
    struct file *f = ctx;

    if (err) {
        file_missing(f, err);
        return;
    }
    f->cf = c2_cachefile_ref(f->ds->cf);
    if (c2_cachefile_is_mirror(f->cf) && f->digested && !f->ds->digest[0])
        c2_ensure(f->ds, C2_NEED_ALL, NULL, on_digest_pieces, f);
    else if (c2_cachefile_is_mirror(f->cf))
        serve_mirror(f);
    else
        c2_ensure(f->ds, C2_NEED_ALL, NULL, on_all_pieces, f);
}

static void serve(struct c2_request *req, struct c2_ds *ds, bool attachment)
{
    struct file *f = calloc(1, sizeof(*f));

    if (!f) {
        c2_reply_detail(req, 503, "out of memory");
        return;
    }
    f->req = req;
    f->ds = c2_ds_ref(ds);
    f->fd = -1;
    f->attachment = attachment;
    f->digested = c2_digest_wanted(req);
    memcpy(f->digest, ds->digest, sizeof(f->digest));
    c2_buf_init(&f->warm, WINDOW);
    c2_ensure_spans(ds, NULL, 0, on_ready, f);
}

/* The Python client of release 0.2.0 asks here for the URL of the file; it is the only one that comes by
 * httpx to this route. */
static void download(struct c2_request *req, struct c2_ds *ds)
{
    struct c2_str agent, range;

    bool python = c2_request_header(req, "User-Agent", &agent) && c2_str_starts(agent, "python-httpx/");
    if (python && !c2_request_header(req, "Range", &range))
        c2_sub_reply_url(req, ds);
    else
        serve(req, ds, true);
}
static void file(struct c2_request *req, struct c2_ds *ds)
{
    serve(req, ds, false);
}

void c2_handle_download(struct c2_request *req, void *state)
{
    c2_sub_with_dataset(req, state, false, download);
}
void c2_handle_files(struct c2_request *req, void *state)
{
    c2_sub_with_dataset(req, state, true, file);
}
