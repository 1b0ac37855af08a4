/* SPDX-License-Identifier: BSD-3-Clause */
/* Datatypes made of others. Texts of variable length and references are pointers in memory: an item that
 * holds some is read as libhdf5 lays it out, and shown at fixed width (shown.c). A member that cannot be
 * carried is left out and named. */
#include <stdio.h>
#include <stdlib.h>

#include "hdf5/read/type_impl.h"

#define POINTER_ALIGN 8

struct build {
    bool sequences; /* keep sequences of variable length: attributes */
    struct c2_h5_type *type;
    char path[256]; /* of the member at hand: "a.b" */
};

static bool one_of(struct build *b, hid_t type, int depth, struct c2_dtype *out, struct c2_h5_part *part,
                   hid_t *mem, struct cat2_error *err);

static void part_fini(struct c2_h5_part *part)
{
    for (int i = 0; i < part->nparts; i++)
        part_fini(&part->parts[i]);
    free(part->parts);
    if (part->type > 0) H5Tclose(part->type);
    *part = (struct c2_h5_part){0};
}

void c2_h5_type_fini(struct c2_h5_type *type)
{
    if (!type) return;
    c2_dtype_fini(&type->dtype);
    part_fini(&type->part);
    for (size_t i = 0; i < type->left.n; i++) {
        free(type->left.p[i].name);
        free(type->left.p[i].reason);
    }
    c2_vec_fini(&type->left);
    if (type->mem > 0) H5Tclose(type->mem);
    if (type->array > 0) H5Tclose(type->array);
    *type = (struct c2_h5_type){0};
}

/* ---- what is a pointer in memory ---- */

static bool pointed(struct build *b, enum c2_h5_part_kind kind, hid_t made, struct c2_h5_part *part,
                    hid_t *mem, struct cat2_error *err)
{
    if (!c2_h5_keep(made, mem, err)) return false;
    part->kind = kind;
    part->type = H5Tcopy(*mem);
    b->type->variable = true;
    return part->type >= 0 || c2_h5_fail(err, CAT2_EDATA, "a datatype cannot be described");
}

static bool text(struct build *b, hid_t type, struct c2_h5_part *part, hid_t *mem, struct cat2_error *err)
{
    part->utf8 = H5Tget_cset(type) == H5T_CSET_UTF8;
    return pointed(b, C2_H5_TEXT, H5Tcopy(type), part, mem, err);
}

static bool reference(struct build *b, hid_t type, struct c2_h5_part *part, hid_t *mem,
                      struct cat2_error *err)
{
    part->utf8 = true;
    if (!c2_h5_reference_known(type)) return c2_fail(err, CAT2_EUNSUPPORTED, "references of an unknown kind");
    return pointed(b, C2_H5_REFERENCE, H5Tcopy(type), part, mem, err);
}

static bool sequence(struct build *b, hid_t type, int depth, struct c2_dtype *out, hid_t *mem,
                     struct cat2_error *err)
{
    struct c2_h5_part part = {0};
    hid_t base = H5Tget_super(type), base_mem = -1;

    if (!b->sequences) {
        if (base >= 0) H5Tclose(base);
        return c2_fail(err, CAT2_EUNSUPPORTED, "sequences of variable length inside other types");
    }
    bool ok = base >= 0 || c2_h5_fail(err, CAT2_EDATA, "a sequence cannot be described");
    ok = ok && one_of(b, base, depth + 1, out, &part, &base_mem, err) &&
         c2_h5_keep(H5Tvlen_create(base_mem), mem, err);
    c2_dtype_fini(out);
    part_fini(&part);
    b->type->variable = true;
    if (base_mem >= 0) H5Tclose(base_mem);
    if (base >= 0) H5Tclose(base);
    return ok;
}

/* ---- arrays ---- */

/* The innermost base and all axes of arrays of arrays; another type is its own base. */
static hid_t array_base(hid_t type, int *ndim, int64_t *dims)
{
    hsize_t sizes[C2_H5_DIM_MAX];
    hid_t base = H5Tcopy(type);

    *ndim = 0;
    while (base >= 0 && H5Tget_class(base) == H5T_ARRAY) {
        int n = H5Tget_array_ndims(base);
        bool ok = n >= 1 && *ndim + n <= C2_H5_DIM_MAX && H5Tget_array_dims2(base, sizes) >= 0;
        for (int i = 0; ok && i < n; i++)
            dims[(*ndim)++] = sizes[i] > C2_H5_ITEM_MAX ? C2_H5_ITEM_MAX + 1 : (int64_t)sizes[i];
        hid_t inner = ok ? H5Tget_super(base) : -1;
        H5Tclose(base);
        base = inner;
    }
    return base;
}

/* The base in memory with the arrays around it: libhdf5 converts those of the same axes only. */
static hid_t array_like(hid_t type, hid_t base)
{
    hsize_t sizes[C2_H5_DIM_MAX];

    if (H5Tget_class(type) != H5T_ARRAY) return H5Tcopy(base);
    hid_t inner_type = H5Tget_super(type), inner = -1, out = -1;
    int n = H5Tget_array_ndims(type);
    if (inner_type >= 0 && n >= 1 && n <= C2_H5_DIM_MAX && H5Tget_array_dims2(type, sizes) >= 0)
        inner = array_like(inner_type, base);
    if (inner >= 0) out = H5Tarray_create2(inner, (unsigned)n, sizes);
    if (inner >= 0) H5Tclose(inner);
    if (inner_type >= 0) H5Tclose(inner_type);
    return out;
}

static bool sub_array(struct c2_field *field, int ndim, const int64_t *dims, size_t *nitems,
                      struct cat2_error *err)
{
    int64_t n = 1;

    field->ndim = ndim;
    if (ndim > C2_DIM_MAX)
        return c2_fail(err, CAT2_EUNSUPPORTED, "array types of %d axes are not carried", ndim);
    for (int i = 0; i < ndim; i++) {
        field->shape[i] = dims[i];
        if (!c2_mul_i64(n, dims[i], &n) || n > C2_H5_ITEM_MAX)
            return c2_fail(err, CAT2_EUNSUPPORTED, "array types of more than %d items are not carried",
                           C2_H5_ITEM_MAX);
    }
    *nitems = (size_t)n;
    return true;
}

/* ---- compound ---- */

/* {r, i} of one float type, as everybody writes complex numbers. */
static bool complex_number(hid_t type, struct c2_dtype *out, hid_t *mem, bool *is_complex,
                           struct cat2_error *err)
{
    int r = H5Tget_member_index(type, "r"), i = H5Tget_member_index(type, "i");
    hid_t part_r = -1, part_i = -1, mem_r = -1;
    struct c2_dtype dtype = {0};
    struct cat2_error ignored;
    bool ok = true;

    H5Eclear2(H5E_DEFAULT);
    *is_complex = false;
    if (r < 0 || i < 0 || H5Tget_nmembers(type) != 2 || H5Tget_member_class(type, (unsigned)r) != H5T_FLOAT)
        return true;
    part_r = H5Tget_member_type(type, (unsigned)r);
    part_i = H5Tget_member_type(type, (unsigned)i);
    if (part_r >= 0 && part_i >= 0 && H5Tequal(part_r, part_i) > 0)
        *is_complex = c2_h5_real(part_r, &dtype, &mem_r, &ignored) && dtype.itemsize > 2;
    if (*is_complex) {
        size_t n = (size_t)dtype.itemsize;
        *out = (struct c2_dtype){.kind = 'c', .order = dtype.order, .itemsize = 2 * (int64_t)n};
        ok = c2_h5_keep(H5Tcreate(H5T_COMPOUND, 2 * n), mem, err) &&
             ((H5Tinsert(*mem, "r", 0, mem_r) >= 0 && H5Tinsert(*mem, "i", n, mem_r) >= 0) ||
              c2_h5_fail(err, CAT2_EDATA, "a complex number cannot be described"));
    }
    if (mem_r >= 0) H5Tclose(mem_r);
    if (part_r >= 0) H5Tclose(part_r);
    if (part_i >= 0) H5Tclose(part_i);
    return ok;
}

struct member { /* of a compound that is being put together */
    unsigned i; /* in the file's type */
    size_t offset;
    char *name; /* as libhdf5 knows it */
    hid_t mem;  /* array and all */
};

static int by_offset(const void *a, const void *b)
{
    size_t x = ((const struct member *)a)->offset, y = ((const struct member *)b)->offset;

    return x < y ? -1 : x > y;
}

/* NumPy has no names of other bytes, and none without bytes. */
static char *shown_name(const char *name, unsigned i)
{
    C2_AUTO(c2_buf) out = C2_BUF_INIT(3 * 65536);
    struct cat2_error ignored;

    if (*name == '\0' && !c2_buf_printf(&out, &ignored, "f%u", i)) return NULL;
    if (!c2_h5_show_name(name, &out, &ignored)) return NULL;
    return c2_str_dup(c2_buf_str(&out));
}

static bool describe_member(struct build *b, hid_t type, int depth, struct member *member,
                            struct c2_field *field, struct c2_h5_part *part, struct cat2_error *err)
{
    int64_t dims[C2_H5_DIM_MAX];
    int ndim = 0;
    hid_t member_type = H5Tget_member_type(type, member->i), base = -1, base_mem = -1;
    bool ok = member_type >= 0 || c2_h5_fail(err, CAT2_EDATA, "a member cannot be described");

    if (ok) {
        base = array_base(member_type, &ndim, dims);
        ok = base >= 0 || c2_h5_fail(err, CAT2_EDATA, "an array type cannot be described");
    }
    part->n = 1;
    ok = ok && one_of(b, base, depth + 1, &field->type, part, &base_mem, err) &&
         sub_array(field, ndim, dims, &part->n, err) &&
         c2_h5_keep(array_like(member_type, base_mem), &member->mem, err);
    if (ok) part->size = H5Tget_size(base_mem);
    if (base_mem >= 0) H5Tclose(base_mem);
    if (base >= 0) H5Tclose(base);
    if (member_type >= 0) H5Tclose(member_type);
    return ok;
}

static bool note_left_out(struct build *b, const char *reason, struct cat2_error *err)
{
    if (!c2_vec_room(&b->type->left, C2_VEC_NO_MAX, "members", err)) return false;
    struct c2_h5_left_out *out = &b->type->left.p[b->type->left.n++];
    *out = (struct c2_h5_left_out){c2_str_dup(c2_str_of(b->path)), c2_str_dup(c2_str_of(reason))};
    return (out->name && out->reason) || c2_fail_nomem(err, "dtype");
}

/* *carried: the member is now out->fields[out->nfields - 1]. */
static bool add_member(struct build *b, hid_t type, int depth, struct member *member, struct c2_dtype *out,
                       struct c2_h5_part *part, bool *carried, struct cat2_error *err)
{
    struct c2_field *field = &out->fields[out->nfields];
    struct c2_h5_part *its = &part->parts[out->nfields];
    size_t above = strlen(b->path);
    struct cat2_error why;
    bool ok = true;

    if (!(field->name = shown_name(member->name, member->i))) return c2_fail_nomem(err, "dtype");
    snprintf(b->path + above, sizeof(b->path) - above, "%s%s", above ? "." : "", field->name);
    *carried = describe_member(b, type, depth, member, field, its, &why);
    if (*carried) {
        out->nfields = ++part->nparts;
    } else {
        free(field->name);
        c2_dtype_fini(&field->type);
        part_fini(its);
        *field = (struct c2_field){0};
        ok = why.code == CAT2_ENOMEM ? (*err = why, false) : note_left_out(b, why.message, err);
    }
    b->path[above] = '\0';
    return ok;
}

/* The compound in memory: packed, unless pointers want their place. */
static bool assemble(const struct build *b, const struct member *members, struct c2_h5_part *part, hid_t *mem,
                     struct cat2_error *err)
{
    size_t align = b->type->variable ? POINTER_ALIGN : 1, size = 0;

    for (int i = 0; i < part->nparts; i++) {
        part->parts[i].from = size;
        size += (part->parts[i].n * part->parts[i].size + align - 1) / align * align;
        if (size > C2_H5_ITEM_MAX)
            return c2_fail(err, CAT2_EUNSUPPORTED, "items of more than %d bytes are not carried",
                           C2_H5_ITEM_MAX);
    }
    if (!c2_h5_keep(H5Tcreate(H5T_COMPOUND, size), mem, err)) return false;
    for (int i = 0; i < part->nparts; i++)
        if (H5Tinsert(*mem, members[i].name, part->parts[i].from, members[i].mem) < 0)
            return c2_h5_fail(err, CAT2_EDATA, "member %.60s cannot be described", members[i].name);
    return true;
}

/* Members in the order of their places. Those carried come first in members. */
static bool add_members(struct build *b, hid_t type, int depth, struct member *members, int n,
                        struct c2_dtype *out, struct c2_h5_part *part, struct cat2_error *err)
{
    bool carried;

    for (int i = 0; i < n; i++) {
        struct member *member = &members[i];
        member->i = (unsigned)i;
        member->mem = -1;
        member->offset = H5Tget_member_offset(type, (unsigned)i);
        member->name = H5Tget_member_name(type, (unsigned)i);
        if (!member->name) return c2_h5_fail(err, CAT2_EDATA, "a member cannot be described");
    }
    qsort(members, (size_t)n, sizeof(*members), by_offset);
    for (int i = 0; i < n; i++) {
        if (!add_member(b, type, depth, &members[i], out, part, &carried, err)) return false;
        if (!carried || out->nfields - 1 == i) continue;
        struct member taken = members[i];
        members[i] = members[out->nfields - 1];
        members[out->nfields - 1] = taken;
    }
    if (out->nfields == 0) {
        const struct c2_h5_left_out *last = &b->type->left.p[b->type->left.n - 1];
        return c2_fail(err, CAT2_EUNSUPPORTED, "none of its members can be carried; '%.60s': %.120s",
                       last->name, last->reason);
    }
    return true;
}

static bool compound(struct build *b, hid_t type, int depth, struct c2_dtype *out, struct c2_h5_part *part,
                     hid_t *mem, struct cat2_error *err)
{
    int n = H5Tget_nmembers(type);
    bool is_complex;

    if (n < 1 || n > C2_DTYPE_FIELDS_MAX)
        return c2_fail(err, CAT2_EUNSUPPORTED, "compounds of %d members are not carried", n);
    if (!complex_number(type, out, mem, &is_complex, err)) return false;
    if (is_complex) return true;
    struct member *members = calloc((size_t)n, sizeof(*members));
    *out = (struct c2_dtype){.kind = 'V', .order = '|', .fields = calloc((size_t)n, sizeof(*out->fields))};
    part->kind = C2_H5_STRUCT;
    part->parts = calloc((size_t)n, sizeof(*part->parts));
    bool ok = (members && part->parts && out->fields) || c2_fail_nomem(err, "dtype");
    ok =
        ok && add_members(b, type, depth, members, n, out, part, err) && assemble(b, members, part, mem, err);
    for (int i = 0; members && i < n; i++) {
        if (members[i].mem > 0) H5Tclose(members[i].mem);
        if (members[i].name) H5free_memory(members[i].name);
    }
    free(members);
    return ok;
}

/* ---- any ---- */

static bool one_of(struct build *b, hid_t type, int depth, struct c2_dtype *out, struct c2_h5_part *part,
                   hid_t *mem, struct cat2_error *err)
{
    if (depth > C2_DTYPE_DEPTH_MAX) return c2_fail(err, CAT2_EUNSUPPORTED, "the datatype nests too deep");
    switch (H5Tget_class(type)) {
    case H5T_COMPOUND:
        return compound(b, type, depth, out, part, mem, err);
    case H5T_VLEN:
        return sequence(b, type, depth, out, mem, err);
    case H5T_REFERENCE:
        return reference(b, type, part, mem, err);
    case H5T_STRING:
        if (H5Tis_variable_str(type) > 0) return text(b, type, part, mem, err);
        return c2_h5_scalar(type, out, mem, err);
    default:
        return c2_h5_scalar(type, out, mem, err);
    }
}

/* Offsets and sizes of what is shown: packed. */
static bool lay_out(struct c2_h5_part *part, hsize_t nitems, struct c2_dtype *out, struct cat2_error *err)
{
    if (part->kind == C2_H5_TEXT || part->kind == C2_H5_REFERENCE) c2_h5_text_dtype(part, nitems, out);
    if (part->kind == C2_H5_STRUCT) {
        out->itemsize = 0;
        for (int i = 0; i < out->nfields; i++) {
            struct c2_field *field = &out->fields[i];
            size_t n = part->parts[i].n;
            if (!lay_out(&part->parts[i], nitems * n, &field->type, err)) return false;
            field->offset = out->itemsize;
            if (!c2_mul_i64(field->type.itemsize, (int64_t)n, &field->nbytes)) field->nbytes = INT64_MAX / 2;
            out->itemsize += field->nbytes;
            if (out->itemsize > C2_H5_ITEM_MAX) break;
        }
    }
    return out->itemsize <= C2_H5_ITEM_MAX ||
           c2_fail(err, CAT2_EUNSUPPORTED, "items of more than %d MiB are not carried", C2_H5_ITEM_MAX >> 20);
}

bool c2_h5_type_lay_out(struct c2_h5_type *type, hsize_t nitems, struct cat2_error *err)
{
    C2_AUTO(c2_buf) descr = C2_BUF_INIT(C2_DTYPE_TEXT_MAX);
    C2_AUTO(c2_dtype) checked = {0};
    int64_t item;

    if (!lay_out(&type->part, nitems, &type->dtype, err)) return false;
    item = type->dtype.itemsize;
    for (int i = 0; i < type->ndim; i++)
        if (!c2_mul_i64(item, type->dims[i], &item) || item > C2_H5_ITEM_MAX)
            return c2_fail(err, CAT2_EUNSUPPORTED, "array types of more than %d MiB are not carried",
                           C2_H5_ITEM_MAX >> 20);
    return c2_dtype_descr(&type->dtype, &descr, err) && c2_dtype_parse(c2_buf_str(&descr), &checked, err);
}

bool c2_h5_type_of(hid_t file_type, bool attribute, struct c2_h5_type *out, struct cat2_error *err)
{
    C2_AUTO(c2_h5_type) type = {.mem = 0};
    struct build b = {.sequences = attribute, .type = &type};
    hid_t base = array_base(file_type, &type.ndim, type.dims);

    if (base < 0) return c2_h5_fail(err, CAT2_EDATA, "the array type cannot be described");
    type.part.n = 1;
    bool ok = one_of(&b, base, 0, &type.dtype, &type.part, &type.mem, err);
    ok = ok && c2_h5_keep(array_like(file_type, type.mem), &type.array, err);
    if (ok) {
        type.part.size = H5Tget_size(type.mem);
        type.direct = !type.variable && H5Tequal(base, type.mem) > 0;
    }
    H5Tclose(base);
    if (type.mem < 0) type.mem = 0;
    if (!ok) return false;
    *out = type;
    type = (struct c2_h5_type){.mem = 0};
    return true;
}
