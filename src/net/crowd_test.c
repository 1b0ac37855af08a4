/* SPDX-License-Identifier: BSD-3-Clause */
/* Who gives up its place, and whose time is over. */
#include "net/crowd.h"

#include <arpa/inet.h>

#include "base/base_testing.h"

struct address {
    uint8_t bytes[16];
};

static struct address at(const char *text)
{
    struct address a;

    assert_int_equal(inet_pton(AF_INET6, text, a.bytes), 1);
    return a;
}

static void join(struct c2_crowd *crowd, struct c2_crowd_member *member, const char *from, int64_t now)
{
    assert_true(c2_crowd_join(crowd, member, at(from).bytes, now));
}

static void the_oldest_idle_one_of_the_address_with_most_yields(void **state)
{
    struct c2_crowd crowd;
    struct c2_crowd_member few[2], many[3];

    assert_true(c2_crowd_init(&crowd, 5));
    join(&crowd, &few[0], "::ffff:192.0.2.1", 1);
    join(&crowd, &many[0], "::ffff:192.0.2.2", 2);
    join(&crowd, &many[1], "::ffff:192.0.2.2", 3);
    join(&crowd, &many[2], "::ffff:192.0.2.2", 4);
    join(&crowd, &few[1], "::ffff:192.0.2.1", 5);
    struct c2_crowd_member more;
    assert_false(c2_crowd_join(&crowd, &more, at("::1").bytes, 6));
    assert_ptr_equal(c2_crowd_yielding(&crowd, NULL), &many[0]);
    c2_crowd_set(&crowd, &many[0], C2_MEMBER_BUSY, 6);
    assert_ptr_equal(c2_crowd_yielding(&crowd, NULL), &many[1]);
    c2_crowd_set(&crowd, &many[1], C2_MEMBER_HEAD, 7); /* a part of a head does not help */
    assert_ptr_equal(c2_crowd_yielding(&crowd, NULL), &many[2]);
    c2_crowd_set(&crowd, &many[2], C2_MEMBER_BODY, 8);
    assert_ptr_equal(c2_crowd_yielding(&crowd, NULL), &many[1]);
    c2_crowd_set(&crowd, &many[1], C2_MEMBER_BUSY, 9);
    assert_ptr_equal(c2_crowd_yielding(&crowd, NULL), &few[0]); /* those with more have none */
    assert_ptr_equal(c2_crowd_yielding(&crowd, at("::ffff:192.0.2.2").bytes), NULL);
    c2_crowd_set(&crowd, &many[0], C2_MEMBER_IDLE, 10);
    assert_ptr_equal(c2_crowd_yielding(&crowd, at("::ffff:192.0.2.2").bytes), &many[0]);
    assert_int_equal(c2_crowd_count(&crowd, at("::ffff:192.0.2.2").bytes), 3);
    for (int i = 0; i < 3; i++)
        c2_crowd_leave(&crowd, &many[i]);
    assert_int_equal(c2_crowd_count(&crowd, at("::ffff:192.0.2.2").bytes), 0);
    assert_ptr_equal(c2_crowd_yielding(&crowd, NULL), &few[0]);
    for (int i = 0; i < 2; i++)
        c2_crowd_leave(&crowd, &few[i]);
    assert_ptr_equal(c2_crowd_yielding(&crowd, NULL), NULL);
    assert_int_equal(crowd.n, 0);
    c2_crowd_fini(&crowd);
}

static void neither_silent_nor_idle_ones_push_all_others_out(void **state)
{
    enum { N = 40 };
    struct c2_crowd_member m[N];
    struct c2_crowd crowd;

    assert_true(c2_crowd_init(&crowd, N));
    for (int i = 0; i < N; i++) {
        join(&crowd, &m[i], "::1", i);
        m[i].served = i < 30;
        if (i < 30) c2_crowd_set(&crowd, &m[i], C2_MEMBER_IDLE, i);
    }
    for (int left = N; left > 20; left--) { /* thirty had an answer, ten had none */
        struct c2_crowd_member *chosen = c2_crowd_yielding(&crowd, NULL);
        assert_ptr_equal(chosen, &m[N - left]);
        c2_crowd_leave(&crowd, chosen);
    }
    assert_ptr_equal(c2_crowd_yielding(&crowd, NULL), &m[30]);
    c2_crowd_leave(&crowd, &m[30]);
    assert_ptr_equal(c2_crowd_yielding(&crowd, NULL), &m[20]);
    for (int i = 20; i < N; i++)
        if (i != 30) c2_crowd_leave(&crowd, &m[i]);
    c2_crowd_fini(&crowd);
}

static void a_network_of_ipv6_counts_as_one_address(void **state)
{
    struct c2_crowd crowd;
    struct c2_crowd_member m[3];

    assert_true(c2_crowd_init(&crowd, 5));
    join(&crowd, &m[0], "2001:db8::1", 1);
    join(&crowd, &m[1], "2001:db8::2:1", 1);
    join(&crowd, &m[2], "2001:db8:0:1::1", 1);
    assert_int_equal(c2_crowd_count(&crowd, at("2001:db8::3").bytes), 2);
    for (int i = 0; i < 3; i++)
        c2_crowd_leave(&crowd, &m[i]);
    c2_crowd_fini(&crowd);
}

static void each_state_has_its_time(void **state)
{
    struct c2_crowd crowd;
    struct c2_crowd_member idle, head, body, busy;

    assert_true(c2_crowd_init(&crowd, 5));
    join(&crowd, &idle, "::1", 0);
    join(&crowd, &head, "::1", 0);
    join(&crowd, &body, "::1", 0);
    join(&crowd, &busy, "::1", 0);
    c2_crowd_set(&crowd, &head, C2_MEMBER_HEAD, 0);
    c2_crowd_set(&crowd, &body, C2_MEMBER_BODY, 1);
    c2_crowd_set(&crowd, &busy, C2_MEMBER_BUSY, 0);
    assert_null(c2_crowd_late(&crowd, C2_CROWD_HEAD_MS - 1));
    assert_ptr_equal(c2_crowd_late(&crowd, C2_CROWD_HEAD_MS), &head);
    c2_crowd_leave(&crowd, &head);
    assert_null(c2_crowd_late(&crowd, C2_CROWD_BODY_MS));
    assert_ptr_equal(c2_crowd_late(&crowd, C2_CROWD_BODY_MS + 1), &body);
    c2_crowd_set(&crowd, &body, C2_MEMBER_BODY, C2_CROWD_BODY_MS + 1); /* it had brought enough */
    assert_null(c2_crowd_late(&crowd, C2_CROWD_BODY_MS + 1));
    c2_crowd_leave(&crowd, &body);
    assert_ptr_equal(c2_crowd_late(&crowd, C2_CROWD_IDLE_MS), &idle);
    c2_crowd_leave(&crowd, &idle);
    assert_null(c2_crowd_late(&crowd, INT64_MAX));
    c2_crowd_leave(&crowd, &busy);
    c2_crowd_fini(&crowd);
}

static void those_that_fell_idle_since_a_moment_are_found(void **state)
{
    struct c2_crowd crowd;
    struct c2_crowd_member m[4];

    assert_true(c2_crowd_init(&crowd, 4));
    for (int i = 0; i < 4; i++)
        join(&crowd, &m[i], "::1", i);
    c2_crowd_set(&crowd, &m[2], C2_MEMBER_BUSY, 5);
    assert_ptr_equal(c2_crowd_idle_since(&crowd, NULL, 1), &m[3]);
    assert_ptr_equal(c2_crowd_idle_since(&crowd, &m[3], 1), &m[1]);
    assert_null(c2_crowd_idle_since(&crowd, &m[1], 1));
    assert_null(c2_crowd_idle_since(&crowd, NULL, 4));
    c2_crowd_set(&crowd, &m[2], C2_MEMBER_IDLE, 6);
    assert_ptr_equal(c2_crowd_idle_since(&crowd, NULL, 4), &m[2]);
    for (int i = 0; i < 4; i++)
        c2_crowd_leave(&crowd, &m[i]);
    assert_null(c2_crowd_idle_since(&crowd, NULL, 0));
    c2_crowd_fini(&crowd);
}

/* Against a plain count, with members that come, change and go at random. */
static void what_it_says_is_what_a_count_says(void **state)
{
    enum { N = 200 };
    static const char *const from[] = {"::ffff:192.0.2.1", "::ffff:192.0.2.2", "2001:db8::1", "::1"};
    struct c2_crowd_member *m = calloc(N, sizeof(*m));
    int who[N], n_of[4] = {0};
    struct c2_crowd crowd;

    assert_true(c2_crowd_init(&crowd, N));
    srand(7);
    for (int i = 0; i < N; i++)
        who[i] = -1;
    for (int64_t now = 0; now < 20000; now++) {
        int i = rand() % N, what = rand() % 8;
        if (who[i] < 0) {
            who[i] = rand() % 4;
            join(&crowd, &m[i], from[who[i]], now);
            n_of[who[i]]++;
        } else if (what == 0) {
            c2_crowd_leave(&crowd, &m[i]);
            n_of[who[i]]--;
            who[i] = -1;
        } else {
            m[i].served = what > 3;
            c2_crowd_set(&crowd, &m[i], (enum c2_member_state)(rand() % C2_MEMBER_STATES), now);
        }
        int most = 0;
        bool yields = false;
        for (int k = 0; k < N; k++) {
            if (who[k] < 0 || m[k].state > C2_MEMBER_HEAD) continue;
            yields = true;
            if (n_of[who[k]] > most) most = n_of[who[k]];
        }
        struct c2_crowd_member *chosen = c2_crowd_yielding(&crowd, NULL);
        assert_int_equal(chosen != NULL, yields);
        if (!chosen) continue;
        int chosen_who = who[chosen - m];
        assert_int_equal(n_of[chosen_who], most);
        for (int k = 0; k < N; k++)
            if (who[k] == chosen_who && m[k].state <= C2_MEMBER_HEAD && m[k].proven == chosen->proven)
                assert_true(m[k].since_ms >= chosen->since_ms);
    }
    for (int i = 0; i < N; i++)
        if (who[i] >= 0) c2_crowd_leave(&crowd, &m[i]);
    assert_int_equal(crowd.n, 0);
    c2_crowd_fini(&crowd);
    free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_oldest_idle_one_of_the_address_with_most_yields),
        cmocka_unit_test(neither_silent_nor_idle_ones_push_all_others_out),
        cmocka_unit_test(a_network_of_ipv6_counts_as_one_address),
        cmocka_unit_test(each_state_has_its_time),
        cmocka_unit_test(those_that_fell_idle_since_a_moment_are_found),
        cmocka_unit_test(what_it_says_is_what_a_count_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
