/* SPDX-License-Identifier: BSD-3-Clause */
/* Shortest digits. Against NumPy: tests/system/test_numbers.py. */
#include <math.h>

#include "base/base_testing.h"
#include "base/buf.h"
#include "wire/real.h"

static void doubles_are_written_as_python_writes_them(void **state)
{
    static const struct {
        double v;
        const char *text;
    } cases[] = {{0, "0.0"},
                 {-0.0, "-0.0"},
                 {0.1, "0.1"},
                 {1e16, "1e+16"},
                 {1e15, "1000000000000000.0"},
                 {123456.75, "123456.75"},
                 {1e-4, "0.0001"},
                 {1e-5, "1e-05"},
                 {5e-324, "5e-324"},
                 {2.2250738585072014e-308, "2.2250738585072014e-308"},
                 {1.7976931348623157e308, "1.7976931348623157e+308"},
                 {9007199254740993.0, "9007199254740992.0"},
                 {0x1p-44, "5.684341886080802e-14"},
                 {-2.5, "-2.5"}};

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        char text[33];
        text[c2_double_text(cases[i].v, text)] = '\0';
        assert_string_equal(text, cases[i].text);
    }
}

static void assert_digits(const struct c2_digits *d, const char *digits, int exponent, bool negative)
{
    assert_string_equal(d->digits, digits);
    assert_int_equal(d->n, strlen(digits));
    assert_int_equal(d->exponent, exponent);
    assert_int_equal(d->negative, negative);
}

static void each_width_has_its_own_shortest_digits(void **state)
{
    struct c2_digits d;

    c2_digits_of_float(0.1F, &d);
    assert_digits(&d, "1", -1, false);
    c2_digits_of_double((double)0.1F, &d);
    assert_digits(&d, "10000000149011612", -1, false);
    c2_digits_of_long_double(0.1L, &d);
    assert_digits(&d, "1", -1, false);
    c2_digits_of_half(0x2e66, &d); /* the half nearest to 0.1 */
    assert_digits(&d, "1", -1, false);
    c2_digits_of_half(0xfbff, &d);
    assert_digits(&d, "655", 4, true);
    c2_digits_of_half(0x0001, &d);
    assert_digits(&d, "6", -8, false);
    c2_digits_of_half(0x8000, &d);
    assert_digits(&d, "0", 0, true);
}

/* Fewer digits never read back, and the last one is the nearest that does. */
static void all_halves_read_back_from_the_fewest_digits(void **state)
{
    for (int bits = 1; bits < 0x7c00; bits++) {
        struct c2_digits d;
        char text[64];
        double v = c2_half_value((uint16_t)bits), below = c2_half_value((uint16_t)(bits - 1));
        double above = bits == 0x7bff ? 65536 : c2_half_value((uint16_t)(bits + 1));
        double low = (v + below) / 2, high = (v + above) / 2;
        c2_digits_of_half((uint16_t)bits, &d);
        text[c2_digits_text(&d, true, false, text)] = '\0';
        double shown = strtod(text, NULL);
        assert_true(bits % 2 ? shown > low && shown < high : shown >= low && shown <= high);
        if (d.n == 1) continue;
        snprintf(text, sizeof(text), "%.*e", d.n - 2, v);
        double shorter = strtod(text, NULL);
        assert_true(bits % 2 ? shorter <= low || shorter >= high : shorter < low || shorter > high);
    }
}

static void halves_have_their_values(void **state)
{
    for (int bits = 0; bits < 0x10000; bits++) {
        int exponent = bits >> 10 & 31, fraction = bits & 1023;
        double v = c2_half_value((uint16_t)bits), want;
        if (exponent == 31 && fraction) {
            assert_true(isnan(v));
            continue;
        }
        want = exponent == 31 ? (double)INFINITY
                              : ldexp(exponent ? fraction + 1024 : fraction, (exponent ? exponent : 1) - 25);
        assert_true(v == (bits >> 15 ? -want : want) && !signbit(v) == !(bits >> 15));
    }
}

/* Every half, every middle of two, and the doubles on both sides of each middle. */
static void doubles_become_the_nearest_half_and_ties_the_even_one(void **state)
{
    assert_int_equal(c2_half_bits((double)NAN), 0x7e00);
    assert_int_equal(c2_half_bits(copysign((double)NAN, -1)), 0xfe00);
    for (int sign = 0; sign < 2; sign++) {
        for (int bits = 0; bits < 0x7c00; bits++) {
            int minus = sign << 15, above = bits + 1;
            double v = c2_half_value((uint16_t)bits), one = sign ? -1 : 1;
            double middle = (v + (above == 0x7c00 ? 65536 : c2_half_value((uint16_t)above))) / 2;
            assert_int_equal(c2_half_bits(one * v), minus | bits);
            assert_int_equal(c2_half_bits(one * middle), minus | (bits % 2 ? above : bits));
            assert_int_equal(c2_half_bits(one * nextafter(middle, 0)), minus | bits);
            assert_int_equal(c2_half_bits(one * nextafter(middle, 1e9)), minus | above);
        }
        assert_int_equal(c2_half_bits(sign ? -1e300 : 1e300), sign << 15 | 0x7c00);
        assert_int_equal(c2_half_bits((double)(sign ? -INFINITY : INFINITY)), sign << 15 | 0x7c00);
    }
}

static void texts_have_points_and_exponents_where_asked(void **state)
{
    static const struct {
        const char *digits;
        int exponent;
        bool scientific, point;
        const char *text;
    } cases[] = {{"125", 2, false, true, "125.0"},       {"125", 2, false, false, "125"},
                 {"125", 0, false, true, "1.25"},        {"125", 4, false, false, "12500"},
                 {"125", -3, false, true, "0.00125"},    {"1", 5, true, true, "1e+05"},
                 {"125", -123, true, false, "1.25e-123"}};

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct c2_digits d = {.exponent = cases[i].exponent};
        char text[64];
        d.n = snprintf(d.digits, sizeof(d.digits), "%s", cases[i].digits);
        text[c2_digits_text(&d, cases[i].scientific, cases[i].point, text)] = '\0';
        assert_string_equal(text, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles_are_written_as_python_writes_them),
        cmocka_unit_test(each_width_has_its_own_shortest_digits),
        cmocka_unit_test(all_halves_read_back_from_the_fewest_digits),
        cmocka_unit_test(halves_have_their_values),
        cmocka_unit_test(doubles_become_the_nearest_half_and_ties_the_even_one),
        cmocka_unit_test(texts_have_points_and_exponents_where_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
