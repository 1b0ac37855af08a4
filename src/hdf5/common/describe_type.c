/* SPDX-License-Identifier: BSD-3-Clause */
/* Datatypes as msgpack: a short text for those that everybody uses, a map for all others. */
#include "hdf5/common/describe_type.h"

#include "base/limits.h"
#include "hdf5/common/description.h"
#include "hdf5/common/fail.h"

/* ---- the short ones ---- */

hid_t c2_h5_bool(void)
{
    C2_AUTO(c2_hid) type = {H5Tenum_create(H5T_STD_I8LE)};
    int8_t no = 0, yes = 1;

    if (type.id < 0 || H5Tenum_insert(type.id, "FALSE", &no) < 0 || H5Tenum_insert(type.id, "TRUE", &yes) < 0)
        return -1;
    return c2_hid_steal(&type);
}

hid_t c2_h5_text(H5T_cset_t cset)
{
    C2_AUTO(c2_hid) type = {H5Tcopy(H5T_C_S1)};

    if (type.id < 0 || H5Tset_size(type.id, H5T_VARIABLE) < 0 || H5Tset_cset(type.id, cset) < 0) return -1;
    return c2_hid_steal(&type);
}

hid_t c2_h5_standard_int(size_t size, bool is_signed, bool big)
{
    switch (size) {
    case 1:
        return is_signed ? (big ? H5T_STD_I8BE : H5T_STD_I8LE) : (big ? H5T_STD_U8BE : H5T_STD_U8LE);
    case 2:
        return is_signed ? (big ? H5T_STD_I16BE : H5T_STD_I16LE) : (big ? H5T_STD_U16BE : H5T_STD_U16LE);
    case 4:
        return is_signed ? (big ? H5T_STD_I32BE : H5T_STD_I32LE) : (big ? H5T_STD_U32BE : H5T_STD_U32LE);
    default:
        return is_signed ? (big ? H5T_STD_I64BE : H5T_STD_I64LE) : (big ? H5T_STD_U64BE : H5T_STD_U64LE);
    }
}

const struct c2_short_type *c2_short_types(void)
{
    static struct c2_short_type types[32];
    size_t n = 0;

    if (types[0].name) return types;
#define SHORT(text, id) types[n++] = (struct c2_short_type){text, id}
    SHORT("<i4", H5T_STD_I32LE);
    SHORT("<f8", H5T_IEEE_F64LE);
    SHORT("<f4", H5T_IEEE_F32LE);
    SHORT("<i8", H5T_STD_I64LE);
    SHORT("utf8", c2_h5_text(H5T_CSET_UTF8));
    SHORT("ascii", c2_h5_text(H5T_CSET_ASCII));
    SHORT("bool", c2_h5_bool());
    SHORT("reference", H5T_STD_REF_OBJ);
    SHORT("region", H5T_STD_REF_DSETREG);
    SHORT("<i1", H5T_STD_I8LE);
    SHORT("<i2", H5T_STD_I16LE);
    SHORT("<u1", H5T_STD_U8LE);
    SHORT("<u2", H5T_STD_U16LE);
    SHORT("<u4", H5T_STD_U32LE);
    SHORT("<u8", H5T_STD_U64LE);
    SHORT(">i1", H5T_STD_I8BE);
    SHORT(">i2", H5T_STD_I16BE);
    SHORT(">i4", H5T_STD_I32BE);
    SHORT(">i8", H5T_STD_I64BE);
    SHORT(">u1", H5T_STD_U8BE);
    SHORT(">u2", H5T_STD_U16BE);
    SHORT(">u4", H5T_STD_U32BE);
    SHORT(">u8", H5T_STD_U64BE);
    SHORT(">f4", H5T_IEEE_F32BE);
    SHORT(">f8", H5T_IEEE_F64BE);
#undef SHORT
    C2_ASSERT(n < C2_ARRAY_LEN(types));
    return types;
}

static const char *short_name(hid_t type)
{
    for (const struct c2_short_type *t = c2_short_types(); t->name; t++)
        if (t->type >= 0 && H5Tequal(t->type, type) > 0) return t->name;
    return NULL;
}

bool c2_h5_is_plain(hid_t type)
{
    H5T_class_t class = H5Tget_class(type);
    bool plain = true;

    if (class == H5T_STRING) return H5Tis_variable_str(type) <= 0;
    if (class == H5T_VLEN || class == H5T_REFERENCE || class == H5T_NO_CLASS) return false;
    if (class == H5T_ARRAY) {
        C2_AUTO(c2_hid) base = {H5Tget_super(type)};
        return c2_h5_is_plain(base.id);
    }
    for (int i = 0; class == H5T_COMPOUND && plain && i < H5Tget_nmembers(type); i++) {
        C2_AUTO(c2_hid) member = {H5Tget_member_type(type, (unsigned)i)};
        plain = c2_h5_is_plain(member.id);
    }
    return plain;
}

/* ---- the parts of a map ---- */

struct map {
    struct c2_mpw *w;
    size_t opened, n;
};

static struct map open_map(const struct c2_type_describing *d, const char *class)
{
    struct map map = {.w = d->w, .opened = c2_mpw_open(d->w, C2_MP_MAP), .n = 1};

    c2_mpw_text(d->w, "class");
    c2_mpw_text(d->w, class);
    return map;
}

static void key(struct map *map, const char *name)
{
    map->n++;
    c2_mpw_text(map->w, name);
}

static void put_int(struct map *map, const char *name, int64_t value)
{
    key(map, name);
    c2_mpw_int(map->w, value);
}

static bool close_map(struct map *map)
{
    c2_mpw_close(map->w, map->opened, map->n);
    return map->w->ok;
}

/* What numbers and bit fields have in common. */
static void bits(struct map *map, hid_t type)
{
    H5T_pad_t lsb = H5T_PAD_ZERO, msb = H5T_PAD_ZERO;

    put_int(map, "size", (int64_t)H5Tget_size(type));
    put_int(map, "order", (int64_t)H5Tget_order(type));
    put_int(map, "precision", (int64_t)H5Tget_precision(type));
    put_int(map, "offset", H5Tget_offset(type));
    if (H5Tget_pad(type, &lsb, &msb) >= 0 && (lsb != H5T_PAD_ZERO || msb != H5T_PAD_ZERO)) {
        put_int(map, "lsb", lsb);
        put_int(map, "msb", msb);
    }
}

static bool integer(const struct c2_type_describing *d, hid_t type, const char *class)
{
    struct map map = open_map(d, class);

    bits(&map, type);
    if (H5Tget_class(type) == H5T_INTEGER) {
        key(&map, "signed");
        c2_mpw_bool(d->w, H5Tget_sign(type) == H5T_SGN_2);
    }
    return close_map(&map);
}

static bool real(const struct c2_type_describing *d, hid_t type, struct cat2_error *err)
{
    size_t at[5];
    struct map map = open_map(d, "float");

    if (H5Tget_fields(type, &at[0], &at[1], &at[2], &at[3], &at[4]) < 0)
        return c2_h5_fail(err, CAT2_EDATA, "a float cannot be described");
    bits(&map, type);
    key(&map, "fields"); /* sign, exponent and its length, mantissa and its length */
    size_t list = c2_mpw_open(d->w, C2_MP_LIST);
    for (size_t i = 0; i < C2_ARRAY_LEN(at); i++)
        c2_mpw_uint(d->w, at[i]);
    c2_mpw_close(d->w, list, C2_ARRAY_LEN(at));
    put_int(&map, "bias", (int64_t)H5Tget_ebias(type));
    put_int(&map, "norm", H5Tget_norm(type));
    put_int(&map, "inner", H5Tget_inpad(type));
    return close_map(&map);
}

static bool text(const struct c2_type_describing *d, hid_t type)
{
    struct map map = open_map(d, "string");

    if (H5Tis_variable_str(type) <= 0) put_int(&map, "size", (int64_t)H5Tget_size(type));
    put_int(&map, "pad", H5Tget_strpad(type));
    put_int(&map, "charset", H5Tget_cset(type));
    return close_map(&map);
}

static bool opaque(const struct c2_type_describing *d, hid_t type)
{
    struct map map = open_map(d, "opaque");
    char *tag = H5Tget_tag(type);

    put_int(&map, "size", (int64_t)H5Tget_size(type));
    key(&map, "tag");
    c2_mpw_name(d->w, c2_str_of(tag ? tag : ""));
    if (tag) H5free_memory(tag);
    return close_map(&map);
}

/* A key whose value is another type. */
static bool part(const struct c2_type_describing *d, struct map *map, const char *name, hid_t type, int depth,
                 struct cat2_error *err)
{
    key(map, name);
    return type >= 0 ? c2_describe_type(d, type, depth + 1, err)
                     : c2_h5_fail(err, CAT2_EDATA, "a datatype cannot be described");
}

static bool enumeration(const struct c2_type_describing *d, hid_t type, int depth, struct cat2_error *err)
{
    C2_AUTO(c2_hid) base = {H5Tget_super(type)};
    C2_AUTO(c2_buf) values = C2_BUF_INIT(C2_H5_ATTR_MAX);
    struct map map = open_map(d, "enum");
    int n = H5Tget_nmembers(type);
    size_t size = H5Tget_size(type);

    if (!part(d, &map, "base", base.id, depth, err)) return false;
    key(&map, "names");
    size_t list = c2_mpw_open(d->w, C2_MP_LIST);
    for (int i = 0; i < n; i++) {
        char *name = H5Tget_member_name(type, (unsigned)i);
        size_t at = values.n;
        bool ok = name && c2_buf_resize(&values, at + size, err) &&
                  H5Tget_member_value(type, (unsigned)i, values.p + at) >= 0;
        if (name) c2_mpw_name(d->w, c2_str_of(name));
        if (name) H5free_memory(name);
        if (!ok) return c2_h5_fail(err, CAT2_EDATA, "a name of an enumeration cannot be read");
    }
    c2_mpw_close(d->w, list, (size_t)n);
    key(&map, "values"); /* in the base's own bytes */
    c2_mpw_bytes(d->w, c2_buf_bytes(&values));
    return close_map(&map);
}

static bool compound(const struct c2_type_describing *d, hid_t type, int depth, struct cat2_error *err)
{
    struct map map = open_map(d, "compound");
    int n = H5Tget_nmembers(type);

    put_int(&map, "size", (int64_t)H5Tget_size(type));
    key(&map, "members");
    size_t list = c2_mpw_open(d->w, C2_MP_LIST);
    for (int i = 0; i < n; i++) {
        C2_AUTO(c2_hid) member = {H5Tget_member_type(type, (unsigned)i)};
        char *name = H5Tget_member_name(type, (unsigned)i);
        if (member.id < 0 || !name) return c2_h5_fail(err, CAT2_EDATA, "a member cannot be described");
        size_t triple = c2_mpw_open(d->w, C2_MP_LIST);
        c2_mpw_name(d->w, c2_str_of(name));
        H5free_memory(name);
        c2_mpw_uint(d->w, H5Tget_member_offset(type, (unsigned)i));
        if (!c2_describe_type(d, member.id, depth + 1, err)) return false;
        c2_mpw_close(d->w, triple, 3);
    }
    c2_mpw_close(d->w, list, (size_t)n);
    return close_map(&map);
}

static bool array(const struct c2_type_describing *d, hid_t type, int depth, struct cat2_error *err)
{
    C2_AUTO(c2_hid) base = {H5Tget_super(type)};
    struct map map = open_map(d, "array");
    hsize_t dims[C2_H5_DIM_MAX];
    int n = H5Tget_array_ndims(type);

    if (n < 1 || n > C2_H5_DIM_MAX || H5Tget_array_dims2(type, dims) < 0)
        return c2_h5_fail(err, CAT2_EDATA, "an array type cannot be described");
    key(&map, "shape");
    size_t list = c2_mpw_open(d->w, C2_MP_LIST);
    for (int i = 0; i < n; i++)
        c2_mpw_uint(d->w, dims[i]);
    c2_mpw_close(d->w, list, (size_t)n);
    return part(d, &map, "base", base.id, depth, err) && close_map(&map);
}

static bool of_base(const struct c2_type_describing *d, hid_t type, const char *class, int depth,
                    struct cat2_error *err)
{
    C2_AUTO(c2_hid) base = {H5Tget_super(type)};
    struct map map = open_map(d, class);

    return part(d, &map, "base", base.id, depth, err) && close_map(&map);
}

static bool unnamed(const struct c2_type_describing *d, hid_t type, int depth, struct cat2_error *err)
{
    const char *name = short_name(type);

    if (name) {
        c2_mpw_text(d->w, name);
        return d->w->ok;
    }
    switch (H5Tget_class(type)) {
    case H5T_INTEGER:
        return integer(d, type, "integer");
    case H5T_BITFIELD:
        return integer(d, type, "bitfield");
    case H5T_TIME:
        return integer(d, type, "time");
    case H5T_FLOAT:
        return real(d, type, err);
    case H5T_STRING:
        return text(d, type);
    case H5T_OPAQUE:
        return opaque(d, type);
    case H5T_ENUM:
        return enumeration(d, type, depth, err);
    case H5T_COMPOUND:
        return compound(d, type, depth, err);
    case H5T_ARRAY:
        return array(d, type, depth, err);
    case H5T_VLEN:
        return of_base(d, type, "sequence", depth, err);
#if H5_VERSION_GE(2, 0, 0)
    case H5T_COMPLEX:
        return of_base(d, type, "complex", depth, err);
#endif
    case H5T_REFERENCE:
        return c2_fail(err, CAT2_EUNSUPPORTED, "references of the kind of HDF5 1.12 are not kept");
    default:
        return c2_fail(err, CAT2_EUNSUPPORTED, "a datatype of class %d is not kept", (int)H5Tget_class(type));
    }
}

bool c2_describe_type(const struct c2_type_describing *d, hid_t type, int depth, struct cat2_error *err)
{
    H5O_info_t info;
    const char *path = NULL;

    if (depth > C2_DTYPE_DEPTH_MAX) return c2_fail(err, CAT2_EUNSUPPORTED, "the datatype nests too deep");
    if (d->path && H5Tcommitted(type) > 0 && H5Oget_info2(type, &info, H5O_INFO_BASIC) >= 0)
        path = d->path(d->ctx, (uint64_t)info.addr + 1);
    if (!path) return unnamed(d, type, depth, err);
    size_t map = c2_mpw_open(d->w, C2_MP_MAP);
    c2_mpw_text(d->w, "named");
    c2_mpw_name(d->w, c2_str_of(path));
    c2_mpw_text(d->w, "type");
    if (!unnamed(d, type, depth, err)) return false;
    c2_mpw_close(d->w, map, 2);
    return d->w->ok;
}
