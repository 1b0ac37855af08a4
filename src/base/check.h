/* SPDX-License-Identifier: BSD-3-Clause */
/* Compiler help behind readable names, assertions that stay on, and arithmetic that tells when it overflows.
 */
#ifndef C2_BASE_CHECK_H
#define C2_BASE_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define C2_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define C2_NORETURN          __attribute__((noreturn))
#define C2_ARRAY_LEN(array)  (sizeof(array) / sizeof((array)[0]))

/* C2_AUTO(c2_buf) b = ...; calls c2_buf_fini(&b) at scope end; C2_AUTO_PTR(c2_frame) *p: c2_frame_free(p).
 * The room that owns type T enables it with C2_DEFINE_AUTO(T) after declaring T_fini(), or
 * C2_DEFINE_AUTO_PTR(T, destroy) after declaring the destructor. */
#define C2_AUTO(type)     __attribute__((cleanup(type##_auto))) struct type
#define C2_AUTO_PTR(type) __attribute__((cleanup(type##_auto_ptr))) struct type
#define C2_DEFINE_AUTO(type)                                                                                 \
    static inline void type##_auto(struct type *it)                                                          \
    {                                                                                                        \
        type##_fini(it);                                                                                     \
    }                                                                                                        \
    struct type
#define C2_DEFINE_AUTO_PTR(type, destroy)                                                                    \
    static inline void type##_auto_ptr(struct type **it)                                                     \
    {                                                                                                        \
        destroy(*it);                                                                                        \
    }                                                                                                        \
    struct type

/* States what only our own bug could break. On in every build. */
#define C2_ASSERT(expr) ((expr) ? (void)0 : c2_assert_failed(#expr, __FILE__, __LINE__))
C2_NORETURN void c2_assert_failed(const char *expr, const char *file, int line);

/* Checked arithmetic: true and *out set, or false when the result does not fit. */
static inline bool c2_mul_i64(int64_t a, int64_t b, int64_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}
static inline bool c2_add_i64(int64_t a, int64_t b, int64_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}
static inline bool c2_add_size(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

/* Round a/b up; a >= 0, b > 0. Cannot overflow. */
static inline int64_t c2_div_ceil(int64_t a, int64_t b)
{
    return a / b + (a % b != 0);
}
static inline int64_t c2_min_i64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}
static inline int64_t c2_max_i64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

#endif
