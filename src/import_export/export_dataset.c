/* SPDX-License-Identifier: BSD-3-Clause */
/* One dataset of the directory: opening it, deciding how it looks in HDF5, its attributes. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "import_export/export_impl.h"

#define FILE_CLEVEL      5         /* plain files: zstd, shuffle */
#define FILE_CHUNK_LEAST (8 << 10) /* chunks of plain files, as h5py chooses them */
#define FILE_CHUNK_BASE  (16 << 10)
#define FILE_CHUNK_MOST  (1 << 20)
#define FILE_CHUNK_EMPTY 1024
#define BOX_NBYTES_MAX   ((int64_t)64 << 20) /* put at once where there are no chunks */

void c2_export_dataset_fini(struct c2_export_dataset *ds)
{
    c2_frame_free(ds->frame);
    c2_meta_fini(&ds->meta);
    c2_h5w_like_fini(&ds->like);
    if (ds->fd > 0) close(ds->fd);
    *ds = (struct c2_export_dataset){0};
}

/* About 16 KiB, twice that for each factor of ten over 1 MiB; the file's size halved until it is near. */
static int32_t file_chunk(int64_t nbytes)
{
    double target = FILE_CHUNK_BASE * exp2(log10((double)nbytes / FILE_CHUNK_MOST));

    if (nbytes == 0) return FILE_CHUNK_EMPTY;
    target = fmin(fmax(target, FILE_CHUNK_LEAST), FILE_CHUNK_MOST);
    while (nbytes > 1 && !(((double)nbytes < target || fabs((double)nbytes - target) / target < 0.5) &&
                           nbytes < FILE_CHUNK_MOST))
        nbytes = c2_div_ceil(nbytes, 2);
    return (int32_t)nbytes;
}

/* One axis of bytes in chunks. */
static bool bytes_meta(struct c2_meta *meta, int64_t nbytes, int32_t chunk, struct cat2_error *err)
{
    c2_dtype_fini(&meta->dtype);
    meta->kind = C2_KIND_FILE;
    meta->chunksize = meta->chunkshape = chunk;
    return c2_dtype_parse(C2_STR("|u1"), &meta->dtype, err) &&
           c2_grid_init(&meta->grid, &nbytes, &chunk, &chunk, 1, 1, false, err);
}

/* A super-chunk shorter than a chunk gets one of its length; items that its length does not fit become bytes.
 */
static bool plan_frame(struct c2_export_dataset *ds, struct cat2_error *err)
{
    struct c2_meta *meta = &ds->meta;
    int64_t nbytes = meta->nbytes, items = meta->grid.shape[0];
    int32_t chunk = meta->chunksize > 0 ? meta->chunksize : FILE_CHUNK_EMPTY, typesize = meta->grid.typesize;

    if (nbytes > 0 && nbytes < chunk) chunk = (int32_t)nbytes;
    meta->chunksize = chunk;
    if (typesize == 1 || nbytes % typesize || chunk % typesize) return bytes_meta(meta, nbytes, chunk, err);
    chunk /= typesize;
    meta->chunkshape = chunk;
    return c2_grid_init(&meta->grid, &items, &chunk, &chunk, 1, typesize, false, err);
}

/* The same items in chunks of another shape. */
static bool cut(struct c2_export_dataset *ds, const int32_t *fit, struct cat2_error *err)
{
    struct c2_meta *meta = &ds->meta;
    int64_t shape[C2_DIM_MAX] = {0};
    int32_t chunks[C2_DIM_MAX], blocks[C2_DIM_MAX];
    int ndim = meta->grid.ndim;

    for (int i = 0; i < ndim; i++)
        shape[i] = fit[i];
    c2_grid_choose(shape, ndim, meta->grid.typesize, chunks, blocks);
    for (int i = 0; i < ndim; i++)
        shape[i] = meta->grid.shape[i];
    ds->way = C2_WAY_CUT;
    int32_t typesize = meta->grid.typesize;
    if (!c2_grid_init(&meta->grid, shape, fit, blocks, ndim, typesize, true, err)) return false;
    meta->chunkshape = (int32_t)meta->grid.chunk_items;
    meta->chunksize = (int32_t)(meta->grid.chunk_items * typesize);
    meta->cparams.blocksize = (int32_t)(meta->grid.block_items * typesize);
    return true;
}

static bool plan_other_chunks(struct c2_export_dataset *ds, struct cat2_error *err)
{
    int32_t fit[C2_DIM_MAX];

    for (int i = 0; i < ds->meta.grid.ndim; i++)
        fit[i] = (int32_t)c2_max_i64(1, c2_min_i64(ds->ex->options->chunks[i], ds->meta.grid.shape[i]));
    return cut(ds, fit, err);
}

/* Chunks as planned, whole along the axes that are the datatype's. What is not chunked is put in boxes of any
 * size. */
static bool plan_described_chunks(struct c2_export_dataset *ds, struct cat2_error *err)
{
    const struct c2_grid *grid = &ds->meta.grid;
    int32_t chunks[C2_DIM_MAX];
    int64_t nbytes = grid->typesize;
    bool same = true;

    for (int i = grid->ndim - 1; i >= 0; i--) {
        bool own = i < ds->plan.ndim;
        int64_t wanted = own ? (ds->plan.chunked ? ds->plan.chunks[i] : grid->chunks[i]) : grid->shape[i];
        if (own && !ds->plan.chunked) wanted = c2_min_i64(wanted, c2_max_i64(1, BOX_NBYTES_MAX / nbytes));
        if (wanted > INT32_MAX || !c2_mul_i64(nbytes, c2_max_i64(1, wanted), &nbytes) ||
            nbytes > C2_CHUNK_NBYTES_MAX)
            return c2_fail(err, CAT2_ELIMIT, "chunks of more than %d bytes", C2_CHUNK_NBYTES_MAX);
        chunks[i] = (int32_t)c2_max_i64(1, wanted);
        same = same && (chunks[i] == grid->chunks[i] || grid->shape[i] == 0);
    }
    enum c2_export_way way = ds->way;
    if (grid->ndim > 0 && grid->nchunks > 0 && !same && !cut(ds, chunks, err)) return false;
    ds->way = ds->plan.boxes ? C2_WAY_BOX : same ? way : C2_WAY_CUT;
    return true;
}

/* As its description says, where that fits. */
static bool plan_described(struct c2_export_dataset *ds, bool own_chunks, struct cat2_error *err)
{
    struct c2_exporter *ex = ds->ex;
    const struct c2_convert_options *options = ex->options;
    enum c2_h5w_filters filters = (enum c2_h5w_filters)options->filters;

    if (filters == C2_H5W_DEFAULT && (options->codec >= 0 || options->clevel >= 0)) filters = C2_H5W_BLOSC2;
    ds->fill_free = !ds->like.root;
    if (!ds->like.root) {
        if (filters == C2_H5W_DEFAULT || filters == C2_H5W_BLOSC2 || filters == C2_H5W_ORIGINAL) return true;
        if (!c2_h5w_like_of(&ds->meta, &ds->like, err)) return false;
    }
    ds->filters = filters;
    if (c2_h5w_plan(ex->file, &ds->like, &ds->meta, filters, own_chunks, &ds->plan, err)) {
        ds->described = true;
        return plan_described_chunks(ds, err);
    }
    if (err->code == CAT2_ENOMEM) return false;
    c2_fail_within(err, "its description of HDF5 is ignored");
    if (!ds->item->told) c2_export_note(ex, C2_NOTE_LOST, ds->item->source, err->message);
    return true;
}

static bool open_file(struct c2_export_dataset *ds, struct cat2_error *err)
{
    struct stat st;

    ds->way = C2_WAY_FILE;
    ds->fd = openat(ds->ex->rootfd, ds->item->source, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (ds->fd < 0 || fstat(ds->fd, &st) != 0) return c2_fail_errno(err, errno, "cannot be read");
    if (!S_ISREG(st.st_mode)) return c2_fail(err, CAT2_EUNSUPPORTED, "no longer a file");
    ds->nbytes = st.st_size;
    ds->meta.cparams = c2_cparams_default(1, 0);
    ds->meta.cparams.clevel = ds->ex->options->clevel >= 0 ? ds->ex->options->clevel : FILE_CLEVEL;
    if (ds->ex->options->codec >= 0) ds->meta.cparams.codec = ds->ex->options->codec;
    return bytes_meta(&ds->meta, ds->nbytes, file_chunk(ds->nbytes), err) && plan_described(ds, false, err);
}

static bool plan(struct c2_export_dataset *ds, struct cat2_error *err)
{
    const struct c2_convert_options *options = ds->ex->options;
    struct c2_meta *meta = &ds->meta;

    if (!c2_meta_copy(c2_frame_meta(ds->frame), meta, err)) return false;
    if (meta->kind != C2_KIND_ARRAY && !plan_frame(ds, err)) return false;
    if (options->codec >= 0 || options->clevel >= 0) {
        ds->way = C2_WAY_ENCODE;
        if (options->codec >= 0) {
            meta->cparams.codec = options->codec;
            meta->cparams.codec_meta = 0;
            meta->cparams.use_dict = false;
        }
        if (options->clevel >= 0) meta->cparams.clevel = options->clevel;
    }
    bool other = meta->kind == C2_KIND_ARRAY && meta->grid.ndim > 0 && meta->grid.ndim == options->ndim;
    if (ds->item->kind == C2_EXPORT_ATTRIBUTES) return true;
    if (other && !plan_other_chunks(ds, err)) return false;
    return plan_described(ds, other, err);
}

static bool open_frame(struct c2_export_dataset *ds, struct cat2_error *err)
{
    int flags = ds->item->sparse ? O_RDONLY | O_DIRECTORY : O_RDONLY | O_NONBLOCK;
    int fd = openat(ds->ex->rootfd, ds->item->source, flags | O_CLOEXEC);

    if (fd < 0) return c2_fail_errno(err, errno, "cannot be read");
    if (ds->item->sparse ? !c2_frame_open_dir(fd, ds->item->source, &ds->frame, err)
                         : !c2_frame_open_fd(fd, ds->item->source, &ds->frame, err))
        return false;
    const char *refusal = c2_frame_refusal(ds->frame);
    if (refusal) return c2_fail(err, CAT2_EUNSUPPORTED, "%s", refusal);
    return c2_export_like(ds->ex, ds->item, ds->frame, &ds->like, err) && plan(ds, err);
}

bool c2_export_dataset_open(struct c2_exporter *ex, const struct c2_export_item *item,
                            struct c2_export_dataset *out, struct cat2_error *err)
{
    *out = (struct c2_export_dataset){.ex = ex, .item = item};
    return item->kind == C2_EXPORT_FILE ? open_file(out, err) : open_frame(out, err);
}
