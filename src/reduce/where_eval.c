/* SPDX-License-Identifier: BSD-3-Clause */
/* Evaluating, a batch of rows at a time. */
#include "base/endian.h"
#include "reduce/where_impl.h"

/* ---- numbers ---- */

static void load(const struct c2_operand *o, const uint8_t *items, int64_t n, long double *to)
{
    double plain[C2_WHERE_BATCH];
    int64_t wide[C2_WHERE_BATCH];

    if (o->kind == C2_OPERAND_NUMBER) {
        for (int64_t i = 0; i < n; i++)
            to[i] = o->number;
    } else if (o->num.wide) {
        c2_num_load_i64(&o->num, items, n, wide);
        for (int64_t i = 0; i < n; i++)
            to[i] = o->num.kind == 'u' ? (long double)((uint64_t)wide[i] ^ (uint64_t)1 << 63)
                                       : (long double)wide[i];
    } else {
        c2_num_load(&o->num, items, n, plain);
        for (int64_t i = 0; i < n; i++)
            to[i] = (long double)plain[i];
    }
}

#define COMPARE(op)                                                                                          \
    for (int64_t i = 0; i < n; i++)                                                                          \
    mask[i] = a[i] op b[i]

#define DEFINE_COMPARE(name, type)                                                                           \
    static void name(enum c2_compare how, const type *a, const type *b, int64_t n, uint8_t *mask)            \
    {                                                                                                        \
        switch (how) {                                                                                       \
        case C2_CMP_LT:                                                                                      \
            COMPARE(<);                                                                                      \
            break;                                                                                           \
        case C2_CMP_LE:                                                                                      \
            COMPARE(<=);                                                                                     \
            break;                                                                                           \
        case C2_CMP_GT:                                                                                      \
            COMPARE(>);                                                                                      \
            break;                                                                                           \
        case C2_CMP_GE:                                                                                      \
            COMPARE(>=);                                                                                     \
            break;                                                                                           \
        case C2_CMP_EQ:                                                                                      \
            COMPARE(==);                                                                                     \
            break;                                                                                           \
        case C2_CMP_NE:                                                                                      \
            COMPARE(!=);                                                                                     \
            break;                                                                                           \
        }                                                                                                    \
    }
DEFINE_COMPARE(compare_wide, long double)
DEFINE_COMPARE(compare_real, double)

/* Does a double hold whatever this operand is? */
static bool fits(const struct c2_operand *o)
{
    return o->kind == C2_OPERAND_NUMBER ? o->exact : !o->num.wide;
}

static void load_real(const struct c2_operand *o, const uint8_t *items, int64_t n, double *to)
{
    if (o->kind == C2_OPERAND_FIELD) {
        c2_num_load(&o->num, items, n, to);
        return;
    }
    for (int64_t i = 0; i < n; i++)
        to[i] = (double)o->number;
}

static void compare_numbers(struct c2_where *where, const struct c2_cmp *cmp, const uint8_t *items, int64_t n,
                            uint8_t *mask)
{
    double a[C2_WHERE_BATCH], b[C2_WHERE_BATCH];

    if (fits(&cmp->left) && fits(&cmp->right)) {
        load_real(&cmp->left, items, n, a);
        load_real(&cmp->right, items, n, b);
        compare_real(cmp->how, a, b, n, mask);
        return;
    }
    load(&cmp->left, items, n, where->left);
    load(&cmp->right, items, n, where->right);
    compare_wide(cmp->how, where->left, where->right, n, mask);
}

/* ---- text ---- */

/* The text of an item, without its trailing NULs; U as UTF-8, whose bytes sort as its characters do. */
static struct c2_str text_of(const struct c2_operand *o, const uint8_t *item, struct c2_buf *scratch)
{
    const uint8_t *p = item + o->offset;
    struct cat2_error err;
    bool swapped;

    if (o->kind == C2_OPERAND_TEXT) return c2_buf_str(&o->text);
    size_t n = (size_t)o->type->itemsize;
    if (o->type->kind == 'S') {
        while (n > 0 && p[n - 1] == 0)
            n--;
        return (struct c2_str){(const char *)p, n};
    }
    c2_buf_clear(scratch);
    if (!c2_buf_reserve(scratch, n + 4, &err)) return C2_STR("");
    swapped = c2_dtype_swapped(o->type);
    for (n /= 4; n > 0 && c2_le32(p + 4 * (n - 1)) == 0;)
        n--;
    for (size_t i = 0; i < n; i++)
        scratch->n +=
            c2_utf8_encode(swapped ? c2_be32(p + 4 * i) : c2_le32(p + 4 * i), scratch->p + scratch->n);
    return c2_buf_str(scratch);
}

static void compare_texts(struct c2_where *where, const struct c2_cmp *cmp, const uint8_t *items, int64_t n,
                          uint8_t *mask)
{
    for (int64_t i = 0; i < n; i++, items += where->dtype->itemsize) {
        int order = c2_str_cmp(text_of(&cmp->left, items, &where->scratch[0]),
                               text_of(&cmp->right, items, &where->scratch[1]));
        switch (cmp->how) {
        case C2_CMP_LT:
            mask[i] = order < 0;
            break;
        case C2_CMP_LE:
            mask[i] = order <= 0;
            break;
        case C2_CMP_GT:
            mask[i] = order > 0;
            break;
        case C2_CMP_GE:
            mask[i] = order >= 0;
            break;
        case C2_CMP_EQ:
            mask[i] = order == 0;
            break;
        case C2_CMP_NE:
            mask[i] = order != 0;
            break;
        }
    }
}

/* ---- all of it ---- */

static void eval_batch(struct c2_where *where, const uint8_t *items, int64_t n, uint8_t *out)
{
    int top = 0; /* masks on the stack */

    for (int k = 0; k < where->nops; k++) {
        int op = where->ops[k];
        uint8_t *mask = where->masks + (size_t)(op >= 0 ? top : top - 1) * C2_WHERE_BATCH;
        if (op >= 0) {
            const struct c2_cmp *cmp = &where->cmps[op];
            if (cmp->text)
                compare_texts(where, cmp, items, n, mask);
            else
                compare_numbers(where, cmp, items, n, mask);
            top++;
            continue;
        }
        if (op == C2_WHERE_NOT) {
            for (int64_t i = 0; i < n; i++)
                mask[i] ^= 1;
            continue;
        }
        uint8_t *under = mask - C2_WHERE_BATCH;
        for (int64_t i = 0; i < n; i++)
            under[i] = op == C2_WHERE_AND ? under[i] & mask[i] : under[i] | mask[i];
        top--;
    }
    memcpy(out, where->masks, (size_t)n);
}

/* Of the batch that is at hand. */
static bool read_rows(void *ctx, int id, const struct c2_bound *bound, struct c2_buf *out,
                      struct cat2_error *err)
{
    const struct c2_bytes *batch = ctx;

    (void)id, (void)bound; /* all of it */
    return c2_buf_append(out, batch->p, batch->n, err);
}

static bool eval_expr(struct c2_where *where, const uint8_t *items, int64_t n, uint8_t *mask,
                      struct cat2_error *err)
{
    static const struct c2_dtype boolean = {.kind = 'b', .order = '|', .itemsize = 1};
    struct c2_bytes batch = {items, (size_t)(n * where->dtype->itemsize)};
    struct c2_expr_source source = {read_rows, &batch};
    struct c2_axis_sel rows = {0, 1, n, false};

    return c2_expr_eval(where->expr, where->node, &source, &rows, &boolean, mask, err);
}

void c2_where_eval(struct c2_where *where, const uint8_t *items, int64_t n, uint8_t *mask)
{
    for (int64_t at = 0; at < n; at += C2_WHERE_BATCH) {
        int64_t some = c2_min_i64(C2_WHERE_BATCH, n - at);
        const uint8_t *batch = items + at * where->dtype->itemsize;
        if (!where->expr)
            eval_batch(where, batch, some, mask + at);
        else if (where->failed || !eval_expr(where, batch, some, mask + at, &where->err))
            where->failed = true;
    }
}

bool c2_where_failed(const struct c2_where *where, struct cat2_error *err)
{
    if (where->failed) *err = where->err;
    return where->failed;
}
