/* SPDX-License-Identifier: BSD-3-Clause */
/* Keys by the services that they are for. */
#include "http/keyring.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/vec.h"
#include "wire/url.h"

#define FILE_NBYTES 65536 /* of a key file: some hundreds of services */
#define KEYS_MAX    1024  /* looked through for each request that is sent */
#define KEY_NBYTES  256   /* of one; ours have 59 */
#define BLANKS      " \t\r"

struct place {
    char host[256]; /* a pattern */
    int port;       /* 0: every one */
    char key[KEY_NBYTES + 1];
};
struct c2_keyring {
    C2_VEC(struct place);
    char *home; /* one or more, one a line */
};

bool c2_keyring_new(const char *home, struct c2_keyring **out, struct cat2_error *err)
{
    struct c2_keyring *ring = calloc(1, sizeof(*ring));

    if (!ring) return c2_fail_nomem(err, "keys");
    ring->home = c2_str_dup(c2_str_of(home ? home : ""));
    if (!ring->home) {
        free(ring);
        return c2_fail_nomem(err, "keys");
    }
    *out = ring;
    return true;
}

void c2_keyring_free(struct c2_keyring *ring)
{
    if (!ring) return;
    for (size_t i = 0; i < ring->n; i++)
        explicit_bzero(ring->p[i].key, sizeof(ring->p[i].key));
    c2_vec_fini(ring);
    free(ring->home);
    free(ring);
}

/* "HOST", "HOST:PORT", "[V6]", "[V6]:PORT"; brackets are not kept. */
static bool split(struct c2_str text, char host[256], int *port)
{
    struct c2_str name, rest;
    int64_t n = 0;
    bool v6;

    if (!c2_cut_port(text, &name, &rest, &v6)) return false;
    if (name.n == 0 || name.n > 255 || (rest.n && (!c2_str_to_i64(rest, &n) || n < 1 || n > 65535)))
        return false;
    for (size_t i = 0; i < name.n; i++)
        host[i] = c2_lower(name.p[i]);
    host[name.n] = '\0';
    *port = (int)n;
    return true;
}

static bool add(struct c2_keyring *ring, struct c2_str where, struct c2_str key, struct cat2_error *err)
{
    struct place place = {0};

    if (key.n > KEY_NBYTES || !c2_str_is_visible(key) || !split(where, place.host, &place.port))
        return c2_fail(err, CAT2_EINVAL, "neither KEY nor HOST:PORT KEY");
    snprintf(place.key, sizeof(place.key), "%.*s", C2_STR_ARG(key));
    bool ok = c2_vec_push(ring, KEYS_MAX, "keys", err, place);
    explicit_bzero(place.key, sizeof(place.key));
    return ok;
}

static bool add_for_homes(struct c2_keyring *ring, struct c2_str key, struct cat2_error *err)
{
    struct c2_str rest = c2_str_of(ring->home), home;

    if (!rest.n) return c2_fail(err, CAT2_EINVAL, "a key alone: write HOST:PORT KEY");
    for (bool more = true; more;) {
        more = c2_str_cut(rest, '\n', &home, &rest);
        const char *place = memmem(home.p, home.n, "://", 3);
        if (place) home = (struct c2_str){place + 3, home.n - (size_t)(place + 3 - home.p)};
        if (!add(ring, home, key, err)) return false;
    }
    return true;
}

bool c2_keyring_add(struct c2_keyring *ring, struct c2_str line, struct cat2_error *err)
{
    struct c2_str where, key;

    line = c2_str_trim(line);
    size_t n = 0;
    while (n < line.n && !strchr(BLANKS, line.p[n]))
        n++;
    where = (struct c2_str){line.p, n};
    key = c2_str_trim((struct c2_str){line.p + n, line.n - n});
    return key.n ? add(ring, where, key, err) : add_for_homes(ring, where, err);
}

/* systemd gives the service's user a right of his own, which is shown in the place of the group's. */
static bool is_credential(const char *path)
{
    const char *dir = getenv("CREDENTIALS_DIRECTORY");
    size_t n = dir ? strlen(dir) : 0;

    return n && strncmp(path, dir, n) == 0 && path[n] == '/';
}

bool c2_keyring_read(struct c2_keyring *ring, const char *path, bool *shared, struct cat2_error *err)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(FILE_NBYTES);
    struct c2_str rest, line;
    struct stat st;
    int number = 0;
    bool ok = c2_fs_read_file("key file", path, FILE_NBYTES, &text, err);

    *shared = stat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & (is_credential(path) ? 07 : 077));
    for (rest = c2_buf_str(&text); ok && rest.n;) {
        c2_str_cut(rest, '\n', &line, &rest);
        line = c2_str_trim(line);
        number++;
        if (line.n == 0 || line.p[0] == '#') continue;
        ok = c2_keyring_add(ring, line, err) || c2_fail_within(err, "key file %.150s, line %d", path, number);
    }
    if (text.p) explicit_bzero(text.p, text.n);
    return ok;
}

const char *c2_keyring_find(const struct c2_keyring *ring, const char *url)
{
    struct c2_str scheme = {"", 0}, rest = c2_str_of(url);
    const char *end = strstr(url, "://");
    char host[256];
    int port;

    if (!ring || !ring->n || !end) return NULL;
    scheme = (struct c2_str){url, (size_t)(end - url)};
    rest = c2_str_of(end + 3);
    rest.n = strcspn(rest.p, "/?#");
    if (memchr(rest.p, '@', rest.n) || !split(rest, host, &port)) return NULL;
    if (!port) port = c2_str_is(scheme, "https") || c2_str_is(scheme, "wss") ? 443 : 80;
    for (size_t i = 0; i < ring->n; i++)
        if ((!ring->p[i].port || ring->p[i].port == port) && fnmatch(ring->p[i].host, host, 0) == 0)
            return ring->p[i].key;
    return NULL;
}
