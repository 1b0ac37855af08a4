/* SPDX-License-Identifier: BSD-3-Clause */
/* HDF5 files written from Blosc2 arrays: a chunk of the array becomes an HDF5 chunk of filter 32026 without
 * being compressed again. One thread calls, except where "any thread" is said.
 *
 * How NumPy's types are kept where HDF5 has none of its own: bool as an enum of int8 {FALSE, TRUE}; complex
 * as a compound {r, i}; unicode, datetime64 and timedelta64 as opaque with the tag "NUMPY:<U5", which h5py
 * reads as it was; structured types as compounds with their offsets (titles are lost). Attributes: numbers,
 * booleans, texts and regular lists of one of them as such (64-bit numbers, variable-length UTF-8), bytes as
 * fixed strings; all else (None, maps, mixed lists) as JSON text, and the object then has an attribute
 * CATERVA2_JSON that lists the names of those. */
#ifndef C2_HDF5_WRITE_H5W_H
#define C2_HDF5_WRITE_H5W_H

#include "blosc/meta.h"

#define C2_H5W_JSON "CATERVA2_JSON"

struct c2_h5w;
/** Create or empty the file.
 *  @param filename  NULL: in memory only, to see what would work. */
bool c2_h5w_create(const char *filename, struct c2_h5w **out, struct cat2_error *err);
/** Write what is left and close; all datasets must be closed. Frees w, also on failure. */
bool c2_h5w_close(struct c2_h5w *w, struct cat2_error *err);
void c2_h5w_free(struct c2_h5w *w); /* gives the file up */
C2_DEFINE_AUTO_PTR(c2_h5w, c2_h5w_free);

/** Paths are relative to the file's root group, "" is that group itself; groups above must exist. */
bool c2_h5w_group(struct c2_h5w *w, const char *path, struct cat2_error *err);
/** Take a closed dataset out again. */
bool c2_h5w_remove(struct c2_h5w *w, const char *path, struct cat2_error *err);

/* Attributes of one object, one after the other. */
struct c2_h5w_attrs;
bool c2_h5w_attrs_open(struct c2_h5w *w, const char *path, struct c2_h5w_attrs **out, struct cat2_error *err);
/** @param msgpack  as Blosc2 keeps the attribute. */
bool c2_h5w_attrs_add(struct c2_h5w_attrs *attrs, struct c2_str name, struct c2_bytes msgpack,
                      struct cat2_error *err);
/** Write CATERVA2_JSON when there is something to list. Frees attrs, also on failure. */
bool c2_h5w_attrs_close(struct c2_h5w_attrs *attrs, struct cat2_error *err);
void c2_h5w_attrs_free(struct c2_h5w_attrs *attrs);
C2_DEFINE_AUTO_PTR(c2_h5w_attrs, c2_h5w_attrs_free);

/* A dataset being written. Arrays without axes are contiguous and take their one item; all others are chunked
 * as meta->grid, and every chunk must be put that is not full of the fill value. */
struct c2_h5w_dataset;
/** @param meta  shape, chunks, blocks, dtype, cparams; borrowed until the dataset is closed.
 *  @param fill  an item, the fill value; NULL: zeros.
 *  @errors CAT2_EUNSUPPORTED a type that HDF5 cannot hold. */
bool c2_h5w_dataset_new(struct c2_h5w *w, const char *path, const struct c2_meta *meta, const uint8_t *fill,
                        struct c2_h5w_dataset **out, struct cat2_error *err);
/** The item, of meta->grid.typesize bytes, that is read where no chunk was put.
 *  @return false: what is read there is not certain, the array's items are not the dataset's bytes, or they
 *  are larger than `size`. */
bool c2_h5w_fill(const struct c2_h5w_dataset *ds, uint8_t *out, size_t size);
/** Append what HDF5 stores for a Blosc2 chunk: a frame of this one chunk. The chunk must be guarded and full
 * size; one of uninitialised items becomes zeros. Any thread. */
bool c2_h5w_wrap(const struct c2_h5w_dataset *ds, struct c2_bytes chunk, struct c2_buf *out,
                 struct cat2_error *err);
bool c2_h5w_put(struct c2_h5w_dataset *ds, int64_t nchunk, struct c2_bytes wrapped, struct cat2_error *err);
/** The item of an array without axes. */
bool c2_h5w_put_item(struct c2_h5w_dataset *ds, const uint8_t *item, struct cat2_error *err);
void c2_h5w_dataset_close(struct c2_h5w_dataset *ds);
C2_DEFINE_AUTO_PTR(c2_h5w_dataset, c2_h5w_dataset_close);

#endif
