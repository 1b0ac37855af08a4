/* SPDX-License-Identifier: BSD-3-Clause */
/* Names and their texts: one to one. */
#include "base/base_testing.h"
#include "base/name.h"

static void check(struct c2_str name, const char *text)
{
    struct cat2_error err;
    C2_AUTO(c2_buf) shown = C2_BUF_INIT(4096);
    C2_AUTO(c2_buf) back = C2_BUF_INIT(4096);

    assert_true(c2_path_show(name, &shown, &err));
    if (text) assert_string_equal(c2_buf_cstr(&shown), text);
    assert_true(c2_str_is_utf8(c2_buf_str(&shown)));
    assert_true(c2_path_of_text(c2_buf_str(&shown), &back, &err));
    assert_true(c2_str_eq(c2_buf_str(&back), name));
}

static void a_name_has_one_text_and_a_text_one_name(void **state)
{
    static const char *const cases[][2] = {
        {"plain", "plain"},
        {"caf\xc3\xa9", "caf\xc3\xa9"},
        {"caf\xe9", "caf%E9"},
        {"caf%E9", "caf%25E9"},
        {"caf%25E9", "caf%2525E9"},
        {"caf%e9", "caf%e9"},
        {"50%", "50%"},
        {"50%25", "50%25"},
        {"a%20b", "a%20b"},
        {"%", "%"},
        {"..", "%2E%2E"},
        {".", "%2E"},
        {"...", "..."},
        {"%2E", "%252E"},
        {"%2E%2E", "%252E%252E"},
        {"%2E%2E%2E", "%2E%2E%2E"},
        {"\xff%41", "%FF%2541"},
        {"a\\b\n", "a\\b\n"},
        {"d\xff/x", "d%FF/x"},
        {"d%FF/x%FF", "d%25FF/x%25FF"},
        {"", ""},
    };

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++)
        check(c2_str_of(cases[i][0]), cases[i][1]);
}

/* Short names of the bytes that matter, all of them: no text twice. */
static void no_two_names_have_the_same_text(void **state)
{
    static const char letters[] = {'%', '2', '5', 'E', 'F', '\xff', '.'};
    enum { N = 7 * 7 * 7 * 7 * 7 };
    char(*texts)[40] = calloc(N, sizeof(*texts));
    struct cat2_error err;

    assert_non_null(texts);
    for (size_t i = 0; i < N; i++) {
        C2_AUTO(c2_buf) shown = C2_BUF_INIT(40);
        char name[6] = "";
        for (size_t k = 0, rest = i; k < 5; k++, rest /= 7)
            name[k] = letters[rest % 7];
        check(c2_str_of(name), NULL);
        assert_true(c2_name_show(c2_str_of(name), &shown, &err) && shown.n < sizeof(*texts));
        memcpy(texts[i], c2_buf_cstr(&shown), shown.n);
    }
    qsort(texts, N, sizeof(*texts), (int (*)(const void *, const void *))strcmp);
    for (size_t i = 1; i < N; i++)
        assert_string_not_equal(texts[i - 1], texts[i]);
    free(texts);
}

/* As a client may ask for one: each layer is looked beneath, and none costs memory of its own. */
static void a_name_encoded_a_thousand_times_has_a_text_too(void **state)
{
    C2_AUTO(c2_buf) name = C2_BUF_INIT(4096);
    struct cat2_error err;

    assert_true(c2_buf_putc(&name, '%', &err));
    for (int i = 0; i < 1000; i++)
        assert_true(c2_buf_puts(&name, "25", &err));
    check(c2_buf_str(&name), c2_buf_cstr(&name));
    assert_true(c2_buf_puts(&name, "FF", &err));
    check(c2_buf_str(&name), NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_has_one_text_and_a_text_one_name),
        cmocka_unit_test(no_two_names_have_the_same_text),
        cmocka_unit_test(a_name_encoded_a_thousand_times_has_a_text_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
