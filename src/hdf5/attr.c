/* SPDX-License-Identifier: BSD-3-Clause */
/* Attributes of datasets and groups, every kind of them, as msgpack. */
#include <math.h>
#include <stdlib.h>

#include "hdf5/attr_impl.h"
#include "wire/msgpack.h"

/* Axes of the dataspace as nested arrays, then the item. */
static bool pack_axes(struct c2_h5_packer *p, hid_t type, const hsize_t *dims, int ndim, const uint8_t **at,
                      struct cat2_error *err)
{
    if (ndim == 0) {
        bool ok = c2_h5_pack(p, type, *at, 0, err);
        *at += H5Tget_size(type);
        return ok;
    }
    if (!c2_h5_pack_head(p, 0xdc, dims[0], err)) return false;
    for (hsize_t i = 0; i < dims[0]; i++)
        if (!pack_axes(p, type, dims + 1, ndim - 1, at, err)) return false;
    return true;
}

static bool read_values(struct c2_h5_packer *p, hid_t attr, hid_t type, hid_t space, struct cat2_error *err)
{
    hsize_t dims[C2_H5_DIM_MAX];
    int ndim = H5Sget_simple_extent_dims(space, dims, NULL);
    hssize_t n = H5Sget_simple_extent_npoints(space);
    size_t size = H5Tget_size(type);

    if (ndim < 0 || n < 0 || size == 0) return c2_h5_fail(err, CAT2_EDATA, "cannot be described");
    if (n > C2_H5_ATTR_MAX || (size_t)n > C2_H5_ATTR_MAX / size)
        return c2_fail(err, CAT2_ELIMIT, "is larger than %d bytes", C2_H5_ATTR_MAX);
    if (n == 0) { /* as NumPy lists it: axes up to the empty one */
        hsize_t none = 0;
        return pack_axes(p, type, &none, 1, &(const uint8_t *){NULL}, err);
    }
    uint8_t *values = calloc((size_t)n, size);
    const uint8_t *at = values;
    if (!values) return c2_fail_nomem(err, "attribute");
    bool ok = H5Aread(attr, type, values) >= 0 || c2_h5_fail(err, CAT2_EDATA, "cannot be read");
    if (ok) {
        ok = pack_axes(p, type, dims, ndim, &at, err);
        H5Dvlen_reclaim(type, space, H5P_DEFAULT, values); /* attributes too */
        H5Eclear2(H5E_DEFAULT);
    }
    free(values);
    return ok;
}

/* No value: text is empty, the rest is nil, as Python says. */
static bool pack_null(struct c2_h5_packer *p, hid_t type, struct cat2_error *err)
{
    if (H5Tget_class(type) != H5T_STRING) return c2_buf_putc(p->out, (char)0xc0, err);
    return c2_h5_pack_text(p, (struct c2_str){"", 0}, false, err);
}

static bool pack_attr(struct c2_h5 *h5, hid_t attr, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_h5_packer packer = {.h5 = h5, .out = out};
    hid_t file_type = H5Aget_type(attr), space = H5Aget_space(attr), type = -1;
    bool ok = file_type >= 0 && space >= 0;

    if (ok && H5Tget_class(file_type) == H5T_BITFIELD)
        type = H5Tcopy(file_type);
    else if (ok)
        type = H5Tget_native_type(file_type, H5T_DIR_ASCEND);
    if (type < 0)
        ok = c2_h5_fail(err, CAT2_EUNSUPPORTED, "has a type that is not carried");
    else if (H5Sget_simple_extent_type(space) == H5S_NULL)
        ok = pack_null(&packer, type, err);
    else
        ok = read_values(&packer, attr, type, space, err);
    if (type >= 0) H5Tclose(type);
    if (space >= 0) H5Sclose(space);
    if (file_type >= 0) H5Tclose(file_type);
    return ok;
}

/* ---- all of an object ---- */

struct visit {
    struct c2_h5 *h5;
    c2_h5_attr_fn *fn;
    void *ctx;
    struct cat2_error *err;
    bool failed;
    int n;
};

static bool show_name(const char *name, struct c2_buf *out, struct cat2_error *err)
{
    if (c2_str_is_utf8(c2_str_of(name))) return c2_buf_puts(out, name, err);
    for (; *name; name++)
        if (!((uint8_t)*name >= 0x80 ? c2_buf_printf(out, err, "%%%02X", (uint8_t)*name)
                                     : c2_buf_putc(out, *name, err)))
            return false;
    return true;
}

static herr_t visit_attr(hid_t object, const char *name, const H5A_info_t *info, void *ctx)
{
    struct visit *visit = ctx;
    C2_AUTO(c2_buf) msgpack = C2_BUF_INIT(C2_VLMETA_NBYTES_MAX);
    C2_AUTO(c2_buf) shown = C2_BUF_INIT(3 * 65536);
    struct cat2_error why;
    struct c2_h5_attr attr = {0};

    (void)info;
    if (++visit->n > C2_H5_ATTRS_MAX) return 1;
    hid_t id = H5Aopen(object, name, H5P_DEFAULT);
    bool ok =
        id >= 0 ? pack_attr(visit->h5, id, &msgpack, &why) : c2_h5_fail(&why, CAT2_EDATA, "cannot be opened");
    if (id >= 0) H5Aclose(id);
    H5Eclear2(H5E_DEFAULT);
    if (!show_name(name, &shown, visit->err)) {
        visit->failed = true;
        return -1;
    }
    attr.name = c2_buf_cstr(&shown);
    if (ok)
        attr.msgpack = c2_buf_bytes(&msgpack);
    else
        attr.refusal = why.message;
    if (visit->fn(visit->ctx, &attr, visit->err)) return 0;
    visit->failed = true;
    return -1;
}

bool c2_h5_attrs(struct c2_h5 *h5, const char *name, c2_h5_attr_fn *fn, void *ctx, struct cat2_error *err)
{
    struct visit visit = {.h5 = h5, .fn = fn, .ctx = ctx, .err = err};
    hsize_t at = 0;

    c2_h5_quiet();
    hid_t object = H5Oopen(h5->file, name, h5->lapl);
    if (object < 0) return c2_h5_fail(err, CAT2_ENOTFOUND, "%.120s cannot be opened", name);
    herr_t rc = H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, &at, visit_attr, &visit);
    if (rc < 0 && !visit.failed)
        c2_h5_fail(err, CAT2_EDATA, "the attributes of %.120s cannot be listed", name);
    H5Eclear2(H5E_DEFAULT);
    H5Oclose(object);
    return rc >= 0;
}

static bool add_json(void *ctx, const struct c2_h5_attr *attr, struct cat2_error *err)
{
    struct c2_jw *w = ctx;
    C2_AUTO(c2_buf) json = C2_BUF_INIT(C2_TRAILER_NBYTES_MAX);
    struct cat2_error why;
    struct c2_jw value;

    (void)err;
    if (attr->refusal) return true;
    c2_jw_init(&value, &json, C2_JSON_COMPACT, &why);
    if (!c2_msgpack_to_json(attr->msgpack, &value, &why) || !c2_jw_finish(&value)) return true;
    c2_jw_key_str(w, c2_str_of(attr->name));
    c2_jw_raw(w, c2_buf_str(&json));
    return w->ok;
}

bool c2_h5_attrs_json(struct c2_h5 *h5, const char *name, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_jw w;

    c2_jw_init(&w, out, C2_JSON_COMPACT, err);
    c2_jw_begin_object(&w);
    if (!c2_h5_attrs(h5, name, add_json, &w, err)) return false;
    c2_jw_end_object(&w);
    return c2_jw_finish(&w);
}
