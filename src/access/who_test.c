/* SPDX-License-Identifier: BSD-3-Clause */
/* What changes in the access file is noticed with the next request. */
#include <unistd.h>

#include "access/access_impl.h"
#include "base/base_testing.h"
#include "base/fs.h"

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

static struct c2_access *access_of(const char *dir, char file[64], struct c2_loop **loop)
{
    struct c2_access *access;
    struct cat2_error err;

    snprintf(file, 64, "%s/access.sqlite3", dir);
    assert_true(c2_loop_new(loop, &err));
    assert_true(c2_access_new(*loop, NULL, &(struct c2_access_options){.file = file}, &access, &err));
    assert_int_equal(access->holders.n, 0);
    return access;
}

static void each_change_is_seen_with_the_next_look(void **state)
{
    char dir[] = "/tmp/c2-who-XXXXXX", file[64], name[16];
    struct c2_loop *loop;

    (void)state;
    assert_non_null(mkdtemp(dir));
    struct c2_access *access = access_of(dir, file, &loop);
    for (int i = 0; i < 100; i++) { /* in less time than any clock of files tells apart */
        snprintf(name, sizeof(name), "key%d", i);
        add(file, name);
        c2_access_look(access);
        assert_int_equal(access->holders.n, i + 1);
        uint64_t generation = access->generation;
        c2_access_look(access);
        assert_int_equal(access->generation, generation); /* and not read again for nothing */
    }
    c2_access_free(access);
    c2_loop_free(loop);
    unlink(file);
    rmdir(dir);
}

static void another_file_in_its_place_is_seen(void **state)
{
    char dir[] = "/tmp/c2-who-XXXXXX", file[64], aside[80];
    struct c2_loop *loop;

    (void)state;
    assert_non_null(mkdtemp(dir));
    struct c2_access *access = access_of(dir, file, &loop);
    snprintf(aside, sizeof(aside), "%s.aside", file);
    add(file, "one");
    c2_access_look(access);
    assert_int_equal(rename(file, aside), 0);
    c2_access_look(access);
    assert_int_equal(access->holders.n, 0);
    add(file, "two");
    add(file, "three");
    c2_access_look(access);
    assert_int_equal(access->holders.n, 2);
    FILE *broken = fopen(file, "r+");
    assert_true(broken && fputs("no database at all", broken) > 0 && fclose(broken) == 0);
    c2_access_look(access);
    assert_int_equal(access->holders.n, 2); /* as they were */
    assert_int_equal(rename(aside, file), 0);
    c2_access_look(access);
    assert_int_equal(access->holders.n, 1);
    c2_access_free(access);
    c2_loop_free(loop);
    unlink(file);
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_change_is_seen_with_the_next_look),
        cmocka_unit_test(another_file_in_its_place_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
