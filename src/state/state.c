/* SPDX-License-Identifier: BSD-3-Clause */
/* Key-value tables in one SQLite file. Statements are prepared for each call, but those that put: lists of
 * 10^5 datasets are written, and to prepare takes longer than to put. */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/health.h"
#include "base/log.h"
#include "state/state_impl.h"

#define TRIM_PAGES 256 /* at once: 1 MiB, so that the loop does not wait for long */

bool c2_state_fail_damaged(struct c2_state *state, const char *reason, struct cat2_error *err)
{
    if (!state->told)
        c2_log_error("%s is damaged (%s). To start anew remove it, with %s.sqlite3-wal and %s.sqlite3-shm. "
                     "That costs %s",
                     state->path, reason, state->kind->program, state->kind->program, state->kind->costs);
    state->told = true;
    return c2_fail(err, CAT2_EDATA, "%.120s is damaged: %.80s", state->path, reason);
}

bool c2_state_fail_sql(struct c2_state *state, const char *what, struct cat2_error *err)
{
    int code = sqlite3_errcode(state->db), errnum = sqlite3_system_errno(state->db);
    const char *text = sqlite3_errmsg(state->db);

    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) return c2_state_fail_damaged(state, text, err);
    if (errnum && (code == SQLITE_IOERR || code == SQLITE_CANTOPEN || code == SQLITE_FULL))
        return c2_fail_errno(err, errnum, "%.110s: %.40s", state->path, what);
    return c2_fail(err, CAT2_EIO, "%.110s: %.40s: %.80s", state->path, what, text);
}

/* ---- is it written? ---- */

static atomic_int nbehind, ngone; /* states of this process: the conditions are of all of them */

static void set(bool *is, atomic_int *n, const char *condition, const char *reason)
{
    if (*is != (reason != NULL)) atomic_fetch_add(n, reason ? 1 : -1);
    *is = reason != NULL;
    if (reason || atomic_load(n) == 0) c2_health_set(condition, reason);
}

/* false; what fails after the first failure may fail because of it. */
static bool not_written(struct c2_state *state, const struct cat2_error *err)
{
    if (!state->behind) set(&state->behind, &nbehind, "state-not-written", err->message);
    return false;
}

static void look_for_file(struct c2_state *state)
{
    struct cat2_error err;
    struct stat now;
    bool there = stat(state->path, &now) == 0;

    if (there && now.st_ino == state->file.st_ino && now.st_dev == state->file.st_dev) {
        if (state->gone) set(&state->gone, &ngone, "state-gone", NULL);
    } else if (!state->gone) {
        c2_fail(&err, CAT2_EIO,
                "%.110s is %s: put it back, or start the program anew; what it writes until then is lost",
                state->path, there ? "another file now" : "not there any more");
        set(&state->gone, &ngone, "state-gone", err.message);
    }
}

void c2_state_tend(struct c2_state *state, bool (*rewrite)(void *ctx, struct cat2_error *err), void *ctx)
{
    struct cat2_error err;

    look_for_file(state);
    if (!state->behind || !c2_state_begin(state, &err)) return;
    if (c2_state_put(state, "about", C2_STR("probe"), C2_STR("1"), &err) &&
        (!rewrite || rewrite(ctx, &err)) && c2_state_commit(state, &err))
        set(&state->behind, &nbehind, "state-not-written", NULL);
    else
        c2_state_rollback(state);
}

void c2_state_not_open(struct c2_state *state)
{
    if (state->behind) set(&state->behind, &nbehind, "state-not-written", NULL);
    if (state->gone) set(&state->gone, &ngone, "state-gone", NULL);
}

/* ---- tables ---- */

bool c2_state_run(struct c2_state *state, const char *sql, struct cat2_error *err)
{
    return sqlite3_exec(state->db, sql, NULL, NULL, NULL) == SQLITE_OK || c2_state_fail_sql(state, sql, err);
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
    if (!c2_state_run(state, sql, err)) return NULL;
    char name[64];
    snprintf(name, sizeof(name), "t_%s", table);
    char *text = sqlite3_mprintf(fmt, name);
    if (!text || sqlite3_prepare_v2(state->db, text, -1, &statement, NULL) != SQLITE_OK)
        c2_state_fail_sql(state, table, err);
    sqlite3_free(text);
    return statement;
}

static void bind(sqlite3_stmt *statement, int i, struct c2_str s)
{
    sqlite3_bind_blob64(statement, i, s.n ? s.p : "", s.n, SQLITE_STATIC);
}

static bool finish(struct c2_state *state, sqlite3_stmt *statement, struct cat2_error *err)
{
    bool ok = sqlite3_step(statement) == SQLITE_DONE || c2_state_fail_sql(state, "write", err);

    sqlite3_finalize(statement);
    return ok || not_written(state, err);
}

/* Of a change. */
static sqlite3_stmt *prepare_change(struct c2_state *state, const char *table, const char *fmt,
                                    struct cat2_error *err)
{
    sqlite3_stmt *statement = prepare(state, table, fmt, err);

    if (!statement) not_written(state, err);
    return statement;
}

static void forget_put(struct c2_state_kept *kept)
{
    sqlite3_finalize(kept->statement);
    kept->statement = NULL;
}

void c2_state_forget_puts(struct c2_state *state)
{
    for (int i = 0; i < C2_STATE_PUTS; i++)
        forget_put(&state->puts[i]);
}

/* The kept statement of this table, which is made in the place of the oldest. NULL and *err. */
static struct c2_state_kept *put_of(struct c2_state *state, const char *table, struct cat2_error *err)
{
    for (int i = 0; i < C2_STATE_PUTS; i++)
        if (state->puts[i].statement && strcmp(state->puts[i].table, table) == 0) return &state->puts[i];
    struct c2_state_kept *kept = &state->puts[state->next_put++ % C2_STATE_PUTS];
    forget_put(kept);
    C2_ASSERT(strlen(table) < sizeof(kept->table));
    snprintf(kept->table, sizeof(kept->table), "%s", table);
    kept->statement = prepare_change(
        state, table, "INSERT INTO %s VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        err);
    return kept->statement ? kept : NULL;
}

bool c2_state_put(struct c2_state *state, const char *table, struct c2_str key, struct c2_str value,
                  struct cat2_error *err)
{
    struct c2_state_kept *kept = put_of(state, table, err);

    if (!kept) return false;
    bind(kept->statement, 1, key);
    bind(kept->statement, 2, value);
    bool ok = sqlite3_step(kept->statement) == SQLITE_DONE || c2_state_fail_sql(state, "write", err);
    sqlite3_reset(kept->statement);
    sqlite3_clear_bindings(kept->statement);
    if (ok) return true;
    forget_put(kept); /* the next one begins anew, with the table */
    return not_written(state, err);
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
        c2_state_fail_sql(state, "read", err);
    if (ok)
        ok = c2_buf_append(value, sqlite3_column_blob(statement, 0),
                           (size_t)sqlite3_column_bytes(statement, 0), err);
    sqlite3_finalize(statement);
    return ok;
}

bool c2_state_del(struct c2_state *state, const char *table, struct c2_str key, struct cat2_error *err)
{
    sqlite3_stmt *statement = prepare_change(state, table, "DELETE FROM %s WHERE key = ?", err);

    if (!statement) return false;
    bind(statement, 1, key);
    return finish(state, statement, err);
}

/* The first text after all that begin with prefix; false: there is none. */
static bool put_end(struct c2_str prefix, struct c2_buf *end, struct cat2_error *err)
{
    while (prefix.n && (uint8_t)prefix.p[prefix.n - 1] == 0xff)
        prefix.n--;
    return prefix.n && c2_buf_append(end, prefix.p, prefix.n, err) && ++end->p[end->n - 1];
}

/* By a range of its index: other keys are not looked at. */
bool c2_state_del_prefix(struct c2_state *state, const char *table, struct c2_str prefix,
                         struct cat2_error *err)
{
    C2_AUTO(c2_buf) end = C2_BUF_INIT(prefix.n + 1);
    struct cat2_error why = {0};
    bool ends = put_end(prefix, &end, &why);

    if (why.code != CAT2_OK) return c2_fail_nomem(err, "state");
    sqlite3_stmt *statement = prepare_change(state, table,
                                             prefix.n == 0 ? "DELETE FROM %s"
                                             : ends        ? "DELETE FROM %s WHERE key >= ?1 AND key < ?2"
                                                           : "DELETE FROM %s WHERE key >= ?1",
                                             err);

    if (!statement) return false;
    if (prefix.n) bind(statement, 1, prefix);
    if (ends) bind(statement, 2, c2_buf_str(&end));
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
    if (ok && code != SQLITE_DONE) ok = c2_state_fail_sql(state, "read", err);
    sqlite3_finalize(statement);
    return ok;
}

int64_t c2_state_number(struct c2_state *state, const char *pragma)
{
    sqlite3_stmt *statement = NULL;
    bool ok = sqlite3_prepare_v2(state->db, pragma, -1, &statement, NULL) == SQLITE_OK &&
              sqlite3_step(statement) == SQLITE_ROW;
    int64_t n = ok ? sqlite3_column_int64(statement, 0) : -1;

    sqlite3_finalize(statement);
    return n;
}

/* Pages that are free are used again; only many of them are worth the work. */
bool c2_state_trim(struct c2_state *state)
{
    struct cat2_error err;

    if (!state->kind->shrinks || c2_state_number(state, "PRAGMA freelist_count") < 2 * TRIM_PAGES)
        return false;
    if (!c2_state_run(state, "PRAGMA incremental_vacuum(256)", &err)) {
        c2_log_warn("%s", err.message);
        return false;
    }
    return c2_state_number(state, "PRAGMA freelist_count") >= 2 * TRIM_PAGES;
}

bool c2_state_begin(struct c2_state *state, struct cat2_error *err)
{
    return c2_state_run(state, "BEGIN IMMEDIATE", err) || not_written(state, err);
}
bool c2_state_commit(struct c2_state *state, struct cat2_error *err)
{
    return c2_state_run(state, "COMMIT", err) || not_written(state, err);
}

/* Tables that were made meanwhile are gone, too. */
void c2_state_rollback(struct c2_state *state)
{
    struct cat2_error ignored;

    c2_state_forget_puts(state);
    c2_state_run(state, "ROLLBACK", &ignored);
}
