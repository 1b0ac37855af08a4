/* SPDX-License-Identifier: BSD-3-Clause */
/* Opening a state: it belongs to one process and one program, and its format is known. Nothing is written
 * before these are checked. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "state/state_impl.h"

/* ---- whose it is ---- */

#define LOCK "LOCK" /* its name in the directory */

bool c2_state_is_used(const char *statedir)
{
    C2_AUTO(c2_fd) dir = {open(statedir, O_PATH | O_DIRECTORY | O_CLOEXEC)};
    C2_AUTO(c2_fd) lock = {dir.fd < 0 ? -1 : openat(dir.fd, LOCK, O_RDWR | O_CLOEXEC)};

    return lock.fd >= 0 && flock(lock.fd, LOCK_EX | LOCK_NB) != 0;
}

/* Where and why is said already. */
static bool fail_read_only(int errnum, struct cat2_error *err)
{
    size_t n = strlen(err->message);

    if (errnum == EROFS || errnum == EACCES)
        snprintf(err->message + n, sizeof(err->message) - n,
                 "; --statedir names a directory that can be written");
    return false;
}

/* One process a state directory. */
static bool take_lock(struct c2_state *state, int dirfd, const char *statedir, struct cat2_error *err)
{
    state->lockfd = openat(dirfd, LOCK, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (state->lockfd < 0) {
        int errnum = errno;
        return c2_fail_errno(err, errnum, "%.150s/LOCK", statedir) || fail_read_only(errnum, err);
    }
    if (flock(state->lockfd, LOCK_EX | LOCK_NB) == 0) return true;
    return c2_fail(err, CAT2_EIO, "%.150s is in use by another process", statedir);
}

/* A file that another program made is not ours to write. */
static bool claim(struct c2_state *state, struct cat2_error *err)
{
    C2_AUTO(c2_buf) owner = C2_BUF_INIT(100);
    struct cat2_error why = {0};
    const char *program = state->kind->program;

    if (c2_state_get(state, "about", C2_STR("program"), &owner, &why))
        return c2_str_is(c2_buf_str(&owner), program) ||
               c2_fail(err, CAT2_EINVAL, "%.110s: the state directory belongs to %.40s, not to %.40s",
                       state->path, c2_buf_cstr(&owner), program);
    if (why.code != CAT2_ENOTFOUND) {
        *err = why;
        return false;
    }
    return c2_state_put(state, "about", C2_STR("program"), c2_str_of(program), err);
}

/* ---- formats ---- */

static bool fail_newer(const char *what, int64_t format, struct cat2_error *err)
{
    return c2_fail(err, CAT2_EINVAL,
                   "%.120s has format %" PRId64
                   "; this program knows formats up to %d: use a newer one, or another --statedir",
                   what, format, C2_STATE_FORMAT);
}

/* "format 2\n". Without a number it is of format 1, which had none. */
static bool read_mark(int dirfd, const char *statedir, int64_t *format, struct cat2_error *err)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(100);
    C2_AUTO(c2_fd) mark = {openat(dirfd, C2_STATE_MARK, O_RDONLY | O_CLOEXEC)};
    struct c2_str word, number, rest;

    *format = 1;
    if (mark.fd < 0 && errno == ENOENT) return true;
    if (mark.fd < 0) return c2_fail_errno(err, errno, "%.150s/" C2_STATE_MARK, statedir);
    if (!c2_fs_read(mark.fd, 100, &text, err)) return c2_fail_within(err, "%.150s/" C2_STATE_MARK, statedir);
    if (text.n == 0) return true;
    c2_str_cut(c2_buf_str(&text), '\n', &word, &rest);
    c2_str_cut(word, ' ', &word, &number);
    if (!c2_str_is(word, "format") || !c2_str_to_i64(number, format) || *format < 1)
        return c2_fail(err, CAT2_EDATA,
                       "%.120s/" C2_STATE_MARK
                       " has no format number: remove it, if no newer program used the directory",
                       statedir);
    return *format <= C2_STATE_FORMAT || fail_newer(statedir, *format, err);
}

/* The mark is the last to be written: when it has our number, all is in our format. */
static bool write_mark(int dirfd, const char *statedir, int64_t was, struct cat2_error *err)
{
    char text[40];
    int n = snprintf(text, sizeof(text), "format %d\n", C2_STATE_FORMAT);

    if (was == C2_STATE_FORMAT) return true;
    return c2_fs_replace(dirfd, C2_STATE_MARK, (struct c2_bytes){(const uint8_t *)text, (size_t)n}, err) ||
           c2_fail_within(err, "%.120s", statedir);
}

/* SQLite keeps a number of ours in the file's header. */
static bool read_version(struct c2_state *state, int64_t *version, struct cat2_error *err)
{
    sqlite3_stmt *statement = NULL;
    bool ok = sqlite3_prepare_v2(state->db, "PRAGMA user_version", -1, &statement, NULL) == SQLITE_OK &&
              sqlite3_step(statement) == SQLITE_ROW;

    if (ok)
        *version = sqlite3_column_int64(statement, 0);
    else
        c2_state_fail_sql(state, "format number", err);
    sqlite3_finalize(statement);
    return ok;
}

/* From 1 to 2 only the number is new: tables are made when they are first used. All of it or nothing. */
static bool upgrade(struct c2_state *state, struct cat2_error *err)
{
    char sql[60];

    snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", C2_STATE_FORMAT);
    if (!c2_state_begin(state, err)) return false;
    if (c2_state_run(state, sql, err) && c2_state_commit(state, err)) return true;
    c2_state_rollback(state);
    return false;
}

static bool reach_format(struct c2_state *state, int64_t version, bool fresh, struct cat2_error *err)
{
    if (version == C2_STATE_FORMAT) return true;
    if (!upgrade(state, err)) return c2_fail_within(err, "upgrade to format %d", C2_STATE_FORMAT);
    if (!fresh) c2_log_info("%s is upgraded to format %d", state->path, C2_STATE_FORMAT);
    return true;
}

/* ---- the file ---- */

#define INCREMENTAL 2 /* as SQLite numbers it */

/* SQLite takes an empty file for a new one. */
static bool look_at_file(struct c2_state *state, bool *fresh, bool *empty, struct cat2_error *err)
{
    struct stat st;

    *fresh = stat(state->path, &st) != 0;
    if (*fresh) return errno == ENOENT || c2_fail_errno(err, errno, "%.150s", state->path);
    if (!S_ISREG(st.st_mode)) return c2_fail(err, CAT2_EIO, "%.150s is not a regular file", state->path);
    *empty = st.st_size == 0;
    *fresh = *empty;
    return true;
}

static int note(void *ctx, int n, char **values, char **names)
{
    (void)names;
    if (n > 0 && values[0]) snprintf(ctx, 80, "%s", values[0]);
    return 0;
}

/* Check the whole file, so that damage is noticed now and not when a row is read. */
static bool check_file(struct c2_state *state, struct cat2_error *err)
{
    char answer[80] = "ok";

    if (sqlite3_exec(state->db, "PRAGMA quick_check(1)", note, answer, NULL) != SQLITE_OK)
        return c2_state_fail_sql(state, "check", err);
    const char *line = strrchr(answer, '\n'); /* behind a heading */
    return strcmp(answer, "ok") == 0 || c2_state_fail_damaged(state, line ? line + 1 : answer, err);
}

/* Only a file that is told so before its first table, or is written anew, can shrink bit by bit. */
static bool make_shrinkable(struct c2_state *state, struct cat2_error *err)
{
    struct cat2_error why;

    if (!state->kind->shrinks) return true;
    if (!c2_state_run(state, "PRAGMA journal_size_limit = 4194304", err)) return false;
    if (c2_state_number(state, "PRAGMA auto_vacuum") == INCREMENTAL) return true;
    if (!c2_state_run(state, "PRAGMA auto_vacuum = 2", &why) || !c2_state_run(state, "VACUUM", &why))
        c2_log_warn("%s will not become smaller: %s", state->path, why.message);
    return true;
}

static bool open_file(struct c2_state *state, struct cat2_error *err)
{
    bool fresh = false, empty = false;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;

    if (!look_at_file(state, &fresh, &empty, err)) return false;
    if (sqlite3_open_v2(state->path, &state->db, flags, NULL) != SQLITE_OK)
        return c2_state_fail_sql(state, "open", err);
    sqlite3_busy_timeout(state->db, 2000);
    if (sqlite3_db_readonly(state->db, "main") == 1)
        return c2_fail(err, CAT2_EIO, "%.150s may not be written by this user", state->path);
    if (empty) c2_log_warn("%s is empty and begun anew. That costs %s", state->path, state->kind->costs);
    int64_t version;
    if (!read_version(state, &version, err)) return false;
    if (version > C2_STATE_FORMAT) return fail_newer(state->path, version, err);
    return check_file(state, err) && c2_state_run(state, "PRAGMA journal_mode = WAL", err) &&
           c2_state_run(state, "PRAGMA synchronous = NORMAL", err) &&
           c2_state_run(state, "PRAGMA cache_size = -512", err) && make_shrinkable(state, err) &&
           claim(state, err) && reach_format(state, version, fresh, err);
}

static bool open_all(struct c2_state *state, int dirfd, const char *statedir, struct cat2_error *err)
{
    int64_t format;
    int mark = openat(dirfd, C2_STATE_MARK, O_WRONLY | O_CREAT | O_CLOEXEC, 0666); /* nobody publishes it */

    if (mark >= 0) close(mark);
    return take_lock(state, dirfd, statedir, err) && read_mark(dirfd, statedir, &format, err) &&
           open_file(state, err) && write_mark(dirfd, statedir, format, err);
}

bool c2_state_open(const char *statedir, const struct c2_state_kind *kind, struct c2_state **out,
                   struct cat2_error *err)
{
    struct c2_state *state = calloc(1, sizeof(*state));

    if (!state) return c2_fail_nomem(err, "state");
    state->kind = kind;
    state->lockfd = -1;
    snprintf(state->path, sizeof(state->path), "%s/%s.sqlite3", statedir, kind->program);
    errno = 0;
    int dirfd = c2_fs_open_dir(statedir, true, err);
    if (dirfd < 0) fail_read_only(errno, err);
    bool ok = dirfd >= 0 && open_all(state, dirfd, statedir, err) &&
              (stat(state->path, &state->file) == 0 || c2_fail_errno(err, errno, "%.150s", state->path));
    if (dirfd >= 0) close(dirfd);
    if (ok)
        *out = state;
    else
        c2_state_close(state);
    return ok;
}

void c2_state_close(struct c2_state *state)
{
    if (!state) return;
    c2_state_not_open(state);
    c2_state_forget_puts(state);
    sqlite3_close(state->db);
    if (state->lockfd >= 0) close(state->lockfd);
    free(state);
}
