/* SPDX-License-Identifier: BSD-3-Clause */
/* Names, addresses and headers of strangers, one a line: the settings, Host, Origin, Sec-Fetch-Site,
 * Content-Type, the host that a proxy names; all of them also as the address of a publisher and as a network.
 */
#include <stdio.h>

#include "net/address.h"
#include "net/origin.h"

enum line { ALLOWED, PUBLIC_URL, HOST, ORIGIN, SITE, TYPE, OUTER, NLINES };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is taken for the address of a publisher is the same when it is written anew. */
static void address_of(struct c2_str text)
{
    struct c2_hostport place, again;
    struct cat2_error err;
    char copy[300];

    if (!c2_hostport_parse(text, &place, &err)) {
        C2_ASSERT(err.code == CAT2_EINVAL && err.message[0]);
        return;
    }
    bool v6 = strchr(place.host, ':') != NULL;
    C2_ASSERT(place.port > 0 && place.port < 65536 && place.host[0] && !strpbrk(place.host, "/@?#%[] \r\n"));
    snprintf(copy, sizeof(copy), "%s%s%s:%d", v6 ? "[" : "", place.host, v6 ? "]" : "", place.port);
    C2_ASSERT(c2_hostport_parse(c2_str_of(copy), &again, &err));
    C2_ASSERT(strcmp(place.host, again.host) == 0 && place.port == again.port);
    C2_ASSERT(place.is_address == again.is_address &&
              (!place.is_address || memcmp(place.address, again.address, sizeof(again.address)) == 0));
    if (c2_hostport_is_localhost(&place)) C2_ASSERT(!place.is_address);
}

static void networks_of(const char *text)
{
    struct c2_subnets nets = {0};
    struct cat2_error err;

    if (c2_subnets_parse(text, "fuzz", &nets, &err))
        for (size_t i = 0; i < nets.n; i++) {
            C2_ASSERT(nets.p[i].nbits >= 0 && nets.p[i].nbits <= 128);
            C2_ASSERT(c2_subnets_have(&nets, nets.p[i].address));
        }
    c2_subnets_fini(&nets);
}

/* A page of a public name, without a sign that it is ours, changes nothing of a service on loopback. */
static void judge(const struct c2_hosts *hosts, const struct c2_str *lines)
{
    static const struct c2_str evil = C2_STR("evil.example"), page = C2_STR("http://evil.example");
    struct c2_origin at = {.hosts = hosts, .loopback = true, .host = "127.0.0.1"};
    struct c2_origin_asked asked = {true,        true,        lines[HOST], lines[ORIGIN],
                                    lines[SITE], lines[TYPE], lines[OUTER]};
    char why[C2_ORIGIN_WHY_MAX] = "";
    int status = c2_origin_judge(&at, &asked, why);

    C2_ASSERT(status == 0 || ((status == 421 || status == 403) && why[0]));
    status = c2_origin_judge_body(&asked, why);
    C2_ASSERT(status == 0 || status == 415);
    c2_origin_means_here(&at, 8000, lines[HOST]);
    asked =
        (struct c2_origin_asked){.changes = true, .host = lines[HOST], .origin = page, .type = lines[TYPE]};
    bool named = hosts->any || hosts->public_url[0] || c2_str_eq_nocase(lines[HOST], evil);
    if (lines[HOST].p && !memmem(lines[HOST].p, lines[HOST].n, "evil", 4) && !named)
        C2_ASSERT(c2_origin_judge(&at, &asked, why) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct c2_str rest = {(const char *)data, size}, lines[NLINES] = {{NULL, 0}};
    struct c2_hosts hosts = {0};
    struct cat2_error err;

    for (int i = 0; i < NLINES && rest.n; i++) {
        c2_str_cut(rest, '\n', &lines[i], &rest);
        if (lines[i].n == 0) lines[i].p = NULL;
        address_of(lines[i]);
    }
    char *allowed = c2_str_dup(lines[ALLOWED]), *public_url = c2_str_dup(lines[PUBLIC_URL]);
    C2_ASSERT(allowed && public_url);
    networks_of(allowed);
    networks_of(public_url);
    if (c2_hosts_init(&hosts, lines[ALLOWED].p ? allowed : NULL, lines[PUBLIC_URL].p ? public_url : NULL,
                      &err)) {
        judge(&hosts, lines);
        c2_hosts_fini(&hosts);
    }
    free(allowed);
    free(public_url);
    return 0;
}
