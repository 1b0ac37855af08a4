/* SPDX-License-Identifier: BSD-3-Clause */
/* An answer is given to the same question only; old ones give way; the bound is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "subscriber/answer/hot.h"

static struct c2_blob *blob_of(size_t n)
{
    struct c2_buf buf = C2_BUF_INIT(1 << 20);
    struct cat2_error err;

    assert_true(c2_buf_resize(&buf, n, &err));
    struct c2_blob *blob = c2_blob_new(&buf);
    assert_non_null(blob);
    return blob;
}

static void remember(struct c2_hot *hot, const struct c2_hot_key *key, size_t n)
{
    struct c2_blob *blob = blob_of(n);

    c2_hot_put(hot, key, blob);
    c2_blob_unref(blob);
}

static struct c2_bound rows(int64_t start)
{
    return (struct c2_bound){.ndim = 2, .axes = {{start, 1, 10, false}, {0, 1, 5, false}}};
}

static void only_the_same_question_gets_the_answer(void **state)
{
    struct c2_hot *hot = c2_hot_new(1 << 16);
    struct c2_bound a = rows(1), b = rows(2), dropped = rows(1), step = rows(1);
    struct c2_hot_key key = {7, 1, &a};

    (void)state;
    assert_non_null(hot);
    dropped.axes[0].dropped = true;
    step.axes[1].step = -1;
    remember(hot, &key, 100);
    assert_non_null(c2_hot_get(hot, &key));
    const struct c2_hot_key others[] = {{8, 1, &a}, {7, 2, &a}, {7, 1, &b}, {7, 1, &dropped}, {7, 1, &step}};
    for (size_t i = 0; i < C2_ARRAY_LEN(others); i++)
        assert_null(c2_hot_get(hot, &others[i]));
    assert_int_equal(c2_hot_stats(hot).hits, 1);
    assert_int_equal(c2_hot_stats(hot).misses, C2_ARRAY_LEN(others));
    c2_hot_free(hot);
}

static void the_longest_unused_gives_way(void **state)
{
    struct c2_hot *hot = c2_hot_new(1600);

    (void)state;
    assert_non_null(hot);
    for (int i = 0; i < 40; i++) { /* 16 of them fit */
        struct c2_bound bound = rows(i), first = rows(0);
        remember(hot, &(struct c2_hot_key){1, 0, &bound}, 100);
        assert_non_null(c2_hot_get(hot, &(struct c2_hot_key){1, 0, &first})); /* always in use */
        assert_true(c2_hot_stats(hot).nbytes <= 1600);
    }
    assert_int_equal(c2_hot_stats(hot).n, 16);
    for (int i = 0; i < 40; i++) {
        struct c2_bound bound = rows(i);
        bool kept = c2_hot_get(hot, &(struct c2_hot_key){1, 0, &bound}) != NULL;
        assert_int_equal(kept, i == 0 || i >= 25);
    }
    c2_hot_free(hot);
}

static void what_is_too_large_is_not_kept_and_places_are_reused(void **state)
{
    struct c2_hot *hot = c2_hot_new(1 << 16);
    struct c2_bound a = rows(1);

    (void)state;
    assert_non_null(hot);
    remember(hot, &(struct c2_hot_key){1, 0, &a}, (1 << 16) / 16 + 1);
    assert_int_equal(c2_hot_stats(hot).n, 0);
    for (uint64_t i = 0; i < 1000; i++)
        remember(hot, &(struct c2_hot_key){i, 0, &a}, 10);
    assert_int_equal(c2_hot_stats(hot).n, 256);
    assert_int_equal(c2_hot_stats(hot).nbytes, 2560);
    remember(hot, &(struct c2_hot_key){999, 0, &a}, 10);
    assert_int_equal(c2_hot_stats(hot).n, 256);
    c2_hot_free(hot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(only_the_same_question_gets_the_answer),
                                       cmocka_unit_test(the_longest_unused_gives_way),
                                       cmocka_unit_test(what_is_too_large_is_not_kept_and_places_are_reused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
