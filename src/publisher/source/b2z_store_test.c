/* SPDX-License-Identifier: BSD-3-Clause */
/* Stores that python-blosc2 made: tests/corpus/make_stores.py tells what is in them. */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/base_testing.h"
#include "base/endian.h"
#include "base/fs.h"
#include "publisher/source/b2z_table.h"

struct opened {
    int fd;
    struct c2_b2z store;
    struct c2_codec *codec;
    struct cat2_error err;
};

static void open_store(const char *name, struct opened *o)
{
    char path[300];

    snprintf(path, sizeof(path), C2_TEST_DATA "/corpus/b2z_store/%s.b2z", name);
    *o = (struct opened){.fd = open(path, O_RDONLY | O_CLOEXEC), .codec = c2_codec_new()};
    assert_true(o->fd >= 0);
    if (!c2_b2z_read(C2_ZIP_HERE(o->fd), name, &o->store, &o->err)) fail_msg("%s: %s", name, o->err.message);
}

static void close_store(struct opened *o)
{
    c2_b2z_fini(&o->store);
    c2_codec_free(o->codec);
    close(o->fd);
}

static void assert_list(const char *name, const char *expected)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(4096);
    struct opened o;

    open_store(name, &o);
    for (size_t i = 0; i < o.store.n; i++)
        if (!o.store.p[i].inner) assert_true(c2_buf_printf(&text, &o.err, "%s ", o.store.p[i].path));
    assert_string_equal(c2_buf_cstr(&text), expected);
    close_store(&o);
}

static void stores_list_arrays_frames_and_tables(void **state)
{
    (void)state;
    assert_list("tree", "bytes.b2frame dir/arr.b2nd dir/sub/b.b2nd dir/table.b2nd top.b2nd ");
    assert_list("embedded", "a/x.b2nd b.b2nd ");
    assert_list("table", "table.b2nd ");
    assert_list("empty", "table.b2nd ");
}

/* The first chunk of a leaf, decoded; how many bytes. */
static int64_t first_chunk(struct opened *o, const char *path, uint8_t *items)
{
    C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
    const struct c2_b2z_leaf *leaf = c2_b2z_find(&o->store, path);
    C2_AUTO_PTR(c2_frame) *frame = NULL;
    struct c2_item *rows = NULL;

    assert_non_null(leaf);
    bool ok = leaf->table
                  ? c2_b2z_table_open(C2_ZIP_HERE(o->fd), "x", &o->store, leaf, o->codec, &rows, &o->err)
                  : c2_b2z_open(C2_ZIP_HERE(o->fd), "x", leaf, &frame, &o->err);
    if (!ok) fail_msg("%s: %s", path, o->err.message);
    const struct c2_meta *meta = rows ? rows->meta : c2_frame_meta(frame);
    int64_t n = meta->grid.shape[0] * (rows ? meta->dtype.itemsize : 1);
    assert_true(rows ? rows->ops->chunk(rows, 0, &chunk, &o->err)
                     : c2_frame_chunk(frame, 0, &chunk, &o->err));
    assert_true(c2_codec_decode(o->codec, meta, c2_buf_bytes(&chunk), items, &o->err));
    if (rows) rows->ops->free(rows);
    return n;
}

static void arrays_are_read_wherever_they_are(void **state)
{
    static uint8_t items[1 << 16];
    struct opened o;

    (void)state;
    open_store("tree", &o);
    assert_int_equal(first_chunk(&o, "top.b2nd", items), 3);
    for (uint64_t i = 0; i < 3; i++)
        assert_int_equal(c2_le64(items + 8 * i), i);
    assert_int_equal(first_chunk(&o, "bytes.b2frame", items), 11);
    assert_memory_equal(items, "hello world", 11);
    assert_null(c2_b2z_find(&o.store, "top"));
    close_store(&o);
    open_store("embedded", &o);
    assert_int_equal(first_chunk(&o, "a/x.b2nd", items), 10);
    for (uint64_t i = 0; i < 10; i++)
        assert_int_equal(c2_le64(items + 8 * i), i);
    close_store(&o);
}

/* Rows of 8, 4, 1 and 16 bytes. */
static void assert_rows(const char *name, const char *path, const int *ids, size_t n)
{
    static uint8_t items[1 << 21];
    struct opened o;

    open_store(name, &o);
    assert_int_equal(first_chunk(&o, path, items), 29 * n);
    for (size_t i = 0; i < n; i++) {
        const uint8_t *row = items + 29 * i;
        float half;
        memcpy(&half, row + 8, sizeof(half));
        assert_int_equal(c2_le64(row), ids[i]);
        assert_true(half == (float)ids[i] / 2);
        assert_int_equal(row[12], ids[i] % 2 == 0);
        assert_int_equal(row[13], 'n');
    }
    close_store(&o);
}

static void a_table_is_an_array_of_its_live_rows(void **state)
{
    (void)state;
    assert_rows("table", "table.b2nd", (const int[]){0, 1, 4, 5, 6, 7, 8, 9, 10, 11}, 10);
    assert_rows("tree", "dir/table.b2nd", (const int[]){0, 1, 2, 3, 4}, 5);
}

static void a_table_may_have_no_rows(void **state)
{
    struct opened o;
    struct c2_item *rows;

    (void)state;
    open_store("empty", &o);
    const struct c2_b2z_leaf *leaf = c2_b2z_find(&o.store, C2_TABLE_ALONE);
    assert_true(c2_b2z_table_open(C2_ZIP_HERE(o.fd), "x", &o.store, leaf, o.codec, &rows, &o.err));
    assert_int_equal(rows->meta->grid.shape[0], 0);
    assert_int_equal(rows->meta->nchunks, 0);
    rows->ops->free(rows);
    close_store(&o);
}

static void groups_have_their_attributes(void **state)
{
    static const struct {
        const char *path, *attrs;
    } cases[] = {{"", "{\"author\":\"me\"}"}, {"dir", "{\"x\":1}"}, {"dir/sub", "{}"},
                 {"top.b2nd", "{}"},          {"none", NULL},       {"di", NULL},
                 {"dir/table", NULL}};
    struct opened o;

    (void)state;
    open_store("tree", &o);
    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        C2_AUTO(c2_buf) out = C2_BUF_INIT(4096);
        bool ok = c2_b2z_attrs(C2_ZIP_HERE(o.fd), "x", &o.store, cases[i].path, &out, &o.err);
        assert_int_equal(ok, cases[i].attrs != NULL);
        if (ok) assert_string_equal(c2_buf_cstr(&out), cases[i].attrs);
        if (!ok) assert_int_equal(o.err.code, CAT2_ENOTFOUND);
    }
    close_store(&o);
}

/* Half a file, and files with a byte changed, are refused or give what is there; nothing is read beyond. */
static void damaged_stores_are_refused_with_a_reason(void **state)
{
    C2_AUTO(c2_buf) bytes = C2_BUF_INIT(1 << 20);
    struct opened o;
    int refused = 0;

    (void)state;
    open_store("tree", &o);
    assert_true(c2_fs_read(o.fd, 1 << 20, &bytes, &o.err));
    for (size_t n = 0; n < bytes.n; n += 97) {
        C2_AUTO(c2_b2z) store = {0};
        int fd = memfd_create("b2z", MFD_CLOEXEC);
        assert_int_equal(write(fd, bytes.p, n), n);
        bool ok = c2_b2z_read(C2_ZIP_HERE(fd), "x", &store, &o.err);
        assert_true(!ok && o.err.code == CAT2_EDATA && *o.err.message);
        close(fd);
    }
    for (size_t i = bytes.n - 700; i < bytes.n; i++) {
        C2_AUTO(c2_b2z) store = {0};
        int fd = memfd_create("b2z", MFD_CLOEXEC);
        bytes.p[i] ^= 0x55;
        assert_int_equal(write(fd, bytes.p, bytes.n), bytes.n);
        bytes.p[i] ^= 0x55;
        refused += !c2_b2z_read(C2_ZIP_HERE(fd), "x", &store, &o.err);
        close(fd);
    }
    assert_true(refused > 100);
    close_store(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stores_list_arrays_frames_and_tables),
        cmocka_unit_test(arrays_are_read_wherever_they_are),
        cmocka_unit_test(a_table_is_an_array_of_its_live_rows),
        cmocka_unit_test(a_table_may_have_no_rows),
        cmocka_unit_test(groups_have_their_attributes),
        cmocka_unit_test(damaged_stores_are_refused_with_a_reason),
    };
    c2_codec_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
