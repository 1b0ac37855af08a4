/* SPDX-License-Identifier: BSD-3-Clause */
/* Text and bytes that somebody else owns, and a cursor that reads text without ever passing its end.
 */
#ifndef C2_BASE_STR_H
#define C2_BASE_STR_H

#include <string.h>

#include "base/check.h"
#include "base/error.h"

/* n bytes of text at p; not NUL-terminated, may hold NUL. Never owns. */
struct c2_str {
    const char *p;
    size_t n;
};

/* n raw bytes at p. Never owns. */
struct c2_bytes {
    const uint8_t *p;
    size_t n;
};

#define C2_STR(literal) ((struct c2_str){(literal), sizeof(literal) - 1})
/* For printf("%.*s", C2_STR_ARG(s)). */
#define C2_STR_ARG(s) (int)(s).n, (s).p

static inline struct c2_str c2_str_of(const char *text)
{
    return (struct c2_str){text, text ? strlen(text) : 0};
}
static inline struct c2_bytes c2_bytes_of(struct c2_str s)
{
    return (struct c2_bytes){(const uint8_t *)s.p, s.n};
}
static inline bool c2_str_empty(struct c2_str s)
{
    return s.n == 0;
}

/* ASCII alone, whatever the locale is. */
static inline bool c2_is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static inline bool c2_is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c2_is_digit(c);
}
static inline char c2_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}
/** 0 to 15; -1: it is none. */
int c2_hex_digit(char c);
/** Has it nothing but ASCII letters, digits and characters of `others`? Empty text has. */
bool c2_str_is_made_of(struct c2_str s, const char *others);
/** Has it nothing but visible ASCII, without blanks? */
bool c2_str_is_visible(struct c2_str s);

bool c2_str_eq(struct c2_str a, struct c2_str b);
bool c2_str_eq_nocase(struct c2_str a, struct c2_str b);
bool c2_str_is(struct c2_str a, const char *text);
bool c2_str_starts(struct c2_str s, const char *prefix);
bool c2_str_ends(struct c2_str s, const char *suffix);
bool c2_str_has(struct c2_str s, const char *part); /* "" has nothing */
/** Without ASCII blanks at both ends. */
struct c2_str c2_str_trim(struct c2_str s);
/** Without slashes at the end. */
struct c2_str c2_str_no_slashes(struct c2_str s);
/** Cut at the first `sep`: *head gets what is before, *rest what is after; false (head = s, rest empty) when
 * there is none. */
bool c2_str_cut(struct c2_str s, char sep, struct c2_str *head, struct c2_str *rest);
/** Is word one of the items of a list with commas, as headers have them? Blanks and case do not count. */
bool c2_str_lists(struct c2_str list, const char *word);
/** A NUL-terminated copy, yours to free(); NULL when out of memory. Text after an inner NUL is kept but
 * invisible. */
char *c2_str_dup(struct c2_str s);
/** Byte order compare, as strcmp. */
int c2_str_cmp(struct c2_str a, struct c2_str b);
/** Where `part` begins in s, in any case; s.n: nowhere. */
size_t c2_str_find_nocase(struct c2_str s, struct c2_str part);
/** How many characters of UTF-8 it has. */
size_t c2_utf8_count(struct c2_str s);
/** n, or as much less that what is before it is not the beginning of a character alone. */
size_t c2_utf8_whole(struct c2_str s, size_t n);
/** Is this well-formed UTF-8 (no surrogates, no overlong forms)? */
bool c2_str_is_utf8(struct c2_str s);
/** Bytes of the first character of s, which is not empty; 0: its first byte begins none. */
size_t c2_utf8_first(struct c2_str s);
/** "1.5 MiB", "87 B": for people. */
void c2_size_text(int64_t nbytes, char out[16]);
/** The bytes of one code point, surrogates like others; 1 to 4 of them. */
size_t c2_utf8_encode(uint32_t c, uint8_t out[4]);
/** The whole of s as a decimal integer with optional sign; false on anything else or overflow. */
bool c2_str_to_i64(struct c2_str s, int64_t *out);

/* Reads forward through text; every call checks the end. */
struct c2_cursor {
    const char *p, *end;
};

static inline struct c2_cursor c2_cursor_of(struct c2_str s)
{
    return (struct c2_cursor){s.p, s.n ? s.p + s.n : s.p};
}
static inline bool c2_cursor_done(const struct c2_cursor *in)
{
    return in->p == in->end;
}
static inline size_t c2_cursor_left(const struct c2_cursor *in)
{
    return (size_t)(in->end - in->p);
}
/** The next character, '\0' at the end. */
static inline char c2_cursor_peek(const struct c2_cursor *in)
{
    return in->p < in->end ? *in->p : '\0';
}
/** Advance past `text` if it comes next. */
bool c2_cursor_eat(struct c2_cursor *in, const char *text);
/** Advance past ASCII blanks. */
void c2_cursor_blanks(struct c2_cursor *in);
/** Read an optionally signed decimal integer; false, cursor unmoved, when none is here; *overflow set if it
 * does not fit. */
bool c2_cursor_i64(struct c2_cursor *in, int64_t *out, bool *overflow);

/** A dataset path is relative and made of plain names: no "", ".", "..", NUL parts; at most C2_PATH_MAX
 * bytes. */
bool c2_path_check(struct c2_str rel, struct cat2_error *err);
/** The last part of a path, and what is in front of that, without the slash. */
struct c2_str c2_path_last(struct c2_str path);
struct c2_str c2_path_parent(struct c2_str path);
/** Is one of them the other, above it, or the other without its suffix ("a" and "a.b2nd")? "" is above all.
 */
bool c2_path_is_near(struct c2_str a, struct c2_str b);
/** Of text that ends with NUL, its last part does, too. */
static inline const char *c2_path_name(const char *path)
{
    return c2_path_last(c2_str_of(path)).p;
}

#endif
