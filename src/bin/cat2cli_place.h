/* SPDX-License-Identifier: BSD-3-Clause */
/* Where copies of datasets are on this machine. Paths come from servers, which may be anybody's: what is
 * opened lies beneath the target directory, and no symbolic link beneath it is followed. */
#ifndef C2_BIN_CAT2CLI_PLACE_H
#define C2_BIN_CAT2CLI_PLACE_H

#include "base/vec.h"
#include "bin/cat2cli.h"

#define C2_COPIES_NAME ".caterva2-sync" /* in the directory of the copies */
#define C2_COPIES_MAX  50000000         /* as many as datasets can be listed */

/** Append the local name of one part of a path: those longer than file systems take are cut, with their hash
 * behind. of_folder: there is also a dataset of this path, whose file has the name; the folder gets ".dir".
 */
bool c2_place_part(struct c2_str part, bool of_folder, struct c2_buf *out, struct cat2_error *err);
/** Append the local path of `path`, asking the subscriber which of its folders are datasets too. folder: its
 * last part is a folder as well. */
bool c2_place_path(const struct c2_cli *cli, const char *path, bool folder, struct c2_buf *out,
                   struct cat2_error *err);
/** Open the directory that `rel` lies in, beneath dirfd; with `create` it is made. *name: the last part of
 * rel. Returns a descriptor, or -1: *err names what is in the way, CAT2_ENOTFOUND nothing is there. */
int c2_place_open_parent(int dirfd, const char *rel, bool create, const char **name, struct cat2_error *err);

/* A dataset that was saved, as the file in the directory remembers it. */
struct c2_saved_file {
    char *path;             /* beneath the source */
    char *file;             /* beneath the directory */
    char *etag;             /* the generation that was saved */
    int64_t size, mtime_ns; /* of the file, as it was then */
    bool current;           /* to be remembered further on */
    size_t line;            /* of the file: of several for one path the last one counts */
};
struct c2_saved {
    C2_VEC(struct c2_saved_file); /* sorted by path once read */
};
void c2_saved_fini(struct c2_saved *copies);
C2_DEFINE_AUTO(c2_saved);
/** Read what is remembered in the directory; nothing is fine.
 *  @param source  of what these are copies. @errors CAT2_EINVAL they are copies of something else. */
bool c2_saved_read(int dirfd, const char *source, struct c2_saved *out, struct cat2_error *err);
/** The copy of a path; NULL. */
struct c2_saved_file *c2_saved_find(struct c2_saved *copies, const char *path);
/** A line that remembers one. */
bool c2_saved_file_line(const struct c2_saved_file *copy, struct c2_buf *out, struct cat2_error *err);
/** The first line of the file. */
bool c2_saved_head(const char *source, struct c2_buf *out, struct cat2_error *err);
/** Is the file as it was when it was saved? */
bool c2_saved_file_is_whole(int dirfd, const struct c2_saved_file *copy);

#endif
