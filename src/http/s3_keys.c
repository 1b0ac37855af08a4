/* SPDX-License-Identifier: BSD-3-Clause */
/* Files of sections: "[name]" or "[profile name]", then "key = value". */
#include "http/s3_keys.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/fs.h"

#define FILE_NBYTES_MAX (1 << 20) /* of a file of keys: thousands of profiles */

void c2_s3_keys_wipe(struct c2_s3_keys *keys)
{
    explicit_bzero(keys, sizeof(*keys));
}

/* What may stand in a header, and fits. */
static bool take(struct c2_str value, const char *what, char *out, size_t size, struct cat2_error *err)
{
    if (!c2_str_is_visible(value))
        return c2_fail(err, CAT2_EINVAL, "%s holds a blank, or a character that is not ASCII", what);
    if (value.n >= size) return c2_fail(err, CAT2_EINVAL, "%s is longer than %zu characters", what, size - 1);
    snprintf(out, size, "%.*s", C2_STR_ARG(value));
    return true;
}

/* ---- the files ---- */

struct wanted {
    const char *key;
    char *out;
    size_t size;
};

static bool is_section(struct c2_str line, const char *profile)
{
    struct c2_str name, rest, word;

    c2_str_cut((struct c2_str){line.p + 1, line.n - 1}, ']', &name, &rest);
    name = c2_str_trim(name);
    if (c2_str_cut(name, ' ', &word, &rest) && c2_str_is(word, "profile")) name = c2_str_trim(rest);
    return c2_str_is(name, profile);
}

static bool take_line(struct c2_str line, const struct wanted *wanted, struct cat2_error *err)
{
    struct c2_str key, value;

    if (!c2_str_cut(line, '=', &key, &value)) return true;
    for (; wanted->key; wanted++)
        if (c2_str_is(c2_str_trim(key), wanted->key) && !wanted->out[0] &&
            !take(c2_str_trim(value), wanted->key, wanted->out, wanted->size, err))
            return false;
    return true;
}

static bool read_section(const char *file, const char *profile, const struct wanted *wanted, bool *found,
                         struct cat2_error *err)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(FILE_NBYTES_MAX);
    struct c2_str rest, line;
    bool inside = false, ok = true;

    if (!c2_fs_read_file("file", file, text.max, &text, err)) return err->code == CAT2_ENOTFOUND;
    rest = c2_buf_str(&text);
    while (ok && rest.n) {
        c2_str_cut(rest, '\n', &line, &rest);
        bool indented = line.n && (line.p[0] == ' ' || line.p[0] == '\t'); /* of a setting with parts */
        line = c2_str_trim(line);
        if (line.n == 0 || line.p[0] == '#' || line.p[0] == ';') continue;
        if (line.p[0] == '[') inside = is_section(line, profile);
        if (line.p[0] == '[')
            *found = *found || inside;
        else if (inside && !indented)
            ok = take_line(line, wanted, err);
    }
    explicit_bzero(text.p, text.n);
    return ok || c2_fail_within(err, "%.150s, profile %.60s", file, profile);
}

/* $NAME, else ~/.aws/FILE. */
static bool file_name(const char *variable, const char *file, struct c2_buf *out, struct cat2_error *err)
{
    const char *given = getenv(variable), *home = getenv("HOME");

    if (given && *given) return c2_buf_puts(out, given, err);
    return !home || !*home || c2_buf_printf(out, err, "%s/.aws/%s", home, file);
}

static bool read_files(const char *profile, bool named, struct c2_s3_keys *out, struct cat2_error *err)
{
    C2_AUTO(c2_buf) credentials = C2_BUF_INIT(4096), config = C2_BUF_INIT(4096);
    const struct wanted keys[] = {{"aws_access_key_id", out->id, sizeof(out->id)},
                                  {"aws_secret_access_key", out->secret, sizeof(out->secret)},
                                  {"aws_session_token", out->token, sizeof(out->token)},
                                  {"region", out->region, sizeof(out->region)},
                                  {"endpoint_url", out->endpoint, sizeof(out->endpoint)},
                                  {NULL, NULL, 0}};
    bool had = out->id[0], found = false;
    const struct wanted *wanted = had ? keys + 3 : keys; /* those of the environment are whole */

    if (!file_name("AWS_SHARED_CREDENTIALS_FILE", "credentials", &credentials, err) ||
        !file_name("AWS_CONFIG_FILE", "config", &config, err) ||
        (credentials.n && !read_section(c2_buf_cstr(&credentials), profile, wanted, &found, err)) ||
        (config.n && !read_section(c2_buf_cstr(&config), profile, wanted, &found, err)))
        return false;
    if (named && !found)
        return c2_fail(err, CAT2_ENOTFOUND, "there is no profile %.60s in %.100s or %.100s", profile,
                       c2_buf_cstr(&credentials), c2_buf_cstr(&config));
    if (!had && out->id[0]) out->origin = "the files of profiles";
    return true;
}

/* ---- the environment ---- */

static bool from_environment(const char *name, char *out, size_t size, struct cat2_error *err)
{
    const char *value = getenv(name);

    if (!value || !*value || out[0]) return true;
    return take(c2_str_of(value), name, out, size, err);
}

static bool read_environment(bool keys, struct c2_s3_keys *out, struct cat2_error *err)
{
    if (keys && (!from_environment("AWS_ACCESS_KEY_ID", out->id, sizeof(out->id), err) ||
                 !from_environment("AWS_SECRET_ACCESS_KEY", out->secret, sizeof(out->secret), err) ||
                 (out->id[0] && !from_environment("AWS_SESSION_TOKEN", out->token, sizeof(out->token), err))))
        return false;
    if (out->id[0]) out->origin = "the environment";
    return from_environment("AWS_REGION", out->region, sizeof(out->region), err) &&
           from_environment("AWS_DEFAULT_REGION", out->region, sizeof(out->region), err) &&
           from_environment("AWS_ENDPOINT_URL_S3", out->endpoint, sizeof(out->endpoint), err) &&
           from_environment("AWS_ENDPOINT_URL", out->endpoint, sizeof(out->endpoint), err);
}

bool c2_s3_keys_find(const char *profile, struct c2_s3_keys *out, struct cat2_error *err)
{
    const char *variable = getenv("AWS_PROFILE");
    bool named = profile && *profile;

    *out = (struct c2_s3_keys){.origin = "nowhere"};
    if (!read_environment(!named, out, err)) return false;
    if (!named && variable && *variable) profile = variable;
    bool said = profile && *profile;
    if (!read_files(said ? profile : "default", said && !out->id[0], out, err)) return false;
    if (!out->id[0] == !out->secret[0]) return true;
    return c2_fail(err, CAT2_EINVAL, "the access key for S3 has no secret, or the secret no key");
}
