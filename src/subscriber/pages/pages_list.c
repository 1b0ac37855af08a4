/* SPDX-License-Identifier: BSD-3-Clause */
/* Listings: a folder, what a search finds. Datasets are sorted
 * by path, so a folder is a range, and the folders in it are ranges of that. */

#include <stdio.h>

#include "base/limits.h"
#include "subscriber/answer/group_texts.h"
#include "subscriber/mirror/roots.h"
#include "subscriber/pages/pages.h"

/* ---- entries ---- */

static void ds_row(struct c2_html *h, const struct c2_ds *ds, const char *shown)
{
    C2_AUTO(c2_buf) dtype = C2_BUF_INIT(2 * C2_DTYPE_TEXT_MAX);
    struct cat2_error err;

    c2_html(h, "<tr><th scope=\"row\"><a href=\"/roots/~/~\">$</a></th>", ds->root, ds->path, shown);
    if (ds->error) {
        c2_html(h, "<td colspan=\"3\" class=\"error\">cannot be served: $</td></tr>\n", ds->error);
        return;
    }
    c2_html(h, "<td>");
    if (ds->meta->kind != C2_KIND_FILE) c2_page_shape(h, ds->meta);
    c2_html(h, "</td><td>");
    if (ds->meta->kind == C2_KIND_ARRAY && ds->meta->dtype.nfields > 0)
        c2_html(h, "table");
    else if (ds->meta->kind == C2_KIND_ARRAY &&
             c2_html_has(h, c2_dtype_name(&ds->meta->dtype, &dtype, &err), &err))
        c2_html(h, "$", c2_buf_cstr(&dtype));
    else
        c2_html(h, "$", ds->meta->kind == C2_KIND_FILE ? "file" : "frame");
    if (ds->remark) c2_html(h, " <span class=\"error\">$</span>", ds->remark);
    c2_html(h, "</td><td class=\"number\">");
    c2_page_nbytes(h, ds->meta->nbytes);
    c2_html(h, "</td></tr>\n");
}

static void table_head(struct c2_html *h)
{
    c2_html(
        h,
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Datasets\"><table class=\"list\">"
        "<thead><tr><th scope=\"col\">Name</th><th scope=\"col\">Shape</th><th scope=\"col\">Type</th>"
        "<th scope=\"col\" class=\"number\">Size</th></tr></thead><tbody>\n");
}

/* ---- a folder ---- */

struct listing {
    struct c2_page page;
    struct c2_root_state *root;
    char prefix[C2_PATH_MAX + 2]; /* "" or "folder/" */
    size_t nprefix, first, at;    /* first entry to show; entries seen */
    bool folders;                 /* this round is theirs, the other the datasets' */
};

/* A folder that is called as a dataset beside it is told from it by a slash. */
static const char *folder_slash(struct c2_root_state *root, const char *folder)
{
    return *folder && c2_sub_find(root, c2_str_of(folder)) ? "/" : "";
}

static void folder_row(struct listing *l, struct c2_str name, size_t n)
{
    char path[C2_PATH_MAX + 2];

    snprintf(path, sizeof(path), "%.*s", (int)(name.p + name.n - (name.p - l->nprefix)), name.p - l->nprefix);
    c2_html(&l->page.h,
            "<tr><th scope=\"row\"><a class=\"folder\" href=\"/roots/~/~$\">$/</a></th><td colspan=\"2\">",
            l->root->root.name, path, folder_slash(l->root, path), path + l->nprefix);
    c2_html_int(&l->page.h, (int64_t)n);
    c2_html(&l->page.h, n == 1 ? " dataset</td><td></td></tr>\n" : " datasets</td><td></td></tr>\n");
}

/* One entry: a dataset, or all of a folder. Returns where the next entry starts. */
static size_t entry(struct listing *l, size_t i)
{
    struct c2_ds *ds = l->root->datasets[i];
    struct c2_str name = c2_str_of(ds->path + l->nprefix), head, rest;
    char after[C2_PATH_MAX + 2];
    bool folder = c2_str_cut(name, '/', &head, &rest), ours = folder == l->folders;
    if (ds->group_attrs && !folder) return i + 1;
    bool show = ours && l->at >= l->first && l->at < l->first + C2_PAGE_ROWS;

    l->at += ours;
    if (!folder) {
        if (show) ds_row(&l->page.h, ds, name.p);
        return i + 1;
    }
    /* '0' follows '/': the first path behind everything that starts with "head/" */
    int n = snprintf(after, sizeof(after), "%.*s0", (int)(l->nprefix + head.n), ds->path);
    size_t next = c2_sub_lower(l->root, (struct c2_str){after, (size_t)n});
    if (show) folder_row(l, head, next - i);
    return next > i ? next : i + 1;
}

static void pager(struct listing *l, const char *folder)
{
    struct c2_html *h = &l->page.h;
    char number[24];

    if (l->at <= C2_PAGE_ROWS) return;
    c2_html(h, "<nav class=\"pager\" aria-label=\"Pages\">");
    size_t page = l->first / C2_PAGE_ROWS + 1, npages = (l->at + C2_PAGE_ROWS - 1) / C2_PAGE_ROWS;
    if (page > 1) {
        snprintf(number, sizeof(number), "%zu", page - 1);
        c2_html(h, "<a rel=\"prev\" href=\"/roots/~$~$?page=$\">Previous</a> ", l->root->root.name,
                *folder ? "/" : "", folder, folder_slash(l->root, folder), number);
    }
    c2_html(h, "<span>Page ");
    c2_html_int(h, (int64_t)page);
    c2_html(h, " of ");
    c2_html_int(h, (int64_t)npages);
    c2_html(h, "</span>");
    if (page < npages) {
        snprintf(number, sizeof(number), "%zu", page + 1);
        c2_html(h, " <a rel=\"next\" href=\"/roots/~$~$?page=$\">Next</a>", l->root->root.name,
                *folder ? "/" : "", folder, folder_slash(l->root, folder), number);
    }
    c2_html(h, "</nav>\n");
}

/* What tells of a folder stands below its first page. */
static struct c2_ds *readme_of(const struct listing *l)
{
    char path[C2_PATH_MAX + 2 + sizeof("README.md")];

    snprintf(path, sizeof(path), "%sREADME.md", l->prefix);
    struct c2_ds *ds = l->first == 0 ? c2_sub_find(l->root, c2_str_of(path)) : NULL;
    return ds && !ds->error ? ds : NULL;
}

struct c2_page *c2_page_folder(struct c2_request *req, struct c2_root_state *root, const char *folder,
                               struct c2_ds **readme)
{
    C2_AUTO(c2_buf) title = C2_BUF_INIT(2 * C2_PATH_MAX);
    struct listing *l = c2_arena_alloc(c2_request_arena(req), sizeof(*l));
    struct cat2_error err;
    bool found;
    int64_t page = 1;

    if (!l) {
        c2_reply_detail(req, 503, "out of memory");
        return NULL;
    }
    *l = (struct listing){.root = root};
    if (!c2_request_query_int(req, "page", &found, &page, &err) || !found || page < 1 || page > INT32_MAX)
        page = 1;
    bool titled = c2_buf_printf(&title, &err, "%s%s%s", root->root.name, *folder ? "/" : "", folder);
    l->nprefix = (size_t)snprintf(l->prefix, sizeof(l->prefix), "%.1023s%s", folder, *folder ? "/" : "");
    c2_page_begin(&l->page, req, root->sub, c2_buf_cstr(&title), "folder");
    c2_html_has(&l->page.h, titled, &err);
    c2_page_attr(&l->page, "path", c2_buf_cstr(&title));
    c2_page_body(&l->page);
    c2_page_away(&l->page.h, root);
    c2_page_trail(&l->page.h, root->root.name, folder);
    c2_html(&l->page.h, "<h1>$</h1>\n", *folder ? folder : root->root.name);
    size_t i = c2_sub_lower(root, (struct c2_str){l->prefix, l->nprefix});
    if (i == root->n) {
        c2_html(&l->page.h,
                "<div class=\"card\"><p>Empty root: its publisher shows no datasets.</p></div>\n");
    } else {
        l->first = (size_t)(page - 1) * C2_PAGE_ROWS;
        table_head(&l->page.h);
        for (int round = 0; round < 2; round++) {
            l->folders = round == 0;
            for (size_t k = i; k < root->n && strncmp(root->datasets[k]->path, l->prefix, l->nprefix) == 0;)
                k = entry(l, k);
        }
        c2_html(&l->page.h, "</tbody></table></div>\n");
        pager(l, folder);
    }
    *readme = readme_of(l);
    return &l->page;
}

/* ---- search ---- */

/* What a search has found so far. */
struct found {
    struct c2_html *h;
    size_t ndatasets, ngroups, unknown, unsearched;
};

/* One more: is there room for its row? */
static bool take_row(struct found *found, bool group)
{
    size_t n = found->ndatasets + found->ngroups;

    if (n == 0) table_head(found->h);
    *(group ? &found->ngroups : &found->ndatasets) += 1;
    return n < C2_PAGE_ROWS;
}

/* Groups whose attributes have the text: what is in them need not have it. */
static void find_groups(struct found *found, const struct c2_root_state *root, struct c2_str text)
{
    size_t left;
    const struct c2_group_texts *texts = text.n ? c2_group_texts_now(root, &left) : NULL;

    if (text.n) found->unsearched += left;
    for (size_t i = 0; texts && i < texts->n; i++) {
        const char *path = texts->p[i].path, *slash = *path ? "/" : "";
        if (!c2_group_is_found(&texts->p[i], C2_STR(""), text) || !take_row(found, true)) continue;
        c2_html(found->h,
                "<tr><th scope=\"row\"><a class=\"folder\" href=\"/roots/~$~\">$$$</a></th>"
                "<td colspan=\"3\">group, by its attributes</td></tr>\n",
                root->root.name, slash, path, root->root.name, slash, path);
    }
}

static void find_datasets(struct found *found, const struct c2_root_state *root, struct c2_str text)
{
    char shown[C2_PATH_MAX + 300];

    for (size_t i = 0; i < root->n; i++) {
        const struct c2_ds *ds = root->datasets[i];
        if (ds->group_attrs || (text.n && !c2_ds_is_found(ds, 0, text)) || !take_row(found, false)) continue;
        snprintf(shown, sizeof(shown), "%s/%s", ds->root, ds->path);
        ds_row(found->h, ds, shown);
    }
}

static void put_count(struct c2_html *h, size_t n, const char *what)
{
    c2_html_int(h, (int64_t)n);
    c2_html(h, n == 1 ? " $" : " $s", what);
}

static void put_counts(const struct found *found)
{
    struct c2_html *h = found->h;
    size_t n = found->ndatasets + found->ngroups;

    c2_html(h, "<p>");
    if (n > C2_PAGE_ROWS) {
        c2_html(h, "The first ");
        c2_html_int(h, C2_PAGE_ROWS);
        c2_html(h, " of ");
    }
    put_count(h, found->ndatasets, "dataset");
    if (found->ngroups) {
        c2_html(h, " and ");
        put_count(h, found->ngroups, "group");
    }
    c2_html(h, ".</p>\n");
}

void c2_page_found(struct c2_page *page, struct c2_root_state *const *roots, size_t nroots,
                   struct c2_str text)
{
    struct c2_html *h = &page->h;
    struct found found = {.h = h};

    for (size_t r = 0; r < nroots; r++) {
        if (!c2_root_is_followed(roots[r]) || c2_root_is_listed(roots[r])) continue;
        found.unknown++;
        c2_html(h, "<p class=\"card warn\" role=\"status\">$ $: what it holds is not searched.</p>\n",
                roots[r]->root.name,
                c2_root_is_unreached(roots[r]) ? "is not listed, its publisher is not reached"
                                               : "is being listed");
    }
    for (size_t r = 0; r < nroots; r++) {
        find_groups(&found, roots[r], text);
        find_datasets(&found, roots[r], text);
    }
    if (found.ndatasets + found.ngroups) {
        c2_html(h, "</tbody></table></div>\n");
        put_counts(&found);
    } else {
        c2_html(h, "<div class=\"card\"><p>No match for “");
        c2_html_text(h, text);
        c2_html(h, found.unknown + found.unsearched ? "” in what is known so far. " : "”. ");
        c2_html(h, "<a href=\"/\">Clear</a></p></div>\n");
    }
    if (!found.unsearched) return;
    c2_html(h, "<p class=\"card warn\" role=\"status\">Attributes of ");
    put_count(h, found.unsearched, "group");
    c2_html(h, " are not searched: there are too many, or their publisher has not told them.</p>\n");
}
