/* SPDX-License-Identifier: BSD-3-Clause */
/* A parsed expression: comparisons, and in what order to put them together. */
#ifndef C2_REDUCE_WHERE_IMPL_H
#define C2_REDUCE_WHERE_IMPL_H

#include "expr/expr.h"
#include "reduce/number.h"
#include "reduce/where.h"

#define C2_WHERE_CMPS_MAX  256  /* each is looked at for every row */
#define C2_WHERE_DEPTH_MAX 64   /* the parser calls itself for each parenthesis */
#define C2_WHERE_OPS_MAX   2048 /* more than a text of C2_WHERE_TEXT_MAX has, nearly */
#define C2_WHERE_BATCH     1024

enum c2_operand_kind { C2_OPERAND_FIELD, C2_OPERAND_TEXT_FIELD, C2_OPERAND_NUMBER, C2_OPERAND_TEXT };
struct c2_operand {
    enum c2_operand_kind kind;
    struct c2_num num;           /* FIELD */
    const struct c2_dtype *type; /* TEXT_FIELD: S or U */
    int64_t offset;
    long double number; /* wide enough for every 64-bit integer */
    bool exact;         /* NUMBER: a double holds it */
    struct c2_buf text; /* TEXT */
};
enum c2_compare { C2_CMP_LT, C2_CMP_LE, C2_CMP_GT, C2_CMP_GE, C2_CMP_EQ, C2_CMP_NE };
struct c2_cmp {
    struct c2_operand left, right;
    enum c2_compare how;
    bool text;
};
/* Postfix: a number is a comparison whose mask is pushed. */
enum { C2_WHERE_AND = -1, C2_WHERE_OR = -2, C2_WHERE_NOT = -3 };
struct c2_where {
    const struct c2_dtype *dtype;
    struct c2_cmp *cmps;
    int ncmps;
    int *ops;
    int nops;
    int depth;                 /* masks at a time */
    uint8_t *masks;            /* depth * BATCH */
    long double *left, *right; /* BATCH each */
    struct c2_buf scratch[2];
    struct c2_expr *expr; /* instead of comparisons: fields are its operands, all of them 0 */
    int node;
    bool failed;
    struct cat2_error err;
};

#endif
