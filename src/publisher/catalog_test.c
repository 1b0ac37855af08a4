/* SPDX-License-Identifier: BSD-3-Clause */
/* The catalog over a directory: it knows, notices and forgets; loop and pool are real, nothing sleeps. */
#include <stdatomic.h>
#include <unistd.h>

#include "base/base_testing.h"
#include "base/fs.h"
#include "publisher/catalog.h"
#include "publisher/generations/generations.h"

struct scene {
    char root[64], statedir[80];
    int dir;
    struct c2_source *source;
    struct c2_loop *loop;
    struct c2_pool *pool;
    struct c2_catalog *cat;
    struct c2_gens *gens;
    struct c2_entry *entry;
    struct cat2_error err;
    bool answered;
};

static void *codec_new(void)
{
    return c2_codec_new();
}
static void codec_free(void *codec)
{
    c2_codec_free(codec);
}

static void write_file(struct scene *s, const char *rel, const char *text)
{
    assert_true(c2_fs_replace(s->dir, rel, c2_bytes_of(c2_str_of(text)), &s->err));
}

static int open_scene(void **state)
{
    struct scene *s = calloc(1, sizeof(*s));

    assert_non_null(s);
    snprintf(s->root, sizeof(s->root), "/tmp/c2-catalog-XXXXXX");
    assert_non_null(mkdtemp(s->root));
    snprintf(s->statedir, sizeof(s->statedir), "%s.state", s->root);
    s->dir = c2_fs_open_dir(s->root, false, &s->err);
    c2_codec_setup();
    s->gens = c2_gens_new();
    assert_true(c2_loop_new(&s->loop, &s->err));
    assert_true(c2_pool_new(s->loop, 2, codec_new, codec_free, &s->pool, &s->err));
    assert_true(c2_source_dir_new(s->root, s->statedir, false, s->gens, &s->source, &s->err));
    assert_true(c2_catalog_new(s->loop, s->pool, s->source, &s->cat, &s->err));
    *state = s;
    return 0;
}

static int close_scene(void **state)
{
    struct scene *s = *state;

    c2_catalog_close(s->cat);
    c2_pool_free(s->pool);
    c2_loop_free(s->loop);
    c2_gens_unref(s->gens);
    close(s->dir);
    c2_fs_remove_tree(s->statedir);
    c2_fs_remove_tree(s->root);
    free(s);
    return 0;
}

static void on_look(void *ctx, const struct cat2_error *err)
{
    struct scene *s = ctx;

    s->answered = err == NULL;
    c2_loop_stop(s->loop);
}

static void on_got(void *ctx, struct c2_entry *entry, const struct cat2_error *err)
{
    struct scene *s = ctx;

    s->entry = entry;
    if (err) s->err = *err;
    c2_loop_stop(s->loop);
}

static void look(struct scene *s)
{
    s->answered = false;
    c2_catalog_rescan(s->cat, on_look, s);
    c2_loop_run(s->loop);
    assert_true(s->answered);
}

static struct c2_entry *ask(struct scene *s, const char *path)
{
    c2_catalog_get(s->cat, path, C2_NEED_ITEM, on_got, s);
    c2_loop_run(s->loop);
    return s->entry;
}

static void a_new_generation_is_noticed_when_asked_for(void **state)
{
    struct scene *s = *state;
    char etag[64];

    write_file(s, "a.txt", "one");
    look(s);
    assert_int_equal(c2_catalog_count(s->cat), 1);
    assert_non_null(ask(s, "a.txt"));
    assert_int_equal(s->entry->item->meta->nbytes, 3);
    memcpy(etag, s->entry->gen.etag, sizeof(etag));
    write_file(s, "a.txt", "three");
    assert_non_null(ask(s, "a.txt"));
    assert_int_equal(s->entry->item->meta->nbytes, 5);
    assert_string_not_equal(s->entry->gen.etag, etag);
}

static void what_is_removed_is_forgotten(void **state)
{
    struct scene *s = *state;

    write_file(s, "a.txt", "one");
    look(s);
    assert_true(c2_fs_remove(s->dir, "a.txt", &s->err));
    assert_null(ask(s, "a.txt"));
    assert_int_equal(s->err.code, CAT2_ENOTFOUND);
    /* Work on it that is under way keeps its entry until it is done: no more than a few rounds of the loop.
     */
    for (int i = 0; i < 1000 && c2_catalog_count(s->cat) > 0; i++)
        look(s);
    assert_int_equal(c2_catalog_count(s->cat), 0);
}

static void a_removed_dataset_does_not_come_back_with_late_work(void **state)
{
    struct scene *s = *state;

    for (int round = 0; round < 50; round++) {
        write_file(s, "a.txt", round % 2 ? "one" : "three");
        look(s); /* starts loading it in the background */
        assert_true(c2_fs_remove(s->dir, "a.txt", &s->err));
        assert_null(ask(s, "a.txt"));
        for (int i = 0; i < 10; i++) {
            look(s);
            struct c2_entry *entry = c2_catalog_find(s->cat, "a.txt");
            assert_true(!entry || entry->gone);
        }
    }
}

static atomic_int nchanges; /* while the dataset is opened */
static const struct c2_source_ops *real;

static bool open_changing(struct c2_source *source, const char *path, struct c2_codec *codec,
                          struct c2_item **out, struct cat2_error *err)
{
    if (atomic_fetch_sub(&nchanges, 1) > 0) return c2_fail(err, CAT2_ECHANGED, "it changed");
    return real->open(source, path, codec, out, err);
}

static void what_changes_while_it_is_loaded_is_loaded_again(void **state)
{
    struct scene *s = *state;
    struct c2_source_ops ops = *s->source->ops;

    real = s->source->ops;
    ops.open = open_changing;
    write_file(s, "a.txt", "one");
    atomic_store(&nchanges, 3);
    s->source->ops = &ops;
    assert_non_null(ask(s, "a.txt"));
    s->source->ops = real;
}

static void a_broken_dataset_stays_listed_with_its_reason(void **state)
{
    struct scene *s = *state;

    write_file(s, "bad.b2nd", "no frame");
    look(s);
    assert_null(ask(s, "bad.b2nd"));
    assert_int_equal(s->err.code, CAT2_EDATA);
    assert_non_null(c2_catalog_find(s->cat, "bad.b2nd"));
    assert_true(c2_catalog_find(s->cat, "bad.b2nd")->failed);
}

static void few_are_kept_that_no_look_lists(void **state)
{
    struct scene *s = *state;
    char up[80], path[120];

    snprintf(up, sizeof(up), "%s/up", s->root);
    assert_int_equal(symlink(".", up), 0); /* leads to all files again, by any number of names */
    for (int i = 0; i < 40; i++) {
        snprintf(path, sizeof(path), "%02d.txt", i);
        write_file(s, path, "one");
    }
    look(s);
    size_t n = c2_catalog_count(s->cat); /* of the link, too */
    for (int depth = 1; depth <= 10; depth++)
        for (int i = 0; i < 40; i++) {
            for (int k = 0; k < depth; k++)
                memcpy(path + 3 * k, "up/", 3);
            snprintf(path + 3 * depth, sizeof(path) - 3 * (size_t)depth, "%02d.txt", i);
            for (int k = 0; k < 10 && !ask(s, path); k++)
                ; /* a look at files that are new came between */
            assert_non_null(s->entry);
            assert_true(c2_catalog_count(s->cat) <= n + 256);
        }
    assert_non_null(c2_catalog_find(s->cat, path));
    look(s);
    for (int i = 0; i < 1000 && c2_catalog_count(s->cat) > n; i++)
        look(s);
    assert_int_equal(c2_catalog_count(s->cat), n);
}

static atomic_int walk_ms;

static bool walk_slowly(struct c2_source *source, c2_source_sink *sink, void *ctx, struct cat2_error *err)
{
    usleep(1000 * (useconds_t)atomic_load(&walk_ms));
    return real->walk(source, sink, ctx, err);
}

static void looks_for_what_is_not_listed_take_a_share_of_the_time(void **state)
{
    struct scene *s = *state;
    struct c2_source_ops ops = *s->source->ops;

    real = s->source->ops;
    ops.walk = walk_slowly;
    write_file(s, "a.txt", "one");
    s->source->ops = &ops;
    atomic_store(&walk_ms, 20);
    for (int i = 0; i < 2; i++) { /* the second a little later */
        s->answered = false;
        assert_true(c2_catalog_look_for(s->cat, on_look, s));
        c2_loop_run(s->loop);
        assert_true(s->answered);
    }
    atomic_store(&walk_ms, 300);
    s->answered = false;
    assert_true(c2_catalog_look_for(s->cat, on_look, s));
    c2_loop_run(s->loop);
    assert_true(s->answered);
    assert_false(c2_catalog_look_for(s->cat, on_look, s)); /* not within two seconds */
    look(s);                                               /* others are not held up */
    s->source->ops = real;
}

static void what_owes_an_announcement_is_in_line_once(void **state)
{
    struct scene *s = *state;
    struct c2_entry *a, *b, *c;

    assert_non_null(a = c2_catalog_remember(s->cat, "a", ""));
    assert_non_null(b = c2_catalog_remember(s->cat, "b", ""));
    assert_non_null(c = c2_catalog_remember(s->cat, "c", ""));
    c2_catalog_owe(s->cat, c);
    c2_catalog_owe(s->cat, a);
    c2_catalog_owe(s->cat, c); /* it keeps its place */
    c2_catalog_owe(s->cat, b);
    c2_catalog_drop(s->cat, a);
    assert_ptr_equal(c2_catalog_next_owing(s->cat), c);
    assert_ptr_equal(c2_catalog_next_owing(s->cat), b);
    assert_null(c2_catalog_next_owing(s->cat));
    c2_catalog_owe(s->cat, c); /* once more */
    assert_ptr_equal(c2_catalog_next_owing(s->cat), c);
}

static void etags_are_pythons(void **state)
{
    (void)state;
    char text[64];

    assert_true(c2_etag_format(1714000000, 7, text));
    assert_string_equal(text, "1714000000.0:7");
    assert_true(c2_etag_format(1714000000.25, 0, text));
    assert_string_equal(text, "1714000000.25:0");
    assert_true(c2_etag_format(1714000029 + 1e-9 * 123456700, 5, text));
    assert_string_equal(text, "1714000029.1234567:5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(etags_are_pythons),
        cmocka_unit_test_setup_teardown(a_new_generation_is_noticed_when_asked_for, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(what_is_removed_is_forgotten, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_removed_dataset_does_not_come_back_with_late_work, open_scene,
                                        close_scene),
        cmocka_unit_test_setup_teardown(what_changes_while_it_is_loaded_is_loaded_again, open_scene,
                                        close_scene),
        cmocka_unit_test_setup_teardown(a_broken_dataset_stays_listed_with_its_reason, open_scene,
                                        close_scene),
        cmocka_unit_test_setup_teardown(few_are_kept_that_no_look_lists, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(looks_for_what_is_not_listed_take_a_share_of_the_time, open_scene,
                                        close_scene),
        cmocka_unit_test_setup_teardown(what_owes_an_announcement_is_in_line_once, open_scene, close_scene)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
