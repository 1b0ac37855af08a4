/* SPDX-License-Identifier: BSD-3-Clause */
/* Where data of a path is kept in a cache: each path under a name of its own, whatever the path.
 *
 * Files end in .b2nd, .b2frame or .b2, with .idx and .new.N behind that; so a folder with such an ending, and
 * one that ends in .dir or is called ~deep or ~levels, has .dir behind its name. A part that is too long with
 * these endings is cut, with ~ and 32 hexadecimal digits of its hash behind; a name that looks so is hashed
 * too. A path that is too long for the system as a whole is ROOT/~deep/HASH. */
#ifndef C2_CACHE_CACHE_NAME_H
#define C2_CACHE_CACHE_NAME_H

#include "base/buf.h"

/** Append the cache's name of `path` (beneath folder `root`, NULL: none) with `suffix` ("" or ".b2"). */
bool c2_cache_name(const char *root, struct c2_str path, const char *suffix, struct c2_buf *out,
                   struct cat2_error *err);
/** Append the name of the folder that has the levels of planes of `path`: ROOT/~levels/~HASH. */
bool c2_cache_levels_name(const char *root, struct c2_str path, struct c2_buf *out, struct cat2_error *err);
/** A file name of at most `max` bytes: the name, or what fits of it with its hash, and its ending. */
bool c2_name_fit(struct c2_str name, size_t max, struct c2_buf *out, struct cat2_error *err);

#endif
