/* SPDX-License-Identifier: BSD-3-Clause */
/* Values in memory, of any native HDF5 type, as msgpack. */

#include "hdf5/read/attr_impl.h"

static bool pack_integer(struct c2_h5_packer *p, hid_t type, const uint8_t *at, struct cat2_error *err)
{
    size_t n = H5Tget_size(type);
    bool big = H5Tget_order(type) == H5T_ORDER_BE,
         is_signed = H5Tget_class(type) == H5T_TIME || H5Tget_sign(type) == H5T_SGN_2;
    uint64_t v = 0;

    if (n < 1 || n > 8) return c2_fail(err, CAT2_EUNSUPPORTED, "integers of %zu bytes", n);
    for (size_t i = 0; i < n; i++)
        v = v << 8 | at[big ? i : n - 1 - i];
    unsigned shift = 64 - 8 * (unsigned)n;
    if (!is_signed || H5Tget_class(type) == H5T_BITFIELD)
        c2_mpw_uint(&p->w, v);
    else
        c2_mpw_int(&p->w, (int64_t)(v << shift) >> shift);
    return p->w.ok;
}

static bool pack_real(struct c2_h5_packer *p, hid_t type, const uint8_t *at, struct cat2_error *err)
{
    double value;
    _Alignas(16) uint8_t item[32] = {0};
    size_t n = H5Tget_size(type);

    if (n > 16) return c2_fail(err, CAT2_EUNSUPPORTED, "floats of %zu bytes", n);
    memcpy(item, at, n);
    if (H5Tconvert(type, H5T_NATIVE_DOUBLE, 1, item, NULL, H5P_DEFAULT) < 0)
        return c2_h5_fail(err, CAT2_EDATA, "a float cannot be converted");
    memcpy(&value, item, sizeof(value));
    c2_mpw_real(&p->w, value);
    return p->w.ok;
}

/* A double, whatever libhdf5 takes it for. */
static bool pack_moment(struct c2_h5_packer *p, hid_t type, const uint8_t *at, struct cat2_error *err)
{
    return pack_real(p, H5Tget_order(type) == H5T_ORDER_BE ? H5T_IEEE_F64BE : H5T_IEEE_F64LE, at, err);
}

static bool pack_string(struct c2_h5_packer *p, hid_t type, const uint8_t *at)
{
    bool utf8 = H5Tget_cset(type) == H5T_CSET_UTF8;
    struct c2_str s;

    if (H5Tis_variable_str(type) > 0) {
        char *text;
        memcpy(&text, at, sizeof(text));
        c2_mpw_name(&p->w, c2_str_of(text ? text : ""));
        return p->w.ok;
    }
    s = (struct c2_str){(const char *)at, H5Tget_size(type)};
    H5T_str_t pad = H5Tget_strpad(type);
    if (pad == H5T_STR_NULLTERM) s.n = strnlen(s.p, s.n);
    while (s.n && (s.p[s.n - 1] == '\0' || (pad == H5T_STR_SPACEPAD && s.p[s.n - 1] == ' ')))
        s.n--;
    utf8 ? c2_mpw_name(&p->w, s) : c2_mpw_bytes(&p->w, c2_bytes_of(s));
    return p->w.ok;
}

/* {FALSE, TRUE} is truth; the rest are numbers. */
static bool pack_enum(struct c2_h5_packer *p, hid_t type, const uint8_t *at, struct cat2_error *err)
{
    hid_t base = H5Tget_super(type);
    char *zero = H5Tget_nmembers(type) == 2 ? H5Tget_member_name(type, 0) : NULL;
    char *one = zero ? H5Tget_member_name(type, 1) : NULL;
    bool truth =
        zero && one && H5Tget_size(type) == 1 && strcmp(zero, "FALSE") == 0 && strcmp(one, "TRUE") == 0;
    bool ok = base >= 0;

    if (!ok)
        c2_h5_fail(err, CAT2_EDATA, "an enumeration cannot be described");
    else if (truth)
        c2_mpw_bool(&p->w, *at);
    else
        ok = pack_integer(p, base, at, err);
    if (zero) H5free_memory(zero);
    if (one) H5free_memory(one);
    if (base >= 0) H5Tclose(base);
    return ok && p->w.ok;
}

static bool is_complex(hid_t type)
{
    int r = H5Tget_member_index(type, "r"), i = H5Tget_member_index(type, "i");

    H5Eclear2(H5E_DEFAULT);
    return r == 0 && i == 1 && H5Tget_nmembers(type) == 2 && H5Tget_member_class(type, 0) == H5T_FLOAT &&
           H5Tget_member_class(type, 1) == H5T_FLOAT;
}

static bool pack_compound(struct c2_h5_packer *p, hid_t type, const uint8_t *at, int depth,
                          struct cat2_error *err)
{
    int n = H5Tget_nmembers(type);
    bool pair = is_complex(type);

    if (n < 0 || n > C2_DTYPE_FIELDS_MAX) return c2_fail(err, CAT2_ELIMIT, "%d members", n);
    c2_mpw_head(&p->w, pair ? C2_MP_LIST : C2_MP_MAP, (uint64_t)n);
    for (unsigned i = 0; i < (unsigned)n; i++) {
        hid_t member = H5Tget_member_type(type, i);
        char *name = H5Tget_member_name(type, i);
        bool ok = (member >= 0 && name) || c2_h5_fail(err, CAT2_EDATA, "a member cannot be described");
        if (ok && !pair) c2_mpw_name(&p->w, c2_str_of(name));
        ok = ok && c2_h5_pack(p, member, at + H5Tget_member_offset(type, i), depth + 1, err);
        if (name) H5free_memory(name);
        if (member >= 0) H5Tclose(member);
        if (!ok) return false;
    }
    return p->w.ok;
}

static bool pack_items(struct c2_h5_packer *p, hid_t base, const uint8_t *at, uint64_t n, int depth,
                       struct cat2_error *err)
{
    size_t size = H5Tget_size(base);

    c2_mpw_head(&p->w, C2_MP_LIST, n);
    for (uint64_t i = 0; i < n; i++)
        if (!c2_h5_pack(p, base, at + i * size, depth + 1, err)) return false;
    return p->w.ok;
}

static bool pack_axes(struct c2_h5_packer *p, hid_t base, const hsize_t *dims, int ndim, const uint8_t **at,
                      int depth, struct cat2_error *err)
{
    if (ndim == 0) {
        bool ok = c2_h5_pack(p, base, *at, depth, err);
        *at += H5Tget_size(base);
        return ok;
    }
    c2_mpw_head(&p->w, C2_MP_LIST, dims[0]);
    for (hsize_t i = 0; i < dims[0]; i++)
        if (!pack_axes(p, base, dims + 1, ndim - 1, at, depth + 1, err)) return false;
    return p->w.ok;
}

static bool pack_array(struct c2_h5_packer *p, hid_t type, const uint8_t *at, int depth,
                       struct cat2_error *err)
{
    hsize_t dims[C2_H5_DIM_MAX] = {0};
    int n = H5Tget_array_ndims(type);
    hid_t base = H5Tget_super(type);
    bool ok = (n >= 1 && n <= C2_H5_DIM_MAX && base >= 0 && H5Tget_array_dims2(type, dims) >= 0) ||
              c2_h5_fail(err, CAT2_EDATA, "an array type cannot be described");

    ok = ok && pack_axes(p, base, dims, n, &at, depth, err);
    if (base >= 0) H5Tclose(base);
    return ok;
}

static bool pack_sequence(struct c2_h5_packer *p, hid_t type, const uint8_t *at, int depth,
                          struct cat2_error *err)
{
    hvl_t items;
    hid_t base = H5Tget_super(type);

    if (base < 0) return c2_h5_fail(err, CAT2_EDATA, "a sequence cannot be described");
    memcpy(&items, at, sizeof(items));
    bool ok = pack_items(p, base, items.p, items.p ? items.len : 0, depth, err);
    H5Tclose(base);
    return ok;
}

/* The path of what it leads to; nil when it leads nowhere. */
static bool pack_reference(struct c2_h5_packer *p, hid_t type, const uint8_t *at, struct cat2_error *err)
{
    C2_AUTO(c2_buf) name = C2_BUF_INIT(C2_VLMETA_NBYTES_MAX);

    if (!c2_h5_reference_text(p->h5, type, at, &name, err)) return false;
    name.n == 0 ? c2_mpw_nil(&p->w) : c2_mpw_name(&p->w, c2_buf_str(&name));
    return p->w.ok;
}

bool c2_h5_pack(struct c2_h5_packer *p, hid_t type, const uint8_t *at, int depth, struct cat2_error *err)
{
    if (depth > C2_MSGPACK_DEPTH_MAX / 2) return c2_fail(err, CAT2_ELIMIT, "nests too deep");
    switch (H5Tget_class(type)) {
    case H5T_INTEGER:
    case H5T_BITFIELD:
        return pack_integer(p, type, at, err);
    case H5T_TIME:
        return H5Tget_size(type) == 8 ? pack_moment(p, type, at, err) : pack_integer(p, type, at, err);
    case H5T_FLOAT:
        return pack_real(p, type, at, err);
    case H5T_STRING:
        return pack_string(p, type, at);
    case H5T_ENUM:
        return pack_enum(p, type, at, err);
    case H5T_COMPOUND:
        return pack_compound(p, type, at, depth, err);
    case H5T_ARRAY:
        return pack_array(p, type, at, depth, err);
    case H5T_VLEN:
        return pack_sequence(p, type, at, depth, err);
    case H5T_REFERENCE:
        return pack_reference(p, type, at, err);
    case H5T_OPAQUE:
        c2_mpw_bytes(&p->w, (struct c2_bytes){at, H5Tget_size(type)});
        return p->w.ok;
    default:
        return c2_fail(err, CAT2_EUNSUPPORTED, "has a type that is not carried");
    }
}
