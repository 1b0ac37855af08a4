/* SPDX-License-Identifier: BSD-3-Clause */
/* All of libcaterva2. Compiles as C99 and C++. */
#ifndef CATERVA2_CATERVA2_H
#define CATERVA2_CATERVA2_H

#include <caterva2/client.h>
#include <caterva2/dataset.h>
#include <caterva2/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Version of the library, "0.3.0". */
CAT2_API const char *cat2_version(void);

#ifdef __cplusplus
}
#endif
#endif
