/* SPDX-License-Identifier: BSD-3-Clause */
/* Values as msgpack, without loss: items that are nothing but bytes as those bytes, all others part by part,
 * references as paths. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "hdf5/read/describe_impl.h"

#define SELECTION_MAX 4096 /* points or blocks of a region */

bool c2_describe_its_type(struct c2_describer *d, hid_t type, struct cat2_error *err)
{
    const struct c2_type_describing its = {.w = &d->w, .path = d->how->path, .ctx = d->how->ctx};

    return c2_describe_type(&its, type, 0, err);
}

void c2_describe_lost(struct c2_describer *d, const char *fmt, ...)
{
    char what[200], whole[300];
    va_list args;

    va_start(args, fmt);
    vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    snprintf(whole, sizeof(whole), "%s%s%s", d->within ? d->within : "", d->within ? ": " : "", what);
    d->how->lost(d->how->ctx, whole);
}

bool c2_describe_space(struct c2_describer *d, hid_t space, struct cat2_error *err)
{
    hsize_t dims[C2_H5_DIM_MAX];
    H5S_class_t kind = H5Sget_simple_extent_type(space);
    int n = kind == H5S_SIMPLE ? H5Sget_simple_extent_dims(space, dims, NULL) : 0;

    if (kind == H5S_NO_CLASS || n < 0) return c2_h5_fail(err, CAT2_EDATA, "a shape cannot be read");
    if (kind != H5S_SIMPLE) {
        c2_mpw_text(&d->w, kind == H5S_NULL ? "null" : "scalar");
        return d->w.ok;
    }
    size_t list = c2_mpw_open(&d->w, C2_MP_LIST);
    for (int i = 0; i < n; i++)
        c2_mpw_uint(&d->w, dims[i]);
    c2_mpw_close(&d->w, list, (size_t)n);
    return d->w.ok;
}

/* ---- references ---- */

static const char *path_of(struct c2_describer *d, uint64_t address)
{
    const char *path = d->how->path(d->how->ctx, address + 1);

    if (!path) c2_describe_lost(d, "a reference to what is not imported");
    return path;
}

static void object_reference(struct c2_describer *d, const uint8_t *at)
{
    hobj_ref_t ref;

    memcpy(&ref, at, sizeof(ref));
    const char *path = ref == 0 || ref == HADDR_UNDEF ? NULL : path_of(d, ref);
    if (path)
        c2_mpw_name(&d->w, c2_str_of(path));
    else
        c2_mpw_nil(&d->w);
}

static bool put_numbers(struct c2_describer *d, const hsize_t *numbers, size_t n)
{
    size_t list = c2_mpw_open(&d->w, C2_MP_LIST);

    for (size_t i = 0; i < n; i++)
        c2_mpw_uint(&d->w, numbers[i]);
    c2_mpw_close(&d->w, list, n);
    return d->w.ok;
}

/* "points" or "blocks" (start and end of each along every axis), flat. */
static bool selection(struct c2_describer *d, hid_t space, struct cat2_error *err)
{
    H5S_sel_type kind = H5Sget_select_type(space);
    int ndim = H5Sget_simple_extent_ndims(space);
    bool points = kind == H5S_SEL_POINTS;

    if (kind == H5S_SEL_NONE || kind == H5S_SEL_ALL) {
        c2_mpw_text(&d->w, kind == H5S_SEL_NONE ? "none" : "all");
        c2_mpw_nil(&d->w);
        return d->w.ok;
    }
    hssize_t n = points ? H5Sget_select_elem_npoints(space) : H5Sget_select_hyper_nblocks(space);
    if (ndim < 1 || n < 1 || n > SELECTION_MAX)
        return c2_fail(err, CAT2_EUNSUPPORTED, "a region of %lld parts; up to %d are kept", (long long)n,
                       SELECTION_MAX);
    size_t total = (size_t)n * (size_t)ndim * (points ? 1 : 2);
    hsize_t *numbers = calloc(total, sizeof(*numbers));
    if (!numbers) return c2_fail_nomem(err, "region");
    herr_t rc = points ? H5Sget_select_elem_pointlist(space, 0, (hsize_t)n, numbers)
                       : H5Sget_select_hyper_blocklist(space, 0, (hsize_t)n, numbers);
    c2_mpw_text(&d->w, points ? "points" : "blocks");
    bool ok =
        rc >= 0 ? put_numbers(d, numbers, total) : c2_h5_fail(err, CAT2_EDATA, "a region cannot be read");
    free(numbers);
    return ok;
}

/* [path, kind, numbers]; nil for none. */
static bool region_reference(struct c2_describer *d, const uint8_t *at, struct cat2_error *err)
{
    static const hdset_reg_ref_t none;
    hdset_reg_ref_t ref;
    H5O_info_t info;

    memcpy(&ref, at, sizeof(ref));
    if (memcmp(&ref, &none, sizeof(ref)) == 0) {
        c2_mpw_nil(&d->w);
        return d->w.ok;
    }
    C2_AUTO(c2_hid) object = {H5Rdereference2(d->h5->file, H5P_DEFAULT, H5R_DATASET_REGION, &ref)};
    C2_AUTO(c2_hid) space = {object.id < 0 ? -1 : H5Rget_region(d->h5->file, H5R_DATASET_REGION, &ref)};
    const char *path = NULL;
    if (space.id >= 0 && H5Oget_info2(object.id, &info, H5O_INFO_BASIC) >= 0) path = path_of(d, info.addr);
    H5Eclear2(H5E_DEFAULT);
    if (!path) {
        if (space.id < 0) c2_describe_lost(d, "a region that leads nowhere");
        c2_mpw_nil(&d->w);
        return d->w.ok;
    }
    size_t list = c2_mpw_open(&d->w, C2_MP_LIST);
    c2_mpw_name(&d->w, c2_str_of(path));
    if (!selection(d, space.id, err)) return false;
    c2_mpw_close(&d->w, list, 3);
    return d->w.ok;
}

/* ---- any value ---- */

static bool item(struct c2_describer *d, hid_t type, const uint8_t *at, struct cat2_error *err);

static bool items(struct c2_describer *d, hid_t type, const uint8_t *at, size_t n, struct cat2_error *err)
{
    size_t size = H5Tget_size(type);

    if (c2_h5_is_plain(type)) {
        c2_mpw_bytes(&d->w, (struct c2_bytes){at, n * size});
        return d->w.ok;
    }
    size_t list = c2_mpw_open(&d->w, C2_MP_LIST);
    for (size_t i = 0; i < n; i++)
        if (!item(d, type, at + i * size, err)) return false;
    c2_mpw_close(&d->w, list, n);
    return d->w.ok;
}

static bool members(struct c2_describer *d, hid_t type, const uint8_t *at, struct cat2_error *err)
{
    int n = H5Tget_nmembers(type);
    size_t list = c2_mpw_open(&d->w, C2_MP_LIST);

    for (int i = 0; i < n; i++) {
        C2_AUTO(c2_hid) member = {H5Tget_member_type(type, (unsigned)i)};
        if (!item(d, member.id, at + H5Tget_member_offset(type, (unsigned)i), err)) return false;
    }
    c2_mpw_close(&d->w, list, (size_t)n);
    return d->w.ok;
}

static bool item(struct c2_describer *d, hid_t type, const uint8_t *at, struct cat2_error *err)
{
    H5T_class_t class = H5Tget_class(type);
    C2_AUTO(c2_hid) base = {class == H5T_VLEN || class == H5T_ARRAY ? H5Tget_super(type) : -1};
    const char *text;
    hvl_t sequence;

    if (c2_h5_is_plain(type)) return items(d, type, at, 1, err);
    switch (class) {
    case H5T_STRING:
        memcpy(&text, at, sizeof(text));
        if (text)
            c2_mpw_name(&d->w, c2_str_of(text));
        else
            c2_mpw_nil(&d->w);
        return d->w.ok;
    case H5T_VLEN:
        memcpy(&sequence, at, sizeof(sequence));
        return items(d, base.id, sequence.p, sequence.p ? sequence.len : 0, err);
    case H5T_ARRAY:
        return items(d, base.id, at, H5Tget_size(type) / H5Tget_size(base.id), err);
    case H5T_COMPOUND:
        return members(d, type, at, err);
    case H5T_REFERENCE:
        if (H5Tequal(type, H5T_STD_REF_DSETREG) > 0) return region_reference(d, at, err);
        if (H5Tequal(type, H5T_STD_REF_OBJ) <= 0) break;
        object_reference(d, at);
        return d->w.ok;
    default:
        break;
    }
    return c2_fail(err, CAT2_EUNSUPPORTED, "values of this type are not kept");
}

bool c2_describe_values(struct c2_describer *d, hid_t type, const uint8_t *at, size_t n,
                        struct cat2_error *err)
{
    return items(d, type, at, n, err);
}
