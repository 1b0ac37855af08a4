/* SPDX-License-Identifier: BSD-3-Clause */
/* Reduced tiles of planes, kept beside the cache of the dataset that they were made of: a cache file of its
 * own for each way of reducing, in which every chunk is a tile. It belongs to one generation, as all cache
 * files do, and to nothing else: whoever finds a tile missing makes it again. */
#ifndef C2_CACHE_LEVELS_H
#define C2_CACHE_LEVELS_H

#include "blosc/codec.h"

#define C2_LEVELS_TILE   (128 << 10) /* numbers of 8 bytes in a tile: sums or extremes, and of how many */
#define C2_LEVELS_NTILES (1 << 18)   /* in one file: its index takes 8 bytes for each in memory */

struct c2_levels;
/** Of ntiles tiles in the file `rel`, which is looked for at the first use. @param dirfd  borrowed. NULL: out
 * of memory. References are for any thread. */
struct c2_levels *c2_levels_new(int dirfd, const char *rel, const char *etag, int64_t ntiles);
struct c2_levels *c2_levels_ref(struct c2_levels *levels);
void c2_levels_unref(struct c2_levels *levels);
bool c2_levels_is(const struct c2_levels *levels, const char *rel, const char *etag);
/** Is its file in this folder, "DIR/"? */
bool c2_levels_is_in(const struct c2_levels *levels, const char *folder);

/** Is tile n kept? Any thread; false until somebody has looked. */
bool c2_levels_has(struct c2_levels *levels, int64_t n);
/** Open the file, if there is one of this generation. Worker. */
void c2_levels_look(struct c2_levels *levels);
/** Tile n; false when it is not there, or damaged. Worker. */
bool c2_levels_get(struct c2_levels *levels, struct c2_codec *codec, int64_t n, uint8_t *to);
/** Keep tile n. @errors from then on nothing more is kept. Worker. */
bool c2_levels_put(struct c2_levels *levels, struct c2_codec *codec, int64_t n, const uint8_t *from,
                   struct cat2_error *err);
/** Has the disk refused a tile? Why is copied to err, which may be NULL. */
bool c2_levels_failed(struct c2_levels *levels, struct cat2_error *err);

/** Bytes on disk; 0 while there is no file. */
int64_t c2_levels_nbytes(struct c2_levels *levels);

/** Bytes on disk of all files in a folder of levels; 0 when there is none. Worker. */
int64_t c2_levels_folder_nbytes(int dirfd, const char *rel);
/** Remove it; open ones live on. */
void c2_levels_folder_remove(int dirfd, const char *rel);

#endif
