/* SPDX-License-Identifier: BSD-3-Clause */
/* Metadata as writers make it, and as they should not. */
#include "base/base_testing.h"
#include "ndim/item.h"
#include "publisher/source/zarr_array.h"

#define V2(dtype, fill, more)                                                                                \
    "{\"zarr_format\":2,\"shape\":[5,7],\"chunks\":[2,3],\"dtype\":" dtype                                   \
    ",\"compressor\":null,\"filters\":null,\"order\":\"C\",\"fill_value\":" fill more "}"
#define V3(type, codecs, more)                                                                               \
    "{\"zarr_format\":3,\"node_type\":\"array\",\"shape\":[5,7],\"data_type\":" type                         \
    ",\"chunk_grid\":{\"name\":\"regular\",\"configuration\":{\"chunk_shape\":[4,6]}},"                      \
    "\"chunk_key_encoding\":{\"name\":\"default\"},\"fill_value\":0,\"codecs\":[" codecs "]" more "}"
#define BYTES "{\"name\":\"bytes\",\"configuration\":{\"endian\":\"big\"}}"

static bool read_v3(const char *text, struct c2_zs_array *out, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *json = NULL;

    return c2_zs_parse(c2_str_of(text), &json, err) && c2_zs_array_v3(c2_json_root(json), out, err);
}

static void fill_values_are_items(void **state)
{
    static const struct {
        const char *text;
        size_t n;
        uint8_t item[12];
    } CASES[] = {{V2("\"<i4\"", "-2", ""), 4, {0xfe, 0xff, 0xff, 0xff}},
                 {V2("\">u2\"", "258", ""), 2, {1, 2}},
                 {V2("\"<u8\"", "18446744073709551615", ""), 8, {255, 255, 255, 255, 255, 255, 255, 255}},
                 {V2("\"<f4\"", "\"NaN\"", ""), 4, {0, 0, 0xc0, 0x7f}},
                 {V2("\"<f4\"", "NaN", ""), 4, {0, 0, 0xc0, 0x7f}}, /* as Python's json prints it */
                 {V2("\"<f4\"", " -Infinity", ""), 4, {0, 0, 0x80, 0xff}},
                 {V2("\"<f4\"", "\"0x7fc00001\"", ""), 4, {1, 0, 0xc0, 0x7f}},
                 {V2("\">f8\"", "\"-Infinity\"", ""), 8, {0xff, 0xf0}},
                 {V2("\"<f2\"", "-1.5", ""), 2, {0, 0xbe}},
                 {V2("\"<f2\"", "65504", ""), 2, {0xff, 0x7b}},
                 {V2("\"<c8\"", "[1.0, \"NaN\"]", ""), 8, {0, 0, 0x80, 0x3f, 0, 0, 0xc0, 0x7f}},
                 {V2("\"|b1\"", "true", ""), 1, {1}},
                 {V2("\"|b1\"", "1", ""), 1, {1}},
                 {V2("\"|i1\"", "-128", ""), 1, {0x80}},
                 {V2("\"|u1\"", "255.0", ""), 1, {255}},
                 {V2("\"<i8\"", "-9223372036854775808", ""), 8, {0, 0, 0, 0, 0, 0, 0, 0x80}},
                 {V2("\"<u8\"", "9223372036854775808.0", ""), 8, {0, 0, 0, 0, 0, 0, 0, 0x80}},
                 {V2("\"<f4\"", "-1e300", ""), 4, {0, 0, 0x80, 0xff}},
                 {V2("\"|S3\"", "\"YWI=\"", ""), 3, {'a', 'b', 0}},
                 {V2("\"<U2\"", "\"\\u00e9\"", ""), 8, {0xe9}},
                 {V2("\"<M8[ns]\"", "\"NaT\"", ""), 8, {0, 0, 0, 0, 0, 0, 0, 0x80}},
                 {V2("[[\"a\",\"<i2\"],[\"b\",\"|u1\"]]", "\"AQID\"", ""), 3, {1, 2, 3}}};

    for (size_t i = 0; i < C2_ARRAY_LEN(CASES); i++) {
        C2_AUTO(c2_zs_array) array = {0};
        struct cat2_error err;
        if (!c2_zs_array_v2(c2_str_of(CASES[i].text), C2_STR(""), &array, &err))
            fail_msg("%s: %s", CASES[i].text, err.message);
        assert_int_equal(array.dtype.itemsize, CASES[i].n);
        assert_non_null(array.fill);
        assert_memory_equal(array.fill, CASES[i].item, CASES[i].n);
    }
}

static void bad_metadata_is_refused_with_the_reason(void **state)
{
    static const struct {
        const char *text, *why;
    } CASES[] = {
        {V2("\"|O\"", "0", ""), "variable length"},
        {V2("\"<i4\"", "\"x\"", ""), "fill_value \"x\" is no item of dtype int32"},
        {V2("\"|S2\"", "\"YWJj\"", ""), "fill_value \"YWJj\" is no item of dtype |S2"},
        {V2("\"<U1\"", "\"ab\"", ""), "fill_value \"ab\" is no item of dtype <U1"},
        {V2("\"|u1\"", "256", ""), "fill_value 256 is no item of dtype uint8"},
        {V2("\"|u1\"", "-1", ""), "fill_value -1 is no"},
        {V2("\"|i1\"", "128", ""), "fill_value 128 is no"},
        {V2("\"|i1\"", "-129", ""), "fill_value -129 is no"},
        {V2("\"|i1\"", "-129.0", ""), "fill_value -129.0 is no"},
        {V2("\"<i4\"", "4294967295", ""), "fill_value 4294967295 is no"},
        {V2("\"<i4\"", "1.5", ""), "fill_value 1.5 is no"},
        {V2("\"<i8\"", "9223372036854775808", ""), "fill_value 9223372036854775808 is no"},
        {V2("\"<i8\"", "9223372036854775808.0", ""), "fill_value 9.223372036854776e+18 is no"},
        {V2("\"<u8\"", "18446744073709551616", ""), "fill_value 1.8446744073709552e+19 is no"},
        {V2("\"<M8[s]\"", "9223372036854775808", ""), "no item of dtype datetime64[s]"},
        {V2("\"|b1\"", "2", ""), "fill_value 2 is no item of dtype bool"},
        {V2("\"|b1\"", "-1", ""), "fill_value -1 is no"},
        {V2("\"<f4\"", "\"0x17fc00001\"", ""), "fill_value \"0x17fc00001\" is no"},
        {V2("\"<f4\"", "\"1e3\"", ""), "fill_value \"1e3\" is no"},
        {V2("\"<c8\"", "[1, 2, 3]", ""), "fill_value [1,2,3] is no item of dtype complex64"},
        {V2("\"<c8\"", "[1]", ""), "fill_value [1] is no"},
        {V2("\"|V1\"", "[256]", ""), "fill_value [256] is no"},
        {V2("[[\"a\",\"<i2\"],[\"b\",\"|u1\"],[\"a\",\"<f8\"]]", "0", ""), "field 'a' occurs more than once"},
        {V2("\"<i5\"", "0", ""), "dtype"},
        {V2("\"<i4\"", "0", ",\"dimension_separator\":\"_\""), "dimension_separator"},
        {"{\"zarr_format\":2,\"shape\":[-1],\"chunks\":[1],\"dtype\":\"<i4\"}", "axis 0"},
        {"{\"zarr_format\":2,\"shape\":[1],\"chunks\":[1,1],\"dtype\":\"<i4\"}", "chunks"},
        {"{\"zarr_format\":2,\"shape\":[9223372036854775807,9223372036854775807],\"chunks\":[1,1],"
         "\"dtype\":\"<i4\"}",
         "chunks"},
        {"{\"zarr_format\":2,\"shape\":[8],\"chunks\":[2147483647],\"dtype\":\"<i8\"}", "256 MiB"},
        {"{\"zarr_format\":2,\"shape\":[8],\"chunks\":[8],\"dtype\":\"<i8\",\"compressor\":{\"id\":\"sz\"}}",
         "codec 'sz'"},
        {"{\"zarr_format\":3}", "zarr_format"},
        {"[", ".zarray"}};

    for (size_t i = 0; i < C2_ARRAY_LEN(CASES); i++) {
        C2_AUTO(c2_zs_array) array = {0};
        struct cat2_error err = {0};
        if (c2_zs_array_v2(c2_str_of(CASES[i].text), C2_STR(""), &array, &err))
            fail_msg("%s was accepted", CASES[i].text);
        if (!strstr(err.message, CASES[i].why)) fail_msg("%s: %s", CASES[i].text, err.message);
    }
}

static void bad_metadata_of_version_3_is_refused_with_the_reason(void **state)
{
    static const struct {
        const char *text, *why;
    } CASES[] = {
        {V3("\"string\"", BYTES, ""), "variable length"},
        {V3("\"bfloat16\"", BYTES, ""), "bfloat16"},
        {V3("{\"name\":\"structured\",\"configuration\":{\"fields\":[[\"a\",\"int8\"],[\"a\",\"int8\"]]}}",
            BYTES, ""),
         "field 'a' occurs more than once"},
        {V3("\"int32\"", "{\"name\":\"gzip\"}", ""), "gzip"},
        {V3("\"int32\"", BYTES "," BYTES, ""), "twice"},
        {V3("\"int32\"", "", ""), "without 'bytes'"},
        {V3("\"int32\"", "{\"name\":\"transpose\",\"configuration\":{\"order\":[0,0]}}," BYTES, ""),
         "permutation"},
        {V3("\"int32\"", BYTES ",{\"name\":\"vlen\"}", ""), "codec 'vlen'"},
        {V3("\"int32\"", BYTES, ",\"extra\":1"), "'extra'"},
        {V3("\"int32\"", BYTES, ",\"storage_transformers\":[{}]"), "storage_transformers"},
        {V3("\"int32\"",
            "{\"name\":\"sharding_indexed\",\"configuration\":{\"chunk_shape\":[3,3],\"codecs\":[" BYTES
            "],\"index_codecs\":[" BYTES "]}}",
            ""),
         "do not fit into shards"}};

    for (size_t i = 0; i < C2_ARRAY_LEN(CASES); i++) {
        C2_AUTO(c2_zs_array) array = {0};
        struct cat2_error err = {0};
        if (read_v3(CASES[i].text, &array, &err)) fail_msg("%s was accepted", CASES[i].text);
        if (!strstr(err.message, CASES[i].why)) fail_msg("%s: %s", CASES[i].text, err.message);
    }
}

static void shards_have_chunks_of_their_own(void **state)
{
    C2_AUTO(c2_zs_array) array = {0};
    struct cat2_error err;

    if (!read_v3(V3("\"int32\"",
                    "{\"name\":\"sharding_indexed\",\"configuration\":{\"chunk_shape\":[2,3],\"codecs\":["
                    "{\"name\":\"transpose\",\"configuration\":{\"order\":[1,0]}}," BYTES
                    ",{\"name\":\"crc32c\"}],\"index_codecs\":[" BYTES
                    ",{\"name\":\"crc32c\"}],\"index_location\":\"start\"}}",
                    ",\"extra\":{\"must_understand\":false},\"dimension_names\":[\"y\",null]"),
                 &array, &err))
        fail_msg("%s", err.message);
    assert_true(array.sharded && array.index_first && array.index_big && array.turned);
    assert_int_equal(array.chunks[0] * 10 + array.chunks[1], 23);
    assert_int_equal(array.files[0] * 10 + array.files[1], 46);
    assert_int_equal(array.order[0] * 10 + array.order[1], 10);
    assert_int_equal(array.dtype.order, '>');
    assert_int_equal(array.chain.n * 10 + array.index.n, 11);
    assert_string_equal(c2_buf_cstr(&array.attrs), "{\"_ARRAY_DIMENSIONS\":[\"y\",\"\"]}");
}

static void attributes_are_what_other_readers_see(void **state)
{
    static const struct {
        const char *dtype, *attrs, *shown;
    } CASES[] = {{"\"<i4\"", "{\"a\":NaN,\"b\":\"NaN\",\"c\":[-Infinity,1]}",
                  "{\"a\":null,\"b\":\"NaN\",\"c\":[null,1]}"},
                 {"\"<i4\"", "{\"_ARRAY_DIMENSIONS\":[\"y\",\"x\"]}",
                  "{\"_ARRAY_DIMENSIONS\":[\"y\",\"x\"],\"_FillValue\":9}"},
                 {"\"<f8\"", "{\"_FillValue\":\"AAAAAAAA+H8=\"}", "{}"},
                 {"\"<f8\"", "{\"_FillValue\":\"AAAAAAAA8D8=\"}", "{\"_FillValue\":1.0}"},
                 {"\"<i4\"", "[]", "{}"}};

    for (size_t i = 0; i < C2_ARRAY_LEN(CASES); i++) {
        C2_AUTO(c2_zs_array) array = {0};
        C2_AUTO(c2_buf) text = C2_BUF_INIT(1000);
        struct cat2_error err;
        assert_true(c2_buf_printf(&text, &err, V2("%s", "9", ""), CASES[i].dtype));
        if (!c2_zs_array_v2(c2_buf_str(&text), c2_str_of(CASES[i].attrs), &array, &err))
            fail_msg("%s: %s", CASES[i].attrs, err.message);
        assert_string_equal(c2_buf_cstr(&array.attrs), CASES[i].shown);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(fill_values_are_items),
                                       cmocka_unit_test(bad_metadata_is_refused_with_the_reason),
                                       cmocka_unit_test(bad_metadata_of_version_3_is_refused_with_the_reason),
                                       cmocka_unit_test(shards_have_chunks_of_their_own),
                                       cmocka_unit_test(attributes_are_what_other_readers_see)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
