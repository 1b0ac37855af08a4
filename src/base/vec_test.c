/* SPDX-License-Identifier: BSD-3-Clause */
/* Arrays that grow: every item stays, and what does not fit is an error that changes nothing. */
#include "base/base_testing.h"

#include "base/vec.h"

struct pair {
    int32_t left;
    double right;
};

static void items_stay_while_the_array_grows(void **state)
{
    struct {
        C2_VEC(struct pair);
    } pairs = {0};
    struct cat2_error err = {0};

    for (int i = 0; i < 1000; i++) {
        assert_true(c2_vec_push(&pairs, C2_VEC_NO_MAX, "pairs", &err, (struct pair){i, i / 2.0}));
        assert_true(pairs.n <= pairs.cap);
    }
    assert_int_equal(pairs.n, 1000);
    assert_true(pairs.cap < 2 * pairs.n + 16);
    for (int i = 0; i < 1000; i++)
        assert_true(pairs.p[i].left == i && pairs.p[i].right == i / 2.0);
    c2_vec_fini(&pairs);
    assert_true(!pairs.p && pairs.n == 0 && pairs.cap == 0);
    c2_vec_fini(&pairs);
}

static void room_is_made_and_not_used(void **state)
{
    struct {
        C2_VEC(char *);
    } names = {0};
    struct cat2_error err = {0};

    assert_true(c2_vec_room(&names, 1, "names", &err));
    assert_true(names.p && names.n == 0 && names.cap == 1);
    names.p[names.n++] = "a";
    assert_false(c2_vec_room(&names, 1, "names", &err));
    c2_vec_fini(&names);
}

static void the_maximum_is_reached_and_not_passed(void **state)
{
    static const size_t maxima[] = {0, 1, 15, 16, 17, 31, 33, 100};

    for (size_t i = 0; i < C2_ARRAY_LEN(maxima); i++) {
        struct {
            C2_VEC(size_t);
        } numbers = {0};
        struct cat2_error err = {0};
        for (size_t j = 0; j < maxima[i]; j++)
            assert_true(c2_vec_push(&numbers, maxima[i], "numbers", &err, j));
        assert_false(c2_vec_push(&numbers, maxima[i], "numbers", &err, 7));
        assert_int_equal(err.code, CAT2_ELIMIT);
        char message[80];
        snprintf(message, sizeof(message), "more than %zu numbers", maxima[i]);
        assert_string_equal(err.message, message);
        assert_true(numbers.n == maxima[i] && numbers.cap == maxima[i]);
        for (size_t j = 0; j < maxima[i]; j++)
            assert_int_equal(numbers.p[j], j);
        c2_vec_fini(&numbers);
    }
}

static void what_memory_cannot_hold_is_an_error_and_the_items_stay(void **state)
{
    struct {
        C2_VEC(int);
    } numbers = {0};
    struct cat2_error err = {0};

    assert_true(c2_vec_push(&numbers, C2_VEC_NO_MAX, "numbers", &err, 3));
    const int *before = numbers.p;
    assert_false(c2_vec_grow(&numbers.p, &numbers.cap, SIZE_MAX / 8, C2_VEC_NO_MAX, "numbers", &err));
    assert_int_equal(err.code, CAT2_ENOMEM);
    assert_string_equal(err.message, "out of memory: numbers");
    assert_true(numbers.p == before && numbers.n == 1 && numbers.cap == 16 && numbers.p[0] == 3);
    c2_vec_fini(&numbers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_stay_while_the_array_grows),
        cmocka_unit_test(room_is_made_and_not_used),
        cmocka_unit_test(the_maximum_is_reached_and_not_passed),
        cmocka_unit_test(what_memory_cannot_hold_is_an_error_and_the_items_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
