/* SPDX-License-Identifier: BSD-3-Clause */
/* Keys and passwords by libsodium. */
#include "access/secret.h"

#include <sodium.h>
#include <stdio.h>

_Static_assert(C2_PASSWORD_HASH >= crypto_pwhash_STRBYTES, "room for the hash of a password");

static const char ID_LETTERS[] = "abcdefghijkmnpqrstuvwxyz23456789"; /* none that look alike */

bool c2_secret_setup(struct cat2_error *err)
{
    return sodium_init() >= 0 || c2_fail(err, CAT2_EIO, "libsodium cannot be used on this machine");
}

void c2_token_make(char out[C2_KEY_SECRET + 1])
{
    unsigned char bytes[C2_SECRET_HASH];

    randombytes_buf(bytes, sizeof(bytes));
    sodium_bin2base64(out, C2_KEY_SECRET + 1, bytes, sizeof(bytes), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(bytes, sizeof(bytes));
}

void c2_key_make(char out[C2_KEY_TEXT + 1])
{
    char id[C2_KEY_ID + 1] = "", secret[C2_KEY_SECRET + 1];

    for (int i = 0; i < C2_KEY_ID; i++)
        id[i] = ID_LETTERS[randombytes_uniform(sizeof(ID_LETTERS) - 1)];
    c2_token_make(secret);
    snprintf(out, C2_KEY_TEXT + 1, C2_KEY_PREFIX "%s_%s", id, secret);
    sodium_memzero(secret, sizeof(secret));
}

bool c2_key_parse(struct c2_str key, struct c2_str *id)
{
    size_t prefix = strlen(C2_KEY_PREFIX);

    if (key.n != C2_KEY_TEXT || !c2_str_starts(key, C2_KEY_PREFIX) || key.p[prefix + C2_KEY_ID] != '_')
        return false;
    if (!c2_str_is_made_of((struct c2_str){key.p + prefix, key.n - prefix}, "-_")) return false;
    *id = (struct c2_str){key.p + prefix, C2_KEY_ID};
    return true;
}

void c2_secret_hash(struct c2_str secret, uint8_t out[C2_SECRET_HASH])
{
    crypto_generichash(out, C2_SECRET_HASH, (const unsigned char *)secret.p, secret.n, NULL, 0);
}

bool c2_secret_same(const void *a, const void *b, size_t n)
{
    return sodium_memcmp(a, b, n) == 0;
}

void c2_secret_hex(const uint8_t hash[C2_SECRET_HASH], char out[2 * C2_SECRET_HASH + 1])
{
    sodium_bin2hex(out, 2 * C2_SECRET_HASH + 1, hash, C2_SECRET_HASH);
}

bool c2_secret_unhex(struct c2_str hex, uint8_t out[C2_SECRET_HASH])
{
    size_t n = 0;

    return hex.n == 2 * (size_t)C2_SECRET_HASH &&
           sodium_hex2bin(out, C2_SECRET_HASH, hex.p, hex.n, NULL, &n, NULL) == 0 && n == C2_SECRET_HASH;
}

bool c2_password_hash(struct c2_str password, char out[C2_PASSWORD_HASH], struct cat2_error *err)
{
    if (password.n == 0 || password.n > C2_PASSWORD_MAX)
        return c2_fail(err, CAT2_EINVAL, "a password has 1 to %d bytes", C2_PASSWORD_MAX);
    return crypto_pwhash_str(out, password.p, password.n, crypto_pwhash_OPSLIMIT_INTERACTIVE,
                             crypto_pwhash_MEMLIMIT_INTERACTIVE) == 0 ||
           c2_fail_nomem(err, "hashing a password (64 MiB)");
}

bool c2_password_verify(const char *hash, struct c2_str password)
{
    unsigned char salt[crypto_pwhash_SALTBYTES] = {0}, out[16];

    if (password.n > C2_PASSWORD_MAX) return false;
    if (hash) return crypto_pwhash_str_verify(hash, password.p, password.n) == 0;
    int none =
        crypto_pwhash(out, sizeof(out), password.p, password.n, salt, crypto_pwhash_OPSLIMIT_INTERACTIVE,
                      crypto_pwhash_MEMLIMIT_INTERACTIVE, crypto_pwhash_ALG_ARGON2ID13);
    (void)none; /* only the time counts */
    return false;
}
