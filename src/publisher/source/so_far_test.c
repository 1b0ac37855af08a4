/* SPDX-License-Identifier: BSD-3-Clause */
/* Names that were found so far: in their order, as many as there is room for, until there is a list. */
#include "publisher/source/so_far.h"

#include "base/base_testing.h"

static void put(struct c2_so_far *so_far, size_t *at, size_t max, const char *want)
{
    C2_AUTO(c2_buf) out = C2_BUF_INIT(4096);
    struct cat2_error err;
    struct c2_jw w;

    c2_jw_init(&w, &out, C2_JSON_COMPACT, &err);
    c2_jw_begin_array(&w);
    c2_so_far_put(so_far, at, max, &w);
    c2_jw_end_array(&w);
    assert_true(c2_jw_finish(&w));
    assert_string_equal(c2_buf_cstr(&out), want);
}

static void names_come_once_each_in_the_order_of_their_finding(void **state)
{
    struct c2_so_far *so_far = c2_so_far_new(4096);
    size_t at = 0, other = 0;

    (void)state;
    c2_so_far_add(so_far, NULL, "b");
    c2_so_far_add(so_far, "f.h5", "a\"");
    put(so_far, &at, 1, "[\"b\"]");
    put(so_far, &at, 100, "[\"f.h5/a\\\"\"]");
    put(so_far, &at, 100, "[]");
    c2_so_far_add(so_far, NULL, "c");
    put(so_far, &at, 100, "[\"c\"]");
    put(so_far, &other, 100, "[\"b\",\"f.h5/a\\\"\",\"c\"]");
    c2_so_far_unref(so_far);
}

static void what_is_too_much_is_not_kept_in_part(void **state)
{
    struct c2_so_far *so_far = c2_so_far_new(8);
    size_t at = 0;

    (void)state;
    c2_so_far_add(so_far, NULL, "abc"); /* 4 bytes */
    c2_so_far_add(so_far, "d", "ef");   /* one more than there is room for */
    c2_so_far_add(so_far, NULL, "ghi"); /* as many as there is room for */
    c2_so_far_add(so_far, NULL, "");
    put(so_far, &at, 100, "[\"abc\",\"ghi\"]");
    c2_so_far_unref(so_far);
}

static void none_is_kept_when_there_is_a_list(void **state)
{
    struct c2_so_far *so_far = c2_so_far_ref(c2_so_far_new(4096));
    size_t at = 0;

    (void)state;
    c2_so_far_add(so_far, NULL, "a");
    c2_so_far_add(NULL, NULL, "a");
    c2_so_far_unref(so_far);
    c2_so_far_end(so_far);
    c2_so_far_add(so_far, NULL, "b");
    put(so_far, &at, 100, "[]");
    at = 2; /* of one who was reading */
    put(so_far, &at, 100, "[]");
    c2_so_far_unref(so_far);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_come_once_each_in_the_order_of_their_finding),
        cmocka_unit_test(what_is_too_much_is_not_kept_in_part),
        cmocka_unit_test(none_is_kept_when_there_is_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
