/* SPDX-License-Identifier: BSD-3-Clause */
/* Stored chunks of any bytes through each filter: the first byte says which, four more its values, the rest
 * is the chunk. */
#include <stdlib.h>

#include "blosc/fuzz_edge.h"
#include "hdf5/read/filter.h"

#define MAX (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int IDS[] = {C2_H5_FILTER_DEFLATE,    C2_H5_FILTER_SHUFFLE, C2_H5_FILTER_BZIP2,
                              C2_H5_FILTER_LZF,        C2_H5_FILTER_BLOSC,   C2_H5_FILTER_LZ4,
                              C2_H5_FILTER_BITSHUFFLE, C2_H5_FILTER_ZSTD,    C2_HDF5_FILTER_BLOSC2};
    static struct c2_codec *codec;
    static uint8_t *in_base;
    C2_AUTO(c2_buf) out = C2_BUF_INIT(2 * MAX);
    struct c2_h5_filter filter = {.nvalues = 5};
    struct cat2_error err;

    if (size < 5 || size - 5 > MAX) return 0;
    if (!codec) {
        c2_codec_setup();
        codec = c2_codec_new();
    }
    filter.id = IDS[data[0] % C2_ARRAY_LEN(IDS)];
    filter.values[0] = filter.values[2] = data[1];
    filter.values[3] = data[2] | (unsigned)data[3] << 8;
    filter.values[4] = data[4];
    uint8_t *in = edge(&in_base, MAX, size - 5);
    if (size > 5) memcpy(in, data + 5, size - 5);
    if (codec && c2_h5_filter_undo(&filter, codec, (struct c2_bytes){in, size - 5}, MAX, &out, &err) &&
        out.n > MAX)
        abort();
    return 0;
}
