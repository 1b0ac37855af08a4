/* SPDX-License-Identifier: BSD-3-Clause */
/* Walks over selections of every corpus frame against the same selection decoded at once; costs. */
#include "blosc/blosc_testing.h"
#include "reduce/reduce_testing.h"

/* What a walk has put together. */
struct picked {
    const struct c2_bound *bound;
    uint8_t *items, *seen;
    int64_t size;
};

static bool put_box(void *ctx, const struct c2_box *box, struct cat2_error *err)
{
    struct picked *p = ctx;

    (void)err;
    for (int64_t k = 0; k < box->nitems; k++) {
        int64_t left = k, index = 0, at[C2_DIM_MAX] = {0};
        for (int i = box->ndim - 1; i >= 0; left /= box->count[i], i--)
            at[i] = box->first[i] + left % box->count[i];
        for (int i = 0; i < box->ndim; i++)
            index = index * p->bound->axes[i].count + at[i];
        assert_true(index < p->bound->nitems);
        p->seen[index]++;
        memcpy(p->items + index * p->size, box->items + (box->constant ? 0 : k * p->size), (size_t)p->size);
    }
    return true;
}

/* NaN of a special chunk may be another NaN than the decoder's. */
static bool both_nan(const uint8_t *a, const uint8_t *b, int64_t size)
{
    float a4, b4;
    double a8, b8;

    if (size != 4 && size != 8) return false;
    memcpy(&a4, a, 4);
    memcpy(&b4, b, 4);
    if (size == 4) return isnan(a4) && isnan(b4);
    memcpy(&a8, a, 8);
    memcpy(&b8, b, 8);
    return isnan(a8) && isnan(b8);
}

static void check_walk(struct c2_codec *codec, const struct c2_selectable *ds, const char *text,
                       const char *name)
{
    struct c2_bound bound = bind(&ds->meta->grid, text);
    int64_t size = ds->meta->grid.typesize, n = bound.nitems;
    uint8_t *want = malloc((size_t)(n * size) + 1);
    struct picked got = {&bound, calloc((size_t)n + 1, (size_t)size), calloc((size_t)n + 1, 1), size};
    struct cat2_error err = {0};

    if (!c2_select_items(codec, ds, &bound, want, &err) ||
        !c2_walk_boxes(codec, ds, &bound, put_box, &got, &err))
        fail_msg("%s[%s]: %s", name, text, err.message);
    for (int64_t i = 0; i < n; i++) {
        const uint8_t *a = got.items + i * size, *b = want + i * size;
        if (got.seen[i] != 1 || (memcmp(a, b, (size_t)size) != 0 && !both_nan(a, b, size)))
            fail_msg("%s[%s]: item %lld, seen %d times", name, text, (long long)i, got.seen[i]);
    }
    assert_true(c2_walk_cost(ds, &bound) >= (n ? size : 0));
    free(want);
    free(got.items);
    free(got.seen);
}

static void a_walk_visits_each_item_once(void **state)
{
    static const char *const parts[] = {":", "1:-1", "::3", "::-1", "-2::-5"};
    C2_AUTO_PTR(c2_codec) *codec = c2_codec_new();
    struct sample s = {0};
    int count = 0;

    while (next_sample(&s)) {
        C2_AUTO_PTR(c2_frame) *frame = open_sample(s.name);
        if (c2_frame_refusal(frame)) continue;
        struct c2_selectable ds = {c2_frame_meta(frame), c2_frame_chunks(frame)};
        for (size_t i = 0; i < C2_ARRAY_LEN(parts); i++, count++) {
            char text[200] = "";
            size_t n = 0;
            for (int axis = 0; axis < ds.meta->grid.ndim; axis++)
                n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", axis ? "," : "",
                                      parts[(i + (size_t)axis * (i > 1)) % C2_ARRAY_LEN(parts)]);
            check_walk(codec, &ds, text, s.name);
        }
    }
    assert_true(count > 200);
}

static bool refuse(void *ctx, const struct c2_box *box, struct cat2_error *err)
{
    (void)box;
    ++*(int *)ctx;
    return c2_fail(err, CAT2_ELIMIT, "enough");
}

static void a_walk_ends_where_the_visitor_says_so(void **state)
{
    C2_AUTO_PTR(c2_codec) *codec = c2_codec_new();
    C2_AUTO_PTR(c2_frame) *frame = open_sample("v4-dtype-c16.b2nd");
    struct c2_selectable ds = {c2_frame_meta(frame), c2_frame_chunks(frame)};
    struct c2_bound bound = bind(&ds.meta->grid, "");
    struct cat2_error err = {0};
    int calls = 0;

    assert_false(c2_walk_boxes(codec, &ds, &bound, refuse, &calls, &err));
    assert_int_equal(calls, 1);
    assert_int_equal(err.code, CAT2_ELIMIT);
}

/* Chunks 1024 x 1024, blocks 128 x 128 of 2 bytes. */
static void the_cost_is_of_the_blocks_touched(void **state)
{
    static const int64_t shape[] = {32768, 32768};
    const int64_t block = 128 * 128 * 2, all = INT64_C(1) << 31;
    const struct {
        const char *text;
        enum c2_chunk_kind kind;
        int64_t blocks, nbytes;
    } cases[] = {{"0,0", C2_CHUNK_STORED, 1, 0},
                 {"0,:", C2_CHUNK_STORED, 256, 0},
                 {"127:129,0:128", C2_CHUNK_STORED, 2, 0},
                 {"127:129,1023:1025", C2_CHUNK_STORED, 4, 0},
                 {"::128,0", C2_CHUNK_STORED, 256, 0},
                 {"::-1024,5", C2_CHUNK_STORED, 32, 0},
                 {"5:5,:", C2_CHUNK_STORED, 0, 0},
                 {"", C2_CHUNK_STORED, 0, INT64_C(1) << 31},
                 {"", C2_CHUNK_ABSENT, 0, INT64_C(1) << 31},
                 {"", C2_CHUNK_ZERO, 64, 0}, /* the first is not zero */
                 {"1024:,:", C2_CHUNK_ZERO, 0, 0},
                 {"", C2_CHUNK_NAN, 0, 0}};

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        enum c2_chunk_kind kind = cases[i].kind;
        struct c2_meta meta;
        struct c2_selectable ds = huge(&meta, &kind, shape, 2, 2);
        struct c2_bound bound = bind(&meta.grid, cases[i].text);
        int64_t want = cases[i].nbytes ? all : cases[i].blocks * block, got = c2_walk_cost(&ds, &bound);
        if (got != want) fail_msg("[%s]: %lld, not %lld", cases[i].text, (long long)got, (long long)want);
    }
}

static void special_chunks_are_counted_when_there_are_too_many(void **state)
{
    static const int64_t shape[] = {INT64_C(1) << 31, 1024};
    enum c2_chunk_kind kind = C2_CHUNK_NAN;
    struct c2_meta meta;
    struct c2_selectable ds = huge(&meta, &kind, shape, 2, 8);
    struct c2_bound bound = bind(&meta.grid, "");

    assert_true(c2_walk_cost(&ds, &bound) == INT64_C(1) << 44);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_walk_visits_each_item_once),
                                       cmocka_unit_test(a_walk_ends_where_the_visitor_says_so),
                                       cmocka_unit_test(the_cost_is_of_the_blocks_touched),
                                       cmocka_unit_test(special_chunks_are_counted_when_there_are_too_many)};

    c2_codec_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
