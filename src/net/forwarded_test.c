/* SPDX-License-Identifier: BSD-3-Clause */
/* What is believed of the headers of proxies, as tables. 10.0.0.0/8 and fd00::/8 are trusted. */
#include <arpa/inet.h>

#include "base/base_testing.h"
#include "net/forwarded.h"

/* "ADDRESS SCHEME HOST PREFIX" of what was read, - for what is not said; the reason where it is refused. */
static void read_heads(const struct c2_forwarded_heads *heads, char *out, size_t size)
{
    struct c2_subnets proxies = {0};
    struct c2_forwarded f;
    struct cat2_error err;
    char why[C2_FORWARDED_WHY_MAX] = "", address[INET6_ADDRSTRLEN] = "-";

    assert_true(c2_subnets_parse("10.0.0.0/8 fd00::/8", "--x", &proxies, &err));
    if (!c2_forwarded_read(heads, &proxies, &f, why)) {
        assert_true(why[0] != '\0');
        snprintf(out, size, "%s", why);
    } else {
        if (f.named && !f.known) snprintf(address, sizeof(address), "unknown");
        if (f.known) inet_ntop(AF_INET6, f.address, address, sizeof(address));
        const char *plain = strncmp(address, "::ffff:", 7) == 0 ? address + 7 : address;
        struct c2_str host = f.host.n ? f.host : C2_STR("-"), prefix = f.prefix.n ? f.prefix : C2_STR("-");
        snprintf(out, size, "%s %s %.*s %.*s", plain,
                 !f.schemed ? "-"
                 : f.https  ? "https"
                            : "http",
                 C2_STR_ARG(host), C2_STR_ARG(prefix));
    }
    c2_subnets_fini(&proxies);
}

static void check(const struct c2_forwarded_heads *heads, const char *about, const char *expected)
{
    char said[700];

    read_heads(heads, said, sizeof(said));
    if (expected[0] == '!' ? !strstr(said, expected + 1) : strcmp(said, expected) != 0)
        fail_msg("%s\n  is        %s\n  should be %s", about, said, expected);
}

static const struct {
    const char *header, *expected; /* '!': refused, the reason holds the rest */
} standard[] = {
    {"for=192.0.2.43", "192.0.2.43 - - -"},
    {"For=\"192.0.2.43\"", "192.0.2.43 - - -"},
    {"for=192.0.2.43;proto=https;host=data.example.org", "192.0.2.43 https data.example.org -"},
    {"for=\"192.0.2.43:47011\" ; by=_x ; HOST=\"data.example.org:8443\"",
     "192.0.2.43 - data.example.org:8443 -"},
    {"for=\"[2001:db8:cafe::17]\"", "2001:db8:cafe::17 - - -"},
    {"for=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17 - - -"},
    {"for=[2001:db8:cafe::17]:4711", "2001:db8:cafe::17 - - -"}, /* not as it should be, but as it is sent */
    {"for=192.0.2.43:80", "192.0.2.43 - - -"},
    {"for=unknown", "unknown - - -"},
    {"for=_hidden", "unknown - - -"},
    {"for=\"_gazonk\";proto=http", "unknown http - -"},
    {"proto=https", "unknown https - -"}, /* a proxy that does not say from whom */
    {"", "- - - -"},
    {" , ,", "- - - -"},
    {";;for=192.0.2.1;;", "192.0.2.1 - - -"},
    {"secret=x;for=192.0.2.1;ext=\"a,b;c\\\"d\"", "192.0.2.1 - - -"},
    {"for=\"192.0.2.1\\\"\"", "unknown - - -"},
    /* lists: the rightmost that is not trusted; what is left of it may be anybody's words */
    {"for=127.0.0.1, for=192.0.2.43", "192.0.2.43 - - -"},
    {"for=127.0.0.1;host=evil.example, for=192.0.2.43;host=data.example.org",
     "192.0.2.43 - data.example.org -"},
    {"for=127.0.0.1, for=192.0.2.43, for=10.1.1.1", "192.0.2.43 - - -"},
    {"for=192.0.2.43;host=a.example;proto=https,for=10.1.1.1;host=inner;proto=http",
     "192.0.2.43 https a.example -"},
    {"for=192.0.2.43,for=unknown", "unknown - - -"},
    {"for=192.0.2.43,for=_a,for=10.0.0.1", "unknown - - -"},
    {"for=10.0.0.3, for=10.0.0.2", "10.0.0.3 - - -"}, /* a proxy that asks by itself */
    {"for=\"[fd00::1]\", for=10.0.0.2", "fd00::1 - - -"},
    {"for=\"127.0.0.1, for=192.0.2.43", "!malformed"}, /* a quote that a client has opened */
    {"for=\"a", "!malformed"},
    {"for=\"a\\", "!malformed"},
    {"for=\"a\\\"", "!malformed"},
    {"for=1.2.3.4 for=5.6.7.8", "!malformed"},
    {"for=1.2.3.4;for=127.0.0.1", "!malformed"}, /* twice */
    {"for", "!malformed"},
    {"=1.2.3.4", "!malformed"},
    {"for =1.2.3.4", "!malformed"},
    {"for=1.2.3.4\"x\"", "!malformed"},
    {"for=\"1.2.3.4\"x", "!malformed"},
    {"for=1.2.3.4;proto=gopher", "!neither http nor https"},
    {"for=1.2.3.4;host=\"a/b\"", "!which is none"},
    {"for=1.2.3.4;host=\"a@b\"", "!which is none"},
    {"for=1.2.3.4;host=\"a\\\"b\"", "!which is none"},
    {"for=1.2.3.4;host=\"<script>\"", "!which is none"},
    {"for=1.2.3.4;host=\"[::1]:80\"", "1.2.3.4 - [::1]:80 -"},
};

static void forwarded_is_read_as_rfc_7239_says(void **state)
{
    for (size_t i = 0; i < C2_ARRAY_LEN(standard); i++) {
        struct c2_forwarded_heads heads = {.forwarded = c2_str_of(standard[i].header)};
        check(&heads, standard[i].header, standard[i].expected);
    }
}

static const struct {
    const char *client, *proto, *host, *prefix, *expected;
} common[] = {
    {"192.0.2.1", NULL, NULL, NULL, "192.0.2.1 - - -"},
    {"192.0.2.1:4000", NULL, NULL, NULL, "192.0.2.1 - - -"},
    {"2001:db8::1", NULL, NULL, NULL, "2001:db8::1 - - -"},
    {"[2001:db8::1]:80", NULL, NULL, NULL, "2001:db8::1 - - -"},
    {"::ffff:192.0.2.1", NULL, NULL, NULL, "192.0.2.1 - - -"},
    {"127.0.0.1, 192.0.2.1", NULL, NULL, NULL, "192.0.2.1 - - -"},
    {"127.0.0.1,,192.0.2.1,\t10.2.3.4", NULL, NULL, NULL, "192.0.2.1 - - -"},
    {"192.0.2.1, ::ffff:10.0.0.1", NULL, NULL, NULL, "192.0.2.1 - - -"},
    {"192.0.2.1, evil\"", NULL, NULL, NULL, "unknown - - -"},
    {"192.0.2.1, unknown, 10.0.0.1", NULL, NULL, NULL, "unknown - - -"},
    {"[192.0.2.1]", NULL, NULL, NULL, "unknown - - -"},
    {"0x7f.1", NULL, NULL, NULL, "unknown - - -"},
    {"2130706433", NULL, NULL, NULL, "unknown - - -"},
    {"127.1", NULL, NULL, NULL, "unknown - - -"},
    {"::1%lo", NULL, NULL, NULL, "unknown - - -"},
    {"", NULL, NULL, NULL, "- - - -"},
    {NULL, "https", "a.example", "/data/", "- https a.example /data"},
    {"192.0.2.1", "HTTPS", "a.example:8443", "/data", "192.0.2.1 https a.example:8443 /data"},
    {"192.0.2.1", "wss", NULL, "/", "192.0.2.1 https - -"},
    /* as many as there are addresses: those of the client's; else the last, which the nearest proxy has set
     */
    {"127.0.0.1, 192.0.2.1, 10.0.0.1", "gopher, https, http", "evil, a.example, inner", "/x, /a, /b",
     "192.0.2.1 https a.example /a"},
    {"127.0.0.1, 192.0.2.1", "http", "a.example", NULL, "192.0.2.1 http a.example -"},
    {"192.0.2.1", "http, https", "evil, a.example", NULL, "192.0.2.1 https a.example -"},
    {"192.0.2.1", "javascript", NULL, NULL, "!neither http nor https"},
    {"192.0.2.1", NULL, "a.example/path", NULL, "!which is none"},
    {"192.0.2.1", NULL, "a.example\r\nX: y", NULL, "!which is none"},
    {"192.0.2.1", NULL, NULL, "//evil.example", "!X-Forwarded-Prefix"},
    {"192.0.2.1", NULL, NULL, "/a/../b", "!X-Forwarded-Prefix"},
    {"192.0.2.1", NULL, NULL, "/\"><script>", "!X-Forwarded-Prefix"},
    {"192.0.2.1", NULL, NULL, "data", "!X-Forwarded-Prefix"},
};

static void the_headers_of_before_are_read(void **state)
{
    for (size_t i = 0; i < C2_ARRAY_LEN(common); i++) {
        struct c2_forwarded_heads heads = {.client = c2_str_of(common[i].client),
                                           .proto = c2_str_of(common[i].proto),
                                           .host = c2_str_of(common[i].host),
                                           .prefix = c2_str_of(common[i].prefix)};
        char about[300];
        snprintf(about, sizeof(about), "%s | %s | %s | %s", common[i].client, common[i].proto, common[i].host,
                 common[i].prefix);
        check(&heads, about, common[i].expected);
    }
}

/* A proxy that sets one of them passes the other on as the client sent it. */
static void two_headers_must_agree(void **state)
{
    struct c2_forwarded_heads heads = {.forwarded = C2_STR("for=192.0.2.1;host=evil.example;proto=http"),
                                       .client = C2_STR("192.0.2.1")};

    check(&heads, "same", "192.0.2.1 - - -");
    heads.forwarded = C2_STR("for=127.0.0.1");
    check(&heads, "other", "!different clients");
    heads.forwarded = C2_STR("for=unknown");
    check(&heads, "unknown", "!different clients");
    heads.forwarded = C2_STR("for=\"");
    check(&heads, "malformed", "!malformed");
}

static void hops_have_an_end(void **state)
{
    char list[10 * (C2_FORWARDED_HOPS_MAX + 1) + 1] = "";

    for (size_t i = 0; i <= C2_FORWARDED_HOPS_MAX; i++)
        memcpy(list + 9 * i, "10.1.1.1,", 10);
    struct c2_forwarded_heads heads = {.client = c2_str_of(list)};
    check(&heads, list, "!more than 64");
    heads.client.n -= 9;
    check(&heads, list, "10.1.1.1 - - -");
    for (size_t i = 0; i <= C2_FORWARDED_HOPS_MAX; i++)
        memcpy(list + 6 * i, "for=a,", 7);
    heads = (struct c2_forwarded_heads){.forwarded = c2_str_of(list)};
    check(&heads, list, "!more than 64");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forwarded_is_read_as_rfc_7239_says),
        cmocka_unit_test(the_headers_of_before_are_read),
        cmocka_unit_test(two_headers_must_agree),
        cmocka_unit_test(hops_have_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
