/* SPDX-License-Identifier: BSD-3-Clause */
/* Sequences of variable length from where each begins and their values one after the other. */
#include <stdlib.h>

#include "base/endian.h"
#include "hdf5/write/h5w_dataset_impl.h"
#include "hdf5/write/rebuild_impl.h"

bool c2_h5w_like_is_sequence(const struct c2_h5w_like *like)
{
    const struct c2_mp_node *type = c2_mp_get(like->root, "type");

    if (c2_mp_get(type, "named")) type = c2_mp_get(type, "type");
    return c2_mp_is(c2_mp_get(type, "class"), "sequence");
}

bool c2_h5w_like_shape(const struct c2_h5w_like *like, int64_t *shape, int *ndim, int64_t *nitems)
{
    const struct c2_mp_node *space = c2_mp_get(like->root, "space");
    hsize_t dims[C2_H5_DIM_MAX];
    int n = 0;

    *nitems = !c2_mp_is(space, "null");
    if (!c2_mp_is(space, "null") && !c2_mp_is(space, "scalar") && !c2_rebuild_dims(space, dims, &n))
        return false;
    if (n > C2_DIM_MAX) return false;
    for (int i = 0; i < n; i++) {
        shape[i] = (int64_t)dims[i];
        if (!c2_mul_i64(*nitems, shape[i], nitems)) return false;
    }
    *ndim = n;
    return true;
}

struct sequences {
    hvl_t *list;
    uint8_t *values;
    struct c2_hid base, element; /* what a sequence is of; that without the axes of array types */
    size_t size, each;           /* bytes of a value; elements in it */
};

static void sequences_auto(struct sequences *s)
{
    free(s->list);
    free(s->values);
    c2_hid_fini(&s->base);
    c2_hid_fini(&s->element);
}

static bool open_types(struct sequences *s, hid_t type, struct cat2_error *err)
{
    s->base.id = H5Tget_class(type) == H5T_VLEN ? H5Tget_super(type) : -1;
    s->element.id = s->base.id < 0 ? -1 : H5Tcopy(s->base.id);
    while (s->element.id >= 0 && H5Tget_class(s->element.id) == H5T_ARRAY) {
        C2_AUTO(c2_hid) inner = {H5Tget_super(s->element.id)};
        c2_hid_fini(&s->element);
        s->element.id = c2_hid_steal(&inner);
    }
    if (s->element.id < 0) return c2_fail(err, CAT2_EDATA, "the described type is none of sequences");
    s->size = H5Tget_size(s->base.id);
    s->each = s->size / H5Tget_size(s->element.id);
    return true;
}

static bool place(struct sequences *s, const uint8_t *offsets, int64_t n, int64_t nvalues,
                  struct cat2_error *err)
{
    int64_t origin = (int64_t)c2_le64(offsets), at = origin, next;

    for (int64_t i = 0; i < n; i++, at = next) {
        next = (int64_t)c2_le64(offsets + 8 * (i + 1));
        if (next < at || (uint64_t)next - (uint64_t)origin > (uint64_t)nvalues)
            return c2_fail(err, CAT2_EDATA, "offset %lld of a sequence", (long long)next);
        s->list[i] = (hvl_t){.len = (size_t)(next - at), .p = s->values + (size_t)(at - origin) * s->size};
        if (next == at) s->list[i].p = NULL;
    }
    return true;
}

static bool write_rows(struct c2_h5w_dataset *ds, int64_t first, int64_t n, const hvl_t *list,
                       struct cat2_error *err)
{
    C2_AUTO(c2_hid) file = {H5Dget_space(ds->id)}, mem = {-1};
    hsize_t start[C2_H5_DIM_MAX] = {0}, count[C2_H5_DIM_MAX], total = (hsize_t)n, row = 1;
    int ndim = H5Sget_simple_extent_dims(file.id, count, NULL);

    if (ndim > 0) {
        for (int i = 1; i < ndim; i++)
            row *= count[i];
        if (row == 0 || (hsize_t)first % row || total % row)
            return c2_fail(err, CAT2_EDATA, "rows of another length");
        start[0] = (hsize_t)first / row;
        count[0] = total / row;
        mem.id = H5Screate_simple(1, &total, NULL);
        if (H5Sselect_hyperslab(file.id, H5S_SELECT_SET, start, NULL, count, NULL) < 0)
            return c2_h5w_fail(err, "sequences");
    } else {
        mem.id = H5Screate(H5S_SCALAR);
    }
    return H5Dwrite(ds->id, ds->type.id, mem.id, file.id, H5P_DEFAULT, list) >= 0 ||
           c2_h5w_fail(err, "writing sequences");
}

bool c2_h5w_put_sequences(struct c2_h5w_dataset *ds, int64_t first, int64_t n, const uint8_t *offsets,
                          int64_t nvalues, const struct c2_dtype *dtype, const uint8_t *values,
                          struct cat2_error *err)
{
    __attribute__((cleanup(sequences_auto))) struct sequences s = {.base = {-1}, .element = {-1}};
    hsize_t total = (hsize_t)nvalues;

    if (!open_types(&s, ds->type.id, err)) return false;
    if ((size_t)nvalues > (size_t)C2_CHUNK_NBYTES_MAX / s.size)
        return c2_fail(err, CAT2_ELIMIT, "a sequence of too many values");
    s.list = calloc((size_t)n + 1, sizeof(*s.list));
    s.values = calloc((size_t)nvalues + 1, s.size);
    if (!s.list || !s.values) return c2_fail_nomem(err, "sequences");
    bool ok = c2_rebuild_items(ds->w, s.element.id, dtype, values, (size_t)nvalues * s.each, s.values, err) &&
              place(&s, offsets, n, nvalues, err) && write_rows(ds, first, n, s.list, err);
    if (!c2_h5_is_plain(s.base.id) && nvalues > 0) {
        C2_AUTO(c2_hid) space = {H5Screate_simple(1, &total, NULL)};
        H5Dvlen_reclaim(s.base.id, space.id, H5P_DEFAULT, s.values);
    }
    H5Eclear2(H5E_DEFAULT);
    return ok;
}
