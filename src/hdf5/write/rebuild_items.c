/* SPDX-License-Identifier: BSD-3-Clause */
/* Items as an array has them become items of the HDF5 type: numbers by libhdf5, texts of variable length and
 * references one by one. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/endian.h"
#include "hdf5/write/rebuild_impl.h"

void c2_rebuild_lost(const struct c2_h5w_teller *teller, const char *fmt, ...)
{
    char what[300];
    va_list args;

    va_start(args, fmt);
    vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    teller->lost(teller->ctx, what);
}

bool c2_rebuild_refers(hid_t type)
{
    H5T_class_t class = H5Tget_class(type);
    bool refers = class == H5T_REFERENCE;

    if (class == H5T_ARRAY || class == H5T_VLEN) {
        C2_AUTO(c2_hid) base = {H5Tget_super(type)};
        return c2_rebuild_refers(base.id);
    }
    for (int i = 0; class == H5T_COMPOUND && !refers && i < H5Tget_nmembers(type); i++) {
        C2_AUTO(c2_hid) member = {H5Tget_member_type(type, (unsigned)i)};
        refers = c2_rebuild_refers(member.id);
    }
    return refers;
}

/* ---- the same bytes? ---- */

static bool same_members(hid_t type, const struct c2_dtype *dtype)
{
    if (H5Tget_nmembers(type) != dtype->nfields) return false;
    for (int i = 0; i < dtype->nfields; i++) {
        const struct c2_field *field = &dtype->fields[i];
        int at = H5Tget_member_index(type, field->name);
        if (at < 0 || (int64_t)H5Tget_member_offset(type, (unsigned)at) != field->offset) {
            H5Eclear2(H5E_DEFAULT);
            return false;
        }
        C2_AUTO(c2_hid) member = {H5Tget_member_type(type, (unsigned)at)};
        bool array = H5Tget_class(member.id) == H5T_ARRAY;
        C2_AUTO(c2_hid) base = {array ? H5Tget_super(member.id) : H5Tcopy(member.id)};
        if ((int64_t)H5Tget_size(member.id) != field->nbytes || !c2_rebuild_same_bytes(base.id, &field->type))
            return false;
    }
    return true;
}

bool c2_rebuild_same_bytes(hid_t type, const struct c2_dtype *dtype)
{
    C2_AUTO(c2_hid) other = {-1};
    struct cat2_error ignored;
    H5T_class_t class = H5Tget_class(type);

    if (!c2_h5_is_plain(type) || (int64_t)H5Tget_size(type) != dtype->itemsize) return false;
    if (dtype->nfields > 0) return class == H5T_COMPOUND && same_members(type, dtype);
    if (class == H5T_OPAQUE) return dtype->kind == 'V' || strchr("UMm", dtype->kind) != NULL;
    if (class == H5T_STRING) return dtype->kind == 'S' && H5Tget_strpad(type) != H5T_STR_SPACEPAD;
    bool same_order = dtype->itemsize == 1 || (dtype->order == '>') == (H5Tget_order(type) == H5T_ORDER_BE);
    if (class == H5T_BITFIELD) return dtype->kind == 'u' && same_order;
    if (class == H5T_TIME) return strchr("fiu", dtype->kind) && same_order;
    if (class == H5T_ENUM && dtype->kind == 'b') return true;
    C2_AUTO(c2_hid) base = {class == H5T_ENUM ? H5Tget_super(type) : H5Tcopy(type)};
    if (!c2_h5w_type(dtype, &other, &ignored)) return false;
    if (H5Tequal(base.id, other.id) > 0) return true;
    return class == H5T_INTEGER && dtype->itemsize == 1 && H5Tget_precision(type) == 8 &&
           strchr("iu", dtype->kind) &&
           (dtype->kind == 'i') == (H5Tget_sign(type) == H5T_SGN_2); /* one byte has no order */
}

/* ---- numbers, bytes, texts of fixed width ---- */

static bool by_library(hid_t type, const struct c2_dtype *dtype, const uint8_t *from, size_t n, uint8_t *out,
                       struct cat2_error *err)
{
    C2_AUTO(c2_hid) mem = {-1};
    size_t size = H5Tget_size(type), in = (size_t)dtype->itemsize, wide = size > in ? size : in;

    if (!c2_h5w_type(dtype, &mem, err)) return false;
    C2_AUTO(c2_hid)
    to = {H5Tget_class(type) == H5T_ENUM && H5Tget_class(mem.id) != H5T_ENUM ? H5Tget_super(type)
                                                                             : H5Tcopy(type)};
    if (n > C2_H5W_VALUES_MAX / wide) return c2_fail(err, CAT2_ELIMIT, "items of too many bytes at once");
    uint8_t *room = calloc(n + 1, wide), *background = calloc(n + 1, wide);
    bool ok = (room && background) || c2_fail_nomem(err, "items");
    if (ok) {
        memcpy(room, from, n * in);
        ok = H5Tconvert(mem.id, to.id, n, room, background, H5P_DEFAULT) >= 0 ||
             c2_h5w_fail(err, "items cannot be converted");
        if (!ok) err->code = CAT2_EDATA; /* the fault of these items, not of the file */
    }
    if (ok) memcpy(out, room, n * size);
    free(room);
    free(background);
    return ok;
}

/* ---- texts ---- */

/* libhdf5 would take the last byte of a text that fills its width for a NUL that has no room; many programs
 * write such texts. */
static bool fixed_texts(hid_t type, const struct c2_dtype *dtype, const uint8_t *from, size_t n, uint8_t *out,
                        struct cat2_error *err)
{
    size_t size = H5Tget_size(type), in = (size_t)dtype->itemsize;
    int pad = H5Tget_strpad(type) == H5T_STR_SPACEPAD ? ' ' : 0;

    if (dtype->nfields > 0 || dtype->kind != 'S' || in > size)
        return c2_fail(err, CAT2_EDATA, "the described type is text of %zu bytes, the array's is not", size);
    for (size_t i = 0; i < n; i++) {
        size_t len = in;
        while (len && from[i * in + len - 1] == 0)
            len--;
        memcpy(out + i * size, from + i * in, len);
        memset(out + i * size + len, pad, size - len);
    }
    return true;
}

static bool utf8_of(const struct c2_dtype *dtype, const uint8_t *from, struct c2_buf *out,
                    struct cat2_error *err)
{
    size_t n = (size_t)dtype->itemsize / 4;
    uint8_t bytes[4];

    c2_buf_clear(out);
    while (n && c2_le32(from + 4 * (n - 1)) == 0)
        n--;
    for (size_t i = 0; i < n; i++) {
        uint32_t c = dtype->order == '>' ? c2_be32(from + 4 * i) : c2_le32(from + 4 * i);
        if (c == 0 || c > 0x10ffff) return c2_fail(err, CAT2_EDATA, "a text that HDF5 cannot hold");
        if (!c2_buf_append(out, bytes, c2_utf8_encode(c, bytes), err)) return false;
    }
    return true;
}

/* The text of one item; "" of nothing. */
static bool text_of(const struct c2_dtype *dtype, const uint8_t *from, struct c2_buf *out,
                    struct cat2_error *err)
{
    if (dtype->nfields == 0 && dtype->kind == 'U') return utf8_of(dtype, from, out, err);
    if (dtype->nfields > 0 || dtype->kind != 'S')
        return c2_fail(err, CAT2_EDATA, "the described type is text, the array's is not");
    c2_buf_clear(out);
    size_t n = strnlen((const char *)from, (size_t)dtype->itemsize);
    return c2_buf_append(out, from, n, err);
}

static bool one_text(struct c2_h5w *w, hid_t type, struct c2_buf *text, uint8_t *out, struct cat2_error *err)
{
    if (H5Tget_class(type) == H5T_REFERENCE) {
        if (H5Tequal(type, H5T_STD_REF_OBJ) > 0) return c2_rebuild_reference(w, c2_buf_str(text), out, err);
        if (H5Tequal(type, H5T_STD_REF_DSETREG) > 0) return c2_rebuild_region(w, c2_buf_str(text), out, err);
        return c2_fail(err, CAT2_EUNSUPPORTED, "references of this kind cannot be made again");
    }
    char *copy = c2_str_dup(c2_buf_str(text));
    if (!copy) return c2_fail_nomem(err, "text");
    memcpy(out, &copy, sizeof(copy));
    return true;
}

static bool texts(struct c2_h5w *w, hid_t type, const struct c2_dtype *dtype, const uint8_t *from, size_t n,
                  uint8_t *out, struct cat2_error *err)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(C2_CHUNK_NBYTES_MAX);
    size_t size = H5Tget_size(type);

    for (size_t i = 0; i < n; i++)
        if (!text_of(dtype, from + i * (size_t)dtype->itemsize, &text, err) ||
            !one_text(w, type, &text, out + i * size, err))
            return false;
    return true;
}

/* ---- members ---- */

static void gather(const uint8_t *from, size_t stride, size_t size, size_t n, uint8_t *to)
{
    for (size_t i = 0; i < n; i++)
        memcpy(to + i * size, from + i * stride, size);
}

static void scatter(const uint8_t *from, size_t stride, size_t size, size_t n, uint8_t *to)
{
    for (size_t i = 0; i < n; i++)
        memcpy(to + i * stride, from + i * size, size);
}

static const struct c2_field *field_of(const struct c2_dtype *dtype, const char *name)
{
    for (int i = 0; i < dtype->nfields; i++)
        if (strcmp(dtype->fields[i].name, name) == 0) return &dtype->fields[i];
    return NULL;
}

/* Can items of this dtype become items of the type at all? Said before anything is made. */
bool c2_rebuild_can(hid_t type, const struct c2_dtype *dtype, struct cat2_error *err)
{
    H5T_class_t class = H5Tget_class(type);
    bool text = dtype->nfields == 0 && strchr("SU", dtype->kind);

    if (class == H5T_VLEN)
        return c2_fail(err, CAT2_EUNSUPPORTED, "sequences within items are not in the array");
    if (!c2_h5_is_plain(type) && class != H5T_COMPOUND)
        return text ||
               c2_fail(err, CAT2_EDATA, "the described type is text or references, the array's is not text");
    for (int i = 0; class == H5T_COMPOUND && dtype->nfields > 0 && i < H5Tget_nmembers(type); i++) {
        C2_AUTO(c2_hid) member = {H5Tget_member_type(type, (unsigned)i)};
        C2_AUTO(c2_hid)
        base = {H5Tget_class(member.id) == H5T_ARRAY ? H5Tget_super(member.id) : H5Tcopy(member.id)};
        char *name = H5Tget_member_name(type, (unsigned)i);
        const struct c2_field *field = name ? field_of(dtype, name) : NULL;
        bool ok = field ? c2_rebuild_can(base.id, &field->type, err)
                        : c2_fail(err, CAT2_EDATA, "the array has no field %.60s", name ? name : "");
        if (name) H5free_memory(name);
        if (!ok) return false;
    }
    return true;
}

static bool one_member(struct c2_h5w *w, hid_t type, int i, const struct c2_dtype *dtype, const uint8_t *from,
                       size_t n, uint8_t *out, struct cat2_error *err)
{
    C2_AUTO(c2_hid) member = {H5Tget_member_type(type, (unsigned)i)};
    C2_AUTO(c2_hid)
    base = {H5Tget_class(member.id) == H5T_ARRAY ? H5Tget_super(member.id) : H5Tcopy(member.id)};
    char *name = H5Tget_member_name(type, (unsigned)i);
    const struct c2_field *field = name ? field_of(dtype, name) : NULL;
    size_t size = H5Tget_size(member.id), each = field ? size / H5Tget_size(base.id) : 0;
    bool ok = field != NULL || c2_fail(err, CAT2_EDATA, "the array has no field %.60s", name ? name : "");

    if (name) H5free_memory(name);
    if (ok && field->nbytes != (int64_t)each * field->type.itemsize)
        ok = c2_fail(err, CAT2_EDATA, "field %.60s is of another shape", field->name);
    if (!ok) return false;
    uint8_t *in = calloc(n + 1, (size_t)field->nbytes), *made = calloc(n + 1, size);
    ok = (in && made) || c2_fail_nomem(err, "items");
    if (ok) {
        gather(from + field->offset, (size_t)dtype->itemsize, (size_t)field->nbytes, n, in);
        ok = c2_rebuild_items(w, base.id, &field->type, in, n * each, made, err);
        /* what was made is the caller's to reclaim, all of it or a part */
        scatter(made, H5Tget_size(type), size, n, out + H5Tget_member_offset(type, (unsigned)i));
    }
    free(in);
    free(made);
    return ok;
}

bool c2_rebuild_items(struct c2_h5w *w, hid_t type, const struct c2_dtype *dtype, const uint8_t *from,
                      size_t n, uint8_t *out, struct cat2_error *err)
{
    H5T_class_t class = H5Tget_class(type);

    if (c2_rebuild_same_bytes(type, dtype)) {
        memcpy(out, from, n * H5Tget_size(type));
        return true;
    }
    if (class == H5T_STRING && c2_h5_is_plain(type)) return fixed_texts(type, dtype, from, n, out, err);
    if (c2_h5_is_plain(type) && (class != H5T_COMPOUND || dtype->nfields == 0))
        return by_library(type, dtype, from, n, out, err);
    if (class == H5T_STRING || class == H5T_REFERENCE) return texts(w, type, dtype, from, n, out, err);
    if (class != H5T_COMPOUND || dtype->nfields == 0)
        return c2_fail(err, CAT2_EUNSUPPORTED, "the array does not tell items of the described type");
    for (int i = 0; i < H5Tget_nmembers(type); i++)
        if (!one_member(w, type, i, dtype, from, n, out, err)) return false;
    return true;
}
