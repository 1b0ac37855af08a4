/* SPDX-License-Identifier: BSD-3-Clause */
/* Options: who wins, what is refused, and how it is said. */
#include "bin/options.h"

#include <unistd.h>

#include "base/base_testing.h"
#include "bin/options_shell.h"

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
    int fd = mkstemp(conf);
    return fd < 0 ? -1 : close(fd);
}
static int drop_conf(void **state)
{
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
        {"[broker]\n\nhtpp = 'b:1'\n", ":3: unknown key 'htpp' (is http meant?"},
        {"[broken]\nhttp = 'b:1'\n", ":2: unknown key 'http'"},
        {"[subscriber]\nhttp = 8002\n", ":2: 'http' must be a string, not an integer"},
        {"[subscriber]\nhttp = 'nonsense'\n", ":2: subscriber.http"},
        {"[subscriber]\nquota = 'much'\n", "is not a size"},
        {"[subscriber\n", ":1"},
    };
    const char *words[] = {NULL};

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

/* Words with a bar between; the last with what follows in its place. */
static void a_line_comes_apart_as_in_a_shell(void **state)
{
    static const struct {
        const char *line, *words;
        enum c2_shell_state state;
        bool fish, unclear;
    } cases[] = {
        {"", "", C2_SHELL_PLAIN, false, false},
        {"a  b\t", "a|b|", C2_SHELL_PLAIN, false, false},
        {"a 'b c", "a|b c", C2_SHELL_SINGLE, false, false},
        {"a \"b\\\" c\\d", "a|b\" c\\d", C2_SHELL_DOUBLE, false, false},
        {"a b\\ c", "a|b c", C2_SHELL_PLAIN, false, false},
        {"a b'c d'\"e f\"g", "a|bc de fg", C2_SHELL_PLAIN, false, false},
        {"a 'b\\' c", "a|b\\|c", C2_SHELL_PLAIN, false, false},
        {"a 'b\\' c", "a|b' c", C2_SHELL_SINGLE, true, false},
        {"a >out 2>err b", "a|b", C2_SHELL_PLAIN, false, false},
        {"a 2 b", "a|2|b", C2_SHELL_PLAIN, false, false},
        {"a $b", "a|$b", C2_SHELL_PLAIN, false, true},
        {"a $b c", "a|$b|c", C2_SHELL_PLAIN, false, false},
        {"a '$b`c", "a|$b`c", C2_SHELL_SINGLE, false, false},
        {"a b\\", "a|b", C2_SHELL_PLAIN, false, true},
        {"a ~/b ~c", "a|/home/x/b|~c", C2_SHELL_PLAIN, false, false},
    };

    setenv("HOME", "/home/x", 1);
    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        C2_AUTO(c2_shell_line) line = {0};
        C2_AUTO(c2_buf) words = C2_BUF_INIT(1000);
        struct cat2_error err;
        assert_true(c2_shell_split(c2_str_of(cases[i].line), cases[i].fish, &line, &err));
        for (size_t w = 0; w < line.nwords; w++)
            assert_true(c2_buf_printf(&words, &err, "%s%s", w ? "|" : "", line.words[w]));
        if (strcmp(c2_buf_cstr(&words), cases[i].words) != 0 || line.state != cases[i].state ||
            line.unclear != cases[i].unclear)
            fail_msg("case %zu: %s", i, c2_buf_cstr(&words));
    }
}

static void what_is_added_is_quoted_as_the_line_is(void **state)
{
    static const struct {
        const char *line, *more, *whole, *replaced;
    } cases[] = {
        {"x foo/a", " b'c", "x foo/a\\ b\\'c", "foo/a"},
        {"x 'foo/a", " b'c", "x 'foo/a b'\\''c", "foo/a"},
        {"x \"foo/a", " $b\"!", "x \"foo/a \\$b\\\"\"\\!\"", "foo/a"},
        {"x a:b", "c", "x a:bc", "b"},
        {"x a\\:b", "c", "x a\\:bc", "a\\:b"},
        {"x 'a:'b", "c", "x 'a:'bc", "'a:'b"},
        {"x a@b", "c", "x a@bc", "@b"},
        {"x --v=h", "eat", "x --v=heat", "h"},
    };

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        C2_AUTO(c2_shell_line) line = {0};
        C2_AUTO(c2_buf) out = C2_BUF_INIT(1000);
        struct c2_str whole = c2_str_of(cases[i].line);
        struct cat2_error err;
        assert_true(c2_shell_split(whole, false, &line, &err));
        assert_string_equal(c2_shell_replaced(&line, whole, " \t\n\"'@><=;|&(:"), cases[i].replaced);
        assert_true(c2_buf_append_str(&out, whole, &err) &&
                    c2_shell_quote(c2_str_of(cases[i].more), line.state, &out, &err));
        assert_string_equal(c2_buf_cstr(&out), cases[i].whole);
    }
}

static void longer_lines_are_refused(void **state)
{
    static char words[2 * C2_WORDS_MAX + 100], text[C2_LINE_NBYTES_MAX + 1];
    struct c2_str lines[] = {{words, sizeof(words)}, {text, sizeof(text)}};
    struct cat2_error err;

    for (size_t i = 0; i < sizeof(words); i++)
        words[i] = i % 2 ? ' ' : 'a';
    memset(text, 'a', sizeof(text));
    for (size_t i = 0; i < C2_ARRAY_LEN(lines); i++) {
        C2_AUTO(c2_shell_line) line = {0};
        assert_false(c2_shell_split(lines[i], false, &line, &err));
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
        cmocka_unit_test(a_line_comes_apart_as_in_a_shell),
        cmocka_unit_test(what_is_added_is_quoted_as_the_line_is),
        cmocka_unit_test(longer_lines_are_refused),
    };

    return cmocka_run_group_tests(tests, make_conf, drop_conf);
}
