/* SPDX-License-Identifier: BSD-3-Clause */
/* Small durable tables in SQLite (WAL): a key-value face is all the roles need. Survives kill -9: a call that
 * returned true is durable against process death. One connection, one thread. Damaged or foreign files are
 * refused with a clear error. */
#ifndef C2_STATE_STATE_H
#define C2_STATE_STATE_H

#include "base/buf.h"

struct c2_state;
/** Open or create STATEDIR/NAME.sqlite3. @param program  a file made by another program is refused. An
 * flock'd LOCK file beside it refuses a second process. A db.json of the Python program (docs/protocol.md) is
 * imported once when the file is new. */
bool c2_state_open(const char *statedir, const char *program, struct c2_state **out, struct cat2_error *err);
void c2_state_close(struct c2_state *state);

/** Tables are named by constants ("roots", "etags", "events"); keys and values are text. Ordered by insertion
 * unless said. */
bool c2_state_put(struct c2_state *state, const char *table, struct c2_str key, struct c2_str value,
                  struct cat2_error *err);
/** false with err->code CAT2_ENOTFOUND when there is none. */
bool c2_state_get(struct c2_state *state, const char *table, struct c2_str key, struct c2_buf *value,
                  struct cat2_error *err);
bool c2_state_del(struct c2_state *state, const char *table, struct c2_str key,
                  struct cat2_error *err); /* missing is fine */
/** Delete every key that starts with prefix ("" = all). */
bool c2_state_del_prefix(struct c2_state *state, const char *table, struct c2_str prefix,
                         struct cat2_error *err);
typedef bool c2_state_visit(void *ctx, struct c2_str key, struct c2_str value, struct cat2_error *err);
bool c2_state_each(struct c2_state *state, const char *table, struct c2_str prefix, c2_state_visit *visit,
                   void *ctx, struct cat2_error *err);
/** Many changes as one: begin, puts, commit; a failure or rollback undoes all. Not nested. */
bool c2_state_begin(struct c2_state *state, struct cat2_error *err);
bool c2_state_commit(struct c2_state *state, struct cat2_error *err);
void c2_state_rollback(struct c2_state *state);

#endif
