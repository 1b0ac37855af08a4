/* SPDX-License-Identifier: BSD-3-Clause */
/* Pools of processes, with a shell for a helper that sends back what it is sent. */
#include "helper/pool.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/base_testing.h"
#include "base/check.h"
#include "base/str.h"

#define PATIENCE_MS 60000

static char script[] = "/tmp/c2-pool-XXXXXX";

static struct c2_helpers *pool_of(int max, int kept)
{
    const struct c2_helpers_options options = {.name = "sh",
                                               .variable = "C2_TEST_HELPER",
                                               .argument = script,
                                               .max = max,
                                               .kept = kept,
                                               .deaths_max = 2,
                                               .deaths_ms = 3600 * 1000};
    struct c2_helpers *all;
    struct cat2_error err;

    assert_true(c2_helpers_new(&options, &all, &err));
    return all;
}

static struct c2_helper *take(struct c2_helpers *all, const char *subject, bool is_long)
{
    struct c2_helper *helper = NULL;
    struct cat2_error err = {0};

    if (!c2_helpers_take(all, subject, is_long, &helper, &err)) fail_msg("%s", err.message);
    return helper;
}

static bool is_zombie(pid_t pid)
{
    char path[64], text[512] = "";

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    if (!file) return true;
    bool read = fgets(text, sizeof(text), file) != NULL;
    fclose(file);
    return !read || strstr(text, ") Z ") != NULL;
}

static bool echoes(struct c2_helper *helper)
{
    struct c2_talk talk = c2_helper_talk(helper, PATIENCE_MS);
    char back[7] = "";

    return c2_talk_send(&talk, "hello\n", 6) && c2_talk_receive(&talk, back, 6) &&
           strcmp(back, "hello\n") == 0;
}

static void a_process_is_kept_for_the_next_who_asks(void **state)
{
    struct c2_helpers *all = pool_of(2, 2);

    (void)state;
    struct c2_helper *first = take(all, "a", false);
    assert_true(c2_helper_is_new(first) && echoes(first));
    c2_helpers_give(all, first);
    struct c2_helper *again = take(all, "a", false), *other = take(all, "b", false);
    assert_ptr_equal(first, again);
    assert_false(c2_helper_is_new(again));
    assert_true(c2_helper_is_new(other) && echoes(again) && echoes(other));
    c2_helpers_give(all, other);
    c2_helpers_give(all, again);
    assert_ptr_equal(other,
                     again = take(all, "b", false)); /* of its subject, though the other rests longer */
    c2_helpers_give(all, again);
    c2_helpers_free(all);
}

static void no_more_wait_for_work_than_are_kept(void **state)
{
    struct c2_helpers *all = pool_of(0, 1);
    struct c2_helper *three[3];
    int nnew = 0;

    (void)state;
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < 3; i++) {
            three[i] = take(all, NULL, false);
            nnew += c2_helper_is_new(three[i]);
        }
        for (size_t i = 0; i < 3; i++) {
            assert_true(echoes(three[i]));
            c2_helpers_give(all, three[i]);
        }
    }
    assert_int_equal(nnew, 5); /* the second time one was there */
    c2_helpers_free(all);
}

struct asker {
    struct c2_helpers *all;
    bool is_long;
    struct c2_helper *helper;
    struct cat2_error err;
};

static void *ask(void *ctx)
{
    struct asker *asker = ctx;

    if (!c2_helpers_take(asker->all, "x", asker->is_long, &asker->helper, &asker->err)) asker->helper = NULL;
    return NULL;
}

static void who_finds_all_busy_waits_and_one_stays_free_of_long_work(void **state)
{
    struct asker asker = {.all = pool_of(2, 2), .is_long = true};
    struct c2_helpers *all = asker.all;
    pthread_t thread;

    (void)state;
    struct c2_helper *longer = take(all, "x", true);
    assert_int_equal(pthread_create(&thread, NULL, ask, &asker), 0); /* waits: one does what takes long */
    struct c2_helper *quick = take(all, "y", false);                 /* does not wait */
    assert_true(echoes(quick));
    c2_helpers_give(all, quick);
    poll(NULL, 0, 50); /* it may not be taken now either */
    assert_null(asker.helper);
    quick = take(all, "y", false);
    c2_helpers_give(all, longer);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_ptr_equal(asker.helper, longer);
    c2_helpers_give(all, quick);
    c2_helpers_give(all, longer);
    c2_helpers_free(all);
}

/* It ends when it is asked, as if somebody else had ended it. */
static struct c2_talk end_asked(struct c2_helper *helper)
{
    struct c2_talk talk = c2_helper_talk(helper, PATIENCE_MS);
    char byte;

    assert_true(c2_talk_send(&talk, "exit 3\n", 7));
    assert_false(c2_talk_receive(&talk, &byte, 1));
    assert_true(talk.ended && !talk.late);
    return talk;
}

static void one_that_ends_is_replaced_until_too_many_did(void **state)
{
    struct c2_helpers *all = pool_of(2, 2);
    struct c2_helper *helper;
    struct cat2_error err;
    char how[64];

    (void)state;
    for (int i = 0; i < 3; i++) {
        helper = take(all, "a", false);
        assert_true(c2_helper_is_new(helper));
        struct c2_talk talk = end_asked(helper);
        if (i == 0)
            c2_helpers_end(all, helper, talk.late, how);
        else
            assert_false(c2_helpers_again(all, helper, &talk, false, how));
        assert_string_equal(how, "ended with status 3");
    }
    assert_false(c2_helpers_take(all, "a", false, &helper, &err));
    assert_int_equal(err.code, CAT2_ELIMIT);
    c2_helpers_free(all);
}

static struct c2_helper *take_kept(struct c2_helpers *all)
{
    c2_helpers_give(all, take(all, "a", false));
    struct c2_helper *helper = take(all, "a", false);
    assert_false(c2_helper_is_new(helper));
    return helper;
}

/* Ended from outside, it is not to blame; all that was asked is asked once more. */
static void one_that_was_kept_and_ended_is_asked_anew(void **state)
{
    static const struct {
        bool heard, late, cancelled;
    } no[] = {{.heard = true}, {.late = true}, {.cancelled = true}};
    struct c2_helpers *all = pool_of(2, 2);
    struct c2_talk talk;
    char how[64];

    (void)state;
    for (int i = 0; i < 4; i++) { /* more than deaths_max */
        struct c2_helper *helper = take_kept(all);
        talk = end_asked(helper);
        assert_true(c2_helpers_again(all, helper, &talk, false, how));
        assert_string_equal(how, "ended with status 3");
        assert_true(c2_helper_is_new(helper) && echoes(helper));
        c2_helpers_give(all, helper);
    }
    c2_helpers_free(all);
    for (size_t i = 0; i < C2_ARRAY_LEN(no); i++) {
        all = pool_of(2, 2);
        struct c2_helper *helper = take_kept(all);
        talk = end_asked(helper);
        talk.late = no[i].late;
        if (no[i].cancelled) c2_helpers_cancel(all);
        assert_false(c2_helpers_again(all, helper, &talk, no[i].heard, how));
        c2_helpers_free(all);
    }
}

static pid_t start_one_more(struct c2_helper *helper)
{
    struct c2_talk talk = c2_helper_talk(helper, PATIENCE_MS);
    char digits[11] = "";
    int64_t pid = 0;

    assert_true(c2_talk_send(&talk, "start\n", 6) && c2_talk_receive(&talk, digits, 10));
    assert_true(c2_str_to_i64(c2_str_of(digits), &pid));
    return (pid_t)pid;
}

static void what_a_process_started_ends_with_it(void **state)
{
    struct c2_helpers *all = pool_of(2, 2);
    struct c2_helper *helper = take(all, "a", false);
    pid_t pid = start_one_more(helper);
    char how[64];

    (void)state;
    assert_int_equal(kill(pid, 0), 0);
    c2_helpers_end(all, helper, true, how);
    assert_string_equal(how, "did not answer in time");
    while (kill(pid, 0) == 0 && !is_zombie(pid)) /* whoever inherits it may take its time */
        poll(NULL, 0, 5);
    c2_helpers_free(all);
}

static void words_that_nobody_reads_do_not_hold_up_a_process(void **state)
{
    struct c2_helpers *all = pool_of(2, 2);
    struct c2_helper *helper = take(all, "a", false);
    struct c2_talk talk = c2_helper_talk(helper, PATIENCE_MS);
    char how[64];

    (void)state;
    assert_true(c2_talk_send(&talk, "chatter\n", 8));
    assert_true(c2_talk_receive(&talk, how, 5));
    c2_helpers_give(all, helper);
    c2_helpers_free(all);
}

static void a_process_has_no_file_of_ours(void **state)
{
    struct c2_helpers *all = pool_of(2, 2);
    int fd = fcntl(STDERR_FILENO, F_DUPFD, 77);
    char said[7] = "";

    (void)state;
    assert_int_equal(fd, 77);
    struct c2_helper *helper = take(all, "a", false);
    struct c2_talk talk = c2_helper_talk(helper, PATIENCE_MS);
    assert_true(c2_talk_send(&talk, "has 77\n", 7) && c2_talk_receive(&talk, said, 6));
    assert_string_equal(said, "closed");
    close(fd);
    c2_helpers_give(all, helper);
    c2_helpers_free(all);
}

static void cancelling_ends_waits_and_conversations(void **state)
{
    struct c2_helpers *all = pool_of(2, 2);
    struct asker asker = {.all = all};
    pthread_t thread;
    char byte, how[64];

    (void)state;
    struct c2_helper *a = take(all, "a", false), *b = take(all, "b", false);
    assert_int_equal(pthread_create(&thread, NULL, ask, &asker), 0);
    assert_false(c2_helpers_is_cancelled(all));
    c2_helpers_cancel(all);
    assert_true(c2_helpers_is_cancelled(all));
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_null(asker.helper);
    assert_int_equal(asker.err.code, CAT2_ECANCELLED);
    struct c2_talk talk = c2_helper_talk(a, PATIENCE_MS);
    assert_false(c2_talk_receive(&talk, &byte, 1));
    assert_true(talk.ended && !talk.late);
    c2_helpers_end(all, a, true, how);
    c2_helpers_give(all, b);
    c2_helpers_free(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_is_kept_for_the_next_who_asks),
        cmocka_unit_test(no_more_wait_for_work_than_are_kept),
        cmocka_unit_test(who_finds_all_busy_waits_and_one_stays_free_of_long_work),
        cmocka_unit_test(one_that_ends_is_replaced_until_too_many_did),
        cmocka_unit_test(one_that_was_kept_and_ended_is_asked_anew),
        cmocka_unit_test(what_a_process_started_ends_with_it),
        cmocka_unit_test(words_that_nobody_reads_do_not_hold_up_a_process),
        cmocka_unit_test(a_process_has_no_file_of_ours),
        cmocka_unit_test(cancelling_ends_waits_and_conversations),
    };
    static const char SCRIPT[] =
        "while IFS= read -r line; do case $line in\n"
        "exit*) $line ;;\n"
        "start) sleep 1000 & printf %010d $! >&0 ;;\n"
        "chatter) yes 2>/dev/null | head -c 300000 >&2; echo done >&0 ;;\n"
        "has*) [ -e /proc/self/fd/${line#has } ] && printf opened >&0 || printf closed >&0 ;;\n"
        "*) echo \"$line\" >&0 ;; esac; done\n";
    int fd = mkstemp(script);

    C2_ASSERT(fd >= 0 && write(fd, SCRIPT, sizeof(SCRIPT) - 1) == sizeof(SCRIPT) - 1);
    close(fd);
    setenv("C2_TEST_HELPER", "/bin/sh", 1);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(script);
    return failed;
}
