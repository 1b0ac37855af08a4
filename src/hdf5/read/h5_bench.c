/* SPDX-License-Identifier: BSD-3-Clause */
/* h5_bench FILE DATASET...: microseconds a chunk to find it, to fetch it, to fetch and convert it. */
#include <stdio.h>
#include <time.h>

#include "hdf5/read/h5.h"

#define CHUNKS_MAX 4096

static double now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static bool measure(struct c2_h5 *h5, struct c2_codec *codec, const char *name, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_h5_dataset) *ds = NULL;
    C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
    C2_AUTO(c2_h5_raw) raw;
    double fetch = 0, convert = 0, locate = 0;
    int64_t off;
    int32_t n;

    c2_h5_raw_init(&raw);
    if (!c2_h5_dataset_open(h5, name, NULL, &ds, err)) return false;
    int64_t nchunks = c2_min_i64(c2_h5_meta(ds)->nchunks, CHUNKS_MAX), total = c2_h5_meta(ds)->nchunks;
    for (int64_t i = 0; i < nchunks; i++) {
        int64_t at = i * total / nchunks;
        double start = now_us();
        c2_h5_locate(ds, at, &off, &n);
        double found = now_us();
        if (!c2_h5_fetch(ds, at, &raw, err)) return false;
        double fetched = now_us();
        c2_buf_clear(&chunk);
        if (!c2_h5_convert(ds, codec, &raw, &chunk, err)) return false;
        locate += found - start;
        fetch += fetched - found;
        convert += now_us() - fetched;
    }
    double each = (double)(nchunks ? nchunks : 1);
    printf("%-16s %8lld chunks of %9d bytes: locate %8.2f us, fetch %8.2f us, convert %8.2f us, %7.0f MB/s\n",
           name, (long long)total, c2_h5_meta(ds)->chunksize, locate / each, fetch / each, convert / each,
           (double)c2_h5_meta(ds)->chunksize * each / (fetch + convert));
    return true;
}

int main(int argc, char **argv)
{
    C2_AUTO_PTR(c2_h5) *h5 = NULL;
    C2_AUTO_PTR(c2_codec) *codec = NULL;
    struct cat2_error err = {0};

    c2_codec_setup();
    codec = c2_codec_new();
    bool ok = argc > 2 && codec && c2_h5_setup(&err) && c2_h5_open(argv[1], &h5, &err);
    for (int i = 2; ok && i < argc; i++)
        ok = measure(h5, codec, argv[i], &err);
    if (!ok) fprintf(stderr, "%s\n", argc > 2 ? err.message : "h5_bench FILE DATASET...");
    return ok ? 0 : 1;
}
