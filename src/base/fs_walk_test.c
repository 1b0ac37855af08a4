/* SPDX-License-Identifier: BSD-3-Clause */
/* A walk tells all there is: links to directories are followed beneath the root, and what is not looked into
 * is told with its reason. */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base_testing.h"
#include "base/fs.h"
#include "base/limits.h"

struct told {
    struct c2_buf seen, passed; /* "path ", "path: why|" */
};

static bool see(void *ctx, const char *rel, const struct stat *st, struct cat2_error *err)
{
    struct told *told = ctx;

    (void)st;
    return c2_buf_printf(&told->seen, err, "%s ", rel);
}

static bool pass(void *ctx, const char *rel, const char *why, const struct stat *st, struct cat2_error *err)
{
    struct told *told = ctx;

    (void)st;
    return c2_buf_printf(&told->passed, err, "%s: %s|", rel, why);
}

/* However deep it is: paths may be longer than the system takes. */
static void drop(int dirfd, const char *path)
{
    int status = 0;

    close(dirfd);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        execlp("find", "find", path, "-delete", (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static int make_tree(char path[32])
{
    struct cat2_error err;

    snprintf(path, 32, "/tmp/c2-walk-XXXXXX");
    assert_non_null(mkdtemp(path));
    int fd = c2_fs_open_dir(path, false, &err);
    assert_true(fd >= 0);
    return fd;
}

static void make_file(int dirfd, const char *rel)
{
    struct cat2_error err;

    assert_true(c2_fs_mkparents(dirfd, rel, &err));
    assert_true(c2_fs_replace(dirfd, rel, c2_bytes_of(C2_STR("x")), &err));
}

static struct told walk(int dirfd)
{
    struct told told = {C2_BUF_INIT(1 << 20), C2_BUF_INIT(1 << 20)};
    struct c2_fs_walker walker = {see, pass, &told, true};
    struct cat2_error err;

    assert_true(c2_fs_walk_with(dirfd, &walker, &err));
    return told;
}

static void expect(int dirfd, const char *seen, const char *passed)
{
    struct told told = walk(dirfd);

    assert_string_equal(c2_buf_cstr(&told.seen), seen);
    assert_string_equal(c2_buf_cstr(&told.passed), passed);
    c2_buf_fini(&told.seen);
    c2_buf_fini(&told.passed);
}

static void links_to_directories_are_followed_beneath_the_root(void **state)
{
    char path[32];
    int dirfd = make_tree(path);

    make_file(dirfd, "runs/1/a");
    make_file(dirfd, "runs/2/b");
    assert_int_equal(symlinkat("runs/2", dirfd, "latest"), 0);
    assert_int_equal(symlinkat("../1", dirfd, "runs/2/before"), 0);
    assert_int_equal(symlinkat("/etc", dirfd, "out"), 0);
    assert_int_equal(symlinkat("../..", dirfd, "up"), 0);
    assert_int_equal(symlinkat("none", dirfd, "void"), 0);
    expect(dirfd, "latest/b latest/before/a runs/1/a runs/2/b runs/2/before/a void ",
           "out: is a link that leads out of the root, or an absolute one|"
           "up: is a link that leads out of the root, or an absolute one|");
    drop(dirfd, path);
}

static void links_in_circles_end_and_say_so(void **state)
{
    char path[32], name[8];
    int dirfd = make_tree(path);
    struct told told;

    make_file(dirfd, "a/x");
    assert_int_equal(symlinkat(".", dirfd, "a/here"), 0);
    assert_int_equal(symlinkat("..", dirfd, "a/up"), 0);
    expect(
        dirfd, "a/x ",
        "a/here: is a link to a directory that it lies in|a/up: is a link to a directory that it lies in|");
    drop(dirfd, path);
    dirfd = make_tree(path);
    for (int i = 0; i < 12; i++) { /* each links to all: 12! ways without a limit */
        char link[16], target[16];
        snprintf(name, sizeof(name), "d%02d", i);
        assert_int_equal(mkdirat(dirfd, name, 0777), 0);
        for (int k = 0; k < 12; k++) {
            snprintf(link, sizeof(link), "d%02d/l%02d", i, k);
            snprintf(target, sizeof(target), "../d%02d", k);
            assert_int_equal(symlinkat(target, dirfd, link), 0);
        }
    }
    struct c2_fs_walker walker = {see, NULL, &told, true};
    struct cat2_error err;
    told = (struct told){C2_BUF_INIT(1 << 20), C2_BUF_INIT(1 << 20)};
    assert_true(c2_fs_walk_with(dirfd, &walker, &err)); /* ends at all */
    c2_buf_fini(&told.seen);
    drop(dirfd, path);
}

static void depth_and_length_are_told(void **state)
{
    char path[32], name[256];
    int dirfd = make_tree(path), at = dirfd;
    struct told told;

    for (int i = 0; i < C2_TREE_DEPTH_MAX + 2; i++) {
        assert_int_equal(mkdirat(at, "d", 0777), 0);
        int next = openat(at, "d", O_RDONLY | O_DIRECTORY);
        if (at != dirfd) close(at);
        at = next;
    }
    close(at);
    told = walk(dirfd);
    assert_int_equal(told.seen.n, 0);
    assert_non_null(strstr(c2_buf_cstr(&told.passed), "d/d: lies too deep"));
    c2_buf_fini(&told.passed);
    drop(dirfd, path);
    dirfd = make_tree(path);
    memset(name, 'n', 255);
    name[255] = '\0';
    at = dirfd;
    for (int i = 0; i < C2_PATH_MAX / 250; i++) {
        assert_int_equal(mkdirat(at, name, 0777), 0);
        int next = openat(at, name, O_RDONLY | O_DIRECTORY);
        if (at != dirfd) close(at);
        at = next;
    }
    make_file(at, "too-long-for-the-rest");
    close(at);
    told = walk(dirfd);
    assert_int_equal(told.seen.n, 0);
    assert_non_null(strstr(c2_buf_cstr(&told.passed), "...: has a path that is too long|"));
    c2_buf_fini(&told.passed);
    drop(dirfd, path);
}

static void a_walk_without_descriptors_fails_and_is_not_short(void **state)
{
    char path[32];
    int dirfd = make_tree(path), spare = dup(dirfd);
    struct told told = {C2_BUF_INIT(1 << 20), C2_BUF_INIT(1 << 20)};
    struct c2_fs_walker walker = {see, pass, &told, true};
    struct rlimit before, now;
    struct cat2_error err;

    for (int i = 0; i < 40; i++) {
        char name[32];
        snprintf(name, sizeof(name), "d%d/e/f/x", i);
        make_file(dirfd, name);
    }
    getrlimit(RLIMIT_NOFILE, &before);
    close(spare);
    for (rlim_t room = 0; room < 4; room++) { /* at some count a directory below cannot be opened */
        now = (struct rlimit){(rlim_t)spare + room, before.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
        c2_buf_clear(&told.seen);
        bool ok = c2_fs_walk_with(dirfd, &walker, &err);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        if (!ok) assert_int_equal(err.code, CAT2_ENOMEM);
        if (ok) assert_non_null(strstr(c2_buf_cstr(&told.seen), "d9/e/f/x"));
        assert_int_equal(ok, room >= 2); /* two are open at a time */
    }
    assert_int_equal(told.passed.n, 0);
    c2_buf_fini(&told.seen);
    drop(dirfd, path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links_to_directories_are_followed_beneath_the_root),
        cmocka_unit_test(links_in_circles_end_and_say_so),
        cmocka_unit_test(depth_and_length_are_told),
        cmocka_unit_test(a_walk_without_descriptors_fails_and_is_not_short),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
