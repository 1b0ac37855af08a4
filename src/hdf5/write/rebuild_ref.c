/* SPDX-License-Identifier: BSD-3-Clause */
/* References to what is in the file by now. Links that leave the file are made last, so that no path leads
 * out of it. */
#include <stdlib.h>

#include "hdf5/write/rebuild_impl.h"

#define NUMBERS_MAX                                                                                          \
    (1 << 18) /* coordinates of one region: 2 MiB; what is imported has 4096 parts at most                   \
               */

static bool nowhere(struct c2_str path, struct cat2_error *err)
{
    H5Eclear2(H5E_DEFAULT);
    return c2_fail(err, CAT2_ENOTFOUND, "a reference leads to %.*s, which is not here",
                   (int)c2_min_i64((int64_t)path.n, 120), path.p);
}

static bool cstr(struct c2_str s, struct c2_buf *out, struct cat2_error *err)
{
    return c2_buf_append_str(out, s, err);
}

bool c2_rebuild_reference(struct c2_h5w *w, struct c2_str path, uint8_t *out, struct cat2_error *err)
{
    C2_AUTO(c2_buf) name = C2_BUF_INIT(65536);
    hobj_ref_t ref;

    if (path.n == 0) return true;
    if (!cstr(path, &name, err)) return false;
    if (H5Rcreate(&ref, w->file, c2_buf_cstr(&name), H5R_OBJECT, -1) < 0) return nowhere(path, err);
    memcpy(out, &ref, sizeof(ref));
    return true;
}

static bool select_blocks(hid_t space, const hsize_t *numbers, size_t n, size_t ndim)
{
    hsize_t count[C2_H5_DIM_MAX];

    for (size_t i = 0; i < n; i++) {
        const hsize_t *first = numbers + 2 * i * ndim, *last = first + ndim;
        for (size_t k = 0; k < ndim; k++) {
            if (last[k] < first[k] || last[k] - first[k] >= INT64_MAX) return false;
            count[k] = last[k] - first[k] + 1;
        }
        if (H5Sselect_hyperslab(space, i ? H5S_SELECT_OR : H5S_SELECT_SET, first, NULL, count, NULL) < 0)
            return false;
    }
    return true;
}

static bool refer(struct c2_h5w *w, const char *path, bool points, const hsize_t *numbers, size_t n,
                  const char *whole, uint8_t *out, struct cat2_error *err)
{
    C2_AUTO(c2_hid) dataset = {H5Dopen2(w->file, path, H5P_DEFAULT)};
    C2_AUTO(c2_hid) space = {dataset.id < 0 ? -1 : H5Dget_space(dataset.id)};
    hdset_reg_ref_t ref;

    if (space.id < 0) return nowhere(c2_str_of(path), err);
    int ndim = H5Sget_simple_extent_ndims(space.id);
    size_t width = (size_t)(ndim > 0 ? ndim : 1) * (points ? 1 : 2);
    bool ok;
    if (whole)
        ok = (strcmp(whole, "all") == 0 ? H5Sselect_all(space.id) : H5Sselect_none(space.id)) >= 0;
    else if (ndim < 1 || n == 0 || n % width)
        return c2_fail(err, CAT2_EDATA, "a region of %.120s has other axes", path);
    else
        ok = points ? H5Sselect_elements(space.id, H5S_SELECT_SET, n / width, numbers) >= 0
                    : select_blocks(space.id, numbers, n / width, (size_t)ndim);
    ok = ok && H5Sselect_valid(space.id) > 0 &&
         H5Rcreate(&ref, w->file, path, H5R_DATASET_REGION, space.id) >= 0;
    if (!ok) return c2_h5w_fail(err, "a region of %.100s", path);
    memcpy(out, &ref, sizeof(ref));
    return true;
}

bool c2_rebuild_selection(struct c2_h5w *w, const char *path, struct c2_str kind,
                          const struct c2_mp_node *numbers, uint8_t *out, struct cat2_error *err)
{
    uint32_t n = c2_mp_count(numbers);
    bool all = c2_str_is(kind, "all"), none = c2_str_is(kind, "none"), points = c2_str_is(kind, "points");
    int64_t value;

    if (all || none) return refer(w, path, false, NULL, 0, all ? "all" : "none", out, err);
    if ((!points && !c2_str_is(kind, "blocks")) || n == 0 || n > NUMBERS_MAX)
        return c2_fail(err, CAT2_EDATA, "the described region is none");
    hsize_t *list = calloc(n, sizeof(*list));
    if (!list) return c2_fail_nomem(err, "region");
    const struct c2_mp_node *at = c2_mp_first(numbers);
    bool ok = true;
    for (uint32_t i = 0; ok && i < n; i++, at = c2_mp_next(at)) {
        ok = c2_mp_int(at, 0, INT64_MAX, &value);
        list[i] = ok ? (hsize_t)value : 0;
    }
    ok = ok ? refer(w, path, points, list, n, NULL, out, err)
            : c2_fail(err, CAT2_EDATA, "the described region is none");
    free(list);
    return ok;
}

/* ---- as text: "/image[0:2, 3:5][4:6, 3:5]", "/points[1, 2]", "/x[...]", "/x[]" ---- */

/* Where the last group of brackets begins that is made of numbers only. */
static size_t bracket(struct c2_str text)
{
    size_t at = text.n;

    if (at == 0 || text.p[at - 1] != ']') return text.n;
    for (at--; at > 0 && strchr("0123456789:, .", text.p[at - 1]);)
        at--;
    return at > 0 && text.p[at - 1] == '[' ? at - 1 : text.n;
}

/* Start and end (exclusive) become start and last; then those of all axes: first starts, then lasts. */
static bool parse_part(struct c2_str text, bool *points, hsize_t *numbers, size_t *n)
{
    struct c2_str rest = {text.p + 1, text.n - 2}, axis, from, to;
    int64_t first[C2_H5_DIM_MAX], last[C2_H5_DIM_MAX];
    size_t ndim = 0;

    *points = !memchr(text.p, ':', text.n);
    while (!c2_str_empty(rest)) {
        c2_str_cut(rest, ',', &axis, &rest);
        c2_str_cut(c2_str_trim(axis), ':', &from, &to);
        if (ndim == C2_H5_DIM_MAX || !c2_str_to_i64(from, &first[ndim]) || first[ndim] < 0) return false;
        last[ndim] = first[ndim];
        if (!*points && (!c2_str_to_i64(to, &last[ndim]) || --last[ndim] < first[ndim])) return false;
        ndim++;
    }
    if (ndim == 0 || *n + 2 * ndim > NUMBERS_MAX) return false;
    for (size_t i = 0; i < ndim; i++)
        numbers[(*n)++] = (hsize_t)first[i];
    for (size_t i = 0; i < ndim && !*points; i++)
        numbers[(*n)++] = (hsize_t)last[i];
    return true;
}

bool c2_rebuild_region(struct c2_h5w *w, struct c2_str text, uint8_t *out, struct cat2_error *err)
{
    struct c2_str path = text, part;
    C2_AUTO(c2_buf) name = C2_BUF_INIT(65536);
    bool points = false;
    size_t n = 0, at;

    if (text.n == 0) return true;
    while ((at = bracket(path)) < path.n)
        path.n = at;
    if (!cstr(path, &name, err)) return false;
    struct c2_str rest = {text.p + path.n, text.n - path.n};
    if (c2_str_is(rest, "[...]") || c2_str_is(rest, "[]"))
        return refer(w, c2_buf_cstr(&name), false, NULL, 0, rest.n > 2 ? "all" : "none", out, err);
    hsize_t *numbers = calloc(NUMBERS_MAX, sizeof(*numbers));
    bool ok = numbers && rest.n > 0;
    while (ok && rest.n > 0) {
        const char *end = memchr(rest.p, ']', rest.n);
        part = (struct c2_str){rest.p, (size_t)(end - rest.p) + 1};
        rest = (struct c2_str){end + 1, rest.n - part.n};
        ok = parse_part(part, &points, numbers, &n);
    }
    ok = ok ? refer(w, c2_buf_cstr(&name), points, numbers, n, NULL, out, err)
            : c2_fail(err, CAT2_EDATA, "%.*s is no region", (int)c2_min_i64((int64_t)text.n, 120), text.p);
    free(numbers);
    return ok;
}
