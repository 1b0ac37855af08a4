/* SPDX-License-Identifier: BSD-3-Clause */
/* Directories of Blosc2 datasets from HDF5 files and back. The result appears under its name only when it is
 * complete; whatever cannot be carried is told, counted and left out.
 *
 *   dataset a/b         <->  a/b.b2nd          shape, dtype, chunk shape; Blosc2 chunks are copied
 *   dataset a/b         <--  a/b.b2frame, .b2  one axis of |V{typesize} or uint8
 *   dataset a/notes.md  <--  a/notes.md        any other file: uint8
 *   group a             <->  a/
 *   attributes of b     <->  vlmeta of b; those with names of more than 31 bytes in a map, attribute
 * CATERVA2_LONG attributes of a     <->  vlmeta of a/.attributes.b2nd, an array without axes of one uint8 */
#ifndef C2_IMPORT_EXPORT_CONVERT_H
#define C2_IMPORT_EXPORT_CONVERT_H

#include <signal.h>

#include "base/error.h"
#include "base/limits.h"

#define C2_LONG_ATTRIBUTES "CATERVA2_LONG"

enum c2_note {
    C2_NOTE_SKIPPED, /* it cannot be carried */
    C2_NOTE_LOST,    /* it is carried, but something about it is not kept */
    C2_NOTE_CHANGED, /* it is carried, but in another way: nothing is lost */
    C2_NOTE_LISTED   /* of a dry run: what would be made */
};
/* Where a conversion stands. */
struct c2_progress {
    int64_t items, nitems;   /* datasets done, all */
    int64_t chunks, nchunks; /* of the dataset at hand */
    const char *path;
};
struct c2_convert_options {
    const char *include, *exclude; /* globs, one a line; NULL: all, none */
    bool dry_run, overwrite;
    int filters;       /* of the export: enum c2_h5w_filters */
    int codec, clevel; /* -1: as they are (what is not Blosc2: zstd, 1) */
    int ndim;          /* > 0: arrays of so many axes get the chunk shape below */
    int32_t chunks[C2_DIM_MAX];
    int nthreads;                      /* 0: one a core */
    const volatile sig_atomic_t *stop; /* becomes true: give up */
    void (*note)(void *ctx, enum c2_note what, const char *path, const char *text);
    void (*progress)(void *ctx, const struct c2_progress *progress);
    void *ctx;
};
struct c2_convert_counts {
    int64_t datasets, groups, attributes; /* made */
    int64_t copied, compressed;           /* chunks */
    int64_t links;                        /* import: kept as links; export: made, or not followed */
    int64_t excluded, skipped, lost;      /* left out: as asked, as it cannot be carried, parts */
};

/** @errors CAT2_EINVAL new_file exists; CAT2_ENOTFOUND; CAT2_ECANCELLED *stop; CAT2_EIO. Nothing is left
 * then. */
bool c2_export(const char *root_dir, const char *new_file, const struct c2_convert_options *options,
               struct c2_convert_counts *counts, struct cat2_error *err);
bool c2_import(const char *file, const char *new_dir, const struct c2_convert_options *options,
               struct c2_convert_counts *counts, struct cat2_error *err);

/** Is a path to be converted? Patterns match the whole path; "*" also matches "/". */
bool c2_convert_picks(const struct c2_convert_options *options, const char *path);
/** Chunk nchunk of the dataset at hand is written: count it, and tell who watches. */
void c2_convert_chunk_done(const struct c2_convert_options *options, struct c2_convert_counts *counts,
                           struct c2_progress *progress, int64_t nchunk, bool copied);
/** CAT2_ECANCELLED when asked to stop. */
bool c2_convert_goes_on(const struct c2_convert_options *options, struct cat2_error *err);

#endif
