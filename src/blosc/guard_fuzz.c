/* SPDX-License-Identifier: BSD-3-Clause */
/* One chunk: what the guard lets through must decode, whole and by blocks, without leaving its buffers. */
#include <stdlib.h>

#include "blosc/codec.h"
#include "blosc/fuzz_edge.h"

#define PLAIN_MAX (1 << 22) /* larger ones only cost time */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode_by_blocks(struct c2_codec *codec, struct c2_bytes chunk, const struct c2_chunk_info *info,
                             uint8_t *out)
{
    struct c2_bytes prefix = {chunk.p, (size_t)info->data_start};
    struct cat2_error err = {0};
    int32_t *off = malloc(2 * (size_t)info->nblocks * sizeof(*off)), *len;

    if (!off) return;
    len = off + info->nblocks;
    if (!info->special && !info->memcpyed && c2_block_extents(prefix, info, off, len, &err))
        for (int32_t i = 0; i < info->nblocks && i < 64; i++) {
            struct c2_bytes block = {chunk.p + off[i], (size_t)len[i]};
            if (c2_guard_block(info, i, block, &err))
                (void)c2_codec_decode_blocks(codec, NULL, prefix, &i, 1, &len[i], block, out, &err);
        }
    free(off);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct c2_codec *codec; /* kept, as workers keep theirs */
    static uint8_t *in_base, *out_base;
    struct c2_chunk_expect any = {.nbytes = -1, .blocksize = -1, .typesize = -1};
    struct c2_chunk_info info;
    struct cat2_error err = {0};

    if (size > PLAIN_MAX) return 0;
    uint8_t *in = edge(&in_base, PLAIN_MAX, size);
    if (size) memcpy(in, data, size);
    struct c2_bytes chunk = {in, size};
    if (!codec) {
        c2_codec_setup();
        codec = c2_codec_new();
    }
    (void)c2_guard_prefix(chunk, &any, &info, &err);
    if (!codec || !c2_guard_chunk(chunk, &any, &info, &err) || info.nbytes > PLAIN_MAX) return 0;
    uint8_t *out = edge(&out_base, PLAIN_MAX, (size_t)info.nbytes);
    (void)c2_codec_decode(codec, NULL, chunk, out, &err);
    decode_by_blocks(codec, chunk, &info, out);
    return 0;
}
