/* SPDX-License-Identifier: BSD-3-Clause */
/* attrs, stats, open and watch: what is known of one thing. */
#include <inttypes.h>
#include <poll.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

#include "base/limits.h"
#include "bin/cat2cli.h"
#include "bin/cat2cli_entries.h"
#include "client/internal.h"
#include "wire/url.h"

extern char **environ;

/* ---- attrs ---- */

static bool print_attributes(const struct c2_cli *cli, const char *text, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct c2_jval value;
    struct c2_str key, plain;

    if (cli->json) return c2_cli_reprint(text, err);
    if (!c2_json_parse(c2_str_of(text), &json, err)) return false;
    struct c2_jiter it = c2_jiter_of(c2_json_root(json));
    while (c2_jnext(&it, &key, &value)) {
        C2_AUTO(c2_buf) out = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
        bool is_text = c2_jstr(value, &plain);
        if (!is_text && !c2_json_print(value, C2_JSON_PYTHON, &out, err)) return false;
        c2_cli_put_in(cli, C2_CLI_FOLDER, key);
        fputs(": ", stdout);
        c2_cli_put(cli, is_text ? plain : c2_buf_str(&out));
        putchar('\n');
    }
    return true;
}

/* Of a root or a folder; one that has none has {}. */
static bool folder_attributes(const struct c2_cli *cli, const char *path, struct cat2_error *err)
{
    C2_AUTO(c2_buf) target = C2_BUF_INIT(4 * C2_PATH_MAX);
    char *text = NULL;

    bool ok = c2_client_target("/api/attrs/", path, &target, err) &&
              cat2_client_get_json(cli->client, c2_buf_cstr(&target), &text, err) &&
              print_attributes(cli, text, err);
    free(text);
    return ok || c2_client_named(path, err);
}

bool c2_cmd_attrs(void *ctx, struct cat2_error *err)
{
    const struct c2_cli *cli = ctx;
    const char *path = cli->args[0];
    cat2_dataset *dataset = NULL;
    struct cat2_error of_folder = {0};

    if (!strchr(path, '/')) return folder_attributes(cli, path, err);
    if (!cat2_dataset_open(cli->client, path, &dataset, err))
        return err->code == CAT2_ENOTFOUND && folder_attributes(cli, path, &of_folder);
    bool ok = print_attributes(cli, cat2_dataset_attributes(dataset), err);
    cat2_dataset_free(dataset);
    return ok;
}

/* ---- stats ---- */

static void put_fact(const struct c2_cli *cli, struct c2_jval all, const char *key)
{
    C2_AUTO(c2_buf) out = C2_BUF_INIT(4096);
    struct c2_jval value = c2_jget(all, key);
    struct cat2_error ignored;
    struct c2_str text;

    if (!c2_jval_kind(value) || c2_jval_kind(value) == C2_JNULL) return;
    if (!c2_jstr(value, &text)) {
        if (!c2_json_print(value, C2_JSON_PYTHON, &out, &ignored)) return;
        text = c2_buf_str(&out);
    }
    printf("%-9s ", key);
    c2_cli_put(cli, text);
    putchar('\n');
}

static bool print_stats(const struct c2_cli *cli, const char *text, struct cat2_error *err)
{
    static const char *const keys[] = {"dtype", "count", "finite", "nan", "inf", "min",
                                       "max",   "mean",  "std",    "p1",  "p99"};
    C2_AUTO_PTR(c2_json) *json = NULL;
    bool sampled = false;
    double fraction = 1;

    if (cli->json) return c2_cli_reprint(text, err);
    if (!c2_json_parse(c2_str_of(text), &json, err)) return false;
    struct c2_jval all = c2_json_root(json);
    for (size_t i = 0; i < C2_ARRAY_LEN(keys); i++) {
        struct c2_jval dates = c2_jget(all, "dates");
        put_fact(cli, c2_jval_kind(c2_jget(dates, keys[i])) == C2_JSTR ? dates : all, keys[i]);
    }
    if (c2_jbool(c2_jget(all, "sampled"), &sampled) && sampled &&
        c2_jreal(c2_jget(all, "fraction"), &fraction))
        printf("of a sample: %.3g %% of the items were looked at\n", 100 * fraction);
    return true;
}

bool c2_cmd_stats(void *ctx, struct cat2_error *err)
{
    const struct c2_cli *cli = ctx;
    const char *field = c2_options_text(cli->options, "field");
    C2_AUTO(c2_buf) target = C2_BUF_INIT(32768);
    cat2_dataset *dataset = NULL;
    char *slice = NULL, *text = NULL;

    if (!c2_cli_open(cli, cli->args[0], &dataset, &slice, err)) return false;
    bool ok = c2_client_target("/api/stats/", cat2_dataset_path(dataset), &target, err) &&
              (!slice || c2_client_target("?slice_=", slice, &target, err)) &&
              (!field || c2_client_target(slice ? "&field=" : "?field=", field, &target, err));
    ok = ok && (cat2_client_get_json(cli->client, c2_buf_cstr(&target), &text, err) ||
                c2_client_named(cli->args[0], err));
    ok = ok && print_stats(cli, text, err);
    free(text);
    free(slice);
    cat2_dataset_free(dataset);
    return ok;
}

/* ---- open ---- */

/* Who opens pages here: $BROWSER, else what the desktop has. false: nobody. */
static bool start_browser(const char *url)
{
    const char *own = getenv("BROWSER");
    const char *const programs[] = {own && *own ? own : NULL, "xdg-open", "wslview", "open"};
    pid_t child;

    for (size_t i = 0; i < C2_ARRAY_LEN(programs); i++) {
        char *const argv[] = {(char *)(uintptr_t)programs[i], (char *)(uintptr_t)url, NULL};
        int status;
        if (programs[i] && posix_spawnp(&child, programs[i], NULL, NULL, argv, environ) == 0)
            return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    return false;
}

/* Whoever may not look here may still sign in there. */
static bool is_there(const struct c2_cli *cli, struct c2_str path, struct cat2_error *err)
{
    char *text = c2_str_dup(path);
    bool there = text ? c2_entries_there(cli, text, err) : c2_fail_nomem(err, "path");

    free(text);
    return there || err->http_status == 401 || err->http_status == 403;
}

bool c2_cmd_open(void *ctx, struct cat2_error *err)
{
    const struct c2_cli *cli = ctx;
    C2_AUTO(c2_buf) url = C2_BUF_INIT(32768);
    struct c2_str path = {"", 0};

    if (cli->args[0] && !c2_cli_path(cli->args[0], &path, err)) return false;
    if (path.n && !is_there(cli, path, err)) return false;
    if (!c2_buf_puts(&url, cli->client->session.base, err) ||
        !c2_buf_puts(&url, path.n ? "/roots/" : "/", err) || !c2_url_encode(path, true, &url, err))
        return false;
    if (cli->json) {
        C2_AUTO(c2_buf) line = C2_BUF_INIT(65536);
        struct c2_jw w;
        c2_jw_init(&w, &line, C2_JSON_PYTHON, err);
        c2_jw_str(&w, c2_buf_str(&url));
        return c2_jw_finish(&w) && c2_cli_put_json(&line, err);
    }
    puts(c2_buf_cstr(&url));
    fflush(stdout);
    if (!cli->terminal) return true; /* a script wants the address */
    return start_browser(c2_buf_cstr(&url)) ||
           c2_fail(err, CAT2_EIO, "no browser could be started: BROWSER names the program to use");
}

/* ---- watch ---- */

struct watch {
    const struct c2_cli *cli;
    struct c2_str beneath; /* ROOT/FOLDER or ROOT/DATASET; empty: all */
    int64_t left;          /* events that are still wanted; -1: all */
    char last[200];
    bool told; /* that the subscriber is away */
    struct cat2_error err;
};

static bool is_beneath(struct c2_str path, struct c2_str folder)
{
    return folder.n == 0 || c2_str_eq(path, folder) ||
           (path.n > folder.n && memcmp(path.p, folder.p, folder.n) == 0 && path.p[folder.n] == '/');
}

static void print_event(const struct watch *watch, const char *what, enum c2_cli_style style,
                        struct c2_str name)
{
    time_t now = time(NULL);
    struct tm parts;
    char when[32] = "";

    if (localtime_r(&now, &parts)) strftime(when, sizeof(when), "%H:%M:%S", &parts);
    printf("%s  ", when);
    c2_cli_put_in(watch->cli, style, c2_str_of(what));
    printf("%*s", (int)c2_max_i64(1, 9 - (int64_t)strlen(what)), "");
    c2_cli_put(watch->cli, name);
    putchar('\n');
}

/* false: not one that is watched. */
static bool tell(const struct watch *watch, const struct cat2_event *event, struct c2_jval v)
{
    struct c2_str name = {"", 0}, change = {"", 0};
    bool root = strcmp(event->kind, "root") == 0, truth = true;
    char word[40];

    if (!root && strcmp(event->kind, "dataset") != 0 && strcmp(event->kind, "resync") != 0) return false;
    c2_jstr(c2_jget(v, root ? "name" : "path"), &name);
    if (name.n && !is_beneath(name, watch->beneath) && !(root && is_beneath(watch->beneath, name)))
        return false;
    if (watch->cli->json) {
        printf("{\"event\": \"%s\", \"data\": %s}\n", event->kind, event->json);
        return true;
    }
    if (strcmp(event->kind, "resync") == 0) {
        print_event(watch, "resync", C2_CLI_REMOVED, C2_STR("some changes were missed: look anew"));
        return true;
    }
    if (root) {
        bool away = c2_jbool(c2_jget(v, "reached"), &truth) && !truth;
        print_event(watch, away ? "away" : "root", away ? C2_CLI_REMOVED : C2_CLI_ADDED, name);
        return true;
    }
    c2_jstr(c2_jget(v, "change"), &change);
    snprintf(word, sizeof(word), "%.*s", (int)c2_min_i64((int64_t)change.n, 30), change.p);
    print_event(watch, word, c2_str_is(change, "removed") ? C2_CLI_REMOVED : C2_CLI_ADDED, name);
    return true;
}

static bool on_event(void *ctx, const struct cat2_event *event)
{
    struct watch *watch = ctx;
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct cat2_error ignored;

    watch->told = false;
    snprintf(watch->last, sizeof(watch->last), "%s", event->id);
    if (!c2_json_parse(c2_str_of(event->json), &json, &ignored)) return true;
    if (tell(watch, event, c2_json_root(json))) {
        fflush(stdout);
        if (watch->left > 0) watch->left--;
    }
    return watch->left != 0 && !c2_cli_interrupted();
}

/* Of what is not there nothing would ever be told. */
static bool is_root(const struct c2_cli *cli, const char *name, struct cat2_error *err)
{
    cat2_strings *roots = NULL;
    bool found = false;

    if (!cat2_client_roots(cli->client, &roots, err)) return false;
    for (size_t i = 0; i < cat2_strings_count(roots); i++)
        found = found || strcmp(cat2_strings_at(roots, i), name) == 0;
    cat2_strings_free(roots);
    return found || c2_fail(err, CAT2_ENOTFOUND, "there is no root '%.200s'", name);
}

bool c2_cmd_watch(void *ctx, struct cat2_error *err)
{
    struct c2_cli *cli = ctx;
    struct watch watch = {.cli = cli, .beneath = {"", 0}, .left = -1};
    C2_AUTO(c2_buf) root = C2_BUF_INIT(C2_PATH_MAX);
    struct c2_str name, rest;

    if (cli->args[0] && !c2_cli_path(cli->args[0], &watch.beneath, err)) return false;
    c2_str_cut(watch.beneath, '/', &name, &rest);
    if (!c2_buf_append_str(&root, name, err)) return false;
    if (root.n && !is_root(cli, c2_buf_cstr(&root), err)) return false;
    if (!c2_options_number(cli->options, "count", 1, INT64_MAX, &watch.left, err)) return false;
    c2_cli_catch_interrupts();
    cat2_client_on_wait(cli->client, c2_cli_goes_on, NULL);
    while (!c2_cli_interrupted()) {
        if (cat2_client_events(cli->client, root.n ? c2_buf_cstr(&root) : NULL,
                               *watch.last ? watch.last : NULL, on_event, &watch, err))
            break;
        if (c2_cli_interrupted()) break;
        if (err->code != CAT2_EUPSTREAM || (!*watch.last && err->http_status == 0 && !watch.told))
            return false; /* never reached: the address may be wrong */
        if (!watch.told) c2_cli_put_error("waiting: ", err->message);
        watch.told = true;
        poll(NULL, 0, 1000);
    }
    if (c2_cli_interrupted()) cli->status = 130;
    return true;
}
