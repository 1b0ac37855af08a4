/* SPDX-License-Identifier: BSD-3-Clause */
/* Sealed JSON objects: no more than the text is read, both ways of looking agree, and what is opened is what
 * was sealed. */
#include "wire/proof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void open_it(struct c2_str text, enum c2_proof_state expected)
{
    C2_AUTO(c2_buf) copy = C2_BUF_INIT(1 << 20), again = C2_BUF_INIT(1 << 20);
    struct cat2_error err;
    uint64_t hash = 0, sealed = 0;
    size_t n = text.n;

    if (!c2_buf_append_str(&copy, text, &err)) return;
    enum c2_proof_state state = c2_proof_open_json((char *)copy.p, &n, &hash);
    C2_ASSERT(state == expected && n <= text.n);
    if (state != C2_PROOF_GOOD) return;
    copy.n = n;
    C2_ASSERT(c2_buf_append_str(&again, c2_buf_str(&copy), &err));
    C2_ASSERT(c2_proof_seal_json(&again, 0, &sealed, &err) && sealed == hash);
    C2_ASSERT(c2_str_eq(c2_buf_str(&again), text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    C2_AUTO(c2_buf) object = C2_BUF_INIT(1 << 20);
    struct c2_str text = {(const char *)data, size};
    struct cat2_error err;

    if (size > 65536) return 0;
    if (size) open_it(text, c2_proof_check_json(text));
    if (size < 2 || data[0] != '{' || data[size - 1] != '}') return 0;
    C2_ASSERT(c2_buf_append_str(&object, text, &err) && c2_proof_seal_json(&object, 0, NULL, &err));
    open_it(c2_buf_str(&object), C2_PROOF_GOOD);
    return 0;
}
