/* SPDX-License-Identifier: BSD-3-Clause */
/* What failing.c tells recording.c: calls that change files beneath a directory, in the order in which they
 * happened. */
#ifndef C2_HARNESS_FAILING_H
#define C2_HARNESS_FAILING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* While one is on, no other call changes files: begin() before the call, one of the others after it. */
struct recorded {
    bool on;
};
void recording_start(void);
struct recorded recording_begin(int wanted);
void recording_opened(struct recorded *r, int dirfd, const char *path, int flags, int fd);
void recording_wrote(struct recorded *r, int fd, const void *from, ssize_t n, off_t off);
void recording_sized(struct recorded *r, int fd, off_t size, int status);
void recording_punched(struct recorded *r, int fd, off_t off, off_t n, int status);
void recording_synced(struct recorded *r, int fd);
void recording_renamed(struct recorded *r, int from_dir, const char *from, int to_dir, const char *to,
                       int status);
void recording_unlinked(struct recorded *r, int dirfd, const char *path, int status);
void recording_made(struct recorded *r, int dirfd, const char *path, int status);

#endif
