/* SPDX-License-Identifier: BSD-3-Clause */
/* What containers of one root share, and the texts of why they cannot be read. */
#include <pthread.h>
#include <stdlib.h>

#include "publisher/source/container.h"

#define REASONS_MAX 1024 /* distinct ones */

struct c2_reasons {
    pthread_mutex_t lock; /* guards the rest */
    char *texts[REASONS_MAX];
    int n;
};

bool c2_site_new(const char *dir, bool has_objects, const char *statedir,
                 const struct c2_format *const *formats, struct c2_gens *gens, struct c2_site **out,
                 struct cat2_error *err)
{
    struct c2_site *site = calloc(1, sizeof(*site));

    if (!site) return c2_fail_nomem(err, "source");
    atomic_init(&site->refs, 1);
    site->formats = formats;
    site->has_objects = has_objects;
    site->gens = c2_gens_ref(gens);
    site->reasons = calloc(1, sizeof(*site->reasons));
    if (site->reasons) pthread_mutex_init(&site->reasons->lock, NULL);
    if (dir) site->dir = c2_str_dup(c2_str_of(dir));
    site->statedir = c2_str_dup(c2_str_of(statedir));
    bool ok = (site->reasons && (!dir || site->dir) && site->statedir) || c2_fail_nomem(err, "source");
    for (size_t i = 0; ok && site->formats[i]; i++)
        if (site->formats[i]->start) ok = site->formats[i]->start(site, &site->shared[i], err);
    if (!ok) {
        c2_site_unref(site);
        return false;
    }
    *out = site;
    return true;
}

struct c2_site *c2_site_ref(struct c2_site *site)
{
    atomic_fetch_add(&site->refs, 1);
    return site;
}

void c2_site_unref(struct c2_site *site)
{
    if (!site || atomic_fetch_sub(&site->refs, 1) != 1) return;
    for (size_t i = 0; site->formats[i]; i++)
        if (site->shared[i]) site->formats[i]->stop(site->shared[i]);
    for (int i = 0; site->reasons && i < site->reasons->n; i++)
        free(site->reasons->texts[i]);
    if (site->reasons) pthread_mutex_destroy(&site->reasons->lock);
    free(site->reasons);
    free(site->dir);
    free(site->statedir);
    c2_so_far_unref(site->so_far);
    c2_gens_unref(site->gens);
    free(site);
}

void c2_site_cancel(struct c2_site *site)
{
    for (size_t i = 0; site->formats[i]; i++)
        if (site->shared[i] && site->formats[i]->cancel) site->formats[i]->cancel(site->shared[i]);
}

const char *c2_site_reason(struct c2_site *site, const char *text)
{
    struct c2_reasons *all = site->reasons;
    const char *found = NULL;

    pthread_mutex_lock(&all->lock);
    for (int i = 0; i < all->n && !found; i++)
        if (strcmp(all->texts[i], text) == 0) found = all->texts[i];
    if (!found && all->n < REASONS_MAX) {
        char *copy = c2_str_dup(c2_str_of(text));
        if (copy) found = all->texts[all->n++] = copy;
    }
    pthread_mutex_unlock(&all->lock);
    return found ? found : "cannot be carried";
}
