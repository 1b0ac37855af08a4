/* SPDX-License-Identifier: BSD-3-Clause */
/* What the metadata of an array of a Zarr store says, versions 2 and 3. All of it comes from others: sizes
 * are bounded, products checked. Any thread. */
#ifndef C2_PUBLISHER_SOURCE_ZARR_ARRAY_H
#define C2_PUBLISHER_SOURCE_ZARR_ARRAY_H

#include "ndim/dtype.h"
#include "ndim/grid.h"
#include "wire/json.h"

#define C2_ZS_CODECS_MAX  8                     /* of one array: writers use two or three */
#define C2_ZS_CHUNK_MAX   (256 << 20)           /* bytes of a decoded chunk: reading needs a few of them */
#define C2_ZS_JSON_NBYTES C2_TRAILER_NBYTES_MAX /* of a metadata file; a root's may be consolidated */

enum c2_zs_kind {
    C2_ZS_BLOSC,
    C2_ZS_ZLIB,
    C2_ZS_GZIP,
    C2_ZS_ZSTD,
    C2_ZS_LZ4,
    C2_ZS_BZIP2,
    C2_ZS_CRC32C,
    C2_ZS_SHUFFLE,
    C2_ZS_DELTA
};
struct c2_zs_codec {
    enum c2_zs_kind kind;
    int32_t size; /* SHUFFLE, DELTA: bytes of an item */
    bool swapped; /* DELTA: not in this machine's order */
};
/* In the order of writing. */
struct c2_zs_chain {
    struct c2_zs_codec p[C2_ZS_CODECS_MAX];
    int n;
};
struct c2_zs_array {
    struct c2_dtype dtype;
    int ndim;
    int64_t shape[C2_DIM_MAX];
    int32_t chunks[C2_DIM_MAX];      /* in a shard: those in it */
    int32_t files[C2_DIM_MAX];       /* what one file holds; without shards the same */
    int order[C2_DIM_MAX];           /* the axis that is the i-th of those stored */
    bool turned;                     /* that is another order than C's */
    struct c2_zs_chain chain, index; /* index: of a shard's index */
    bool sharded, index_first, index_big;
    bool prefixed;  /* keys begin with "c" */
    char separator; /* between numbers of keys */
    uint8_t *fill;  /* an item; NULL: zeros */
    struct c2_buf attrs;
};
void c2_zs_array_fini(struct c2_zs_array *array);
C2_DEFINE_AUTO(c2_zs_array);

/** Of version 2. @param attrs  the contents of .zattrs; empty: none.
 *  @errors CAT2_EDATA what is wrong; CAT2_EUNSUPPORTED what is not read; CAT2_ELIMIT. */
bool c2_zs_array_v2(struct c2_str zarray, struct c2_str zattrs, struct c2_zs_array *out,
                    struct cat2_error *err);
/** Of version 3, whose json is that of an array. */
bool c2_zs_array_v3(struct c2_jval json, struct c2_zs_array *out, struct cat2_error *err);
/** What zarr.json is of. @errors CAT2_EDATA neither group nor array of version 3. */
bool c2_zs_node_kind(struct c2_jval json, bool *is_array, struct cat2_error *err);

/* ---- zarr_dtype.c ---- */

/** "<f8", or a list of fields. */
bool c2_zs_dtype_v2(struct c2_jval v, struct c2_dtype *out, struct cat2_error *err);
/** "float64", or an object with a name and a configuration. @param order  '<' or '>'. */
bool c2_zs_dtype_v3(struct c2_jval v, char order, struct c2_dtype *out, struct cat2_error *err);
/** The item that missing chunks are full of; *out NULL: zeros. v: absent or null: zeros. */
bool c2_zs_fill(struct c2_jval v, const struct c2_dtype *dtype, uint8_t **out, struct cat2_error *err);

/** Base64 of at most n bytes. false: it is none. */
bool c2_zs_base64(struct c2_str text, size_t n, uint8_t *to);

/* ---- zarr_json.c ---- */

/** JSON as Python writes it: what is no number of JSON (NaN, Infinity) is null. */
bool c2_zs_parse(struct c2_str text, struct c2_json **out, struct cat2_error *err);
/** Append the attributes of a group; anything but an object counts as none. */
bool c2_zs_group_attrs(struct c2_jval attrs, struct c2_buf *out, struct cat2_error *err);
/** Attributes with the names of axes as others of our sources have them. @param names  dimension_names, or
 * absent. @param fill  of version 2, whose readers take it for _FillValue when there are names of axes;
 * or absent. */
bool c2_zs_array_attrs(struct c2_jval attrs, struct c2_jval names, struct c2_jval fill,
                       const struct c2_dtype *dtype, struct c2_buf *out, struct cat2_error *err);

#endif
