/* SPDX-License-Identifier: BSD-3-Clause */
/* Planes of every dtype against a loop over the items of each texel; tiles; what is sampled. */
#include "reduce/reduce_testing.h"

#include "base/endian.h"
#include "reduce/plane.h"

/* A texel: v of n numbers. */
struct texel {
    double v;
    int64_t wide;
    int64_t n;
};

static void add(struct texel *t, enum c2_agg agg, bool wide, const struct number *item)
{
    bool first = t->n == 0;

    if (agg == C2_AGG_NEAREST && !first) return;
    if (agg != C2_AGG_NEAREST && isnan(item->real)) return;
    t->n++;
    bool more = wide ? item->wide > t->wide : item->real > t->v;
    bool less = wide ? item->wide < t->wide : item->real < t->v;
    if (agg == C2_AGG_MEAN)
        t->v += item->real;
    else if (first || agg == C2_AGG_NEAREST || (agg == C2_AGG_MAX && more) || (agg == C2_AGG_MIN && less))
        *t = (struct texel){item->real, item->wide, t->n};
}

/* Texel x, y of a plane, from the definition. */
static struct texel look(const struct array *a, const struct c2_bound *bound, const struct c2_plane *p,
                         int64_t x, int64_t y, enum c2_agg agg)
{
    struct texel t = {0};
    int64_t at[C2_DIM_MAX] = {0};
    int64_t width = bound->axes[p->axes.x].count, height = bound->axes[p->axes.y].count;

    for (int64_t j = y * p->factor; j < c2_min_i64(height, (y + 1) * p->factor); j++)
        for (int64_t i = x * p->factor; i < c2_min_i64(width, (x + 1) * p->factor); i++) {
            at[p->axes.x] = i;
            at[p->axes.y] = j;
            add(&t, agg, a->num.wide, &a->numbers[index_at(a, bound, at)]);
        }
    if (agg == C2_AGG_MEAN && t.n) t.v /= (double)t.n;
    return t;
}

/* A number as it was sent. */
static double sent(const char *type, const uint8_t *p)
{
    uint8_t bytes[16] = {0};
    float v4;
    double v;
    uint64_t u;

    memcpy(bytes, p, (size_t)(type[2] - '0'));
    memcpy(&v4, bytes, 4);
    memcpy(&v, bytes, 8);
    memcpy(&u, bytes, 8);
    if (type[1] == 'f') return type[2] == '4' ? (double)v4 : v;
    if (type[1] == 'u') return (double)u;
    int unused = 64 - 8 * (type[2] - '0');
    return (double)((int64_t)(u << unused) / ((int64_t)1 << (unused ? unused : 0)));
}

static void check_texel(const struct c2_plane *p, int64_t cell, const struct texel *want, const uint8_t *out,
                        const char *what)
{
    char type[8];

    c2_sums_typestr(&p->sums, type);
    const uint8_t *at = out + cell * (type[2] - '0');
    double got = sent(type, at), v = want->n ? want->v : (double)NAN;
    if (p->sums.num.wide && p->sums.agg != C2_AGG_MEAN) {
        uint64_t bits = (uint64_t)want->wide ^ (p->sums.num.kind == 'u' ? TOP : 0);
        if (c2_le64(at) != bits) fail_msg("%s: texel %lld is wrong", what, (long long)cell);
        return;
    }
    double off = fabs(got - v), bound = p->sums.agg == C2_AGG_MEAN ? 1e-6 * fabs(v) + 1e-9 : 0;
    if (!(off <= bound) && !(isnan(got) && isnan(v)))
        fail_msg("%s: texel %lld is %g, not %g", what, (long long)cell, got, v);
}

static void check_plane(const struct array *a, struct c2_plane_axes axes, const char *at, enum c2_agg agg,
                        int64_t factor)
{
    struct c2_selectable ds = {&a->meta, {0}};
    C2_AUTO(c2_plane) p = {.sums = {.num = a->num, .agg = agg}, .axes = axes, .factor = factor};
    C2_AUTO(c2_buf) out = C2_BUF_INIT(1 << 20);
    struct c2_bound bound;
    struct cat2_error err = {0};
    char what[200], type[8];

    snprintf(what, sizeof(what), "%c%d %d,%d [%s] %s by %lld", a->num.kind, a->num.size, axes.x, axes.y, at,
             c2_agg_name(agg), (long long)factor);
    if (!c2_plane_bind(&a->meta.grid, &axes, c2_str_of(at), &bound, &err) ||
        !c2_plane_plan(&p, &ds, &bound, &err))
        fail_msg("%s: %s", what, err.message);
    assert_false(p.approx);
    visit_all(a, &p.bound, c2_plane_take, &p);
    assert_true(c2_sums_encode(&p.sums, &out, &err));
    c2_sums_typestr(&p.sums, type);
    assert_int_equal(p.sums.w, c2_div_ceil(bound.axes[axes.x].count, factor));
    assert_int_equal(p.sums.h, c2_div_ceil(bound.axes[axes.y].count, factor));
    assert_int_equal(out.n, p.sums.w * p.sums.h * (type[2] - '0'));
    for (int64_t cell = 0; cell < p.sums.w * p.sums.h; cell++) {
        struct texel want =
            look(a, &bound, &p, cell % p.sums.w, cell / p.sums.w, factor == 1 ? C2_AGG_NEAREST : agg);
        check_texel(&p, cell, &want, out.p, what);
    }
}

static void every_dtype_is_reduced_as_the_definition_says(void **state)
{
    static const struct {
        struct c2_plane_axes axes;
        const char *at;
    } cuts[] = {
        {{2, 1}, ""},           {{1, 2}, "3,:,:"},    {{2, 0}, "::-1,7,::-2"}, {{0, 1}, ":,30:4:-3,5"},
        {{2, 1}, "-1,5:30,4:"}, {{0, 2}, ":,0,9:10"}, {{2, 1}, "1,5:5,:"}};
    static const int64_t shape[] = {5, 37, 41}, factors[] = {1, 2, 4, 8, 64, 3};

    for (size_t t = 0; t < C2_ARRAY_LEN(number_types); t++) {
        struct array a;
        array_make(&a, number_types[t], shape, 3, true);
        for (size_t v = 0; v < C2_ARRAY_LEN(cuts); v++)
            for (int agg = C2_AGG_MEAN; agg <= C2_AGG_NEAREST; agg++)
                for (size_t f = 0; f < C2_ARRAY_LEN(factors); f++)
                    check_plane(&a, cuts[v].axes, cuts[v].at, (enum c2_agg)agg, factors[f]);
        array_fini(&a);
    }
}

static void nothing_but_nan_is_nan(void **state)
{
    static const int64_t shape[] = {6, 6};
    static const enum c2_agg aggs[] = {C2_AGG_MEAN, C2_AGG_MAX, C2_AGG_MIN, C2_AGG_NEAREST};
    struct array a;

    array_make(&a, "<f4", shape, 2, false);
    float nan4 = nanf("");
    for (int64_t i = 0; i < 36; i++)
        if (i % 6 < 3) {
            memcpy(a.items + 4 * i, &nan4, 4);
            a.numbers[i].real = (double)nan4;
        }
    for (size_t i = 0; i < C2_ARRAY_LEN(aggs); i++)
        check_plane(&a, (struct c2_plane_axes){1, 0}, "", aggs[i], 3);
    array_fini(&a);
}

static void a_tile_is_cut_at_the_edge(void **state)
{
    static const struct {
        int64_t n;
        int z;
        int64_t tile, first, count; /* count 0: there is none */
    } cases[] = {{256, 0, 0, 0, 256},
                 {256, 0, 1, 0, 0},
                 {257, 0, 1, 256, 1},
                 {1000, 1, 1, 512, 488},
                 {1000, 2, 0, 0, 1000},
                 {1000, 2, 1, 0, 0},
                 {1, 30, 0, 0, 1},
                 {1000, 0, -1, 0, 0},
                 {1000, 30, INT64_MAX, 0, 0},
                 {0, 0, 0, 0, 0},
                 {INT64_C(1) << 40, 30, 3, INT64_C(3) << 38, INT64_C(1) << 38}};
    const struct c2_plane_axes axes = {1, 0};

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct c2_bound bound = {.ndim = 2, .out_ndim = 2};
        struct cat2_error err = {0};
        bound.axes[0] = (struct c2_axis_sel){0, 1, 10, false};
        bound.axes[1] = (struct c2_axis_sel){100, -3, cases[i].n, false};
        bool ok = c2_plane_tile(&bound, &axes, cases[i].z, cases[i].tile, 0, &err);
        assert_int_equal(ok, cases[i].count > 0);
        if (!ok) assert_int_equal(err.code, CAT2_ENOTFOUND);
        if (!ok) continue;
        assert_int_equal(bound.axes[1].count, cases[i].count);
        assert_true(bound.axes[1].start == 100 - 3 * cases[i].first);
        assert_int_equal(bound.axes[0].count, 10);
    }
}

static void axes_are_two_of_the_datasets(void **state)
{
    static const struct {
        const char *text;
        int ndim, x, y; /* x < 0: refused */
    } cases[] = {{"", 3, 2, 1},     {"0,1", 2, 0, 1},   {"-1,0", 4, 3, 0},   {" 1 , -3", 3, 1, 0},
                 {"", 1, -1, 0},    {"1,1", 3, -1, 0},  {"1", 3, -1, 0},     {"1,-2", 3, -1, 0},
                 {"0,3", 3, -1, 0}, {"-4,0", 3, -1, 0}, {"0,1,2", 3, -1, 0}, {"a,b", 3, -1, 0}};

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct c2_plane_axes axes;
        struct cat2_error err = {0};
        bool ok = c2_plane_axes_parse(c2_str_of(cases[i].text), cases[i].ndim, &axes, &err);
        if (ok != (cases[i].x >= 0)) fail_msg("'%s' of %d", cases[i].text, cases[i].ndim);
        if (ok) assert_true(axes.x == cases[i].x && axes.y == cases[i].y);
    }
}

static void too_much_is_sampled_within_the_bound(void **state)
{
    static const int64_t shape[] = {32768, 32768};
    static const struct {
        enum c2_chunk_kind kind;
        int z;
        bool approx;
        enum c2_agg agg;
    } cases[] = {{C2_CHUNK_STORED, 7, true, C2_AGG_NEAREST}, {C2_CHUNK_ABSENT, 7, true, C2_AGG_NEAREST},
                 {C2_CHUNK_STORED, 6, true, C2_AGG_NEAREST}, {C2_CHUNK_STORED, 5, false, C2_AGG_MAX},
                 {C2_CHUNK_ZERO, 7, false, C2_AGG_MAX},      {C2_CHUNK_STORED, 30, true, C2_AGG_NEAREST}};

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct c2_meta meta;
        enum c2_chunk_kind kind = cases[i].kind;
        struct c2_selectable ds = huge(&meta, &kind, shape, 2, 2);
        C2_AUTO(c2_plane) p = {.axes = {1, 0}, .sums.agg = C2_AGG_MAX, .factor = (int64_t)1 << cases[i].z};
        struct cat2_error err = {0};
        struct c2_bound tile = bind(&meta.grid, "");
        p.sums.num = (struct c2_num){.kind = 'u', .size = 2, .itemsize = 2, .out_kind = 'u', .out_size = 2};
        assert_true(c2_plane_tile(&tile, &p.axes, cases[i].z, 0, 0, &err));
        assert_true(c2_plane_plan(&p, &ds, &tile, &err));
        assert_int_equal(p.approx, cases[i].approx);
        assert_int_equal(p.sums.agg, cases[i].agg);
        assert_true(c2_walk_cost(&ds, &p.bound) <= C2_REDUCE_NBYTES_MAX);
        assert_true(p.sums.w == c2_min_i64(256, c2_div_ceil(32768, p.factor)) && p.sums.h == p.sums.w);
    }
}

static uint16_t item_of(int64_t y, int64_t x)
{
    return (uint16_t)(y * 31 + x * 17 + (x >> 9));
}

/* Each texel of a sample is an item of the plane, the first of its neighbourhood. */
static void a_sample_serves_the_texels_around_it(void **state)
{
    static const int64_t shape[] = {32768, 32768};
    enum c2_chunk_kind kind = C2_CHUNK_STORED;
    struct c2_meta meta;
    struct c2_selectable ds = huge(&meta, &kind, shape, 2, 2);
    C2_AUTO(c2_plane) p = {.axes = {1, 0}, .sums.agg = C2_AGG_MEAN, .factor = 128};
    struct c2_bound bound = bind(&meta.grid, "::-1,:");
    struct cat2_error err = {0};
    uint16_t row[256];

    p.sums.num = (struct c2_num){.kind = 'u', .size = 2, .itemsize = 2, .out_kind = 'u', .out_size = 2};
    assert_true(c2_plane_plan(&p, &ds, &bound, &err));
    const struct c2_axis_sel *ys = &p.bound.axes[0], *xs = &p.bound.axes[1];
    assert_true(ys->count * xs->count >= 1024 && xs->count <= 256);
    for (int64_t j = 0; j < ys->count; j++) {
        struct c2_box box = {(const uint8_t *)row, false, 2, {j, 0}, {1, xs->count}, xs->count};
        for (int64_t i = 0; i < xs->count; i++)
            row[i] = item_of(ys->start + j * ys->step, xs->start + i * xs->step);
        assert_true(c2_plane_take(&p, &box, &err));
    }
    assert_true(p.sums.w == 256 && p.sums.h == 256);
    for (int64_t cell = 0; cell < p.sums.w * p.sums.h; cell++) {
        int64_t x = cell % p.sums.w / p.spread[0] * p.spread[0] * 128;
        int64_t y = cell / p.sums.w / p.spread[1] * p.spread[1] * 128;
        assert_true(c2_sums_value(&p.sums, cell) == (double)item_of(32767 - y, x));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_dtype_is_reduced_as_the_definition_says),
                                       cmocka_unit_test(nothing_but_nan_is_nan),
                                       cmocka_unit_test(a_tile_is_cut_at_the_edge),
                                       cmocka_unit_test(axes_are_two_of_the_datasets),
                                       cmocka_unit_test(too_much_is_sampled_within_the_bound),
                                       cmocka_unit_test(a_sample_serves_the_texels_around_it)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
