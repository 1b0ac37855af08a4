/* SPDX-License-Identifier: BSD-3-Clause */
/* Which blocks are kept, and that many threads may ask at once. */
#include "base/base_testing.h"

#include <pthread.h>

#include "select/kept_blocks.h"

#define N 1000 /* bytes of a block */

static struct c2_block_key key_of(int64_t nblock)
{
    return (struct c2_block_key){7, 3, nblock};
}

/* Ask for it as a reader does. true: it was there, and is what it should be. */
static bool ask(struct c2_kept_blocks *kept, int64_t nblock)
{
    const struct c2_block_key key = key_of(nblock);
    struct c2_blob *block = c2_kept_blocks_find(kept, &key);
    uint8_t bytes[N];

    memset(bytes, (int)nblock, N);
    if (!block) {
        c2_kept_blocks_offer(kept, &key, bytes, N);
        return false;
    }
    bool same = block->bytes.n == N && memcmp(block->bytes.p, bytes, N) == 0;
    c2_blob_unref(block);
    assert_true(same);
    return true;
}

static void a_block_is_kept_when_it_is_asked_for_again(void **state)
{
    struct c2_kept_blocks *kept = c2_kept_blocks_new(100 * N);

    (void)state;
    assert_false(ask(kept, 1));
    assert_int_equal(c2_kept_blocks_stats(kept).nbytes, 0);
    const struct c2_block_key first = key_of(1);
    for (int i = 0; i < 3; i++)
        assert_false(c2_kept_blocks_has(kept, &first)); /* these count for nothing */
    assert_false(ask(kept, 1));
    assert_true(c2_kept_blocks_has(kept, &first));
    assert_true(ask(kept, 1) && ask(kept, 1));
    assert_false(ask(kept, 2));
    struct c2_block_key other = key_of(1);
    other.serial++;
    assert_null(c2_kept_blocks_find(kept, &other));
    struct c2_kept_blocks_stats stats = c2_kept_blocks_stats(kept);
    assert_true(stats.nbytes >= N && stats.hits == 2 && stats.misses == 4);
    c2_kept_blocks_clear(kept);
    assert_int_equal(c2_kept_blocks_stats(kept).nbytes, 0);
    c2_kept_blocks_free(kept);
}

static void what_is_read_once_or_twice_drives_nothing_out(void **state)
{
    struct c2_kept_blocks *kept = c2_kept_blocks_new(20 * N);

    (void)state;
    for (int k = 0; k < 10; k++)
        for (int64_t i = 0; i < 10; i++)
            ask(kept, i);
    for (int k = 0; k < 2; k++)
        for (int64_t i = 10; i < 1000; i++)
            ask(kept, i);
    assert_true(c2_kept_blocks_stats(kept).nbytes <= 20 * N);
    for (int64_t i = 0; i < 10; i++)
        assert_true(ask(kept, i));
    for (int k = 0; k < 200; k++) /* others are asked for now */
        for (int64_t i = 2000; i < 2010; i++)
            ask(kept, i);
    for (int64_t i = 2000; i < 2010; i++)
        assert_true(ask(kept, i));
    c2_kept_blocks_free(kept);
}

static void a_block_that_was_looked_for_is_the_last_to_go(void **state)
{
    struct c2_kept_blocks *kept = c2_kept_blocks_new(20 * N);
    const struct c2_block_key first = key_of(0), second = key_of(1);

    (void)state;
    for (int64_t i = 0; i < 10; i++)
        for (int k = 0; k < 2; k++)
            ask(kept, i);
    assert_true(c2_kept_blocks_has(kept, &first)); /* no question, which would make it one to keep anyway */
    for (int64_t i = 10; i < 20; i++)              /* two more than there is room for */
        for (int k = 0; k < 4; k++)
            ask(kept, i);
    assert_true(c2_kept_blocks_has(kept, &first) && !c2_kept_blocks_has(kept, &second));
    c2_kept_blocks_free(kept);
}

static void a_block_that_would_fill_the_room_is_not_kept(void **state)
{
    struct c2_kept_blocks *kept = c2_kept_blocks_new(2 * N);

    (void)state;
    for (int k = 0; k < 5; k++)
        assert_false(ask(kept, 1));
    assert_int_equal(c2_kept_blocks_stats(kept).nbytes, 0);
    c2_kept_blocks_free(kept);
}

static void *ask_often(void *ctx)
{
    uint32_t random = 1;

    for (int k = 0; k < 20000; k++) {
        random = random * 1664525 + 1013904223;
        ask(ctx, random >> 16 & 63);
        if (k % 5000 == 0) c2_kept_blocks_clear(ctx);
    }
    return NULL;
}

static void many_threads_ask_at_once(void **state)
{
    struct c2_kept_blocks *kept = c2_kept_blocks_new(20 * N);
    pthread_t threads[4];

    (void)state;
    for (size_t i = 0; i < C2_ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, kept), 0);
    for (size_t i = 0; i < C2_ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    struct c2_kept_blocks_stats stats = c2_kept_blocks_stats(kept);
    assert_int_equal(stats.hits + stats.misses, 80000);
    assert_true(stats.hits > 0 && stats.nbytes <= 20 * N);
    c2_kept_blocks_free(kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_is_kept_when_it_is_asked_for_again),
        cmocka_unit_test(what_is_read_once_or_twice_drives_nothing_out),
        cmocka_unit_test(a_block_that_was_looked_for_is_the_last_to_go),
        cmocka_unit_test(a_block_that_would_fill_the_room_is_not_kept),
        cmocka_unit_test(many_threads_ask_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
