/* SPDX-License-Identifier: BSD-3-Clause */
/* What a publisher and its cat2h5 say to each other over a socket pair: one request, its answers, in the
 * machine's byte order (both are one build on one machine).
 *
 *   request   struct c2_h5_request, file bytes, name bytes
 *   answer    struct c2_h5_answer, name bytes, body bytes, others bytes
 *
 * WALK answers with a C2_H5_ITEM for every dataset and group, then C2_H5_DONE; the rest with one DONE or
 * FAILED. Items come some at a time. The worker looks at the file before and after each request and says
 * which state of it this was; when it changed it is opened anew. The same goes for other files, which
 * external links and virtual datasets bring in: when one of them changed under way, the state after is none
 * (all bits set). WALK and LOOK say which they were: each a struct c2_h5_other_file and its path.
 *
 * A file may be elsewhere: then the request says in which state it is, and the worker, which opens no file
 * for it, answers with a C2_H5_RANGE whenever it needs bytes, as often as it likes:
 *
 *   range     struct c2_h5_range, bytes */
#ifndef C2_HELPER_H5_PROTO_H
#define C2_HELPER_H5_PROTO_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#define C2_H5_PROTO_MAGIC 0x35483243  /* C2H5 */
#define C2_H5_PROTO_NAME  (1 << 20)   /* bytes of the longest name */
#define C2_H5_PROTO_BODY  (1 << 30)   /* bytes of the longest body */
#define C2_H5_PROTO_RANGE (8 << 20)   /* bytes that are asked for at once; more is asked for in parts */
#define C2_H5_NO_FILES    "/dev/null" /* in place of a directory: all files are elsewhere */

enum c2_h5_op {
    C2_H5_OP_WALK, /* everything in the file. nchunk: 0, or every dataset is looked at on the way, and so many
                      bytes may be read for all of them */
    C2_H5_OP_LOOK, /* one dataset: its fingerprint and size. nchunk: bytes that may be read for it; what is
                      left  comes back as off */
    C2_H5_OP_META, /* one dataset: its metadata, extended JSON as of docs/protocol.md "info" */
    C2_H5_OP_CHUNK, /* one chunk of a dataset: a guarded Blosc2 chunk, or where it lies in the file */
    C2_H5_OP_ATTRS  /* attributes of a group or dataset as JSON */
};

enum c2_h5_status {
    C2_H5_DONE,
    C2_H5_FAILED, /* code is a cat2_code, the body its message */
    C2_H5_ITEM,
    C2_H5_RANGE /* n bytes from off on are wanted; a struct c2_h5_range comes back */
};
enum c2_h5_shows {
    C2_H5_SHOWS_GROUP,
    C2_H5_SHOWS_DATASET,
    C2_H5_SHOWS_LOOKED, /* a dataset, with what LOOK says of it; the body is its metadata, JSON as a list has
                           it */
    C2_H5_SHOWS_REFUSED /* the body says why */
};
/* A state of the file. */
struct c2_h5_state {
    uint64_t dev, ino;
    int64_t size, sec, nsec;       /* of its contents */
    int64_t ctime_sec, ctime_nsec; /* of its contents, names, permissions */
    uint64_t others; /* the publisher's: a hash over the states of other files; 0: there are none */
};
static inline void c2_h5_state_of(const struct stat *st, struct c2_h5_state *out)
{
    memset(out, 0, sizeof(*out)); /* states are compared and hashed as bytes */
    out->dev = st->st_dev;
    out->ino = st->st_ino;
    out->size = st->st_size;
    out->sec = st->st_mtim.tv_sec;
    out->nsec = st->st_mtim.tv_nsec;
    out->ctime_sec = st->st_ctim.tv_sec;
    out->ctime_nsec = st->st_ctim.tv_nsec;
}
/* Of a file; all 0, false and errno: it is not there. */
static inline bool c2_h5_stat(const char *filename, struct c2_h5_state *out)
{
    struct stat st;

    if (stat(filename, &st) == 0) {
        c2_h5_state_of(&st, out);
        return true;
    }
    memset(out, 0, sizeof(*out));
    return false;
}
struct c2_h5_request {
    uint32_t magic, op;
    int64_t nchunk;
    uint64_t file_len, name_len; /* a file's path; a path in it */
    uint64_t elsewhere;          /* 1: the file is; its state is */
    struct c2_h5_state state;
};
struct c2_h5_range {
    uint64_t magic, n; /* bytes that follow: all that were asked for, or none */
};
struct c2_h5_other_file {
    struct c2_h5_state state; /* all 0: it is not there */
    uint64_t path_len;        /* its full path follows */
};
struct c2_h5_answer {
    uint32_t magic, status;
    int32_t code,
        kind;      /* ITEM: kind is a c2_h5_shows; code is set when it was opened and cannot be carried */
    int32_t plain; /* LOOK, LOOKED: 1 when Python's subscribers of 2024 can carry it too */
    uint8_t cparams[4]; /* LOOKED: a struct c2_cparams_rest */
    uint64_t name_len;  /* ITEM: the path shown, a NUL, the path in the file */
    uint64_t body_len;
    uint64_t others_len;
    struct c2_h5_state before, after; /* equal: the answer is of one state */
    uint64_t fingerprint;             /* LOOK, LOOKED: differs when the data may differ, 0: unknown */
    int64_t nbytes;                   /* LOOK, LOOKED: of all items */
    int64_t off;                      /* CHUNK without body: where in the file, n bytes */
    int64_t n;
};

#endif
