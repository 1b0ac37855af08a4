/* SPDX-License-Identifier: BSD-3-Clause */
/* Any bytes of any dtype print, or are refused: ndim, a byte an axis, the dtype's text up to '\n', the items.
 */
#include <stdlib.h>

#include "ndim/print.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cat2_error err;
    int64_t shape[C2_DIM_MAX] = {0}, nitems = 1;
    struct c2_str text, rest;
    C2_AUTO(c2_dtype) dtype = {0};
    C2_AUTO(c2_buf) out = C2_BUF_INIT(1 << 20);
    C2_AUTO(c2_buf) json = C2_BUF_INIT(1 << 20);

    if (size == 0) return 0;
    int ndim = data[0] % 7;
    if (size < 1 + (size_t)ndim) return 0;
    for (int axis = 0; axis < ndim; axis++)
        shape[axis] = data[1 + axis];
    bool cut = c2_print_summarised(shape, ndim);
    for (int axis = 0; axis < ndim; axis++)
        nitems *= cut ? c2_min_i64(shape[axis], 6) : shape[axis];
    c2_str_cut((struct c2_str){(const char *)data + 1 + ndim, size - 1 - (size_t)ndim}, '\n', &text, &rest);
    if (!c2_dtype_parse(text, &dtype, &err) || nitems * dtype.itemsize > 1 << 16) return 0;
    size_t nbytes = (size_t)(nitems * dtype.itemsize);
    uint8_t *items = calloc(nbytes + (size_t)dtype.itemsize + 1, 1);
    C2_ASSERT(items);
    if (rest.n) memcpy(items, rest.p, nbytes < rest.n ? nbytes : rest.n);
    if (c2_print_array(&dtype, shape, ndim, items, &out, &err)) C2_ASSERT(out.n > 0 || dtype.kind == 'U');
    c2_print_json_item(&dtype, items, &json, &err);
    free(items);
    return 0;
}
