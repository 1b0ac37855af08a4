/* SPDX-License-Identifier: BSD-3-Clause */
/* What parses is printed as text that parses to the same; fields lie inside their item. */
#include "ndim/dtype.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_fields(const struct c2_dtype *dtype)
{
    int64_t end = 0, offset;

    for (int i = 0; i < dtype->nfields; i++) {
        const struct c2_field *field = &dtype->fields[i];
        C2_ASSERT(field->offset == end && field->nbytes >= 0);
        end += field->nbytes;
        C2_ASSERT(end <= dtype->itemsize);
        if (!strchr(field->name, '.')) {
            const struct c2_field *found = c2_dtype_field(dtype, c2_str_of(field->name), &offset);
            C2_ASSERT(found && offset + found->nbytes <= dtype->itemsize);
        }
        check_fields(&field->type);
    }
    C2_ASSERT(dtype->nfields == 0 || end == dtype->itemsize);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cat2_error err;
    C2_AUTO(c2_dtype) first = {0};
    C2_AUTO(c2_dtype) second = {0};
    C2_AUTO(c2_dtype) third = {0};
    C2_AUTO(c2_buf) descr = C2_BUF_INIT(1 << 20);
    C2_AUTO(c2_buf) name = C2_BUF_INIT(1 << 20);
    C2_AUTO(c2_buf) again = C2_BUF_INIT(1 << 20);

    if (!c2_dtype_parse((struct c2_str){(const char *)data, size}, &first, &err)) return 0;
    check_fields(&first);
    C2_ASSERT(c2_dtype_descr(&first, &descr, &err) && c2_dtype_name(&first, &name, &err));
    if (descr.n > C2_DTYPE_TEXT_MAX) return 0;
    C2_ASSERT(c2_dtype_parse(c2_buf_str(&descr), &second, &err));
    C2_ASSERT(c2_dtype_descr(&second, &again, &err));
    C2_ASSERT(c2_str_eq(c2_buf_str(&descr), c2_buf_str(&again)));
    c2_buf_clear(&again);
    C2_ASSERT(c2_dtype_parse(c2_buf_str(&name), &third, &err));
    C2_ASSERT(c2_dtype_descr(&third, &again, &err));
    C2_ASSERT(c2_str_eq(c2_buf_str(&descr), c2_buf_str(&again)));
    return 0;
}
