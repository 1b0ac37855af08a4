/* SPDX-License-Identifier: BSD-3-Clause */
/* Any bytes as a tree: all of its nodes lie in it, and all that they point at in the input. */
#include <stdlib.h>

#include "wire/mp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    C2_AUTO(c2_mp) mp = {0};
    struct cat2_error err;

    if (!c2_mp_parse((struct c2_bytes){data, size}, 1 << 16, &mp, &err)) return 0;
    for (uint32_t i = 0; i < mp.n; i++) {
        const struct c2_mp_node *node = &mp.nodes[i];
        bool bytes = node->kind == C2_MP_TEXT || node->kind == C2_MP_BYTES || node->kind == C2_MP_EXT;
        if (node->span < 1 || node->span > mp.n - i) abort();
        if (bytes && (node->bytes.p < data || node->bytes.n > size - (size_t)(node->bytes.p - data))) abort();
        c2_mp_get(node, "version");
        c2_mp_item(node, c2_mp_count(node));
    }
    return 0;
}
