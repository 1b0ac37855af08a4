/* SPDX-License-Identifier: BSD-3-Clause */
/* HDF5 datatypes of one value as NumPy dtypes. The byte order stays the file's. Where memory and file agree
 * bit for bit chunks need no conversion; else (odd precisions, text padded with blanks) libhdf5 converts. */

#include "hdf5/common/describe_type.h"
#include "hdf5/read/type_impl.h"

bool c2_h5_keep(hid_t made, hid_t *mem, struct cat2_error *err)
{
    *mem = made;
    return made >= 0 || c2_h5_fail(err, CAT2_EDATA, "a datatype cannot be described");
}

/* ---- numbers ---- */

static void number(struct c2_dtype *out, char kind, size_t size, bool big)
{
    *out = (struct c2_dtype){.kind = kind,
                             .order = size == 1 ? '|'
                                      : big     ? '>'
                                                : '<',
                             .itemsize = (int64_t)size};
}

static bool integer(hid_t type, struct c2_dtype *out, hid_t *mem, struct cat2_error *err)
{
    size_t size = H5Tget_size(type), whole = 1;
    bool big = H5Tget_order(type) == H5T_ORDER_BE, is_signed = H5Tget_sign(type) == H5T_SGN_2;

    while (whole < size)
        whole *= 2;
    if (size == 0 || whole > 8)
        return c2_fail(err, CAT2_EUNSUPPORTED, "integers of %zu bytes are not carried", size);
    number(out, is_signed ? 'i' : 'u', whole, big);
    return c2_h5_keep(H5Tcopy(c2_h5_standard_int(whole, is_signed, big)), mem, err);
}

/* Bits of whole bytes are shown as unsigned integers. */
static bool bitfield(hid_t type, struct c2_dtype *out, hid_t *mem, struct cat2_error *err)
{
    size_t size = H5Tget_size(type);

    if (size != 1 && size != 2 && size != 4 && size != 8)
        return c2_fail(err, CAT2_EUNSUPPORTED, "bit fields of %zu bytes are not carried", size);
    number(out, 'u', size, H5Tget_order(type) == H5T_ORDER_BE);
    return c2_h5_keep(H5Tcopy(type), mem, err);
}

static hid_t half_float(bool big)
{
    hid_t type = H5Tcopy(big ? H5T_IEEE_F32BE : H5T_IEEE_F32LE);

    if (type < 0 || H5Tset_fields(type, 15, 10, 5, 0, 10) < 0 || H5Tset_size(type, 2) < 0 ||
        H5Tset_ebias(type, 15) < 0) {
        if (type >= 0) H5Tclose(type);
        return -1;
    }
    return type;
}

struct real {
    long esize, msize, bias;
};

/* Are all values of one float the other's too, subnormal ones and the largest? */
static bool holds(struct real wide, struct real narrow)
{
    return narrow.msize <= wide.msize &&
           (1L << narrow.esize) - narrow.bias <= (1L << wide.esize) - wide.bias &&
           narrow.bias + narrow.msize <= wide.bias + wide.msize;
}

/* The smallest of NumPy's floats that holds all values of the file's. */
bool c2_h5_real(hid_t type, struct c2_dtype *out, hid_t *mem, struct cat2_error *err)
{
    static const struct real HALF = {5, 10, 15}, SINGLE = {8, 23, 127}, DOUBLE = {11, 52, 1023},
                             LONGEST = {15, 64, 16383};
    size_t spos, epos, esize, mpos, msize;
    bool big = H5Tget_order(type) == H5T_ORDER_BE;

    if (H5Tget_fields(type, &spos, &epos, &esize, &mpos, &msize) < 0)
        return c2_h5_fail(err, CAT2_EDATA, "a float cannot be described");
    struct real real = {(long)esize, (long)msize, (long)H5Tget_ebias(type)};
    if (H5Tget_precision(type) <= 8 && !(esize == 5 && msize == 2))
        return c2_fail(err, CAT2_EUNSUPPORTED,
                       "floats of %zu bits are not carried: what their largest codes mean is not in the file",
                       H5Tget_precision(type));
    if (H5Tequal(type, H5T_NATIVE_LDOUBLE) > 0 || esize > 11 || !holds(DOUBLE, real)) {
        if (H5Tequal(type, H5T_NATIVE_LDOUBLE) <= 0 && (esize > 15 || !holds(LONGEST, real)))
            return c2_fail(err, CAT2_EUNSUPPORTED, "floats of %zu bits are not carried", esize + msize + 1);
        number(out, 'f', sizeof(long double), false);
        return c2_h5_keep(H5Tcopy(H5T_NATIVE_LDOUBLE), mem, err);
    }
    if (!holds(SINGLE, real)) {
        number(out, 'f', 8, big);
        return c2_h5_keep(H5Tcopy(big ? H5T_IEEE_F64BE : H5T_IEEE_F64LE), mem, err);
    }
    if (!holds(HALF, real)) {
        number(out, 'f', 4, big);
        return c2_h5_keep(H5Tcopy(big ? H5T_IEEE_F32BE : H5T_IEEE_F32LE), mem, err);
    }
    number(out, 'f', 2, big);
    return c2_h5_keep(half_float(big), mem, err);
}

/* ---- text, bytes, names of numbers ---- */

static bool fixed_text(hid_t type, struct c2_dtype *out, hid_t *mem, struct cat2_error *err)
{
    size_t size = H5Tget_size(type);

    *out = (struct c2_dtype){.kind = 'S', .order = '|', .itemsize = (int64_t)size};
    if (size == 0 || size > C2_H5_ITEM_MAX)
        return c2_fail(err, CAT2_EUNSUPPORTED, "text of %zu bytes is not carried", size);
    if (!c2_h5_keep(H5Tcopy(H5T_C_S1), mem, err)) return false;
    return (H5Tset_size(*mem, size) >= 0 && H5Tset_strpad(*mem, H5T_STR_NULLPAD) >= 0 &&
            H5Tset_cset(*mem, H5Tget_cset(type)) >= 0) ||
           c2_h5_fail(err, CAT2_EDATA, "text cannot be described");
}

/* Types that only NumPy has are bytes with a tag: moments of h5py, unicode of our export. */
static bool opaque(hid_t type, struct c2_dtype *out, hid_t *mem, struct cat2_error *err)
{
    size_t size = H5Tget_size(type);
    struct cat2_error ignored;
    struct c2_dtype tagged;

    if (size == 0 || size > C2_H5_ITEM_MAX)
        return c2_fail(err, CAT2_EUNSUPPORTED, "opaque items of %zu bytes are not carried", size);
    *out = (struct c2_dtype){.kind = 'V', .order = '|', .itemsize = (int64_t)size};
    char *tag = H5Tget_tag(type);
    if (tag && strncmp(tag, "NUMPY:", 6) == 0 && strlen(tag) < 40 &&
        c2_dtype_parse(c2_str_of(tag + 6), &tagged, &ignored)) {
        if (strchr("MmU", tagged.kind) && tagged.itemsize == (int64_t)size)
            *out = tagged;
        else
            c2_dtype_fini(&tagged);
    }
    if (tag) H5free_memory(tag);
    return c2_h5_keep(H5Tcopy(type), mem, err);
}

static bool is_bool_member(hid_t type, unsigned i)
{
    int8_t value = -1;
    char *name = H5Tget_member_name(type, i);
    bool good = name && H5Tget_member_value(type, i, &value) >= 0 &&
                ((value == 0 && strcmp(name, "FALSE") == 0) || (value == 1 && strcmp(name, "TRUE") == 0));

    if (name) H5free_memory(name);
    return good;
}

/* Names of numbers: the numbers. Where those are of unusual precision libhdf5 converts. */
static bool enumeration(hid_t type, struct c2_dtype *out, hid_t *mem, struct cat2_error *err)
{
    hid_t base = H5Tget_super(type);
    hid_t as_int = -1;
    bool ok = base >= 0 || c2_h5_fail(err, CAT2_EDATA, "an enumeration cannot be described");

    ok = ok && integer(base, out, &as_int, err);
    bool usual = ok && H5Tequal(base, as_int) > 0;
    if (usual && out->itemsize == 1 && H5Tget_nmembers(type) == 2 && is_bool_member(type, 0) &&
        is_bool_member(type, 1))
        *out = (struct c2_dtype){.kind = 'b', .order = '|', .itemsize = 1};
    ok = ok && c2_h5_keep(H5Tcopy(usual ? type : as_int), mem, err);
    if (as_int >= 0) H5Tclose(as_int);
    if (base >= 0) H5Tclose(base);
    return ok;
}

/* Moments, as PyTables writes them: integers or floats of the same bytes. libhdf5 converts none of them. */
static bool moment(hid_t type, struct c2_dtype *out, hid_t *mem, struct cat2_error *err)
{
    size_t size = H5Tget_size(type);

    if (size != 4 && size != 8)
        return c2_fail(err, CAT2_EUNSUPPORTED, "times of %zu bytes are not carried", size);
    number(out, size == 4 ? 'i' : 'f', size, H5Tget_order(type) == H5T_ORDER_BE);
    return c2_h5_keep(H5Tcopy(type), mem, err);
}

/* Complex numbers of HDF5 2: two floats, one after the other. */
static bool complex_class(hid_t type, struct c2_dtype *out, hid_t *mem, struct cat2_error *err)
{
    hid_t part = H5Tget_super(type), as_float = -1;
    bool ok = part >= 0 || c2_h5_fail(err, CAT2_EDATA, "a complex number cannot be described");

    ok = ok && c2_h5_real(part, out, &as_float, err);
    if (ok && (H5Tequal(part, as_float) <= 0 || out->itemsize < 4))
        ok = c2_fail(err, CAT2_EUNSUPPORTED, "complex numbers of unusual floats are not carried");
    if (ok) number(out, 'c', 2 * (size_t)out->itemsize, out->order == '>');
    if (as_float >= 0) H5Tclose(as_float);
    if (part >= 0) H5Tclose(part);
    return ok && c2_h5_keep(H5Tcopy(type), mem, err);
}

bool c2_h5_scalar(hid_t type, struct c2_dtype *out, hid_t *mem, struct cat2_error *err)
{
    int class = (int)H5Tget_class(type);

    switch (class) {
    case H5T_INTEGER:
        return integer(type, out, mem, err);
    case H5T_FLOAT:
        return c2_h5_real(type, out, mem, err);
    case H5T_TIME:
        return moment(type, out, mem, err);
    case H5T_BITFIELD:
        return bitfield(type, out, mem, err);
    case H5T_ENUM:
        return enumeration(type, out, mem, err);
    case H5T_OPAQUE:
        return opaque(type, out, mem, err);
    case H5T_STRING:
        return fixed_text(type, out, mem, err);
    case C2_H5_CLASS_COMPLEX:
        return complex_class(type, out, mem, err);
    default:
        return c2_fail(err, CAT2_EUNSUPPORTED, "datatypes of class %d are not known here", class);
    }
}
