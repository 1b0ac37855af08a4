/* SPDX-License-Identifier: BSD-3-Clause */
/* Addresses as text, IPv4 in both forms, loopback. */
#include "net/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/base_testing.h"

static struct c2_peer at_v4(const char *text, int port)
{
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct c2_peer peer;

    assert_int_equal(inet_pton(AF_INET, text, &from.sin_addr), 1);
    c2_peer_read((const struct sockaddr *)&from, &peer);
    return peer;
}

static struct c2_peer at_v6(const char *text, int port)
{
    struct sockaddr_in6 from = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    struct c2_peer peer;

    assert_int_equal(inet_pton(AF_INET6, text, &from.sin6_addr), 1);
    c2_peer_read((const struct sockaddr *)&from, &peer);
    return peer;
}

static void test_addresses_are_told_as_people_write_them(void **state)
{
    struct c2_peer v4 = at_v4("192.0.2.7", 4711), v6 = at_v6("2001:db8::7", 80);
    assert_int_equal(v4.family, AF_INET);
    assert_string_equal(v4.text, "192.0.2.7");
    assert_int_equal(v4.port, 4711);
    assert_int_equal(v6.family, AF_INET6);
    assert_string_equal(v6.text, "2001:db8::7");
    assert_int_equal(v6.port, 80);
}

static void test_ipv4_through_an_ipv6_socket_is_ipv4(void **state)
{
    struct c2_peer plain = at_v4("192.0.2.7", 1), mapped = at_v6("::ffff:192.0.2.7", 2);
    assert_int_equal(mapped.family, AF_INET);
    assert_string_equal(mapped.text, "192.0.2.7");
    assert_true(c2_peer_same(&plain, &mapped));
    struct c2_peer other = at_v4("192.0.2.8", 1);
    assert_false(c2_peer_same(&plain, &other));
}

static void test_loopback_is_known_in_all_its_forms(void **state)
{
    assert_true(at_v4("127.0.0.1", 1).is_loopback);
    assert_true(at_v4("127.8.9.10", 1).is_loopback);
    assert_true(at_v6("::1", 1).is_loopback);
    assert_true(at_v6("::ffff:127.0.0.1", 1).is_loopback);
    assert_false(at_v4("128.0.0.1", 1).is_loopback);
    assert_false(at_v6("::2", 1).is_loopback);
    assert_false(at_v6("::127.0.0.1", 1).is_loopback);
}

static void test_what_is_not_known_is_empty(void **state)
{
    struct sockaddr unix_socket = {.sa_family = AF_UNIX};
    struct c2_peer peer;

    c2_peer_read(NULL, &peer);
    assert_int_equal(peer.family, 0);
    c2_peer_read(&unix_socket, &peer);
    assert_int_equal(peer.family, 0);
    assert_string_equal(peer.text, "");
    assert_false(peer.is_loopback);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses_are_told_as_people_write_them),
        cmocka_unit_test(test_ipv4_through_an_ipv6_socket_is_ipv4),
        cmocka_unit_test(test_loopback_is_known_in_all_its_forms),
        cmocka_unit_test(test_what_is_not_known_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
