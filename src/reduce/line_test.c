/* SPDX-License-Identifier: BSD-3-Clause */
/* Lines of every dtype against a loop over the items of each pixel; what is sampled. */
#include "reduce/reduce_testing.h"

#include "base/endian.h"
#include "reduce/line.h"

static double sent_real(const struct c2_num *num, const uint8_t *p)
{
    float v4;
    double v;

    if (num->out_size == 4) {
        memcpy(&v4, p, 4);
        return (double)v4;
    }
    memcpy(&v, p, 8);
    return v;
}

static void expect(const struct c2_num *num, const uint8_t *at, const struct number *want, const char *what)
{
    if (num->wide) {
        assert_true(c2_le64(at) == ((uint64_t)want->wide ^ (num->kind == 'u' ? TOP : 0)));
    } else if (num->out_kind == 'f') {
        double got = sent_real(num, at);
        if (got != want->real && !(isnan(got) && isnan(want->real)))
            fail_msg("%s: %g, not %g", what, got, want->real);
    } else {
        uint64_t mask = num->out_size == 8 ? UINT64_MAX : ((uint64_t)1 << 8 * num->out_size) - 1, u = 0;
        memcpy(&u, at, (size_t)num->out_size);
        if (u != ((uint64_t)(int64_t)want->real & mask)) fail_msg("%s: %llu", what, (unsigned long long)u);
    }
}

/* Least and greatest of the items [first, end); NaN when there is nothing but NaN. */
static void extremes(const struct array *a, const struct c2_bound *bound, int axis, int64_t first,
                     int64_t end, struct number out[2])
{
    int64_t at[C2_DIM_MAX] = {0};
    bool some = false;

    out[0] = out[1] = (struct number){(double)NAN, 0};
    for (int64_t i = first; i < end; i++) {
        at[axis] = i;
        struct number v = a->numbers[index_at(a, bound, at)];
        if (isnan(v.real)) continue;
        if (!some || (a->num.wide ? v.wide < out[0].wide : v.real < out[0].real)) out[0] = v;
        if (!some || (a->num.wide ? v.wide > out[1].wide : v.real > out[1].real)) out[1] = v;
        some = true;
    }
}

static void check_line(const struct array *a, const char *text, int64_t px)
{
    struct c2_selectable ds = {&a->meta, {0}};
    C2_AUTO(c2_line) line = {.num = a->num, .px = px, .bound = bind(&a->meta.grid, text)};
    C2_AUTO(c2_buf) out = C2_BUF_INIT(1 << 20);
    struct cat2_error err = {0};
    char what[100];
    int size = a->num.out_size;

    snprintf(what, sizeof(what), "%c%d [%s] %lld px", a->num.kind, a->num.size, text, (long long)px);
    if (!c2_line_check(&line, &err) || !c2_line_plan(&line, &ds, &err)) fail_msg("%s: %s", what, err.message);
    assert_int_equal(c2_line_nstages(&line), 1);
    struct c2_bound all = c2_line_stage(&line, 0);
    visit_all(a, &all, c2_line_take, &line);
    assert_true(c2_line_encode(&line, &out, &err));
    assert_int_equal(line.pairs, line.n > 2 * px);
    assert_int_equal(out.n, (line.pairs ? 2 * px : line.n) * size);
    for (int64_t i = 0; i < (line.pairs ? px : line.n); i++) {
        struct number want[2];
        extremes(a, &line.bound, line.axis, line.pairs ? i * line.n / px : i,
                 line.pairs ? (i + 1) * line.n / px : i + 1, want);
        expect(&a->num, out.p + (line.pairs ? 2 * i : i) * size, &want[0], what);
        if (line.pairs) expect(&a->num, out.p + (2 * i + 1) * size, &want[1], what);
    }
}

static void every_dtype_is_reduced_as_the_definition_says(void **state)
{
    static const int64_t shape[] = {3, 9001, 2};
    static const char *const texts[] = {"1,:,0", "2,::-1,1", "0,17:8000:3,1",
                                        ":,5,0", "0,9:9,0",  "0,8:7000,0"};
    static const int64_t px[] = {1, 7, 100, 1200, 4096};

    for (size_t t = 0; t < C2_ARRAY_LEN(number_types); t++) {
        struct array a;
        array_make(&a, number_types[t], shape, 3, true);
        for (size_t i = 0; i < C2_ARRAY_LEN(texts); i++)
            for (size_t p = 0; p < C2_ARRAY_LEN(px); p++)
                check_line(&a, texts[i], px[p]);
        array_fini(&a);
    }
}

static void a_line_has_one_axis(void **state)
{
    static const int64_t shape[] = {4, 5};
    static const char *const texts[] = {"", ":,1:2", "1,1"};
    struct array a;

    array_make(&a, "|u1", shape, 2, false);
    for (size_t i = 0; i < C2_ARRAY_LEN(texts); i++) {
        struct c2_line line = {.num = a.num, .px = 10, .bound = bind(&a.meta.grid, texts[i])};
        struct cat2_error err = {0};
        assert_false(c2_line_check(&line, &err));
        assert_int_equal(err.code, CAT2_EINVAL);
        assert_non_null(strstr(err.message, "a line has one axis"));
    }
    array_fini(&a);
}

static double item_of(int64_t i)
{
    return (double)(i % 1000003) / 4;
}

/* One stage after the other, from the function. */
static void take_stages(struct c2_line *line, const struct c2_selectable *ds)
{
    struct cat2_error err = {0};
    int64_t nbytes = 0;

    for (line->stage = 0; line->stage < c2_line_nstages(line); line->stage++) {
        struct c2_bound part = c2_line_stage(line, line->stage);
        const struct c2_axis_sel *sel = &part.axes[0];
        double *items = malloc((size_t)sel->count * sizeof(*items));
        struct c2_box box = {(const uint8_t *)items, false, 1, {0}, {sel->count}, sel->count};
        for (int64_t i = 0; i < sel->count; i++)
            items[i] = item_of(sel->start + i * sel->step);
        assert_true(c2_line_take(line, &box, &err));
        free(items);
        nbytes += c2_walk_cost(ds, &part);
    }
    assert_true(nbytes <= C2_REDUCE_NBYTES_MAX);
}

static void too_much_is_sampled_within_the_bound(void **state)
{
    static const int64_t lengths[] = {1 << 26, (INT64_C(1) << 33) + 12345, INT64_C(1) << 40};
    static const int64_t px[] = {1, 1200, 4096};
    C2_AUTO(c2_dtype) type = {0};

    parse_type("<f8", &type);
    for (size_t k = 0; k < C2_ARRAY_LEN(lengths) * C2_ARRAY_LEN(px); k++) {
        int64_t n = lengths[k / 3];
        enum c2_chunk_kind kind = C2_CHUNK_STORED;
        struct c2_meta meta;
        struct c2_selectable ds = huge(&meta, &kind, &n, 1, 8);
        C2_AUTO(c2_line) line = {.px = px[k % 3], .bound = bind(&meta.grid, "::-1")};
        C2_AUTO(c2_buf) out = C2_BUF_INIT(1 << 20);
        struct cat2_error err = {0};
        assert_true(c2_num_of(&type, C2_STR(""), C2_STR(""), &line.num, &err));
        assert_true(c2_line_check(&line, &err) && c2_line_plan(&line, &ds, &err));
        assert_true(line.approx);
        take_stages(&line, &ds);
        assert_true(c2_line_encode(&line, &out, &err));
        assert_int_equal(out.n, 16 * line.px);
        for (int64_t p = 0; p < line.px; p++) { /* first item of a sampled pixel is within its pair */
            double pair[2], first;
            memcpy(pair, out.p + 16 * p, 16);
            first = item_of(n - 1 - (n / line.px * p + n % line.px * p / line.px));
            assert_true(pair[0] <= pair[1] && pair[0] >= 0 && pair[1] <= 1000003.0 / 4);
            if (line.nsamples == line.px) assert_true(pair[0] <= first && first <= pair[1]);
        }
    }
}

static void what_is_not_too_much_is_not_sampled(void **state)
{
    int64_t n = INT64_C(1) << 32;
    enum c2_chunk_kind kind = C2_CHUNK_ZERO;
    struct c2_meta meta;
    struct c2_selectable ds = huge(&meta, &kind, &n, 1, 8);
    C2_AUTO(c2_line) line = {.px = 100, .bound = bind(&meta.grid, "")};
    struct cat2_error err = {0};

    line.num = (struct c2_num){.kind = 'f', .size = 8, .itemsize = 8, .out_kind = 'f', .out_size = 8};
    assert_true(c2_line_check(&line, &err) && c2_line_plan(&line, &ds, &err));
    assert_false(line.approx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_dtype_is_reduced_as_the_definition_says),
                                       cmocka_unit_test(a_line_has_one_axis),
                                       cmocka_unit_test(too_much_is_sampled_within_the_bound),
                                       cmocka_unit_test(what_is_not_too_much_is_not_sampled)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
