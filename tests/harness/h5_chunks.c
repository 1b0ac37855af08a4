/* SPDX-License-Identifier: BSD-3-Clause */
/* h5_chunks FILE.h5 DIR: the first chunks of every dataset as they would be served, each on its own, so that
 * a broken one hides no other. A line of JSON a dataset on stdout; items of chunks that could be read, one
 * after the other, in DIR/N.items. A chunk is read both ways, converted and as a box, which must agree. */
#include "h5_visit.h"
#include "ndim/slice.h"

#define CHUNKS_MAX 64

static void bound_of(const struct c2_grid *grid, int64_t nchunk, struct c2_bound *bound, int64_t *start,
                     int64_t *count)
{
    int64_t rest = nchunk;

    *bound = (struct c2_bound){.ndim = grid->ndim, .out_ndim = grid->ndim, .nitems = 1};
    for (int axis = grid->ndim - 1; axis >= 0; axis--) {
        start[axis] = rest % grid->nchunks_along[axis] * grid->chunks[axis];
        count[axis] = c2_min_i64(grid->chunks[axis], grid->shape[axis] - start[axis]);
        rest /= grid->nchunks_along[axis];
        bound->axes[axis] = (struct c2_axis_sel){.start = start[axis], .step = 1, .count = count[axis]};
        bound->out_shape[axis] = count[axis];
        bound->nitems *= count[axis];
    }
}

static bool read_chunk(struct driver *d, struct c2_h5_dataset *ds, int64_t nchunk,
                       const struct c2_bound *bound, struct c2_buf *items, struct cat2_error *err)
{
    const struct c2_meta *meta = c2_h5_meta(ds);
    C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX), padded = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);

    if (!c2_h5_chunk(ds, d->codec, nchunk, &chunk, err) ||
        !c2_buf_resize(&padded, (size_t)meta->chunksize, err) ||
        !c2_codec_decode(d->codec, meta, c2_buf_bytes(&chunk), padded.p, err) ||
        !c2_buf_resize(items, (size_t)(bound->nitems * meta->grid.typesize), err))
        return false;
    for (int32_t block = 0; block < meta->grid.nblocks; block++)
        c2_grid_scatter(&meta->grid, bound, nchunk, block,
                        padded.p + (size_t)block * (size_t)(meta->grid.block_items * meta->grid.typesize),
                        items->p);
    return true;
}

static void tell_chunk(struct driver *d, struct c2_h5_dataset *ds, int64_t nchunk, FILE *to, struct c2_jw *w)
{
    C2_AUTO(c2_buf) items = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX), box = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
    const struct c2_grid *grid = &c2_h5_meta(ds)->grid;
    int64_t start[C2_DIM_MAX], count[C2_DIM_MAX];
    struct cat2_error why = {0}, box_why = {0};
    struct c2_bound bound;

    bound_of(grid, nchunk, &bound, start, count);
    bool ok = read_chunk(d, ds, nchunk, &bound, &items, &why);
    bool box_ok = c2_buf_resize(&box, (size_t)(bound.nitems * grid->typesize), &box_why) &&
                  c2_h5_read(ds, start, count, box.p, &box_why);
    c2_jw_begin_object(w);
    c2_jw_put_cstr(w, "why", ok ? "" : why.message);
    c2_jw_put_cstr(w, "box",
                   !box_ok                                      ? box_why.message
                   : ok && memcmp(box.p, items.p, items.n) != 0 ? "differs"
                                                                : "");
    c2_jw_open_array(w, "slices");
    for (int i = 0; i < grid->ndim; i++) {
        c2_jw_int(w, start[i]);
        c2_jw_int(w, start[i] + count[i]);
    }
    c2_jw_end_array(w);
    c2_jw_end_object(w);
    if (ok) fwrite(items.p, 1, items.n, to);
}

static void tell_chunks(struct driver *d, struct c2_h5_dataset *ds, FILE *to, struct c2_jw *w)
{
    const struct c2_meta *meta = c2_h5_meta(ds);
    C2_AUTO(c2_buf) descr = C2_BUF_INIT(C2_DTYPE_TEXT_MAX);
    struct cat2_error ignored;

    c2_dtype_descr(&meta->dtype, &descr, &ignored);
    c2_jw_put_cstr(w, "dtype", c2_buf_cstr(&descr));
    c2_jw_open_array(w, "chunks");
    for (int64_t i = 0; i < meta->nchunks && i < CHUNKS_MAX; i++)
        tell_chunk(d, ds, i, to, w);
    c2_jw_end_array(w);
}

static bool visit(void *ctx, const struct c2_h5_entry *entry, struct cat2_error *err)
{
    struct driver *d = ctx;
    C2_AUTO_PTR(c2_h5_dataset) *ds = NULL;
    C2_AUTO(c2_buf) line = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    char name[4096];
    struct cat2_error why = {0};
    struct c2_jw w;

    if (entry->kind != C2_H5_DATASET) return true;
    snprintf(name, sizeof(name), "%s/%d.items", d->dir, d->n++);
    c2_jw_init(&w, &line, C2_JSON_COMPACT, err);
    c2_jw_begin_object(&w);
    c2_jw_put_cstr(&w, "path", entry->path);
    c2_jw_put_cstr(&w, "items", name);
    bool ok = c2_h5_dataset_open(d->h5, entry->name, NULL, &ds, &why);
    c2_jw_put_cstr(&w, "refusal", ok ? "" : why.message);
    FILE *to = fopen(name, "wb");
    if (ok && to) tell_chunks(d, ds, to, &w);
    if (to) fclose(to);
    c2_jw_end_object(&w);
    if (!c2_jw_finish(&w)) return false;
    printf("%s\n", c2_buf_cstr(&line));
    fflush(stdout);
    return true;
}

int main(int argc, char **argv)
{
    return visit_all(argc, argv, visit);
}
