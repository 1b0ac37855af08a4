/* SPDX-License-Identifier: BSD-3-Clause */
/* Which service gets which key. */
#include <sys/stat.h>
#include <unistd.h>

#include "base/base_testing.h"
#include "http/keyring.h"

static void a_key_goes_to_its_service_alone(void **state)
{
    static const char *const lines[] = {"home-key",  "Pub.example.org:8001 a",   "[2001:db8::1]:8001 b",
                                        "*.inner c", "secure.example.org:443 d", "plain.example.org:80 e"};
    static const struct {
        const char *url, *key;
    } rows[] = {
        {"http://bro:8000/api/roots", "home-key"},
        {"ws://bro:8000/pubsub", "home-key"},
        {"http://bro:8000", "home-key"},
        {"http://bro:8001/", NULL},
        {"http://bro/", NULL},
        {"http://bro:80000/", NULL},
        {"http://bro.evil.example:8000/", NULL},
        {"http://evil.example:8000/bro:8000", NULL},
        {"http://bro:8000@evil.example:8000/", NULL},
        {"http://evil.example:8000?bro:8000", NULL},
        {"http://PUB.example.org:8001/x?y", "a"},
        {"http://pub.example.org:8002/", NULL},
        {"http://[2001:db8::1]:8001/", "b"},
        {"http://[2001:db8::1]:8002/", NULL},
        {"http://x.inner:1/", "c"},
        {"http://inner:1/", NULL},
        {"https://secure.example.org/", "d"},
        {"http://secure.example.org/", NULL},
        {"wss://secure.example.org/pubsub", "d"},
        {"http://plain.example.org/", "e"},
        {"https://plain.example.org/", NULL},
        {"bro:8000", NULL},
        {"", NULL},
    };
    struct c2_keyring *ring = NULL;
    struct cat2_error err;

    assert_null(c2_keyring_find(NULL, "http://bro:8000/"));
    assert_true(c2_keyring_new("https://bro:8000", &ring, &err));
    assert_null(c2_keyring_find(ring, "http://bro:8000/"));
    for (size_t i = 0; i < C2_ARRAY_LEN(lines); i++)
        assert_true(c2_keyring_add(ring, c2_str_of(lines[i]), &err));
    for (size_t i = 0; i < C2_ARRAY_LEN(rows); i++) {
        const char *key = c2_keyring_find(ring, rows[i].url);
        if ((key == NULL) != (rows[i].key == NULL) || (key && strcmp(key, rows[i].key) != 0))
            fail_msg("%s: %s", rows[i].url, key ? key : "none");
    }
    c2_keyring_free(ring);
}

static void lines_that_are_none_are_told_by_number(void **state)
{
    static const char *const bad[] = {"a b c",   "host:0 k", "host:x k",    "[::1 k",
                                      "a\tb\tc", ":1 k",     "host:70000 k"};
    char path[] = "/tmp/c2_keyring_XXXXXX";
    struct c2_keyring *ring = NULL;
    struct cat2_error err;
    bool shared;
    int fd = mkstemp(path);

    assert_true(c2_keyring_new(NULL, &ring, &err));
    for (size_t i = 0; i < C2_ARRAY_LEN(bad); i++)
        if (c2_keyring_add(ring, c2_str_of(bad[i]), &err)) fail_msg("'%s' is taken", bad[i]);
    assert_false(c2_keyring_add(ring, C2_STR("key-without-a-home"), &err));
    assert_true(write(fd, "# keys\n\n a:1 k1 \r\nsecret-word here twice\n", 41) == 41);
    assert_false(c2_keyring_read(ring, path, &shared, &err));
    assert_true(strstr(err.message, "line 4") && !strstr(err.message, "secret"));
    assert_false(shared);
    assert_string_equal(c2_keyring_find(ring, "http://a:1/"), "k1");
    assert_true(fchmod(fd, 0644) == 0 && ftruncate(fd, 18) == 0);
    assert_true(c2_keyring_read(ring, path, &shared, &err) && shared);
    assert_true(close(fd) == 0 && unlink(path) == 0);
    assert_false(c2_keyring_read(ring, path, &shared, &err));
    assert_int_equal(err.code, CAT2_ENOTFOUND);
    c2_keyring_free(ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_goes_to_its_service_alone),
        cmocka_unit_test(lines_that_are_none_are_told_by_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
