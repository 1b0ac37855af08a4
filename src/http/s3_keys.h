/* SPDX-License-Identifier: BSD-3-Clause */
/* The keys that requests to an S3 store are signed with, and the settings beside them, from where other
 * programs for S3 look for them: the environment, ~/.aws/credentials, ~/.aws/config. Calls read files. */
#ifndef C2_HTTP_S3_KEYS_H
#define C2_HTTP_S3_KEYS_H

#include "base/str.h"

#define C2_S3_KEY_MAX   256  /* bytes of an access key or its secret: AWS's have 20 and 40 */
#define C2_S3_TOKEN_MAX 4096 /* bytes of a session token: AWS's have less than 2048 */

struct c2_s3_keys {
    char id[C2_S3_KEY_MAX]; /* "": none, requests are not signed */
    char secret[C2_S3_KEY_MAX];
    char token[C2_S3_TOKEN_MAX]; /* of keys that hold for a while; "": none */
    char region[64];
    char endpoint[256]; /* "": not said */
    const char *origin; /* where the keys are from, for people; of static storage */
};
/** @param profile  section of the files; then the environment's keys do not count. NULL: $AWS_PROFILE, else
 * "default". @errors CAT2_ENOTFOUND no such profile, though it was named; CAT2_EINVAL a value that no header
 * can hold, or half a pair; CAT2_EIO. */
bool c2_s3_keys_find(const char *profile, struct c2_s3_keys *out, struct cat2_error *err);
/** The secrets are overwritten. */
void c2_s3_keys_wipe(struct c2_s3_keys *keys);

#endif
