/* SPDX-License-Identifier: BSD-3-Clause */
/* State: what was put is there after kill -9, in order; one process; nobody else's file. */
#include "state/state.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fs.h"

static char folder[] = "/tmp/c2-state-XXXXXX";

static int make_folder(void **state)
{
    memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
    *state = mkdtemp(folder);
    return *state ? 0 : -1;
}

static bool forget(void *ctx, const char *rel, const struct stat *st, struct cat2_error *err)
{
    (void)st;
    return c2_fs_remove(*(int *)ctx, rel, err);
}

static int drop_folder(void **state)
{
    struct cat2_error err;
    int fd = c2_fs_open_dir(folder, false, &err);

    (void)state;
    c2_fs_walk(fd, forget, &fd, &err);
    close(fd);
    return rmdir(folder);
}

static struct c2_state *must_open(const char *program)
{
    struct c2_state *state = NULL;
    struct cat2_error err;

    if (!c2_state_open(folder, program, &state, &err)) fail_msg("%s", err.message);
    return state;
}

static bool join(void *ctx, struct c2_str key, struct c2_str value, struct cat2_error *err)
{
    return c2_buf_printf(ctx, err, "%.*s=%.*s ", C2_STR_ARG(key), C2_STR_ARG(value));
}

static void check_all(struct c2_state *s, const char *prefix, const char *wanted)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(1000);
    struct cat2_error err;

    assert_true(c2_state_each(s, "roots", c2_str_of(prefix), join, &text, &err));
    assert_string_equal(c2_buf_cstr(&text), wanted);
}

static void put(struct c2_state *s, const char *key, const char *value)
{
    struct cat2_error err;

    if (!c2_state_put(s, "roots", c2_str_of(key), c2_str_of(value), &err)) fail_msg("%s", err.message);
}

static void keys_come_in_the_order_they_were_put(void **state)
{
    struct c2_state *s = must_open("t");
    C2_AUTO(c2_buf) text = C2_BUF_INIT(1000);
    struct cat2_error err;

    (void)state;
    put(s, "b", "1");
    put(s, "a/x", "2");
    put(s, "a/y", "");
    put(s, "b", "3");
    check_all(s, "", "b=3 a/x=2 a/y= ");
    check_all(s, "a/", "a/x=2 a/y= ");
    assert_true(c2_state_get(s, "roots", C2_STR("b"), &text, &err));
    assert_string_equal(c2_buf_cstr(&text), "3");
    assert_false(c2_state_get(s, "roots", C2_STR("c"), &text, &err));
    assert_int_equal(err.code, CAT2_ENOTFOUND);
    assert_true(c2_state_del(s, "roots", C2_STR("c"), &err));
    assert_true(c2_state_del_prefix(s, "roots", C2_STR("a/"), &err));
    check_all(s, "", "b=3 ");
    c2_state_close(s);
}

static void a_rollback_undoes_all(void **state)
{
    struct c2_state *s = must_open("t");
    struct cat2_error err;

    (void)state;
    put(s, "a", "1");
    assert_true(c2_state_begin(s, &err));
    put(s, "a", "2");
    put(s, "b", "2");
    c2_state_rollback(s);
    check_all(s, "", "a=1 ");
    assert_true(c2_state_begin(s, &err));
    put(s, "b", "2");
    assert_true(c2_state_commit(s, &err));
    check_all(s, "", "a=1 b=2 ");
    c2_state_close(s);
}

static void what_was_put_survives_kill(void **state)
{
    int status;
    pid_t child = fork();

    (void)state;
    if (child == 0) {
        struct c2_state *s = NULL;
        struct cat2_error err;
        if (c2_state_open(folder, "t", &s, &err) &&
            c2_state_put(s, "roots", C2_STR("a"), C2_STR("1"), &err) && c2_state_begin(s, &err) &&
            c2_state_put(s, "roots", C2_STR("never"), C2_STR("1"), &err))
            kill(getpid(), SIGKILL);
        _exit(1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    struct c2_state *s = must_open("t");
    check_all(s, "", "a=1 ");
    c2_state_close(s);
}

static void a_second_process_is_refused_and_told_why(void **state)
{
    struct c2_state *s = must_open("t"), *second;
    struct cat2_error err;

    (void)state;
    assert_false(c2_state_open(folder, "t", &second, &err));
    assert_non_null(strstr(err.message, "in use by another process"));
    c2_state_close(s);
}

static void a_file_that_is_no_database_is_refused(void **state)
{
    char path[100];
    struct c2_state *s;
    struct cat2_error err;

    (void)state;
    snprintf(path, sizeof(path), "%s/t.sqlite3", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (int i = 0; i < 500; i++)
        fputs("not a database\n", file);
    fclose(file);
    assert_false(c2_state_open(folder, "t", &s, &err));
    assert_non_null(strstr(err.message, "t.sqlite3"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keys_come_in_the_order_they_were_put, make_folder, drop_folder),
        cmocka_unit_test_setup_teardown(a_rollback_undoes_all, make_folder, drop_folder),
        cmocka_unit_test_setup_teardown(what_was_put_survives_kill, make_folder, drop_folder),
        cmocka_unit_test_setup_teardown(a_second_process_is_refused_and_told_why, make_folder, drop_folder),
        cmocka_unit_test_setup_teardown(a_file_that_is_no_database_is_refused, make_folder, drop_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
