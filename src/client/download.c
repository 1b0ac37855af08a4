/* SPDX-License-Identifier: BSD-3-Clause */
/* A whole dataset into a local file. The bytes are written to FILE.part (with FILE.part.etag naming their
 * generation), are checked as a frame, and only then take FILE's place; a plain file is decompressed on the
 * way. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/limits.h"
#include "blosc/frame.h"
#include "cache/cache_name.h"
#include "client/internal.h"
#include "http/repr_digest.h"

/* Of larger ones the digest is asked for afterwards: a server makes it of all bytes before it sends any. */
#define DIGEST_AT_ONCE (8 << 20)
#define WANT_DIGEST    "Want-Repr-Digest: sha-256=1"

struct download {
    cat2_dataset *dataset;
    const struct cat2_download_options *options;
    char *file;       /* what is replaced: links are followed */
    char *part, *tag; /* FILE.part, FILE.part.etag */
    int at;           /* the directory that they are beneath */
    int fd;
    int64_t have;               /* bytes in part that count */
    bool started;               /* the answer's status has been looked at */
    char digest[C2_DIGEST_MAX]; /* as the server says; "": it does not */
};

static bool report(const struct download *d, int64_t total, struct cat2_error *err)
{
    if (!d->options->progress || d->options->progress(d->options->ctx, d->have, total)) return true;
    return c2_fail(err, CAT2_ECANCELLED, "download cancelled");
}

/* The first bytes of an answer: 206 goes on where we were, 200 starts anew and notes its generation. */
static bool start(struct download *d, const struct c2_exchange *http, struct cat2_error *err)
{
    struct c2_str etag = {"", 0};

    d->started = true;
    if (http->status == 206) return true;
    d->have = 0;
    if (ftruncate(d->fd, 0) != 0) return c2_fail_errno(err, errno, "%.150s", d->part);
    c2_exchange_header(http, "etag", &etag);
    C2_AUTO(c2_fd) tag = {openat(d->at, d->tag, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666)};
    if (tag.fd < 0) return c2_fail_errno(err, errno, "%.150s", d->tag);
    return c2_fs_pwrite(tag.fd, etag.p, etag.n, 0, err);
}

static bool sink(void *ctx, struct c2_exchange *http, struct c2_bytes bytes, struct cat2_error *err)
{
    struct download *d = ctx;

    if (!d->started && !start(d, http, err)) return false;
    int64_t total = http->content_length < 0 ? -1 : http->content_length;
    if (total >= 0 && http->status == 206) {
        struct c2_str range, before, size;
        if (c2_exchange_header(http, "content-range", &range) && c2_str_cut(range, '/', &before, &size))
            if (!c2_str_to_i64(size, &total)) total = -1;
    }
    if (!c2_fs_pwrite(d->fd, bytes.p, bytes.n, d->have, err)) return c2_fail_within(err, "%.120s", d->part);
    d->have += (int64_t)bytes.n;
    return report(d, total, err);
}

/* What an interrupted try left, when its generation can be named in If-Range. */
static void look_for_part(struct download *d, char *if_range, size_t size)
{
    C2_AUTO(c2_buf) tag = {0};
    struct cat2_error ignored;
    struct stat st;
    C2_AUTO(c2_fd) file = {openat(d->at, d->tag, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};

    d->have = 0;
    if_range[0] = '\0';
    if (d->options->resume && file.fd >= 0 && c2_fs_read(file.fd, 512, &tag, &ignored) && tag.n &&
        tag.p[0] == '"' && fstat(d->fd, &st) == 0 && st.st_size > 0) {
        snprintf(if_range, size, "If-Range: %s", c2_buf_cstr(&tag));
        d->have = st.st_size;
    }
}

/* The frame, as a file; that of a plain file lies beside it. */
static bool frame_file(const struct download *d, struct c2_buf *target, struct cat2_error *err)
{
    bool plain = d->dataset->meta.kind == C2_KIND_FILE;
    const char *from = d->dataset->accepts_ranges && !plain ? "/api/download/" : "/files/";

    return c2_client_target(from, d->dataset->path, target, err) &&
           c2_buf_puts(target, plain ? ".b2" : "", err);
}

/* Where the bytes are. A Python server must first be asked to complete its copy: by download-url, or in
 * release 0.2.0 by download, which answers the URL; then it serves the copy as a file. */
static bool choose_target(struct download *d, struct c2_buf *target, struct cat2_error *err)
{
    const char *const asks[] = {"/api/download-url/", "/api/download/"};
    bool ready = d->dataset->accepts_ranges;

    for (size_t i = 0; i < C2_ARRAY_LEN(asks) && !ready; i++) {
        C2_AUTO(c2_buf) ask = C2_BUF_INIT(4 * C2_PATH_MAX);
        C2_AUTO(c2_exchange) http = {.body = C2_BUF_INIT(65536)};
        if (!c2_client_target(asks[i], d->dataset->path, &ask, err)) return false;
        http.target = c2_buf_cstr(&ask);
        ready = c2_exchange_run(&d->dataset->client->session, &http, err);
        if (!ready && http.status != 404) return false;
    }
    return ready && frame_file(d, target, err);
}

static void take_digest(struct download *d, const struct c2_exchange *http)
{
    struct c2_str text;

    if (c2_exchange_header(http, "repr-digest", &text) && text.n < sizeof(d->digest))
        snprintf(d->digest, sizeof(d->digest), "%.*s", C2_STR_ARG(text));
}

static bool receive(struct download *d, struct cat2_error *err)
{
    char range[64], if_range[600];
    bool digest = d->options->verify && d->dataset->meta.cbytes <= DIGEST_AT_ONCE;
    const char *headers[] = {range, if_range, digest ? WANT_DIGEST : NULL, NULL};
    C2_AUTO(c2_buf) target = C2_BUF_INIT(4 * C2_PATH_MAX);
    C2_AUTO(c2_exchange) http = {.body = C2_BUF_INIT(65536), .sink = sink, .ctx = d};

    if (!choose_target(d, &target, err)) return false;
    look_for_part(d, if_range, sizeof(if_range));
    snprintf(range, sizeof(range), "Range: bytes=%lld-", (long long)d->have);
    http.target = c2_buf_cstr(&target);
    http.headers = d->have > 0 ? headers : headers + 2;
    d->started = false;
    if (!c2_exchange_run(&d->dataset->client->session, &http, err)) {
        if (http.status != 416) return false;
        http.headers = headers + 2; /* the part is as long as the whole, or longer: begin again */
        d->have = 0;
        *err = (struct cat2_error){0};
        c2_buf_clear(&http.body);
        if (!c2_exchange_run(&d->dataset->client->session, &http, err)) return false;
    }
    if (!d->started && !start(d, &http, err)) return false;
    take_digest(d, &http);
    return ftruncate(d->fd, d->have) == 0 || c2_fail_errno(err, errno, "%.150s", d->part);
}

/* What is here is what the server has, by its own digest of the generation that came; a server that gives
 * none is believed. */
static bool verify(struct download *d, struct cat2_error *err)
{
    C2_AUTO(c2_buf) target = C2_BUF_INIT(4 * C2_PATH_MAX), tag = {0};
    C2_AUTO(c2_exchange) http = {.body = C2_BUF_INIT(65536)};
    C2_AUTO(c2_fd) file = {openat(d->at, d->tag, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
    char ours[C2_DIGEST_MAX], if_match[600];
    const char *headers[] = {WANT_DIGEST, "Range: bytes=0-0", if_match, NULL};

    if (!d->options->verify || !d->dataset->accepts_ranges) return true;
    if (!*d->digest) {
        if (file.fd < 0 || !c2_fs_read(file.fd, 512, &tag, err)) return true;
        snprintf(if_match, sizeof(if_match), "If-Match: %s", c2_buf_cstr(&tag));
        http.headers = headers;
        if (!frame_file(d, &target, err)) return false;
        http.target = c2_buf_cstr(&target);
        if (!c2_exchange_run(&d->dataset->client->session, &http, err)) return false;
        take_digest(d, &http);
    }
    if (!*d->digest) return true;
    if (!c2_digest_file(d->fd, d->have, ours, err)) return false;
    return strcmp(ours, d->digest) == 0 ||
           c2_fail(err, CAT2_EDATA, "what was received is not what %.200s has: its SHA-256 is another",
                   d->dataset->client->session.base);
}

/* Decompress a .b2 frame into out, a chunk at a time. */
static bool unpack(cat2_client *client, struct c2_frame *frame, int out, struct cat2_error *err)
{
    const struct c2_meta *meta = c2_frame_meta(frame);
    size_t size = (size_t)c2_max_i64(meta->chunksize, 1);
    uint8_t *items = malloc(size);
    C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
    bool ok = items || c2_fail_nomem(err, "chunk");

    for (int64_t nchunk = 0; ok && nchunk < meta->nchunks; nchunk++) {
        int64_t at = nchunk * meta->chunksize;
        size_t n = (size_t)c2_min_i64(meta->chunksize, meta->nbytes - at);
        c2_buf_clear(&chunk);
        ok = c2_frame_chunk(frame, nchunk, &chunk, err) &&
             c2_codec_decode(client->codec, meta, c2_buf_bytes(&chunk), items, err) &&
             c2_fs_pwrite(out, items, n, at, err);
    }
    free(items);
    return ok;
}

/* Where a file is in the way of a directory, as when a container was saved there whole, the error names both.
 * Always false. */
static bool explain(const char *file, char *dir, struct cat2_error *err)
{
    struct stat st;

    for (char *slash = strchr(dir + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash) *slash = '\0';
        if (stat(dir, &st) == 0 && !S_ISDIR(st.st_mode))
            return c2_fail(err, CAT2_EIO, "%.150s is a file, so %.150s cannot be saved beneath it", dir,
                           file);
        if (!slash) return false;
        *slash = '/';
    }
}

static bool make_parents(const char *file, struct cat2_error *err)
{
    const char *slash = strrchr(file, '/');
    char dir[4096];

    if (!slash || slash == file) return true;
    int n = snprintf(dir, sizeof(dir), "%.*s", (int)(slash - file), file);
    if (n < 0 || (size_t)n >= sizeof(dir)) return c2_fail(err, CAT2_ELIMIT, "path too long: %.100s", file);
    C2_AUTO(c2_fd) made = {c2_fs_open_dir(dir, true, err)};
    return made.fd >= 0 || explain(file, dir, err);
}

/* Check what came, and give it its place. */
static bool finish(struct download *d, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_frame) *frame = NULL;
    C2_AUTO(c2_buf) plain = C2_BUF_INIT(4 * C2_PATH_MAX);
    int fd = openat(d->at, d->part, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    const char *ready = d->part;
    bool ok = true;

    if (fd < 0) return c2_fail_errno(err, errno, "%.150s", d->part);
    if (!c2_frame_open_fd(fd, d->part, &frame, err))
        return c2_fail_within(err, "what was received is no valid frame");
    if (d->dataset->meta.kind == C2_KIND_FILE) {
        if (!c2_buf_printf(&plain, err, "%s.plain", d->part)) return false;
        ready = c2_buf_cstr(&plain);
        int out = openat(d->at, ready, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (out < 0) return c2_fail_errno(err, errno, "%.150s", ready);
        ok = unpack(d->dataset->client, frame, out, err);
        close(out);
    }
    if (ok && renameat(d->at, ready, d->at, d->file) != 0) ok = c2_fail_errno(err, errno, "%.150s", d->file);
    if (!ok && ready != d->part) unlinkat(d->at, ready, 0);
    if (ok && ready != d->part) unlinkat(d->at, d->part, 0);
    if (ok) unlinkat(d->at, d->tag, 0);
    return ok;
}

/* FILE with a suffix; a name that leaves no room for it is cut, as caches do. */
static char *with_suffix(const char *file, const char *suffix)
{
    const char *name = c2_path_name(file);
    C2_AUTO(c2_buf) out = C2_BUF_INIT(strlen(file) + 100);
    struct cat2_error err;

    bool ok = c2_buf_append(&out, file, (size_t)(name - file), &err) &&
              c2_name_fit(c2_str_of(name), C2_NAME_MAX - 16, &out, &err) && c2_buf_puts(&out, suffix, &err);
    return ok ? c2_str_dup(c2_buf_str(&out)) : NULL;
}

/* What the data takes the place of: what links of the user's lead to. Beneath a directory of copies nothing
 * is followed. */
static bool find_file(struct download *d, const char *file, struct cat2_error *err)
{
    struct stat st;
    bool through = false;

    if (d->at == AT_FDCWD) {
        if (!c2_fs_result(file, &d->file, &through, err)) return false;
    } else if (!(d->file = c2_str_dup(c2_str_of(file)))) {
        return c2_fail_nomem(err, "file names");
    } else if (fstatat(d->at, file, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        through = !S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode) && !S_ISDIR(st.st_mode);
    }
    if (through)
        return c2_fail(err, CAT2_EIO, "%.150s is a device or pipe and no file: %.100s is not saved there",
                       file, d->dataset->path);
    d->part = with_suffix(d->file, ".part");
    d->tag = with_suffix(d->file, ".part.etag");
    return (d->part && d->tag) || c2_fail_nomem(err, "file names");
}

static bool is_no_directory(const struct download *d, struct cat2_error *err)
{
    struct stat st;
    int flags = d->at == AT_FDCWD ? 0 : AT_SYMLINK_NOFOLLOW;

    return fstatat(d->at, d->file, &st, flags) != 0 || !S_ISDIR(st.st_mode) ||
           c2_fail(err, CAT2_EIO, "%.150s is a directory, so %.100s cannot be saved in its place", d->file,
                   d->dataset->path);
}

static bool run(struct download *d, struct cat2_error *err)
{
    struct stat st;

    if ((d->at == AT_FDCWD && !make_parents(d->file, err)) || !is_no_directory(d, err)) return false;
    d->fd = openat(d->at, d->part, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (d->fd < 0) return c2_fail_errno(err, errno, "%.150s", d->part);
    if (fstat(d->fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(d->fd);
        return c2_fail(err, CAT2_EIO, "%.150s is no file: remove it", d->part);
    }
    bool ok = (receive(d, err) && verify(d, err) && finish(d, err)) || c2_client_named(d->dataset->path, err);
    if (!ok && err->code == CAT2_EDATA) { /* a part that does not add up must not be resumed */
        unlinkat(d->at, d->part, 0);
        unlinkat(d->at, d->tag, 0);
    }
    close(d->fd);
    return ok;
}

static void forget(const struct download *d)
{
    free(d->file);
    free(d->part);
    free(d->tag);
}

bool c2_download_may(cat2_dataset *dataset, const char *file, struct cat2_error *err)
{
    struct download d = {.dataset = dataset, .at = AT_FDCWD, .fd = -1};

    bool ok = find_file(&d, file, err) && is_no_directory(&d, err);
    forget(&d);
    return ok;
}

bool cat2_dataset_download(cat2_dataset *dataset, const char *file,
                           const struct cat2_download_options *options, struct cat2_error *err)
{
    struct cat2_download_options known = CAT2_DOWNLOAD_OPTIONS_INIT;
    struct cat2_error mine;
    struct download d = {.dataset = dataset, .options = &known, .fd = -1};

    err = c2_err_or(err, &mine);
    if (options && !c2_options_take(options, options->size, &known, sizeof(known), err)) return false;
    d.at = known.directory < 0 ? AT_FDCWD : (int)known.directory;
    bool ok = find_file(&d, file, err) && run(&d, err);
    forget(&d);
    return ok;
}
