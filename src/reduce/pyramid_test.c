/* SPDX-License-Identifier: BSD-3-Clause */
/* Tiles made of tiles are those made of items; each tile of a pyramid has a number of its own. */
#include "reduce/reduce_testing.h"

#include "reduce/pyramid.h"

static void reduce(const struct array *a, const struct c2_plane *like, const struct c2_tile_at *at,
                   struct c2_plane *out)
{
    struct c2_selectable ds = {&a->meta, {0}};
    struct c2_bound bound;
    struct cat2_error err = {0};

    *out = (struct c2_plane){.sums.num = like->sums.num, .axes = like->axes, .sums.agg = like->sums.agg};
    out->factor = (int64_t)1 << at->z;
    out->exact = true;
    assert_true(c2_plane_bind(&a->meta.grid, &out->axes, C2_STR(""), &bound, &err));
    assert_true(c2_plane_tile(&bound, &out->axes, at->z, at->x, at->y, &err));
    assert_true(c2_plane_plan(out, &ds, &bound, &err));
    visit_all(a, &out->bound, c2_plane_take, out);
}

/* The tile on top, of all tiles of a level, each of which was kept meanwhile. */
static void fold_all(const struct array *a, const struct c2_plane *like, int z, int top, struct c2_plane *out)
{
    const struct c2_tile_at where = {top, 0, 0};
    int64_t side = (int64_t)C2_TILE_SIDE << z, w = a->meta.grid.shape[like->axes.x],
            h = a->meta.grid.shape[like->axes.y];
    uint8_t *bytes = malloc(C2_LEVELS_TILE_NBYTES);
    struct cat2_error err = {0};

    *out = (struct c2_plane){.sums.num = like->sums.num, .axes = like->axes, .sums.agg = like->sums.agg};
    assert_true(c2_sums_begin(&out->sums, c2_div_ceil(w, (int64_t)1 << top),
                              c2_div_ceil(h, (int64_t)1 << top), &err));
    for (int64_t y = 0; y * side < h; y++)
        for (int64_t x = 0; x * side < w; x++) {
            const struct c2_tile_at at = {z, x, y};
            C2_AUTO(c2_plane) tile, again = {.sums.num = like->sums.num, .sums.agg = like->sums.agg};
            reduce(a, like, &at, &tile);
            c2_plane_save(&tile, bytes);
            assert_true(c2_sums_begin(&again.sums, tile.sums.w, tile.sums.h, &err));
            c2_plane_restore(&again, bytes);
            c2_plane_fold(out, &where, &again, &at);
        }
    free(bytes);
}

static void check(const struct array *a, struct c2_plane_axes axes, enum c2_agg agg, int z, int top)
{
    const struct c2_plane like = {.sums.num = a->num, .axes = axes, .sums.agg = agg};
    const struct c2_tile_at where = {top, 0, 0};
    C2_AUTO(c2_plane) whole, folded;

    reduce(a, &like, &where, &whole);
    fold_all(a, &like, z, top, &folded);
    assert_true(whole.sums.w == folded.sums.w && whole.sums.h == folded.sums.h &&
                !whole.sums.wide == !folded.sums.wide);
    for (int64_t i = 0; i < whole.sums.w * whole.sums.h; i++) {
        double v = c2_sums_value(&whole.sums, i), got = c2_sums_value(&folded.sums, i);
        bool same =
            whole.sums.wide ? whole.sums.wide[i] == folded.sums.wide[i] : fabs(v - got) <= 1e-9 * fabs(v);
        if (!same && !(isnan(v) && isnan(got)))
            fail_msg("%c%d %s level %d of %d: texel %lld is %g, not %g", a->num.kind, a->num.size,
                     c2_agg_name(agg), top, z, (long long)i, got, v);
    }
}

static void a_tile_of_tiles_is_that_of_items(void **state)
{
    static const int64_t shape[] = {2, 530, 1100};
    static const char *const types[] = {"<f4", "<i8", "<u8", "|u1", ">f8", "<c8"};

    for (size_t t = 0; t < C2_ARRAY_LEN(types); t++) {
        struct array a;
        array_make(&a, types[t], shape, 3, true);
        for (int agg = C2_AGG_MEAN; agg <= C2_AGG_NEAREST; agg++) {
            check(&a, (struct c2_plane_axes){2, 1}, (enum c2_agg)agg, 1, 3);
            check(&a, (struct c2_plane_axes){1, 2}, (enum c2_agg)agg, 2, 3);
        }
        array_fini(&a);
    }
}

static void grid_of(struct c2_grid *grid, const int64_t *shape, int ndim)
{
    static const int32_t sides[C2_DIM_MAX] = {64, 64, 64, 64};
    struct cat2_error err = {0};

    assert_true(c2_grid_init(grid, shape, sides, sides, ndim, 4, true, &err));
}

static void every_tile_has_its_number(void **state)
{
    static const int64_t shape[] = {3, 10000, 5000};
    const struct c2_plane_axes axes = {2, 1};
    uint8_t seen[3 * 24] = {0};
    struct c2_pyramid p;
    struct c2_grid grid;

    grid_of(&grid, shape, 3);
    assert_true(c2_pyramid_of(&grid, &axes, 1000, &p));
    assert_true(p.z_min == C2_LEVELS_Z_MIN && p.z_top == 6 && p.nplanes == 3);
    assert_true(p.per_plane == 5 * 3 + 3 * 2 + 2 * 1 + 1);
    for (int64_t plane = 0; plane < 3; plane++)
        for (int z = 3; z <= 6; z++)
            for (int64_t y = 0; y * (256 << z) < 10000; y++)
                for (int64_t x = 0; x * (256 << z) < 5000; x++) {
                    int64_t n = c2_pyramid_tile(&p, plane, &(struct c2_tile_at){z, x, y});
                    assert_true(n >= 0 && n < (int64_t)sizeof(seen) && !seen[n]++);
                }
    assert_true(c2_pyramid_tile(&p, 0, &(struct c2_tile_at){2, 0, 0}) == -1);
    assert_true(c2_pyramid_tile(&p, 0, &(struct c2_tile_at){7, 0, 0}) == -1);
    assert_true(c2_pyramid_tile(&p, -1, &(struct c2_tile_at){3, 0, 0}) == -1);
}

static void planes_are_whole_and_in_order(void **state)
{
    static const int64_t shape[] = {3, 10000, 5000, 4};
    static const struct {
        const char *at;
        int64_t plane;
    } cases[] = {{"0,:,:,0", 0},    {"2,:,:,3", 11},  {"-2,:,:,1", 5},
                 {"0,::2,:,0", -1}, {"0,1:,:,0", -1}, {"0,:,::-1,0", -1}};
    const struct c2_plane_axes axes = {2, 1};
    struct c2_pyramid p;
    struct c2_grid grid;

    grid_of(&grid, shape, 4);
    assert_true(c2_pyramid_of(&grid, &axes, 1000, &p));
    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct c2_bound bound = bind(&grid, cases[i].at);
        assert_true(c2_pyramid_plane(&p, &grid, &axes, &bound) == cases[i].plane);
    }
}

static void small_planes_have_no_levels_and_many_tiles_fewer(void **state)
{
    static const struct {
        int64_t shape[3];
        int z_min; /* 0: none */
    } cases[] = {{{1, 1024, 1024}, 0},  {{1, 2048, 2048}, 3},     {{0, 9999, 9999}, 0},
                 {{1, 0, 9999}, 0},     {{1000, 4096, 4096}, 4},  {{2000, 4096, 4096}, 0},
                 {{1, 1, 1 << 30}, 14}, {{1, 100000, 100000}, 4}, {{1, 2049, 1}, 3}};
    const struct c2_plane_axes axes = {2, 1};

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct c2_pyramid p;
        struct c2_grid grid;
        grid_of(&grid, cases[i].shape, 3);
        bool some = c2_pyramid_of(&grid, &axes, 1000, &p);
        if (some != (cases[i].z_min > 0) || (some && p.z_min != cases[i].z_min))
            fail_msg("case %zu: level %d", i, some ? p.z_min : 0);
        if (some) assert_true(p.per_plane * p.nplanes <= 1000);
    }
}

static void what_is_reduced_otherwise_has_another_name(void **state)
{
    const struct c2_plane plane = {.axes = {1, 0}, .sums.num = {.kind = 'f', .size = 4}};
    struct c2_plane others[] = {plane, plane, plane, plane, plane, plane, plane, plane, plane};
    char name[C2_PYRAMID_NAME_MAX], other[C2_PYRAMID_NAME_MAX];

    others[0].axes.x = 2;
    others[1].sums.agg = C2_AGG_MAX;
    others[2].sums.num.kind = 'i';
    others[3].sums.num.swapped = true;
    others[4].sums.num.part = C2_PART_IM;
    others[5].sums.num.offset = 8;
    others[6].sums.num.nfills = C2_NUM_FILLS_MAX;
    others[7].sums.num.nfills = 1;
    others[7].sums.num.fill[0].real = -1e36;
    others[8].sums.num = (struct c2_num){.kind = 'i', .size = 8, .nfills = C2_NUM_FILLS_MAX};
    for (int i = 0; i < C2_NUM_FILLS_MAX; i++)
        others[8].sums.num.fill[i] = (struct c2_fill){-0x1p63, true, (UINT64_C(1) << 63) + (uint64_t)i};
    c2_pyramid_name(&plane, name);
    assert_string_equal(name, "1-0-mean-f4-0-0");
    for (size_t i = 0; i < C2_ARRAY_LEN(others); i++) {
        c2_pyramid_name(&others[i], other);
        assert_string_not_equal(name, other);
        assert_true(strlen(other) + 1 < sizeof(other));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_tile_of_tiles_is_that_of_items),
                                       cmocka_unit_test(every_tile_has_its_number),
                                       cmocka_unit_test(planes_are_whole_and_in_order),
                                       cmocka_unit_test(small_planes_have_no_levels_and_many_tiles_fewer),
                                       cmocka_unit_test(what_is_reduced_otherwise_has_another_name)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
