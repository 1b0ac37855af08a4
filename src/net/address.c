/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading "host:port", telling kinds of addresses, and judging who may name which. */
#include "net/address.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- host:port ---- */

static bool read_port(struct c2_str text, int *out)
{
    int64_t port;

    for (size_t i = 0; i < text.n; i++)
        if (!c2_is_digit(text.p[i])) return false;
    if (text.n == 0 || text.n > 5 || !c2_str_to_i64(text, &port) || port < 1 || port > 65535) return false;
    *out = (int)port;
    return true;
}

static bool label_ok(struct c2_str label)
{
    return label.n > 0 && label.n <= 63 && c2_str_is_made_of(label, "-_") && label.p[0] != '-' &&
           label.p[label.n - 1] != '-';
}

/* Resolvers take "127.1", "0x7f000001" and the like for addresses: their last label begins with a digit and
 * is a number. */
static bool is_number(struct c2_str label)
{
    bool hex = label.n > 1 && label.p[0] == '0' && (label.p[1] == 'x' || label.p[1] == 'X');

    for (size_t i = 0; i < label.n && !hex; i++)
        if (!c2_is_digit(label.p[i])) return false;
    return true;
}

static bool is_name(struct c2_str host)
{
    struct c2_str label, rest = host;

    if (rest.n > 1 && rest.p[rest.n - 1] == '.') rest.n--; /* the root of the DNS */
    for (bool more = true; more;) {
        more = c2_str_cut(rest, '.', &label, &rest);
        if (!label_ok(label)) return false;
    }
    if (!is_number(label)) return true;
    char text[254]; /* twelve digits may be the name of a container */
    struct in_addr ignored;
    snprintf(text, sizeof(text), "%.*s", (int)host.n, host.p);
    return label.n == host.n && inet_aton(text, &ignored) == 0;
}

bool c2_hostport_parse(struct c2_str text, struct c2_hostport *out, struct cat2_error *err)
{
    struct c2_hostport place = {.port = 0};
    struct c2_str host = text, port;
    bool v6 = text.n > 0 && text.p[0] == '[';
    const char *colon = text.n ? memrchr(text.p, ':', text.n) : NULL;
    bool ok = colon != NULL;

    if (ok) {
        host.n = (size_t)(colon - text.p);
        port = (struct c2_str){colon + 1, text.n - host.n - 1};
        ok = read_port(port, &place.port);
    }
    if (ok && v6) {
        ok = host.n > 2 && host.p[host.n - 1] == ']';
        host = ok ? (struct c2_str){host.p + 1, host.n - 2} : host;
    }
    ok = ok && host.n < sizeof(place.host) && !memchr(host.p, '\0', host.n);
    place.is_address = ok && c2_address_parse(host, place.address);
    bool colons = ok && memchr(host.p, ':', host.n);
    if (!ok || colons != v6 || (!place.is_address && (v6 || !is_name(host))))
        return c2_fail(err, CAT2_EINVAL, "'%.*s' is not the address of a publisher: HOST:PORT or [IPV6]:PORT",
                       (int)c2_min_i64(100, (int64_t)text.n), text.p);
    memcpy(place.host, host.p, host.n);
    *out = place;
    return true;
}

bool c2_hostport_is_localhost(const struct c2_hostport *place)
{
    static const char suffix[] = ".localhost";
    size_t n = strlen(place->host), m = sizeof(suffix) - 1;

    if (n > 1 && place->host[n - 1] == '.') n--;
    return (n == m - 1 && strncasecmp(place->host, suffix + 1, n) == 0) ||
           (n > m && strncasecmp(place->host + n - m, suffix, m) == 0);
}

/* ---- kinds ---- */

static enum c2_address_kind kind_of_v4(const uint8_t a[4])
{
    static const uint8_t none[4] = {0};

    if (memcmp(a, none, 1) == 0) return C2_ADDRESS_UNSPECIFIED; /* 0.0.0.0/8: this host, this network */
    if (a[0] == 127) return C2_ADDRESS_LOOPBACK;
    if (a[0] == 169 && a[1] == 254) return C2_ADDRESS_LINK_LOCAL;
    return a[0] >= 224 ? C2_ADDRESS_MULTICAST : C2_ADDRESS_ORDINARY;
}

enum c2_address_kind c2_address_kind_of(const uint8_t address[16])
{
    static const uint8_t zero[16] = {0}, nat64[12] = {0, 0x64, 0xff, 0x9b}, six_to_four[2] = {0x20, 0x02};

    if (memcmp(address, c2_v4_mapped, sizeof(c2_v4_mapped)) == 0 ||
        memcmp(address, nat64, sizeof(nat64)) == 0)
        return kind_of_v4(address + 12);
    if (memcmp(address, six_to_four, sizeof(six_to_four)) == 0) return kind_of_v4(address + 2);
    if (memcmp(address, zero, 15) == 0 && address[15] == 1) return C2_ADDRESS_LOOPBACK;
    if (memcmp(address, zero, 16) == 0) return C2_ADDRESS_UNSPECIFIED;
    if (memcmp(address, zero, 12) == 0) return kind_of_v4(address + 12);
    if (address[0] == 0xff) return C2_ADDRESS_MULTICAST;
    bool link_local = address[0] == 0xfe && (address[1] & 0x80); /* fe80::/10, and the old fec0::/10 */
    return link_local ? C2_ADDRESS_LINK_LOCAL : C2_ADDRESS_ORDINARY;
}

bool c2_address_is_here(const uint8_t address[16])
{
    struct ifaddrs *list = NULL;
    struct c2_peer one;
    bool here = c2_address_kind_of(address) == C2_ADDRESS_LOOPBACK;

    if (here || getifaddrs(&list) != 0) return here;
    for (const struct ifaddrs *i = list; i && !here; i = i->ifa_next) {
        c2_peer_read(i->ifa_addr, &one);
        here = one.family != 0 && memcmp(one.address, address, sizeof(one.address)) == 0;
    }
    freeifaddrs(list);
    return here;
}

/* ---- rules ---- */

static const char *what_it_is(enum c2_address_kind kind)
{
    static const char *const names[] = {
        [C2_ADDRESS_ORDINARY] = "ordinary",       [C2_ADDRESS_LOOPBACK] = "loopback",
        [C2_ADDRESS_LINK_LOCAL] = "link-local",   [C2_ADDRESS_MULTICAST] = "multicast or reserved",
        [C2_ADDRESS_UNSPECIFIED] = "unspecified",
    };
    return names[kind];
}

static bool is_trusted(const struct c2_address_rules *rules, const uint8_t address[16])
{
    return rules->trusted && c2_subnets_have(rules->trusted, address);
}

bool c2_address_can_publish(const uint8_t (*addresses)[16], size_t n, char why[C2_WHY_MAX])
{
    struct c2_peer named;

    for (size_t i = 0; i < n; i++) {
        enum c2_address_kind kind = c2_address_kind_of(addresses[i]);
        if (kind != C2_ADDRESS_LINK_LOCAL && kind != C2_ADDRESS_MULTICAST && kind != C2_ADDRESS_UNSPECIFIED)
            continue;
        c2_peer_make(addresses[i], 0, &named);
        snprintf(why, C2_WHY_MAX, "%s is %s: subscribers ask no publisher there", named.text,
                 what_it_is(kind));
        return false;
    }
    return true;
}

bool c2_address_may_register(const struct c2_address_rules *rules, const struct c2_peer *peer,
                             const uint8_t (*addresses)[16], size_t n, char why[C2_WHY_MAX])
{
    bool trusted = peer->family && is_trusted(rules, peer->address);
    bool peer_here = peer->family && rules->is_here(peer->address), own = false;

    for (size_t i = 0; i < n; i++)
        own = own || (peer->family && memcmp(addresses[i], peer->address, sizeof(peer->address)) == 0) ||
              (peer_here && rules->is_here(addresses[i]));
    if (own || trusted) return true;
    snprintf(
        why, C2_WHY_MAX,
        "it is not where the registration comes from (%s), and only networks of the broker's --trust may "
        "register other addresses",
        peer->text);
    return false;
}

bool c2_address_may_ask(const struct c2_address_rules *rules, const uint8_t address[16], bool here,
                        char why[C2_WHY_MAX])
{
    enum c2_address_kind kind = c2_address_kind_of(address);
    struct c2_peer named;

    if (kind == C2_ADDRESS_ORDINARY || (kind == C2_ADDRESS_LOOPBACK && here) || is_trusted(rules, address))
        return true;
    c2_peer_make(address, 0, &named);
    snprintf(why, C2_WHY_MAX, "%s is %s, and publishers are not asked there%s; --trust %s allows it",
             named.text, what_it_is(kind),
             kind == C2_ADDRESS_LOOPBACK ? " for a broker that is elsewhere" : "", named.text);
    return false;
}
