/* SPDX-License-Identifier: BSD-3-Clause */
/* Notifications as stores send them. */
#include "publisher/source/object_events.h"

#include <stdio.h>
#include <string.h>

#include "base/base_testing.h"

static bool on_event(void *ctx, struct c2_str bucket, struct c2_str key, struct cat2_error *err)
{
    char *told = ctx;
    size_t n = strlen(told);

    (void)err;
    snprintf(told + n, 400 - n, "[%.*s|%.*s]", C2_STR_ARG(bucket), C2_STR_ARG(key));
    return true;
}

static void records_name_buckets_and_keys(void **state)
{
    static const struct {
        const char *json, *told; /* NULL: refused */
    } cases[] = {
        {"{\"Records\":[]}", ""},
        {"{\"Records\":[{\"eventName\":\"ObjectCreated:Put\",\"s3\":{\"bucket\":{\"name\":\"b\"},"
         "\"object\":{\"key\":\"data/x.h5\",\"size\":7,\"eTag\":\"e\"}}}]}",
         "[b|data/x.h5]"},
        {"{\"EventName\":\"s3:ObjectRemoved:Delete\",\"Key\":\"b/x\",\"Records\":["
         "{\"s3\":{\"bucket\":{\"name\":\"b\"},\"object\":{\"key\":\"a%20b%2Bc\"}}},"
         "{\"s3\":{\"bucket\":{\"name\":\"c\"},\"object\":{\"key\":\"y\"}}}]}",
         "[b|a b+c][b|a%20b%2Bc][c|y]"},
        {"{\"Records\":[{\"s3\":{\"bucket\":{\"name\":\"b\"},\"object\":{\"key\":\"a+b\"}}}]}",
         "[b|a b][b|a+b]"},
        {"{\"Records\":[{\"s3\":{\"bucket\":{\"name\":\"b\"},\"object\":{\"key\":\"\"}}}]}", ""},
        {"{\"Service\":\"Amazon S3\",\"Event\":\"s3:TestEvent\"}", NULL},
        {"{\"Records\":[{\"s3\":{\"bucket\":\"b\"}}]}", NULL},
        {"{\"Records\":[7]}", NULL},
        {"{\"Records\":{}}", NULL},
        {"Records", NULL},
        {"", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char told[400] = "";
        struct cat2_error err = {0};
        bool ok = c2_s3_events(c2_str_of(cases[i].json), on_event, told, &err);
        assert_int_equal(ok, cases[i].told != NULL);
        if (ok) assert_string_equal(told, cases[i].told);
        if (!ok) assert_int_equal(err.code, CAT2_EDATA);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_name_buckets_and_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
