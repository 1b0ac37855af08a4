/* SPDX-License-Identifier: BSD-3-Clause */
/* Random digits of the kernel. */
#include "base/random.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/random.h>

void c2_random_hex32(char out[33])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t random[16];
    size_t have = 0;

    while (have < sizeof(random)) {
        ssize_t n = getrandom(random + have, sizeof(random) - have, 0);
        if (n > 0) have += (size_t)n;
    }
    for (size_t i = 0; i < sizeof(random); i++) {
        out[2 * i] = digits[random[i] >> 4];
        out[2 * i + 1] = digits[random[i] & 15];
    }
    out[32] = '\0';
}
