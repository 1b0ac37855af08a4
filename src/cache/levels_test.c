/* SPDX-License-Identifier: BSD-3-Clause */
/* Tiles that are kept come back, also after a restart; of one generation, and none that was damaged. */
#include "blosc/blosc_testing.h"

#include <fcntl.h>

#include "base/fs.h"
#include "cache/levels.h"

#define REL    "r/~levels/~0/1-0-mean.b2nd"
#define FOLDER "r/~levels/~0"

static char dir[] = "/tmp/c2-levels-XXXXXX";
static struct c2_codec *codec;
static int dirfd;

static int start(void **state)
{
    struct cat2_error err;

    (void)state;
    c2_codec_setup();
    codec = c2_codec_new();
    if (!codec || !mkdtemp(dir)) return -1;
    dirfd = c2_fs_open_dir(dir, false, &err);
    return dirfd < 0;
}

static int end(void **state)
{
    (void)state;
    c2_levels_folder_remove(dirfd, FOLDER);
    unlinkat(dirfd, "r/~levels", AT_REMOVEDIR);
    unlinkat(dirfd, "r", AT_REMOVEDIR);
    close(dirfd);
    c2_codec_free(codec);
    return rmdir(dir);
}

static void fill(double *tile, double from)
{
    for (int i = 0; i < C2_LEVELS_TILE; i++)
        tile[i] = from + i;
}

static double tiles[2][C2_LEVELS_TILE];

static bool is_there(struct c2_levels *levels, int64_t n, double from)
{
    fill(tiles[0], from);
    return c2_levels_get(levels, codec, n, (uint8_t *)tiles[1]) &&
           memcmp(tiles[0], tiles[1], sizeof(tiles[0])) == 0;
}

static void put(struct c2_levels *levels, int64_t n, double from)
{
    struct cat2_error err = {0};

    fill(tiles[0], from);
    if (!c2_levels_put(levels, codec, n, (const uint8_t *)tiles[0], &err)) fail_msg("%s", err.message);
}

static void tiles_outlive_who_made_them(void **state)
{
    struct c2_levels *levels = c2_levels_new(dirfd, REL, "one", 40);

    c2_levels_look(levels);
    assert_false(c2_levels_has(levels, 7) || is_there(levels, 7, 1));
    assert_int_equal(c2_levels_folder_nbytes(dirfd, FOLDER), 0); /* looking makes no file */
    put(levels, 7, 1);
    put(levels, 39, 2);
    assert_true(c2_levels_has(levels, 7) && is_there(levels, 7, 1) && is_there(levels, 39, 2));
    assert_false(c2_levels_has(levels, 8) || c2_levels_has(levels, -1));
    c2_levels_unref(levels);
    levels = c2_levels_new(dirfd, REL, "one", 40);
    assert_false(c2_levels_has(levels, 7)); /* nobody has looked */
    c2_levels_look(levels);
    assert_true(c2_levels_has(levels, 7) && is_there(levels, 7, 1) && is_there(levels, 39, 2));
    assert_true(c2_levels_nbytes(levels) > 0);
    assert_true(c2_levels_folder_nbytes(dirfd, FOLDER) >= c2_levels_nbytes(levels));
    c2_levels_unref(levels);
}

static void another_generation_finds_nothing(void **state)
{
    struct c2_levels *levels = c2_levels_new(dirfd, REL, "two", 40), *more;

    c2_levels_look(levels);
    assert_false(c2_levels_has(levels, 7));
    put(levels, 7, 5);
    assert_true(is_there(levels, 7, 5) && !c2_levels_has(levels, 39));
    more = c2_levels_new(dirfd, REL, "two", 41); /* planes of another number: none of ours */
    c2_levels_look(more);
    assert_false(c2_levels_has(more, 7));
    c2_levels_unref(more);
    c2_levels_unref(levels);
}

static void a_damaged_tile_is_none(void **state)
{
    struct c2_levels *levels = c2_levels_new(dirfd, REL, "two", 40);
    struct cat2_error err;
    uint8_t bytes[4096] = {0};

    c2_levels_look(levels);
    assert_true(is_there(levels, 7, 5));
    int fd = c2_fs_open(dirfd, REL, O_RDWR, &err);
    off_t at = lseek(fd, 100 << 10, SEEK_DATA); /* beyond the header: the tile */
    assert_true(fd >= 0 && at > 0);
    assert_int_equal(pwrite(fd, bytes, sizeof(bytes), at + 8192), sizeof(bytes));
    close(fd);
    assert_false(is_there(levels, 7, 5));
    assert_false(c2_levels_has(levels, 7));
    put(levels, 7, 6);
    assert_true(is_there(levels, 7, 6));
    c2_levels_unref(levels);
}

static void what_cannot_be_written_is_said_once(void **state)
{
    struct c2_levels *levels;
    struct cat2_error err = {0};

    c2_levels_folder_remove(dirfd, FOLDER);
    assert_int_equal(c2_levels_folder_nbytes(dirfd, FOLDER), 0);
    int fd = openat(dirfd, "r/~levels", O_RDONLY | O_DIRECTORY);
    assert_true(fd >= 0);
    int file = openat(fd, "~0", O_CREAT | O_WRONLY, 0666); /* no folder can be made here */
    close(file);
    levels = c2_levels_new(dirfd, REL, "two", 40);
    fill(tiles[0], 1);
    assert_false(c2_levels_put(levels, codec, 1, (const uint8_t *)tiles[0], &err));
    assert_true(c2_levels_failed(levels, NULL) && !c2_levels_has(levels, 1));
    assert_false(c2_levels_put(levels, codec, 1, (const uint8_t *)tiles[0], &err));
    c2_levels_unref(levels);
    unlinkat(fd, "~0", 0);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiles_outlive_who_made_them), cmocka_unit_test(another_generation_finds_nothing),
        cmocka_unit_test(a_damaged_tile_is_none), cmocka_unit_test(what_cannot_be_written_is_said_once)};
    return cmocka_run_group_tests(tests, start, end);
}
