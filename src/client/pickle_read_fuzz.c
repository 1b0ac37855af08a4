/* SPDX-License-Identifier: BSD-3-Clause */
/* A pickle from a stranger: what is found in it lies within it and is as long as was asked. The first two
 * bytes are that length, little-endian. */
#include "base/endian.h"
#include "client/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cat2_error err;
    struct c2_bytes found;

    if (size < 2) return 0;
    struct c2_bytes pickle = {data + 2, size - 2};
    size_t n = c2_le16(data);
    if (c2_pickle_data(pickle, n, &found, &err))
        C2_ASSERT(found.n == n && found.p >= pickle.p && n <= (size_t)(pickle.p + pickle.n - found.p));
    else
        C2_ASSERT(err.code == CAT2_EDATA);
    return 0;
}
