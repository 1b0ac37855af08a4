/* SPDX-License-Identifier: BSD-3-Clause */
/* cat2admin: users and keys of services, in their access file. Running services notice. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "access/store.h"
#include "base/clock.h"
#include "bin/options.h"

#define DAY_MS INT64_C(86400000) /* not a limit: a day */

struct admin {
    const struct c2_options *options;
    const char *file;
};

static struct c2_str arg(const struct admin *admin, int i)
{
    const struct c2_options *options = admin->options;

    return c2_str_of(c2_options_nargs(options) > i ? c2_options_arg(options, i) : "");
}

static int64_t now_ms(void)
{
    return c2_wall_ms(c2_clock_real());
}

/* ---- what is printed ---- */

static void put_time(int64_t ms, const char *none)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm utc;

    if (!ms || !gmtime_r(&seconds, &utc))
        printf("%s", none);
    else
        printf("%04d-%02d-%02dT%02d:%02dZ", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour,
               utc.tm_min);
}

/* One line each: NAME STATE SCOPES ROOTS EXPIRES LABEL; of patterns with commas between. */
static void put_holder(const struct c2_holder *holder)
{
    char scopes[64];
    bool over = holder->expires_ms && now_ms() >= holder->expires_ms;

    c2_scopes_format(holder->scopes, scopes);
    printf("%-12s %-8s %-14s ", holder->name,
           holder->revoked_ms ? "revoked"
           : over             ? "expired"
                              : "valid",
           scopes);
    for (const char *p = holder->roots; *p && p[1]; p++)
        putchar(*p == '\n' ? ',' : *p);
    printf("  expires ");
    put_time(holder->expires_ms, "never");
    printf("%s%s\n", holder->label[0] ? "  " : "", holder->label);
}

static bool list(const struct admin *admin, enum c2_holder_kind kind, struct cat2_error *err)
{
    struct c2_holders holders = {0};

    if (!c2_store_read(admin->file, &holders, err)) return false;
    for (size_t i = 0; i < holders.n; i++)
        if (holders.p[i]->kind == kind) put_holder(holders.p[i]);
    c2_holders_fini(&holders);
    return true;
}

/* ---- what is asked for ---- */

/* "90d", "12h", "never", or a day "2027-01-31", to its end (UTC). */
static bool read_expiry(const char *text, int64_t *out, struct cat2_error *err)
{
    struct c2_str s = c2_str_of(text);
    int64_t n;

    *out = 0;
    if (c2_str_is(s, "never")) return true;
    char unit = s.n ? s.p[s.n - 1] : '\0';
    if ((unit == 'd' || unit == 'h') && c2_str_to_i64((struct c2_str){s.p, s.n - 1}, &n) && n > 0 &&
        n <= 100000) {
        *out = now_ms() + n * (unit == 'd' ? DAY_MS : DAY_MS / 24);
        return true;
    }
    struct tm tm = {0};
    const char *end = strptime(text, "%Y-%m-%d", &tm);
    if (end && !*end) {
        *out = (int64_t)timegm(&tm) * 1000 + DAY_MS;
        return *out > now_ms() || c2_fail(err, CAT2_EINVAL, "--expires: %.20s is over", text);
    }
    return c2_fail(err, CAT2_EINVAL, "--expires: '%.40s' is none of 90d, 12h, 2027-01-31, never", text);
}

static bool read_rights(const struct admin *admin, struct c2_holder *holder, struct cat2_error *err)
{
    const struct c2_options *options = admin->options;
    const char *roots = c2_options_text(options, "roots"), *label = c2_options_text(options, "label");
    C2_AUTO(c2_buf) lines = C2_BUF_INIT(C2_GRANTS_NBYTES_MAX);

    holder->refs = 1;
    holder->created_ms = now_ms();
    if (label && (strlen(label) > C2_LABEL_MAX || !c2_str_is_utf8(c2_str_of(label))))
        return c2_fail(err, CAT2_EINVAL, "--label: at most %d bytes of text", C2_LABEL_MAX);
    for (const char *p = label ? label : ""; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return c2_fail(err, CAT2_EINVAL, "--label is one line of text");
    snprintf(holder->label, sizeof(holder->label), "%s", label ? label : "");
    if (!c2_scopes_parse(c2_str_of(c2_options_text(options, "scopes")), &holder->scopes, err))
        return c2_fail_within(err, "--scopes");
    if (!c2_grants_parse(c2_str_of(roots ? roots : "*"), &lines, err)) return c2_fail_within(err, "--roots");
    if (!read_expiry(c2_options_text(options, "expires"), &holder->expires_ms, err)) return false;
    holder->roots = c2_str_dup(c2_buf_str(&lines));
    return holder->roots || c2_fail_nomem(err, "roots");
}

/* ---- secrets that are read ---- */

static bool read_line(FILE *in, char *out, size_t size, const char *what, struct cat2_error *err)
{
    if (!fgets(out, (int)size, in)) return c2_fail(err, CAT2_EIO, "%s could not be read", what);
    size_t n = strcspn(out, "\r\n");
    if (!out[n] && n + 1 >= size) return c2_fail(err, CAT2_EINVAL, "%s is too long", what);
    out[n] = '\0';
    return n > 0 || c2_fail(err, CAT2_EINVAL, "%s is empty", what);
}

/* At the terminal, which does not show it. */
static bool ask(const char *question, char *out, size_t size, struct cat2_error *err)
{
    struct termios was, quiet;

    if (tcgetattr(STDIN_FILENO, &was) != 0) return c2_fail_errno(err, errno, "terminal");
    quiet = was;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    fputs(question, stderr);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    bool ok = read_line(stdin, out, size, "the password", err);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
    fputc('\n', stderr);
    return ok;
}

static bool read_file(const char *path, char *out, size_t size, const char *what, struct cat2_error *err)
{
    FILE *in = fopen(path, "re");

    if (!in) return c2_fail_errno(err, errno, "%.200s", path);
    bool ok = read_line(in, out, size, what, err);
    fclose(in);
    return ok;
}

static bool read_password(const struct admin *admin, char hash[C2_PASSWORD_HASH], struct cat2_error *err)
{
    char text[C2_PASSWORD_MAX + 2], again[C2_PASSWORD_MAX + 2];
    const char *file = c2_options_text(admin->options, "password-file");
    bool ok;

    if (file) {
        ok = read_file(file, text, sizeof(text), "the password", err);
    } else if (!isatty(STDIN_FILENO)) {
        ok = read_line(stdin, text, sizeof(text), "the password", err);
    } else {
        ok = ask("Password: ", text, sizeof(text), err) && ask("Once more: ", again, sizeof(again), err);
        if (ok && strcmp(text, again) != 0) ok = c2_fail(err, CAT2_EINVAL, "the two passwords differ");
        explicit_bzero(again, sizeof(again));
    }
    ok = ok && c2_password_hash(c2_str_of(text), hash, err);
    explicit_bzero(text, sizeof(text));
    return ok;
}

/* ---- users ---- */

static bool is_user_name(struct c2_str name)
{
    if (name.n == 0 || name.n > C2_USER_MAX || name.p[0] == '-') return false;
    for (size_t i = 0; i < name.n; i++)
        if ((unsigned char)name.p[i] <= 0x20 || name.p[i] == ':' || name.p[i] == 0x7f) return false;
    return c2_str_is_utf8(name);
}

static bool user_add(const struct admin *admin, struct c2_store *store, struct c2_str name,
                     struct cat2_error *err)
{
    struct c2_holder user = {.kind = C2_HOLDER_USER};

    if (!is_user_name(name))
        return c2_fail(err, CAT2_EINVAL, "a user's name has 1 to %d bytes, no blanks and no ':'",
                       C2_USER_MAX);
    memcpy(user.name, name.p, name.n);
    bool ok = read_rights(admin, &user, err) && read_password(admin, user.password, err) &&
              c2_store_add(store, &user, err);
    free(user.roots);
    return ok;
}

static bool user_passwd(const struct admin *admin, struct c2_store *store, struct c2_str name,
                        struct cat2_error *err)
{
    char hash[C2_PASSWORD_HASH];

    return read_password(admin, hash, err) && c2_store_set_password(store, name, hash, err);
}

static bool user_remove(const struct admin *admin, struct c2_store *store, struct c2_str name,
                        struct cat2_error *err)
{
    (void)admin;
    return c2_store_remove(store, C2_HOLDER_USER, name, err);
}

/* ---- keys ---- */

static bool key_add(const struct admin *admin, struct c2_store *store, struct c2_str name,
                    struct cat2_error *err)
{
    const char *file = c2_options_text(admin->options, "key-file");
    struct c2_holder key = {.kind = C2_HOLDER_KEY};
    char text[400];
    struct c2_str id;

    (void)name;
    if (!file) c2_key_make(text);
    bool ok = read_rights(admin, &key, err) && (!file || read_file(file, text, sizeof(text), "the key", err));
    if (ok && !c2_key_parse(c2_str_of(text), &id))
        ok = c2_fail(err, CAT2_EINVAL, "%.200s: its first line is no key that cat2admin made", file);
    if (ok) {
        memcpy(key.name, id.p, id.n);
        c2_secret_hash(c2_str_of(text), key.hash);
        ok = c2_store_add(store, &key, err);
    }
    if (ok && !file) {
        printf("%s\n", text);
        fflush(stdout);
        fprintf(stderr, "cat2admin: this is shown once; %s has its hash alone\n", admin->file);
    }
    explicit_bzero(text, sizeof(text));
    free(key.roots);
    return ok;
}

/* By ID, or by the whole key: no one has to cut it. */
static bool key_revoke(const struct admin *admin, struct c2_store *store, struct c2_str name,
                       struct cat2_error *err)
{
    struct c2_str id = name;

    (void)admin;
    (void)c2_key_parse(name, &id);
    return c2_store_revoke(store, id, now_ms(), err);
}

static bool key_remove(const struct admin *admin, struct c2_store *store, struct c2_str name,
                       struct cat2_error *err)
{
    (void)admin;
    return c2_store_remove(store, C2_HOLDER_KEY, name, err);
}

/* ---- commands ---- */

static const struct action {
    const char *name;
    bool named; /* it takes a name */
    bool (*run)(const struct admin *admin, struct c2_store *store, struct c2_str name,
                struct cat2_error *err);
} of_users[] = {{"add", true, user_add},
                {"list", false, NULL},
                {"passwd", true, user_passwd},
                {"remove", true, user_remove}},
  of_keys[] = {{"add", false, key_add},
               {"list", false, NULL},
               {"remove", true, key_remove},
               {"revoke", true, key_revoke}};

/* add makes the file; a mistyped name of it is no file without users and keys. */
static bool is_there(const struct admin *admin, struct cat2_error *err)
{
    return access(admin->file, F_OK) == 0 || c2_fail_errno(err, errno, "access file %.150s", admin->file);
}

static bool act(const struct admin *admin, const struct action *actions, size_t n, enum c2_holder_kind kind,
                struct cat2_error *err)
{
    struct c2_str verb = arg(admin, 1), name = arg(admin, 2);
    const char *what = kind == C2_HOLDER_KEY ? "key" : "user";
    struct c2_store *store = NULL;
    size_t i = 0;

    while (i < n && !c2_str_is(verb, actions[i].name))
        i++;
    if (i == n)
        return c2_fail(err, CAT2_EINVAL, "%s %.40s: there is add, list, remove and %s", what, verb.p,
                       kind == C2_HOLDER_KEY ? "revoke" : "passwd");
    if (actions[i].named != (name.n > 0))
        return c2_fail(err, CAT2_EINVAL, "%s %s takes %s", what, verb.p,
                       !actions[i].named       ? "no name"
                       : kind == C2_HOLDER_KEY ? "the ID of a key"
                                               : "the name of a user");
    if (!c2_str_is(verb, "add") && !is_there(admin, err)) return false;
    if (!actions[i].run) return list(admin, kind, err);
    bool ok = c2_store_open(admin->file, &store, err) && actions[i].run(admin, store, name, err);
    c2_store_close(store);
    return ok;
}

static bool cmd_user(void *ctx, struct cat2_error *err)
{
    return act(ctx, of_users, C2_ARRAY_LEN(of_users), C2_HOLDER_USER, err);
}

static bool cmd_key(void *ctx, struct cat2_error *err)
{
    return act(ctx, of_keys, C2_ARRAY_LEN(of_keys), C2_HOLDER_KEY, err);
}

/* ---- completion ---- */

static void offer_names(const struct admin *admin, enum c2_holder_kind kind, struct c2_offers *to)
{
    struct c2_holders holders = {0};
    struct cat2_error err;

    if (!c2_store_read(admin->file, &holders, &err)) return;
    for (size_t i = 0; i < holders.n; i++)
        if (holders.p[i]->kind == kind)
            c2_offer(to, c2_str_of(holders.p[i]->name), true,
                     holders.p[i]->label[0] ? holders.p[i]->label : NULL);
    c2_holders_fini(&holders);
}

static void offer(const struct c2_options *options, struct c2_str what, struct c2_str typed,
                  struct c2_offers *to)
{
    struct admin admin = {options, c2_options_text(options, "access-file")};
    bool keys = c2_str_ends(what, "key");

    (void)typed;
    if (c2_str_starts(what, "verb"))
        for (size_t i = 0; i < C2_ARRAY_LEN(of_keys); i++)
            c2_offer(to, c2_str_of(keys ? of_keys[i].name : of_users[i].name), true, NULL);
    else
        offer_names(&admin, keys ? C2_HOLDER_KEY : C2_HOLDER_USER, to);
}

static const struct c2_command commands[] = {
    {.name = "user",
     .args = "ACTION [NAME]",
     .help = "add, list, passwd or remove users, who have passwords",
     .more = "add and passwd ask for the password; where no terminal is, the first line of the input is it.\n"
             "Who was signed in by the old password is so no more.",
     .takes = "verb-user name-user",
     .args_min = 1,
     .args_max = 2,
     .run = cmd_user},
    {.name = "key",
     .args = "ACTION [ID]",
     .help = "add, list, revoke or remove keys, for programs",
     .more =
         "add prints the key, once. A key that is revoked stays in the list, and is refused from then on.",
     .takes = "verb-key name-key",
     .args_min = 1,
     .args_max = 2,
     .run = cmd_key},
};

static const struct c2_option options[] = {
    {"access-file", 0, C2_OPT_TEXT, C2_ACCESS_FILE, "FILE", "the file that the services read", NULL},
    {"scopes", 0, C2_OPT_TEXT, "read,follow", "LIST", "of add: read, follow, write, publish, admin", ""},
    {"roots", 0, C2_OPT_LIST, NULL, "PATTERNS", "of add: the roots it is for, such as run-*; default all",
     ""},
    {"expires", 0, C2_OPT_TEXT, "never", "WHEN", "of add: 90d, 12h, a day such as 2027-01-31, or never", ""},
    {"label", 0, C2_OPT_TEXT, NULL, "TEXT", "of add: what it is for", ""},
    {"password-file", 0, C2_OPT_TEXT, NULL, "FILE", "the password is the first line of this file", ""},
    {"key-file", 0, C2_OPT_TEXT, NULL, "FILE", "of key add: not a new key, but that of another access file",
     ""},
};

static const struct c2_options_spec spec = {
    .program = "cat2admin",
    .synopsis = "[OPTIONS] COMMAND ACTION [NAME]",
    .about = "Keep the users and keys of Caterva2's services. Running services notice at once.",
    .section = "admin",
    .options = options,
    .noptions = C2_ARRAY_LEN(options),
    .commands = commands,
    .ncommands = C2_ARRAY_LEN(commands),
    .offer = offer,
};

int main(int argc, char **argv)
{
    struct c2_options *opts = NULL;
    struct cat2_error err = {0};

    if (!c2_options_parse(&spec, argc, argv, &opts, &err)) {
        fprintf(stderr, "cat2admin: %s\n", err.message);
        return 1;
    }
    struct admin admin = {opts, c2_options_text(opts, "access-file")};
    bool ok = c2_secret_setup(&err) && c2_options_command(opts)->run(&admin, &err);
    if (ok && fflush(stdout) != 0) ok = c2_fail(&err, CAT2_EIO, "cannot write to standard output");
    if (!ok) fprintf(stderr, "cat2admin: %s\n", err.message);
    c2_options_free(opts);
    return ok ? 0 : 1;
}
