/* SPDX-License-Identifier: BSD-3-Clause */
/* Values in memory, of any native HDF5 type, as msgpack. */
#include <stdlib.h>

#include "base/endian.h"
#include "hdf5/read/attr_impl.h"

static bool put(struct c2_h5_packer *p, uint8_t tag, uint64_t value, int nbytes, struct cat2_error *err)
{
    uint8_t bytes[9] = {tag}, wide[8];

    c2_put_be64(wide, value);
    memcpy(bytes + 1, wide + 8 - nbytes, (size_t)nbytes);
    return c2_buf_append(p->out, bytes, 1 + (size_t)nbytes, err);
}

bool c2_h5_pack_head(struct c2_h5_packer *p, uint8_t tag16, uint64_t n, struct cat2_error *err)
{
    uint8_t fix = tag16 == 0xdc ? 0x90 : 0x80;

    if (n < 16) return put(p, (uint8_t)(fix | n), 0, 0, err);
    if (n <= 0xffff) return put(p, tag16, n, 2, err);
    return n <= UINT32_MAX ? put(p, (uint8_t)(tag16 + 1), n, 4, err)
                           : c2_fail(err, CAT2_ELIMIT, "too many items");
}

bool c2_h5_pack_text(struct c2_h5_packer *p, struct c2_str s, bool text, struct cat2_error *err)
{
    bool str = text && c2_str_is_utf8(s), ok;

    if (str && s.n < 32)
        ok = put(p, (uint8_t)(0xa0 | s.n), 0, 0, err);
    else if (s.n <= 0xff)
        ok = put(p, str ? 0xd9 : 0xc4, s.n, 1, err);
    else if (s.n <= 0xffff)
        ok = put(p, str ? 0xda : 0xc5, s.n, 2, err);
    else
        ok = put(p, str ? 0xdb : 0xc6, s.n, 4, err);
    return ok && c2_buf_append_str(p->out, s, err);
}

static bool pack_unsigned(struct c2_h5_packer *p, uint64_t v, struct cat2_error *err)
{
    if (v < 128) return put(p, (uint8_t)v, 0, 0, err);
    if (v <= 0xff) return put(p, 0xcc, v, 1, err);
    if (v <= 0xffff) return put(p, 0xcd, v, 2, err);
    return v <= UINT32_MAX ? put(p, 0xce, v, 4, err) : put(p, 0xcf, v, 8, err);
}

static bool pack_signed(struct c2_h5_packer *p, int64_t v, struct cat2_error *err)
{
    if (v >= 0) return pack_unsigned(p, (uint64_t)v, err);
    if (v >= -32) return put(p, (uint8_t)v, 0, 0, err);
    if (v >= INT8_MIN) return put(p, 0xd0, (uint64_t)v, 1, err);
    if (v >= INT16_MIN) return put(p, 0xd1, (uint64_t)v, 2, err);
    return v >= INT32_MIN ? put(p, 0xd2, (uint64_t)v, 4, err) : put(p, 0xd3, (uint64_t)v, 8, err);
}

static bool pack_integer(struct c2_h5_packer *p, hid_t type, const uint8_t *at, struct cat2_error *err)
{
    size_t n = H5Tget_size(type);
    bool big = H5Tget_order(type) == H5T_ORDER_BE,
         is_signed = H5Tget_class(type) == H5T_TIME || H5Tget_sign(type) == H5T_SGN_2;
    uint64_t v = 0;

    if (n < 1 || n > 8) return c2_fail(err, CAT2_EUNSUPPORTED, "integers of %zu bytes", n);
    for (size_t i = 0; i < n; i++)
        v = v << 8 | at[big ? i : n - 1 - i];
    if (!is_signed || H5Tget_class(type) == H5T_BITFIELD) return pack_unsigned(p, v, err);
    unsigned shift = 64 - 8 * (unsigned)n;
    return pack_signed(p, (int64_t)(v << shift) >> shift, err);
}

static bool pack_real(struct c2_h5_packer *p, hid_t type, const uint8_t *at, struct cat2_error *err)
{
    double value;
    uint64_t bits;
    _Alignas(16) uint8_t item[32] = {0};
    size_t n = H5Tget_size(type);

    if (n > 16) return c2_fail(err, CAT2_EUNSUPPORTED, "floats of %zu bytes", n);
    memcpy(item, at, n);
    if (H5Tconvert(type, H5T_NATIVE_DOUBLE, 1, item, NULL, H5P_DEFAULT) < 0)
        return c2_h5_fail(err, CAT2_EDATA, "a float cannot be converted");
    memcpy(&value, item, sizeof(value));
    memcpy(&bits, &value, sizeof(bits));
    return put(p, 0xcb, bits, 8, err);
}

/* A double, whatever libhdf5 takes it for. */
static bool pack_moment(struct c2_h5_packer *p, hid_t type, const uint8_t *at, struct cat2_error *err)
{
    return pack_real(p, H5Tget_order(type) == H5T_ORDER_BE ? H5T_IEEE_F64BE : H5T_IEEE_F64LE, at, err);
}

static bool pack_string(struct c2_h5_packer *p, hid_t type, const uint8_t *at, struct cat2_error *err)
{
    bool utf8 = H5Tget_cset(type) == H5T_CSET_UTF8;
    struct c2_str s;

    if (H5Tis_variable_str(type) > 0) {
        char *text;
        memcpy(&text, at, sizeof(text));
        return c2_h5_pack_text(p, c2_str_of(text ? text : ""), true, err);
    }
    s = (struct c2_str){(const char *)at, H5Tget_size(type)};
    H5T_str_t pad = H5Tget_strpad(type);
    if (pad == H5T_STR_NULLTERM) s.n = strnlen(s.p, s.n);
    while (s.n && (s.p[s.n - 1] == '\0' || (pad == H5T_STR_SPACEPAD && s.p[s.n - 1] == ' ')))
        s.n--;
    return c2_h5_pack_text(p, s, utf8, err);
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
    else
        ok = truth ? put(p, *at ? 0xc3 : 0xc2, 0, 0, err) : pack_integer(p, base, at, err);
    if (zero) H5free_memory(zero);
    if (one) H5free_memory(one);
    if (base >= 0) H5Tclose(base);
    return ok;
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
    if (!c2_h5_pack_head(p, pair ? 0xdc : 0xde, (uint64_t)n, err)) return false;
    for (unsigned i = 0; i < (unsigned)n; i++) {
        hid_t member = H5Tget_member_type(type, i);
        char *name = H5Tget_member_name(type, i);
        bool ok = (member >= 0 && name) || c2_h5_fail(err, CAT2_EDATA, "a member cannot be described");
        ok = ok && (pair || c2_h5_pack_text(p, c2_str_of(name), true, err)) &&
             c2_h5_pack(p, member, at + H5Tget_member_offset(type, i), depth + 1, err);
        if (name) H5free_memory(name);
        if (member >= 0) H5Tclose(member);
        if (!ok) return false;
    }
    return true;
}

static bool pack_items(struct c2_h5_packer *p, hid_t base, const uint8_t *at, uint64_t n, int depth,
                       struct cat2_error *err)
{
    size_t size = H5Tget_size(base);

    if (!c2_h5_pack_head(p, 0xdc, n, err)) return false;
    for (uint64_t i = 0; i < n; i++)
        if (!c2_h5_pack(p, base, at + i * size, depth + 1, err)) return false;
    return true;
}

static bool pack_axes(struct c2_h5_packer *p, hid_t base, const hsize_t *dims, int ndim, const uint8_t **at,
                      int depth, struct cat2_error *err)
{
    if (ndim == 0) {
        bool ok = c2_h5_pack(p, base, *at, depth, err);
        *at += H5Tget_size(base);
        return ok;
    }
    if (!c2_h5_pack_head(p, 0xdc, dims[0], err)) return false;
    for (hsize_t i = 0; i < dims[0]; i++)
        if (!pack_axes(p, base, dims + 1, ndim - 1, at, depth + 1, err)) return false;
    return true;
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
    return name.n == 0 ? put(p, 0xc0, 0, 0, err) : c2_h5_pack_text(p, c2_buf_str(&name), true, err);
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
        return pack_string(p, type, at, err);
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
        return c2_h5_pack_text(p, (struct c2_str){(const char *)at, H5Tget_size(type)}, false, err);
    default:
        return c2_fail(err, CAT2_EUNSUPPORTED, "has a type that is not carried");
    }
}
