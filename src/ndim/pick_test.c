/* SPDX-License-Identifier: BSD-3-Clause */
/* Entries of axes: what they pick, of which shape, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>

#include "ndim/pick.h"

static const int64_t shape[] = {4, 5, 6};

static bool parse(const char *text, struct c2_pick *out, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *json = NULL;

    assert_true(c2_json_parse(c2_str_of(text), &json, err));
    return c2_pick_parse(c2_json_root(json), shape, 3, out, err);
}

/* The result's shape, and the coordinates of each point: "(2,6) 1,0 3,4". */
static void describe(const struct c2_pick *pick, char *out, size_t room)
{
    size_t n = (size_t)snprintf(out, room, "(");

    for (int i = 0; i < pick->out_ndim; i++)
        n += (size_t)snprintf(out + n, room - n, "%s%" PRId64, i ? "," : "", pick->out_shape[i]);
    n += (size_t)snprintf(out + n, room - n, ")");
    for (int64_t i = 0; i < pick->npoints * pick->npicked; i++)
        n += (size_t)snprintf(out + n, room - n, "%s%" PRId64, i % pick->npicked ? "," : " ", pick->at[i]);
}

static void entries_pick_as_numpy_does(void **state)
{
    static const struct {
        const char *text, *picks;
    } cases[] = {{"[]", "(4,5,6)"},
                 {"[[]]", "(0,5,6)"},
                 {"[[1,-1]]", "(2,5,6) 1 3"},
                 {"[null,[0,4]]", "(4,2,6) 0 4"},
                 {"[[0,1],[2,3]]", "(2,6) 0,2 1,3"},
                 {"[[0,1],null,[2,3]]", "(2,5) 0,2 1,3"},
                 {"[null,[0,1],[2,3]]", "(4,2) 0,2 1,3"},
                 {"[\"::2\",2,[2,3,5]]", "(2,3) 2,2 2,3 2,5"},
                 {"[2,\":\",[2,3]]", "(2,5) 2,2 2,3"},
                 {"[[[0],[1]],[2,3,4]]", "(2,3,6) 0,2 0,3 0,4 1,2 1,3 1,4"},
                 {"[[true,false,false,true]]", "(2,5,6) 0 3"},
                 {"[[true,false,false,true],[4]]", "(2,6) 0,4 3,4"},
                 {"[1,\"3:\"]", "(2,6) 1"},
                 {"[\"-1\",[0,4]]", "(2,6) 3,0 3,4"},
                 {"[1,2,3]", "() 1,2,3"},
                 {"[[[]]]", "(1,0,5,6)"}};

    (void)state;
    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        C2_AUTO(c2_pick) pick = {0};
        struct cat2_error err = {0};
        char text[500];
        if (!parse(cases[i].text, &pick, &err)) fail_msg("%s: %s", cases[i].text, err.message);
        describe(&pick, text, sizeof(text));
        if (strcmp(text, cases[i].picks) != 0)
            fail_msg("%s: %s, not %s", cases[i].text, text, cases[i].picks);
    }
}

static void what_picks_nothing_is_refused(void **state)
{
    static const char *const cases[] = {"{}",
                                        "5",
                                        "[1,2,3,4]",
                                        "[[4]]",
                                        "[-5]",
                                        "[[1],[2,3],[4,5,6]]",
                                        "[1.0]",
                                        "[[1.0]]",
                                        "[true]",
                                        "[[1,true]]",
                                        "[[true,1,false,true]]",
                                        "[[true]]",
                                        "[\"4\"]",
                                        "[\"...\"]",
                                        "[\"1:2,3\"]",
                                        "[\"::0\"]",
                                        "[{}]",
                                        "[[[1],2]]",
                                        "[[1,[2]]]",
                                        "[[[1,2],[3]]]",
                                        "[[null]]"};

    (void)state;
    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        C2_AUTO(c2_pick) pick = {0};
        struct cat2_error err = {0};
        if (parse(cases[i], &pick, &err)) fail_msg("%s was accepted", cases[i]);
        assert_int_equal(err.code, CAT2_EINVAL);
        assert_true(c2_str_starts(c2_str_of(err.message), "indices"));
    }
}

static void points_are_counted_before_they_are_made(void **state)
{
    const int64_t long_shape[] = {2000, 2000};
    C2_AUTO(c2_buf) text = C2_BUF_INIT(1 << 20);
    C2_AUTO_PTR(c2_json) *json = NULL;
    C2_AUTO(c2_pick) pick = {0};
    struct cat2_error err = {0};

    (void)state;
    c2_buf_puts(&text, "[[", &err);
    for (int i = 0; i < 2000; i++)
        c2_buf_printf(&text, &err, "%s[%d]", i ? "," : "", i);
    c2_buf_puts(&text, "],[", &err);
    for (int i = 0; i < 2000; i++)
        c2_buf_printf(&text, &err, "%s%d", i ? "," : "", i);
    c2_buf_puts(&text, "]]", &err);
    assert_true(c2_json_parse(c2_buf_str(&text), &json, &err));
    assert_false(c2_pick_parse(c2_json_root(json), long_shape, 2, &pick, &err));
    assert_non_null(strstr(err.message, "1000000 coordinates"));
}

static void numbers_of_items_are_points(void **state)
{
    static const uint32_t rows[] = {7, 2, 2};
    static const int64_t line[] = {9}, plane[] = {3, 4};
    struct cat2_error err = {0};
    struct c2_pick pick;
    char text[100];

    (void)state;
    assert_true(c2_pick_flat(rows, 3, false, line, 1, &pick, &err));
    describe(&pick, text, sizeof(text));
    assert_string_equal(text, "(3) 7 2 2");
    assert_int_equal(pick.bound.axes[0].start, 2);
    assert_int_equal(pick.bound.axes[0].count, 6);
    c2_pick_fini(&pick);
    assert_true(c2_pick_flat(rows, 1, true, line, 1, &pick, &err));
    describe(&pick, text, sizeof(text));
    assert_string_equal(text, "() 7");
    c2_pick_fini(&pick);
    assert_true(c2_pick_flat(rows, 3, false, plane, 2, &pick, &err));
    describe(&pick, text, sizeof(text));
    assert_string_equal(text, "(3) 1,3 0,2 0,2");
    assert_int_equal(pick.bound.axes[0].count, 2);
    assert_int_equal(pick.bound.axes[1].start, 2);
    c2_pick_fini(&pick);
    assert_true(c2_pick_flat(rows, 1, false, NULL, 0, &pick, &err)); /* the one item of a scalar */
    describe(&pick, text, sizeof(text));
    assert_string_equal(text, "(1)");
    c2_pick_fini(&pick);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(entries_pick_as_numpy_does),
                                       cmocka_unit_test(what_picks_nothing_is_refused),
                                       cmocka_unit_test(points_are_counted_before_they_are_made),
                                       cmocka_unit_test(numbers_of_items_are_points)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
