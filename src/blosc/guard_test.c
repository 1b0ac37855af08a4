/* SPDX-License-Identifier: BSD-3-Clause */
/* The guard lets real chunks pass and catches what would make the library read or write where it must not. */
#include "blosc/blosc_testing.h"

#include "base/endian.h"
#include "blosc/chunk_format.h"

static const struct c2_chunk_expect any = {.nbytes = -1, .blocksize = -1, .typesize = -1};

/* A chunk of many split blocks. */
static void real_chunk(struct c2_buf *out)
{
    C2_AUTO_PTR(c2_frame) *frame = open_sample("v2-codec-lz4.b2nd");
    struct cat2_error err = {0};

    assert_true(c2_frame_chunk(frame, 0, out, &err));
}

static void header_lies_are_caught(void **state)
{
    static const struct {
        int at;
        uint8_t value;
        const char *says;
    } lies[] = {
        {0, 7, "version"},
        {0, 0, "version"},
        {C2_CHUNK_FLAGS, 0x00, "header"},
        {C2_CHUNK_TYPESIZE, 0, ""},
        {7, 0x7f, "size"},
        {7, 0x80, "size"},
        {11, 0x7f, "blocksize"},
        {11, 0x80, "blocksize"},
        {15, 0x7f, "compressed size"},
        {12, 10, ""},
        {C2_CHUNK_FLAGS, 0x45, "codec"},
        {C2_CHUNK_FLAGS2, 0x08, "lazy"},
        {C2_CHUNK_FLAGS2, 0x80, "lazy"},
        {C2_CHUNK_FLAGS2, 0x50, "special"},
        {C2_CHUNK_FLAGS2, 0x10, "special"},
        {C2_CHUNK_FLAGS3, 1, "variable"},
        {C2_CHUNK_FLAGS2, 0x01, ""},
    };

    for (size_t i = 0; i < C2_ARRAY_LEN(lies); i++) {
        C2_AUTO(c2_buf) chunk = C2_BUF_INIT(1 << 20);
        struct c2_chunk_info info;
        struct cat2_error err = {0};
        real_chunk(&chunk);
        assert_true(c2_guard_chunk(c2_buf_bytes(&chunk), &any, &info, &err));
        chunk.p[lies[i].at] = lies[i].value;
        if (c2_guard_chunk(c2_buf_bytes(&chunk), &any, &info, &err)) fail_msg("lie %zu passes", i);
        if (!strstr(err.message, lies[i].says)) fail_msg("lie %zu: %s", i, err.message);
    }
}

static void other_geometry_than_the_datasets_is_refused(void **state)
{
    struct c2_chunk_expect cases[] = {
        {999, -1, -1, false}, {-1, 999, -1, false}, {-1, -1, 3, false}, {-1, -1, 300, false}};

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        C2_AUTO(c2_buf) chunk = C2_BUF_INIT(1 << 20);
        struct c2_chunk_info info;
        struct cat2_error err = {0};
        real_chunk(&chunk);
        assert_false(c2_guard_chunk(c2_buf_bytes(&chunk), &cases[i], &info, &err));
        assert_int_equal(err.code, CAT2_EDATA);
    }
}

static void streams_longer_than_their_data_are_refused(void **state)
{
    C2_AUTO(c2_buf) chunk = C2_BUF_INIT(1 << 20);
    struct c2_chunk_info info;
    struct cat2_error err = {0};

    real_chunk(&chunk);
    assert_true(c2_guard_chunk(c2_buf_bytes(&chunk), &any, &info, &err));
    for (int32_t i = 0; i < info.nblocks; i++) {
        size_t start = c2_le32(chunk.p + C2_CHUNK_HEADER + 4 * (size_t)i);
        uint32_t was = c2_le32(chunk.p + start);
        c2_put_le32(chunk.p + start, (uint32_t)info.blocksize + 1);
        assert_false(c2_guard_chunk(c2_buf_bytes(&chunk), &any, &info, &err));
        c2_put_le32(chunk.p + start, was);
    }
}

static void streams_that_leave_the_chunk_are_refused(void **state)
{
    C2_AUTO(c2_buf) chunk = C2_BUF_INIT(1 << 20);
    struct c2_chunk_info info;
    struct cat2_error err = {0};

    real_chunk(&chunk);
    size_t end = chunk.n; /* what is behind it would do as streams */
    assert_true(c2_buf_resize(&chunk, end + 1000, &err));
    memset(chunk.p + end, 0, 1000);
    assert_true(c2_guard_chunk((struct c2_bytes){chunk.p, end}, &any, &info, &err));
    /* The last block begins with the last four bytes, which say that n follow. */
    for (uint32_t n = 1; n < 4; n++) {
        c2_put_le32(chunk.p + C2_CHUNK_HEADER + 4 * (size_t)(info.nblocks - 1), (uint32_t)info.cbytes - 4);
        c2_put_le32(chunk.p + info.cbytes - 4, n);
        assert_false(c2_guard_chunk((struct c2_bytes){chunk.p, end}, &any, &info, &err));
    }
}

static void a_stored_block_has_its_size(void **state)
{
    static const uint8_t bytes[11] = {0};
    const struct c2_chunk_info info = {
        .nbytes = 25, .blocksize = 10, .cbytes = 57, .nblocks = 3, .memcpyed = true};
    struct cat2_error err = {0};

    for (int32_t nblock = -1; nblock < 4; nblock++)
        for (size_t n = 0; n <= sizeof(bytes); n++) {
            bool fits = nblock >= 0 && nblock < 3 && n == (nblock == 2 ? 5 : 10);
            assert_int_equal(c2_guard_block(&info, nblock, (struct c2_bytes){bytes, n}, &err), fits);
        }
}

static void chunks_cut_short_or_with_more_behind_are_refused(void **state)
{
    C2_AUTO(c2_buf) chunk = C2_BUF_INIT(1 << 20);
    struct c2_chunk_info info;
    struct cat2_error err = {0};

    real_chunk(&chunk);
    for (size_t n = 0; n < chunk.n; n++) {
        struct c2_bytes cut = {chunk.p, n};
        assert_false(c2_guard_chunk(cut, &any, &info, &err));
    }
    assert_true(c2_buf_putc(&chunk, 0, &err));
    assert_false(c2_guard_chunk(c2_buf_bytes(&chunk), &any, &info, &err));
}

static void a_prefix_is_exactly_header_and_block_starts(void **state)
{
    C2_AUTO(c2_buf) chunk = C2_BUF_INIT(1 << 20);
    struct c2_chunk_info info, prefix_info;
    struct cat2_error err = {0};

    real_chunk(&chunk);
    assert_true(c2_guard_chunk(c2_buf_bytes(&chunk), &any, &info, &err));
    struct c2_bytes prefix = {chunk.p, (size_t)info.data_start};
    assert_true(c2_guard_prefix(prefix, &any, &prefix_info, &err));
    assert_int_equal(prefix_info.nblocks, info.nblocks);
    prefix.n--;
    assert_false(c2_guard_prefix(prefix, &any, &prefix_info, &err));
    prefix.n += 2;
    assert_false(c2_guard_prefix(prefix, &any, &prefix_info, &err));
}

static void extents_follow_block_starts_in_any_order(void **state)
{
    uint8_t prefix[C2_CHUNK_HEADER + 12] = {0};
    struct c2_chunk_info info = {
        .nbytes = 30, .blocksize = 10, .cbytes = 100, .nblocks = 3, .data_start = 44};
    struct c2_bytes bytes = {prefix, sizeof(prefix)};
    struct cat2_error err = {0};
    int32_t off[3], len[3];

    c2_put_le32(prefix + 32, 80);
    c2_put_le32(prefix + 36, 44);
    c2_put_le32(prefix + 40, 50);
    assert_true(c2_block_extents(bytes, &info, off, len, &err));
    assert_int_equal(off[0], 80);
    assert_int_equal(len[0], 20);
    assert_int_equal(len[1], 6);
    assert_int_equal(len[2], 30);
    c2_put_le32(prefix + 40, 97);
    assert_false(c2_block_extents(bytes, &info, off, len, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_lies_are_caught),
        cmocka_unit_test(other_geometry_than_the_datasets_is_refused),
        cmocka_unit_test(streams_longer_than_their_data_are_refused),
        cmocka_unit_test(streams_that_leave_the_chunk_are_refused),
        cmocka_unit_test(a_stored_block_has_its_size),
        cmocka_unit_test(chunks_cut_short_or_with_more_behind_are_refused),
        cmocka_unit_test(a_prefix_is_exactly_header_and_block_starts),
        cmocka_unit_test(extents_follow_block_starts_in_any_order),
    };
    c2_codec_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
