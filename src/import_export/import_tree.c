/* SPDX-License-Identifier: BSD-3-Clause */
/* The names of an HDF5 file, and which of them are the first hard one of their object. */
#include <stdlib.h>

#include "hdf5/read/links.h"
#include "import_export/import_impl.h"

void c2_import_tree_fini(struct c2_import_tree *tree)
{
    for (size_t i = 0; i < tree->n; i++) {
        free(tree->p[i].path);
        free(tree->p[i].name);
        free(tree->p[i].refusal);
    }
    c2_vec_fini(tree);
    free(tree->homes);
    *tree = (struct c2_import_tree){0};
}

static bool add(void *ctx, const struct c2_h5_entry *entry, struct cat2_error *err)
{
    struct c2_import_tree *tree = ctx;

    if (!c2_vec_room(tree, C2_VEC_NO_MAX, "datasets", err)) return false;
    struct c2_import_item *item = &tree->p[tree->n];
    *item = (struct c2_import_item){.kind = entry->kind, .id = entry->id, .at = tree->n};
    item->path = c2_str_dup(c2_str_of(entry->path));
    item->name = c2_str_dup(c2_str_of(entry->name));
    if (entry->refusal) item->refusal = c2_str_dup(c2_str_of(entry->refusal));
    tree->n++;
    return (item->path && item->name && (item->refusal || !entry->refusal)) || c2_fail_nomem(err, "names");
}

/* Names follow their group's: the open groups are a stack of prefixes. */
static void find_hard(struct c2_h5 *h5, struct c2_import_tree *tree)
{
    size_t open[C2_TREE_DEPTH_MAX + 1], depth = 0;

    for (size_t i = 0; i < tree->n; i++) {
        struct c2_import_item *item = &tree->p[i];
        while (depth > 0) {
            const char *above = tree->p[open[depth - 1]].path;
            size_t n = strlen(above);
            if (n == 0 || (strncmp(item->path, above, n) == 0 && item->path[n] == '/')) break;
            depth--;
        }
        bool inside_hard = depth == 0 || tree->p[open[depth - 1]].hard;
        item->top = inside_hard;
        item->hard = inside_hard && item->kind != C2_H5_LINK && c2_h5_link_is_hard(h5, item->name);
        if (item->kind == C2_H5_GROUP && depth <= C2_TREE_DEPTH_MAX) open[depth++] = i;
    }
}

static int by_object(const void *left, const void *right)
{
    const struct c2_import_item *a = left, *b = right;

    if (a->hard != b->hard) return a->hard ? -1 : 1;
    if (a->id != b->id) return a->id < b->id ? -1 : 1;
    return a->at < b->at ? -1 : a->at > b->at;
}

static int by_position(const void *left, const void *right)
{
    const struct c2_import_item *a = left, *b = right;
    return a->at < b->at ? -1 : a->at > b->at;
}

static int by_id(const void *left, const void *right)
{
    uint64_t a = (*(struct c2_import_item *const *)left)->id,
             b = (*(struct c2_import_item *const *)right)->id;
    return a < b ? -1 : a > b;
}

static bool find_homes(struct c2_import_tree *tree, struct cat2_error *err)
{
    if (!(tree->homes = calloc(tree->n + 1, sizeof(struct c2_import_item *))))
        return c2_fail_nomem(err, "names");
    for (size_t i = 0; i < tree->n; i++) {
        struct c2_import_item *item = &tree->p[i];
        if (item->id && item->hard && !item->again) tree->homes[tree->nhomes++] = item;
    }
    if (tree->nhomes > 1) qsort(tree->homes, tree->nhomes, sizeof(struct c2_import_item *), by_id);
    return true;
}

const struct c2_import_item *c2_import_home(const struct c2_import_tree *tree, uint64_t id)
{
    struct c2_import_item wanted = {.id = id}, *key = &wanted, **found;

    found = tree->nhomes ? bsearch(&key, tree->homes, tree->nhomes, sizeof(struct c2_import_item *), by_id)
                         : NULL;
    return found ? *found : NULL;
}

bool c2_import_tree_read(struct c2_h5 *h5, struct c2_import_tree *out, struct cat2_error *err)
{
    C2_AUTO(c2_import_tree) tree = {0};

    if (!c2_h5_walk(h5, add, &tree, err)) return false;
    find_hard(h5, &tree);
    if (tree.n > 1) qsort(tree.p, tree.n, sizeof(*tree.p), by_object);
    for (size_t i = 1; i < tree.n; i++)
        tree.p[i].again = tree.p[i].hard && tree.p[i].id == tree.p[i - 1].id;
    if (tree.n > 1) qsort(tree.p, tree.n, sizeof(*tree.p), by_position);
    if (!find_homes(&tree, err)) return false;
    *out = tree;
    tree = (struct c2_import_tree){0};
    return true;
}
