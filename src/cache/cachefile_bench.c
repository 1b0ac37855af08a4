/* SPDX-License-Identifier: BSD-3-Clause */
/* What a put and a get cost at 10, 1000 and 100 000 chunks of 41 KB. Prints medians in microseconds. */
#include <unistd.h>

#include "base/fs.h"
#include "blosc/bench.h"
#include "cache/cachefile.h"

#define ITEMS  8192 /* int64 a chunk: 64 KiB */
#define BLOCK  2048
#define ROUNDS 5000

static void make_chunk(struct c2_codec *codec, const struct c2_cparams *cparams, struct c2_buf *chunk)
{
    static uint64_t items[ITEMS];
    struct cat2_error err = {0};
    uint64_t x = 88172645463325252u;

    for (int i = 0; i < ITEMS; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        items[i] = x & 0xffffffffffu;
    }
    check(c2_codec_encode(codec, cparams, (uint8_t *)items, sizeof(items), chunk, &err), &err);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *us, int n)
{
    qsort(us, (size_t)n, sizeof(*us), by_value);
    return us[n / 2];
}

static void get_all(struct c2_cachefile *cf, int rounds, int32_t cbytes, const char *what)
{
    struct c2_chunks chunks = c2_cachefile_chunks(cf);
    struct cat2_error err = {0};
    uint8_t *to = malloc((size_t)cbytes);
    int64_t n = c2_cachefile_meta(cf)->nchunks;
    static double us[ROUNDS];

    for (int i = 0; i < rounds; i++) {
        double t0 = now_us();
        check(c2_chunk_read(&chunks, (int64_t)i * 7919 % n, 0, cbytes, to, &err), &err);
        us[i] = now_us() - t0;
    }
    printf("  %s %6.2f us", what, median(us, rounds));
    free(to);
}

static void measure(int dirfd, struct c2_codec *codec, int64_t nchunks)
{
    int64_t shape = nchunks * ITEMS;
    int32_t chunkshape = ITEMS, block = BLOCK;
    struct c2_meta meta = {.kind = C2_KIND_ARRAY, .chunksize = ITEMS * 8, .chunkshape = ITEMS};
    C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
    struct c2_cachefile *cf = NULL, *again = NULL;
    struct cat2_error err = {0};
    int rounds = nchunks < ROUNDS ? (int)nchunks : ROUNDS;

    check(c2_grid_init(&meta.grid, &shape, &chunkshape, &block, 1, 8, true, &err), &err);
    check(c2_dtype_parse(C2_STR("<i8"), &meta.dtype, &err), &err);
    meta.cparams = c2_cparams_fast(8, BLOCK * 8);
    meta.nchunks = nchunks;
    meta.nbytes = nchunks * meta.chunksize;
    make_chunk(codec, &meta.cparams, &chunk);
    double t0 = now_us();
    check(c2_cachefile_create_slots(dirfd, "a", "e", &meta, &cf, &err), &err);
    double t1 = now_us();
    static double us[ROUNDS];
    for (int i = 0; i < rounds; i++) {
        double t2 = now_us();
        check(c2_cachefile_put(cf, (int64_t)i * 7919 % nchunks, c2_buf_bytes(&chunk), &err), &err);
        us[i] = now_us() - t2;
    }
    printf("%7lld chunks of %zu bytes: create %8.1f us  put %6.2f us", (long long)nchunks, chunk.n, t1 - t0,
           median(us, rounds));
    check(c2_cachefile_open(dirfd, "a", "e", &again, &err), &err);
    get_all(again, rounds, (int32_t)chunk.n, "get, first and hashed");
    get_all(again, rounds, (int32_t)chunk.n, "get");
    double t3 = now_us();
    int64_t freed = c2_cachefile_evict(cf, INT64_MAX);
    printf("  evict %6.2f us/chunk (%lld KiB)\n", (now_us() - t3) / rounds, (long long)freed / 1024);
    c2_cachefile_unref(again);
    c2_cachefile_unref(cf);
    check(c2_cachefile_remove(dirfd, "a", &err), &err);
    c2_dtype_fini(&meta.dtype);
}

int main(void)
{
    char dir[] = "/tmp/c2-cachefile-bench-XXXXXX";
    struct cat2_error err = {0};

    c2_codec_setup();
    struct c2_codec *codec = c2_codec_new();
    if (!codec || !mkdtemp(dir)) return 1;
    int dirfd = c2_fs_open_dir(dir, false, &err);
    measure(dirfd, codec, 10);
    measure(dirfd, codec, 1000);
    measure(dirfd, codec, 100000);
    rmdir(dir);
    c2_codec_free(codec);
    return 0;
}
