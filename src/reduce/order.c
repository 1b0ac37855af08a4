/* SPDX-License-Identifier: BSD-3-Clause */
/* Keys become 64 bits that sort as they do; equal ones stay in the order of the pass before. */
#include "reduce/order.h"

#include <math.h>
#include <stdlib.h>

#include "base/cancel.h"
#include "base/endian.h"
#include "base/limits.h"

#define TOP_BIT ((uint64_t)1 << 63)
#define FEW     32 /* entries that are sorted by insertion */

/* ---- what to sort by ---- */

static bool make_key(const struct c2_column *column, int64_t itemsize, struct c2_order_key *key,
                     struct cat2_error *err)
{
    key->type = column->type;
    key->offset = column->offset;
    key->npieces = 1;
    if (column->ndim) return c2_fail(err, CAT2_EINVAL, "sort: field '%s' holds arrays", column->name);
    if (column->type->kind == 'S' || column->type->kind == 'U') {
        key->text = true;
        key->npieces =
            (int)c2_min_i64(C2_ORDER_PIECES_MAX, c2_max_i64(1, c2_div_ceil(column->type->itemsize, 8)));
        return true;
    }
    if (column->type->kind == 'c' || !c2_num_of(column->type, C2_STR(""), C2_STR(""), &key->num, err))
        return c2_fail(err, CAT2_EINVAL, "sort: field '%s' has no order", column->name);
    key->num.offset = column->offset;
    key->num.itemsize = itemsize;
    return true;
}

bool c2_order_parse(struct c2_order *order, struct c2_str sort, struct cat2_error *err)
{
    struct c2_cursor in = c2_cursor_of(sort);
    struct c2_column column;

    for (c2_cursor_blanks(&in); !c2_cursor_done(&in); c2_cursor_blanks(&in)) {
        if (order->nkeys == C2_ORDER_KEYS_MAX)
            return c2_fail(err, CAT2_EINVAL, "sort: more than %d fields", C2_ORDER_KEYS_MAX);
        struct c2_order_key *key = &order->keys[order->nkeys++];
        key->down = c2_cursor_eat(&in, "-");
        if (!c2_column_read(&in, order->dtype, &column, err)) return c2_fail_within(err, "sort");
        bool ok = make_key(&column, order->dtype->itemsize, key, err);
        c2_column_fini(&column);
        if (!ok) return false;
        c2_cursor_blanks(&in);
        if (!c2_cursor_done(&in) && !c2_cursor_eat(&in, ","))
            return c2_fail(err, CAT2_EINVAL, "sort: expected ',' at character %td", in.p - sort.p + 1);
    }
    return true;
}

int c2_order_npasses(const struct c2_order *order)
{
    int n = order->where != NULL;

    for (int i = 0; i < order->nkeys; i++)
        n += order->keys[i].npieces;
    return n;
}

/* ---- sorting ---- */

static void sort_few(struct c2_sort_entry *e, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct c2_sort_entry moved = e[i];
        size_t k = i;
        for (; k > 0 && memcmp(e[k - 1].bytes, moved.bytes, sizeof(moved.bytes)) > 0; k--)
            e[k] = e[k - 1];
        e[k] = moved;
    }
}

/* In place, by the byte at `depth` and those after it: each entry is put into its bucket, then the buckets.
 */
static void sort_from(struct c2_sort_entry *e, size_t n, int depth)
{
    size_t heads[256], ends[256], counts[256] = {0}, at = 0;
    struct cat2_error ignored; /* who sorts asks again */

    if (n <= FEW) {
        sort_few(e, n);
        return;
    }
    for (size_t i = 0; i < n; i++)
        counts[e[i].bytes[depth]]++;
    for (int b = 0; b < 256; b++) {
        heads[b] = at;
        ends[b] = at += counts[b];
    }
    for (int b = 0; b < 256; b++)
        while (heads[b] < ends[b]) {
            struct c2_sort_entry moved = e[heads[b]];
            while (moved.bytes[depth] != b) {
                struct c2_sort_entry *place = &e[heads[moved.bytes[depth]]++], other = *place;
                *place = moved;
                moved = other;
            }
            e[heads[b]++] = moved;
        }
    for (int b = 0; b < 256 && depth + 1 < 12 && (depth > 2 || !c2_cancelled(&ignored)); b++)
        if (counts[b] > 1) sort_from(e + ends[b] - counts[b], counts[b], depth + 1);
}

void c2_sort_entries(struct c2_sort_entry *entries, size_t n)
{
    sort_from(entries, n, 0);
}

/* ---- keys ---- */

static uint64_t real_key(double v)
{
    uint64_t u;

    v += 0.0; /* one zero */
    memcpy(&u, &v, 8);
    return u & TOP_BIT ? ~u : u | TOP_BIT;
}

static uint64_t text_key(const struct c2_order_key *key, const uint8_t *item, int piece)
{
    const uint8_t *p = item + key->offset + 8 * piece;
    int64_t left = key->type->itemsize - 8 * piece;
    bool swapped = c2_dtype_swapped(key->type);
    uint64_t v = 0;

    if (key->type->kind == 'S') {
        for (int i = 0; i < 8; i++)
            v = v << 8 | (i < left ? p[i] : 0);
        return v;
    }
    for (int i = 0; i < 8; i += 4)
        v = v << 32 | (i < left ? (swapped ? c2_be32(p + i) : c2_le32(p + i)) : 0);
    return v;
}

/* NaN and NaT are last, whichever way round. */
static uint64_t key_of(const struct c2_order *order, const uint8_t *item)
{
    const struct c2_order_key *key = &order->keys[order->key];
    uint64_t v;
    double real;
    int64_t wide;

    if (key->text) {
        v = text_key(key, item, order->piece);
    } else if (key->num.wide) {
        c2_num_load_i64(&key->num, item, 1, &wide);
        bool moment = key->type->kind == 'M' || key->type->kind == 'm';
        if (moment && wide == INT64_MIN) return UINT64_MAX;
        v = (uint64_t)wide ^ TOP_BIT;
    } else {
        c2_num_load(&key->num, item, 1, &real);
        if (isnan(real)) return UINT64_MAX;
        v = real_key(real);
    }
    return key->down ? ~v : v;
}

/* ---- passes ---- */

static void next_key(struct c2_order *order)
{
    if (order->piece > 0) {
        order->piece--;
        return;
    }
    if (--order->key >= 0) order->piece = order->keys[order->key].npieces - 1;
}

bool c2_order_begin(struct c2_order *order, struct cat2_error *err)
{
    if (order->nrows > C2_ORDER_ROWS_MAX)
        return c2_fail(err, CAT2_ELIMIT, "tables of more than %lld rows are neither sorted nor filtered",
                       (long long)C2_ORDER_ROWS_MAX);
    c2_buf_init(&order->rows, (size_t)C2_ORDER_ROWS_MAX * sizeof(uint32_t));
    order->n = order->where ? 0 : order->nrows;
    order->key = order->nkeys;
    next_key(order);
    return true;
}

static bool take_filter(struct c2_order *order, int64_t first_row, const uint8_t *items, int64_t n,
                        struct cat2_error *err)
{
    if (!order->mask) order->mask = malloc(65536);
    if (!order->mask) return c2_fail_nomem(err, "filter");
    for (int64_t at = 0; at < n; at += 65536) {
        int64_t some = c2_min_i64(65536, n - at);
        if (c2_cancelled(err)) return false;
        uint32_t found[256];
        size_t nfound = 0;
        c2_where_eval(order->where, items + at * order->dtype->itemsize, some, order->mask);
        if (c2_where_failed(order->where, err)) return false;
        for (int64_t i = 0; i < some; i++) {
            if (order->mask[i]) found[nfound++] = (uint32_t)(first_row + at + i);
            if (nfound < C2_ARRAY_LEN(found) && i + 1 < some) continue;
            if (!c2_buf_append(&order->rows, found, nfound * sizeof(*found), err)) return false;
            nfound = 0;
        }
    }
    order->n = (int64_t)(order->rows.n / sizeof(uint32_t));
    return true;
}

static void put_entry(struct c2_sort_entry *entry, uint64_t key, uint32_t place)
{
    c2_put_be64(entry->bytes, key);
    c2_put_be32(entry->bytes + 8, place);
}

static bool take_keys(struct c2_order *order, int64_t first_row, const uint8_t *items, int64_t n,
                      struct cat2_error *err)
{
    const uint32_t *rows = (const uint32_t *)(const void *)order->rows.p;

    if (!order->entries) order->entries = malloc(((size_t)order->n + 1) * sizeof(*order->entries));
    if (!order->entries) return c2_fail_nomem(err, "sort");
    for (; order->at < order->n; order->at++) {
        int64_t row = order->where ? (int64_t)rows[order->at] : order->at;
        if (row >= first_row + n) break;
        uint32_t place = order->rank ? order->rank[order->at] : (uint32_t)order->at;
        put_entry(&order->entries[order->at],
                  key_of(order, items + (row - first_row) * order->dtype->itemsize), place);
    }
    return true;
}

bool c2_order_take(struct c2_order *order, int64_t first_row, const uint8_t *items, int64_t n,
                   struct cat2_error *err)
{
    if (order->where && order->pass == 0) return take_filter(order, first_row, items, n, err);
    return take_keys(order, first_row, items, n, err);
}

/* Entry i says which place of the old order comes i-th in the new one. */
static bool reorder(struct c2_order *order, struct cat2_error *err)
{
    size_t n = (size_t)order->n;
    uint32_t *fresh = malloc((n + 1) * sizeof(*fresh));

    if (!fresh) return c2_fail_nomem(err, "sort");
    for (size_t i = 0; i < n; i++) {
        uint32_t place = c2_be32(order->entries[i].bytes + 8);
        fresh[i] = order->order ? order->order[place] : place;
    }
    free(order->order);
    order->order = fresh;
    free(order->entries);
    order->entries = NULL;
    return true;
}

static bool make_rank(struct c2_order *order, struct cat2_error *err)
{
    if (!order->rank) order->rank = malloc(((size_t)order->n + 1) * sizeof(*order->rank));
    if (!order->rank) return c2_fail_nomem(err, "sort");
    for (int64_t i = 0; i < order->n; i++)
        order->rank[order->order[i]] = (uint32_t)i;
    return true;
}

bool c2_order_end_pass(struct c2_order *order, struct cat2_error *err)
{
    bool filter = order->where && order->pass == 0;

    order->pass++;
    order->at = 0;
    if (filter || !order->entries) return true;
    c2_sort_entries(order->entries, (size_t)order->n);
    if (c2_cancelled(err) || !reorder(order, err)) return false;
    next_key(order);
    return order->key < 0 || make_rank(order, err);
}

bool c2_order_finish(struct c2_order *order, struct c2_buf *out, struct cat2_error *err)
{
    uint32_t *rows = (uint32_t *)(void *)order->rows.p;

    if (!order->order) {
        *out = c2_buf_steal(&order->rows);
        return true;
    }
    if (!c2_buf_resize(out, (size_t)order->n * sizeof(uint32_t), err)) return false;
    uint32_t *to = (uint32_t *)(void *)out->p;
    for (int64_t i = 0; i < order->n; i++)
        to[i] = order->where ? rows[order->order[i]] : order->order[i];
    return true;
}

void c2_order_fini(struct c2_order *order)
{
    c2_where_free(order->where);
    c2_buf_fini(&order->rows);
    free(order->order);
    free(order->rank);
    free(order->entries);
    free(order->mask);
    *order = (struct c2_order){0};
}
