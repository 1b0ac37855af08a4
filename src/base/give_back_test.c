/* SPDX-License-Identifier: BSD-3-Clause */
/* What is given back is not resident any more, and is there when it is used; what was written stays. */
#include "base/base_testing.h"

#include <stdio.h>
#include <unistd.h>

#include "base/give_back.h"

#define ROWS 64
#define ROW  16384

static const char constants[ROWS][ROW] = {
    {1}, {2}, {3}, {4}, {5}, {6}, {7}, {8}}; /* of the file: not all zeros, so it has its place there */
static char written[ROW] = {1};

static long resident_kib(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    long all, resident;

    assert_non_null(file);
    assert_int_equal(fscanf(file, "%ld %ld", &all, &resident), 2);
    fclose(file);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static long sum(void)
{
    long total = 0;

    for (int i = 0; i < ROWS; i++)
        for (int k = 0; k < ROW; k++)
            total += ((const volatile char *)constants[i])[k];
    return total;
}

static void constants_go_and_come_again(void **state)
{
    char *heap = malloc(ROW);

    assert_non_null(heap);
    memset(written, 7, ROW);
    memset(heap, 9, ROW);
    assert_int_equal(sum(), 36);
    long before = resident_kib();
    c2_give_back();
    assert_true(resident_kib() <= before - ROWS * ROW / 1024 / 2);
    assert_int_equal(sum(), 36);
    for (int i = 0; i < ROW; i++)
        assert_true(written[i] == 7 && heap[i] == 9);
    free(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(constants_go_and_come_again)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
