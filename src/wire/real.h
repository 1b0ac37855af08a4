/* SPDX-License-Identifier: BSD-3-Clause */
/* Real numbers as decimal digits: the fewest that read back as the number in its own type, and of those the
 * nearest to it. */
#ifndef C2_WIRE_REAL_H
#define C2_WIRE_REAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A finite number as d0.d1d2... x 10^exponent. No zeros at the end; zero itself is one "0". */
struct c2_digits {
    bool negative;
    char digits[48]; /* NUL-terminated */
    int n, exponent;
};

/** The shortest digits of a finite number. Of infinities and NaN: "0". Any thread.
 *  @source C++17's std::to_chars, whose result does not depend on the locale; half precision by exact integer
 * arithmetic. */
void c2_digits_of_double(double v, struct c2_digits *out);
void c2_digits_of_float(float v, struct c2_digits *out);
void c2_digits_of_long_double(long double v, struct c2_digits *out);
void c2_digits_of_half(uint16_t bits, struct c2_digits *out);

/** A finite number rounded to `places` digits after the first, at most 40; zeros at the end are left out.
 * Ties are decided by the exact number. */
void c2_digits_rounded(long double v, int places, struct c2_digits *out);

/** A number of half precision (IEEE 754 binary16), NaN and infinities too. */
double c2_half_value(uint16_t bits);

/** The number of half precision nearest to v, as its bits: ties go to the even one, as in NumPy.
 *  65520 and more are infinite; a NaN keeps its sign and is quiet. Any thread, in the usual rounding mode. */
uint16_t c2_half_bits(double v);

/** As Python writes them: 1.25, 1e+16, -0.0.
 *  @param scientific  with an exponent of at least two digits; else all places, which are exponent + 1 and
 * more.
 *  @param point       ".0" behind whole numbers (not when scientific).
 *  @return bytes written to `to`, which has room for 16 + n + |exponent|. Not NUL-terminated. */
size_t c2_digits_text(const struct c2_digits *digits, bool scientific, bool point, char *to);

/** repr() of a double: scientific below 1e-4 and from 1e16 on.
 *  @return bytes written, at most 32; not NUL-terminated. Finite numbers only. */
size_t c2_double_text(double v, char to[32]);

#ifdef __cplusplus
}
#endif
#endif
