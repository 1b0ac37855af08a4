/* SPDX-License-Identifier: BSD-3-Clause */
/* Options of programs that were built with another version of the headers. */
#include "base/base_testing.h"
#include "client/internal.h"

static void a_program_of_before_goes_on(void **state)
{
    struct cat2_client_options old = CAT2_CLIENT_OPTIONS_INIT, ours = CAT2_CLIENT_OPTIONS_INIT;
    struct cat2_error err;

    old.connect_timeout_ms = 7;
    old.reply_nbytes_max = -1; /* what it does not know is not looked at */
    old.size = offsetof(struct cat2_client_options, reply_nbytes_max);
    assert_true(c2_options_take(&old, old.size, &ours, sizeof(ours), &err));
    assert_int_equal(ours.connect_timeout_ms, 7);
    assert_int_equal(ours.reply_nbytes_max, (int64_t)4 << 30);
}

static void what_is_not_known_here_is_refused(void **state)
{
    struct cat2_client_options options = CAT2_CLIENT_OPTIONS_INIT;
    cat2_client *client = NULL;
    struct cat2_error err;

    options.size++;
    assert_false(cat2_client_new("127.0.0.1:1", &options, &client, &err));
    assert_int_equal(err.code, CAT2_EINVAL);
    assert_non_null(strstr(err.message, "later libcaterva2"));
    options.size = 0;
    assert_false(cat2_client_new("127.0.0.1:1", &options, &client, &err));
    assert_non_null(strstr(err.message, "no size"));
    assert_null(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_of_before_goes_on),
        cmocka_unit_test(what_is_not_known_here_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
