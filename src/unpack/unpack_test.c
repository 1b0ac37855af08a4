/* SPDX-License-Identifier: BSD-3-Clause */
/* What has no end of its own, and checksums; the codecs themselves are tested where they are used. */
#include <libdeflate.h>

#include "base/base_testing.h"
#include "unpack/unpack.h"

static void pack_gzip(const char *text, struct c2_buf *out)
{
    struct libdeflate_compressor *c = libdeflate_alloc_compressor(6);
    uint8_t packed[200];
    struct cat2_error err;

    assert_non_null(c);
    size_t n = libdeflate_gzip_compress(c, text, strlen(text), packed, sizeof(packed));
    libdeflate_free_compressor(c);
    assert_true(n > 0 && c2_buf_append(out, packed, n, &err));
}

static void members_of_gzip_come_one_after_the_other(void **state)
{
    C2_AUTO(c2_buf) in = C2_BUF_INIT(1000), out = C2_BUF_INIT(1000);
    struct cat2_error err;

    pack_gzip("one ", &in);
    pack_gzip("two", &in);
    assert_true(c2_unpack_gzip(c2_buf_bytes(&in), 7, &out, &err));
    assert_string_equal(c2_buf_cstr(&out), "one two");
    in.n--;
    c2_buf_clear(&out);
    assert_false(c2_unpack_gzip(c2_buf_bytes(&in), 7, &out, &err));
    assert_int_equal(err.code, CAT2_EDATA);
}

static void nothing_decodes_to_more_than_the_most(void **state)
{
    C2_AUTO(c2_buf) in = C2_BUF_INIT(1000), out = C2_BUF_INIT(1000);
    struct cat2_error err;

    pack_gzip("as long as this", &in);
    assert_false(c2_unpack_gzip(c2_buf_bytes(&in), 3, &out, &err) && out.n <= 3);
    static const uint8_t LONG[] = {0xff, 0xff, 0xff, 0x7f, 0x10, 'a'};
    c2_buf_clear(&out);
    assert_false(c2_unpack_lz4((struct c2_bytes){LONG, sizeof(LONG)}, 100, &out, &err));
    assert_int_equal(err.code, CAT2_EDATA);
}

static void the_checksum_is_castagnolis(void **state)
{
    assert_int_equal(c2_crc32c(c2_bytes_of(C2_STR("123456789"))), 0xe3069283);
    assert_int_equal(c2_crc32c(c2_bytes_of(C2_STR(""))), 0);
    assert_int_equal(c2_crc32c(c2_bytes_of(C2_STR("a"))), 0xc1d04330);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(members_of_gzip_come_one_after_the_other),
                                       cmocka_unit_test(nothing_decodes_to_more_than_the_most),
                                       cmocka_unit_test(the_checksum_is_castagnolis)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
