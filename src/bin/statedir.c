/* SPDX-License-Identifier: BSD-3-Clause */
/* Default state directories, and what earlier versions kept elsewhere. */
#include "bin/statedir.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/limits.h"
#include "base/log.h"
#include "cache/cache_name.h"
#include "state/state.h"

#define HOUSE       "_caterva2"
#define LOOKED_MAX  1000 /* paths that tell whose an old state is */
#define NAME_LENGTH 240  /* bytes of a name that is part of a directory's */

static bool given(const struct c2_options *options, char out[C2_STATEDIR_MAX], struct cat2_error *err)
{
    const char *text = c2_options_text(options, "statedir");
    int n = snprintf(out, C2_STATEDIR_MAX, "%s", text);

    return n < C2_STATEDIR_MAX ||
           c2_fail(err, CAT2_EINVAL, "--statedir is longer than %d bytes", C2_STATEDIR_MAX - 1);
}

static bool named(const char *kind, const char *name, char out[C2_STATEDIR_MAX], struct cat2_error *err)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(C2_STATEDIR_MAX - 1);

    if (!c2_buf_printf(&text, err, HOUSE "/%s.", kind) ||
        !c2_name_fit(c2_str_of(name), NAME_LENGTH, &text, err))
        return false;
    memcpy(out, text.p, text.n);
    out[text.n] = '\0';
    return true;
}

static bool is_there(const char *folder, const char *file)
{
    char path[C2_STATEDIR_MAX + 300];
    struct stat st;

    snprintf(path, sizeof(path), "%s/%s", folder, file);
    return lstat(path, &st) == 0;
}

/* ---- whose is it? ---- */

struct look {
    int rootfd; /* -1: the root is a file */
    struct stat root;
    int nknown, nfound;
};

/* One path that was announced. What lies in an HDF5 file ends at that file. */
static bool look_at_path(void *ctx, struct c2_str key, struct c2_str value, struct cat2_error *err)
{
    struct look *look = ctx;
    char path[C2_PATH_MAX + 1];
    struct stat st;

    (void)value;
    (void)err;
    if (look->rootfd < 0 || look->nknown == LOOKED_MAX || key.n == 0 || key.n > C2_PATH_MAX ||
        key.p[0] == '/')
        return true;
    memcpy(path, key.p, key.n);
    path[key.n] = '\0';
    look->nknown++;
    look->nfound += fstatat(look->rootfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 || errno == ENOTDIR;
    return true;
}

/* The record of a root that is a file: "VALIDATOR ETAG MTIME F DEV INO ...". */
static void look_at_file(struct look *look, struct c2_str record)
{
    struct c2_str word = {0};
    char inode[24];

    for (int i = 0; i < 6; i++)
        c2_str_cut(record, ' ', &word, &record);
    snprintf(inode, sizeof(inode), "%" PRIu64, (uint64_t)look->root.st_ino);
    look->nknown = 1;
    look->nfound = c2_str_is(word, inode);
}

/* States of earlier versions do not name their root: its datasets do. */
static bool looks_like(struct c2_state *state, const char *root)
{
    C2_AUTO(c2_buf) record = C2_BUF_INIT(4096);
    C2_AUTO(c2_fd) dir = {open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    struct look look = {.rootfd = dir.fd};
    struct cat2_error err;

    if (look.rootfd < 0 && stat(root, &look.root) == 0 &&
        c2_state_get(state, "generations", C2_STR("."), &record, &err))
        look_at_file(&look, c2_buf_str(&record));
    (void)c2_state_each(state, "etags", C2_STR(""), look_at_path, &look, &err);
    return 2 * look.nfound > look.nknown;
}

/* *whose: the root's name, when the state has it. */
static bool is_of_root(struct c2_state *state, const char *name, const char *root)
{
    C2_AUTO(c2_buf) known = C2_BUF_INIT(C2_NAME_MAX);
    struct cat2_error err;

    if (c2_state_get(state, "about", C2_STR("root"), &known, &err))
        return c2_str_is(c2_buf_str(&known), name);
    return looks_like(state, root);
}

static bool publisher_owns(const char *old, const struct c2_state_kind *kind, const char *name,
                           const char *root)
{
    struct c2_state *state = NULL;
    struct cat2_error err;

    if (!c2_state_open(old, kind, &state, &err)) {
        c2_log_warn("%s, of an earlier version, is not taken over: %s", old, err.message);
        return false;
    }
    bool ours = is_of_root(state, name, root);
    c2_state_close(state);
    if (!ours) c2_log_info("%s, of an earlier version, is the state of another root and left as it is", old);
    return ours;
}

/* ---- taking over ---- */

static void take_over(const char *old, const char *fresh)
{
    struct cat2_error err;

    if (rename(old, fresh) == 0) {
        c2_log_info("state directory %s, of an earlier version, is now %s", old, fresh);
        return;
    }
    (void)c2_fail_errno(&err, errno, "%.100s", fresh);
    c2_log_warn("state directory %s, of an earlier version, is not taken over: %s", old, err.message);
}

/* Services that start at the same time look one after the other. */
static struct c2_fd lock_house(void)
{
    struct c2_fd house = {open(HOUSE, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};

    if (house.fd >= 0) flock(house.fd, LOCK_EX); /* where there are no locks, the state's own lock decides */
    return house;
}

bool c2_statedir_publisher(const struct c2_options *options, const struct c2_state_kind *kind,
                           const char *name, const char *root, char out[C2_STATEDIR_MAX],
                           struct cat2_error *err)
{
    static const char OLD[] = HOUSE "/pub";

    if (c2_options_given(options, "statedir")) return given(options, out, err);
    if (!named("pub", name, out, err)) return false;
    C2_AUTO(c2_fd) house = lock_house();
    if (house.fd >= 0 && is_there(OLD, "cat2pub.sqlite3") && !is_there(out, "cat2pub.sqlite3") &&
        publisher_owns(OLD, kind, name, root))
        take_over(OLD, out);
    return true;
}

bool c2_statedir_serve(const struct c2_options *options, const char *name, char out[C2_STATEDIR_MAX],
                       struct cat2_error *err)
{
    static const char OLD[] = HOUSE "/serve";
    char published[300];

    if (c2_options_given(options, "statedir")) return given(options, out, err);
    if (!named("serve", name, out, err)) return false;
    C2_AUTO(c2_fd) house = lock_house();
    snprintf(published, sizeof(published), "pub.%s", name);
    if (house.fd >= 0 && is_there(OLD, "bro") && !is_there(out, "bro")) {
        if (c2_state_is_used(HOUSE "/serve/bro"))
            c2_log_warn("%s, of an earlier version, is not taken over: it is in use by another process", OLD);
        else if (!is_there(OLD, published))
            c2_log_info("%s, of an earlier version, is the state of other roots and left as it is", OLD);
        else
            take_over(OLD, out);
    }
    return true;
}

bool c2_statedir_subscriber(const struct c2_options *options, char out[C2_STATEDIR_MAX],
                            struct cat2_error *err)
{
    static const char OLD[] = HOUSE "/sub", FILE[] = "cat2sub.sqlite3";
    const char *id = c2_options_id(options);

    if (!id || c2_options_given(options, "statedir")) return given(options, out, err);
    if (!named("sub", id, out, err)) return false;
    if (is_there(OLD, FILE) && !is_there(out, FILE))
        c2_log_info("state and cache begin anew in %s; those in %s are of the subscriber without --id, or of "
                    "an earlier "
                    "version: to go on with them, stop, and move that directory to %s",
                    out, OLD, out);
    return true;
}
