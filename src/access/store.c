/* SPDX-License-Identifier: BSD-3-Clause */
/* A rollback journal, not a log beside the file: whoever may read the file alone can read it then, and its
 * header changes with every commit, which is how services notice. */
#include "access/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bisect.h"
#include "base/fs.h"

#define FORMAT  1
#define APP_ID  0x63326131 /* "c2a1", so that file(1) and we know it */
#define BUSY_MS 2000       /* another cat2admin is done in less */

struct c2_store {
    sqlite3 *db;
    char path[4200];
};

/* ---- holders ---- */

struct c2_holder *c2_holder_ref(struct c2_holder *holder)
{
    holder->refs++;
    return holder;
}

void c2_holder_unref(struct c2_holder *holder)
{
    if (!holder || --holder->refs > 0) return;
    free(holder->roots);
    free(holder);
}

void c2_holder_words(const struct c2_holder *holder, char out[320])
{
    if (holder->kind == C2_HOLDER_USER)
        snprintf(out, 320, "user %s", holder->name);
    else
        snprintf(out, 320, "key %s%s%s%s", holder->name, holder->label[0] ? " (" : "", holder->label,
                 holder->label[0] ? ")" : "");
}

void c2_holders_fini(struct c2_holders *holders)
{
    for (size_t i = 0; i < holders->n; i++)
        c2_holder_unref(holders->p[i]);
    c2_vec_fini(holders);
}

static int compare(enum c2_holder_kind kind, struct c2_str name, const struct c2_holder *holder)
{
    return kind != holder->kind ? (int)kind - (int)holder->kind : c2_str_cmp(name, c2_str_of(holder->name));
}

struct c2_holder *c2_holders_find(const struct c2_holders *holders, enum c2_holder_kind kind,
                                  struct c2_str name)
{
    size_t at;

    c2_bisect(at, holders->n, compare(kind, name, holders->p[at]) > 0);
    return at < holders->n && compare(kind, name, holders->p[at]) == 0 ? holders->p[at] : NULL;
}

static int by_name(const void *a, const void *b)
{
    const struct c2_holder *const *x = a, *const *y = b;
    return compare((*x)->kind, c2_str_of((*x)->name), *y);
}

/* ---- SQLite ---- */

static bool fail_sql(struct c2_store *store, const char *what, struct cat2_error *err)
{
    int code = sqlite3_errcode(store->db), errnum = sqlite3_system_errno(store->db);

    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
        return c2_fail(err, CAT2_EDATA, "access file %.120s is damaged: %.60s", store->path,
                       sqlite3_errmsg(store->db));
    if (errnum && (code == SQLITE_IOERR || code == SQLITE_CANTOPEN || code == SQLITE_FULL))
        return c2_fail_errno(err, errnum, "access file %.120s: %.30s", store->path, what);
    return c2_fail(err, CAT2_EIO, "access file %.120s: %.30s: %.60s", store->path, what,
                   sqlite3_errmsg(store->db));
}

static bool run(struct c2_store *store, const char *sql, struct cat2_error *err)
{
    return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK || fail_sql(store, "write", err);
}

static sqlite3_stmt *prepare(struct c2_store *store, const char *sql, struct cat2_error *err)
{
    sqlite3_stmt *statement = NULL;

    if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) != SQLITE_OK) fail_sql(store, "read", err);
    return statement;
}

static bool pragma(struct c2_store *store, const char *sql, int64_t *out, struct cat2_error *err)
{
    sqlite3_stmt *statement = prepare(store, sql, err);
    bool ok = statement && (sqlite3_step(statement) == SQLITE_ROW || fail_sql(store, "read", err));

    if (ok) *out = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return ok;
}

static bool open_db(struct c2_store *store, const char *path, int flags, struct cat2_error *err)
{
    if (snprintf(store->path, sizeof(store->path), "%s", path) >= (int)sizeof(store->path))
        return c2_fail(err, CAT2_EINVAL, "the access file's path is too long");
    if (sqlite3_open_v2(path, &store->db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        return store->db ? fail_sql(store, "open", err) : c2_fail_nomem(err, "access file");
    sqlite3_extended_result_codes(store->db, 0);
    sqlite3_busy_timeout(store->db, BUSY_MS);
    return true;
}

/* Ours, of a format that we know; *fresh: nothing is in it. */
static bool check(struct c2_store *store, bool *fresh, struct cat2_error *err)
{
    int64_t app = 0, format = 0, tables = 0;

    if (!pragma(store, "PRAGMA application_id", &app, err) ||
        !pragma(store, "PRAGMA user_version", &format, err) ||
        !pragma(store, "SELECT count(*) FROM sqlite_master", &tables, err))
        return false;
    *fresh = app == 0 && format == 0 && tables == 0;
    if (*fresh) return true;
    if (app != APP_ID) return c2_fail(err, CAT2_EDATA, "%.150s is no access file of Caterva2", store->path);
    return format == FORMAT ||
           c2_fail(err, CAT2_EINVAL, "access file %.120s has format %lld; this program knows format %d",
                   store->path, (long long)format, FORMAT);
}

/* ---- reading ---- */

static struct c2_str text_of(sqlite3_stmt *row, int i)
{
    const unsigned char *text = sqlite3_column_text(row, i);

    return (struct c2_str){text ? (const char *)text : "", (size_t)sqlite3_column_bytes(row, i)};
}

static const char COLUMNS[] = "kind, name, secret, label, scopes, roots, created, expires, revoked";

static struct c2_holder *read_row(sqlite3_stmt *row, struct cat2_error *err)
{
    struct c2_holder *holder = calloc(1, sizeof(*holder));
    struct c2_str name = text_of(row, 1), secret = text_of(row, 2), label = text_of(row, 3);

    if (!holder) {
        c2_fail_nomem(err, "access file");
        return NULL;
    }
    holder->refs = 1;
    holder->kind = c2_str_is(text_of(row, 0), "key") ? C2_HOLDER_KEY : C2_HOLDER_USER;
    snprintf(holder->name, sizeof(holder->name), "%.*s", (int)c2_min_i64(C2_USER_MAX, (int64_t)name.n),
             name.p);
    snprintf(holder->label, sizeof(holder->label), "%.*s", (int)c2_min_i64(C2_LABEL_MAX, (int64_t)label.n),
             label.p);
    holder->roots = c2_str_dup(text_of(row, 5));
    holder->created_ms = sqlite3_column_int64(row, 6);
    holder->expires_ms = sqlite3_column_int64(row, 7);
    holder->revoked_ms = sqlite3_column_int64(row, 8);
    bool ok = holder->roots || c2_fail_nomem(err, "access file");
    if (ok && holder->kind == C2_HOLDER_USER)
        ok = secret.n < sizeof(holder->password) && memcpy(holder->password, secret.p, secret.n);
    else if (ok)
        ok = c2_secret_unhex(secret, holder->hash);
    if (ok && c2_scopes_parse(text_of(row, 4), &holder->scopes, err)) return holder;
    if (holder->roots && !ok)
        c2_fail(err, CAT2_EDATA, "access file: the row of %.64s is damaged", holder->name);
    c2_holder_unref(holder);
    return NULL;
}

static bool read_all(struct c2_store *store, struct c2_holders *out, struct cat2_error *err)
{
    char sql[200];

    snprintf(sql, sizeof(sql), "SELECT %s FROM holders", COLUMNS);
    sqlite3_stmt *row = prepare(store, sql, err);
    int code = SQLITE_DONE;
    bool ok = row != NULL;
    while (ok && (code = sqlite3_step(row)) == SQLITE_ROW) {
        struct c2_holder *holder = read_row(row, err);
        ok = holder && c2_vec_push(out, C2_HOLDERS_MAX, "users and keys", err, holder);
        if (holder && !ok) c2_holder_unref(holder);
    }
    if (ok && code != SQLITE_DONE) ok = fail_sql(store, "read", err);
    sqlite3_finalize(row);
    if (ok && out->n) qsort(out->p, out->n, sizeof(*out->p), by_name);
    return ok;
}

bool c2_store_read(const char *path, struct c2_holders *out, struct cat2_error *err)
{
    struct c2_store store = {0};
    struct c2_holders found = {0};
    bool fresh = true, ok = true;

    if (access(path, F_OK) == 0 || errno != ENOENT) {
        /* To roll back what a killed cat2admin left, it has to be written; who may not cannot do that. */
        int flags = access(path, W_OK) == 0 ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
        ok = open_db(&store, path, flags, err) && check(&store, &fresh, err) &&
             (fresh || read_all(&store, &found, err));
        sqlite3_close(store.db);
    }
    if (!ok) {
        c2_holders_fini(&found);
        return false;
    }
    c2_holders_fini(out);
    *out = found;
    return true;
}

/* ---- writing ---- */

/* Made by root in a directory of the services' user, it is that user's. */
static bool make_file(const char *path, struct cat2_error *err)
{
    char dir[4200];
    struct stat st;
    const char *slash = strrchr(path, '/');

    snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    if (slash && slash > path && mkdir(dir, 0755) != 0 && errno != EEXIST)
        return c2_fail_errno(err, errno, "%.200s", dir);
    C2_AUTO(c2_fd) file = {open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
    if (file.fd < 0) return errno == EEXIST || c2_fail_errno(err, errno, "access file %.150s", path);
    return geteuid() != 0 || stat(slash == path ? "/" : dir, &st) != 0 || st.st_uid == 0 ||
           fchown(file.fd, st.st_uid, st.st_gid) == 0 ||
           c2_fail_errno(err, errno, "access file %.150s", path);
}

bool c2_store_open(const char *path, struct c2_store **out, struct cat2_error *err)
{
    struct c2_store *store = calloc(1, sizeof(*store));
    char sql[400];
    bool fresh;

    if (!store) return c2_fail_nomem(err, "access file");
    snprintf(
        sql, sizeof(sql),
        "BEGIN IMMEDIATE; PRAGMA application_id = %d; PRAGMA user_version = %d; CREATE TABLE holders "
        "(kind TEXT NOT NULL, name TEXT NOT NULL, secret TEXT NOT NULL, label TEXT NOT NULL, scopes TEXT NOT "
        "NULL, roots TEXT NOT NULL, created INTEGER NOT NULL, expires INTEGER NOT NULL, revoked INTEGER NOT "
        "NULL, PRIMARY KEY (kind, name)); COMMIT",
        APP_ID, FORMAT);
    if (!make_file(path, err) || !open_db(store, path, SQLITE_OPEN_READWRITE, err) ||
        !run(store, "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL", err) ||
        !check(store, &fresh, err) || (fresh && !run(store, sql, err))) {
        c2_store_close(store);
        return false;
    }
    *out = store;
    return true;
}

void c2_store_close(struct c2_store *store)
{
    if (!store) return;
    sqlite3_close(store->db);
    free(store);
}

static void bind(sqlite3_stmt *statement, int i, struct c2_str text)
{
    sqlite3_bind_text(statement, i, text.n ? text.p : "", (int)text.n, SQLITE_STATIC);
}

/* Runs it; *changed: rows. */
static bool finish(struct c2_store *store, sqlite3_stmt *statement, struct cat2_error *err)
{
    bool ok = sqlite3_step(statement) == SQLITE_DONE || fail_sql(store, "write", err);

    sqlite3_finalize(statement);
    return ok;
}

static const char *kind_name(enum c2_holder_kind kind)
{
    return kind == C2_HOLDER_KEY ? "key" : "user";
}

/* Of the statement that was just finished. */
static bool found(struct c2_store *store, enum c2_holder_kind kind, struct c2_str name,
                  struct cat2_error *err)
{
    return sqlite3_changes(store->db) > 0 ||
           c2_fail(err, CAT2_ENOTFOUND, "there is no %s '%.*s' in %.120s", kind_name(kind),
                   (int)c2_min_i64(C2_USER_MAX, (int64_t)name.n), name.p, store->path);
}

bool c2_store_add(struct c2_store *store, const struct c2_holder *holder, struct cat2_error *err)
{
    char sql[300], hex[2 * C2_SECRET_HASH + 1], scopes[64];
    int64_t n;

    if (!pragma(store, "SELECT count(*) FROM holders", &n, err)) return false;
    if (n >= C2_HOLDERS_MAX)
        return c2_fail(err, CAT2_ELIMIT, "%.120s holds %d users and keys, which is all it may: remove some",
                       store->path, C2_HOLDERS_MAX);
    snprintf(sql, sizeof(sql), "INSERT OR IGNORE INTO holders (%s) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
             COLUMNS);
    sqlite3_stmt *statement = prepare(store, sql, err);
    if (!statement) return false;
    c2_secret_hex(holder->hash, hex);
    c2_scopes_format(holder->scopes, scopes);
    bind(statement, 1, c2_str_of(kind_name(holder->kind)));
    bind(statement, 2, c2_str_of(holder->name));
    bind(statement, 3, c2_str_of(holder->kind == C2_HOLDER_KEY ? hex : holder->password));
    bind(statement, 4, c2_str_of(holder->label));
    bind(statement, 5, c2_str_of(scopes));
    bind(statement, 6, c2_str_of(holder->roots));
    sqlite3_bind_int64(statement, 7, holder->created_ms);
    sqlite3_bind_int64(statement, 8, holder->expires_ms);
    sqlite3_bind_int64(statement, 9, holder->revoked_ms);
    if (!finish(store, statement, err)) return false;
    return sqlite3_changes(store->db) > 0 || c2_fail(err, CAT2_EINVAL, "there is a %s '%s' already in %.120s",
                                                     kind_name(holder->kind), holder->name, store->path);
}

bool c2_store_set_password(struct c2_store *store, struct c2_str user, const char *hash,
                           struct cat2_error *err)
{
    sqlite3_stmt *statement =
        prepare(store, "UPDATE holders SET secret = ?2 WHERE kind = 'user' AND name = ?1", err);

    if (!statement) return false;
    bind(statement, 1, user);
    bind(statement, 2, c2_str_of(hash));
    return finish(store, statement, err) && found(store, C2_HOLDER_USER, user, err);
}

bool c2_store_remove(struct c2_store *store, enum c2_holder_kind kind, struct c2_str name,
                     struct cat2_error *err)
{
    sqlite3_stmt *statement = prepare(store, "DELETE FROM holders WHERE kind = ?2 AND name = ?1", err);

    if (!statement) return false;
    bind(statement, 1, name);
    bind(statement, 2, c2_str_of(kind_name(kind)));
    return finish(store, statement, err) && found(store, kind, name, err);
}

bool c2_store_revoke(struct c2_store *store, struct c2_str key, int64_t now_ms, struct cat2_error *err)
{
    sqlite3_stmt *statement = prepare(
        store, "UPDATE holders SET revoked = iif(revoked, revoked, ?2) WHERE kind = 'key' AND name = ?1",
        err);

    if (!statement) return false;
    bind(statement, 1, key);
    sqlite3_bind_int64(statement, 2, now_ms);
    return finish(store, statement, err) && found(store, C2_HOLDER_KEY, key, err);
}
