/* SPDX-License-Identifier: BSD-3-Clause */
/* Datatypes from descriptions. Sizes and places are checked here; what libhdf5 refuses in the end is told
 * with its reason. */
#include "hdf5/write/rebuild_impl.h"

#include <stdlib.h>

#define NUMBER_SIZE_MAX 64    /* bytes of an integer or float */
#define NAMES_MAX       16384 /* of an enumeration: libhdf5 compares each with all before */

static bool bad(struct cat2_error *err, const char *what)
{
    return c2_fail(err, CAT2_EDATA, "the description's datatype: %s", what);
}

static bool get_int(const struct c2_mp_node *map, const char *key, int64_t min, int64_t max, int64_t *out,
                    struct cat2_error *err)
{
    return c2_mp_int(c2_mp_get(map, key), min, max, out) || bad(err, key);
}

static int64_t or_zero(const struct c2_mp_node *map, const char *key, int64_t max)
{
    int64_t value;

    return c2_mp_int(c2_mp_get(map, key), 0, max, &value) ? value : 0;
}

static bool is(const struct c2_mp_node *map, const char *class)
{
    return c2_mp_is(c2_mp_get(map, "class"), class);
}

struct bits {
    int64_t size, order, precision, offset;
    H5T_pad_t lsb, msb;
};

static bool get_bits(const struct c2_mp_node *map, struct bits *out, struct cat2_error *err)
{
    if (!get_int(map, "size", 1, NUMBER_SIZE_MAX, &out->size, err) ||
        !get_int(map, "order", H5T_ORDER_LE, H5T_ORDER_VAX, &out->order, err) ||
        !get_int(map, "precision", 1, 8 * out->size, &out->precision, err) ||
        !get_int(map, "offset", 0, 8 * out->size - out->precision, &out->offset, err))
        return false;
    out->lsb = (H5T_pad_t)or_zero(map, "lsb", H5T_PAD_BACKGROUND);
    out->msb = (H5T_pad_t)or_zero(map, "msb", H5T_PAD_BACKGROUND);
    return true;
}

static bool set_bits(hid_t type, const struct bits *bits)
{
    return H5Tset_precision(type, (size_t)bits->precision) >= 0 &&
           H5Tset_size(type, (size_t)bits->size) >= 0 && H5Tset_offset(type, (size_t)bits->offset) >= 0 &&
           H5Tset_order(type, (H5T_order_t)bits->order) >= 0 && H5Tset_pad(type, bits->lsb, bits->msb) >= 0;
}

static bool integer(const struct c2_mp_node *map, bool field, struct c2_hid *out, struct cat2_error *err)
{
    C2_AUTO(c2_hid) type = {-1};
    struct bits bits;

    if (!get_bits(map, &bits, err)) return false;
    type.id = H5Tcopy(field ? H5T_STD_B64LE : H5T_STD_I64LE);
    bool ok = type.id >= 0 && (bits.size <= 8 || H5Tset_size(type.id, (size_t)bits.size) >= 0) &&
              set_bits(type.id, &bits);
    if (ok && !field)
        ok = H5Tset_sign(type.id, c2_mp_true(c2_mp_get(map, "signed")) ? H5T_SGN_2 : H5T_SGN_NONE) >= 0;
    if (!ok) return c2_h5w_fail(err, "an integer type");
    out->id = c2_hid_steal(&type);
    return true;
}

/* libhdf5 wants the fields within the precision, and that within the size, at every step. */
static bool real(const struct c2_mp_node *map, struct c2_hid *out, struct cat2_error *err)
{
    C2_AUTO(c2_hid) type = {-1};
    struct bits bits;
    int64_t at[5], bias, norm;
    const struct c2_mp_node *fields = c2_mp_get(map, "fields");

    if (!get_bits(map, &bits, err) || !get_int(map, "bias", 0, INT64_MAX, &bias, err) ||
        !get_int(map, "norm", H5T_NORM_IMPLIED, H5T_NORM_NONE, &norm, err))
        return false;
    for (uint32_t i = 0; i < C2_ARRAY_LEN(at); i++)
        if (!c2_mp_int(c2_mp_item(fields, i), 0, bits.precision, &at[i]))
            return bad(err, "fields of a float");
    size_t wide = (size_t)c2_max_i64(bits.size, 8);
    type.id = H5Tcopy(H5T_IEEE_F64LE);
    if (type.id < 0 || H5Tset_size(type.id, wide) < 0 || H5Tset_precision(type.id, 8 * wide) < 0 ||
        H5Tset_fields(type.id, (size_t)at[0], (size_t)at[1], (size_t)at[2], (size_t)at[3], (size_t)at[4]) <
            0 ||
        !set_bits(type.id, &bits) || H5Tset_ebias(type.id, (size_t)bias) < 0 ||
        H5Tset_norm(type.id, (H5T_norm_t)norm) < 0 ||
        H5Tset_inpad(type.id, (H5T_pad_t)or_zero(map, "inner", H5T_PAD_BACKGROUND)) < 0)
        return c2_h5w_fail(err, "a float type");
    out->id = c2_hid_steal(&type);
    return true;
}

/* Moments, of 4 or 8 bytes: of an old kind that libraries carry but do not convert. */
static bool moment(const struct c2_mp_node *map, struct c2_hid *out, struct cat2_error *err)
{
    C2_AUTO(c2_hid) type = {-1};
    struct bits bits;

    if (!get_bits(map, &bits, err)) return false;
    if (bits.size != 4 && bits.size != 8) return bad(err, "size of a time");
    type.id = H5Tcopy(bits.size == 4 ? H5T_UNIX_D32LE : H5T_UNIX_D64LE);
    if (type.id < 0 || H5Tset_order(type.id, (H5T_order_t)bits.order) < 0)
        return c2_h5w_fail(err, "a time type");
    out->id = c2_hid_steal(&type);
    return true;
}

static bool text(const struct c2_mp_node *map, struct c2_hid *out, struct cat2_error *err)
{
    C2_AUTO(c2_hid) type = {H5Tcopy(H5T_C_S1)};
    const struct c2_mp_node *size = c2_mp_get(map, "size");
    int64_t n = 0, pad, charset;

    if (!get_int(map, "pad", H5T_STR_NULLTERM, H5T_STR_SPACEPAD, &pad, err) ||
        !get_int(map, "charset", H5T_CSET_ASCII, H5T_CSET_UTF8, &charset, err))
        return false;
    if (size && !c2_mp_int(size, 1, C2_H5_ITEM_MAX, &n)) return bad(err, "size of a text");
    if (type.id < 0 || H5Tset_size(type.id, size ? (size_t)n : H5T_VARIABLE) < 0 ||
        H5Tset_strpad(type.id, (H5T_str_t)pad) < 0 || H5Tset_cset(type.id, (H5T_cset_t)charset) < 0)
        return c2_h5w_fail(err, "a text type");
    out->id = c2_hid_steal(&type);
    return true;
}

static bool opaque(const struct c2_mp_node *map, struct c2_hid *out, struct cat2_error *err)
{
    C2_AUTO(c2_buf) tag = C2_BUF_INIT(H5T_OPAQUE_TAG_MAX - 1);
    struct c2_str name;
    int64_t size;

    if (!get_int(map, "size", 1, C2_H5_ITEM_MAX, &size, err)) return false;
    if (!c2_mp_name(c2_mp_get(map, "tag"), &name) || !c2_buf_append_str(&tag, name, err))
        return bad(err, "tag of opaque items");
    C2_AUTO(c2_hid) type = {H5Tcreate(H5T_OPAQUE, (size_t)size)};
    if (type.id < 0 || H5Tset_tag(type.id, c2_buf_cstr(&tag)) < 0) return c2_h5w_fail(err, "an opaque type");
    out->id = c2_hid_steal(&type);
    return true;
}

/* Text of a node as a C string. */
static bool name_of(const struct c2_mp_node *node, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_str name;

    c2_buf_clear(out);
    return c2_mp_name(node, &name) ? c2_buf_append_str(out, name, err) : bad(err, "a name");
}

static bool enumeration(struct c2_h5w *w, const struct c2_mp_node *map, int depth, struct c2_hid *out,
                        struct cat2_error *err)
{
    C2_AUTO(c2_hid) base = {-1}, type = {-1};
    C2_AUTO(c2_buf) name = C2_BUF_INIT(65536);
    const struct c2_mp_node *names = c2_mp_get(map, "names"), *values = c2_mp_get(map, "values");
    uint32_t n = c2_mp_count(names);

    if (!c2_rebuild_type(w, c2_mp_get(map, "base"), depth + 1, &base, err)) return false;
    size_t size = H5Tget_size(base.id);
    if (H5Tget_class(base.id) != H5T_INTEGER || n > NAMES_MAX || !values || values->kind != C2_MP_BYTES ||
        values->bytes.n != n * size)
        return bad(err, "an enumeration");
    type.id = H5Tenum_create(base.id);
    if (type.id < 0) return c2_h5w_fail(err, "an enumeration");
    const struct c2_mp_node *at = n ? c2_mp_first(names) : NULL;
    for (uint32_t i = 0; i < n; i++, at = c2_mp_next(at)) {
        if (!name_of(at, &name, err)) return false;
        if (H5Tenum_insert(type.id, c2_buf_cstr(&name), values->bytes.p + i * size) < 0)
            return c2_h5w_fail(err, "name '%.60s' of an enumeration", c2_buf_cstr(&name));
    }
    out->id = c2_hid_steal(&type);
    return true;
}

static bool member(struct c2_h5w *w, const struct c2_mp_node *triple, int depth, hid_t compound,
                   struct cat2_error *err)
{
    C2_AUTO(c2_hid) type = {-1};
    C2_AUTO(c2_buf) name = C2_BUF_INIT(65536);
    int64_t offset;

    if (c2_mp_count(triple) != 3 || !c2_mp_int(c2_mp_item(triple, 1), 0, C2_H5_ITEM_MAX, &offset))
        return bad(err, "a member");
    if (!name_of(c2_mp_item(triple, 0), &name, err) ||
        !c2_rebuild_type(w, c2_mp_item(triple, 2), depth + 1, &type, err))
        return false;
    if ((size_t)offset + H5Tget_size(type.id) > H5Tget_size(compound))
        return bad(err, "a member beyond the end");
    return H5Tinsert(compound, c2_buf_cstr(&name), (size_t)offset, type.id) >= 0 ||
           c2_h5w_fail(err, "member '%.60s'", c2_buf_cstr(&name));
}

static bool compound(struct c2_h5w *w, const struct c2_mp_node *map, int depth, struct c2_hid *out,
                     struct cat2_error *err)
{
    const struct c2_mp_node *members = c2_mp_get(map, "members");
    uint32_t n = c2_mp_count(members);
    int64_t size;

    if (!get_int(map, "size", 1, C2_H5_ITEM_MAX, &size, err)) return false;
    if (n < 1 || n > C2_DTYPE_FIELDS_MAX) return bad(err, "members");
    C2_AUTO(c2_hid) type = {H5Tcreate(H5T_COMPOUND, (size_t)size)};
    if (type.id < 0) return c2_h5w_fail(err, "a compound type");
    const struct c2_mp_node *at = c2_mp_first(members);
    for (uint32_t i = 0; i < n; i++, at = c2_mp_next(at))
        if (!member(w, at, depth, type.id, err)) return false;
    out->id = c2_hid_steal(&type);
    return true;
}

static bool array(struct c2_h5w *w, const struct c2_mp_node *map, int depth, struct c2_hid *out,
                  struct cat2_error *err)
{
    C2_AUTO(c2_hid) base = {-1};
    hsize_t dims[C2_H5_DIM_MAX];
    int ndim = 0;

    if (!c2_rebuild_type(w, c2_mp_get(map, "base"), depth + 1, &base, err)) return false;
    if (!c2_rebuild_dims(c2_mp_get(map, "shape"), dims, &ndim) || ndim < 1)
        return bad(err, "shape of an array type");
    int64_t total = (int64_t)H5Tget_size(base.id);
    for (int i = 0; i < ndim; i++)
        if (dims[i] < 1 || dims[i] > C2_H5_ITEM_MAX || !c2_mul_i64(total, (int64_t)dims[i], &total) ||
            total > C2_H5_ITEM_MAX)
            return bad(err, "shape of an array type");
    out->id = H5Tarray_create2(base.id, (unsigned)ndim, dims);
    return out->id >= 0 || c2_h5w_fail(err, "an array type");
}

static bool of_base(struct c2_h5w *w, const struct c2_mp_node *map, int depth, bool sequence,
                    struct c2_hid *out, struct cat2_error *err)
{
    C2_AUTO(c2_hid) base = {-1};

    if (!c2_rebuild_type(w, c2_mp_get(map, "base"), depth + 1, &base, err)) return false;
    if (sequence) {
        out->id = H5Tvlen_create(base.id);
        return out->id >= 0 || c2_h5w_fail(err, "a sequence type");
    }
#if H5_VERSION_GE(2, 0, 0)
    out->id = H5Tcomplex_create(base.id);
    return out->id >= 0 || c2_h5w_fail(err, "a complex type");
#else
    return c2_fail(err, CAT2_EUNSUPPORTED, "complex numbers of HDF5 2 need a later library");
#endif
}

static bool short_type(const struct c2_mp_node *node, struct c2_hid *out, struct cat2_error *err)
{
    for (const struct c2_short_type *t = c2_short_types(); t->name; t++)
        if (c2_mp_is(node, t->name)) {
            out->id = H5Tcopy(t->type);
            return out->id >= 0 || c2_h5w_fail(err, "a datatype");
        }
    return bad(err, "its name is not known");
}

/* The file's own, when it is there and just as it is told. */
static bool named(struct c2_h5w *w, const struct c2_mp_node *map, int depth, struct c2_hid *out,
                  struct cat2_error *err)
{
    C2_AUTO(c2_hid) type = {-1};
    C2_AUTO(c2_buf) path = C2_BUF_INIT(65536);

    if (!c2_rebuild_type(w, c2_mp_get(map, "type"), depth + 1, &type, err) ||
        !name_of(c2_mp_get(map, "named"), &path, err))
        return false;
    out->id = w ? H5Topen2(w->file, c2_buf_cstr(&path), H5P_DEFAULT) : -1;
    if (out->id >= 0 && H5Tequal(out->id, type.id) <= 0) c2_hid_fini(out);
    H5Eclear2(H5E_DEFAULT);
    if (out->id < 0) out->id = c2_hid_steal(&type);
    return true;
}

static bool make_type(struct c2_h5w *w, const struct c2_mp_node *node, int depth, struct c2_hid *out,
                      struct cat2_error *err)
{
    if (!node || depth > C2_DTYPE_DEPTH_MAX + 1) return bad(err, node ? "nests too deep" : "it is not there");
    if (node->kind == C2_MP_TEXT) return short_type(node, out, err);
    if (node->kind != C2_MP_MAP) return bad(err, "neither a name nor a map");
    if (c2_mp_get(node, "named")) return named(w, node, depth, out, err);
    if (is(node, "integer")) return integer(node, false, out, err);
    if (is(node, "bitfield")) return integer(node, true, out, err);
    if (is(node, "time")) return moment(node, out, err);
    if (is(node, "float")) return real(node, out, err);
    if (is(node, "string")) return text(node, out, err);
    if (is(node, "opaque")) return opaque(node, out, err);
    if (is(node, "enum")) return enumeration(w, node, depth, out, err);
    if (is(node, "compound")) return compound(w, node, depth, out, err);
    if (is(node, "array")) return array(w, node, depth, out, err);
    if (is(node, "sequence") || is(node, "complex"))
        return of_base(w, node, depth, is(node, "sequence"), out, err);
    return bad(err, "its class is not known");
}

/* libhdf5 takes types that it cannot write, an integer of VAX's order say, and tells so when it writes the
 * file: then all of it is lost. */
static bool can_be_written(hid_t type, struct cat2_error *err)
{
    size_t n = 0;

    if (H5Tencode(type, NULL, &n) < 0) return c2_h5w_fail(err, "the description's datatype");
    void *bytes = malloc(n + 1);
    if (!bytes) return c2_fail_nomem(err, "datatype");
    bool ok = H5Tencode(type, bytes, &n) >= 0 || c2_h5w_fail(err, "the description's datatype");
    free(bytes);
    return ok;
}

bool c2_rebuild_type(struct c2_h5w *w, const struct c2_mp_node *node, int depth, struct c2_hid *out,
                     struct cat2_error *err)
{
    C2_AUTO(c2_hid) type = {-1};

    if (depth) return make_type(w, node, depth, out, err);
    if (!make_type(w, node, depth, &type, err) || !can_be_written(type.id, err)) return false;
    out->id = c2_hid_steal(&type);
    return true;
}
