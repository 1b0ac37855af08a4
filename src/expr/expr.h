/* SPDX-License-Identifier: BSD-3-Clause */
/* Expressions over arrays, as NumPy reads them: operators, functions, reductions, where, linspace, concat. An
 * expression is parsed and its dtype and shape are known before anything is read; then any box of it is
 * evaluated, of which only a part is in memory at a time. Nothing of it is Python: what is not in the tables
 * of this room is refused.
 *
 * Parsing and questions: one thread at a time. Evaluating: one worker at a time. */
#ifndef C2_EXPR_EXPR_H
#define C2_EXPR_EXPR_H

#include "ndim/dtype.h"
#include "ndim/slice.h"

#define C2_EXPR_TEXT_MAX (64 << 10) /* of one text: machines write long ones */

struct c2_expr;
/* What names mean. */
struct c2_expr_names {
    /** The node of a name: c2_expr_operand(), or another expression that was parsed into the same one. */
    bool (*find)(void *ctx, struct c2_expr *expr, struct c2_str name, int *node, struct cat2_error *err);
    void *ctx;
};
/* What is read while it is evaluated. */
struct c2_expr_source {
    /** Append bound->nitems items of operand id to out. */
    bool (*read)(void *ctx, int id, const struct c2_bound *bound, struct c2_buf *out, struct cat2_error *err);
    void *ctx;
};

struct c2_expr *c2_expr_new(void); /* NULL: no memory */
void c2_expr_free(struct c2_expr *expr);
C2_DEFINE_AUTO_PTR(c2_expr, c2_expr_free);

/** An array that will be read: id is the caller's number for it. dtype: borrowed; one with fields is used by
 * its fields alone. @errors CAT2_EUNSUPPORTED, CAT2_ELIMIT. */
bool c2_expr_operand(struct c2_expr *expr, int id, const struct c2_dtype *dtype, const int64_t *shape,
                     int ndim, int *node, struct cat2_error *err);
/** A field of such an operand. @errors CAT2_EINVAL there is none; as above. */
bool c2_expr_field(struct c2_expr *expr, int operand, struct c2_str field, int *node, struct cat2_error *err);
/** @param position  out: byte of the text an error is about. @errors CAT2_EINVAL; CAT2_EUNSUPPORTED what
 *  NumPy knows and this does not; CAT2_ELIMIT. */
bool c2_expr_parse(struct c2_expr *expr, struct c2_str text, const struct c2_expr_names *names, int *node,
                   int64_t *position, struct cat2_error *err);

/* What a node is. kind: b i u f as NumPy has it. */
struct c2_expr_type {
    char kind;
    int size;
    int ndim;
    int64_t shape[C2_DIM_MAX];
};
struct c2_expr_type c2_expr_type(const struct c2_expr *expr, int node);
/** Does each item of it need the items at its own place, and no others? */
bool c2_expr_is_rowwise(const struct c2_expr *expr);
/** Which items of its operands a box of a node needs; axes as a c2_bound has them, `dropped` does not count.
 * The same operand may be named several times. */
void c2_expr_needs(const struct c2_expr *expr, int node, const struct c2_axis_sel *axes,
                   void (*fn)(void *ctx, int id, const struct c2_bound *bound), void *ctx);
/** Numbers that are computed for a box of so many items, about; saturates. */
int64_t c2_expr_work(const struct c2_expr *expr, int node, int64_t nitems);
/** The items of a box, as items of this dtype, which has no fields. Worker.
 *  @errors those of read; CAT2_ENOMEM, CAT2_ECANCELLED, CAT2_EUNSUPPORTED. */
bool c2_expr_eval(struct c2_expr *expr, int node, const struct c2_expr_source *source,
                  const struct c2_axis_sel *axes, const struct c2_dtype *as, uint8_t *items,
                  struct cat2_error *err);

#endif
