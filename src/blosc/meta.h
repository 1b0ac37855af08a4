/* SPDX-License-Identifier: BSD-3-Clause */
/* What is known of a dataset without its data: geometry, dtype, compression, attributes; and its JSON on the
 * wire. */
#ifndef C2_BLOSC_META_H
#define C2_BLOSC_META_H

#include "ndim/dtype.h"
#include "ndim/grid.h"
#include "wire/json.h"

enum c2_kind {
    C2_KIND_ARRAY, /* *.b2nd: n-d array */
    C2_KIND_FRAME, /* *.b2frame: super-chunk, one axis of items */
    C2_KIND_FILE   /* anything else: bytes, stored Blosc2-compressed as NAME.b2 in caches */
};
/** Decided by the suffix alone, case-sensitive. */
enum c2_kind c2_kind_of(struct c2_str path);
/** Of NAME.b2, what the frame of the plain file NAME is called: NAME. n is 0: it is no such name. */
struct c2_str c2_kind_bare(struct c2_str path);
#define C2_ARRAY_SUFFIX ".b2nd"
#define C2_FRAME_SUFFIX ".b2frame"
#define C2_GROUP_ATTRS  ".attributes"
/* A table of a Blosc2 store, an array of rows: the attribute that has its schema, and its path in the store
 * when it is all of that. */
#define C2_TABLE_ATTR  "ctable"
#define C2_TABLE_ALONE "table" C2_ARRAY_SUFFIX
/** Is it called as what has the attributes of its folder, which cat2import made of a group? */
bool c2_is_group_attrs(struct c2_str path);

#define C2_SPLIT_NEVER 2 /* the bytes of a block that are shuffled are one stream, not one for each place */
struct c2_cparams {
    int codec, codec_meta, clevel; /* codec: Blosc2's id (5 = ZSTD) */
    int splitmode;                 /* 1..4; C2_SPLIT_NEVER */
    bool use_dict;
    uint8_t filters[6], filters_meta[6];
    int32_t typesize, blocksize; /* blocksize 0: varies (plain schunks) */
};
/* Owned by one c2_dataset-like object; immutable after it is filled. */
struct c2_meta {
    enum c2_kind kind;
    struct c2_grid
        grid; /* ARRAY: its shape, chunks, blocks; FRAME, FILE: one axis of nbytes/typesize items */
    struct c2_dtype dtype; /* ARRAY; FRAME, FILE: |V{typesize}, |u1 for 1 byte */
    struct c2_cparams cparams;
    int64_t nbytes, cbytes; /* of the padded storage; compressed without index-only special chunks */
    int64_t nchunks;
    int32_t chunksize, chunkshape; /* bytes, items */
    bool contiguous;
    char *urlpath;        /* absolute server path, "None" without file */
    struct c2_buf vlmeta; /* compact JSON object text, keys in frame order: {"a":1} */
    struct c2_buf enums;  /* names of numbers, JSON as c2_enums_of() makes it; empty: none */
};
void c2_meta_fini(struct c2_meta *meta);
C2_DEFINE_AUTO(c2_meta);
bool c2_meta_copy(const struct c2_meta *from, struct c2_meta *to, struct cat2_error *err);

/** Exactly the keys of docs/protocol.md "info" (Metadata for arrays, SChunk otherwise), Python's key order.
 *  @param extended  also "mtime" (mtime_ms, null when < 0), "accept_ranges": "bytes" and the six more cparams
 * of today's clients. */
bool c2_meta_to_json(const struct c2_meta *meta, bool extended, int64_t mtime_ms, struct c2_jw *out);
/** Of cparams, the members that publishers' metadata does not have; from an object with them, or without. */
struct c2_cparams_rest {
    uint8_t codec_meta, clevel, splitmode, use_dict;
};
struct c2_cparams_rest c2_cparams_rest_of(const struct c2_cparams *cparams);
void c2_meta_put_cparams(struct c2_cparams_rest rest, struct c2_jw *out);
void c2_meta_get_cparams(struct c2_jval v, struct c2_cparams *cparams);
/** The member "mtime" of an object: ISO text, null when < 0. */
void c2_meta_put_mtime(int64_t ms, struct c2_jw *out);
/** From a publisher's JSON, ours or Python's; everything checked, nothing trusted.
 *  @errors CAT2_EDATA names the key. */
bool c2_meta_from_json(struct c2_jval v, enum c2_kind kind, struct c2_meta *out, struct cat2_error *err);

#endif
