/* SPDX-License-Identifier: BSD-3-Clause */
/* Roots and their datasets: found, put, dropped, remembered. Loop thread. */
#ifndef C2_SUBSCRIBER_MIRROR_ROOTS_H
#define C2_SUBSCRIBER_MIRROR_ROOTS_H

#include "subscriber/mirror/dataset.h"
#include "subscriber/mirror/root.h"

#define C2_SAVED_AT_ONCE 500       /* datasets of a list; of more the rest is saved later */
#define C2_DATASETS_MAX  (1 << 19) /* of one root: each takes 0.8 to 2.4 KiB of memory, 1.2 GiB in all */

struct c2_root_state *c2_sub_root_add(struct c2_subscriber *sub, const struct c2_root *root,
                                      struct cat2_error *err);
/** Its list as it is now, "EPOCH-CHANGES": differs from run to run and with every change. */
void c2_sub_root_etag(const struct c2_root_state *root, char out[48]);
/** The lines of its list, for ETag: the same ones at every tier and in every run. */
void c2_sub_lines_etag(const struct c2_root_state *root, char out[48]);
/** After c2_sub_find() found none: the file it would be in, when that cannot be read; *why says so. */
struct c2_ds *c2_sub_find_broken(struct c2_root_state *root, struct c2_str path, const char **why);
/** How many there are beneath a folder (its path with a '/' at the end, "" for all), and where they begin. */
size_t c2_sub_first_beneath(const struct c2_root_state *root, struct c2_str dir, struct c2_ds ***first);
/** References to the datasets beneath a folder (its path with a '/' at the end, "" for all), in order, but
 * those that have the attributes of a folder; free the list. @errors CAT2_ENOTFOUND. */
bool c2_sub_beneath(struct c2_root_state *root, struct c2_str dir, struct c2_ds ***list, size_t *n,
                    struct cat2_error *err);
/** Put into the list, replacing an older generation; takes ds. Equal etags keep the object that is there.
 * What is known before the first listing is not kept for the next start: it is not all there is. */
bool c2_sub_put(struct c2_root_state *root, struct c2_ds *ds, struct cat2_error *err);
/** This is the list now: what changed is told and kept for the next start, what is gone is forgotten. `found`
 * is sorted, and its references stay the caller's. @errors CAT2_ENOMEM: nothing has changed. */
bool c2_sub_take_list(struct c2_root_state *root, struct c2_ds **found, size_t n, struct cat2_error *err);
void c2_sub_drop(struct c2_root_state *root, struct c2_str path);
/** Nothing is listed any more. forget: what is remembered and cached goes in later turns of the loop; else it
 * stays. */
void c2_sub_drop_all(struct c2_root_state *root, bool forget);
bool c2_sub_restore(struct c2_subscriber *sub, struct cat2_error *err);
void c2_sub_save_root(struct c2_root_state *root);

/* ---- save_later.c ---- */

/** Write the dataset to the state. What cannot be written is said there, and written later. */
void c2_ds_save(const struct c2_ds *ds);
bool c2_ds_try_save(const struct c2_ds *ds, struct cat2_error *err);

/** The dataset is gone: remove it from the state and from the cache. */
void c2_ds_forget(const struct c2_ds *ds);

/** Levels of its planes, which are of one generation, are removed. */
void c2_ds_forget_levels(const struct c2_ds *ds);

/** Write it in a later turn of the loop, if it is listed then; or forget it, if it was removed and nothing of
 * its path is listed. Without memory it is written now. */
void c2_sub_save_later(struct c2_ds *ds);
/** What the state has of this root is not its list until all that is to be written later was: a new start
 * removes it. @errors of the state. */
bool c2_sub_mark_unsaved(struct c2_root_state *root, struct cat2_error *err);
/** Stopping: all of it now. */
void c2_sub_save_rest(struct c2_subscriber *sub);
/** Starting: parts of first lists are removed. */
bool c2_sub_remove_unsaved(struct c2_subscriber *sub, struct cat2_error *err);

/* ---- */

/** Look after the state now and then; what could not be written is written when it can. */
bool c2_sub_tend_state(struct c2_subscriber *sub, struct cat2_error *err);
void c2_sub_roots_free(struct c2_subscriber *sub);

/** Is there anything beneath this folder of the root? */
bool c2_sub_is_folder(const struct c2_root_state *root, struct c2_str folder);
/** The dataset of this name: c2_ds_name(), or its path where that is nobody's name; a Blosc2 array may also
 * be called without its suffix. NULL: there is none, or the folder is meant, as by a slash at the end. */
struct c2_ds *c2_sub_find_named(struct c2_root_state *root, struct c2_str path, bool slash, bool *folder);
/** The file that holds datasets, which is one of the folders of this path; NULL: there is none. */
struct c2_ds *c2_sub_find_container(struct c2_root_state *root, struct c2_str path);
/** Is it a file that holds datasets, or in one? */
bool c2_sub_is_container(struct c2_root_state *root, struct c2_str path);
/** The dataset of this path; in a file that holds datasets, also of the name that it has there. Where there
 * is no NAME.b2, it is the plain file NAME. */
struct c2_ds *c2_sub_find_own(struct c2_root_state *root, struct c2_str path);
/** The rows, of a file that is nothing but a table; or NULL. */
struct c2_ds *c2_sub_table_of(struct c2_root_state *root, const struct c2_ds *file);
/** Tell who watches of a change of a dataset, or (NULL) of the root. */
void c2_mirror_tell(struct c2_root_state *root, const struct c2_ds *ds, const char *change);

#endif
