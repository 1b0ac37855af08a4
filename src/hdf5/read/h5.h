/* SPDX-License-Identifier: BSD-3-Clause */
/* HDF5 files read as arrays of Blosc2 chunks. A b2nd chunk is an HDF5 chunk; contiguous and compact datasets
 * get chunks of their own. Reading is two steps: c2_h5_fetch() calls libhdf5 (one thread at a time for the
 * whole process), c2_h5_convert() decodes and compresses (any thread). Nothing in the file is trusted; a file
 * can still bring libhdf5 down, so services do all this in cat2h5. No locks are taken; other files are
 * opened only beneath a directory that the caller names. */
#ifndef C2_HDF5_READ_H5_H
#define C2_HDF5_READ_H5_H

#include "blosc/codec.h"
#include "blosc/meta.h"

/** Once, before any other call here and before threads: libhdf5 prints nothing and locks nothing. */
bool c2_h5_setup(struct cat2_error *err);

struct c2_h5;
/** Open for reading, also while another process writes it (SWMR). @errors CAT2_ENOTFOUND, CAT2_EDATA. */
bool c2_h5_open(const char *filename, struct c2_h5 **out, struct cat2_error *err);
/** The same; external links, virtual datasets and raw data elsewhere are followed to files beneath dir (NULL:
 * the file's own directory), never out of it. */
bool c2_h5_open_beneath(const char *dir, const char *filename, struct c2_h5 **out, struct cat2_error *err);
/* A file that is elsewhere, in one state. HDF5's thread. */
struct c2_h5_elsewhere {
    int64_t nbytes;
    bool (*read)(void *ctx, int64_t off, size_t n, void *to); /* within the file; false: it cannot be read */
    void *ctx;
};
/** Read through `elsewhere`, which stays as long; no other file is opened. @param name  for messages. */
bool c2_h5_open_elsewhere(const char *name, const struct c2_h5_elsewhere *elsewhere, struct c2_h5 **out,
                          struct cat2_error *err);
void c2_h5_close(struct c2_h5 *h5); /* after its datasets */
C2_DEFINE_AUTO_PTR(c2_h5, c2_h5_close);

/* ---- what is in it ---- */

enum c2_h5_kind {
    C2_H5_GROUP,
    C2_H5_DATASET,
    C2_H5_TYPE, /* a named datatype */
    C2_H5_LINK  /* leads nowhere we go: dangling, external, back to a group above it; or a limit was met */
};
struct c2_h5_entry {
    enum c2_h5_kind kind;
    const char *path; /* "group/name" in UTF-8, passes c2_path_check(); no suffix. Bytes of names that cannot
                         be shown so are %XX. "" for the file's root group */
    const char *name; /* the path as the file has it: for the functions below. "/" for the root group */
    const char *refusal; /* LINK: why it is not followed; else NULL */
    uint64_t id;         /* the object: equal under all its names; 0 for LINK */
    bool aliased;        /* an earlier entry has the same id */
};
typedef bool c2_h5_visit(void *ctx, const struct c2_h5_entry *entry, struct cat2_error *err);
/** Every object under every name, groups before what they hold, names in byte order, the root group first.
 *  @errors CAT2_ELIMIT more entries than C2_H5_ENTRIES_MAX; what visit() returns. */
bool c2_h5_walk(struct c2_h5 *h5, c2_h5_visit *visit, void *ctx, struct cat2_error *err);

#define C2_H5_LEFT_OUT "caterva2_left_out"
#define C2_H5_SHAPE    "caterva2_shape" /* attribute of the offsets of sequences: the dataset's shape */

/* One attribute of a dataset or group. */
struct c2_h5_attr {
    const char *name; /* UTF-8 */
    struct c2_bytes
        msgpack; /* as NumPy's tolist() packed: scalars, nested arrays; strings as str, raw bytes as bin;
                    complex as [re, im]; compound as a map; references as text; null as nil */
    const char *refusal; /* why it cannot be carried, msgpack empty; or NULL */
};
typedef bool c2_h5_attr_fn(void *ctx, const struct c2_h5_attr *attr, struct cat2_error *err);
/** Attributes in byte order of their names. */
bool c2_h5_attrs(struct c2_h5 *h5, const char *name, c2_h5_attr_fn *fn, void *ctx, struct cat2_error *err);
/** The same as one JSON object, compact, as c2_meta.vlmeta. What is left out is named, with the reason, in
 * the item C2_H5_LEFT_OUT: {"attributes": {NAME: WHY}, "members": {NAME: WHY}}. */
bool c2_h5_attrs_json(struct c2_h5 *h5, const char *name, struct c2_buf *out, struct cat2_error *err);

/* ---- a dataset ---- */

struct c2_h5_options {
    struct c2_cparams
        cparams;     /* typesize, blocksize are set for each dataset. typesize 0: LZ4, level 5, shuffle */
    bool recompress; /* also chunks that are Blosc2 already */
    int ndim;        /* > 0: datasets of so many axes get the chunk shape below */
    int32_t chunks[C2_DIM_MAX];
};
enum c2_h5_layout { C2_H5_CONTIGUOUS, C2_H5_COMPACT, C2_H5_CHUNKED, C2_H5_VIRTUAL };
struct c2_h5_facts {
    enum c2_h5_layout layout;
    int nfilters;
    int filters[32];
    bool passes;     /* chunks go through as they are, where they pass the checks */
    bool own_chunks; /* our chunks are not the file's */
    int64_t storage; /* bytes in the file */
    bool is_text;    /* variable-length strings, shown at fixed width */
};
/* What of it is not carried: a member of a compound ("a.b"), and why. */
struct c2_h5_left_out {
    char *name, *reason;
};
struct c2_h5_dataset;
/** Metadata is complete after this, with the attributes. options NULL: the defaults.
 *  @errors CAT2_EUNSUPPORTED it cannot be carried, and why; CAT2_EDATA; CAT2_ENOTFOUND. HDF5's thread. */
bool c2_h5_dataset_open(struct c2_h5 *h5, const char *name, const struct c2_h5_options *options,
                        struct c2_h5_dataset **out, struct cat2_error *err);
void c2_h5_dataset_close(struct c2_h5_dataset *ds); /* HDF5's thread */
C2_DEFINE_AUTO_PTR(c2_h5_dataset, c2_h5_dataset_close);
const struct c2_meta *c2_h5_meta(const struct c2_h5_dataset *ds);              /* kind ARRAY; borrowed */
const struct c2_h5_facts *c2_h5_dataset_facts(const struct c2_h5_dataset *ds); /* borrowed */

size_t c2_h5_dataset_left_out(const struct c2_h5_dataset *ds,
                              const struct c2_h5_left_out **out); /* borrowed */

/* A chunk between the two steps. */
enum c2_h5_raw_kind {
    C2_H5_RAW_FILL,   /* not in the file: the fill value */
    C2_H5_RAW_STORED, /* as stored: mask and the dataset's filters tell how to decode */
    C2_H5_RAW_ITEMS   /* decoded: C order, a whole chunk, edges padded with zeros */
};
struct c2_h5_raw {
    enum c2_h5_raw_kind kind;
    uint32_t mask; /* bit i: filter i was not applied */
    int64_t nchunk;
    struct c2_buf bytes;                /* reused from call to call */
    struct c2_buf items, blocks, spare; /* scratch of the second step */
};
void c2_h5_raw_init(struct c2_h5_raw *raw);
void c2_h5_raw_fini(struct c2_h5_raw *raw);
C2_DEFINE_AUTO(c2_h5_raw);
/** Read chunk nchunk of meta->grid. HDF5's thread. @errors CAT2_EINVAL range; CAT2_EDATA; CAT2_EIO. */
bool c2_h5_fetch(struct c2_h5_dataset *ds, int64_t nchunk, struct c2_h5_raw *raw, struct cat2_error *err);
/** Append the guarded Blosc2 chunk (a special one for chunks of one value). Any thread, codec of its own. */
bool c2_h5_convert(const struct c2_h5_dataset *ds, struct c2_codec *codec, struct c2_h5_raw *raw,
                   struct c2_buf *out, struct cat2_error *err);
/** Both steps. HDF5's thread. */
bool c2_h5_chunk(struct c2_h5_dataset *ds, struct c2_codec *codec, int64_t nchunk, struct c2_buf *out,
                 struct cat2_error *err);
/** A box of items in C order and meta->dtype: prod(count) * itemsize bytes. HDF5's thread. */
bool c2_h5_read(struct c2_h5_dataset *ds, const int64_t *start, const int64_t *count, uint8_t *out,
                struct cat2_error *err);
/** Where a chunk that passes through lies in the file: *off, *n of the Blosc2 chunk itself. false without
 * *err: it has to be fetched. Not checked yet: c2_guard_chunk() what was read. HDF5's thread. */
bool c2_h5_locate(struct c2_h5_dataset *ds, int64_t nchunk, int64_t *off, int32_t *n);
/** Differs when shape, type, attributes or data do: the contents are hashed when they take *budget bytes in
 * the file at most, which is lowered by what was read. 0: too much to read, ask the file's time instead.
 * HDF5's thread. */
uint64_t c2_h5_fingerprint(struct c2_h5_dataset *ds, int64_t *budget);

#endif
