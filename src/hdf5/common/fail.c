/* SPDX-License-Identifier: BSD-3-Clause */
/* The reasons of libhdf5, of which the innermost is the cause. */
#include "hdf5/common/fail.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "hdf5/common/hdf5_api.h"

void c2_h5_quiet(void)
{
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* each thread has a stack of messages of its own */
    H5Eclear2(H5E_DEFAULT);
}

/* The innermost message is the cause. */
static herr_t take_message(unsigned n, const H5E_error2_t *error, void *ctx)
{
    char *text = ctx;

    (void)n;
    if (error->desc && error->desc[0]) snprintf(text, C2_H5_CAUSE_MAX, "%s", error->desc);
    return 0;
}

/* Messages of a version that this library does not know: later libraries wrote them, or no library. */
static bool is_of_later_version(const char *cause)
{
    return strcasestr(cause, "bad version") || strcasestr(cause, "wrong version") ||
           strcasestr(cause, "bad superblock version") || strcasestr(cause, "unknown dataset layout") ||
           strcasestr(cause, "unknown chunk index");
}

void c2_h5_cause(char *text)
{
    char told[C2_H5_CAUSE_MAX] = "";
    unsigned major = 0, minor = 0, patch = 0;

    H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, take_message, told);
    H5Eclear2(H5E_DEFAULT);
    H5get_libversion(&major, &minor, &patch);
    if (is_of_later_version(told))
        snprintf(text, C2_H5_CAUSE_MAX,
                 "written by %s, or damaged; this program reads up to HDF5 %u.%u (%.70s)",
                 major < 2 ? "HDF5 2 or another later library" : "a later HDF5 library", major, minor, told);
    else
        memcpy(text, told, sizeof(told));
}

bool c2_h5_fail(struct cat2_error *err, enum cat2_code code, const char *fmt, ...)
{
    char text[160], cause[C2_H5_CAUSE_MAX];
    va_list args;

    c2_h5_cause(cause);
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return c2_fail(err, code, "%s%s%s", text, cause[0] ? ": " : "", cause);
}
