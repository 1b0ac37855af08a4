/* SPDX-License-Identifier: BSD-3-Clause */
/* From a selection to its items: per chunk, one read of the prefix, coalesced reads of the blocks that hold
 * wanted items, a mini-chunk decode, a scatter. Special chunks cost a fill, chunks of which most is wanted
 * are decoded whole. */
#include "select/select.h"

#include <math.h>

#include "base/cancel.h"
#include "base/endian.h"
#include "blosc/chunk_format.h"
#include "blosc/frame_impl.h"

#define PREFIX_GUESS 4096 /* first read of a plain frame's chunk: header and up to 1016 block starts */
#define KEPT_MAX     64   /* blocks of one chunk: who wants more reads all of it, and not again soon */

/* Scratch of one call, and what is known of the chunk at hand. */
struct work {
    struct c2_codec *codec;
    const struct c2_selectable *ds;
    const struct c2_bound *bound;
    uint8_t *out;
    struct c2_buf prefix; /* chunk bytes from its start: header, block starts, dictionary; sometimes all */
    struct c2_buf data, plain;
    struct c2_buf tables; /* blocks, lens of the wanted; off, len of all */
    /* of the chunk at hand */
    int64_t nchunk;
    struct c2_chunk_stat stat;
    struct c2_chunk_info info;
    struct c2_grid grid; /* with this chunk's blocks */
    int32_t *blocks, *lens, *off, *len;
    int32_t nblocks;    /* wanted, and not found decoded */
    bool listed;        /* they are in the tables already */
    bool keeps;         /* blocks that are decoded are offered to be kept */
    int64_t prefix_len; /* header, block starts, dictionary */
};

static void work_init(struct work *w)
{
    c2_buf_init(&w->prefix, C2_CHUNK_CBYTES_MAX);
    c2_buf_init(&w->data, C2_CHUNK_CBYTES_MAX);
    c2_buf_init(&w->plain, C2_CHUNK_CBYTES_MAX);
    c2_buf_init(&w->tables, (size_t)C2_NBLOCKS_MAX * 16);
}

static void work_fini(struct work *w)
{
    c2_buf_fini(&w->prefix);
    c2_buf_fini(&w->data);
    c2_buf_fini(&w->plain);
    c2_buf_fini(&w->tables);
}
C2_DEFINE_AUTO(work);

/* Have the chunk's first n bytes in w->prefix. */
static bool have_bytes(struct work *w, int64_t n, struct cat2_error *err)
{
    size_t have = w->prefix.n;

    if ((int64_t)have >= n) return true;
    if (!c2_buf_resize(&w->prefix, (size_t)n, err)) return false;
    if (c2_chunk_read(&w->ds->chunks, w->nchunk, (int32_t)have, (int32_t)((size_t)n - have),
                      w->prefix.p + have, err))
        return true;
    w->prefix.n = have;
    return false;
}

/* Header and block starts in one read where it is known how many they are. */
static bool read_prefix(struct work *w, struct cat2_error *err)
{
    const struct c2_meta *meta = w->ds->meta;
    struct c2_chunk_expect want = c2_meta_expect(meta, w->nchunk);
    int64_t first = meta->kind == C2_KIND_ARRAY ? C2_CHUNK_HEADER + 4 * meta->grid.nblocks : PREFIX_GUESS;

    if (w->stat.partial) first = C2_CHUNK_HEADER; /* what follows may be missing */
    if (w->stat.undivided) first = w->stat.cbytes;
    c2_buf_clear(&w->prefix);
    if (!have_bytes(w, c2_min_i64(first, w->stat.cbytes), err) ||
        !c2_guard_header(w->prefix.p, w->stat.cbytes, &want, &w->info, err))
        return false;
    if (w->info.special) return have_bytes(w, w->info.cbytes, err);
    w->prefix_len = w->info.data_start;
    if (!have_bytes(w, w->prefix_len, err)) return false;
    if (!w->info.has_dict || w->info.memcpyed) return true;
    if (!have_bytes(w, c2_min_i64((int64_t)w->info.data_start + 4, w->info.cbytes), err)) return false;
    w->prefix_len = (int64_t)w->info.data_start + 4 + c2_le32(w->prefix.p + w->info.data_start);
    w->prefix_len = c2_min_i64(w->prefix_len, w->info.cbytes); /* the codec checks it again */
    return have_bytes(w, w->prefix_len, err);
}

/* The grid as this chunk's blocks make it: a plain frame's header does not know them. Blocks that cut items
 * make the chunk one block; so does a short last chunk's only block, of which a full one would have millions.
 */
static bool chunk_grid(struct work *w, int32_t blocksize, struct cat2_error *err)
{
    const struct c2_grid *g = &w->ds->meta->grid;
    int32_t items = g->chunks[0];

    if (w->ds->meta->kind == C2_KIND_ARRAY) {
        w->grid = *g;
        return true;
    }
    if (blocksize > 0 && w->info.nblocks > 1 && blocksize % g->typesize == 0) items = blocksize / g->typesize;
    if (items > g->chunks[0]) items = g->chunks[0];
    return c2_grid_init(&w->grid, g->shape, g->chunks, &items, 1, g->typesize, false, err);
}

static bool find_blocks(struct work *w, struct cat2_error *err)
{
    size_t n = (size_t)c2_max_i64(w->grid.nblocks, w->info.nblocks);

    if (!c2_buf_resize(&w->tables, 16 * n, err)) return false;
    w->blocks = (int32_t *)(void *)w->tables.p;
    w->lens = w->blocks + n;
    w->off = w->lens + n;
    w->len = w->off + n;
    w->nblocks = (int32_t)c2_grid_blocks(&w->grid, w->bound, w->nchunk, w->blocks);
    return true;
}

static void scatter(struct work *w, int32_t nblock, const uint8_t *block)
{
    c2_grid_scatter(&w->grid, w->bound, w->nchunk, nblock, block, w->out);
}

/* ---- blocks that are kept decoded ---- */

static size_t block_nbytes(const struct work *w)
{
    return (size_t)w->grid.block_items * (size_t)w->grid.typesize;
}

static bool scatter_kept(struct work *w, int32_t nblock)
{
    const struct c2_block_key key = {w->ds->serial, w->nchunk, nblock};
    struct c2_blob *block = c2_kept_blocks_find(w->ds->kept, &key);
    bool found = block && block->bytes.n == block_nbytes(w);

    if (found) scatter(w, nblock, block->bytes.p);
    c2_blob_unref(block);
    return found;
}

/* Before anything of the chunk is read: an array's blocks are known without it. */
static bool use_kept(struct work *w, struct cat2_error *err)
{
    int32_t left = 0;

    w->keeps = w->listed = w->ds->kept && w->ds->meta->kind == C2_KIND_ARRAY;
    if (!w->listed) return true;
    if (!chunk_grid(w, 0, err) || !find_blocks(w, err)) return false;
    w->keeps = w->nblocks <= KEPT_MAX;
    if (!w->keeps) return true;
    for (int32_t i = 0; i < w->nblocks; i++)
        if (!scatter_kept(w, w->blocks[i])) w->blocks[left++] = w->blocks[i];
    w->nblocks = left;
    return true;
}

/* One that was not there; n bytes follow. */
static void take_decoded(struct work *w, int32_t nblock, const uint8_t *block, size_t n)
{
    const struct c2_block_key key = {w->ds->serial, w->nchunk, nblock};

    scatter(w, nblock, block);
    if (w->keeps && n >= block_nbytes(w)) c2_kept_blocks_offer(w->ds->kept, &key, block, block_nbytes(w));
}

/* Every item of the chunk is `item`. One block of them serves all. */
static bool fill(struct work *w, const uint8_t *item, size_t itemsize, struct cat2_error *err)
{
    size_t n;

    if (!find_blocks(w, err)) return false;
    n = block_nbytes(w);
    if (!c2_buf_resize(&w->plain, n, err)) return false;
    if (!item) memset(w->plain.p, 0, n);
    for (size_t at = 0; item && at + itemsize <= n; at += itemsize) /* blocks are of whole items */
        memcpy(w->plain.p + at, item, itemsize);
    for (int32_t i = 0; i < w->nblocks; i++)
        scatter(w, w->blocks[i], w->plain.p);
    return true;
}

static bool fill_nan(struct work *w, struct cat2_error *err)
{
    float nan4 = nanf("");
    double nan8 = nan("");

    if (w->grid.typesize == 4) return fill(w, (const uint8_t *)&nan4, 4, err);
    return fill(w, (const uint8_t *)&nan8, 8, err);
}

static bool decode_whole(struct work *w, struct cat2_error *err)
{
    size_t nbytes = (size_t)w->info.nbytes;

    if (!have_bytes(w, w->info.cbytes, err) || !c2_buf_resize(&w->plain, nbytes, err)) return false;
    struct c2_bytes chunk = {w->prefix.p, (size_t)w->info.cbytes};
    if (!c2_codec_decode(w->codec, w->ds->meta, chunk, w->plain.p, err)) return false;
    for (int32_t i = 0; i < w->nblocks; i++) {
        size_t at = (size_t)w->blocks[i] * block_nbytes(w);
        take_decoded(w, w->blocks[i], w->plain.p + at, nbytes - at);
    }
    return true;
}

/* A chunk that its index or header says is all one value. */
static bool special_chunk(struct work *w, struct cat2_error *err)
{
    int32_t item = w->info.cbytes - C2_CHUNK_HEADER;

    if (w->info.special == C2_SPECIAL_ZERO || w->info.special == C2_SPECIAL_UNINIT)
        return fill(w, NULL, 0, err);
    if (w->info.special == C2_SPECIAL_NAN) return fill_nan(w, err);
    if (item == w->grid.typesize) return fill(w, w->prefix.p + C2_CHUNK_HEADER, (size_t)item, err);
    return find_blocks(w, err) && decode_whole(w, err);
}

static bool read_data(struct work *w, struct cat2_error *err)
{
    size_t total = 0, at = 0;

    for (int32_t i = 0; i < w->nblocks; i++)
        total += (size_t)(w->lens[i] = w->len[w->blocks[i]]);
    if (!c2_buf_resize(&w->data, total, err)) return false;
    for (int32_t i = 0; i < w->nblocks;) {
        int32_t first = w->off[w->blocks[i]], n = w->lens[i];
        for (i++; i < w->nblocks && w->off[w->blocks[i]] == first + n; i++)
            n += w->lens[i];
        if (!c2_chunk_read(&w->ds->chunks, w->nchunk, first, n, w->data.p + at, err)) return false;
        at += (size_t)n;
    }
    return true;
}

/* Only the wanted blocks: one pread per run of neighbours. */
static bool decode_some(struct work *w, struct cat2_error *err)
{
    size_t blocksize = (size_t)w->info.blocksize;
    const uint8_t *plain;

    if (!c2_block_places(c2_buf_bytes(&w->prefix), &w->info, w->off, w->len, err) || !read_data(w, err))
        return false;
    plain = w->data.p;
    size_t nbytes = w->data.n;
    if (!w->info.memcpyed) {
        if (!c2_buf_resize(&w->plain, (size_t)w->nblocks * blocksize, err) ||
            !c2_codec_decode_blocks(w->codec, w->ds->meta, c2_buf_bytes(&w->prefix), w->blocks, w->nblocks,
                                    w->lens, c2_buf_bytes(&w->data), w->plain.p, err))
            return false;
        plain = w->plain.p;
        nbytes = w->plain.n;
    }
    for (int32_t i = 0; i < w->nblocks; i++) {
        size_t at = (size_t)i * blocksize;
        take_decoded(w, w->blocks[i], plain + at, nbytes - at);
    }
    return true;
}

static bool stored_chunk(struct work *w, struct cat2_error *err)
{
    if (!use_kept(w, err)) return false;
    if (w->listed && w->nblocks == 0) return true;
    if (!read_prefix(w, err)) return false;
    if (!chunk_grid(w, w->info.special ? 0 : w->info.blocksize, err)) return false;
    if (w->info.special) return special_chunk(w, err);
    bool fits = w->listed && w->info.nblocks <= w->grid.nblocks;
    if (!fits && !find_blocks(w, err)) return false;
    bool apart = w->grid.nblocks > 1 && !w->info.delta; /* can blocks be decoded by themselves? */
    if (apart && (w->stat.partial || 2 * (int64_t)w->nblocks <= w->info.nblocks)) {
        w->prefix.n = (size_t)w->prefix_len; /* the first read may have had more */
        return decode_some(w, err);
    }
    return decode_whole(w, err);
}

static bool one_chunk(struct work *w, struct cat2_error *err)
{
    if (!c2_chunk_stat(&w->ds->chunks, w->nchunk, &w->stat, err)) return false;
    w->info = (struct c2_chunk_info){0};
    switch (w->stat.kind) {
    case C2_CHUNK_ABSENT:
        return c2_fail(err, CAT2_ENOTFOUND, "not cached");
    case C2_CHUNK_STORED:
        return stored_chunk(w, err);
    case C2_CHUNK_NAN:
        return chunk_grid(w, 0, err) && fill_nan(w, err);
    case C2_CHUNK_ZERO:
    case C2_CHUNK_UNINIT:
        break;
    }
    return chunk_grid(w, 0, err) && fill(w, NULL, 0, err);
}

bool c2_select_items(struct c2_codec *codec, const struct c2_selectable *ds, const struct c2_bound *bound,
                     uint8_t *out, struct cat2_error *err)
{
    C2_AUTO(work) w = {.codec = codec, .ds = ds, .bound = bound, .out = out};
    struct c2_grid_walk walk;

    work_init(&w);
    if (bound->nitems == 0) return true;
    c2_grid_walk_init(&walk, &ds->meta->grid, bound);
    while (c2_grid_walk_next(&walk, &w.nchunk))
        if (c2_cancelled(err) || !one_chunk(&w, err))
            return c2_fail_within(err, "chunk %lld", (long long)w.nchunk);
    return true;
}

#define FEW 16 /* blocks */

bool c2_select_is_kept(const struct c2_selectable *ds, const struct c2_bound *bound)
{
    const struct c2_grid *grid = &ds->meta->grid;
    int64_t each = grid->block_items * grid->typesize;
    struct c2_block_key key = {.serial = ds->serial};
    struct c2_grid_walk walk;
    int32_t blocks[FEW];

    if (!ds->kept || ds->meta->kind != C2_KIND_ARRAY || each < 1 || bound->nitems == 0) return false;
    for (int i = 0; i < bound->ndim; i++) /* else what it costs does not tell how many blocks there are */
        if (bound->axes[i].step != 1) return false;
    if (c2_grid_cost(grid, bound) > FEW * each) return false;
    c2_grid_walk_init(&walk, grid, bound);
    while (c2_grid_walk_next(&walk, &key.nchunk)) {
        int64_t n = c2_grid_blocks(grid, bound, key.nchunk, blocks);
        for (int64_t i = 0; i < n; i++) {
            key.nblock = blocks[i];
            if (!c2_kept_blocks_has(ds->kept, &key)) return false;
        }
    }
    return true;
}

/* So many items of an axis that parts end where chunks, else blocks, do. */
static int64_t align_part(const struct c2_grid *grid, const struct c2_axis_sel *sel, int axis, int64_t part)
{
    int32_t chunk = grid->chunks[axis], block = grid->blocks[axis];

    if (sel->step != 1 || part >= sel->count) return part;
    if (chunk > 0 && part >= chunk) return part / chunk * chunk;
    if (block > 0 && part >= block) return part / block * block;
    return part;
}

void c2_select_plan(const struct c2_meta *meta, const struct c2_bound *bound, int64_t target,
                    struct c2_select_parts *out)
{
    int64_t inner = meta->grid.typesize, before = 1, axis_nbytes;
    int axis = bound->ndim - 1;

    *out = (struct c2_select_parts){.bound = *bound, .part = 1, .nparts = 1};
    if (bound->nitems == 0 || bound->ndim == 0) {
        out->part_nbytes = bound->nitems * inner;
        return;
    }
    for (; axis > 0; axis--) { /* as long as a whole axis fits, the one before it is cut */
        axis_nbytes = inner * bound->axes[axis].count;
        if (axis_nbytes > target) break;
        inner = axis_nbytes;
    }
    int64_t count = bound->axes[axis].count;
    out->axis = axis;
    out->part = c2_min_i64(count, c2_max_i64(1, target / inner));
    out->part = align_part(&meta->grid, &bound->axes[axis], axis, out->part);
    for (int i = 0; i < axis; i++)
        before *= bound->axes[i].count;
    out->nparts = before * c2_div_ceil(count, out->part);
    out->part_nbytes = out->part * inner;
}

/* Does no block lie in two parts, of which each would decode it? */
static bool parts_blocks(const struct c2_grid *grid, const struct c2_select_parts *parts)
{
    const struct c2_axis_sel *sel = &parts->bound.axes[parts->axis];
    int32_t block = grid->blocks[parts->axis];

    return parts->part >= sel->count || block < 2 || (sel->step == 1 && parts->part % block == 0);
}

void c2_select_plan_once(const struct c2_meta *meta, const struct c2_bound *bound, int64_t target,
                         struct c2_select_parts *out)
{
    struct c2_select_parts wide;

    c2_select_plan(meta, bound, target, out);
    if (out->nparts < 2 || parts_blocks(&meta->grid, out)) return;
    c2_select_plan(meta, bound, 2 * target, &wide);
    if (parts_blocks(&meta->grid, &wide)) *out = wide;
}

struct c2_bound c2_select_part(const struct c2_select_parts *parts, int64_t i)
{
    struct c2_bound bound = parts->bound;

    if (parts->nparts == 1) return bound;
    int64_t along = c2_div_ceil(bound.axes[parts->axis].count, parts->part);
    int64_t first = i % along * parts->part;
    bound = c2_bound_part(&bound, parts->axis, first,
                          c2_min_i64(parts->part, bound.axes[parts->axis].count - first));
    i /= along;
    for (int axis = parts->axis - 1; axis >= 0; axis--) {
        int64_t count = parts->bound.axes[axis].count;
        bound = c2_bound_part(&bound, axis, i % count, 1);
        i /= count;
    }
    return bound;
}

bool c2_select_chunk(struct c2_codec *codec, const struct c2_selectable *ds, const struct c2_bound *bound,
                     struct c2_buf *out, struct cat2_error *err)
{
    C2_AUTO(c2_buf) items = C2_BUF_INIT(C2_CHUNK_NBYTES_MAX);
    int32_t typesize = ds->meta->cparams.typesize;
    struct c2_cparams cparams = c2_cparams_default(typesize, 0);
    int64_t nbytes;

    if (!c2_mul_i64(bound->nitems, typesize, &nbytes) || nbytes > C2_CHUNK_NBYTES_MAX)
        return c2_fail(err, CAT2_ELIMIT, "selection of %lld items does not fit one chunk",
                       (long long)bound->nitems);
    return c2_buf_resize(&items, (size_t)nbytes, err) && c2_select_items(codec, ds, bound, items.p, err) &&
           c2_codec_encode(codec, &cparams, items.p, (int32_t)nbytes, out, err);
}

/* Version 1.0 has a length of two bytes, 2.0 of four; both are Latin-1. 3.0 is 2.0 in UTF-8. */
static uint8_t npy_version(struct c2_str text)
{
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] >= 0x80) return 3;
    return text.n + 10 + 64 > UINT16_MAX ? 2 : 1;
}

bool c2_npy_header(struct c2_str descr, const int64_t *shape, int ndim, struct c2_buf *out,
                   struct cat2_error *err)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(C2_NPY_HEADER_MAX);
    const char *quote = descr.n && descr.p[0] == '[' ? "" : "'";

    if (!c2_str_is_utf8(descr))
        return c2_fail(err, CAT2_EDATA, "npy: a name of a field is not UTF-8, which the format wants");
    if (!c2_buf_printf(&text, err, "{'descr': %s%.*s%s, 'fortran_order': False, 'shape': (", quote,
                       C2_STR_ARG(descr), quote))
        return false;
    for (int i = 0; i < ndim; i++)
        if (!c2_buf_printf(&text, err, "%lld%s", (long long)shape[i],
                           ndim == 1      ? ","
                           : i + 1 < ndim ? ", "
                                          : ""))
            return false;
    if (!c2_buf_puts(&text, "), }", err)) return false;
    uint8_t head[12] = {0x93, 'N', 'U', 'M', 'P', 'Y', npy_version(c2_buf_str(&text)), 0};
    size_t lead = head[6] > 1 ? 12 : 10;
    while ((lead + text.n + 1) % 64)
        if (!c2_buf_putc(&text, ' ', err)) return false;
    if (head[6] > 1)
        c2_put_le32(head + 8, (uint32_t)text.n + 1);
    else
        c2_put_le16(head + 8, (uint16_t)(text.n + 1));
    return c2_buf_append(out, head, lead, err) && c2_buf_append(out, text.p, text.n, err) &&
           c2_buf_putc(out, '\n', err);
}
