/* SPDX-License-Identifier: BSD-3-Clause */
/* The URL of an object that somebody without keys may GET for a while: Signature Version 4 in the query, with
 * Host as the only signed header. Any thread. */
#ifndef C2_HTTP_S3_PRESIGN_H
#define C2_HTTP_S3_PRESIGN_H

#include "base/buf.h"
#include "http/s3_keys.h"

struct c2_s3_presign {
    const char *base;   /* "http[s]://HOST[:PORT]" */
    const char *target; /* "/BUCKET/KEY", encoded */
    int64_t now_s;      /* since 1970 */
    int seconds;        /* it holds for */
};
/** Append the URL. keys->region is that of the bucket. @errors CAT2_EINVAL no keys; CAT2_ELIMIT out is full;
 * CAT2_ENOMEM. */
bool c2_s3_presign(const struct c2_s3_presign *of, const struct c2_s3_keys *keys, struct c2_buf *out,
                   struct cat2_error *err);

#endif
