/* SPDX-License-Identifier: BSD-3-Clause */
/* What the two files that stand in for libmicrohttpd share: mhd.c has connections, mhd_response.c responses.
 */
#ifndef C2_SCENE_MHD_H
#define C2_SCENE_MHD_H

#include <microhttpd.h>

#include "fake.h"

struct MHD_Response {
    int refs;
    struct c2_buf headers;
    uint64_t size;
    const uint8_t *bytes; /* or: */
    uint8_t *owned;
    MHD_ContentReaderCallback reader; /* or: */
    MHD_ContentReaderFreeCallback reader_free;
    void *reader_cls;
    size_t block;
    int fd; /* >= 0: or from here */
    uint64_t off;
    struct c2_ws *ws; /* or a WebSocket, until it is accepted */
    bool upgrade;
};

/** Write up to room bytes of the body at pos: > 0, 0 later, or MHD_CONTENT_READER_END_*. */
ssize_t c2_mhd_read(struct MHD_Response *response, uint64_t pos, uint8_t *to, size_t room);

#endif
