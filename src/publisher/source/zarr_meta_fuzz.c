/* SPDX-License-Identifier: BSD-3-Clause */
/* Any bytes as metadata of an array: what is accepted keeps to the limits, has attributes that are JSON, and
 * chunks of it that are not stored can be made and decoded. A line "--" ends .zarray, and .zattrs follows. */
#include <stdlib.h>

#include "publisher/source/zarr_chunk.h"

#define CHUNK_MAX (1 << 20) /* larger chunks are not made here: time */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool read_array(struct c2_str text, struct c2_zs_array *out, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    bool is_array;

    for (size_t i = 0; i + 4 <= text.n; i++)
        if (memcmp(text.p + i, "\n--\n", 4) == 0)
            return c2_zs_array_v2((struct c2_str){text.p, i}, (struct c2_str){text.p + i + 4, text.n - i - 4},
                                  out, err);
    return c2_zs_parse(text, &json, err) && c2_zs_node_kind(c2_json_root(json), &is_array, err) && is_array &&
           c2_zs_array_v3(c2_json_root(json), out, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct c2_codec *codec;
    C2_AUTO(c2_zs_array) array = {0};
    C2_AUTO(c2_zs_shape) shape = {0};
    C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
    C2_AUTO_PTR(c2_json) *attrs = NULL;
    struct cat2_error err;

    if (!codec) {
        c2_codec_setup();
        codec = c2_codec_new();
    }
    if (!read_array((struct c2_str){(const char *)data, size}, &array, &err)) return 0;
    if (!c2_json_parse(c2_buf_str(&array.attrs), &attrs, &err)) abort();
    if (!c2_zs_shape_of(&array, (struct c2_bytes){NULL, 0}, 0, &shape, &err)) return 0;
    if (shape.meta.nchunks > C2_NCHUNKS_MAX || shape.meta.chunksize < 1) abort();
    if (!codec || shape.meta.chunksize > CHUNK_MAX) return 0;
    uint8_t *items = malloc((size_t)shape.meta.chunksize);
    if (items && (!c2_zs_missing(&array, &shape, codec, &chunk, &err) ||
                  !c2_codec_decode(codec, &shape.meta, c2_buf_bytes(&chunk), items, &err)))
        abort();
    free(items);
    return 0;
}
