/* SPDX-License-Identifier: BSD-3-Clause */
/* NumPy dtypes: a typestr ("<i8", "|S6", "<M8[ns]") or the list literal of a structured dtype. Parsed, never
 * evaluated. */
#ifndef C2_NDIM_DTYPE_H
#define C2_NDIM_DTYPE_H

#include "base/buf.h"
#include "base/limits.h"

struct c2_field;
/* Immutable once parsed. kind is NumPy's: b i u f c S U M m V; 'O' is refused. */
struct c2_dtype {
    char kind;
    char order;       /* '<' '>' or '|' */
    int64_t itemsize; /* bytes of one item, all fields and sub-array items included */
    char unit[16];    /* M, m: "ns", "25s", "" generic */
    int nfields;      /* > 0: structured, kind 'V' */
    struct c2_field *fields;
};
struct c2_field {
    char *name;
    char *title;    /* NULL without */
    int64_t offset; /* bytes from the item's start */
    struct c2_dtype type;
    int ndim; /* sub-array, (2,3) */
    int64_t shape[C2_DIM_MAX];
    int64_t nbytes; /* type.itemsize * product(shape) */
};

/** Parse a typestr, a native name ("int64", "float32", "bool", "datetime64[ns]") or a list literal. One-byte
 * kinds may lack '|'.
 *  @errors CAT2_EINVAL names the place; CAT2_ELIMIT depth, fields, size. */
bool c2_dtype_parse(struct c2_str text, struct c2_dtype *out, struct cat2_error *err);
void c2_dtype_fini(struct c2_dtype *dtype);
C2_DEFINE_AUTO(c2_dtype);
/** As b2nd stores it and npy wants it: typestr or list literal ([('a', '|u1'), ('b', '<f8', (2,))]). */
bool c2_dtype_descr(const struct c2_dtype *dtype, struct c2_buf *out, struct cat2_error *err);
/** As NumPy's str(dtype): "int64", ">f4", "|S6", "datetime64[ns]", "[('a', 'u1'), ('b', '<f8')]". */
bool c2_dtype_name(const struct c2_dtype *dtype, struct c2_buf *out, struct cat2_error *err);
/** Does an item need bytes swapped on this machine? */
bool c2_dtype_swapped(const struct c2_dtype *dtype);
/** Field "a" or "a.b"; NULL when there is none. Borrowed. *offset is from the outermost item's start. */
const struct c2_field *c2_dtype_field(const struct c2_dtype *dtype, struct c2_str name, int64_t *offset);

#endif
