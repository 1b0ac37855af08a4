/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a root is, kept and found again. */
#include "base/base_testing.h"
#include "bus/bus.h"

static void an_address_is_kept_as_it_is(void **state)
{
    static const struct {
        bool tls, mirror, python;
        const char *kept, *url;
    } cases[] = {
        {false, false, false, "h:1", "http://h:1/api/list?full=1"},
        {true, false, false, "https://h:1", "https://h:1/api/list?full=1"},
        {false, true, false, "mirror:h:1", "http://h:1/mirror/a%20b/api/list?full=1"},
        {true, true, false, "mirror:https://h:1", "https://h:1/mirror/a%20b/api/list?full=1"},
        {false, false, true, "python:h:1", "http://h:1/api/list/a%20b?full=1"},
        {true, false, true, "python:https://h:1", "https://h:1/api/list/a%20b?full=1"},
    };

    (void)state;
    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct c2_root root = {.name = "a b",
                               .http = "h:1",
                               .tls = cases[i].tls,
                               .mirror = cases[i].mirror,
                               .python = cases[i].python};
        struct c2_root again = {.name = "a b"};
        C2_AUTO(c2_buf) kept = C2_BUF_INIT(400), url = C2_BUF_INIT(400);
        struct cat2_error err;

        assert_true(c2_root_put_address(&root, &kept, &err));
        assert_string_equal(c2_buf_cstr(&kept), cases[i].kept);
        assert_true(c2_root_set_address(&again, c2_buf_str(&kept)));
        assert_true(c2_root_is_at(&root, &again));
        again.mirror = !again.mirror;
        assert_false(c2_root_is_at(&root, &again));
        again.mirror = root.mirror;
        again.python = !again.python;
        assert_false(c2_root_is_at(&root, &again));
        assert_true(c2_root_put_url(&root, "list?full=1", &url, &err));
        assert_string_equal(c2_buf_cstr(&url), cases[i].url);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(an_address_is_kept_as_it_is)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
