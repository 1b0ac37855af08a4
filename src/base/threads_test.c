/* SPDX-License-Identifier: BSD-3-Clause */
/* Tasks are worked on once each and in order; those of low priority leave room; what waits can be taken back.
 */
#include "base/base_testing.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "base/threads.h"

#define TASKS 2000

struct task {
    struct c2_task task;
    int at;
};
static struct task tasks[TASKS];
static atomic_int nworked, nlocals, worked[TASKS], most_low, low_now;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void *local_new(void)
{
    atomic_fetch_add(&nlocals, 1);
    return malloc(1);
}

static void local_free(void *local)
{
    atomic_fetch_sub(&nlocals, 1);
    free(local);
}

static void count(struct c2_task *task, void *local)
{
    struct task *t = (struct task *)task;

    C2_ASSERT(local);
    atomic_store(&worked[t->at], atomic_fetch_add(&nworked, 1) + 1);
}

/* Waits for the gate, and notes how many do at a time. */
static void wait_for_gate(struct c2_task *task, void *local)
{
    int now = atomic_fetch_add(&low_now, 1) + 1, most = atomic_load(&most_low);

    while (now > most && !atomic_compare_exchange_weak(&most_low, &most, now)) {}
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    atomic_fetch_sub(&low_now, 1);
    count(task, local);
}

static void begin(void)
{
    for (int i = 0; i < TASKS; i++) {
        tasks[i].at = i;
        atomic_store(&worked[i], 0);
    }
    atomic_store(&nworked, 0);
    atomic_store(&most_low, 0);
}

static void until(int n)
{
    while (atomic_load(&nworked) < n)
        sched_yield();
}

static void tasks_are_worked_on_once_and_in_order(void **state)
{
    static const struct c2_threads_kind kind = {local_new, local_free, count};
    struct cat2_error err;

    (void)state;
    for (int n = 1; n <= 4; n++) {
        struct c2_threads *threads;
        begin();
        assert_true(c2_threads_new(n, &kind, &threads, &err));
        assert_true(c2_threads_n(threads) == n && atomic_load(&nlocals) == n);
        for (int i = 0; i < TASKS; i++)
            c2_threads_put(threads, &tasks[i].task, C2_LANE_SMALL);
        until(TASKS);
        c2_threads_free(threads);
        assert_int_equal(atomic_load(&nlocals), 0);
        for (int i = 0; i < TASKS; i++)
            assert_true(n == 1 ? atomic_load(&worked[i]) == i + 1 : atomic_load(&worked[i]) > 0);
    }
}

static void low_tasks_leave_a_thread_to_the_others(void **state)
{
    static const struct c2_threads_kind kind = {local_new, local_free, wait_for_gate};
    struct c2_threads *threads;
    struct cat2_error err;

    (void)state;
    begin();
    assert_true(c2_threads_new(3, &kind, &threads, &err));
    pthread_mutex_lock(&gate);
    for (int i = 0; i < 10; i++)
        c2_threads_put(threads, &tasks[i].task, C2_LANE_LOW);
    while (atomic_load(&low_now) < 2)
        sched_yield();
    assert_int_equal(atomic_load(&most_low), 2); /* the third thread waits for others */
    pthread_mutex_unlock(&gate);
    until(10);
    assert_int_equal(atomic_load(&most_low), 2);
    c2_threads_free(threads);
}

/* One thread, which is kept busy while others come: the order in which it works on them. */
static void small_tasks_go_before_large_ones(void **state)
{
    static const struct c2_threads_kind kind = {local_new, local_free, wait_for_gate};
    struct c2_threads *threads;
    struct cat2_error err;

    (void)state;
    begin();
    assert_true(c2_threads_new(1, &kind, &threads, &err));
    pthread_mutex_lock(&gate);
    c2_threads_put(threads, &tasks[0].task, C2_LANE_SMALL);
    while (atomic_load(&low_now) < 1)
        sched_yield();
    for (int i = 1; i <= 3; i++)
        c2_threads_put(threads, &tasks[i].task, C2_LANE_LARGE);
    for (int i = 4; i <= 6; i++)
        c2_threads_put(threads, &tasks[i].task, C2_LANE_SMALL);
    assert_true(c2_threads_nwaiting(threads, C2_LANE_LARGE) == 3 &&
                c2_threads_nwaiting(threads, C2_LANE_SMALL) == 3);
    pthread_mutex_unlock(&gate);
    until(7);
    for (int i = 1; i <= 3; i++)
        assert_int_equal(atomic_load(&worked[i]), 4 + i);
    for (int i = 4; i <= 6; i++)
        assert_int_equal(atomic_load(&worked[i]), i - 2);
    c2_threads_free(threads);
}

static void a_large_task_does_not_wait_for_ever(void **state)
{
    static const struct c2_threads_kind kind = {local_new, local_free, wait_for_gate};
    struct c2_threads *threads;
    struct cat2_error err;

    (void)state;
    begin();
    assert_true(c2_threads_new(1, &kind, &threads, &err));
    pthread_mutex_lock(&gate);
    c2_threads_put(threads, &tasks[0].task, C2_LANE_SMALL);
    while (atomic_load(&low_now) < 1)
        sched_yield();
    c2_threads_put(threads, &tasks[1].task, C2_LANE_LARGE);
    for (int i = 2; i < 100; i++)
        c2_threads_put(threads, &tasks[i].task, C2_LANE_SMALL);
    pthread_mutex_unlock(&gate);
    until(100);
    assert_int_equal(atomic_load(&worked[1]), 18); /* the first, then sixteen small ones */
    c2_threads_free(threads);
}

static void large_tasks_leave_a_thread_to_small_ones(void **state)
{
    static const struct c2_threads_kind kind = {local_new, local_free, wait_for_gate};
    struct c2_threads *threads;
    struct cat2_error err;

    (void)state;
    begin();
    assert_true(c2_threads_new(3, &kind, &threads, &err));
    pthread_mutex_lock(&gate);
    for (int i = 0; i < 10; i++)
        c2_threads_put(threads, &tasks[i].task, C2_LANE_LARGE);
    while (atomic_load(&low_now) < 2)
        sched_yield();
    assert_int_equal(atomic_load(&most_low), 2);
    c2_threads_put(threads, &tasks[10].task, C2_LANE_SMALL);
    while (atomic_load(&low_now) < 3) /* the third thread has taken it */
        sched_yield();
    pthread_mutex_unlock(&gate);
    until(11);
    c2_threads_free(threads);
}

/* Of several clients, each gets its turn: the one with a single task need not wait for another's nine. */
static void large_tasks_of_clients_take_turns(void **state)
{
    static const struct c2_threads_kind kind = {local_new, local_free, wait_for_gate};
    struct c2_threads *threads;
    struct cat2_error err;

    (void)state;
    begin();
    for (int i = 0; i < 12; i++)
        tasks[i].task = (struct c2_task){.client = i < 10 ? 1 : 2, .cost = 100};
    assert_true(c2_threads_new(1, &kind, &threads, &err));
    pthread_mutex_lock(&gate);
    c2_threads_put(threads, &tasks[0].task, C2_LANE_LARGE);
    while (atomic_load(&low_now) < 1)
        sched_yield();
    for (int i = 1; i < 12; i++)
        c2_threads_put(threads, &tasks[i].task, C2_LANE_LARGE);
    pthread_mutex_unlock(&gate);
    until(12);
    assert_in_range(atomic_load(&worked[10]), 2, 3);
    assert_in_range(atomic_load(&worked[11]), 4, 5);
    c2_threads_free(threads);
    for (int i = 0; i < 12; i++)
        tasks[i].task = (struct c2_task){0};
}

static void what_waits_is_taken_back(void **state)
{
    static const struct c2_threads_kind kind = {local_new, local_free, wait_for_gate};
    struct c2_threads *threads;
    struct cat2_error err;

    (void)state;
    begin();
    assert_true(c2_threads_new(1, &kind, &threads, &err));
    pthread_mutex_lock(&gate);
    for (int i = 0; i < 5; i++)
        c2_threads_put(threads, &tasks[i].task, i == 2 ? C2_LANE_LOW : C2_LANE_SMALL);
    while (atomic_load(&low_now) < 1)
        sched_yield();
    assert_ptr_equal(c2_threads_take(threads), &tasks[1].task); /* the first is being worked on */
    pthread_mutex_unlock(&gate);
    until(3);
    c2_threads_stop(threads);
    assert_int_equal(atomic_load(&nworked), 3);
    assert_ptr_equal(c2_threads_take(threads), &tasks[2].task); /* low: never, with one thread */
    assert_null(c2_threads_take(threads));
    c2_threads_free(threads);
    c2_threads_free(NULL);
}

static void *no_local(void)
{
    return NULL;
}

static void threads_without_what_each_needs_are_an_error(void **state)
{
    static const struct c2_threads_kind kind = {no_local, local_free, count};
    struct c2_threads *threads = NULL;
    struct cat2_error err = {0};

    (void)state;
    assert_false(c2_threads_new(2, &kind, &threads, &err));
    assert_true(err.code == CAT2_ENOMEM && !threads);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tasks_are_worked_on_once_and_in_order),
        cmocka_unit_test(low_tasks_leave_a_thread_to_the_others),
        cmocka_unit_test(small_tasks_go_before_large_ones),
        cmocka_unit_test(a_large_task_does_not_wait_for_ever),
        cmocka_unit_test(large_tasks_leave_a_thread_to_small_ones),
        cmocka_unit_test(large_tasks_of_clients_take_turns),
        cmocka_unit_test(what_waits_is_taken_back),
        cmocka_unit_test(threads_without_what_each_needs_are_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
