/* SPDX-License-Identifier: BSD-3-Clause */
/* Opening a dataset: its type, layout and filters become the metadata of a b2nd array, or the reason why not.
 */
#include <stdio.h>
#include <stdlib.h>

#include "blosc/enums.h"
#include "hdf5/common/describe_type.h"
#include "hdf5/read/h5_impl.h"

void c2_h5_dataset_close(struct c2_h5_dataset *ds)
{
    if (!ds) return;
    c2_h5_decoded_forget(ds->h5, ds);
    for (size_t i = 0; i < ds->sources.n; i++)
        H5Fclose(ds->sources.p[i]);
    c2_vec_fini(&ds->sources);
    c2_h5_raw_files_free(ds->raw_files);
    if (ds->mem > 0) H5Tclose(ds->mem);
    if (ds->id > 0) H5Dclose(ds->id);
    c2_h5_type_fini(&ds->type);
    c2_meta_fini(&ds->meta);
    c2_buf_fini(&ds->head);
    c2_codec_free(ds->codec);
    c2_h5_sequence_free(ds->sequence);
    free(ds->fill);
    free(ds);
}

const struct c2_meta *c2_h5_meta(const struct c2_h5_dataset *ds)
{
    return &ds->meta;
}

const struct c2_h5_facts *c2_h5_dataset_facts(const struct c2_h5_dataset *ds)
{
    return &ds->facts;
}

size_t c2_h5_dataset_left_out(const struct c2_h5_dataset *ds, const struct c2_h5_left_out **out)
{
    *out = ds->type.left.p;
    return ds->type.left.n;
}

/* ---- where the bytes are ---- */

static bool read_layout(struct c2_h5_dataset *ds, hid_t plist, struct cat2_error *err)
{
    static const enum c2_h5_layout LAYOUTS[] = {
        [H5D_COMPACT] = C2_H5_COMPACT,
        [H5D_CONTIGUOUS] = C2_H5_CONTIGUOUS,
        [H5D_CHUNKED] = C2_H5_CHUNKED,
        [H5D_VIRTUAL] = C2_H5_VIRTUAL,
    };
    H5D_layout_t layout = H5Pget_layout(plist);
    unsigned opts = 0;

    if (layout < H5D_COMPACT || layout > H5D_VIRTUAL)
        return c2_h5_fail(err, CAT2_EDATA, "a layout of no known kind");
    ds->facts.layout = LAYOUTS[layout];
    ds->facts.storage = (int64_t)H5Dget_storage_size(ds->id);
    if (layout == H5D_VIRTUAL) return c2_h5_check_virtual(ds, plist, err);
    if (layout != H5D_CHUNKED)
        return H5Pget_external_count(plist) <= 0 || c2_h5_raw_files_find(ds, plist, err);
    int n = H5Pget_chunk(plist, C2_H5_DIM_MAX, ds->chunk);
    if (n != ds->ndim) return c2_fail(err, CAT2_EDATA, "chunks of %d axes, the dataset has %d", n, ds->ndim);
    for (int i = 0; i < n; i++)
        if (ds->chunk[i] < 1 || ds->chunk[i] > INT32_MAX)
            return c2_fail(err, CAT2_EUNSUPPORTED, "chunks of %llu items along axis %d",
                           (unsigned long long)ds->chunk[i], i);
    if (H5Pget_chunk_opts(plist, &opts) >= 0) ds->bare_edges = opts & H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS;
    return true;
}

static bool read_filter(hid_t plist, unsigned i, struct c2_h5_filter *out, struct cat2_error *err)
{
    unsigned flags, info;
    size_t n = C2_H5_FILTER_VALUES_MAX;
    const char *known;

    *out = (struct c2_h5_filter){0};
    out->id = H5Pget_filter2(plist, i, &flags, &n, out->values, sizeof(out->name), out->name, &info);
    if (out->id < 0) return c2_h5_fail(err, CAT2_EDATA, "filter %u cannot be described", i);
    out->nvalues = n < C2_H5_FILTER_VALUES_MAX ? (unsigned)n : C2_H5_FILTER_VALUES_MAX;
    if ((known = c2_h5_filter_name(out->id))) snprintf(out->name, sizeof(out->name), "%s", known);
    out->name[sizeof(out->name) - 1] = '\0';
    for (char *c = out->name; *c; c++) /* it is the file's, and goes into messages */
        if ((uint8_t)*c < 0x20 || (uint8_t)*c > 0x7e) *c = '?';
    return true;
}

#define LOOKED_AT 1024 /* stored chunks: libhdf5 finds the n-th by counting */

/* A chunk may be stored without a filter that is not here; when none is, the dataset cannot be carried. */
static bool check_missing(struct c2_h5_dataset *ds, struct cat2_error *err)
{
    hid_t space = H5Dget_space(ds->id);
    hsize_t n = 0, offset[C2_H5_DIM_MAX], size;
    haddr_t addr;
    unsigned mask;
    bool some = false;

    if (space < 0 || H5Dget_num_chunks(ds->id, space, &n) < 0) n = 0;
    for (hsize_t i = 0; i < n && i < LOOKED_AT && !some; i++)
        some = H5Dget_chunk_info(ds->id, space, i, offset, &mask, &addr, &size) >= 0 &&
               (ds->missing & ~mask) == 0;
    if (space >= 0) H5Sclose(space);
    H5Eclear2(H5E_DEFAULT);
    for (int i = 0; n && !some && i < ds->facts.nfilters; i++)
        if (ds->missing >> i & 1) return c2_h5_filter_missing(&ds->filters[i], err);
    return true;
}

static bool read_filters(struct c2_h5_dataset *ds, hid_t plist, struct cat2_error *err)
{
    int n = H5Pget_nfilters(plist);

    if (n < 0 || n > C2_H5_FILTERS_MAX) return c2_fail(err, CAT2_EDATA, "%d filters", n);
    ds->facts.nfilters = n;
    ds->own_pipeline = true;
    for (int i = 0; i < n; i++) {
        struct c2_h5_filter *filter = &ds->filters[i];
        if (!read_filter(plist, (unsigned)i, filter, err)) return false;
        ds->facts.filters[i] = filter->id;
        if (c2_h5_filter_decode(filter->id) || filter->id == C2_H5_FILTER_FLETCHER32) continue;
        if (H5Zfilter_avail(filter->id) > 0)
            ds->own_pipeline = false;
        else
            ds->missing |= 1u << i;
        H5Eclear2(H5E_DEFAULT);
    }
    return ds->missing == 0 || check_missing(ds, err);
}

/* What is never filled is zeros, as in h5py, whatever the fill value. */
static bool read_fill(struct c2_h5_dataset *ds, hid_t plist, struct cat2_error *err)
{
    H5D_fill_value_t defined;
    H5D_fill_time_t when;
    size_t n = (size_t)ds->type.dtype.itemsize;

    if (ds->type.variable || ds->sequence || H5Pfill_value_defined(plist, &defined) < 0 ||
        defined == H5D_FILL_VALUE_UNDEFINED || H5Pget_fill_time(plist, &when) < 0 ||
        when == H5D_FILL_TIME_NEVER) {
        H5Eclear2(H5E_DEFAULT);
        return true;
    }
    for (int i = 0; i < ds->type.ndim; i++)
        n *= (size_t)ds->type.dims[i];
    if (!(ds->fill = calloc(1, n + 1))) return c2_fail_nomem(err, "fill value");
    if (H5Pget_fill_value(plist, ds->mem, ds->fill) < 0)
        return c2_h5_fail(err, CAT2_EDATA, "the fill value cannot be read");
    if (ds->fill[0] == 0 && memcmp(ds->fill, ds->fill + 1, n) == 0) {
        free(ds->fill);
        ds->fill = NULL;
    }
    return true;
}

/* ---- shape ---- */

static bool read_shape(struct c2_h5_dataset *ds, int64_t *shape, int *ndim, struct cat2_error *err)
{
    hsize_t dims[C2_H5_DIM_MAX];
    hid_t space = H5Dget_space(ds->id);
    H5S_class_t kind = space < 0 ? H5S_NO_CLASS : H5Sget_simple_extent_type(space);
    int n = kind == H5S_SIMPLE ? H5Sget_simple_extent_dims(space, dims, NULL) : 0;

    if (space >= 0) H5Sclose(space);
    if (kind == H5S_NO_CLASS || n < 0 || n > C2_H5_DIM_MAX)
        return c2_h5_fail(err, CAT2_EDATA, "the shape cannot be read");
    ds->ndim = *ndim = n;
    ds->scalar = kind == H5S_SCALAR;
    for (int i = 0; i < n; i++) {
        if (dims[i] > INT64_MAX) return c2_fail(err, CAT2_EUNSUPPORTED, "an axis of more than 2^63 items");
        shape[i] = (int64_t)dims[i];
    }
    if (kind == H5S_NULL) /* nothing at all: an array of no items */
        shape[(*ndim)++] = 0;
    return true;
}

/* An array of sequences has one axis. */
static void array_shape(struct c2_h5_dataset *ds, int64_t *shape, int *ndim)
{
    ds->ndim = *ndim = 1;
    ds->scalar = false;
    shape[0] = c2_h5_sequence_length(ds);
}

static bool add_axes(const struct c2_h5_type *type, int64_t *shape, int *ndim, struct cat2_error *err)
{
    if (*ndim + type->ndim > C2_DIM_MAX)
        return c2_fail(err, CAT2_EUNSUPPORTED, "%d axes, at most %d are carried", *ndim + type->ndim,
                       C2_DIM_MAX);
    for (int i = 0; i < type->ndim; i++)
        shape[(*ndim)++] = type->dims[i];
    return true;
}

static bool read_type(struct c2_h5_dataset *ds, struct cat2_error *err)
{
    hid_t type = H5Dget_type(ds->id);

    if (type < 0) return c2_h5_fail(err, CAT2_EDATA, "the datatype cannot be read");
    bool ok = c2_h5_type_of(type, false, &ds->type, err);
    H5Tclose(type);
    if (!ok) return false;
    ds->mem = H5Tcopy(ds->type.array);
    return ds->mem >= 0 || c2_h5_fail(err, CAT2_EDATA, "the datatype cannot be described");
}

/* Type and shape. Where texts and sequences have to be looked at, the filters must be known before. */
static bool read_values(struct c2_h5_dataset *ds, enum c2_h5_seq_array which, int64_t *shape, int *ndim,
                        struct cat2_error *err)
{
    hsize_t nitems = 1;

    if (which != C2_H5_SEQ_NONE) {
        if (!c2_h5_sequence_open(ds, which, err)) return false;
        array_shape(ds, shape, ndim);
        return add_axes(&ds->type, shape, ndim, err);
    }
    if (!read_type(ds, err) || !add_axes(&ds->type, shape, ndim, err)) return false;
    ds->facts.is_text = ds->type.part.kind == C2_H5_TEXT;
    for (int i = 0; i < *ndim; i++)
        nitems *= (hsize_t)shape[i];
    if (nitems > 0 && ds->type.variable && !c2_h5_measure(ds, err)) return false;
    return c2_h5_type_lay_out(&ds->type, nitems, err);
}

/* What an enumeration calls its numbers. Without the names there are the numbers. */
static void read_names(struct c2_h5_dataset *ds)
{
    C2_AUTO(c2_hid) type = {H5Dget_type(ds->id)};
    C2_AUTO(c2_buf) described = C2_BUF_INIT(C2_H5_ATTR_MAX);
    struct cat2_error ignored;
    struct c2_mpw w;
    struct c2_type_describing how = {.w = &w};

    if (type.id < 0 || H5Tdetect_class(type.id, H5T_ENUM) <= 0) return;
    c2_mpw_init(&w, &described, &ignored);
    if (c2_describe_type(&how, type.id, 0, &ignored) && w.ok)
        c2_enums_of(c2_buf_bytes(&described), NULL, &ds->meta.enums);
    H5Eclear2(H5E_DEFAULT);
}

static bool describe(struct c2_h5_dataset *ds, const char *name, enum c2_h5_seq_array which,
                     const struct c2_h5_options *options, struct cat2_error *err)
{
    int64_t shape[C2_H5_DIM_MAX + 1];
    int ndim = 0;
    hid_t plist = H5Dget_create_plist(ds->id);
    bool ok = plist >= 0 || c2_h5_fail(err, CAT2_EDATA, "the layout cannot be read");

    ok = ok && read_shape(ds, shape, &ndim, err) && read_layout(ds, plist, err) &&
         read_filters(ds, plist, err) && read_values(ds, which, shape, &ndim, err) &&
         read_fill(ds, plist, err) && c2_h5_geometry(ds, options, shape, ndim, err);
    if (plist >= 0) H5Pclose(plist);
    if (!ok) return false;
    if (which == C2_H5_SEQ_NONE) read_names(ds);
    c2_buf_init(&ds->meta.vlmeta, C2_TRAILER_NBYTES_MAX);
    return c2_h5_attrs_json_of(ds->h5, name, ds->type.left.p, ds->type.left.n, &ds->meta.vlmeta, err);
}

bool c2_h5_dataset_open(struct c2_h5 *h5, const char *name, const struct c2_h5_options *options,
                        struct c2_h5_dataset **out, struct cat2_error *err)
{
    static const struct c2_h5_options DEFAULTS = {.recompress = false};
    struct c2_h5_dataset *ds;

    c2_h5_quiet();
    enum c2_h5_seq_array which;
    hid_t id = c2_h5_object_open(h5, name, &which);
    if (id < 0) return c2_h5_fail(err, CAT2_ENOTFOUND, "%.120s cannot be opened", name);
    if (H5Iget_type(id) != H5I_DATASET) {
        H5Oclose(id);
        return c2_fail(err, CAT2_EINVAL, "%.120s is no dataset", name);
    }
    ds = calloc(1, sizeof(*ds));
    if (!ds) {
        H5Oclose(id);
        return c2_fail_nomem(err, "dataset");
    }
    ds->h5 = h5;
    ds->id = id;
    H5O_info_t info;
    ds->foreign = H5Oget_info2(id, &info, H5O_INFO_BASIC) < 0 || c2_h5_is_foreign(h5, &info);
    if (!describe(ds, name, which, options ? options : &DEFAULTS, err)) {
        c2_h5_dataset_close(ds);
        return false;
    }
    *out = ds;
    return true;
}
