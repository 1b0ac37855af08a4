/* SPDX-License-Identifier: BSD-3-Clause */
/* Helper processes that are talked to over a socket, with patience: what can hang or crash runs in them. Any
 * thread; one at a time for each child. */
#ifndef C2_HELPER_CHILD_H
#define C2_HELPER_CHILD_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct c2_child {
    pid_t pid; /* 0: not running */
    int fd;    /* our end of its standard input; any other it does not have */
    int said;  /* our end of its standard error */
};
#define C2_CHILD_NONE ((struct c2_child){0, -1, -1})
/** Where a helper is: what the environment variable says, else beside this program, else in
 * ../libexec/caterva2. */
void c2_child_find(const char *name, const char *variable, char out[PATH_MAX]);
/** Start it, in a process group of its own, with signals as they are at first. @errors CAT2_EIO. */
bool c2_child_start(const char *program, char *const argv[], struct c2_child *out, struct cat2_error *err);
/** Log what it wrote to standard error since: some lines, and how many more there were. */
void c2_child_hear(const struct c2_child *child, const char *name);
/** It ended, or is to end: at once when it is late, else when it notices that nobody listens. Says how, as
 * words ("was ended by signal 11"); its last words are logged. */
void c2_child_bury(struct c2_child *child, const char *name, bool late, char how[64]);

/** How many of this process run now, and how many were started. */
int c2_child_count(int64_t *started);

/* One conversation. */
struct c2_talk {
    int fd;
    int64_t until_ms; /* monotonic */
    bool late, ended; /* why a call failed */
    uint8_t *ahead;   /* what has come and was not asked for yet is at ahead_at, ahead_n bytes; or NULL */
    size_t ahead_max, ahead_at, ahead_n;
};
#define C2_TALK_PATIENT (-1) /* waits for ever */
struct c2_talk c2_talk_begin(int fd, int64_t patience_ms);
/** Take of what comes as much as there is room for, n bytes: many small answers are few calls of the system.
 * For the rest of the conversation, which must end with what is received by it. */
void c2_talk_read_ahead(struct c2_talk *talk, uint8_t *room, size_t n);
/** All n bytes, or false. */
bool c2_talk_receive(struct c2_talk *talk, void *to, size_t n);
bool c2_talk_send(struct c2_talk *talk, const void *bytes, size_t n);

#endif
