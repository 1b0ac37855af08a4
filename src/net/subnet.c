/* SPDX-License-Identifier: BSD-3-Clause */
/* Networks as 128 bits each. */
#include "net/subnet.h"

#include <arpa/inet.h>

#include "net/peer.h"

#define V4_NBITS 96 /* in front of an IPv4 address */

bool c2_address_parse(struct c2_str text, uint8_t out[16])
{
    char plain[INET6_ADDRSTRLEN + 1];
    uint8_t v4[4];

    if (text.n == 0 || text.n >= sizeof(plain) || memchr(text.p, '\0', text.n)) return false;
    memcpy(plain, text.p, text.n);
    plain[text.n] = '\0';
    if (inet_pton(AF_INET6, plain, out) == 1) return true;
    if (inet_pton(AF_INET, plain, v4) != 1) return false;
    memcpy(out, c2_v4_mapped, sizeof(c2_v4_mapped));
    memcpy(out + sizeof(c2_v4_mapped), v4, sizeof(v4));
    return true;
}

static bool parse_one(struct c2_str text, struct c2_subnet *out)
{
    struct c2_str address, bits;
    int64_t nbits = 0;
    bool cut = c2_str_cut(text, '/', &address, &bits);

    if (!c2_address_parse(address, out->address)) return false;
    bool v4 = !memchr(address.p, ':', address.n);
    if (cut && (bits.n == 0 || bits.p[0] < '0' || bits.p[0] > '9' || !c2_str_to_i64(bits, &nbits)))
        return false;
    if (cut && nbits > (v4 ? 32 : 128)) return false;
    out->nbits = !cut ? 128 : (int)nbits + (v4 ? V4_NBITS : 0);
    return true;
}

bool c2_subnets_parse(const char *list, const char *option, struct c2_subnets *out, struct cat2_error *err)
{
    static const char between[] = " \t\r\n,";
    struct c2_subnets made = {0};
    bool ok = true;

    for (const char *p = list + strspn(list, between); ok && *p; p += strspn(p, between)) {
        struct c2_str text = {p, strcspn(p, between)};
        struct c2_subnet net;
        p += text.n;
        ok = parse_one(text, &net)
                 ? c2_vec_push(&made, C2_SUBNETS_MAX, "networks", err, net)
                 : c2_fail(err, CAT2_EINVAL, "'%.*s' is neither an address nor ADDRESS/BITS",
                           (int)c2_min_i64(100, (int64_t)text.n), text.p);
    }
    if (!ok) {
        c2_subnets_fini(&made);
        return c2_fail_within(err, "%s", option);
    }
    *out = made;
    return true;
}

void c2_subnets_fini(struct c2_subnets *nets)
{
    c2_vec_fini(nets);
}

static bool has(const struct c2_subnet *net, const uint8_t address[16])
{
    int whole = net->nbits / 8, rest = net->nbits % 8;

    if (memcmp(net->address, address, (size_t)whole) != 0) return false;
    return rest == 0 || ((net->address[whole] ^ address[whole]) >> (8 - rest)) == 0;
}

bool c2_subnets_have(const struct c2_subnets *nets, const uint8_t address[16])
{
    for (size_t i = 0; i < nets->n; i++)
        if (has(&nets->p[i], address)) return true;
    return false;
}
