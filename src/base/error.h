/* SPDX-License-Identifier: BSD-3-Clause */
/* Filling and extending errors. Inside the house err is never NULL. */
#ifndef C2_BASE_ERROR_H
#define C2_BASE_ERROR_H

#include "base/check.h"
#include "caterva2/error.h"

/** Say what failed and return false, so that `return c2_fail(err, CAT2_EINVAL, "...")` reads as one thought.
 */
bool c2_fail(struct cat2_error *err, enum cat2_code code, const char *fmt, ...) C2_PRINTF(3, 4);

/** The same for a failed system call: appends ": " and the text of errnum. ENOENT, ENOTDIR, ENAMETOOLONG ->
 * ENOTFOUND; ENOMEM and, of descriptors, EMFILE, ENFILE -> ENOMEM; else EIO. */
bool c2_fail_errno(struct cat2_error *err, int errnum, const char *fmt, ...) C2_PRINTF(3, 4);

/** Put the place in front of a message that is already there ("foo/a.b2nd, chunk 3: ..."); code and cause
 * stay. */
bool c2_fail_within(struct cat2_error *err, const char *fmt, ...) C2_PRINTF(2, 3);

/** Out of memory while making `what`. */
bool c2_fail_nomem(struct cat2_error *err, const char *what);

/* Compilers and the analyser see that these are false. */
static inline bool c2_false(void)
{
    return false;
}
#define c2_fail(...)        ((void)(c2_fail)(__VA_ARGS__), c2_false())
#define c2_fail_errno(...)  ((void)(c2_fail_errno)(__VA_ARGS__), c2_false())
#define c2_fail_within(...) ((void)(c2_fail_within)(__VA_ARGS__), c2_false())
#define c2_fail_nomem(...)  ((void)(c2_fail_nomem)(__VA_ARGS__), c2_false())

#endif
