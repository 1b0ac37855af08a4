/* SPDX-License-Identifier: BSD-3-Clause */
/* What the pages of spring 2024 asked for, so that old links, bookmarks and scripts go on: fragments under
 * /htmx/, the tomography pictures. The pages of today do not use them. */

#include <stdio.h>
#include <stdlib.h>

#include "subscriber/answer/lookup.h"
#include "subscriber/mirror/follow.h"
#include "subscriber/mirror/roots.h"
#include "subscriber/pages/pages.h"

#define ROOTS_MAX 64 /* of one search */

static void begin(struct c2_page *page, struct c2_request *req, struct c2_subscriber *sub)
{
    *page = (struct c2_page){.req = req, .sub = sub, .html = C2_BUF_INIT(C2_PAGE_NBYTES_MAX)};
    c2_html_init(&page->h, &page->html, &page->err);
    page->h.base = c2_request_prefix(req); /* a fragment goes into pages at any depth */
}

static void handle_root_list(struct c2_request *req, void *state)
{
    struct c2_str names[ROOTS_MAX];
    size_t n = c2_request_queries(req, "roots", names, ROOTS_MAX);
    struct c2_page page;

    begin(&page, req, state);
    c2_html(&page.h, "<form id=\"root-list\">\n");
    for (const struct c2_root_state *root = c2_sub_seen(req, page.sub->roots); root;
         root = c2_sub_seen(req, root->next)) {
        bool picked = false;
        for (size_t i = 0; i < n; i++)
            picked = picked || c2_str_is(names[i], root->root.name);
        c2_html(&page.h, "<label><input type=\"checkbox\" name=\"roots\" value=\"$\"$> $</label>\n",
                root->root.name, picked ? " checked" : "", root->root.name);
    }
    c2_html(&page.h, "</form>\n");
    c2_page_reply(&page, 200);
}

struct old_list {
    struct c2_request *req;
    struct c2_subscriber *sub;
    struct c2_root_state *roots[ROOTS_MAX];
    size_t n;
    int waiting;
};

static void push_url(struct old_list *l, struct c2_str search)
{
    struct c2_buf url = C2_BUF_INIT(65536);
    struct cat2_error err;
    struct c2_html h;

    c2_html_init(&h, &url, &err);
    c2_html_made(&h, c2_str_of(c2_request_prefix(l->req)));
    c2_html(&h, "/?");
    for (size_t i = 0; i < l->n; i++)
        c2_html(&h, i ? "&roots=~" : "roots=~", l->roots[i]->root.name);
    const char *text = c2_arena_strdup(c2_request_arena(l->req), search);
    if (search.n && text) c2_html(&h, "&search=~", text);
    if (h.ok) c2_reply_header(l->req, "HX-Push-Url", c2_buf_cstr(&url));
    c2_buf_fini(&url);
}

static void on_listed(void *ctx, const struct cat2_error *err)
{
    struct old_list *l = ctx;
    struct c2_str search = {"", 0};
    struct c2_page page;

    (void)err;
    if (--l->waiting > 0) return;
    c2_request_query(l->req, "search", &search);
    begin(&page, l->req, l->sub);
    push_url(l, search);
    c2_html(&page.h, "<div id=\"path-list\">\n");
    c2_page_found(&page, l->roots, l->n, search);
    c2_html(&page.h, "</div>\n");
    c2_page_reply(&page, 200);
    free(l);
}

static void handle_path_list(struct c2_request *req, void *state)
{
    struct c2_str names[ROOTS_MAX];
    size_t n = c2_request_queries(req, "roots", names, ROOTS_MAX);
    struct old_list *l = calloc(1, sizeof(*l));
    struct cat2_error err;

    if (!l) {
        c2_reply_detail(req, 503, "out of memory");
        return;
    }
    l->req = req;
    l->sub = state;
    l->waiting = 1;
    for (size_t i = 0; i < n; i++) {
        struct c2_root_state *root = c2_sub_root_of(req, l->sub, names[i]);
        if (c2_sub_may_follow(req, root, &err) && root) l->roots[l->n++] = root;
    }
    for (size_t i = 0; i < l->n; i++) {
        l->waiting++;
        c2_sub_when_known_within(l->roots[i], C2_PAGE_PATIENCE_MS, on_listed, l);
    }
    on_listed(l, NULL);
}

/* ---- tomography ---- */

/* The image asked for: i along the first axis, clamped; false when the array has no images. */
static bool image_of(struct c2_request *req, const struct c2_ds *ds, int64_t *i, struct cat2_error *err)
{
    const struct c2_grid *grid = &ds->meta->grid;
    bool found;

    if (!c2_request_query_int(req, "i", &found, i, err)) return false;
    if (ds->meta->kind != C2_KIND_ARRAY || grid->ndim < 3 || grid->shape[0] < 1)
        return c2_fail(err, CAT2_EINVAL, "%s is not a stack of images", ds->path);
    if (!found) *i = 0;
    *i = c2_max_i64(0, c2_min_i64(*i, grid->shape[0] - 1));
    return true;
}

static void redirect_image(struct c2_request *req, struct c2_ds *ds)
{
    C2_AUTO(c2_buf) url = C2_BUF_INIT(65536);
    struct cat2_error err = {0};
    struct c2_html h;
    char text[40];
    int64_t i = 0, width = 0;
    bool found;

    if (!image_of(req, ds, &i, &err) || !c2_request_query_int(req, "width", &found, &width, &err)) {
        c2_reply_error(req, &err);
        return;
    }
    c2_html_init(&h, &url, &err);
    snprintf(text, sizeof(text), "%lld", (long long)i);
    c2_html(&h, "/api/fetch/~/~?slice_=$&format=png", ds->root, ds->path, text);
    snprintf(text, sizeof(text), "%lld", (long long)width);
    if (found && width > 0) c2_html(&h, "&width=$", text);
    c2_reply_redirect(req, c2_buf_cstr(&url));
}

static void show_image(struct c2_page *page, const struct c2_ds *ds, int64_t i)
{
    char number[24], width[24], height[24];

    snprintf(number, sizeof(number), "%lld", (long long)i);
    snprintf(height, sizeof(height), "%lld", (long long)ds->meta->grid.shape[1]);
    snprintf(width, sizeof(width), "%lld", (long long)ds->meta->grid.shape[2]);
    c2_html(&page->h,
            "<img src=\"/plugins/tomography/image/~/~?i=$&amp;width=768\" alt=\"Image $\">\n"
            "<a href=\"/plugins/tomography/image/~/~?i=$\">$ x $ (original size)</a>\n",
            ds->root, ds->path, number, number, ds->root, ds->path, number, width, height);
}

static void display(struct c2_request *req, struct c2_ds *ds, bool one)
{
    struct cat2_error err = {0};
    struct c2_page page;
    char last[24];
    int64_t i = 0;

    if (!image_of(req, ds, &i, &err)) {
        c2_reply_error(req, &err);
        return;
    }
    begin(&page, req, ds->sub);
    snprintf(last, sizeof(last), "%lld", (long long)ds->meta->grid.shape[0] - 1);
    if (!one)
        c2_html(&page.h,
                "<form action=\"/plugins/tomography/display/~/~\"><label>Image <input type=\"number\" "
                "name=\"i\" min=\"0\" "
                "max=\"$\" value=\"0\"></label></form>\n",
                ds->root, ds->path, last);
    c2_html(&page.h, "<div id=\"image-div\">\n");
    show_image(&page, ds, i);
    c2_html(&page.h, "</div>\n");
    c2_page_reply(&page, 200);
}

static void display_all(struct c2_request *req, struct c2_ds *ds)
{
    display(req, ds, false);
}

static void display_one(struct c2_request *req, struct c2_ds *ds)
{
    display(req, ds, true);
}

static void handle_display(struct c2_request *req, void *state)
{
    c2_sub_with_dataset(req, state, false, display_all);
}

static void handle_display_one(struct c2_request *req, void *state)
{
    c2_sub_with_dataset(req, state, false, display_one);
}

static void handle_image(struct c2_request *req, void *state)
{
    c2_sub_with_dataset(req, state, false, redirect_image);
}

static const struct c2_route routes[] = {
    {C2_GET, "/htmx/root-list/", handle_root_list, NULL, NULL},
    {C2_GET, "/htmx/path-list/", handle_path_list, NULL, NULL},
    {C2_GET, "/plugins/tomography/display/{path*}", handle_display, NULL, NULL},
    {C2_GET, "/plugins/tomography/display_one/{path*}", handle_display_one, NULL, NULL},
    {C2_GET, "/plugins/tomography/image/{path*}", handle_image, NULL, NULL},
};

void c2_pages_add_old_routes(struct c2_subscriber *sub)
{
    c2_server_routes(sub->config.server, routes, C2_ARRAY_LEN(routes), sub);
}
