/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of an HDF5 file share. */
#ifndef C2_PUBLISHER_SOURCE_H5_FILE_IMPL_H
#define C2_PUBLISHER_SOURCE_H5_FILE_IMPL_H

#include <pthread.h>

#include "publisher/source/h5_file.h"
#include "publisher/source/h5_others.h"

struct c2_h5_snapshot {
    atomic_int refs;
    pthread_mutex_t lock; /* guards the rest but for paths and names; never held while a worker works */
    struct c2_h5_state state;
    struct c2_h5_others others;
    struct c2_generation gen; /* of the file */
    bool hasty;               /* changed while, or just before, it was looked at: look again */
    bool kept;                /* it was read from what was kept of the file, not from the file */
    bool torn;                /* and what is known of its datasets is not of one state */
    bool bare;                /* only names were read, and all datasets could be looked at with them */
    struct {
        C2_VEC(struct c2_h5_entry_of);
    } entries;             /* sorted by path */
    struct c2_alike alike; /* metadata of entries, while they are made */
    int64_t budget;
    int nlost; /* datasets that ended the worker */
};
struct c2_h5_file {
    struct c2_container base;            /* items keep it alive */
    pthread_mutex_t walking;             /* held while its names are read, so that this is done once */
    pthread_mutex_t lock;                /* guards the rest */
    struct c2_h5_snapshot *snap, *whole; /* the last; the last of which all was looked at */
};
/* What is known of one dataset or group. */
struct c2_h5_known {
    struct c2_generation gen;
    struct c2_h5_state state; /* of the file, when it was of this generation */
    const char *refusal;
    char *name;
    bool hasty; /* the file is being written: it may be another by now */
};
void c2_h5_known_fini(struct c2_h5_known *known);
C2_DEFINE_AUTO(c2_h5_known);

bool c2_h5_same_state(const struct c2_h5_state *a, const struct c2_h5_state *b);
/** The state now, with that of the files it brings in. @errors CAT2_ENOTFOUND. */
bool c2_h5_file_now(struct c2_h5_file *file, struct c2_h5_state *out, struct cat2_error *err);
static inline struct c2_h5_workers *c2_h5_file_workers(const struct c2_h5_file *file)
{
    return file->base.shared;
}
/** One request of the present state, whether the file is here or an object. */
bool c2_h5_file_ask(struct c2_h5_file *file, struct c2_h5_call *call, struct cat2_error *err);
/** The state now, without that of other files. @errors CAT2_ENOTFOUND; of an object those of
 * c2_object_bytes_pin(). */
bool c2_h5_file_state(struct c2_h5_file *file, struct c2_h5_state *out, struct cat2_error *err);
/** The generation of the file in this state. @errors c2_is_busy(): it is in another one by now. */
bool c2_h5_file_generation(struct c2_h5_file *file, const struct c2_h5_state *state,
                           struct c2_generation *out, struct cat2_error *err);
/** libhdf5 cannot open it: why, if the file tells. */
void c2_h5_file_say_what(struct c2_h5_file *file, struct cat2_error *err);
/** One request; its states before and after get the part of the other files. Torn: they differ. */
bool c2_h5_file_call(struct c2_h5_file *file, struct c2_h5_call *call, struct cat2_error *err);
/** May it be had another time? It is being written; or it is an object, and its store is away. */
bool c2_h5_is_passing(const struct c2_h5_file *file, const struct cat2_error *err);
/** A dataset, looked at, or a group. @errors CAT2_ENOTFOUND. */
bool c2_h5_file_find(struct c2_h5_file *file, const char *path, bool group, struct c2_h5_known *out,
                     struct cat2_error *err);

/* ---- h5_kept.c ---- */

/** Fill a new snapshot with what was learned of this state of the file before, perhaps by an earlier process:
 * all but what was `tried`, which is as if it were not looked at. false: nothing was kept. */
bool c2_h5_kept_load(const struct c2_h5_file *file, const struct c2_h5_state *now,
                     struct c2_h5_snapshot *snap);
/** Keep it, when that is worth it. Before metadata is taken from it. */
void c2_h5_kept_save(const struct c2_h5_file *file, const struct c2_h5_snapshot *snap);

/* ---- h5_entries.c ---- */

void c2_h5_state_key(const struct c2_h5_state *state, struct c2_file_key *out);
/** Add an entry; path without our suffix. NULL: out of memory. */
struct c2_h5_entry_of *c2_h5_snapshot_add(struct c2_h5_snapshot *snap, const char *path, const char *name,
                                          bool group, struct cat2_error *err);
/** When all are added. Of those with one path the first stays. */
void c2_h5_snapshot_sort(struct c2_h5_snapshot *snap);
struct c2_h5_entry_of *c2_h5_snapshot_find(const struct c2_h5_snapshot *snap, const char *path, bool group);
/** It is of this generation. false: out of memory. */
bool c2_h5_entry_name_gen(struct c2_h5_entry_of *entry, const struct c2_generation *gen);
void c2_h5_snapshot_clear(struct c2_h5_snapshot *snap);

/* ---- h5_snapshot.c ---- */

/** Does an event say that it was written, though its state does not? */
bool c2_h5_is_doubted(const struct c2_h5_file *file);
enum c2_h5_making {
    C2_H5_NAMES,    /* names only */
    C2_H5_ALL,      /* and every dataset is looked at, in the same walk unless that ends the worker */
    C2_H5_UNDECIDED /* names, also while it cannot be told which generation the file is of; then it is that of
                       before, and hasty */
};
/** Read the file. refs 1. @errors c2_is_busy(). */
bool c2_h5_snapshot_make(struct c2_h5_file *file, enum c2_h5_making how, struct c2_h5_snapshot **out,
                         struct cat2_error *err);
/** Look at a dataset, if that was not done yet. *torn is set when the file is in another state by now. */
bool c2_h5_snapshot_look(struct c2_h5_file *file, struct c2_h5_snapshot *snap, struct c2_h5_entry_of *entry,
                         bool *torn, struct cat2_error *err);
/** Is another one needed, for the state now? @errors c2_is_busy(): it cannot be told yet. */
bool c2_h5_snapshot_is_old(struct c2_h5_file *file, struct c2_h5_snapshot *snap,
                           const struct c2_h5_state *now, bool *old, struct cat2_error *err);
/** The states of its other files as they are now. */
void c2_h5_snapshot_others_now(struct c2_h5_snapshot *snap, struct c2_h5_state *now);

#endif
