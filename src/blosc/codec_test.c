/* SPDX-License-Identifier: BSD-3-Clause */
/* Blocks decode alone to what they are in their chunk; chunks that the library must not see are refused. */
#include "blosc/blosc_testing.h"

#include "blosc/chunk_format.h"

#define BLOCKS_MAX 512

/* Decode each block alone, and every other one together, and compare with the whole chunk. */
static int compare_blocks(struct c2_codec *codec, const struct c2_meta *meta, struct c2_bytes chunk,
                          const char *name)
{
    struct c2_chunk_expect any = {.nbytes = -1, .blocksize = -1, .typesize = -1};
    struct c2_chunk_info info;
    struct cat2_error err = {0};
    int32_t off[BLOCKS_MAX], len[BLOCKS_MAX], picked[BLOCKS_MAX], lens[BLOCKS_MAX], n = 0;
    C2_AUTO(c2_buf) pieces = C2_BUF_INIT(1 << 24);

    assert_true(c2_guard_chunk(chunk, &any, &info, &err));
    if (info.special || info.memcpyed || info.delta) return 0;
    struct c2_bytes prefix = {chunk.p, (size_t)info.data_start};
    assert_true(info.nblocks <= BLOCKS_MAX && c2_block_extents(prefix, &info, off, len, &err));
    uint8_t *whole = malloc((size_t)info.nbytes), *part = malloc((size_t)info.nbytes);
    assert_true(c2_codec_decode(codec, meta, chunk, whole, &err));
    for (int32_t i = 0; i < info.nblocks; i++) {
        size_t plain = (size_t)c2_min_i64(info.blocksize, info.nbytes - (int64_t)i * info.blocksize);
        struct c2_bytes data = {chunk.p + off[i], (size_t)len[i]};
        assert_true(c2_guard_block(&info, i, data, &err));
        if (!c2_codec_decode_blocks(codec, meta, prefix, &i, 1, &len[i], data, part, &err))
            fail_msg("%s block %d: %s", name, i, err.message);
        if (memcmp(part, whole + (size_t)i * (size_t)info.blocksize, plain) != 0)
            fail_msg("%s: block %d differs", name, i);
        if ((info.nblocks - 1 - i) % 2) continue; /* the last, perhaps short one is picked */
        assert_true(c2_buf_append(&pieces, data.p, data.n, &err));
        lens[n] = len[i];
        picked[n++] = i;
    }
    if (!c2_codec_decode_blocks(codec, meta, prefix, picked, n, lens, c2_buf_bytes(&pieces), part, &err))
        fail_msg("%s: %s", name, err.message);
    for (int32_t k = 0; k < n; k++) {
        int64_t at = (int64_t)picked[k] * info.blocksize;
        size_t plain = (size_t)c2_min_i64(info.blocksize, info.nbytes - at);
        if (memcmp(part + (size_t)k * (size_t)info.blocksize, whole + at, plain) != 0)
            fail_msg("%s: pick %d differs", name, k);
    }
    free(whole);
    free(part);
    return 1;
}

static void blocks_alone_are_the_blocks_of_the_chunk(void **state)
{
    C2_AUTO_PTR(c2_codec) *codec = c2_codec_new();
    struct cat2_error err = {0};
    struct sample s = {0};
    int compared = 0;

    while (next_sample(&s)) {
        C2_AUTO_PTR(c2_frame) *frame = open_sample(s.name);
        if (c2_frame_refusal(frame)) continue;
        for (int64_t i = 0; i < c2_frame_meta(frame)->nchunks && i < 9; i++) {
            C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
            assert_true(c2_frame_chunk(frame, i, &chunk, &err));
            compared += compare_blocks(codec, c2_frame_meta(frame), c2_buf_bytes(&chunk), s.name);
        }
    }
    assert_true(compared > 200);
}

static void what_is_encoded_decodes(void **state)
{
    static const int codecs[] = {0, 1, 2, 4, 5};
    static const int32_t sizes[] = {1, 7, 8, 1000, 65536, 300007};
    C2_AUTO_PTR(c2_codec) *codec = c2_codec_new();
    struct cat2_error err = {0};
    uint8_t *in = malloc(300007), *out = malloc(300007);

    for (size_t i = 0; i < 300007; i++)
        in[i] = (uint8_t)(i / 8 * (i % 8 < 2));
    for (size_t c = 0; c < C2_ARRAY_LEN(codecs); c++)
        for (size_t k = 0; k < C2_ARRAY_LEN(sizes); k++)
            for (int32_t typesize = 1; typesize <= 400; typesize += 133) {
                C2_AUTO(c2_buf) chunk = C2_BUF_INIT(1 << 20);
                struct c2_cparams p = c2_cparams_default(typesize, 0);
                p.codec = codecs[c];
                if (!c2_codec_encode(codec, &p, in, sizes[k], &chunk, &err)) fail_msg("%s", err.message);
                memset(out, 1, 300007);
                if (!c2_codec_decode(codec, NULL, c2_buf_bytes(&chunk), out, &err))
                    fail_msg("%s", err.message);
                assert_memory_equal(in, out, (size_t)sizes[k]);
            }
    free(in);
    free(out);
}

static void uninitialised_chunks_are_zeros_not_memory(void **state)
{
    C2_AUTO_PTR(c2_codec) *codec = c2_codec_new();
    C2_AUTO(c2_buf) chunk = C2_BUF_INIT(100);
    struct c2_cparams p = c2_cparams_fast(4, 0);
    struct cat2_error err = {0};
    uint8_t out[400], zeros[400] = {0};

    memset(out, 0x5a, sizeof(out));
    assert_true(c2_chunk_special(C2_CHUNK_UNINIT, &p, 400, &chunk, &err));
    assert_true(c2_codec_decode(codec, NULL, c2_buf_bytes(&chunk), out, &err));
    assert_memory_equal(out, zeros, sizeof(out));
}

static void absent_codecs_are_named_not_searched(void **state)
{
    static const struct {
        int codec, filter;
        const char *says;
    } cases[] = {{37, 0, "codec 37, JPEG 2000 (grok), is not built in (package blosc2-grok)"},
                 {160, 0, "codec 160 is not built in"},
                 {5, 200, "filter 200 is not built in"},
                 {3, 0, "codec 3 is not built in"}};

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct c2_cparams p = c2_cparams_default(1, 0);
        struct cat2_error err = {0};
        p.codec = cases[i].codec;
        p.filters[0] = (uint8_t)cases[i].filter;
        assert_false(c2_codec_supports(&p, &err));
        assert_int_equal(err.code, CAT2_EUNSUPPORTED);
        assert_string_equal(err.message, cases[i].says);
    }
}

static void every_filter_that_is_decoded_has_a_name(void **state)
{
    static const int known[] = {1, 2, 3, 4, 32, 33, 34, 35, 36};
    struct cat2_error err;
    size_t n = 0;

    for (int id = 0; id < 256; id++) {
        struct c2_cparams p = c2_cparams_fast(4, 4096);
        p.filters[5] = (uint8_t)id;
        if (!c2_codec_supports(&p, &err)) continue;
        assert_true(id == 0 || (n < C2_ARRAY_LEN(known) && id == known[n++] && c2_filter_name(id)));
    }
    assert_int_equal(n, C2_ARRAY_LEN(known));
    assert_string_equal(c2_codec_of_word(C2_STR("ZStd"))->name, "Zstandard");
    assert_null(c2_codec_of_word(C2_STR("zst")));
    assert_null(c2_codec_of_id(3));
}

static void a_chunk_of_an_absent_codec_passes_the_gate_but_not_the_decoder(void **state)
{
    C2_AUTO_PTR(c2_codec) *codec = c2_codec_new();
    C2_AUTO_PTR(c2_frame) *frame = open_sample("v2-codec-zstd.b2nd");
    C2_AUTO(c2_buf) chunk = C2_BUF_INIT(1 << 20);
    struct c2_chunk_expect any = {.nbytes = -1, .blocksize = -1, .typesize = -1};
    struct c2_chunk_info info;
    struct cat2_error err = {0};
    uint8_t out[20000];

    assert_true(c2_frame_chunk(frame, 0, &chunk, &err));
    chunk.p[C2_CHUNK_FLAGS] = (uint8_t)((chunk.p[C2_CHUNK_FLAGS] & 0x1f) | C2_CHUNK_UDCODEC << 5);
    chunk.p[C2_CHUNK_CODEC] = 37;
    assert_true(c2_guard_chunk(c2_buf_bytes(&chunk), &any, &info, &err));
    assert_int_equal(info.codec, 37);
    assert_false(c2_codec_decode(codec, c2_frame_meta(frame), c2_buf_bytes(&chunk), out, &err));
    assert_int_equal(err.code, CAT2_EUNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_alone_are_the_blocks_of_the_chunk),
        cmocka_unit_test(what_is_encoded_decodes),
        cmocka_unit_test(uninitialised_chunks_are_zeros_not_memory),
        cmocka_unit_test(absent_codecs_are_named_not_searched),
        cmocka_unit_test(every_filter_that_is_decoded_has_a_name),
        cmocka_unit_test(a_chunk_of_an_absent_codec_passes_the_gate_but_not_the_decoder),
    };
    c2_codec_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
