/* SPDX-License-Identifier: BSD-3-Clause */
/* The files that libhdf5 opens, and which: all of them through a driver of ours that knows one directory and
 * opens nothing outside of it, whatever an external link, a virtual dataset or a symbolic link says. It also
 * notes what was asked for, so that answers can be tied to the state of every file they came from. HDF5's
 * thread. */
#ifndef C2_HDF5_READ_BENEATH_H
#define C2_HDF5_READ_BENEATH_H

#include "hdf5/read/h5_impl.h"
#include "helper/h5_proto.h"

enum c2_h5_found { C2_H5_THERE, C2_H5_ABSENT, C2_H5_OUTSIDE, C2_H5_BARRED };
struct c2_h5_other {
    char *rel; /* beneath the directory; may hold ".." */
    enum c2_h5_found found;
    struct c2_h5_state state; /* all 0 when absent */
    uint64_t touched;         /* the mark before */
};
struct c2_h5_beneath;
/** Registers the driver. Once. */
bool c2_h5_beneath_setup(struct cat2_error *err);
bool c2_h5_beneath_new(const char *dir, struct c2_h5_beneath **out, struct cat2_error *err);
/** One file that is elsewhere, and nothing beside it: every other one leads out. @param filename  "/NAME".
 * @param elsewhere  borrowed. */
bool c2_h5_beneath_new_elsewhere(const char *filename, const struct c2_h5_elsewhere *elsewhere,
                                 struct c2_h5_beneath **out, struct cat2_error *err);
void c2_h5_beneath_free(struct c2_h5_beneath *b); /* after every file opened with it */
/** The directory, in full. */
const char *c2_h5_beneath_dir(const struct c2_h5_beneath *b);
/** Open an HDF5 file by its full path, also while it is written (SWMR). */
hid_t c2_h5_beneath_open(struct c2_h5_beneath *b, const char *filename);

/** From here on it is noted what is asked for. */
void c2_h5_beneath_mark(struct c2_h5_beneath *b);
bool c2_h5_beneath_touched(const struct c2_h5_beneath *b, const struct c2_h5_other *other);
/** Why the last file asked for since the mark was not opened: "leads out of the root"; NULL: it was. */
const char *c2_h5_beneath_reason(const struct c2_h5_beneath *b);
/** All files asked for but the first, there or not; borrowed until the next is opened. */
size_t c2_h5_beneath_others(const struct c2_h5_beneath *b, const struct c2_h5_other **out);
/** Are they still in the states they were opened in? */
bool c2_h5_beneath_same(struct c2_h5_beneath *b);

/** Where libhdf5 would find `name` when the file `from` (its full path) speaks of it: as it is, or beside
 * from. out is its full path. THERE: an open would succeed as far as names go. It counts as asked for. */
enum c2_h5_found c2_h5_beneath_find(struct c2_h5_beneath *b, const char *from, const char *name,
                                    char out[4096]);
/** A descriptor of any file beneath, for raw data; -1: errno, EXDEV outside. It counts as asked for. */
int c2_h5_beneath_raw(struct c2_h5_beneath *b, const char *filename);

#endif
