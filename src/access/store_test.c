/* SPDX-License-Identifier: BSD-3-Clause */
/* What is written to an access file is read from it. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/store.h"
#include "base/base_testing.h"
#include "base/fs.h"

static char folder[100], path[150];

static int setup(void **state)
{
    snprintf(folder, sizeof(folder), "/tmp/c2_store_XXXXXX");
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof(path), "%s/in/access.sqlite3", folder);
    return 0;
}

static int teardown(void **state)
{
    c2_fs_remove_tree(folder);
    return 0;
}

static struct c2_holder made(enum c2_holder_kind kind, const char *name)
{
    struct c2_holder holder = {.kind = kind,
                               .scopes = c2_scope_bit(C2_SCOPE_READ),
                               .roots = "foo\nrun-*\n",
                               .expires_ms = 5,
                               .created_ms = 3};

    snprintf(holder.name, sizeof(holder.name), "%s", name);
    snprintf(holder.label, sizeof(holder.label), "label of %s", name);
    snprintf(holder.password, sizeof(holder.password), "$argon2id$...");
    c2_secret_hash(c2_str_of(name), holder.hash);
    return holder;
}

static void what_is_added_is_read(void **state)
{
    struct c2_store *store = NULL;
    struct c2_holders holders = {0};
    struct cat2_error err;
    struct stat st;
    struct c2_holder user = made(C2_HOLDER_USER, "anna"), key = made(C2_HOLDER_KEY, "anna"),
                     more = made(C2_HOLDER_KEY, "b");

    assert_true(c2_store_read(path, &holders, &err) && holders.n == 0); /* no file, nobody */
    assert_true(c2_store_open(path, &store, &err));
    assert_true(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
    assert_true(c2_store_read(path, &holders, &err) && holders.n == 0);
    assert_true(c2_store_add(store, &more, &err) && c2_store_add(store, &user, &err) &&
                c2_store_add(store, &key, &err));
    assert_false(c2_store_add(store, &user, &err));
    assert_int_equal(err.code, CAT2_EINVAL);
    assert_true(c2_store_read(path, &holders, &err));
    assert_int_equal(holders.n, 3);
    const struct c2_holder *found = c2_holders_find(&holders, C2_HOLDER_KEY, C2_STR("anna"));
    assert_non_null(found);
    assert_memory_equal(found->hash, key.hash, sizeof(key.hash));
    assert_string_equal(found->roots, key.roots);
    assert_string_equal(found->label, "label of anna");
    assert_true(found->scopes == key.scopes && found->expires_ms == 5 && found->created_ms == 3 &&
                !found->revoked_ms);
    found = c2_holders_find(&holders, C2_HOLDER_USER, C2_STR("anna"));
    assert_non_null(found);
    assert_string_equal(found->password, user.password);
    assert_null(c2_holders_find(&holders, C2_HOLDER_USER, C2_STR("b")));
    assert_null(c2_holders_find(&holders, C2_HOLDER_KEY, C2_STR("an")));
    c2_store_close(store);
    c2_holders_fini(&holders);
}

static void what_changes_is_read(void **state)
{
    struct c2_store *store = NULL;
    struct c2_holders holders = {0};
    struct cat2_error err;
    struct c2_holder user = made(C2_HOLDER_USER, "anna"), key = made(C2_HOLDER_KEY, "k");

    assert_true(c2_store_open(path, &store, &err) && c2_store_add(store, &user, &err) &&
                c2_store_add(store, &key, &err));
    assert_true(c2_store_revoke(store, C2_STR("k"), 77, &err) &&
                c2_store_revoke(store, C2_STR("k"), 99, &err));
    assert_true(c2_store_set_password(store, C2_STR("anna"), "other", &err));
    assert_true(c2_store_read(path, &holders, &err));
    assert_int_equal(c2_holders_find(&holders, C2_HOLDER_KEY, C2_STR("k"))->revoked_ms, 77);
    assert_string_equal(c2_holders_find(&holders, C2_HOLDER_USER, C2_STR("anna"))->password, "other");
    assert_false(c2_store_revoke(store, C2_STR("anna"), 1, &err) ||
                 c2_store_set_password(store, C2_STR("k"), "x", &err));
    assert_int_equal(err.code, CAT2_ENOTFOUND);
    assert_true(c2_store_remove(store, C2_HOLDER_USER, C2_STR("anna"), &err));
    assert_false(c2_store_remove(store, C2_HOLDER_USER, C2_STR("anna"), &err));
    assert_true(c2_store_read(path, &holders, &err) && holders.n == 1);
    c2_store_close(store);
    c2_holders_fini(&holders);
}

static void a_damaged_or_foreign_file_leaves_the_list(void **state)
{
    struct c2_store *store = NULL;
    struct c2_holders holders = {0};
    struct cat2_error err;
    struct c2_holder key = made(C2_HOLDER_KEY, "k");

    assert_true(c2_store_open(path, &store, &err) && c2_store_add(store, &key, &err));
    c2_store_close(store);
    assert_true(c2_store_read(path, &holders, &err) && holders.n == 1);
    int fd = open(path, O_WRONLY);
    assert_true(pwrite(fd, "not SQLite", 10, 0) == 10 && close(fd) == 0);
    assert_false(c2_store_read(path, &holders, &err));
    assert_int_equal(err.code, CAT2_EDATA);
    assert_int_equal(holders.n, 1);
    assert_false(c2_store_open(path, &store, &err));
    c2_holders_fini(&holders);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_added_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(what_changes_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(a_damaged_or_foreign_file_leaves_the_list, setup, teardown),
    };
    struct cat2_error err;

    return !c2_secret_setup(&err) || cmocka_run_group_tests(tests, NULL, NULL);
}
