/* SPDX-License-Identifier: BSD-3-Clause */
/* Where answers go that wait for their clients: memory, the file, and the line for either. */
#include "subscriber/answer/spill.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/base_testing.h"

#define MEMORY (4 << 20)

static int dirfd_;

static struct c2_buf bytes_of(size_t n, uint8_t seed)
{
    struct c2_buf buf = C2_BUF_INIT(n);
    struct cat2_error err;

    assert_true(c2_buf_resize(&buf, n, &err));
    for (size_t i = 0; i < n; i++)
        buf.p[i] = (uint8_t)(i * 7 + i / 4096 + seed);
    return buf;
}

static void holds(const struct c2_held *held, size_t n, uint8_t seed)
{
    struct c2_buf want = bytes_of(n, seed);
    uint8_t *got = malloc(n + 1);
    int64_t at = 0, some;

    assert_int_equal(held->n, n);
    for (size_t step = 1; (some = c2_held_read(held, at, got + at, step)) > 0; step = step * 3 + 1)
        at += some;
    assert_int_equal(at, n);
    assert_memory_equal(got, want.p, n);
    c2_buf_fini(&want);
    free(got);
}

static void fill(struct c2_held *held, size_t n, uint8_t seed)
{
    struct c2_buf buf = bytes_of(n, seed);

    c2_held_fill(held, &buf);
    assert_null(buf.p);
    holds(held, n, seed);
}

static void what_does_not_fit_in_memory_goes_to_the_file(void **state)
{
    struct c2_spill *spill = c2_spill_new(dirfd_, MEMORY, 16);
    struct c2_held a, b, c;

    (void)state;
    assert_true(c2_spill_reserve(spill, MEMORY, &a) && a.place == C2_HELD_MEMORY);
    assert_true(c2_spill_is_tight(spill));
    assert_true(c2_spill_reserve(spill, 3 << 20, &b) && b.place == C2_HELD_DISK);
    assert_true(c2_spill_reserve(spill, 1, &c) && c.place == C2_HELD_DISK);
    fill(&a, MEMORY, 1);
    fill(&b, (3 << 20) - 5, 2);
    fill(&c, 1, 3);
    assert_int_equal(spill->nused, 4);
    c2_held_release(&b);
    assert_int_equal(spill->nused, 1);
    assert_true(c2_spill_reserve(spill, 2 << 20, &b) && b.place == C2_HELD_DISK);
    fill(&b, 2 << 20, 4);
    holds(&c, 1, 3);
    c2_held_release(&a);
    c2_held_release(&b);
    c2_held_release(&c);
    assert_int_equal(atomic_load(&spill->nbytes), 0);
    assert_int_equal(spill->nused, 0);
    int fd = c2_spill_take_file(spill); /* the disk has it back when it is closed */
    assert_true(fd >= 0 && !c2_spill_has_file(spill) && c2_spill_take_file(spill) < 0);
    close(fd);
    assert_true(c2_spill_reserve(spill, MEMORY, &a) && c2_spill_reserve(spill, 1, &b));
    fill(&b, 1, 5); /* in another file */
    assert_true(c2_spill_has_file(spill) && c2_spill_take_file(spill) < 0);
    holds(&b, 1, 5);
    c2_held_release(&a);
    c2_held_release(&b);
    c2_spill_free(spill);
}

static void one_answer_may_always_be_made(void **state)
{
    struct c2_spill *spill = c2_spill_new(dirfd_, MEMORY, 16);
    struct c2_held a;

    (void)state;
    assert_true(c2_spill_reserve(spill, 10 * MEMORY, &a));
    fill(&a, 10 * MEMORY, 5);
    c2_held_release(&a);
    c2_spill_free(spill);
}

static void an_answer_may_be_larger_than_was_thought(void **state)
{
    struct c2_spill *spill = c2_spill_new(dirfd_, MEMORY, 8);
    struct c2_held a, b, c;

    (void)state;
    assert_true(c2_spill_reserve(spill, MEMORY, &a) && c2_spill_reserve(spill, 10, &b) &&
                c2_spill_reserve(spill, 10, &c));
    fill(&b, 5 << 20, 1); /* more units are taken */
    assert_int_equal(b.place, C2_HELD_DISK);
    fill(&c, 5 << 20, 2); /* there are no more: it stays in memory, and is counted */
    assert_int_equal(c.place, C2_HELD_MEMORY);
    assert_int_equal(atomic_load(&spill->nbytes), MEMORY + (5 << 20));
    c2_held_release(&a);
    c2_held_release(&b);
    c2_held_release(&c);
    assert_int_equal(spill->nused, 0);
    c2_spill_free(spill);
}

struct waiter {
    struct c2_spill *spill;
    struct c2_spill_wait wait;
    struct c2_held held;
    size_t nbytes;
    int ntold;
};

static void again(void *ctx)
{
    struct waiter *w = ctx;

    w->ntold++;
    if (!c2_spill_reserve(w->spill, w->nbytes, &w->held)) c2_spill_wait(w->spill, &w->wait, again, w);
}

static void where_both_are_full_answers_wait_in_their_order(void **state)
{
    struct c2_spill *spill = c2_spill_new(dirfd_, MEMORY, 1);
    struct waiter w[3] = {{.nbytes = 3 << 20}, {.nbytes = 1 << 20}, {.nbytes = 1 << 20}};
    struct c2_held a, b;

    (void)state;
    assert_true(c2_spill_reserve(spill, MEMORY, &a) && c2_spill_reserve(spill, 1, &b));
    for (int i = 0; i < 3; i++) {
        w[i].spill = spill;
        again(&w[i]);
        assert_true(w[i].wait.waits && w[i].ntold == 1);
    }
    c2_spill_leave(spill, &w[1].wait); /* its client left */
    c2_held_release(&a);
    assert_true(w[0].ntold == 2 && w[0].held.place == C2_HELD_MEMORY);
    assert_true(w[1].ntold == 1 && w[1].held.place == C2_HELD_NOTHING);
    assert_true(w[2].ntold == 2 && w[2].held.place == C2_HELD_MEMORY);
    again(&w[1]);
    assert_true(w[1].wait.waits);
    c2_held_release(&b);
    assert_true(w[1].ntold == 3 && w[1].held.place == C2_HELD_DISK);
    for (int i = 0; i < 3; i++)
        c2_held_release(&w[i].held);
    assert_null(spill->first);
    c2_spill_free(spill);
}

static void a_file_that_cannot_be_written_is_done_without(void **state)
{
    struct rlimit old, small = {1 << 20, RLIM_INFINITY};
    struct c2_spill *spill = c2_spill_new(dirfd_, MEMORY, 16);
    struct c2_held a, b, c;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    small.rlim_max = old.rlim_max;
    assert_true(c2_spill_reserve(spill, MEMORY, &a) && c2_spill_reserve(spill, 3 << 20, &b));
    setrlimit(RLIMIT_FSIZE, &small);
    fill(&b, 3 << 20, 1);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_int_equal(b.place, C2_HELD_MEMORY);
    assert_false(c2_spill_reserve(spill, 1, &c));
    while (spill->rest) /* for a while */
        c2_spill_tick(spill);
    assert_true(c2_spill_reserve(spill, 1, &c) && c.place == C2_HELD_DISK);
    c2_held_release(&a);
    c2_held_release(&b);
    c2_held_release(&c);
    c2_spill_free(spill);
}

static void a_folder_that_takes_no_file_is_done_without(void **state)
{
    struct c2_spill *spill = c2_spill_new(-1, MEMORY, 16);
    struct c2_held a, b;

    (void)state;
    assert_true(c2_spill_reserve(spill, MEMORY, &a));
    assert_false(c2_spill_reserve(spill, 1, &b));
    c2_held_release(&a);
    assert_true(c2_spill_reserve(spill, 1, &b));
    c2_held_release(&b);
    c2_spill_free(spill);
    c2_spill_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_does_not_fit_in_memory_goes_to_the_file),
        cmocka_unit_test(one_answer_may_always_be_made),
        cmocka_unit_test(an_answer_may_be_larger_than_was_thought),
        cmocka_unit_test(where_both_are_full_answers_wait_in_their_order),
        cmocka_unit_test(a_file_that_cannot_be_written_is_done_without),
        cmocka_unit_test(a_folder_that_takes_no_file_is_done_without),
    };
    char path[] = "/tmp/c2-spill-XXXXXX";

    if (!mkdtemp(path)) return 1;
    dirfd_ = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    close(dirfd_);
    rmdir(path);
    return failed;
}
