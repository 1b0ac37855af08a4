/* SPDX-License-Identifier: BSD-3-Clause */
/* Projections and curves of every dtype against a loop over the items of each number; what is sampled. */
#include "reduce/reduce_testing.h"

#include "base/endian.h"
#include "reduce/plane.h"
#include "reduce/project.h"

/* The number of a cell, from the definition. */
struct cell {
    double real;
    int64_t wide, n;
};

static bool is_of(const struct c2_projection *p, int which, int64_t at, int64_t cell)
{
    return p->along[which].axis < 0 || at / p->along[which].factor == cell;
}

static struct cell look(const struct array *a, const struct c2_bound *bound, const struct c2_projection *p,
                        int64_t x, int64_t y)
{
    struct cell c = {0};
    int64_t at[C2_DIM_MAX] = {0};

    for (int64_t k = 0; k < bound->nitems; k++) {
        int64_t left = k;
        for (int i = bound->ndim - 1; i >= 0; left /= bound->axes[i].count, i--)
            at[i] = left % bound->axes[i].count;
        if (!is_of(p, 0, at[p->along[0].axis], x) ||
            (p->along[1].axis >= 0 && !is_of(p, 1, at[p->along[1].axis], y)))
            continue;
        const struct number *item = &a->numbers[index_at(a, bound, at)];
        if (isnan(item->real)) continue;
        bool more = p->sums.wide ? item->wide > c.wide : item->real > c.real;
        if (p->sums.agg == C2_AGG_MEAN)
            c.real += item->real;
        else if (c.n == 0 || more == (p->sums.agg == C2_AGG_MAX))
            c = (struct cell){item->real, item->wide, c.n};
        c.n++;
    }
    if (p->sums.agg == C2_AGG_MEAN && c.n) c.real /= (double)c.n;
    return c;
}

/* A float as it was sent. */
static double sent(const char *type, const uint8_t *p)
{
    float v4;
    double v = 0;

    memcpy(&v4, p, 4);
    if (type[2] == '8') memcpy(&v, p, 8);
    return type[2] == '4' ? (double)v4 : v;
}

static void check_cell(const struct array *a, const struct c2_projection *p, const struct cell *want,
                       const char *type, const uint8_t *got, const char *what)
{
    uint8_t exact[8];

    if (p->sums.agg == C2_AGG_MEAN || (type[1] == 'f' && want->n == 0)) {
        double v = sent(type, got), right = want->n ? want->real : (double)NAN;
        double off = (type[2] == '8' ? 1e-12 : 1e-6) * fabs(right) + 1e-9;
        if (!(fabs(v - right) <= off) && !(isnan(v) && isnan(right)))
            fail_msg("%s: %g, not %g", what, v, right);
        return;
    }
    if (p->sums.wide)
        c2_num_store_i64(&a->num, &want->wide, 1, exact);
    else
        c2_num_store(&a->num, &want->real, 1, exact);
    if (memcmp(got, exact, (size_t)(type[2] - '0')) != 0) fail_msg("%s: not the right number", what);
}

static void check(const struct array *a, int x, int y, const char *slice, enum c2_agg agg, int64_t factor)
{
    struct c2_selectable ds = {&a->meta, {0}};
    C2_AUTO(c2_projection)
    p = {.sums = {.num = a->num, .agg = agg}, .along = {{x, 1, factor}, {y, 1, factor}}};
    C2_AUTO(c2_buf) out = C2_BUF_INIT(1 << 20);
    struct c2_bound bound = bind(&a->meta.grid, slice);
    struct cat2_error err = {0};
    char what[200], type[8];

    snprintf(what, sizeof(what), "%c%d %d,%d [%s] %s by %lld", a->num.kind, a->num.size, x, y, slice,
             c2_agg_name(agg), (long long)factor);
    if (!c2_projection_plan(&p, &ds, &bound, &err)) fail_msg("%s: %s", what, err.message);
    assert_false(p.approx);
    visit_all(a, &p.bound, c2_projection_take, &p);
    c2_projection_spread(&p);
    assert_true(c2_sums_encode(&p.sums, &out, &err));
    c2_sums_typestr(&p.sums, type);
    int64_t size = type[2] - '0';
    assert_int_equal(p.sums.w, c2_div_ceil(bound.axes[x].count, factor));
    assert_int_equal(p.sums.h, y < 0 ? 1 : c2_div_ceil(bound.axes[y].count, factor));
    assert_int_equal(out.n, p.sums.w * p.sums.h * size);
    for (int64_t i = 0; i < p.sums.w * p.sums.h; i++) {
        struct cell want = look(a, &bound, &p, i % p.sums.w, i / p.sums.w);
        check_cell(a, &p, &want, type, out.p + i * size, what);
    }
}

static void every_number_is_of_all_items_over_the_other_axes(void **state)
{
    static const struct {
        int x, y;
        const char *slice;
    } cuts[] = {{2, 1, ""},          {1, 2, "1:4,:,:"},     {0, 2, "::-1,3:9,::-2"}, {0, 1, ":,9:4:-3,2:7"},
                {2, 1, "-1,2:9,4:"}, {0, -1, ":,2:9,3:11"}, {2, -1, "::2,4,:"},      {1, -1, ""},
                {2, 0, ":,0,9:10"},  {2, 1, "1,5:5,:"},     {0, -1, "2:3,:,:"}};
    static const int64_t shape[] = {5, 11, 13}, factors[] = {1, 2, 7};

    for (size_t t = 0; t < C2_ARRAY_LEN(number_types); t++) {
        struct array a;
        array_make(&a, number_types[t], shape, 3, true);
        for (size_t v = 0; v < C2_ARRAY_LEN(cuts); v++)
            for (int agg = C2_AGG_MEAN; agg <= C2_AGG_MIN; agg++)
                for (size_t f = 0; f < C2_ARRAY_LEN(factors); f++)
                    check(&a, cuts[v].x, cuts[v].y, cuts[v].slice, (enum c2_agg)agg, factors[f]);
        array_fini(&a);
    }
}

struct both {
    struct c2_plane *plane;
    struct c2_projection *p;
};

static bool take_both(void *ctx, const struct c2_box *box, struct cat2_error *err)
{
    struct both *both = ctx;

    return c2_plane_take(both->plane, box, err) && c2_projection_take(both->p, box, err);
}

/* Means too, to the last bit. */
static void a_projection_over_one_item_is_the_plane(void **state)
{
    static const int64_t shape[] = {37, 41};
    struct cat2_error err = {0};

    for (size_t t = 0; t < C2_ARRAY_LEN(number_types); t++)
        for (int agg = C2_AGG_MEAN; agg <= C2_AGG_MIN; agg++) {
            struct array a;
            array_make(&a, number_types[t], shape, 2, true);
            struct c2_sums sums = {.num = a.num, .agg = (enum c2_agg)agg};
            C2_AUTO(c2_plane) plane = {.sums = sums, .axes = {1, 0}, .factor = 7};
            C2_AUTO(c2_projection) p = {.sums = sums, .along = {{1, 1, 7}, {0, 1, 7}}};
            struct c2_selectable ds = {&a.meta, {0}};
            struct c2_bound bound = bind(&a.meta.grid, "");
            assert_true(c2_plane_plan(&plane, &ds, &bound, &err) &&
                        c2_projection_plan(&p, &ds, &bound, &err));
            visit_all(&a, &bound, take_both, &(struct both){&plane, &p});
            assert_int_equal(p.sums.w * p.sums.h, 36);
            for (int64_t i = 0; i < 36; i++) {
                double v = c2_sums_value(&plane.sums, i), got = c2_sums_value(&p.sums, i);
                if (memcmp(&v, &got, sizeof(v)) != 0)
                    fail_msg("%s: %.17g, not %.17g", number_types[t], got, v);
            }
            array_fini(&a);
        }
}

static struct c2_projection of_bytes(int x, int y, int64_t factor)
{
    return (struct c2_projection){
        .sums = {.num = {.kind = 'u', .size = 2, .itemsize = 2, .out_kind = 'u', .out_size = 2},
                 .agg = C2_AGG_MEAN},
        .along = {{x, 1, factor}, {y, 1, factor}},
    };
}

static void too_much_is_sampled_within_the_bound(void **state)
{
    static const int64_t shape[] = {64, 32768, 32768};
    static const struct {
        int x, y;
        int64_t factor;
        const char *slice;
        enum c2_chunk_kind kind;
        bool approx;
    } cases[] = {{2, 1, 64, "", C2_CHUNK_STORED, true},         {0, -1, 4, "", C2_CHUNK_STORED, true},
                 {2, 1, 64, "", C2_CHUNK_ZERO, false},          {2, 1, 1, ":,:8,:8", C2_CHUNK_STORED, false},
                 {0, -1, 1, ":,:9,:9", C2_CHUNK_STORED, false}, {1, 0, 1, ":,:256,:", C2_CHUNK_ABSENT, true}};

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct c2_meta meta;
        enum c2_chunk_kind kind = cases[i].kind;
        struct c2_selectable ds = huge(&meta, &kind, shape, 3, 2);
        struct c2_bound bound = bind(&meta.grid, cases[i].slice);
        C2_AUTO(c2_projection) p = of_bytes(cases[i].x, cases[i].y, cases[i].factor);
        struct cat2_error err = {0};
        assert_true(c2_projection_plan(&p, &ds, &bound, &err));
        if (p.approx != cases[i].approx) fail_msg("case %zu: approx is %d", i, p.approx);
        assert_true(c2_walk_cost(&ds, &p.bound) <= C2_REDUCE_NBYTES_MAX);
        assert_int_equal(p.sums.w, c2_div_ceil(bound.axes[cases[i].x].count, cases[i].factor));
    }
}

/* A sample of a plane with the number of its row and column in each item: numbers are those before them. */
static void a_sample_serves_the_numbers_after_it(void **state)
{
    static const int64_t shape[] = {2, 40, 60};
    C2_AUTO(c2_projection) p = of_bytes(2, 1, 1);
    C2_AUTO(c2_buf) out = C2_BUF_INIT(1 << 20);
    enum c2_chunk_kind kind = C2_CHUNK_STORED;
    struct c2_meta meta;
    struct c2_selectable ds = huge(&meta, &kind, shape, 3, 2);
    struct c2_bound bound = bind(&meta.grid, "");
    struct cat2_error err = {0};
    float v;

    assert_true(c2_projection_plan(&p, &ds, &bound, &err));
    p.along[0].step = 4; /* as if every fourth column and every second row were read */
    p.along[1].step = 2;
    p.approx = true;
    for (int64_t row = 0; row < 20; row++)
        for (int64_t column = 0; column < 15; column++) {
            uint16_t item = (uint16_t)(100 * (2 * row) + 4 * column);
            struct c2_box box = {(const uint8_t *)&item, column % 2, 3, {0, row, column}, {1, 1, 1}, 1};
            assert_true(c2_projection_take(&p, &box, &err));
        }
    c2_projection_spread(&p);
    assert_true(c2_sums_encode(&p.sums, &out, &err));
    for (int64_t i = 0; i < 40 * 60; i++) {
        memcpy(&v, out.p + 4 * i, 4);
        assert_int_equal((int)v, 100 * (i / 60 / 2 * 2) + i % 60 / 4 * 4);
    }
}

/* Zeros that are nowhere stored are not looped over. */
static void many_items_of_one_value_cost_no_time(void **state)
{
    static const int64_t shape[] = {8, 1 << 20, 1 << 20};
    struct cat2_error err = {0};
    enum c2_chunk_kind kind = C2_CHUNK_ZERO;
    struct c2_meta meta;
    C2_AUTO(c2_buf) out = C2_BUF_INIT(1 << 20);
    struct c2_selectable ds = huge(&meta, &kind, shape, 3, 2);
    C2_AUTO(c2_projection) p = of_bytes(1, -1, 1 << 10);
    struct c2_bound bound = bind(&meta.grid, ":,:,:1000");
    uint16_t item = 7;
    double v = 0;

    assert_true(c2_projection_plan(&p, &ds, &bound, &err));
    p.bound = bind(&meta.grid, "");
    struct c2_box box = {(const uint8_t *)&item, true, 3, {0, 0, 0}, {8, 1 << 20, 1 << 20}, INT64_C(1) << 43};
    assert_true(c2_projection_take(&p, &box, &err));
    c2_projection_spread(&p);
    assert_true(c2_sums_encode(&p.sums, &out, &err));
    assert_int_equal(p.sums.w, 1 << 10);
    memcpy(&v, out.p + 8 * 1023, 8);
    assert_true(v == 7 && p.sums.counts[0] == 0x1p33);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_is_of_all_items_over_the_other_axes),
        cmocka_unit_test(a_projection_over_one_item_is_the_plane),
        cmocka_unit_test(too_much_is_sampled_within_the_bound),
        cmocka_unit_test(a_sample_serves_the_numbers_after_it),
        cmocka_unit_test(many_items_of_one_value_cost_no_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
