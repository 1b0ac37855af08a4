/* SPDX-License-Identifier: BSD-3-Clause */
/* Encoding then decoding gives the bytes back; queries end; endpoints read back as they are printed. */
#include "wire/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_encoding(struct c2_str text, bool keep_slash)
{
    struct cat2_error err;
    C2_AUTO(c2_buf) encoded = C2_BUF_INIT(1 << 24);
    C2_AUTO(c2_buf) decoded = C2_BUF_INIT(1 << 24);

    if (!c2_url_encode(text, keep_slash, &encoded, &err)) return;
    C2_ASSERT(c2_url_decode(c2_buf_str(&encoded), true, &decoded, &err));
    C2_ASSERT(c2_str_eq(c2_buf_str(&decoded), text));
}

static void check_query(struct c2_str rest)
{
    struct cat2_error err;
    struct c2_str key, value;
    size_t left = rest.n + 1;

    while (c2_query_next(&rest, &key, &value)) {
        C2_AUTO(c2_buf) decoded = C2_BUF_INIT(1 << 24);
        C2_ASSERT(rest.n < left);
        left = rest.n;
        if (!c2_url_decode(value, true, &decoded, &err)) return;
        C2_ASSERT(decoded.n <= value.n);
    }
    C2_ASSERT(rest.n == 0);
}

static void check_endpoint(struct c2_str text)
{
    struct cat2_error err;
    struct c2_endpoint first, second;
    C2_AUTO(c2_buf) printed = C2_BUF_INIT(1000);

    if (!c2_endpoint_parse(text, &first, &err)) return;
    C2_ASSERT(c2_endpoint_format(&first, &printed, &err));
    C2_ASSERT(c2_endpoint_parse(c2_buf_str(&printed), &second, &err));
    C2_ASSERT(strcmp(first.host, second.host) == 0 && first.port == second.port && first.v6 == second.v6);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct c2_str text = {(const char *)data, size};

    check_encoding(text, true);
    check_encoding(text, false);
    check_query(text);
    check_endpoint(text);
    return 0;
}
