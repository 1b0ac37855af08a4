/* SPDX-License-Identifier: BSD-3-Clause */
/* What is kept of objects, and for how long. */
#include "publisher/source/object_blocks.h"

#include <stdlib.h>
#include <string.h>

#include "base/base_testing.h"

static struct c2_object_blocks *new_blocks(void)
{
    struct c2_object_blocks *blocks = NULL;
    struct cat2_error err;

    assert_true(c2_object_blocks_new(&blocks, &err));
    return blocks;
}

static void keep(struct c2_object_blocks *blocks, uint64_t object, int64_t nblock)
{
    const struct c2_hash128 state = {object, object};
    uint8_t bytes[C2_OBJECT_BLOCK];

    memset(bytes, (int)(object + (uint64_t)nblock), sizeof(bytes));
    c2_object_blocks_keep(blocks, &state, nblock, bytes, sizeof(bytes));
}

static bool is_kept(struct c2_object_blocks *blocks, uint64_t object, int64_t nblock)
{
    const struct c2_hash128 state = {object, object};
    uint8_t bytes[C2_OBJECT_BLOCK];

    if (!c2_object_blocks_find(blocks, &state, nblock, bytes)) return false;
    for (size_t i = 0; i < sizeof(bytes); i++)
        assert_int_equal(bytes[i], (uint8_t)(object + (uint64_t)nblock));
    return true;
}

static void a_block_is_found_by_state_and_number_alone(void **state)
{
    struct c2_object_blocks *blocks = new_blocks();

    (void)state;
    keep(blocks, 1, 7);
    assert_true(is_kept(blocks, 1, 7));
    assert_false(is_kept(blocks, 1, 8));
    assert_false(is_kept(blocks, 2, 7));
    keep(blocks, 2, 7);
    assert_true(is_kept(blocks, 1, 7) && is_kept(blocks, 2, 7));
    c2_object_blocks_free(blocks);
}

static void a_short_block_holds_its_bytes(void **state)
{
    struct c2_object_blocks *blocks = new_blocks();
    const struct c2_hash128 object = {1, 2};
    uint8_t bytes[C2_OBJECT_BLOCK];

    (void)state;
    c2_object_blocks_keep(blocks, &object, 0, (const uint8_t *)"abc", 3);
    assert_true(c2_object_blocks_find(blocks, &object, 0, bytes));
    assert_memory_equal(bytes, "abc", 3);
    c2_object_blocks_free(blocks);
}

static void there_are_no_more_than_the_limit_and_what_is_used_stays(void **state)
{
    struct c2_object_blocks *blocks = new_blocks();
    int n = 0;

    (void)state;
    keep(blocks, 1, 0);
    for (int64_t i = 0; i < 4 * C2_OBJECT_BLOCKS_MAX; i++) {
        keep(blocks, 2, i);
        assert_true(is_kept(blocks, 1, 0)); /* used all the time */
    }
    for (int64_t i = 0; i < 4 * C2_OBJECT_BLOCKS_MAX; i++)
        n += is_kept(blocks, 2, i);
    assert_in_range(n, C2_OBJECT_BLOCKS_MAX / 2, C2_OBJECT_BLOCKS_MAX - 1);
    assert_true(is_kept(blocks, 2, 4 * C2_OBJECT_BLOCKS_MAX - 1));
    c2_object_blocks_free(blocks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_is_found_by_state_and_number_alone),
        cmocka_unit_test(a_short_block_holds_its_bytes),
        cmocka_unit_test(there_are_no_more_than_the_limit_and_what_is_used_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
