/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames that are compressed where they are written: the same bytes as of chunks that were made before. */
#include "blosc/blosc_testing.h"

#include "blosc/chunk_format.h"
#include "blosc/frame_impl.h"

#define NCHUNKS 3
#define NITEMS  1000
#define NBYTES  (NITEMS * 8)

/* The second is zeros, which only the index says; the third does not compress. */
static void fill(int64_t nchunk, uint8_t *items)
{
    uint32_t state = 1;

    memset(items, 0, NBYTES);
    for (size_t i = 0; i < NBYTES && nchunk != 1; i++)
        items[i] = nchunk == 0 ? (uint8_t)(i / 800) : (uint8_t)((state = state * 1103515245 + 12345) >> 16);
}

static struct c2_meta meta_of(int64_t nchunks)
{
    struct c2_meta meta = {.kind = C2_KIND_FRAME,
                           .chunksize = NBYTES,
                           .chunkshape = NITEMS,
                           .contiguous = true,
                           .cparams = c2_cparams_fast(8, 0)};

    meta.nchunks = nchunks;
    return meta;
}

/* To memory, or to a file. */
static void write_frame(int64_t nchunks, bool in_place, int fd, struct c2_buf *out)
{
    C2_AUTO_PTR(c2_codec) *codec = c2_codec_new();
    C2_AUTO_PTR(c2_frame_writer) *w = NULL;
    struct c2_meta meta = meta_of(nchunks);
    struct cat2_error err = {0};
    uint8_t items[NBYTES];

    assert_true(c2_frame_writer_new(fd, &meta, &w, &err));
    for (int64_t i = 0; i < nchunks; i++) {
        C2_AUTO(c2_buf) chunk = C2_BUF_INIT(2 * NBYTES);
        fill(i, items);
        if (in_place)
            assert_true(c2_frame_writer_encode(w, codec, items, NBYTES, &err));
        else
            assert_true(c2_codec_encode(codec, &meta.cparams, items, NBYTES, &chunk, &err) &&
                        c2_frame_writer_add(w, c2_buf_bytes(&chunk), &err));
    }
    assert_true(c2_frame_writer_finish(w, fd < 0 ? out : NULL, &err));
}

static void compressing_in_place_makes_the_same_frame(void **state)
{
    C2_AUTO(c2_buf) apart = C2_BUF_INIT(1 << 20), here = C2_BUF_INIT(1 << 20);

    for (int64_t nchunks = 1; nchunks <= NCHUNKS; nchunks++) {
        C2_AUTO(c2_buf) file = C2_BUF_INIT(1 << 20);
        struct cat2_error err = {0};
        FILE *to = tmpfile();

        assert_non_null(to);
        write_frame(nchunks, false, -1, &apart);
        write_frame(nchunks, true, -1, &here);
        assert_int_equal(here.n, apart.n);
        assert_memory_equal(here.p, apart.p, apart.n);
        write_frame(nchunks, true, fileno(to), NULL);
        assert_true(c2_buf_resize(&file, apart.n, &err));
        assert_int_equal(pread(fileno(to), file.p, file.n + 1, 0), apart.n);
        assert_memory_equal(file.p, apart.p, apart.n);
        fclose(to);
    }
}

static void what_was_compressed_in_place_is_read_again(void **state)
{
    C2_AUTO_PTR(c2_codec) *codec = c2_codec_new();
    C2_AUTO(c2_buf) bytes = C2_BUF_INIT(1 << 20);
    C2_AUTO_PTR(c2_frame) *frame = NULL;
    struct cat2_error err = {0};
    uint8_t items[NBYTES];
    uint64_t want = FNV_START;
    long long nbytes;

    write_frame(NCHUNKS, true, -1, &bytes);
    assert_true(bytes.cap < bytes.n * 2 + 4096); /* no more memory than it needs */
    assert_true(c2_frame_open_buf(&bytes, "copy", &frame, &err));
    for (int64_t i = 0; i < NCHUNKS; i++) {
        fill(i, items);
        want = fnv1a(want, items, NBYTES);
    }
    assert_true(hash_frame(codec, frame, &nbytes) == want);
    assert_int_equal(nbytes, NCHUNKS * NBYTES);
}

/* The index of a frame of one chunk is made without the library. */
static void the_index_of_one_chunk_is_what_the_library_makes(void **state)
{
    const int64_t offsets[] = {0, 77, INT64_MIN | (int64_t)C2_SPECIAL_ZERO << 56};
    C2_AUTO_PTR(c2_codec) *codec = c2_codec_new();
    struct c2_cparams cparams = c2_cparams_fast(8, 8);
    struct cat2_error err = {0};

    cparams.codec = 0;
    cparams.clevel = 5;
    cparams.splitmode = C2_SPLIT_NEVER;
    for (size_t i = 0; i < C2_ARRAY_LEN(offsets); i++) {
        C2_AUTO(c2_buf) ours = C2_BUF_INIT(1000), theirs = C2_BUF_INIT(1000);
        assert_true(c2_frame_make_index(&offsets[i], 1, &ours, &err));
        assert_true(c2_codec_encode(codec, &cparams, (const uint8_t *)&offsets[i], 8, &theirs, &err));
        assert_int_equal(ours.n, theirs.n);
        assert_memory_equal(ours.p, theirs.p, ours.n);
    }
}

static void a_chunk_too_many_is_refused_and_leaves_the_others(void **state)
{
    C2_AUTO_PTR(c2_frame) *frame = open_sample("v2-codec-lz4.b2nd");
    const struct c2_meta *meta = c2_frame_meta(frame);
    C2_AUTO_PTR(c2_codec) *codec = c2_codec_new();
    C2_AUTO_PTR(c2_frame_writer) *w = NULL;
    struct cat2_error err = {0};
    uint8_t *items = calloc(1, (size_t)meta->chunksize);

    assert_true(c2_frame_writer_new(-1, meta, &w, &err));
    for (int64_t i = 0; i < meta->nchunks; i++)
        assert_true(c2_frame_writer_encode(w, codec, items, meta->chunksize, &err));
    assert_false(c2_frame_writer_encode(w, codec, items, meta->chunksize, &err));
    assert_int_equal(err.code, CAT2_EINVAL);
    free(items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compressing_in_place_makes_the_same_frame),
        cmocka_unit_test(what_was_compressed_in_place_is_read_again),
        cmocka_unit_test(the_index_of_one_chunk_is_what_the_library_makes),
        cmocka_unit_test(a_chunk_too_many_is_refused_and_leaves_the_others),
    };

    c2_codec_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
