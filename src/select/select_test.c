/* SPDX-License-Identifier: BSD-3-Clause */
/* Selections of every corpus frame, through the frame and through a cache that holds only the needed blocks,
 * against the same selection picked item by item from the wholly decoded data. */
#include <limits.h>

#include "blosc/blosc_testing.h"

#include "base/endian.h"
#include "base/fs.h"
#include "blosc/chunk_format.h"
#include "blosc/frame_impl.h"
#include "cache/cachefile.h"
#include "select/select.h"

/* A dataset decoded to C order, one chunk and block after the other, without select. */
struct plain {
    uint8_t *items;
    size_t nbytes;
};

static void decode_all(struct c2_codec *codec, struct c2_frame *frame, struct plain *out)
{
    const struct c2_meta *meta = c2_frame_meta(frame);
    const struct c2_grid *g = &meta->grid;
    struct cat2_error err = {0};
    struct c2_slice all = {0};
    struct c2_bound bound;
    uint8_t *chunk_bytes = malloc((size_t)meta->chunksize + 1);

    assert_true(c2_slice_bind(&all, g->shape, g->ndim, &bound, &err));
    out->nbytes = (size_t)bound.nitems * (size_t)g->typesize;
    out->items = calloc(1, out->nbytes + 1);
    for (int64_t i = 0; i < meta->nchunks; i++) {
        C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
        assert_true(c2_frame_chunk(frame, i, &chunk, &err));
        assert_true(c2_codec_decode(codec, meta, c2_buf_bytes(&chunk), chunk_bytes, &err));
        int64_t step = g->block_items * g->typesize;
        for (int32_t b = 0; b < g->nblocks; b++)
            c2_grid_scatter(g, &bound, i, b, chunk_bytes + b * step, out->items);
    }
    free(chunk_bytes);
}

/* The n-th item of a selection, straight from the definition. */
static const uint8_t *pick(const struct plain *plain, const struct c2_grid *g, const struct c2_bound *bound,
                           int64_t n)
{
    int64_t at = 0, stride = 1;

    for (int i = bound->ndim - 1; i >= 0; i--) {
        int64_t k = n % bound->axes[i].count;
        n /= bound->axes[i].count;
        at += (bound->axes[i].start + k * bound->axes[i].step) * stride;
        stride *= g->shape[i];
    }
    return plain->items + at * g->typesize;
}

static void expect_items(const struct plain *plain, const struct c2_grid *g, const struct c2_bound *bound,
                         const uint8_t *got, const char *what)
{
    for (int64_t i = 0; i < bound->nitems; i++)
        if (memcmp(got + i * g->typesize, pick(plain, g, bound, i), (size_t)g->typesize) != 0)
            fail_msg("%s: item %lld of %lld is wrong", what, (long long)i, (long long)bound->nitems);
}

static void check_items(struct c2_codec *codec, const struct c2_selectable *ds, const struct c2_bound *bound,
                        const struct plain *plain, const char *what)
{
    struct cat2_error err = {0};
    uint8_t *out = malloc((size_t)bound->nitems * (size_t)ds->meta->grid.typesize + 1);

    if (!c2_select_items(codec, ds, bound, out, &err)) fail_msg("%s: %s", what, err.message);
    expect_items(plain, &ds->meta->grid, bound, out, what);
    free(out);
}

static void check_cframe(struct c2_codec *codec, const struct c2_selectable *ds, const struct c2_bound *bound,
                         const struct plain *plain, const char *what)
{
    C2_AUTO(c2_buf) bytes = C2_BUF_INIT(1 << 28);
    C2_AUTO_PTR(c2_frame) *frame = NULL;
    struct cat2_error err = {0};
    struct c2_slice all = {0};
    struct c2_bound whole;
    struct plain copy;

    if (!c2_select_cframe(codec, ds, bound, C2_KIND_ARRAY, -1, &bytes, &err) ||
        !c2_frame_open_buf(&bytes, what, &frame, &err))
        fail_msg("%s: %s", what, err.message);
    const struct c2_meta *meta = c2_frame_meta(frame);
    assert_int_equal(meta->grid.ndim, bound->out_ndim);
    for (int i = 0; i < bound->out_ndim; i++)
        assert_int_equal(meta->grid.shape[i], bound->out_shape[i]);
    assert_true(c2_slice_bind(&all, meta->grid.shape, meta->grid.ndim, &whole, &err));
    decode_all(codec, frame, &copy);
    expect_items(plain, &ds->meta->grid, bound, copy.items, what);
    free(copy.items);
}

/* Whole, first item, a middle piece, every other, reversed, one chunk: by shape. */
static int make_slices(const struct c2_grid *g, char out[][C2_DIM_MAX * 24])
{
    int n = 6;

    for (int s = 0; s < n; s++)
        out[s][0] = '\0';
    for (int i = 0; i < g->ndim; i++) {
        const char *comma = i ? "," : "";
        int64_t len = g->shape[i], mid = len / 3;
        char part[6][24];
        snprintf(part[0], sizeof(part[0]), "%s:", comma);
        snprintf(part[1], sizeof(part[1]), len ? "%s0" : "%s:", comma);
        snprintf(part[2], sizeof(part[2]), "%s%lld:%lld", comma, (long long)mid,
                 (long long)(mid + (len + 2) / 3));
        snprintf(part[3], sizeof(part[3]), "%s%d::%d", comma, i % 2, i + 2);
        snprintf(part[4], sizeof(part[4]), "%s::-%d", comma, i % 3 + 1);
        snprintf(part[5], sizeof(part[5]), "%s0:%d", comma, g->chunks[i]);
        for (int s = 0; s < n; s++)
            memcpy(out[s] + strlen(out[s]), part[s], strlen(part[s]) + 1);
    }
    return n;
}

/* Put what a selection needs into a cache: single blocks where that is possible. */
static void put_needed(struct c2_cachefile *cf, struct c2_frame *frame, const struct c2_bound *bound)
{
    const struct c2_grid *g = &c2_frame_meta(frame)->grid;
    struct cat2_error err = {0};
    struct c2_grid_walk walk;
    int64_t nchunk;

    c2_grid_walk_init(&walk, g, bound);
    while (c2_grid_walk_next(&walk, &nchunk)) {
        C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
        struct c2_chunk_expect want = c2_meta_expect(c2_frame_meta(frame), nchunk);
        struct c2_chunk_info info;
        int32_t *blocks = malloc((size_t)g->nblocks * 4);
        int32_t n = (int32_t)c2_grid_blocks(g, bound, nchunk, blocks);
        assert_true(c2_frame_chunk(frame, nchunk, &chunk, &err));
        assert_true(c2_guard_chunk(c2_buf_bytes(&chunk), &want, &info, &err));
        if (info.special || info.memcpyed || info.delta || g->nblocks < 2) {
            assert_true(c2_cachefile_put(cf, nchunk, c2_buf_bytes(&chunk), &err));
        } else {
            struct c2_bytes prefix = {chunk.p, (size_t)info.data_start};
            int32_t *off = malloc((size_t)info.nblocks * 8), *len = off + info.nblocks;
            assert_true(c2_block_extents(prefix, &info, off, len, &err));
            for (int32_t i = 0; i < n; i++)
                if (!c2_cachefile_put_blocks(
                        cf, nchunk, prefix, &blocks[i], 1,
                        (struct c2_bytes){chunk.p + off[blocks[i]], (size_t)len[blocks[i]]}, &err))
                    fail_msg("%s", err.message);
            free(off);
        }
        free(blocks);
    }
}

static void check_cached(struct c2_codec *codec, int dirfd, struct c2_frame *frame,
                         const struct c2_bound *bound, const struct plain *plain, const char *what)
{
    C2_AUTO_PTR(c2_cachefile) *cf = NULL;
    struct cat2_error err = {0};

    if (!c2_cachefile_create_slots(dirfd, "a", "e", c2_frame_meta(frame), &cf, &err))
        fail_msg("%s", err.message);
    struct c2_selectable ds = {c2_cachefile_meta(cf), c2_cachefile_chunks(cf)};
    if (bound->nitems > 0) {
        uint8_t *out = malloc((size_t)bound->nitems * (size_t)ds.meta->grid.typesize);
        assert_false(c2_select_items(codec, &ds, bound, out, &err));
        assert_int_equal(err.code, CAT2_ENOTFOUND);
        free(out);
    }
    put_needed(cf, frame, bound);
    check_items(codec, &ds, bound, plain, what);
    check_cframe(codec, &ds, bound, plain, what);
}

static bool no_read(void *self, int64_t nchunk, int32_t off, int32_t n, uint8_t *to, struct cat2_error *err)
{
    (void)self, (void)nchunk, (void)off, (void)n, (void)to;
    return c2_fail(err, CAT2_EIO, "nothing is read");
}

/* Read again and again; and when all of it is kept, without what it came from. */
static bool check_kept(struct c2_codec *codec, struct c2_selectable ds, const struct c2_bound *bound,
                       const struct plain *plain, const char *what, int *nfew)
{
    struct c2_chunks_ops silent = *ds.chunks.ops;
    struct c2_kept_blocks_stats before, after;

    for (int k = 0; k < 3; k++) {
        before = c2_kept_blocks_stats(ds.kept);
        check_items(codec, &ds, bound, plain, what);
        after = c2_kept_blocks_stats(ds.kept);
    }
    bool all = after.hits > before.hits && after.misses == before.misses;
    if (!all) assert_false(c2_select_is_kept(&ds, bound));
    if (!all) return false;
    silent.read = no_read;
    ds.chunks.ops = &silent;
    check_items(codec, &ds, bound, plain, what);
    *nfew += c2_select_is_kept(&ds, bound);
    return true;
}

static void selections_of_every_frame_are_what_the_definition_says(void **state)
{
    C2_AUTO_PTR(c2_codec) *codec = c2_codec_new();
    struct sample s = {0};
    char dir[] = "/tmp/c2-select-XXXXXX";
    struct cat2_error err = {0};
    struct c2_kept_blocks *kept = c2_kept_blocks_new(C2_KEPT_BLOCKS_NBYTES);
    int count = 0, nkept = 0, nfew = 0;
    uint64_t serial = 0;

    assert_non_null(mkdtemp(dir));
    int dirfd = c2_fs_open_dir(dir, false, &err);
    while (next_sample(&s)) {
        C2_AUTO_PTR(c2_frame) *frame = open_sample(s.name);
        char slices[6][C2_DIM_MAX * 24];
        struct plain plain;
        if (c2_frame_refusal(frame)) continue;
        struct c2_selectable ds = {c2_frame_meta(frame), c2_frame_chunks(frame)};
        decode_all(codec, frame, &plain);
        int n = make_slices(&ds.meta->grid, slices);
        for (int i = 0; i < n; i++, count++) {
            struct c2_slice slice;
            struct c2_bound bound;
            char what[512];
            snprintf(what, sizeof(what), "%s[%s]", s.name, slices[i]);
            if (!c2_slice_parse(c2_str_of(slices[i]), &slice, &err) ||
                !c2_slice_bind(&slice, ds.meta->grid.shape, ds.meta->grid.ndim, &bound, &err))
                fail_msg("%s: %s", what, err.message);
            check_items(codec, &ds, &bound, &plain, what);
            check_cframe(codec, &ds, &bound, &plain, what);
            if (i == 1 || i == 2) check_cached(codec, dirfd, frame, &bound, &plain, what);
            struct c2_selectable keeping = {ds.meta, ds.chunks, kept, serial};
            nkept += check_kept(codec, keeping, &bound, &plain, what, &nfew);
        }
        free(plain.items);
        serial++;
    }
    assert_true(count > 500 && nkept > 100 && nfew > 50 && nfew < nkept);
    c2_kept_blocks_free(kept);
    close(dirfd);
    c2_fs_remove_tree(dir);
}

/* Coordinates on some axes, which are picked: 9 points, here and there, some twice. */
static void make_pick(const struct c2_grid *g, unsigned picked, struct c2_pick *out)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(4096);
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct cat2_error err = {0};

    for (int axis = 0; axis < g->ndim; axis++) {
        c2_buf_puts(&text, axis ? "," : "[", &err);
        if (!(picked >> axis & 1)) c2_buf_puts(&text, "null", &err);
        for (int k = 0; (picked >> axis & 1) && k < 9; k++)
            c2_buf_printf(&text, &err, "%s%lld%s", k ? "," : "[",
                          (long long)((k * 7919 + axis * 31) % g->shape[axis]), k == 8 ? "]" : "");
    }
    assert_true(c2_buf_putc(&text, ']', &err) && c2_json_parse(c2_buf_str(&text), &json, &err));
    if (!c2_pick_parse(c2_json_root(json), g->shape, g->ndim, out, &err)) fail_msg("%s", err.message);
}

/* Item by item of a box of the result: which it is in the dataset. */
static void expect_box(const struct plain *plain, const struct c2_grid *g, const struct c2_pick *pick,
                       const int64_t *first, const int64_t *count, const uint8_t *got)
{
    int64_t n = 1, at[C2_DIM_MAX];

    for (int i = 0; i < pick->out_ndim; i++)
        n *= count[i];
    for (int64_t item = 0; item < n; item++) {
        int64_t left = item, from = 0;
        int r = 0, k = 0;
        for (int i = pick->out_ndim - 1; i >= 0; i--) {
            at[i] = first[i] + left % count[i];
            left /= count[i];
        }
        for (int axis = 0; axis < g->ndim; axis++) {
            bool is_picked = k < pick->npicked && pick->picked[k] == axis;
            if (!is_picked && r == pick->points_axis) r++;
            from = from * g->shape[axis] +
                   (is_picked ? pick->at[at[pick->points_axis] * pick->npicked + k++] : at[r++]);
        }
        assert_memory_equal(got + item * g->typesize, plain->items + from * g->typesize, (size_t)g->typesize);
    }
}

/* All of it, and the box without its first and last along each axis. */
static void check_pick(struct c2_codec *codec, const struct c2_selectable *ds, const struct c2_pick *pick,
                       const struct plain *plain)
{
    const struct c2_grid *g = &ds->meta->grid;
    struct c2_picking picking = {*ds, pick};
    int64_t first[C2_DIM_MAX] = {0}, count[C2_DIM_MAX];
    uint8_t *out = malloc((size_t)(pick->nitems * g->typesize) + 1);
    struct cat2_error err = {0};

    memcpy(count, pick->out_shape, sizeof(count));
    assert_true(c2_select_picked(&picking, codec, first, count, out, &err));
    expect_box(plain, g, pick, first, count, out);
    for (int i = 0; i < pick->out_ndim; i++)
        if (count[i] > 2) first[i]++, count[i] -= 2;
    assert_true(c2_select_picked(&picking, codec, first, count, out, &err));
    expect_box(plain, g, pick, first, count, out);
    free(out);
}

/* Those, and no others, hold the points. */
static void check_plan(const struct c2_grid *g, const struct c2_pick *pick)
{
    struct c2_pick_plan plan;
    struct cat2_error err = {0};
    int32_t *blocks = malloc((size_t)(g->nblocks + 1) * sizeof(*blocks));
    uint8_t *needed = calloc((size_t)(g->nchunks * g->nblocks + 1), 1);
    int64_t nchunk;
    size_t n = 0;

    assert_true(c2_select_plan_picks(g, pick, &plan, &err));
    for (int64_t i = 0; i < pick->npoints; i++) {
        struct c2_bound one = pick->bound;
        struct c2_grid_walk walk;
        for (int k = 0; k < pick->npicked; k++)
            one.axes[pick->picked[k]] = (struct c2_axis_sel){pick->at[i * pick->npicked + k], 1, 1, false};
        one.nitems = 1;
        c2_grid_walk_init(&walk, g, &one);
        while (c2_grid_walk_next(&walk, &nchunk))
            for (int64_t b = c2_grid_blocks(g, &one, nchunk, blocks); b-- > 0;)
                needed[nchunk * g->nblocks + blocks[b]] = 1;
    }
    for (int64_t i = 0; i < g->nchunks * g->nblocks; i++)
        if (needed[i]) assert_true(n < plan.nblocks && plan.blocks[n++] == i);
    assert_int_equal(n, plan.nblocks);
    assert_true(plan.work >= (int64_t)n * g->block_items * g->typesize);
    free(plan.blocks);
    free(needed);
    free(blocks);
}

static void items_at_coordinates_of_every_array_are_those(void **state)
{
    C2_AUTO_PTR(c2_codec) *codec = c2_codec_new();
    struct sample s = {0};
    int count = 0;

    while (next_sample(&s)) {
        C2_AUTO_PTR(c2_frame) *frame = open_sample(s.name);
        struct plain plain;
        if (c2_frame_refusal(frame)) continue;
        struct c2_selectable ds = {c2_frame_meta(frame), c2_frame_chunks(frame)};
        const struct c2_grid *g = &ds.meta->grid;
        bool empty = ds.meta->kind != C2_KIND_ARRAY;
        for (int axis = 0; axis < g->ndim; axis++)
            empty |= g->shape[axis] == 0;
        if (empty) continue;
        decode_all(codec, frame, &plain);
        for (unsigned picked = 1; picked < 1u << c2_min_i64(3, g->ndim) && g->ndim; picked++, count++) {
            C2_AUTO(c2_pick) pick = {0};
            make_pick(g, picked, &pick);
            check_pick(codec, &ds, &pick, &plain);
            check_plan(g, &pick);
        }
        free(plain.items);
    }
    assert_true(count > 50);
}

static void parts_follow_each_other_in_the_result(void **state)
{
    C2_AUTO_PTR(c2_codec) *codec = c2_codec_new();
    struct sample s = {0};
    struct cat2_error err = {0};

    while (next_sample(&s)) {
        C2_AUTO_PTR(c2_frame) *frame = open_sample(s.name);
        char slices[6][C2_DIM_MAX * 24];
        if (c2_frame_refusal(frame)) continue;
        struct c2_selectable ds = {c2_frame_meta(frame), c2_frame_chunks(frame)};
        size_t typesize = (size_t)ds.meta->grid.typesize;
        int n = make_slices(&ds.meta->grid, slices);
        for (int i = 0; i < n; i++) {
            struct c2_slice slice;
            struct c2_bound bound;
            struct c2_select_parts parts;
            size_t done = 0;
            assert_true(c2_slice_parse(c2_str_of(slices[i]), &slice, &err));
            assert_true(c2_slice_bind(&slice, ds.meta->grid.shape, ds.meta->grid.ndim, &bound, &err));
            c2_select_plan(ds.meta, &bound, 3000, &parts);
            size_t total = (size_t)bound.nitems * typesize;
            uint8_t *once = malloc(total * 2 + 1), *in_parts = once + total;
            assert_true(c2_select_items(codec, &ds, &bound, once, &err));
            for (int64_t k = 0; k < parts.nparts; k++) {
                struct c2_bound part = c2_select_part(&parts, k);
                assert_true(part.nitems * (int64_t)typesize <= parts.part_nbytes);
                assert_true(done + (size_t)part.nitems * typesize <= total);
                assert_true(c2_select_items(codec, &ds, &part, in_parts + done, &err));
                done += (size_t)part.nitems * typesize;
            }
            assert_int_equal(done, total);
            if (total) assert_memory_equal(once, in_parts, total);
            free(once);
        }
    }
}

/* An array of 1000 rows of 80 bytes in blocks of 10 rows and chunks of 50. */
static void parts_of_up_to_twice_the_size_end_where_blocks_do(void **state)
{
    static const struct {
        const char *slice;
        int64_t target, part; /* rows */
    } cases[] = {
        {"", 520, 10},   /* 6 rows would be decoded with 10 */
        {"", 390, 4},    /* twice would be 9 rows, which is no block */
        {"", 1200, 10},  /* the size itself */
        {"", 5200, 50},  /* chunks */
        {"::2", 520, 6}, /* rows of one block are not rows of the part */
        {"3:7", 80, 1},  /* no more than there is */
        {"5", 520, 1},
    };
    C2_AUTO(c2_meta) meta = {.kind = C2_KIND_ARRAY};
    struct cat2_error err = {0};

    assert_true(c2_dtype_parse(C2_STR("<f8"), &meta.dtype, &err));
    assert_true(c2_grid_init(&meta.grid, (const int64_t[]){1000, 10}, (const int32_t[]){50, 5},
                             (const int32_t[]){10, 5}, 2, 8, true, &err));
    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct c2_select_parts parts;
        struct c2_slice slice;
        struct c2_bound bound;
        assert_true(c2_slice_parse(c2_str_of(cases[i].slice), &slice, &err));
        assert_true(c2_slice_bind(&slice, meta.grid.shape, 2, &bound, &err));
        c2_select_plan_once(&meta, &bound, cases[i].target, &parts);
        assert_int_equal(parts.part, cases[i].part);
        assert_true(parts.part_nbytes <= 2 * cases[i].target);
    }
}

static void an_npy_header_is_numpys(void **state)
{
    static const struct {
        const char *descr, *dict;
        int64_t shape[3];
        int ndim;
    } cases[] = {
        {"<f8", "{'descr': '<f8', 'fortran_order': False, 'shape': (), }", {0}, 0},
        {"<f8", "{'descr': '<f8', 'fortran_order': False, 'shape': (7,), }", {7}, 1},
        {"|S3", "{'descr': '|S3', 'fortran_order': False, 'shape': (2, 0, 9), }", {2, 0, 9}, 3},
        {"[('\xc3\xa4', '<i4')]",
         "{'descr': [('\xc3\xa4', '<i4')], 'fortran_order': False, 'shape': (1,), }",
         {1},
         1},
        {"[('a', '<i4')]", "{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (1,), }", {1}, 1},
    };

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        C2_AUTO(c2_buf) out = C2_BUF_INIT(1 << 20);
        struct cat2_error err = {0};
        assert_true(c2_npy_header(c2_str_of(cases[i].descr), cases[i].shape, cases[i].ndim, &out, &err));
        bool ascii = !memchr(cases[i].descr, 0xc3, strlen(cases[i].descr));
        assert_memory_equal(out.p, ascii ? "\x93NUMPY\x01\x00" : "\x93NUMPY\x03\x00", 8);
        assert_int_equal(out.n % 64, 0);
        int lead = ascii ? 10 : 12;
        assert_int_equal(out.p[8] + 256 * out.p[9] + lead, (int)out.n);
        assert_memory_equal(out.p + lead, cases[i].dict, strlen(cases[i].dict));
        assert_int_equal(out.p[out.n - 1], '\n');
    }
}

static void one_chunk_of_a_selection_decodes_to_it(void **state)
{
    C2_AUTO_PTR(c2_codec) *codec = c2_codec_new();
    C2_AUTO_PTR(c2_frame) *frame = open_sample("v4-dtype-c16.b2nd");
    struct c2_selectable ds = {c2_frame_meta(frame), c2_frame_chunks(frame)};
    C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
    struct cat2_error err = {0};
    struct c2_slice all = {0};
    struct c2_bound bound;

    assert_true(c2_slice_bind(&all, ds.meta->grid.shape, ds.meta->grid.ndim, &bound, &err));
    assert_true(c2_select_chunk(codec, &ds, &bound, &chunk, &err));
    size_t n = (size_t)bound.nitems * (size_t)ds.meta->grid.typesize;
    uint8_t *a = malloc(2 * n);
    assert_true(c2_select_items(codec, &ds, &bound, a, &err));
    assert_true(c2_codec_decode(codec, NULL, c2_buf_bytes(&chunk), a + n, &err));
    assert_memory_equal(a, a + n, n);
    free(a);
}

/* Chunks of which the index says all: 0 NaN, 1 zeros, 2 nothing written, 3 absent; 4 cannot be read, 5 not
 * found. */
static bool special_stat(void *self, int64_t nchunk, struct c2_chunk_stat *out, struct cat2_error *err)
{
    static const enum c2_chunk_kind kinds[] = {C2_CHUNK_NAN, C2_CHUNK_ZERO, C2_CHUNK_UNINIT, C2_CHUNK_ABSENT,
                                               C2_CHUNK_STORED};

    (void)self;
    if (nchunk == 5) return c2_fail(err, CAT2_EIO, "no such chunk");
    *out = (struct c2_chunk_stat){.kind = kinds[nchunk], .cbytes = C2_CHUNK_HEADER};
    return true;
}

static bool special_read(void *self, int64_t nchunk, int32_t off, int32_t n, uint8_t *to,
                         struct cat2_error *err)
{
    (void)self, (void)nchunk, (void)off, (void)n, (void)to;
    return c2_fail(err, CAT2_EINVAL, "there are no bytes");
}

static void chunks_that_the_index_tells_are_filled(void **state)
{
    static const struct c2_chunks_ops ops = {special_stat, special_read};
    static const char *const dtypes[] = {"<f4", "<f8"};
    C2_AUTO_PTR(c2_codec) *codec = c2_codec_new();

    for (size_t i = 0; i < C2_ARRAY_LEN(dtypes); i++) {
        C2_AUTO(c2_meta) meta = {.kind = C2_KIND_ARRAY};
        struct cat2_error err = {0};
        struct c2_slice slice;
        struct c2_bound bound;
        double out8[9];
        float out4[9];
        assert_true(c2_dtype_parse(c2_str_of(dtypes[i]), &meta.dtype, &err));
        int32_t size = (int32_t)meta.dtype.itemsize;
        assert_true(c2_grid_init(&meta.grid, (const int64_t[]){18}, (const int32_t[]){3},
                                 (const int32_t[]){3}, 1, size, true, &err));
        struct c2_selectable ds = {&meta, {&ops, NULL}};
        assert_true(c2_slice_parse(C2_STR(":9"), &slice, &err));
        assert_true(c2_slice_bind(&slice, meta.grid.shape, 1, &bound, &err));
        void *out = size == 4 ? (void *)out4 : (void *)out8;
        assert_true(c2_select_items(codec, &ds, &bound, out, &err));
        for (int k = 0; k < 9; k++) {
            double item = size == 4 ? (double)out4[k] : out8[k];
            assert_true(k < 3 ? item != item : item == 0);
        }
        static const struct {
            const char *slice;
            enum cat2_code code;
        } failures[] = {{"8:10", CAT2_ENOTFOUND}, {"12:14", CAT2_EINVAL}, {"17", CAT2_EIO}};
        for (size_t k = 0; k < C2_ARRAY_LEN(failures); k++) {
            assert_true(c2_slice_parse(c2_str_of(failures[k].slice), &slice, &err));
            assert_true(c2_slice_bind(&slice, meta.grid.shape, 1, &bound, &err));
            assert_false(c2_select_items(codec, &ds, &bound, out, &err));
            assert_int_equal(err.code, failures[k].code);
        }
    }
}

/* The first `left` questions are answered as the frame does; spoiled: first blocks begin far behind. */
struct ailing {
    struct c2_chunks frame;
    int left;
    bool spoiled;
};

static bool ails(struct ailing *a, struct cat2_error *err)
{
    return --a->left < 0 && !c2_fail(err, CAT2_EIO, "as the test has it");
}

static bool ailing_stat(void *self, int64_t nchunk, struct c2_chunk_stat *out, struct cat2_error *err)
{
    struct ailing *a = self;
    return !ails(a, err) && c2_chunk_stat(&a->frame, nchunk, out, err);
}

static bool ailing_read(void *self, int64_t nchunk, int32_t off, int32_t n, uint8_t *to,
                        struct cat2_error *err)
{
    struct ailing *a = self;

    if (ails(a, err) || !c2_chunk_read(&a->frame, nchunk, off, n, to, err)) return false;
    if (a->spoiled && off == 0 && n >= C2_CHUNK_HEADER + 4) c2_put_le32(to + C2_CHUNK_HEADER, INT32_MAX);
    return true;
}

static void whichever_question_to_the_chunks_fails_the_selection_does(void **state)
{
    static const struct c2_chunks_ops ops = {.stat = ailing_stat, .read = ailing_read};
    C2_AUTO_PTR(c2_codec) *codec = c2_codec_new();
    struct sample s = {0};
    int nfailed = 0;

    while (next_sample(&s)) {
        C2_AUTO_PTR(c2_frame) *frame = open_sample(s.name);
        char slices[6][C2_DIM_MAX * 24];
        if (c2_frame_refusal(frame)) continue;
        const struct c2_meta *meta = c2_frame_meta(frame);
        int n = make_slices(&meta->grid, slices);
        for (int i = 0; i < n; i++) {
            C2_AUTO(c2_buf) items = C2_BUF_INIT(1 << 26), out = C2_BUF_INIT(1 << 26);
            struct cat2_error err = {0};
            struct c2_slice slice;
            struct c2_bound bound;
            assert_true(c2_slice_parse(c2_str_of(slices[i]), &slice, &err));
            assert_true(c2_slice_bind(&slice, meta->grid.shape, meta->grid.ndim, &bound, &err));
            assert_true(c2_buf_resize(&items, (size_t)(bound.nitems * meta->grid.typesize + 1), &err));
            bool both = false;
            for (int healthy = 0; healthy < 12 && !both; healthy++) {
                struct ailing a = {c2_frame_chunks(frame), healthy}, b = a;
                struct c2_selectable ds = {meta, {&ops, &a}}, again = {meta, {&ops, &b}};
                bool ok = c2_select_items(codec, &ds, &bound, items.p, &err);
                if (ok == (a.left < 0) || (!ok && err.code != CAT2_EIO))
                    fail_msg("%s[%s], question %d: %d", s.name, slices[i], healthy, ok);
                nfailed += !ok;
                c2_buf_clear(&out);
                bool framed = c2_select_cframe(codec, &again, &bound, C2_KIND_ARRAY, -1, &out, &err);
                both = ok && framed;
                struct ailing c = {c2_frame_chunks(frame), INT_MAX, true};
                struct c2_selectable spoiled = {meta, {&ops, &c}};
                if (strcmp(s.name, "v2-codec-lz4.b2nd") == 0)
                    assert_false(c2_select_items(codec, &spoiled, &bound, items.p, &err));
                if (framed && b.left < 0)
                    fail_msg("%s[%s] as a frame, question %d", s.name, slices[i], healthy);
            }
        }
    }
    assert_true(nfailed > 500);
}

static void what_does_not_fit_one_chunk_is_refused(void **state)
{
    C2_AUTO_PTR(c2_codec) *codec = c2_codec_new();
    C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
    C2_AUTO(c2_meta) meta = {.kind = C2_KIND_ARRAY, .cparams = c2_cparams_default(8, 8)};
    struct c2_selectable ds = {.meta = &meta};
    const int64_t nitems[] = {C2_CHUNK_NBYTES_MAX / 8 + 1, INT64_MAX / 2};

    for (size_t i = 0; i < C2_ARRAY_LEN(nitems); i++) {
        struct c2_bound bound = {.nitems = nitems[i]};
        struct cat2_error err = {0};
        assert_false(c2_select_chunk(codec, &ds, &bound, &chunk, &err));
        assert_int_equal(err.code, CAT2_ELIMIT);
    }
}

static void a_long_npy_header_is_of_version_two(void **state)
{
    C2_AUTO(c2_buf) descr = C2_BUF_INIT(1 << 20);
    C2_AUTO(c2_buf) out = C2_BUF_INIT(1 << 20);
    struct cat2_error err = {0};

    assert_true(c2_buf_puts(&descr, "[('a', '<i4')", &err));
    while (descr.n < 70000)
        assert_true(c2_buf_printf(&descr, &err, ", ('field%zu', '<i4')", descr.n));
    assert_true(c2_buf_puts(&descr, "]", &err));
    assert_true(c2_npy_header(c2_buf_str(&descr), (const int64_t[]){3}, 1, &out, &err));
    assert_memory_equal(out.p, "\x93NUMPY\x02\x00", 8);
    assert_int_equal(c2_le32(out.p + 8) + 12, out.n);
    assert_int_equal(out.n % 64, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(selections_of_every_frame_are_what_the_definition_says),
        cmocka_unit_test(items_at_coordinates_of_every_array_are_those),
        cmocka_unit_test(parts_follow_each_other_in_the_result),
        cmocka_unit_test(parts_of_up_to_twice_the_size_end_where_blocks_do),
        cmocka_unit_test(an_npy_header_is_numpys),
        cmocka_unit_test(one_chunk_of_a_selection_decodes_to_it),
        cmocka_unit_test(chunks_that_the_index_tells_are_filled),
        cmocka_unit_test(whichever_question_to_the_chunks_fails_the_selection_does),
        cmocka_unit_test(what_does_not_fit_one_chunk_is_refused),
        cmocka_unit_test(a_long_npy_header_is_of_version_two),
    };

    c2_codec_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
