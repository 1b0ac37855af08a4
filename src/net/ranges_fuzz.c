/* SPDX-License-Identifier: BSD-3-Clause */
/* A length and a Range header: what is taken of it lies in the content. */
#include "net/server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct c2_range ranges[C2_RANGES_MAX];
    uint64_t nbytes = 0;

    if (size < sizeof(nbytes)) return 0;
    memcpy(&nbytes, data, sizeof(nbytes));
    nbytes &= INT64_MAX;
    struct c2_str header = {(const char *)data + sizeof(nbytes), size - sizeof(nbytes)};
    int max = data[0] % 2 ? C2_RANGES_MAX : data[1] % 4,
        n = c2_ranges_parse(header, (int64_t)nbytes, ranges, max);
    C2_ASSERT(n >= -1 && n <= max);
    for (int i = 0; i < n; i++) {
        C2_ASSERT(ranges[i].off >= 0 && ranges[i].n > 0 && ranges[i].n <= (int64_t)nbytes);
        C2_ASSERT(ranges[i].off <= (int64_t)nbytes - ranges[i].n);
    }
    return 0;
}
