/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of numbers: what an HDF5 enumeration calls them. */
#ifndef C2_BLOSC_ENUMS_H
#define C2_BLOSC_ENUMS_H

#include "wire/json.h"

/** Set `out` to the names in a datatype, msgpack as docs/storage.md "What imported arrays keep" has it, as
 * compact JSON: {FIELD: {NUMBER: NAME}}, FIELD "a.b" in structures, "" of the item itself. It is empty when
 * there are none, or more than 64 KiB of them.
 *  @param key  the datatype is the value of this key; NULL: it is all of the bytes. */
void c2_enums_of(struct c2_bytes msgpack, const char *key, struct c2_buf *out);
/** The same from a publisher's JSON. @errors CAT2_EDATA it is something else. */
bool c2_enums_from_json(struct c2_jval v, struct c2_buf *out, struct cat2_error *err);

#endif
