/* SPDX-License-Identifier: BSD-3-Clause */
/* What a publisher says of the place of a frame in its store of objects. Pure. */
#ifndef C2_SUBSCRIBER_FETCH_DIRECT_PLACE_H
#define C2_SUBSCRIBER_FETCH_DIRECT_PLACE_H

#include "base/buf.h"

#define C2_DIRECT_ETAG_MAX 300 /* bytes, with its NUL: those of stores have some dozens */

struct c2_direct_place {
    char *url;                     /* of the object; owned */
    char etag[C2_DIRECT_ETAG_MAX]; /* strong, with its quotes */
    int64_t nbytes;                /* of the object */
    int64_t off;                   /* of the frame in it */
    int64_t seconds;               /* the URL holds for */
};
/** Read {"url","etag","nbytes","seconds"} and, if it is there, "offset": without it the object is the frame.
 *  @param frame_len  bytes of the frame. @param stores  "http[s]://HOST[:PORT]" a line: the URL is at one of
 *  them. @errors CAT2_EUPSTREAM what is wrong with it; CAT2_EDATA no JSON; CAT2_ENOMEM. */
bool c2_direct_place_read(struct c2_str text, int64_t frame_len, const char *stores,
                          struct c2_direct_place *out, struct cat2_error *err);

#endif
