/* SPDX-License-Identifier: BSD-3-Clause */
/* What a page that is not there says of datasets with names like the one that was asked for. */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "subscriber/mirror/root.h"
#include "subscriber/pages/pages.h"

#define NEAREST_MAX 5 /* names proposed for one that is not there */

/* How alike: what they share at both ends, less what they do not. */
static int64_t likeness(const char *a, const char *b)
{
    size_t na = strlen(a), nb = strlen(b), least = na < nb ? na : nb, head = 0, tail = 0;

    while (head < least && a[head] == b[head])
        head++;
    while (tail < least - head && a[na - 1 - tail] == b[nb - 1 - tail])
        tail++;
    return 3 * (int64_t)(head + tail) - (int64_t)(na > nb ? na : nb);
}

void c2_page_nearest(struct c2_page *page, const char *asked)
{
    const struct c2_ds *best[NEAREST_MAX] = {0};
    int64_t scores[NEAREST_MAX] = {0};

    for (const struct c2_root_state *root = c2_sub_seen(page->req, page->sub->roots); root;
         root = c2_sub_seen(page->req, root->next))
        for (size_t i = 0; i < root->n; i++) {
            char name[C2_PATH_MAX + 300];
            if (root->datasets[i]->group_attrs) continue;
            snprintf(name, sizeof(name), "%s/%s", root->root.name, root->datasets[i]->path);
            int64_t score = likeness(asked, name);
            size_t at = NEAREST_MAX;
            while (at > 0 && score > scores[at - 1])
                at--;
            if (at == NEAREST_MAX) continue;
            memmove(best + at + 1, best + at, (NEAREST_MAX - 1 - at) * sizeof(*best));
            memmove(scores + at + 1, scores + at, (NEAREST_MAX - 1 - at) * sizeof(*scores));
            best[at] = root->datasets[i];
            scores[at] = score;
        }
    if (!best[0]) return;
    c2_html(&page->h, "<h2>Nearest names</h2>\n<ul>");
    for (size_t i = 0; i < NEAREST_MAX && best[i]; i++)
        c2_html(&page->h, "<li><a href=\"/roots/~/~\">$/$</a></li>", best[i]->root, best[i]->path,
                best[i]->root, best[i]->path);
    c2_html(&page->h, "</ul>\n");
}
