/* SPDX-License-Identifier: BSD-3-Clause */
/* Metadata from outside: a b2nd metalayer, or a publisher's JSON. What is accepted must survive its own
 * writer.
 *
 *   input: 'b' u32 typesize, u32 chunksize, u32 blocksize, u64 nbytes (big-endian), metalayer     'a' | 'f' |
 * anything else: JSON
 */
#include <stdlib.h>

#include "base/endian.h"
#include "blosc/b2nd.h"

#define HEAD 21

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_b2nd(const uint8_t *p, size_t n)
{
    C2_AUTO(c2_meta) meta = {0}, again = {0};
    C2_AUTO(c2_buf) made = C2_BUF_INIT(1 << 20);
    struct cat2_error err = {0};

    if (n < HEAD) return;
    meta.cparams.typesize = (int32_t)c2_be32(p + 1);
    meta.chunksize = (int32_t)c2_be32(p + 5);
    meta.cparams.blocksize = (int32_t)c2_be32(p + 9);
    meta.nbytes = (int64_t)c2_be64(p + 13);
    if (meta.cparams.typesize < 1 || meta.chunksize < 0 || meta.cparams.blocksize < 0 || meta.nbytes < 0)
        return;
    again.cparams = meta.cparams;
    again.chunksize = meta.chunksize;
    again.nbytes = meta.nbytes;
    if (!c2_b2nd_parse((struct c2_bytes){p + HEAD, n - HEAD}, &meta, &err)) return;
    if (!c2_b2nd_make(&meta, &made, &err)) return;
    if (!c2_b2nd_parse(c2_buf_bytes(&made), &again, &err)) abort();
    if (memcmp(meta.grid.shape, again.grid.shape, sizeof(meta.grid.shape[0]) * (size_t)meta.grid.ndim) != 0)
        abort();
}

static bool print(const struct c2_meta *meta, struct c2_buf *out)
{
    struct cat2_error err = {0};
    struct c2_jw w;

    c2_jw_init(&w, out, C2_JSON_COMPACT, &err);
    return c2_meta_to_json(meta, false, -1, &w) && c2_jw_finish(&w);
}

static void try_json(struct c2_str text, enum c2_kind kind)
{
    C2_AUTO_PTR(c2_json) *json = NULL, *json2 = NULL;
    C2_AUTO(c2_meta) meta = {0}, again = {0};
    C2_AUTO(c2_buf) first = C2_BUF_INIT(1 << 24), second = C2_BUF_INIT(1 << 24);
    struct cat2_error err = {0};

    if (!c2_json_parse(text, &json, &err) || !c2_meta_from_json(c2_json_root(json), kind, &meta, &err))
        return;
    if (!print(&meta, &first)) return;
    if (!c2_json_parse(c2_buf_str(&first), &json2, &err) ||
        !c2_meta_from_json(c2_json_root(json2), kind, &again, &err) || !print(&again, &second) ||
        !c2_str_eq(c2_buf_str(&first), c2_buf_str(&second)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) return 0;
    struct c2_str text = {(const char *)data + 1, size - 1};
    if (data[0] == 'b')
        try_b2nd(data, size);
    else
        try_json(text, data[0] == 'a' ? C2_KIND_ARRAY : data[0] == 'f' ? C2_KIND_FRAME : C2_KIND_FILE);
    return 0;
}
