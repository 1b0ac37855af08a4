/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of a first listing: bounded in number and bytes, and told sorted, each once. */
#include "base/base_testing.h"

#include "base/limits.h"
#include "subscriber/mirror/names_so_far.h"
#include "subscriber/mirror/root.h"

static void take(struct c2_root_state *root, const char *line)
{
    assert_true(c2_sub_so_far_take(root, c2_str_of(line)));
}

static void names_are_told_sorted_and_once(void **state)
{
    struct c2_subscriber sub = {0};
    struct c2_root_state root = {.sub = &sub, .life = C2_ROOT_FIRST};
    struct cat2_error err;
    const char **list, *last[9];
    size_t n;

    assert_false(c2_sub_so_far_take(&root, C2_STR("{\"path\":\"a.b2nd\"}"))); /* of the list itself */
    assert_null(root.so_far);
    take(&root, "{\"found\":[\"d/c\",\"b\",\"d/a\",7,\"/etc/passwd\",\"../x\",\"d/c\"]}");
    take(&root, "{\"found\":[");
    take(&root, "{\"found\":\"a\"}");
    assert_true(root.so_far->n == 4 && root.so_far->nkept == 4);
    assert_string_equal(root.listing, "4 found so far");
    assert_true(c2_sub_so_far_beneath(c2_buf_str(&root.so_far->names), C2_STR(""), &list, &n, &err));
    assert_true(n == 3 && !strcmp(list[0], "b") && !strcmp(list[1], "d/a") && !strcmp(list[2], "d/c"));
    free(list);
    assert_true(c2_sub_so_far_beneath(c2_buf_str(&root.so_far->names), C2_STR("d/"), &list, &n, &err));
    assert_true(n == 2 && !strcmp(list[0], "d/a"));
    free(list);
    assert_int_equal(c2_sub_so_far_last(&root, 2, last), 2);
    assert_true(!strcmp(last[0], "d/c") && !strcmp(last[1], "d/a"));
    assert_int_equal(c2_sub_so_far_last(&root, C2_ARRAY_LEN(last), last), 4);
    c2_sub_so_far_clear(&root);
    assert_true(!root.so_far && !*root.listing && c2_sub_so_far_last(&root, 1, last) == 0);
}

/* A root that has been listed is told no names. */
static void whoever_has_a_list_takes_none(void **state)
{
    struct c2_subscriber sub = {0};
    struct c2_root_state root = {.sub = &sub, .life = C2_ROOT_CURRENT};

    take(&root, "{\"found\":[\"a\"]}");
    assert_null(root.so_far);
}

/* One line with n names of so many bytes, again and again. */
static void fill(struct c2_root_state *root, size_t nnames, size_t nbytes, size_t times)
{
    C2_AUTO(c2_buf) line = C2_BUF_INIT(1 << 20);
    struct cat2_error err;

    assert_true(c2_buf_puts(&line, "{\"found\":[", &err));
    for (size_t i = 0; i < nnames; i++) {
        assert_true(c2_buf_puts(&line, i ? ",\"" : "\"", &err));
        for (size_t k = 0; k < nbytes; k++)
            assert_true(c2_buf_putc(&line, 'x', &err));
        assert_true(c2_buf_putc(&line, '"', &err));
    }
    assert_true(c2_buf_puts(&line, "]}", &err));
    while (times--)
        assert_true(c2_sub_so_far_take(root, c2_buf_str(&line)));
}

static void many_are_counted_and_not_all_kept(void **state)
{
    struct c2_subscriber sub = {0};
    struct c2_root_state root = {.sub = &sub, .life = C2_ROOT_FIRST};

    fill(&root, 10000, 1, 120);
    assert_true(root.so_far->n == 1200000 && root.so_far->nkept == C2_SO_FAR_NAMES_MAX);
    assert_int_equal(root.so_far->names.n, 2 * C2_SO_FAR_NAMES_MAX);
    c2_sub_so_far_clear(&root);
    fill(&root, 1000, 999, 80);
    assert_true(root.so_far->n == 80000 && root.so_far->nkept == C2_SO_FAR_MAX / 1000);
    assert_int_equal(root.so_far->names.n, C2_SO_FAR_MAX / 1000 * 1000);
    fill(&root, 1000, 1, 1); /* shorter ones have room yet */
    assert_true(root.so_far->nkept > C2_SO_FAR_MAX / 1000 && root.so_far->names.n <= C2_SO_FAR_MAX);
    c2_sub_so_far_clear(&root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_told_sorted_and_once),
        cmocka_unit_test(whoever_has_a_list_takes_none),
        cmocka_unit_test(many_are_counted_and_not_all_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
