/* SPDX-License-Identifier: BSD-3-Clause */
/* A thin typed interface to yyjson for reading, and a streaming writer that prints as Python's json.dumps
 * does. */
#ifndef C2_WIRE_JSON_H
#define C2_WIRE_JSON_H

#include "base/buf.h"

#define C2_JSON_DEPTH_MAX 64 /* attributes nest, attackers nest more */

/* A parsed document; immutable, values borrow from it. */
struct c2_json;
/* One value of a document; NULL pointer inside = absent. Copy freely. */
struct c2_jval {
    void *v;
};

/** Parse strictly (UTF-8, no trailing bytes, depth <= C2_JSON_DEPTH_MAX); NaN/Infinity refused. The text is
 * copied. */
bool c2_json_parse(struct c2_str text, struct c2_json **out, struct cat2_error *err);
void c2_json_free(struct c2_json *json);
C2_DEFINE_AUTO_PTR(c2_json, c2_json_free);
struct c2_jval c2_json_root(const struct c2_json *json);

enum c2_jkind { C2_JNONE, C2_JNULL, C2_JBOOL, C2_JINT, C2_JUINT, C2_JREAL, C2_JSTR, C2_JARRAY, C2_JOBJECT };
enum c2_jkind c2_jval_kind(struct c2_jval v); /* C2_JNONE for an absent value; JUINT only above INT64_MAX */
struct c2_jval c2_jget(struct c2_jval object, const char *key); /* absent unless object has key */
struct c2_jval c2_jat(struct c2_jval array, size_t i);          /* O(i) */
size_t c2_jlen(struct c2_jval v);                               /* of an array or object, else 0 */
bool c2_jstr(struct c2_jval v, struct c2_str *out);             /* false unless a string */
bool c2_jint(struct c2_jval v, int64_t *out);                   /* false unless an integer in range */
uint64_t c2_juint(struct c2_jval v);                            /* 0 unless a non-negative integer */
bool c2_jreal(struct c2_jval v, double *out);                   /* integers convert */
bool c2_jbool(struct c2_jval v, bool *out);
/** Iterate: *pos starts at 0; array items leave *key untouched. false at the end. O(1) per step (pos is
 * opaque). */
struct c2_jiter {
    struct c2_jval container;
    void *next;
    size_t i;
};
struct c2_jiter c2_jiter_of(struct c2_jval container);
bool c2_jnext(struct c2_jiter *it, struct c2_str *key, struct c2_jval *value);

enum c2_json_style {
    C2_JSON_COMPACT, /* {"a":1,"b":[2]}  raw UTF-8; floats as Python repr (HTTP dialect) */
    C2_JSON_PYTHON   /* {"a": 1, "b": [2]}  ASCII escapes, as json.dumps(x) prints (cat2cli --json) */
};
/** Append one value, re-printed in a style. Key order kept. */
bool c2_json_print(struct c2_jval v, enum c2_json_style style, struct c2_buf *out, struct cat2_error *err);

/* Streaming writer: it writes commas and colons itself. After an error it writes nothing more, so one check
 * at finish is enough. */
struct c2_jw {
    struct c2_buf *out;
    struct cat2_error *err;
    enum c2_json_style style;
    bool ok, comma, after_key;
};
void c2_jw_init(struct c2_jw *w, struct c2_buf *out, enum c2_json_style style, struct cat2_error *err);
void c2_jw_begin_object(struct c2_jw *w);
void c2_jw_end_object(struct c2_jw *w);
void c2_jw_begin_array(struct c2_jw *w);
void c2_jw_end_array(struct c2_jw *w);
void c2_jw_key(struct c2_jw *w, const char *key);
void c2_jw_key_str(struct c2_jw *w, struct c2_str key);
void c2_jw_str(struct c2_jw *w, struct c2_str s); /* invalid UTF-8 is replaced by U+FFFD */
void c2_jw_cstr(struct c2_jw *w, const char *s);
void c2_jw_int(struct c2_jw *w, int64_t v);
void c2_jw_uint(struct c2_jw *w, uint64_t v);
void c2_jw_real(struct c2_jw *w, double v); /* Python repr; NaN and infinities become null */
void c2_jw_bool(struct c2_jw *w, bool v);
void c2_jw_null(struct c2_jw *w);
void c2_jw_value(struct c2_jw *w, struct c2_jval v);
/** The members of an object, without these keys. @param but  ends in NULL; or NULL: all. */
void c2_jw_members(struct c2_jw *w, struct c2_jval object, const char *const *but);
void c2_jw_raw(struct c2_jw *w, struct c2_str json); /* already valid compact JSON text */
/* Members of an object: the key, and its value. c2_jw_put_int(w, "n", 3) writes "n":3. */
#define C2_JW_PUT(kind, type)                                                                                \
    static inline void c2_jw_put_##kind(struct c2_jw *w, const char *key, type v)                            \
    {                                                                                                        \
        c2_jw_key(w, key);                                                                                   \
        c2_jw_##kind(w, v);                                                                                  \
    }
C2_JW_PUT(str, struct c2_str)
C2_JW_PUT(cstr, const char *)
C2_JW_PUT(int, int64_t)
C2_JW_PUT(uint, uint64_t)
C2_JW_PUT(real, double)
C2_JW_PUT(bool, bool)
C2_JW_PUT(raw, struct c2_str)
static inline void c2_jw_put_null(struct c2_jw *w, const char *key)
{
    c2_jw_key(w, key);
    c2_jw_null(w);
}
/* A member whose value is an object or an array: begins it. */
static inline void c2_jw_open_object(struct c2_jw *w, const char *key)
{
    c2_jw_key(w, key);
    c2_jw_begin_object(w);
}
static inline void c2_jw_open_array(struct c2_jw *w, const char *key)
{
    c2_jw_key(w, key);
    c2_jw_begin_array(w);
}
/* An array of n integers, of whatever type; and a member that is one. */
#define c2_jw_ints(w, values, n)                                                                             \
    do {                                                                                                     \
        c2_jw_begin_array(w);                                                                                \
        for (int c2_i = 0; c2_i < (n); c2_i++)                                                               \
            c2_jw_int(w, (values)[c2_i]);                                                                    \
        c2_jw_end_array(w);                                                                                  \
    } while (0)
#define c2_jw_put_ints(w, key, values, n)                                                                    \
    do {                                                                                                     \
        c2_jw_key(w, key);                                                                                   \
        c2_jw_ints(w, values, n);                                                                            \
    } while (0)
/** What is to be written was made, or not, and why: without memory for it the writer fails as well. @return
 * made
 */
bool c2_jw_has(struct c2_jw *w, bool made, const struct cat2_error *why);
/** Parse what is to be written from. False: it is no JSON, or there was no memory, which fails the writer
 * too. */
bool c2_jw_read(struct c2_jw *w, struct c2_str text, struct c2_json **out);
bool c2_jw_finish(struct c2_jw *w);

/** Append the shortest text that reads back as v, in Python repr form: 1e+300, 1e-07, 0.0, 123.456, nan, inf.
 */
bool c2_format_double(double v, struct c2_buf *out, struct cat2_error *err);

#endif
