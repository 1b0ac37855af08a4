/* SPDX-License-Identifier: BSD-3-Clause */
/* Integers at unaligned places, in the byte order the format says: c2_be32(p), c2_put_le16(p, v)... */
#ifndef C2_BASE_ENDIAN_H
#define C2_BASE_ENDIAN_H

#include <stdint.h>
#include <string.h>

#include <endian.h>

#define C2_DEFINE_ENDIAN(order, bits)                                                                        \
    static inline uint##bits##_t c2_##order##bits(const uint8_t *p)                                          \
    {                                                                                                        \
        uint##bits##_t v;                                                                                    \
        memcpy(&v, p, sizeof(v));                                                                            \
        return order##bits##toh(v);                                                                          \
    }                                                                                                        \
    static inline void c2_put_##order##bits(uint8_t *p, uint##bits##_t v)                                    \
    {                                                                                                        \
        v = hto##order##bits(v);                                                                             \
        memcpy(p, &v, sizeof(v));                                                                            \
    }

C2_DEFINE_ENDIAN(be, 16)
C2_DEFINE_ENDIAN(be, 32)
C2_DEFINE_ENDIAN(be, 64)
C2_DEFINE_ENDIAN(le, 16)
C2_DEFINE_ENDIAN(le, 32)
C2_DEFINE_ENDIAN(le, 64)

#endif
