/* SPDX-License-Identifier: BSD-3-Clause */
/* Headers of proxies, one a line: what is read lies in them, and is an address that is not trusted, or the
 * first. */
#include "net/forwarded.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool lies_in(struct c2_str part, const uint8_t *data, size_t size)
{
    const char *start = (const char *)data;

    return part.n == 0 || (part.p >= start && part.p + part.n <= start + size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct c2_str rest = {(const char *)data, size}, lines[5] = {{NULL, 0}};
    struct c2_subnets proxies = {0};
    struct c2_forwarded out;
    struct cat2_error err;
    char why[C2_FORWARDED_WHY_MAX] = "";

    for (size_t i = 0; i < C2_ARRAY_LEN(lines) && rest.n; i++) {
        c2_str_cut(rest, '\n', &lines[i], &rest);
        if (lines[i].n == 0) lines[i].p = NULL;
    }
    if (!c2_subnets_parse("10.0.0.0/8 fd00::/8", "fuzz", &proxies, &err)) return 0;
    struct c2_forwarded_heads heads = {lines[0], lines[1], lines[2], lines[3], lines[4]};
    if (c2_forwarded_read(&heads, &proxies, &out, why)) {
        C2_ASSERT(!out.known || out.named);
        C2_ASSERT(lies_in(out.host, data, size) && lies_in(out.prefix, data, size));
        C2_ASSERT(!out.host.n || !memchr(out.host.p, '/', out.host.n));
        C2_ASSERT(!out.prefix.n || !memchr(out.prefix.p, '"', out.prefix.n));
    } else {
        C2_ASSERT(why[0]);
    }
    c2_subnets_fini(&proxies);
    return 0;
}
