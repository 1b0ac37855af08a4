/* SPDX-License-Identifier: BSD-3-Clause */
/* What all pages share: head, top bar, list of roots; and small words inside them. */
#include <inttypes.h>
#include <stdio.h>

#include "subscriber/mirror/names_so_far.h"
#include "subscriber/mirror/root.h"
#include "subscriber/pages/pages.h"
#include "web/assets.h"

#define SO_FAR_SHOWN 200 /* names of a root that is being listed */

/* Loaded by every page; the views come when they are shown. */
static const char *const modules[] = {"app.js", "api.js", "live.js", "tree.js", "ui.js"};

/* The theme chosen last, so that the first paint is right without a script. */
static const char *theme_of(struct c2_request *req)
{
    struct c2_str cookies, item;

    if (!c2_request_header(req, "Cookie", &cookies)) return "";
    while (cookies.n) {
        c2_str_cut(cookies, ';', &item, &cookies);
        item = c2_str_trim(item);
        if (c2_str_is(item, "theme=dark")) return "dark";
        if (c2_str_is(item, "theme=light")) return "light";
    }
    return "";
}

/* From where the page is up to the top of this site, whatever a proxy put in front: "." or "../..". */
static const char *base_of(struct c2_request *req, struct c2_html *h)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(65536);
    struct c2_str path, query;
    struct cat2_error err;

    c2_str_cut(c2_request_target(req), '?', &path, &query);
    bool ok = c2_buf_puts(&text, ".", &err);
    for (size_t i = 1; ok && i < path.n; i++)
        if (path.p[i] == '/') ok = c2_buf_puts(&text, text.n > 1 ? "/.." : ".", &err);
    const char *base = ok ? c2_arena_strdup(c2_request_arena(req), c2_buf_str(&text)) : NULL;
    if (!base) c2_html_has(h, c2_fail_nomem(&err, "page"), &err);
    return base;
}

static void scripts(struct c2_html *h, const char *prefix)
{
    for (size_t i = 1; i < C2_ARRAY_LEN(modules); i++)
        c2_html(h, "<link rel=\"modulepreload\" href=\"$/$\">", prefix, modules[i]);
    c2_html(h, "<script type=\"module\" src=\"$/$\"></script>", prefix, modules[0]);
}

static void head(struct c2_page *page, const char *title)
{
    struct c2_html *h = &page->h;
    const char *theme = theme_of(page->req);
    struct c2_str given = {"", 0};
    char prefix[65536];

    snprintf(prefix, sizeof(prefix), "%s%s", h->base ? h->base : "",
             c2_assets_prefix(page->sub->config.web_dir));

    c2_html(h, "<!doctype html>\n<html lang=\"en\"");
    if (*theme) c2_html(h, " data-theme=\"$\"", theme);
    c2_html(h,
            "><head><meta charset=\"utf-8\"><title>$ – Caterva2</title>"
            "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
            "<meta name=\"color-scheme\" content=\"light dark\">"
            "<link rel=\"icon\" href=\"$/icon.svg\" type=\"image/svg+xml\">"
            "<link rel=\"stylesheet\" href=\"$/app.css\">",
            title, prefix, prefix);
    if (!page->bare) scripts(h, prefix);
    bool embed = c2_request_query(page->req, "embed", &given) && c2_str_is(given, "1");
    c2_html(h, embed ? "</head>\n<body class=\"embed\">" : "</head>\n<body>");
}

static void top_bar(struct c2_page *page)
{
    struct c2_html *h = &page->h;
    struct c2_str search = {"", 0};

    c2_request_query(page->req, "search", &search);
    c2_html(
        h, "<a class=\"skip\" href=\"#main\">Skip to the data</a>\n<header id=\"top\">"
           "<a class=\"brand\" href=\"/\"><svg viewBox=\"0 0 24 24\" width=\"22\" height=\"22\" "
           "aria-hidden=\"true\">"
           "<path d=\"M3 7l9-4 9 4-9 4z\"/><path d=\"M3 12l9 4 9-4M3 17l9 4 9-4\" class=\"line\"/></svg>"
           "<span>Caterva2</span></a>"
           "<form role=\"search\" action=\"/\"><label class=\"hidden\" for=\"search\">Search datasets</label>"
           "<input id=\"search\" type=\"search\" name=\"search\" placeholder=\"Search datasets\" "
           "autocomplete=\"off\" spellcheck=\"false\" value=\"");
    c2_html_text(h, search);
    c2_html(h, "\"></form>");
    c2_page_account(page);
    c2_html(h, "<div id=\"tools\"></div></header>\n");
}

static void side(struct c2_page *page)
{
    struct c2_html *h = &page->h;

    c2_html(h, "<nav id=\"side\" aria-label=\"Datasets\"><h2>Roots</h2><ul id=\"tree\" class=\"plain\">");
    struct c2_root_state *root = c2_sub_seen(page->req, page->sub->roots);
    bool any = root;
    for (; root; root = c2_sub_seen(page->req, root->next))
        c2_html(h, "<li><a href=\"/roots/~\">$</a></li>", root->root.name, root->root.name);
    c2_html(h, "</ul>");
    if (!any) c2_html(h, "<p class=\"empty\">No roots yet</p>");
    c2_html(h, "</nav>\n");
}

void c2_page_begin_bare(struct c2_page *page, struct c2_request *req, struct c2_subscriber *sub,
                        const char *title, const char *kind)
{
    *page = (struct c2_page){.req = req, .sub = sub, .bare = true, .html = C2_BUF_INIT(C2_PAGE_NBYTES_MAX)};
    c2_html_init(&page->h, &page->html, &page->err);
    page->h.base = base_of(req, &page->h);
    head(page, title);
    c2_html(&page->h, "<div id=\"body\">\n<main id=\"main\" tabindex=\"-1\" data-page=\"$\"", kind);
}

void c2_page_begin(struct c2_page *page, struct c2_request *req, struct c2_subscriber *sub, const char *title,
                   const char *kind)
{
    *page = (struct c2_page){.req = req, .sub = sub, .html = C2_BUF_INIT(C2_PAGE_NBYTES_MAX)};
    c2_html_init(&page->h, &page->html, &page->err);
    page->h.base = base_of(req, &page->h);
    head(page, title);
    top_bar(page);
    c2_html(&page->h, "<div id=\"body\">\n");
    side(page);
    c2_html(&page->h, "<main id=\"main\" tabindex=\"-1\" data-page=\"$\" data-version=\"$\"", kind,
            C2_VERSION);
}

void c2_page_attr(struct c2_page *page, const char *name, const char *value)
{
    c2_html(&page->h, " data-$=\"$\"", name, value);
}

void c2_page_body(struct c2_page *page)
{
    c2_html(&page->h, ">\n");
}

void c2_page_reply(struct c2_page *page, int status)
{
    if (!page->h.ok) {
        c2_reply_error(page->req, &page->err);
        c2_buf_fini(&page->html);
        return;
    }
    c2_web_headers(page->req);
    c2_reply_header(page->req, "Cache-Control", "no-cache");
    c2_reply_buf(page->req, status, "text/html; charset=utf-8", &page->html);
}

void c2_page_end(struct c2_page *page, int status)
{
    c2_html(&page->h, "</main>\n</div>\n<div id=\"status\" role=\"status\"></div></body></html>\n");
    c2_page_reply(page, status);
}

void c2_page_trail(struct c2_html *h, const char *root, const char *path)
{
    struct c2_str rest = c2_str_of(path), part;
    char upto[C2_PATH_MAX + 1], name[C2_PATH_MAX + 1];

    c2_html(h, "<nav class=\"trail\" aria-label=\"Place\"><ol><li><a href=\"/\">Roots</a></li>");
    if (*path)
        c2_html(h, "<li><a href=\"/roots/~\">$</a></li>", root, root);
    else
        c2_html(h, "<li aria-current=\"page\">$</li>", root);
    while (rest.n) {
        c2_str_cut(rest, '/', &part, &rest);
        snprintf(name, sizeof(name), "%.*s", C2_STR_ARG(part));
        snprintf(upto, sizeof(upto), "%.*s", (int)(part.p + part.n - path), path);
        if (rest.n)
            c2_html(h, "<li><a href=\"/roots/~/~\">$</a></li>", root, upto, name);
        else
            c2_html(h, "<li aria-current=\"page\">$</li>", name);
    }
    c2_html(h, "</ol></nav>\n");
}

void c2_page_away(struct c2_html *h, const struct c2_root_state *root)
{
    if (!root || !c2_root_is_unreached(root)) return;
    c2_html(h,
            "<p class=\"card warn away\" role=\"status\" data-root=\"$\">The publisher of $ is not reached. "
            "What is "
            "cached here can be seen; the rest comes when it is back.</p>\n",
            root->root.name, root->root.name);
}

void c2_page_nbytes(struct c2_html *h, int64_t nbytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    char text[40], exact[40];
    double value = (double)nbytes;
    size_t unit = 0;

    while (value >= 1024 && unit + 1 < C2_ARRAY_LEN(units)) {
        value /= 1024;
        unit++;
    }
    snprintf(text, sizeof(text), unit && value < 100 ? "%.1f %s" : "%.0f %s", value, units[unit]);
    snprintf(exact, sizeof(exact), "%" PRId64 " bytes", nbytes);
    if (unit)
        c2_html(h, "<span title=\"$\">$</span>", exact, text);
    else
        c2_html(h, "$", text);
}

void c2_page_shape(struct c2_html *h, const struct c2_meta *meta)
{
    if (meta->kind == C2_KIND_FILE) {
        c2_page_nbytes(h, meta->grid.shape[0]);
        return;
    }
    if (meta->grid.ndim == 0) c2_html(h, "scalar");
    for (int i = 0; i < meta->grid.ndim; i++) {
        if (i) c2_html(h, " × ");
        c2_html_int(h, meta->grid.shape[i]);
    }
}

/* What has been found last of a root that is being listed; each may be opened. */
static void put_so_far(struct c2_html *h, const struct c2_root_state *root)
{
    const char *names[SO_FAR_SHOWN];
    size_t n = c2_sub_so_far_last(root, C2_ARRAY_LEN(names), names);

    if (n == 0) return;
    c2_html(h, "<h2>Found last</h2>\n<ul class=\"so-far\">\n");
    for (size_t i = 0; i < n; i++)
        c2_html(h, "<li><a href=\"/roots/~/~\">$</a></li>\n", root->root.name, names[i], names[i]);
    c2_html(h, "</ul>\n");
}

void c2_page_listing(struct c2_request *req, struct c2_subscriber *sub, const struct c2_root_state *root,
                     const char *title, const char *what)
{
    struct c2_page page;

    c2_reply_header(req, "Refresh", "2");
    c2_reply_header(req, "Retry-After", "2");
    c2_page_begin(&page, req, sub, title, "listing");
    c2_page_body(&page);
    c2_html(&page.h,
            "<h1>$</h1>\n<p class=\"card\" role=\"status\">$</p>\n"
            "<p>This page looks again every two seconds. <a href=\"\">Look now</a></p>\n",
            title, what);
    if (root) put_so_far(&page.h, root);
    c2_page_end(&page, 503);
}

void c2_page_error(struct c2_request *req, struct c2_subscriber *sub, int status, const char *what,
                   const char *near)
{
    struct c2_page page;
    char number[16];

    snprintf(number, sizeof(number), "%d", status);
    c2_page_begin(&page, req, sub, status == 404 ? "Not found" : "Error", "error");
    c2_page_attr(&page, "status", number);
    c2_page_body(&page);
    c2_html(&page.h, "<h1>$</h1>\n<p class=\"card error\">$</p>\n",
            status == 404   ? "Not found"
            : status == 422 ? "This dataset cannot be shown"
                            : "That did not work",
            what);
    c2_html(&page.h, "<p><a href=\"\">Try again</a> or go to <a href=\"/\">all roots</a>.</p>\n");
    if (*near && status == 404) c2_page_nearest(&page, near);
    c2_page_end(&page, status);
}
