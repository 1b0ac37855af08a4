/* SPDX-License-Identifier: BSD-3-Clause */
/* Which plane of an array, and which part of it a tile is. */
#include <inttypes.h>

#include "reduce/plane.h"

static bool read_axis(struct c2_str text, int ndim, int *out)
{
    int64_t v;

    if (!c2_str_to_i64(c2_str_trim(text), &v) || v < -ndim || v >= ndim) return false;
    *out = (int)(v < 0 ? v + ndim : v);
    return true;
}

bool c2_plane_axes_parse(struct c2_str text, int ndim, struct c2_plane_axes *out, struct cat2_error *err)
{
    struct c2_str x, y;

    if (ndim < 2) return c2_fail(err, CAT2_EINVAL, "a plane needs two axes, the dataset has %d", ndim);
    *out = (struct c2_plane_axes){ndim - 1, ndim - 2};
    if (text.n == 0) return true;
    if (!c2_str_cut(text, ',', &x, &y) || !read_axis(x, ndim, &out->x) || !read_axis(y, ndim, &out->y) ||
        out->x == out->y)
        return c2_fail(err, CAT2_EINVAL, "axes are two different numbers X,Y of the dataset's %d axes", ndim);
    return true;
}

bool c2_plane_bind(const struct c2_grid *grid, const struct c2_plane_axes *axes, struct c2_str at,
                   struct c2_bound *out, struct cat2_error *err)
{
    struct c2_slice slice = {.nsels = grid->ndim};

    for (int i = 0; i < grid->ndim; i++)
        slice.sels[i].kind = i == axes->x || i == axes->y ? C2_SEL_RANGE : C2_SEL_INDEX;
    if (at.n && !c2_slice_parse(at, &slice, err)) return false;
    if (!c2_slice_bind(&slice, grid->shape, grid->ndim, out, err)) return false;
    for (int i = 0; i < grid->ndim; i++) {
        bool shown = i == axes->x || i == axes->y;
        if (shown == out->axes[i].dropped)
            return c2_fail(err, CAT2_EINVAL, "axis %d is %s, but the slice has %s there", i,
                           shown ? "shown" : "not shown", shown ? "an integer" : "a range");
    }
    return true;
}

static bool cut_tile(struct c2_bound *bound, int axis, int64_t side, int64_t n)
{
    int64_t first;

    if (n < 0 || !c2_mul_i64(side, n, &first) || first >= bound->axes[axis].count) return false;
    *bound = c2_bound_part(bound, axis, first, c2_min_i64(side, bound->axes[axis].count - first));
    return true;
}

bool c2_plane_tile(struct c2_bound *bound, const struct c2_plane_axes *axes, int z, int64_t x, int64_t y,
                   struct cat2_error *err)
{
    int64_t side = (int64_t)C2_TILE_SIDE << z;

    if (cut_tile(bound, axes->x, side, x) && cut_tile(bound, axes->y, side, y)) return true;
    return c2_fail(err, CAT2_ENOTFOUND, "there is no tile x=%" PRId64 " y=%" PRId64 " at level %d", x, y, z);
}
