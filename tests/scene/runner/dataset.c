/* SPDX-License-Identifier: BSD-3-Clause */
/* Datasets of a scene: arrays of consecutive integers, so that whoever reads knows what must come. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "blosc/frame_make.h"
#include "fake.h"
#include "scene.h"

struct recipe {
    int64_t shape[C2_DIM_MAX];
    int32_t chunks[C2_DIM_MAX], blocks[C2_DIM_MAX];
    int ndim, nchunkdims, nblockdims;
    char dtype[32];
    int64_t from;
    bool packed;
};

/* "100" or "20x30". */
static bool dims(const struct scene *s, const char *text, int64_t *out64, int32_t *out32, int *n)
{
    struct c2_str rest = c2_str_of(text), part;
    int64_t value;

    *n = 0;
    for (bool more = true; more;) {
        more = c2_str_cut(rest, 'x', &part, &rest);
        if (*n == C2_DIM_MAX || !c2_str_to_i64(part, &value) || value < 0 || value > INT32_MAX)
            return scene_fail(s, "'%s' is no shape", text);
        if (out64) out64[*n] = value;
        if (out32) out32[*n] = (int32_t)value;
        (*n)++;
    }
    return true;
}

static bool read_recipe(const struct scene *s, const struct words *w, int i, struct recipe *r)
{
    *r = (struct recipe){.dtype = "<i8", .packed = true};
    for (; i < w->n; i++) {
        char *value = strchr(w->at[i], '=');
        struct c2_str key = {w->at[i], value ? (size_t)(value - w->at[i]) : 0};
        bool ok = value != NULL;
        if (value) value++;
        if (c2_str_is(key, "shape")) {
            ok = dims(s, value, r->shape, NULL, &r->ndim);
        } else if (c2_str_is(key, "chunks")) {
            ok = dims(s, value, NULL, r->chunks, &r->nchunkdims);
        } else if (c2_str_is(key, "blocks")) {
            ok = dims(s, value, NULL, r->blocks, &r->nblockdims);
        } else if (c2_str_is(key, "from")) {
            ok = scene_number(s, value, &r->from);
        } else if (c2_str_is(key, "dtype")) {
            snprintf(r->dtype, sizeof(r->dtype), "%s", value);
            ok = strcmp(value, "<i8") == 0 || strcmp(value, "<i4") == 0;
        } else if (c2_str_is(key, "packed")) {
            r->packed = strcmp(value, "no") != 0;
        } else {
            ok = false;
        }
        if (!ok) return scene_fail(s, "'%s' says nothing about a dataset", w->at[i]);
    }
    if (!r->nblockdims) memcpy(r->blocks, r->chunks, sizeof(r->blocks));
    bool ok = r->ndim > 0 && r->nchunkdims == r->ndim && (!r->nblockdims || r->nblockdims == r->ndim);
    return ok || scene_fail(s, "a dataset needs a shape= and chunks= of as many dimensions");
}

static bool make_meta(const struct recipe *r, struct c2_meta *meta, struct cat2_error *err)
{
    meta->kind = C2_KIND_ARRAY;
    if (!c2_dtype_parse(c2_str_of(r->dtype), &meta->dtype, err) ||
        !c2_grid_init(&meta->grid, r->shape, r->chunks, r->blocks, r->ndim, (int32_t)meta->dtype.itemsize,
                      true, err))
        return false;
    int32_t itemsize = (int32_t)meta->dtype.itemsize;
    meta->cparams = c2_cparams_default(itemsize, (int32_t)meta->grid.block_items * itemsize);
    if (!r->packed) meta->cparams.clevel = 0;
    meta->chunkshape = (int32_t)meta->grid.chunk_items;
    meta->chunksize = meta->chunkshape * itemsize;
    meta->nchunks = meta->grid.nchunks;
    meta->nbytes = meta->nchunks * meta->chunksize;
    meta->contiguous = true;
    c2_buf_init(&meta->vlmeta, 16);
    return c2_buf_puts(&meta->vlmeta, "{}", err);
}

static uint8_t *make_items(const struct recipe *r, const struct c2_meta *meta)
{
    int64_t n = 1, itemsize = meta->dtype.itemsize;

    for (int d = 0; d < r->ndim; d++)
        n *= r->shape[d];
    uint8_t *items = malloc((size_t)(n * itemsize) + 1);
    C2_ASSERT(items);
    for (int64_t i = 0; i < n; i++) {
        int64_t value = r->from + i;
        memcpy(items + i * itemsize, &value, (size_t)itemsize);
    }
    return items;
}

static bool write_chunks(int fd, const struct c2_meta *meta, const uint8_t *items, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_codec) *codec = c2_codec_new();
    C2_AUTO_PTR(c2_frame_writer) *writer = NULL;
    uint8_t *plain = malloc((size_t)meta->chunksize);
    bool ok = c2_frame_writer_new(fd, meta, &writer, err);

    C2_ASSERT(codec && plain);
    for (int64_t i = 0; ok && i < meta->nchunks; i++) {
        C2_AUTO(c2_buf) chunk = C2_BUF_INIT(1 << 28);
        c2_grid_gather(&meta->grid, items, i, plain);
        ok = c2_codec_encode(codec, &meta->cparams, plain, meta->chunksize, &chunk, err) &&
             c2_frame_writer_add(writer, c2_buf_bytes(&chunk), err);
    }
    free(plain);
    return ok && c2_frame_writer_finish(writer, NULL, err);
}

/* Each writing has a time of its own, told by the scene's clock. */
static void set_time(struct scene *s, struct program *p, int fd)
{
    int64_t ms = INT64_C(1767225600000) + c2_fake_now();
    struct timespec at = {ms / 1000, ms % 1000 * 1000000 + ++s->nwritten};
    struct timespec times[2] = {at, at};

    (void)p;
    C2_ASSERT(futimens(fd, times) == 0);
}

bool dataset_write(struct scene *s, struct program *p, const char *path, const struct words *w, int i)
{
    C2_AUTO(c2_meta) meta = {0};
    struct cat2_error err = {0};
    struct recipe recipe;
    char temp[400], full[400];

    if (!read_recipe(s, w, i, &recipe)) return false;
    snprintf(temp, sizeof(temp), "%s/.writing", s->folder);
    snprintf(full, sizeof(full), "%s/%s", p->data, path);
    if (!make_meta(&recipe, &meta, &err)) return scene_fail(s, "dataset %s: %s", path, err.message);
    int fd = open(temp, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    C2_ASSERT(fd >= 0);
    uint8_t *items = make_items(&recipe, &meta);
    bool ok = write_chunks(fd, &meta, items, &err);
    free(items);
    set_time(s, p, fd);
    close(fd);
    if (!ok) return scene_fail(s, "dataset %s: %s", path, err.message);
    for (char *slash = strchr(full + strlen(p->data) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(full, 0700);
        *slash = '/';
    }
    if (rename(temp, full) != 0) return scene_fail(s, "dataset %s cannot be written", path);
    c2_fake_touch(p->data);
    return true;
}

bool dataset_delete(struct scene *s, struct program *p, const char *path)
{
    char full[400];

    snprintf(full, sizeof(full), "%s/%s", p->data, path);
    if (unlink(full) != 0) return scene_fail(s, "there is no dataset %s", path);
    c2_fake_touch(p->data);
    return true;
}
