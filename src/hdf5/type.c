/* SPDX-License-Identifier: BSD-3-Clause */
/* HDF5 datatypes as NumPy dtypes. The byte order stays the file's. Where memory and file agree bit for bit
 * chunks need no conversion; else (odd precisions, text padded with blanks, gaps between members) libhdf5
 * converts. */
#include <stdlib.h>

#include "hdf5/h5_impl.h"

static bool one_of(hid_t file_type, int depth, struct c2_dtype *out, hid_t *mem, struct cat2_error *err);

void c2_h5_type_fini(struct c2_h5_type *type)
{
    if (!type) return;
    c2_dtype_fini(&type->dtype);
    if (type->mem > 0) H5Tclose(type->mem);
    type->mem = 0;
}

static bool keep(hid_t made, hid_t *mem, struct cat2_error *err)
{
    *mem = made;
    return made >= 0 || c2_h5_fail(err, CAT2_EDATA, "a datatype cannot be described");
}

/* ---- numbers ---- */

static hid_t standard_int(size_t size, bool is_signed, bool big)
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
    return keep(H5Tcopy(standard_int(whole, is_signed, big)), mem, err);
}

/* Bits of whole bytes are shown as unsigned integers. */
static bool bitfield(hid_t type, struct c2_dtype *out, hid_t *mem, struct cat2_error *err)
{
    size_t size = H5Tget_size(type);

    if (size != 1 && size != 2 && size != 4 && size != 8)
        return c2_fail(err, CAT2_EUNSUPPORTED, "bit fields of %zu bytes are not carried", size);
    number(out, 'u', size, H5Tget_order(type) == H5T_ORDER_BE);
    return keep(H5Tcopy(type), mem, err);
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

/* The smallest of NumPy's floats that holds all values of the file's. */
static bool real(hid_t type, struct c2_dtype *out, hid_t *mem, struct cat2_error *err)
{
    size_t spos, epos, esize, mpos, msize;
    bool big = H5Tget_order(type) == H5T_ORDER_BE;

    if (H5Tget_fields(type, &spos, &epos, &esize, &mpos, &msize) < 0)
        return c2_h5_fail(err, CAT2_EDATA, "a float cannot be described");
    if (H5Tequal(type, H5T_NATIVE_LDOUBLE) > 0 || esize > 11 || msize > 52) {
        if (esize > 15 || msize > 64)
            return c2_fail(err, CAT2_EUNSUPPORTED, "floats of %zu bits are not carried", esize + msize + 1);
        number(out, 'f', sizeof(long double), false);
        return keep(H5Tcopy(H5T_NATIVE_LDOUBLE), mem, err);
    }
    if (esize > 8 || msize > 23) {
        number(out, 'f', 8, big);
        return keep(H5Tcopy(big ? H5T_IEEE_F64BE : H5T_IEEE_F64LE), mem, err);
    }
    if (esize > 5 || msize > 10) {
        number(out, 'f', 4, big);
        return keep(H5Tcopy(big ? H5T_IEEE_F32BE : H5T_IEEE_F32LE), mem, err);
    }
    number(out, 'f', 2, big);
    return keep(half_float(big), mem, err);
}

/* ---- text, bytes, names of numbers ---- */

static bool fixed_text(hid_t type, struct c2_dtype *out, hid_t *mem, struct cat2_error *err)
{
    size_t size = H5Tget_size(type);

    *out = (struct c2_dtype){.kind = 'S', .order = '|', .itemsize = (int64_t)size};
    if (size == 0 || size > C2_H5_ITEM_MAX)
        return c2_fail(err, CAT2_EUNSUPPORTED, "text of %zu bytes is not carried", size);
    if (!keep(H5Tcopy(H5T_C_S1), mem, err)) return false;
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
    return keep(H5Tcopy(type), mem, err);
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

static bool enumeration(hid_t type, struct c2_dtype *out, hid_t *mem, struct cat2_error *err)
{
    hid_t base = H5Tget_super(type);
    hid_t as_int = -1;
    bool ok = base >= 0 || c2_h5_fail(err, CAT2_EDATA, "an enumeration cannot be described");

    ok = ok && integer(base, out, &as_int, err);
    if (ok && H5Tequal(base, as_int) <= 0)
        ok = c2_fail(err, CAT2_EUNSUPPORTED, "enumerations of unusual integers are not carried");
    if (ok && out->itemsize == 1 && H5Tget_nmembers(type) == 2 && is_bool_member(type, 0) &&
        is_bool_member(type, 1))
        *out = (struct c2_dtype){.kind = 'b', .order = '|', .itemsize = 1};
    if (as_int >= 0) H5Tclose(as_int);
    if (base >= 0) H5Tclose(base);
    return ok && keep(H5Tcopy(type), mem, err);
}

/* ---- compound ---- */

static bool add_member(hid_t mem, const char *name, size_t offset, hid_t type)
{
    return H5Tinsert(mem, name, offset, type) >= 0;
}

/* {r, i} of one float type, as everybody writes complex numbers. */
static bool complex_number(hid_t type, struct c2_dtype *out, hid_t *mem, bool *is_complex,
                           struct cat2_error *err)
{
    int r = H5Tget_member_index(type, "r"), i = H5Tget_member_index(type, "i");
    hid_t part_r = -1, part_i = -1, mem_r = -1;
    struct c2_dtype dtype = {0};
    bool ok = true;

    H5Eclear2(H5E_DEFAULT);
    *is_complex = false;
    if (r < 0 || i < 0 || H5Tget_nmembers(type) != 2 || H5Tget_member_class(type, (unsigned)r) != H5T_FLOAT)
        return true;
    part_r = H5Tget_member_type(type, (unsigned)r);
    part_i = H5Tget_member_type(type, (unsigned)i);
    if (part_r >= 0 && part_i >= 0 && H5Tequal(part_r, part_i) > 0) {
        ok = real(part_r, &dtype, &mem_r, err);
        *is_complex = ok && dtype.itemsize > 2;
    }
    if (*is_complex) {
        size_t n = (size_t)dtype.itemsize;
        number(out, 'c', 2 * n, dtype.order == '>');
        ok = keep(H5Tcreate(H5T_COMPOUND, 2 * n), mem, err) &&
             ((add_member(*mem, "r", 0, mem_r) && add_member(*mem, "i", n, mem_r)) ||
              c2_h5_fail(err, CAT2_EDATA, "a complex number cannot be described"));
    }
    if (mem_r >= 0) H5Tclose(mem_r);
    if (part_r >= 0) H5Tclose(part_r);
    if (part_i >= 0) H5Tclose(part_i);
    return ok;
}

/* The base and the axes of an array type; another type is its own base. */
static hid_t array_base(hid_t type, int *ndim, int64_t *dims)
{
    hsize_t sizes[C2_H5_DIM_MAX];

    *ndim = 0;
    if (H5Tget_class(type) != H5T_ARRAY) return H5Tcopy(type);
    int n = H5Tget_array_ndims(type);
    if (n < 1 || n > C2_H5_DIM_MAX || H5Tget_array_dims2(type, sizes) < 0) return -1;
    for (int i = 0; i < n; i++)
        dims[i] = sizes[i] > C2_H5_ITEM_MAX ? C2_H5_ITEM_MAX + 1 : (int64_t)sizes[i];
    *ndim = n;
    return H5Tget_super(type);
}

static hid_t array_of(hid_t base, int ndim, const int64_t *dims)
{
    hsize_t sizes[C2_H5_DIM_MAX];

    if (ndim == 0) return H5Tcopy(base);
    for (int i = 0; i < ndim; i++)
        sizes[i] = (hsize_t)dims[i];
    return H5Tarray_create2(base, (unsigned)ndim, sizes);
}

static bool sub_array(struct c2_field *field, int ndim, const int64_t *dims, struct cat2_error *err)
{
    field->ndim = ndim;
    field->nbytes = field->type.itemsize;
    if (ndim > C2_DIM_MAX)
        return c2_fail(err, CAT2_EUNSUPPORTED, "array types of %d axes are not carried", ndim);
    for (int i = 0; i < ndim; i++) {
        field->shape[i] = dims[i];
        if (!c2_mul_i64(field->nbytes, dims[i], &field->nbytes) || field->nbytes > C2_H5_ITEM_MAX)
            return c2_fail(err, CAT2_EUNSUPPORTED, "array types of more than %d bytes are not carried",
                           C2_H5_ITEM_MAX);
    }
    return true;
}

/* Member i becomes field; *mem its type in memory, array and all. */
static bool member(hid_t type, unsigned i, int depth, struct c2_field *field, hid_t *mem,
                   struct cat2_error *err)
{
    int64_t dims[C2_H5_DIM_MAX];
    hid_t member_type = H5Tget_member_type(type, i), base = -1, base_mem = -1;
    char *name = H5Tget_member_name(type, i);
    int ndim = 0;
    bool ok = (member_type >= 0 && name) || c2_h5_fail(err, CAT2_EDATA, "a member cannot be described");

    if (ok) {
        base = array_base(member_type, &ndim, dims);
        ok = base >= 0 || c2_h5_fail(err, CAT2_EDATA, "an array type cannot be described");
    }
    if (ok && !c2_str_is_utf8(c2_str_of(name)))
        ok = c2_fail(err, CAT2_EUNSUPPORTED, "a member's name is no UTF-8");
    ok = ok && one_of(base, depth + 1, &field->type, &base_mem, err) && sub_array(field, ndim, dims, err) &&
         keep(array_of(base_mem, ndim, dims), mem, err);
    if (ok && !(field->name = c2_str_dup(c2_str_of(name)))) ok = c2_fail_nomem(err, "dtype");
    if (!ok && name) c2_fail_within(err, "member %.60s", name);
    if (name) H5free_memory(name);
    if (base_mem >= 0) H5Tclose(base_mem);
    if (base >= 0) H5Tclose(base);
    if (member_type >= 0) H5Tclose(member_type);
    return ok;
}

struct order {
    unsigned i;
    size_t offset;
};

static int by_offset(const void *a, const void *b)
{
    size_t x = ((const struct order *)a)->offset, y = ((const struct order *)b)->offset;

    return x < y ? -1 : x > y;
}

/* Members in the order of their places, packed. */
static bool members(hid_t type, int depth, const struct order *order, struct c2_dtype *out, hid_t *types,
                    struct cat2_error *err)
{
    for (int i = 0; i < out->nfields; i++) {
        struct c2_field *field = &out->fields[i];
        if (!member(type, order[i].i, depth, field, &types[i], err)) return false;
        field->offset = out->itemsize;
        out->itemsize += field->nbytes;
        if (out->itemsize > C2_H5_ITEM_MAX)
            return c2_fail(err, CAT2_EUNSUPPORTED, "items of more than %d bytes are not carried",
                           C2_H5_ITEM_MAX);
    }
    return true;
}

static bool assemble(const struct c2_dtype *dtype, const hid_t *types, hid_t *mem, struct cat2_error *err)
{
    if (!keep(H5Tcreate(H5T_COMPOUND, (size_t)dtype->itemsize), mem, err)) return false;
    for (int i = 0; i < dtype->nfields; i++)
        if (!add_member(*mem, dtype->fields[i].name, (size_t)dtype->fields[i].offset, types[i]))
            return c2_h5_fail(err, CAT2_EDATA, "member %.60s cannot be described", dtype->fields[i].name);
    return true;
}

static bool compound(hid_t type, int depth, struct c2_dtype *out, hid_t *mem, struct cat2_error *err)
{
    int n = H5Tget_nmembers(type);
    bool is_complex;

    if (n < 1 || n > C2_DTYPE_FIELDS_MAX)
        return c2_fail(err, CAT2_EUNSUPPORTED, "compounds of %d members are not carried", n);
    if (!complex_number(type, out, mem, &is_complex, err)) return false;
    if (is_complex) return true;
    hid_t *types = malloc((size_t)n * sizeof(*types));
    struct order *order = calloc((size_t)n, sizeof(*order));
    *out = (struct c2_dtype){.kind = 'V', .order = '|', .fields = calloc((size_t)n, sizeof(*out->fields))};
    bool ok = (types && order && out->fields) || c2_fail_nomem(err, "dtype");
    if (ok) {
        out->nfields = n;
        for (int i = 0; i < n; i++) {
            types[i] = -1;
            order[i] = (struct order){(unsigned)i, H5Tget_member_offset(type, (unsigned)i)};
        }
        qsort(order, (size_t)n, sizeof(*order), by_offset);
        ok = members(type, depth, order, out, types, err) && assemble(out, types, mem, err);
    }
    for (int i = 0; types && i < out->nfields; i++)
        if (types[i] >= 0) H5Tclose(types[i]);
    free(types);
    free(order);
    return ok;
}

/* ---- any ---- */

static bool one_of(hid_t type, int depth, struct c2_dtype *out, hid_t *mem, struct cat2_error *err)
{
    if (depth > C2_DTYPE_DEPTH_MAX) return c2_fail(err, CAT2_EUNSUPPORTED, "the datatype nests too deep");
    switch (H5Tget_class(type)) {
    case H5T_INTEGER:
        return integer(type, out, mem, err);
    case H5T_FLOAT:
        return real(type, out, mem, err);
    case H5T_BITFIELD:
        return bitfield(type, out, mem, err);
    case H5T_ENUM:
        return enumeration(type, out, mem, err);
    case H5T_OPAQUE:
        return opaque(type, out, mem, err);
    case H5T_COMPOUND:
        return compound(type, depth, out, mem, err);
    case H5T_STRING:
        if (H5Tis_variable_str(type) <= 0) return fixed_text(type, out, mem, err);
        return c2_fail(err, CAT2_EUNSUPPORTED, "text of variable length is not carried inside other types");
    case H5T_VLEN:
        return c2_fail(err, CAT2_EUNSUPPORTED, "sequences of variable length are not carried");
    case H5T_REFERENCE:
        return c2_fail(err, CAT2_EUNSUPPORTED, "references are not carried");
    case H5T_ARRAY:
        return c2_fail(err, CAT2_EUNSUPPORTED, "arrays of arrays are not carried");
    default:
        return c2_fail(err, CAT2_EUNSUPPORTED, "a datatype of an unknown class");
    }
}

/* Axes of arrays within arrays add up. */
static hid_t all_axes(hid_t file_type, struct c2_h5_type *out)
{
    int64_t dims[C2_H5_DIM_MAX];
    hid_t base = H5Tcopy(file_type);

    while (base >= 0 && H5Tget_class(base) == H5T_ARRAY) {
        int n;
        hid_t inner = array_base(base, &n, dims);
        H5Tclose(base);
        base = inner;
        if (base < 0 || out->ndim + n > C2_H5_DIM_MAX) break;
        memcpy(out->dims + out->ndim, dims, (size_t)n * sizeof(*dims));
        out->ndim += n;
    }
    return base;
}

bool c2_h5_type_of(hid_t file_type, struct c2_h5_type *out, struct cat2_error *err)
{
    C2_AUTO(c2_h5_type) type = {.mem = 0};
    C2_AUTO(c2_buf) descr = C2_BUF_INIT(C2_DTYPE_TEXT_MAX);
    struct c2_dtype checked;
    struct c2_field axes = {0};
    hid_t base = all_axes(file_type, &type);

    if (base < 0 || H5Tget_class(base) == H5T_ARRAY) {
        if (base >= 0) H5Tclose(base);
        return c2_h5_fail(err, CAT2_EDATA, "the array type cannot be described");
    }
    type.text = H5Tget_class(base) == H5T_STRING && H5Tis_variable_str(base) > 0;
    type.utf8 = type.text && H5Tget_cset(base) == H5T_CSET_UTF8;
    bool ok = type.text ? keep(H5Tcopy(base), &type.mem, err) : one_of(base, 0, &type.dtype, &type.mem, err);
    if (ok && type.text && type.ndim)
        ok = c2_fail(err, CAT2_EUNSUPPORTED, "arrays of text of variable length are not carried");
    if (ok && !type.text) {
        axes.type.itemsize = type.dtype.itemsize;
        ok = sub_array(&axes, type.ndim, type.dims, err) && c2_dtype_descr(&type.dtype, &descr, err) &&
             c2_dtype_parse(c2_buf_str(&descr), &checked, err);
        if (ok) c2_dtype_fini(&checked);
        type.direct = ok && H5Tequal(base, type.mem) > 0;
    }
    H5Tclose(base);
    if (type.mem < 0) type.mem = 0;
    if (!ok) return false;
    *out = type;
    type = (struct c2_h5_type){.mem = 0};
    return true;
}
