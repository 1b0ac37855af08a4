/* SPDX-License-Identifier: BSD-3-Clause */
/* Saved expressions (Blosc2 lazy arrays): what their attributes say. Loop thread. */
#ifndef C2_SUBSCRIBER_API_LAZY_H
#define C2_SUBSCRIBER_API_LAZY_H

#include "expr/expr.h"
#include "subscriber/answer/view.h"
#include "subscriber/mirror/dataset.h"

#define C2_LAZY_OPERANDS_MAX 64 /* each is read, and held, for itself */
#define C2_LAZY_DEPTH_MAX    8  /* expressions that are operands of others */

struct c2_lazy_operands {
    /** The number of an operand, which is there and can be read; the same for the same dataset. */
    bool (*add)(void *ctx, struct c2_ds *ds, int *id, struct cat2_error *err);
    void *ctx;
};
/** Is it an expression, or what else Blosc2 saves in place of data? */
bool c2_is_lazy(const struct c2_ds *ds);
/** Members for the end of its info: kind, and expression and operands as they were saved. */
bool c2_lazy_put_info(const struct c2_ds *ds, struct c2_buf *info, struct cat2_error *err);
/** The expression, and those of its operands that are expressions.
 *  @errors CAT2_EUNSUPPORTED it is a Python function, or has something that is not known here;
 *  CAT2_ENOTFOUND an operand is not there; CAT2_EINVAL, CAT2_EDATA, CAT2_ELIMIT. They name the operand. */
bool c2_lazy_parse(struct c2_ds *ds, struct c2_expr *expr, const struct c2_lazy_operands *operands, int *node,
                   struct cat2_error *err);

extern const struct c2_view_type c2_lazy_view;

#endif
