/* SPDX-License-Identifier: BSD-3-Clause */
/* Who is refused, as tables. */
#include <unistd.h>

#include "base/base_testing.h"
#include "net/origin.h"

static int judge(const struct c2_origin *at, bool changes, const char *host, const char *origin,
                 const char *site, const char *type, char why[C2_ORIGIN_WHY_MAX])
{
    struct c2_origin_asked asked = {.changes = changes,
                                    .body = true,
                                    .host = c2_str_of(host),
                                    .origin = c2_str_of(origin),
                                    .site = c2_str_of(site),
                                    .type = c2_str_of(type)};

    why[0] = '\0';
    int status = c2_origin_judge(at, &asked, why);
    if (!status) status = c2_origin_judge_body(&asked, why);
    assert_int_equal(status == 0, why[0] == '\0');
    return status;
}

/* Of a service at localhost:8002 whose proxy is https://data.example.org/cat2. */
static const struct {
    const char *host, *origin, *site;
    int status;
} pages[] = {
    /* programs that are no browsers */
    {"localhost:8002", NULL, NULL, 0},
    {NULL, NULL, NULL, 0},
    /* what the browser says of the page goes before its address */
    {"localhost:8002", "http://localhost:8002", "same-origin", 0},
    {"localhost:8002", NULL, "same-origin", 0},
    {"inner:8002", "https://elsewhere.example.org", "same-origin", 0}, /* a proxy that keeps Host to itself */
    {"localhost:8002", NULL, "none", 0},
    {"localhost:8002", "http://localhost:8002", "cross-site", 403},
    {"localhost:8002", "http://localhost:3000", "same-site", 403},
    {"localhost:8002", NULL, "cross-site", 403},
    {"localhost:8002", NULL, "", 403},
    {"localhost:8002", NULL, "something-new", 403},
    /* browsers that do not say it, and pages that came by plain http */
    {"localhost:8002", "http://localhost:8002", NULL, 0},
    {"LOCALHOST:8002", "http://localhost:8002", NULL, 0},
    {"localhost.:8002", "http://localhost:8002", NULL, 0},
    {"localhost:8002", "https://localhost:8002", NULL, 0},
    {"127.0.0.1:8002", "http://127.0.0.1:8002", NULL, 0},
    {"[::1]:8002", "http://[::1]:8002", NULL, 0},
    {"localhost", "http://localhost", NULL, 0},
    {"localhost", "https://localhost", NULL, 0},
    {"localhost:443", "https://localhost", NULL, 0},
    {"localhost:80", "http://localhost", NULL, 0},
    {"localhost:8002", "http://localhost", NULL, 403},
    {"localhost:8002", "http://localhost:3000", NULL, 403},
    {"localhost", "http://localhost:3000", NULL, 403},
    {"localhost:8002", "http://127.0.0.1:8002", NULL, 403},
    {"localhost:8002", "http://pages.example.net", NULL, 403},
    {"localhost:8002", "http://localhost:8002.example.net", NULL, 403},
    {"localhost:8002", "null", NULL, 403},
    {"localhost:8002", "", NULL, 403},
    {"localhost:8002", "localhost:8002", NULL, 403},
    {"localhost:8002", "file://", NULL, 403},
    {"localhost:8002", "chrome-extension://localhost", NULL, 403},
    {NULL, "http://localhost:8002", NULL, 403},
    /* the proxy's pages, though the proxy passes another name on */
    {"localhost:8002", "https://data.example.org", NULL, 0},
    {"localhost:8002", "https://data.example.org:443", NULL, 0},
    {"localhost:8002", "https://data.example.org:8443", NULL, 403},
    {"localhost:8002", "https://other.example.org", NULL, 403},
    {"data.example.org", "https://data.example.org", NULL, 0},
};

static void pages_of_other_sites_change_nothing(void **state)
{
    struct c2_hosts hosts;
    struct cat2_error err;
    char why[C2_ORIGIN_WHY_MAX];

    assert_true(c2_hosts_init(&hosts, NULL, "https://data.example.org/cat2", &err));
    struct c2_origin at = {&hosts, true, "localhost"};
    for (size_t i = 0; i < C2_ARRAY_LEN(pages); i++) {
        int status = judge(&at, true, pages[i].host, pages[i].origin, pages[i].site, NULL, why);
        if (status != pages[i].status)
            fail_msg("host %s, origin %s, site %s: %d %s", pages[i].host, pages[i].origin, pages[i].site,
                     status, why);
        if (status) assert_non_null(strstr(why, "--public-url"));
        assert_int_equal(judge(&at, false, pages[i].host, pages[i].origin, pages[i].site, NULL, why), 0);
    }
    c2_hosts_fini(&hosts);
}

static void bodies_of_forms_are_refused_where_a_browser_sends_them(void **state)
{
    static const struct {
        const char *origin, *site, *type;
        int status;
    } rows[] = {
        {NULL, NULL, "application/x-www-form-urlencoded", 0}, /* curl -d */
        {NULL, NULL, "text/plain", 0},
        {NULL, "same-origin", NULL, 0},
        {NULL, "same-origin", "application/json", 0},
        {NULL, "same-origin", "application/json; charset=utf-8", 0},
        {NULL, "same-origin", "application/x-www-form-urlencoded", 415},
        {NULL, "none", "Text/Plain ;charset=UTF-8", 415},
        {"http://localhost:8002", NULL, "multipart/form-data; boundary=x", 415},
        {"http://localhost:8002", NULL, "text/plainer", 0},
        {NULL, "cross-site", "text/plain", 403},
    };
    struct c2_origin at = {0};
    char why[C2_ORIGIN_WHY_MAX];

    for (size_t i = 0; i < C2_ARRAY_LEN(rows); i++) {
        int status = judge(&at, true, "localhost:8002", rows[i].origin, rows[i].site, rows[i].type, why);
        if (status != rows[i].status)
            fail_msg("origin %s, site %s, type %s: %d %s", rows[i].origin, rows[i].site, rows[i].type, status,
                     why);
        assert_int_equal(judge(&at, false, "localhost:8002", rows[i].origin, rows[i].site, rows[i].type, why),
                         0);
    }
}

/* Statuses at a loopback address and at others, without and with --allowed-hosts, of --http office:8002. */
static void names_are_those_of_the_service(void **state)
{
    static const struct {
        const char *host;
        int loopback, elsewhere, listed;
    } rows[] = {
        {NULL, 0, 0, 0},
        {"127.0.0.1:8002", 0, 0, 0},
        {"192.0.2.7", 0, 0, 0},
        {"[::1]:8002", 0, 0, 0},
        {"[::1]", 0, 0, 0},
        {"localhost", 0, 0, 0},
        {"LocalHost.:8002", 0, 0, 0},
        {"foo.localhost:8002", 0, 0, 0},
        {"office:8002", 0, 0, 0},
        {"OFFICE", 0, 0, 0},
        {"data.example.org", 0, 0, 0},
        {"data.example.org:8002", 0, 0, 0},
        {"listed.example.org", 421, 0, 0},
        {"Second.example.org:1", 421, 0, 0},
        {"inner:8002", 0, 0, 421},
        {"rebound.example.net:8002", 421, 0, 421},
        {"localhost.example.net", 421, 0, 421},
        {"notlocalhost.example", 421, 0, 421},
        {".localhost", 421, 0, 421},
        {"data.example.org.example.net", 421, 0, 421},
        {"127.0.0.1.example.net", 421, 0, 421},
        {"[office]:8002", 421, 0, 421},
        {"[::1", 421, 0, 421},
        {"", 421, 0, 421},
        {":8002", 421, 0, 421},
        {"localhost:x", 421, 0, 421},
        {"localhost:99999", 421, 0, 421},
    };
    struct c2_hosts open, listed;
    struct cat2_error err;
    char why[C2_ORIGIN_WHY_MAX];

    assert_true(c2_hosts_init(&open, NULL, "https://data.example.org/cat2", &err));
    assert_true(
        c2_hosts_init(&listed, " listed.example.org,second.example.org.\n", "data.example.org:80", &err));
    for (size_t i = 0; i < C2_ARRAY_LEN(rows) * 4; i++) {
        bool changes = i & 1, loopback = i & 2;
        const char *host = rows[i / 4].host;
        struct c2_origin at = {&open, loopback, "office"}, strict = {&listed, loopback, "office"};
        int status = judge(&at, changes, host, NULL, NULL, NULL, why);
        if (status != (loopback ? rows[i / 4].loopback : rows[i / 4].elsewhere))
            fail_msg("%s, loopback %d: %d %s", host, loopback, status, why);
        if (status) assert_non_null(strstr(why, "--allowed-hosts"));
        status = judge(&strict, changes, host, NULL, NULL, NULL, why);
        if (status != rows[i / 4].listed)
            fail_msg("%s, listed, loopback %d: %d %s", host, loopback, status, why);
    }
    c2_hosts_fini(&open);
    c2_hosts_fini(&listed);
}

static void an_empty_body_is_of_no_type(void **state)
{
    struct c2_origin_asked asked = {.changes = true,
                                    .host = C2_STR("localhost:8002"),
                                    .site = C2_STR("same-origin"),
                                    .type = C2_STR("text/plain")};
    struct c2_origin at = {0};
    char why[C2_ORIGIN_WHY_MAX];

    assert_int_equal(c2_origin_judge(&at, &asked, why), 0);
    assert_int_equal(c2_origin_judge_body(&asked, why), 0);
    asked.body = true;
    assert_int_equal(c2_origin_judge_body(&asked, why), 415);
}

static void the_machines_own_name_is_known(void **state)
{
    char name[300] = "", why[C2_ORIGIN_WHY_MAX];
    struct c2_hosts hosts;
    struct cat2_error err;

    assert_int_equal(gethostname(name, 256), 0);
    assert_true(c2_hosts_init(&hosts, "", NULL, &err)); /* given, and empty */
    struct c2_origin at = {&hosts, true, "localhost"};
    assert_int_equal(judge(&at, false, name, NULL, NULL, NULL, why), 0);
    name[strlen(name)] = 'x'; /* of 300 bytes, the rest are 0 */
    assert_int_equal(judge(&at, false, name, NULL, NULL, NULL, why), 421);
    c2_hosts_fini(&hosts);
}

static void a_star_is_every_name_and_what_is_none_is_an_error(void **state)
{
    static const char *const wrong[] = {"a:80", "https://a", "a/b", "*.example.org", "ok, [::1]", "a\x01"};
    struct c2_hosts hosts = {0};
    struct cat2_error err;
    char why[C2_ORIGIN_WHY_MAX];

    for (size_t i = 0; i < C2_ARRAY_LEN(wrong); i++) {
        assert_false(c2_hosts_init(&hosts, wrong[i], NULL, &err));
        assert_int_equal(err.code, CAT2_EINVAL);
        assert_non_null(strstr(err.message, "--allowed-hosts: '"));
        assert_null(hosts.names.p);
    }
    assert_true(c2_hosts_init(&hosts, "a.example.org\n*", NULL, &err));
    struct c2_origin at = {&hosts, true, "localhost"};
    assert_int_equal(judge(&at, true, "rebound.example.net", NULL, NULL, NULL, why), 0);
    assert_int_equal(judge(&at, true, "rebound.example.net", "null", NULL, NULL, why), 403);
    c2_hosts_fini(&hosts);
}

static void pages_of_the_address_that_a_proxy_was_asked_for_are_ours(void **state)
{
    struct c2_origin_asked asked = {.changes = true,
                                    .host = C2_STR("inner:8002"),
                                    .origin = C2_STR("https://data.example.org"),
                                    .outer = C2_STR("data.example.org")};
    struct c2_origin at = {0};
    char why[C2_ORIGIN_WHY_MAX];

    assert_int_equal(c2_origin_judge(&at, &asked, why), 0);
    asked.outer = C2_STR("data.example.org:8443");
    assert_int_equal(c2_origin_judge(&at, &asked, why), 403);
}

static void who_asks_for_another_name_is_not_here(void **state)
{
    static const struct {
        const char *host;
        bool here;
    } rows[] = {
        {NULL, true},
        {"localhost", true},
        {"localhost:9000", true}, /* a tunnel */
        {"a.localhost", true},
        {"127.0.0.1:8002", true},
        {"127.9.9.9", true},
        {"[::1]:8002", true},
        {"office:8002", true},
        {"office", false}, /* the port of a proxy */
        {"office:443", false},
        {"192.0.2.1:8002", false},
        {"[2001:db8::1]:8002", false},
        {"data.example.org:8002", false}, /* of --public-url */
        {"other:8002", false},
        {"localhost.example.org:8002", false},
        {"", false},
    };
    struct c2_hosts hosts;
    struct cat2_error err;

    assert_true(c2_hosts_init(&hosts, NULL, "https://data.example.org", &err));
    struct c2_origin at = {&hosts, true, "office"};
    for (size_t i = 0; i < C2_ARRAY_LEN(rows); i++)
        if (c2_origin_means_here(&at, 8002, c2_str_of(rows[i].host)) != rows[i].here)
            fail_msg("%s", rows[i].host);
    c2_hosts_fini(&hosts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_of_other_sites_change_nothing),
        cmocka_unit_test(bodies_of_forms_are_refused_where_a_browser_sends_them),
        cmocka_unit_test(an_empty_body_is_of_no_type),
        cmocka_unit_test(pages_of_the_address_that_a_proxy_was_asked_for_are_ours),
        cmocka_unit_test(who_asks_for_another_name_is_not_here),
        cmocka_unit_test(names_are_those_of_the_service),
        cmocka_unit_test(the_machines_own_name_is_known),
        cmocka_unit_test(a_star_is_every_name_and_what_is_none_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
