/* SPDX-License-Identifier: BSD-3-Clause */
/* sync, and download -r: a root or folder as a directory. Several threads save what has changed since the
 * last time; each saved file is remembered at once, so that what is interrupted goes on where it was. */
#include "bin/cat2cli_sync_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/limits.h"
#include "bin/cat2cli_entries.h"
#include "bin/cat2cli_place.h"
#include "bin/client_options.h"

#define THREADS_MAX 32 /* each has a connection: a subscriber lets few of one address do much at a time */

/* ---- saving ---- */

struct worker {
    struct c2_sync *s;
    pthread_t thread;
    cat2_client *client;
    int64_t counted; /* of the present dataset, in s->done */
};

/* With the mutex. */
static void show(struct c2_sync *s)
{
    char what[64];

    snprintf(what, sizeof(what), "%" PRId64 " of %" PRId64, s->nsaved + s->nfailed, s->ndue);
    c2_cli_bar_show(&s->bar, what, s->done, c2_max_i64(s->total, s->done + 1));
}

static bool on_progress(void *ctx, int64_t nbytes, int64_t total)
{
    struct worker *w = ctx;
    struct c2_sync *s = w->s;

    (void)total;
    pthread_mutex_lock(&s->mutex);
    s->done += nbytes - w->counted;
    w->counted = nbytes;
    show(s);
    bool go_on = !s->stop && !c2_cli_interrupted();
    pthread_mutex_unlock(&s->mutex);
    return go_on;
}

static bool note_file(int at, const char *name, struct c2_saved_file *copy, struct cat2_error *err)
{
    struct stat st;

    if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) != 0) return c2_fail_errno(err, errno, "%.160s", name);
    copy->size = st.st_size;
    copy->mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    return true;
}

/* Without the quotes of a header. */
static char *bare_etag(const char *etag)
{
    struct c2_str text = c2_str_of(etag);

    if (text.n > 1 && text.p[0] == '"' && text.p[text.n - 1] == '"')
        text = (struct c2_str){text.p + 1, text.n - 2};
    return c2_str_dup(text);
}

static bool save(struct worker *w, const struct c2_sync_item *item, struct c2_saved_file *copy,
                 struct cat2_error *err)
{
    struct cat2_download_options options = CAT2_DOWNLOAD_OPTIONS_INIT;
    cat2_dataset *dataset = NULL;
    const char *name;
    int at = c2_place_open_parent(w->s->dirfd, item->file, true, &name, err);

    if (at < 0) return false;
    options.progress = on_progress;
    options.ctx = w;
    options.directory = at;
    options.verify = true;
    bool ok = cat2_dataset_open(w->client, item->entry->path, &dataset, err) &&
              cat2_dataset_download(dataset, name, &options, err) && note_file(at, name, copy, err);
    if (ok) {
        copy->path = c2_str_dup(c2_str_of(item->path));
        copy->file = c2_str_dup(c2_str_of(item->file));
        copy->etag = bare_etag(cat2_dataset_etag(dataset));
        ok = (copy->path && copy->file && copy->etag) || c2_fail_nomem(err, "copies");
    }
    cat2_dataset_free(dataset);
    close(at);
    return ok;
}

/* With the mutex. Remember it now: whatever happens to us, it is not saved again. */
static void saved(struct c2_sync *s, const struct c2_sync_item *item, const struct c2_saved_file *copy)
{
    C2_AUTO(c2_buf) line = C2_BUF_INIT(16 * C2_PATH_MAX);
    struct cat2_error ignored;

    s->nsaved++;
    c2_sync_say(s, "saved", item->file);
    if (!c2_saved_file_line(copy, &line, &ignored) || write(s->remembered, line.p, line.n) != (ssize_t)line.n)
        return; /* then it is only saved again */
}

static void finish(struct worker *w, const struct c2_sync_item *item, bool ok, struct c2_saved_file *copy,
                   const struct cat2_error *err)
{
    struct c2_sync *s = w->s;
    struct cat2_error full;

    pthread_mutex_lock(&s->mutex);
    s->done += item->entry->cbytes - w->counted; /* as was thought */
    w->counted = 0;
    if (ok)
        saved(s, item, copy);
    else if (err->code != CAT2_ECANCELLED)
        c2_sync_fail(s, item->entry->path, err->message);
    bool lost =
        !ok && ((err->code == CAT2_EUPSTREAM && err->http_status == 0) || err->code == CAT2_ECANCELLED);
    if (lost && !s->stop) {
        s->stop = true;
        s->why = *err;
    }
    if (!ok || !c2_vec_push(&s->fresh, C2_COPIES_MAX, "copies", &full, *copy)) {
        free(copy->path);
        free(copy->file);
        free(copy->etag);
    }
    show(s);
    pthread_mutex_unlock(&s->mutex);
}

static const struct c2_sync_item *next_item(struct c2_sync *s)
{
    const struct c2_sync_item *item = NULL;

    pthread_mutex_lock(&s->mutex);
    while (s->next < s->items.n && !s->items.p[s->next].due)
        s->next++;
    if (s->next < s->items.n && !s->stop && !c2_cli_interrupted()) item = &s->items.p[s->next++];
    pthread_mutex_unlock(&s->mutex);
    return item;
}

static void *work(void *ctx)
{
    struct worker *w = ctx;
    const struct c2_sync_item *item;

    while ((item = next_item(w->s))) {
        struct cat2_error err = {0};
        struct c2_saved_file copy = {0};
        bool ok = save(w, item, &copy, &err);
        finish(w, item, ok, &copy, &err);
    }
    return NULL;
}

static bool save_all(struct c2_sync *s, struct cat2_error *err)
{
    struct worker workers[THREADS_MAX] = {{0}};
    int64_t n = c2_max_i64(1, c2_min_i64(s->parallel, s->ndue));
    int nstarted = 0, nclients = 0;
    bool ok = true;

    for (; ok && nclients < n; nclients += ok) {
        ok =
            cat2_client_new(c2_client_host(s->cli->options), &s->cli->access, &workers[nclients].client, err);
        if (ok) cat2_client_on_wait(workers[nclients].client, c2_cli_goes_on, NULL);
        workers[nclients].s = s;
    }
    for (int i = 1; ok && i < nclients; i++, nstarted = i)
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) break;
    if (ok) work(&workers[0]);
    for (int i = 1; i < nstarted; i++)
        pthread_join(workers[i].thread, NULL);
    for (int i = 0; i < nclients; i++)
        cat2_client_free(workers[i].client);
    c2_cli_bar_clear(&s->bar);
    return ok;
}

/* ---- afterwards ---- */

static bool remove_copy(struct c2_sync *s, struct c2_saved_file *copy)
{
    const char *name;
    struct cat2_error err = {0};
    bool dry = c2_options_flag(s->cli->options, "dry-run");

    if (!c2_saved_file_is_whole(s->dirfd, copy)) { /* gone, or somebody's own by now */
        int at = c2_place_open_parent(s->dirfd, copy->file, false, &name, &err);
        struct stat st;
        if (at >= 0 && fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
            c2_sync_say(s, "kept, for it was changed:", copy->file);
        if (at >= 0) close(at);
        return false;
    }
    c2_sync_say(s, dry ? "would remove" : "removed", copy->file);
    s->nremoved++;
    if (dry) return true;
    int at = c2_place_open_parent(s->dirfd, copy->file, false, &name, &err);
    if (at < 0 || unlinkat(at, name, 0) != 0)
        c2_sync_fail(s, copy->path, at < 0 ? err.message : strerror(errno));
    if (at >= 0) close(at);
    for (char *slash; (slash = strrchr(copy->file, '/'));) { /* folders that are empty now */
        *slash = '\0';
        at = c2_place_open_parent(s->dirfd, copy->file, false, &name, &err);
        bool gone = at >= 0 && unlinkat(at, name, AT_REMOVEDIR) == 0;
        if (at >= 0) close(at);
        if (!gone) break;
    }
    return true;
}

/* Copies of what the source has no more; others are remembered further on. */
static void remove_old(struct c2_sync *s, bool delete)
{
    for (size_t i = 0; i < s->copies.n; i++) {
        struct c2_saved_file *copy = &s->copies.p[i];
        if (copy->current) continue;
        copy->current = !delete || !c2_sync_is_wanted(s, copy->path);
        if (!copy->current) (void)remove_copy(s, copy);
    }
}

static bool remember(struct c2_sync *s, struct cat2_error *err)
{
    C2_AUTO(c2_buf) out = C2_BUF_INIT((size_t)4 << 30);
    bool ok = c2_saved_head(s->source, &out, err);

    for (size_t i = 0; ok && i < s->copies.n; i++)
        if (s->copies.p[i].current) ok = c2_saved_file_line(&s->copies.p[i], &out, err);
    for (size_t i = 0; ok && i < s->fresh.n; i++)
        ok = c2_saved_file_line(&s->fresh.p[i], &out, err);
    return ok && c2_fs_replace(s->dirfd, C2_COPIES_NAME, c2_buf_bytes(&out), err);
}

/* The file to which a line is appended for each that is saved. */
static bool open_remembered(struct c2_sync *s, struct cat2_error *err)
{
    C2_AUTO(c2_buf) head = C2_BUF_INIT(16 * C2_PATH_MAX);
    struct stat st;

    s->remembered =
        openat(s->dirfd, C2_COPIES_NAME, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (s->remembered < 0) return c2_fail_errno(err, errno, "%.100s/" C2_COPIES_NAME, s->where);
    if (fstat(s->remembered, &st) != 0 || st.st_size > 0) return true;
    return c2_saved_head(s->source, &head, err) &&
           (write(s->remembered, head.p, head.n) == (ssize_t)head.n ||
            c2_fail_errno(err, errno, "%.100s/" C2_COPIES_NAME, s->where));
}

static bool run(struct c2_sync *s, bool delete, struct cat2_error *err)
{
    const struct c2_entries_ask ask = {.deep = true};
    bool dry = c2_options_flag(s->cli->options, "dry-run");

    if (!c2_saved_read(s->dirfd, s->source, &s->copies, err)) return c2_fail_within(err, "%.100s", s->where);
    if (!c2_entries_beneath(s->cli, s->source, &ask, &s->entries, err) || !c2_sync_make_items(s, err))
        return false;
    c2_sync_judge_items(s);
    if (dry) {
        for (size_t i = 0; i < s->items.n; i++)
            if (s->items.p[i].due) c2_sync_say(s, "would save", s->items.p[i].file);
        remove_old(s, delete);
        return true;
    }
    if (s->ndue && (!open_remembered(s, err) || !save_all(s, err))) return false;
    bool whole = !s->stop && !c2_cli_interrupted();
    remove_old(s, delete &&whole);
    return remember(s, err);
}

/* How it went. false: not all of it is there now. */
static bool report(struct c2_sync *s, struct cat2_error *err)
{
    const char *would = c2_options_flag(s->cli->options, "dry-run") ? "would be " : "";
    int64_t nsaved = *would ? s->ndue : s->nsaved;

    if (!s->cli->json) {
        c2_cli_put(s->cli, c2_str_of(s->source));
        printf(": %" PRId64 " %ssaved, %" PRId64 " unchanged, %" PRId64 " %sremoved, %" PRId64 " failed\n",
               nsaved, would, s->nunchanged, s->nremoved, would, s->nfailed);
    }
    if (c2_cli_interrupted())
        return c2_fail(err, CAT2_ECANCELLED, "%.150s: interrupted; the same command goes on from here",
                       s->source);
    if (s->stop) {
        *err = s->why;
        return c2_fail_within(err, "%.60s: stopped after %" PRId64 " of %" PRId64, s->source, s->nsaved,
                              s->ndue);
    }
    return s->nfailed == 0 || c2_fail(err, CAT2_EUPSTREAM, "%.150s: %" PRId64 " of %zu could not be saved",
                                      s->source, s->nfailed, s->items.n);
}

/* The directory of the copies; what is beneath the one that the user named is reached through no link. */
static int open_target(const char *directory, const char *beneath, struct cat2_error *err)
{
    C2_AUTO(c2_buf) rel = C2_BUF_INIT(8 * C2_PATH_MAX);
    const char *name;
    int fd = c2_fs_open_dir(directory, true, err), target = fd;

    if (fd < 0 || !beneath) return fd;
    target = c2_buf_printf(&rel, err, "%s/" C2_COPIES_NAME, beneath)
                 ? c2_place_open_parent(fd, c2_buf_cstr(&rel), true, &name, err)
                 : -1;
    close(fd);
    return target;
}

bool c2_sync(const struct c2_cli *cli, const char *source, const char *directory, const char *beneath,
             bool delete, struct cat2_error *err)
{
    C2_AUTO(c2_buf) out = C2_BUF_INIT((size_t)1 << 31), where = C2_BUF_INIT(8 * C2_PATH_MAX);
    struct c2_jw w;
    struct c2_sync s = {.cli = cli, .source = source, .remembered = -1, .w = &w};

    if (!c2_options_number(cli->options, "parallel", 1, THREADS_MAX, &s.parallel, err)) return false;
    if (!c2_buf_printf(&where, err, "%s%s%s", directory, beneath ? "/" : "", beneath ? beneath : ""))
        return false;
    s.where = c2_buf_cstr(&where);
    s.dirfd = open_target(directory, beneath, err);
    if (s.dirfd < 0) return false;
    pthread_mutex_init(&s.mutex, NULL);
    c2_cli_bar_open(&s.bar);
    c2_cli_catch_interrupts();
    c2_jw_init(&w, &out, C2_JSON_PYTHON, err);
    c2_jw_begin_object(&w);
    c2_jw_open_array(&w, "failed");
    bool ok = run(&s, delete, err);
    c2_jw_end_array(&w);
    c2_jw_put_int(&w, "saved", s.nsaved);
    c2_jw_put_int(&w, "unchanged", s.nunchanged);
    c2_jw_put_int(&w, "removed", s.nremoved);
    c2_jw_end_object(&w);
    ok = ok && c2_jw_finish(&w) && (!cli->json || c2_cli_put_json(&out, err));
    ok = ok && report(&s, err);
    for (size_t i = 0; i < s.items.n; i++)
        free(s.items.p[i].file);
    c2_vec_fini(&s.items);
    c2_entries_fini(&s.entries);
    c2_saved_fini(&s.copies);
    c2_saved_fini(&s.fresh);
    if (s.remembered >= 0) close(s.remembered);
    close(s.dirfd);
    pthread_mutex_destroy(&s.mutex);
    return ok;
}
