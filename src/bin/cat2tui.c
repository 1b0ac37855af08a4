/* SPDX-License-Identifier: BSD-3-Clause */
/* The terminal client's options, and what its terminal can do. */
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bin/client_options.h"
#include "bin/options.h"
#include "bin/paths.h"
#include "tui/tui.h"

static const struct c2_option options[] = {
    C2_CLIENT_OPTIONS,
    {"outdir", 0, C2_OPT_TEXT, ".", "DIR", "where downloads go, as DIR/ROOT/PATH", NULL},
    {"view", 0, C2_OPT_TEXT, "meta", "meta|values|heat|line", "what is shown first", ""},
    {"slice", 0, C2_OPT_TEXT, NULL, "EXPR", "the slice looked at first, as NumPy writes it", ""},
    {"snapshot", 0, C2_OPT_TEXT, NULL, "DATASET", "print one frame of it as text, and exit", ""},
    {"size", 0, C2_OPT_TEXT, "100x30", "WxH", "columns and rows of --snapshot", ""},
};

static const struct c2_options_spec spec = {
    .program = "cat2tui",
    .synopsis = "[OPTIONS] [DATASET]",
    .about = "Browse the roots of a Caterva2 subscriber in a terminal. Press ? there for the keys.",
    .section = "client",
    .options = options,
    .noptions = C2_ARRAY_LEN(options),
    .args_min = 0,
    .args_max = 1,
    .takes = "dataset",
    .offer = c2_offer_paths,
};

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value && *value;
}

static struct c2_tui_settings settings_of(const struct c2_options *opts,
                                          const struct cat2_client_options *access)
{
    const char *depth = getenv("COLORTERM");
    struct c2_tui_settings settings = {
        .host = c2_client_host(opts),
        .access = access,
        .outdir = c2_options_text(opts, "outdir"),
        .path = c2_options_arg(opts, 0),
        .view = c2_options_text(opts, "view"),
        .slice = c2_options_text(opts, "slice"),
        .size = c2_options_text(opts, "size"),
        .utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
        .colour = !is_set("NO_COLOR"),
        .direct = depth && (strcmp(depth, "truecolor") == 0 || strcmp(depth, "24bit") == 0),
    };
    return settings;
}

static bool run(const struct c2_options *opts, struct cat2_error *err)
{
    struct cat2_client_options access;

    c2_client_access(opts, &access);
    struct c2_tui_settings settings = settings_of(opts, &access);
    if (!c2_options_text(opts, "snapshot")) return c2_tui_run(&settings, err);
    settings.path = c2_options_text(opts, "snapshot");
    settings.colour = settings.colour && (isatty(STDOUT_FILENO) || is_set("CLICOLOR_FORCE"));
    return c2_tui_snapshot(&settings, err);
}

int main(int argc, char **argv)
{
    struct c2_options *opts = NULL;
    struct cat2_error err = {0};

    setlocale(LC_CTYPE, "");
    if (!c2_options_parse(&spec, argc, argv, &opts, &err)) {
        fprintf(stderr, "cat2tui: %s\n", err.message);
        return 1;
    }
    bool ok = run(opts, &err);
    if (!ok) fprintf(stderr, "Error: %s\n", err.message);
    c2_options_free(opts);
    return ok ? 0 : 1;
}
