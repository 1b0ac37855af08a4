/* SPDX-License-Identifier: BSD-3-Clause */
/* The page of who is refused or wants to sign in. */
#include "access/access.h"
#include "subscriber/pages/pages.h"

static void form(struct c2_html *h, struct c2_str next)
{
    c2_html(
        h, "<form method=\"post\" action=\"/login\" autocomplete=\"on\"><input type=\"hidden\" name=\"next\" "
           "value=\"");
    c2_html_text(h, next);
    c2_html(h, "\"><label>User <input name=\"user\" autocomplete=\"username\" autocapitalize=\"none\" "
               "spellcheck=\"false\"></label>"
               "<label>Password, or a key <input type=\"password\" name=\"password\" required "
               "autocomplete=\"current-password\"></label><button>Sign in</button></form>\n");
}

/* A proxy that is told 401 would ask in its own way; here the page asks. */
static void show(void *ctx, struct c2_request *req, int status, const char *why)
{
    struct c2_page page;

    c2_page_begin_bare(&page, req, ctx, status == 403 ? "Not allowed" : "Sign in", "login");
    c2_page_body(&page);
    c2_html(&page.h, "<div class=\"login\"><h1>$</h1>\n", status == 403 ? "Not allowed" : "Sign in");
    if (*why)
        c2_html(&page.h, "<p class=\"card$\" role=\"alert\">$</p>\n", status == 200 ? "" : " error", why);
    form(&page.h, c2_access_next(req));
    c2_html(&page.h, "</div>\n");
    c2_page_end(&page, status);
}

void c2_pages_add_login(struct c2_subscriber *sub)
{
    if (sub->config.access) c2_access_add_login(sub->config.access, sub->config.server, show, sub);
}
