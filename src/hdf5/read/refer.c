/* SPDX-License-Identifier: BSD-3-Clause */
/* References as text: the path of what they lead to, and of regions what is selected there, as one would
 * write it for NumPy: "/image[0:2, 3:5]", "/points[1, 2][3, 4]". Null references are the empty text. */
#include <dlfcn.h>
#include <stdlib.h>

#include "hdf5/read/h5_impl.h"

#define PARTS_MAX 4096 /* of a region */

/* References of HDF5 1.12, which the headers at hand may not know. */
struct later {
    const hid_t *type; /* H5T_STD_REF */
    ssize_t (*file)(const void *ref, char *buf, size_t size);
    hid_t (*open)(const void *ref, hid_t rapl, hid_t oapl);
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
        *(void **)&found.file = dlsym(RTLD_DEFAULT, "H5Rget_file_name");
        *(void **)&found.open = dlsym(RTLD_DEFAULT, "H5Ropen_object");
        *(void **)&found.kind = dlsym(RTLD_DEFAULT, "H5Rget_type");
        *(void **)&found.region = dlsym(RTLD_DEFAULT, "H5Ropen_region");
        *(void **)&found.attribute = dlsym(RTLD_DEFAULT, "H5Rget_attr_name");
        *(const void **)&found.type = dlsym(RTLD_DEFAULT, "H5T_STD_REF_g");
        looked = true;
    }
    return found.file && found.open && found.kind && found.region && found.attribute && found.type ? &found
                                                                                                   : NULL;
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

/* The name in this file, without a search. Other files are not opened (libhdf5 would, and for writing): what
 * leads there is the file's name and a colon. */
static bool later_name(struct c2_h5 *h5, const uint8_t *at, bool *here, struct c2_buf *out,
                       struct cat2_error *err)
{
    char name[4096], own[4096];
    ssize_t n = later()->file(at, name, sizeof(name)), own_n = H5Fget_name(h5->file, own, sizeof(own));

    *here = n == own_n && n > 0 && (size_t)n < sizeof(name) && strcmp(name, own) == 0;
    if (n < 1 || (size_t)n >= sizeof(name)) return true;
    if (!*here) return c2_buf_puts(out, name, err) && c2_buf_putc(out, ':', err);
    hid_t object = later()->open(at, H5P_DEFAULT, H5P_DEFAULT);
    const char *known = object >= 0 ? c2_h5_name_of(h5, object) : NULL;
    if (object >= 0) H5Oclose(object);
    return !known || c2_buf_puts(out, known, err);
}

static bool later_text(struct c2_h5 *h5, const uint8_t *at, struct c2_buf *out, struct cat2_error *err)
{
    const struct later *api = later();
    char attribute[1024];
    int kind = api->kind(at);
    size_t before = out->n;

    H5Eclear2(H5E_DEFAULT);
    if (kind < 0) return true;
    bool here, ok = later_name(h5, at, &here, out, err);
    H5Eclear2(H5E_DEFAULT);
    if (!ok || !here || out->n == before) return ok;
    if (kind == LATER_REGION) return put_region(api->region(at, H5P_DEFAULT, H5P_DEFAULT), out, err);
    if (kind != LATER_ATTRIBUTE) return true;
    ssize_t n = api->attribute(at, attribute, sizeof(attribute));
    H5Eclear2(H5E_DEFAULT);
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
        return later_text(h5, (const uint8_t *)copy, out, err);
    }
    memcpy(&ref, at, object ? sizeof(ref.object) : sizeof(ref.region));
    H5R_type_t kind = object ? H5R_OBJECT : H5R_DATASET_REGION;
    ssize_t n = c2_h5_reference_name(h5, kind, &ref, name, sizeof(name));
    if (n < 1 || (size_t)n >= sizeof(name)) return true; /* it leads nowhere */
    if (!c2_buf_append(out, name, (size_t)n, err)) return false;
    return object || put_region(H5Rget_region(h5->file, kind, &ref), out, err);
}
