/* SPDX-License-Identifier: BSD-3-Clause */
/* The environment and files of this test's own. */
#include "http/s3_keys.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/base_testing.h"
#include "http/link_local.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <unistd.h>

static char home[] = "/tmp/c2-s3-keys-XXXXXX";

static void forget(void)
{
    static const char *const ALL[] = {
        "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",      "AWS_SESSION_TOKEN", "AWS_PROFILE",
        "AWS_REGION",        "AWS_DEFAULT_REGION",         "AWS_ENDPOINT_URL",  "AWS_ENDPOINT_URL_S3",
        "AWS_CONFIG_FILE",   "AWS_SHARED_CREDENTIALS_FILE"};

    for (size_t i = 0; i < C2_ARRAY_LEN(ALL); i++)
        unsetenv(ALL[i]);
}

static void write_file(const char *name, const char *text, const char *variable)
{
    char path[200];

    snprintf(path, sizeof(path), "%s/%s", home, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    setenv(variable, path, 1);
}

/* "ID SECRET TOKEN REGION ENDPOINT", or "!" and why. */
static const char *found(const char *profile)
{
    static char out[400];
    struct c2_s3_keys keys;
    struct cat2_error err;

    if (c2_s3_keys_find(profile, &keys, &err))
        snprintf(out, sizeof(out), "%s %s %s %s %s", keys.id, keys.secret, keys.token, keys.region,
                 keys.endpoint);
    else
        snprintf(out, sizeof(out), "!%s", err.message);
    c2_s3_keys_wipe(&keys);
    assert_int_equal(keys.secret[0], '\0');
    return out;
}

static void two_files(void)
{
    write_file("credentials",
               "# mine\n[default]\naws_access_key_id = D\naws_secret_access_key = d/+=\n"
               "[lab]\naws_access_key_id=L\n aws_secret_access_key = part of a setting\n"
               "aws_secret_access_key=l\naws_session_token = t\n[half]\naws_access_key_id = H\n",
               "AWS_SHARED_CREDENTIALS_FILE");
    write_file("config", "[default]\nregion = r1\n[profile lab]\nregion=r2\nendpoint_url = http://h:1\n; end",
               "AWS_CONFIG_FILE");
}

static void the_environment_comes_first(void **state)
{
    forget();
    two_files();
    assert_string_equal(found(NULL), "D d/+=  r1 ");
    setenv("AWS_ACCESS_KEY_ID", "E", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "e", 1);
    assert_string_equal(found(NULL), "E e  r1 ");
    setenv("AWS_SESSION_TOKEN", "s", 1);
    setenv("AWS_REGION", "r3", 1);
    setenv("AWS_ENDPOINT_URL", "http://h:2", 1);
    assert_string_equal(found(NULL), "E e s r3 http://h:2");
    assert_string_equal(found("lab"), "L l t r3 http://h:2");
    forget();
}

static void a_profile_has_its_own(void **state)
{
    forget();
    two_files();
    assert_string_equal(found("lab"), "L l t r2 http://h:1");
    setenv("AWS_PROFILE", "lab", 1);
    assert_string_equal(found(NULL), "L l t r2 http://h:1");
    assert_int_equal(found("none")[0], '!');
    assert_non_null(strstr(found("none"), "no profile none"));
    assert_non_null(strstr(found("half"), "no secret"));
    forget();
}

static void there_may_be_none(void **state)
{
    forget();
    setenv("HOME", "/nowhere", 1);
    assert_string_equal(found(NULL), "    ");
    setenv("AWS_SECRET_ACCESS_KEY", "e", 1);
    assert_non_null(strstr(found(NULL), "no secret, or the secret no key"));
    setenv("AWS_ACCESS_KEY_ID", "two words", 1);
    assert_non_null(strstr(found(NULL), "AWS_ACCESS_KEY_ID holds a blank"));
    forget();
}

static void link_local_addresses_are_known(void **state)
{
    static const char *const THEY[] = {"169.254.0.1", "169.254.169.254",        "fe80::1",
                                       "febf::1",     "::ffff:169.254.169.254", "64:ff9b::169.254.1.1"};
    static const char *const OTHERS[] = {"169.253.0.1", "127.0.0.1", "::1",  "fec0::1",
                                         "metadata",    "",          "fe80", "::ffff:10.0.0.1"};

    for (size_t i = 0; i < C2_ARRAY_LEN(THEY); i++)
        if (!c2_is_link_local_text(THEY[i])) fail_msg("not known: %s", THEY[i]);
    for (size_t i = 0; i < C2_ARRAY_LEN(OTHERS); i++)
        if (c2_is_link_local_text(OTHERS[i])) fail_msg("taken for one: %s", OTHERS[i]);
}

/* No socket, so nothing is sent. */
static curl_socket_t opened(const char *text)
{
    struct curl_sockaddr to = {.socktype = SOCK_STREAM};
    struct sockaddr_in *v4 = (void *)&to.addr;

    to.family = AF_INET;
    v4->sin_family = AF_INET;
    assert_int_equal(inet_pton(AF_INET, text, &v4->sin_addr), 1);
    return c2_open_socket_elsewhere(NULL, CURLSOCKTYPE_IPCXN, &to);
}

static void no_socket_is_made_for_them(void **state)
{
    assert_int_equal(opened("169.254.169.254"), CURL_SOCKET_BAD);
    int fd = opened("127.0.0.1");
    assert_true(fd >= 0);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_environment_comes_first), cmocka_unit_test(a_profile_has_its_own),
        cmocka_unit_test(there_may_be_none),           cmocka_unit_test(link_local_addresses_are_known),
        cmocka_unit_test(no_socket_is_made_for_them),
    };
    if (!mkdtemp(home)) return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    char path[200];
    snprintf(path, sizeof(path), "%s/credentials", home);
    unlink(path);
    snprintf(path, sizeof(path), "%s/config", home);
    unlink(path);
    rmdir(home);
    return failed;
}
