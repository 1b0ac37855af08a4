/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files behind /h5grove/ share: roots, folders and datasets as the entities of an HDF5 file, in the
 * words H5Web understands. docs/protocol.md "H5Web (h5grove)". */
#ifndef C2_SUBSCRIBER_H5GROVE_GROVE_H
#define C2_SUBSCRIBER_H5GROVE_GROVE_H

#include "subscriber/answer/lookup.h"

/* at: what `file` and `path` name; ds NULL: a folder, or the root. */
typedef void c2_grove_fn(const struct c2_found *at);

/* ---- grove_entity.c ---- */
/** The entity of a dataset; one that cannot be served is there too, and says why in an attribute. */
void c2_grove_dataset(const struct c2_ds *ds, struct c2_jw *w);
/** {"name": value} of all attributes, or those named. */
void c2_grove_attrs(const struct c2_ds *ds, const struct c2_str *names, size_t nnames, struct c2_jw *w);
/** [{"name","shape","type"}] of attributes as JSON, "" none. */
void c2_grove_attr_types(struct c2_str json, struct c2_jw *w);
void c2_grove_attr_values(struct c2_str json, const struct c2_str *names, size_t nnames, struct c2_jw *w);

/* ---- grove_list.c ---- */
void c2_grove_folder(const struct c2_found *at);
void c2_grove_paths(const struct c2_found *at);

/* ---- grove_data.c ---- */
void c2_grove_data(const struct c2_found *at);

void c2_grove_add_routes(struct c2_subscriber *sub);

#endif
