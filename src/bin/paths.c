/* SPDX-License-Identifier: BSD-3-Clause */
/* Roots and paths of a subscriber, one folder at a time. */
#include "bin/paths.h"

#include "bin/client_options.h"

#include <stdlib.h>

#include "base/limits.h"
#include "caterva2/caterva2.h"

#define CONNECT_MS 1000 /* somebody typed a tab and waits */
#define ANSWER_MS  1000 /* the same */

static void offer_roots(const cat2_strings *roots, struct c2_str what, struct c2_offers *to)
{
    for (size_t i = 0; i < cat2_strings_count(roots); i++) {
        bool followed = cat2_strings_flag(roots, i);
        if ((c2_str_is(what, "followed") && !followed) || (c2_str_is(what, "other") && followed)) continue;
        c2_offer(to, c2_str_of(cat2_strings_at(roots, i)), true, followed ? "followed" : NULL);
    }
}

/* Followed roots, as folders. */
static void offer_followed(const cat2_strings *roots, struct c2_offers *to)
{
    C2_AUTO(c2_buf) path = C2_BUF_INIT(C2_PATH_MAX);
    struct cat2_error ignored;

    for (size_t i = 0; i < cat2_strings_count(roots); i++) {
        c2_buf_clear(&path);
        if (cat2_strings_flag(roots, i) && c2_buf_puts(&path, cat2_strings_at(roots, i), &ignored) &&
            c2_buf_putc(&path, '/', &ignored))
            c2_offer(to, c2_buf_str(&path), false, NULL);
    }
}

static int by_text(const void *a, const void *b)
{
    return c2_str_cmp(*(const struct c2_str *)a, *(const struct c2_str *)b);
}

/* What of a root's path is beneath `folder`: its first part, with a slash when that is a folder again. */
static struct c2_str part_of(const char *path, struct c2_str folder)
{
    struct c2_str text = c2_str_of(path), part = {0};

    if (text.n <= folder.n || (folder.n && memcmp(text.p, folder.p, folder.n) != 0)) return part;
    part = (struct c2_str){text.p, text.n};
    const char *slash = memchr(text.p + folder.n, '/', text.n - folder.n);
    if (slash) part.n = (size_t)(slash + 1 - text.p);
    return part;
}

/* The paths that go on in the typed folder. root: "foo/". */
static bool offer_paths(const cat2_strings *paths, struct c2_str root, struct c2_str folder,
                        struct c2_str what, struct c2_offers *to, struct cat2_error *err)
{
    C2_AUTO(c2_buf) path = C2_BUF_INIT(2 * C2_PATH_MAX);
    size_t n = cat2_strings_count(paths), kept = 0;
    struct c2_str *parts = calloc(n + 1, sizeof(*parts));

    if (!parts) return c2_fail_nomem(err, "completion");
    for (size_t i = 0; i < n; i++) {
        parts[kept] = part_of(cat2_strings_at(paths, i), folder);
        if (parts[kept].n) kept++;
    }
    qsort(parts, kept, sizeof(*parts), by_text);
    for (size_t i = 0; i < kept; i++) {
        bool is_folder = parts[i].p[parts[i].n - 1] == '/';
        if ((i && c2_str_eq(parts[i], parts[i - 1])) || (c2_str_is(what, "folder") && !is_folder)) continue;
        c2_buf_clear(&path);
        if (c2_buf_append_str(&path, root, err) && c2_buf_append_str(&path, parts[i], err))
            c2_offer(to, c2_buf_str(&path), !is_folder && !c2_str_is(what, "dataset+"), NULL);
    }
    free(parts);
    return true;
}

/* typed: "foo/dir1/ds". */
static void offer_beneath(cat2_client *client, struct c2_str what, struct c2_str typed, struct c2_offers *to)
{
    C2_AUTO(c2_buf) name = C2_BUF_INIT(C2_PATH_MAX);
    struct c2_str root, rest;
    struct cat2_error ignored;
    cat2_strings *paths = NULL;

    c2_str_cut(typed, '/', &root, &rest);
    struct c2_str folder = {rest.p, rest.n - c2_path_last(rest).n};
    if (!c2_buf_append_str(&name, root, &ignored) ||
        !cat2_client_list(client, c2_buf_cstr(&name), &paths, &ignored))
        return;
    root.n++; /* the slash */
    (void)offer_paths(paths, root, folder, what, to, &ignored);
    cat2_strings_free(paths);
}

void c2_offer_paths(const struct c2_options *options, struct c2_str what, struct c2_str typed,
                    struct c2_offers *to)
{
    struct cat2_client_options patience;
    struct cat2_error ignored;
    cat2_client *client = NULL;
    cat2_strings *roots = NULL;
    bool paths = c2_str_is(what, "folder") || c2_str_starts(what, "dataset");

    c2_client_access(options, &patience);
    patience.connect_timeout_ms = CONNECT_MS;
    patience.answer_timeout_ms = ANSWER_MS;
    if (!cat2_client_new(c2_client_host(options), &patience, &client, &ignored)) return;
    if (paths && memchr(typed.p, '/', typed.n)) {
        offer_beneath(client, what, typed, to);
    } else if (cat2_client_roots(client, &roots, &ignored)) {
        if (paths)
            offer_followed(roots, to);
        else
            offer_roots(roots, what, to);
    }
    cat2_strings_free(roots);
    cat2_client_free(client);
}
