/* SPDX-License-Identifier: BSD-3-Clause */
/* Expressions: what they mean, where they are wrong, and random ones against an evaluation by hand. */
#include "reduce/reduce_testing.h"

#include "base/endian.h"
#include "reduce/where.h"

#define ROWS 8
static const char table_type[] =
    "[('i', '<i8'), ('u', '>u8'), ('t', '<f8'), ('ok', '|b1'), ('s', '|S4'), ('w', '>U3'), "
    "('odd name', '|i1'), ('and', '<i2'), ('in', [('a', '<f4')]), ('v', '<f4', (2,)), ('z', '<c8')]";

/* Row r, byte for byte. */
static void fill(const struct c2_dtype *type, uint8_t *items)
{
    static const int64_t i[ROWS] = {INT64_MIN,     -1,       0, 1, 9007199254740992, 9007199254740993,
                                    INT64_MAX - 1, INT64_MAX};
    static const uint64_t u[ROWS] = {0,   1,       9007199254740993, INT64_MAX,
                                     TOP, TOP + 1, UINT64_MAX - 1,   UINT64_MAX};
    static const double t[ROWS] = {-INFINITY, -1.5, -0.0, 0, 0.1, 9007199254740992, INFINITY, NAN};
    static const char *const s[ROWS] = {"", "a", "ab", "abcd", "b", "a\"b", "A", "\xc3\xa9"};
    static const uint32_t w[ROWS] = {0, 'a', 'b', 0xe9, 0x20ac, 0xffff, 0x10000, 'z'};
    float in;
    int64_t at;

    for (int r = 0; r < ROWS; r++) {
        uint8_t *p = items + r * type->itemsize;
        memset(p, 0, (size_t)type->itemsize);
        c2_put_le64(p, (uint64_t)i[r]);
        c2_put_be64(p + 8, u[r]);
        memcpy(p + 16, &t[r], 8);
        p[24] = (uint8_t)(r % 2);
        memcpy(p + 25, s[r], strlen(s[r]));
        c2_put_be32(p + 29, w[r]);
        c2_dtype_field(type, C2_STR("odd name"), &at);
        p[at] = (uint8_t)(r - 4);
        c2_dtype_field(type, C2_STR("and"), &at);
        c2_put_le16(p + at, (uint16_t)(r * 10));
        c2_dtype_field(type, C2_STR("in.a"), &at);
        in = (float)r / 2;
        memcpy(p + at, &in, 4);
    }
}

static const struct {
    const char *expr, *rows;
} meanings[] = {
    {"i > 0", "00011111"},
    {"i == 9007199254740993", "00000100"},
    {"9007199254740992 < i", "00000111"},
    {"i >= 9223372036854775807", "00000001"},
    {"i < -9223372036854775807", "10000000"},
    {"u == 9007199254740993", "00100000"},
    {"u > 9223372036854775808", "00000111"},
    {"u == 18446744073709551615", "00000001"},
    {"u > i", "11111111"},
    {"i < u", "11111111"},
    {"t < 0.1", "11110000"},
    {"t == 0.1", "00001000"},
    {"t == 9007199254740992", "00000100"},
    {"t == 9007199254740993", "00000000"},
    {"t == 0", "00110000"},
    {"t != t", "00000001"},
    {"t == t", "11111110"},
    {"t > 1e300", "00000010"},
    {"t", "11001111"}, /* NaN differs from zero */
    {"~t", "00110000"},
    {"ok", "01010101"},
    {"not ok", "10101010"},
    {"!ok", "10101010"},
    {"ok == true", "01010101"},
    {"ok == false", "10101010"},
    {"true", "11111111"},
    {"false", "00000000"},
    {"0", "00000000"},
    {"-2", "11111111"},
    {"s == 'ab'", "00100000"},
    {"s == \"ab\"", "00100000"},
    {"s < 'ab'", "11000110"},
    {"s == 'a\"b'", "00000100"},
    {"s == \"a\\\"b\"", "00000100"},
    {"s == ''", "10000000"},
    {"s == '\xc3\xa9'", "00000001"},
    {"'b' <= s", "00001001"},
    {"w == '\xc3\xa9'", "00010000"},
    {"w > '\xef\xbf\xbf'", "00000010"}, /* by characters, not by halves of them */
    {"w == s", "11000000"},
    {"'a' == 'a'", "11111111"},
    {"`odd name` < -1", "11100000"},
    {"`and` >= 30", "00011111"},
    {"in.a == 1.5", "00010000"},
    {"`in.a` == 1.5", "00010000"},
    {"i > 0 | t > 0 & ok", "00011111"},
    {"ok & i > 0 | i < 0", "11010101"},
    {"ok & (i > 0 | i < 0)", "01010101"},
    {"~ok & i > 0", "00001010"},
    {"~(ok & i > 0)", "11101010"},
    {"~~ok", "01010101"},
    {"i>0&&ok||i<0", "11010101"},
    {"i>0 and ok or i<0", "11010101"},
    {" \t( ( ok ) ) ", "01010101"},
    {"true & false | true", "11111111"},
    {"3 < 4", "11111111"},
};

static void every_expression_means_what_is_written(void **state)
{
    C2_AUTO(c2_dtype) type = {0};
    uint8_t items[ROWS * 100], mask[ROWS];

    parse_type(table_type, &type);
    assert_true(type.itemsize <= 100);
    fill(&type, items);
    for (size_t i = 0; i < C2_ARRAY_LEN(meanings); i++) {
        C2_AUTO_PTR(c2_where) *where = NULL;
        struct cat2_error err = {0};
        int64_t position;
        char text[ROWS + 1] = "";
        if (!c2_where_parse(c2_str_of(meanings[i].expr), &type, &where, &position, &err))
            fail_msg("%s: %s", meanings[i].expr, err.message);
        c2_where_eval(where, items, ROWS, mask);
        for (int r = 0; r < ROWS; r++)
            text[r] = (char)('0' + mask[r]);
        if (strcmp(text, meanings[i].rows) != 0)
            fail_msg("%s: %s, not %s", meanings[i].expr, text, meanings[i].rows);
    }
}

static void an_error_says_where_it_is(void **state)
{
    static const struct {
        const char *expr;
        int64_t position;
        const char *message;
    } cases[] = {{"", 0, "ends too early"},
                 {"  ", 2, "ends too early"},
                 {"i >", 3, "ends too early"},
                 {"i > 1 &", 7, "ends too early"},
                 {"i > 1 1", 6, "expected an operator"},
                 {"i = 1", 2, "expected an operator"},
                 {"i > 1)", 5, "expected an operator"},
                 {"(i > 1", 0, "a parenthesis is not closed"},
                 {"ok & (i > 1", 5, "a parenthesis is not closed"},
                 {"(i > 1 i", 7, "expected ')' or an operator"},
                 {"()", 1, "expected the name of a field"},
                 {"nope > 1", 0, "there is no field 'nope'"},
                 {"i > nope", 4, "there is no field 'nope'"},
                 {"`odd name > 1", 0, "expected the name of a field"},
                 {"`` > 1", 0, "expected the name of a field"},
                 {"i > 1.2.3", 4, "not a number"},
                 {"i > 1e", 4, "not a number"},
                 {"i > -", 4, "not a number"},
                 {"i > 12abc", 4, "not a number"},
                 {"s == 'a", 5, "a text does not end"},
                 {"s == 1", 5, "text does not compare with numbers"},
                 {"1 == s", 5, "text does not compare with numbers"},
                 {"i == 'a'", 5, "text does not compare with numbers"},
                 {"ok & s", 5, "a text alone is neither true nor false"},
                 {"'a'", 0, "a text alone is neither true nor false"},
                 {"v > 1", 0, "a field of arrays does not compare"},
                 {"z > 1", 0, "a field of this type does not compare"},
                 {"in > 1", 0, "a field of this type does not compare"},
                 {"value > 1", 0, "there is no field 'value'"},
                 {"i > 1 ; drop", 6, "expected an operator"},
                 {"i < 1 < 2", 6, "expected an operator"}};
    C2_AUTO(c2_dtype) type = {0};

    parse_type(table_type, &type);
    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct c2_where *where = NULL;
        struct cat2_error err = {0};
        int64_t position = -1;
        if (c2_where_parse(c2_str_of(cases[i].expr), &type, &where, &position, &err))
            fail_msg("'%s' was accepted", cases[i].expr);
        if (position != cases[i].position || !strstr(err.message, cases[i].message))
            fail_msg("'%s': %s, at %lld", cases[i].expr, err.message, (long long)position);
        assert_int_equal(err.code, CAT2_EINVAL);
    }
}

static bool parses(const struct c2_dtype *type, const char *text, size_t n, int64_t *position)
{
    C2_AUTO_PTR(c2_where) *where = NULL;
    struct cat2_error err = {0};

    return c2_where_parse((struct c2_str){text, n}, type, &where, position, &err);
}

static void expressions_are_bounded(void **state)
{
    C2_AUTO(c2_dtype) type = {0};
    char text[8192];
    int64_t position;

    parse_type("<i4", &type);
    for (size_t n = 1; n < 100; n++) { /* parentheses */
        memset(text, '(', n);
        text[n] = '1';
        memset(text + n + 1, ')', n);
        assert_int_equal(parses(&type, text, 2 * n + 1, &position), n < 64);
    }
    for (size_t n = 1; n < 300; n++) { /* comparisons */
        for (size_t i = 0; i < n; i++)
            memcpy(text + 2 * i, "1|", 2);
        assert_int_equal(parses(&type, text, 2 * n - 1, &position), n <= 256);
    }
    memset(text, ' ', sizeof(text));
    text[0] = '1';
    assert_true(parses(&type, text, C2_WHERE_TEXT_MAX, &position));
    assert_false(parses(&type, text, C2_WHERE_TEXT_MAX + 1, &position));
    assert_int_equal(position, C2_WHERE_TEXT_MAX);
    memset(text, '~', 100);
    assert_false(parses(&type, text, 101, &position));
}

static void plain_items_are_called_value(void **state)
{
    static const int32_t items[] = {3, -4, 5};
    C2_AUTO(c2_dtype) type = {0};
    C2_AUTO_PTR(c2_where) *where = NULL;
    struct cat2_error err = {0};
    int64_t position;
    uint8_t mask[3];

    parse_type("<i4", &type);
    assert_true(c2_where_parse(C2_STR("value > 0 & value<5"), &type, &where, &position, &err));
    c2_where_eval(where, (const uint8_t *)items, 3, mask);
    assert_memory_equal(mask, "\1\0\0", 3);
}

/* ---- random expressions ---- */

#define MANY 3000
struct random_expr {
    struct c2_buf text;
    const int16_t *items;
};

static void put_text(struct random_expr *e, const char *text)
{
    struct cat2_error err;

    assert_true(c2_buf_puts(&e->text, text, &err));
}

static bool compare(int how, int a, int b)
{
    const bool results[] = {a<b, a <= b, a> b, a >= b, a == b, a != b};

    return results[how];
}

/* Writes an expression of up to this depth, and what it is for each item. kind: 0 or, 1 and, 2 not. */
static void make(struct random_expr *e, int kind, int depth, uint8_t *mask)
{
    static const char *const hows[] = {"<", "<=", ">", ">=", "==", "!="};
    static const char *const joins[2][3] = {{"|", "||", " or "}, {"&", "&&", " and "}};
    uint8_t *other = malloc(MANY);
    char text[32];

    if (kind < 2) {
        make(e, kind + 1, depth, mask);
        for (int n = (int)random_below(3); n > 0 && depth > 0; n--) {
            put_text(e, joins[kind][random_below(3)]);
            make(e, kind + 1, depth - 1, other);
            for (int i = 0; i < MANY; i++)
                mask[i] = kind ? mask[i] && other[i] : mask[i] || other[i];
        }
    } else if (depth > 0 && random_below(3) == 0) {
        bool turned = random_below(2);
        put_text(e, turned ? "~(" : " ( ");
        make(e, 0, depth - 1, mask);
        put_text(e, ")");
        for (int i = 0; i < MANY; i++)
            mask[i] ^= turned;
    } else {
        int how = (int)random_below(6), limit = (int)random_below(100) - 50;
        snprintf(text, sizeof(text), "value%s%d", hows[how], limit);
        put_text(e, text);
        for (int i = 0; i < MANY; i++)
            mask[i] = compare(how, e->items[i], limit);
    }
    free(other);
}

static void random_expressions_are_evaluated_by_precedence(void **state)
{
    static int16_t items[MANY];
    static uint8_t want[MANY], got[MANY];
    C2_AUTO(c2_dtype) type = {0};
    int count = 0;

    parse_type("<i2", &type);
    for (int i = 0; i < MANY; i++)
        items[i] = (int16_t)(random_below(110) - 55);
    for (int k = 0; k < 400; k++) {
        struct random_expr e = {C2_BUF_INIT(1 << 20), items};
        C2_AUTO_PTR(c2_where) *where = NULL;
        struct cat2_error err = {0};
        int64_t position;
        make(&e, 0, 4, want);
        if (e.text.n <= C2_WHERE_TEXT_MAX) {
            if (!c2_where_parse(c2_buf_str(&e.text), &type, &where, &position, &err))
                fail_msg("%s: %s", c2_buf_cstr(&e.text), err.message);
            c2_where_eval(where, (const uint8_t *)items, MANY, got);
            if (memcmp(got, want, MANY) != 0) fail_msg("%s", c2_buf_cstr(&e.text));
            count++;
        }
        c2_buf_fini(&e.text);
    }
    assert_true(count > 300);
}

/* Python binds & | ~ closer than comparisons, and reads a number as the field's type. */
static void what_python_reads_otherwise_is_refused(void **state)
{
    static const char *const good[] = {"i > 0",           "ok & (i > 0)", "(i > 0) | ~ok",
                                       "~(i > 0) & ~~ok", "ok == True",   "((i > 0) & ok) | (s == b'a')"};
    static const char *const bad[] = {"i > 0 & ok", "ok | i > 0",   "~i > 0",          "i",
                                      "1",          "i > 0 and ok", "not ok",          "!ok",
                                      "ok && ok",   "ok || ok",     "(i > 0) & u > 1", "(i) & ok"};
    struct cat2_error err = {0};
    struct c2_dtype type;
    int64_t position;

    (void)state;
    assert_true(c2_dtype_parse(c2_str_of(table_type), &type, &err));
    for (size_t i = 0; i < C2_ARRAY_LEN(good); i++) {
        struct c2_where *where = NULL;
        if (!c2_where_parse_python(c2_str_of(good[i]), &type, &where, &position, &err))
            fail_msg("%s: %s", good[i], err.message);
        c2_where_free(where);
    }
    for (size_t i = 0; i < C2_ARRAY_LEN(bad); i++) {
        struct c2_where *where = NULL;
        if (c2_where_parse_python(c2_str_of(bad[i]), &type, &where, &position, &err))
            fail_msg("%s was accepted", bad[i]);
        assert_true(c2_str_starts(c2_str_of(err.message), "filter: "));
    }
    c2_dtype_fini(&type);
}

static void a_number_is_compared_as_one_of_the_fields_type(void **state)
{
    static const struct {
        const char *type, *expr;
        uint32_t bits;
        bool is;
    } cases[] = {{"<f4", "value == 0.1", 0x3dcccccd, true}, {"<f4", "value < 0.1", 0x3dcccccd, false},
                 {"<f2", "value == 0.1", 0x2e66, true},     {"<f2", "0.1 == value", 0x2e66, true},
                 {"<f2", "value == 1e9", 0x7c00, true},     {"<f2", "value == 6e-8", 0x0001, true},
                 {"<f2", "value == 65504", 0x7bff, true},   {"<f2", "value == 0", 0x0001, false}};

    (void)state;
    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct c2_where *where = NULL;
        struct cat2_error err = {0};
        struct c2_dtype type;
        uint8_t item[4], mask;
        int64_t position;
        c2_put_le32(item, cases[i].bits);
        assert_true(c2_dtype_parse(c2_str_of(cases[i].type), &type, &err));
        assert_true(c2_where_parse_python(c2_str_of(cases[i].expr), &type, &where, &position, &err));
        c2_where_eval(where, item, 1, &mask);
        if (mask != cases[i].is) fail_msg("%s %s: %d", cases[i].type, cases[i].expr, mask);
        c2_where_free(where);
        c2_dtype_fini(&type);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_python_reads_otherwise_is_refused),
                                       cmocka_unit_test(a_number_is_compared_as_one_of_the_fields_type),
                                       cmocka_unit_test(every_expression_means_what_is_written),
                                       cmocka_unit_test(an_error_says_where_it_is),
                                       cmocka_unit_test(expressions_are_bounded),
                                       cmocka_unit_test(plain_items_are_called_value),
                                       cmocka_unit_test(random_expressions_are_evaluated_by_precedence)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
