/* SPDX-License-Identifier: BSD-3-Clause */
/* Keys, passwords and tokens: made, hashed, compared. libsodium. Any thread once c2_secret_setup() is done.
 */
#ifndef C2_ACCESS_SECRET_H
#define C2_ACCESS_SECRET_H

#include "base/buf.h"
#include "base/limits.h"

/* "cat2_" ID "_" SECRET: programs that look for lost keys know the beginning, and the ID names a key where
 * its secret must not be told. */
#define C2_KEY_PREFIX  "cat2_"
#define C2_KEY_ID      10 /* lower-case letters and digits */
#define C2_KEY_SECRET  43 /* base64url of 256 random bits */
#define C2_KEY_TEXT    (5 + C2_KEY_ID + 1 + C2_KEY_SECRET)
#define C2_SECRET_HASH 32

/** Before all others. @errors CAT2_EIO: the library cannot be used. */
bool c2_secret_setup(struct cat2_error *err);
void c2_key_make(char out[C2_KEY_TEXT + 1]);
/** Is it written as keys are? *id: its ID. */
bool c2_key_parse(struct c2_str key, struct c2_str *id);
/** The hash of a key or token that is kept in its place. Nothing slow: nobody tries 2^256 keys. */
void c2_secret_hash(struct c2_str secret, uint8_t out[C2_SECRET_HASH]);
/** In a time that does not tell where they differ. */
bool c2_secret_same(const void *a, const void *b, size_t n);
/** As hexadecimal digits, and back. */
void c2_secret_hex(const uint8_t hash[C2_SECRET_HASH], char out[2 * C2_SECRET_HASH + 1]);
bool c2_secret_unhex(struct c2_str hex, uint8_t out[C2_SECRET_HASH]);
/** A random token, base64url of 256 bits. */
void c2_token_make(char out[C2_KEY_SECRET + 1]);

#define C2_PASSWORD_HASH 128 /* bytes of its text, the end included */
/** argon2id with 64 MiB: some tenths of a second. @errors CAT2_EINVAL its length; CAT2_ENOMEM. */
bool c2_password_hash(struct c2_str password, char out[C2_PASSWORD_HASH], struct cat2_error *err);
/** Takes as long. hash NULL: there is no such user, which costs the same time; false. */
bool c2_password_verify(const char *hash, struct c2_str password);

#endif
