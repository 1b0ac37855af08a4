/* SPDX-License-Identifier: BSD-3-Clause */
/* Filling and extending errors. Messages are cut to fit, at a character border, never overflown. */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* One line, valid UTF-8: control characters become '?', a character cut in half at the end goes. */
static void tidy(char *message, size_t size)
{
    size_t n = strnlen(message, size - 1);
    size_t lead = n;

    for (size_t i = 0; i < n; i++)
        if ((unsigned char)message[i] < 0x20 || message[i] == 0x7f) message[i] = '?';
    if (n + 1 < size) return;
    while (lead > 0 && ((unsigned char)message[lead - 1] & 0xc0) == 0x80)
        lead--;
    if (lead > 0 && (unsigned char)message[lead - 1] >= 0xc0) message[lead - 1] = '\0';
}

bool(c2_fail)(struct cat2_error *err, enum cat2_code code, const char *fmt, ...)
{
    va_list args;

    err->code = code;
    err->http_status = 0;
    va_start(args, fmt);
    vsnprintf(err->message, sizeof(err->message), fmt, args);
    va_end(args);
    tidy(err->message, sizeof(err->message));
    return false;
}

static enum cat2_code code_of(int errnum)
{
    if (errnum == ENOENT || errnum == ENOTDIR || errnum == ENAMETOOLONG) return CAT2_ENOTFOUND;
    if (errnum == ENOMEM || errnum == EMFILE || errnum == ENFILE) return CAT2_ENOMEM;
    return CAT2_EIO;
}

bool(c2_fail_errno)(struct cat2_error *err, int errnum, const char *fmt, ...)
{
    char place[sizeof(err->message)], reason[80];
    va_list args;

    va_start(args, fmt);
    vsnprintf(place, sizeof(place), fmt, args);
    va_end(args);
    const char *text = strerror_r(errnum, reason, sizeof(reason));
    return c2_fail(err, code_of(errnum), "%.150s: %s", place, text);
}

bool(c2_fail_within)(struct cat2_error *err, const char *fmt, ...)
{
    char cause[sizeof(err->message)], place[sizeof(err->message)];
    va_list args;

    memcpy(cause, err->message, sizeof(cause));
    va_start(args, fmt);
    vsnprintf(place, sizeof(place), fmt, args);
    va_end(args);
    /* The cause matters more than a long place: it keeps at least half of the line. */
    snprintf(err->message, sizeof(err->message), "%.*s: %s", (int)sizeof(cause) / 2, place, cause);
    tidy(err->message, sizeof(err->message));
    return false;
}

bool(c2_fail_nomem)(struct cat2_error *err, const char *what)
{
    return c2_fail(err, CAT2_ENOMEM, "out of memory: %s", what);
}
