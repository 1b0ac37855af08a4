/* SPDX-License-Identifier: BSD-3-Clause */
/* Lists are told apart path by path; what has no etag, or comes from another kind of publisher, has changed.
 */
#include "base/base_testing.h"
#include "subscriber/mirror/merge.h"

#define MAX 8
struct list {
    struct c2_ds ds[MAX];
    char path[MAX][8], line[MAX][8];
    struct c2_ds *at[MAX];
    size_t n;
};
static uint64_t serials;

/* "a1 b2": path a of generation 1, ... A generation 0 has no etag. */
static void fill(struct list *list, const char *text, enum c2_ds_life life)
{
    static char etags[10][2];

    memset(list, 0, sizeof(*list));
    for (; *text; text += text[2] ? 3 : 2, list->n++) {
        struct c2_ds *ds = &list->ds[list->n];
        char *etag = etags[text[1] - '0'];
        etag[0] = text[1] == '0' ? '\0' : text[1];
        list->path[list->n][0] = text[0];
        memcpy(list->line[list->n], text, 2);
        *ds = (struct c2_ds){.life = life, .etag = etag, .serial = ++serials};
        ds->path = list->path[list->n];
        ds->line = list->line[list->n];
        list->at[list->n] = ds;
    }
}

/* "=a +b -c *d": kept, new, removed, changed. */
static void expect(struct list *old, struct list *found, const char *expected)
{
    static const char signs[] = {
        [C2_MERGE_KEPT] = '=', [C2_MERGE_CHANGED] = '*', [C2_MERGE_NEW] = '+', [C2_MERGE_REMOVED] = '-'};
    struct c2_merge merge = {old->at, old->n, found->at, found->n};
    struct c2_merge_step step;
    char text[100] = "";
    size_t n = 0;

    while (c2_merge_next(&merge, &step)) {
        const struct c2_ds *ds = step.found ? step.found : step.old;
        assert_true((step.old != NULL) == (step.change != C2_MERGE_NEW));
        assert_true((step.found != NULL) == (step.change != C2_MERGE_REMOVED));
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%c%s", n ? " " : "", signs[step.change],
                              ds->path);
    }
    assert_string_equal(text, expected);
}

static void check(const char *old_text, const char *found_text, const char *expected)
{
    struct list old, found;

    fill(&old, old_text, C2_DS_LISTED);
    fill(&found, found_text, C2_DS_FOUND);
    c2_merge_sort(found.at, found.n);
    expect(&old, &found, expected);
}

static void each_path_is_kept_changed_new_or_removed(void **state)
{
    check("", "", "");
    check("", "a1 b1", "+a +b");
    check("a1 b1", "", "-a -b");
    check("a1 b1", "a1 b1", "=a =b");
    check("b1 c1 d1 f1", "a1 c1 d2 e1", "+a -b =c *d +e -f");
    check("a1", "b1", "-a +b");
    check("b1", "a1", "+a -b");
}

static void the_order_of_a_listing_does_not_matter(void **state)
{
    check("a1 c1", "d1 c2 a1 b1", "=a +b *c +d");
}

static void of_a_path_listed_twice_the_later_line_counts(void **state)
{
    check("a1", "a2 a1", "=a");
    check("a1", "a1 a2", "*a");
    check("", "b1 a1 a2 a3", "+a +b");
}

static void without_an_etag_nothing_is_known_to_be_the_same(void **state)
{
    check("a0", "a0", "*a");
}

static void another_kind_of_publisher_is_a_change(void **state)
{
    struct list old, found;

    fill(&old, "a1", C2_DS_LISTED);
    fill(&found, "a1", C2_DS_FOUND);
    found.ds[0].speaks_pieces = true;
    expect(&old, &found, "*a");
}

static void what_has_been_listed_before_takes_the_place_of_nothing(void **state)
{
    struct list old, found;

    fill(&old, "a0 b2", C2_DS_LISTED);
    fill(&found, "a0 b1", C2_DS_REPLACED);
    found.at[0] = old.at[0]; /* the object itself */
    expect(&old, &found, "=a =b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_path_is_kept_changed_new_or_removed),
        cmocka_unit_test(the_order_of_a_listing_does_not_matter),
        cmocka_unit_test(of_a_path_listed_twice_the_later_line_counts),
        cmocka_unit_test(without_an_etag_nothing_is_known_to_be_the_same),
        cmocka_unit_test(another_kind_of_publisher_is_a_change),
        cmocka_unit_test(what_has_been_listed_before_takes_the_place_of_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
