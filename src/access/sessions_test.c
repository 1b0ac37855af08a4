/* SPDX-License-Identifier: BSD-3-Clause */
/* Sessions begin, are found, end, and make room. */
#include "access/sessions.h"
#include "base/base_testing.h"

static int64_t now;

static int64_t now_ms(void *ctx)
{
    (void)ctx;
    return now;
}
static const struct c2_clock fake = {now_ms, now_ms, NULL};

static struct c2_holder *holder_new(const char *name)
{
    struct c2_holder *holder = calloc(1, sizeof(*holder));

    assert_non_null(holder);
    holder->refs = 1;
    snprintf(holder->name, sizeof(holder->name), "%s", name);
    return holder;
}

static void a_session_is_found_by_its_token_alone(void **state)
{
    struct c2_sessions *sessions = c2_sessions_new(&fake);
    struct c2_holder *anna = holder_new("anna");
    char token[C2_KEY_SECRET + 1], other[C2_KEY_SECRET + 1];

    struct c2_browser_session *session = c2_sessions_begin(sessions, anna, token);
    assert_non_null(session);
    assert_non_null(c2_sessions_begin(sessions, anna, other));
    assert_ptr_equal(c2_sessions_find(sessions, c2_str_of(token)), session);
    assert_string_not_equal(session->csrf, token);
    token[3] ^= 1;
    assert_null(c2_sessions_find(sessions, c2_str_of(token)));
    assert_null(c2_sessions_find(sessions, C2_STR("")));
    token[3] ^= 1;
    c2_sessions_end(sessions, session);
    assert_null(c2_sessions_find(sessions, c2_str_of(token)));
    assert_int_equal(c2_sessions_count(sessions), 1);
    c2_sessions_free(sessions);
    assert_int_equal(anna->refs, 1);
    c2_holder_unref(anna);
}

static void a_session_ends_with_idleness_and_with_age(void **state)
{
    struct c2_sessions *sessions = c2_sessions_new(&fake);
    struct c2_holder *anna = holder_new("anna");
    char idle[C2_KEY_SECRET + 1], busy[C2_KEY_SECRET + 1];
    const int64_t hour = 3600000;

    assert_non_null(c2_sessions_begin(sessions, anna, idle));
    assert_non_null(c2_sessions_begin(sessions, anna, busy));
    for (int i = 0; i < 168; i++) {
        now += hour;
        assert_non_null(c2_sessions_find(sessions, c2_str_of(busy)));
    }
    assert_null(c2_sessions_find(sessions, c2_str_of(idle)));
    now += hour;
    assert_null(c2_sessions_find(sessions, c2_str_of(busy)));
    assert_int_equal(c2_sessions_count(sessions), 0);
    c2_sessions_free(sessions);
    c2_holder_unref(anna);
}

static void the_oldest_session_makes_room(void **state)
{
    struct c2_sessions *sessions = c2_sessions_new(&fake);
    struct c2_holder *anna = holder_new("anna");
    char first[C2_KEY_SECRET + 1], hers[C2_KEY_SECRET + 1], token[C2_KEY_SECRET + 1], name[20];

    assert_non_null(c2_sessions_begin(sessions, anna, hers));
    for (int i = 0; i < 200; i++) { /* one who signs in again and again pushes out nobody else */
        struct c2_holder *bert = holder_new("bert");
        now++;
        assert_non_null(c2_sessions_begin(sessions, bert, i ? token : first));
        c2_holder_unref(bert);
    }
    assert_null(c2_sessions_find(sessions, c2_str_of(first)));
    assert_non_null(c2_sessions_find(sessions, c2_str_of(token)));
    assert_non_null(c2_sessions_find(sessions, c2_str_of(hers)));
    assert_int_equal(c2_sessions_count(sessions), 33);
    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof(name), "%d", i);
        struct c2_holder *other = holder_new(name);
        now++;
        assert_non_null(c2_sessions_begin(sessions, other, token));
        c2_holder_unref(other);
    }
    assert_int_equal(c2_sessions_count(sessions), 4096);
    c2_sessions_free(sessions);
    c2_holder_unref(anna);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_is_found_by_its_token_alone),
        cmocka_unit_test(a_session_ends_with_idleness_and_with_age),
        cmocka_unit_test(the_oldest_session_makes_room),
    };
    struct cat2_error err;

    return !c2_secret_setup(&err) || cmocka_run_group_tests(tests, NULL, NULL);
}
