/* SPDX-License-Identifier: BSD-3-Clause */
/* Which rows of a table: comparisons of fields, put together by & | ~. Nothing but that can be said, and it
 * is evaluated for many rows at a time.
 *
 *   expr := and ("|" and)*      and := not ("&" not)*      not := "~" not | "(" expr ")" | cmp
 *   cmp := operand [("<"|"<="|">"|">="|"=="|"!=") operand]
 *   operand := FIELD | NUMBER | "TEXT" | 'TEXT' | true | false */
#ifndef C2_REDUCE_WHERE_H
#define C2_REDUCE_WHERE_H

#include "ndim/dtype.h"

#define C2_WHERE_TEXT_MAX 4096 /* a filter that a person types is far shorter */

struct c2_where;
/** @param dtype     borrowed; of an item. Its fields can be named, or `value` when it has none.
 *  @param position  out: byte of the text an error is about.
 *  @errors CAT2_EINVAL. */
bool c2_where_parse(struct c2_str text, const struct c2_dtype *dtype, struct c2_where **out,
                    int64_t *position, struct cat2_error *err);
/** The same for what Python reads, too: what would mean something else there is refused. & | ~ stand between
 * fields of booleans and what is in parentheses, and nothing else stands alone. What is no comparison of
 * fields and constants may be any expression of src/expr that gives a boolean for each row. */
bool c2_where_parse_python(struct c2_str text, const struct c2_dtype *dtype, struct c2_where **out,
                           int64_t *position, struct cat2_error *err);
void c2_where_free(struct c2_where *where); /* NULL is fine */
C2_DEFINE_AUTO_PTR(c2_where, c2_where_free);
/** 1 or 0 for each of n items. Not for two threads at a time. */
void c2_where_eval(struct c2_where *where, const uint8_t *items, int64_t n, uint8_t *mask);
/** Was there no memory for it, or was it cancelled? Then masks mean nothing. Python's alone. */
bool c2_where_failed(const struct c2_where *where, struct cat2_error *err);

/** A field of a table by its name in a list or an expression: quoted by back quotes, or bare up to a
 * character that is no part of a name. `value` is the item itself when it has no fields. NULL: not there.
 * Advances *in past it. */
struct c2_column {
    char *name;                  /* owned */
    const struct c2_dtype *type; /* borrowed */
    int64_t offset;
    int ndim; /* sub-array */
    int64_t shape[C2_DIM_MAX];
    int64_t nbytes;
};
bool c2_column_read(struct c2_cursor *in, const struct c2_dtype *dtype, struct c2_column *out,
                    struct cat2_error *err);
/** A sub-array's or structure's part as a column: the field without name. */
struct c2_column c2_column_of(const struct c2_dtype *dtype, const struct c2_field *field, int64_t offset);
void c2_column_fini(struct c2_column *column);

#endif
