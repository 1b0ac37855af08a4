/* SPDX-License-Identifier: BSD-3-Clause */
/* A tree watched by inotify: a watch per directory, changes gathered until the tree is quiet for a moment. */
#include "net/watch.h"
#include "base/vec.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>
#include <uv.h>

#include "base/fs.h"
#include "base/limits.h"
#include "base/log.h"

#define QUIET_MS    50    /* events close together are told as one change */
#define PATIENCE_MS 1600  /* what never rests is told all the same */
#define PENDING_MAX 65536 /* beyond, "look at everything" is cheaper */

struct c2_watch {
    struct c2_loop *loop;
    uv_poll_t poll;
    uv_timer_t timer;
    int fd, handles_open;
    char *root;
    char **dirs; /* by watch descriptor: relative path, "" for the root */
    size_t dirs_cap;
    struct {
        C2_VEC(char *);
    } pending;
    bool everything, timing, flat;
    const char *missing; /* why not every directory is watched; NULL: all are */
    int64_t first_ms;
    c2_watch_fn *changed;
    void *ctx;
};

static void note(struct c2_watch *w, const char *rel)
{
    int64_t now = c2_loop_now_ms(w->loop);
    struct cat2_error ignored;

    if (!c2_vec_room(&w->pending, PENDING_MAX, "changes", &ignored)) w->everything = true;
    bool repeated = w->pending.n && strcmp(w->pending.p[w->pending.n - 1], rel) == 0;
    char *copy = w->everything || repeated ? NULL : strdup(rel);
    if (copy)
        w->pending.p[w->pending.n++] = copy;
    else if (!repeated)
        w->everything = true;
    if (!w->timing) w->first_ms = now;
    w->timing = true;
}

static void miss(struct c2_watch *w, const char *path, const char *why)
{
    if (!w->missing) c2_log_warn("watch: %s: changes below %.200s give no events", why, path);
    w->missing = why;
}

static bool is_state(const char *path)
{
    char mark[8192 + sizeof(C2_STATE_MARK)];

    snprintf(mark, sizeof(mark), "%s/%s", path, C2_STATE_MARK);
    return access(mark, F_OK) == 0;
}

static int depth_of(const char *rel)
{
    int depth = *rel != '\0';

    for (; *rel; rel++)
        depth += *rel == '/';
    return depth;
}

/* Directories that are still to be watched. They are handled one after another, so a deep tree needs neither
 * many descriptors nor much stack. */
struct todo {
    C2_VEC(char *);
};

static void put_off(struct c2_watch *w, struct todo *todo, const char *rel)
{
    char *copy = strdup(rel);
    struct cat2_error ignored;

    if (copy && c2_vec_push(todo, C2_VEC_NO_MAX, "directories", &ignored, copy)) return;
    free(copy);
    miss(w, rel, "no memory");
}

/* What is in a new directory may have been made before it was watched. */
static void scan(struct c2_watch *w, const char *path, const char *rel, bool report, struct todo *todo)
{
    DIR *dir = opendir(path);

    if (!dir) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) miss(w, path, "no more descriptors");
        return;
    }
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        char name[C2_PATH_MAX + 2], full[8192];
        struct stat st;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        int n = snprintf(name, sizeof(name), "%s%s%s", rel, *rel ? "/" : "", entry->d_name);
        int m = snprintf(full, sizeof(full), "%s/%s", path, entry->d_name);
        if (n < 0 || (size_t)n >= sizeof(name) || m < 0 || (size_t)m >= sizeof(full)) continue;
        bool is_dir = entry->d_type == DT_DIR;
        if (entry->d_type == DT_UNKNOWN) is_dir = lstat(full, &st) == 0 && S_ISDIR(st.st_mode);
        if (is_dir)
            put_off(w, todo, name);
        else if (report)
            note(w, name);
    }
    closedir(dir);
}

static void add_one(struct c2_watch *w, const char *rel, bool report, struct todo *todo)
{
    const uint32_t mask = IN_CREATE | IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE |
                          IN_MODIFY | IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK | IN_MOVE_SELF |
                          IN_DELETE_SELF;
    char path[8192];
    int n = snprintf(path, sizeof(path), "%s%s%s", w->root, *rel ? "/" : "", rel);

    if (w->fd < 0 || n < 0 || (size_t)n >= sizeof(path) || depth_of(rel) > (w->flat ? 0 : C2_TREE_DEPTH_MAX))
        return;
    if (*rel && is_state(path)) return;
    int wd = inotify_add_watch(w->fd, path, *rel ? mask : mask & ~(uint32_t)IN_DONT_FOLLOW);
    if (wd < 0) {
        if (errno == ENOSPC || errno == ENOMEM) miss(w, path, "no more inotify watches");
        if (errno == ENAMETOOLONG) miss(w, path, "its path is too long");
        return;
    }
    if ((size_t)wd >= w->dirs_cap) {
        size_t cap = (size_t)wd * 2 + 64;
        char **grown = realloc(w->dirs, cap * sizeof(*grown));
        if (!grown) return;
        memset(grown + w->dirs_cap, 0, (cap - w->dirs_cap) * sizeof(*grown));
        w->dirs = grown;
        w->dirs_cap = cap;
    }
    free(w->dirs[wd]);
    w->dirs[wd] = strdup(rel);
    scan(w, path, rel, report, todo);
}

/* The directory and all below it. */
static void add_dir(struct c2_watch *w, const char *rel, bool report)
{
    struct todo todo = {0};

    put_off(w, &todo, rel);
    while (todo.n > 0) {
        char *next = todo.p[--todo.n];
        add_one(w, next, report, &todo);
        free(next);
    }
    c2_vec_fini(&todo);
}

/* Directories at or below rel are no longer where they were. */
static void forget_dirs(struct c2_watch *w, const char *rel)
{
    size_t n = strlen(rel);

    for (size_t wd = 0; wd < w->dirs_cap; wd++) {
        const char *dir = w->dirs[wd];
        if (!dir || strncmp(dir, rel, n) != 0 || (dir[n] != '\0' && dir[n] != '/')) continue;
        inotify_rm_watch(w->fd, (int)wd);
        free(w->dirs[wd]);
        w->dirs[wd] = NULL;
    }
}

static void on_event(struct c2_watch *w, const struct inotify_event *event)
{
    char rel[C2_PATH_MAX + 2];

    if (event->mask & IN_Q_OVERFLOW) {
        c2_log_warn("watch: events below %.200s were lost: looking at everything", w->root);
        w->everything = true;
        add_dir(w, "", false); /* there may be directories we know nothing of */
        note(w, "");
        return;
    }
    if (event->wd < 0 || (size_t)event->wd >= w->dirs_cap || !w->dirs[event->wd]) return;
    const char *dir = w->dirs[event->wd];
    if (event->mask & IN_IGNORED) {
        free(w->dirs[event->wd]);
        w->dirs[event->wd] = NULL;
        return;
    }
    if (!*dir && event->mask & (IN_MOVE_SELF | IN_DELETE_SELF)) {
        w->everything = true; /* another directory may be where this one was */
        note(w, "");
        return;
    }
    if (event->len == 0) return; /* of the directory itself: its parent tells */
    int n = snprintf(rel, sizeof(rel), "%s%s%s", dir, *dir ? "/" : "", event->name);
    if (n < 0 || (size_t)n > C2_PATH_MAX) return;
    if (!(event->mask & IN_ISDIR)) {
        note(w, rel);
        return;
    }
    if (event->mask & (IN_MOVED_FROM | IN_DELETE)) {
        if (event->mask & IN_MOVED_FROM) w->everything = true; /* every file below it is gone */
        forget_dirs(w, rel);
        note(w, rel);
    }
    if (event->mask & (IN_CREATE | IN_MOVED_TO)) add_dir(w, rel, true);
}

static void on_timer(uv_timer_t *timer)
{
    struct c2_watch *w = timer->data;
    char **pending = w->pending.p;
    size_t n = w->pending.n;
    bool everything = w->everything;

    w->pending.p = NULL;
    w->pending.n = w->pending.cap = 0;
    w->everything = w->timing = false;
    if (everything) w->changed(w->ctx, NULL);
    for (size_t i = 0; i < n; i++) {
        if (!everything) w->changed(w->ctx, pending[i]);
        free(pending[i]);
    }
    free(pending);
}

static void read_events(struct c2_watch *w)
{
    _Alignas(struct inotify_event) char bytes[65536];
    ssize_t n;

    while ((n = read(w->fd, bytes, sizeof(bytes))) > 0)
        for (char *p = bytes; p < bytes + n;) {
            const struct inotify_event *event = (const void *)p;
            on_event(w, event);
            p += sizeof(*event) + event->len;
        }
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct c2_watch *w = poll->data;

    (void)status;
    (void)events;
    read_events(w);
    if (!w->timing) return;
    int64_t waited = c2_loop_now_ms(w->loop) - w->first_ms;
    uv_timer_start(&w->timer, on_timer, (uint64_t)c2_max_i64(0, c2_min_i64(QUIET_MS, PATIENCE_MS - waited)),
                   0);
}

void c2_watch_hear(struct c2_watch *w)
{
    if (w->fd >= 0) read_events(w);
    if (!w->timing) return;
    uv_timer_stop(&w->timer);
    on_timer(&w->timer);
}

static void watch_free(struct c2_watch *w)
{
    for (size_t i = 0; i < w->dirs_cap; i++)
        free(w->dirs[i]);
    for (size_t i = 0; i < w->pending.n; i++)
        free(w->pending.p[i]);
    free(w->dirs);
    c2_vec_fini(&w->pending);
    free(w->root);
    free(w);
}

static bool watch_new(struct c2_loop *loop, const char *dir, struct c2_watch like, struct c2_watch **out,
                      struct cat2_error *err)
{
    struct c2_watch *w = calloc(1, sizeof(*w));

    if (!w) return c2_fail_nomem(err, "watch");
    *w = like;
    w->loop = loop;
    w->root = strdup(dir);
    if (!w->root) {
        watch_free(w);
        return c2_fail_nomem(err, "watch");
    }
    w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (w->fd < 0) miss(w, w->root, "no more inotify instances");
    uv_timer_init(c2_loop_uv(loop), &w->timer);
    w->poll.data = w->timer.data = w;
    w->handles_open = 1;
    if (w->fd >= 0) {
        uv_poll_init(c2_loop_uv(loop), &w->poll, w->fd);
        w->handles_open = 2;
        add_dir(w, "", false);
        uv_poll_start(&w->poll, UV_READABLE, on_readable);
    }
    *out = w;
    return true;
}

bool c2_watch_new(struct c2_loop *loop, const char *dir, c2_watch_fn *changed, void *ctx,
                  struct c2_watch **out, struct cat2_error *err)
{
    return watch_new(loop, dir, (struct c2_watch){.changed = changed, .ctx = ctx}, out, err);
}

bool c2_watch_flat_new(struct c2_loop *loop, const char *dir, c2_watch_fn *changed, void *ctx,
                       struct c2_watch **out, struct cat2_error *err)
{
    return watch_new(loop, dir, (struct c2_watch){.changed = changed, .ctx = ctx, .flat = true}, out, err);
}

bool c2_watch_is_complete(const struct c2_watch *w, const char **why)
{
    if (w->missing) *why = w->missing;
    return !w->missing;
}

static void on_closed(uv_handle_t *handle)
{
    struct c2_watch *w = handle->data;

    if (--w->handles_open == 0) watch_free(w);
}

void c2_watch_free(struct c2_watch *w)
{
    if (!w) return;
    if (w->fd >= 0) {
        uv_close((uv_handle_t *)&w->poll, on_closed); /* while the descriptor is still its own */
        close(w->fd);
    }
    uv_close((uv_handle_t *)&w->timer, on_closed);
}
