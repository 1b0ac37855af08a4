/* SPDX-License-Identifier: BSD-3-Clause */
/* Statistics of every dtype against sorted numbers. */
#include "reduce/reduce_testing.h"

#include "reduce/stats.h"

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The finite numbers of a selection, sorted; counts of the others. */
struct sorted {
    double *v, mean, std, positive;
    int64_t n, nan, inf;
};

static struct sorted sort_all(const struct array *a, const struct c2_bound *bound)
{
    struct sorted out = {.v = malloc(((size_t)bound->nitems + 1) * sizeof(double)), .positive = INFINITY};
    int64_t at[C2_DIM_MAX];

    for (int64_t k = 0; k < bound->nitems; k++) {
        int64_t left = k;
        for (int i = bound->ndim - 1; i >= 0; left /= bound->axes[i].count, i--)
            at[i] = left % bound->axes[i].count;
        double v = a->numbers[index_at(a, bound, at)].real;
        if (isfinite(v)) {
            out.v[out.n++] = v;
            out.mean += v;
            if (v > 0 && v < out.positive) out.positive = v;
        } else {
            *(isnan(v) ? &out.nan : &out.inf) += 1;
        }
    }
    qsort(out.v, (size_t)out.n, sizeof(double), compare);
    out.mean /= (double)out.n;
    for (int64_t i = 0; i < out.n; i++)
        out.std += (out.v[i] - out.mean) * (out.v[i] - out.mean);
    out.std = sqrt(out.std / (double)out.n);
    return out;
}

static void expect_near(double got, double want, double part, const char *what)
{
    if (!(fabs(got - want) <= part * fabs(want) + 1e-300)) fail_msg("%s: %.17g, not %.17g", what, got, want);
}

/* As NumPy's histogram of 64 bins, but for what lies on an edge. */
static void check_histogram(const struct c2_stats *stats, const struct sorted *s, const char *what)
{
    uint64_t total = 0;
    double low = s->v[0], width = s->v[s->n - 1] - low;

    for (int b = 0; b < C2_STATS_BINS; b++) {
        uint64_t least = 0, most = 0;
        double from = low + width * (b - 1e-9) / C2_STATS_BINS,
               to = low + width * (b + 1 + 1e-9) / C2_STATS_BINS;
        double inner = low + width * (b + 1e-9) / C2_STATS_BINS,
               upto = low + width * (b + 1 - 1e-9) / C2_STATS_BINS;
        for (int64_t i = 0; i < s->n && width > 0; i++) {
            most += s->v[i] >= from && s->v[i] <= to;
            least += s->v[i] > inner && s->v[i] < upto;
        }
        if (width > 0 && (stats->bins[b] < least || stats->bins[b] > most))
            fail_msg("%s: bin %d holds %llu", what, b, (unsigned long long)stats->bins[b]);
        total += stats->bins[b];
    }
    assert_int_equal(total, s->n);
    if (width <= 0) assert_int_equal(stats->bins[0], s->n);
}

static void check(const struct array *a, const char *text, const char *type)
{
    struct c2_selectable ds = {&a->meta, {0}};
    C2_AUTO(c2_stats) stats = {.num = a->num, .bound = bind(&a->meta.grid, text)};
    struct sorted s = sort_all(a, &stats.bound);
    struct cat2_error err = {0};
    char what[100];

    snprintf(what, sizeof(what), "%s [%s]", type, text);
    assert_true(c2_stats_plan(&stats, &ds, &err));
    assert_false(stats.sampled);
    assert_int_equal(c2_stats_nstages(&stats), 2);
    for (int64_t i = 0; i < 2; i++) {
        struct c2_bound all = c2_stats_stage(&stats, i);
        c2_stats_begin(&stats, i);
        visit_all(a, &all, c2_stats_take, &stats);
    }
    assert_true(stats.finite == s.n && stats.nan == s.nan && stats.inf == s.inf);
    assert_int_equal(stats.looked, stats.bound.nitems);
    if (s.n > 0) {
        assert_true(stats.min == s.v[0] && stats.max == s.v[s.n - 1] && stats.min_positive == s.positive);
        expect_near(c2_stats_mean(&stats), s.mean, 1e-9, what);
        expect_near(stats.m2 / (double)s.n + s.mean * s.mean, s.std * s.std + s.mean * s.mean, 1e-9, what);
        expect_near(c2_stats_percentile(&stats, &stats.low), s.v[(int64_t)(0.01 * (double)(s.n - 1))], 1e-4,
                    what);
        expect_near(c2_stats_percentile(&stats, &stats.high), s.v[(int64_t)(0.99 * (double)(s.n - 1))], 1e-4,
                    what);
        check_histogram(&stats, &s, what);
    }
    free(s.v);
}

static void every_dtype_is_counted_as_the_definition_says(void **state)
{
    static const int64_t shape[] = {7, 40, 30};
    static const char *const texts[] = {"", "::-2,5:,1", "3", "0,0,0", "2:2", "0,0:2,:"};

    for (size_t t = 0; t < C2_ARRAY_LEN(number_types); t++) {
        struct array a;
        array_make(&a, number_types[t], shape, 3, true);
        for (size_t i = 0; i < C2_ARRAY_LEN(texts); i++)
            check(&a, texts[i], number_types[t]);
        array_fini(&a);
    }
}

static void set(struct array *a, int64_t i, double v)
{
    memcpy(a->items + 8 * i, &v, 8);
    a->numbers[i].real = v;
}

/* Plan, and see all items in both stages. */
static void take_all(struct c2_stats *stats, const struct array *a)
{
    struct c2_selectable ds = {&a->meta, {0}};
    struct cat2_error err;

    assert_true(c2_stats_plan(stats, &ds, &err));
    for (int64_t stage = 0; stage < 2; stage++) {
        c2_stats_begin(stats, stage);
        visit_all(a, &stats->bound, c2_stats_take, stats);
    }
}

static void extremes_of_doubles_are_no_trouble(void **state)
{
    static const int64_t shape[] = {5000};
    static const double values[] = {INFINITY, -INFINITY, NAN, 1.7e308, -1.7e308, 5e-324, -5e-324, 0, -0.0};
    struct array a;

    for (size_t kinds = 1; kinds <= C2_ARRAY_LEN(values); kinds++) { /* the first: nothing finite */
        array_make(&a, "<f8", shape, 1, false);
        for (int64_t i = 0; i < a.n; i++)
            set(&a, i, values[(size_t)random_below((int64_t)kinds)]);
        C2_AUTO(c2_stats) stats = {.num = a.num, .bound = bind(&a.meta.grid, "")};
        struct sorted s = sort_all(&a, &stats.bound);
        uint64_t total = 0;
        take_all(&stats, &a);
        assert_true(stats.finite == s.n && stats.nan == s.nan && stats.inf == s.inf);
        for (int b = 0; b < C2_STATS_BINS; b++)
            total += stats.bins[b];
        assert_int_equal(total, s.n);
        if (s.n) assert_true(stats.min == s.v[0] && stats.max == s.v[s.n - 1]);
        if (s.n) expect_near(c2_stats_percentile(&stats, &stats.low), s.v[(s.n - 1) / 100], 1e-4, "low");
        free(s.v);
        array_fini(&a);
    }
}

/* Whichever zero is seen first is the least, and -0.0 comes before 0.0 in order. */
static void zeros_of_both_signs_are_in_order(void **state)
{
    static const int64_t shape[] = {5000};

    for (int turn = 0; turn < 30; turn++) {
        struct array a;
        array_make(&a, "<f8", shape, 1, false);
        for (int64_t i = 0; i < a.n; i++)
            set(&a, i, i > 100 ? 1 : i % 3 ? -0.0 : 0.0);
        C2_AUTO(c2_stats) stats = {.num = a.num, .bound = bind(&a.meta.grid, "")};
        take_all(&stats, &a);
        assert_true(c2_stats_percentile(&stats, &stats.low) == 0);
        assert_true(c2_stats_percentile(&stats, &stats.high) == 1);
        array_fini(&a);
    }
}

static void expect_json(struct c2_stats *stats, const char *part)
{
    C2_AUTO(c2_buf) out = C2_BUF_INIT(1 << 20);
    struct cat2_error err;

    assert_true(c2_stats_json(stats, &out, &err));
    if (!strstr(c2_buf_cstr(&out), part)) fail_msg("%s", c2_buf_cstr(&out));
}

static void json_holds_no_nan_and_wide_integers_whole(void **state)
{
    static const struct {
        const char *type, *text, *part;
    } cases[] = {{"<f4", "0:0", "\"min\":null,\"max\":null,\"min_positive\":null,\"mean\":null,\"std\":null"},
                 {"<i8", "", "\"max\":9223372036854775807"},
                 {"<i8", "", "\"min\":-9223372036854775808"},
                 {">u8", "", "\"max\":9223372036854775807"},
                 {"|u1", "1:2", "\"fraction\":1"}};
    static const int64_t shape[] = {300};

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct array a;
        array_make(&a, cases[i].type, shape, 1, false);
        for (int64_t k = 0; k < a.n && a.num.wide; k++) {
            bool turned = cases[i].type[0] == '>';
            uint64_t v = k == 7 ? (TOP - 1) : k == 9 && !turned ? TOP : 3;
            put_bytes(a.items + 8 * k, &v, 8, turned);
        }
        C2_AUTO(c2_stats) stats = {.num = a.num, .bound = bind(&a.meta.grid, cases[i].text)};
        take_all(&stats, &a);
        expect_json(&stats, cases[i].part);
        array_fini(&a);
    }
}

static void of_times_nat_is_none_and_dates_are_text(void **state)
{
    static const int64_t shape[] = {300};
    static const struct {
        const char *type, *part;
    } cases[] = {{"<M8[s]", "\"finite\":299,\"nan\":1,\"inf\":0,\"min\":86400,\"max\":86400,"},
                 {">M8[s]", "\"dates\":{\"min\":\"1970-01-02T00:00:00\",\"mean\":\"1970-01-02T00:00:00\","
                            "\"max\":\"1970-01-02T00:00:00\"}"},
                 {"<M8[ns]", "\"mean\":\"1970-01-01T00:00:00.000086400\""},
                 {"<M8[D]", "\"p1\":null,\"p99\":null"},
                 {"<m8[s]", "\"finite\":299,\"nan\":1,\"inf\":0,\"min\":86400,\"max\":86400,"},
                 {"<i8", "\"finite\":300,\"nan\":0,\"inf\":0,\"min\":-9223372036854775808,"}};

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct array a;
        array_make(&a, cases[i].type, shape, 1, false);
        for (int64_t k = 0; k < a.n; k++) {
            uint64_t v = k == 7 ? TOP : 86400;
            put_bytes(a.items + 8 * k, &v, 8, cases[i].type[0] == '>');
        }
        bool is_time = cases[i].type[1] != 'i';
        C2_AUTO(c2_stats)
        stats = {.num = a.num, .bound = bind(&a.meta.grid, ""), .time = is_time ? &a.meta.dtype : NULL};
        take_all(&stats, &a);
        expect_json(&stats, cases[i].part);
        array_fini(&a);
    }
}

/* Differences that doubles of this size do not have. */
static void large_integers_are_counted_by_their_differences(void **state)
{
    static const int64_t shape[] = {300};
    static const char *const types[] = {"<i8", "<u8", ">u8", "<i8"};
    static const uint64_t least[] = {(uint64_t)INT64_MAX - 299, UINT64_MAX - 299, TOP - 150, TOP};

    for (size_t i = 0; i < C2_ARRAY_LEN(types); i++) {
        struct array a;
        array_make(&a, types[i], shape, 1, false);
        for (int64_t k = 0; k < a.n; k++) {
            uint64_t v = least[i] + (uint64_t)(k * 7 % 300);
            put_bytes(a.items + 8 * k, &v, 8, types[i][0] == '>');
        }
        C2_AUTO(c2_stats) stats = {.num = a.num, .bound = bind(&a.meta.grid, "")};
        take_all(&stats, &a);
        expect_near(sqrt(stats.m2 / 300), sqrt((300.0 * 300 - 1) / 12), 1e-12, types[i]);
        for (int b = 0; b < C2_STATS_BINS; b++)
            assert_in_range(stats.bins[b], 4, 5);
        array_fini(&a);
    }
}

static void percentiles_of_close_numbers_differ(void **state)
{
    static const int64_t shape[] = {1000};
    struct array a;

    array_make(&a, "<f8", shape, 1, false);
    for (int64_t i = 0; i < a.n; i++)
        set(&a, i, 1e9 + (double)(i * 7 % 1000));
    C2_AUTO(c2_stats) stats = {.num = a.num, .bound = bind(&a.meta.grid, "")};
    take_all(&stats, &a);
    assert_true(fabs(c2_stats_percentile(&stats, &stats.low) - 1e9 - 10) < 1);
    assert_true(fabs(c2_stats_percentile(&stats, &stats.high) - 1e9 - 989) < 1);
    array_fini(&a);
}

static void too_much_is_sampled_within_the_bound(void **state)
{
    static const int64_t shapes[][2] = {{32768, 32768}, {INT64_C(1) << 31, 1024}, {70000, 70000}};

    for (size_t i = 0; i < C2_ARRAY_LEN(shapes); i++) {
        enum c2_chunk_kind kind = C2_CHUNK_STORED;
        struct c2_meta meta;
        struct c2_selectable ds = huge(&meta, &kind, shapes[i], 2, 4);
        C2_AUTO(c2_stats) stats = {.bound = bind(&meta.grid, "")};
        struct cat2_error err = {0};
        int64_t nbytes = 0, rows = -1;
        stats.num = (struct c2_num){.kind = 'f', .size = 4, .itemsize = 4, .out_kind = 'f', .out_size = 4};
        assert_true(c2_stats_plan(&stats, &ds, &err) && stats.sampled);
        for (int64_t k = 0; k < stats.nsamples; k++) {
            struct c2_bound part = c2_stats_stage(&stats, k);
            nbytes += c2_walk_cost(&ds, &part);
            assert_true(part.axes[0].start > rows || part.axes[1].start > 0);
            rows = part.axes[0].start;
        }
        assert_true(nbytes <= C2_REDUCE_NBYTES_MAX);
        assert_true(rows > shapes[i][0] / 2); /* from all of it */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_dtype_is_counted_as_the_definition_says),
                                       cmocka_unit_test(extremes_of_doubles_are_no_trouble),
                                       cmocka_unit_test(zeros_of_both_signs_are_in_order),
                                       cmocka_unit_test(json_holds_no_nan_and_wide_integers_whole),
                                       cmocka_unit_test(of_times_nat_is_none_and_dates_are_text),
                                       cmocka_unit_test(large_integers_are_counted_by_their_differences),
                                       cmocka_unit_test(percentiles_of_close_numbers_differ),
                                       cmocka_unit_test(too_much_is_sampled_within_the_bound)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
