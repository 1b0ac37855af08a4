/* SPDX-License-Identifier: BSD-3-Clause */
/* The corner of a page that says who has signed in. */
#include "access/access.h"
#include "subscriber/pages/pages.h"

void c2_page_account(struct c2_page *page)
{
    struct c2_html *h = &page->h;

    if (!page->sub->config.access) return;
    struct c2_access_user who = c2_access_user(page->sub->config.access, page->req);
    if (who.user)
        c2_html(h,
                "<div id=\"account\"><form method=\"post\" action=\"/logout\"><input type=\"hidden\" "
                "name=\"csrf\" "
                "value=\"$\"><button title=\"Signed in as $\">Sign out</button></form></div>",
                who.csrf, who.user);
    else if (who.can_sign_in)
        c2_html(h, "<div id=\"account\"><a href=\"/login\">Sign in</a></div>");
}
