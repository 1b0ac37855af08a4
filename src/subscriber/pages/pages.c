/* SPDX-License-Identifier: BSD-3-Clause */
/* The routes of the pages: home, a root, a folder, a dataset; the client's files. */
#include "subscriber/pages/pages.h"

#include <stdio.h>
#include <stdlib.h>

#include "subscriber/answer/group_texts.h"
#include "subscriber/answer/lookup.h"
#include "subscriber/answer/refuse.h"
#include "subscriber/mirror/follow.h"
#include "subscriber/mirror/names_so_far.h"
#include "subscriber/mirror/roots.h"
#include "web/assets.h"

#define ROOTS_PICKED_MAX 64 /* of one search */

/* ---- home ---- */

/* Roots named in the query, else all. */
static size_t pick_roots(struct c2_request *req, struct c2_subscriber *sub, struct c2_root_state **out,
                         bool *named)
{
    struct c2_str names[ROOTS_PICKED_MAX];
    size_t n = 0, nnames = c2_request_queries(req, "roots", names, C2_ARRAY_LEN(names));

    *named = nnames > 0;
    for (size_t i = 0; i < nnames; i++) {
        struct c2_root_state *root = c2_sub_root_of(req, sub, names[i]);
        if (root) out[n++] = root;
    }
    for (struct c2_root_state *root = c2_sub_seen(req, sub->roots);
         nnames == 0 && root && n < ROOTS_PICKED_MAX; root = c2_sub_seen(req, root->next))
        out[n++] = root;
    return n;
}

static void root_row(struct c2_html *h, const struct c2_root_state *root, bool picked)
{
    const struct c2_sub_so_far *so_far = root->life == C2_ROOT_FIRST ? root->so_far : NULL;
    int64_t nbytes = 0;

    for (size_t i = 0; i < root->n; i++)
        nbytes += root->datasets[i]->error ? 0 : root->datasets[i]->meta->nbytes;
    c2_html(h, "<tr data-root=\"$\" data-followed=\"$\"$>", root->root.name,
            c2_root_is_followed(root) ? "1" : "", root->life == C2_ROOT_FIRST ? " class=waiting" : "");
    c2_html(h, "<td><label><input type=\"checkbox\" name=\"roots\" value=\"$\"", root->root.name);
    if (picked) c2_html(h, " checked");
    c2_html(h,
            "><span class=\"hidden\">Search in $</span></label></td><th scope=\"row\"><a "
            "href=\"/roots/~\">$</a></th>",
            root->root.name, root->root.name, root->root.name);
    c2_html(h, "<td class=\"number\">");
    if (c2_root_is_listed(root)) c2_html_int(h, (int64_t)c2_root_ndatasets(root));
    if (so_far) c2_html_int(h, (int64_t)so_far->n);
    c2_html(h, "</td><td class=\"number\">");
    if (c2_root_is_listed(root)) c2_page_nbytes(h, nbytes);
    c2_html(h, "</td><td class=\"state\"><span>$</span></td><td>$</td></tr>\n",
            c2_root_is_unreached(root)    ? "publisher not reached"
            : c2_root_is_listed(root)     ? "followed"
            : so_far                      ? "being listed, found so far"
            : root->life == C2_ROOT_FIRST ? "being listed"
                                          : "not followed yet",
            root->root.http);
}

static void home_roots(struct c2_page *page, struct c2_root_state *const *picked, size_t npicked, bool named)
{
    struct c2_html *h = &page->h;

    if (!c2_sub_seen(page->req, page->sub->roots)) {
        c2_html(h, "<div class=\"card\"><h2>No roots yet</h2><p>A root is a folder of datasets that somebody "
                   "publishes. "
                   "Start a publisher, and it shows up here:</p>"
                   "<pre tabindex=\"0\">cat2pub --broker BROKER:PORT NAME FOLDER</pre></div>\n");
        return;
    }
    c2_html(h,
            "<form action=\"/\" class=\"roots\"><div class=\"scroll\" tabindex=\"0\" role=\"region\" "
            "aria-label=\"Roots\"><table class=\"list\">"
            "<thead><tr><td></td><th scope=\"col\">Root</th><th scope=\"col\" class=\"number\">Datasets</th>"
            "<th scope=\"col\" class=\"number\">Size</th><th scope=\"col\">State</th>"
            "<th scope=\"col\">Publisher</th></tr></thead><tbody>\n");
    for (const struct c2_root_state *root = c2_sub_seen(page->req, page->sub->roots); root;
         root = c2_sub_seen(page->req, root->next)) {
        bool is_picked = false;
        for (size_t i = 0; named && i < npicked; i++)
            is_picked = is_picked || picked[i] == root;
        root_row(h, root, is_picked);
    }
    c2_html(h,
            "</tbody></table></div><p class=\"find\"><label for=\"find\">Search in the ticked roots</label> "
            "<input id=\"find\" type=\"search\" name=\"search\"> <button>Search</button></p></form>\n");
}

/* As the search field sends it, without the blanks around it. */
static bool search_of(struct c2_request *req, struct c2_str *out)
{
    if (c2_request_query(req, "search", out)) *out = c2_str_trim(*out);
    return out->n > 0;
}

static void reply_home(struct c2_request *req, struct c2_subscriber *sub)
{
    struct c2_root_state *picked[ROOTS_PICKED_MAX];
    struct c2_str search = {"", 0};
    struct c2_page page;
    bool named;
    size_t n = pick_roots(req, sub, picked, &named);
    bool searching = search_of(req, &search) || named;

    c2_page_begin(&page, req, sub, searching ? "Search" : "Roots", "home");
    c2_page_body(&page);
    c2_html(&page.h, "<h1>$</h1>\n", searching ? "Datasets" : "Roots");
    if (searching) {
        c2_page_found(&page, picked, n, search);
        c2_html(&page.h, "<h2>Roots</h2>\n");
    }
    home_roots(&page, picked, n, named);
    c2_html(&page.h, "<section id=\"recent\"></section>\n");
    c2_page_end(&page, 200);
}

/* Roots that are asked for by name are followed, as ticking them always did; and those that are looked
 * through, as the search field does, which asks for their trees. */
struct home {
    struct c2_request *req;
    struct c2_subscriber *sub;
    int waiting;
};

static void home_searched(void *ctx)
{
    struct home *home = ctx;

    if (--home->waiting > 0) return;
    reply_home(home->req, home->sub);
    free(home);
}

static void home_listed(void *ctx, const struct cat2_error *err)
{
    struct home *home = ctx;
    struct c2_root_state *picked[ROOTS_PICKED_MAX];
    struct c2_str search = {"", 0};
    bool named;

    (void)err; /* the page says which publisher is not reached, and which root is being listed */
    if (--home->waiting > 0) return;
    home->waiting = 1;
    size_t n = search_of(home->req, &search) ? pick_roots(home->req, home->sub, picked, &named) : 0;
    for (size_t i = 0; i < n; i++) {
        if (!c2_root_is_listed(picked[i])) continue;
        home->waiting++;
        c2_group_texts_ask(picked[i], home_searched, home);
    }
    home_searched(home);
}

static void handle_home(struct c2_request *req, void *state)
{
    struct c2_root_state *picked[ROOTS_PICKED_MAX];
    struct c2_str search = {"", 0};
    bool named;
    size_t n = pick_roots(req, state, picked, &named);
    struct home *home = calloc(1, sizeof(*home));

    if (!home || !(named || search_of(req, &search))) {
        free(home);
        reply_home(req, state);
        return;
    }
    *home = (struct home){req, state, 1};
    for (size_t i = 0; i < n; i++) {
        struct cat2_error err;
        if (!c2_sub_may_follow(req, picked[i], &err)) continue;
        home->waiting++;
        c2_sub_when_known_within(picked[i], C2_PAGE_PATIENCE_MS, home_listed, home);
    }
    home_listed(home, NULL);
}

/* ---- roots, folders, datasets ---- */

static void not_there(const struct c2_found *found, const char *whole)
{
    char text[C2_PATH_MAX + 100];

    snprintf(text, sizeof(text), "There is no dataset “%.900s”.", whole);
    c2_page_error(found->req, found->sub, 404, text, whole);
}

/* A dataset that is there, but not to be read. */
static void unserved(const struct c2_found *found)
{
    const struct c2_ds *ds = found->ds;
    char text[800];

    snprintf(text, sizeof(text), "%s cannot be served%s: %.500s", ds->path, ds->busy ? " yet" : "",
             ds->error);
    if (ds->busy)
        c2_page_listing(found->req, found->sub, NULL, "Being written", text);
    else
        c2_page_error(found->req, found->sub, c2_ds_unserved_status(ds), text, "");
}

static void reply_folder(struct c2_request *req, struct c2_root_state *root, const char *folder)
{
    struct c2_ds *readme = NULL;
    struct c2_page *page = c2_page_folder(req, root, folder, &readme);

    if (page && readme)
        c2_page_end_with(page, readme);
    else if (page)
        c2_page_end(page, 200);
}

static void resolve(const struct c2_found *found, const struct cat2_error *err)
{
    struct c2_request *req = found->req;
    struct c2_str whole = c2_request_param(req, "path"), name, path;
    const char *asked = c2_arena_strdup(c2_request_arena(req), whole), *why;
    char *folder = c2_arena_strdup(c2_request_arena(req), found->path);
    char text[800];
    struct c2_ds *broken;

    c2_str_cut(whole, '/', &name, &path);
    if (err && err->http_status == 503) {
        c2_page_listing(req, found->sub, found->root, "Being listed", err->message);
    } else if (err) {
        c2_page_error(req, found->sub, err->http_status == 403 ? 403 : 502, err->message, "");
    } else if (!found->root || !asked || !folder) {
        snprintf(text, sizeof(text), "There is no root “%.*s”.", (int)c2_min_i64(250, (int64_t)name.n),
                 name.p);
        c2_page_error(req, found->sub, 404, text, asked ? asked : "");
    } else if (found->ds && found->ds->error) {
        unserved(found);
    } else if (found->ds) {
        c2_page_dataset(req, found->ds);
    } else if (found->folder) {
        reply_folder(req, found->root, folder);
    } else if ((broken = c2_sub_find_broken(found->root, found->path, &why))) {
        snprintf(text, sizeof(text), "%.200s cannot be read: %.200s %.300s", folder, broken->path, why);
        c2_page_error(req, found->sub, 422, text, "");
    } else {
        not_there(found, asked);
    }
}

static void handle_roots(struct c2_request *req, void *state)
{
    struct c2_str name, path;

    c2_str_cut(c2_request_param(req, "path"), '/', &name, &path);
    c2_sub_find_path(req, state, name, path, C2_FIND_PAGE, resolve, NULL);
}

static void handle_assets(struct c2_request *req, void *state)
{
    const struct c2_subscriber *sub = state;
    c2_assets_reply(req, sub->config.web_dir);
}

static void handle_h5web(struct c2_request *req, void *state)
{
    const struct c2_subscriber *sub = state;
    c2_h5web_reply(req, sub->config.h5web_dir);
}

static const struct c2_route routes[] = {
    {C2_GET, "/", handle_home, NULL, NULL},
    {C2_GET, "/roots/{path*}", handle_roots, NULL, NULL},
    {C2_GET, "/markdown/{path*}", c2_handle_markdown, NULL, NULL},
    {C2_GET, "/assets/{hash}/{name*}", handle_assets, NULL, NULL, .scope = C2_SCOPE_NONE},
    {C2_GET, "/h5web/{name*}", handle_h5web, NULL, NULL},
};

void c2_pages_add_routes(struct c2_subscriber *sub)
{
    c2_server_routes(sub->config.server, routes, C2_ARRAY_LEN(routes), sub);
    c2_pages_add_old_routes(sub);
    c2_pages_add_login(sub);
}
