/* SPDX-License-Identifier: BSD-3-Clause */
/* Pickle protocol 5, write only, for Python clients that ask for it. Bulk data goes between head and tail, so
 * that any amount can be streamed: send head, then exactly nbytes of data, then tail. See docs/protocol.md
 * "pickle". */
#ifndef C2_WIRE_PICKLE_H
#define C2_WIRE_PICKLE_H

#include "base/buf.h"

struct c2_pickle {
    struct c2_buf head, tail;
};
void c2_pickle_fini(struct c2_pickle *p);
C2_DEFINE_AUTO(c2_pickle);

/** A bytes object of n bytes. */
bool c2_pickle_bytes(size_t n, struct c2_pickle *out, struct cat2_error *err);
/** A C-ordered ndarray. `descr` is NumPy's typestr ("<i8", "|S6", "<U6", "<M8[ns]") or the Python list
 * literal of a structured dtype; dtypes are rebuilt by calling numpy.dtype, so every dtype NumPy can print
 * round-trips. nbytes = product(shape) * itemsize. Loads with NumPy 1 and 2 ("numpy.core..." module names).
 */
bool c2_pickle_ndarray(struct c2_str descr, const int64_t *shape, int ndim, size_t nbytes,
                       struct c2_pickle *out, struct cat2_error *err);

#endif
