/* SPDX-License-Identifier: BSD-3-Clause */
/* Attributes of datasets and groups, every kind of them, as msgpack. */
#include <stdlib.h>

#include "hdf5/read/attr_impl.h"
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
    c2_mpw_head(&p->w, C2_MP_LIST, dims[0]);
    for (hsize_t i = 0; i < dims[0]; i++)
        if (!pack_axes(p, type, dims + 1, ndim - 1, at, err)) return false;
    return p->w.ok;
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
static bool pack_null(struct c2_h5_packer *p, hid_t type)
{
    H5Tget_class(type) == H5T_STRING ? c2_mpw_bytes(&p->w, (struct c2_bytes){NULL, 0}) : c2_mpw_nil(&p->w);
    return p->w.ok;
}

/* The values in memory; *left is given what of their type is not carried. */
static bool pack_values(struct c2_h5_packer *p, hid_t attr, hid_t file_type, hid_t space,
                        struct c2_h5_type *type, struct cat2_error *err)
{
    if (!c2_h5_type_of(file_type, true, type, err)) return false;
    return read_values(p, attr, type->array, space, err);
}

static bool pack_attr(struct c2_h5 *h5, hid_t attr, struct c2_h5_type *type, struct c2_buf *out,
                      struct cat2_error *err)
{
    struct c2_h5_packer packer = {.h5 = h5};
    hid_t file_type = H5Aget_type(attr), space = H5Aget_space(attr);
    bool ok = (file_type >= 0 && space >= 0) || c2_h5_fail(err, CAT2_EDATA, "cannot be described");

    c2_mpw_init(&packer.w, out, err);
    if (ok && H5Sget_simple_extent_type(space) == H5S_NULL)
        ok = pack_null(&packer, file_type);
    else if (ok)
        ok = pack_values(&packer, attr, file_type, space, type, err);
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

static bool tell_refusal(struct visit *visit, const char *name, const char *member, const char *why)
{
    C2_AUTO(c2_buf) shown = C2_BUF_INIT(4 * 65536);
    struct c2_h5_attr attr = {.refusal = why};

    if (!c2_h5_show_name(name, &shown, visit->err) ||
        (member && !c2_buf_printf(&shown, visit->err, ".%s", member)))
        return false;
    attr.name = c2_buf_cstr(&shown);
    return visit->fn(visit->ctx, &attr, visit->err);
}

static bool tell_value(struct visit *visit, const char *name, struct c2_bytes msgpack)
{
    C2_AUTO(c2_buf) shown = C2_BUF_INIT(4 * 65536);
    struct c2_h5_attr attr = {.msgpack = msgpack};

    if (!c2_h5_show_name(name, &shown, visit->err)) return false;
    attr.name = c2_buf_cstr(&shown);
    return visit->fn(visit->ctx, &attr, visit->err);
}

static bool tell_attr(struct visit *visit, hid_t object, const char *name)
{
    C2_AUTO(c2_buf) msgpack = C2_BUF_INIT(C2_VLMETA_NBYTES_MAX);
    C2_AUTO(c2_h5_type) type = {0};
    struct cat2_error why;
    hid_t id = H5Aopen(object, name, H5P_DEFAULT);
    bool ok = id >= 0 ? pack_attr(visit->h5, id, &type, &msgpack, &why)
                      : c2_h5_fail(&why, CAT2_EDATA, "cannot be opened");

    if (id >= 0) H5Aclose(id);
    H5Eclear2(H5E_DEFAULT);
    if (!ok) return tell_refusal(visit, name, NULL, why.message);
    if (!tell_value(visit, name, c2_buf_bytes(&msgpack))) return false;
    for (size_t i = 0; i < type.left.n; i++)
        if (!tell_refusal(visit, name, type.left.p[i].name, type.left.p[i].reason)) return false;
    return true;
}

static herr_t visit_attr(hid_t object, const char *name, const H5A_info_t *info, void *ctx)
{
    struct visit *visit = ctx;
    bool too_many = ++visit->n > C2_H5_ATTRS_MAX;

    (void)info;
    if (too_many ? tell_refusal(visit, name, NULL, "and what follows: there are too many attributes")
                 : tell_attr(visit, object, name))
        return too_many;
    visit->failed = true;
    return -1;
}

/* What the offsets of sequences have instead: the shape of the dataset. */
static bool tell_shape(struct visit *visit, hid_t object)
{
    C2_AUTO(c2_buf) msgpack = C2_BUF_INIT(C2_VLMETA_NBYTES_MAX);
    struct c2_mpw w;
    hsize_t dims[C2_H5_DIM_MAX];
    hid_t space = H5Dget_space(object);
    int ndim = space >= 0 ? H5Sget_simple_extent_dims(space, dims, NULL) : -1;
    bool ok = ndim >= 0 || c2_h5_fail(visit->err, CAT2_EDATA, "the shape cannot be read");

    if (space >= 0) H5Sclose(space);
    c2_mpw_init(&w, &msgpack, visit->err);
    c2_mpw_head(&w, C2_MP_LIST, (uint64_t)(ok ? ndim : 0));
    for (int i = 0; i < ndim; i++)
        c2_mpw_uint(&w, dims[i]);
    return ok && w.ok && tell_value(visit, C2_H5_SHAPE, c2_buf_bytes(&msgpack));
}

bool c2_h5_attrs(struct c2_h5 *h5, const char *name, c2_h5_attr_fn *fn, void *ctx, struct cat2_error *err)
{
    struct visit visit = {.h5 = h5, .fn = fn, .ctx = ctx, .err = err};
    enum c2_h5_seq_array which;
    hsize_t at = 0;

    c2_h5_quiet();
    hid_t object = c2_h5_object_open(h5, name, &which);
    if (object < 0) return c2_h5_fail(err, CAT2_ENOTFOUND, "%.120s cannot be opened", name);
    if (which == C2_H5_SEQ_OFFSETS) {
        bool ok = tell_shape(&visit, object);
        H5Oclose(object);
        return ok;
    }
    herr_t rc = H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, &at, visit_attr, &visit);
    if (rc < 0 && !visit.failed) { /* those before are told; the object itself may be well */
        c2_h5_fail(err, CAT2_EDATA, "the attributes cannot be listed");
        char why[sizeof(err->message)];
        memcpy(why, err->message, sizeof(why));
        rc = tell_refusal(&visit, "*", NULL, why) ? 0 : -1;
    }
    H5Eclear2(H5E_DEFAULT);
    H5Oclose(object);
    return rc >= 0;
}

/* ---- as JSON ---- */

#define LEFT_OUT_ROOM (8 << 20) /* kept for names and reasons */

struct attrs_json {
    struct c2_jw *all;
    struct c2_buf *out;
    struct c2_jw left; /* {NAME: WHY} */
    struct c2_buf left_text;
    bool some_left;
};

static void leave_out(struct attrs_json *json, const char *name, const char *why)
{
    if (json->left_text.n > LEFT_OUT_ROOM / 2) return; /* thousands of reasons tell no more */
    json->some_left = true;
    c2_jw_put_cstr(&json->left, name, why);
}

static bool add_json(void *ctx, const struct c2_h5_attr *attr, struct cat2_error *err)
{
    struct attrs_json *json = ctx;
    C2_AUTO(c2_buf) text = C2_BUF_INIT(C2_TRAILER_NBYTES_MAX);
    struct cat2_error why;
    struct c2_jw value;

    (void)err;
    if (attr->refusal) {
        leave_out(json, attr->name, attr->refusal);
        return true;
    }
    if (strcmp(attr->name, C2_H5_LEFT_OUT) == 0) {
        leave_out(json, attr->name, "its name is taken");
        return true;
    }
    c2_jw_init(&value, &text, C2_JSON_COMPACT, &why);
    if (!c2_msgpack_to_json(attr->msgpack, &value, &why) || !c2_jw_finish(&value)) {
        leave_out(json, attr->name, why.message);
        return true;
    }
    if (json->out->n + text.n + strlen(attr->name) > C2_TRAILER_NBYTES_MAX - LEFT_OUT_ROOM) {
        leave_out(json, attr->name, "the attributes are too large together");
        return true;
    }
    c2_jw_key_str(json->all, c2_str_of(attr->name));
    c2_jw_raw(json->all, c2_buf_str(&text));
    return json->all->ok;
}

static void add_left_out(struct attrs_json *json, const struct c2_h5_left_out *members, size_t nmembers)
{
    struct c2_jw *w = json->all;

    c2_jw_open_object(w, C2_H5_LEFT_OUT);
    if (json->some_left) c2_jw_put_raw(w, "attributes", c2_buf_str(&json->left_text));
    if (nmembers) {
        c2_jw_open_object(w, "members");
        for (size_t i = 0; i < nmembers; i++)
            c2_jw_put_cstr(w, members[i].name, members[i].reason);
        c2_jw_end_object(w);
    }
    c2_jw_end_object(w);
}

bool c2_h5_attrs_json_of(struct c2_h5 *h5, const char *name, const struct c2_h5_left_out *members,
                         size_t nmembers, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_jw w;
    struct attrs_json json = {.all = &w, .out = out, .left_text = C2_BUF_INIT(LEFT_OUT_ROOM)};

    c2_jw_init(&w, out, C2_JSON_COMPACT, err);
    c2_jw_init(&json.left, &json.left_text, C2_JSON_COMPACT, err);
    c2_jw_begin_object(&w);
    c2_jw_begin_object(&json.left);
    bool ok = c2_h5_attrs(h5, name, add_json, &json, err);
    c2_jw_end_object(&json.left);
    ok = ok && c2_jw_finish(&json.left);
    if (ok && (json.some_left || nmembers)) add_left_out(&json, members, nmembers);
    c2_buf_fini(&json.left_text);
    c2_jw_end_object(&w);
    return ok && c2_jw_finish(&w);
}

bool c2_h5_attrs_json(struct c2_h5 *h5, const char *name, struct c2_buf *out, struct cat2_error *err)
{
    return c2_h5_attrs_json_of(h5, name, NULL, 0, out, err);
}
