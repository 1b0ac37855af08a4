/* SPDX-License-Identifier: BSD-3-Clause */
/* A chunk is read from its file, which must be what it was when the array was opened, before and after. The
 * array is of that generation even if other files of it have changed: they are not read any more. */
#include "publisher/source/zarr_item.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/endian.h"
#include "base/fs.h"
#include "publisher/source/zarr_chunk.h"

#define ENTRY 16 /* bytes of a shard's index for each chunk: where it begins, and its size */

struct zarr_item {
    struct c2_item base;
    struct c2_container *container;
    struct c2_zs_scan *scan;
    struct c2_zs_shape shape;
    char *rel;
    pthread_mutex_t lock; /* guards the rest */
    uint64_t shard;       /* whose index is kept */
    struct c2_buf index;  /* empty: of none */
};
/* A chunk file that is open. */
struct chunk_file {
    struct c2_fd file; /* -1: there is none */
    uint64_t digest;
    int64_t size;
};

static struct zarr_item *of(struct c2_item *base)
{
    return (struct zarr_item *)base;
}

static bool changed(struct cat2_error *err)
{
    return c2_fail(err, CAT2_ECHANGED, "the dataset changed while it was read");
}

/* ---- files ---- */

static bool is_still(const struct chunk_file *chunk, int64_t *size)
{
    int64_t ignored = 0;
    struct stat st;

    if (fstat(chunk->file.fd, &st) != 0) return false;
    *size = st.st_size;
    return S_ISREG(st.st_mode) && c2_zs_digest(&st, &ignored, &ignored) == chunk->digest;
}

static bool open_file(struct zarr_item *item, uint64_t number, struct chunk_file *out, struct cat2_error *err)
{
    C2_AUTO(c2_zs_place) place = {-1, C2_BUF_INIT(0)};
    C2_AUTO(c2_buf) name = C2_BUF_INIT(1024);

    out->digest = c2_zs_scan_part(item->scan, number);
    if (!c2_zs_place_of(item->container, item->rel, &place, err) ||
        !c2_zs_chunk_name(item->scan, number, &name, err))
        return false;
    out->file.fd = c2_zs_open(&place, c2_buf_cstr(&name), O_RDONLY | O_NONBLOCK);
    int errnum = errno;
    bool absent = out->file.fd < 0 && (errnum == ENOENT || errnum == ENOTDIR);
    if (absent && out->digest == 0) return true;
    if (absent || out->digest == 0) return changed(err);
    if (out->file.fd < 0 && (errnum == EXDEV || errnum == ELOOP))
        return c2_fail(err, CAT2_EDATA, "%s is a link that leads out of the root, or an absolute one",
                       c2_buf_cstr(&name));
    if (out->file.fd < 0) return c2_fail_errno(err, errnum, "%s", c2_buf_cstr(&name));
    if (out->digest == C2_ZS_NO_FILE)
        return c2_fail(err, CAT2_EDATA, "%s is no regular file", c2_buf_cstr(&name));
    return is_still(out, &out->size) || changed(err);
}

/* n bytes at off of a file that is still the same after that. */
static bool read_part(const struct chunk_file *chunk, int64_t off, size_t n, struct c2_buf *out,
                      struct cat2_error *err)
{
    int64_t end, size;

    c2_buf_clear(out);
    if (off < 0 || !c2_add_i64(off, (int64_t)n, &end) || end > chunk->size)
        return c2_fail(err, CAT2_EDATA, "its shard names bytes that are not in it");
    if (n && (!c2_buf_resize(out, n, err) || !c2_fs_pread(chunk->file.fd, out->p, n, off, err))) return false;
    return is_still(chunk, &size) || changed(err);
}

/* ---- shards ---- */

static int64_t chunks_of_shard(const struct c2_zs_array *array)
{
    int64_t n = 1;

    for (int i = 0; i < array->ndim; i++)
        n *= array->files[i] / array->chunks[i];
    return n;
}

/* Which file a chunk is in, and which one of that. */
static void locate(const struct zarr_item *item, int64_t nchunk, uint64_t *file, int64_t *inner)
{
    const struct c2_zs_array *array = &item->scan->array;
    int64_t at[C2_DIM_MAX];

    *file = 0;
    *inner = 0;
    c2_grid_chunk_at(&item->shape.meta.grid, nchunk, at);
    for (int i = 0; i < array->ndim; i++) {
        int64_t edge = array->files[i] / array->chunks[i];
        *file = *file * (uint64_t)item->scan->along[i] + (uint64_t)(at[i] / edge);
        *inner = *inner * edge + at[i] % edge;
    }
}

static bool read_index(struct zarr_item *item, const struct chunk_file *shard, struct c2_codec *codec,
                       struct c2_buf *out, struct cat2_error *err)
{
    const struct c2_zs_array *array = &item->scan->array;
    size_t n = ENTRY * (size_t)chunks_of_shard(array), stored = n + 4 * (size_t)array->index.n;
    C2_AUTO(c2_buf) bytes = C2_BUF_INIT(stored);

    if ((int64_t)stored > shard->size) return c2_fail(err, CAT2_EDATA, "its shard is shorter than its index");
    if (!read_part(shard, array->index_first ? 0 : shard->size - (int64_t)stored, stored, &bytes, err))
        return false;
    if (!c2_zs_undo(&array->index, codec, c2_buf_bytes(&bytes), n, out, err))
        return c2_fail_within(err, "index of its shard");
    return out->n == n || c2_fail(err, CAT2_EDATA, "the index of its shard is cut off");
}

static uint64_t word_at(const struct c2_zs_array *array, const uint8_t *p)
{
    return array->index_big ? c2_be64(p) : c2_le64(p);
}

/* Where chunk `inner` of the shard lies. *there false: it is not stored. */
static bool find_inner(struct zarr_item *item, const struct chunk_file *shard, uint64_t number, int64_t inner,
                       struct c2_codec *codec, uint64_t place[2], struct cat2_error *err)
{
    const struct c2_zs_array *array = &item->scan->array;
    bool known = false;

    pthread_mutex_lock(&item->lock);
    if (item->index.n && item->shard == number) {
        known = true;
        for (int i = 0; i < 2; i++)
            place[i] = word_at(array, item->index.p + ENTRY * inner + 8 * i);
    }
    pthread_mutex_unlock(&item->lock);
    if (known) return true;
    struct c2_buf index = C2_BUF_INIT(c2_zs_stored_max(ENTRY * (size_t)chunks_of_shard(array)));
    if (!read_index(item, shard, codec, &index, err)) {
        c2_buf_fini(&index);
        return false;
    }
    for (int i = 0; i < 2; i++)
        place[i] = word_at(array, index.p + ENTRY * inner + 8 * i);
    pthread_mutex_lock(&item->lock);
    struct c2_buf old = item->index;
    item->index = index;
    item->shard = number;
    pthread_mutex_unlock(&item->lock);
    c2_buf_fini(&old);
    return true;
}

/* ---- stored bytes ---- */

/* The chunk as it is stored. *there false: it is not. */
static bool read_stored(struct zarr_item *item, uint64_t number, int64_t inner, struct c2_codec *codec,
                        struct c2_buf *out, bool *there, struct cat2_error *err)
{
    const struct c2_zs_array *array = &item->scan->array;
    struct chunk_file chunk = {.file = {-1}};
    uint64_t place[2];

    bool ok = open_file(item, number, &chunk, err);
    C2_AUTO(c2_fd) file = chunk.file; /* to be closed */
    *there = file.fd >= 0;
    if (!ok || !*there) return ok;
    if (!array->sharded) {
        place[0] = 0;
        place[1] = (uint64_t)chunk.size;
    } else if (!find_inner(item, &chunk, number, inner, codec, place, err)) {
        return false;
    }
    *there = !array->sharded || place[0] != UINT64_MAX || place[1] != UINT64_MAX;
    if (!*there) return true;
    if (place[1] > out->max) return c2_fail(err, CAT2_EDATA, "its stored bytes are too many");
    return read_part(&chunk, place[0] > INT64_MAX ? -1 : (int64_t)place[0], (size_t)place[1], out, err);
}

static bool read_chunk(struct zarr_item *item, int64_t nchunk, struct c2_codec *codec, struct c2_buf *out,
                       struct cat2_error *err)
{
    const struct c2_zs_array *array = &item->scan->array;
    C2_AUTO(c2_buf) stored = C2_BUF_INIT(c2_zs_stored_max(c2_zs_chunk_nbytes(array)));
    uint64_t number;
    int64_t inner;
    bool there;

    locate(item, nchunk, &number, &inner);
    if (!read_stored(item, number, inner, codec, &stored, &there, err)) return false;
    return there ? c2_zs_convert(array, &item->shape, codec, c2_buf_bytes(&stored), out, err)
                 : c2_zs_missing(array, &item->shape, codec, out, err);
}

static bool item_chunk(struct c2_item *base, int64_t nchunk, struct c2_buf *out, struct cat2_error *err)
{
    struct zarr_item *item = of(base);
    size_t before = out->n;

    if (nchunk < 0 || nchunk >= item->shape.meta.nchunks)
        return c2_fail(err, CAT2_EINVAL, "no chunk %lld", (long long)nchunk);
    C2_AUTO_PTR(c2_codec) *codec = c2_codec_new();
    if (!codec) return c2_fail_nomem(err, "codec");
    if (read_chunk(item, nchunk, codec, out, err)) return true;
    out->n = before;
    return c2_fail_within(err, "chunk %lld", (long long)nchunk);
}

/* Is the array still described so? Its chunk files are looked at when they are read. */
static bool item_check(struct c2_item *base, struct cat2_error *err)
{
    struct zarr_item *item = of(base);
    C2_AUTO(c2_zs_place) place = {-1, C2_BUF_INIT(0)};
    uint64_t digest;

    if (!c2_zs_place_of(item->container, item->rel, &place, err) ||
        !c2_zs_node_digest(&place, &digest, err) || digest != item->scan->metadata)
        return changed(err);
    return true;
}

static void item_free(struct c2_item *base)
{
    struct zarr_item *item = of(base);

    c2_container_unref(item->container);
    c2_zs_scan_unref(item->scan);
    c2_zs_shape_fini(&item->shape);
    c2_buf_fini(&item->index);
    pthread_mutex_destroy(&item->lock);
    free(item->rel);
    free(item);
}

static const struct c2_item_ops ITEM_OPS = {item_chunk, item_check, item_free};

/* ---- opening ---- */

/* The first chunk that is stored: of Blosc, it tells how the others are made. Without one that can be read,
 * blocks are ours. */
static bool read_sample(struct zarr_item *item, struct c2_codec *codec, struct c2_buf *out,
                        struct cat2_error *err)
{
    const struct c2_zs_array *array = &item->scan->array;
    int64_t n = array->sharded ? chunks_of_shard(array) : 1;
    bool there = false;

    if (array->chain.n != 1 || array->chain.p[0].kind != C2_ZS_BLOSC || item->scan->n == 0) return true;
    for (int64_t inner = 0; inner < n && !there; inner++) {
        if (read_stored(item, item->scan->p[0].number, inner, codec, out, &there, err)) continue;
        if (err->code == CAT2_ECHANGED || err->code == CAT2_ENOMEM) return false;
        break;
    }
    if (!there) c2_buf_clear(out);
    return true;
}

static bool open_item(struct zarr_item *item, struct c2_codec *codec, struct cat2_error *err)
{
    const struct c2_zs_array *array = &item->scan->array;
    C2_AUTO(c2_buf) sample = C2_BUF_INIT(c2_zs_stored_max(c2_zs_chunk_nbytes(array)));

    return read_sample(item, codec, &sample, err) &&
           c2_zs_shape_of(array, c2_buf_bytes(&sample), item->scan->nbytes, &item->shape, err);
}

bool c2_zs_item_new(struct c2_container *c, const char *rel, struct c2_zs_scan *scan,
                    const struct c2_generation *gen, struct c2_codec *codec, struct c2_item **out,
                    struct cat2_error *err)
{
    struct zarr_item *item = calloc(1, sizeof(*item));

    if (!item) return c2_fail_nomem(err, "dataset");
    item->base = (struct c2_item){.ops = &ITEM_OPS, .meta = &item->shape.meta, .gen = *gen};
    atomic_init(&item->base.refs, 1);
    pthread_mutex_init(&item->lock, NULL);
    item->container = c2_container_ref(c);
    item->scan = c2_zs_scan_ref(scan);
    item->rel = c2_str_dup(c2_str_of(rel));
    bool ok = item->rel || c2_fail_nomem(err, "dataset");
    if (!ok || !open_item(item, codec, err)) {
        item_free(&item->base);
        return false;
    }
    *out = &item->base;
    return true;
}
