/* SPDX-License-Identifier: BSD-3-Clause */
/* An array that is open stays what it was: what has changed is not read. */
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/base_testing.h"
#include "base/fs.h"
#include "publisher/source/container.h"

struct scene {
    char root[64], statedir[80];
    int dir;
    struct c2_gens *gens;
    struct c2_source *source;
    struct c2_codec *codec;
    struct cat2_error err;
};

static void write_file(struct scene *s, const char *rel, const char *text)
{
    if (!c2_fs_replace(s->dir, rel, c2_bytes_of(c2_str_of(text)), &s->err)) fail_msg("%s", s->err.message);
}

/* Six items of one byte in chunks of two, "ab" and "ef"; the middle is not stored. */
static int open_scene(void **state)
{
    struct scene *s = calloc(1, sizeof(*s));

    assert_non_null(s);
    c2_codec_setup();
    snprintf(s->root, sizeof(s->root), "/tmp/c2-zarr-XXXXXX");
    assert_non_null(mkdtemp(s->root));
    snprintf(s->statedir, sizeof(s->statedir), "%s.state", s->root);
    s->dir = c2_fs_open_dir(s->root, false, &s->err);
    assert_int_equal(mkdirat(s->dir, "x.zarr", 0777) | mkdirat(s->dir, "x.zarr/a", 0777), 0);
    write_file(s, "x.zarr/.zgroup", "{\"zarr_format\":2}");
    write_file(s, "x.zarr/a/.zarray",
               "{\"zarr_format\":2,\"shape\":[6],\"chunks\":[2],\"dtype\":\"|u1\",\"compressor\":null,"
               "\"filters\":null,\"order\":\"C\",\"fill_value\":46}");
    write_file(s, "x.zarr/a/0", "ab");
    write_file(s, "x.zarr/a/2", "ef");
    s->codec = c2_codec_new();
    s->gens = c2_gens_new();
    assert_true(c2_source_new(s->root, s->statedir, false, NULL, s->gens, &s->source, &s->err));
    *state = s;
    return 0;
}

static int close_scene(void **state)
{
    struct scene *s = *state;

    c2_source_free(s->source);
    c2_gens_unref(s->gens);
    c2_codec_free(s->codec);
    close(s->dir);
    c2_fs_remove_tree(s->root);
    c2_fs_remove_tree(s->statedir);
    free(s);
    return 0;
}

/* As soon as no write can be under way. */
static struct c2_item *open_array(struct scene *s)
{
    const struct timespec pause = {0, 20000000};
    struct c2_item *item;

    while (!c2_source_open(s->source, "x.zarr/a.b2nd", s->codec, &item, &s->err)) {
        if (!c2_is_busy(&s->err)) fail_msg("%s", s->err.message);
        nanosleep(&pause, NULL);
    }
    return item;
}

/* The items of a chunk; "" and s->err: it cannot be read. */
static const char *chunk(struct scene *s, struct c2_item *item, int64_t nchunk, char text[3])
{
    C2_AUTO(c2_buf) bytes = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);

    text[0] = text[2] = '\0';
    if (c2_item_chunk(item, nchunk, &bytes, &s->err) &&
        !c2_codec_decode(s->codec, item->meta, c2_buf_bytes(&bytes), (uint8_t *)text, &s->err))
        fail_msg("%s", s->err.message);
    return text;
}

static void chunks_are_those_of_the_files_or_full_of_the_fill_value(void **state)
{
    struct scene *s = *state;
    struct c2_item *item = open_array(s);
    char text[3];

    assert_string_equal(chunk(s, item, 0, text), "ab");
    assert_string_equal(chunk(s, item, 1, text), "..");
    assert_string_equal(chunk(s, item, 2, text), "ef");
    assert_string_equal(chunk(s, item, 3, text), "");
    assert_int_equal(s->err.code, CAT2_EINVAL);
    c2_item_unref(item);
}

static void a_chunk_that_has_changed_is_not_read_and_the_others_are(void **state)
{
    struct scene *s = *state;
    struct c2_item *item = open_array(s);
    struct c2_generation before, after;
    char text[3];

    assert_true(c2_source_stat(s->source, "x.zarr/a.b2nd", &before, &s->err));
    assert_string_equal(before.validator, item->gen.validator);
    write_file(s, "x.zarr/a/0", "AB");
    write_file(s, "x.zarr/a/1", "CD"); /* was missing */
    assert_true(c2_fs_remove(s->dir, "x.zarr/a/2", &s->err));
    for (int i = 0; i < 3; i++) {
        assert_string_equal(chunk(s, item, i, text), "");
        assert_int_equal(s->err.code, CAT2_ECHANGED);
    }
    assert_true(c2_source_stat(s->source, "x.zarr/a.b2nd", &after, &s->err));
    assert_string_not_equal(before.validator, after.validator);
    c2_item_unref(item);
    item = open_array(s);
    assert_string_equal(chunk(s, item, 0, text), "AB");
    assert_string_equal(chunk(s, item, 1, text), "CD");
    assert_string_equal(chunk(s, item, 2, text), "..");
    write_file(s, "x.zarr/a/2", "EF");
    assert_string_equal(chunk(s, item, 0, text), "AB"); /* the file is the same */
    c2_item_unref(item);
}

static void other_metadata_is_another_generation(void **state)
{
    struct scene *s = *state;
    struct c2_item *item = open_array(s);

    assert_true(c2_item_check(item, &s->err));
    write_file(s, "x.zarr/a/.zattrs", "{\"units\":\"m\"}");
    assert_false(c2_item_check(item, &s->err));
    assert_int_equal(s->err.code, CAT2_ECHANGED);
    c2_item_unref(item);
    item = open_array(s);
    assert_string_equal(c2_buf_cstr(&item->meta->vlmeta), "{\"units\":\"m\"}");
    c2_item_unref(item);
}

static void what_is_in_an_array_is_none(void **state)
{
    struct scene *s = *state;
    struct c2_generation gen;

    assert_int_equal(mkdirat(s->dir, "x.zarr/a/b", 0777), 0);
    write_file(s, "x.zarr/a/b/.zarray", "{}");
    assert_false(c2_source_stat(s->source, "x.zarr/a/b.b2nd", &gen, &s->err));
    assert_int_equal(s->err.code, CAT2_ENOTFOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_scene, close_scene)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(chunks_are_those_of_the_files_or_full_of_the_fill_value),
                                       TEST(a_chunk_that_has_changed_is_not_read_and_the_others_are),
                                       TEST(other_metadata_is_another_generation),
                                       TEST(what_is_in_an_array_is_none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
