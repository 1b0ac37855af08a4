/* SPDX-License-Identifier: BSD-3-Clause */
/* What is an address on NATS, and how names of roots are parts of subjects. */
#include "base/base_testing.h"
#include "bus/nats/nats_address.h"

static struct c2_nats_address parse(const char *text)
{
    struct c2_nats_address address;
    struct cat2_error err;

    if (!c2_nats_address_parse(c2_str_of(text), &address, &err)) fail_msg("%s: %s", text, err.message);
    return address;
}

static void refused(const char *text, const char *why)
{
    struct c2_nats_address address;
    struct cat2_error err;

    assert_false(c2_nats_address_parse(c2_str_of(text), &address, &err));
    if (!strstr(err.message, why)) fail_msg("%s: %s", text, err.message);
    assert_null(strstr(err.message, "s3cret"));
}

static void an_address_has_servers_a_user_and_a_deployment(void **state)
{
    struct c2_nats_address a = parse("nats://ann:s3c%72et%40@n1.example:4223,[2001:db8::1],10.0.0.1/lab-2_x");

    assert_int_equal(a.n, 3);
    assert_string_equal(a.servers[0], "nats://n1.example:4223");
    assert_string_equal(a.servers[1], "nats://[2001:db8::1]:4222");
    assert_string_equal(a.servers[2], "nats://10.0.0.1:4222");
    assert_string_equal(a.user, "ann");
    assert_string_equal(a.password, "s3cret@");
    assert_true(a.has_password);
    assert_false(a.tls);
    assert_false(a.here);
    assert_string_equal(a.deployment, "lab-2_x");
    assert_string_equal(a.text, "nats://n1.example:4223,[2001:db8::1],10.0.0.1/lab-2_x");
}

static void what_is_left_out_has_a_default(void **state)
{
    struct c2_nats_address a = parse("tls://tok%65n@localhost");

    assert_string_equal(a.servers[0], "tls://localhost:4222");
    assert_true(a.tls);
    assert_true(a.here);
    assert_string_equal(a.user, "token");
    assert_false(a.has_password);
    assert_string_equal(a.deployment, "caterva2");
    assert_string_equal(parse("nats://127.0.0.1/").deployment, "caterva2");
    assert_false(parse("nats://127.0.0.1,10.9.8.7").here);
}

static void what_is_none_is_refused_without_its_password(void **state)
{
    C2_AUTO(c2_buf) many = C2_BUF_INIT(1000);
    struct cat2_error err;

    assert_true(c2_buf_puts(&many, "nats://ann:s3cret@a", &err));
    for (int i = 0; i < C2_NATS_SERVERS_MAX; i++)
        assert_true(c2_buf_puts(&many, ",a", &err));
    refused(c2_buf_cstr(&many), "more than 16 servers");
    refused("http://a", "does not begin with");
    refused("nats://", "not the address of a server");
    refused("nats://ann:s3cret@", "not the address of a server");
    refused("nats://ann:s3cret@a:0", "not the address of a server");
    refused("nats://ann:s3cret@a,,b", "not the address of a server");
    refused("nats://:s3cret@a", "no user");
    refused("nats://ann:s3cret%00@a", "password");
    refused("nats://a/x/y", "deployment 'x/y'");
    refused("nats://a/x.y", "deployment 'x.y'");
}

static void topics_are_one_part_of_a_subject_and_come_back(void **state)
{
    static const char *const topics[] = {"foo", "@new", "a.b c", "*", ">", "=40new", "\xc3\xb1", "-_9Z"};
    char token[C2_NATS_TOKEN_MAX], back[256], longest[256];

    for (size_t i = 0; i < C2_ARRAY_LEN(topics); i++) {
        c2_nats_token(c2_str_of(topics[i]), token);
        assert_true(c2_str_is_made_of(c2_str_of(token), "-_="));
        assert_true(c2_nats_untoken(c2_str_of(token), back, sizeof(back)));
        assert_string_equal(back, topics[i]);
    }
    memset(longest, '.', 255);
    longest[255] = '\0';
    c2_nats_token(c2_str_of(longest), token);
    assert_true(c2_nats_untoken(c2_str_of(token), back, sizeof(back)));
    assert_string_equal(back, longest);
    assert_false(c2_nats_untoken(c2_str_of(token), back, 255));
}

static void what_is_no_token_of_ours_is_none(void **state)
{
    static const char *const bad[] = {"", "a.b", "=", "=4", "a=4", "=4g", "=00", "a b", "*"};
    char back[256];

    for (size_t i = 0; i < C2_ARRAY_LEN(bad); i++)
        assert_false(c2_nats_untoken(c2_str_of(bad[i]), back, sizeof(back)));
}

static void deliveries_are_read_in_both_forms(void **state)
{
    struct c2_nats_delivery d;

    assert_true(c2_nats_delivery_parse(C2_STR("$JS.ACK.s.c.1.20.3.1795795651925282334.4"), &d));
    assert_true(c2_str_is(d.stream, "s") && c2_str_is(d.consumer, "c"));
    assert_true(d.stream_seq == 20 && d.consumer_seq == 3 && d.pending == 4);
    assert_true(c2_nats_delivery_parse(C2_STR("$JS.ACK.hub.AHASH.s.c.1.20.3.1795795651925282334.4.xyz"), &d));
    assert_true(c2_str_is(d.stream, "s") && c2_str_is(d.consumer, "c"));
    assert_true(d.stream_seq == 20 && d.consumer_seq == 3 && d.pending == 4);
    assert_false(c2_nats_delivery_parse(C2_STR(""), &d));
    assert_false(c2_nats_delivery_parse(C2_STR("$JS.FC.s.c.1.20.3.1.4"), &d));
    assert_false(c2_nats_delivery_parse(C2_STR("$JS.ACK.s.c.1.20.3"), &d));
    assert_false(c2_nats_delivery_parse(C2_STR("$JS.ACK.s.c.1.x.3.1.4"), &d));
    assert_false(c2_nats_delivery_parse(C2_STR("$JS.ACK.s.c.1.0.3.1.4"), &d));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_has_servers_a_user_and_a_deployment),
        cmocka_unit_test(what_is_left_out_has_a_default),
        cmocka_unit_test(what_is_none_is_refused_without_its_password),
        cmocka_unit_test(topics_are_one_part_of_a_subject_and_come_back),
        cmocka_unit_test(what_is_no_token_of_ours_is_none),
        cmocka_unit_test(deliveries_are_read_in_both_forms),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
