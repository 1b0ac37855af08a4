/* SPDX-License-Identifier: BSD-3-Clause */
/* The rows of a table that a filter leaves, in the order of up to four columns: passes over the items, first
 * one for the filter, then one for each piece of each sort key, the least important first.
 *
 * Memory: 4 bytes a row found, and 20 while it is sorted. */
#ifndef C2_REDUCE_ORDER_H
#define C2_REDUCE_ORDER_H

#include "base/limits.h"
#include "reduce/number.h"
#include "reduce/where.h"

#define C2_ORDER_KEYS_MAX   4 /* fields a table is sorted by: each costs a pass over its column */
#define C2_ORDER_PIECES_MAX 8 /* of 8 bytes: text is compared by its first 64 */

struct c2_order_key {
    bool down, text;
    struct c2_num num;           /* numbers */
    const struct c2_dtype *type; /* text */
    int64_t offset;
    int npieces;
};
struct c2_order {
    const struct c2_dtype *dtype; /* borrowed */
    int64_t nrows;
    struct c2_where *where; /* NULL: all rows */
    struct c2_order_key keys[C2_ORDER_KEYS_MAX];
    int nkeys;
    /* being made */
    int pass, key, piece;   /* pass 0 is the filter's */
    struct c2_buf rows;     /* uint32_t: rows found, rising; empty without filter */
    int64_t n, at;          /* rows found; of those, how many this pass has seen */
    uint32_t *order, *rank; /* position i holds found row order[i]; the reverse */
    struct c2_sort_entry *entries;
    uint8_t *mask;
};
/** "-t,id" on a dtype. @errors CAT2_EINVAL. */
bool c2_order_parse(struct c2_order *order, struct c2_str sort, struct cat2_error *err);
/** Passes over all rows. */
int c2_order_npasses(const struct c2_order *order);
bool c2_order_begin(struct c2_order *order, struct cat2_error *err);
/** The next items of the pass under way, in order of rows. */
bool c2_order_take(struct c2_order *order, int64_t first_row, const uint8_t *items, int64_t n,
                   struct cat2_error *err);
bool c2_order_end_pass(struct c2_order *order, struct cat2_error *err);
/** Row numbers, uint32_t, in the order asked for. After the last pass. */
bool c2_order_finish(struct c2_order *order, struct c2_buf *out, struct cat2_error *err);
void c2_order_fini(struct c2_order *order); /* frees where, too */

/* For the test: sorts by key, then by place. */
struct c2_sort_entry {
    uint8_t bytes[12]; /* key and place, big-endian: they sort as bytes */
};
void c2_sort_entries(struct c2_sort_entry *entries, size_t n);

#endif
