/* SPDX-License-Identifier: BSD-3-Clause */
/* Files, always beneath a directory descriptor; replaced atomically, never edited where a reader may look. */
#ifndef C2_BASE_FS_H
#define C2_BASE_FS_H

#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/buf.h"

/* A descriptor that is closed at the end of its scope: C2_AUTO(c2_fd) file = {open(...)}; -1: none. */
struct c2_fd {
    int fd;
};
static inline void c2_fd_auto(struct c2_fd *file)
{
    if (file->fd >= 0) close(file->fd);
}

/** Open `rel` beneath `dirfd`; symbolic links are followed while they stay beneath it, ".." never escapes.
 *  rel must pass c2_path_check(). Returns a close-on-exec descriptor, or -1 with *err. flags as open(2). */
int c2_fs_open(int dirfd, const char *rel, int flags, struct cat2_error *err);
/** The same without the check of rel and without words: -1 and errno; EXDEV: it leads out. ".." is let
 * through while it stays beneath. */
int c2_fs_open_beneath(int dirfd, const char *rel, int flags);
/** A file without a name in `dir`, a path from dirfd on: -1 and errno. */
int c2_fs_open_nameless(int dirfd, const char *dir);
/** Create the parent directories of `rel` beneath dirfd (mode 0777 & ~umask). */
bool c2_fs_mkparents(int dirfd, const char *rel, struct cat2_error *err);
/** Create `path` and its parents (a state directory); existing is fine. Returns an O_DIRECTORY descriptor or
 * -1. */
int c2_fs_open_dir(const char *path, bool create, struct cat2_error *err);
/** The path from "/" on, with links as they are; NULL and *err. */
char *c2_fs_absolute(const char *path, struct cat2_error *err);
/** dirfd, which was opened at path, becomes the directory that is there now: another one (*moved) after a
 * rename, a mount or when a link leads elsewhere. Readers of dirfd in other threads see one or the other. */
bool c2_fs_reopen_dir(int dirfd, const char *path, bool *moved, struct cat2_error *err);
/** The whole of a file, at most max bytes. */
bool c2_fs_read(int fd, size_t max, struct c2_buf *out, struct cat2_error *err);
/** The whole of the file of this path, at most max bytes. Errors begin with "WHAT PATH". */
bool c2_fs_read_file(const char *what, const char *path, size_t max, struct c2_buf *out,
                     struct cat2_error *err);
/** Exactly n bytes at off, retrying short reads; end of file is CAT2_EDATA. */
bool c2_fs_pread(int fd, void *to, size_t n, int64_t off, struct cat2_error *err);
bool c2_fs_pwrite(int fd, const void *from, size_t n, int64_t off, struct cat2_error *err);
/** Write `bytes` to a temporary name beside `rel`, fdatasync, rename over it. */
bool c2_fs_replace(int dirfd, const char *rel, struct c2_bytes bytes, struct cat2_error *err);
/** The file that a result of this path replaces when it is whole: the path, or where its links lead, there or
 * not. *through: that is a FIFO, a device, an open file (/dev/stdout) or the like: it is written to and never
 * replaced.
 *  @param out  Yours, free(). */
bool c2_fs_result(const char *path, char **out, bool *through, struct cat2_error *err);
/** The descriptor of ours that such a path names (/dev/stdout, /dev/fd/N, /proc/self/fd/N); -1: none. To open
 * the path would begin at the first byte of the file again. */
int c2_fs_descriptor(const char *path);
/** unlink; a missing file is fine. Empty parent directories up to dirfd go too. */
bool c2_fs_remove(int dirfd, const char *rel, struct cat2_error *err);
/** A directory and all in it, or a file, as far as it can be removed. */
void c2_fs_remove_tree(const char *path);
/** Does the kernel tell of every change beneath? Not where other hosts write too: NFS, SMB, FUSE, cluster
 * file systems; nor beneath an overlay. *why names the file system then. */
bool c2_fs_is_local(int fd, const char **why);
/* A directory with this file in it is the state of a service: walks and watches pass it by, and nothing in it
 * is served. So a root may hold the state directories of those who serve it. */
#define C2_STATE_MARK ".caterva2-state"
/** Is rel, or a directory on the way to it, such a state? */
bool c2_fs_in_state(int dirfd, const char *rel);
/** Visit every non-directory beneath dirfd, depth first, names sorted, links to directories not followed.
 *  The callback returns false to stop the walk (its *err is passed on). Depth is limited (C2_TREE_DEPTH_MAX).
 *  @errors CAT2_ENOMEM out of descriptors: what is not seen may be there. */
typedef bool c2_fs_visit(void *ctx, const char *rel, const struct stat *st, struct cat2_error *err);
/* What is not looked into, and why, as the end of a sentence that begins with its name, of static storage. A
 * path that is too long is cut. */
typedef bool c2_fs_passed_by(void *ctx, const char *rel, const char *why, const struct stat *st,
                             struct cat2_error *err);
/* A directory, open, that is to be entered; *into false: it is passed by in silence. */
typedef bool c2_fs_entering(void *ctx, const char *rel, int fd, const struct stat *st, bool *into,
                            struct cat2_error *err);
struct c2_fs_walker {
    c2_fs_visit *visit;
    c2_fs_passed_by *passed_by; /* NULL: in silence */
    void *ctx;
    bool
        links; /* follow links to directories while they stay beneath dirfd; each directory once on one way */
    c2_fs_entering *entering; /* NULL: all are */
};
bool c2_fs_walk_with(int dirfd, const struct c2_fs_walker *to, struct cat2_error *err);
bool c2_fs_walk(int dirfd, c2_fs_visit *visit, void *ctx, struct cat2_error *err);

#endif
