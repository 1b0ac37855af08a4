/* SPDX-License-Identifier: BSD-3-Clause */
/* Datasets as they were: type, shape, growth, layout, fill value and filters. */
#include <stdlib.h>

#include "hdf5/write/h5w_dataset_impl.h"
#include "hdf5/write/rebuild_impl.h"

#define GZIP_LEVEL 1
#define CHUNK_MAX  UINT32_MAX /* bytes of an HDF5 chunk */

/* Axes of an array type, also of arrays of arrays; the base. */
static hid_t array_axes(hid_t type, int64_t *dims, int *ndim)
{
    C2_AUTO(c2_hid) base = {H5Tcopy(type)};
    hsize_t sizes[C2_H5_DIM_MAX];

    *ndim = 0;
    while (base.id >= 0 && H5Tget_class(base.id) == H5T_ARRAY) {
        int n = H5Tget_array_dims2(base.id, sizes);
        if (n < 1 || *ndim + n > C2_DIM_MAX) return -1;
        for (int i = 0; i < n; i++)
            dims[(*ndim)++] = (int64_t)sizes[i];
        C2_AUTO(c2_hid) inner = {H5Tget_super(base.id)};
        c2_hid_fini(&base);
        base.id = c2_hid_steal(&inner);
    }
    return c2_hid_steal(&base);
}

static bool unlike(struct cat2_error *err, const char *what)
{
    return c2_fail(err, CAT2_EDATA, "%s of the array is not the described one", what);
}

/* How many axes are the dataspace's: the rest must be the array type's. */
static bool match_axes(const struct c2_h5w_like *like, const struct c2_meta *meta, hid_t type,
                       struct c2_hid *base, int *ndim, struct cat2_error *err)
{
    const struct c2_mp_node *space = c2_mp_get(like->root, "space");
    hsize_t dims[C2_H5_DIM_MAX];
    int64_t inner[C2_DIM_MAX];
    int ninner, n = 0;
    bool null = c2_mp_is(space, "null");

    if (!null && !c2_mp_is(space, "scalar") && !c2_rebuild_dims(space, dims, &n))
        return unlike(err, "the shape");
    base->id = array_axes(type, inner, &ninner);
    if (base->id < 0) return unlike(err, "the datatype");
    if (meta->grid.ndim != n + ninner + null) return unlike(err, "the number of axes");
    if (null && meta->grid.shape[0] != 0) return unlike(err, "the shape");
    for (int i = 0; i < ninner; i++)
        if (meta->grid.shape[n + null + i] != inner[i]) return unlike(err, "the shape");
    *ndim = n;
    return true;
}

static bool plan_chunks(const struct c2_h5w_like *like, const struct c2_meta *meta, bool own_chunks,
                        struct c2_h5w_plan *plan)
{
    hsize_t dims[C2_H5_DIM_MAX];
    int n = 0;
    bool given = !own_chunks && c2_rebuild_dims(c2_mp_get(like->root, "chunks"), dims, &n) && n == plan->ndim;

    for (int i = 0; i < plan->ndim; i++) {
        plan->chunks[i] = meta->grid.chunks[i] > 0 ? meta->grid.chunks[i] : 1;
        if (given && dims[i] >= 1 && dims[i] <= INT32_MAX) plan->chunks[i] = (int32_t)dims[i];
    }
    return true;
}

/* Is a chunk of the plan, with the axes of the datatype, one that Blosc2 takes? */
static bool blosc2_can(const struct c2_h5w_plan *plan, const struct c2_meta *meta)
{
    int64_t n = meta->grid.typesize;

    for (int i = 0; i < meta->grid.ndim; i++)
        if (!c2_mul_i64(n, i < plan->ndim ? plan->chunks[i] : meta->grid.shape[i], &n) ||
            n > C2_CHUNK_NBYTES_MAX)
            return false;
    return n > 0;
}

static bool had_filter(const struct c2_h5w_like *like, int64_t id)
{
    const struct c2_mp_node *list = c2_mp_get(like->root, "filters");
    int64_t found;

    for (uint32_t i = 0; i < c2_mp_count(list); i++)
        if (c2_mp_int(c2_mp_item(c2_mp_item(list, i), 0), 0, INT32_MAX, &found) && found == id) return true;
    return false;
}

bool c2_h5w_plan(struct c2_h5w *w, const struct c2_h5w_like *like, const struct c2_meta *meta,
                 enum c2_h5w_filters filters, bool own_chunks, struct c2_h5w_plan *out,
                 struct cat2_error *err)
{
    C2_AUTO(c2_hid) type = {-1}, base = {-1};
    struct c2_h5w_plan plan = {.boxes = true};
    bool blosc2 = filters == C2_H5W_DEFAULT || filters == C2_H5W_BLOSC2 ||
                  (filters == C2_H5W_ORIGINAL && had_filter(like, C2_HDF5_FILTER_BLOSC2));

    if (!c2_rebuild_type(w, c2_mp_get(like->root, "type"), 0, &type, err) ||
        !match_axes(like, meta, type.id, &base, &plan.ndim, err) ||
        (!c2_h5w_like_is_sequence(like) && !c2_rebuild_can(base.id, &meta->dtype, err)))
        return false;
    bool squeeze = own_chunks || filters == C2_H5W_BLOSC2 || filters == C2_H5W_GZIP;
    plan.chunked = plan.ndim > 0 && (c2_mp_is(c2_mp_get(like->root, "layout"), "chunked") ||
                                     c2_mp_is(c2_mp_get(like->root, "layout"), "virtual") || squeeze);
    plan.later = c2_rebuild_refers(type.id);
    const struct c2_mp_node *fill = c2_mp_get(like->root, "fill");
    plan.fill_refers = plan.later && fill && fill->kind != C2_MP_NIL;
    plan_chunks(like, meta, own_chunks, &plan);
    plan.boxes =
        !plan.chunked || !blosc2 || !c2_rebuild_same_bytes(base.id, &meta->dtype) || !blosc2_can(&plan, meta);
    *out = plan;
    return true;
}

/* ---- properties ---- */

static bool set_fill(struct c2_h5w *w, const struct c2_h5w_like *like, const struct c2_h5w_plan *plan,
                     hid_t type, hid_t dcpl, struct cat2_error *err)
{
    const struct c2_mp_node *fill = c2_mp_get(like->root, "fill");
    int64_t when;

    if (c2_mp_int(c2_mp_get(like->root, "fill_time"), H5D_FILL_TIME_ALLOC, H5D_FILL_TIME_IFSET, &when) &&
        H5Pset_fill_time(dcpl, (H5D_fill_time_t)when) < 0)
        return c2_h5w_fail(err, "fill time");
    if (!fill)
        return !plan->fill || H5Pset_fill_value(dcpl, type, plan->fill) >= 0 ||
               c2_h5w_fail(err, "fill value");
    if (fill->kind == C2_MP_NIL)
        return H5Pset_fill_value(dcpl, type, NULL) >= 0 || c2_h5w_fail(err, "fill value");
    uint8_t *value = calloc(1, H5Tget_size(type));
    C2_AUTO(c2_hid) one = {H5Screate(H5S_SCALAR)};
    if (!value) return c2_fail_nomem(err, "fill value");
    bool plain = c2_h5_is_plain(type), ok;
    if (plain && fill->kind == C2_MP_BYTES && fill->bytes.n == H5Tget_size(type)) {
        memcpy(value, fill->bytes.p, fill->bytes.n);
        ok = true;
    } else {
        ok = c2_rebuild_values(w, type, fill, 1, value, err);
    }
    ok = ok && (H5Pset_fill_value(dcpl, type, value) >= 0 || c2_h5w_fail(err, "fill value"));
    if (!plain) H5Dvlen_reclaim(type, one.id, H5P_DEFAULT, value);
    H5Eclear2(H5E_DEFAULT);
    free(value);
    return ok;
}

static bool can_encode(H5Z_filter_t id)
{
    unsigned info = 0;
    bool can = H5Zfilter_avail(id) > 0 && H5Zget_filter_info(id, &info) >= 0 &&
               (info & H5Z_FILTER_CONFIG_ENCODE_ENABLED) && id != C2_HDF5_FILTER_BLOSC2;

    H5Eclear2(H5E_DEFAULT);
    return can;
}

static bool add_filter(const struct c2_mp_node *filter, hid_t dcpl)
{
    unsigned values[C2_H5_FILTERS_MAX];
    int64_t id, flags, value;
    size_t n = 0;

    if (!c2_mp_int(c2_mp_item(filter, 0), 1, H5Z_FILTER_MAX, &id) ||
        !c2_mp_int(c2_mp_item(filter, 1), 0, UINT16_MAX, &flags))
        return false;
    for (uint32_t i = 2; i < c2_mp_count(filter) && n < C2_ARRAY_LEN(values); i++) {
        if (!c2_mp_int(c2_mp_item(filter, i), 0, UINT32_MAX, &value)) return false;
        values[n++] = (unsigned)value;
    }
    if (!can_encode((H5Z_filter_t)id)) return false;
    /* its own functions know what the library's filters must be told */
    if (id == H5Z_FILTER_SHUFFLE) return H5Pset_shuffle(dcpl) >= 0;
    if (id == H5Z_FILTER_FLETCHER32) return H5Pset_fletcher32(dcpl) >= 0;
    if (id == H5Z_FILTER_DEFLATE && n > 0) return H5Pset_deflate(dcpl, values[0] < 10 ? values[0] : 9) >= 0;
    return H5Pset_filter(dcpl, (H5Z_filter_t)id, H5Z_FLAG_OPTIONAL & (unsigned)flags, n, values) >= 0;
}

/* The file's own pipeline, or nothing of it. */
static bool original(const struct c2_h5w_like *like, hid_t dcpl, const struct c2_h5w_teller *teller)
{
    const struct c2_mp_node *list = c2_mp_get(like->root, "filters");

    for (uint32_t i = 0; i < c2_mp_count(list); i++) {
        const struct c2_mp_node *filter = c2_mp_item(list, i);
        int64_t id = 0;
        if (add_filter(filter, dcpl)) continue;
        H5Eclear2(H5E_DEFAULT);
        H5Premove_filter(dcpl, H5Z_FILTER_ALL);
        c2_mp_int(c2_mp_item(filter, 0), 0, INT32_MAX, &id);
        if (teller)
            c2_rebuild_lost(teller, "filter %lld, which this library cannot write: gzip is used",
                            (long long)id);
        return false;
    }
    return true;
}

/* Of boxes: in Blosc2 they cannot be. Sequences lie elsewhere: there is little to press in their places. */
static bool set_filters(const struct c2_h5w_like *like, hid_t type, enum c2_h5w_filters filters, hid_t dcpl,
                        const struct c2_h5w_teller *teller, struct cat2_error *err)
{
    bool some = c2_mp_count(c2_mp_get(like->root, "filters")) > 0 || filters == C2_H5W_GZIP ||
                filters == C2_H5W_BLOSC2;

    if (filters == C2_H5W_NONE || !some) return true;
    if (filters == C2_H5W_ORIGINAL && original(like, dcpl, teller)) return true;
    if (filters == C2_H5W_DEFAULT && original(like, dcpl, NULL)) return true;
    return ((c2_h5_is_plain(type) && H5Tget_size(type) > 1 ? H5Pset_shuffle(dcpl) >= 0 : true) &&
            H5Pset_deflate(dcpl, GZIP_LEVEL) >= 0) ||
           c2_h5w_fail(err, "filters");
}

static bool set_chunks(const struct c2_h5w_like *like, const struct c2_h5w_plan *plan, hid_t dcpl,
                       struct cat2_error *err)
{
    hsize_t chunks[C2_DIM_MAX];
    int64_t options;

    for (int i = 0; i < plan->ndim; i++)
        chunks[i] = (hsize_t)plan->chunks[i];
    if (H5Pset_chunk(dcpl, plan->ndim, chunks) < 0) return c2_h5w_fail(err, "chunks");
    if (plan->boxes &&
        c2_mp_int(c2_mp_get(like->root, "chunk_options"), 0, H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS, &options))
        return H5Pset_chunk_opts(dcpl, (unsigned)options) >= 0 || c2_h5w_fail(err, "chunks");
    return true;
}

static bool set_layout(const struct c2_h5w_like *like, const struct c2_h5w_plan *plan, hid_t dcpl,
                       struct cat2_error *err)
{
    int64_t alloc;

    if (plan->chunked) return set_chunks(like, plan, dcpl, err);
    bool compact = c2_mp_is(c2_mp_get(like->root, "layout"), "compact");
    if (H5Pset_layout(dcpl, compact ? H5D_COMPACT : H5D_CONTIGUOUS) < 0) return c2_h5w_fail(err, "layout");
    if (!compact &&
        c2_mp_int(c2_mp_get(like->root, "alloc_time"), H5D_ALLOC_TIME_EARLY, H5D_ALLOC_TIME_LATE, &alloc) &&
        H5Pset_alloc_time(dcpl, (H5D_alloc_time_t)alloc) < 0)
        return c2_h5w_fail(err, "allocation time");
    return true;
}

static bool set_object(const struct c2_h5w_like *like, hid_t dcpl, struct cat2_error *err)
{
    int64_t times = 0, order = 0;

    c2_mp_int(c2_mp_get(like->root, "times"), 0, 1, &times);
    if (c2_mp_int(c2_mp_get(like->root, "attribute_order"), 0, 3, &order) && order & H5P_CRT_ORDER_INDEXED)
        order |= H5P_CRT_ORDER_TRACKED;
    return (H5Pset_obj_track_times(dcpl, times != 0) >= 0 &&
            H5Pset_attr_creation_order(dcpl, (unsigned)order) >= 0) ||
           c2_h5w_fail(err, "creation");
}

/* The array's shape counts; it may grow as far as described, or as a chunk asks for. */
static bool make_space(const struct c2_h5w_like *like, const struct c2_meta *meta,
                       const struct c2_h5w_plan *plan, struct c2_hid *out, struct cat2_error *err)
{
    const struct c2_mp_node *growth = c2_mp_get(like->root, "maxshape");
    hsize_t dims[C2_DIM_MAX], most[C2_DIM_MAX];
    int64_t value;

    if (plan->ndim == 0) return c2_rebuild_space(c2_mp_get(like->root, "space"), out, err);
    for (int i = 0; i < plan->ndim; i++) {
        const struct c2_mp_node *limit = c2_mp_item(growth, (uint32_t)i);
        dims[i] = most[i] = (hsize_t)meta->grid.shape[i];
        if (limit && limit->kind == C2_MP_NIL && plan->chunked) most[i] = H5S_UNLIMITED;
        if (c2_mp_int(limit, 0, INT64_MAX, &value) && (hsize_t)value > most[i] && plan->chunked)
            most[i] = (hsize_t)value;
        if (plan->chunked && dims[i] && most[i] < (hsize_t)plan->chunks[i])
            most[i] = (hsize_t)plan->chunks[i];
    }
    out->id = H5Screate_simple(plan->ndim, dims, most);
    return out->id >= 0 || c2_h5w_fail(err, "shape");
}

static bool make_properties(struct c2_h5w *w, const struct c2_h5w_like *like, const struct c2_meta *meta,
                            const struct c2_h5w_plan *plan, enum c2_h5w_filters filters, hid_t type,
                            hid_t dcpl, const struct c2_h5w_teller *teller, struct cat2_error *err)
{
    struct cat2_error why;

    if (!set_object(like, dcpl, err) || !set_layout(like, plan, dcpl, err)) return false;
    if (!set_fill(w, like, plan, type, dcpl, &why)) c2_rebuild_lost(teller, "%s", why.message);
    if (!plan->boxes) return c2_h5w_set_filter(meta, dcpl, err);
    return !plan->chunked || set_filters(like, type, filters, dcpl, teller, err);
}

bool c2_h5w_dataset_like(struct c2_h5w *w, const char *path, const struct c2_meta *meta,
                         const struct c2_h5w_like *like, const struct c2_h5w_plan *plan,
                         enum c2_h5w_filters filters, const struct c2_h5w_teller *teller,
                         struct c2_h5w_dataset **out, struct cat2_error *err)
{
    C2_AUTO(c2_hid) space = {-1}, dcpl = {H5Pcreate(H5P_DATASET_CREATE)};
    C2_AUTO_PTR(c2_h5w_dataset) *ds = c2_h5w_dataset_alloc(w, meta, plan->ndim);

    if (!ds) return c2_fail_nomem(err, "dataset");
    if (!c2_rebuild_type(w, c2_mp_get(like->root, "type"), 0, &ds->type, err) ||
        !make_properties(w, like, meta, plan, filters, ds->type.id, dcpl.id, teller, err) ||
        !make_space(like, meta, plan, &space, err))
        return false;
    if (!plan->boxes && !c2_h5w_make_frame(ds, err)) return false;
    ds->id = H5Dcreate2(w->file, path, ds->type.id, space.id, w->lcpl, dcpl.id, H5P_DEFAULT);
    if (ds->id < 0) return c2_h5w_fail(err, "making the dataset");
    *out = ds;
    ds = NULL;
    return true;
}

bool c2_h5w_dataset_again(struct c2_h5w *w, const char *path, const struct c2_meta *meta,
                          const struct c2_h5w_like *like, const struct c2_h5w_plan *plan,
                          struct c2_h5w_dataset **out, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_h5w_dataset) *ds = c2_h5w_dataset_alloc(w, meta, plan->ndim);

    if (!ds) return c2_fail_nomem(err, "dataset");
    if (!c2_rebuild_type(w, c2_mp_get(like->root, "type"), 0, &ds->type, err)) return false;
    ds->id = H5Dopen2(w->file, path, H5P_DEFAULT);
    if (ds->id < 0) return c2_h5w_fail(err, "opening the dataset");
    *out = ds;
    ds = NULL;
    return true;
}

/* ---- boxes ---- */

static bool write_items(struct c2_h5w_dataset *ds, hid_t mem, hid_t file, const uint8_t *items, size_t n,
                        struct cat2_error *err)
{
    size_t size = H5Tget_size(ds->type.id);
    int64_t inner[C2_DIM_MAX], each = 1;
    int ninner;
    C2_AUTO(c2_hid) base = {array_axes(ds->type.id, inner, &ninner)};

    for (int i = 0; i < ninner; i++)
        each *= inner[i];
    if (size && n > (size_t)C2_CHUNK_NBYTES_MAX / size)
        return c2_fail(err, CAT2_ELIMIT, "a chunk of too many bytes");
    uint8_t *made = calloc(n + 1, size);
    if (!made) return c2_fail_nomem(err, "items");
    bool ok = c2_rebuild_items(ds->w, base.id, &ds->meta->dtype, items, n * (size_t)each, made, err);
    if (ok)
        ok = H5Dwrite(ds->id, ds->type.id, mem, file, H5P_DEFAULT, made) >= 0 ||
             c2_h5w_fail(err, "writing items");
    hsize_t count = n;
    C2_AUTO(c2_hid) all = {H5Screate_simple(1, &count, NULL)};
    if (!c2_h5_is_plain(ds->type.id)) H5Dvlen_reclaim(ds->type.id, all.id, H5P_DEFAULT, made);
    H5Eclear2(H5E_DEFAULT);
    free(made);
    return ok;
}

bool c2_h5w_put_box(struct c2_h5w_dataset *ds, const int64_t *start, const int64_t *count,
                    const uint8_t *items, struct cat2_error *err)
{
    C2_AUTO(c2_hid) file = {H5Dget_space(ds->id)};
    hsize_t at[C2_DIM_MAX], n[C2_DIM_MAX], total = 1;

    if (ds->ndim == 0) {
        bool null = H5Sget_simple_extent_type(file.id) == H5S_NULL;
        return null || write_items(ds, H5S_ALL, H5S_ALL, items, 1, err);
    }
    for (int i = 0; i < ds->ndim; i++) {
        at[i] = (hsize_t)start[i];
        n[i] = (hsize_t)count[i];
        total *= n[i];
    }
    if (total == 0) return true;
    C2_AUTO(c2_hid) mem = {H5Screate_simple(1, &total, NULL)};
    if (mem.id < 0 || file.id < 0 || H5Sselect_hyperslab(file.id, H5S_SELECT_SET, at, NULL, n, NULL) < 0)
        return c2_h5w_fail(err, "the place of the items");
    return write_items(ds, mem.id, file.id, items, (size_t)total, err);
}
