/* SPDX-License-Identifier: BSD-3-Clause */
/* Tasks are worked on once each and in order; small ones have threads of their own; what waits can be taken
 * back. */
#include "base/base_testing.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/resource.h>

#include "base/cancel.h"
#include "base/threads.h"

#define TASKS 2000

struct task {
    struct c2_task task;
    int at;
};
static struct task tasks[TASKS];
static atomic_int nworked, nlocals, worked[TASKS], nices[TASKS], most_now, now;
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
    atomic_store(&nices[t->at], getpriority(PRIO_PROCESS, 0)); /* of this thread */
    atomic_store(&worked[t->at], atomic_fetch_add(&nworked, 1) + 1);
}

/* Waits for the gate, and notes how many do at a time. */
static void wait_for_gate(struct c2_task *task, void *local)
{
    int n = atomic_fetch_add(&now, 1) + 1, most = atomic_load(&most_now);

    while (n > most && !atomic_compare_exchange_weak(&most_now, &most, n)) {}
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    atomic_fetch_sub(&now, 1);
    count(task, local);
}

static void begin(void)
{
    for (int i = 0; i < TASKS; i++) {
        tasks[i].at = i;
        atomic_store(&worked[i], 0);
    }
    atomic_store(&nworked, 0);
    atomic_store(&most_now, 0);
}

static void wait_for(atomic_int *count, int n)
{
    while (atomic_load(count) < n)
        sched_yield();
}

static void until(int n)
{
    wait_for(&nworked, n);
}

static struct c2_threads *started(int small, int large, const struct c2_threads_kind *kind)
{
    struct c2_threads *threads;
    struct cat2_error err;

    begin();
    assert_true(c2_threads_new(small, large, kind, &threads, &err));
    return threads;
}

static void tasks_are_worked_on_once_and_in_order(void **state)
{
    static const struct c2_threads_kind kind = {local_new, local_free, count};

    for (int n = 1; n <= 4; n++) {
        struct c2_threads *threads = started(n, 0, &kind);
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

/* n wait at the gate, and have noted so. */
static void until_at_gate(int n)
{
    wait_for(&most_now, n);
}

/* small + large threads; what they begin waits until the gate is opened. */
static struct c2_threads *at_the_gate(int small, int large)
{
    static const struct c2_threads_kind kind = {local_new, local_free, wait_for_gate};
    struct c2_threads *threads = started(small, large, &kind);

    pthread_mutex_lock(&gate);
    return threads;
}

/* Wait until n tasks in all are done. */
static void open_gate(int n)
{
    pthread_mutex_unlock(&gate);
    until(n);
}

/* However many others there are, and of them no more than they have threads at a time. */
static void small_tasks_have_threads_of_their_own(void **state)
{
    static const enum c2_lane others[] = {C2_LANE_LARGE, C2_LANE_LOW};

    for (size_t k = 0; k < C2_ARRAY_LEN(others); k++) {
        struct c2_threads *threads = at_the_gate(1, 2);
        assert_int_equal(c2_threads_n(threads), 3);
        for (int i = 0; i < 10; i++)
            c2_threads_put(threads, &tasks[i].task, others[k]);
        until_at_gate(2);
        assert_int_equal(atomic_load(&most_now), 2);
        assert_int_equal(c2_threads_nwaiting(threads, others[k]), 8);
        c2_threads_put(threads, &tasks[10].task, C2_LANE_SMALL);
        until_at_gate(3); /* the third thread has taken it */
        open_gate(11);
        assert_int_equal(atomic_load(&most_now), 3);
        c2_threads_free(threads);
        int nice = getpriority(PRIO_PROCESS, 0);
        assert_int_equal(atomic_load(&nices[10]), nice);
        for (int i = 0; i < 10; i++)
            assert_int_equal(atomic_load(&nices[i]), nice + 5 < 19 ? nice + 5 : 19);
    }
}

/* Neither does a large one wait for small ones, as many as they are. */
static void large_tasks_do_not_wait_for_small_ones(void **state)
{
    struct c2_threads *threads = at_the_gate(1, 1);

    for (int i = 0; i < 100; i++)
        c2_threads_put(threads, &tasks[i].task, C2_LANE_SMALL);
    until_at_gate(1);
    c2_threads_put(threads, &tasks[100].task, C2_LANE_LARGE);
    until_at_gate(2);
    open_gate(101);
    c2_threads_free(threads);
}

/* One thread, which is kept busy while others come: the order in which it works on them. */
static void one_thread_does_small_tasks_before_large_ones(void **state)
{
    struct c2_threads *threads = at_the_gate(1, 0);

    c2_threads_put(threads, &tasks[0].task, C2_LANE_SMALL);
    until_at_gate(1);
    for (int i = 1; i <= 3; i++)
        c2_threads_put(threads, &tasks[i].task, C2_LANE_LARGE);
    for (int i = 4; i <= 6; i++)
        c2_threads_put(threads, &tasks[i].task, C2_LANE_SMALL);
    assert_true(c2_threads_nwaiting(threads, C2_LANE_LARGE) == 3 &&
                c2_threads_nwaiting(threads, C2_LANE_SMALL) == 3);
    open_gate(7);
    for (int i = 1; i <= 3; i++)
        assert_int_equal(atomic_load(&worked[i]), 4 + i);
    for (int i = 4; i <= 6; i++)
        assert_int_equal(atomic_load(&worked[i]), i - 2);
    c2_threads_free(threads);
}

/* Of several clients, each gets its turn: the one with a single task need not wait for another's nine. */
static void large_tasks_of_clients_take_turns(void **state)
{
    struct c2_threads *threads = at_the_gate(1, 0);

    for (int i = 0; i < 12; i++)
        tasks[i].task = (struct c2_task){.client = i < 10 ? 1 : 2, .cost = 100};
    c2_threads_put(threads, &tasks[0].task, C2_LANE_LARGE);
    until_at_gate(1);
    for (int i = 1; i < 12; i++)
        c2_threads_put(threads, &tasks[i].task, C2_LANE_LARGE);
    open_gate(12);
    assert_in_range(atomic_load(&worked[10]), 2, 3);
    assert_in_range(atomic_load(&worked[11]), 4, 5);
    c2_threads_free(threads);
    for (int i = 0; i < 12; i++)
        tasks[i].task = (struct c2_task){0};
}

static void what_waits_is_taken_back(void **state)
{
    struct c2_threads *threads = at_the_gate(1, 0);

    for (int i = 0; i < 5; i++)
        c2_threads_put(threads, &tasks[i].task, i == 2 ? C2_LANE_LOW : C2_LANE_SMALL);
    until_at_gate(1);
    static const int order[] = {1, 3, 4, 2}; /* the first is being worked on; low ones are last */
    for (size_t i = 0; i < C2_ARRAY_LEN(order); i++)
        assert_ptr_equal(c2_threads_take(threads), &tasks[order[i]].task);
    assert_null(c2_threads_take(threads));
    pthread_mutex_unlock(&gate);
    c2_threads_stop(threads);
    assert_int_equal(atomic_load(&nworked), 1);
    c2_threads_free(threads);
    c2_threads_free(NULL);
}

static void work_until_cancelled(struct c2_task *task, void *local)
{
    struct cat2_error err;

    atomic_fetch_add(&now, 1);
    while (!c2_cancelled(&err))
        sched_yield();
    atomic_fetch_sub(&now, 1);
    count(task, local);
}

static void a_stop_cancels_what_is_worked_on(void **state)
{
    static const struct c2_threads_kind kind = {local_new, local_free, work_until_cancelled};
    struct c2_threads *threads = started(1, 1, &kind);

    c2_threads_put(threads, &tasks[0].task, C2_LANE_SMALL);
    c2_threads_put(threads, &tasks[1].task, C2_LANE_LARGE);
    wait_for(&now, 2);
    c2_threads_free(threads);
    assert_int_equal(atomic_load(&nworked), 2);
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

    assert_false(c2_threads_new(2, 2, &kind, &threads, &err));
    assert_true(err.code == CAT2_ENOMEM && !threads);
}

static atomic_int nrested;

static void note_rest(void)
{
    static _Thread_local bool noted;

    if (!noted) atomic_fetch_add(&nrested, 1);
    noted = true;
}

static atomic_int nslow;

static void rest_slowly(void)
{
    atomic_fetch_add(&nslow, 1);
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
}

/* It is asked to rest while it does. */
static void a_thread_rests_as_often_as_it_is_asked_to(void **state)
{
    static const struct c2_threads_kind kind = {local_new, local_free, count};
    struct c2_threads *threads = started(1, 0, &kind);

    atomic_store(&nslow, 0);
    pthread_mutex_lock(&gate);
    while (atomic_load(&nslow) < 1) {
        c2_threads_rest(threads, rest_slowly);
        sched_yield();
    }
    c2_threads_rest(threads, rest_slowly);
    pthread_mutex_unlock(&gate);
    wait_for(&nslow, 2);
    c2_threads_put(threads, &tasks[0].task, C2_LANE_SMALL);
    until(1);
    c2_threads_free(threads);
}

static void idle_threads_rest_and_work_again(void **state)
{
    static const struct c2_threads_kind kind = {local_new, local_free, count};
    struct c2_threads *threads = started(3, 2, &kind);

    while (atomic_load(&nrested) < 5) { /* as soon as they are idle */
        c2_threads_rest(threads, note_rest);
        sched_yield();
    }
    for (int i = 0; i < 100; i++)
        c2_threads_put(threads, &tasks[i].task, i % 2 ? C2_LANE_LARGE : C2_LANE_SMALL);
    until(100);
    c2_threads_free(threads);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tasks_are_worked_on_once_and_in_order),
        cmocka_unit_test(small_tasks_have_threads_of_their_own),
        cmocka_unit_test(large_tasks_do_not_wait_for_small_ones),
        cmocka_unit_test(one_thread_does_small_tasks_before_large_ones),
        cmocka_unit_test(large_tasks_of_clients_take_turns),
        cmocka_unit_test(what_waits_is_taken_back),
        cmocka_unit_test(a_stop_cancels_what_is_worked_on),
        cmocka_unit_test(threads_without_what_each_needs_are_an_error),
        cmocka_unit_test(idle_threads_rest_and_work_again),
        cmocka_unit_test(a_thread_rests_as_often_as_it_is_asked_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
