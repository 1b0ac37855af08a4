/* SPDX-License-Identifier: BSD-3-Clause */
/* Attributes: their exact types, and their values where the frame's attribute does not tell all. */
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "hdf5/common/derive.h"
#include "hdf5/read/describe_impl.h"

struct attribute {
    hid_t id;
    const char *name, *shown;
    struct c2_hid type, space;
    hsize_t dims[C2_H5_DIM_MAX];
    int ndim;
    size_t n, size;
    uint8_t *values; /* as read; NULL: none */
    enum c2_h5_carried carried;
    struct c2_bytes msgpack; /* what the frame has */
};

static void attribute_auto(struct attribute *a)
{
    if (a->values) {
        H5Dvlen_reclaim(a->type.id, a->space.id, H5P_DEFAULT, a->values);
        H5Eclear2(H5E_DEFAULT);
    }
    free(a->values);
    c2_hid_fini(&a->type);
    c2_hid_fini(&a->space);
}

static bool read_attribute(struct attribute *a, struct cat2_error *err)
{
    a->type.id = H5Aget_type(a->id);
    a->space.id = H5Aget_space(a->id);
    hssize_t n = a->space.id < 0 ? -1 : H5Sget_simple_extent_npoints(a->space.id);
    a->ndim = n < 0 ? -1 : H5Sget_simple_extent_dims(a->space.id, a->dims, NULL);
    if (a->type.id < 0 || n < 0 || a->ndim < 0) return c2_h5_fail(err, CAT2_EDATA, "it cannot be described");
    if (H5Sget_simple_extent_type(a->space.id) == H5S_NULL) n = 0;
    a->size = H5Tget_size(a->type.id);
    if (a->size == 0 || (size_t)n > C2_H5_ATTR_MAX / a->size)
        return c2_fail(err, CAT2_EUNSUPPORTED, "it is larger than %d bytes", C2_H5_ATTR_MAX);
    a->n = (size_t)n;
    if (n == 0) return true;
    uint8_t *values = calloc(a->n, a->size);
    if (!values) return c2_fail_nomem(err, "attribute");
    if (H5Aread(a->id, a->type.id, values) < 0) {
        free(values);
        return c2_h5_fail(err, CAT2_EDATA, "it cannot be read");
    }
    a->values = values;
    return true;
}

static bool same_values(const struct attribute *a, const uint8_t *other)
{
    const char *x, *y;

    if (H5Tget_class(a->type.id) != H5T_STRING || H5Tis_variable_str(a->type.id) <= 0)
        return memcmp(a->values, other, a->n * a->size) == 0;
    for (size_t i = 0; i < a->n; i++) {
        memcpy(&x, a->values + i * a->size, sizeof(x));
        memcpy(&y, other + i * a->size, sizeof(y));
        if (!x || !y || strcmp(x, y) != 0) return false;
    }
    return true;
}

/* Does the frame's attribute tell the values to the bit? */
static bool is_told(const struct attribute *a)
{
    struct cat2_error ignored;

    if (a->n == 0) return true;
    if (a->carried != C2_H5_CARRIED ||
        (!c2_h5_is_plain(a->type.id) && H5Tget_class(a->type.id) != H5T_STRING))
        return false;
    uint8_t *other = calloc(a->n, a->size);
    bool derived = other && c2_h5_derive(a->msgpack, a->type.id, a->dims, a->ndim, a->n, other, &ignored);
    bool same = derived && same_values(a, other);
    if (derived) H5Dvlen_reclaim(a->type.id, a->space.id, H5P_DEFAULT, other);
    H5Eclear2(H5E_DEFAULT);
    free(other);
    return same;
}

static bool put_attribute(struct c2_describer *d, const struct attribute *a, struct cat2_error *err)
{
    size_t map = c2_mpw_open(&d->w, C2_MP_MAP), n = 3;

    c2_mpw_text(&d->w, "name");
    c2_mpw_name(&d->w, c2_str_of(a->name));
    c2_mpw_text(&d->w, "type");
    if (!c2_describe_its_type(d, a->type.id, err)) return false;
    c2_mpw_text(&d->w, "space");
    if (!c2_describe_space(d, a->space.id, err)) return false;
    if (strcmp(a->name, a->shown) != 0) {
        c2_mpw_text(&d->w, "as");
        c2_mpw_text(&d->w, a->shown);
        n++;
    }
    if (!is_told(a)) {
        c2_mpw_text(&d->w, "value");
        if (!c2_describe_values(d, a->type.id, a->values, a->n, err)) return false;
        n++;
        if (a->carried == C2_H5_CARRIED) { /* of the frame's attribute: when that is another one, it counts */
            c2_mpw_text(&d->w, "hash");
            c2_mpw_uint(&d->w, c2_hash64(a->msgpack.p, a->msgpack.n));
            n++;
        }
    }
    c2_mpw_close(&d->w, map, n);
    return d->w.ok;
}

struct visit {
    struct c2_describer *d;
    struct cat2_error *err;
    size_t n, seen;
};

/* What of an attribute cannot be kept is told; the attribute is then left to what the frame has of it. */
static bool one_attribute(struct visit *v, hid_t id, const char *name)
{
    __attribute__((cleanup(attribute_auto))) struct attribute a = {
        .id = id, .name = name, .type = {-1}, .space = {-1}};
    C2_AUTO(c2_buf) shown = C2_BUF_INIT(3 * 65536);
    struct c2_describer *d = v->d;
    char within[100];
    size_t before = d->w.out->n;

    if (!c2_h5_show_name(name, &shown, v->err)) return false;
    a.shown = c2_buf_cstr(&shown);
    a.carried = d->how->carried(d->how->ctx, a.shown, &a.msgpack);
    if (a.carried == C2_H5_NOT_OURS) return true;
    snprintf(within, sizeof(within), "attribute '%.60s'", a.shown);
    d->within = within;
    bool ok = read_attribute(&a, v->err) && put_attribute(d, &a, v->err);
    if (!ok && v->err->code != CAT2_ENOMEM && v->err->code != CAT2_ELIMIT) {
        c2_describe_lost(d, "%s", v->err->message);
        d->w.out->n = before;
        ok = true;
    } else {
        v->n++;
    }
    d->within = NULL;
    return ok;
}

static herr_t visit_attribute(hid_t object, const char *name, const H5A_info_t *info, void *ctx)
{
    struct visit *v = ctx;

    (void)info;
    if (v->seen++ == C2_H5_ATTRS_MAX) {
        c2_describe_lost(v->d, "its attributes after %d", C2_H5_ATTRS_MAX);
        return 1;
    }
    hid_t id = H5Aopen(object, name, H5P_DEFAULT);
    if (id < 0) {
        H5Eclear2(H5E_DEFAULT);
        c2_describe_lost(v->d, "attribute '%.60s': it cannot be opened", name);
        return 0;
    }
    bool ok = one_attribute(v, id, name);
    H5Aclose(id);
    return ok ? 0 : -1;
}

bool c2_describe_attributes(struct c2_describer *d, hid_t object, bool in_order, size_t *n,
                            struct cat2_error *err)
{
    struct visit v = {.d = d, .err = err};
    hsize_t at = 0;
    size_t before = d->w.out->n;

    *err = (struct cat2_error){0};
    c2_mpw_text(&d->w, "attributes");
    size_t list = c2_mpw_open(&d->w, C2_MP_LIST);
    herr_t rc = H5Aiterate2(object, in_order ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME, H5_ITER_INC, &at,
                            visit_attribute, &v);
    if (rc < 0 && err->code == CAT2_OK) {
        c2_describe_lost(d, "its attributes: they cannot be listed");
        rc = 0;
    }
    H5Eclear2(H5E_DEFAULT);
    if (rc < 0 || !d->w.ok) return false;
    c2_mpw_close(&d->w, list, v.n);
    if (v.n == 0) d->w.out->n = before;
    *n += v.n > 0;
    return true;
}
