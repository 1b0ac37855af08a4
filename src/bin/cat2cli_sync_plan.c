/* SPDX-License-Identifier: BSD-3-Clause */
/* What sync has to do: which datasets, under which names here, and what is there already. */
#include "bin/cat2cli_sync_impl.h"

#include <stdlib.h>

#include "base/limits.h"

/* ---- what is printed ---- */

void c2_sync_say(struct c2_sync *s, const char *what, const char *file)
{
    if (s->cli->json) return;
    c2_cli_bar_clear(&s->bar);
    printf("%s ", what);
    c2_cli_put(s->cli, c2_str_of(s->where));
    putchar('/');
    c2_cli_put(s->cli, c2_str_of(file));
    putchar('\n');
}

void c2_sync_fail(struct c2_sync *s, const char *path, const char *reason)
{
    C2_AUTO(c2_buf) line = C2_BUF_INIT(4 * C2_PATH_MAX);
    struct cat2_error ignored;
    bool named = strstr(reason, path) != NULL;

    s->nfailed++;
    c2_cli_bar_clear(&s->bar);
    if (c2_buf_printf(&line, &ignored, "%s%s%s", named ? "" : path, named ? "" : ": ", reason))
        c2_cli_put_error("Error: ", c2_buf_cstr(&line));
    if (!s->cli->json) return;
    c2_jw_begin_object(s->w);
    c2_jw_put_cstr(s->w, "path", path);
    c2_jw_put_cstr(s->w, "error", reason);
    c2_jw_end_object(s->w);
}

/* ---- what there is to do ---- */

static bool any_matches(const char *lines, const char *path)
{
    struct c2_str rest = c2_str_of(lines), line;

    while (rest.n) {
        C2_AUTO(c2_buf) pattern = C2_BUF_INIT(C2_PATH_MAX);
        struct cat2_error ignored;
        c2_str_cut(rest, '\n', &line, &rest);
        if (c2_buf_append_str(&pattern, line, &ignored) && c2_glob_matches(c2_buf_cstr(&pattern), path))
            return true;
    }
    return false;
}

bool c2_sync_is_wanted(const struct c2_sync *s, const char *path)
{
    const char *include = c2_options_text(s->cli->options, "include");
    const char *exclude = c2_options_text(s->cli->options, "exclude");

    return (!include || any_matches(include, path)) && (!exclude || !any_matches(exclude, path));
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct c2_listed *)a)->path, ((const struct c2_listed *)b)->path);
}

/* The local name of a dataset: folders that are datasets too have ".dir" behind theirs. */
static char *local_name(const struct c2_sync *s, const struct c2_listed *e, struct cat2_error *err)
{
    C2_AUTO(c2_buf) out = C2_BUF_INIT(4 * C2_PATH_MAX);
    const char *path = c2_listed_beneath(e->path, s->source), *slash;

    for (; (slash = strchr(path, '/')); path = slash + 1) {
        struct c2_str above = {e->path, (size_t)(slash - e->path)};
        if (!c2_place_part((struct c2_str){path, (size_t)(slash - path)},
                           c2_entries_find(&s->entries, above) != NULL, &out, err) ||
            !c2_buf_putc(&out, '/', err))
            return NULL;
    }
    if (!c2_place_part(c2_str_of(path), false, &out, err)) return NULL;
    char *copy = c2_str_dup(c2_buf_str(&out));
    if (!copy) c2_fail_nomem(err, "list");
    return copy;
}

static int by_file(const void *a, const void *b)
{
    return strcmp(((const struct c2_sync_item *)a)->file, ((const struct c2_sync_item *)b)->file);
}

static const struct c2_sync_item *item_of_file(const struct c2_sync *s, const char *file)
{
    struct c2_sync_item key = {.file = (char *)(uintptr_t)file};

    return bsearch(&key, s->items.p, s->items.n, sizeof(key), by_file);
}

/* The names that a download of another dataset has meanwhile, and that of our own file. */
static bool is_in_the_way(const struct c2_sync *s, const char *file)
{
    static const char *const endings[] = {".part", ".part.etag", ".part.plain"};
    char stem[4 * C2_PATH_MAX];
    size_t n = strlen(file);

    if (strcmp(file, C2_COPIES_NAME) == 0) return true;
    for (size_t i = 0; i < C2_ARRAY_LEN(endings); i++) {
        size_t m = strlen(endings[i]);
        if (n <= m || n - m >= sizeof(stem) || strcmp(file + n - m, endings[i]) != 0) continue;
        snprintf(stem, sizeof(stem), "%.*s", (int)(n - m), file);
        if (item_of_file(s, stem)) return true;
    }
    return false;
}

/* Is it there already, of this generation? Then it is remembered further on. */
static bool is_here(struct c2_sync *s, const struct c2_sync_item *item)
{
    struct c2_saved_file *copy = c2_saved_find(&s->copies, item->path);

    if (!copy) return false;
    copy->current = true; /* also the old one, until there is a new one */
    return item->entry->etag && *item->entry->etag && strcmp(copy->etag, item->entry->etag) == 0 &&
           strcmp(copy->file, item->file) == 0 && c2_saved_file_is_whole(s->dirfd, copy);
}

bool c2_sync_make_items(struct c2_sync *s, struct cat2_error *err)
{
    if (s->entries.n) qsort(s->entries.p, s->entries.n, sizeof(*s->entries.p), by_path);
    for (size_t i = 0; i < s->entries.n; i++) {
        const struct c2_listed *e = &s->entries.p[i];
        struct c2_sync_item item = {.entry = e, .path = c2_listed_beneath(e->path, s->source)};
        if (!c2_sync_is_wanted(s, item.path)) continue;
        item.file = local_name(s, e, err);
        if (!item.file || !c2_vec_push(&s->items, C2_ENTRIES_MAX, "datasets", err, item)) {
            free(item.file);
            return false;
        }
    }
    if (s->items.n) qsort(s->items.p, s->items.n, sizeof(*s->items.p), by_file);
    return true;
}

/* What is due, and what cannot be. */
void c2_sync_judge_items(struct c2_sync *s)
{
    for (size_t i = 0; i < s->items.n; i++) {
        struct c2_sync_item *item = &s->items.p[i];
        if (item->entry->error) {
            c2_sync_fail(s, item->entry->path, item->entry->error);
            (void)is_here(s, item); /* what was saved of it before stays */
        } else if ((i && strcmp(s->items.p[i - 1].file, item->file) == 0) || is_in_the_way(s, item->file)) {
            c2_sync_fail(s, item->entry->path, "another file would have its name here");
        } else if (is_here(s, item)) {
            s->nunchanged++;
        } else {
            item->due = true;
            s->ndue++;
            s->total += item->entry->cbytes;
        }
    }
}
