/* SPDX-License-Identifier: BSD-3-Clause */
/* Shapes and values from descriptions. */
#include <stdlib.h>

#include "hdf5/write/rebuild_impl.h"

struct values {
    struct c2_h5w *w;
    size_t left; /* bytes that may still be taken */
    struct cat2_error *err;
};

static bool bad(struct cat2_error *err)
{
    return c2_fail(err, CAT2_EDATA, "the described value is not of its type");
}

bool c2_rebuild_dims(const struct c2_mp_node *list, hsize_t *dims, int *ndim)
{
    uint32_t n = c2_mp_count(list);
    int64_t value;

    if (!list || list->kind != C2_MP_LIST || n > C2_H5_DIM_MAX) return false;
    for (uint32_t i = 0; i < n; i++) {
        if (!c2_mp_int(c2_mp_item(list, i), 0, INT64_MAX, &value)) return false;
        dims[i] = (hsize_t)value;
    }
    *ndim = (int)n;
    return true;
}

bool c2_rebuild_space(const struct c2_mp_node *node, struct c2_hid *out, struct cat2_error *err)
{
    hsize_t dims[C2_H5_DIM_MAX];
    int ndim = 0;

    if (c2_mp_is(node, "null") || c2_mp_is(node, "scalar"))
        out->id = H5Screate(c2_mp_is(node, "null") ? H5S_NULL : H5S_SCALAR);
    else if (c2_rebuild_dims(node, dims, &ndim) && ndim > 0)
        out->id = H5Screate_simple(ndim, dims, NULL);
    else
        return c2_fail(err, CAT2_EDATA, "the described shape is none");
    return out->id >= 0 || c2_h5w_fail(err, "a shape");
}

static bool item(struct values *v, hid_t type, const struct c2_mp_node *node, uint8_t *out);

static bool items(struct values *v, hid_t type, const struct c2_mp_node *node, size_t n, uint8_t *out)
{
    size_t size = H5Tget_size(type);

    if (!node) return bad(v->err);
    if (c2_h5_is_plain(type)) {
        if (node->kind != C2_MP_BYTES || node->bytes.n != n * size) return bad(v->err);
        if (n) memcpy(out, node->bytes.p, node->bytes.n);
        return true;
    }
    if (node->kind != C2_MP_LIST || node->n != n) return bad(v->err);
    const struct c2_mp_node *at = n ? c2_mp_first(node) : NULL;
    for (size_t i = 0; i < n; i++, at = c2_mp_next(at))
        if (!item(v, type, at, out + i * size)) return false;
    return true;
}

static bool text(struct values *v, const struct c2_mp_node *node, uint8_t *out)
{
    struct c2_str s;

    if (node->kind == C2_MP_NIL) return true;
    if (!c2_mp_name(node, &s)) return bad(v->err);
    char *copy = c2_str_dup(s);
    if (!copy) return c2_fail_nomem(v->err, "text");
    memcpy(out, &copy, sizeof(copy));
    return true;
}

static bool sequence(struct values *v, hid_t type, const struct c2_mp_node *node, uint8_t *out)
{
    C2_AUTO(c2_hid) base = {H5Tget_super(type)};
    size_t size = base.id < 0 ? 0 : H5Tget_size(base.id);
    bool plain = size > 0 && c2_h5_is_plain(base.id);

    if (size == 0 || node->kind != (plain ? C2_MP_BYTES : C2_MP_LIST)) return bad(v->err);
    size_t n = plain ? node->bytes.n / size : node->n;
    if (n == 0) return true;
    if (n > v->left / size) return c2_fail(v->err, CAT2_ELIMIT, "the described values take too much memory");
    v->left -= n * size;
    hvl_t made = {.len = n, .p = calloc(n, size)};
    if (!made.p) return c2_fail_nomem(v->err, "sequence");
    memcpy(out, &made, sizeof(made));
    return items(v, base.id, node, n, made.p);
}

static bool members(struct values *v, hid_t type, const struct c2_mp_node *node, uint8_t *out)
{
    int n = H5Tget_nmembers(type);

    if (node->kind != C2_MP_LIST || n < 1 || node->n != (uint32_t)n) return bad(v->err);
    const struct c2_mp_node *at = c2_mp_first(node);
    for (int i = 0; i < n; i++, at = c2_mp_next(at)) {
        C2_AUTO(c2_hid) member = {H5Tget_member_type(type, (unsigned)i)};
        if (!item(v, member.id, at, out + H5Tget_member_offset(type, (unsigned)i))) return false;
    }
    return true;
}

static bool region(struct values *v, const struct c2_mp_node *node, uint8_t *out)
{
    const struct c2_mp_node *list = c2_mp_item(node, 2);
    struct c2_str path, kind;

    if (node->kind == C2_MP_NIL) return true;
    if (!c2_mp_name(c2_mp_item(node, 0), &path) || !c2_mp_name(c2_mp_item(node, 1), &kind))
        return bad(v->err);
    C2_AUTO(c2_buf) name = C2_BUF_INIT(65536);
    if (!c2_buf_append_str(&name, path, v->err)) return false;
    return c2_rebuild_selection(v->w, c2_buf_cstr(&name), kind, list, out, v->err);
}

static bool item(struct values *v, hid_t type, const struct c2_mp_node *node, uint8_t *out)
{
    H5T_class_t class = H5Tget_class(type);
    struct c2_str path;

    if (c2_h5_is_plain(type)) return items(v, type, node, 1, out);
    switch (class) {
    case H5T_STRING:
        return text(v, node, out);
    case H5T_VLEN:
        return sequence(v, type, node, out);
    case H5T_COMPOUND:
        return members(v, type, node, out);
    case H5T_ARRAY: {
        C2_AUTO(c2_hid) base = {H5Tget_super(type)};
        return items(v, base.id, node, H5Tget_size(type) / H5Tget_size(base.id), out);
    }
    case H5T_REFERENCE:
        if (node->kind == C2_MP_NIL) return true;
        if (H5Tequal(type, H5T_STD_REF_DSETREG) > 0) return region(v, node, out);
        return c2_mp_name(node, &path) ? c2_rebuild_reference(v->w, path, out, v->err) : bad(v->err);
    default:
        return bad(v->err);
    }
}

bool c2_rebuild_values(struct c2_h5w *w, hid_t type, const struct c2_mp_node *node, size_t n, uint8_t *out,
                       struct cat2_error *err)
{
    struct values v = {w, C2_H5W_VALUES_MAX, err};

    return items(&v, type, node, n, out);
}
