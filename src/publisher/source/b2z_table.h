/* SPDX-License-Identifier: BSD-3-Clause */
/* A table of a Blosc2 store (a CTable) as an array of its rows: a structured item a row, deleted ones left
 * out. */
#ifndef C2_PUBLISHER_SOURCE_B2Z_TABLE_H
#define C2_PUBLISHER_SOURCE_B2Z_TABLE_H

#include "publisher/source/b2z_store.h"
#include "publisher/source/source.h"

/** Open the rows. The item's generation is zeros. @errors CAT2_EDATA, CAT2_EUNSUPPORTED names the column. */
bool c2_b2z_table_open(const struct c2_zip_file *file, const char *name, const struct c2_b2z *store,
                       const struct c2_b2z_leaf *leaf, struct c2_codec *codec, struct c2_item **out,
                       struct cat2_error *err);

#endif
