/* SPDX-License-Identifier: BSD-3-Clause */
/* Of every frame of the corpus: where the blocks of its chunks are, from the beginning of each; and that it
 * is kept when one of them is stored. */
#include "blosc/blosc_testing.h"
#include "cache/cachefile_impl.h"

static struct c2_cachefile *mirror_of(struct c2_frame *frame)
{
    const struct c2_frame_layout *l = c2_frame_layout(frame);
    size_t head_n = (size_t)l->header_len, tail_n = (size_t)(l->frame_len - l->index_off);
    uint8_t *head = malloc(head_n), *tail = malloc(tail_n);
    struct c2_cachefile *cf = NULL;
    struct cat2_error err = {0};

    assert_true(c2_frame_pread(frame, head, head_n, 0, &err));
    assert_true(c2_frame_pread(frame, tail, tail_n, l->index_off, &err));
    assert_true(c2_cachefile_create_mirror(-1, "x", "\"e\"", (struct c2_bytes){head, head_n},
                                           (struct c2_bytes){tail, tail_n}, l->frame_len, l->blocksize, &cf,
                                           &err));
    free(head);
    free(tail);
    return cf;
}

/* As a reader does it: as many bytes as are needed, until the places are known. false: it has no blocks
 * apart.
 */
static bool learn(struct c2_cachefile *cf, int64_t nchunk, struct c2_bytes chunk, size_t *n,
                  struct c2_chunk_extents *ext)
{
    struct cat2_error err = {0};

    *n = 0;
    for (int steps = 0;; steps++) {
        assert_true(steps < 5);
        if (!c2_cachefile_extents(cf, nchunk, (struct c2_bytes){chunk.p, *n}, ext, &err)) {
            assert_int_equal(err.code, CAT2_EUNSUPPORTED);
            return false;
        }
        if ((size_t)ext->need == *n) return true;
        assert_true((size_t)ext->need > *n && (size_t)ext->need <= chunk.n);
        *n = (size_t)ext->need;
    }
}

/* All blocks lie behind the prefix, and together are the rest of the chunk. */
static void check_extents(const struct c2_chunk_extents *ext, struct c2_bytes chunk)
{
    int64_t sum = ext->prefix_n;

    assert_int_equal(ext->cbytes, chunk.n);
    assert_true(ext->nblocks > 0);
    for (int32_t i = 0; i < ext->nblocks; i++) {
        assert_true(ext->off[i] >= ext->prefix_n && ext->len[i] > 0);
        assert_true((int64_t)ext->off[i] + ext->len[i] <= ext->cbytes);
        sum += ext->len[i];
    }
    assert_int_equal(sum, ext->cbytes);
}

/* Whatever a byte of the beginning is: refused, or extents within the chunk's place. */
static void spoil(struct c2_cachefile *cf, int64_t nchunk, struct c2_bytes chunk, size_t n)
{
    uint8_t *bytes = malloc(n);
    int64_t place, room;

    assert_true(c2_cachefile_place(cf, nchunk, &place, &room));
    for (size_t i = 0; i < n && i < 100; i++)
        for (int bit = 0; bit < 8; bit++) {
            struct c2_chunk_extents ext = {0};
            struct cat2_error err;
            memcpy(bytes, chunk.p, n);
            bytes[i] ^= (uint8_t)(1 << bit);
            if (!c2_cachefile_extents(cf, nchunk, (struct c2_bytes){bytes, n}, &ext, &err)) continue;
            assert_true(ext.need <= room);
            for (int32_t k = 0; k < ext.nblocks; k++)
                assert_true(ext.off[k] >= 0 && ext.len[k] > 0 && (int64_t)ext.off[k] + ext.len[k] <= room);
            c2_chunk_extents_fini(&ext);
        }
    free(bytes);
}

static void check_chunk(struct c2_cachefile *cf, int64_t nchunk, struct c2_bytes chunk)
{
    C2_AUTO(c2_buf) prefix = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
    struct c2_chunk_extents ext = {0};
    struct cat2_error err = {0};
    size_t n;

    assert_false(c2_cachefile_prefix(cf, nchunk, &prefix, &err));
    assert_int_equal(err.code, CAT2_ENOTFOUND);
    if (!learn(cf, nchunk, chunk, &n, &ext)) return;
    assert_int_equal(ext.prefix_n, n);
    check_extents(&ext, chunk);
    spoil(cf, nchunk, chunk, n);
    int32_t last = ext.nblocks - 1;
    struct c2_bytes data = {chunk.p + ext.off[last], (size_t)ext.len[last]};
    assert_true(c2_cachefile_put_blocks(cf, nchunk, (struct c2_bytes){chunk.p, n}, &last, 1, data, &err));
    assert_true(c2_cachefile_prefix(cf, nchunk, &prefix, &err));
    assert_int_equal(prefix.n, n);
    assert_memory_equal(prefix.p, chunk.p, n);
    c2_chunk_extents_fini(&ext);
}

static void the_beginning_of_a_chunk_tells_where_its_blocks_are(void **state)
{
    struct sample s = {0};
    int nchunks = 0;

    (void)state;
    while (next_sample(&s)) {
        C2_AUTO_PTR(c2_frame) *frame = open_sample(s.name);
        if (c2_frame_is_sparse(frame) || c2_frame_refusal(frame)) continue;
        C2_AUTO_PTR(c2_cachefile) *cf = mirror_of(frame);
        for (int64_t i = 0; i < c2_frame_meta(frame)->nchunks && i < 4; i++) {
            C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
            struct cat2_error err = {0};
            int64_t off, room;
            if (!c2_cachefile_is_blockwise(cf) || !c2_cachefile_place(cf, i, &off, &room)) continue;
            assert_true(c2_frame_chunk(frame, i, &chunk, &err));
            check_chunk(cf, i, c2_buf_bytes(&chunk));
            nchunks++;
        }
    }
    assert_true(nchunks > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_beginning_of_a_chunk_tells_where_its_blocks_are),
    };

    c2_codec_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
