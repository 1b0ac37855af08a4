/* SPDX-License-Identifier: BSD-3-Clause */
/* What libhdf5 has to say when something fails. */
#ifndef C2_HDF5_COMMON_FAIL_H
#define C2_HDF5_COMMON_FAIL_H

#include "base/error.h"

#define C2_H5_CAUSE_MAX 200 /* bytes of a reason by libhdf5 */

/** Fail with what libhdf5 says. */
bool c2_h5_fail(struct cat2_error *err, enum cat2_code code, const char *fmt, ...) C2_PRINTF(3, 4);
/** What libhdf5 says, C2_H5_CAUSE_MAX bytes with the NUL; "" when it says nothing. Its messages are
 * forgotten. */
void c2_h5_cause(char *text);
/** Forget old messages and keep this thread's quiet. */
void c2_h5_quiet(void);

#endif
