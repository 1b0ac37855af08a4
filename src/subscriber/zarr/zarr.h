/* SPDX-License-Identifier: BSD-3-Clause */
/* The Zarr face (version 2 of the format): a root is a group, so are its folders, and its arrays are arrays
 * whose chunks are those of the dataset, uncompressed, padded with zeros at the edges. */
#ifndef C2_SUBSCRIBER_ZARR_ZARR_H
#define C2_SUBSCRIBER_ZARR_ZARR_H

#include "subscriber/mirror/mirror.h"

#define C2_ZARR_METADATA_NBYTES (8 << 20) /* one .zmetadata or list of links */
#define C2_ZARR_FOLDERS_MAX     256 /* in one .zmetadata: their publisher is asked for the attributes of each */

/** A chunk key, "2.0.17" ("0" without axes): plain decimals. false: it is none of `ndim` axes. */
bool c2_zarr_key_parse(struct c2_str key, int ndim, int64_t index[C2_DIM_MAX]);
/** The items of a chunk; reaches beyond the shape at the edges. @errors CAT2_ENOTFOUND beyond the grid. */
bool c2_zarr_chunk_bound(const struct c2_grid *grid, const int64_t index[C2_DIM_MAX], struct c2_bound *out,
                         struct cat2_error *err);
/** What of it is within the shape. false: nothing. */
bool c2_zarr_clip(const struct c2_grid *grid, const struct c2_bound *bound, struct c2_bound *out);
/** Put the items of `clipped` where they belong among those of `bound`; the others are left alone. */
void c2_zarr_pad(const struct c2_bound *bound, const struct c2_bound *clipped, size_t itemsize,
                 const uint8_t *items, uint8_t *out);

/** Do all readers know this dtype? Zarr-python 3 refuses fields that are arrays or structures, and
 * extended floats. */
bool c2_zarr_common(const struct c2_dtype *dtype);
/** The JSON of .zarray. */
void c2_zarr_array_json(const struct c2_meta *meta, struct c2_jw *w);
void c2_zarr_put_shape(const struct c2_grid *grid, struct c2_jw *w); /* "shape" */
void c2_zarr_put_chunk_shape(const struct c2_grid *grid, const char *key, struct c2_jw *w);
void c2_zarr_put_base64(struct c2_jw *w, struct c2_bytes bytes);
/** Its fill_value, which is for chunks that are not there (all are) and, to xarray, for missing items:
 * netCDF's _FillValue. false: there is none that is a number of the dtype. */
bool c2_zarr_put_fill(const struct c2_dtype *dtype, struct c2_jval attrs, struct c2_jw *w);
/** The attributes of an array as a document; *text holds it. */
bool c2_zarr_parse_attrs(const struct c2_ds *ds, struct c2_buf *text, struct c2_json **out,
                         struct cat2_error *err);
/** The JSON of .zattrs of an array, with the names of its axes. */
bool c2_zarr_attrs_json(const struct c2_ds *ds, struct c2_jw *w);
/** "dimension_names" and "attributes" of an array in version 3. */
void c2_zarr3_put_attrs(const struct c2_ds *ds, struct c2_jval attrs, struct c2_jw *w);
/** The JSON of the attributes of a group, which are `text`. format: of Zarr, 2 or 3. Pyramids of OME are
 * those of version 0.4 in the one, 0.5 in the other. */
bool c2_zarr_group_attrs_json(struct c2_str text, bool netcdf, int format, struct c2_jw *w);
/** Are there variables of netCDF among the first of these? */
bool c2_zarr_is_netcdf(struct c2_ds *const *list, size_t n);
/** It is no variable, but a dimension without values: not listed. */
bool c2_zarr_is_hidden(const struct c2_ds *ds);

/** Append a path within a group as a key; its last part is a folder, or an array. */
bool c2_zarr_put_path(struct c2_str path, bool folder, struct c2_buf *out, struct cat2_error *err);
/** The path that has this key. */
bool c2_zarr_path_of(struct c2_str text, struct c2_buf *out, struct cat2_error *err);
/** Is the key that of a folder which is called as arrays are? */
bool c2_zarr_is_folder(struct c2_str text);

/** Answer .zgroup, .zmetadata or the links of a group; with fn: call that once the root has been listed. */
typedef void c2_zarr_handler(struct c2_request *req, struct c2_subscriber *sub);
void c2_zarr_group(struct c2_request *req, struct c2_subscriber *sub, c2_zarr_handler *fn);

/** GET /zarr/{path*}: what a group holds, as links. */
void c2_zarr_links(struct c2_request *req, void *state);
void c2_zarr_add_routes(struct c2_subscriber *sub);

#endif
