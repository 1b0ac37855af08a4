/* SPDX-License-Identifier: BSD-3-Clause */
/* Whatever a publisher says of the place of a frame: what is taken of it is fit for a request to a store that
 * the operator has named, and the frame is within the object.
 *
 * Input: two bytes, the length of the frame in units of 16 bytes, little-endian; then the answer. */
#include <stdlib.h>

#include "base/endian.h"
#include "subscriber/fetch/direct_place.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct c2_direct_place *place, int64_t frame_len)
{
    bool named = c2_str_starts(c2_str_of(place->url), "http://127.0.0.1:9000/") ||
                 c2_str_starts(c2_str_of(place->url), "https://s3.lab.example/");

    if (!named) abort();
    for (const char *p = place->url; *p; p++)
        if ((unsigned char)*p <= ' ' || *p == 0x7f) abort();
    size_t n = strnlen(place->etag, sizeof(place->etag));
    if (n < 2 || n == sizeof(place->etag) || place->etag[0] != '"' || strpbrk(place->etag, "\r\n ")) abort();
    if (place->seconds < 0 || place->off < 0 || place->nbytes < frame_len) abort();
    if (place->off > place->nbytes - frame_len) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct c2_direct_place place;
    struct cat2_error err;

    if (size < 2) return 0;
    int64_t frame_len = 16 * (int64_t)c2_le16(data);
    struct c2_str text = {(const char *)data + 2, size - 2};
    if (c2_direct_place_read(text, frame_len, "http://127.0.0.1:9000\nhttps://s3.lab.example", &place,
                             &err)) {
        check(&place, frame_len);
        free(place.url);
    }
    return 0;
}
