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

/* An access file that is not there yet, and who looks at it. */
struct site {
    char dir[32], file[64];
    struct c2_loop *loop;
    struct c2_access *access;
};

static void site_init(struct site *site)
{
    struct cat2_error err;

    snprintf(site->dir, sizeof(site->dir), "/tmp/c2-who-XXXXXX");
    assert_non_null(mkdtemp(site->dir));
    snprintf(site->file, sizeof(site->file), "%s/access.sqlite3", site->dir);
    const struct c2_access_options options = {.file = site->file};
    assert_true(c2_loop_new(&site->loop, &err));
    assert_true(c2_access_new(site->loop, NULL, &options, &site->access, &err));
    assert_int_equal(site->access->holders.n, 0);
}

static void site_fini(struct site *site)
{
    c2_access_free(site->access);
    c2_loop_free(site->loop);
    unlink(site->file);
    rmdir(site->dir);
}

static void each_change_is_seen_with_the_next_look(void **state)
{
    struct site site;
    char name[16];

    (void)state;
    site_init(&site);
    const struct c2_access *access = site.access;
    for (int i = 0; i < 100; i++) { /* in less time than any clock of files tells apart */
        snprintf(name, sizeof(name), "key%d", i);
        add(site.file, name);
        c2_access_look(site.access);
        assert_int_equal(access->holders.n, i + 1);
        uint64_t generation = access->generation;
        c2_access_look(site.access);
        assert_int_equal(access->generation, generation); /* and not read again for nothing */
    }
    site_fini(&site);
}

static void another_file_in_its_place_is_seen(void **state)
{
    struct site site;
    char aside[80];

    (void)state;
    site_init(&site);
    const struct c2_access *access = site.access;
    snprintf(aside, sizeof(aside), "%s.aside", site.file);
    add(site.file, "one");
    c2_access_look(site.access);
    assert_int_equal(rename(site.file, aside), 0);
    c2_access_look(site.access);
    assert_int_equal(access->holders.n, 0);
    add(site.file, "two");
    add(site.file, "three");
    c2_access_look(site.access);
    assert_int_equal(access->holders.n, 2);
    FILE *broken = fopen(site.file, "r+");
    assert_true(broken && fputs("no database at all", broken) > 0 && fclose(broken) == 0);
    c2_access_look(site.access);
    assert_int_equal(access->holders.n, 2); /* as they were */
    assert_int_equal(rename(aside, site.file), 0);
    c2_access_look(site.access);
    assert_int_equal(access->holders.n, 1);
    site_fini(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_change_is_seen_with_the_next_look),
        cmocka_unit_test(another_file_in_its_place_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
