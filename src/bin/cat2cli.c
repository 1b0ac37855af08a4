/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line client: one command, one answer; errors on stderr and a non-zero exit. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/limits.h"
#include "bin/cat2cli.h"
#include "bin/cat2cli_status.h"
#include "bin/client_options.h"
#include "bin/options.h"
#include "bin/paths.h"

struct cli {
    cat2_client *client;
    const char *args[2]; /* after the command; NULL where none */
    bool json;
    const struct c2_options *options;
};

static bool put_line(struct c2_buf *line, struct cat2_error *err)
{
    if (!c2_buf_putc(line, '\n', err)) return false;
    return fwrite(line->p, 1, line->n, stdout) == line->n ||
           c2_fail(err, CAT2_EIO, "cannot write to standard output");
}

/* The subscriber's answer, re-printed as Python's json.dumps does. */
static bool print_json(struct c2_str text, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    C2_AUTO(c2_buf) line = C2_BUF_INIT(C2_JSON_NBYTES_MAX);

    return c2_json_parse(text, &json, err) && c2_json_print(c2_json_root(json), C2_JSON_PYTHON, &line, err) &&
           put_line(&line, err);
}

/* A line of a name: on a terminal, control characters are shown and not sent, whoever chose the name. */
static void print_name(const char *prefix, const char *name, const char *tail)
{
    static int terminal = -1; /* not asked yet */

    if (terminal < 0) terminal = isatty(STDOUT_FILENO);
    printf("%s", prefix);
    for (; *name; name++) {
        bool control = (unsigned char)*name < 0x20 || *name == 0x7f;
        putchar(terminal && control ? '?' : *name);
    }
    printf("%s\n", tail);
}

/* Those that begin with `only`: behind `prefix` each, or all as JSON. */
static bool print_strings(const cat2_strings *strings, const char *prefix, const char *only, bool json,
                          struct cat2_error *err)
{
    C2_AUTO(c2_buf) out = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    size_t n = cat2_strings_count(strings);
    struct c2_jw w;

    for (size_t i = 0; i < n && !json; i++)
        if (c2_str_starts(c2_str_of(cat2_strings_at(strings, i)), only))
            print_name(prefix, cat2_strings_at(strings, i), "");
    if (!json) return true;
    c2_jw_init(&w, &out, C2_JSON_PYTHON, err);
    c2_jw_begin_array(&w);
    for (size_t i = 0; i < n; i++)
        if (c2_str_starts(c2_str_of(cat2_strings_at(strings, i)), only))
            c2_jw_cstr(&w, cat2_strings_at(strings, i));
    c2_jw_end_array(&w);
    return c2_jw_finish(&w) && put_line(&out, err);
}

static bool cmd_roots(void *ctx, struct cat2_error *err)
{
    struct cli *cli = ctx;
    cat2_strings *roots = NULL;
    char *json = NULL;

    if (cli->json) {
        bool ok =
            cat2_client_get_json(cli->client, "/api/roots", &json, err) && print_json(c2_str_of(json), err);
        free(json);
        return ok;
    }
    if (!cat2_client_roots(cli->client, &roots, err)) return false;
    for (size_t i = 0; i < cat2_strings_count(roots); i++)
        print_name("", cat2_strings_at(roots, i), cat2_strings_flag(roots, i) ? " (subscribed)" : "");
    cat2_strings_free(roots);
    return true;
}

static bool cmd_subscribe(void *ctx, struct cat2_error *err)
{
    struct cli *cli = ctx;
    if (!cat2_client_subscribe(cli->client, cli->args[0], err)) return false;
    puts(cli->json ? "\"Ok\"" : "Ok");
    return true;
}

static bool cmd_unsubscribe(void *ctx, struct cat2_error *err)
{
    struct cli *cli = ctx;
    if (!cat2_client_unsubscribe(cli->client, cli->args[0], err)) return false;
    puts(cli->json ? "\"Ok\"" : "Ok");
    return true;
}

static bool begins_one(const cat2_strings *strings, const char *prefix)
{
    for (size_t i = 0; i < cat2_strings_count(strings); i++)
        if (c2_str_starts(c2_str_of(cat2_strings_at(strings, i)), prefix)) return true;
    return false;
}

/* ROOT or ROOT/FOLDER, with or without a slash at the end. */
static bool cmd_list(void *ctx, struct cat2_error *err)
{
    struct cli *cli = ctx;
    struct c2_str whole = c2_str_of(cli->args[0]), name, folder;
    C2_AUTO(c2_buf) root = C2_BUF_INIT(C2_PATH_MAX);
    C2_AUTO(c2_buf) prefix = C2_BUF_INIT(C2_PATH_MAX);
    C2_AUTO(c2_buf) only = C2_BUF_INIT(C2_PATH_MAX);
    cat2_strings *paths = NULL;

    while (whole.n && whole.p[whole.n - 1] == '/')
        whole.n--;
    c2_str_cut(whole, '/', &name, &folder);
    if (!c2_buf_append_str(&root, name, err) || !c2_buf_printf(&prefix, err, "%.*s/", C2_STR_ARG(name)) ||
        (folder.n && !c2_buf_printf(&only, err, "%.*s/", C2_STR_ARG(folder))))
        return false;
    if (!cat2_client_list(cli->client, c2_buf_cstr(&root), &paths, err)) return false;
    bool ok = !folder.n || begins_one(paths, c2_buf_cstr(&only)) ||
              c2_fail(err, CAT2_ENOTFOUND, "%.200s: there is no such folder", cli->args[0]);
    ok = ok && print_strings(paths, c2_buf_cstr(&prefix), c2_buf_cstr(&only), cli->json, err);
    cat2_strings_free(paths);
    return ok;
}

static bool cmd_url(void *ctx, struct cat2_error *err)
{
    struct cli *cli = ctx;
    cat2_strings *urls = NULL;

    if (!cat2_client_url(cli->client, cli->args[0], &urls, err)) return false;
    bool ok = print_strings(urls, "", "", cli->json, err);
    cat2_strings_free(urls);
    return ok;
}

static bool print_info(const char *path, const char *info, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    C2_AUTO(c2_buf) out = C2_BUF_INIT(C2_JSON_NBYTES_MAX);

    if (!c2_json_parse(c2_str_of(info), &json, err) ||
        !c2_pretty_print(c2_json_root(json), c2_terminal_columns(), &out, err))
        return false;
    print_name("Getting info for ", path, "");
    return put_line(&out, err);
}

static bool cmd_info(void *ctx, struct cat2_error *err)
{
    struct cli *cli = ctx;
    cat2_dataset *dataset = NULL;

    if (!cat2_dataset_open(cli->client, cli->args[0], &dataset, err)) return false;
    const char *info = cat2_dataset_info(dataset);
    bool ok = cli->json ? print_json(c2_str_of(info), err) : print_info(cli->args[0], info, err);
    cat2_dataset_free(dataset);
    return ok;
}

/* "path[slice]" split at the last '[' of a text that ends in ']'. Both are copies, yours; slice NULL without
 * brackets. */
static bool split_slice(const char *arg, char **path, char **slice, struct cat2_error *err)
{
    size_t n = strlen(arg);
    const char *open = strrchr(arg, '[');

    *slice = NULL;
    if (n == 0 || arg[n - 1] != ']' || !open) {
        *path = c2_str_dup(c2_str_of(arg));
        return *path || c2_fail_nomem(err, "argument");
    }
    *path = c2_str_dup((struct c2_str){arg, (size_t)(open - arg)});
    *slice = c2_str_dup((struct c2_str){open + 1, n - (size_t)(open - arg) - 2});
    return (*path && *slice) || c2_fail_nomem(err, "argument");
}

static bool show_json(cat2_dataset *dataset, const char *slice, struct cat2_error *err)
{
    cat2_array *array = NULL;
    C2_AUTO(c2_buf) out = C2_BUF_INIT((size_t)1 << 31);

    if (!cat2_dataset_fetch(dataset, slice, &array, err)) return false;
    bool ok =
        c2_cli_array_json(array, cat2_dataset_kind(dataset) != CAT2_ARRAY, &out, err) && put_line(&out, err);
    cat2_array_free(array);
    return ok;
}

static bool show_text(cat2_dataset *dataset, const char *slice, struct cat2_error *err)
{
    char *text = NULL;

    if (!cat2_dataset_show(dataset, slice, &text, err)) return false;
    puts(text);
    free(text);
    return true;
}

static bool cmd_show(void *ctx, struct cat2_error *err)
{
    struct cli *cli = ctx;
    char *path = NULL, *slice = NULL;
    cat2_dataset *dataset = NULL;
    const char *selection = "";
    bool ok = split_slice(cli->args[0], &path, &slice, err);

    if (ok) ok = cat2_dataset_open(cli->client, path, &dataset, err);
    if (ok) selection = slice ? slice : "";
    if (!ok && slice && err->code == CAT2_ENOTFOUND) { /* the brackets may be part of the name */
        struct cat2_error second;
        ok = cat2_dataset_open(cli->client, cli->args[0], &dataset, &second);
    }
    if (!ok && path && !slice && strchr(path, '['))
        (void)c2_fail_within(err, "%.100s (is a ']' missing at its end?)", cli->args[0]);
    ok = ok && (cli->json ? show_json(dataset, selection, err) : show_text(dataset, selection, err));
    cat2_dataset_free(dataset);
    free(path);
    free(slice);
    return ok;
}

static bool cmd_download(void *ctx, struct cat2_error *err)
{
    struct cli *cli = ctx;
    return c2_cli_download(cli->client, cli->args[0], cli->args[1], cli->json, err);
}

/* The services that are named; else the subscriber, and the broker where the configuration has one. */
static bool cmd_status(void *ctx, struct cat2_error *err)
{
    struct cli *cli = ctx;
    const char *addresses[C2_STATUS_SERVICES_MAX], *broker = c2_client_broker(cli->options);
    struct cat2_client_options access;
    int n = 0;

    for (int i = 1; i < c2_options_nargs(cli->options) && n < C2_STATUS_SERVICES_MAX; i++)
        addresses[n++] = c2_options_arg(cli->options, i);
    if (n == 0) {
        addresses[n++] = c2_client_host(cli->options);
        if (broker) addresses[n++] = broker;
    }
    c2_client_access(cli->options, &access);
    return c2_cli_status(addresses, n, &access, cli->json, err);
}

static const struct c2_command commands[] = {
    {.name = "roots",
     .args = "",
     .help = "the roots it knows; those it follows are marked",
     .run = cmd_roots},
    {.name = "subscribe",
     .args = "ROOT",
     .help = "follow a root",
     .takes = "other",
     .args_min = 1,
     .args_max = 1,
     .run = cmd_subscribe},
    {.name = "unsubscribe",
     .args = "ROOT",
     .help = "follow it no more, forget what is cached of it",
     .takes = "followed",
     .args_min = 1,
     .args_max = 1,
     .run = cmd_unsubscribe},
    {.name = "list",
     .args = "ROOT[/FOLDER]",
     .help = "its datasets, or those of a folder",
     .takes = "folder",
     .args_min = 1,
     .args_max = 1,
     .run = cmd_list},
    {.name = "url",
     .args = "ROOT[/DATASET]",
     .help = "where its publisher serves it",
     .takes = "dataset",
     .args_min = 1,
     .args_max = 1,
     .run = cmd_url},
    {.name = "info",
     .args = "DATASET",
     .help = "metadata, e.g. foo/dir1/ds-2d.b2nd",
     .takes = "dataset",
     .args_min = 1,
     .args_max = 1,
     .run = cmd_info},
    {.name = "show",
     .args = "DATASET[SLICE]",
     .help = "values, e.g. 'foo/dir1/ds-2d.b2nd[0:3, ::-1]'",
     .more =
         "The slice is NumPy basic indexing; quote it for the shell. Arrays of more than 1000 items are\n"
         "summarised, and only their edges are fetched. Frames and files print as text when they are UTF-8.",
     .takes = "dataset+",
     .args_min = 1,
     .args_max = 1,
     .run = cmd_show},
    {.name = "download",
     .args = "DATASET [OUTDIR]",
     .help = "save it as OUTDIR/DATASET; an interrupted download is resumed",
     .more =
         "Without OUTDIR it is saved in the current directory. Data arrives in FILE.part, which is renamed\n"
         "when it is whole. Where the dataset is saved is printed.",
     .takes = "dataset dir",
     .args_min = 1,
     .args_max = 2,
     .run = cmd_download},
    {.name = "status",
     .args = "[HOST:PORT...]",
     .help = "the state of services: are they up, whom do they reach, the cache",
     .more = "Without arguments the subscriber is asked, and the broker if the configuration has one. The "
             "status is\n"
             "1 when a service is down or not ready, or a publisher is not reached.",
     .takes = "-",
     .args_max = C2_STATUS_SERVICES_MAX,
     .run = cmd_status},
};

static const struct c2_option options[] = {
    C2_CLIENT_OPTIONS,
    {"json", 0, C2_OPT_FLAG, NULL, NULL, "print JSON", ""},
};

static const struct c2_options_spec spec = {
    .program = "cat2cli",
    .synopsis = "[OPTIONS] COMMAND [ARGUMENTS]",
    .about = "Ask a Caterva2 subscriber for its roots, datasets and data.",
    .section = "client",
    .options = options,
    .noptions = C2_ARRAY_LEN(options),
    .commands = commands,
    .ncommands = C2_ARRAY_LEN(commands),
    .offer = c2_offer_paths,
};

static int run(const struct c2_options *opts)
{
    struct cli cli = {.json = c2_options_flag(opts, "json"), .options = opts};
    struct cat2_client_options access;
    struct cat2_error err = {0};

    for (int i = 0; i < 2 && i + 1 < c2_options_nargs(opts); i++)
        cli.args[i] = c2_options_arg(opts, i + 1);
    c2_client_access(opts, &access);
    bool ok = cat2_client_new(c2_client_host(opts), &access, &cli.client, &err) &&
              c2_options_command(opts)->run(&cli, &err);
    cat2_client_free(cli.client);
    if (ok && fflush(stdout) != 0) ok = c2_fail(&err, CAT2_EIO, "cannot write to standard output");
    if (!ok) fprintf(stderr, "Error: %s\n", err.message);
    return ok ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct c2_options *opts = NULL;
    struct cat2_error err = {0};

    if (!c2_options_parse(&spec, argc, argv, &opts, &err)) {
        fprintf(stderr, "cat2cli: %s\n", err.message);
        return 1;
    }
    int status = run(opts);
    c2_options_free(opts);
    return status;
}
