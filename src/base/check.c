/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a broken invariant ends the process, saying which. */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

void c2_assert_failed(const char *expr, const char *file, int line)
{
    fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, expr);
    abort();
}
