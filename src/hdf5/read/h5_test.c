/* SPDX-License-Identifier: BSD-3-Clause */
/* The reading library on files made here. */
#include <unistd.h>

#include "base/base_testing.h"
#include "hdf5/read/h5_impl.h"

static const char *make_path(void)
{
    static char path[64];

    snprintf(path, sizeof(path), "/tmp/h5_test-%ld.h5", (long)getpid());
    return path;
}

/* A chunked dataset of rows x 7 int32 with value row * 7 + column; only rows from `written` on are written.
 */
static void make_rows(hid_t file, const char *name, hsize_t rows, hsize_t written, bool deflate)
{
    hsize_t dims[2] = {rows, 7}, chunk[2] = {4, 7}, start[2] = {written, 0}, count[2] = {rows - written, 7};
    int32_t fill = -5, *values = malloc(rows * 7 * sizeof(*values));
    hid_t space = H5Screate_simple(2, dims, NULL), plist = H5Pcreate(H5P_DATASET_CREATE);

    assert_non_null(values);
    for (hsize_t i = 0; i < count[0] * 7; i++)
        values[i] = (int32_t)(written * 7 + i);
    H5Pset_chunk(plist, 2, chunk);
    H5Pset_fill_value(plist, H5T_NATIVE_INT32, &fill);
    if (deflate) {
        H5Pset_shuffle(plist);
        H5Pset_deflate(plist, 4);
        H5Pset_fletcher32(plist);
    }
    hid_t id = H5Dcreate2(file, name, H5T_STD_I32LE, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    hid_t mem = H5Screate_simple(2, count, NULL);
    H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL);
    assert_true(H5Dwrite(id, H5T_NATIVE_INT32, mem, space, H5P_DEFAULT, values) >= 0);
    H5Sclose(mem);
    H5Dclose(id);
    H5Pclose(plist);
    H5Sclose(space);
    free(values);
}

static struct c2_h5 *open_rows(hsize_t rows, hsize_t written, bool deflate)
{
    struct cat2_error err;
    struct c2_h5 *h5 = NULL;
    hid_t file = H5Fcreate(make_path(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);

    make_rows(file, "rows", rows, written, deflate);
    H5Fclose(file);
    if (!c2_h5_open(make_path(), &h5, &err)) fail_msg("%s", err.message);
    return h5;
}

static void check_chunks(struct c2_h5_dataset *ds, hsize_t rows, hsize_t written)
{
    C2_AUTO_PTR(c2_codec) *codec = c2_codec_new();
    C2_AUTO(c2_buf) chunk = C2_BUF_INIT(1 << 20);
    const struct c2_meta *meta = c2_h5_meta(ds);
    int32_t items[28];
    struct cat2_error err;

    for (int64_t i = 0; i < meta->nchunks; i++) {
        c2_buf_clear(&chunk);
        if (!c2_h5_chunk(ds, codec, i, &chunk, &err)) fail_msg("%s", err.message);
        assert_true(c2_codec_decode(codec, meta, c2_buf_bytes(&chunk), (uint8_t *)items, &err));
        for (hsize_t row = (hsize_t)i * 4; row < rows && row < (hsize_t)(i + 1) * 4; row++)
            for (int column = 0; column < 7; column++) {
                int32_t want = row < written ? -5 : (int32_t)(row * 7) + column;
                assert_int_equal(items[(row % 4) * 7 + (hsize_t)column], want);
            }
    }
}

static void chunks_hold_what_was_written_and_the_fill_value_elsewhere(void **state)
{
    static const struct {
        hsize_t rows, written;
        bool deflate;
    } cases[] = {{8, 0, false}, {10, 0, false}, {10, 0, true}, {30, 9, false}, {30, 9, true}, {5, 5, true}};

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct c2_h5 *h5 = open_rows(cases[i].rows, cases[i].written, cases[i].deflate);
        struct c2_h5_dataset *ds = NULL;
        struct cat2_error err;
        if (!c2_h5_dataset_open(h5, "/rows", NULL, &ds, &err)) fail_msg("%s", err.message);
        check_chunks(ds, cases[i].rows, cases[i].written);
        c2_h5_dataset_close(ds);
        c2_h5_close(h5);
    }
}

static void a_box_is_the_same_whatever_the_filters(void **state)
{
    for (int deflate = 0; deflate < 2; deflate++) {
        struct c2_h5 *h5 = open_rows(30, 9, deflate != 0);
        struct c2_h5_dataset *ds = NULL;
        struct cat2_error err;
        int64_t start[2] = {7, 2}, count[2] = {6, 3}, beyond[2] = {24, 5};
        int32_t items[6][3];
        assert_true(c2_h5_dataset_open(h5, "/rows", NULL, &ds, &err));
        if (!c2_h5_read(ds, start, count, (uint8_t *)items, &err)) fail_msg("%s", err.message);
        for (int row = 0; row < 6; row++)
            for (int column = 0; column < 3; column++)
                assert_int_equal(items[row][column], row + 7 < 9 ? -5 : (row + 7) * 7 + column + 2);
        assert_false(c2_h5_read(ds, beyond, count, (uint8_t *)items, &err));
        assert_int_equal(err.code, CAT2_EINVAL);
        c2_h5_dataset_close(ds);
        c2_h5_close(h5);
    }
}

static void a_chunk_that_is_not_there_is_refused(void **state)
{
    struct c2_h5 *h5 = open_rows(10, 0, false);
    struct c2_h5_dataset *ds = NULL;
    C2_AUTO(c2_h5_raw) raw;
    struct cat2_error err;

    c2_h5_raw_init(&raw);
    assert_true(c2_h5_dataset_open(h5, "/rows", NULL, &ds, &err));
    assert_int_equal(c2_h5_meta(ds)->nchunks, 3);
    assert_true(c2_h5_fetch(ds, 2, &raw, &err));
    assert_false(c2_h5_fetch(ds, 3, &raw, &err));
    assert_int_equal(err.code, CAT2_EINVAL);
    assert_false(c2_h5_fetch(ds, -1, &raw, &err));
    c2_h5_dataset_close(ds);
    assert_false(c2_h5_dataset_open(h5, "/", NULL, &ds, &err));
    assert_false(c2_h5_dataset_open(h5, "/nothing", NULL, &ds, &err));
    assert_int_equal(err.code, CAT2_ENOTFOUND);
    c2_h5_close(h5);
}

static void a_fingerprint_follows_the_contents(void **state)
{
    uint64_t prints[3];
    static const hsize_t WRITTEN[3] = {0, 0, 3};

    for (int i = 0; i < 3; i++) {
        struct c2_h5 *h5 = open_rows(30, WRITTEN[i], true);
        struct c2_h5_dataset *ds = NULL;
        struct cat2_error err;
        int64_t budget = 1 << 20, none = 0;
        assert_true(c2_h5_dataset_open(h5, "/rows", NULL, &ds, &err));
        prints[i] = c2_h5_fingerprint(ds, &budget);
        assert_true(prints[i] != 0 && budget < 1 << 20);
        assert_true(c2_h5_fingerprint(ds, &none) == 0);
        c2_h5_dataset_close(ds);
        c2_h5_close(h5);
    }
    assert_true(prints[0] == prints[1] && prints[1] != prints[2]);
}

/* ---- a file that is elsewhere ---- */

struct bytes_elsewhere {
    struct c2_buf bytes;
    int nreads, fail_at; /* from which read on they fail, the first is 1; 0: none does */
};

static bool read_elsewhere(void *ctx, int64_t off, size_t n, void *to)
{
    struct bytes_elsewhere *it = ctx;

    assert_true(off >= 0 && n > 0 && off + (int64_t)n <= (int64_t)it->bytes.n);
    if (++it->nreads >= it->fail_at && it->fail_at) return false;
    memcpy(to, it->bytes.p + off, n);
    return true;
}

static void load_rows(struct bytes_elsewhere *out)
{
    struct cat2_error err;
    hid_t file = H5Fcreate(make_path(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);

    make_rows(file, "rows", 14, 3, true);
    assert_true(H5Lcreate_external(make_path(), "/rows", file, "other", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    H5Fclose(file);
    *out = (struct bytes_elsewhere){.bytes = C2_BUF_INIT(1 << 20)};
    FILE *stream = fopen(make_path(), "rb");
    assert_non_null(stream);
    fseek(stream, 0, SEEK_END);
    assert_true(c2_buf_resize(&out->bytes, (size_t)ftell(stream), &err));
    rewind(stream);
    assert_int_equal(fread(out->bytes.p, 1, out->bytes.n, stream), out->bytes.n);
    fclose(stream);
}

static void a_file_elsewhere_reads_the_same_and_opens_no_other(void **state)
{
    struct bytes_elsewhere it;
    struct c2_h5_dataset *ds;
    struct cat2_error err = {0};
    struct c2_h5 *h5;

    (void)state;
    load_rows(&it); /* the file stays: what is not to be opened is there */
    const struct c2_h5_elsewhere elsewhere = {(int64_t)it.bytes.n, read_elsewhere, &it};
    if (!c2_h5_open_elsewhere("http://host/there/rows.h5", &elsewhere, &h5, &err))
        fail_msg("%s", err.message);
    if (!c2_h5_dataset_open(h5, "/rows", NULL, &ds, &err)) fail_msg("%s", err.message);
    check_chunks(ds, 14, 3);
    c2_h5_dataset_close(ds);
    assert_false(c2_h5_dataset_open(h5, "/other", NULL, &ds, &err));
    c2_h5_close(h5);
    c2_buf_fini(&it.bytes);
}

/* libhdf5 does without some of what it cannot read; who reads then goes on as with a file that is gone. */
static void ranges_that_fail_from_one_on_end_in_an_error(void **state)
{
    struct bytes_elsewhere it;
    struct cat2_error err = {0};
    int nreads = 1;

    (void)state;
    load_rows(&it);
    const struct c2_h5_elsewhere elsewhere = {(int64_t)it.bytes.n, read_elsewhere, &it};
    for (it.fail_at = 0; it.fail_at <= nreads; it.fail_at++) {
        C2_AUTO_PTR(c2_codec) *codec = c2_codec_new();
        C2_AUTO(c2_buf) chunk = C2_BUF_INIT(1 << 20);
        struct c2_h5_dataset *ds = NULL;
        struct c2_h5 *h5 = NULL;
        it.nreads = 0;
        bool ok = c2_h5_open_elsewhere("rows.h5", &elsewhere, &h5, &err) &&
                  c2_h5_dataset_open(h5, "/rows", NULL, &ds, &err) && c2_h5_chunk(ds, codec, 1, &chunk, &err);
        if (it.fail_at == 0) nreads = it.nreads;
        assert_int_equal(ok, it.fail_at == 0);
        c2_h5_dataset_close(ds);
        c2_h5_close(h5);
    }
    assert_true(nreads > 3);
    c2_buf_fini(&it.bytes);
}

/* ---- parts without a file ---- */

static void lzf_data_decodes_and_bad_data_is_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
        const char *text; /* NULL: refused */
    } cases[] = {
        {"\x02"
         "abc",
         4, "abc"},
        {"\x02"
         "abc"
         "\x20\x02",
         6, "abcabc"},
        {"\x00"
         "a"
         "\xe0\x03\x00",
         5, "aaaaaaaaaaaaa"},
        {"\x02"
         "ab",
         3, NULL},
        {"\x00"
         "a"
         "\x20",
         3, NULL},
        {"\x00"
         "a"
         "\x20\x01",
         4, NULL},
        {"", 0, NULL},
    };

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        C2_AUTO(c2_buf) out = C2_BUF_INIT(1024);
        struct c2_h5_filter lzf = {.id = C2_H5_FILTER_LZF};
        struct cat2_error err;
        bool ok = c2_h5_filter_undo(
            &lzf, NULL, (struct c2_bytes){(const uint8_t *)cases[i].bytes, cases[i].n}, 64, &out, &err);
        assert_int_equal(ok, cases[i].text != NULL);
        if (!ok) continue;
        assert_int_equal(out.n, strlen(cases[i].text));
        assert_memory_equal(out.p, cases[i].text, out.n);
    }
}

static void checksums_are_those_of_hdf5(void **state)
{
    static const struct {
        const char *text;
        uint32_t sum;
    } cases[] = {{"abcdef", 0x50562a2d}, {"abcde", 0x4ff029c7}, {"", 0}};

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++)
        assert_int_equal(
            c2_h5_fletcher32((struct c2_bytes){(const uint8_t *)cases[i].text, strlen(cases[i].text)}),
            cases[i].sum);
}

static int set_up(void **state)
{
    struct cat2_error err;

    c2_codec_setup();
    return c2_h5_setup(&err) ? 0 : -1;
}

static int tear_down(void **state)
{
    return unlink(make_path());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_hold_what_was_written_and_the_fill_value_elsewhere),
        cmocka_unit_test(a_box_is_the_same_whatever_the_filters),
        cmocka_unit_test(a_chunk_that_is_not_there_is_refused),
        cmocka_unit_test(a_fingerprint_follows_the_contents),
        cmocka_unit_test(a_file_elsewhere_reads_the_same_and_opens_no_other),
        cmocka_unit_test(ranges_that_fail_from_one_on_end_in_an_error),
        cmocka_unit_test(lzf_data_decodes_and_bad_data_is_refused),
        cmocka_unit_test(checksums_are_those_of_hdf5),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
