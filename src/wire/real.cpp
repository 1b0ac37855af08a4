/* SPDX-License-Identifier: BSD-3-Clause */
/* Shortest digits. */
#include "wire/real.h"

#include <charconv>
#include <cmath>
#include <cstring>

namespace
{

/* "-1.25e+03" into its parts. */
void take_apart(const char *p, const char *end, struct c2_digits *out)
{
    out->negative = *p == '-';
    out->n = 0;
    p += out->negative;
    for (; p < end && *p != 'e'; p++)
        if (*p != '.') out->digits[out->n++] = *p;
    out->digits[out->n] = '\0';
    out->exponent = 0;
    if (p == end) return;
    bool minus = p[1] == '-';
    std::from_chars(p + 2, end, out->exponent);
    if (minus) out->exponent = -out->exponent;
}

/* No zeros at the end. */
void trim(struct c2_digits *out)
{
    while (out->n > 1 && out->digits[out->n - 1] == '0')
        out->n--;
    out->digits[out->n] = '\0';
}

template <typename Real> void shortest(Real v, struct c2_digits *out)
{
    char text[64];

    if (!std::isfinite(v)) v = 0;
    auto done = std::to_chars(text, text + sizeof(text), v, std::chars_format::scientific);
    take_apart(text, done.ptr, out);
}

/* Drops zeros from the end of `whole`, whose last digit counts 10^place. */
void from_whole(uint64_t whole, int place, struct c2_digits *out)
{
    auto done = std::to_chars(out->digits, out->digits + sizeof(out->digits) - 1, whole);

    out->n = (int)(done.ptr - out->digits);
    out->exponent = place + out->n - 1;
    trim(out);
}

/* A half of value `middle` and the ends of the interval that rounds to it, all times 2^26. */
struct interval {
    uint64_t below, middle, above;
    bool closed; /* the ends belong to it: ties go to the even number, which this is */
};

/* Is there a multiple of 10^place within? The nearest to the middle, as digits. */
bool multiple_within(const struct interval &in, int place, struct c2_digits *out)
{
    uint64_t up = 1, unit = (uint64_t)1 << 26;

    for (int i = 0; i < place; i++)
        unit *= 10;
    for (int i = 0; i > place; i--)
        up *= 10;
    using wide = unsigned __int128;
    wide middle = (wide)in.middle * up, below = (wide)in.below * up, above = (wide)in.above * up;
    auto lower = (uint64_t)(middle / unit);
    wide rest = middle - (wide)lower * unit;
    uint64_t nearest = rest * 2 > unit || (rest * 2 == unit && lower % 2) ? lower + 1 : lower;
    const uint64_t tried[] = {nearest, nearest == lower ? lower + 1 : lower};
    for (uint64_t candidate : tried) {
        wide at = (wide)candidate * unit;
        if (candidate && (in.closed ? at >= below && at <= above : at > below && at < above)) {
            from_whole(candidate, place, out);
            return true;
        }
    }
    return false;
}

} // namespace

void c2_digits_of_double(double v, struct c2_digits *out)
{
    shortest(v, out);
}

void c2_digits_of_float(float v, struct c2_digits *out)
{
    shortest(v, out);
}

void c2_digits_of_long_double(long double v, struct c2_digits *out)
{
    shortest(v, out);
}

void c2_digits_rounded(long double v, int places, struct c2_digits *out)
{
    char text[64];
    auto done = std::to_chars(text, text + sizeof(text), v, std::chars_format::scientific, places);

    take_apart(text, done.ptr, out);
    trim(out);
}

void c2_digits_of_half(uint16_t bits, struct c2_digits *out)
{
    int exponent = bits >> 10 & 31;
    uint64_t fraction = bits & 1023, whole = exponent ? fraction + 1024 : fraction;
    int shift = exponent ? exponent + 1 : 2; /* of the fraction's last bit, 2^26 times its worth */
    struct interval in = {};

    *out = (struct c2_digits){};
    out->digits[0] = '0';
    out->n = 1;
    if (exponent < 31 && whole) {
        in.middle = whole << shift;
        in.above = in.middle + ((uint64_t)1 << (shift - 1));
        in.below = in.middle - ((uint64_t)1 << (fraction || exponent < 2 ? shift - 1 : shift - 2));
        in.closed = whole % 2 == 0;
        int place = 4;
        while (!multiple_within(in, place, out))
            place--;
    }
    out->negative = bits >> 15;
}

double c2_half_value(uint16_t bits)
{
    uint32_t sign = (uint32_t)(bits & 0x8000) << 16, size = bits & 0x7fff, single;
    float v;

    if (size < 0x400) /* subnormal */
        return bits & 0x8000 ? -std::ldexp((double)size, -24) : std::ldexp((double)size, -24);
    single = size < 0x7c00 ? (size << 13) + ((uint32_t)112 << 23) : size << 13 | 0x7f800000;
    single |= sign;
    std::memcpy(&v, &single, sizeof(v));
    return (double)v;
}

uint16_t c2_half_bits(double v)
{
    unsigned sign = std::signbit(v) ? 0x8000 : 0;
    double size = std::fabs(v);
    int exponent;

    if (std::isnan(v)) return (uint16_t)(sign | 0x7e00);
    if (size >= 65520) return (uint16_t)(sign | 0x7c00); /* nearer to 65536 than to the largest there is */
    if (size < 0x1p-14) return (uint16_t)(sign | (unsigned)std::nearbyint(size * 0x1p24)); /* subnormal */
    double digits = std::nearbyint(std::frexp(size, &exponent) * 2048) - 1024;
    return (uint16_t)(sign |
                      (((unsigned)(exponent + 14) << 10) + (unsigned)digits)); /* 1024 is the next power */
}

size_t c2_digits_text(const struct c2_digits *d, bool scientific, bool point, char *to)
{
    char *p = to;

    if (d->negative) *p++ = '-';
    if (scientific) {
        *p++ = d->digits[0];
        if (d->n > 1) *p++ = '.';
        memcpy(p, d->digits + 1, (size_t)d->n - 1);
        p += d->n - 1;
        *p++ = 'e';
        *p++ = d->exponent < 0 ? '-' : '+';
        int size = std::abs(d->exponent);
        if (size < 10) *p++ = '0';
        return (size_t)(std::to_chars(p, p + 8, size).ptr - to);
    }
    int whole = d->exponent + 1; /* digits before the point; none or less: zeros behind it */
    if (whole <= 0) {
        *p++ = '0';
        *p++ = '.';
        memset(p, '0', (size_t)-whole);
        p += -whole;
        memcpy(p, d->digits, (size_t)d->n);
        return (size_t)(p + d->n - to);
    }
    int before = whole < d->n ? whole : d->n;
    memcpy(p, d->digits, (size_t)before);
    memset(p + before, '0', (size_t)(whole - before));
    p += whole;
    if (d->n > whole) {
        *p++ = '.';
        memcpy(p, d->digits + whole, (size_t)(d->n - whole));
        p += d->n - whole;
    } else if (point) {
        *p++ = '.';
        *p++ = '0';
    }
    return (size_t)(p - to);
}

size_t c2_double_text(double v, char to[32])
{
    struct c2_digits d;

    c2_digits_of_double(v, &d);
    return c2_digits_text(&d, d.exponent < -4 || d.exponent >= 16, true, to);
}
