/* SPDX-License-Identifier: BSD-3-Clause */
/* AWS Signature Version 4, "Authenticating Requests: Using Query Parameters". */
#include "http/s3_presign.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <time.h>

#include "wire/url.h"

#define HASH_NBYTES 32 /* of SHA-256 */

static bool hmac(const uint8_t *key, size_t nkey, struct c2_str text, uint8_t out[HASH_NBYTES])
{
    unsigned n = HASH_NBYTES;

    return HMAC(EVP_sha256(), key, (int)nkey, (const unsigned char *)text.p, text.n, out, &n) != NULL;
}

static void to_hex(const uint8_t hash[HASH_NBYTES], char out[2 * HASH_NBYTES + 1])
{
    for (int i = 0; i < HASH_NBYTES; i++)
        snprintf(out + 2 * (size_t)i, 3, "%02x", hash[i]);
}

/* The key of a day, region and service, and with it the signature. */
static bool sign(const struct c2_s3_keys *keys, const char *day, struct c2_str text,
                 char out[2 * HASH_NBYTES + 1], struct cat2_error *err)
{
    C2_AUTO(c2_buf) first = C2_BUF_INIT(C2_S3_KEY_MAX + 8);
    const char *steps[] = {day, keys->region, "s3", "aws4_request"};
    uint8_t key[HASH_NBYTES];

    bool ok = c2_buf_printf(&first, err, "AWS4%s", keys->secret);
    ok = ok && hmac(first.p, first.n, c2_str_of(steps[0]), key);
    for (size_t i = 1; ok && i < C2_ARRAY_LEN(steps); i++)
        ok = hmac(key, HASH_NBYTES, c2_str_of(steps[i]), key);
    ok = ok && hmac(key, HASH_NBYTES, text, key);
    if (first.n) OPENSSL_cleanse(first.p, first.n);
    if (ok) to_hex(key, out);
    OPENSSL_cleanse(key, sizeof(key));
    return ok || c2_fail_nomem(err, "signature");
}

/* The parameters, in the order of their names. */
static bool put_query(const struct c2_s3_presign *of, const struct c2_s3_keys *keys, const char *when,
                      struct c2_buf *out, struct cat2_error *err)
{
    bool ok = c2_buf_puts(out, "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=", err) &&
              c2_url_encode(c2_str_of(keys->id), false, out, err) &&
              c2_buf_printf(out, err, "%%2F%.8s%%2F%s%%2Fs3%%2Faws4_request&X-Amz-Date=%s&X-Amz-Expires=%d",
                            when, keys->region, when, of->seconds);

    if (ok && keys->token[0])
        ok = c2_buf_puts(out, "&X-Amz-Security-Token=", err) &&
             c2_url_encode(c2_str_of(keys->token), false, out, err);
    return ok && c2_buf_puts(out, "&X-Amz-SignedHeaders=host", err);
}

bool c2_s3_presign(const struct c2_s3_presign *of, const struct c2_s3_keys *keys, struct c2_buf *out,
                   struct cat2_error *err)
{
    C2_AUTO(c2_buf) query = C2_BUF_INIT(4 * C2_S3_TOKEN_MAX), text = C2_BUF_INIT(65536);
    char when[20], day[12], hex[2 * HASH_NBYTES + 1];
    uint8_t hash[HASH_NBYTES];
    time_t now = (time_t)of->now_s;
    struct tm tm;

    if (!keys->id[0]) return c2_fail(err, CAT2_EINVAL, "there are no keys to sign with");
    const char *host = c2_url_no_scheme(of->base);
    gmtime_r(&now, &tm);
    strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &tm);
    snprintf(day, sizeof(day), "%.8s", when);
    if (!put_query(of, keys, when, &query, err) ||
        !c2_buf_printf(&text, err, "GET\n%s\n%s\nhost:%s\n\nhost\nUNSIGNED-PAYLOAD", of->target,
                       c2_buf_cstr(&query), host))
        return false;
    if (!EVP_Digest(text.p, text.n, hash, NULL, EVP_sha256(), NULL)) return c2_fail_nomem(err, "signature");
    to_hex(hash, hex);
    c2_buf_clear(&text);
    return c2_buf_printf(&text, err, "AWS4-HMAC-SHA256\n%s\n%s/%s/s3/aws4_request\n%s", when, day,
                         keys->region, hex) &&
           sign(keys, day, c2_buf_str(&text), hex, err) &&
           c2_buf_printf(out, err, "%s%s?%s&X-Amz-Signature=%s", of->base, of->target, c2_buf_cstr(&query),
                         hex);
}
