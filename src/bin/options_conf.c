/* SPDX-License-Identifier: BSD-3-Clause */
/* caterva2.toml: which keys there are, and reading them. */
#include "bin/options_conf.h"
#include "base/vec.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/limits.h"
#include "wire/toml.h"

/* Of every service. */
#define SERVICE_KEYS                                                                                         \
    "http statedir loglevel public-url allowed-hosts access access-file connections-per-address "            \
    "io-threads trusted-proxies cors-origins access-log certificate certificate-key ca"
/* Of those that publish object stores. */
#define S3_KEYS "s3-endpoint s3-region s3-profile s3-addressing"
/* Keys a section may have; publisher and subscriber may have one more level, their --id. */
static const struct {
    const char *section, *keys;
    bool ids;
} sections[] = {
    {"broker", SERVICE_KEYS " trust", false},
    {"publisher",
     SERVICE_KEYS " trust key-file name root poll no-hdf5-folders bus bus-creds s3-events direct " S3_KEYS,
     true},
    {"subscriber",
     SERVICE_KEYS
     " trust key-file base-path frame-ancestors quota work-per-request scrub plugin-dir h5web-dir web-dir "
     "upstream republish direct-store lease bus bus-creds",
     true},
    {"serve",
     SERVICE_KEYS " " S3_KEYS " broker-http publisher-http bus bus-creds key-file trust base-path "
                  "frame-ancestors quota work-per-request poll scrub "
                  "no-hdf5-folders plugin-dir "
                  "h5web-dir web-dir roots",
     true},
    {"admin", "access-file loglevel", true},
    {"client", "loglevel outdir key-file ca", true},
    {"import", "loglevel codec clevel threads", true},
    {"export", "loglevel codec clevel threads filters", true},
};

struct entry {
    char *key, *value;
    int line;
    bool table; /* an empty section: there, without keys */
};
struct c2_conf {
    const char *path;
    C2_VEC(struct entry);
};

void c2_conf_free(struct c2_conf *conf)
{
    if (!conf) return;
    for (size_t i = 0; i < conf->n; i++) {
        free(conf->p[i].key);
        free(conf->p[i].value);
    }
    c2_vec_fini(conf);
    free(conf);
}

static bool lists(const char *words, struct c2_str word)
{
    struct c2_str rest = c2_str_of(words), head;

    for (bool more = true; more;) {
        more = c2_str_cut(rest, ' ', &head, &rest);
        if (c2_str_eq(head, word)) return true;
    }
    return false;
}

/* How alike: what they share at both ends, less what they do not. */
static int64_t likeness(struct c2_str a, struct c2_str b)
{
    size_t least = a.n < b.n ? a.n : b.n, head = 0, tail = 0;

    while (head < least && a.p[head] == b.p[head])
        head++;
    while (tail < least - head && a.p[a.n - 1 - tail] == b.p[b.n - 1 - tail])
        tail++;
    return 3 * (int64_t)(head + tail) - (int64_t)(a.n > b.n ? a.n : b.n);
}

static struct c2_str nearest(const char *words, struct c2_str word)
{
    struct c2_str rest = c2_str_of(words), head, best = {"", 0};

    for (bool more = true; more;) {
        more = c2_str_cut(rest, ' ', &head, &rest);
        if (!best.n || likeness(head, word) > likeness(best, word)) best = head;
    }
    return best;
}

/* NULL when the key is known, else the words that would be. */
static const char *unknown(const struct c2_str *keys, size_t nkeys)
{
    for (size_t i = 0; i < C2_ARRAY_LEN(sections); i++) {
        if (!c2_str_is(keys[0], sections[i].section)) continue;
        bool depth = nkeys == 2 || (nkeys == 3 && sections[i].ids);
        return depth && lists(sections[i].keys, keys[nkeys - 1]) ? NULL : sections[i].keys;
    }
    return "sections broker, publisher, subscriber, serve, admin, client, import, export";
}

static bool add(struct c2_conf *conf, const struct c2_str *keys, size_t nkeys,
                const struct c2_toml_value *value, struct cat2_error *err)
{
    C2_AUTO(c2_buf) key = C2_BUF_INIT(1024);
    C2_AUTO(c2_buf) text = C2_BUF_INIT(65536);

    for (size_t i = 0; i < nkeys; i++)
        if ((i && !c2_buf_putc(&key, '.', err)) || !c2_buf_append_str(&key, keys[i], err)) return false;
    bool ok = true;
    if (value->kind == C2_TOML_STRING || value->kind == C2_TOML_STRINGS || value->kind == C2_TOML_TABLE)
        ok = c2_buf_append_str(&text, value->text, err);
    else if (value->kind == C2_TOML_BOOL)
        ok = c2_buf_puts(&text, value->number ? "true" : "false", err);
    else
        ok = c2_buf_printf(&text, err, "%" PRId64, value->number);
    struct entry *entry;
    if (!ok || !c2_vec_push(conf, C2_VEC_NO_MAX, "keys", err,
                            (struct entry){c2_str_dup(c2_buf_str(&key)), c2_str_dup(c2_buf_str(&text)),
                                           value->line, value->kind == C2_TOML_TABLE}))
        return false;
    entry = &conf->p[conf->n - 1];
    return (entry->key && entry->value) || c2_fail_nomem(err, "configuration");
}

/* The end of a long path: it names the file. `others` bytes of the message are for the known keys. */
static const char *tail(const char *path, size_t others)
{
    size_t n = strlen(path), most = others < 60 ? 100 : others < 130 ? 160 - others : 30;

    return n > most ? path + n - most : path;
}

/* The keys of a section are too many for a message: the one that may be meant is named. */
static bool fail_unknown(const struct c2_conf *conf, const struct c2_str *keys, size_t nkeys, int line,
                         const char *known, struct cat2_error *err)
{
    struct c2_str last = keys[nkeys - 1], near = nearest(known, last);
    int shown = (int)c2_min_i64(40, (int64_t)last.n);

    if (c2_str_starts(c2_str_of(known), "sections "))
        return c2_fail(err, CAT2_EINVAL, "%s:%d: unknown key '%.*s' (here: %s)",
                       tail(conf->path, strlen(known)), line, shown, last.p, known);
    return c2_fail(err, CAT2_EINVAL, "%s:%d: unknown key '%.*s' (is %.*s meant? caterva2.toml(5) lists all)",
                   tail(conf->path, 0), line, shown, last.p, C2_STR_ARG(near));
}

static bool visit(void *ctx, const struct c2_str *keys, size_t nkeys, const struct c2_toml_value *value,
                  struct cat2_error *err)
{
    struct c2_conf *conf = ctx;
    struct c2_str last = keys[nkeys - 1];
    static const char *const kinds[] = {"a string", "an integer", "a float", "a boolean",
                                        "a table",  "an array",   "a date",  "an array"};

    if (value->kind == C2_TOML_TABLE && nkeys <= 2)
        return add(conf, keys, nkeys, value, err); /* an empty section */
    const char *known = unknown(keys, nkeys);
    if (known) return fail_unknown(conf, keys, nkeys, value->line, known, err);
    bool sized =
        value->kind == C2_TOML_INT &&
        lists("quota work-per-request poll scrub clevel threads connections-per-address io-threads", last);
    bool flag = value->kind == C2_TOML_BOOL && lists("no-hdf5-folders republish direct", last);
    bool list = lists("roots allowed-hosts trust trusted-proxies cors-origins frame-ancestors certificate "
                      "certificate-key upstream direct-store",
                      last),
         listed = list && value->kind == C2_TOML_STRINGS;
    if (value->kind != C2_TOML_STRING && !sized && !flag && !listed)
        return c2_fail(err, CAT2_EINVAL, "%s:%d: '%.*s' must be a string%s, not %s", tail(conf->path, 0),
                       value->line, C2_STR_ARG(last), list ? " or an array of such" : "", kinds[value->kind]);
    return add(conf, keys, nkeys, value, err);
}

bool c2_conf_read(const char *path, bool may_be_missing, struct c2_conf **out, struct cat2_error *err)
{
    C2_AUTO(c2_buf) text = {0};
    C2_AUTO_PTR(c2_toml) *toml = NULL;
    C2_AUTO(c2_fd) file = {open(path, O_RDONLY | O_CLOEXEC)};

    if (file.fd < 0 && !(errno == ENOENT && may_be_missing)) return c2_fail_errno(err, errno, "%.160s", path);
    struct c2_conf *conf = calloc(1, sizeof(*conf));
    if (!conf) return c2_fail_nomem(err, "configuration");
    conf->path = path;
    bool ok = true;
    if (file.fd >= 0) {
        ok = c2_fs_read(file.fd, C2_TOML_NBYTES_MAX, &text, err) || c2_fail_within(err, "%.160s", path);
        ok = ok && c2_toml_parse(c2_buf_str(&text), path, &toml, err) && c2_toml_walk(toml, visit, conf, err);
    }
    if (ok)
        *out = conf;
    else
        c2_conf_free(conf);
    return ok;
}

bool c2_conf_has(const struct c2_conf *conf, const char *section, const char *id)
{
    size_t n = strlen(section), m = strlen(id);

    for (size_t i = 0; i < conf->n; i++) {
        const char *key = conf->p[i].key;
        if (strncmp(key, section, n) == 0 && key[n] == '.' && strncmp(key + n + 1, id, m) == 0 &&
            (key[n + 1 + m] == '.' || (!key[n + 1 + m] && conf->p[i].table)))
            return true;
    }
    return false;
}

static const struct entry *find(const struct c2_conf *conf, const char *key)
{
    for (size_t i = 0; i < conf->n; i++)
        if (strcmp(conf->p[i].key, key) == 0) return &conf->p[i];
    return NULL;
}

const char *c2_conf_get(const struct c2_conf *conf, const char *key)
{
    const struct entry *entry = find(conf, key);
    return entry ? entry->value : NULL;
}

int c2_conf_line(const struct c2_conf *conf, const char *key)
{
    const struct entry *entry = find(conf, key);
    return entry ? entry->line : 0;
}
