/* SPDX-License-Identifier: BSD-3-Clause */
/* Every frame of the corpus goes through the cache in both modes, by chunks and by blocks; damage, eviction
 * and threads. */
#include "blosc/blosc_testing.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "base/fs.h"
#include "base/log.h"
#include "cache/cachefile_impl.h"

#define BIG_NCHUNKS 24
#define BIG_ITEMS   16384 /* per chunk, int64: 16 blocks of 8 KiB */
#define BIG_BLOCK   1024

static int dirfd_of_test(void)
{
    char name[] = "/tmp/c2-cachefile-XXXXXX";
    struct cat2_error err = {0};

    assert_non_null(mkdtemp(name));
    int fd = c2_fs_open_dir(name, false, &err);
    assert_true(fd >= 0);
    return fd;
}

/* Empty and remove the directory again. */
static void drop_dir(int dirfd)
{
    char link[64], path[512];

    snprintf(link, sizeof(link), "/proc/self/fd/%d", dirfd);
    ssize_t n = readlink(link, path, sizeof(path) - 1);
    assert_true(n > 0);
    path[n] = '\0';
    close(dirfd);
    c2_fs_remove_tree(path);
}

static void ok_or_fail(bool ok, const struct cat2_error *err, const char *name)
{
    if (!ok) fail_msg("%s: %s", name, err->message);
}

static struct c2_cachefile *make_mirror(int dirfd, const char *rel, const char *etag, struct c2_frame *frame)
{
    const struct c2_frame_layout *l = c2_frame_layout(frame);
    struct cat2_error err = {0};
    struct c2_cachefile *cf = NULL;
    size_t tail_n = (size_t)(l->frame_len - l->index_off);
    uint8_t *head = malloc((size_t)l->header_len), *tail = malloc(tail_n);

    assert_true(c2_frame_pread(frame, head, (size_t)l->header_len, 0, &err));
    assert_true(c2_frame_pread(frame, tail, tail_n, l->index_off, &err));
    bool ok =
        c2_cachefile_create_mirror(dirfd, rel, etag, (struct c2_bytes){head, (size_t)l->header_len},
                                   (struct c2_bytes){tail, tail_n}, l->frame_len, l->blocksize, &cf, &err);
    free(head);
    free(tail);
    ok_or_fail(ok, &err, c2_frame_meta(frame)->urlpath);
    return cf;
}

/* Blocks [first, end) in one go. */
static bool put_run(struct c2_cachefile *cf, int64_t nchunk, const uint8_t *chunk, struct c2_bytes prefix,
                    const int32_t *off, const int32_t *len, int32_t first, int32_t end,
                    struct cat2_error *err)
{
    C2_AUTO(c2_buf) data = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
    int32_t blocks[3];

    for (int32_t i = first; i < end; i++) {
        blocks[i - first] = i;
        assert_true(c2_buf_append(&data, chunk + off[i], (size_t)len[i], err));
    }
    return c2_cachefile_put_blocks(cf, nchunk, prefix, blocks, end - first, c2_buf_bytes(&data), err);
}

/* Give the cache a chunk by blocks: first every fourth one by itself, then the three between them together.
 */
static bool put_by_blocks(struct c2_cachefile *cf, int64_t nchunk, struct c2_bytes chunk)
{
    struct c2_chunk_expect want = {.nbytes = -1, .blocksize = -1, .typesize = -1};
    struct cat2_error err = {0};
    struct c2_chunk_info info;
    bool whole_missing, ok = true;

    assert_true(c2_guard_chunk(chunk, &want, &info, &err));
    if (info.special || cf->blocks_per_chunk == 0) return false;
    assert_true(c2_guard_header(chunk.p, (int64_t)chunk.n, &want, &info, &err));
    size_t prefix_n = (size_t)info.data_start;
    if (info.has_dict) prefix_n += 4 + *(const uint32_t *)(const void *)(chunk.p + prefix_n);
    struct c2_bytes prefix = {chunk.p, prefix_n};
    assert_true(c2_guard_prefix(prefix, &want, &info, &err));
    int32_t *off = malloc((size_t)info.nblocks * 8), *len = off + info.nblocks;
    if (info.memcpyed)
        for (int32_t i = 0; i < info.nblocks; i++) {
            off[i] = 32 + i * info.blocksize;
            len[i] = (int32_t)c2_min_i64(info.blocksize, info.cbytes - off[i]);
        }
    else
        assert_true(c2_block_extents(prefix, &info, off, len, &err));
    for (int pass = 1; pass >= 0 && ok; pass--)
        for (int32_t i = 3 * pass; i < info.nblocks && ok; i += 4) {
            int32_t missing[1], end = pass ? i + 1 : (int32_t)c2_min_i64(i + 3, info.nblocks), last = end - 1;
            if (info.nblocks > cf->blocks_per_chunk) break;
            assert_int_equal(c2_cachefile_missing(cf, nchunk, &i, 1, missing, &whole_missing), 1);
            ok = put_run(cf, nchunk, chunk.p, prefix, off, len, i, end, &err);
            assert_int_equal(c2_cachefile_missing(cf, nchunk, &i, 1, missing, &whole_missing), ok ? 0 : 1);
            assert_int_equal(c2_cachefile_missing(cf, nchunk, &last, 1, missing, &whole_missing), ok ? 0 : 1);
        }
    ok_or_fail(ok, &err, "block by block");
    free(off);
    return info.nblocks <= cf->blocks_per_chunk;
}

/* A scrub finds nothing wrong. */
static void all_sound(struct c2_cachefile *cf)
{
    struct cat2_error err = {0};
    struct c2_scrub scrub = {0};

    ok_or_fail(c2_cachefile_scrub(cf, &scrub, INT64_MAX / 2, &err), &err, "scrub");
    assert_true(scrub.done);
    assert_int_equal(scrub.nbad, 0);
    assert_int_equal(scrub.nrepaired, 0);
}

static void fill_cache_quietly(struct c2_cachefile *cf, struct c2_frame *frame)
{
    struct cat2_error err = {0};

    for (int64_t i = 0; i < c2_frame_meta(frame)->nchunks; i++) {
        C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
        ok_or_fail(c2_frame_chunk(frame, i, &chunk, &err), &err, "chunk");
        ok_or_fail(c2_cachefile_put(cf, i, c2_buf_bytes(&chunk), &err), &err, "put");
    }
}

static void fill_cache(struct c2_cachefile *cf, struct c2_frame *frame, bool blocks)
{
    struct cat2_error err = {0};

    for (int64_t i = 0; i < c2_frame_meta(frame)->nchunks; i++) {
        C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
        ok_or_fail(c2_frame_chunk(frame, i, &chunk, &err), &err, "chunk");
        if (blocks && c2_cachefile_missing(cf, i, NULL, 0, NULL, NULL) &&
            put_by_blocks(cf, i, c2_buf_bytes(&chunk)))
            continue;
        ok_or_fail(c2_cachefile_put(cf, i, c2_buf_bytes(&chunk), &err), &err, "put");
    }
    assert_true(c2_cachefile_complete(cf));
    all_sound(cf);
}

/* Chunks read through the cache are those of the frame. */
static void same_chunks(struct c2_cachefile *cf, struct c2_frame *frame)
{
    struct c2_chunks a = c2_cachefile_chunks(cf), b = c2_frame_chunks(frame);
    struct cat2_error err = {0};

    for (int64_t i = 0; i < c2_frame_meta(frame)->nchunks; i++) {
        struct c2_chunk_stat x, y;
        uint8_t byte;
        assert_true(c2_chunk_stat(&a, i, &x, &err) && c2_chunk_stat(&b, i, &y, &err));
        assert_int_equal(c2_cache_word(cf, i, -1), 0);
        assert_int_equal(c2_cache_word(cf, i, (int32_t)cf->blocks_per_chunk), 0);
        if (x.kind != C2_CHUNK_STORED) assert_false(c2_chunk_read(&a, i, 0, 1, &byte, &err));
        if (y.kind != C2_CHUNK_STORED) continue;
        assert_false(c2_chunk_read(&a, i, -1, 1, &byte, &err) || c2_chunk_read(&a, i, 0, -1, &byte, &err));
        assert_false(c2_chunk_read(&a, -1, 0, 1, &byte, &err) ||
                     c2_chunk_read(&a, i, INT32_MAX, 1, &byte, &err));
        assert_int_equal(x.cbytes, y.cbytes);
        uint8_t *p = malloc((size_t)x.cbytes * 2);
        ok_or_fail(c2_chunk_read(&a, i, 0, x.cbytes, p, &err), &err, "read");
        assert_true(c2_chunk_read(&b, i, 0, x.cbytes, p + x.cbytes, &err));
        assert_memory_equal(p, p + x.cbytes, (size_t)x.cbytes);
        free(p);
    }
}

/* Is every byte of the frame's chunk area in a chunk? */
static bool has_gaps(struct c2_frame *frame)
{
    int64_t sum = 0;
    struct c2_chunks chunks = c2_frame_chunks(frame);
    struct cat2_error err = {0};
    struct c2_chunk_stat st;

    for (int64_t i = 0; i < c2_frame_meta(frame)->nchunks; i++) {
        assert_true(c2_chunk_stat(&chunks, i, &st, &err));
        if (st.kind == C2_CHUNK_STORED) sum += st.cbytes;
    }
    return sum != frame->area;
}

static void same_file(struct c2_cachefile *cf, struct c2_frame *frame)
{
    size_t n = (size_t)c2_frame_layout(frame)->frame_len;
    uint8_t *a = malloc(n), *b = malloc(n);
    struct cat2_error err = {0};

    assert_true(c2_fs_pread(c2_cachefile_fd(cf), a, n, 0, &err));
    assert_true(c2_frame_pread(frame, b, n, 0, &err));
    assert_memory_equal(a, b, n);
    free(a);
    free(b);
}

static void a_full_mirror_is_the_publishers_file(void **state)
{
    struct sample s = {0};
    int dirfd = dirfd_of_test();
    struct cat2_error err = {0};

    while (next_sample(&s)) {
        C2_AUTO_PTR(c2_frame) *frame = open_sample(s.name);
        if (c2_frame_refusal(frame) || c2_frame_is_sparse(frame)) continue;
        for (int blocks = 0; blocks < 2; blocks++) {
            C2_AUTO_PTR(c2_cachefile) *cf = make_mirror(dirfd, "a", "1:2", frame);
            C2_AUTO_PTR(c2_cachefile) *again = NULL;
            fill_cache(cf, frame, blocks);
            same_chunks(cf, frame);
            if (!has_gaps(frame)) same_file(cf, frame);
            ok_or_fail(c2_cachefile_open(dirfd, "a", "1:2", &again, &err), &err, s.name);
            assert_true(c2_cachefile_complete(again));
            all_sound(again);
            same_chunks(again, frame);
        }
    }
    drop_dir(dirfd);
}

static void slots_hold_and_export_every_frame(void **state)
{
    C2_AUTO_PTR(c2_codec) *codec = c2_codec_new();
    struct sample s = {0};
    int dirfd = dirfd_of_test();
    struct cat2_error err = {0};

    while (next_sample(&s)) {
        C2_AUTO_PTR(c2_frame) *frame = open_sample(s.name);
        C2_AUTO_PTR(c2_cachefile) *cf = NULL;
        C2_AUTO_PTR(c2_frame) *copy = NULL;
        long long nbytes;
        if (c2_frame_refusal(frame)) continue;
        bool ok = c2_cachefile_create_slots(dirfd, "a", "etag", c2_frame_meta(frame), &cf, &err);
        ok_or_fail(ok, &err, s.name);
        assert_true(c2_cachefile_complete(cf) == (c2_frame_meta(frame)->nchunks == 0));
        fill_cache(cf, frame, true);
        int fd = c2_fs_open(dirfd, "b", O_RDWR | O_CREAT | O_TRUNC, &err);
        ok_or_fail(c2_cachefile_export(cf, fd, &err), &err, s.name);
        ok_or_fail(c2_frame_open_fd(fd, s.name, &copy, &err), &err, s.name);
        assert_int_equal(hash_frame(codec, copy, &nbytes), s.hash);
        assert_int_equal(c2_frame_nvlmeta(copy), c2_frame_nvlmeta(frame));
    }
    drop_dir(dirfd);
}

/* An int64 array of BIG_NCHUNKS chunks, in memory. */
static struct c2_frame *make_big(void)
{
    C2_AUTO_PTR(c2_codec) *codec = c2_codec_new();
    C2_AUTO_PTR(c2_frame_writer) *w = NULL;
    C2_AUTO(c2_buf) bytes = C2_BUF_INIT(1 << 26);
    int64_t shape = BIG_NCHUNKS * BIG_ITEMS, *items = malloc(BIG_ITEMS * 8);
    int32_t chunks = BIG_ITEMS, blocks = BIG_BLOCK;
    struct c2_meta meta = {.kind = C2_KIND_ARRAY, .chunksize = BIG_ITEMS * 8, .chunkshape = BIG_ITEMS};
    struct cat2_error err = {0};
    struct c2_frame *frame = NULL;

    assert_true(c2_grid_init(&meta.grid, &shape, &chunks, &blocks, 1, 8, true, &err));
    assert_true(c2_dtype_parse(C2_STR("<i8"), &meta.dtype, &err));
    meta.cparams = c2_cparams_fast(8, BIG_BLOCK * 8);
    meta.nchunks = BIG_NCHUNKS;
    meta.nbytes = shape * 8;
    assert_true(c2_frame_writer_new(-1, &meta, &w, &err));
    uint64_t x = 88172645463325252u;
    for (int64_t c = 0; c < BIG_NCHUNKS; c++) {
        C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
        for (int i = 0; i < BIG_ITEMS; i++) {
            x ^= x << 13, x ^= x >> 7, x ^= x << 17;
            items[i] = (int64_t)(x & 0xffffff) + (c << 32);
        }
        assert_true(c2_codec_encode(codec, &meta.cparams, (uint8_t *)items, BIG_ITEMS * 8, &chunk, &err));
        assert_true(c2_frame_writer_add(w, c2_buf_bytes(&chunk), &err));
    }
    free(items);
    assert_true(c2_frame_writer_finish(w, &bytes, &err));
    assert_true(c2_frame_open_buf(&bytes, "big", &frame, &err));
    c2_dtype_fini(&meta.dtype);
    return frame;
}

/* Read chunk i whole: 1 right, 0 not here. Anything else fails the test. */
static int read_right(struct c2_cachefile *cf, struct c2_frame *frame, int64_t i, bool *touched)
{
    struct c2_chunks chunks = c2_cachefile_chunks(cf), source = c2_frame_chunks(frame);
    struct cat2_error err = {0};
    struct c2_chunk_stat st, real;
    int got = 0;

    assert_true(c2_chunk_stat(&source, i, &real, &err));
    uint8_t *p = malloc((size_t)real.cbytes * 2);
    assert_true(c2_chunk_read(&source, i, 0, real.cbytes, p, &err));
    assert_true(c2_chunk_stat(&chunks, i, &st, &err));
    if (st.kind == C2_CHUNK_STORED && c2_chunk_read(&chunks, i, 0, real.cbytes, p + real.cbytes, &err)) {
        assert_memory_equal(p, p + real.cbytes, (size_t)real.cbytes);
        got = 1;
    } else if (err.code != CAT2_OK && err.code != CAT2_ENOTFOUND) {
        fail_msg("chunk %d: %s", (int)i, err.message);
    }
    if (touched) *touched = st.partial;
    free(p);
    return got;
}

/* Without a file: every frame of the corpus, by chunks and by blocks, as a mirror and in slots. */
static void in_memory_it_holds_every_frame(void **state)
{
    struct sample s = {0};
    struct cat2_error err = {0};

    while (next_sample(&s)) {
        C2_AUTO_PTR(c2_frame) *frame = open_sample(s.name);
        if (c2_frame_refusal(frame) || c2_frame_is_sparse(frame)) continue;
        for (int way = 0; way < 4; way++) {
            C2_AUTO_PTR(c2_cachefile) *cf = way < 2 ? make_mirror(-1, "a", "1:2", frame) : NULL;
            if (!cf)
                ok_or_fail(c2_cachefile_create_slots(-1, "a", "1:2", c2_frame_meta(frame), &cf, &err), &err,
                           s.name);
            assert_true(c2_cachefile_is_in_memory(cf));
            fill_cache(cf, frame, way % 2);
            same_chunks(cf, frame);
            all_sound(cf);
            int64_t before = c2_cachefile_memory_nbytes();
            assert_int_equal(c2_cachefile_evict(cf, INT64_MAX / 2), before);
            assert_int_equal(c2_cachefile_memory_nbytes(), 0);
            fill_cache(cf, frame, way % 2);
            same_chunks(cf, frame);
        }
        assert_int_equal(c2_cachefile_memory_nbytes(), 0);
    }
}

static void in_memory_it_stays_small(void **state)
{
    C2_AUTO_PTR(c2_frame) *frame = make_big();
    C2_AUTO_PTR(c2_cachefile) *cf = make_mirror(-1, "a", "e", frame);
    C2_AUTO_PTR(c2_cachefile) *other = make_mirror(-1, "b", "e", frame);
    int64_t all;

    fill_cache(cf, frame, false);
    all = c2_cachefile_memory_nbytes();
    assert_true(all > 0 && c2_cachefile_keep_small(cf, all));
    assert_int_equal(c2_cachefile_memory_nbytes(), all);
    assert_true(c2_cachefile_keep_small(cf, all / 2));
    assert_true(c2_cachefile_memory_nbytes() <= all / 2);
    fill_cache(cf, frame, false);
    assert_false(c2_cachefile_keep_small(other, all / 2)); /* it has nothing to give */
}

static void flip(int dirfd, const char *rel, uint64_t random)
{
    struct cat2_error err = {0};
    struct stat st;
    uint8_t byte;
    int fd = c2_fs_open(dirfd, rel, O_RDWR, &err);

    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    int64_t at = (int64_t)(random >> 3) % st.st_size;
    assert_true(c2_fs_pread(fd, &byte, 1, at, &err));
    byte ^= (uint8_t)(1 << (random & 7));
    assert_true(c2_fs_pwrite(fd, &byte, 1, at, &err));
    close(fd);
}

static void flipped_bits_are_noticed_and_never_served(void **state)
{
    C2_AUTO_PTR(c2_frame) *frame = make_big();
    int dirfd = dirfd_of_test(), refused = 0, missing = 0;
    struct cat2_error err = {0};
    uint64_t x = 0x2545f4914f6cdd1d;
    C2_AUTO_PTR(c2_cachefile) *cf = make_mirror(dirfd, "a", "e", frame);

    c2_log_set_level(C2_ERROR);
    fill_cache(cf, frame, true); /* half by blocks, then */
    for (int round = 0; round < 1000; round++) {
        C2_AUTO_PTR(c2_cachefile) *again = NULL;
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        flip(dirfd, round % 3 ? "a" : "a.idx", x);
        if (!c2_cachefile_open(dirfd, "a", "e", &again, &err)) {
            refused++;
            assert_true(err.code == CAT2_EDATA || err.code == CAT2_ENOTFOUND ||
                        err.code == CAT2_EUNSUPPORTED);
            flip(dirfd, round % 3 ? "a" : "a.idx", x); /* mend it */
            continue;
        }
        for (int64_t i = 0; i < BIG_NCHUNKS; i++) {
            if (read_right(again, frame, i, NULL)) continue;
            C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
            missing++;
            assert_true(c2_frame_chunk(frame, i, &chunk, &err));
            if (round % 2 == 0 || !c2_cachefile_missing(again, i, NULL, 0, NULL, NULL) ||
                c2_cachefile_missing(again, i, (int32_t[]){0, 1, 2}, 3, NULL, NULL) < 3 ||
                !put_by_blocks(again, i, c2_buf_bytes(&chunk)))
                ok_or_fail(c2_cachefile_put(again, i, c2_buf_bytes(&chunk), &err), &err, "again");
            assert_int_equal(read_right(again, frame, i, NULL), 1);
        }
    }
    assert_true(missing > 300 && refused > 0);
    c2_log_set_level(C2_INFO);
    drop_dir(dirfd);
}

static void a_cut_sidecar_and_another_generation_are_refused(void **state)
{
    C2_AUTO_PTR(c2_frame) *frame = make_big();
    int dirfd = dirfd_of_test();
    struct cat2_error err = {0};
    C2_AUTO_PTR(c2_cachefile) *cf = make_mirror(dirfd, "a", "one", frame);
    struct c2_cachefile *none = NULL;

    assert_string_equal(c2_cachefile_etag(cf), "one");
    assert_false(c2_cachefile_open(dirfd, "b", NULL, &none, &err));
    assert_int_equal(err.code, CAT2_ENOTFOUND);
    assert_false(c2_cachefile_open(dirfd, "a", "two", &none, &err));
    assert_int_equal(err.code, CAT2_ENOTFOUND);
    int fd = c2_fs_open(dirfd, "a.idx", O_RDWR, &err);
    assert_int_equal(ftruncate(fd, 4096), 0);
    close(fd);
    assert_false(c2_cachefile_open(dirfd, "a", "one", &none, &err));
    assert_int_equal(err.code, CAT2_EDATA);
    c2_cachefile_unref(make_mirror(dirfd, "a", "two", frame)); /* the old one lives on its own files */
    assert_true(c2_cachefile_open(dirfd, "a", NULL, &none, &err));
    assert_string_equal(c2_cachefile_etag(none), "two");
    c2_cachefile_unref(none);
    drop_dir(dirfd);
}

static void write_version(int dirfd, uint32_t version, uint32_t pad)
{
    struct cat2_error err;
    int fd = c2_fs_open(dirfd, "a.idx", O_RDWR, &err);

    assert_true(c2_fs_pwrite(fd, &version, 4, offsetof(struct c2_cache_head, version), &err));
    assert_true(c2_fs_pwrite(fd, &pad, 4, offsetof(struct c2_cache_head, pad), &err));
    close(fd);
}

static void a_newer_sidecar_is_told_from_a_damaged_one(void **state)
{
    C2_AUTO_PTR(c2_frame) *frame = make_big();
    int dirfd = dirfd_of_test();
    struct cat2_error err = {0};
    C2_AUTO_PTR(c2_cachefile) *cf = make_mirror(dirfd, "a", "one", frame);
    struct c2_cachefile *none = NULL;

    write_version(dirfd, 3, 0); /* one bit */
    assert_false(c2_cachefile_open(dirfd, "a", "one", &none, &err));
    assert_int_equal(err.code, CAT2_EDATA);
    write_version(dirfd, 3, 7); /* what a newer program has there is not ours to know */
    assert_false(c2_cachefile_open(dirfd, "a", "one", &none, &err));
    assert_int_equal(err.code, CAT2_EUNSUPPORTED);
    assert_non_null(strstr(err.message, "format 3"));
    write_version(dirfd, 1, 0);
    assert_true(c2_cachefile_open(dirfd, "a", "one", &none, &err));
    c2_cachefile_unref(none);
    drop_dir(dirfd);
}

static void eviction_frees_what_is_asked_oldest_first(void **state)
{
    C2_AUTO_PTR(c2_frame) *frame = make_big();
    int dirfd = dirfd_of_test(), left = 0;
    C2_AUTO_PTR(c2_cachefile) *cf = make_mirror(dirfd, "a", "e", frame);

    fill_cache(cf, frame, false);
    for (int64_t i = 0; i < BIG_NCHUNKS; i++) /* the first half was used long ago */
        ((struct c2_cache_rec *)(void *)(cf->map + C2_CACHE_PAGE))[i].used -= i < BIG_NCHUNKS / 2 ? 1000 : 0;
    int64_t before = c2_cachefile_disk_nbytes(cf), want = before / 4;
    assert_true(c2_cachefile_evict(cf, want) >= want);
    assert_true(before - c2_cachefile_disk_nbytes(cf) >= want);
    assert_false(c2_cachefile_complete(cf));
    for (int64_t i = 0; i < BIG_NCHUNKS; i++) {
        int here = read_right(cf, frame, i, NULL);
        if (i >= BIG_NCHUNKS / 2) assert_int_equal(here, 1);
        left += here;
    }
    assert_true(left < BIG_NCHUNKS && left > BIG_NCHUNKS / 2);
    assert_true(c2_cachefile_evict(cf, INT64_MAX) > 0);
    assert_int_equal(read_right(cf, frame, 3, NULL), 0);
    fill_cache(cf, frame, true);
    same_file(cf, frame);
    drop_dir(dirfd);
}

/* Evict all there is, and say which chunks are left, a bit each. */
static uint64_t left_after_eviction(struct c2_cachefile *cf, struct c2_frame *frame)
{
    uint64_t left = 0;

    fill_cache(cf, frame, false);
    (void)c2_cachefile_evict(cf, INT64_MAX);
    for (int64_t i = 0; i < BIG_NCHUNKS; i++)
        left |= (uint64_t)read_right(cf, frame, i, NULL) << i;
    return left;
}

static void what_a_reader_holds_is_not_evicted(void **state)
{
    C2_AUTO_PTR(c2_frame) *frame = make_big();
    int dirfd = dirfd_of_test();
    C2_AUTO_PTR(c2_cachefile) *cf = make_mirror(dirfd, "a", "e", frame);
    const struct c2_grid *grid = &c2_cachefile_meta(cf)->grid;
    struct c2_slice some = {.nsels = 1};
    struct c2_bound bound;
    struct cat2_error err = {0};
    struct c2_range range;
    int64_t room;

    assert_true(BIG_NCHUNKS < 64);
    some.sels[0] = (struct c2_sel){.kind = C2_SEL_RANGE,
                                   .has_start = true,
                                   .has_stop = true,
                                   .start = grid->chunks[0],
                                   .stop = 3 * (int64_t)grid->chunks[0]};
    assert_true(c2_slice_bind(&some, grid->shape, grid->ndim, &bound, &err));
    assert_true(c2_cachefile_place(cf, 5, &range.off, &room));
    range.n = 1;
    struct c2_hold of_bound = {.kind = C2_HOLD_BOUND, .bound = &bound},
                   of_bytes = {.kind = C2_HOLD_RANGES, .ranges = &range, .nranges = 1},
                   of_all = {.kind = C2_HOLD_ALL};
    assert_int_equal(left_after_eviction(cf, frame), 0);
    c2_cachefile_hold(cf, &of_bound);
    assert_int_equal(left_after_eviction(cf, frame), 6);
    c2_cachefile_hold(cf, &of_bytes);
    assert_int_equal(left_after_eviction(cf, frame), 6 | 32);
    c2_cachefile_release(cf, &of_bound);
    assert_int_equal(left_after_eviction(cf, frame), 32);
    c2_cachefile_hold(cf, &of_all);
    assert_int_equal(left_after_eviction(cf, frame), ((uint64_t)1 << BIG_NCHUNKS) - 1);
    c2_cachefile_release(cf, &of_all);
    c2_cachefile_release(cf, &of_bytes);
    assert_int_equal(left_after_eviction(cf, frame), 0);
    drop_dir(dirfd);
}

static bool count_chunk(void *ctx, int64_t nchunk)
{
    int64_t *sum = ctx;

    *sum = *sum * 100 + nchunk + 1;
    return true;
}

static void bytes_of_a_mirror_name_their_chunks(void **state)
{
    C2_AUTO_PTR(c2_frame) *frame = make_big();
    int dirfd = dirfd_of_test();
    C2_AUTO_PTR(c2_cachefile) *cf = make_mirror(dirfd, "a", "e", frame);
    int64_t off, room, sum = 0;

    assert_true(c2_cachefile_place(cf, 4, &off, &room));
    assert_true(c2_cachefile_chunks_under(cf, off + room - 1, 2, count_chunk, &sum));
    assert_int_equal(sum, 506);
    sum = 0;
    assert_true(c2_cachefile_chunks_under(cf, off, room, count_chunk, &sum));
    assert_int_equal(sum, 5);
    sum = 0;
    assert_true(c2_cachefile_chunks_under(cf, 0, 10, count_chunk, &sum));
    assert_int_equal(sum, 0);
    drop_dir(dirfd);
}

struct seen_spans {
    int n;
    struct c2_chunk_span last;
};

static bool note_span(void *ctx, const struct c2_chunk_span *span)
{
    struct seen_spans *seen = ctx;

    seen->n++;
    seen->last = *span;
    return true;
}

static void a_mirror_read_by_position_tells_what_is_missing(void **state)
{
    C2_AUTO_PTR(c2_frame) *frame = make_big();
    int dirfd = dirfd_of_test();
    C2_AUTO_PTR(c2_cachefile) *cf = make_mirror(dirfd, "a", "e", frame);
    size_t n = (size_t)c2_frame_layout(frame)->frame_len;
    uint8_t *want = malloc(n), *got = malloc(n);
    struct cat2_error err = {0};
    struct seen_spans seen = {0};
    int64_t off, room;

    assert_true(c2_frame_pread(frame, want, n, 0, &err));
    assert_true(c2_cachefile_place(cf, 4, &off, &room));
    assert_true(c2_cachefile_read_frame(cf, off + 3, 10, got, note_span, &seen, &err));
    assert_int_equal(seen.n, 1);
    assert_int_equal(seen.last.nchunk, 4);
    assert_int_equal(seen.last.off, 3);
    assert_int_equal(seen.last.n, 10);
    fill_cache(cf, frame, true);
    seen.n = 0;
    assert_true(c2_cachefile_read_frame(cf, 0, n, got, note_span, &seen, &err));
    assert_int_equal(seen.n, 0);
    assert_memory_equal(got, want, n);
    /* A byte that flips after it has been read is missing, not served. */
    uint8_t flipped = (uint8_t)(want[off + room - 1] ^ 1);
    assert_true(c2_fs_pwrite(c2_cachefile_fd(cf), &flipped, 1, off + room - 1, &err));
    c2_log_set_level(C2_ERROR);
    assert_true(c2_cachefile_read_frame(cf, 0, n, got, note_span, &seen, &err));
    c2_log_set_level(C2_INFO);
    assert_int_equal(seen.n, 1);
    assert_int_equal(seen.last.nchunk, 4);
    assert_false(c2_cachefile_complete(cf));
    free(want);
    free(got);
    drop_dir(dirfd);
}

/* Pages of a file from `off` on that are in memory. */
static int64_t resident(int fd, int64_t off, int64_t len)
{
    uint8_t *map = mmap(NULL, (size_t)len, PROT_READ, MAP_SHARED, fd, 0);
    int64_t npages = c2_div_ceil(len, 4096), n = 0;
    uint8_t *pages = malloc((size_t)npages);

    assert_true(map != MAP_FAILED && mincore(map, (size_t)len, pages) == 0);
    for (int64_t i = c2_div_ceil(off, 4096); i < npages; i++)
        n += pages[i] & 1;
    munmap(map, (size_t)len);
    free(pages);
    return n;
}

/* Holes that are read ahead are pages of zeros, which cost time and memory. */
static void reading_what_has_just_come_brings_no_holes_into_memory(void **state)
{
    C2_AUTO_PTR(c2_frame) *frame = make_big();
    const struct c2_frame_layout *l = c2_frame_layout(frame);
    int dirfd = dirfd_of_test();
    C2_AUTO_PTR(c2_cachefile) *cf = make_mirror(dirfd, "a", "e", frame);
    int fd = c2_cachefile_fd(cf);
    uint8_t *got = malloc((size_t)l->frame_len);
    struct cat2_error err = {0};
    struct seen_spans seen = {0};
    int64_t off = 0, room = 0;

    assert_int_equal(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
    assert_true(
        c2_fs_pread(fd, got, (size_t)l->frame_len / 8, 0, &err)); /* as a chunk that is here in part */
    for (int64_t i = 0; i < BIG_NCHUNKS / 4; i++) {
        C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
        assert_true(c2_frame_chunk(frame, i, &chunk, &err));
        assert_true(c2_cachefile_put(cf, i, c2_buf_bytes(&chunk), &err));
        assert_true(c2_cachefile_place(cf, i, &off, &room));
        assert_true(c2_cachefile_read_frame(cf, off, (size_t)room, got, note_span, &seen, &err));
    }
    assert_int_equal(seen.n, 0);
    assert_int_equal(resident(fd, off + room, l->index_off - 4096), 0);
    free(got);
    drop_dir(dirfd);
}

static void flip_bit(int fd, int64_t at, int bit)
{
    struct cat2_error err;
    uint8_t byte;

    assert_true(c2_fs_pread(fd, &byte, 1, at, &err));
    byte ^= (uint8_t)(1u << bit);
    assert_true(c2_fs_pwrite(fd, &byte, 1, at, &err));
}

/* Any bit of the data file or the sidecar may flip while it is open: the bytes that are given are the right
 * ones, or missing; and then they can be put again. */
static void a_bit_that_flips_on_disk_is_never_given(void **state)
{
    C2_AUTO_PTR(c2_frame) *frame = make_big();
    int dirfd = dirfd_of_test();
    C2_AUTO_PTR(c2_cachefile) *cf = make_mirror(dirfd, "a", "e", frame);
    size_t n = (size_t)c2_frame_layout(frame)->frame_len;
    uint8_t *want = malloc(n), *got = malloc(n);
    struct cat2_error err = {0};
    struct stat st;
    unsigned seed = 7;

    int idx = openat(dirfd, "a.idx", O_RDWR);
    assert_true(idx >= 0 && fstat(idx, &st) == 0);
    assert_true(c2_frame_pread(frame, want, n, 0, &err));
    fill_cache(cf, frame, false);
    c2_log_set_level(C2_ERROR);
    for (int i = 0; i < 400; i++) {
        struct seen_spans seen = {0};
        seed = seed * 1103515245u + 12345u;
        size_t place = seed >> 3;
        if (i % 4 == 0)
            flip_bit(idx, (int64_t)(place % (size_t)st.st_size), i / 4 % 8);
        else
            flip_bit(c2_cachefile_fd(cf), (int64_t)(place % n), i / 4 % 8);
        ok_or_fail(c2_cachefile_read_frame(cf, 0, n, got, note_span, &seen, &err), &err, "read");
        if (seen.n == 0) assert_memory_equal(got, want, n);
        if (seen.n > 0) fill_cache_quietly(cf, frame);
        seen.n = 0;
        ok_or_fail(c2_cachefile_read_frame(cf, 0, n, got, note_span, &seen, &err), &err, "read");
        assert_int_equal(seen.n, 0);
        assert_memory_equal(got, want, n);
    }
    c2_log_set_level(C2_INFO);
    close(idx);
    free(want);
    free(got);
    drop_dir(dirfd);
}

/* After a loss of power a record may promise blocks whose words never came to the disk. */
static void a_block_whose_word_was_lost_is_missing(void **state)
{
    C2_AUTO_PTR(c2_frame) *frame = make_big();
    int dirfd = dirfd_of_test();
    C2_AUTO_PTR(c2_cachefile) *cf = make_mirror(dirfd, "a", "e", frame);
    size_t n = (size_t)c2_frame_layout(frame)->frame_len;
    uint8_t *got = malloc(n);
    struct cat2_error err = {0};
    uint32_t zero = 0;

    fill_cache(cf, frame, true);
    c2_log_set_level(C2_ERROR);
    for (int scrubbed = 0; scrubbed < 2; scrubbed++) {
        struct seen_spans seen = {0};
        struct c2_scrub scrub = {0};
        for (int i = 0; i < 2; i++)
            assert_true(c2_cache_put_words(cf, 5, i, &zero, 1, &err));
        assert_true(c2_cachefile_complete(cf)); /* as far as records tell */
        if (scrubbed)
            ok_or_fail(c2_cachefile_scrub(cf, &scrub, INT64_MAX / 2, &err), &err, "scrub");
        else
            ok_or_fail(c2_cachefile_read_frame(cf, 0, n, got, note_span, &seen, &err), &err, "read");
        assert_int_equal(scrubbed ? scrub.nbad : seen.n, 1);
        assert_false(c2_cachefile_complete(cf));
        fill_cache_quietly(cf, frame);
        same_chunks(cf, frame);
    }
    c2_log_set_level(C2_INFO);
    free(got);
    drop_dir(dirfd);
}

static void a_scrub_finds_what_nobody_has_read(void **state)
{
    C2_AUTO_PTR(c2_frame) *frame = make_big();
    int dirfd = dirfd_of_test();
    C2_AUTO_PTR(c2_cachefile) *cf = make_mirror(dirfd, "a", "e", frame);
    struct c2_frame_layout layout = *c2_frame_layout(frame);
    struct cat2_error err = {0};
    struct c2_scrub scrub = {0};
    int64_t off, room;
    int steps = 0;

    fill_cache(cf, frame, true);
    assert_true(c2_cachefile_place(cf, 4, &off, &room));
    flip_bit(c2_cachefile_fd(cf), off + 2, 0); /* its header */
    assert_true(c2_cachefile_place(cf, 5, &off, &room));
    flip_bit(c2_cachefile_fd(cf), off + room - 1, 3); /* its last block */
    flip_bit(c2_cachefile_fd(cf), layout.index_off + 40, 1);
    flip_bit(c2_cachefile_fd(cf), layout.frame_len - 1, 1);
    flip_bit(c2_cachefile_fd(cf), 30, 1);
    c2_log_set_level(C2_ERROR);
    for (; !scrub.done; steps++)
        ok_or_fail(c2_cachefile_scrub(cf, &scrub, 1, &err), &err, "scrub");
    c2_log_set_level(C2_INFO);
    assert_true(steps > 3);
    assert_int_equal(scrub.nbad, 2);
    assert_int_equal(scrub.bad[0], 4);
    assert_int_equal(scrub.bad[1], 5);
    assert_int_equal(scrub.nrepaired, 2);
    fill_cache_quietly(cf, frame);
    all_sound(cf);
    c2_cachefile_unref(cf);
    cf = NULL;
    ok_or_fail(c2_cachefile_open(dirfd, "a", "e", &cf, &err), &err, "open");
    drop_dir(dirfd);
}

struct crowd {
    struct c2_cachefile *cf;
    struct c2_frame *frame;
    uint64_t seed;
    int role;
    atomic_int *wrong, *reads, *writers; /* writers: still at it */
};

static bool put_random(struct crowd *me, int64_t i, uint64_t x)
{
    C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
    struct cat2_error err = {0};
    struct c2_chunk_expect want = {.nbytes = -1, .blocksize = -1, .typesize = -1};
    struct c2_chunk_info info;
    int32_t off[16], len[16], block = (int32_t)(x >> 20 & 15);

    if (!c2_frame_chunk(me->frame, i, &chunk, &err)) return false;
    if (x >> 40 & 1) return c2_cachefile_put(me->cf, i, c2_buf_bytes(&chunk), &err);
    if (!c2_guard_header(chunk.p, (int64_t)chunk.n, &want, &info, &err)) return false;
    struct c2_bytes prefix = {chunk.p, (size_t)info.data_start};
    return c2_block_extents(prefix, &info, off, len, &err) &&
           c2_cachefile_put_blocks(me->cf, i, prefix, &block, 1,
                                   (struct c2_bytes){chunk.p + off[block], (size_t)len[block]}, &err);
}

/* Read a random piece and compare. */
static bool read_random(struct crowd *me, int64_t i, uint64_t x)
{
    struct c2_chunks chunks = c2_cachefile_chunks(me->cf), source = c2_frame_chunks(me->frame);
    struct cat2_error err = {0};
    struct c2_chunk_stat st;
    uint8_t a[4096], b[4096];

    if (!c2_chunk_stat(&source, i, &st, &err)) return false;
    int32_t n = (int32_t)c2_min_i64(sizeof(a), st.cbytes / 2),
            off = (int32_t)((x >> 16) % (uint64_t)(st.cbytes - n));
    if (!c2_chunk_read(&chunks, i, off, n, a, &err)) return err.code == CAT2_ENOTFOUND;
    atomic_fetch_add(me->reads, 1);
    return c2_chunk_read(&source, i, off, n, b, &err) && memcmp(a, b, (size_t)n) == 0;
}

static void *crowd_main(void *ctx)
{
    struct crowd *me = ctx;
    uint64_t x = me->seed;

    for (int round = 0; me->role == 0 ? round < 1500 : atomic_load(me->writers) > 0; round++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        int64_t i = (int64_t)(x % BIG_NCHUNKS);
        bool ok = me->role == 0 ? put_random(me, i, x) : read_random(me, i, x);
        if (me->role == 0 && round % 50 == 49) (void)c2_cachefile_evict(me->cf, 300000);
        if (!ok) atomic_fetch_add(me->wrong, 1);
    }
    if (me->role == 0) atomic_fetch_sub(me->writers, 1);
    return NULL;
}

static void threads_that_fill_read_and_evict_never_see_wrong_bytes(void **state)
{
    C2_AUTO_PTR(c2_frame) *frame = make_big();
    int dirfd = dirfd_of_test();
    C2_AUTO_PTR(c2_cachefile) *cf = make_mirror(dirfd, "a", "e", frame);
    atomic_int wrong = 0, reads = 0, writers = 2;
    struct crowd crowd[4];
    pthread_t threads[4];

    for (int i = 0; i < 4; i++) {
        crowd[i] = (struct crowd){cf, frame, 77777u * (uint64_t)(i + 1), i / 2, &wrong, &reads, &writers};
        assert_int_equal(pthread_create(&threads[i], NULL, crowd_main, &crowd[i]), 0);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&wrong), 0);
    assert_true(atomic_load(&reads) > 0);
    drop_dir(dirfd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_mirror_is_the_publishers_file),
        cmocka_unit_test(slots_hold_and_export_every_frame),
        cmocka_unit_test(flipped_bits_are_noticed_and_never_served),
        cmocka_unit_test(a_cut_sidecar_and_another_generation_are_refused),
        cmocka_unit_test(in_memory_it_holds_every_frame),
        cmocka_unit_test(in_memory_it_stays_small),
        cmocka_unit_test(a_newer_sidecar_is_told_from_a_damaged_one),
        cmocka_unit_test(eviction_frees_what_is_asked_oldest_first),
        cmocka_unit_test(what_a_reader_holds_is_not_evicted),
        cmocka_unit_test(bytes_of_a_mirror_name_their_chunks),
        cmocka_unit_test(a_mirror_read_by_position_tells_what_is_missing),
        cmocka_unit_test(reading_what_has_just_come_brings_no_holes_into_memory),
        cmocka_unit_test(a_bit_that_flips_on_disk_is_never_given),
        cmocka_unit_test(a_block_whose_word_was_lost_is_missing),
        cmocka_unit_test(a_scrub_finds_what_nobody_has_read),
        cmocka_unit_test(threads_that_fill_read_and_evict_never_see_wrong_bytes),
    };

    c2_codec_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
