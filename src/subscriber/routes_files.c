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
#include "subscriber/sub_impl.h"

#define WINDOW (2 << 20) /* of a mirrored frame that is being made ready at a time */

struct file {
    struct c2_request *req;
    struct c2_ds *ds;
    struct c2_cachefile *cf;
    int fd;
    bool attachment, ok;
    struct cat2_error err;
};

static void file_free(struct file *f)
{
    if (f->fd >= 0) close(f->fd);
    c2_cachefile_unref(f->cf);
    c2_ds_unref(f->ds);
    free(f);
}

static void file_error(struct file *f, const struct cat2_error *err)
{
    c2_reply_error(f->req, err);
    file_free(f);
}

/* ---- a stretch of a mirrored frame, window by window ---- */

struct stretch {
    struct c2_ds *ds;
    struct c2_cachefile *cf;
    struct c2_request *req;
    int64_t off, left;
    struct c2_buf window;
    size_t sent;
    bool busy, failed, gone;
    int64_t *chunks;
    size_t nchunks, cap;
    struct cat2_error err;
};

static void stretch_free(struct stretch *s)
{
    c2_buf_fini(&s->window);
    free(s->chunks);
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
    s->failed = !c2_buf_resize(&s->window, n, &s->err) ||
                !c2_fs_pread(c2_cachefile_fd(s->cf), s->window.p, n, s->off, &s->err);
    s->off += (int64_t)n;
    s->left -= (int64_t)n;
    s->sent = 0;
}

static void window_done(void *job)
{
    stretch_settle(job);
}

static void on_window_pieces(void *ctx, const struct cat2_error *err)
{
    struct stretch *s = ctx;

    if (err || s->gone) {
        s->failed = true;
        stretch_settle(s);
        return;
    }
    c2_pool_run(s->ds->sub->config.pool, window_work, window_done, s);
}

static bool note_chunk(void *ctx, int64_t nchunk)
{
    struct stretch *s = ctx;

    if (s->nchunks == s->cap) {
        size_t cap = s->cap ? 2 * s->cap : 64;
        int64_t *grown = realloc(s->chunks, cap * sizeof(*grown));
        if (!grown) return false;
        s->chunks = grown;
        s->cap = cap;
    }
    s->chunks[s->nchunks++] = nchunk;
    return true;
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
        s->nchunks = 0;
        if (!c2_cachefile_chunks_under(s->cf, s->off, c2_min_i64(WINDOW, s->left), note_chunk, s))
            return C2_BODY_FAIL;
        c2_ensure(s->ds, C2_NEED_CHUNKS, NULL, s->chunks, s->nchunks, on_window_pieces, s);
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
    const char *slash = strrchr(ds->path, '/'), *base = slash ? slash + 1 : ds->path;
    const char *suffix = ds->meta.kind == C2_KIND_FILE ? ".b2" : "";
    struct cat2_error err;
    C2_AUTO(c2_buf) encoded = C2_BUF_INIT(4096);
    C2_AUTO(c2_buf) text = C2_BUF_INIT(8192);

    if (!c2_url_encode(c2_str_of(base), false, &encoded, &err)) return;
    bool plain = encoded.n == strlen(base);
    bool ok = plain ? c2_buf_printf(&text, &err, "attachment; filename=\"%s%s\"", base, suffix)
                    : c2_buf_printf(&text, &err, "attachment; filename*=utf-8''%s%s", c2_buf_cstr(&encoded),
                                    suffix);
    if (ok) c2_reply_header(req, "Content-Disposition", c2_buf_cstr(&text));
}

static void reply_fd(struct file *f)
{
    struct stat st;
    struct c2_content content = {
        .content_type = "application/octet-stream", .etag = f->ds->quoted, .mtime_ms = -1, .fd = f->fd};

    if (fstat(f->fd, &st) == 0) content.nbytes = st.st_size;
    f->fd = -1;
    if (f->attachment) disposition(f->req, f->ds);
    c2_reply_content(f->req, &content);
    file_free(f);
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

    if (f->attachment) disposition(f->req, f->ds);
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
}

static void export_done(void *job)
{
    struct file *f = job;

    if (f->ok)
        reply_fd(f);
    else
        file_error(f, &f->err);
}

static void on_all_pieces(void *ctx, const struct cat2_error *err)
{
    struct file *f = ctx;

    if (err)
        file_error(f, err);
    else
        c2_pool_run(f->ds->sub->config.pool, export_work, export_done, f);
}

/* The cache file is there: now it is known how the dataset can be served. */
static void on_ready(void *ctx, const struct cat2_error *err)
{
    struct file *f = ctx;

    if (err) {
        file_error(f, err);
        return;
    }
    f->cf = c2_cachefile_ref(f->ds->cf);
    if (c2_cachefile_is_mirror(f->cf))
        reply_mirror(f);
    else
        c2_ensure(f->ds, C2_NEED_ALL, NULL, NULL, 0, on_all_pieces, f);
}

static void serve(struct c2_request *req, struct c2_ds *ds, bool attachment)
{
    struct file *f = calloc(1, sizeof(*f));

    if (!f) {
        c2_reply_detail(req, 503, "out of memory");
        return;
    }
    *f = (struct file){.req = req, .ds = c2_ds_ref(ds), .fd = -1, .attachment = attachment};
    c2_ensure(ds, C2_NEED_CHUNKS, NULL, NULL, 0, on_ready, f);
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
