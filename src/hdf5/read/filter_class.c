/* SPDX-License-Identifier: BSD-3-Clause */
/* The same filters for libhdf5, which calls a function a filter and tells it neither which one it is, nor how
 * much room there is. */

#include "hdf5/read/h5_impl.h"

static struct c2_codec *codec; /* HDF5's thread has it, for as long as the process lives */

static size_t undo(int id, unsigned flags, size_t nvalues, const unsigned values[], size_t nbytes,
                   size_t *size, void **bytes)
{
    struct c2_h5_filter filter = {.id = id};
    C2_AUTO(c2_buf) out = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
    struct cat2_error err;

    if (!(flags & H5Z_FLAG_REVERSE)) return 0;
    if (!codec && !(codec = c2_codec_new())) return 0;
    filter.nvalues = nvalues < C2_H5_FILTER_VALUES_MAX ? (unsigned)nvalues : C2_H5_FILTER_VALUES_MAX;
    for (unsigned i = 0; i < filter.nvalues; i++)
        filter.values[i] = values[i];
    if (!c2_h5_filter_undo(&filter, codec, (struct c2_bytes){*bytes, nbytes}, C2_CHUNK_NBYTES_MAX, &out,
                           &err)) {
        H5Epush2(H5E_DEFAULT, __FILE__, __func__, __LINE__, H5E_ERR_CLS, H5E_PLINE, H5E_READERROR, "%s",
                 err.message);
        return 0;
    }
    void *copy = H5allocate_memory(out.n ? out.n : 1, false); /* its own kind of memory */
    if (!copy) return 0;
    if (out.n) memcpy(copy, out.p, out.n);
    H5free_memory(*bytes);
    *bytes = copy;
    *size = out.n;
    return out.n;
}

#define DEFINE(name, id)                                                                                     \
    static size_t undo_##name(unsigned flags, size_t nvalues, const unsigned values[], size_t nbytes,        \
                              size_t *size, void **bytes)                                                    \
    {                                                                                                        \
        return undo(id, flags, nvalues, values, nbytes, size, bytes);                                        \
    }
DEFINE(bzip2, C2_H5_FILTER_BZIP2)
DEFINE(lzf, C2_H5_FILTER_LZF)
DEFINE(blosc, C2_H5_FILTER_BLOSC)
DEFINE(lz4, C2_H5_FILTER_LZ4)
DEFINE(bitshuffle, C2_H5_FILTER_BITSHUFFLE)
DEFINE(zstd, C2_H5_FILTER_ZSTD)
DEFINE(blosc2, C2_HDF5_FILTER_BLOSC2)

bool c2_h5_register_filters(struct cat2_error *err)
{
    static const struct {
        int id;
        H5Z_func_t undo;
    } OURS[] = {
        {C2_H5_FILTER_BZIP2, undo_bzip2},           {C2_H5_FILTER_LZF, undo_lzf},
        {C2_H5_FILTER_BLOSC, undo_blosc},           {C2_H5_FILTER_LZ4, undo_lz4},
        {C2_H5_FILTER_BITSHUFFLE, undo_bitshuffle}, {C2_H5_FILTER_ZSTD, undo_zstd},
        {C2_HDF5_FILTER_BLOSC2, undo_blosc2},
    };

    for (size_t i = 0; i < C2_ARRAY_LEN(OURS); i++) {
        H5Z_class2_t filter = {.version = H5Z_CLASS_T_VERS,
                               .id = OURS[i].id,
                               .decoder_present = 1,
                               .name = c2_h5_filter_name(OURS[i].id),
                               .filter = OURS[i].undo};
        if (H5Zregister(&filter) < 0)
            return c2_h5_fail(err, CAT2_EIO, "filter %d (%s) cannot be registered", OURS[i].id, filter.name);
    }
    return true;
}
