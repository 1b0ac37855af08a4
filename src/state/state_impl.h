/* SPDX-License-Identifier: BSD-3-Clause */
/* What opening a state and using its tables share. */
#ifndef C2_STATE_STATE_IMPL_H
#define C2_STATE_STATE_IMPL_H

#include <sqlite3.h>
#include <sys/stat.h>

#include "state/state.h"

#define C2_STATE_PUTS 4 /* tables that are written to now and then: their statements are kept */

struct c2_state {
    const struct c2_state_kind *kind;
    sqlite3 *db;
    struct c2_state_kept {
        char table[32];
        sqlite3_stmt *statement; /* NULL: none */
    } puts[C2_STATE_PUTS];
    unsigned next_put; /* whose place the next table takes */
    int lockfd;
    bool told;         /* what removing the damaged file costs */
    bool behind, gone; /* the conditions of /healthz, as far as they are ours */
    struct stat file;  /* when it was opened */
    char path[4400];
};

/** Its conditions are no more. */
void c2_state_not_open(struct c2_state *state);
/** The file is damaged: the reason as the error, the way out in the log, once. */
bool c2_state_fail_damaged(struct c2_state *state, const char *reason, struct cat2_error *err);
/** What SQLite said last. */
bool c2_state_fail_sql(struct c2_state *state, const char *what, struct cat2_error *err);
/** A number that SQLite tells; < 0: it does not. */
int64_t c2_state_number(struct c2_state *state, const char *pragma);
/** Statements that are kept are no more: before the database is closed. */
void c2_state_forget_puts(struct c2_state *state);
bool c2_state_run(struct c2_state *state, const char *sql, struct cat2_error *err);

#endif
