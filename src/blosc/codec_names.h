/* SPDX-License-Identifier: BSD-3-Clause */
/* The registry of Blosc2: its codecs and filters by their numbers, with the one name each has here. */
#ifndef C2_BLOSC_CODEC_NAMES_H
#define C2_BLOSC_CODEC_NAMES_H

#include "base/str.h"

#define C2_CODEC_FIRST_PLUGIN 32    /* of those that are plug-ins of the library */
#define C2_HDF5_FILTER_BLOSC2 32026 /* Blosc2 as a filter of HDF5 */

struct c2_codec_name {
    int id;
    const char *word;    /* in options and lists: "zstd" */
    const char *name;    /* in text: "Zstandard" */
    const char *package; /* what brings it, when it is not built in; else NULL */
};
/** NULL: no codec of the registry. */
const struct c2_codec_name *c2_codec_of_id(int64_t id);
/** In any case of letters. */
const struct c2_codec_name *c2_codec_of_word(struct c2_str word);
/** "shuffle"; NULL: no filter of the registry. */
const char *c2_filter_name(int64_t id);

#endif
