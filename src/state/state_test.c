/* SPDX-License-Identifier: BSD-3-Clause */
/* State: what was put is there after kill -9, in order; one process; nobody else's file. */
#include "state/state.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base_testing.h"
#include "base/fs.h"

static char folder[] = "/tmp/c2-state-XXXXXX";

static int make_folder(void **state)
{
    memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
    *state = mkdtemp(folder);
    return *state ? 0 : -1;
}

static int drop_folder(void **state)
{
    c2_fs_remove_tree(folder);
    return 0;
}

static const struct c2_state_kind kind = {"t", "all that was put"};

static struct c2_state *must_open(void)
{
    struct c2_state *state = NULL;
    struct cat2_error err;

    if (!c2_state_open(folder, &kind, &state, &err)) fail_msg("%s", err.message);
    return state;
}

/* The error of one that may not be opened. */
static struct cat2_error refused(void)
{
    struct c2_state *state = NULL;
    struct cat2_error err = {0};

    if (c2_state_open(folder, &kind, &state, &err)) fail_msg("it was opened");
    return err;
}

static const char *in_folder(const char *name)
{
    static char path[100];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *text, int times)
{
    FILE *file = fopen(in_folder(name), "w");

    assert_non_null(file);
    while (times-- > 0)
        fputs(text, file);
    fclose(file);
}

static void check_file(const char *name, const char *wanted)
{
    char text[100] = "";
    FILE *file = fopen(in_folder(name), "r");

    assert_non_null(file);
    (void)!fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    assert_string_equal(text, wanted);
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
    struct c2_state *s = must_open();
    C2_AUTO(c2_buf) text = C2_BUF_INIT(1000);
    struct cat2_error err;

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
    put(s, "a", "4");
    put(s, "a0", "5");
    put(s, "a.", "6");
    assert_true(c2_state_del_prefix(s, "roots", C2_STR("a/"), &err));
    check_all(s, "", "b=3 a=4 a0=5 a.=6 ");
    put(s, "\xff\xff", "7");
    put(s, "\xff\xff/", "8");
    assert_true(c2_state_del_prefix(s, "roots", C2_STR("\xff\xff"), &err));
    assert_true(c2_state_del_prefix(s, "roots", C2_STR("a"), &err));
    check_all(s, "", "b=3 ");
    assert_true(c2_state_del_prefix(s, "roots", C2_STR(""), &err));
    check_all(s, "", "");
    c2_state_close(s);
}

static void a_rollback_undoes_all(void **state)
{
    struct c2_state *s = must_open();
    struct cat2_error err;

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

    if (child == 0) {
        struct c2_state *s = NULL;
        struct cat2_error err;
        if (c2_state_open(folder, &kind, &s, &err) &&
            c2_state_put(s, "roots", C2_STR("a"), C2_STR("1"), &err) && c2_state_begin(s, &err) &&
            c2_state_put(s, "roots", C2_STR("never"), C2_STR("1"), &err))
            kill(getpid(), SIGKILL);
        _exit(1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    struct c2_state *s = must_open();
    check_all(s, "", "a=1 ");
    c2_state_close(s);
}

static void a_second_process_is_refused_and_told_why(void **state)
{
    assert_false(c2_state_is_used(folder));
    struct c2_state *s = must_open();
    assert_non_null(strstr(refused().message, "in use by another process"));
    assert_true(c2_state_is_used(folder));
    c2_state_close(s);
    assert_false(c2_state_is_used(folder));
    assert_false(c2_state_is_used("/nowhere"));
}

/* ---- the number of the format ---- */

static void sql(const char *text)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(in_folder("t.sqlite3"), &db), SQLITE_OK);
    if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK) fail_msg("%s", sqlite3_errmsg(db));
    sqlite3_close(db);
}

static int take_number(void *ctx, int n, char **values, char **names)
{
    (void)n;
    (void)names;
    return !c2_str_to_i64(c2_str_of(values[0]), ctx);
}

static int64_t version(void)
{
    sqlite3 *db;
    int64_t number = -1;

    assert_int_equal(sqlite3_open(in_folder("t.sqlite3"), &db), SQLITE_OK);
    sqlite3_exec(db, "PRAGMA user_version", take_number, &number, NULL);
    sqlite3_close(db);
    return number;
}

/* As the first layout was: no number anywhere. */
static void make_old(void)
{
    sql("CREATE TABLE t_about (key BLOB UNIQUE NOT NULL, value BLOB NOT NULL);"
        "INSERT INTO t_about VALUES(CAST('program' AS BLOB), CAST('t' AS BLOB));"
        "CREATE TABLE t_roots (key BLOB UNIQUE NOT NULL, value BLOB NOT NULL);"
        "INSERT INTO t_roots VALUES(CAST('a' AS BLOB), CAST('1' AS BLOB));");
    write_file(".caterva2-state", "", 0);
}

static void a_state_carries_its_format(void **state)
{
    c2_state_close(must_open());
    assert_int_equal(version(), C2_STATE_FORMAT);
    check_file(".caterva2-state", "format 2\n");
}

static void an_older_one_is_upgraded_and_keeps_what_it_has(void **state)
{
    make_old();
    struct c2_state *s = must_open();
    check_all(s, "", "a=1 ");
    c2_state_close(s);
    assert_int_equal(version(), 2);
    check_file(".caterva2-state", "format 2\n");
    write_file(".caterva2-state", "", 0); /* the power went between the two */
    c2_state_close(must_open());
    check_file(".caterva2-state", "format 2\n");
}

static void a_newer_one_is_refused_and_left(void **state)
{
    c2_state_close(must_open());
    sql("PRAGMA user_version = 3");
    struct cat2_error err = refused();
    assert_non_null(strstr(err.message, "t.sqlite3 has format 3; this program knows formats up to 2"));
    assert_int_equal(version(), 3);
    sql("PRAGMA user_version = 2");
    write_file(".caterva2-state", "format 7\nmore that we know nothing of\n", 1);
    err = refused();
    assert_non_null(strstr(err.message, "has format 7; this program knows formats up to 2"));
    assert_non_null(strstr(err.message, folder));
    assert_int_equal(unlink(in_folder("t.sqlite3")), 0); /* its cache is still there */
    assert_non_null(strstr(refused().message, "has format 7"));
    assert_int_not_equal(access(in_folder("t.sqlite3"), F_OK), 0);
}

static void a_mark_that_tells_nothing_is_refused(void **state)
{
    static const char *const marks[] = {"format\n", "format x\n", "format 0\n",
                                        "\n",       "format -1",  "version 2\n"};

    for (size_t i = 0; i < C2_ARRAY_LEN(marks); i++) {
        write_file(".caterva2-state", marks[i], 1);
        assert_non_null(strstr(refused().message, ".caterva2-state has no format number: remove it"));
    }
    assert_int_equal(unlink(in_folder(".caterva2-state")), 0);
    c2_state_close(must_open());
}

static void an_upgrade_on_a_full_disk_leaves_the_old_state(void **state)
{
    struct rlimit was, small = {8192, 8192};

    make_old();
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    small.rlim_max = was.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    struct cat2_error err = refused();
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    assert_non_null(strstr(err.message, "t.sqlite3"));
    assert_non_null(strstr(err.message, "File too large"));
    assert_int_equal(version(), 0);
    struct c2_state *s = must_open();
    check_all(s, "", "a=1 ");
    c2_state_close(s);
}

/* ---- files that are none ---- */

static void a_file_that_is_no_database_is_refused(void **state)
{
    write_file("t.sqlite3", "not a database\n", 500);
    struct cat2_error err = refused();
    assert_int_equal(err.code, CAT2_EDATA);
    assert_non_null(strstr(err.message, "t.sqlite3 is damaged"));
    assert_int_equal(unlink(in_folder("t.sqlite3")), 0);
    assert_int_equal(mkdir(in_folder("t.sqlite3"), 0777), 0);
    assert_non_null(strstr(refused().message, "t.sqlite3 is not a regular file"));
    assert_int_equal(rmdir(in_folder("t.sqlite3")), 0);
}

/* What lies in the middle is looked at too, not only the first page. */
static void a_cut_or_overwritten_file_is_refused(void **state)
{
    char key[40];
    struct stat st;
    struct cat2_error err;

    struct c2_state *s = must_open();
    assert_true(c2_state_begin(s, &err));
    for (int i = 0; i < 2000; i++) {
        snprintf(key, sizeof(key), "root/path/number-%d", i);
        put(s, key, "some value of it");
    }
    assert_true(c2_state_commit(s, &err));
    c2_state_close(s);
    assert_int_equal(stat(in_folder("t.sqlite3"), &st), 0);
    int fd = open(in_folder("t.sqlite3"), O_RDWR);
    char kept[4096], noise[4096];
    memset(noise, 0x5a, sizeof(noise));
    off_t middle = st.st_size / 2 / 4096 * 4096;
    assert_int_equal(pread(fd, kept, 4096, middle), 4096);
    assert_int_equal(pwrite(fd, noise, 4096, middle), 4096);
    assert_int_equal(refused().code, CAT2_EDATA);
    assert_int_equal(pwrite(fd, kept, 4096, middle), 4096);
    c2_state_close(must_open());
    assert_int_equal(ftruncate(fd, st.st_size - 5000), 0);
    close(fd);
    assert_int_equal(refused().code, CAT2_EDATA);
}

static void an_empty_file_is_begun_anew(void **state)
{
    write_file("t.sqlite3", "", 0);
    struct c2_state *s = must_open();
    check_all(s, "", "");
    c2_state_close(s);
    assert_int_equal(version(), 2);
}

static void what_may_not_be_written_is_named(void **state)
{
    if (geteuid() != 0) skip(); /* needs another user */
    c2_state_close(must_open());
    pid_t child = fork();
    if (child == 0) {
        bool ok = chmod(folder, 0777) == 0 && chmod(in_folder("LOCK"), 0666) == 0 &&
                  chmod(in_folder("t.sqlite3"), 0444) == 0 && seteuid(65534) == 0 &&
                  strstr(refused().message, "t.sqlite3 may not be written");
        ok = ok && seteuid(0) == 0 && chmod(in_folder("t.sqlite3"), 0) == 0 && seteuid(65534) == 0 &&
             strstr(refused().message, "Permission denied");
        ok = ok && seteuid(0) == 0 && chmod(folder, 0) == 0 && seteuid(65534) == 0 &&
             strstr(refused().message, "Permission denied");
        _exit(ok ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(chmod(folder, 0700), 0);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keys_come_in_the_order_they_were_put, make_folder, drop_folder),
        cmocka_unit_test_setup_teardown(a_rollback_undoes_all, make_folder, drop_folder),
        cmocka_unit_test_setup_teardown(what_was_put_survives_kill, make_folder, drop_folder),
        cmocka_unit_test_setup_teardown(a_second_process_is_refused_and_told_why, make_folder, drop_folder),
        cmocka_unit_test_setup_teardown(a_state_carries_its_format, make_folder, drop_folder),
        cmocka_unit_test_setup_teardown(an_older_one_is_upgraded_and_keeps_what_it_has, make_folder,
                                        drop_folder),
        cmocka_unit_test_setup_teardown(a_newer_one_is_refused_and_left, make_folder, drop_folder),
        cmocka_unit_test_setup_teardown(a_mark_that_tells_nothing_is_refused, make_folder, drop_folder),
        cmocka_unit_test_setup_teardown(an_upgrade_on_a_full_disk_leaves_the_old_state, make_folder,
                                        drop_folder),
        cmocka_unit_test_setup_teardown(a_file_that_is_no_database_is_refused, make_folder, drop_folder),
        cmocka_unit_test_setup_teardown(a_cut_or_overwritten_file_is_refused, make_folder, drop_folder),
        cmocka_unit_test_setup_teardown(an_empty_file_is_begun_anew, make_folder, drop_folder),
        cmocka_unit_test_setup_teardown(what_may_not_be_written_is_named, make_folder, drop_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
