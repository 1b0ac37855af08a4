/* SPDX-License-Identifier: BSD-3-Clause */
/* The access file: users and keys in an SQLite file of its own. cat2admin writes it while services read it.
 * One thread. */
#ifndef C2_ACCESS_STORE_H
#define C2_ACCESS_STORE_H

#include "access/scope.h"
#include "access/secret.h"
#include "base/vec.h"

#define C2_ACCESS_FILE "_caterva2/access.sqlite3" /* without --access-file */
#define C2_HOLDERS_MAX 20000                      /* users and keys: some MB, read again after each change */

enum c2_holder_kind { C2_HOLDER_USER, C2_HOLDER_KEY };
/* A user or a key. Times in milliseconds since 1970; 0: none. */
struct c2_holder {
    int refs;
    enum c2_holder_kind kind;
    char name[C2_USER_MAX + 1]; /* the user's, or the key's ID */
    char label[C2_LABEL_MAX + 1];
    unsigned scopes;
    char *roots; /* as c2_grants_parse() makes it */
    int64_t created_ms, expires_ms, revoked_ms;
    uint8_t hash[C2_SECRET_HASH];    /* of a key */
    char password[C2_PASSWORD_HASH]; /* the hash of a user's */
};
struct c2_holder *c2_holder_ref(struct c2_holder *holder);
void c2_holder_unref(struct c2_holder *holder); /* NULL is fine */
/** "user anna" or "key 2f9k... (label)", for the log. */
void c2_holder_words(const struct c2_holder *holder, char out[320]);

struct c2_holders {
    C2_VEC(struct c2_holder *); /* by kind and name */
};
void c2_holders_fini(struct c2_holders *holders);
/** NULL: there is none. */
struct c2_holder *c2_holders_find(const struct c2_holders *holders, enum c2_holder_kind kind,
                                  struct c2_str name);
/** All of a file, in place of what *out holds. A file that is not there has none. @errors CAT2_EDATA: it is
 * damaged or another program's; CAT2_EIO; *out is as before. */
bool c2_store_read(const char *path, struct c2_holders *out, struct cat2_error *err);

/* ---- for cat2admin ---- */
struct c2_store;
/** Make the file and its directory, if need be, for its owner alone. Where root makes it, it belongs to the
 * directory's owner, so that the services can read it. */
bool c2_store_open(const char *path, struct c2_store **out, struct cat2_error *err);
void c2_store_close(struct c2_store *store);
/** @errors CAT2_EINVAL: there is one of this name, or as many as there may be. */
bool c2_store_add(struct c2_store *store, const struct c2_holder *holder, struct cat2_error *err);
/** @errors CAT2_ENOTFOUND. */
bool c2_store_set_password(struct c2_store *store, struct c2_str user, const char *hash,
                           struct cat2_error *err);
bool c2_store_remove(struct c2_store *store, enum c2_holder_kind kind, struct c2_str name,
                     struct cat2_error *err);
/** It stays in the list. Revoked once more it keeps the first time. */
bool c2_store_revoke(struct c2_store *store, struct c2_str key, int64_t now_ms, struct cat2_error *err);

#endif
