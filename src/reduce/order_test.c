/* SPDX-License-Identifier: BSD-3-Clause */
/* Sorted and filtered rows against the library's sort of the same rows. */
#include "reduce/reduce_testing.h"

#include "base/endian.h"
#include "reduce/order.h"

#define ROWS 3000
static const char table_type[] = "[('i', '<i8'), ('u', '>u8'), ('t', '<f4'), ('s', '|S10'), ('w', '<U3'), "
                                 "('m', '>M8[s]'), ('b', '|i1'), ('v', '<f4', (2,)), ('z', '<c8')]";

static struct row {
    int64_t i, m;
    uint64_t u;
    float t;
    char s[11];
    uint32_t w[3];
    int8_t b;
} rows[ROWS];

/* Few different values in each column, so that the next one matters. */
static void fill(const struct c2_dtype *type, uint8_t *items)
{
    static const char *const texts[] = {"",           "a",         "ab", "abcdefgh", "abcdefghi",
                                        "abcdefghij", "abcdefgha", "b",  "B"};

    memset(items, 0, (size_t)(ROWS * type->itemsize));
    for (int r = 0; r < ROWS; r++) {
        uint8_t *p = items + r * type->itemsize;
        struct row *row = &rows[r];
        const int64_t is[] = {INT64_MIN, -5, 0, 3, 9007199254740992, 9007199254740993, INT64_MAX};
        const uint64_t us[] = {0, 5, INT64_MAX, TOP, UINT64_MAX};
        const float ts[] = {-INFINITY, -1, -0.0F, 0, 2.5F, INFINITY, NAN, -NAN};
        *row = (struct row){.i = is[random_below(7)], .u = us[random_below(5)], .t = ts[random_below(8)]};
        row->m = random_below(4) ? random_below(5) - 2 : INT64_MIN; /* NaT */
        row->b = (int8_t)(random_below(5) - 2);
        snprintf(row->s, sizeof(row->s), "%s", texts[random_below(9)]);
        for (int k = 0; k < random_below(4); k++)
            row->w[k] = (uint32_t)random_below(3) * 70000;
        c2_put_le64(p, (uint64_t)row->i);
        c2_put_be64(p + 8, row->u);
        memcpy(p + 16, &row->t, 4);
        memcpy(p + 20, row->s, strlen(row->s));
        memcpy(p + 30, row->w, 12);
        c2_put_be64(p + 42, (uint64_t)row->m);
        p[50] = (uint8_t)row->b;
    }
}

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

/* -2: the first is last whichever way; 2: the second. */
static int compare_field(char field, const struct row *a, const struct row *b)
{
    int order = 0;

    if (field == 'i') return ORDER(a->i, b->i);
    if (field == 'u') return ORDER(a->u, b->u);
    if (field == 'b') return ORDER(a->b, b->b);
    if (field == 's') return ORDER(strcmp(a->s, b->s), 0);
    if (field == 't' && (isnan(a->t) || isnan(b->t))) return 2 * (!!isnan(a->t) - !!isnan(b->t));
    if (field == 't') return ORDER(a->t, b->t);
    if (field == 'm' && (a->m == INT64_MIN || b->m == INT64_MIN))
        return 2 * ((a->m == INT64_MIN) - (b->m == INT64_MIN));
    if (field == 'm') return ORDER(a->m, b->m);
    for (int k = 0; k < 3 && !order; k++)
        order = ORDER(a->w[k], b->w[k]);
    return order;
}

static const char *sort_text;

static int compare_rows(const void *pa, const void *pb)
{
    uint32_t a = *(const uint32_t *)pa, b = *(const uint32_t *)pb;

    for (const char *p = sort_text; *p; p++) {
        bool down = *p == '-';
        p += down;
        int order = compare_field(*p, &rows[a], &rows[b]);
        if (order == 2 || order == -2) return order;
        if (order) return down ? -order : order;
        if (p[1] == ',') p++;
    }
    return ORDER(a, b);
}

static bool passes_filter(int kind, const struct row *row)
{
    return kind == 0 || (kind == 1 && row->b > 0) || (kind == 2 && row->i == 9007199254740993 && row->t > 0);
}

static void feed(struct c2_order *order, const uint8_t *items)
{
    struct cat2_error err = {0};

    assert_true(c2_order_begin(order, &err));
    for (int pass = c2_order_npasses(order); pass > 0; pass--) {
        for (int64_t at = 0, n; at < ROWS; at += n) {
            n = c2_min_i64(ROWS - at, 1 + random_below(1500));
            uint8_t *some = malloc((size_t)(n * order->dtype->itemsize)); /* exactly */
            memcpy(some, items + at * order->dtype->itemsize, (size_t)(n * order->dtype->itemsize));
            assert_true(c2_order_take(order, at, some, n, &err));
            free(some);
        }
        assert_true(c2_order_end_pass(order, &err));
    }
}

static void rows_are_in_the_order_asked_for(void **state)
{
    static const char *const sorts[] = {"",        "i",         "-i",      "u",     "-u",       "t",
                                        "-t",      "s",         "-s",      "w",     "-w",       "m",
                                        "-m",      "b",         "-b,i",    "t,-s",  "-m,-t",    "s,w,b",
                                        "w,-s,-i", "b,-t,m,-u", "i,u,t,s", "b,b,b", "-t,t,-m,m"};
    static const char *const filters[] = {NULL, "b > 0", "i == 9007199254740993 & t > 0", "false"};
    C2_AUTO(c2_dtype) type = {0};
    static uint8_t items[ROWS * 80];
    static uint32_t want[ROWS];

    parse_type(table_type, &type);
    assert_true(type.itemsize <= 80);
    fill(&type, items);
    for (size_t k = 0; k < C2_ARRAY_LEN(sorts) * C2_ARRAY_LEN(filters); k++) {
        const char *filter = filters[k % C2_ARRAY_LEN(filters)];
        struct c2_order order = {.dtype = &type, .nrows = ROWS};
        C2_AUTO(c2_buf) out = C2_BUF_INIT(1 << 20);
        struct cat2_error err = {0};
        int64_t position;
        size_t n = 0;
        sort_text = sorts[k / C2_ARRAY_LEN(filters)];
        if (!filter && !*sort_text) continue;
        if (filter) assert_true(c2_where_parse(c2_str_of(filter), &type, &order.where, &position, &err));
        if (!c2_order_parse(&order, c2_str_of(sort_text), &err)) fail_msg("%s: %s", sort_text, err.message);
        feed(&order, items);
        assert_true(c2_order_finish(&order, &out, &err));
        for (uint32_t r = 0; r < ROWS; r++)
            if (passes_filter((int)(k % C2_ARRAY_LEN(filters)), &rows[r])) want[n++] = r;
        qsort(want, n, sizeof(*want), compare_rows);
        if (out.n != n * sizeof(*want) || (n && memcmp(out.p, want, out.n) != 0))
            fail_msg("sort '%s' where '%s'", sort_text, filter ? filter : "");
        c2_order_fini(&order);
    }
}

static void what_has_no_order_is_refused(void **state)
{
    static const struct {
        const char *sort, *message;
    } cases[] = {{"x", "there is no field 'x'"},     {"v", "field 'v' holds arrays"},
                 {"z", "field 'z' has no order"},    {"i u", "expected ','"},
                 {"i,,u", "expected the name"},      {"--i", "expected the name"},
                 {"i,u,t,s,w", "more than 4 fields"}};
    C2_AUTO(c2_dtype) type = {0};

    parse_type(table_type, &type);
    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct c2_order order = {.dtype = &type};
        struct cat2_error err = {0};
        assert_false(c2_order_parse(&order, c2_str_of(cases[i].sort), &err));
        if (!strstr(err.message, cases[i].message)) fail_msg("%s: %s", cases[i].sort, err.message);
        c2_order_fini(&order);
    }
    struct c2_order order = {.dtype = &type, .nrows = C2_ORDER_ROWS_MAX + 1};
    struct cat2_error err = {0};
    assert_false(c2_order_begin(&order, &err));
    assert_int_equal(err.code, CAT2_ELIMIT);
}

static int compare_entries(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct c2_sort_entry));
}

static void entries_sort_as_their_bytes(void **state)
{
    static const int64_t spans[] = {2, 200, INT64_MAX}, counts[] = {0, 1, 2, 31, 33, 1000, 70000};

    for (size_t k = 0; k < C2_ARRAY_LEN(spans) * C2_ARRAY_LEN(counts); k++) {
        size_t n = (size_t)counts[k % C2_ARRAY_LEN(counts)];
        struct c2_sort_entry *got = calloc(n + 1, sizeof(*got)), *want = calloc(n + 1, sizeof(*want));
        for (size_t i = 0; i < n; i++) {
            c2_put_be64(got[i].bytes, (uint64_t)random_below(spans[k / C2_ARRAY_LEN(counts)])
                                          << random_below(2) * 40);
            c2_put_be32(got[i].bytes + 8, (uint32_t)random_below(1000));
        }
        memcpy(want, got, n * sizeof(*got));
        c2_sort_entries(got, n);
        qsort(want, n, sizeof(*want), compare_entries);
        assert_memory_equal(got, want, n * sizeof(*got) + 1);
        free(got);
        free(want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(rows_are_in_the_order_asked_for),
                                       cmocka_unit_test(what_has_no_order_is_refused),
                                       cmocka_unit_test(entries_sort_as_their_bytes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
