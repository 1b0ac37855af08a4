/* SPDX-License-Identifier: BSD-3-Clause */
/* What changes in the access file is noticed, without a look for each of many requests. */
#include <unistd.h>

#include "access/access_impl.h"
#include "base/base_testing.h"
#include "base/fs.h"

static int64_t now = 1;

static int64_t now_ms(void *ctx)
{
    (void)ctx;
    return now;
}

static void add(const char *file, const char *name)
{
    struct c2_holder holder = {
        .kind = C2_HOLDER_KEY, .roots = (char[]){"*"}, .scopes = c2_scope_bit(C2_SCOPE_READ)};
    struct c2_store *store;
    struct cat2_error err;

    snprintf(holder.name, sizeof(holder.name), "%s", name);
    assert_true(c2_store_open(file, &store, &err) && c2_store_add(store, &holder, &err));
    c2_store_close(store);
}

static void a_change_is_seen_with_the_next_request_and_among_many_soon(void **state)
{
    char dir[] = "/tmp/c2-who-XXXXXX", file[64];
    struct c2_access *access;
    struct c2_loop *loop;
    struct cat2_error err;

    assert_non_null(mkdtemp(dir));
    snprintf(file, sizeof(file), "%s/access.sqlite3", dir);
    assert_true(c2_loop_new(&loop, &err));
    assert_true(c2_access_new(loop, NULL, &(struct c2_access_options){.file = file}, &access, &err));
    *(struct c2_clock *)(uintptr_t)c2_loop_clock(loop) = (struct c2_clock){now_ms, now_ms, NULL};
    assert_int_equal(access->holders.n, 0);
    for (int i = 0; i < C2_ACCESS_LOOKS_MAX; i++) { /* few at a time: each sees what is there */
        char name[16];
        snprintf(name, sizeof(name), "key%d", i);
        add(file, name);
        c2_access_look(access);
        assert_int_equal(access->holders.n, i + 1);
    }
    add(file, "late");
    for (int i = 0; i < 1000; i++)
        c2_access_look(access);
    assert_int_equal(access->holders.n, C2_ACCESS_LOOKS_MAX);
    now += C2_ACCESS_FRESH_MS;
    c2_access_look(access);
    assert_int_equal(access->holders.n, C2_ACCESS_LOOKS_MAX + 1);
    c2_access_free(access);
    c2_loop_free(loop);
    c2_fs_remove_tree(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_is_seen_with_the_next_request_and_among_many_soon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
