/* SPDX-License-Identifier: BSD-3-Clause */
/* Downloads as a person sees them: where to, how far, how fast; Ctrl-C leaves a part that the next try goes
 * on with. */
#include <stdlib.h>

#include "base/limits.h"
#include "bin/cat2cli_entries.h"
#include "bin/cat2cli_place.h"
#include "bin/cat2cli_save.h"
#include "bin/cat2cli_sync.h"
#include "blosc/meta.h"
#include "client/internal.h"

struct progress {
    struct c2_cli_bar bar;
    const char *name;
};

static bool on_progress(void *ctx, int64_t nbytes, int64_t total)
{
    struct progress *p = ctx;

    c2_cli_bar_show(&p->bar, p->name, nbytes, total);
    return !c2_cli_interrupted();
}

/* A file or directory here that is not found is no dataset that is not found. */
static bool is_here(bool ok, struct cat2_error *err)
{
    if (!ok && err->code == CAT2_ENOTFOUND && err->http_status == 0) err->code = CAT2_EIO;
    return ok;
}

static bool save(cat2_dataset *dataset, const char *file, struct cat2_error *err)
{
    struct progress p = {.name = cat2_dataset_path(dataset)};
    struct cat2_download_options options = CAT2_DOWNLOAD_OPTIONS_INIT;

    c2_cli_bar_open(&p.bar);
    options.progress = on_progress;
    options.ctx = &p;
    options.verify = true;
    bool ok = is_here(cat2_dataset_download(dataset, file, &options, err), err);
    if (p.bar.visible && p.bar.shown_ms) fputc('\n', stderr);
    return ok;
}

static bool would_save(const struct c2_cli *cli)
{
    return c2_options_flag(cli->options, "dry-run");
}

static bool say_saved(const struct c2_cli *cli, const char *file, struct cat2_error *err)
{
    C2_AUTO(c2_buf) line = C2_BUF_INIT(32768);
    struct c2_jw w;

    if (!cli->json) {
        fputs(would_save(cli) ? "would save " : "Dataset saved to ", stdout);
        c2_cli_put(cli, c2_str_of(file));
        putchar('\n');
        return true;
    }
    c2_jw_init(&w, &line, C2_JSON_PYTHON, err);
    c2_jw_cstr(&w, file);
    return c2_jw_finish(&w) && c2_cli_put_json(&line, err);
}

/* The path in lists: one that was typed as a file that holds datasets has it lacks the suffix. */
static bool put_listed(const cat2_dataset *dataset, struct c2_buf *out, struct cat2_error *err)
{
    static const char *const suffixes[] = {[CAT2_ARRAY] = C2_ARRAY_SUFFIX, [CAT2_FRAME] = C2_FRAME_SUFFIX};
    const char *path = cat2_dataset_path(dataset);
    enum cat2_kind kind = cat2_dataset_kind(dataset);
    const char *suffix = kind == CAT2_ARRAY || kind == CAT2_FRAME ? suffixes[kind] : "";

    return c2_buf_puts(out, path, err) &&
           (c2_str_ends(c2_str_of(path), suffix) || c2_buf_puts(out, suffix, err));
}

/* OUTDIR/PATH. */
static bool download_whole(const struct c2_cli *cli, cat2_dataset *dataset, struct cat2_error *err)
{
    const char *outdir = cli->args[1];
    C2_AUTO(c2_buf) file = C2_BUF_INIT(4 * C2_PATH_MAX), path = C2_BUF_INIT(2 * C2_PATH_MAX);

    return c2_buf_printf(&file, err, "%s%s", outdir ? outdir : "", outdir ? "/" : "") &&
           put_listed(dataset, &path, err) && c2_place_path(cli, c2_buf_cstr(&path), false, &file, err) &&
           (would_save(cli) ? is_here(c2_download_may(dataset, c2_buf_cstr(&file), err), err)
                            : save(dataset, c2_buf_cstr(&file), err)) &&
           say_saved(cli, c2_buf_cstr(&file), err);
}

static bool download_one(const struct c2_cli *cli, struct cat2_error *err)
{
    const char *output = c2_options_text(cli->options, "output"), *path = cli->args[0];
    C2_AUTO(c2_entries) named = {0};
    cat2_dataset *dataset = NULL;
    struct cat2_error other = {0};
    char *slice = NULL;

    if (!c2_cli_open(cli, path, &dataset, &slice, err)) {
        bool folder = err->code == CAT2_ENOTFOUND && c2_entries_named(cli, path, &named, &other) &&
                      named.n == 1 && !c2_listed_is_dataset(&named.p[0]);
        return folder ? c2_fail(err, CAT2_EINVAL, "%.150s is a folder: download -r saves all that is in it",
                                path)
                      : false;
    }
    bool ok = true;
    if (output && cli->args[1])
        ok = c2_fail(err, CAT2_EINVAL, "both -o and a directory are given: %.60s, %.60s", output,
                     cli->args[1]);
    else if ((slice || c2_cli_picks_rows(cli)) && !output)
        ok = c2_fail(err, CAT2_EINVAL, "%s needs -o FILE (.npy, .csv, .json, .tiff, .h5, .png, .raw, .b2nd)",
                     slice ? "a slice" : "a choice of rows or fields");
    else if (output && would_save(cli))
        ok = is_here(c2_cli_may_save(cli, dataset, slice, output, err), err) &&
             (c2_cli_is_stdout(output) || say_saved(cli, output, err));
    else if (output)
        ok = is_here(c2_cli_save(cli, dataset, slice, output, err), err) &&
             (c2_cli_is_stdout(output) || say_saved(cli, output, err));
    else
        ok = download_whole(cli, dataset, err);
    cat2_dataset_free(dataset);
    free(slice);
    return ok;
}

/* Roots and folders beneath OUTDIR under their whole paths. */
static bool download_all(const struct c2_cli *cli, struct cat2_error *err)
{
    const char *outdir = cli->args[1] ? cli->args[1] : ".";
    C2_AUTO(c2_entries) named = {0};

    if (c2_options_text(cli->options, "output"))
        return c2_fail(err, CAT2_EINVAL, "-o names a file: with -r, name a directory after the path");
    if (c2_cli_picks_rows(cli))
        return c2_fail(err, CAT2_EINVAL, "--where, --sort and --fields are for one table: leave -r out");
    if (!c2_entries_named(cli, cli->args[0], &named, err)) return false;
    for (size_t i = 0; i < named.n; i++) {
        const struct c2_listed *e = &named.p[i];
        C2_AUTO(c2_buf) to = C2_BUF_INIT(8 * C2_PATH_MAX);
        cat2_dataset *dataset = NULL;
        bool ok;
        if (c2_listed_is_dataset(e))
            ok = cat2_dataset_open(cli->client, e->path, &dataset, err) && download_whole(cli, dataset, err);
        else
            ok = c2_place_path(cli, e->path, true, &to, err) &&
                 is_here(c2_sync(cli, e->path, outdir, c2_buf_cstr(&to), false, err), err);
        cat2_dataset_free(dataset);
        if (!ok) return false;
    }
    return true;
}

bool c2_cmd_download(void *ctx, struct cat2_error *err)
{
    const struct c2_cli *cli = ctx;

    c2_cli_catch_interrupts();
    return c2_options_flag(cli->options, "recursive") ? download_all(cli, err) : download_one(cli, err);
}

bool c2_cmd_sync(void *ctx, struct cat2_error *err)
{
    const struct c2_cli *cli = ctx;
    C2_AUTO(c2_entries) named = {0};

    if (!c2_entries_named(cli, cli->args[0], &named, err)) return false;
    if (named.n != 1 || c2_listed_is_dataset(&named.p[0]))
        return c2_fail(err, CAT2_EINVAL, "%.150s is not one root or folder: sync copies one into a directory",
                       cli->args[0]);
    bool delete = c2_options_flag(cli->options, "delete");
    return is_here(c2_sync(cli, named.p[0].path, cli->args[1], NULL, delete, err), err);
}
