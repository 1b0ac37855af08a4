/* SPDX-License-Identifier: BSD-3-Clause */
/* What many datasets leave behind is settled some at a time: rows of the state are counted between turns. */
#include "base/base_testing.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fs.h"
#include "subscriber/mirror/dataset.h"
#include "subscriber/mirror/described.h"
#include "subscriber/mirror/roots.h"

#define DATASETS     3000
#define TURN_MAX     200 /* rows in a turn */
#define LINE_OF(gen) "{\"path\":\"d%05d.b2nd\",\"etag\":\"%d.0:7\",\"error\":\"not readable\"}", i, gen

static char folder[] = "/tmp/c2-later-XXXXXX";
static const struct c2_state_kind kind = {"t", "all"};
static struct c2_subscriber sub;
static struct c2_root_state root;
static struct {
    size_t rows, most, turns; /* now; changed in one turn at most; turns in which some changed */
    int ntold, nmany;
} seen;

static void free_rest(struct c2_subscriber *of)
{
    (void)of;
}

static void on_dataset(void *ctx, struct c2_root_state *of, const struct c2_ds *ds, const char *change)
{
    seen.ntold++;
    (void)ctx, (void)of, (void)ds, (void)change;
}

static void on_root(void *ctx, struct c2_root_state *of)
{
    (void)ctx, (void)of;
}

static void on_many(void *ctx, struct c2_root_state *of)
{
    seen.nmany++;
    (void)ctx, (void)of;
}

static int make(void **state)
{
    struct cat2_error err;

    (void)state;
    memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
    memset(&seen, 0, sizeof(seen));
    sub = (struct c2_subscriber){.free_rest = free_rest};
    root = (struct c2_root_state){.root = {.name = "r"}, .sub = &sub};
    sub.roots = &root;
    sub.watchers[0] = (struct c2_mirror_watcher){on_dataset, on_root, on_many, &seen};
    if (!mkdtemp(folder) || !c2_loop_new(&sub.config.loop, &err) ||
        !c2_state_open(folder, &kind, &sub.state, &err))
        return -1;
    sub.cachefd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    c2_root_event(&root, C2_ROOT_ON_FOLLOW);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    c2_sub_drop_all(&root, false);
    c2_sub_save_rest(&sub);
    c2_described_forget(&sub);
    c2_state_close(sub.state);
    close(sub.cachefd);
    c2_loop_free(sub.config.loop);
    c2_fs_remove_tree(folder);
    return 0;
}

static bool count_row(void *ctx, struct c2_str key, struct c2_str value, struct cat2_error *err)
{
    (void)key, (void)value, (void)err;
    ++*(size_t *)ctx;
    return true;
}

static size_t rows_of(const char *table)
{
    struct cat2_error err;
    size_t n = 0;

    assert_true(c2_state_each(sub.state, table, C2_STR(""), count_row, &n, &err));
    return n;
}

static void look(void *ctx)
{
    size_t rows = rows_of("datasets"), changed = rows > seen.rows ? rows - seen.rows : seen.rows - rows;

    (void)ctx;
    seen.turns += changed > 0;
    seen.most = changed > seen.most ? changed : seen.most;
    seen.rows = rows;
    if (!sub.unsaved_timer) c2_loop_stop(sub.config.loop);
}

/* Until nothing is due; and then there are so many rows. */
static void run_to(size_t rows)
{
    seen.rows = rows_of("datasets");
    seen.most = seen.turns = 0;
    struct c2_timer *looker = c2_timer_start(sub.config.loop, 1, 1, look, NULL);
    c2_loop_run(sub.config.loop);
    c2_timer_stop(looker);
    assert_int_equal(seen.rows, rows);
}

/* Its list is n datasets of this generation. */
static void take_list(int n, int gen)
{
    struct c2_ds **list = calloc((size_t)n + 1, sizeof(*list));
    struct cat2_error err;

    assert_non_null(list);
    for (int i = 0; i < n; i++) {
        char line[200];
        int len = snprintf(line, sizeof(line), LINE_OF(gen));
        assert_true(c2_ds_from_line(&root, (struct c2_str){line, (size_t)len}, true, &list[i], &err));
    }
    assert_true(c2_sub_take_list(&root, list, (size_t)n, &err));
    for (int i = 0; i < n; i++)
        c2_ds_unref(list[i]);
    free(list);
    c2_root_event(&root, C2_ROOT_ON_LISTED);
}

static void assert_some_at_a_time(void)
{
    assert_in_range(seen.most, 1, TURN_MAX);
    assert_true(seen.turns >= (DATASETS - C2_SAVED_AT_ONCE) / TURN_MAX);
}

static void leave(void)
{
    struct cat2_error err;

    assert_true(c2_sub_mark_unsaved(&root, &err));
    c2_sub_drop_all(&root, true);
    c2_root_event(&root, C2_ROOT_ON_LEAVE);
}

static void a_long_list_is_written_and_what_is_gone_removed_some_at_a_time(void **state)
{
    take_list(DATASETS, 1);
    run_to(DATASETS);
    assert_some_at_a_time();
    assert_int_equal(rows_of("unsaved"), 0);
    size_t alive = sub.ndatasets;
    assert_int_equal(alive, DATASETS);
    take_list(0, 0);
    assert_int_equal(sub.ndatasets,
                     alive - C2_SAVED_AT_ONCE); /* the others are freed as they are forgotten */
    run_to(0);
    assert_some_at_a_time();
    assert_int_equal(sub.ndatasets, 0);
    assert_int_equal(seen.ntold, DATASETS); /* of the first list nothing, then each */
}

static void a_root_that_is_left_is_forgotten_some_at_a_time(void **state)
{
    take_list(DATASETS, 1);
    run_to(DATASETS);
    leave();
    assert_int_equal(rows_of("datasets"), DATASETS);
    run_to(0);
    assert_some_at_a_time();
    assert_int_equal(sub.ndatasets, 0);
    assert_int_equal(rows_of("unsaved"), 0);
}

static void a_root_that_is_followed_again_keeps_what_is_listed_now(void **state)
{
    take_list(DATASETS, 1);
    run_to(DATASETS);
    leave();
    c2_root_event(&root, C2_ROOT_ON_FOLLOW);
    take_list(DATASETS / 2, 2);
    run_to(DATASETS / 2);
    assert_int_equal(rows_of("unsaved"), 0);
    assert_int_equal(sub.ndatasets, DATASETS / 2);
}

static void a_mark_removes_what_is_left_at_the_next_start(void **state)
{
    struct cat2_error err;

    take_list(DATASETS, 1);
    run_to(DATASETS);
    leave();
    assert_true(c2_sub_remove_unsaved(&sub, &err)); /* as after kill -9 */
    assert_int_equal(rows_of("datasets"), 0);
    assert_int_equal(rows_of("unsaved"), 0);
}

static void more_changes_than_are_kept_are_told_as_one(void **state)
{
    uint64_t changes;

    take_list(C2_TOLD_EACH_MAX + 1, 1);
    changes = root.changes;
    take_list(C2_TOLD_EACH_MAX, 2);
    assert_int_equal(seen.ntold, 0);
    assert_int_equal(seen.nmany, 1);
    assert_true(root.changes > changes);
    take_list(C2_TOLD_EACH_MAX, 3);
    assert_int_equal(seen.ntold, C2_TOLD_EACH_MAX);
    assert_int_equal(seen.nmany, 1);
}

#define later_test(fn) cmocka_unit_test_setup_teardown(fn, make, drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        later_test(a_long_list_is_written_and_what_is_gone_removed_some_at_a_time),
        later_test(a_root_that_is_left_is_forgotten_some_at_a_time),
        later_test(a_root_that_is_followed_again_keeps_what_is_listed_now),
        later_test(a_mark_removes_what_is_left_at_the_next_start),
        later_test(more_changes_than_are_kept_are_told_as_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
