/* SPDX-License-Identifier: BSD-3-Clause */
/* Small durable tables in SQLite (WAL): key and value are text. Survives kill -9: a call that
 * returned true is durable against process death. One connection, one thread. Damaged or foreign files are
 * refused with a clear error.
 *
 * A state directory has a format number: in the mark C2_STATE_MARK, for all that is in it, and in the SQLite
 * file, for its tables. An older one is upgraded, a newer one refused and left as it is. */
#ifndef C2_STATE_STATE_H
#define C2_STATE_STATE_H

#include "base/buf.h"

/* 1: until 0.3, without a number. 2: with one; the publisher's root is named in `about`. */
#define C2_STATE_FORMAT 2

struct c2_state;
struct c2_state_kind {
    const char *program; /* "cat2pub"; a file made by another program is refused */
    const char *costs;   /* what is lost with the file: "the registered roots, ..." */
    bool shrinks;        /* what is deleted is given back to the disk: c2_state_trim() */
};
/** Open or create STATEDIR/PROGRAM.sqlite3; kind outlives the state. An flock'd LOCK file beside it refuses a
 * second process. Of a damaged file the log says what removing it costs.
 * @errors CAT2_EDATA damaged; CAT2_EINVAL newer, or of another program; CAT2_EIO. */
bool c2_state_open(const char *statedir, const struct c2_state_kind *kind, struct c2_state **out,
                   struct cat2_error *err);
void c2_state_close(struct c2_state *state);
/** Is it open in a process? Where locks are not to be had: no. */
bool c2_state_is_used(const char *statedir);

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
/** To be called every C2_STATE_TEND_MS. After a change was not written, /healthz has "state-not-written"
 * until a write succeeds here again, in one transaction with rewrite(ctx), which puts what was to be put
 * meanwhile (NULL: who asked was told that it failed, or asks again). While the file is not where it was,
 * /healthz has "state-gone". */
void c2_state_tend(struct c2_state *state, bool (*rewrite)(void *ctx, struct cat2_error *err), void *ctx);
/** Of a kind that shrinks: give some of the room of what was deleted back to the disk. true: there is more.
 */
bool c2_state_trim(struct c2_state *state);

#endif
