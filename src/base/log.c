/* SPDX-License-Identifier: BSD-3-Clause */
/* Log lines are formatted on the stack and written with one write(), so that threads never mix within a line.
 */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* The two settings of the process's one log. */
static _Atomic int log_level = C2_INFO;
static const char *_Atomic log_program = "caterva2";

void c2_log_set_level(enum c2_level level)
{
    atomic_store_explicit(&log_level, (int)level, memory_order_relaxed);
}
enum c2_level c2_log_level(void)
{
    return (enum c2_level)atomic_load_explicit(&log_level, memory_order_relaxed);
}
void c2_log_set_program(const char *name)
{
    atomic_store(&log_program, name);
}

bool c2_level_parse(struct c2_str name, enum c2_level *out, struct cat2_error *err)
{
    static const struct {
        const char *name;
        enum c2_level level;
    } levels[] = {{"critical", C2_ERROR}, {"fatal", C2_ERROR}, {"error", C2_ERROR}, {"warning", C2_WARN},
                  {"warn", C2_WARN},      {"info", C2_INFO},   {"debug", C2_DEBUG}, {"notset", C2_DEBUG}};

    for (size_t i = 0; i < C2_ARRAY_LEN(levels); i++)
        if (c2_str_eq_nocase(name, c2_str_of(levels[i].name))) {
            *out = levels[i].level;
            return true;
        }
    return c2_fail(err, CAT2_EINVAL, "log level '%.*s' is none of critical, error, warning, info, debug",
                   C2_STR_ARG(name));
}

/* What a peer may have put into a message must not start a line of its own. */
static void one_line(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f) *text = '?';
}

void c2_log(enum c2_level level, const char *fmt, ...)
{
    static const char *const names[] = {"audit", "error", "warn", "info", "debug"};
    char line[2048];
    struct timespec now;
    struct tm utc;
    va_list args;

    if (level > c2_log_level()) return;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    int n = snprintf(line, sizeof(line), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ %s %s: ", utc.tm_year + 1900,
                     utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                     (int)(now.tv_nsec / 1000000), atomic_load(&log_program), names[level - C2_AUDIT]);
    va_start(args, fmt);
    vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, args);
    va_end(args);
    one_line(line);
    size_t length = strlen(line);
    line[length++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, length);
    (void)written; /* nowhere to complain */
}
