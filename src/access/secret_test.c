/* SPDX-License-Identifier: BSD-3-Clause */
/* Forms and hashes of keys and passwords. */
#include "access/secret.h"
#include "base/base_testing.h"

static void a_key_has_a_form_and_an_id(void **state)
{
    char key[C2_KEY_TEXT + 1], other[C2_KEY_TEXT + 1];
    struct c2_str id;

    c2_key_make(key);
    c2_key_make(other);
    assert_int_equal(strlen(key), C2_KEY_TEXT);
    assert_string_not_equal(key, other);
    assert_true(c2_key_parse(c2_str_of(key), &id));
    assert_true(id.p == key + 5 && id.n == C2_KEY_ID);
    assert_false(c2_key_parse((struct c2_str){key, C2_KEY_TEXT - 1}, &id));
    key[5 + C2_KEY_ID] = '-';
    assert_false(c2_key_parse(c2_str_of(key), &id));
    other[20] = '=';
    assert_false(c2_key_parse(c2_str_of(other), &id) || c2_key_parse(C2_STR(""), &id));
}

static void hashes_go_to_text_and_back(void **state)
{
    uint8_t hash[C2_SECRET_HASH], back[C2_SECRET_HASH], other[C2_SECRET_HASH];
    char hex[2 * C2_SECRET_HASH + 1];

    c2_secret_hash(C2_STR("abc"), hash);
    c2_secret_hash(C2_STR("abd"), other);
    c2_secret_hex(hash, hex);
    /* BLAKE2b of 256 bits, as b2sum -l 256 has it */
    assert_string_equal(hex, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
    assert_true(c2_secret_unhex(c2_str_of(hex), back) && c2_secret_same(hash, back, sizeof(hash)));
    assert_false(c2_secret_same(hash, other, sizeof(hash)));
    hex[0] = 'x';
    assert_false(c2_secret_unhex(c2_str_of(hex), back) || c2_secret_unhex(C2_STR("00"), back));
}

static void a_password_is_known_by_its_hash(void **state)
{
    static char longest[C2_PASSWORD_MAX + 1];
    char hash[C2_PASSWORD_HASH], again[C2_PASSWORD_HASH];
    struct cat2_error err;

    memset(longest, 'x', sizeof(longest));
    assert_true(c2_password_hash(C2_STR("word"), hash, &err) &&
                c2_password_hash(C2_STR("word"), again, &err));
    assert_true(strncmp(hash, "$argon2id$", 10) == 0 && strcmp(hash, again) != 0);
    assert_true(c2_password_verify(hash, C2_STR("word")));
    assert_false(c2_password_verify(hash, C2_STR("Word")) || c2_password_verify(NULL, C2_STR("word")));
    assert_false(c2_password_verify("", C2_STR("")));
    assert_false(c2_password_hash(C2_STR(""), hash, &err));
    assert_false(c2_password_hash((struct c2_str){longest, sizeof(longest)}, hash, &err));
    assert_false(c2_password_verify(hash, (struct c2_str){longest, sizeof(longest)}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_has_a_form_and_an_id),
        cmocka_unit_test(hashes_go_to_text_and_back),
        cmocka_unit_test(a_password_is_known_by_its_hash),
    };
    struct cat2_error err;

    return !c2_secret_setup(&err) || cmocka_run_group_tests(tests, NULL, NULL);
}
