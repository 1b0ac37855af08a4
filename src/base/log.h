/* SPDX-License-Identifier: BSD-3-Clause */
/* One line per event on stderr: time, level, words, key=value. Any thread.
 * audit = who was let in or refused (always written), error = someone must act, warn = degraded, info = life
 * cycle, debug = the rest. No data contents. */
#ifndef C2_BASE_LOG_H
#define C2_BASE_LOG_H

#include "base/str.h"

enum c2_level { C2_AUDIT = -1, C2_ERROR, C2_WARN, C2_INFO, C2_DEBUG };

/** Lines above this level are dropped; atomic, so a signal-driven reload may call it at any time. Default
 * C2_INFO. */
void c2_log_set_level(enum c2_level level);
enum c2_level c2_log_level(void);
/** error|critical|warning|warn|info|debug|notset in any case (Python's names). */
bool c2_level_parse(struct c2_str name, enum c2_level *out, struct cat2_error *err);
/** Name in front of each line, e.g. "cat2sub"; the string must live on. */
void c2_log_set_program(const char *name);
void c2_log(enum c2_level level, const char *fmt, ...) C2_PRINTF(2, 3);

#define c2_log_audit(...) c2_log(C2_AUDIT, __VA_ARGS__)
#define c2_log_error(...) c2_log(C2_ERROR, __VA_ARGS__)
#define c2_log_warn(...)  c2_log(C2_WARN, __VA_ARGS__)
#define c2_log_info(...)  c2_log(C2_INFO, __VA_ARGS__)
#define c2_log_debug(...) ((void)(c2_log_level() >= C2_DEBUG ? c2_log(C2_DEBUG, __VA_ARGS__) : (void)0))

#endif
