/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line client: one command, one answer; errors on stderr and a non-zero exit. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

#include "bin/cat2cli.h"
#include "bin/cat2cli_status.h"
#include "bin/client_options.h"
#include "bin/options.h"
#include "bin/paths.h"

#define FORMATS "npy|csv|json|png|tiff|h5|raw|b2nd"

/* The services that are named; else the subscriber, and the broker where the configuration has one. */
static bool cmd_status(void *ctx, struct cat2_error *err)
{
    const struct c2_cli *cli = ctx;
    const char *addresses[C2_STATUS_SERVICES_MAX];
    char address[C2_SERVICE_URL_MAX];
    int n = 0;

    for (int i = 0; c2_cli_arg(cli, i) && n < C2_STATUS_SERVICES_MAX; i++)
        addresses[n++] = c2_cli_arg(cli, i);
    if (n == 0) {
        addresses[n++] = c2_client_host(cli->options);
        addresses[n] = c2_options_service(cli->options, NULL, "broker", address);
        n += addresses[n] != NULL;
    }
    return c2_cli_status(addresses, n, &cli->access, cli->json, err);
}

static const struct c2_command commands[] = {
    {.name = "roots",
     .args = "",
     .help = "the roots it knows; those it follows are marked",
     .run = c2_cmd_roots},
    {.name = "subscribe",
     .args = "ROOT",
     .help = "follow a root",
     .takes = "other",
     .examples = "cat2cli subscribe foo",
     .args_min = 1,
     .args_max = 1,
     .run = c2_cmd_subscribe},
    {.name = "unsubscribe",
     .args = "ROOT",
     .help = "follow it no more, forget what is cached of it",
     .takes = "followed",
     .examples = "cat2cli unsubscribe foo",
     .args_min = 1,
     .args_max = 1,
     .run = c2_cmd_unsubscribe},
    {.name = "list",
     .args = "ROOT[/FOLDER]",
     .help = "its datasets, or those of a folder",
     .more = "A path a line. On a terminal those that cannot be served are marked; ls marks them always.",
     .takes = "folder",
     .examples = "cat2cli list foo/dir1",
     .args_min = 1,
     .args_max = 1,
     .run = c2_cmd_list},
    {.name = "ls",
     .args = "[PATH|PATTERN...]",
     .help = "what is in roots and folders; without a path the roots",
     .more =
         "Folders end in a slash. Patterns have *, ? and [...] within a name, and ** for any folders; quote\n"
         "them for the shell. With -l: size, how much of it is cached, time of change, shape and dtype.",
     .takes = "dataset",
     .options = "long recursive time",
     .examples = "cat2cli ls foo\ncat2cli ls -lt foo/dir1\ncat2cli ls -R 'foo/**/ds-*.b2nd'",
     .args_max = 200,
     .pages = true,
     .run = c2_cmd_ls},
    {.name = "tree",
     .args = "[ROOT[/FOLDER]]",
     .help = "folders and datasets as a tree; without a root all that are followed",
     .takes = "folder",
     .examples = "cat2cli tree foo",
     .args_max = 1,
     .pages = true,
     .run = c2_cmd_tree},
    {.name = "find",
     .args = "TEXT|PATTERN [ROOT[/FOLDER]]",
     .help = "datasets by name or attribute, groups by attribute",
     .more =
         "TEXT is looked for in paths and attributes, in any case. A PATTERN, with * or ?, is one of names,\n"
         "or of whole paths if it has a slash.",
     .takes = "- folder",
     .options = "long",
     .examples = "cat2cli find kelvin\ncat2cli find '*.b2frame' foo",
     .args_min = 1,
     .args_max = 2,
     .pages = true,
     .run = c2_cmd_find},
    {.name = "du",
     .args = "[PATH|PATTERN]",
     .help = "how large folders are: items, compressed, cached",
     .takes = "dataset",
     .examples = "cat2cli du foo",
     .args_max = 1,
     .run = c2_cmd_du},
    {.name = "url",
     .args = "ROOT[/DATASET]",
     .help = "where its publisher serves it",
     .takes = "dataset",
     .examples = "cat2cli url foo/ds-1d.b2nd",
     .args_min = 1,
     .args_max = 1,
     .run = c2_cmd_url},
    {.name = "info",
     .args = "DATASET",
     .help = "metadata, e.g. foo/dir1/ds-2d.b2nd",
     .takes = "dataset",
     .examples = "cat2cli info foo/dir1/ds-2d.b2nd",
     .args_min = 1,
     .args_max = 1,
     .pages = true,
     .run = c2_cmd_info},
    {.name = "attrs",
     .args = "ROOT[/PATH]",
     .help = "attributes of a dataset, folder or root",
     .takes = "dataset",
     .examples = "cat2cli attrs foo/ds-sc-attr.b2nd",
     .args_min = 1,
     .args_max = 1,
     .pages = true,
     .run = c2_cmd_attrs},
    {.name = "show",
     .args = "DATASET[SLICE]",
     .help = "values, e.g. 'foo/dir1/ds-2d.b2nd[0:3, ::-1]'",
     .more =
         "The slice is NumPy basic indexing; quote it for the shell. Arrays of more than 1000 items are\n"
         "summarised, and only their edges are fetched. Frames and files print as text when they are UTF-8.",
     .takes = "dataset+",
     .examples = "cat2cli show 'foo/dir1/ds-2d.b2nd[0:3, 4:9]'\ncat2cli -j show 'foo/ds-1d.b2nd[::100]'",
     .args_min = 1,
     .args_max = 1,
     .pages = true,
     .run = c2_cmd_show},
    {.name = "stats",
     .args = "DATASET[SLICE]",
     .help = "count, least, greatest, mean and spread of its numbers",
     .takes = "dataset+",
     .options = "field",
     .examples = "cat2cli stats 'foo/ds-1d.b2nd[:500]'",
     .args_min = 1,
     .args_max = 1,
     .run = c2_cmd_stats},
    {.name = "diff",
     .args = "PATH PATH",
     .help = "how two datasets differ, or what is in two folders",
     .more =
         "Shapes, dtypes, attributes and items are compared. The exit status is 3 if there are differences.",
     .takes = "dataset dataset",
     .examples = "cat2cli diff foo/ds-1d.b2nd foo/ds-sc-attr.b2nd\ncat2cli diff foo/dir1 bar/dir1",
     .args_min = 2,
     .args_max = 2,
     .run = c2_cmd_diff},
    {.name = "download",
     .args = "DATASET[SLICE] [OUTDIR]",
     .help = "save it as OUTDIR/DATASET; an interrupted download is resumed",
     .more =
         "Without OUTDIR it is saved in the current directory. Data arrives in FILE.part, which is renamed\n"
         "when it is whole. Where the dataset is saved is printed. With -r all that is in a root or folder "
         "is\n"
         "saved, as sync does. With -o FILE a dataset or slice is saved in the format of the file's ending:\n"
         ".npy, .csv, .json, .tiff, .h5, .png, .raw, .b2nd; - is standard output. Of tables, --where, "
         "--sort\n"
         "and --fields pick rows and fields as the web page does, and a slice is one of those rows. A "
         "folder\n"
         "that is also a file, as an HDF5 file is, is saved as NAME.dir.",
     .takes = "dataset dir",
     .options = "recursive output format field where sort fields include exclude parallel dry-run",
     .examples = "cat2cli download foo/ds-1d.b2nd\ncat2cli download -r foo/dir1 copies\n"
                 "cat2cli download 'foo/dir1/ds-3d.b2nd[1]' -o plane.npy\n"
                 "cat2cli download 'foo/ds-1d.b2nd[:5]' -o - --format csv\n"
                 "cat2cli download foo/ds-table.b2nd --where 'a > 7' --sort -b -o rows.csv",
     .args_min = 1,
     .args_max = 2,
     .run = c2_cmd_download},
    {.name = "sync",
     .args = "ROOT[/FOLDER] DIR",
     .help = "make DIR a copy of it: only what has changed is fetched",
     .more = "What was saved is remembered in DIR/.caterva2-sync. Files that the source has no more stay, "
             "unless\n"
             "--delete is given; then those go that were saved by an earlier run and not changed since.\n"
             "Symbolic links in DIR are not followed.",
     .takes = "folder dir",
     .options = "include exclude delete parallel dry-run",
     .examples = "cat2cli sync foo copy\ncat2cli sync --delete --exclude '*.md' foo copy",
     .args_min = 2,
     .args_max = 2,
     .run = c2_cmd_sync},
    {.name = "open",
     .args = "[PATH]",
     .help = "show its page in a browser, and print the address",
     .more = "The browser is that of BROWSER, else of the desktop. In a pipe only the address is printed.",
     .takes = "dataset",
     .examples = "cat2cli open foo/dir1/ds-2d.b2nd",
     .args_max = 1,
     .run = c2_cmd_open},
    {.name = "watch",
     .args = "[ROOT[/PATH]]",
     .help = "print changes of datasets as they happen",
     .more = "With --json an object a line. It waits for a subscriber that is away, until it is interrupted.",
     .takes = "dataset",
     .options = "count",
     .examples = "cat2cli watch foo/dir1\ncat2cli -j watch --count 1 foo",
     .args_max = 1,
     .run = c2_cmd_watch},
    {.name = "status",
     .args = "[HOST:PORT...]",
     .help = "the state of services: are they up, whom do they reach, the cache",
     .more = "Without arguments the subscriber is asked, and the broker if the configuration has one. The "
             "status is\n"
             "1 when a service is down or not ready, or a publisher is not reached.",
     .takes = "-",
     .examples = "cat2cli status\ncat2cli status localhost:8000 localhost:8001",
     .args_max = C2_STATUS_SERVICES_MAX,
     .run = cmd_status},
};

static const struct c2_option options[] = {
    C2_CLIENT_OPTIONS,
    {"json", 'j', C2_OPT_FLAG, NULL, NULL, "print JSON", ""},
    {"long", 'l', C2_OPT_FLAG, NULL, NULL, "with size, cached share, time, shape and dtype", ""},
    {"recursive", 'r', C2_OPT_FLAG, NULL, NULL, "all that is in it, at any depth", ""},
    {"time", 't', C2_OPT_FLAG, NULL, NULL, "what changed last comes first", ""},
    {"output", 'o', C2_OPT_TEXT, NULL, "FILE", "save as this file, in the format of its ending; -: print it",
     ""},
    {"format", 0, C2_OPT_TEXT, NULL, FORMATS, "the format, whatever the ending", ""},
    {"field", 0, C2_OPT_TEXT, NULL, "NAME", "of structured items the field NAME", ""},
    {"where", 0, C2_OPT_TEXT, NULL, "EXPR", "of a table only rows for which this is true", ""},
    {"sort", 0, C2_OPT_TEXT, NULL, "FIELDS", "in the order of these fields, -FIELD the greatest first", ""},
    {"fields", 0, C2_OPT_TEXT, NULL, "FIELDS", "of a table these fields, with commas between them", ""},
    {"include", 0, C2_OPT_LIST, NULL, "GLOB", "only datasets whose path in it matches; * also matches /", ""},
    {"exclude", 0, C2_OPT_LIST, NULL, "GLOB", "no datasets whose path matches", ""},
    {"delete", 0, C2_OPT_FLAG, NULL, NULL, "remove what was saved before and is there no more", ""},
    {"parallel", 0, C2_OPT_INT, "4", "N", "so many at a time, at most 32", ""},
    {"dry-run", 'n', C2_OPT_FLAG, NULL, NULL, "print what would be done, and do nothing", ""},
    {"count", 0, C2_OPT_INT, NULL, "N", "end after so many changes", ""},
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
    const struct c2_command *command = c2_options_command(opts);
    struct c2_cli cli = {.json = c2_options_flag(opts, "json"), .options = opts};
    struct cat2_error err = {0}, unwritten = {0};

    for (int i = 0; i < 2; i++)
        cli.args[i] = c2_cli_arg(&cli, i);
    c2_client_access(opts, &cli.access);
    c2_cli_out_open(&cli, command->pages);
    bool ok = cat2_client_new(c2_client_host(opts), &cli.access, &cli.client, &err);
    ok = ok && command->run(&cli, &err);
    if (!ok && cli.client && cli.args[0]) c2_cli_suggest(&cli, cli.args[0], &err);
    cat2_client_free(cli.client);
    if (!c2_cli_out_close(&cli, &unwritten) && ok) {
        ok = false;
        err = unwritten;
    }
    if (!ok) c2_cli_put_error("Error: ", err.message);
    if (c2_cli_interrupted()) return 130;
    return ok ? cli.status : 1;
}

int main(int argc, char **argv)
{
    struct c2_options *opts = NULL;
    struct cat2_error err = {0};

    setlocale(LC_CTYPE, "");
    if (!c2_options_parse(&spec, argc, argv, &opts, &err)) {
        fprintf(stderr, "cat2cli: %s\n", err.message);
        return 1;
    }
    int status = run(opts);
    c2_options_free(opts);
    return status;
}
