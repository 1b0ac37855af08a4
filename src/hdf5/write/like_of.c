/* SPDX-License-Identifier: BSD-3-Clause */
/* The description of an array that never was in HDF5: what the export would make of it. */
#include "hdf5/write/rebuild_impl.h"

static void numbers(struct c2_mpw *w, const char *key, const struct c2_meta *meta, bool chunks)
{
    c2_mpw_text(w, key);
    size_t list = c2_mpw_open(w, C2_MP_LIST);
    for (int i = 0; i < meta->grid.ndim; i++)
        c2_mpw_int(w, chunks ? c2_max_i64(1, meta->grid.chunks[i]) : meta->grid.shape[i]);
    c2_mpw_close(w, list, (size_t)meta->grid.ndim);
}

bool c2_h5w_like_of(const struct c2_meta *meta, struct c2_h5w_like *out, struct cat2_error *err)
{
    struct c2_mpw w;
    const struct c2_type_describing d = {.w = &w};
    C2_AUTO(c2_buf) bytes = C2_BUF_INIT(C2_VLMETA_NBYTES_MAX);
    C2_AUTO(c2_hid) type = {-1};
    bool scalar = meta->grid.ndim == 0;

    c2_mpw_init(&w, &bytes, err);
    if (!c2_h5w_type(&meta->dtype, &type, err)) return false;
    size_t map = c2_mpw_open(&w, C2_MP_MAP);
    c2_mpw_text(&w, "version");
    c2_mpw_int(&w, C2_H5_DESCRIPTION_VERSION);
    c2_mpw_text(&w, "type");
    if (!c2_describe_type(&d, type.id, 0, err)) return false;
    c2_mpw_text(&w, "layout");
    c2_mpw_text(&w, scalar ? "contiguous" : "chunked");
    if (scalar) {
        c2_mpw_text(&w, "space");
        c2_mpw_text(&w, "scalar");
    } else {
        numbers(&w, "space", meta, false);
        numbers(&w, "chunks", meta, true);
    }
    c2_mpw_close(&w, map, scalar ? 4 : 5);
    return w.ok && c2_h5w_like_parse(c2_buf_bytes(&bytes), out, err);
}
