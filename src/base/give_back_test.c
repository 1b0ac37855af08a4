/* SPDX-License-Identifier: BSD-3-Clause */
/* What is given back is not resident any more, and is there when it is used; what was written stays. */
#include "base/base_testing.h"

#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "base/give_back.h"

#define ROWS 64
#define ROW  16384

static const char constants[ROWS][ROW] = {
    {1}, {2}, {3}, {4}, {5}, {6}, {7}, {8}}; /* of the file: not all zeros, so it has its place there */
static char written[ROW] = {1};

/* Takes no memory itself. */
static long resident_kib(void)
{
    char text[100] = "";
    int fd = open("/proc/self/statm", O_RDONLY);
    long all, resident;

    assert_true(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
    close(fd);
    assert_int_equal(sscanf(text, "%ld %ld", &all, &resident), 2);
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

#define PIECES 64
#define PIECE  (64 << 10) /* less than what the C library maps for itself */

static void *leave_free(void *ctx)
{
    long *kib = ctx;
    void *pieces[PIECES];

    for (int i = 0; i < PIECES; i++) {
        pieces[i] = malloc(PIECE);
        assert_non_null(pieces[i]);
        memset(pieces[i], 1, PIECE);
    }
    kib[0] = resident_kib();
    for (int i = 0; i < PIECES; i++)
        free(pieces[i]);
    malloc_trim(0); /* does not reach it, with the C library of Debian 12 */
    c2_give_back_own();
    kib[1] = resident_kib();
    return NULL;
}

/* A heap that is not the first thread's. */
static void the_end_of_a_threads_heap_goes(void **state)
{
    pthread_t thread;
    long kib[2], all = PIECES * PIECE / 1024;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) /* they have heaps of their own */
    skip();
#endif
    c2_give_back_less(64 << 20);
    assert_int_equal(pthread_create(&thread, NULL, leave_free, kib), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(kib[1] <= kib[0] - all / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(constants_go_and_come_again),
                                       cmocka_unit_test(the_end_of_a_threads_heap_goes)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
