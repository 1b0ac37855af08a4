/* SPDX-License-Identifier: BSD-3-Clause */
/* cat2example FILE.h5: datasets of every layout that HDF5 roots serve, attributes of many types, and some
 * datasets that Python publishers cannot serve. Made with libhdf5 alone: layouts, types and filters are as
 * h5py makes them. */
#include "bin/cat2example_h5.h"

#include <string.h>

#include "blosc/codec.h"
#include "blosc/frame.h"
#include "hdf5/write/h5w_impl.h"
#include "import_export/place.h"

#define GZIP_LEVEL 4
#define ITEMS_MAX  1000  /* of the largest example; C2_ASSERT tells when one outgrows it */
#define NBYTES_MAX 16384 /* of its items; on the stack */

enum type { U8, I16, I64, F64, COMPLEX, BYTES, TEXT, FOUR_REALS, PAIR };
enum layout { PLAIN, NOTHING, NEVER_WRITTEN, GZIP, BLOSC2 };
struct example {
    const char *path;
    enum type type;
    int width; /* BYTES; 0: variable length, as TEXT */
    int ndim;
    hsize_t shape[23];
    enum layout layout;
    hsize_t chunks[3];
    int codec, clevel;
    uint8_t filter;
    const char *text; /* BYTES, TEXT: the value of every item; else items count from first */
    double first;
};
static const struct example examples[] = {
    {.path = "scalar", .type = F64, .first = 123.456},
    {.path = "string", .type = BYTES, .width = 12, .text = "Hello world!"},
    {.path = "attrs", .type = I64},
    {.path = "arrays/1d-raw", .type = U8, .ndim = 1, .shape = {100}},
    {.path = "arrays/2d-nochunks", .type = COMPLEX, .ndim = 2, .shape = {10, 10}},
    {.path = "arrays/2d-gzip",
     .type = COMPLEX,
     .ndim = 2,
     .shape = {10, 10},
     .layout = GZIP,
     .chunks = {4, 4}},
    {.path = "arrays/1ds-blosc2",
     .type = BYTES,
     .width = 6,
     .ndim = 1,
     .shape = {100},
     .layout = BLOSC2,
     .chunks = {50},
     .codec = 0,
     .clevel = 5,
     .filter = 1,
     .text = "foobar"},
    {.path = "arrays/3d-blosc2",
     .type = U8,
     .ndim = 3,
     .shape = {10, 10, 10},
     .layout = BLOSC2,
     .chunks = {4, 10, 10},
     .codec = 1,
     .clevel = 7,
     .filter = 2},
    {.path = "unsupported/vlstring", .type = TEXT, .text = "Hello world!"},
    {.path = "unsupported/empty", .type = F64, .layout = NOTHING},
    {.path = "unsupported/array-dtype",
     .type = FOUR_REALS,
     .ndim = 1,
     .shape = {10},
     .layout = NEVER_WRITTEN},
    {.path = "unsupported/compound-dtype", .type = PAIR, .ndim = 1, .shape = {10}, .layout = NEVER_WRITTEN},
    {.path = "unsupported/too-many-dimensions", .type = U8, .ndim = 23, .shape = {1, 1, 1, 1, 1, 1, 1, 1,
                                                                                  1, 1, 1, 1, 1, 1, 1, 1,
                                                                                  1, 1, 1, 1, 1, 1, 1}},
};
/* Of the dataset "attrs". */
static const struct example attributes[] = {
    {.path = "Int", .type = I64, .first = 42},
    {.path = "IntT", .type = I16, .first = 42},
    {.path = "Bin", .type = BYTES, .text = "foo"},
    {.path = "BinT", .type = BYTES, .width = 3, .text = "foo"},
    {.path = "Str", .type = TEXT, .text = "bar"},
    {.path = "Arr", .type = I64, .ndim = 2, .shape = {2, 2}},
    {.path = "ArrT", .type = U8, .ndim = 2, .shape = {2, 2}},
    {.path = "NilBin", .type = BYTES, .width = 4, .layout = NOTHING},
    {.path = "NilInt", .type = U8, .layout = NOTHING},
};

static hid_t string_type(const struct example *ex)
{
    C2_AUTO(c2_hid) type = {H5Tcopy(H5T_C_S1)};

    if (ex->width > 0) {
        H5Tset_size(type.id, (size_t)ex->width);
        H5Tset_strpad(type.id, H5T_STR_NULLPAD);
    } else {
        H5Tset_size(type.id, H5T_VARIABLE);
    }
    if (ex->type == TEXT) H5Tset_cset(type.id, H5T_CSET_UTF8);
    return c2_hid_steal(&type);
}

static hid_t pair_type(const char *first, hid_t first_type, const char *second)
{
    size_t at = H5Tget_size(first_type);
    C2_AUTO(c2_hid) type = {H5Tcreate(H5T_COMPOUND, at + 8)};

    H5Tinsert(type.id, first, 0, first_type);
    H5Tinsert(type.id, second, at, H5T_IEEE_F64LE);
    return c2_hid_steal(&type);
}

static hid_t type_of(const struct example *ex)
{
    const hsize_t four = 4;

    switch (ex->type) {
    case U8:
        return H5Tcopy(H5T_STD_U8LE);
    case I16:
        return H5Tcopy(H5T_STD_I16LE);
    case I64:
        return H5Tcopy(H5T_STD_I64LE);
    case F64:
        return H5Tcopy(H5T_IEEE_F64LE);
    case COMPLEX:
        return pair_type("r", H5T_IEEE_F64LE, "i");
    case PAIR:
        return pair_type("f0", H5T_STD_U8LE, "f1");
    case FOUR_REALS:
        return H5Tarray_create2(H5T_IEEE_F64LE, 1, &four);
    default:
        return string_type(ex);
    }
}

static void fill(const struct example *ex, int64_t i, size_t size, uint8_t *item)
{
    double value[2] = {ex->first + (double)i, ex->first + (double)i};
    int64_t number = (int64_t)value[0];

    if (ex->text && ex->width > 0)
        memcpy(item, ex->text, size);
    else if (ex->text)
        memcpy(item, &ex->text, size);
    else if (ex->type == F64 || ex->type == COMPLEX)
        memcpy(item, value, size);
    else
        memcpy(item, &number, size); /* little-endian: the low bytes */
}

static int64_t count_items(const struct example *ex)
{
    int64_t n = 1;

    for (int i = 0; i < ex->ndim; i++)
        n *= (int64_t)ex->shape[i];
    return n;
}

static hid_t space_of(const struct example *ex)
{
    if (ex->layout == NOTHING) return H5Screate(H5S_NULL);
    return ex->ndim ? H5Screate_simple(ex->ndim, ex->shape, NULL) : H5Screate(H5S_SCALAR);
}

static bool fill_all(const struct example *ex, size_t size, uint8_t *items)
{
    int64_t n = count_items(ex);

    C2_ASSERT(n <= ITEMS_MAX && (size_t)n * size <= NBYTES_MAX);
    for (int64_t i = 0; i < n; i++)
        fill(ex, i, size, items + (size_t)i * size);
    return true;
}

/* A dataset's chunk as an array of one chunk of one block. */
static bool chunk_meta(const struct example *ex, int32_t typesize, struct c2_meta *meta,
                       struct cat2_error *err)
{
    int64_t shape[C2_DIM_MAX];
    int32_t chunks[C2_DIM_MAX];
    bool array = ex->ndim > 1;

    for (int i = 0; i < ex->ndim; i++) {
        shape[i] = (int64_t)ex->chunks[i];
        chunks[i] = (int32_t)shape[i];
    }
    if (!c2_dtype_parse(ex->type == BYTES ? C2_STR("|S6") : C2_STR("|u1"), &meta->dtype, err) ||
        !c2_grid_init(&meta->grid, shape, chunks, chunks, ex->ndim, typesize, array, err))
        return false;
    meta->kind = array ? C2_KIND_ARRAY : C2_KIND_FRAME;
    meta->chunkshape = (int32_t)meta->grid.chunk_items;
    meta->chunksize = meta->chunkshape * typesize;
    meta->cparams = c2_cparams_default(typesize, meta->chunksize);
    meta->cparams.codec = ex->codec;
    meta->cparams.clevel = ex->clevel;
    meta->cparams.filters[5] = ex->filter;
    return true;
}

/* Chunks along the first axis; the others are whole. */
static bool put_blosc2(const struct example *ex, hid_t dataset, size_t size, const uint8_t *items,
                       struct cat2_error *err)
{
    C2_AUTO(c2_meta) meta = {0};
    C2_AUTO_PTR(c2_codec) *codec = c2_codec_new();
    hsize_t offset[3] = {0};
    uint8_t plain[NBYTES_MAX];
    size_t row = size * (size_t)count_items(ex) / ex->shape[0];

    if (!codec) return c2_fail_nomem(err, "codec");
    if (!chunk_meta(ex, (int32_t)size, &meta, err)) return false;
    for (; offset[0] < ex->shape[0]; offset[0] += ex->chunks[0]) {
        C2_AUTO(c2_buf) chunk = C2_BUF_INIT(2 * NBYTES_MAX), frame = C2_BUF_INIT(4 * NBYTES_MAX);
        C2_AUTO_PTR(c2_frame_writer) *w = NULL;
        hsize_t rows = ex->shape[0] - offset[0] < ex->chunks[0] ? ex->shape[0] - offset[0] : ex->chunks[0];
        memset(plain, 0, sizeof(plain));
        memcpy(plain, items + offset[0] * row, rows * row);
        if (!c2_codec_encode(codec, &meta.cparams, plain, meta.chunksize, &chunk, err) ||
            !c2_frame_writer_new(-1, &meta, &w, err) || !c2_frame_writer_add(w, c2_buf_bytes(&chunk), err) ||
            !c2_frame_writer_finish(w, &frame, err))
            return false;
        if (H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, offset, frame.n, frame.p) < 0)
            return c2_h5w_fail(err, "%s", ex->path);
    }
    return true;
}

static bool set_filter(const struct example *ex, hid_t dcpl, size_t size)
{
    unsigned values[11] = {1,
                           0,
                           (unsigned)size,
                           (unsigned)size,
                           (unsigned)ex->clevel,
                           ex->filter,
                           (unsigned)ex->codec,
                           (unsigned)ex->ndim};

    if (ex->layout == GZIP) return H5Pset_deflate(dcpl, GZIP_LEVEL) >= 0;
    for (int i = 0; i < ex->ndim; i++) {
        values[3] *= (unsigned)ex->chunks[i];
        values[8 + i] = (unsigned)ex->chunks[i];
    }
    size_t n = ex->ndim > 1 ? (size_t)(8 + ex->ndim) : 7;
    return H5Pset_filter(dcpl, C2_HDF5_FILTER_BLOSC2, H5Z_FLAG_OPTIONAL, n, values) >= 0;
}

static bool make_dataset(hid_t file, const struct example *ex, struct cat2_error *err)
{
    C2_AUTO(c2_hid) type = {type_of(ex)}, space = {space_of(ex)}, dcpl = {H5Pcreate(H5P_DATASET_CREATE)};
    C2_AUTO(c2_hid) lcpl = {H5Pcreate(H5P_LINK_CREATE)}, dataset = {-1};
    bool chunked = ex->layout == GZIP || ex->layout == BLOSC2, early = chunked || ex->type == TEXT;
    size_t size = H5Tget_size(type.id);
    _Alignas(8) uint8_t items[NBYTES_MAX];

    H5Pset_create_intermediate_group(lcpl.id, 1);
    H5Pset_obj_track_times(dcpl.id, false);
    if (early) H5Pset_fill_time(dcpl.id, H5D_FILL_TIME_ALLOC);
    if (chunked && (H5Pset_chunk(dcpl.id, ex->ndim, ex->chunks) < 0 || !set_filter(ex, dcpl.id, size)))
        return c2_h5w_fail(err, "%s", ex->path);
    dataset.id = H5Dcreate2(file, ex->path, type.id, space.id, lcpl.id, dcpl.id, H5P_DEFAULT);
    if (dataset.id < 0) return c2_h5w_fail(err, "%s", ex->path);
    if (ex->layout == NOTHING || ex->layout == NEVER_WRITTEN) return true;
    fill_all(ex, size, items);
    if (ex->layout == BLOSC2) return put_blosc2(ex, dataset.id, size, items, err);
    return H5Dwrite(dataset.id, type.id, H5S_ALL, H5S_ALL, H5P_DEFAULT, items) >= 0 ||
           c2_h5w_fail(err, "%s", ex->path);
}

static bool make_attribute(hid_t file, const struct example *ex, struct cat2_error *err)
{
    C2_AUTO(c2_hid) type = {type_of(ex)}, space = {space_of(ex)}, acpl = {H5Pcreate(H5P_ATTRIBUTE_CREATE)};
    C2_AUTO(c2_hid) attr = {-1};
    _Alignas(8) uint8_t items[NBYTES_MAX];

    H5Pset_char_encoding(acpl.id, H5T_CSET_UTF8);
    attr.id =
        H5Acreate_by_name(file, "attrs", ex->path, type.id, space.id, acpl.id, H5P_DEFAULT, H5P_DEFAULT);
    if (attr.id < 0) return c2_h5w_fail(err, "attribute %s", ex->path);
    if (ex->layout == NOTHING) return true;
    fill_all(ex, H5Tget_size(type.id), items);
    return H5Awrite(attr.id, type.id, items) >= 0 || c2_h5w_fail(err, "attribute %s", ex->path);
}

static bool make_file(const char *filename, struct cat2_error *err)
{
    if (!c2_h5w_name_filter(err)) return false;
    C2_AUTO(c2_hid) file = {H5Fcreate(filename, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT)};

    if (file.id < 0) return c2_h5w_fail(err, "%s", filename);
    for (size_t i = 0; i < C2_ARRAY_LEN(examples); i++)
        if (!make_dataset(file.id, &examples[i], err)) return false;
    for (size_t i = 0; i < C2_ARRAY_LEN(attributes); i++)
        if (!make_attribute(file.id, &attributes[i], err)) return false;
    return (H5Lcreate_soft("/arrays/1d-raw", file.id, "unsupported/soft-link", H5P_DEFAULT, H5P_DEFAULT) >=
                0 &&
            H5Fflush(file.id, H5F_SCOPE_GLOBAL) >= 0) ||
           c2_h5w_fail(err, "%s", filename);
}

bool c2_example_h5(const char *filename, struct cat2_error *err)
{
    C2_AUTO(c2_place) place = {0};

    return c2_place_begin(filename, false, false, &place, err) && make_file(place.temp, err) &&
           c2_place_commit(&place, err);
}
