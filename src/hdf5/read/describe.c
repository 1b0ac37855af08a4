/* SPDX-License-Identifier: BSD-3-Clause */
/* Datasets and groups as one msgpack map. */
#include "hdf5/read/describe.h"

#include <stdlib.h>
#include <unistd.h>

#include "hdf5/read/describe_impl.h"

static void key(struct c2_describer *d, const char *name, size_t *n)
{
    c2_mpw_text(&d->w, name);
    ++*n;
}

static void put_int(struct c2_describer *d, const char *name, int64_t value, size_t *n)
{
    key(d, name, n);
    c2_mpw_int(&d->w, value);
}

/* How far the axes may grow, where that is not their length; nil: without end. */
static void growth(struct c2_describer *d, hid_t space, size_t *n)
{
    hsize_t dims[C2_H5_DIM_MAX], most[C2_H5_DIM_MAX];
    int ndim =
        H5Sget_simple_extent_type(space) == H5S_SIMPLE ? H5Sget_simple_extent_dims(space, dims, most) : 0;
    bool same = true;

    for (int i = 0; i < ndim; i++)
        same = same && dims[i] == most[i];
    if (same || ndim < 1) return;
    key(d, "maxshape", n);
    size_t list = c2_mpw_open(&d->w, C2_MP_LIST);
    for (int i = 0; i < ndim; i++) {
        if (most[i] == H5S_UNLIMITED)
            c2_mpw_nil(&d->w);
        else
            c2_mpw_uint(&d->w, most[i]);
    }
    c2_mpw_close(&d->w, list, (size_t)ndim);
}

static void filters(struct c2_describer *d, hid_t plist, size_t *n)
{
    int count = H5Pget_nfilters(plist);

    if (count < 1) return;
    key(d, "filters", n);
    size_t list = c2_mpw_open(&d->w, C2_MP_LIST);
    for (int i = 0; i < count; i++) {
        unsigned flags = 0, info, values[C2_H5_FILTERS_MAX] = {0};
        size_t nvalues = C2_ARRAY_LEN(values);
        char name[64] = "";
        int id = H5Pget_filter2(plist, (unsigned)i, &flags, &nvalues, values, sizeof(name), name, &info);
        if (nvalues > C2_ARRAY_LEN(values)) nvalues = C2_ARRAY_LEN(values);
        size_t filter = c2_mpw_open(&d->w, C2_MP_LIST);
        c2_mpw_int(&d->w, id);
        c2_mpw_uint(&d->w, flags);
        for (size_t k = 0; k < nvalues; k++)
            c2_mpw_uint(&d->w, values[k]);
        c2_mpw_close(&d->w, filter, 2 + nvalues);
    }
    c2_mpw_close(&d->w, list, (size_t)count);
}

static bool layout(struct c2_describer *d, hid_t plist, size_t *n)
{
    static const char *const names[] = {"compact", "contiguous", "chunked", "virtual"};
    hsize_t chunk[C2_H5_DIM_MAX];
    H5D_layout_t kind = H5Pget_layout(plist);
    unsigned options = 0;

    if (kind < H5D_COMPACT || kind > H5D_VIRTUAL) return d->w.ok;
    key(d, "layout", n);
    c2_mpw_text(&d->w, names[kind]);
    if (kind == H5D_VIRTUAL)
        c2_describe_lost(d, "the places of its virtual data: a copy of the data is kept");
    if (kind == H5D_CONTIGUOUS && H5Pget_external_count(plist) > 0)
        c2_describe_lost(d, "the places of its data in other files: a copy of the data is kept");
    if (kind != H5D_CHUNKED || d->how->other_chunks) return d->w.ok;
    int ndim = H5Pget_chunk(plist, C2_H5_DIM_MAX, chunk);
    key(d, "chunks", n);
    size_t list = c2_mpw_open(&d->w, C2_MP_LIST);
    for (int i = 0; i < ndim; i++)
        c2_mpw_uint(&d->w, chunk[i]);
    c2_mpw_close(&d->w, list, (size_t)(ndim > 0 ? ndim : 0));
    if (H5Pget_chunk_opts(plist, &options) >= 0 && options) put_int(d, "chunk_options", options, n);
    filters(d, plist, n);
    return d->w.ok;
}

/* "undefined", "value" or neither: the default of zeros. */
static bool fill(struct c2_describer *d, hid_t plist, hid_t type, size_t *n, struct cat2_error *err)
{
    H5D_fill_value_t defined;
    H5D_fill_time_t time;
    size_t size = H5Tget_size(type), before = d->w.out->n, keys = *n;

    if (H5Pget_fill_time(plist, &time) >= 0 && time != H5D_FILL_TIME_IFSET) put_int(d, "fill_time", time, n);
    if (H5Pfill_value_defined(plist, &defined) < 0 || defined == H5D_FILL_VALUE_DEFAULT) return d->w.ok;
    if (defined == H5D_FILL_VALUE_UNDEFINED) {
        key(d, "fill", n);
        c2_mpw_nil(&d->w);
        return d->w.ok;
    }
    uint8_t *value = size && size <= C2_H5_ITEM_MAX ? calloc(1, size) : NULL;
    if (!value) return c2_fail_nomem(err, "fill value");
    key(d, "fill", n);
    bool ok = H5Pget_fill_value(plist, type, value) >= 0 || c2_h5_fail(err, CAT2_EDATA, "it cannot be read");
    ok = ok && c2_describe_values(d, type, value, 1, err);
    C2_AUTO(c2_hid) one = {H5Screate(H5S_SCALAR)};
    if (!c2_h5_is_plain(type) && one.id >= 0) H5Dvlen_reclaim(type, one.id, H5P_DEFAULT, value);
    free(value);
    if (!ok && err->code != CAT2_ENOMEM && err->code != CAT2_ELIMIT) {
        c2_describe_lost(d, "the fill value: %s", err->message);
        d->w.out->n = before;
        *n = keys;
        ok = true;
    }
    return ok;
}

static bool tell_dataset(struct c2_describer *d, hid_t dataset, size_t *n, struct cat2_error *err)
{
    C2_AUTO(c2_hid)
    type = {H5Dget_type(dataset)}, space = {H5Dget_space(dataset)}, plist = {H5Dget_create_plist(dataset)};
    H5D_alloc_time_t alloc;
    hbool_t times = false;
    unsigned order = 0;

    if (type.id < 0 || space.id < 0 || plist.id < 0)
        return c2_h5_fail(err, CAT2_EDATA, "it cannot be described");
    key(d, "type", n);
    if (!c2_describe_its_type(d, type.id, err)) return false;
    key(d, "space", n);
    if (!c2_describe_space(d, space.id, err)) return false;
    growth(d, space.id, n);
    if (!layout(d, plist.id, n) || !fill(d, plist.id, type.id, n, err)) return false;
    if (H5Pget_alloc_time(plist.id, &alloc) >= 0) put_int(d, "alloc_time", alloc, n);
    if (H5Pget_obj_track_times(plist.id, &times) >= 0 && times) put_int(d, "times", 1, n);
    if (H5Pget_attr_creation_order(plist.id, &order) >= 0 && order) put_int(d, "attribute_order", order, n);
    H5Eclear2(H5E_DEFAULT);
    return c2_describe_attributes(d, dataset, order & H5P_CRT_ORDER_TRACKED, n, err);
}

/* Of the root group: what the file has before its first byte of HDF5. */
static bool user_block(struct c2_describer *d, hid_t group, size_t *n, struct cat2_error *err)
{
    C2_AUTO(c2_hid) plist = {H5Fget_create_plist(d->h5->file)};
    C2_AUTO(c2_buf) bytes = C2_BUF_INIT(C2_H5_USERBLOCK_MAX);
    hsize_t size = 0;
    int *fd = NULL;

    (void)group;
    if (plist.id < 0 || H5Pget_userblock(plist.id, &size) < 0 || size == 0) return d->w.ok;
    if (size > C2_H5_USERBLOCK_MAX) {
        c2_describe_lost(d, "the user block of %llu bytes; up to %d are kept", (unsigned long long)size,
                         C2_H5_USERBLOCK_MAX);
        return d->w.ok;
    }
    if (!c2_buf_resize(&bytes, size, err)) return false;
    if (H5Fget_vfd_handle(d->h5->file, H5P_DEFAULT, (void **)&fd) < 0 || !fd ||
        pread(*fd, bytes.p, size, 0) != (ssize_t)size) {
        c2_describe_lost(d, "the user block: it cannot be read");
        return d->w.ok;
    }
    key(d, "user_block", n);
    c2_mpw_bytes(&d->w, c2_buf_bytes(&bytes));
    return d->w.ok;
}

static bool tell_group(struct c2_describer *d, hid_t group, size_t *n, struct cat2_error *err)
{
    C2_AUTO(c2_hid) plist = {H5Gget_create_plist(group)};
    unsigned links = 0, attributes = 0;

    if (plist.id < 0) return c2_h5_fail(err, CAT2_EDATA, "it cannot be described");
    if (H5Pget_link_creation_order(plist.id, &links) >= 0 && links) put_int(d, "link_order", links, n);
    if (H5Pget_attr_creation_order(plist.id, &attributes) >= 0 && attributes)
        put_int(d, "attribute_order", attributes, n);
    H5Eclear2(H5E_DEFAULT);
    return c2_describe_links(d, group, links & H5P_CRT_ORDER_TRACKED, n, err) &&
           c2_describe_attributes(d, group, attributes & H5P_CRT_ORDER_TRACKED, n, err);
}

static bool describe(struct c2_describer *d, hid_t object, const char *name, struct cat2_error *err)
{
    size_t map = c2_mpw_open(&d->w, C2_MP_MAP), n = 0;
    H5I_type_t kind = H5Iget_type(object);

    put_int(d, "version", C2_H5_DESCRIPTION_VERSION, &n);
    size_t nothing = n;
    if (d->how->own_name) {
        key(d, "name", &n);
        c2_mpw_name(&d->w, c2_str_of(d->how->own_name));
    }
    if (kind == H5I_DATASET) {
        if (!tell_dataset(d, object, &n, err)) return false;
    } else {
        if (!tell_group(d, object, &n, err)) return false;
        if (strcmp(name, "/") == 0 && !user_block(d, object, &n, err)) return false;
    }
    c2_mpw_close(&d->w, map, n);
    if (n == nothing) d->w.out->n = map - 5;
    return d->w.ok;
}

bool c2_h5_describe(struct c2_h5 *h5, const char *name, const struct c2_h5_describing *how,
                    struct c2_buf *out, struct cat2_error *err)
{
    struct c2_describer d = {.h5 = h5, .how = how};
    size_t before = out->n;

    enum c2_h5_seq_array which;
    c2_h5_quiet();
    C2_AUTO(c2_hid) object = {c2_h5_object_open(h5, name, &which)};
    if (object.id >= 0 && which != C2_H5_SEQ_NONE)
        return true; /* a part of a dataset that is described as a whole */
    if (object.id < 0) return c2_h5_fail(err, CAT2_ENOTFOUND, "%.120s cannot be opened", name);
    c2_mpw_init(&d.w, out, err);
    bool ok = describe(&d, object.id, name, err);
    if (!ok) out->n = before;
    H5Eclear2(H5E_DEFAULT);
    return ok;
}
