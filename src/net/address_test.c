/* SPDX-License-Identifier: BSD-3-Clause */
/* Which addresses may be named by whom. */
#include <sys/socket.h>

#include "base/base_testing.h"
#include "net/address.h"

static const char *const good[] = {"localhost:8001",      "127.0.0.1:9",    "[::1]:8001",
                                   "[2001:db8::7]:65535", "pub-1:1",        "a.b.example.:80",
                                   "my_host.lan:80",      "1st.example:80", "[::ffff:192.0.2.1]:80",
                                   "123456789012:80",     "LOCALHOST:80",   "3com:80"};
static const char *const bad[] = {"",
                                  "localhost",
                                  ":80",
                                  "localhost:",
                                  "localhost:0",
                                  "localhost:65536",
                                  "localhost:080000",
                                  "localhost:+1",
                                  "localhost:8 0",
                                  "http://localhost:80",
                                  "user:pw@localhost:80",
                                  "user@localhost:80",
                                  "localhost:80/",
                                  "localhost:80/x",
                                  "localhost:80?x",
                                  "localhost:80#x",
                                  "local host:80",
                                  "::1:80",
                                  "[::1]",
                                  "[::1%lo]:80",
                                  "[::1]x:80",
                                  "[127.0.0.1]:80",
                                  "[localhost]:80",
                                  "[:80",
                                  "[]:80",
                                  "127.1:80",
                                  "2130706433:80",
                                  "0x7f000001:80",
                                  "0177.0.0.1:80",
                                  "127.0.0.1.:80",
                                  "127.0.0.256:80",
                                  "1.2.3.4.5:80",
                                  "-x:80",
                                  "x-:80",
                                  "a..b:80",
                                  ".:80",
                                  "x\n:80",
                                  "x\r\nHost: y:80",
                                  "x\\y:80",
                                  "x%2fy:80",
                                  "*:80",
                                  "a,b:80",
                                  "\xc3\xa9:80"};

static void places_are_host_and_port_and_nothing_else(void **state)
{
    struct c2_hostport place;
    struct cat2_error err;

    for (size_t i = 0; i < C2_ARRAY_LEN(good); i++)
        if (!c2_hostport_parse(c2_str_of(good[i]), &place, &err)) fail_msg("%s: %s", good[i], err.message);
    for (size_t i = 0; i < C2_ARRAY_LEN(bad); i++)
        if (c2_hostport_parse(c2_str_of(bad[i]), &place, &err)) fail_msg("%s is taken", bad[i]);
    assert_false(c2_hostport_parse((struct c2_str){"a\0b:80", 6}, &place, &err));
    assert_true(c2_hostport_parse(C2_STR("[2001:db8::7]:65535"), &place, &err));
    assert_true(place.is_address);
    assert_string_equal(place.host, "2001:db8::7");
    assert_int_equal(place.port, 65535);
    assert_true(c2_hostport_parse(C2_STR("LocalHost.:80"), &place, &err) && c2_hostport_is_localhost(&place));
    assert_true(c2_hostport_parse(C2_STR("x.localhost:80"), &place, &err) &&
                c2_hostport_is_localhost(&place));
    assert_true(c2_hostport_parse(C2_STR("xlocalhost:80"), &place, &err) &&
                !c2_hostport_is_localhost(&place));
}

static void read_address(const char *text, uint8_t out[16])
{
    if (!c2_address_parse(c2_str_of(text), out)) fail_msg("%s", text);
}

static void addresses_are_of_kinds(void **state)
{
    static const struct {
        const char *text;
        enum c2_address_kind kind;
    } cases[] = {
        {"192.0.2.1", C2_ADDRESS_ORDINARY},
        {"10.0.0.1", C2_ADDRESS_ORDINARY},
        {"169.253.0.1", C2_ADDRESS_ORDINARY},
        {"2001:db8::1", C2_ADDRESS_ORDINARY},
        {"fd00::1", C2_ADDRESS_ORDINARY},
        {"127.0.0.1", C2_ADDRESS_LOOPBACK},
        {"127.255.255.254", C2_ADDRESS_LOOPBACK},
        {"::1", C2_ADDRESS_LOOPBACK},
        {"::127.0.0.1", C2_ADDRESS_LOOPBACK},
        {"64:ff9b::127.0.0.1", C2_ADDRESS_LOOPBACK},
        {"2002:7f00:1::", C2_ADDRESS_LOOPBACK},
        {"169.254.169.254", C2_ADDRESS_LINK_LOCAL},
        {"fe80::1", C2_ADDRESS_LINK_LOCAL},
        {"febf::1", C2_ADDRESS_LINK_LOCAL},
        {"fec0::1", C2_ADDRESS_LINK_LOCAL},
        {"64:ff9b::169.254.0.1", C2_ADDRESS_LINK_LOCAL},
        {"::ffff:169.254.0.1", C2_ADDRESS_LINK_LOCAL},
        {"224.0.0.1", C2_ADDRESS_MULTICAST},
        {"239.1.1.1", C2_ADDRESS_MULTICAST},
        {"240.0.0.1", C2_ADDRESS_MULTICAST},
        {"255.255.255.255", C2_ADDRESS_MULTICAST},
        {"ff02::1", C2_ADDRESS_MULTICAST},
        {"0.0.0.0", C2_ADDRESS_UNSPECIFIED},
        {"0.1.2.3", C2_ADDRESS_UNSPECIFIED},
        {"::", C2_ADDRESS_UNSPECIFIED},
        {"64:ff9b::0.0.0.0", C2_ADDRESS_UNSPECIFIED},
    };
    uint8_t address[16];

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        read_address(cases[i].text, address);
        if (c2_address_kind_of(address) != cases[i].kind)
            fail_msg("%s is %d", cases[i].text, c2_address_kind_of(address));
    }
}

/* This machine has loopback and 192.0.2.10. */
static bool is_here(const uint8_t address[16])
{
    uint8_t own[16];

    read_address("192.0.2.10", own);
    return c2_address_kind_of(address) == C2_ADDRESS_LOOPBACK || memcmp(own, address, 16) == 0;
}

static const struct {
    const char *peer, *address, *also;
    bool trusted_may, may;
} registrations[] = {
    /* of this machine: any of its addresses */
    {"127.0.0.1", "127.0.0.1", NULL, true, true},
    {"127.0.0.1", "::1", NULL, true, true},
    {"127.0.0.1", "192.0.2.10", NULL, true, true},
    {"::1", "192.0.2.10", NULL, true, true},
    {"192.0.2.10", "127.0.0.1", NULL, true, true},
    {"127.0.0.1", "192.0.2.11", NULL, true, false},
    /* of others: their own */
    {"192.0.2.11", "192.0.2.11", NULL, true, true},
    {"192.0.2.11", "2001:db8::1", "192.0.2.11", true, true},
    {"192.0.2.11", "192.0.2.12", NULL, true, false},
    {"192.0.2.11", "127.0.0.1", NULL, true, false},
    {"192.0.2.11", "::1", NULL, true, false},
    {"192.0.2.11", "192.0.2.10", NULL, true, false},
    {"2001:db8::1", "2001:db8::1", NULL, true, true},
    {"2001:db8::1", "2001:db8::2", NULL, true, false},
    /* of nobody */
    {"127.0.0.1", "169.254.169.254", NULL, false, false},
    {"127.0.0.1", "127.0.0.1", "169.254.169.254", false, false},
    {"169.254.0.7", "169.254.0.7", NULL, false, false},
    {"127.0.0.1", "0.0.0.0", NULL, false, false},
    {"127.0.0.1", "::", NULL, false, false},
    {"127.0.0.1", "224.0.0.1", NULL, false, false},
    {"127.0.0.1", "ff02::1", NULL, false, false},
};

static void peers_register_their_own_addresses(void **state)
{
    struct c2_subnets all;
    struct cat2_error err;
    char why[C2_WHY_MAX];

    assert_true(c2_subnets_parse("0.0.0.0/0 ::/0", "--trust", &all, &err));
    for (size_t i = 0; i < C2_ARRAY_LEN(registrations); i++) {
        struct c2_peer peer;
        uint8_t addresses[2][16], from[16];
        size_t n = registrations[i].also ? 2 : 1;
        read_address(registrations[i].peer, from);
        peer = (struct c2_peer){.family = AF_INET6};
        memcpy(peer.address, from, sizeof(from));
        read_address(registrations[i].address, addresses[0]);
        if (registrations[i].also) read_address(registrations[i].also, addresses[1]);
        for (int trusts = 0; trusts < 2; trusts++) {
            struct c2_address_rules rules = {trusts ? &all : NULL, is_here};
            bool may = c2_address_can_publish((const uint8_t(*)[16])addresses, n, why) &&
                       c2_address_may_register(&rules, &peer, (const uint8_t(*)[16])addresses, n, why);
            if (may != (trusts ? registrations[i].trusted_may : registrations[i].may))
                fail_msg("%s registers %s: %d", registrations[i].peer, registrations[i].address, may);
        }
    }
    struct c2_peer unknown = {0};
    uint8_t zero[1][16] = {{0}};
    assert_false(c2_address_may_register(&(struct c2_address_rules){&all, is_here}, &unknown,
                                         (const uint8_t(*)[16])zero, 1, why));
    c2_subnets_fini(&all);
}

static void some_addresses_are_never_asked(void **state)
{
    static const struct {
        const char *address;
        bool here, elsewhere; /* where the broker is */
    } cases[] = {
        {"192.0.2.1", true, true},         {"10.0.0.1", true, true},  {"2001:db8::1", true, true},
        {"127.0.0.1", true, false},        {"::1", true, false},      {"64:ff9b::127.0.0.1", true, false},
        {"169.254.169.254", false, false}, {"fe80::1", false, false}, {"224.0.0.1", false, false},
        {"ff05::1", false, false},         {"0.0.0.0", false, false}, {"::", false, false},
        {"255.255.255.255", false, false},
    };
    struct c2_address_rules rules = {NULL, is_here};
    char why[C2_WHY_MAX];
    struct c2_subnets some;
    struct cat2_error err;
    uint8_t address[16];

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        read_address(cases[i].address, address);
        for (int here = 0; here < 2; here++)
            if (c2_address_may_ask(&rules, address, here, why) != (here ? cases[i].here : cases[i].elsewhere))
                fail_msg("%s is judged wrong, broker here: %d", cases[i].address, here);
    }
    read_address("169.254.1.1", address);
    assert_false(c2_address_may_ask(&rules, address, true, why));
    assert_string_equal(
        why, "169.254.1.1 is link-local, and publishers are not asked there; --trust 169.254.1.1 allows it");
    assert_true(c2_subnets_parse("169.254.1.0/24", "--trust", &some, &err));
    rules.trusted = &some;
    assert_true(c2_address_may_ask(&rules, address, false, why));
    c2_subnets_fini(&some);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_are_host_and_port_and_nothing_else),
        cmocka_unit_test(addresses_are_of_kinds),
        cmocka_unit_test(peers_register_their_own_addresses),
        cmocka_unit_test(some_addresses_are_never_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
