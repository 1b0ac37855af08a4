/* SPDX-License-Identifier: BSD-3-Clause */
/* Addresses and networks as text: "192.0.2.7", "2001:db8::/32". IPv4 is held as ::ffff:a.b.c.d. */
#ifndef C2_NET_SUBNET_H
#define C2_NET_SUBNET_H

#include "base/str.h"
#include "base/vec.h"

#define C2_SUBNETS_MAX 256 /* of one list: whoever has more names larger ones */

struct c2_subnet {
    uint8_t address[16];
    int nbits; /* of the 128: those that count */
};
struct c2_subnets {
    C2_VEC(struct c2_subnet);
};

/** Read an address, without brackets and zone. */
bool c2_address_parse(struct c2_str text, uint8_t out[16]);
/** Read a list with blanks, commas or line ends between; "" is none. NETWORK/BITS may have bits beyond BITS,
 * which do not count. @param option  it is named in errors. @errors CAT2_EINVAL. */
bool c2_subnets_parse(const char *list, const char *option, struct c2_subnets *out, struct cat2_error *err);
void c2_subnets_fini(struct c2_subnets *nets);
bool c2_subnets_have(const struct c2_subnets *nets, const uint8_t address[16]);

#endif
