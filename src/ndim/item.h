/* SPDX-License-Identifier: BSD-3-Clause */
/* Items of arrays as numbers: the one reader of integers and reals of any size and byte order. Inline, so
 * that loops over items of one size have it as a constant. Reads `size` bytes at p, which need not be
 * aligned. Any thread. */
#ifndef C2_NDIM_ITEM_H
#define C2_NDIM_ITEM_H

#include <byteswap.h>
#include <string.h>

#include "wire/real.h"

/** 1, 2, 4 or 8 bytes as an unsigned integer; `swapped`: not in this machine's order. */
static inline uint64_t c2_item_uint(const uint8_t *p, int64_t size, bool swapped)
{
    uint16_t v2;
    uint32_t v4;
    uint64_t v8;

    switch (size) {
    case 1:
        return *p;
    case 2:
        memcpy(&v2, p, 2);
        return swapped ? bswap_16(v2) : v2;
    case 4:
        memcpy(&v4, p, 4);
        return swapped ? bswap_32(v4) : v4;
    default:
        memcpy(&v8, p, 8);
        return swapped ? bswap_64(v8) : v8;
    }
}

/** The same as a signed one. */
static inline int64_t c2_item_int(const uint8_t *p, int64_t size, bool swapped)
{
    uint64_t v = c2_item_uint(p, size, swapped);

    return size == 1 ? (int8_t)v : size == 2 ? (int16_t)v : size == 4 ? (int32_t)v : (int64_t)v;
}

/** 12 or 16 bytes as the extended number of this machine, that NumPy's longdouble is. */
static inline long double c2_item_long_double(const uint8_t *p, int64_t size, bool swapped)
{
    uint8_t bytes[16] = {0};
    long double v;

    for (int64_t i = 0; i < size && i < 16; i++)
        bytes[i] = swapped ? p[size - 1 - i] : p[i];
    memcpy(&v, bytes, sizeof(v));
    return v;
}

/** 2, 4 or 8 bytes as a real number of that precision; larger ones lose digits. */
static inline double c2_item_real(const uint8_t *p, int64_t size, bool swapped)
{
    uint64_t bits;
    uint32_t low;
    double v;
    float single;

    if (size > 8) return (double)c2_item_long_double(p, size, swapped);
    bits = c2_item_uint(p, size, swapped);
    if (size == 2) return c2_half_value((uint16_t)bits);
    low = (uint32_t)bits;
    memcpy(&single, &low, sizeof(single));
    memcpy(&v, &bits, sizeof(v));
    return size == 4 ? (double)single : v;
}

#endif
