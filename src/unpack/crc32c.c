/* SPDX-License-Identifier: BSD-3-Clause */
/* CRC-32C, eight bytes a step. */
#include <pthread.h>

#include "base/endian.h"
#include "unpack/unpack.h"

#define POLYNOMIAL 0x82f63b78u /* Castagnoli's, reflected */

static uint32_t table[8][256];

static void fill_table(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
        table[0][i] = crc;
    }
    for (uint32_t i = 0; i < 256; i++)
        for (int k = 1; k < 8; k++)
            table[k][i] = table[k - 1][i] >> 8 ^ table[0][table[k - 1][i] & 0xff];
}

uint32_t c2_crc32c(struct c2_bytes in)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    uint32_t crc = ~0u;
    const uint8_t *p = in.p;
    size_t n = in.n;

    pthread_once(&once, fill_table);
    for (; n >= 8; n -= 8, p += 8) {
        uint32_t low = crc ^ c2_le32(p), high = c2_le32(p + 4);
        crc = table[7][low & 0xff] ^ table[6][low >> 8 & 0xff] ^ table[5][low >> 16 & 0xff] ^
              table[4][low >> 24] ^ table[3][high & 0xff] ^ table[2][high >> 8 & 0xff] ^
              table[1][high >> 16 & 0xff] ^ table[0][high >> 24];
    }
    for (; n; n--, p++)
        crc = crc >> 8 ^ table[0][(crc ^ *p) & 0xff];
    return ~crc;
}
