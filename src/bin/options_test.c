/* SPDX-License-Identifier: BSD-3-Clause */
/* Options: who wins, what is refused, and how it is said. */
#include "bin/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static const struct c2_option table[] = {
    {"http", 0, C2_OPT_ENDPOINT, "localhost:8002", "HOST:PORT", "listen here", NULL},
    {"broker", 0, C2_OPT_ENDPOINT, "localhost:8000", "HOST:PORT", "the broker", "broker.http"},
    {"quota", 0, C2_OPT_SIZE, "0", "SIZE", "cache", NULL},
    {"poll", 0, C2_OPT_PERIOD, NULL, "SECONDS|never", "looks", "publisher.poll"},
};
static const struct c2_option dir_table[] = {
    {"statedir", 0, C2_OPT_TEXT, "_caterva2/x", "DIR", "state", NULL},
};
static const struct c2_options_spec spec = {
    .program = "test",
    .synopsis = "[OPTIONS]",
    .about = "",
    .section = "subscriber",
    .options = table,
    .noptions = C2_ARRAY_LEN(table),
    .args_max = 2,
};
static char conf[] = "/tmp/c2-options-XXXXXX";

static int make_conf(void **state)
{
    (void)state;
    int fd = mkstemp(conf);
    return fd < 0 ? -1 : close(fd);
}
static int drop_conf(void **state)
{
    (void)state;
    return unlink(conf);
}

static void write_conf(const char *text)
{
    FILE *file = fopen(conf, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

#define WORDS_MAX 8
static bool parse_as(const struct c2_options_spec *as, const char *const *words, struct c2_options **out,
                     struct cat2_error *err)
{
    char *argv[WORDS_MAX + 3] = {(char *)(uintptr_t) "test", (char *)(uintptr_t) "--conf", conf};
    int argc = 3;

    for (; *words; words++)
        argv[argc++] = (char *)(uintptr_t)*words;
    return c2_options_parse(as, argc, argv, out, err);
}

static bool parse(const char *const *words, struct c2_options **out, struct cat2_error *err)
{
    return parse_as(&spec, words, out, err);
}

static void the_command_line_wins_then_environment_then_file_then_default(void **state)
{
    static const struct {
        const char *file, *env;
        const char *words[WORDS_MAX];
        const char *http;
    } cases[] = {
        {"", NULL, {NULL}, "localhost:8002"},
        {"[subscriber]\nhttp = 'f:1'\n", NULL, {NULL}, "f:1"},
        {"[subscriber]\nhttp = 'f:1'\n", "e:2", {NULL}, "e:2"},
        {"[subscriber]\nhttp = 'f:1'\n", "e:2", {"--http", "c:3", NULL}, "c:3"},
        {"", NULL, {"--ht=c:3", NULL}, "c:3"},
        {"[subscriber.x]\nhttp = 'x:4'\n", NULL, {"--id", "x", NULL}, "x:4"},
        {"[subscriber]\nhttp = 'f:1'\n[subscriber.x]\n", NULL, {"--id", "x", NULL}, "localhost:8002"},
        {"", NULL, {"--http", "[::1]:5", NULL}, "[::1]:5"},
        {"", NULL, {"--http", "*:0", NULL}, "*:0"},
    };

    (void)state;
    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct c2_options *options = NULL;
        struct cat2_error err;
        write_conf(cases[i].file);
        unsetenv("CATERVA2_SUBSCRIBER_HTTP");
        if (cases[i].env) setenv("CATERVA2_SUBSCRIBER_HTTP", cases[i].env, 1);
        if (!parse(cases[i].words, &options, &err)) fail_msg("case %zu: %s", i, err.message);
        assert_string_equal(c2_options_text(options, "http"), cases[i].http);
        c2_options_free(options);
    }
    unsetenv("CATERVA2_SUBSCRIBER_HTTP");
}

static void keys_of_every_program_are_accepted(void **state)
{
    const char *words[] = {NULL};
    struct c2_options *options = NULL;
    struct cat2_error err;

    (void)state;
    write_conf(
        "[broker]\nhttp = 'b:1'\n[publisher.foo]\nname = 'foo'\nroot = 'data'\n[publisher]\nhttp = 'p:2'\n"
        "[subscriber]\nquota = '10GiB'\nloglevel = 'debug'\n");
    if (!parse(words, &options, &err)) fail_msg("%s", err.message);
    assert_string_equal(c2_options_text(options, "broker"), "b:1");
    assert_string_equal(c2_options_conf(options, "publisher.foo.root"), "data");
    assert_int_equal(c2_options_int(options, "quota"), (int64_t)10 << 30);
    c2_options_free(options);
}

static void a_period_is_seconds_or_never(void **state)
{
    static const struct {
        const char *text;
        int64_t ms; /* 0: refused */
    } cases[] = {{"10", 10000}, {"0.5", 500}, {"1.25", 1250}, {"never", -1}, {"0", 0},    {"0.05", 0},
                 {"-1", 0},     {"", 0},      {"ten", 0},     {"1.2345", 0}, {"1.-5", 0}, {"99999999999", 0}};
    struct c2_options *options = NULL;
    struct cat2_error err;
    char text[100];

    (void)state;
    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        const char *words[] = {NULL};
        snprintf(text, sizeof(text), "[publisher]\npoll = '%s'\n", cases[i].text);
        write_conf(text);
        assert_int_equal(parse(words, &options, &err), cases[i].ms != 0);
        if (!cases[i].ms) continue;
        assert_int_equal(c2_options_period(options, "poll"), cases[i].ms);
        c2_options_free(options);
    }
    const char *none[] = {NULL};
    write_conf("[publisher]\npoll = 3\n");
    assert_true(parse(none, &options, &err));
    assert_int_equal(c2_options_period(options, "poll"), 3000);
    c2_options_free(options);
}

static void what_is_wrong_is_said_with_file_and_line(void **state)
{
    static const struct {
        const char *file, *said;
    } cases[] = {
        {"[broker]\n\nhtpp = 'b:1'\n", ":3: unknown key 'htpp'"},
        {"[broken]\nhttp = 'b:1'\n", ":2: unknown key 'http'"},
        {"[subscriber]\nhttp = 8002\n", ":2: 'http' must be a string, not an integer"},
        {"[subscriber]\nhttp = 'nonsense'\n", ":2: subscriber.http"},
        {"[subscriber]\nquota = 'much'\n", "is not a size"},
        {"[subscriber\n", ":1"},
    };
    const char *words[] = {NULL};

    (void)state;
    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct c2_options *options = NULL;
        struct cat2_error err;
        write_conf(cases[i].file);
        assert_false(parse(words, &options, &err));
        if (!strstr(err.message, cases[i].said)) fail_msg("case %zu: %s", i, err.message);
    }
}

static void what_was_named_and_is_not_there_is_an_error(void **state)
{
    const char *missing[] = {"--conf", "/nowhere/typo.toml", NULL}, *id[] = {"--id", "http", NULL};
    struct c2_options *options = NULL;
    struct cat2_error err;

    (void)state;
    assert_false(parse(missing, &options, &err));
    assert_non_null(strstr(err.message, "typo.toml"));
    write_conf("[subscriber]\nhttp = 'f:1'\n[publisher.http]\n");
    assert_false(parse(id, &options, &err));
    assert_non_null(strstr(err.message, "no section [subscriber.http]"));
}

static void arguments_may_stand_among_options(void **state)
{
    const char *words[] = {"a", "--http", "h:1", "--", "--b", NULL};
    struct c2_options *options = NULL;
    struct cat2_error err;

    (void)state;
    write_conf("");
    assert_true(parse(words, &options, &err));
    assert_int_equal(c2_options_nargs(options), 2);
    assert_string_equal(c2_options_arg(options, 0), "a");
    assert_string_equal(c2_options_arg(options, 1), "--b");
    assert_null(c2_options_arg(options, 2));
    c2_options_free(options);
}

static const struct c2_options_spec roots_spec = {
    .program = "test",
    .synopsis = "[OPTIONS] [PATH...]",
    .about = "",
    .section = "serve",
    .options = dir_table,
    .noptions = C2_ARRAY_LEN(dir_table),
    .args_min = 1,
    .args_max = 3,
    .args_key = "roots",
};

static void arguments_may_stand_in_the_file(void **state)
{
    static const struct {
        const char *file, *words[WORDS_MAX];
        int nargs; /* 0: refused */
        const char *said;
    } cases[] = {
        {"[serve]\nroots = ['a=/x', '/y z']\n", {NULL}, 2, "/y z"},
        {"[serve]\nroots = '/x'\n", {NULL}, 1, "/x"},
        {"[serve]\nroots = ['/x', '/y']\n", {"/z", NULL}, 1, "/z"},
        {"[serve]\nroots = ['/x']\n[serve.b]\nroots = ['/y']\n", {"--id", "b", NULL}, 1, "/y"},
        {"[serve.b]\nhttp = 'b:1'\n", {"--id", "b", NULL}, 0, "has no serve.b.roots"},
        {"[serve]\nroots = ['1', '2', '3', '4']\n", {NULL}, 0, "serve.roots has more than 3"},
        {"[serve]\nroots = [1]\n",
         {NULL},
         0,
         ":2: 'roots' must be a string or an array of such, not an array"},
        {"[serve]\nhttp = ['h:1']\n", {NULL}, 0, ":2: 'http' must be a string, not an array"},
        {"[publisher]\nroots = ['a']\n", {NULL}, 0, ":2: unknown key 'roots'"},
    };

    (void)state;
    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct c2_options *options = NULL;
        struct cat2_error err;
        write_conf(cases[i].file);
        bool ok = parse_as(&roots_spec, cases[i].words, &options, &err);
        if (ok != (cases[i].nargs > 0)) fail_msg("case %zu: %s", i, ok ? "accepted" : err.message);
        if (!ok && !strstr(err.message, cases[i].said)) fail_msg("case %zu: %s", i, err.message);
        if (!ok) continue;
        assert_int_equal(c2_options_nargs(options), cases[i].nargs);
        assert_string_equal(c2_options_arg(options, cases[i].nargs - 1), cases[i].said);
        c2_options_free(options);
    }
}

static void state_is_where_the_service_manager_says_unless_somebody_else_does(void **state)
{
    static const struct {
        const char *file, *told;
        const char *words[WORDS_MAX];
        const char *statedir;
    } cases[] = {
        {"", NULL, {"r", NULL}, "_caterva2/x"},
        {"", "/var/lib/x", {"r", NULL}, "/var/lib/x"},
        {"", "", {"r", NULL}, "_caterva2/x"},
        {"[serve]\nstatedir = '/f'\n", "/var/lib/x", {"r", NULL}, "/f"},
        {"[serve]\nstatedir = '/f'\n", "/var/lib/x", {"r", "--statedir", "/c", NULL}, "/c"},
    };

    (void)state;
    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct c2_options *options = NULL;
        struct cat2_error err;
        write_conf(cases[i].file);
        if (cases[i].told) setenv("STATE_DIRECTORY", cases[i].told, 1);
        assert_true(parse_as(&roots_spec, cases[i].words, &options, &err));
        assert_string_equal(c2_options_text(options, "statedir"), cases[i].statedir);
        c2_options_free(options);
        unsetenv("STATE_DIRECTORY");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_command_line_wins_then_environment_then_file_then_default),
        cmocka_unit_test(keys_of_every_program_are_accepted),
        cmocka_unit_test(a_period_is_seconds_or_never),
        cmocka_unit_test(what_is_wrong_is_said_with_file_and_line),
        cmocka_unit_test(what_was_named_and_is_not_there_is_an_error),
        cmocka_unit_test(arguments_may_stand_among_options),
        cmocka_unit_test(arguments_may_stand_in_the_file),
        cmocka_unit_test(state_is_where_the_service_manager_says_unless_somebody_else_does),
    };

    return cmocka_run_group_tests(tests, make_conf, drop_conf);
}
