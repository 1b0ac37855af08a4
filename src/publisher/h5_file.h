/* SPDX-License-Identifier: BSD-3-Clause */
/* One HDF5 file as a publisher sees it: the datasets of its present state, each with its generation. A
 * dataset keeps its generation while the file changes around it, as far as that can be told. Any thread;
 * calls block. */
#ifndef C2_PUBLISHER_H5_FILE_H
#define C2_PUBLISHER_H5_FILE_H

#include "publisher/generations.h"
#include "publisher/h5_worker.h"
#include "publisher/source.h"

struct c2_h5_entry_of { /* of a snapshot; immutable */
    char *path;         /* "group/name.b2nd"; of a group: "group", "" */
    char *name;         /* in the file */
    bool group;
    struct c2_generation gen;
    uint64_t fingerprint; /* 0: unknown */
    bool plain;           /* Python's subscribers can carry it too */
    const char *refusal;  /* why it cannot be carried; lives as long as the workers */
};
/* What is in one state of the file. */
struct c2_h5_snapshot {
    atomic_int refs;
    struct c2_h5_state state;
    struct c2_generation gen;       /* of the file */
    bool hasty;                     /* changed while, or just before, it was looked at: look again */
    struct c2_h5_entry_of *entries; /* sorted by path */
    size_t n;
};
void c2_h5_snapshot_unref(struct c2_h5_snapshot *snapshot);
C2_DEFINE_AUTO_PTR(c2_h5_snapshot, c2_h5_snapshot_unref);
const struct c2_h5_entry_of *c2_h5_snapshot_find(const struct c2_h5_snapshot *snapshot, const char *path,
                                                 bool group);

struct c2_h5_file;
/** Keeps references to workers and gens. prefix: what generations of the file are remembered as; those of its
 * datasets are PREFIX/PATH, or PATH when it is ".". */
bool c2_h5_file_new(const char *filename, const char *prefix, struct c2_h5_workers *workers,
                    struct c2_gens *gens, struct c2_h5_file **out, struct cat2_error *err);
struct c2_h5_file *c2_h5_file_ref(struct c2_h5_file *file);
void c2_h5_file_unref(struct c2_h5_file *file);
const char *c2_h5_file_name(const struct c2_h5_file *file);
/** The present state; yours to unref. @errors CAT2_ENOTFOUND the file is gone; c2_is_busy(). */
bool c2_h5_file_look(struct c2_h5_file *file, struct c2_h5_snapshot **out, struct cat2_error *err);
/** The same for lists: while the file is looked at or written, the last state known. */
bool c2_h5_file_last(struct c2_h5_file *file, struct c2_h5_snapshot **out, struct cat2_error *err);
/** A dataset at its present generation. */
bool c2_h5_file_open(struct c2_h5_file *file, const char *path, struct c2_item **out, struct cat2_error *err);
/** Attributes of a group ("" is the root's) or a dataset as JSON. @errors CAT2_ENOTFOUND. */
bool c2_h5_file_attrs(struct c2_h5_file *file, const char *path, struct c2_buf *out, struct cat2_error *err);

/** Does the file begin as HDF5 files do (perhaps behind a user block)? */
bool c2_h5_signature(int fd);
bool c2_h5_stat(const char *filename, struct c2_h5_state *out);

#endif
