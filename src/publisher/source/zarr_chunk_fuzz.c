/* SPDX-License-Identifier: BSD-3-Clause */
/* Any bytes as a stored chunk: the first byte says which codecs, the second how long items are, the rest is
 * the chunk. What goes through or is decoded and compressed anew can be decoded, and the two are the same. */
#include <stdlib.h>

#include "blosc/fuzz_edge.h"
#include "publisher/source/zarr_chunk.h"

#define STORED_MAX (1 << 16) /* enough for chunks of 16 KiB */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An array of 4096 items in rows of 64, with one codec or two. */
static void describe(uint8_t what, uint8_t item, struct c2_zs_array *out)
{
    static const int32_t SIZES[] = {1, 2, 4, 8};

    *out = (struct c2_zs_array){.ndim = 2, .shape = {64, 64}, .chunks = {64, 64}, .files = {64, 64}};
    out->order[0] = what & 0x20 ? 1 : 0;
    out->order[1] = 1 - out->order[0];
    out->turned = what & 0x20;
    out->dtype = (struct c2_dtype){.kind = 'i', .order = '<', .itemsize = SIZES[item % 4]};
    if (out->dtype.itemsize == 1) out->dtype.order = '|';
    out->chain.p[out->chain.n].kind = what % 9;
    out->chain.p[out->chain.n++].size = SIZES[item % 4];
    if (what & 0x40) out->chain.p[out->chain.n++].kind = C2_ZS_CRC32C;
    if (what & 0x80) out->chain.p[out->chain.n++].kind = C2_ZS_ZSTD;
    c2_buf_init(&out->attrs, 16);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct c2_codec *codec;
    static uint8_t *base;
    struct c2_zs_array array;
    C2_AUTO(c2_zs_shape) shape = {0};
    C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX), plain = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
    struct cat2_error err;

    if (size < 3 || size - 2 > STORED_MAX) return 0;
    if (!codec) {
        c2_codec_setup();
        codec = c2_codec_new();
    }
    describe(data[0], data[1], &array);
    uint8_t *in = edge(&base, STORED_MAX, size - 2);
    memcpy(in, data + 2, size - 2);
    struct c2_bytes stored = {in, size - 2};
    if (!codec || !c2_buf_append(&array.attrs, "{}", 2, &err) ||
        !c2_zs_shape_of(&array, stored, 0, &shape, &err))
        abort();
    if (c2_zs_convert(&array, &shape, codec, stored, &chunk, &err)) {
        uint8_t *items = malloc((size_t)shape.meta.chunksize);
        bool decoded = items && c2_codec_decode(codec, &shape.meta, c2_buf_bytes(&chunk), items, &err);
        bool same = decoded && shape.linear && array.chain.n == 1 &&
                    c2_zs_undo(&array.chain, codec, stored, (size_t)shape.meta.chunksize, &plain, &err);
        if (same && memcmp(plain.p, items, plain.n) != 0) abort();
        free(items);
    }
    c2_zs_array_fini(&array);
    return 0;
}
