/* SPDX-License-Identifier: BSD-3-Clause */
/* Addresses and networks, as tables. */
#include "base/base_testing.h"
#include "net/subnet.h"

static const struct {
    const char *list, *address;
    bool has;
} known[] = {
    {"127.0.0.1", "127.0.0.1", true},
    {"127.0.0.1", "127.0.0.2", false},
    {"127.0.0.1", "::ffff:127.0.0.1", true},
    {"127.0.0.1", "::1", false},
    {"::ffff:127.0.0.1", "127.0.0.1", true},
    {"10.0.0.0/8", "10.255.1.2", true},
    {"10.1.2.3/8", "10.255.1.2", true}, /* what is beyond the bits does not count */
    {"10.0.0.0/8", "11.0.0.1", false},
    {"172.16.0.0/12", "172.31.255.255", true},
    {"172.16.0.0/12", "172.32.0.0", false},
    {"0.0.0.0/0", "203.0.113.9", true},
    {"0.0.0.0/0", "2001:db8::1", false}, /* all of IPv4 is not all */
    {"::/0", "203.0.113.9", true},
    {"2001:db8::/33", "2001:db8:7fff::1", true},
    {"2001:db8::/33", "2001:db8:8000::1", false},
    {"192.0.2.7/32, ::1", "::1", true},
    {" 192.0.2.7\n198.51.100.0/24,", "198.51.100.200", true},
    {"", "127.0.0.1", false},
};

static void addresses_are_in_networks(void **state)
{
    for (size_t i = 0; i < C2_ARRAY_LEN(known); i++) {
        struct c2_subnets nets = {0};
        struct cat2_error err;
        uint8_t address[16];
        assert_true(c2_subnets_parse(known[i].list, "--x", &nets, &err));
        assert_true(c2_address_parse(c2_str_of(known[i].address), address));
        if (c2_subnets_have(&nets, address) != known[i].has)
            fail_msg("%s in %s", known[i].address, known[i].list);
        c2_subnets_fini(&nets);
    }
}

static void what_is_no_network_is_refused(void **state)
{
    static const char *const wrong[] = {
        "localhost",  "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0/8", "::1/129",    "[::1]",      "*",
        "1.2.3.4:80", "fe80::1%lo",  "10.0.0.0/8x", "010.0.0.1", "/8",       "1.2.3.4/+8", "1.2.3.4/8/8"};
    struct c2_subnets nets = {0};
    struct cat2_error err;

    for (size_t i = 0; i < C2_ARRAY_LEN(wrong); i++) {
        if (c2_subnets_parse(wrong[i], "--trusted-proxies", &nets, &err)) fail_msg("%s", wrong[i]);
        assert_non_null(strstr(err.message, wrong[i]));
        assert_non_null(strstr(err.message, "--trusted-proxies: "));
    }
}

static void a_list_has_an_end(void **state)
{
    char list[8 * (C2_SUBNETS_MAX + 1) + 1] = "";
    struct c2_subnets nets = {0};
    struct cat2_error err;

    for (size_t i = 0; i <= C2_SUBNETS_MAX; i++)
        memcpy(list + 8 * i, "1.1.1.1 ", 9);
    assert_false(c2_subnets_parse(list, "--x", &nets, &err));
    assert_int_equal(err.code, CAT2_ELIMIT);
    list[8 * C2_SUBNETS_MAX] = '\0';
    assert_true(c2_subnets_parse(list, "--x", &nets, &err));
    c2_subnets_fini(&nets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_in_networks),
        cmocka_unit_test(what_is_no_network_is_refused),
        cmocka_unit_test(a_list_has_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
