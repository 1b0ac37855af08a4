/* SPDX-License-Identifier: BSD-3-Clause */
/* The pages of the web client. Every one is complete as it comes: title, headings, listings, tables and
 * pictures need no script. The modules in web/ take over what they find. */
#ifndef C2_SUBSCRIBER_PAGES_PAGES_H
#define C2_SUBSCRIBER_PAGES_PAGES_H

#include "subscriber/mirror/mirror.h"
#include "web/html.h"

#define C2_PAGE_NBYTES_MAX (8 << 20) /* the HTML of one page */
#define C2_PAGE_ROWS       100       /* entries of one listing */

/* A page in the making. */
struct c2_page {
    struct c2_request *req;
    struct c2_subscriber *sub;
    struct c2_buf html;
    struct cat2_error err;
    struct c2_html h;
    bool bare; /* without scripts, which ask for what it may not be told */
};
/** Everything up to the inside of <main>. title is what the page is about; kind goes to data-page; more are
 * further attributes of <main>, written by this program. */
void c2_page_begin(struct c2_page *page, struct c2_request *req, struct c2_subscriber *sub, const char *title,
                   const char *kind);
/** The same of a page for who may not see any other: no roots, no scripts. */
void c2_page_begin_bare(struct c2_page *page, struct c2_request *req, struct c2_subscriber *sub,
                        const char *title, const char *kind);
/** An attribute of <main>; between begin and body. */
void c2_page_attr(struct c2_page *page, const char *name, const char *value);
void c2_page_body(struct c2_page *page);
/** Answer with the HTML as it is: a fragment; or with the error that kept it from being written. */
void c2_page_reply(struct c2_page *page, int status);
/** Close what begin opened, and answer with it. */
void c2_page_end(struct c2_page *page, int status);
/** The trail "roots / foo / dir1 / ds": links to all but the last. */
void c2_page_trail(struct c2_html *h, const char *root, const char *path);

/** A notice on top when the publisher of the root is not reached. */
void c2_page_away(struct c2_html *h, const struct c2_root_state *root);

/** A page that says what is waited for (a list, a file that is being written), and loads itself again.
 * root NULL: it is no list; else with the names that came last. */
void c2_page_listing(struct c2_request *req, struct c2_subscriber *sub, const struct c2_root_state *root,
                     const char *title, const char *what);
/** Waiting for a listing is worth this much before a page says so. */
/** A page that says what went wrong, and where else to look: near is what was asked for, "" none. */
void c2_page_error(struct c2_request *req, struct c2_subscriber *sub, int status, const char *what,
                   const char *near);
/** "1.5 MiB", with the exact number as its title. */
void c2_page_nbytes(struct c2_html *h, int64_t nbytes);
/** "10 × 20" of a dataset, "scalar", or its bytes. */
void c2_page_shape(struct c2_html *h, const struct c2_meta *meta);

/* ---- pages_list.c ---- */
/** The listing of a folder, "" the root, to be ended; NULL: the request is answered. readme: what is to stand
 * below it, or NULL. */
struct c2_page *c2_page_folder(struct c2_request *req, struct c2_root_state *root, const char *folder,
                               struct c2_ds **readme);
/** The datasets of these roots that have `text` in their path or attributes, and the groups that have it in
 * theirs; at most C2_PAGE_ROWS. c2_group_texts_ask() comes before. */
void c2_page_found(struct c2_page *page, struct c2_root_state *const *roots, size_t nroots,
                   struct c2_str text);
/** Links to the datasets whose names are most like ROOT/PATH. */
void c2_page_nearest(struct c2_page *page, const char *asked);

/* ---- pages_dataset.c ---- */
void c2_page_dataset(struct c2_request *req, struct c2_ds *ds);

/* ---- plugins.c ---- */
void c2_plugins_add_routes(struct c2_subscriber *sub);
/** The panels of the plugins that are not built in. */
void c2_page_plugins(struct c2_page *page, const struct c2_ds *ds);

/* ---- pages_text.c ---- */
/** Why the data cannot be shown, and what helps. */
void c2_page_cannot_show(struct c2_html *h, const struct c2_ds *ds, const struct cat2_error *why);
/** Read up to max bytes from the start of a file's data and hand them on: fn(ctx, bytes, err). */
typedef void c2_page_read_fn(void *ctx, struct c2_bytes bytes, const struct cat2_error *err);
void c2_page_read(struct c2_ds *ds, const struct c2_bound *bound, c2_page_read_fn *fn, void *ctx);
/** The same for the text of a file, which a worker renders as c2_markdown(): fn gets HTML. base: of c2_html.
 */
void c2_page_read_markdown(struct c2_ds *ds, const struct c2_bound *bound, int deeper, const char *base,
                           c2_page_read_fn *fn, void *ctx);
void c2_handle_markdown(struct c2_request *req, void *state);
/** End a page, which lives as its request, with a text rendered below what it has; where the text is not
 * there in time, with a link to it. */
void c2_page_end_with(struct c2_page *page, struct c2_ds *text);

/* ---- pages_account.c ---- */
/** Who has signed in, and the way out; or the way in, where there are users; or nothing. */
void c2_page_account(struct c2_page *page);
/* ---- pages_login.c ---- */
/** The pages of who is refused (access/access.h). */
void c2_pages_add_login(struct c2_subscriber *sub);

/* ---- pages_old.c: what the pages of spring 2024 asked for ---- */
void c2_pages_add_old_routes(struct c2_subscriber *sub);

/* ---- pages.c ---- */
void c2_pages_add_routes(struct c2_subscriber *sub);

#endif
