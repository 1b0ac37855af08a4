/* SPDX-License-Identifier: BSD-3-Clause */
/* Msgpack trees: what is written is read again, and no bytes lead beyond their end. */
#include "base/base_testing.h"
#include "wire/mp.h"

static void what_is_written_is_read(void **state)
{
    C2_AUTO(c2_buf) out = C2_BUF_INIT(1 << 20);
    C2_AUTO(c2_mp) mp = {0};
    struct cat2_error err;
    struct c2_mpw w;
    struct c2_str name;
    int64_t i;

    c2_mpw_init(&w, &out, &err);
    size_t map = c2_mpw_open(&w, C2_MP_MAP);
    c2_mpw_text(&w, "numbers");
    size_t list = c2_mpw_open(&w, C2_MP_LIST);
    static const int64_t numbers[] = {0, 127, 128, 65536, INT64_MAX, -1, -32, -33, INT64_MIN};
    for (size_t k = 0; k < C2_ARRAY_LEN(numbers); k++)
        c2_mpw_int(&w, numbers[k]);
    c2_mpw_uint(&w, UINT64_MAX);
    c2_mpw_close(&w, list, C2_ARRAY_LEN(numbers) + 1);
    c2_mpw_text(&w, "odd");
    c2_mpw_name(&w, C2_STR("a\xff"));
    c2_mpw_text(&w, "yes");
    c2_mpw_bool(&w, true);
    c2_mpw_text(&w, "nothing");
    c2_mpw_nil(&w);
    c2_mpw_close(&w, map, 4);
    assert_true(w.ok);

    assert_true(c2_mp_parse(c2_buf_bytes(&out), 100, &mp, &err));
    const struct c2_mp_node *root = mp.nodes, *found = c2_mp_get(root, "numbers");
    assert_int_equal(root->span, mp.n);
    assert_int_equal(c2_mp_count(found), C2_ARRAY_LEN(numbers) + 1);
    for (uint32_t k = 0; k < C2_ARRAY_LEN(numbers); k++) {
        assert_true(c2_mp_int(c2_mp_item(found, k), INT64_MIN, INT64_MAX, &i));
        assert_int_equal(i, numbers[k]);
    }
    assert_false(c2_mp_int(c2_mp_item(found, 9), INT64_MIN, INT64_MAX, &i)); /* too large for it */
    assert_false(c2_mp_int(c2_mp_item(found, 0), 1, 2, &i));
    assert_true(c2_mp_name(c2_mp_get(root, "odd"), &name) && name.n == 2);
    assert_int_equal(c2_mp_get(root, "odd")->kind, C2_MP_BYTES);
    assert_true(c2_mp_true(c2_mp_get(root, "yes")));
    assert_int_equal(c2_mp_get(root, "nothing")->kind, C2_MP_NIL);
    assert_null(c2_mp_get(root, "no"));
    assert_null(c2_mp_get(NULL, "no"));
    assert_null(c2_mp_item(root, 0));
}

static void bytes_that_are_none_are_refused(void **state)
{
    static const struct {
        const char *p;
        size_t n;
    } bad[] = {{"", 0},
               {"\xc1", 1},
               {"\x91", 1},
               {"\x01\x02", 2},
               {"\xa5 abc", 5},
               {"\xdf\xff\xff\xff\xff", 5},
               {"\xdd\0\0\0\5\1\2", 7},
               {"\xcb\1\2", 3},
               {"\xc7\5\1", 3},
               {"\x81\1", 2}};
    struct cat2_error err;

    for (size_t i = 0; i < C2_ARRAY_LEN(bad); i++) {
        C2_AUTO(c2_mp) mp = {0};
        uint8_t *exact = malloc(bad[i].n + 1);
        memcpy(exact, bad[i].p, bad[i].n);
        assert_false(c2_mp_parse((struct c2_bytes){exact, bad[i].n}, 1000, &mp, &err));
        free(exact);
    }
}

static void numbers_take_their_smallest_form(void **state)
{
    static const struct {
        int64_t value;
        size_t nbytes;
    } cases[] = {{127, 1},
                 {128, 2},
                 {256, 3},
                 {65536, 5},
                 {INT64_C(1) << 32, 9},
                 {-32, 1},
                 {-33, 2},
                 {-128, 2},
                 {-129, 3},
                 {-32768, 3},
                 {-32769, 5},
                 {INT32_MIN, 5},
                 {INT32_MIN - INT64_C(1), 9}};
    struct cat2_error err;
    struct c2_mpw w;

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        C2_AUTO(c2_buf) out = C2_BUF_INIT(100);
        struct c2_mp_node node;
        c2_mpw_init(&w, &out, &err);
        c2_mpw_int(&w, cases[i].value);
        struct c2_mp_reader r = c2_mp_reader_of(c2_buf_bytes(&out), &err);
        assert_int_equal(out.n, cases[i].nbytes);
        assert_true(c2_mp_read(&r, &node) && c2_mp_at_end(&r));
        assert_int_equal(node.i, cases[i].value);
    }
}

static void values_are_read_one_after_the_other(void **state)
{
    static const uint8_t bytes[] = "\x92\x81\xa1k\x93\x01\xc4\x02xy\xc0\xd4\x2a\x00\xa1z";
    struct cat2_error err;
    struct c2_mp_reader r = c2_mp_reader_of((struct c2_bytes){bytes, sizeof(bytes) - 1}, &err);
    struct c2_mp_node node;

    assert_true(c2_mp_read(&r, &node));
    assert_int_equal(node.kind, C2_MP_LIST);
    assert_int_equal(c2_mp_children(&node), 2);
    assert_true(c2_mp_skip(&r)); /* the map, and all it holds */
    assert_true(c2_mp_read(&r, &node));
    assert_int_equal(node.kind, C2_MP_EXT);
    assert_int_equal(node.i, 42);
    assert_int_equal(node.bytes.n, 1);
    assert_false(c2_mp_at_end(&r));
    assert_string_equal(err.message, "msgpack: 2 bytes follow the value");
    assert_true(c2_mp_skip(&r) && c2_mp_at_end(&r));
    assert_false(c2_mp_read(&r, &node));
    assert_string_equal(err.message, "msgpack: ends early");
}

static void lists_that_claim_more_than_there_is_end_at_their_head(void **state)
{
    static const struct {
        const char *p;
        size_t n;
    } bad[] = {{"\x92\x01", 2}, {"\x81\x01", 2}, {"\xdd\xff\xff\xff\xff\x01", 6}, {"\xde\0\2\1\2\3", 6}};
    struct cat2_error err;
    struct c2_mp_node node;

    for (size_t i = 0; i < C2_ARRAY_LEN(bad); i++) {
        struct c2_mp_reader r = c2_mp_reader_of((struct c2_bytes){(const uint8_t *)bad[i].p, bad[i].n}, &err);
        assert_false(c2_mp_read(&r, &node));
        assert_int_equal(err.code, CAT2_EDATA);
    }
}

static void depth_and_number_of_values_have_an_end(void **state)
{
    C2_AUTO(c2_buf) deep = C2_BUF_INIT(1 << 10);
    C2_AUTO(c2_mp) mp = {0};
    struct cat2_error err;

    for (int i = 0; i < 63; i++)
        assert_true(c2_buf_putc(&deep, (char)0x91, &err));
    assert_true(c2_buf_putc(&deep, 7, &err));
    assert_true(c2_mp_parse(c2_buf_bytes(&deep), 64, &mp, &err));
    c2_mp_fini(&mp);
    assert_false(c2_mp_parse(c2_buf_bytes(&deep), 63, &mp, &err));
    deep.n--;
    for (int i = 0; i < 2; i++)
        assert_true(c2_buf_putc(&deep, (char)0x91, &err));
    assert_true(c2_buf_putc(&deep, 7, &err));
    assert_false(c2_mp_parse(c2_buf_bytes(&deep), 1000, &mp, &err));
    assert_int_equal(err.code, CAT2_ELIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(bytes_that_are_none_are_refused),
        cmocka_unit_test(numbers_take_their_smallest_form),
        cmocka_unit_test(values_are_read_one_after_the_other),
        cmocka_unit_test(lists_that_claim_more_than_there_is_end_at_their_head),
        cmocka_unit_test(depth_and_number_of_values_have_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
