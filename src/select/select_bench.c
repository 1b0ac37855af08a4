/* SPDX-License-Identifier: BSD-3-Clause */
/* A warm 100x100 float64 slice out of a cache file: its items, and its cframe. Prints microseconds. */
#include <unistd.h>

#include "base/fs.h"
#include "blosc/bench.h"
#include "cache/cachefile.h"
#include "select/select.h"

#define SIDE   2000
#define CHUNK  500
#define BLOCK  100
#define ROUNDS 2000

static void fill(struct c2_codec *codec, struct c2_cachefile *cf)
{
    const struct c2_meta *meta = c2_cachefile_meta(cf);
    double *items = malloc((size_t)meta->chunksize);
    struct cat2_error err = {0};

    for (int64_t i = 0; i < meta->nchunks; i++) {
        C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
        for (int k = 0; k < meta->chunkshape; k++)
            items[k] = (double)i + (double)(k * 7919 % 10007) / 1000;
        check(c2_codec_encode(codec, &meta->cparams, (uint8_t *)items, meta->chunksize, &chunk, &err), &err);
        check(c2_cachefile_put(cf, i, c2_buf_bytes(&chunk), &err), &err);
    }
    free(items);
}

static void measure(struct c2_codec *codec, const struct c2_selectable *ds, const char *text)
{
    struct c2_slice slice;
    struct c2_bound bound;
    struct cat2_error err = {0};
    double best_items = 1e9, best_cframe = 1e9;
    size_t cframe_n = 0;

    check(c2_slice_parse(c2_str_of(text), &slice, &err), &err);
    check(c2_slice_bind(&slice, ds->meta->grid.shape, ds->meta->grid.ndim, &bound, &err), &err);
    uint8_t *out = malloc((size_t)bound.nitems * 8);
    for (int round = 0; round < ROUNDS; round++) {
        C2_AUTO(c2_buf) cframe = C2_BUF_INIT(1 << 28);
        double t0 = now_us();
        check(c2_select_items(codec, ds, &bound, out, &err), &err);
        double t1 = now_us();
        check(c2_select_cframe(codec, ds, &bound, C2_KIND_ARRAY, -1, &cframe, &err), &err);
        double t2 = now_us();
        if (t1 - t0 < best_items) best_items = t1 - t0;
        if (t2 - t1 < best_cframe) best_cframe = t2 - t1;
        cframe_n = cframe.n;
    }
    printf("%-22s items %8.1f us   cframe %8.1f us (%zu bytes)\n", text, best_items, best_cframe, cframe_n);
    free(out);
}

int main(void)
{
    int64_t shape[2] = {SIDE, SIDE};
    int32_t chunks[2] = {CHUNK, CHUNK}, blocks[2] = {BLOCK, BLOCK};
    struct c2_meta meta = {
        .kind = C2_KIND_ARRAY, .chunksize = CHUNK * CHUNK * 8, .chunkshape = CHUNK * CHUNK};
    struct c2_cachefile *cf = NULL;
    struct cat2_error err = {0};
    char dir[] = "/tmp/c2-select-bench-XXXXXX";

    c2_codec_setup();
    struct c2_codec *codec = c2_codec_new();
    if (!codec || !mkdtemp(dir)) return 1;
    int dirfd = c2_fs_open_dir(dir, false, &err);
    check(c2_grid_init(&meta.grid, shape, chunks, blocks, 2, 8, true, &err), &err);
    check(c2_dtype_parse(C2_STR("<f8"), &meta.dtype, &err), &err);
    meta.cparams = c2_cparams_fast(8, BLOCK * BLOCK * 8);
    meta.nchunks = meta.grid.nchunks;
    meta.nbytes = meta.nchunks * meta.chunksize;
    check(c2_cachefile_create_slots(dirfd, "a", "e", &meta, &cf, &err), &err);
    fill(codec, cf);
    struct c2_selectable ds = {c2_cachefile_meta(cf), c2_cachefile_chunks(cf)};
    measure(codec, &ds, "100:200, 300:400");
    measure(codec, &ds, "150:250, 250:350");
    measure(codec, &ds, "450:550, 450:550");
    measure(codec, &ds, "7, 1234");
    measure(codec, &ds, "0:1000, 0:1000");
    measure(codec, &ds, "1:1001, 1:1001");
    c2_cachefile_unref(cf);
    check(c2_cachefile_remove(dirfd, "a", &err), &err);
    rmdir(dir);
    c2_codec_free(codec);
    c2_dtype_fini(&meta.dtype);
    return 0;
}
