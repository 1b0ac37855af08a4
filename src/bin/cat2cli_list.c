/* SPDX-License-Identifier: BSD-3-Clause */
/* ls, tree, find and du: what there is. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/limits.h"
#include "bin/cat2cli_entries.h"

/* ---- for programs ---- */

static void put_entry(struct c2_jw *w, const struct c2_listed *e)
{
    static const char *const kinds[] = {"root", "folder", "array", "frame", "file"};

    c2_jw_begin_object(w);
    c2_jw_put_cstr(w, "path", e->path);
    c2_jw_put_cstr(w, "kind", kinds[e->kind]);
    if (e->kind == C2_ENTRY_ROOT) {
        c2_jw_put_bool(w, "subscribed", e->followed);
    } else if (e->kind == C2_ENTRY_FOLDER) {
        c2_jw_put_int(w, "datasets", e->datasets);
        c2_jw_put_int(w, "nbytes", e->nbytes);
        c2_jw_put_int(w, "errors", e->errors);
    } else if (e->error) {
        c2_jw_put_cstr(w, "error", e->error);
    } else {
        c2_jw_put_cstr(w, "shape", e->shape);
        c2_jw_put_cstr(w, "dtype", e->dtype ? e->dtype : "");
        c2_jw_put_int(w, "nbytes", e->nbytes);
        c2_jw_put_int(w, "cbytes", e->cbytes);
        c2_jw_put_int(w, "cached", e->cached);
        c2_jw_put_int(w, "attrs", e->nattrs);
        c2_jw_key(w, "mtime");
        if (e->mtime < 0)
            c2_jw_null(w);
        else
            c2_jw_int(w, e->mtime);
        c2_jw_put_cstr(w, "etag", e->etag ? e->etag : "");
    }
    c2_jw_end_object(w);
}

static bool print_json(const struct c2_entries *entries, struct cat2_error *err)
{
    C2_AUTO(c2_buf) out = C2_BUF_INIT((size_t)1 << 31);
    struct c2_jw w;

    c2_jw_init(&w, &out, C2_JSON_PYTHON, err);
    c2_jw_begin_array(&w);
    for (size_t i = 0; i < entries->n; i++)
        put_entry(&w, &entries->p[i]);
    c2_jw_end_array(&w);
    return c2_jw_finish(&w) && c2_cli_put_json(&out, err);
}

/* ---- for people ---- */

/* The name; a slash behind what is no dataset; why it is broken. */
static void put_name(const struct c2_cli *cli, const struct c2_listed *e, const char *name)
{
    if (c2_listed_is_dataset(e) && !e->error) {
        c2_cli_put(cli, c2_str_of(name));
    } else if (e->error) {
        c2_cli_put_in(cli, C2_CLI_BROKEN, c2_str_of(name));
        fputs(" (broken: ", stdout);
        c2_cli_put(cli, c2_str_of(e->error));
        putchar(')');
    } else {
        c2_cli_put_in(cli, C2_CLI_FOLDER, c2_str_of(name));
        putchar('/');
        if (e->kind == C2_ENTRY_ROOT && !e->followed) fputs(" (not subscribed)", stdout);
        if (e->errors) printf(" (%" PRId64 " broken)", e->errors);
    }
}

/* How much of it is cached: of its bytes on disk, which are counted in whole blocks. */
static void share_text(const struct c2_listed *e, char out[8])
{
    double share = e->cbytes > 0 ? 100.0 * (double)e->cached / (double)e->cbytes : 0;

    if (!c2_listed_is_dataset(e) || e->error)
        snprintf(out, 8, "-");
    else
        snprintf(out, 8, "%.0f%%", share > 100 ? 100 : share);
}

static void describe(const struct c2_listed *e, char *out, size_t room)
{
    if (e->kind == C2_ENTRY_FOLDER && e->datasets)
        snprintf(out, room, "%" PRId64 " dataset%s", e->datasets, e->datasets == 1 ? "" : "s");
    else if (!c2_listed_is_dataset(e) || e->error)
        snprintf(out, room, "-");
    else if (e->kind == C2_ENTRY_FILE)
        snprintf(out, room, "file");
    else
        snprintf(out, room, "%s %s", e->shape, e->dtype ? e->dtype : "");
}

static void put_long(const struct c2_cli *cli, const struct c2_listed *e, int width)
{
    char size[16] = "-", share[8], time[32], what[300], plain[300];

    if (e->kind != C2_ENTRY_ROOT && !e->error) c2_size_text(e->nbytes, size);
    share_text(e, share);
    describe(e, what, sizeof(what));
    printf("%10s %5s  %-16s  %-*s  ", size, share, c2_cli_time(e->mtime, time), width,
           c2_cli_plain(what, plain, sizeof(plain)));
    put_name(cli, e, e->path);
    putchar('\n');
}

static bool print_entries(const struct c2_cli *cli, const struct c2_entries *entries, struct cat2_error *err)
{
    int width = 0;
    char what[300];

    if (cli->json) return print_json(entries, err);
    bool is_long = c2_options_flag(cli->options, "long");
    for (size_t i = 0; is_long && i < entries->n; i++) {
        describe(&entries->p[i], what, sizeof(what));
        width = (int)c2_max_i64(width, c2_min_i64((int64_t)strlen(what), 40));
    }
    for (size_t i = 0; i < entries->n; i++) {
        if (is_long) {
            put_long(cli, &entries->p[i], width);
        } else {
            put_name(cli, &entries->p[i], entries->p[i].path);
            putchar('\n');
        }
    }
    return true;
}

static int newest_first(const void *a, const void *b)
{
    const struct c2_listed *left = a, *right = b;
    int order = (left->mtime < right->mtime) - (left->mtime > right->mtime);

    return order ? order : strcmp(left->path, right->path);
}

/* Entries move from one list to the other. */
static bool take(struct c2_entries *to, struct c2_entries *from, struct cat2_error *err)
{
    for (size_t i = 0; i < from->n; i++)
        if (!c2_entries_take(to, &from->p[i], err)) return false;
    return true;
}

/* ---- ls ---- */

/* What the argument names; of folders and roots their contents. */
static bool list_named(const struct c2_cli *cli, const char *arg, struct c2_entries *out,
                       struct cat2_error *err)
{
    C2_AUTO(c2_entries) named = {0};
    const struct c2_entries_ask ask = {.deep = c2_options_flag(cli->options, "recursive"), .cached = true};

    if (!c2_entries_named(cli, arg, &named, err)) return false;
    for (size_t i = 0; i < named.n; i++) {
        struct c2_listed *e = &named.p[i];
        bool ok = c2_listed_is_dataset(e) ? c2_entries_take(out, e, err)
                                          : c2_entries_beneath(cli, e->path, &ask, out, err);
        if (!ok) return false;
    }
    return true;
}

/* What is named; else the roots, or of those that are followed everything. */
static bool list_all(const struct c2_cli *cli, struct c2_entries *out, struct cat2_error *err)
{
    C2_AUTO(c2_entries) roots = {0};

    for (int i = 0; c2_cli_arg(cli, i); i++)
        if (!list_named(cli, c2_cli_arg(cli, i), out, err)) return false;
    if (c2_cli_arg(cli, 0)) return true;
    if (!c2_entries_roots(cli, &roots, err)) return false;
    if (!c2_options_flag(cli->options, "recursive")) return take(out, &roots, err);
    for (size_t i = 0; i < roots.n; i++)
        if (roots.p[i].followed && !list_named(cli, roots.p[i].path, out, err)) return false;
    return true;
}

bool c2_cmd_ls(void *ctx, struct cat2_error *err)
{
    const struct c2_cli *cli = ctx;
    C2_AUTO(c2_entries) entries = {0};

    if (!list_all(cli, &entries, err)) return false;
    if (entries.n && c2_options_flag(cli->options, "time"))
        qsort(entries.p, entries.n, sizeof(*entries.p), newest_first);
    return print_entries(cli, &entries, err);
}

/* ---- find ---- */

bool c2_cmd_find(void *ctx, struct cat2_error *err)
{
    const struct c2_cli *cli = ctx;
    C2_AUTO(c2_entries) places = {0}, found = {0}, kept = {0};
    const char *what = c2_cli_arg(cli, 0), *where = c2_cli_arg(cli, 1);
    bool pattern = c2_glob_is(what);
    struct c2_entries_ask ask = {
        .deep = true, .cached = true, .groups = true, .query = pattern ? NULL : what};

    if (!*what) return c2_fail(err, CAT2_EINVAL, "find: the text to look for is empty");
    if (!(where ? c2_entries_named(cli, where, &places, err) : c2_entries_roots(cli, &places, err)))
        return false;
    for (size_t i = 0; i < places.n; i++) {
        const struct c2_listed *place = &places.p[i];
        if (c2_listed_is_dataset(place) || !place->followed) continue;
        if (!c2_entries_beneath(cli, place->path, &ask, &found, err)) return false;
    }
    for (size_t i = 0; i < found.n; i++) {
        struct c2_listed *e = &found.p[i];
        if (pattern && !c2_glob_matches(what, strchr(what, '/') ? e->path : c2_path_name(e->path))) continue;
        if (!c2_entries_take(&kept, e, err)) return false;
    }
    if (found.unsearched)
        fprintf(stderr,
                "cat2cli: attributes of %" PRId64 " groups are not searched: there are too many, or their "
                "publisher has not told them\n",
                found.unsearched);
    if (!kept.n && pattern)
        fprintf(stderr, "cat2cli: nothing of that name was found among %zu datasets, folders and groups\n",
                found.n);
    else if (!kept.n)
        fprintf(stderr, "cat2cli: nothing was found with '%.100s' in its name or attributes\n", what);
    return print_entries(cli, &kept, err);
}

/* ---- tree ---- */

struct branch {
    const struct c2_cli *cli;
    struct c2_buf indent; /* before what is beneath */
    int64_t nfolders, ndatasets, nbroken;
};

static void put_leaf(const struct branch *b, const struct c2_listed *e, const char *name)
{
    put_name(b->cli, e, name);
    if (e->kind != C2_ENTRY_FILE && !e->error) {
        fputs("  ", stdout);
        C2_AUTO(c2_buf) what = C2_BUF_INIT(4096);
        struct cat2_error ignored;
        if (c2_buf_printf(&what, &ignored, "%s %s", e->shape, e->dtype ? e->dtype : ""))
            c2_cli_put_in(b->cli, C2_CLI_FAINT, c2_buf_str(&what));
    }
    putchar('\n');
}

/* Entries [lo, hi) are in one folder, whose path has `skip` bytes with its slash. */
static bool draw(struct branch *b, const struct c2_entries *all, size_t lo, size_t hi, size_t skip,
                 struct cat2_error *err)
{
    const char *const *marks = b->cli->utf8
                                   ? (const char *const[]){"\xe2\x94\x9c\xe2\x94\x80 ",
                                                           "\xe2\x94\x94\xe2\x94\x80 ", "\xe2\x94\x82  "}
                                   : (const char *const[]){"|- ", "`- ", "|  "};

    for (size_t i = lo, end; i < hi; i = end) {
        const char *name = all->p[i].path + skip, *slash = strchr(name, '/');
        size_t n = slash ? (size_t)(slash - name) : strlen(name), before = b->indent.n;
        for (end = i + 1; slash && end < hi && strncmp(all->p[end].path + skip, name, n + 1) == 0;)
            end++;
        fputs(c2_buf_cstr(&b->indent), stdout);
        fputs(marks[end == hi], stdout);
        if (!slash) {
            b->ndatasets++;
            b->nbroken += all->p[i].error != NULL;
            put_leaf(b, &all->p[i], name);
            continue;
        }
        b->nfolders++;
        c2_cli_put_in(b->cli, C2_CLI_FOLDER, (struct c2_str){name, n});
        puts("/");
        if (!c2_buf_puts(&b->indent, end == hi ? "   " : marks[2], err) ||
            !draw(b, all, i, end, skip + n + 1, err))
            return false;
        b->indent.n = before;
        b->indent.p[before] = '\0';
    }
    return true;
}

bool c2_cmd_tree(void *ctx, struct cat2_error *err)
{
    const struct c2_cli *cli = ctx;
    C2_AUTO(c2_entries) places = {0}, all = {0};
    const struct c2_entries_ask ask = {.deep = true, .cached = true};
    const char *arg = c2_cli_arg(cli, 0);
    struct branch b = {.cli = cli, .indent = C2_BUF_INIT(65536)};

    if (!(arg ? c2_entries_named(cli, arg, &places, err) : c2_entries_roots(cli, &places, err))) return false;
    bool ok = true;
    for (size_t i = 0; ok && i < places.n; i++) {
        const struct c2_listed *place = &places.p[i];
        size_t from = all.n;
        if (c2_listed_is_dataset(place))
            ok = c2_fail(err, CAT2_EINVAL, "%.150s is a dataset: tree shows roots and folders", place->path);
        else if (place->followed)
            ok = c2_entries_beneath(cli, place->path, &ask, &all, err);
        if (!ok || cli->json) continue;
        put_name(cli, place, place->path);
        putchar('\n');
        ok = draw(&b, &all, from, all.n, strlen(place->path) + 1, err);
    }
    c2_buf_fini(&b.indent);
    if (!ok || cli->json) return ok && print_json(&all, err);
    printf("\n%" PRId64 " folder%s, %" PRId64 " dataset%s", b.nfolders, b.nfolders == 1 ? "" : "s",
           b.ndatasets, b.ndatasets == 1 ? "" : "s");
    if (b.nbroken) printf(", %" PRId64 " of them broken", b.nbroken);
    putchar('\n');
    return true;
}

/* ---- du ---- */

static void add_up(struct c2_listed *sum, const struct c2_listed *e)
{
    sum->datasets++;
    sum->errors += e->error != NULL;
    sum->nbytes += e->nbytes;
    sum->cbytes += e->cbytes;
    sum->cached += e->cached;
}

static void put_usage(const struct c2_cli *cli, const struct c2_listed *e, struct c2_jw *w)
{
    char plain[16], stored[16], cached[16];

    if (cli->json) {
        c2_jw_begin_object(w);
        c2_jw_put_cstr(w, "path", e->path);
        c2_jw_put_int(w, "datasets", e->datasets);
        c2_jw_put_int(w, "nbytes", e->nbytes);
        c2_jw_put_int(w, "cbytes", e->cbytes);
        c2_jw_put_int(w, "cached", e->cached);
        c2_jw_put_int(w, "errors", e->errors);
        c2_jw_end_object(w);
        return;
    }
    c2_size_text(e->nbytes, plain);
    c2_size_text(e->cbytes, stored);
    c2_size_text(e->cached, cached);
    printf("%10s  %10s  %10s  %8" PRId64 "  ", plain, stored, cached, e->datasets);
    put_name(cli, e, e->path);
    putchar('\n');
}

/* A row for each folder just beneath, then one for the whole. */
static bool print_usage(const struct c2_cli *cli, const struct c2_listed *place, struct c2_jw *w,
                        struct cat2_error *err)
{
    C2_AUTO(c2_entries) all = {0};
    struct c2_listed whole = {.kind = place->kind, .path = place->path, .followed = true};
    const struct c2_entries_ask ask = {.deep = true, .cached = true};
    size_t skip = strlen(place->path) + 1;

    if (!c2_entries_beneath(cli, place->path, &ask, &all, err)) return false;
    for (size_t i = 0, end; i < all.n; i = end) {
        const char *slash = strchr(all.p[i].path + skip, '/');
        size_t n = slash ? (size_t)(slash - all.p[i].path) + 1 : 0;
        struct c2_listed sum = {.kind = C2_ENTRY_FOLDER};
        for (end = i; end < all.n && (end == i || (n && strncmp(all.p[end].path, all.p[i].path, n) == 0));
             end++) {
            add_up(&sum, &all.p[end]);
            add_up(&whole, &all.p[end]);
        }
        if (!slash) continue;
        sum.path = c2_str_dup((struct c2_str){all.p[i].path, n - 1});
        if (!sum.path) return c2_fail_nomem(err, "list");
        put_usage(cli, &sum, w);
        free(sum.path);
    }
    put_usage(cli, &whole, w);
    return true;
}

bool c2_cmd_du(void *ctx, struct cat2_error *err)
{
    const struct c2_cli *cli = ctx;
    C2_AUTO(c2_entries) places = {0};
    C2_AUTO(c2_buf) out = C2_BUF_INIT((size_t)1 << 31);
    const char *arg = c2_cli_arg(cli, 0);
    struct c2_jw w;

    if (!(arg ? c2_entries_named(cli, arg, &places, err) : c2_entries_roots(cli, &places, err))) return false;
    c2_jw_init(&w, &out, C2_JSON_PYTHON, err);
    c2_jw_begin_array(&w);
    if (!cli->json) printf("%10s  %10s  %10s  %8s  %s\n", "SIZE", "COMPRESSED", "CACHED", "DATASETS", "PATH");
    for (size_t i = 0; i < places.n; i++) {
        const struct c2_listed *place = &places.p[i];
        if (c2_listed_is_dataset(place)) {
            struct c2_listed sum = {.kind = place->kind, .path = place->path};
            add_up(&sum, place);
            put_usage(cli, &sum, &w);
        } else if (place->followed && !print_usage(cli, place, &w, err)) {
            return false;
        }
    }
    c2_jw_end_array(&w);
    return c2_jw_finish(&w) && (!cli->json || c2_cli_put_json(&out, err));
}
