/* SPDX-License-Identifier: BSD-3-Clause */
/* Blocks cut out of a chunk of which only some are here are the bytes of the chunk. */
#include "blosc/cut.h"

#include "blosc/blosc_testing.h"

static const struct c2_chunk_expect any = {.nbytes = -1, .blocksize = -1, .typesize = -1};

/* A chunk in memory whose bytes from `from` on are not here. */
struct some {
    struct c2_buf chunk;
    int32_t from;
};

static bool some_stat(void *self, int64_t nchunk, struct c2_chunk_stat *out, struct cat2_error *err)
{
    const struct some *some = self;

    (void)nchunk;
    (void)err;
    *out = (struct c2_chunk_stat){.kind = C2_CHUNK_STORED, .cbytes = (int32_t)some->chunk.n, .partial = true};
    return true;
}

static bool some_read(void *self, int64_t nchunk, int32_t off, int32_t n, uint8_t *to, struct cat2_error *err)
{
    const struct some *some = self;

    (void)nchunk;
    if (off + n > some->from) return c2_fail(err, CAT2_ENOTFOUND, "not here");
    memcpy(to, some->chunk.p + off, (size_t)n);
    return true;
}

static const struct c2_chunks_ops some_ops = {some_stat, some_read};

static void open_some(struct some *some, struct c2_chunk_info *info)
{
    C2_AUTO_PTR(c2_frame) *frame = open_sample("v2-codec-lz4.b2nd");
    struct cat2_error err;

    c2_buf_init(&some->chunk, 1 << 20);
    assert_true(c2_frame_chunk(frame, 0, &some->chunk, &err));
    assert_true(c2_guard_chunk(c2_buf_bytes(&some->chunk), &any, info, &err));
    assert_true(info->nblocks > 2);
    some->from = (int32_t)some->chunk.n;
}

static bool cut(struct some *some, struct c2_span span, bool bytes, struct c2_cut *out,
                struct cat2_error *err)
{
    struct c2_chunks chunks = {&some_ops, some};
    struct c2_cut_want want = {&span, 1, bytes};

    c2_cut_init(out);
    return c2_cut_partial(&chunks, 0, &any, &want, out, err);
}

static void blocks_are_the_chunks(void **state)
{
    struct c2_chunk_info info;
    struct some some;
    struct cat2_error err;

    (void)state;
    open_some(&some, &info);
    for (int32_t i = 0; i < info.nblocks; i++) {
        C2_AUTO(c2_cut) made;
        assert_true(cut(&some, (struct c2_span){i, i}, false, &made, &err));
        assert_int_equal(made.prefix.n, info.data_start);
        assert_memory_equal(made.prefix.p, some.chunk.p, made.prefix.n);
        assert_int_equal(*(const int32_t *)(const void *)made.blocks.p, i);
        assert_non_null(memmem(some.chunk.p, some.chunk.n, made.data.p, made.data.n));
    }
    C2_AUTO(c2_cut) beyond;
    assert_false(cut(&some, (struct c2_span){0, info.nblocks}, false, &beyond, &err));
    assert_int_equal(err.code, CAT2_ENOTFOUND);
    c2_buf_fini(&some.chunk);
}

static void bytes_stand_for_the_blocks_under_them(void **state)
{
    struct c2_chunk_info info;
    struct some some;
    struct cat2_error err;

    (void)state;
    open_some(&some, &info);
    C2_AUTO(c2_cut) all, none;
    assert_true(cut(&some, (struct c2_span){0, (int64_t)some.chunk.n - 1}, true, &all, &err));
    assert_int_equal(all.blocks.n, (size_t)info.nblocks * sizeof(int32_t));
    assert_true(
        cut(&some, (struct c2_span){0, 3}, true, &none, &err)); /* the header: some block that is here */
    assert_int_equal(none.blocks.n, sizeof(int32_t));
    c2_buf_fini(&some.chunk);
}

static void what_is_not_here_is_said(void **state)
{
    struct c2_chunk_info info;
    struct some some;
    struct cat2_error err;

    (void)state;
    open_some(&some, &info);
    some.from = info.data_start;
    for (int bytes = 0; bytes < 2; bytes++) {
        C2_AUTO(c2_cut) made;
        assert_false(cut(&some, (struct c2_span){0, 0}, bytes, &made, &err));
        assert_int_equal(err.code, CAT2_ENOTFOUND);
    }
    c2_buf_fini(&some.chunk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_the_chunks),
        cmocka_unit_test(bytes_stand_for_the_blocks_under_them),
        cmocka_unit_test(what_is_not_here_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
