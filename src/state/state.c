/* SPDX-License-Identifier: BSD-3-Clause */
/* Key-value tables in one SQLite file. Statements are prepared per call: calls are rare next to what they
 * save. */
#include "state/state.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/limits.h"

struct c2_state {
    sqlite3 *db;
    int lockfd;
    char program[32];
};

static bool fail_sql(struct c2_state *state, const char *what, struct cat2_error *err)
{
    return c2_fail(err, CAT2_EIO, "state, %s: %.150s", what, sqlite3_errmsg(state->db));
}

static bool run(struct c2_state *state, const char *sql, struct cat2_error *err)
{
    return sqlite3_exec(state->db, sql, NULL, NULL, NULL) == SQLITE_OK || fail_sql(state, sql, err);
}

/* Tables are ours to name: letters only, so that they can stand in SQL. */
static bool table_ok(const char *table)
{
    for (const char *p = table; *p; p++)
        if (*p < 'a' || *p > 'z') return false;
    return *table != '\0';
}

/* SQL with %s for the table's name, after making the table if need be. */
static sqlite3_stmt *prepare(struct c2_state *state, const char *table, const char *fmt,
                             struct cat2_error *err)
{
    sqlite3_stmt *statement = NULL;
    char sql[300];

    C2_ASSERT(table_ok(table));
    snprintf(sql, sizeof(sql),
             "CREATE TABLE IF NOT EXISTS t_%s (key BLOB UNIQUE NOT NULL, value BLOB NOT NULL)", table);
    if (!run(state, sql, err)) return NULL;
    char name[64];
    snprintf(name, sizeof(name), "t_%s", table);
    char *text = sqlite3_mprintf(fmt, name);
    if (!text || sqlite3_prepare_v2(state->db, text, -1, &statement, NULL) != SQLITE_OK)
        fail_sql(state, table, err);
    sqlite3_free(text);
    return statement;
}

static void bind(sqlite3_stmt *statement, int i, struct c2_str s)
{
    sqlite3_bind_blob64(statement, i, s.n ? s.p : "", s.n, SQLITE_STATIC);
}

static bool finish(struct c2_state *state, sqlite3_stmt *statement, struct cat2_error *err)
{
    bool ok = sqlite3_step(statement) == SQLITE_DONE || fail_sql(state, "write", err);

    sqlite3_finalize(statement);
    return ok;
}

bool c2_state_put(struct c2_state *state, const char *table, struct c2_str key, struct c2_str value,
                  struct cat2_error *err)
{
    sqlite3_stmt *statement =
        prepare(state, table,
                "INSERT INTO %s VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", err);

    if (!statement) return false;
    bind(statement, 1, key);
    bind(statement, 2, value);
    return finish(state, statement, err);
}

bool c2_state_get(struct c2_state *state, const char *table, struct c2_str key, struct c2_buf *value,
                  struct cat2_error *err)
{
    sqlite3_stmt *statement = prepare(state, table, "SELECT value FROM %s WHERE key = ?", err);

    if (!statement) return false;
    bind(statement, 1, key);
    int code = sqlite3_step(statement);
    bool ok = code == SQLITE_ROW;
    if (code == SQLITE_DONE)
        c2_fail(err, CAT2_ENOTFOUND, "state has no %.*s", (int)c2_min_i64(100, (int64_t)key.n), key.p);
    else if (!ok)
        fail_sql(state, "read", err);
    if (ok)
        ok = c2_buf_append(value, sqlite3_column_blob(statement, 0),
                           (size_t)sqlite3_column_bytes(statement, 0), err);
    sqlite3_finalize(statement);
    return ok;
}

bool c2_state_del(struct c2_state *state, const char *table, struct c2_str key, struct cat2_error *err)
{
    sqlite3_stmt *statement = prepare(state, table, "DELETE FROM %s WHERE key = ?", err);

    if (!statement) return false;
    bind(statement, 1, key);
    return finish(state, statement, err);
}

bool c2_state_del_prefix(struct c2_state *state, const char *table, struct c2_str prefix,
                         struct cat2_error *err)
{
    sqlite3_stmt *statement = prepare(state, table, "DELETE FROM %s WHERE substr(key, 1, ?2) = ?1", err);

    if (!statement) return false;
    bind(statement, 1, prefix);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)prefix.n);
    return finish(state, statement, err);
}

bool c2_state_each(struct c2_state *state, const char *table, struct c2_str prefix, c2_state_visit *visit,
                   void *ctx, struct cat2_error *err)
{
    sqlite3_stmt *statement =
        prepare(state, table, "SELECT key, value FROM %s WHERE substr(key, 1, ?2) = ?1 ORDER BY rowid", err);
    bool ok = statement != NULL;
    int code = SQLITE_DONE;

    if (!ok) return false;
    bind(statement, 1, prefix);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)prefix.n);
    while (ok && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct c2_str key = {sqlite3_column_blob(statement, 0), (size_t)sqlite3_column_bytes(statement, 0)};
        struct c2_str value = {sqlite3_column_blob(statement, 1), (size_t)sqlite3_column_bytes(statement, 1)};
        ok = visit(ctx, key, value, err);
    }
    if (ok && code != SQLITE_DONE) ok = fail_sql(state, "read", err);
    sqlite3_finalize(statement);
    return ok;
}

bool c2_state_begin(struct c2_state *state, struct cat2_error *err)
{
    return run(state, "BEGIN IMMEDIATE", err);
}
bool c2_state_commit(struct c2_state *state, struct cat2_error *err)
{
    return run(state, "COMMIT", err);
}

void c2_state_rollback(struct c2_state *state)
{
    struct cat2_error ignored;

    run(state, "ROLLBACK", &ignored);
}

/* One process a state directory. */
static bool take_lock(struct c2_state *state, int dirfd, const char *statedir, struct cat2_error *err)
{
    state->lockfd = openat(dirfd, "LOCK", O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (state->lockfd < 0) return c2_fail_errno(err, errno, "%.150s/LOCK", statedir);
    if (flock(state->lockfd, LOCK_EX | LOCK_NB) == 0) return true;
    return c2_fail(err, CAT2_EIO, "%.150s is in use by another process", statedir);
}

/* A file that another program made is not ours to write. */
static bool claim(struct c2_state *state, const char *program, struct cat2_error *err)
{
    C2_AUTO(c2_buf) owner = C2_BUF_INIT(100);
    struct cat2_error why = {0};

    if (c2_state_get(state, "about", C2_STR("program"), &owner, &why))
        return c2_str_is(c2_buf_str(&owner), program) ||
               c2_fail(err, CAT2_EINVAL, "the state directory belongs to %s, not to %s", c2_buf_cstr(&owner),
                       program);
    if (why.code != CAT2_ENOTFOUND) {
        *err = why;
        return false;
    }
    return c2_state_put(state, "about", C2_STR("program"), c2_str_of(program), err);
}

bool c2_state_open(const char *statedir, const char *program, struct c2_state **out, struct cat2_error *err)
{
    struct c2_state *state = calloc(1, sizeof(*state));
    char path[4096];
    int dirfd = c2_fs_open_dir(statedir, true, err);

    if (dirfd < 0 || !state) {
        free(state);
        if (dirfd >= 0) close(dirfd);
        return dirfd < 0 ? false : c2_fail_nomem(err, "state");
    }
    snprintf(path, sizeof(path), "%s/%s.sqlite3", statedir, program);
    int mark = openat(dirfd, C2_STATE_MARK, O_WRONLY | O_CREAT | O_CLOEXEC, 0666); /* nobody publishes it */
    if (mark >= 0) close(mark);
    bool ok = take_lock(state, dirfd, statedir, err);
    close(dirfd);
    if (ok &&
        sqlite3_open_v2(path, &state->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK)
        ok = fail_sql(state, path, err);
    if (ok) sqlite3_busy_timeout(state->db, 2000);
    ok = ok && run(state, "PRAGMA journal_mode = WAL", err) &&
         run(state, "PRAGMA synchronous = NORMAL", err) && run(state, "PRAGMA cache_size = -512", err) &&
         claim(state, program, err);
    if (!ok) {
        c2_state_close(state);
        return c2_fail_within(err, "%.120s", path);
    }
    *out = state;
    return true;
}

void c2_state_close(struct c2_state *state)
{
    if (!state) return;
    sqlite3_close(state->db);
    if (state->lockfd >= 0) close(state->lockfd);
    free(state);
}
