/* SPDX-License-Identifier: BSD-3-Clause */
/* Judged when the socket is made: what the name led to, whatever it led to before. */
#include "http/link_local.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static bool is_v4(const uint8_t *bytes)
{
    return bytes[0] == 169 && bytes[1] == 254;
}

static bool is_v6(const uint8_t *bytes)
{
    static const uint8_t MAPPED[12] = {[10] = 0xff, [11] = 0xff}, NAT64[12] = {0x00, 0x64, 0xff, 0x9b};

    if (memcmp(bytes, MAPPED, 12) == 0 || memcmp(bytes, NAT64, 12) == 0) return is_v4(bytes + 12);
    return bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
}

static bool is_link_local(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return is_v4((const uint8_t *)&((const struct sockaddr_in *)(const void *)address)->sin_addr);
    return address->sa_family == AF_INET6 &&
           is_v6(((const struct sockaddr_in6 *)(const void *)address)->sin6_addr.s6_addr);
}

bool c2_is_link_local_text(const char *host)
{
    uint8_t bytes[16];

    if (inet_pton(AF_INET, host, bytes) == 1) return is_v4(bytes);
    return inet_pton(AF_INET6, host, bytes) == 1 && is_v6(bytes);
}

curl_socket_t c2_open_socket_elsewhere(void *ctx, curlsocktype purpose, struct curl_sockaddr *to)
{
    (void)ctx;
    (void)purpose;
    if (is_link_local(&to->addr)) return CURL_SOCKET_BAD;
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}
