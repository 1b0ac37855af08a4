/* SPDX-License-Identifier: BSD-3-Clause */
/* Who is served in which order. */
#include "base/base_testing.h"
#include "base/fair.h"

enum { ADA = 1, BOB = 2, EVE = 3 };

static void push(struct c2_fair *fair, struct c2_task *task, uint64_t client, int64_t cost)
{
    *task = (struct c2_task){.client = client, .cost = cost};
    c2_fair_push(fair, task);
}

/* The clients of the next n tasks, as letters. */
static const char *order(struct c2_fair *fair, size_t n)
{
    static char text[64];

    memset(text, 0, sizeof(text));
    for (size_t i = 0; i < n; i++) {
        struct c2_task *task = c2_fair_pop(fair);
        text[i] = task ? "?ABE"[task->client] : '.';
    }
    return text;
}

static void tasks_of_one_client_keep_their_order(void **state)
{
    struct c2_fair fair = {0};
    struct c2_task tasks[5];

    assert_null(c2_fair_pop(&fair));
    for (int i = 0; i < 5; i++)
        push(&fair, &tasks[i], ADA, 100 - i);
    for (int i = 0; i < 5; i++)
        assert_ptr_equal(c2_fair_pop(&fair), &tasks[i]);
    assert_null(c2_fair_pop(&fair));
}

static void who_comes_late_is_served_next_however_many_wait(void **state)
{
    struct c2_fair fair = {0};
    struct c2_task crowd[50], late, later;

    for (int i = 0; i < 50; i++)
        push(&fair, &crowd[i], EVE, 1000);
    assert_string_equal(order(&fair, 3), "EEE");
    push(&fair, &late, ADA, 1);
    assert_string_equal(order(&fair, 2), "AE");
    push(&fair, &later, BOB, 1);
    assert_string_equal(order(&fair, 3), "BEE");
    assert_int_equal(fair.n, 44);
}

static void shares_are_of_cost_not_of_tasks(void **state)
{
    struct c2_fair fair = {0};
    struct c2_task large[4], small[12];

    for (int i = 0; i < 4; i++)
        push(&fair, &large[i], EVE, 40);
    for (int i = 0; i < 12; i++)
        push(&fair, &small[i], ADA, 10);
    assert_string_equal(order(&fair, 16), "EAAAAEAAAAEAAAAE");
}

static void who_was_idle_has_saved_up_nothing(void **state)
{
    struct c2_fair fair = {0};
    struct c2_task first, eve[9], ada[9];

    push(&fair, &first, ADA, 10);
    assert_string_equal(order(&fair, 1), "A");
    for (int i = 0; i < 9; i++)
        push(&fair, &eve[i], EVE, 10);
    assert_string_equal(order(&fair, 6), "EEEEEE");
    for (int i = 0; i < 3; i++)
        push(&fair, &ada[i], ADA, 10);
    assert_string_equal(order(&fair, 6), "AEAEAE");
    assert_string_equal(order(&fair, 1), ".");
}

static void who_leaves_the_queue_is_not_served(void **state)
{
    struct c2_fair fair = {0};
    struct c2_task a, b, c;

    push(&fair, &a, ADA, 1);
    push(&fair, &b, ADA, 1);
    push(&fair, &c, BOB, 1);
    assert_true(c2_fair_remove(&fair, &b));
    assert_false(c2_fair_remove(&fair, &b));
    push(&fair, &b, ADA, 1);
    assert_string_equal(order(&fair, 3), "ABA");
    push(&fair, &a, ADA, 1);
    assert_true(c2_fair_remove(&fair, &a));
    assert_int_equal(fair.nactive, 0);
    assert_string_equal(order(&fair, 1), ".");
}

static bool not_eve(void *ctx, const struct c2_task *task)
{
    (void)ctx;
    return task->client != EVE;
}

static void who_may_not_be_served_now_keeps_his_place(void **state)
{
    struct c2_fair fair = {0};
    struct c2_task eve[3], ada;

    for (int i = 0; i < 3; i++)
        push(&fair, &eve[i], EVE, 10);
    push(&fair, &ada, ADA, 10);
    assert_int_equal(c2_fair_nof(&fair, EVE), 3);
    assert_ptr_equal(c2_fair_pop_if(&fair, not_eve, NULL), &ada);
    assert_null(c2_fair_pop_if(&fair, not_eve, NULL));
    assert_int_equal(fair.n, 3);
    assert_string_equal(order(&fair, 4), "EEE.");
    assert_int_equal(c2_fair_nof(&fair, EVE), 0);
}

static void clocks_are_set_back_before_they_overflow(void **state)
{
    struct c2_fair fair = {0};
    struct c2_task a, b;

    for (int i = 0; i < 5000; i++) {
        push(&fair, &a, ADA, INT64_MAX);
        push(&fair, &b, BOB, INT64_MAX);
        assert_non_null(c2_fair_pop(&fair));
        assert_non_null(c2_fair_pop(&fair));
        assert_true(fair.now >= 0);
    }
}

static void many_clients_none_is_forgotten(void **state)
{
    static struct c2_task tasks[2000];
    struct c2_fair *fair = calloc(1, sizeof(*fair));
    int n = 0;

    assert_non_null(fair);
    for (int i = 0; i < 2000; i++)
        push(fair, &tasks[i], (uint64_t)i, i % 7);
    while (c2_fair_pop(fair))
        n++;
    assert_int_equal(n, 2000);
    assert_int_equal(fair->n, 0);
    free(fair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tasks_of_one_client_keep_their_order),
        cmocka_unit_test(who_comes_late_is_served_next_however_many_wait),
        cmocka_unit_test(shares_are_of_cost_not_of_tasks),
        cmocka_unit_test(who_was_idle_has_saved_up_nothing),
        cmocka_unit_test(who_leaves_the_queue_is_not_served),
        cmocka_unit_test(who_may_not_be_served_now_keeps_his_place),
        cmocka_unit_test(clocks_are_set_back_before_they_overflow),
        cmocka_unit_test(many_clients_none_is_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
