/* SPDX-License-Identifier: BSD-3-Clause */
/* The one thing that changes with every release. */
#include "caterva2/caterva2.h"

const char *cat2_version(void)
{
    return C2_VERSION;
}
