/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of sync share. */
#ifndef C2_BIN_CAT2CLI_SYNC_IMPL_H
#define C2_BIN_CAT2CLI_SYNC_IMPL_H

#include <pthread.h>

#include "bin/cat2cli_entries.h"
#include "bin/cat2cli_place.h"
#include "bin/cat2cli_sync.h"

struct c2_sync_item {
    const struct c2_listed *entry;
    const char *path; /* beneath the source */
    char *file;       /* beneath the directory */
    bool due;
};
struct c2_sync {
    const struct c2_cli *cli;
    const char *source, *where; /* ROOT/FOLDER; the directory, for messages */
    int dirfd, remembered;      /* the directory; its file of copies, to append to */
    struct c2_entries entries;
    struct {
        C2_VEC(struct c2_sync_item);
    } items;
    struct c2_saved copies; /* of before */
    struct c2_saved fresh;
    pthread_mutex_t mutex; /* guards all below, fresh and what is printed */
    size_t next;
    int64_t nsaved, nfailed, nremoved, nunchanged, ndue, done, total;
    int64_t parallel; /* datasets at a time */
    struct c2_cli_bar bar;
    bool stop;
    struct cat2_error why; /* it was stopped */
    struct c2_jw *w;
};

/** A line about a file; nothing where JSON is printed. With the mutex. */
void c2_sync_say(struct c2_sync *s, const char *what, const char *file);
/** One that is not saved, and why. With the mutex. */
void c2_sync_fail(struct c2_sync *s, const char *path, const char *reason);
/** Do --include and --exclude let it through? */
bool c2_sync_is_wanted(const struct c2_sync *s, const char *path);
/** The datasets of s->entries that are wanted, sorted by their names here. */
bool c2_sync_make_items(struct c2_sync *s, struct cat2_error *err);
/** Which of them are due. Those that cannot be saved fail here. */
void c2_sync_judge_items(struct c2_sync *s);

#endif
