/* SPDX-License-Identifier: BSD-3-Clause */
/* Scopes, patterns of roots, keys: what is taken of a text is the same when it is written anew. Lines:
 * scopes, patterns, the name of a root, a key. */
#include "access/scope.h"
#include "access/secret.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void scopes_of(struct c2_str text)
{
    struct cat2_error err;
    unsigned scopes, again;
    char words[64];

    if (!c2_scopes_parse(text, &scopes, &err)) {
        C2_ASSERT(err.code == CAT2_EINVAL);
        return;
    }
    c2_scopes_format(scopes, words);
    C2_ASSERT(c2_scopes_parse(c2_str_of(words), &again, &err) && again == scopes);
}

static void grants_of(struct c2_str text, struct c2_str root)
{
    C2_AUTO(c2_buf)
    lines = C2_BUF_INIT(C2_GRANTS_NBYTES_MAX + 1), again = C2_BUF_INIT(C2_GRANTS_NBYTES_MAX + 1);
    struct cat2_error err;

    if (!c2_grants_parse(text, &lines, &err)) return;
    C2_ASSERT(c2_grants_parse(c2_buf_str(&lines), &again, &err));
    C2_ASSERT(c2_str_eq(c2_buf_str(&lines), c2_buf_str(&again)));
    C2_ASSERT(c2_grants_have(c2_buf_cstr(&lines), root) == c2_grants_have(c2_buf_cstr(&again), root));
}

static void key_of(struct c2_str text)
{
    uint8_t hash[C2_SECRET_HASH];
    char hex[2 * C2_SECRET_HASH + 1];
    struct c2_str id;

    if (c2_key_parse(text, &id)) C2_ASSERT(text.n == C2_KEY_TEXT && id.n == C2_KEY_ID && id.p == text.p + 5);
    if (!c2_secret_unhex(text, hash)) return;
    c2_secret_hex(hash, hex);
    C2_ASSERT(c2_str_eq_nocase(text, c2_str_of(hex)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct c2_str rest = {(const char *)data, size}, lines[4] = {{"", 0}, {"", 0}, {"", 0}, {"", 0}};
    struct cat2_error err;

    C2_ASSERT(c2_secret_setup(&err));
    for (size_t i = 0; i < C2_ARRAY_LEN(lines) && rest.n; i++)
        c2_str_cut(rest, '\n', &lines[i], &rest);
    scopes_of(lines[0]);
    grants_of(lines[1], lines[2]);
    key_of(lines[3]);
    return 0;
}
