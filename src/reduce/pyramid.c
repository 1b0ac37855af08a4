/* SPDX-License-Identifier: BSD-3-Clause */
/* Tiles made of tiles. */
#include "reduce/pyramid.h"

#include <inttypes.h>
#include <stdio.h>

#define TEXELS (C2_TILE_SIDE * C2_TILE_SIDE)
_Static_assert(C2_LEVELS_TILE_NBYTES == TEXELS * (sizeof(double) + sizeof(double)), "a value and a count");

static int64_t side_of(int z)
{
    return (int64_t)C2_TILE_SIDE << z;
}

/* Number the tiles of levels z_min to the top; false: too many. */
static bool number(struct c2_pyramid *p, int64_t most)
{
    int64_t n = 0, tiles, all;

    for (int z = p->z_min; z <= p->z_top; z++) {
        p->first[z] = n;
        p->across[z] = c2_div_ceil(p->columns, side_of(z));
        if (!c2_mul_i64(p->across[z], c2_div_ceil(p->rows, side_of(z)), &tiles) || !c2_add_i64(n, tiles, &n))
            return false;
    }
    p->per_plane = n;
    return c2_mul_i64(n, p->nplanes, &all) && all <= most;
}

bool c2_pyramid_of(const struct c2_grid *grid, const struct c2_plane_axes *axes, int64_t most,
                   struct c2_pyramid *out)
{
    *out = (struct c2_pyramid){.rows = grid->shape[axes->y], .columns = grid->shape[axes->x], .nplanes = 1};
    for (int i = 0; i < grid->ndim; i++)
        if (i != axes->x && i != axes->y && !c2_mul_i64(out->nplanes, grid->shape[i], &out->nplanes))
            return false;
    if (out->rows == 0 || out->columns == 0 || out->nplanes == 0) return false;
    while (out->z_top < C2_TILE_Z_MAX && side_of(out->z_top) < c2_max_i64(out->rows, out->columns))
        out->z_top++;
    for (out->z_min = C2_LEVELS_Z_MIN; out->z_min <= out->z_top; out->z_min++)
        if (number(out, most)) return true;
    return false;
}

int64_t c2_pyramid_plane(const struct c2_pyramid *p, const struct c2_grid *grid,
                         const struct c2_plane_axes *axes, const struct c2_bound *bound)
{
    int64_t n = 0;

    for (int i = 0; i < grid->ndim; i++) {
        const struct c2_axis_sel *sel = &bound->axes[i];
        bool shown = i == axes->x || i == axes->y;
        if (shown && (sel->start != 0 || sel->step != 1 || sel->count != grid->shape[i])) return -1;
        if (!shown && sel->count != 1) return -1;
        if (!shown) n = n * grid->shape[i] + sel->start;
    }
    C2_ASSERT(n >= 0 && n < p->nplanes);
    return n;
}

int64_t c2_pyramid_tile(const struct c2_pyramid *p, int64_t plane, const struct c2_tile_at *at)
{
    if (plane < 0 || at->z < p->z_min || at->z > p->z_top) return -1;
    C2_ASSERT(at->x < p->across[at->z]);
    return plane * p->per_plane + p->first[at->z] + at->y * p->across[at->z] + at->x;
}

/* What changes a sum and is not in the name would mix sums: whoever adds a member to c2_num looks here. */
_Static_assert(sizeof(struct c2_num) == 144, "all that tells numbers apart is in the name");

void c2_pyramid_name(const struct c2_plane *plane, char out[C2_PYRAMID_NAME_MAX])
{
    const struct c2_num *num = &plane->sums.num;
    size_t room = C2_PYRAMID_NAME_MAX;
    int n = snprintf(out, room, "%d-%d-%s-%c%d%s-%d-%" PRId64, plane->axes.x, plane->axes.y,
                     c2_agg_name(plane->sums.agg), num->kind, num->size, num->swapped ? "s" : "",
                     (int)num->part, num->offset);

    for (int i = 0; i < num->nfills; i++) {
        const struct c2_fill *fill = &num->fill[i];
        bool whole = fill->whole && num->size == 8 && num->kind != 'f';
        uint64_t bits = fill->bits;
        if (!whole) memcpy(&bits, &fill->real, sizeof(bits));
        n += snprintf(out + n, room - (size_t)n, "-%s%016" PRIx64, whole ? "i" : "", bits);
    }
}

/* ---- sums ---- */

void c2_plane_fold(struct c2_plane *above, const struct c2_tile_at *where, const struct c2_plane *tile,
                   const struct c2_tile_at *at)
{
    int up = where->z - at->z;
    int64_t x0 = at->x * C2_TILE_SIDE - (where->x * C2_TILE_SIDE << up);
    int64_t y0 = at->y * C2_TILE_SIDE - (where->y * C2_TILE_SIDE << up);
    int64_t step =
        above->sums.agg == C2_AGG_NEAREST ? (int64_t)1 << up : 1; /* the first item of each is it */

    C2_ASSERT(up >= 0 && x0 >= 0 && y0 >= 0);
    for (int64_t y = c2_div_ceil(y0, step) * step - y0; y < tile->sums.h; y += step)
        for (int64_t x = c2_div_ceil(x0, step) * step - x0; x < tile->sums.w; x += step) {
            int64_t from = y * tile->sums.w + x, to = ((y0 + y) >> up) * above->sums.w + ((x0 + x) >> up);
            c2_sums_add(&above->sums, to, &tile->sums, from);
        }
}

static void *values_of(const struct c2_plane *plane)
{
    return plane->sums.wide ? (void *)plane->sums.wide : (void *)plane->sums.real;
}

void c2_plane_save(const struct c2_plane *plane, uint8_t *out)
{
    size_t nbytes = (size_t)(plane->sums.w * plane->sums.h) * sizeof(double);

    C2_ASSERT(plane->sums.w <= C2_TILE_SIDE && plane->sums.h <= C2_TILE_SIDE);
    memset(out, 0, C2_LEVELS_TILE_NBYTES);
    memcpy(out, values_of(plane), nbytes);
    memcpy(out + C2_LEVELS_TILE_NBYTES / 2, plane->sums.counts, nbytes);
}

void c2_plane_restore(struct c2_plane *plane, const uint8_t *from)
{
    size_t nbytes = (size_t)(plane->sums.w * plane->sums.h) * sizeof(double);

    memcpy(values_of(plane), from, nbytes);
    memcpy(plane->sums.counts, from + C2_LEVELS_TILE_NBYTES / 2, nbytes);
}
