/* SPDX-License-Identifier: BSD-3-Clause */
/* Slices: the grammar, Python's rules, parts of selections. */
#include "base/base_testing.h"
#include "ndim/slice.h"

static void a_bad_slice_is_refused_and_says_why(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"1,", "slice: not a slice: empty axis at character 3"},
        {",1", "slice: not a slice: empty axis at character 1"},
        {"1.0", "slice: not a slice: unexpected character at character 2"},
        {"0x1", "slice: not a slice: unexpected character at character 2"},
        {"[1]", "slice: not a slice: unexpected character at character 1"},
        {"1:2:3:4", "slice: not a slice: unexpected character at character 6"},
        {"1__0", "slice: not a slice: unexpected character at character 2"},
        {"-", "slice: not a slice: a number is missing at character 2"},
        {"::0", "slice: not a slice: step is 0 at character 4"},
        {"...,...", "slice: not a slice: a second '...' at character 8"},
        {"9223372036854775808", "slice: not a slice: number does not fit 64 bits at character 19"},
        {":9,-99999999999999999999", "slice: not a slice: number does not fit 64 bits at character 23"}};

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct cat2_error err = {0};
        struct c2_slice slice;
        if (c2_slice_parse(c2_str_of(cases[i].text), &slice, &err))
            fail_msg("'%s' was accepted", cases[i].text);
        assert_string_equal(err.message, cases[i].message);
        assert_int_equal(err.code, CAT2_EINVAL);
    }
}

static void ranges_follow_python(void **state)
{
    static const struct {
        const char *text;
        int64_t n, start, step, count;
    } cases[] = {{":", 10, 0, 1, 10},
                 {"2:5", 10, 2, 1, 3},
                 {"-3:", 10, 7, 1, 3},
                 {":99", 10, 0, 1, 10},
                 {"5:2", 10, 0, 1, 0},
                 {"::3", 10, 0, 3, 4},
                 {"::-1", 10, 9, -1, 10},
                 {"::-4", 10, 9, -4, 3},
                 {"7:1:-2", 10, 7, -2, 3},
                 {"-99:99", 10, 0, 1, 10},
                 {":", 0, 0, 1, 0},
                 {"::-1", 0, 0, 1, 0},
                 {"1_0:", 20, 10, 1, 10},
                 {" + 2 : - 1 ", 5, 2, 1, 2},
                 {"::100", 10, 0, 1, 1},
                 {"::-9223372036854775808", 10, 9, 1, 1},
                 {"-9223372036854775808:9223372036854775807", 10, 0, 1, 10},
                 {":99999999999999999999", 10, 0, 1, 10},
                 {"-99999999999999999999:999999999999999999999999999999", 10, 0, 1, 10},
                 {"99999999999999999999:", 10, 0, 1, 0},
                 {"3::99999999999999999999", 10, 3, 1, 1},
                 {"::-99999999999999999999", 10, 9, 1, 1},
                 {"99999999999999999999:-99999999999999999999:-3", 10, 9, -3, 4}};

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct cat2_error err;
        struct c2_slice slice;
        struct c2_bound bound;
        assert_true(c2_slice_parse(c2_str_of(cases[i].text), &slice, &err));
        assert_true(c2_slice_bind(&slice, &cases[i].n, 1, &bound, &err));
        assert_int_equal(bound.axes[0].start, cases[i].start);
        assert_int_equal(bound.axes[0].step, cases[i].step);
        assert_int_equal(bound.axes[0].count, cases[i].count);
    }
}

static void integers_drop_their_axis_and_dots_fill(void **state)
{
    struct cat2_error err;
    struct c2_slice slice;
    struct c2_bound bound;

    assert_true(c2_slice_parse(C2_STR("-1, ..., 1:3"), &slice, &err));
    assert_true(c2_slice_bind(&slice, (const int64_t[]){4, 5, 6}, 3, &bound, &err));
    assert_int_equal(bound.out_ndim, 2);
    assert_int_equal(bound.out_shape[0], 5);
    assert_int_equal(bound.out_shape[1], 2);
    assert_true(bound.axes[0].dropped && bound.axes[0].start == 3 && !bound.whole);
    assert_int_equal(bound.nitems, 10);
    assert_true(c2_slice_parse(C2_STR(""), &slice, &err));
    assert_true(c2_slice_bind(&slice, NULL, 0, &bound, &err));
    assert_true(bound.whole && bound.nitems == 1 && bound.out_ndim == 0);
}

static void whole_is_what_leaves_nothing_out(void **state)
{
    static const struct {
        const char *text;
        bool whole;
    } cases[] = {{"", true},       {":, :", true}, {"...", true},    {"0:4, 0:5", true}, {"::1, :99", true},
                 {"1:, :", false}, {":3", false},  {":, 1:", false}, {"::2", false},     {"::-1", false},
                 {":, :4", false}, {"0", false},   {":, ::3", false}};

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct cat2_error err;
        struct c2_slice slice;
        struct c2_bound bound;
        assert_true(c2_slice_parse(c2_str_of(cases[i].text), &slice, &err));
        assert_true(c2_slice_bind(&slice, (const int64_t[]){4, 5}, 2, &bound, &err));
        assert_int_equal(bound.whole, cases[i].whole);
    }
    struct cat2_error err;
    struct c2_slice slice;
    struct c2_bound bound;
    assert_true(c2_slice_parse(C2_STR("0, :"), &slice, &err));
    assert_true(c2_slice_bind(&slice, (const int64_t[]){1, 5}, 2, &bound, &err));
    assert_false(bound.whole); /* all the items, but an axis less */
}

static void what_does_not_fit_the_shape_names_the_axis(void **state)
{
    struct cat2_error err;
    struct c2_slice slice;
    struct c2_bound bound;
    const int64_t shape[] = {4, 5};

    assert_true(c2_slice_parse(C2_STR("0,5"), &slice, &err));
    assert_false(c2_slice_bind(&slice, shape, 2, &bound, &err));
    assert_string_equal(err.message, "slice: index 5 is out of bounds for axis 1 with size 5");
    assert_true(c2_slice_parse(C2_STR("0,0,0"), &slice, &err));
    assert_false(c2_slice_bind(&slice, shape, 2, &bound, &err));
    assert_false(c2_slice_bind(&slice, shape, 0, &bound, &err));
    assert_true(c2_slice_parse(C2_STR(":"), &slice, &err));
    assert_false(c2_slice_bind(&slice, (const int64_t[]){INT64_MAX, 3}, 2, &bound, &err));
    assert_int_equal(err.code, CAT2_ELIMIT);
    assert_true(c2_slice_bind(&slice, (const int64_t[]){INT64_MAX, 3, 0}, 3, &bound, &err));
    assert_int_equal(bound.nitems, 0);
    slice = (struct c2_slice){2, {{.kind = C2_SEL_INDEX}, {.kind = C2_SEL_RANGE, .has_step = true}}};
    assert_false(c2_slice_bind(&slice, shape, 2, &bound, &err)); /* whoever made it did not look */
    assert_string_equal(err.message, "slice: the step of axis 1 is 0");
}

static void a_part_of_a_selection_is_one(void **state)
{
    struct cat2_error err;
    struct c2_slice slice;
    struct c2_bound bound;
    int64_t lo[C2_DIM_MAX], hi[C2_DIM_MAX];

    assert_true(c2_slice_parse(C2_STR("0,::-2"), &slice, &err));
    assert_true(c2_slice_bind(&slice, (const int64_t[]){4, 10}, 2, &bound, &err));
    struct c2_bound part = c2_bound_part(&bound, 1, 1, 2);
    assert_int_equal(part.axes[1].start, 7);
    assert_int_equal(part.nitems, 2);
    assert_int_equal(part.out_shape[0], 2);
    c2_bound_box(&part, lo, hi);
    assert_true(lo[0] == 0 && hi[0] == 1 && lo[1] == 5 && hi[1] == 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_bad_slice_is_refused_and_says_why),
                                       cmocka_unit_test(ranges_follow_python),
                                       cmocka_unit_test(integers_drop_their_axis_and_dots_fill),
                                       cmocka_unit_test(whole_is_what_leaves_nothing_out),
                                       cmocka_unit_test(what_does_not_fit_the_shape_names_the_axis),
                                       cmocka_unit_test(a_part_of_a_selection_is_one)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
