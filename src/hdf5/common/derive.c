/* SPDX-License-Identifier: BSD-3-Clause */
/* From an attribute as a frame has it to the bytes of a given HDF5 type, where that is possible without loss.
 */
#include "hdf5/common/derive.h"

#include <stdlib.h>

#include "base/limits.h"
#include "hdf5/common/hid.h"
#include "wire/packed.h"

static bool unlike(struct cat2_error *err)
{
    return c2_fail(err, CAT2_EUNSUPPORTED, "the attribute's value is of another kind than its type in HDF5");
}

static bool same_shape(const struct c2_packed_shape *shape, const hsize_t *dims, int ndim, size_t n)
{
    if (shape->ndim != ndim || shape->nvalues != n) return false;
    for (int i = 0; i < ndim; i++)
        if ((hsize_t)shape->dims[i] != dims[i]) return false;
    return true;
}

/* Numbers there and back again: what changes on the way was no such number. */
static bool convert(const struct c2_buf *values, hid_t from, hid_t to, size_t n, uint8_t *out,
                    struct cat2_error *err)
{
    size_t size = H5Tget_size(to), wide = size > 8 ? size : 8;
    uint8_t *room = calloc(n + 1, wide);

    if (!room) return c2_fail_nomem(err, "attribute");
    memcpy(room, values->p, values->n);
    bool ok = H5Tconvert(from, to, n, room, NULL, H5P_DEFAULT) >= 0;
    if (ok) memcpy(out, room, n * size);
    ok = ok && H5Tconvert(to, from, n, room, NULL, H5P_DEFAULT) >= 0 &&
         memcmp(room, values->p, values->n) == 0;
    free(room);
    H5Eclear2(H5E_DEFAULT);
    return ok || unlike(err);
}

static bool numbers(const struct c2_packed_shape *shape, const struct c2_buf *values, hid_t type, size_t n,
                    uint8_t *out, struct cat2_error *err)
{
    H5T_class_t class = H5Tget_class(type);
    C2_AUTO(c2_hid) base = {class == H5T_ENUM ? H5Tget_super(type) : H5Tcopy(type)};
    bool reals = shape->kind == C2_PACKED_REAL;

    if (base.id < 0 || H5Tget_size(base.id) > 16 ||
        H5Tget_class(base.id) != (reals ? H5T_FLOAT : H5T_INTEGER))
        return unlike(err);
    hid_t from = reals ? H5T_IEEE_F64LE : shape->huge ? H5T_STD_U64LE : H5T_STD_I64LE;
    return convert(values, from, base.id, n, out, err);
}

/* ---- texts and bytes ---- */

static bool variable(const char *text, size_t most, uint8_t *to)
{
    char *copy = strndup(text, most);

    memcpy(to, &copy, sizeof(copy));
    return copy != NULL;
}

static bool fixed(const char *text, size_t n, hid_t type, uint8_t *to)
{
    size_t size = H5Tget_size(type);
    H5T_str_t pad = H5Tget_class(type) == H5T_STRING ? H5Tget_strpad(type) : H5T_STR_NULLPAD;

    if (n > size || (n == size && pad == H5T_STR_NULLTERM)) return false;
    memset(to, pad == H5T_STR_SPACEPAD ? ' ' : 0, size);
    memcpy(to, text, n);
    return true;
}

static void free_texts(uint8_t *out, size_t n)
{
    char *text;

    for (size_t i = 0; i < n; i++) {
        memcpy(&text, out + i * sizeof(text), sizeof(text));
        free(text);
    }
}

/* Texts stand with their NULs, bytes at one width. */
static bool texts(const struct c2_packed_shape *shape, const struct c2_buf *values, hid_t type, size_t n,
                  uint8_t *out, struct cat2_error *err)
{
    H5T_class_t class = H5Tget_class(type);
    bool is_variable = class == H5T_STRING && H5Tis_variable_str(type) > 0,
         packed = shape->kind == C2_PACKED_TEXT, ok = true;
    const char *at = (const char *)values->p;
    size_t size = H5Tget_size(type), i;

    if (class != H5T_STRING && (class != H5T_OPAQUE || packed)) return unlike(err);
    if (!at) at = "";
    for (i = 0; ok && i < n; i++) {
        size_t len = packed ? strlen(at) : strnlen(at, shape->width);
        if (!is_variable && !packed) len = class == H5T_OPAQUE ? shape->width : len;
        ok = is_variable ? variable(at, len, out + i * size) : fixed(at, len, type, out + i * size);
        at += packed ? len + 1 : shape->width;
    }
    if (ok) return true;
    if (is_variable) free_texts(out, i);
    memset(out, 0, n * size);
    return is_variable ? c2_fail_nomem(err, "attribute") : unlike(err);
}

bool c2_h5_derive(struct c2_bytes msgpack, hid_t type, const hsize_t *dims, int ndim, size_t n, uint8_t *out,
                  struct cat2_error *err)
{
    struct c2_packed_shape shape;
    C2_AUTO(c2_buf) values = C2_BUF_INIT(8 * (size_t)C2_VLMETA_NBYTES_MAX);

    if (!c2_packed_look(msgpack, &shape, err)) return false;
    if (shape.kind == C2_PACKED_OTHER || shape.kind == C2_PACKED_NONE || !same_shape(&shape, dims, ndim, n))
        return unlike(err);
    if (!c2_packed_values(msgpack, &shape, &values, err)) return false;
    switch (shape.kind) {
    case C2_PACKED_BOOL:
        if (H5Tget_class(type) != H5T_ENUM || H5Tget_size(type) != 1) return unlike(err);
        memcpy(out, values.p, n);
        return true;
    case C2_PACKED_INT:
    case C2_PACKED_REAL:
        return numbers(&shape, &values, type, n, out, err);
    default:
        return texts(&shape, &values, type, n, out, err);
    }
}
