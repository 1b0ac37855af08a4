/* SPDX-License-Identifier: BSD-3-Clause */
/* A reduced line, as the subscriber makes it. */
#include <stdlib.h>

#include "base/limits.h"
#include "client/internal.h"

/* "N" or "PX,2". */
static bool read_shape(struct c2_str text, struct c2_bound *out)
{
    struct c2_str rest = text, one;

    out->out_ndim = 0;
    for (bool more = true; more && out->out_ndim < 2;) {
        more = c2_str_cut(rest, ',', &one, &rest);
        if (!c2_str_to_i64(c2_str_trim(one), &out->out_shape[out->out_ndim++])) return false;
    }
    int64_t n = out->out_ndim == 2 ? out->out_shape[1] : 1;
    return out->out_shape[0] >= 0 && out->out_shape[0] <= 2 * C2_LINE_PX_MAX && (n == 1 || n == 2) &&
           c2_mul_i64(out->out_shape[0], n, &out->nitems);
}

static bool read_answer(const struct c2_exchange *http, cat2_array *array, struct cat2_error *err)
{
    C2_AUTO(c2_buf) name = C2_BUF_INIT(2 * C2_DTYPE_TEXT_MAX);
    C2_AUTO(c2_dtype) dtype = {0};
    struct c2_str type, shape;

    if (!c2_exchange_header(http, "x-dtype", &type) || !c2_exchange_header(http, "x-shape", &shape) ||
        !read_shape(shape, &array->bound) || !c2_dtype_parse(type, &dtype, err))
        return c2_fail(err, CAT2_EDATA, "the answer is no line");
    array->itemsize = dtype.itemsize;
    array->nbytes = array->bound.nitems * dtype.itemsize;
    if ((uint64_t)array->nbytes != http->body.n)
        return c2_fail(err, CAT2_EDATA, "the line has %zu bytes, not %lld", http->body.n,
                       (long long)array->nbytes);
    if (!c2_dtype_name(&dtype, &name, err)) return false;
    array->dtype_name = c2_str_dup(c2_buf_str(&name));
    array->data = malloc(http->body.n + 1);
    if (!array->dtype_name || !array->data) return c2_fail_nomem(err, "line");
    if (http->body.n) memcpy(array->data, http->body.p, http->body.n);
    return true;
}

bool cat2_dataset_line(cat2_dataset *dataset, const char *slice, int px, cat2_array **out,
                       struct cat2_error *err)
{
    struct cat2_error mine;
    C2_AUTO(c2_buf) target = C2_BUF_INIT(16384);
    C2_AUTO(c2_exchange) http = {.body = C2_BUF_INIT((size_t)2 * C2_LINE_PX_MAX * 16)};

    err = c2_err_or(err, &mine);
    if (px < 1 || px > C2_LINE_PX_MAX)
        return c2_fail(err, CAT2_EINVAL, "px must be 1 to %d, not %d", C2_LINE_PX_MAX, px);
    if (!c2_client_target("/api/line/", dataset->path, &target, err) ||
        !c2_buf_puts(&target, "?slice_=", err) || !c2_client_target("", slice, &target, err) ||
        !c2_buf_printf(&target, err, "&px=%d", px))
        return false;
    http.target = c2_buf_cstr(&target);
    if (!c2_exchange_run(&dataset->client->session, &http, err)) return c2_client_named(dataset->path, err);
    cat2_array *array = calloc(1, sizeof(*array));
    if (!array) return c2_fail_nomem(err, "line");
    if (!read_answer(&http, array, err)) {
        cat2_array_free(array);
        return false;
    }
    *out = array;
    return true;
}
