/* SPDX-License-Identifier: BSD-3-Clause */
/* References as text: the path of what they lead to, and of regions what is selected there, as one would
 * write it for NumPy: "/image[0:2, 3:5]", "/points[1, 2][3, 4]". Null references are the empty text. */
#include <dlfcn.h>
#include <stdlib.h>

#include "hdf5/h5_impl.h"

#define PARTS_MAX 4096 /* of a region */

/* References of HDF5 1.12, which the headers at hand may not know. */
struct later {
    const hid_t *type; /* H5T_STD_REF */
    ssize_t (*name)(const void *ref, hid_t rapl, char *buf, size_t size);
    int (*kind)(const void *ref);
    hid_t (*region)(const void *ref, hid_t rapl, hid_t oapl);
    ssize_t (*attribute)(const void *ref, char *buf, size_t size);
};
enum { LATER_OBJECT = 2, LATER_REGION = 3, LATER_ATTRIBUTE = 4 };

static const struct later *later(void)
{
    static struct later found;
    static bool looked;

    if (!looked) { /* one thread at a time calls libhdf5 */
        *(void **)&found.name = dlsym(RTLD_DEFAULT, "H5Rget_obj_name");
        *(void **)&found.kind = dlsym(RTLD_DEFAULT, "H5Rget_type");
        *(void **)&found.region = dlsym(RTLD_DEFAULT, "H5Ropen_region");
        *(void **)&found.attribute = dlsym(RTLD_DEFAULT, "H5Rget_attr_name");
        *(const void **)&found.type = dlsym(RTLD_DEFAULT, "H5T_STD_REF_g");
        looked = true;
    }
    return found.name && found.kind && found.region && found.attribute && found.type ? &found : NULL;
}

static bool is_object(hid_t type)
{
    return H5Tequal(type, H5T_STD_REF_OBJ) > 0;
}

static bool is_region(hid_t type)
{
    return H5Tequal(type, H5T_STD_REF_DSETREG) > 0;
}

bool c2_h5_reference_known(hid_t type)
{
    return is_object(type) || is_region(type) || (later() && H5Tequal(type, *later()->type) > 0);
}

/* ---- what is selected ---- */

static bool put_block(const hsize_t *first, const hsize_t *last, int ndim, struct c2_buf *out,
                      struct cat2_error *err)
{
    for (int i = 0; i < ndim; i++)
        if (!c2_buf_printf(out, err, "%s%llu:%llu", i ? ", " : "[", (unsigned long long)first[i],
                           (unsigned long long)last[i] + 1))
            return false;
    return c2_buf_putc(out, ']', err);
}

static bool put_point(const hsize_t *at, int ndim, struct c2_buf *out, struct cat2_error *err)
{
    for (int i = 0; i < ndim; i++)
        if (!c2_buf_printf(out, err, "%s%llu", i ? ", " : "[", (unsigned long long)at[i])) return false;
    return c2_buf_putc(out, ']', err);
}

static bool put_parts(hid_t space, int ndim, bool points, hssize_t n, struct c2_buf *out,
                      struct cat2_error *err)
{
    size_t width = (size_t)ndim * (points ? 1 : 2);
    hsize_t *list = calloc((size_t)n, width * sizeof(*list));
    bool ok = list || c2_fail_nomem(err, "region");

    if (ok && (points ? H5Sget_select_elem_pointlist(space, 0, (hsize_t)n, list)
                      : H5Sget_select_hyper_blocklist(space, 0, (hsize_t)n, list)) < 0)
        ok = c2_h5_fail(err, CAT2_EDATA, "a region cannot be read");
    for (hssize_t i = 0; ok && i < n; i++) {
        const hsize_t *at = list + (size_t)i * width;
        ok = points ? put_point(at, ndim, out, err) : put_block(at, at + ndim, ndim, out, err);
    }
    free(list);
    return ok;
}

static bool put_selection(hid_t space, struct c2_buf *out, struct cat2_error *err)
{
    int ndim = H5Sget_simple_extent_ndims(space);
    H5S_sel_type kind = H5Sget_select_type(space);
    bool points = kind == H5S_SEL_POINTS;
    hssize_t n;

    if (kind == H5S_SEL_ALL || ndim <= 0) return c2_buf_puts(out, "[...]", err);
    if (kind == H5S_SEL_NONE) return c2_buf_puts(out, "[]", err);
    n = points ? H5Sget_select_elem_npoints(space) : H5Sget_select_hyper_nblocks(space);
    if (n < 0) return c2_h5_fail(err, CAT2_EDATA, "a region cannot be read");
    if (n > PARTS_MAX)
        return c2_fail(err, CAT2_EUNSUPPORTED, "a region of %lld parts; up to %d are shown", (long long)n,
                       PARTS_MAX);
    return put_parts(space, ndim, points, n, out, err);
}

static bool put_region(hid_t space, struct c2_buf *out, struct cat2_error *err)
{
    if (space < 0) { /* of an object that is gone */
        H5Eclear2(H5E_DEFAULT);
        return true;
    }
    bool ok = put_selection(space, out, err);
    H5Sclose(space);
    return ok;
}

/* ---- what it leads to ---- */

static bool is_null(const uint8_t *at, size_t n)
{
    return n == 0 || (at[0] == 0 && memcmp(at, at + 1, n - 1) == 0);
}

static bool later_text(const uint8_t *at, struct c2_buf *out, struct cat2_error *err)
{
    const struct later *api = later();
    char name[4096], attribute[1024];
    int kind = api->kind(at);
    ssize_t n = kind >= 0 ? api->name(at, H5P_DEFAULT, name, sizeof(name)) : -1;

    H5Eclear2(H5E_DEFAULT);
    if (n < 1 || (size_t)n >= sizeof(name)) return true;
    if (!c2_buf_append(out, name, (size_t)n, err)) return false;
    if (kind == LATER_REGION) return put_region(api->region(at, H5P_DEFAULT, H5P_DEFAULT), out, err);
    if (kind != LATER_ATTRIBUTE) return true;
    n = api->attribute(at, attribute, sizeof(attribute));
    return n < 1 || (size_t)n >= sizeof(attribute) || c2_buf_printf(out, err, "@%s", attribute);
}

bool c2_h5_reference_text(struct c2_h5 *h5, hid_t type, const uint8_t *at, struct c2_buf *out,
                          struct cat2_error *err)
{
    char name[4096];
    bool object = is_object(type);
    union {
        hobj_ref_t object;
        hdset_reg_ref_t region;
        uint64_t align;
    } ref = {0};

    if (is_null(at, H5Tget_size(type))) return true;
    if (!object && !is_region(type)) {
        uint64_t copy[8] = {0}; /* H5R_ref_t */
        memcpy(copy, at, sizeof(copy));
        return later_text((const uint8_t *)copy, out, err);
    }
    memcpy(&ref, at, object ? sizeof(ref.object) : sizeof(ref.region));
    H5R_type_t kind = object ? H5R_OBJECT : H5R_DATASET_REGION;
    ssize_t n = c2_h5_reference_name(h5, kind, &ref, name, sizeof(name));
    if (n < 1 || (size_t)n >= sizeof(name)) return true; /* it leads nowhere */
    if (!c2_buf_append(out, name, (size_t)n, err)) return false;
    return object || put_region(H5Rget_region(h5->file, kind, &ref), out, err);
}
