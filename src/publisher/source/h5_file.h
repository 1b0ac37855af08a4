/* SPDX-License-Identifier: BSD-3-Clause */
/* One HDF5 file as a publisher sees it: the datasets of its present state, each with its generation. A
 * dataset keeps its generation while the file changes around it, as far as that can be told. The names come
 * first; each dataset is looked at when it is asked for, or when all are. The state is that of the file and
 * of those that it links to. Any thread; calls block. */
#ifndef C2_PUBLISHER_SOURCE_H5_FILE_H
#define C2_PUBLISHER_SOURCE_H5_FILE_H

#include "publisher/source/container.h"
#include "publisher/source/h5_worker.h"

struct c2_h5_entry_of { /* of a snapshot; immutable once it was looked at */
    char *path;         /* "group/name.b2nd"; of a group: "group", "" */
    char *name;         /* in the file */
    bool group, looked;
    bool plain;       /* Python's subscribers can carry it too */
    bool tried;       /* the refusal is of who opened it: with another plug-in, say, it may not be refused */
    char *tags;       /* of its generation: etag, NUL, validator; NULL: not looked at. c2_h5_entry_gen() */
    int64_t mtime_ms; /* of its generation */
    const char *refusal; /* why it cannot be carried; lives as long as the site */
    uint64_t fingerprint,
        others; /* of what it was looked at: its contents, the other files; 0: unknown, none */
    int64_t nbytes;
    struct c2_shared *meta;         /* JSON as a list has it, until it was taken; NULL: not known */
    struct c2_cparams_rest cparams; /* with meta */
};
/* What is in one state of the file. */
struct c2_h5_snapshot;
void c2_h5_snapshot_unref(struct c2_h5_snapshot *snapshot);
C2_DEFINE_AUTO_PTR(c2_h5_snapshot, c2_h5_snapshot_unref);
/** Sorted by path. */
size_t c2_h5_snapshot_count(const struct c2_h5_snapshot *snapshot);
const struct c2_h5_entry_of *c2_h5_snapshot_at(const struct c2_h5_snapshot *snapshot, size_t i);
/** Its generation, in a file of this format; zeros when it was not looked at, or is a group. */
void c2_h5_entry_gen(const struct c2_h5_entry_of *entry, const struct c2_format *format,
                     struct c2_generation *out);
/** Its metadata, once; the reference is yours. */
struct c2_shared *c2_h5_snapshot_take_meta(struct c2_h5_snapshot *snapshot, size_t i);

struct c2_h5_file; /* a struct c2_container of c2_format_hdf5 */
/** The present state, every dataset looked at; yours to unref. Takes its time; others do not wait for it.
 *  While the file is written, the last state that was. @errors CAT2_ENOTFOUND the file is gone; CAT2_EDATA it
 *  is no HDF5 file, and what it is; c2_is_busy(). */
bool c2_h5_file_last(struct c2_h5_file *file, struct c2_h5_snapshot **out, struct cat2_error *err);
/** The present generation of one dataset. @errors CAT2_ENOTFOUND; c2_is_busy(). */
bool c2_h5_file_stat(struct c2_h5_file *file, const char *path, struct c2_generation *out,
                     struct cat2_error *err);
/** A dataset at its present generation. */
bool c2_h5_file_open(struct c2_h5_file *file, const char *path, struct c2_item **out, struct cat2_error *err);
/** Attributes of a group ("" is the root's) or a dataset as JSON. @errors CAT2_ENOTFOUND. */
bool c2_h5_file_attrs(struct c2_h5_file *file, const char *path, struct c2_buf *out, struct cat2_error *err);
/** Is this one of the files it brings in, as far as is known? rel is a name or the end of a path. */
bool c2_h5_file_uses(struct c2_h5_file *file, const char *rel);

#endif
