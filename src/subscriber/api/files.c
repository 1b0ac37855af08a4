/* SPDX-License-Identifier: BSD-3-Clause */
/* Whole datasets as frames, and plain files as themselves. These, and a mirrored frame, are served by ranges
 * before they are cached: what a range touches is fetched. A frame in slots is fetched, then written out
 * compactly. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/limits.h"
#include "base/log_share.h"
#include "net/digest.h"
#include "subscriber/answer/disposition.h"
#include "subscriber/answer/lookup.h"
#include "subscriber/api/api.h"
#include "subscriber/api/file_bytes.h"
#include "subscriber/api/file_type.h"
#include "subscriber/fetch/ahead.h"
#include "subscriber/mirror/roots.h"

#define WINDOW        (2 << 20)      /* bytes that are being made ready at a time */
#define NARROW        (512 << 10)    /* the same where memory is short */
#define WINDOW_MEMORY (WINDOW + 512) /* with what the items at its ends have more */

static int64_t window_of(const struct c2_ds *ds)
{
    return c2_spill_is_tight(ds->sub->views->spill) ? NARROW : WINDOW;
}

struct file {
    struct c2_request *req;
    struct c2_ds *ds;
    struct c2_read read;
    struct c2_cachefile *cf; /* so that it stays open */
    struct c2_file_bytes bytes;
    int fd;
    struct c2_file_as as;
    bool digested; /* its digest is wanted */
    char digest[C2_DIGEST_MAX];
    /* What is read before the status is sent: the first window of all that is asked for. */
    struct c2_range warmed[C2_RANGES_MAX];
    size_t nwarmed;
    int64_t rest;        /* what follows the last of them */
    struct c2_held warm; /* if there is but one */
    struct c2_spill_wait wait;
    struct c2_asker asker;
    struct c2_attended attended; /* while all of it is made ready */
};

static void file_free(struct file *f)
{
    c2_unattend(&f->ds->sub->views->attendance, &f->attended);
    c2_views_used(f->ds->sub->views, C2_VIEW_FEW_BYTES); /* what its socket took */
    if (f->fd >= 0) c2_views_close(f->ds->sub->views, f->fd);
    c2_held_release(&f->warm);
    c2_cachefile_unref(f->cf);
    c2_ds_unref(f->ds);
    free(f);
}

static void file_error(struct file *f, const struct cat2_error *err)
{
    c2_sub_answer_error(f->req, f->ds, err);
    file_free(f);
}

/* ---- a stretch of it, window by window ---- */

/* A window is read from the cache, every byte verified, while the one before it is sent. */
struct stretch {
    struct c2_ds *ds;
    struct c2_file_bytes bytes;
    struct c2_read read;
    struct c2_request *req;
    struct c2_range at; /* what is read, or will be next */
    int64_t left;       /* of what has not been read yet */
    struct c2_held window, next;
    struct c2_ahead ahead;
    struct c2_spill_wait wait;
    struct c2_asker asker;
    int64_t sent; /* of the window */
    bool busy, ready, failed, gone;
};

static void stretch_free(struct stretch *s)
{
    c2_ahead_stop(&s->ahead);
    c2_held_release(&s->window);
    c2_held_release(&s->next);
    c2_ds_unref(s->ds);
    free(s);
}

static bool window_work(void *ctx, const struct c2_reading *reading, struct cat2_error *err)
{
    struct stretch *s = ctx;
    C2_AUTO(c2_buf) bytes = C2_BUF_INIT(WINDOW_MEMORY);

    if (!c2_file_read(&s->bytes, reading, s->at, &bytes, err)) return false;
    if (!c2_read_missed(reading)) c2_held_fill(&s->next, &bytes);
    return true;
}

static bool window_wanted(void *ctx)
{
    const struct stretch *s = ctx;

    return !s->gone;
}

static void window_done(void *ctx, const struct cat2_error *err)
{
    struct stretch *s = ctx;

    s->busy = false;
    s->failed = err != NULL;
    s->ready = !err;
    c2_views_used(s->ds->sub->views, (size_t)s->at.n);
    s->left -= s->at.n;
    s->at.off += s->at.n;
    if (err && !s->gone)
        c2_log_some(C2_WARN, "dataset root=%s path=%s: %s", s->ds->root, s->ds->path, err->message);
    if (s->gone)
        stretch_free(s);
    else
        c2_body_wake(s->req);
}

static void read_window(void *ctx)
{
    struct stretch *s = ctx;
    struct c2_spill *spill = s->ds->sub->views->spill;
    static const struct c2_reader reader = {
        .work = window_work, .done = window_done, .wanted = window_wanted};
    struct c2_bound bound;

    s->at.n = c2_min_i64(window_of(s->ds), s->left);
    if (!c2_spill_reserve(spill, (size_t)s->at.n, &s->next)) {
        c2_spill_wait(spill, &s->wait, read_window, s);
        return;
    }
    s->busy = true;
    struct c2_pieces pieces = c2_file_pieces(&s->bytes, &s->at, 1, &bound);
    pieces.asker = &s->asker;
    pieces.rest = s->left - s->at.n;
    c2_read(&s->read, s->ds, &pieces, &reader, s);
    c2_ahead_need_bytes(&s->ahead, s->at.off + s->at.n);
}

static bool may_read(const struct stretch *s)
{
    return s->left > 0 && !s->busy && !s->ready && !s->failed && !s->wait.waits;
}

/* The window was sent: the next one is at hand, or what there is instead. */
static int64_t turn_window(struct stretch *s)
{
    if (s->busy || s->wait.waits) return C2_BODY_WAIT;
    if (s->failed) return C2_BODY_FAIL;
    c2_held_release(&s->window);
    s->sent = 0;
    if (!s->ready && s->left == 0) return C2_BODY_END;
    if (!s->ready) {
        read_window(s);
        return C2_BODY_WAIT;
    }
    s->window = s->next;
    s->next = (struct c2_held){0};
    s->ready = false;
    return 0;
}

static int64_t stretch_pull(void *ctx, uint8_t *to, size_t room)
{
    struct stretch *s = ctx;
    int64_t n = s->sent == s->window.n ? turn_window(s) : 0;

    if (n != 0) return n;
    if (may_read(s) && !c2_spill_is_tight(s->ds->sub->views->spill)) read_window(s);
    n = c2_held_read(&s->window, s->sent, to, room);
    if (n < 0) return C2_BODY_FAIL;
    s->sent += n;
    return n;
}

static void stretch_close(void *ctx)
{
    struct stretch *s = ctx;

    s->gone = true;
    atomic_store(&s->asker.cancel.now, true);
    c2_spill_leave(s->ds->sub->views->spill, &s->wait);
    if (!s->busy) stretch_free(s);
}

static bool open_stretch(void *ctx, struct c2_request *req, int64_t off, int64_t n, struct c2_body *out,
                         struct cat2_error *err)
{
    struct file *f = ctx;
    struct stretch *s = calloc(1, sizeof(*s));

    if (!s) return c2_fail_nomem(err, "download");
    s->ds = c2_ds_ref(f->ds);
    s->bytes = f->bytes;
    s->req = req;
    s->at.off = off;
    s->left = n;
    s->asker.client = f->asker.client;
    if (f->warm.n && off == f->warmed[0].off) {
        s->window = f->warm;
        f->warm = (struct c2_held){0};
        s->at.off += s->window.n;
        s->left -= s->window.n;
    }
    if (!s->bytes.itself) c2_ahead_of_frame(&s->ahead, s->ds, s->at.off, s->at.off + s->left);
    *out = (struct c2_body){stretch_pull, stretch_close, s};
    return true;
}

static void content_free(void *ctx)
{
    file_free(ctx);
}

/* ---- the answer ---- */

/* What the bytes are, decoded. */
static const struct c2_file_type *type_of(const struct file *f)
{
    return c2_file_type_of(f->as.itself || f->as.coded ? c2_str_of(f->ds->path) : C2_STR(""));
}

/* Headers that go before those of the content. */
static void heads(struct file *f)
{
    struct cat2_error err;
    C2_AUTO(c2_buf) text = C2_BUF_INIT(32768);

    if ((f->as.attachment || type_of(f)->is_active) &&
        c2_sub_disposition(f->ds, C2_STR(""), f->as.itself || f->as.coded ? "" : NULL, &text, &err))
        c2_reply_header(f->req, "Content-Disposition", c2_buf_cstr(&text));
    if (f->as.coded) c2_reply_header(f->req, "Content-Encoding", "blosc2");
    if (f->digested && f->digest[0]) c2_reply_header(f->req, "Repr-Digest", f->digest);
}

static void reply_fd(struct file *f)
{
    c2_unattend(&f->ds->sub->views->attendance, &f->attended);
    struct stat st;
    struct c2_content content = {.content_type = type_of(f)->type,
                                 .etag = f->as.etag,
                                 .mtime_ms = -1,
                                 .fd = fcntl(f->fd, F_DUPFD_CLOEXEC, 0),
                                 .free = content_free, /* the cache file is open as long: counted as one */
                                 .ctx = f};

    if (fstat(f->fd, &st) == 0) content.nbytes = st.st_size;
    if (content.fd < 0) { /* too many files are open: this one does */
        content.fd = f->fd;
        f->fd = -1;
    }
    heads(f);
    c2_reply_content(f->req, &content);
}

static void reply_windows(struct file *f)
{
    struct c2_content content = {.nbytes = c2_file_nbytes(&f->bytes, f->cf),
                                 .content_type = type_of(f)->type,
                                 .etag = f->as.etag,
                                 .mtime_ms = -1,
                                 .fd = -1,
                                 .open = open_stretch,
                                 .free = content_free,
                                 .ctx = f};

    heads(f);
    c2_reply_content(f->req, &content);
}

static bool export_work(void *ctx, const struct c2_reading *reading, struct cat2_error *err)
{
    struct file *f = ctx;

    if (f->fd >= 0) close(f->fd); /* of a try before */
    f->fd = c2_fs_open_nameless(f->ds->sub->statefd, ".");
    if (f->fd < 0) return c2_fail_errno(err, errno, "temporary file");
    if (!c2_cachefile_export(reading->cf, f->fd, err)) return false;
    return !f->digested || f->digest[0] || c2_digest_file(f->fd, lseek(f->fd, 0, SEEK_END), f->digest, err);
}

static void export_done(void *ctx, const struct cat2_error *err)
{
    struct file *f = ctx;

    if (err) {
        file_error(f, err);
        return;
    }
    if (f->digest[0]) memcpy(f->ds->digest, f->digest, sizeof(f->digest));
    reply_fd(f);
}

/* ---- the way of serving it ---- */

/* What a range needs first is fetched before the status is sent: whoever asks for what cannot be had is told
 * so, and the pieces under many small ranges come in one trip. */
static bool warm_work(void *ctx, const struct c2_reading *reading, struct cat2_error *err)
{
    struct file *f = ctx;
    C2_AUTO(c2_buf) bytes = C2_BUF_INIT(WINDOW_MEMORY);
    bool ok = true;

    for (size_t i = 0; ok && i < f->nwarmed; i++) {
        c2_buf_clear(&bytes);
        ok = c2_file_read(&f->bytes, reading, f->warmed[i], &bytes, err);
    }
    if (ok && f->nwarmed == 1 && !c2_read_missed(reading)) c2_held_fill(&f->warm, &bytes);
    return ok;
}

static void warm_done(void *ctx, const struct cat2_error *err)
{
    struct file *f = ctx;

    if (err) {
        file_error(f, err);
        return;
    }
    reply_windows(f);
}

static void choose_warmed(struct file *f)
{
    int64_t nbytes = c2_file_nbytes(&f->bytes, f->cf), left = window_of(f->ds);
    struct c2_str header;
    int n = -1;

    f->nwarmed = 0;
    f->rest = 0;
    if (c2_request_range(f->req, f->as.etag, &header))
        n = c2_ranges_parse(header, nbytes, f->warmed, C2_RANGES_MAX);
    if (n < 0) f->warmed[0] = (struct c2_range){0, nbytes};
    if (n > 1 && f->bytes.itself) n = 1; /* of the others each is fetched as it is sent */
    for (int i = 0; i < (n < 0 ? 1 : n) && left > 0; i++, f->nwarmed++) {
        f->rest = c2_max_i64(0, f->warmed[i].n - left);
        f->warmed[i].n -= f->rest;
        left -= f->warmed[i].n;
    }
}

static void serve_windows(void *ctx)
{
    static const struct c2_reader reader = {.work = warm_work, .done = warm_done};
    struct file *f = ctx;
    struct c2_spill *spill = f->ds->sub->views->spill;

    c2_unattend(&f->ds->sub->views->attendance, &f->attended);
    struct c2_bound bound;

    if (c2_request_is_head(f->req) || c2_file_nbytes(&f->bytes, f->cf) == 0) {
        reply_windows(f);
        return;
    }
    choose_warmed(f);
    if (f->nwarmed == 1 && !c2_spill_reserve(spill, (size_t)f->warmed[0].n, &f->warm)) {
        c2_spill_wait(spill, &f->wait, serve_windows, f);
        return;
    }
    if (f->nwarmed == 0) { /* no range of it is there */
        reply_windows(f);
        return;
    }
    struct c2_pieces pieces = c2_file_pieces(&f->bytes, f->warmed, f->nwarmed, &bound);
    pieces.asker = &f->asker;
    pieces.rest = f->rest;
    c2_read(&f->read, f->ds, &pieces, &reader, f);
}

/* ---- the digest of what is served by windows: all of it is needed first ---- */

static bool digest_work(void *ctx, const struct c2_reading *reading, struct cat2_error *err)
{
    struct file *f = ctx;
    int64_t nbytes = c2_file_nbytes(&f->bytes, reading->cf);
    C2_AUTO(c2_buf) window = C2_BUF_INIT(WINDOW_MEMORY);
    struct c2_digest *digest = c2_digest_new();
    bool ok = digest || c2_fail_nomem(err, "SHA-256");

    for (int64_t at = 0; ok && !c2_read_missed(reading) && at < nbytes && !c2_cancelled(err); at += WINDOW) {
        struct c2_range part = {at, c2_min_i64(WINDOW, nbytes - at)};
        c2_buf_clear(&window);
        ok = c2_file_read(&f->bytes, reading, part, &window, err) &&
             c2_digest_add(digest, c2_buf_bytes(&window), err);
    }
    if (c2_cancelled(err)) ok = false;
    if (ok && !c2_read_missed(reading)) return c2_digest_end(digest, f->digest, err);
    c2_digest_free(digest);
    return ok;
}

static void digest_done(void *ctx, const struct cat2_error *err)
{
    struct file *f = ctx;

    if (err) {
        file_error(f, err);
        return;
    }
    if (!f->bytes.itself) memcpy(f->ds->digest, f->digest, sizeof(f->digest));
    serve_windows(f);
}

static void on_left(void *ctx)
{
    struct file *f = ctx;

    atomic_store(&f->asker.cancel.now, true);
}

/* The cache file is there: now it is known how the dataset can be served. */
static void on_ready(void *ctx, const struct cat2_error *err)
{
    static const struct c2_reader digester = {.work = digest_work, .done = digest_done},
                                  exporter = {.work = export_work, .done = export_done};
    struct file *f = ctx;
    struct c2_pieces all = {.need = C2_NEED_ALL, .asker = &f->asker};

    if (err) {
        file_error(f, err);
        return;
    }
    f->cf = c2_cachefile_ref(f->ds->cf);
    c2_attend(&f->ds->sub->views->attendance, &f->attended, f->req, on_left, f);
    if (!f->bytes.itself && !c2_cachefile_is_mirror(f->cf))
        c2_read(&f->read, f->ds, &all, &exporter, f);
    else if (f->digested && !f->digest[0])
        c2_read(&f->read, f->ds, &all, &digester, f);
    else
        serve_windows(f);
}

void c2_file_serve(struct c2_request *req, struct c2_ds *ds, const struct c2_file_as *as)
{
    static const struct c2_reader reader = {.done = on_ready};
    struct cat2_error err;
    struct file *f;

    if (as->itself && !c2_codec_supports(&ds->meta->cparams, &err)) {
        c2_reply_error(req, &err);
        return;
    }
    f = calloc(1, sizeof(*f));
    if (!f) {
        c2_reply_detail(req, 503, "out of memory");
        return;
    }
    f->req = req;
    f->ds = c2_ds_ref(ds);
    f->bytes = (struct c2_file_bytes){ds, as->itself};
    f->fd = -1;
    f->as = *as;
    if (!as->etag) f->as.etag = ds->quoted; /* which the dataset keeps */
    f->digested = c2_digest_wanted(req);
    if (!as->itself) memcpy(f->digest, ds->digest, sizeof(f->digest));
    f->asker.client = c2_view_client(req);
    c2_read(&f->read, ds, &(struct c2_pieces){.need = C2_NEED_FILE}, &reader, f);
}
