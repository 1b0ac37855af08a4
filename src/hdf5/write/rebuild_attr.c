/* SPDX-License-Identifier: BSD-3-Clause */
/* Attributes as they were: the described type with the described value, as long as the frame's attribute is
 * the one that was imported; else with the frame's value, where the type can hold it. */
#include <stdlib.h>

#include "base/hash.h"
#include "hdf5/common/derive.h"
#include "hdf5/write/rebuild_impl.h"

const struct c2_mp_node *c2_h5w_like_attribute(const struct c2_h5w_like *like,
                                               const struct c2_mp_node *before, struct c2_str *shown)
{
    const struct c2_mp_node *list = c2_mp_get(like->root, "attributes");

    if (c2_mp_count(list) == 0) return NULL;
    for (const struct c2_mp_node *at = before ? c2_mp_next(before) : c2_mp_first(list); at < c2_mp_next(list);
         at = c2_mp_next(at))
        if (c2_mp_name(c2_mp_get(at, "as"), shown) || c2_mp_name(c2_mp_get(at, "name"), shown)) return at;
    return NULL;
}

bool c2_h5w_attribute_refers(const struct c2_mp_node *entry)
{
    for (const struct c2_mp_node *type = c2_mp_get(entry, "type"), *at = type; type && at < c2_mp_next(type);
         at++)
        if (c2_mp_is(at, "reference") || c2_mp_is(at, "region")) return true;
    return false;
}

struct made {
    struct c2_hid type, space;
    hsize_t dims[C2_H5_DIM_MAX];
    int ndim;
    size_t n;
    uint8_t *values;
};

static void made_auto(struct made *m)
{
    if (m->values) {
        H5Dvlen_reclaim(m->type.id, m->space.id, H5P_DEFAULT, m->values);
        H5Eclear2(H5E_DEFAULT);
    }
    free(m->values);
    c2_hid_fini(&m->type);
    c2_hid_fini(&m->space);
}

static bool prepare(struct c2_h5w *w, const struct c2_mp_node *entry, struct made *m, struct cat2_error *err)
{
    if (!c2_rebuild_type(w, c2_mp_get(entry, "type"), 0, &m->type, err) ||
        !c2_rebuild_space(c2_mp_get(entry, "space"), &m->space, err))
        return false;
    hssize_t n =
        H5Sget_simple_extent_type(m->space.id) == H5S_NULL ? 0 : H5Sget_simple_extent_npoints(m->space.id);
    m->ndim = H5Sget_simple_extent_dims(m->space.id, m->dims, NULL);
    size_t size = H5Tget_size(m->type.id);
    if (n < 0 || m->ndim < 0 || size == 0 || (size_t)n > C2_H5_ATTR_MAX / size)
        return c2_fail(err, CAT2_EDATA, "the described shape is too large");
    m->n = (size_t)n;
    if (n == 0) return true;
    m->values = calloc(m->n, size);
    return m->values || c2_fail_nomem(err, "attribute");
}

static bool create(struct c2_h5w_attrs *a, const struct c2_mp_node *entry, const struct made *m,
                   struct cat2_error *err)
{
    C2_AUTO(c2_buf) name = C2_BUF_INIT(65536);
    C2_AUTO(c2_hid) attr = {-1};
    struct c2_str text;

    if (!c2_mp_name(c2_mp_get(entry, "name"), &text) || text.n == 0)
        return c2_fail(err, CAT2_EDATA, "the description of an attribute has no name");
    if (!c2_buf_append_str(&name, text, err)) return false;
    attr.id = H5Acreate2(a->object, c2_buf_cstr(&name), m->type.id, m->space.id, a->w->acpl, H5P_DEFAULT);
    if (attr.id < 0) return c2_h5w_fail(err, "attribute");
    if (m->n == 0 || H5Awrite(attr.id, m->type.id, m->values) >= 0) return true;
    c2_h5w_fail(err, "attribute");
    c2_hid_fini(&attr);
    H5Adelete(a->object, c2_buf_cstr(&name));
    H5Eclear2(H5E_DEFAULT);
    return false;
}

/* Which value counts? */
static bool fill_in(struct c2_h5w *w, const struct c2_mp_node *entry, struct c2_bytes msgpack, struct made *m,
                    struct cat2_error *err)
{
    const struct c2_mp_node *value = c2_mp_get(entry, "value"), *hash = c2_mp_get(entry, "hash");
    bool as_imported =
        !hash || (msgpack.p && hash->kind == C2_MP_INT && hash->u == c2_hash64(msgpack.p, msgpack.n));

    if (m->n == 0) return true;
    if (value && as_imported) return c2_rebuild_values(w, m->type.id, value, m->n, m->values, err);
    if (!c2_h5_is_plain(m->type.id) && H5Tget_class(m->type.id) != H5T_STRING)
        return c2_fail(err, CAT2_EUNSUPPORTED, "its type cannot hold the value that it has now");
    return c2_h5_derive(msgpack, m->type.id, m->dims, m->ndim, m->n, m->values, err);
}

bool c2_h5w_attrs_like(struct c2_h5w_attrs *attrs, const struct c2_mp_node *entry, struct c2_bytes msgpack,
                       bool *made, struct cat2_error *err)
{
    __attribute__((cleanup(made_auto))) struct made m = {.type = {-1}, .space = {-1}};
    bool was_in_frame = !c2_mp_get(entry, "value") || c2_mp_get(entry, "hash");

    *made = false;
    if (!prepare(attrs->w, entry, &m, err)) return false;
    if (!msgpack.p && was_in_frame && m.n > 0) return true; /* somebody removed it */
    if (!fill_in(attrs->w, entry, msgpack, &m, err) || !create(attrs, entry, &m, err)) return false;
    *made = true;
    return true;
}

/* ---- dimension scales of imports that had no description ---- */

bool c2_h5w_is_scale_name(struct c2_str name)
{
    return c2_str_is(name, "DIMENSION_LIST") || c2_str_is(name, "REFERENCE_LIST");
}

/* [["/time"], ["/lat"]] */
static bool dimension_list(struct c2_h5w_attrs *a, const struct c2_mp_node *list, struct cat2_error *err)
{
    static const char entry[] = "\x82\xa4name\xae"
                                "DIMENSION_LIST"
                                "\xa4type\x82\xa5"
                                "class\xa8sequence\xa4"
                                "base\xa9"
                                "reference";
    C2_AUTO(c2_mp) mp = {0};
    struct made m = {.type = {-1}, .space = {-1}};

    if (!c2_mp_parse((struct c2_bytes){(const uint8_t *)entry, sizeof(entry) - 1}, 16, &mp, err))
        return false;
    m.n = c2_mp_count(list);
    hsize_t n = m.n;
    if (n < 1 || n > C2_H5_DIM_MAX) return c2_fail(err, CAT2_EDATA, "its text is no list of scales");
    bool ok = c2_rebuild_type(a->w, c2_mp_get(mp.nodes, "type"), 0, &m.type, err);
    m.space.id = H5Screate_simple(1, &n, NULL);
    hvl_t *values = calloc(m.n, sizeof(*values));
    m.values = (uint8_t *)values;
    ok = ok && (values || c2_fail_nomem(err, "attribute"));
    ok = ok && c2_rebuild_values(a->w, m.type.id, list, m.n, m.values, err) && create(a, mp.nodes, &m, err);
    made_auto(&m);
    return ok;
}

struct back_reference {
    hobj_ref_t dataset;
    int32_t dimension;
};

static bool back_references(struct c2_h5w_attrs *a, const struct c2_mp_node *list, struct back_reference *to,
                            struct cat2_error *err)
{
    const struct c2_mp_node *at = c2_mp_first(list);
    struct c2_str path;
    int64_t axis;

    for (uint32_t i = 0; i < list->n; i++, at = c2_mp_next(at)) {
        if (!c2_mp_name(c2_mp_get(at, "dataset"), &path) ||
            !c2_mp_int(c2_mp_get(at, "dimension"), 0, C2_H5_DIM_MAX, &axis))
            return c2_fail(err, CAT2_EDATA, "its text is no list of datasets and axes");
        if (!c2_rebuild_reference(a->w, path, (uint8_t *)&to[i].dataset, err)) return false;
        to[i].dimension = (int32_t)axis;
    }
    return true;
}

/* [{"dataset": "/temp", "dimension": 0}, ...] */
static bool reference_list(struct c2_h5w_attrs *a, const struct c2_mp_node *list, struct cat2_error *err)
{
    C2_AUTO(c2_hid)
    type = {H5Tcreate(H5T_COMPOUND, sizeof(struct back_reference))}, space = {-1}, attr = {-1};
    hsize_t n = c2_mp_count(list);

    if (n < 1) return c2_fail(err, CAT2_EDATA, "its text is no list of datasets and axes");
    struct back_reference *values = calloc(n, sizeof(*values));
    bool ok = values || c2_fail_nomem(err, "attribute");
    ok = ok && back_references(a, list, values, err);
    if (ok) {
        space.id = H5Screate_simple(1, &n, NULL);
        ok = H5Tinsert(type.id, "dataset", offsetof(struct back_reference, dataset), H5T_STD_REF_OBJ) >= 0 &&
             H5Tinsert(type.id, "dimension", offsetof(struct back_reference, dimension), H5T_NATIVE_INT32) >=
                 0;
        attr.id =
            ok ? H5Acreate2(a->object, "REFERENCE_LIST", type.id, space.id, a->w->acpl, H5P_DEFAULT) : -1;
        ok = (attr.id >= 0 && H5Awrite(attr.id, type.id, values) >= 0) || c2_h5w_fail(err, "attribute");
    }
    free(values);
    return ok;
}

/* Libraries know a scale by a text of fixed width that ends with a NUL. */
static bool class_or_name(struct c2_h5w_attrs *a, struct c2_str name, const struct c2_mp_node *value,
                          struct cat2_error *err)
{
    C2_AUTO(c2_hid) type = {H5Tcopy(H5T_C_S1)}, space = {H5Screate(H5S_SCALAR)}, attr = {-1};
    C2_AUTO(c2_buf) text = C2_BUF_INIT(65536), key = C2_BUF_INIT(64);
    struct c2_str s;

    if (!c2_mp_name(value, &s) || !c2_buf_append_str(&text, s, err) || !c2_buf_append_str(&key, name, err))
        return false;
    if (H5Tset_size(type.id, text.n + 1) >= 0)
        attr.id = H5Acreate2(a->object, c2_buf_cstr(&key), type.id, space.id, a->w->acpl, H5P_DEFAULT);
    return (attr.id >= 0 && H5Awrite(attr.id, type.id, c2_buf_cstr(&text)) >= 0) ||
           c2_h5w_fail(err, "attribute");
}

bool c2_h5w_attrs_scale(struct c2_h5w_attrs *attrs, struct c2_str name, struct c2_bytes msgpack,
                        bool *reserved, struct cat2_error *err)
{
    C2_AUTO(c2_mp) mp = {0};
    bool of_class = c2_str_is(name, "CLASS") || c2_str_is(name, "NAME");

    *reserved = c2_h5w_is_scale_name(name);
    if (!*reserved && !of_class) return true;
    if (!c2_mp_parse(msgpack, 1 << 21, &mp, err)) return !*reserved;
    if (of_class) {
        struct c2_str text;
        *reserved = c2_mp_name(mp.nodes, &text);
        return !*reserved || class_or_name(attrs, name, mp.nodes, err);
    }
    return c2_str_is(name, "DIMENSION_LIST") ? dimension_list(attrs, mp.nodes, err)
                                             : reference_list(attrs, mp.nodes, err);
}
