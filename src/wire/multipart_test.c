/* SPDX-License-Identifier: BSD-3-Clause */
/* Parts come out with their places; what is not multipart is refused. */
#include "base/base_testing.h"
#include "base/buf.h"
#include "wire/multipart.h"

static bool collect(void *ctx, int64_t off, struct c2_bytes bytes, struct cat2_error *err)
{
    return c2_buf_printf(ctx, err, "%lld=%.*s;", (long long)off, (int)bytes.n, (const char *)bytes.p);
}

#define TYPE "multipart/byteranges; boundary=XX"
#define A    "--XX\r\nContent-Type: a/b\r\nContent-Range: bytes 0-2/99\r\n\r\nabc\r\n"
#define B    "--XX\r\ncontent-range:bytes 90-93/99\r\n\r\n\r\n--\r\n"

static void parts_come_with_their_places(void **state)
{
    static const struct {
        const char *type, *body, *parts; /* NULL: refused */
    } cases[] = {
        {TYPE, A B "--XX--\r\n", "0=abc;90=\r\n--;"},
        {"Multipart/ByteRanges;charset=x; Boundary=\"XX\"", "\r\n" A "--XX--", "0=abc;"},
        {TYPE, "--XX--", ""},
        {"multipart/byteranges", A "--XX--", NULL},
        {"text/plain; boundary=XX", A "--XX--", NULL},
        {"multipart/byteranges; boundary=XY", A "--XX--", NULL},
        {TYPE, A, NULL},
        {TYPE, "", NULL},
        {TYPE, "--XX\r\n\r\nabc\r\n--XX--", NULL},
        {TYPE, "--XX\r\nContent-Range: bytes 0-9/99\r\n\r\nabc\r\n--XX--", NULL},
        {TYPE, "--XX\r\nContent-Range: bytes 0-1/99\r\n\r\nabc\r\n--XX--", NULL},
        {TYPE, "--XX\r\nContent-Range: bytes 5-1/99\r\n\r\nabc\r\n--XX--", NULL},
        {TYPE, "--XX\r\nContent-Range: bytes -5-1/99\r\n\r\nabc\r\n--XX--", NULL},
        {TYPE, "--XX\r\nContent-Range: bytes 0-9223372036854775807/9\r\n\r\nabc\r\n--XX--", NULL},
        {TYPE, "--XX\r\nContent-Range: bytes 0-99999999999999999999/9\r\n\r\nabc\r\n--XX--", NULL},
        {TYPE, "--XX\r\nno colon\r\n\r\nabc\r\n--XX--", NULL},
    };

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        C2_AUTO(c2_buf) got = C2_BUF_INIT(1000);
        struct cat2_error err = {0};
        struct c2_str body = c2_str_of(cases[i].body);
        bool ok = c2_multipart_read(c2_str_of(cases[i].type), c2_bytes_of(body), collect, &got, &err);
        assert_int_equal(ok, cases[i].parts != NULL);
        if (ok) assert_string_equal(c2_buf_cstr(&got), cases[i].parts);
        if (!ok) assert_int_equal(err.code, CAT2_EDATA);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(parts_come_with_their_places)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
