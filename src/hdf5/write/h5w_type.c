/* SPDX-License-Identifier: BSD-3-Clause */
/* HDF5 types for NumPy's dtypes; the mapping is in write.h. */

#include "hdf5/common/describe_type.h"
#include "hdf5/write/h5w_impl.h"

#define OPAQUE_TAG_MAX 256 /* libhdf5's, with its NUL */

/* IEEE half precision is no type of libhdf5's own: single precision with other fields. */
static hid_t half(void)
{
    C2_AUTO(c2_hid) type = {H5Tcopy(H5T_IEEE_F32LE)};

    if (type.id < 0 || H5Tset_fields(type.id, 15, 10, 5, 0, 10) < 0 || H5Tset_size(type.id, 2) < 0 ||
        H5Tset_ebias(type.id, 15) < 0)
        return -1;
    return c2_hid_steal(&type);
}

static hid_t real(int64_t itemsize, char order)
{
    C2_AUTO(c2_hid) type = {-1};

    if (itemsize == 2)
        type.id = half();
    else if (itemsize == 4 || itemsize == 8)
        type.id = H5Tcopy(itemsize == 4 ? H5T_IEEE_F32LE : H5T_IEEE_F64LE);
    else if (itemsize == (int64_t)sizeof(long double))
        type.id = H5Tcopy(H5T_NATIVE_LDOUBLE);
    if (type.id < 0 || H5Tset_order(type.id, order == '>' ? H5T_ORDER_BE : H5T_ORDER_LE) < 0) return -1;
    return c2_hid_steal(&type);
}

static hid_t complex_number(const struct c2_dtype *dtype)
{
    C2_AUTO(c2_hid) part = {real(dtype->itemsize / 2, dtype->order)};
    C2_AUTO(c2_hid) type = {H5Tcreate(H5T_COMPOUND, (size_t)dtype->itemsize)};

    if (part.id < 0 || type.id < 0 || H5Tinsert(type.id, "r", 0, part.id) < 0 ||
        H5Tinsert(type.id, "i", (size_t)dtype->itemsize / 2, part.id) < 0)
        return -1;
    return c2_hid_steal(&type);
}

static hid_t bytes(const struct c2_dtype *dtype)
{
    C2_AUTO(c2_hid) type = {H5Tcopy(H5T_C_S1)};

    if (type.id < 0 || H5Tset_size(type.id, (size_t)dtype->itemsize) < 0 ||
        H5Tset_strpad(type.id, H5T_STR_NULLPAD) < 0)
        return -1;
    return c2_hid_steal(&type);
}

/* Types that only NumPy has are opaque and their tag says which. */
static hid_t opaque(const struct c2_dtype *dtype, struct cat2_error *err)
{
    C2_AUTO(c2_hid) type = {H5Tcreate(H5T_OPAQUE, (size_t)dtype->itemsize)};
    C2_AUTO(c2_buf) tag = C2_BUF_INIT(OPAQUE_TAG_MAX - 1);

    if (dtype->kind != 'V' && (!c2_buf_puts(&tag, "NUMPY:", err) || !c2_dtype_descr(dtype, &tag, err)))
        return -1;
    if (type.id < 0 || H5Tset_tag(type.id, c2_buf_cstr(&tag)) < 0) return -1;
    return c2_hid_steal(&type);
}

static bool member(hid_t compound, const struct c2_field *field, struct cat2_error *err)
{
    C2_AUTO(c2_hid) type = {-1}, array = {-1};
    hsize_t dims[C2_DIM_MAX];

    if (!c2_h5w_type(&field->type, &type, err)) return c2_fail_within(err, "field '%.60s'", field->name);
    for (int i = 0; i < field->ndim; i++)
        dims[i] = (hsize_t)field->shape[i];
    if (field->ndim > 0) array.id = H5Tarray_create2(type.id, (unsigned)field->ndim, dims);
    if (field->ndim > 0 && array.id < 0) return c2_h5w_fail(err, "field '%.60s'", field->name);
    return H5Tinsert(compound, field->name, (size_t)field->offset, field->ndim > 0 ? array.id : type.id) >=
               0 ||
           c2_h5w_fail(err, "field '%.60s'", field->name);
}

static bool compound(const struct c2_dtype *dtype, struct c2_hid *out, struct cat2_error *err)
{
    C2_AUTO(c2_hid) type = {H5Tcreate(H5T_COMPOUND, (size_t)dtype->itemsize)};

    if (type.id < 0) return c2_h5w_fail(err, "structured type");
    for (int i = 0; i < dtype->nfields; i++)
        if (!member(type.id, &dtype->fields[i], err)) return false;
    out->id = c2_hid_steal(&type);
    return true;
}

bool c2_h5w_type(const struct c2_dtype *dtype, struct c2_hid *out, struct cat2_error *err)
{
    hid_t id = -1;

    if (dtype->itemsize == 0) return c2_fail(err, CAT2_EUNSUPPORTED, "HDF5 has no items of zero bytes");
    if (dtype->nfields > 0) return compound(dtype, out, err);
    switch (dtype->kind) {
    case 'b':
        id = c2_h5_bool();
        break;
    case 'i':
    case 'u':
        id = H5Tcopy(c2_h5_standard_int((size_t)dtype->itemsize, dtype->kind == 'i', dtype->order == '>'));
        break;
    case 'f':
        id = real(dtype->itemsize, dtype->order);
        break;
    case 'c':
        id = complex_number(dtype);
        break;
    case 'S':
        id = bytes(dtype);
        break;
    default:
        id = opaque(dtype, err);
        break;
    }
    if (id < 0)
        return c2_fail(err, CAT2_EUNSUPPORTED, "no HDF5 type for '%c' of %lld bytes", dtype->kind,
                       (long long)dtype->itemsize);
    out->id = id;
    return true;
}
