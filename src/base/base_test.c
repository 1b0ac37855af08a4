/* SPDX-License-Identifier: BSD-3-Clause */
/* The ground floor: buffers keep their ceiling, cursors their end, paths their root, files their content. */
#include <fcntl.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/base_testing.h"
#include "base/fs.h"
#include "base/log.h"

static void a_buffer_grows_to_its_ceiling_and_not_one_byte_past_it(void **state)
{
    struct cat2_error err = {0};
    C2_AUTO(c2_buf) buf = C2_BUF_INIT(100);

    for (int i = 0; i < 100; i++)
        assert_true(c2_buf_putc(&buf, 'x', &err));
    assert_false(c2_buf_putc(&buf, 'y', &err));
    assert_int_equal(err.code, CAT2_ELIMIT);
    assert_int_equal(buf.n, 100);
    assert_int_equal(strlen(c2_buf_cstr(&buf)), 100);
}

static void stealing_a_buffer_leaves_it_empty_with_its_ceiling(void **state)
{
    struct cat2_error err = {0};
    C2_AUTO(c2_buf) buf = C2_BUF_INIT(1000);

    assert_true(c2_buf_printf(&buf, &err, "%s-%d", "abc", 7));
    C2_AUTO(c2_buf) taken = c2_buf_steal(&buf);
    assert_string_equal(c2_buf_cstr(&taken), "abc-7");
    assert_null(buf.p);
    assert_int_equal(buf.max, 1000);
}

static void a_buffer_gives_back_what_it_does_not_need(void **state)
{
    struct cat2_error err = {0};
    C2_AUTO(c2_buf) buf = C2_BUF_INIT(1 << 20);

    assert_true(c2_buf_reserve(&buf, 1 << 16, &err) && c2_buf_puts(&buf, "abc", &err));
    c2_buf_fit(&buf);
    assert_int_equal(buf.cap, 3);
    assert_string_equal(c2_buf_cstr(&buf), "abc");
    assert_true(c2_buf_puts(&buf, "def", &err));
    assert_string_equal(c2_buf_cstr(&buf), "abcdef");
}

static void an_error_keeps_one_line_and_its_cause(void **state)
{
    struct cat2_error err = {0};
    char place[600];

    memset(place, 'p', sizeof(place) - 1);
    place[sizeof(place) - 1] = '\0';
    assert_false(c2_fail(&err, CAT2_EDATA, "two\nlines"));
    assert_string_equal(err.message, "two?lines");
    assert_false(c2_fail_within(&err, "%s", place));
    assert_int_equal(err.code, CAT2_EDATA);
    assert_non_null(strstr(err.message, "two?lines"));
    assert_true(strlen(err.message) < sizeof(err.message));
}

static void a_path_from_outside_stays_beneath_its_root(void **state)
{
    static const struct {
        const char *path;
        bool ok;
    } cases[] = {{"a", true},    {"a/b..c", true},   {"...", true},     {"", false},       {"/a", false},
                 {"a/", false},  {"a//b", false},    {"..", false},     {"a/../b", false}, {"./a", false},
                 {"a/.", false}, {"ü/ñ.b2nd", true}, {".hidden", true}, {"a b", true}};
    struct cat2_error err = {0};

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++)
        assert_int_equal(c2_path_check(c2_str_of(cases[i].path), &err), cases[i].ok);
    assert_false(c2_path_check((struct c2_str){"a\0b", 3}, &err));
}

static void integers_are_read_to_the_last_of_64_bits(void **state)
{
    static const struct {
        const char *text;
        bool ok;
        int64_t value;
    } cases[] = {{"0", true, 0},
                 {"-9223372036854775808", true, INT64_MIN},
                 {"9223372036854775807", true, INT64_MAX},
                 {"9223372036854775808", false, 0},
                 {"-9223372036854775809", false, 0},
                 {"+7", true, 7},
                 {"", false, 0},
                 {"-", false, 0},
                 {"7x", false, 0},
                 {" 7", false, 0}};

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        int64_t value = 0;
        assert_int_equal(c2_str_to_i64(c2_str_of(cases[i].text), &value), cases[i].ok);
        if (cases[i].ok) assert_true(value == cases[i].value);
    }
}

static void utf8_is_judged_strictly(void **state)
{
    static const struct {
        const char *text;
        bool ok;
    } cases[] = {
        {"abc", true},       {"\xc3\xa9", true},          {"\xe2\x82\xac", true}, {"\xf0\x9f\x98\x80", true},
        {"\xc0\x80", false}, {"\xed\xa0\x80", false},     {"\xff", false},        {"\xe2\x82", false},
        {"\x80", false},     {"\xf4\x90\x80\x80", false}, {"\xe0\x80\x80", false}};

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++)
        assert_int_equal(c2_str_is_utf8(c2_str_of(cases[i].text)), cases[i].ok);
}

static void an_arena_hands_out_zeroed_memory_up_to_its_ceiling(void **state)
{
    C2_AUTO(c2_arena) arena;

    c2_arena_init(&arena, 10000);
    unsigned char *p = c2_arena_alloc(&arena, 5000);
    assert_non_null(p);
    for (int i = 0; i < 5000; i++)
        assert_int_equal(p[i], 0);
    assert_string_equal(c2_arena_printf(&arena, "%d+%d", 1, 2), "1+2");
    assert_null(c2_arena_alloc(&arena, 6000));
}

struct tree {
    int dirfd;
    char path[64];
};

static struct tree make_tree(void)
{
    struct tree tree = {.path = "/tmp/c2-base-XXXXXX"};
    struct cat2_error err = {0};

    assert_non_null(mkdtemp(tree.path));
    tree.dirfd = c2_fs_open_dir(tree.path, false, &err);
    assert_true(tree.dirfd >= 0);
    return tree;
}

static bool collect(void *ctx, const char *rel, const struct stat *st, struct cat2_error *err)
{
    struct c2_buf *seen = ctx;

    (void)st;
    return c2_buf_puts(seen, rel, err) && c2_buf_putc(seen, ' ', err);
}

static void files_are_replaced_walked_and_removed_beneath_a_directory(void **state)
{
    struct tree tree = make_tree();
    struct cat2_error err = {0};
    C2_AUTO(c2_buf) seen = C2_BUF_INIT(1000);
    C2_AUTO(c2_buf) text = C2_BUF_INIT(1000);

    assert_true(c2_fs_mkparents(tree.dirfd, "b/c/file", &err));
    assert_true(c2_fs_replace(tree.dirfd, "b/c/file", c2_bytes_of(C2_STR("one")), &err));
    assert_true(c2_fs_replace(tree.dirfd, "b/c/file", c2_bytes_of(C2_STR("two!")), &err));
    assert_true(c2_fs_replace(tree.dirfd, "a", c2_bytes_of(C2_STR("")), &err));
    assert_int_equal(symlinkat("/etc", tree.dirfd, "out"), 0);
    assert_int_equal(symlinkat("b/c/file", tree.dirfd, "in"), 0);
    assert_int_equal(symlinkat("/etc/passwd", tree.dirfd, "z"), 0);

    int fd = c2_fs_open(tree.dirfd, "in", O_RDONLY, &err);
    assert_true(fd >= 0);
    assert_true(c2_fs_read(fd, 1000, &text, &err));
    assert_string_equal(c2_buf_cstr(&text), "two!");
    close(fd);
    assert_int_equal(c2_fs_open(tree.dirfd, "z", O_RDONLY, &err), -1);
    assert_int_equal(err.code, CAT2_EINVAL);
    assert_int_equal(c2_fs_open(tree.dirfd, "out/passwd", O_RDONLY, &err), -1);
    assert_int_equal(c2_fs_open(tree.dirfd, "none", O_RDONLY, &err), -1);
    assert_int_equal(err.code, CAT2_ENOTFOUND);

    assert_true(c2_fs_walk(tree.dirfd, collect, &seen, &err));
    assert_string_equal(c2_buf_cstr(&seen), "a b/c/file in z ");
    assert_true(c2_fs_remove(tree.dirfd, "b/c/file", &err));
    assert_int_equal(faccessat(tree.dirfd, "b", F_OK, 0), -1);
    assert_true(c2_fs_remove(tree.dirfd, "b/c/file", &err));
    close(tree.dirfd);
    c2_fs_remove_tree(tree.path);
    assert_int_equal(access(tree.path, F_OK), -1);
}

static void a_result_replaces_what_its_links_lead_to_and_no_device(void **state)
{
    static const struct {
        const char *path, *file;
        bool through;
    } cases[] = {{"new", "new", false},        {"no/dir/new", "no/dir/new", false},
                 {"file", "file", false},      {"link", "d/file", false},
                 {"chain", "d/file", false},   {"dangling", "d/none", false},
                 {"absolute", "/none", false}, {"fifo", "fifo", true},
                 {"to_fifo", "to_fifo", true}, {"/dev/null", "/dev/null", true}};
    struct tree tree = make_tree();
    struct cat2_error err = {0};
    char *file = NULL, here[4096];
    bool through;

    (void)state;
    assert_non_null(getcwd(here, sizeof(here)));
    assert_int_equal(fchdir(tree.dirfd), 0);
    assert_true(c2_fs_mkparents(tree.dirfd, "d/file", &err));
    assert_true(c2_fs_replace(tree.dirfd, "d/file", c2_bytes_of(C2_STR("one")), &err));
    assert_true(c2_fs_replace(tree.dirfd, "file", c2_bytes_of(C2_STR("two")), &err));
    assert_int_equal(symlink("d/file", "link"), 0);
    assert_int_equal(symlink("../link", "d/up"), 0);
    assert_int_equal(symlink("d/up", "chain"), 0);
    assert_int_equal(symlink("d/none", "dangling"), 0);
    assert_int_equal(symlink("/none", "absolute"), 0);
    assert_int_equal(symlink("round", "round"), 0);
    assert_int_equal(mkfifo("fifo", 0600), 0);
    assert_int_equal(symlink("fifo", "to_fifo"), 0);
    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct stat got, want;
        assert_true(c2_fs_result(cases[i].path, &file, &through, &err));
        assert_int_equal(through, cases[i].through);
        if (stat(cases[i].file, &want) == 0) {
            assert_int_equal(stat(file, &got), 0);
            assert_int_equal(got.st_ino, want.st_ino);
            assert_int_equal(lstat(file, &got), 0);
            assert_true(through || !S_ISLNK(got.st_mode));
        } else {
            assert_string_equal(file, cases[i].file);
        }
        free(file);
    }
    assert_false(c2_fs_result("round", &file, &through, &err));
    assert_non_null(strstr(err.message, "round"));
    assert_int_equal(chdir(here), 0);
    c2_fs_remove_tree(tree.path);
    close(tree.dirfd);
}

static void an_open_file_is_written_to_where_it_is(void **state)
{
    struct tree tree = make_tree();
    struct cat2_error err = {0};
    char paths[4][4200], *file = NULL;
    bool through;

    (void)state;
    assert_true(c2_fs_replace(tree.dirfd, "file", c2_bytes_of(C2_STR("one")), &err));
    int fd = openat(tree.dirfd, "file", O_WRONLY | O_APPEND | O_CLOEXEC);
    snprintf(paths[0], sizeof(paths[0]), "/dev/fd/%d", fd);
    snprintf(paths[1], sizeof(paths[1]), "/proc/self/fd/%d", fd);
    snprintf(paths[2], sizeof(paths[2]), "/proc/%d/fd/%d", (int)getpid(), fd);
    snprintf(paths[3], sizeof(paths[3]), "%s/link", tree.path);
    assert_int_equal(symlinkat(paths[0], tree.dirfd, "link"), 0);
    for (size_t i = 0; i < C2_ARRAY_LEN(paths); i++) {
        assert_true(c2_fs_result(paths[i], &file, &through, &err));
        assert_true(through);
        assert_int_equal(c2_fs_descriptor(paths[i]), fd);
        free(file);
    }
    assert_int_equal(c2_fs_descriptor("/dev/stdout"), STDOUT_FILENO);
    snprintf(paths[0], sizeof(paths[0]), "%s/file", tree.path);
    assert_true(c2_fs_result(paths[0], &file, &through, &err));
    assert_false(through);
    free(file);
    assert_int_equal(c2_fs_descriptor(paths[0]), -1);
    assert_int_equal(c2_fs_descriptor("/proc/self/exe"), -1);
    assert_int_equal(c2_fs_descriptor("/dev/null"), -1);
    close(fd);
    assert_int_equal(c2_fs_descriptor(paths[1]), -1);
    c2_fs_remove_tree(tree.path);
    close(tree.dirfd);
}

static void levels_have_the_names_that_python_gives_them(void **state)
{
    enum c2_level level = C2_INFO;
    struct cat2_error err = {0};

    assert_true(c2_level_parse(C2_STR("WARNING"), &level, &err));
    assert_int_equal(level, C2_WARN);
    assert_false(c2_level_parse(C2_STR("loud"), &level, &err));
    assert_non_null(strstr(err.message, "loud"));
}

static void near_paths_are_above_beneath_or_without_a_suffix(void **state)
{
    static const struct {
        const char *a, *b;
        bool near;
    } cases[] = {{"", "a/b", true},     {"a", "a", true},      {"a", "a/b/c", true}, {"a.h5/g", "a.h5", true},
                 {"a", "a.b2nd", true}, {"a.b2nd", "a", true}, {"a", "ab", false},   {"a/b", "a/c", false},
                 {"a/b", "b", false},   {"a-b", "a", false}};

    (void)state;
    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++)
        assert_int_equal(c2_path_is_near(c2_str_of(cases[i].a), c2_str_of(cases[i].b)), cases[i].near);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(near_paths_are_above_beneath_or_without_a_suffix),
        cmocka_unit_test(a_buffer_grows_to_its_ceiling_and_not_one_byte_past_it),
        cmocka_unit_test(stealing_a_buffer_leaves_it_empty_with_its_ceiling),
        cmocka_unit_test(a_buffer_gives_back_what_it_does_not_need),
        cmocka_unit_test(an_error_keeps_one_line_and_its_cause),
        cmocka_unit_test(a_path_from_outside_stays_beneath_its_root),
        cmocka_unit_test(integers_are_read_to_the_last_of_64_bits),
        cmocka_unit_test(utf8_is_judged_strictly),
        cmocka_unit_test(an_arena_hands_out_zeroed_memory_up_to_its_ceiling),
        cmocka_unit_test(files_are_replaced_walked_and_removed_beneath_a_directory),
        cmocka_unit_test(a_result_replaces_what_its_links_lead_to_and_no_device),
        cmocka_unit_test(an_open_file_is_written_to_where_it_is),
        cmocka_unit_test(levels_have_the_names_that_python_gives_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
