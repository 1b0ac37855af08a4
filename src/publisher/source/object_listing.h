/* SPDX-License-Identifier: BSD-3-Clause */
/* What stores answer when they are asked for a list. Pure: pages as they came in, names out. */
#ifndef C2_PUBLISHER_SOURCE_OBJECT_LISTING_H
#define C2_PUBLISHER_SOURCE_OBJECT_LISTING_H

#include "base/buf.h"
#include "publisher/source/object_store.h"

/* One page of ListObjectsV2. */
typedef bool c2_s3_object(void *ctx, struct c2_str key, const struct c2_object_state *state, int64_t mtime_ms,
                          struct cat2_error *err);
/** @param next  the token of the page that follows; left empty after the last. Keys that end with a slash
 * stand for folders, and are passed over. @errors CAT2_EDATA; those of the sink. */
bool c2_s3_page(struct c2_str xml, struct c2_buf *next, c2_s3_object *sink, void *ctx,
                struct cat2_error *err);
/** "2026-11-27T15:46:31.000Z"; -1: it is none. */
int64_t c2_iso_ms(struct c2_str text);

/* The index of one directory: as nginx's autoindex_format json and html have it. */
typedef bool c2_index_entry(void *ctx, struct c2_str name, bool is_dir, struct c2_str says,
                            struct cat2_error *err);
/** Names are decoded, and of one directory: what leads elsewhere is passed over. `says`: what is beside a
 * name, its time and size, in the server's form. @errors CAT2_EDATA it is neither; those of the sink. */
bool c2_index_page(struct c2_str page, c2_index_entry *sink, void *ctx, struct cat2_error *err);

#endif
