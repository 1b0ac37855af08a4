/* SPDX-License-Identifier: BSD-3-Clause */
/* Attributes: msgpack as Blosc2 stores them, JSON as the wire shows them. */
#ifndef C2_WIRE_MSGPACK_H
#define C2_WIRE_MSGPACK_H

#include "wire/json.h"

/** Append one msgpack value as JSON: bin -> UTF-8 string (invalid bytes U+FFFD), ["__tuple__", ...] -> array
 * without the mark, NaN/inf -> null, int keys -> their text, ext -> {"__ext__": type, "nbytes": n}. The whole
 * input must be one value. */
bool c2_msgpack_to_json(struct c2_bytes in, struct c2_jw *out, struct cat2_error *err);
/** The reverse, for values that came as JSON: ints smallest form, reals float64. */
bool c2_msgpack_from_json(struct c2_jval v, struct c2_buf *out, struct cat2_error *err);

#endif
