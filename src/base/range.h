/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes [off, off + n) of something. */
#ifndef C2_BASE_RANGE_H
#define C2_BASE_RANGE_H

#include <stdint.h>

struct c2_range {
    int64_t off, n;
};

#endif
