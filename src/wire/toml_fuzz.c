/* SPDX-License-Identifier: BSD-3-Clause */
/* A configuration is taken or refused with a reason; every leaf of what is taken can be read. */
#include "wire/toml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool read_leaf(void *ctx, const struct c2_str *keys, size_t nkeys, const struct c2_toml_value *value,
                      struct cat2_error *err)
{
    size_t *sum = ctx;

    (void)err;
    C2_ASSERT(nkeys > 0 && value->line > 0);
    for (size_t i = 0; i < nkeys; i++)
        for (size_t at = 0; at < keys[i].n; at++)
            *sum += (unsigned char)keys[i].p[at];
    for (size_t at = 0; value->kind == C2_TOML_STRING && at < value->text.n; at++)
        *sum += (unsigned char)value->text.p[at];
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cat2_error err = {0};
    size_t sum = 0;
    C2_AUTO_PTR(c2_toml) *toml = NULL;

    if (c2_toml_parse((struct c2_str){(const char *)data, size}, "fuzz.toml", &toml, &err))
        C2_ASSERT(c2_toml_walk(toml, read_leaf, &sum, &err));
    else
        C2_ASSERT(err.message[0] != '\0');
    return 0;
}
