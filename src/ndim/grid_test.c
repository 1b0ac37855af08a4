/* SPDX-License-Identifier: BSD-3-Clause */
/* Grids: hostile ones are refused, chunks and blocks of a selection, short ends of plain schunks, new grids.
 */
#include "base/base_testing.h"
#include "ndim/grid.h"

static void a_hostile_grid_is_refused(void **state)
{
    static const struct {
        int64_t shape[2];
        int32_t chunks[2], blocks[2], typesize;
    } cases[] = {{{-1, 1}, {1, 1}, {1, 1}, 1},
                 {{10, 10}, {0, 1}, {1, 1}, 1},
                 {{10, 10}, {2, 2}, {3, 1}, 1},
                 {{10, 10}, {-2, 2}, {-3, 1}, 1},
                 {{10, 10}, {2, 2}, {1, 1}, 0},
                 {{INT64_MAX, 1}, {1, 1}, {1, 1}, 1},
                 {{1, 1}, {INT32_MAX, INT32_MAX}, {1, 1}, 1},
                 {{1, 1}, {INT32_MAX, INT32_MAX}, {INT32_MAX, INT32_MAX}, INT32_MAX},
                 {{1, 1}, {1 << 16, 1 << 14}, {1 << 16, 1 << 14}, 2},
                 {{INT64_MAX, INT64_MAX}, {INT32_MAX, INT32_MAX}, {INT32_MAX, 1}, 1}};

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct cat2_error err = {0};
        struct c2_grid grid;
        assert_false(c2_grid_init(&grid, cases[i].shape, cases[i].chunks, cases[i].blocks, 2,
                                  cases[i].typesize, true, &err));
        assert_true(err.message[0] != '\0');
    }
}

static void a_selection_touches_few_chunks(void **state)
{
    static const struct {
        const char *slice;
        int n;
        int64_t chunks[8];
    } cases[] = {{":,0", 2, {0, 4}},   {"4:6,4:6", 4, {0, 1, 4, 5}},  {"9,19", 1, {7}},
                 {"3:3", 0, {0}},      {"::9,::19", 4, {0, 3, 4, 7}}, {"::-9,::-19", 4, {0, 3, 4, 7}},
                 {"0,::11", 2, {0, 2}}};
    const int64_t shape[] = {10, 20};
    const int32_t chunks[] = {5, 5}, blocks[] = {2, 3};

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct cat2_error err;
        struct c2_slice slice;
        struct c2_bound bound;
        struct c2_grid grid;
        struct c2_grid_walk walk;
        int64_t nchunk;
        int n = 0;
        assert_true(c2_grid_init(&grid, shape, chunks, blocks, 2, 2, true, &err));
        assert_int_equal(grid.chunk_items, 36);
        assert_true(c2_slice_parse(c2_str_of(cases[i].slice), &slice, &err));
        assert_true(c2_slice_bind(&slice, shape, 2, &bound, &err));
        for (c2_grid_walk_init(&walk, &grid, &bound); c2_grid_walk_next(&walk, &nchunk); n++) {
            assert_int_equal(nchunk, cases[i].chunks[n]);
            assert_true(c2_grid_touches(&grid, &bound, nchunk));
        }
        assert_int_equal(n, cases[i].n);
        for (nchunk = 0; nchunk < grid.nchunks; nchunk++)
            n -= c2_grid_touches(&grid, &bound, nchunk);
        assert_int_equal(n, 0);
        n = cases[i].n;
        assert_int_equal(c2_grid_count(&grid, &bound), n);
    }
}

static void a_plain_schunk_ends_in_short_blocks(void **state)
{
    struct cat2_error err;
    struct c2_slice slice;
    struct c2_bound bound;
    struct c2_grid grid;
    int32_t touched[8];
    const uint8_t block[2] = {8, 9}; /* items 8 and 9 of 10: the second block of the last chunk, short */
    uint8_t out[4] = {0};

    assert_true(c2_grid_init(&grid, (const int64_t[]){10}, (const int32_t[]){5}, (const int32_t[]){3}, 1, 1,
                             false, &err));
    assert_int_equal(grid.chunk_items, 5);
    assert_true(c2_slice_parse(C2_STR("6:"), &slice, &err));
    assert_true(c2_slice_bind(&slice, grid.shape, 1, &bound, &err));
    assert_int_equal(c2_grid_blocks(&grid, &bound, 1, touched), 2);
    c2_grid_scatter(&grid, &bound, 1, 1, block, out);
    assert_memory_equal(out, ((const uint8_t[]){0, 0, 8, 9}), 4);
}

static void items_of_every_size_go_out_and_come_back(void **state)
{
    const int64_t shape[] = {7, 9};
    const int32_t chunks[] = {4, 5}, blocks[] = {3, 2};

    for (int32_t size = 1; size <= 17; size++) {
        struct cat2_error err;
        struct c2_slice slice;
        struct c2_bound bound;
        struct c2_grid grid;
        struct c2_grid_walk walk;
        int64_t nchunk;
        uint8_t array[7 * 9 * 17], out[7 * 9 * 17], chunk[6 * 6 * 17];
        for (size_t i = 0; i < sizeof(array); i++)
            array[i] = (uint8_t)(i * 31 + i / 251);
        assert_true(c2_grid_init(&grid, shape, chunks, blocks, 2, size, true, &err));
        assert_true(c2_slice_parse(C2_STR("::-1,::-2"), &slice, &err));
        assert_true(c2_slice_bind(&slice, shape, 2, &bound, &err));
        for (c2_grid_walk_init(&walk, &grid, &bound); c2_grid_walk_next(&walk, &nchunk);) {
            c2_grid_gather(&grid, array, nchunk, chunk);
            for (int32_t b = 0; b < grid.nblocks; b++)
                c2_grid_scatter(&grid, &bound, nchunk, b, chunk + b * grid.block_items * size, out);
        }
        for (int64_t k = 0; k < bound.nitems; k++)
            assert_memory_equal(out + k * size, array + ((6 - k / 5) * 9 + 8 - k % 5 * 2) * size,
                                (size_t)size);
    }
}

static void a_new_grid_is_one_that_is_accepted(void **state)
{
    static const int64_t shapes[][3] = {
        {1, 1, 1}, {10000, 10000, 3}, {1, 1, 1 << 30}, {1 << 20, 1, 7}, {0, 5, 5}};

    for (size_t i = 0; i < C2_ARRAY_LEN(shapes); i++) {
        for (int32_t size = 1; size <= 1 << 20; size *= 32) {
            struct cat2_error err;
            struct c2_grid grid;
            int32_t chunks[3], blocks[3];
            c2_grid_choose(shapes[i], 3, size, chunks, blocks);
            assert_true(c2_grid_init(&grid, shapes[i], chunks, blocks, 3, size, true, &err) ||
                        err.code == CAT2_ELIMIT);
            int64_t nbytes = (int64_t)chunks[0] * chunks[1] * chunks[2] * size;
            int64_t block_nbytes = (int64_t)blocks[0] * blocks[1] * blocks[2] * size;
            assert_true(nbytes <= 2 << 20);
            if (shapes[i][0] < 10000) continue;
            assert_true(nbytes > 1 << 19); /* of a large array neither is a crumb */
            assert_true(size > 1 << 15 || (block_nbytes > 1 << 15 && block_nbytes <= 1 << 17));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_hostile_grid_is_refused),
                                       cmocka_unit_test(a_selection_touches_few_chunks),
                                       cmocka_unit_test(a_plain_schunk_ends_in_short_blocks),
                                       cmocka_unit_test(items_of_every_size_go_out_and_come_back),
                                       cmocka_unit_test(a_new_grid_is_one_that_is_accepted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
