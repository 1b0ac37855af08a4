/* SPDX-License-Identifier: BSD-3-Clause */
/* Signed URLs, against the example that AWS gives. */
#include "http/s3_presign.h"

#include "base/base_testing.h"

/* The example of AWS's documentation, "Authenticating Requests: Using Query Parameters". */
static void the_example_of_the_documentation_has_its_signature(void **state)
{
    const struct c2_s3_keys keys = {.id = "AKIAIOSFODNN7EXAMPLE",
                                    .secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                                    .region = "us-east-1"};
    const struct c2_s3_presign of = {"https://examplebucket.s3.amazonaws.com", "/test.txt", 1369353600,
                                     86400};
    C2_AUTO(c2_buf) url = C2_BUF_INIT(4096);
    struct cat2_error err;

    (void)state;
    assert_true(c2_s3_presign(&of, &keys, &url, &err));
    assert_string_equal(
        c2_buf_cstr(&url),
        "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="
        "AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&"
        "X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature="
        "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
    const struct c2_s3_keys none = {.region = "us-east-1"};
    assert_false(c2_s3_presign(&of, &none, &url, &err));
    assert_string_equal(err.message, "there are no keys to sign with");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_the_documentation_has_its_signature),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
