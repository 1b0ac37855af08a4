/* SPDX-License-Identifier: BSD-3-Clause */
/* What a page that is not there says of datasets with names like the one that was asked for. */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "subscriber/mirror/root.h"
#include "subscriber/pages/pages.h"

#define NEAREST_MAX 5     /* names proposed for one that is not there */
#define LOOKS_MAX   20000 /* names compared for it, which takes milliseconds of the loop */

struct nearest {
    const char *asked; /* ROOT/PATH */
    const struct c2_ds *best[NEAREST_MAX];
    int64_t scores[NEAREST_MAX];
    size_t left; /* of LOOKS_MAX, for roots that were not asked for */
};

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

static void compare(struct nearest *near, const struct c2_ds *ds)
{
    char name[C2_PATH_MAX + 300];
    size_t at = NEAREST_MAX;

    if (ds->group_attrs) return;
    snprintf(name, sizeof(name), "%s/%s", ds->root, ds->path);
    int64_t score = likeness(near->asked, name);
    while (at > 0 && score > near->scores[at - 1])
        at--;
    if (at == NEAREST_MAX) return;
    memmove(near->best + at + 1, near->best + at, (NEAREST_MAX - 1 - at) * sizeof(*near->best));
    memmove(near->scores + at + 1, near->scores + at, (NEAREST_MAX - 1 - at) * sizeof(*near->scores));
    near->best[at] = ds;
    near->scores[at] = score;
}

/* Of the root that was asked for those that sort near the name. */
static void look_through(struct nearest *near, const struct c2_root_state *root)
{
    struct c2_str name, path;
    size_t first = 0, n = near->left;

    c2_str_cut(c2_str_of(near->asked), '/', &name, &path);
    if (c2_str_is(name, root->root.name)) {
        n = LOOKS_MAX;
        first = c2_sub_lower(root, path);
        first = first > n / 2 ? first - n / 2 : 0;
    } else {
        near->left -= n < root->n ? n : root->n;
    }
    for (size_t i = first; i < root->n && i < first + n; i++)
        compare(near, root->datasets[i]);
}

void c2_page_nearest(struct c2_page *page, const char *asked)
{
    struct nearest near = {.asked = asked, .left = LOOKS_MAX};

    for (const struct c2_root_state *root = c2_sub_seen(page->req, page->sub->roots); root;
         root = c2_sub_seen(page->req, root->next))
        look_through(&near, root);
    if (!near.best[0]) return;
    c2_html(&page->h, "<h2>Nearest names</h2>\n<ul>");
    for (size_t i = 0; i < NEAREST_MAX && near.best[i]; i++)
        c2_html(&page->h, "<li><a href=\"/roots/~/~\">$/$</a></li>", near.best[i]->root, near.best[i]->path,
                near.best[i]->root, near.best[i]->path);
    c2_html(&page->h, "</ul>\n");
}
