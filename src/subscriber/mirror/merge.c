/* SPDX-License-Identifier: BSD-3-Clause */
/* The merge of two sorted lists of datasets. */
#include "subscriber/mirror/merge.h"

#include <stdlib.h>
#include <string.h>

#include "subscriber/mirror/dataset.h"

static int by_path(const void *a, const void *b)
{
    const struct c2_ds *x = *(struct c2_ds *const *)a, *y = *(struct c2_ds *const *)b;
    int order = c2_str_cmp(c2_str_of(x->path), c2_str_of(y->path));

    return order ? order : (x->serial > y->serial) - (x->serial < y->serial);
}

/* Lists of ours come sorted; to sort 10^5 takes longer than to take them over. */
void c2_merge_sort(struct c2_ds **list, size_t n)
{
    bool sorted = true;

    for (size_t i = 1; i < n && sorted; i++)
        sorted = by_path(&list[i - 1], &list[i]) <= 0;
    if (!sorted) qsort(list, n, sizeof(struct c2_ds *), by_path);
}

bool c2_merge_is_same(const struct c2_ds *old, const struct c2_ds *found)
{
    if (found->life != C2_DS_FOUND) return true; /* it has been listed: what is there now is not older */
    return *found->etag && c2_ds_same_line(old, found) && old->speaks_pieces == found->speaks_pieces;
}

static struct c2_ds *take(struct c2_ds *const **list, size_t *n)
{
    (*n)--;
    return *(*list)++;
}

bool c2_merge_next(struct c2_merge *m, struct c2_merge_step *out)
{
    if (m->nold + m->nfound == 0) return false;
    int order = m->nfound == 0 ? -1
                : m->nold == 0 ? 1
                               : c2_str_cmp(c2_str_of((*m->old)->path), c2_str_of((*m->found)->path));
    while (order >= 0 && m->nfound > 1 && strcmp(m->found[0]->path, m->found[1]->path) == 0)
        take(&m->found, &m->nfound);
    out->old = order <= 0 ? take(&m->old, &m->nold) : NULL;
    out->found = order >= 0 ? take(&m->found, &m->nfound) : NULL;
    out->change = order < 0                                ? C2_MERGE_REMOVED
                  : order > 0                              ? C2_MERGE_NEW
                  : c2_merge_is_same(out->old, out->found) ? C2_MERGE_KEPT
                                                           : C2_MERGE_CHANGED;
    return true;
}
