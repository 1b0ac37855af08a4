/* SPDX-License-Identifier: BSD-3-Clause */
/* Dataset objects. Loop thread. */
#ifndef C2_SUBSCRIBER_MIRROR_DATASET_H
#define C2_SUBSCRIBER_MIRROR_DATASET_H

#include "subscriber/mirror/mirror.h"

/** A dataset from one line of a full listing: {"path","etag","metadata","frame"} or {"path","error"}. refs 1.
 */
bool c2_ds_from_line(struct c2_root_state *root, struct c2_str line, bool speaks_pieces, struct c2_ds **out,
                     struct cat2_error *err);
/** The line that it was made from: append it; is it this one; its hash. */
bool c2_ds_put_line(const struct c2_ds *ds, struct c2_buf *out, struct cat2_error *err);
bool c2_ds_is_line(const struct c2_ds *ds, struct c2_str line);
uint64_t c2_ds_hash_line(const struct c2_ds *ds);
/** Were both made from the same line? */
bool c2_ds_same_line(const struct c2_ds *a, const struct c2_ds *b);
/** What its publisher calls its file; "" when it does not say. */
const char *c2_ds_urlpath(const struct c2_ds *ds);
/** Its place in the list of its root changes. What cannot happen is a bug of ours: asserted. */
void c2_ds_move(struct c2_ds *ds, enum c2_ds_life to);
struct c2_ds *c2_ds_ref(struct c2_ds *ds);
void c2_ds_unref(struct c2_ds *ds);
/** Its ETag: the publisher's, with -N when that was given N times for other bytes. */
bool c2_ds_name_etag(struct c2_ds *ds, struct c2_str etag, int repeats, struct cat2_error *err);
/** It takes the place of old: its ETag goes on from that one's. */
bool c2_ds_succeed(struct c2_ds *ds, const struct c2_ds *old, struct cat2_error *err);
/** Append the answer of /api/info: a JSON object. */
bool c2_ds_put_info(struct c2_ds *ds, struct c2_buf *out, struct cat2_error *err);
/** Is it usable, and of the generation that its publisher calls so? */
bool c2_ds_is_of(const struct c2_ds *ds, struct c2_str etag, struct c2_str validator);
/** Its path as the file that it is in has it: that of an HDF5 dataset without our suffix. Borrowed. */
struct c2_str c2_ds_name(const struct c2_ds *ds);
/** The same of what is in a file that holds datasets, also without the suffix of a frame; else its path. */
struct c2_str c2_ds_own_name(const struct c2_ds *ds);
/** Does its path, beyond its first `skip` bytes, or do its attributes hold this text, in any ASCII case? */
bool c2_ds_is_found(const struct c2_ds *ds, size_t skip, struct c2_str text);
/** Name of the cache file beneath cachefd: ROOT/PATH, with .b2 for plain files. */
bool c2_ds_cache_name(const struct c2_ds *ds, struct c2_buf *out, struct cat2_error *err);
/** Name of the folder with the levels of its planes, beneath cachefd. */
bool c2_ds_levels_name(const struct c2_ds *ds, struct c2_buf *out, struct cat2_error *err);
/** When the file was changed, by its etag; -1 unknown. */
int64_t c2_ds_mtime_ms(const struct c2_ds *ds);

#endif
