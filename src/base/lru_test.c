/* SPDX-License-Identifier: BSD-3-Clause */
/* What is remembered, against a plain list in order of use. */
#include "base/base_testing.h"

#include "base/lru.h"

#define NAMES 60

static struct c2_blob *blob_of(int value, size_t n)
{
    struct c2_buf bytes = C2_BUF_INIT(1 << 20);
    struct cat2_error err = {0};

    assert_true(c2_buf_resize(&bytes, n, &err));
    memset(bytes.p, value, n);
    return c2_blob_new(&bytes);
}

static void put(struct c2_lru *lru, const char *name, int value, size_t n)
{
    struct c2_blob *blob = blob_of(value, n);

    c2_lru_put(lru, c2_str_of(name), blob, name);
    c2_blob_unref(blob);
}

static void what_was_put_is_found_with_its_tag(void **state)
{
    struct c2_lru *lru = c2_lru_new(1 << 20, 1 << 20);
    const char *tag = NULL;

    assert_null(c2_lru_get(lru, C2_STR("a"), &tag));
    put(lru, "a", 1, 100);
    put(lru, "b", 2, 100);
    put(lru, "a", 3, 200);
    struct c2_str oldest;
    assert_true(c2_lru_oldest(lru, &oldest) && c2_str_is(oldest, "b"));
    struct c2_blob *blob = c2_lru_get(lru, C2_STR("a"), &tag);
    assert_non_null(blob);
    assert_true(blob->bytes.n == 200 && blob->bytes.p[0] == 3);
    assert_string_equal(tag, "a");
    assert_null(c2_lru_get(lru, (struct c2_str){"a\0", 2}, NULL));
    c2_blob_ref(blob);
    c2_lru_free(lru);
    assert_int_equal(blob->bytes.p[199], 3); /* whoever holds it keeps it */
    c2_blob_unref(blob);
    c2_lru_free(NULL);
}

static void what_is_too_large_is_not_remembered(void **state)
{
    struct c2_lru *lru = c2_lru_new(10000, 1000);

    put(lru, "a", 1, 100);
    put(lru, "b", 1, 1000);
    assert_null(c2_lru_get(lru, C2_STR("b"), NULL));
    put(lru, "a", 2, 1000); /* and what was there is out of date */
    assert_null(c2_lru_get(lru, C2_STR("a"), NULL));
    assert_int_equal(c2_lru_nbytes(lru), 0);
    c2_lru_free(lru);
}

static void the_least_recently_used_goes_first(void **state)
{
    struct c2_lru *lru = c2_lru_new(20000, 3000);
    int names[NAMES], values[NAMES], n = 0, room; /* by use, the newest first */
    char text[16];

    put(lru, "name 00", 0, 500);
    room = (int)(20000 / c2_lru_nbytes(lru));
    assert_true(room > 5 && room < NAMES);
    names[n] = values[n] = 0;
    n++;
    for (int step = 0; step < 20000; step++) {
        int name = (int)random_below(NAMES), value = (int)random_below(250), at = 0;
        bool write = random_below(3) == 0;
        snprintf(text, sizeof(text), "name %02d", name);
        while (at < n && names[at] != name)
            at++;
        struct c2_blob *blob = write ? NULL : c2_lru_get(lru, c2_str_of(text), NULL);
        if (write) put(lru, text, value, 500);
        if (!write) assert_int_equal(blob != NULL, at < n);
        if (blob) assert_int_equal(blob->bytes.p[0], value = values[at]);
        if (!write && !blob) continue;
        if (at == n) n += n < room;
        for (int k = at < n ? at : n - 1; k > 0; k--) {
            names[k] = names[k - 1];
            values[k] = values[k - 1];
        }
        names[0] = name;
        values[0] = value;
        assert_true(c2_lru_nbytes(lru) <= 20000);
    }
    c2_lru_free(lru);
}

static void very_many_are_found_each(void **state)
{
    struct c2_lru *lru = c2_lru_new(8 << 20, 1 << 20);
    char name[20];

    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof(name), "%d", i);
        put(lru, name, i % 250, 3);
    }
    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof(name), "%d", i);
        struct c2_blob *blob = c2_lru_get(lru, c2_str_of(name), NULL);
        assert_non_null(blob);
        assert_int_equal(blob->bytes.p[0], i % 250);
    }
    c2_lru_free(lru);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_was_put_is_found_with_its_tag),
                                       cmocka_unit_test(very_many_are_found_each),
                                       cmocka_unit_test(what_is_too_large_is_not_remembered),
                                       cmocka_unit_test(the_least_recently_used_goes_first)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
