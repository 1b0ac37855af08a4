/* SPDX-License-Identifier: BSD-3-Clause */
/* Attributes from msgpack: first a look at the whole value, which decides its type and shape, then the
 * values. */
#include <stdlib.h>

#include "hdf5/common/describe_type.h"
#include "hdf5/write/h5w_impl.h"
#include "wire/msgpack.h"
#include "wire/packed.h"

bool c2_h5w_attrs_open(struct c2_h5w *w, const char *path, struct c2_h5w_attrs **out, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_h5w_attrs) *attrs = calloc(1, sizeof(*attrs));

    if (!attrs) return c2_fail_nomem(err, "attributes");
    attrs->w = w;
    c2_buf_init(&attrs->names, C2_TRAILER_NBYTES_MAX);
    attrs->object = H5Oopen(w->file, c2_h5w_path(path), H5P_DEFAULT);
    if (attrs->object < 0) return c2_h5w_fail(err, "attributes");
    *out = attrs;
    attrs = NULL;
    return true;
}

void c2_h5w_attrs_free(struct c2_h5w_attrs *attrs)
{
    if (!attrs) return;
    if (attrs->object >= 0) H5Oclose(attrs->object);
    c2_buf_fini(&attrs->names);
    free(attrs);
}

static bool put(struct c2_h5w_attrs *a, struct c2_str name, hid_t type, hid_t space, const void *values,
                struct cat2_error *err)
{
    C2_AUTO(c2_hid) attr = {-1};
    C2_AUTO(c2_buf) text = C2_BUF_INIT(C2_VLMETA_NBYTES_MAX);

    if (name.n == 0 || memchr(name.p, 0, name.n))
        return c2_fail(err, CAT2_EUNSUPPORTED, "HDF5 cannot hold an attribute of this name");
    if (!c2_buf_append_str(&text, name, err)) return false;
    attr.id = H5Acreate2(a->object, c2_buf_cstr(&text), type, space, a->w->acpl, H5P_DEFAULT);
    if (attr.id < 0) return c2_h5w_fail(err, "attribute");
    return !values || H5Awrite(attr.id, type, values) >= 0 || c2_h5w_fail(err, "attribute");
}

/* n texts that follow each other, each with its NUL. */
static bool put_texts(struct c2_h5w_attrs *a, struct c2_str name, hid_t space, const struct c2_buf *texts,
                      size_t n, struct cat2_error *err)
{
    C2_AUTO(c2_hid) type = {c2_h5_text(H5T_CSET_UTF8)};
    const char **list = calloc(n + 1, sizeof(*list));
    const char *at = c2_buf_cstr(texts);

    if (!list) return c2_fail_nomem(err, "attribute");
    for (size_t i = 0; i < n; i++) {
        list[i] = at;
        at += strlen(at) + 1;
    }
    bool ok = type.id >= 0 ? put(a, name, type.id, space, list, err) : c2_h5w_fail(err, "attribute");
    free(list);
    return ok;
}

static bool put_json(struct c2_h5w_attrs *a, struct c2_str name, struct c2_bytes msgpack,
                     struct cat2_error *err)
{
    C2_AUTO(c2_hid) space = {H5Screate(H5S_SCALAR)};
    C2_AUTO(c2_buf) text = C2_BUF_INIT(C2_TRAILER_NBYTES_MAX);
    struct c2_jw json;

    c2_jw_init(&json, &text, C2_JSON_COMPACT, err);
    if (!c2_msgpack_to_json(msgpack, &json, err) || !c2_jw_finish(&json) ||
        !put_texts(a, name, space.id, &text, 1, err))
        return false;
    a->nnames++;
    return c2_buf_append_str(&a->names, name, err) && c2_buf_putc(&a->names, '\0', err);
}

/* Bytes of one width: a string, or opaque when a string would lose NULs at an end. */
static hid_t bytes_type(const struct c2_packed_shape *shape)
{
    C2_AUTO(c2_hid) type = {-1};
    size_t width = shape->width ? shape->width : 1;

    if (shape->nul_at_end && shape->one_width) {
        type.id = H5Tcreate(H5T_OPAQUE, width);
        if (type.id < 0 || H5Tset_tag(type.id, "") < 0) return -1;
    } else {
        type.id = H5Tcopy(H5T_C_S1);
        if (type.id < 0 || H5Tset_size(type.id, width) < 0 || H5Tset_strpad(type.id, H5T_STR_NULLPAD) < 0)
            return -1;
    }
    return c2_hid_steal(&type);
}

static hid_t value_type(const struct c2_packed_shape *shape)
{
    switch (shape->kind) {
    case C2_PACKED_BOOL:
        return c2_h5_bool();
    case C2_PACKED_INT:
        return H5Tcopy(shape->huge ? H5T_STD_U64LE : H5T_STD_I64LE);
    case C2_PACKED_BYTES:
        return bytes_type(shape);
    default:
        return H5Tcopy(H5T_IEEE_F64LE);
    }
}

static hid_t space_of(const struct c2_packed_shape *shape)
{
    hsize_t dims[C2_ARRAY_LEN(shape->dims)];

    for (int i = 0; i < shape->ndim; i++)
        dims[i] = (hsize_t)shape->dims[i];
    if (shape->ndim > 0) return H5Screate_simple(shape->ndim, dims, NULL);
    bool nothing = shape->kind == C2_PACKED_BYTES && shape->width == 0;
    return H5Screate(nothing ? H5S_NULL : H5S_SCALAR);
}

bool c2_h5w_attrs_add(struct c2_h5w_attrs *a, struct c2_str name, struct c2_bytes msgpack,
                      struct cat2_error *err)
{
    struct c2_packed_shape shape;
    C2_AUTO(c2_buf) values = C2_BUF_INIT(8 * (size_t)C2_VLMETA_NBYTES_MAX);
    C2_AUTO(c2_hid) type = {-1}, space = {-1};

    if (!c2_packed_look(msgpack, &shape, err)) return false;
    if (shape.kind == C2_PACKED_OTHER) return put_json(a, name, msgpack, err);
    if (!c2_packed_values(msgpack, &shape, &values, err)) return false;
    space.id = space_of(&shape);
    if (space.id < 0) return c2_h5w_fail(err, "attribute");
    if (shape.kind == C2_PACKED_TEXT) return put_texts(a, name, space.id, &values, shape.nvalues, err);
    type.id = value_type(&shape);
    if (type.id < 0) return c2_h5w_fail(err, "attribute");
    return put(a, name, type.id, space.id, shape.nvalues > 0 && values.n > 0 ? values.p : NULL, err);
}

bool c2_h5w_attrs_close(struct c2_h5w_attrs *attrs, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_h5w_attrs) *a = attrs;
    C2_AUTO(c2_hid) space = {-1};

    if (a->nnames == 0) return true;
    space.id = H5Screate_simple(1, &a->nnames, NULL);
    return space.id >= 0 ? put_texts(a, C2_STR(C2_H5W_JSON), space.id, &a->names, (size_t)a->nnames, err)
                         : c2_h5w_fail(err, "attributes");
}
