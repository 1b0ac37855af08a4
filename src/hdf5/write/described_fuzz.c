/* SPDX-License-Identifier: BSD-3-Clause */
/* Descriptions of any bytes, through all that rebuilds from them, into a file in memory. */
#include "hdf5/write/rebuild_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void lost(void *ctx, const char *what)
{
    (void)ctx;
    (void)what;
}

static const struct c2_h5w_teller TELLER = {lost, NULL};

/* An array of 4 by 6 whose items have as many bytes as the type, if it can be. */
static void dataset(struct c2_h5w *w, const struct c2_h5w_like *like, const char *descr, int ndim)
{
    C2_AUTO(c2_meta) meta = {.kind = C2_KIND_ARRAY};
    C2_AUTO_PTR(c2_h5w_dataset) *ds = NULL;
    const int64_t shape[] = {4, 6}, start[] = {0, 0};
    const int32_t chunks[] = {2, 6};
    struct c2_h5w_plan plan;
    struct cat2_error err;
    static const uint8_t items[24 * 64];

    if (!c2_dtype_parse(c2_str_of(descr), &meta.dtype, &err) ||
        !c2_grid_init(&meta.grid, shape, chunks, chunks, ndim, (int32_t)meta.dtype.itemsize, true, &err))
        return;
    meta.cparams = c2_cparams_default((int32_t)meta.dtype.itemsize,
                                      (int32_t)(meta.grid.block_items * meta.dtype.itemsize));
    meta.chunksize = (int32_t)(meta.grid.chunk_items * meta.dtype.itemsize);
    meta.chunkshape = (int32_t)meta.grid.chunk_items;
    if (!c2_h5w_plan(w, like, &meta, C2_H5W_NONE, false, &plan, &err)) return;
    for (int i = 0; i < plan.ndim; i++)
        if (plan.chunks[i] > 1 << 16) return; /* a chunk of zeros that a gigabyte takes is no finding */
    if (c2_h5w_dataset_like(w, "x", &meta, like, &plan, C2_H5W_NONE, &TELLER, &ds, &err))
        c2_h5w_put_box(ds, start, shape, items, &err);
}

static void attributes(struct c2_h5w *w, const struct c2_h5w_like *like)
{
    C2_AUTO_PTR(c2_h5w_attrs) *attrs = NULL;
    static const uint8_t seven[] = {7};
    struct cat2_error err;
    struct c2_str shown;
    bool made;

    if (!c2_h5w_attrs_open(w, "", &attrs, &err)) return;
    for (const struct c2_mp_node *at = NULL; (at = c2_h5w_like_attribute(like, at, &shown));) {
        c2_h5w_attrs_like(attrs, at, (struct c2_bytes){NULL, 0}, &made, &err);
        c2_h5w_attrs_like(attrs, at, (struct c2_bytes){seven, 1}, &made, &err);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    C2_AUTO(c2_h5w_like) like = {0};
    struct c2_h5w *w = NULL;
    struct cat2_error err;
    bool reserved;

    if (size > 1 << 16 || !c2_h5w_like_parse((struct c2_bytes){data, size}, &like, &err)) return 0;
    if (!c2_h5w_create_like(NULL, &like, &TELLER, &w, &err)) return 0;
    c2_h5w_group_like(w, "group", &like, &err);
    c2_h5w_types(w, "", &like, &TELLER, &err);
    dataset(w, &like, "<i4", 2);
    dataset(w, &like, "|S8", 1);
    dataset(w, &like, "[('a', '<i2'), ('b', '<U2')]", 1);
    c2_h5w_hard_links(w, "", &like, &TELLER, &err);
    attributes(w, &like);
    c2_h5w_types_attributes(w, "", &like, &TELLER, &err);
    c2_h5w_links(w, "", &like, &TELLER, &err);
    C2_AUTO_PTR(c2_h5w_attrs) *attrs = NULL;
    if (c2_h5w_attrs_open(w, "group", &attrs, &err)) {
        c2_h5w_attrs_scale(attrs, C2_STR("DIMENSION_LIST"), (struct c2_bytes){data, size}, &reserved, &err);
        c2_h5w_attrs_scale(attrs, C2_STR("REFERENCE_LIST"), (struct c2_bytes){data, size}, &reserved, &err);
    }
    c2_h5w_attrs_free(attrs);
    attrs = NULL;
    c2_h5w_free(w);
    return 0;
}
