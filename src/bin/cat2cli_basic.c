/* SPDX-License-Identifier: BSD-3-Clause */
/* The commands that ask one thing and print the answer: roots, lists, metadata, values. */
#include <stdlib.h>

#include "base/limits.h"
#include "bin/cat2cli_entries.h"
#include "ndim/print.h"

static void put_line(const struct c2_cli *cli, const char *prefix, const char *name, const char *tail)
{
    c2_cli_put(cli, c2_str_of(prefix));
    c2_cli_put(cli, c2_str_of(name));
    puts(tail);
}

static bool put_strings(const cat2_strings *strings, const char *only, struct cat2_error *err)
{
    C2_AUTO(c2_buf) out = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    struct c2_jw w;

    c2_jw_init(&w, &out, C2_JSON_PYTHON, err);
    c2_jw_begin_array(&w);
    for (size_t i = 0; i < cat2_strings_count(strings); i++)
        if (c2_str_starts(c2_str_of(cat2_strings_at(strings, i)), only))
            c2_jw_cstr(&w, cat2_strings_at(strings, i));
    c2_jw_end_array(&w);
    return c2_jw_finish(&w) && c2_cli_put_json(&out, err);
}

bool c2_cmd_roots(void *ctx, struct cat2_error *err)
{
    const struct c2_cli *cli = ctx;
    cat2_strings *roots = NULL;
    char *json = NULL;

    if (cli->json) {
        bool ok = cat2_client_get_json(cli->client, "/api/roots", &json, err) && c2_cli_reprint(json, err);
        free(json);
        return ok;
    }
    if (!cat2_client_roots(cli->client, &roots, err)) return false;
    for (size_t i = 0; i < cat2_strings_count(roots); i++)
        put_line(cli, "", cat2_strings_at(roots, i), cat2_strings_flag(roots, i) ? " (subscribed)" : "");
    cat2_strings_free(roots);
    return true;
}

bool c2_cmd_subscribe(void *ctx, struct cat2_error *err)
{
    const struct c2_cli *cli = ctx;
    if (!cat2_client_subscribe(cli->client, cli->args[0], err)) return false;
    puts(cli->json ? "\"Ok\"" : "Ok");
    return true;
}

bool c2_cmd_unsubscribe(void *ctx, struct cat2_error *err)
{
    const struct c2_cli *cli = ctx;
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

/* A path a line. For people those that cannot be served are marked; programs get bare paths. */
static void put_paths(const struct c2_cli *cli, const cat2_strings *paths, const char *root, const char *only)
{
    const struct c2_entries_ask ask = {.broken = true};
    C2_AUTO(c2_entries) broken = {0};
    struct cat2_error ignored;

    if (cli->terminal)
        (void)c2_entries_beneath(cli, root, &ask, &broken, &ignored); /* an old one cannot tell */
    for (size_t i = 0; i < cat2_strings_count(paths); i++) {
        C2_AUTO(c2_buf) path = C2_BUF_INIT(2 * C2_PATH_MAX);
        if (!c2_str_starts(c2_str_of(cat2_strings_at(paths, i)), only) ||
            !c2_buf_printf(&path, &ignored, "%s/%s", root, cat2_strings_at(paths, i)))
            continue;
        const struct c2_listed *found = c2_entries_find(&broken, c2_buf_str(&path));
        if (!found) {
            put_line(cli, "", c2_buf_cstr(&path), "");
            continue;
        }
        c2_cli_put_in(cli, C2_CLI_BROKEN, c2_buf_str(&path));
        put_line(cli, " (broken: ", found->error ? found->error : "", ")");
    }
}

/* Why nothing is listed. Always false. */
static bool is_no_folder(const struct c2_cli *cli, struct cat2_error *err)
{
    C2_AUTO(c2_entries) named = {0};
    const char *path = cli->args[0];

    if (c2_entries_named(cli, path, &named, err) && named.n == 1 && c2_listed_is_dataset(&named.p[0]))
        return c2_fail(err, CAT2_EINVAL, "%.200s is a dataset: list shows roots and folders", path);
    return c2_fail(err, CAT2_ENOTFOUND, "%.200s: there is no such folder", path);
}

/* ROOT or ROOT/FOLDER, with or without a slash at the end. */
bool c2_cmd_list(void *ctx, struct cat2_error *err)
{
    const struct c2_cli *cli = ctx;
    struct c2_str whole, name, folder;
    C2_AUTO(c2_buf) root = C2_BUF_INIT(C2_PATH_MAX);
    C2_AUTO(c2_buf) only = C2_BUF_INIT(C2_PATH_MAX);
    cat2_strings *paths = NULL;

    if (!c2_cli_path(cli->args[0], &whole, err)) return false;
    c2_str_cut(whole, '/', &name, &folder);
    if (!c2_buf_append_str(&root, name, err) ||
        (folder.n && !c2_buf_printf(&only, err, "%.*s/", C2_STR_ARG(folder))))
        return false;
    if (!cat2_client_list(cli->client, c2_buf_cstr(&root), &paths, err)) return false;
    bool ok = !folder.n || begins_one(paths, c2_buf_cstr(&only)) || is_no_folder(cli, err);
    if (ok && cli->json)
        ok = put_strings(paths, c2_buf_cstr(&only), err);
    else if (ok)
        put_paths(cli, paths, c2_buf_cstr(&root), c2_buf_cstr(&only));
    cat2_strings_free(paths);
    return ok;
}

bool c2_cmd_url(void *ctx, struct cat2_error *err)
{
    const struct c2_cli *cli = ctx;
    cat2_strings *urls = NULL;
    cat2_dataset *dataset = NULL;

    /* what cannot be read has an address all the same, and a root's is not that of a dataset */
    if (strchr(cli->args[0], '/') && !cat2_dataset_open(cli->client, cli->args[0], &dataset, err) &&
        err->code == CAT2_ENOTFOUND)
        return false;
    cat2_dataset_free(dataset);
    if (!cat2_client_url(cli->client, cli->args[0], &urls, err)) return false;
    bool ok = !cli->json || put_strings(urls, "", err);
    for (size_t i = 0; !cli->json && i < cat2_strings_count(urls); i++)
        put_line(cli, "", cat2_strings_at(urls, i), "");
    cat2_strings_free(urls);
    return ok;
}

static bool print_info(const struct c2_cli *cli, const char *info, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    C2_AUTO(c2_buf) out = C2_BUF_INIT(C2_JSON_NBYTES_MAX);

    if (!c2_json_parse(c2_str_of(info), &json, err) ||
        !c2_pretty_print(c2_json_root(json), c2_terminal_columns(), &out, err))
        return false;
    put_line(cli, "Getting info for ", cli->args[0], "");
    c2_cli_put_lines(cli, c2_buf_str(&out));
    putchar('\n');
    return true;
}

bool c2_cmd_info(void *ctx, struct cat2_error *err)
{
    const struct c2_cli *cli = ctx;
    cat2_dataset *dataset = NULL;

    if (!cat2_dataset_open(cli->client, cli->args[0], &dataset, err)) return false;
    const char *info = cat2_dataset_info(dataset);
    bool ok = cli->json ? c2_cli_reprint(info, err) : print_info(cli, info, err);
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

bool c2_cli_open(const struct c2_cli *cli, const char *arg, cat2_dataset **dataset, char **slice,
                 struct cat2_error *err)
{
    char *path = NULL;
    bool ok = split_slice(arg, &path, slice, err) && cat2_dataset_open(cli->client, path, dataset, err);

    if (!ok && *slice && err->code == CAT2_ENOTFOUND) { /* the brackets may be part of the name */
        struct cat2_error second;
        ok = cat2_dataset_open(cli->client, arg, dataset, &second);
        if (ok) {
            free(*slice);
            *slice = NULL;
        }
    }
    if (!ok && path && !*slice && strchr(path, '['))
        (void)c2_fail_within(err, "%.100s (is a ']' missing at its end?)", arg);
    else if (!ok && path)
        c2_cli_suggest(cli, path, err);
    if (!ok) {
        free(*slice);
        *slice = NULL;
    }
    free(path);
    return ok;
}

/* Nested lists over axes [axis, ndim). */
static bool put_lists(const cat2_array *array, const struct c2_dtype *dtype, int axis, const uint8_t **item,
                      struct c2_buf *out, struct cat2_error *err)
{
    if (axis == cat2_array_ndim(array)) {
        bool ok = c2_print_json_item(dtype, *item, out, err);
        *item += dtype->itemsize;
        return ok;
    }
    bool ok = c2_buf_putc(out, '[', err);
    for (int64_t i = 0; ok && i < cat2_array_shape(array)[axis]; i++)
        ok = (i == 0 || c2_buf_puts(out, ", ", err)) && put_lists(array, dtype, axis + 1, item, out, err);
    return ok && c2_buf_putc(out, ']', err);
}

/* A fetched selection as nested lists; bytes as a text. */
static bool array_json(const cat2_array *array, bool bytes, struct c2_buf *out, struct cat2_error *err)
{
    C2_AUTO(c2_dtype) dtype = {0};
    const uint8_t *item = cat2_array_data(array);
    struct c2_jw w;

    if (bytes) {
        c2_jw_init(&w, out, C2_JSON_PYTHON, err);
        c2_jw_str(&w, (struct c2_str){(const char *)item, (size_t)cat2_array_nbytes(array)});
        return c2_jw_finish(&w);
    }
    return c2_dtype_parse(c2_str_of(cat2_array_dtype(array)), &dtype, err) &&
           put_lists(array, &dtype, 0, &item, out, err);
}

static bool show_json(cat2_dataset *dataset, const char *slice, struct cat2_error *err)
{
    cat2_array *array = NULL;
    C2_AUTO(c2_buf) out = C2_BUF_INIT((size_t)1 << 31);

    if (!cat2_dataset_fetch(dataset, slice, &array, err)) return false;
    bool ok =
        array_json(array, cat2_dataset_kind(dataset) != CAT2_ARRAY, &out, err) && c2_cli_put_json(&out, err);
    cat2_array_free(array);
    return ok;
}

static bool show_text(const struct c2_cli *cli, cat2_dataset *dataset, const char *slice,
                      struct cat2_error *err)
{
    char *text = NULL;

    if (!cat2_dataset_show(dataset, slice, &text, err)) return false;
    c2_cli_put_lines(cli, c2_str_of(text));
    putchar('\n');
    free(text);
    return true;
}

bool c2_cmd_show(void *ctx, struct cat2_error *err)
{
    const struct c2_cli *cli = ctx;
    cat2_dataset *dataset = NULL;
    char *slice = NULL;

    if (!c2_cli_open(cli, cli->args[0], &dataset, &slice, err)) return false;
    const char *selection = slice ? slice : "";
    bool ok = cli->json ? show_json(dataset, selection, err) : show_text(cli, dataset, selection, err);
    cat2_dataset_free(dataset);
    free(slice);
    return ok;
}
