/* SPDX-License-Identifier: BSD-3-Clause */
/* JSON in and out, msgpack in and out, and the frames made of them. */
#include "base/base_testing.h"
#include "wire/msgpack.h"
#include "wire/pubsub.h"

static void numbers_print_as_python_prints_them(void **state)
{
    static const struct {
        double v;
        const char *text;
    } cases[] = {{0, "0.0"},
                 {-0.0, "-0.0"},
                 {1, "1.0"},
                 {123.456, "123.456"},
                 {1e300, "1e+300"},
                 {1e-7, "1e-07"},
                 {1e16, "1e+16"},
                 {1e15, "1000000000000000.0"},
                 {0.0001, "0.0001"},
                 {0.00001, "1e-05"},
                 {1.5e-5, "1.5e-05"},
                 {0.1, "0.1"},
                 {100.5, "100.5"},
                 {5e-324, "5e-324"},
                 {1.7976931348623157e308, "1.7976931348623157e+308"},
                 {2.0 / 3, "0.6666666666666666"},
                 {0x1p-44, "5.684341886080802e-14"}, /* not the nearest of 16 digits, yet the shortest */
                 {9007199254740992, "9007199254740992.0"},
                 {1714000001.115, "1714000001.115"}};

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct cat2_error err;
        C2_AUTO(c2_buf) out = C2_BUF_INIT(100);
        assert_true(c2_format_double(cases[i].v, &out, &err));
        assert_string_equal(c2_buf_cstr(&out), cases[i].text);
    }
}

static void documents_are_printed_again_in_either_style(void **state)
{
    static const char text[] = "{\"a\":[1,-2,3.5,true,null,18446744073709551615],\"\\u00e9\\n\":{\"x\":"
                               "\"\\ud83d\\ude00\"},\"e\":[],\"o\":{}}";
    struct cat2_error err;
    C2_AUTO_PTR(c2_json) *json = NULL;
    C2_AUTO(c2_buf) compact = C2_BUF_INIT(1000);
    C2_AUTO(c2_buf) python = C2_BUF_INIT(1000);

    assert_true(c2_json_parse(c2_str_of(text), &json, &err));
    assert_true(c2_json_print(c2_json_root(json), C2_JSON_COMPACT, &compact, &err));
    assert_string_equal(c2_buf_cstr(&compact),
                        "{\"a\":[1,-2,3.5,true,null,18446744073709551615],\"\xc3\xa9\\n\":{\"x\":"
                        "\"\xf0\x9f\x98\x80\"},\"e\":[],\"o\":{}}");
    assert_true(c2_json_print(c2_json_root(json), C2_JSON_PYTHON, &python, &err));
    assert_string_equal(c2_buf_cstr(&python),
                        "{\"a\": [1, -2, 3.5, true, null, 18446744073709551615], \"\\u00e9\\n\": {\"x\": "
                        "\"\\ud83d\\ude00\"}, \"e\": [], \"o\": {}}");
}

static void broken_documents_are_refused(void **state)
{
    static const char *const cases[] = {"",      "{",        "[1,]", "{\"a\":1}x", "nan",
                                        "[NaN]", "\"\xff\"", "'a'",  "[1 2]"};
    char deep[300];

    memset(deep, '[', sizeof(deep));
    for (size_t i = 0; i <= C2_ARRAY_LEN(cases); i++) {
        struct cat2_error err;
        C2_AUTO_PTR(c2_json) *json = NULL;
        struct c2_str text =
            i < C2_ARRAY_LEN(cases) ? c2_str_of(cases[i]) : (struct c2_str){deep, sizeof(deep)};
        assert_false(c2_json_parse(text, &json, &err));
    }
}

static void text_that_is_no_utf8_is_written_as_replacement_characters(void **state)
{
    struct cat2_error err;
    struct c2_jw w;
    C2_AUTO(c2_buf) out = C2_BUF_INIT(100);

    c2_jw_init(&w, &out, C2_JSON_COMPACT, &err);
    c2_jw_str(&w, C2_STR("a\xff\x62\x01"));
    assert_true(c2_jw_finish(&w));
    assert_string_equal(c2_buf_cstr(&out), "\"a\xef\xbf\xbd"
                                           "b\\u0001\"");
}

static void attributes_go_from_msgpack_to_json(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
        const char *json;
    } cases[] = {
        {"\x01", 1, "1"},
        {"\xff", 1, "-1"},
        {"\xcd\x01\x00", 3, "256"},
        {"\xd1\xff\x00", 3, "-256"},
        {"\xcb\x40\x5e\xdd\x2f\x1a\x9f\xbe\x77", 9, "123.456"},
        {"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00", 9, "null"},
        {"\xc0", 1, "null"},
        {"\xc3", 1, "true"},
        {"\xa3"
         "foo",
         4, "\"foo\""},
        {"\xc4\x02"
         "hi",
         4, "\"hi\""},
        {"\x93\xa9__tuple__\x01\x02", 13, "[1,2]"},
        {"\x82\xa1"
         "a\x01\x02\x90",
         6, "{\"a\":1,\"2\":[]}"},
        {"\x82\xc0\x01\xc3\x02", 5, "{\"null\":1,\"true\":2}"},
        {"\xd4\x2a\x00", 3, "{\"__ext__\":42,\"nbytes\":1}"},
        {"\xcf\xff\xff\xff\xff\xff\xff\xff\xff", 9, "18446744073709551615"},
    };

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct cat2_error err;
        struct c2_jw w;
        C2_AUTO(c2_buf) out = C2_BUF_INIT(1000);
        c2_jw_init(&w, &out, C2_JSON_COMPACT, &err);
        assert_true(
            c2_msgpack_to_json((struct c2_bytes){(const uint8_t *)cases[i].bytes, cases[i].n}, &w, &err));
        assert_string_equal(c2_buf_cstr(&out), cases[i].json);
        for (size_t n = 0; n < cases[i].n; n++) {
            C2_AUTO(c2_buf) cut = C2_BUF_INIT(1000);
            c2_jw_init(&w, &cut, C2_JSON_COMPACT, &err);
            assert_false(c2_msgpack_to_json((struct c2_bytes){(const uint8_t *)cases[i].bytes, n}, &w, &err));
        }
    }
}

static void attributes_survive_the_way_to_msgpack_and_back(void **state)
{
    static const char text[] = "{\"a\":[0,127,128,255,256,65535,65536,4294967296,-1,-32,-33,-129,-32769,-"
                               "2147483649,1.5],\"b\":{\"c\":null,\"d\":true},"
                               "\"long\":\"0123456789012345678901234567890123456789\"}";
    struct cat2_error err;
    struct c2_jw w;
    C2_AUTO_PTR(c2_json) *json = NULL;
    C2_AUTO(c2_buf) packed = C2_BUF_INIT(1000);
    C2_AUTO(c2_buf) out = C2_BUF_INIT(1000);

    assert_true(c2_json_parse(c2_str_of(text), &json, &err));
    assert_true(c2_msgpack_from_json(c2_json_root(json), &packed, &err));
    c2_jw_init(&w, &out, C2_JSON_COMPACT, &err);
    assert_true(c2_msgpack_to_json(c2_buf_bytes(&packed), &w, &err));
    assert_string_equal(c2_buf_cstr(&out), text);
}

/* The deepest that is taken, of lists around a value. */
static int deepest_around(const char *value, size_t n)
{
    int deepest = 0;

    for (int depth = 1; depth < 100; depth++) {
        struct cat2_error err;
        struct c2_jw w;
        uint8_t packed[110];
        C2_AUTO(c2_buf) out = C2_BUF_INIT(1000);
        C2_AUTO_PTR(c2_json) *json = NULL;
        memset(packed, 0x91, sizeof(packed));
        memcpy(packed + depth, value, n);
        assert_true(c2_buf_puts(&out, "[[[[[[[[[[", &err));
        c2_jw_init(&w, &out, C2_JSON_COMPACT, &err);
        if (!c2_msgpack_to_json((struct c2_bytes){packed, (size_t)depth + n}, &w, &err)) {
            assert_int_equal(err.code, CAT2_ELIMIT);
            continue;
        }
        assert_true(c2_buf_puts(&out, "]]]]]]]]]]", &err));
        assert_true(c2_json_parse(c2_buf_str(&out), &json, &err));
        deepest = depth;
    }
    return deepest;
}

static void a_deeply_nested_attribute_still_fits_into_a_frame(void **state)
{
    assert_true(deepest_around("\xc0", 1) >= 32);
    /* an extension is shown as an object */
    assert_int_equal(deepest_around("\xd4\x2a", 3), deepest_around("\xc0", 1) - 1);
}

static void frames_are_told_apart(void **state)
{
    static const struct {
        const char *text;
        enum c2_ps_kind kind;
    } cases[] = {
        {"{\"request\":{\"method\":\"_ping_\",\"arguments\":{},\"call_id\":\"c\"},\"response\":null}",
         C2_PS_REQUEST},
        {"{\"response\":{\"result\":\"pong\",\"result_type\":\"str\",\"call_id\":\"c\"}}", C2_PS_RESPONSE},
        {"{}", C2_PS_IGNORED},
        {"[]", C2_PS_IGNORED},
        {"{\"request\":{\"method\":\"x\",\"arguments\":[1]}}", C2_PS_IGNORED},
        {"{\"request\":{\"arguments\":{}}}", C2_PS_IGNORED}};

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct cat2_error err;
        C2_AUTO(c2_ps_message) message = {0};
        assert_true(c2_ps_parse(c2_str_of(cases[i].text), &message, &err));
        assert_int_equal(message.kind, cases[i].kind);
        if (message.kind != C2_PS_IGNORED) assert_true(c2_str_is(message.call_id, "c"));
    }
}

static void a_written_frame_is_read_back(void **state)
{
    struct cat2_error err;
    C2_AUTO(c2_buf) out = C2_BUF_INIT(1000);
    C2_AUTO(c2_ps_message) message = {0};

    assert_true(c2_ps_request(&out, "publish", C2_STR("{\"topics\":\"foo\"}"), C2_STR("id\""), &err));
    assert_true(c2_ps_parse(c2_buf_str(&out), &message, &err));
    assert_true(c2_str_is(message.method, "publish") && c2_str_is(message.call_id, "id\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_print_as_python_prints_them),
        cmocka_unit_test(documents_are_printed_again_in_either_style),
        cmocka_unit_test(broken_documents_are_refused),
        cmocka_unit_test(text_that_is_no_utf8_is_written_as_replacement_characters),
        cmocka_unit_test(attributes_go_from_msgpack_to_json),
        cmocka_unit_test(attributes_survive_the_way_to_msgpack_and_back),
        cmocka_unit_test(a_deeply_nested_attribute_still_fits_into_a_frame),
        cmocka_unit_test(frames_are_told_apart),
        cmocka_unit_test(a_written_frame_is_read_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
