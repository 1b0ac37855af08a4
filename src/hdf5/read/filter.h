/* SPDX-License-Identifier: BSD-3-Clause */
/* The filters of HDF5 that are undone here, without plug-ins: one table, used for whole chunks in any thread
 * and, through libhdf5's own registry, for all that goes through libhdf5 (text of variable length, virtual
 * datasets, types that are converted). Bytes are not trusted. */
#ifndef C2_HDF5_READ_FILTER_H
#define C2_HDF5_READ_FILTER_H

#include "base/buf.h"
#include "blosc/codec.h"

#define C2_H5_FILTER_DEFLATE    1
#define C2_H5_FILTER_SHUFFLE    2
#define C2_H5_FILTER_FLETCHER32 3
#define C2_H5_FILTER_BZIP2      307
#define C2_H5_FILTER_LZF        32000
#define C2_H5_FILTER_BLOSC      32001
#define C2_H5_FILTER_LZ4        32004
#define C2_H5_FILTER_BITSHUFFLE 32008
#define C2_H5_FILTER_ZSTD       32015
#define C2_H5_FILTER_VALUES_MAX 16 /* client values kept: none of ours reads more */

/* A filter of one dataset's pipeline. */
struct c2_h5_filter {
    int id;
    char name[32]; /* as the registry of filters, or else the file, has it */
    unsigned nvalues;
    unsigned values[C2_H5_FILTER_VALUES_MAX];
};
/* Append what `in` decodes to; out->n is 0 before, max the most it may become. codec may be NULL but for
 * Blosc2. @errors CAT2_EDATA what is wrong; CAT2_EUNSUPPORTED what is not carried; CAT2_ELIMIT. */
typedef bool c2_h5_decode(const struct c2_h5_filter *filter, struct c2_codec *codec, struct c2_bytes in,
                          size_t max, struct c2_buf *out, struct cat2_error *err);

/** NULL: not undone here. */
c2_h5_decode *c2_h5_filter_decode(int id);
/** "LZ4"; NULL: not in the registry as far as it is known here. */
const char *c2_h5_filter_name(int id);
/** Undo one filter: c2_h5_decode with the filter named in the error. */
bool c2_h5_filter_undo(const struct c2_h5_filter *filter, struct c2_codec *codec, struct c2_bytes in,
                       size_t max, struct c2_buf *out, struct cat2_error *err);
/** Make them known to libhdf5, where it has none of its own. Once, in the thread of HDF5. */
bool c2_h5_register_filters(struct cat2_error *err);

/* ---- filter_codecs.c, filter_bitshuffle.c ---- */
c2_h5_decode c2_h5_decode_lzf, c2_h5_decode_blosc, c2_h5_decode_lz4, c2_h5_decode_zstd, c2_h5_decode_bzip2,
    c2_h5_decode_bitshuffle, c2_h5_decode_zlib;

#endif
