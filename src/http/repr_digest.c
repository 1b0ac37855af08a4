/* SPDX-License-Identifier: BSD-3-Clause */
/* SHA-256 by libcrypto, as HTTP writes it. */
#include "http/repr_digest.h"

#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "base/fs.h"

#define PART_NBYTES (1 << 20) /* read at a time */

struct c2_digest {
    EVP_MD_CTX *state;
};

struct c2_digest *c2_digest_new(void)
{
    struct c2_digest *digest = calloc(1, sizeof(*digest));

    if (!digest) return NULL;
    digest->state = EVP_MD_CTX_new();
    if (digest->state && EVP_DigestInit_ex(digest->state, EVP_sha256(), NULL) == 1) return digest;
    c2_digest_free(digest);
    return NULL;
}

void c2_digest_free(struct c2_digest *digest)
{
    if (digest) EVP_MD_CTX_free(digest->state);
    free(digest);
}

bool c2_digest_add(struct c2_digest *digest, struct c2_bytes bytes, struct cat2_error *err)
{
    return EVP_DigestUpdate(digest->state, bytes.p, bytes.n) == 1 || c2_fail_nomem(err, "SHA-256");
}

bool c2_digest_end(struct c2_digest *digest, char out[C2_DIGEST_MAX], struct cat2_error *err)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    bool ok = EVP_DigestFinal_ex(digest->state, hash, &n) == 1 && n == 32;

    if (ok) {
        memcpy(out, "sha-256=:", 9);
        EVP_EncodeBlock((unsigned char *)out + 9, hash, 32); /* 44 characters */
        memcpy(out + 53, ":", 2);
    }
    c2_digest_free(digest);
    return ok || c2_fail_nomem(err, "SHA-256");
}

bool c2_base64(struct c2_bytes bytes, struct c2_buf *out, struct cat2_error *err)
{
    size_t at = out->n;

    if (bytes.n > INT_MAX / 2 || !c2_buf_resize(out, at + (bytes.n + 2) / 3 * 4, err)) return false;
    EVP_EncodeBlock(out->p + at, bytes.p, (int)bytes.n);
    return true;
}

bool c2_digest_file(int fd, int64_t n, char out[C2_DIGEST_MAX], struct cat2_error *err)
{
    C2_AUTO(c2_buf) part = C2_BUF_INIT(PART_NBYTES);
    struct c2_digest *digest = c2_digest_new();
    bool ok = digest && c2_buf_resize(&part, PART_NBYTES, err);

    if (!digest) return c2_fail_nomem(err, "SHA-256");
    for (int64_t at = 0; ok && at < n; at += PART_NBYTES) {
        size_t some = (size_t)c2_min_i64(PART_NBYTES, n - at);
        ok = c2_fs_pread(fd, part.p, some, at, err) &&
             c2_digest_add(digest, (struct c2_bytes){part.p, some}, err);
    }
    if (ok) return c2_digest_end(digest, out, err);
    c2_digest_free(digest);
    return false;
}
