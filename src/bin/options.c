/* SPDX-License-Identifier: BSD-3-Clause */
/* Options: command line > environment > configuration file > default. */
#include "bin/options.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "bin/options_impl.h"
#include "wire/url.h"

#define PERIOD_MAX 31536000  /* seconds: a year */
#define VALUE_MAX  (1 << 20) /* bytes of one, all its repetitions together */

static int index_of(const struct c2_options_spec *spec, const char *name)
{
    const struct c2_option *option;

    for (size_t i = 0; (option = c2_option_at(spec, i)); i++)
        if (strcmp(option->name, name) == 0) return (int)i;
    return -1;
}

static bool size_value(struct c2_str text, int64_t *out)
{
    static const struct {
        const char *unit;
        int64_t factor;
    } units[] = {{"", 1},
                 {"B", 1},
                 {"K", 1000},
                 {"M", 1000000},
                 {"G", 1000000000},
                 {"T", 1000000000000},
                 {"KiB", 1 << 10},
                 {"MiB", 1 << 20},
                 {"GiB", 1 << 30},
                 {"TiB", (int64_t)1 << 40},
                 {"KB", 1000},
                 {"MB", 1000000},
                 {"GB", 1000000000},
                 {"TB", 1000000000000}};
    struct c2_cursor in = c2_cursor_of(text);
    bool overflow;

    if (!c2_cursor_i64(&in, out, &overflow) || overflow || *out < 0) return false;
    c2_cursor_blanks(&in);
    for (size_t i = 0; i < C2_ARRAY_LEN(units); i++)
        if (c2_str_eq_nocase((struct c2_str){in.p, c2_cursor_left(&in)}, c2_str_of(units[i].unit)))
            return c2_mul_i64(*out, units[i].factor, out);
    return false;
}

/* Seconds with up to three places, at least 0.1; or "never", -1. */
static bool period_value(struct c2_str text, int64_t *ms)
{
    struct c2_str whole, places;
    int64_t n = 0, part = 0;

    *ms = -1;
    if (c2_str_is(text, "never")) return true;
    c2_str_cut(text, '.', &whole, &places);
    if (!c2_str_to_i64(whole, &n) || n < 0 || n > PERIOD_MAX || places.n > 3) return false;
    if (places.n && (places.p[0] < '0' || !c2_str_to_i64(places, &part) || part < 0)) return false;
    for (size_t i = places.n; i < 3; i++)
        part *= 10;
    *ms = 1000 * n + part;
    return *ms >= 100;
}

static bool check_word(const struct c2_option *option, const char *value, struct cat2_error *err)
{
    struct c2_str rest = c2_str_of(option->arg), word;

    while (c2_option_word(option, &rest, &word))
        if (c2_str_eq_nocase(c2_str_of(value), word)) return true;
    return c2_fail(err, CAT2_EINVAL, "'%.60s' is not one of %s", value, option->arg);
}

static bool check_value(const struct c2_option *option, const char *value, struct cat2_error *err)
{
    struct c2_str text = c2_str_of(value);
    struct c2_endpoint endpoint;
    enum c2_level level;
    int64_t number;
    char address[300];
    bool tls;

    switch (option->kind) {
    case C2_OPT_INT:
        return c2_str_to_i64(text, &number) || c2_fail(err, CAT2_EINVAL, "'%.60s' is not a number", value);
    case C2_OPT_SIZE:
        return size_value(text, &number) ||
               c2_fail(err, CAT2_EINVAL, "'%.60s' is not a size such as 500M or 10GiB", value);
    case C2_OPT_PERIOD:
        return period_value(text, &number) ||
               c2_fail(err, CAT2_EINVAL, "'%.60s' is neither seconds, 0.1 or more, nor never", value);
    case C2_OPT_ENDPOINT:
        return c2_endpoint_parse(text, &endpoint, err);
    case C2_OPT_SERVICE:
        return c2_service_address(text, address, sizeof(address), &tls, err);
    case C2_OPT_LEVEL:
        return c2_level_parse(text, &level, err);
    default:
        return !c2_option_has_words_only(option) || check_word(option, value, err);
    }
}

bool c2_options_set(struct c2_options *o, int i, const char *value, const char *where, struct cat2_error *err)
{
    const struct c2_option *option = c2_option_at(o->spec, (size_t)i);

    C2_AUTO(c2_buf) text = C2_BUF_INIT(VALUE_MAX);

    if (!check_value(option, value, err)) return c2_fail_within(err, "%s", where);
    bool more = option->kind == C2_OPT_LIST && o->values[i];
    if ((more && (!c2_buf_puts(&text, o->values[i], err) || !c2_buf_putc(&text, '\n', err))) ||
        !c2_buf_puts(&text, value, err))
        return c2_fail_within(err, "%s", where);
    free(o->values[i]);
    o->values[i] = c2_str_dup(c2_buf_str(&text));
    return o->values[i] || c2_fail_nomem(err, "options");
}

/* The i-th option with its value; NULL: it has none. */
static void take_value(struct c2_options *o, int i, const char *value)
{
    const struct c2_option *option = c2_option_at(o->spec, (size_t)i);
    struct cat2_error err;
    char where[100];

    if (option->kind == C2_OPT_FLAG)
        value = "1";
    else if (!value)
        c2_usage_exit(o->spec, NULL, "option --%s needs a value", option->name);
    snprintf(where, sizeof(where), "argument --%s", option->name);
    if (!c2_options_set(o, i, value, where, &err)) c2_usage_exit(o->spec, NULL, "%s", err.message);
}

/* "-lr", "-oFILE": letters of flags, the last perhaps of an option with a value. next: the word that follows.
 * Returns how many words it took. */
static int take_letters(struct c2_options *o, const char *letters, const char *next)
{
    for (; *letters; letters++) {
        char text[] = {'-', *letters, '\0'};
        int i = c2_option_of_letter(o->spec, *letters);
        if (i < 0) c2_no_option_exit(o->spec, c2_str_of(text), false);
        if (c2_option_at(o->spec, (size_t)i)->kind != C2_OPT_FLAG) {
            take_value(o, i, letters[1] ? letters + 1 : next);
            return letters[1] ? 1 : 2;
        }
        take_value(o, i, NULL);
    }
    return 1;
}

/* One "--name", "--name=value" or some letters; returns how many words it took. */
static int take_option(struct c2_options *o, int argc, char **argv, int at)
{
    struct c2_str given, value, text = c2_str_of(argv[at]);
    const char *next = at + 1 < argc ? argv[at + 1] : NULL;

    if (!c2_str_starts(text, "--")) return take_letters(o, argv[at] + 1, next);
    bool inline_value = c2_str_cut(text, '=', &given, &value);
    int i = c2_option_find(o->spec, (struct c2_str){given.p + 2, given.n - 2});
    if (i < 0) c2_no_option_exit(o->spec, given, i == -2);
    const struct c2_option *option = c2_option_at(o->spec, (size_t)i);
    bool flag = option->kind == C2_OPT_FLAG;
    if (flag && inline_value) c2_usage_exit(o->spec, NULL, "option --%s takes no value", option->name);
    take_value(o, i, inline_value ? value.p : next);
    return flag || inline_value ? 1 : 2;
}

/* Those that are of other commands. */
static void check_options(const struct c2_options *o)
{
    const struct c2_option *option;

    for (size_t i = 0; (option = c2_option_at(o->spec, i)); i++)
        if (o->values[i] && !c2_option_is_of(o->spec, option, o->command))
            c2_usage_exit(o->spec, o->command, "%s has no option --%s", o->command->name, option->name);
}

static void check_arguments(struct c2_options *o)
{
    const struct c2_options_spec *spec = o->spec;
    int min = spec->args_min, max = spec->args_max, n = o->nargs;

    if (spec->commands) {
        if (n == 0) c2_usage_exit(spec, NULL, "missing command");
        if (!o->command) c2_no_command_exit(spec, o->args[0]);
        n--;
        min = o->command->args_min;
        max = o->command->args_max;
    }
    if (n == 0 && spec->args_key) return; /* perhaps the configuration has some */
    if (n < min) c2_usage_exit(spec, o->command, "missing arguments");
    if (max >= 0 && n > max)
        c2_usage_exit(spec, o->command, "too many arguments, from '%.60s' on", o->args[o->nargs - n + max]);
}

static void parse_command_line(struct c2_options *o, int argc, char **argv)
{
    bool only_args = false;

    for (int at = 1; at < argc;) {
        if (!only_args && strcmp(argv[at], "--") == 0) {
            only_args = true;
            at++;
        } else if (!only_args && argv[at][0] == '-' && argv[at][1]) {
            at += take_option(o, argc, argv, at);
        } else {
            if (o->nargs == C2_ARGS_MAX) c2_usage_exit(o->spec, NULL, "too many arguments");
            o->args[o->nargs++] = argv[at++];
        }
    }
    bool help = o->values[index_of(o->spec, "help")];
    if (o->spec->commands && o->nargs && strcmp(o->args[0], "help") == 0) {
        help = true;
        memmove(o->args, o->args + 1, (size_t)--o->nargs * sizeof(*o->args));
    }
    if (o->spec->commands && o->nargs) o->command = c2_command_find(o->spec, o->args[0]);
    if (help) {
        if (o->spec->commands && o->nargs && !o->command) c2_no_command_exit(o->spec, o->args[0]);
        c2_print_help(o->spec, o->command);
        exit(0);
    }
    if (o->values[index_of(o->spec, "version")]) {
        printf("%s %s\n", o->spec->program, C2_VERSION);
        exit(0);
    }
    check_arguments(o);
    check_options(o);
}

/* CATERVA2_SUBSCRIBER_HTTP for key "subscriber.http". */
static const char *from_environment(const char *key)
{
    char name[128];
    int n = snprintf(name, sizeof(name), "CATERVA2_%s", key);

    for (int i = 0; i < n && i < (int)sizeof(name) - 1; i++)
        name[i] = name[i] == '.' || name[i] == '-' ? '_' : (char)toupper((unsigned char)name[i]);
    return getenv(name);
}

/* The directory that systemd made for our state; NULL: it did not. */
static const char *of_service_manager(void)
{
    const char *directory = getenv("STATE_DIRECTORY");

    return directory && directory[0] == '/' ? directory : NULL;
}

/* Arguments that are in the configuration, one a line. */
static bool fill_args(struct c2_options *o, struct cat2_error *err)
{
    const struct c2_options_spec *spec = o->spec;
    char key[300], *line, *rest;

    if (!spec->args_key || o->nargs) return true;
    snprintf(key, sizeof(key), "%s%s%s.%s", spec->section, o->id ? "." : "", o->id ? o->id : "",
             spec->args_key);
    const char *lines = from_environment(key);
    if (!lines) lines = c2_conf_get(o->conf, key);
    if (lines && !(o->args_lines = c2_str_dup(c2_str_of(lines)))) return c2_fail_nomem(err, "options");
    line = lines ? strtok_r(o->args_lines, "\n", &rest) : NULL;
    for (; line && o->nargs < C2_ARGS_MAX; line = strtok_r(NULL, "\n", &rest))
        o->args[o->nargs++] = line;
    if (o->nargs < spec->args_min)
        return c2_fail(err, CAT2_EINVAL, "missing arguments: none are given, and %.160s has no %.100s",
                       o->conf_path, key);
    return spec->args_max < 0 || o->nargs <= spec->args_max ||
           c2_fail(err, CAT2_EINVAL, "%.160s: %.100s has more than %d", o->conf_path, key, spec->args_max);
}

void c2_option_key(const struct c2_options_spec *spec, const struct c2_option *option, const char *id,
                   char *out, size_t size)
{
    bool own = !option->key;

    snprintf(out, size, "%s%s%s%s%s", own ? spec->section : option->key, own && id ? "." : "",
             own && id ? id : "", own ? "." : "", own ? option->name : "");
}

/* What the command line left open. */
static bool fill_values(struct c2_options *o, struct cat2_error *err)
{
    const struct c2_option *option;

    for (size_t i = 0; (option = c2_option_at(o->spec, i)); i++) {
        char key[300], where[340];
        if (o->values[i]) continue;
        c2_option_key(o->spec, option, o->id, key, sizeof(key));
        bool configurable = *key && !o->spec->bare;
        const char *value = configurable ? from_environment(key) : NULL;
        snprintf(where, sizeof(where), "environment, %s", key);
        if (!value && configurable && (value = c2_conf_get(o->conf, key)))
            snprintf(where, sizeof(where), "%s:%d: %s", o->conf_path, c2_conf_line(o->conf, key), key);
        if (!value && strcmp(option->name, "statedir") == 0) value = of_service_manager();
        o->defaults[i] = !value;
        if (!value) value = option->fallback;
        if (value && !c2_options_set(o, (int)i, value, where, err)) return false;
    }
    return true;
}

bool c2_options_fill(struct c2_options *o, struct cat2_error *err)
{
    const struct c2_options_spec *spec = o->spec;

    if (spec->bare) return fill_values(o, err);
    const char *conf = o->values[index_of(spec, "conf")];
    o->conf_path = conf ? conf : "caterva2.toml";
    o->id = o->values[index_of(spec, "id")];
    if (o->id && (!*o->id || strchr(o->id, '.') || strchr(o->id, '/')))
        return c2_fail(err, CAT2_EINVAL, "--id: '%.60s' holds '.' or '/'", o->id);
    if (!c2_conf_read(o->conf_path, !conf, &o->conf, err)) return false;
    if (o->id && !c2_conf_has(o->conf, spec->section, o->id))
        return c2_fail(err, CAT2_EINVAL, "--id %.60s: %.160s has no section [%s.%.60s]", o->id, o->conf_path,
                       spec->section, o->id);
    return fill_values(o, err);
}

bool c2_options_parse(const struct c2_options_spec *spec, int argc, char **argv, struct c2_options **out,
                      struct cat2_error *err)
{
    if (argc > 2 && strcmp(argv[1], "--complete") == 0) c2_complete_exit(spec, argc - 2, argv + 2);
    if (argc == 3 && strcmp(argv[1], "--print-completion") == 0) {
        if (!c2_print_completion(spec, argv[2]))
            c2_usage_exit(spec, NULL, "--print-completion: '%.60s' is not bash, zsh or fish", argv[2]);
        exit(0);
    }
    struct c2_options *o = calloc(1, sizeof(*o));
    if (!o) return c2_fail_nomem(err, "options");
    C2_ASSERT(!c2_option_at(spec, C2_VALUES_MAX));
    o->spec = spec;
    parse_command_line(o, argc, argv);
    if (!c2_options_fill(o, err) || !fill_args(o, err)) {
        c2_options_free(o);
        return false;
    }
    *out = o;
    return true;
}

void c2_options_free(struct c2_options *o)
{
    if (!o) return;
    for (size_t i = 0; i < C2_VALUES_MAX; i++)
        free(o->values[i]);
    c2_conf_free(o->conf);
    free(o->args_lines);
    free(o);
}

const char *c2_options_text(const struct c2_options *o, const char *name)
{
    int i = index_of(o->spec, name);

    C2_ASSERT(i >= 0);
    return o->values[i];
}

bool c2_options_given(const struct c2_options *o, const char *name)
{
    int i = index_of(o->spec, name);

    C2_ASSERT(i >= 0);
    return o->values[i] && !o->defaults[i];
}

int64_t c2_options_int(const struct c2_options *o, const char *name)
{
    const char *text = c2_options_text(o, name);
    int64_t value = 0;

    if (text) size_value(c2_str_of(text), &value);
    return value;
}

bool c2_options_number(const struct c2_options *options, const char *name, int64_t least, int64_t most,
                       int64_t *out, struct cat2_error *err)
{
    int64_t n = c2_options_int(options, name);

    if (!c2_options_text(options, name)) return true;
    if (n < least || n > most)
        return c2_fail(err, CAT2_EINVAL, "--%s is a number from %lld to %lld", name, (long long)least,
                       (long long)most);
    *out = n;
    return true;
}

int64_t c2_options_period(const struct c2_options *o, const char *name)
{
    const char *text = c2_options_text(o, name);
    int64_t ms = 0;

    if (text) period_value(c2_str_of(text), &ms);
    return ms;
}

bool c2_options_flag(const struct c2_options *o, const char *name)
{
    const char *text = c2_options_text(o, name);

    return text && strcmp(text, "0") != 0 && strcmp(text, "false") != 0;
}

const struct c2_command *c2_options_command(const struct c2_options *o)
{
    return o->command;
}
int c2_options_nargs(const struct c2_options *o)
{
    return o->nargs;
}
const char *c2_options_arg(const struct c2_options *o, int i)
{
    return i < o->nargs ? o->args[i] : NULL;
}
const char *c2_options_id(const struct c2_options *o)
{
    return o->id;
}
const char *c2_options_conf(const struct c2_options *o, const char *key)
{
    return c2_conf_get(o->conf, key);
}

static const char *of_section(const struct c2_options *o, const char *section, const char *key)
{
    char full[80];

    snprintf(full, sizeof(full), "%s.%s", section, key);
    return c2_options_conf(o, full);
}

const char *c2_options_service(const struct c2_options *o, const char *option, const char *section,
                               char out[C2_SERVICE_URL_MAX])
{
    const char *text = option ? c2_options_text(o, option) : NULL, *http = of_section(o, section, "http");
    const char *public_url = of_section(o, section, "public-url");
    bool tls = of_section(o, section, "certificate") != NULL;

    if (!http || (text && (strcmp(text, http) != 0 || strstr(text, "://")))) return text;
    const char *at = tls && public_url ? public_url : http;
    bool any = strncmp(at, "*:", 2) == 0; /* as it is told to listen */
    snprintf(out, C2_SERVICE_URL_MAX, "%s%s%s", tls && !strstr(at, "://") ? "https://" : "",
             any ? "localhost" : "", any ? at + 1 : at);
    return out;
}
