/* SPDX-License-Identifier: BSD-3-Clause */
/* Nodes are made from sorted paths. What is known of an old node is copied to the new one of the same path.
 */
#include "tui/tree.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/bisect.h"
#include "tui/fuzzy.h"

static void free_kids(struct c2_tui_node *node);

static void node_free(struct c2_tui_node *node)
{
    if (!node) return;
    free_kids(node);
    free(node->name);
    free(node->note);
    free(node);
}

static void free_kids(struct c2_tui_node *node)
{
    for (size_t i = 0; i < node->kids.n; i++)
        node_free(node->kids.p[i]);
    c2_vec_fini(&node->kids);
}

void c2_tui_tree_fini(struct c2_tui_tree *tree)
{
    free_kids(&tree->top);
    c2_vec_fini(&tree->rows);
    *tree = (struct c2_tui_tree){0};
}

/* Folders before datasets, each by name. */
static int compare_nodes(const void *a, const void *b)
{
    const struct c2_tui_node *x = *(struct c2_tui_node *const *)a, *y = *(struct c2_tui_node *const *)b;

    if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
    return strcmp(x->name, y->name);
}

static int compare(const struct c2_tui_node *node, enum c2_tui_node_kind kind, struct c2_str name)
{
    return node->kind != kind ? (node->kind < kind ? -1 : 1) : c2_str_cmp(c2_str_of(node->name), name);
}

static struct c2_tui_node *find_kid(const struct c2_tui_node *node, enum c2_tui_node_kind kind,
                                    struct c2_str name)
{
    size_t n = node ? node->kids.n : 0, at;

    c2_bisect(at, n, compare(node->kids.p[at], kind, name) < 0);
    return at < n && compare(node->kids.p[at], kind, name) == 0 ? node->kids.p[at] : NULL;
}

static struct c2_tui_node *add_kid(struct c2_tui_node *parent, enum c2_tui_node_kind kind, struct c2_str name)
{
    struct cat2_error ignored;
    if (!c2_vec_room(&parent->kids, C2_VEC_NO_MAX, "names", &ignored)) return NULL;
    struct c2_tui_node *node = calloc(1, sizeof(*node));
    char *copy = c2_str_dup(name);
    if (!node || !copy) {
        free(node);
        free(copy);
        return NULL;
    }
    *node = (struct c2_tui_node){.kind = kind, .name = copy, .parent = parent, .size = -1};
    parent->kids.p[parent->kids.n++] = node;
    return node;
}

/* Below `parent` the paths [lo, hi), from character `at` of each on. `old` is what stood in its place. */
static bool grow(struct c2_tui_node *parent, const struct c2_tui_node *old, char *const *paths, size_t n,
                 size_t at)
{
    struct c2_str name, rest;

    for (size_t i = 0, end; i < n; i = end) {
        bool folder = c2_str_cut(c2_str_of(paths[i] + at), '/', &name, &rest);
        enum c2_tui_node_kind kind = folder ? C2_TUI_FOLDER : C2_TUI_DATASET;
        struct c2_tui_node *was = find_kid(old, kind, name), *node = add_kid(parent, kind, name);
        if (!node) return false;
        if (was) {
            node->open = was->open;
            node->size = was->size;
            node->asked = was->size >= 0;
        }
        for (end = i + 1; folder && end < n && strncmp(paths[end] + at, name.p, name.n + 1) == 0; end++)
            continue;
        if (folder && !grow(node, was, paths + i, end - i, at + name.n + 1)) return false;
    }
    if (parent->kids.n) qsort(parent->kids.p, parent->kids.n, sizeof(struct c2_tui_node *), compare_nodes);
    return true;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Give the selection its node's place again after the nodes were made anew. */
static bool reselect(struct c2_tui_tree *tree, const char *path, struct cat2_error *err)
{
    size_t was = tree->selected;

    tree->rows.n = 0;
    if (!c2_tui_tree_update(tree, err)) return false;
    struct c2_tui_node *node = c2_tui_tree_find(tree, path);
    tree->selected = tree->rows.n && was >= tree->rows.n ? tree->rows.n - 1 : was;
    for (size_t i = 0; node && i < tree->rows.n; i++)
        if (tree->rows.p[i].node == node) tree->selected = i;
    return true;
}

bool c2_tui_tree_list(struct c2_tui_tree *tree, const char *root, const cat2_strings *list,
                      struct cat2_error *err)
{
    struct c2_tui_node *node = find_kid(&tree->top, C2_TUI_ROOT, c2_str_of(root));
    size_t n = 0, count = cat2_strings_count(list);
    struct cat2_error ignored;
    char selected[2048] = "";

    if (!node) return true;
    char **paths = calloc(count + 1, sizeof(char *));
    if (!paths) return c2_fail_nomem(err, "list");
    for (size_t i = 0; i < count; i++)
        if (c2_path_check(c2_str_of(cat2_strings_at(list, i)), &ignored))
            paths[n++] = (char *)cat2_strings_at(list, i);
    qsort(paths, n, sizeof(char *), compare_paths);
    if (c2_tui_tree_selected(tree)) c2_tui_node_path(c2_tui_tree_selected(tree), selected, sizeof(selected));
    struct c2_tui_node old = *node;
    memset(&node->kids, 0, sizeof(node->kids));
    bool ok = grow(node, &old, paths, n, 0);
    free(paths);
    free_kids(&old);
    node->listed = C2_TUI_LISTED;
    free(node->note);
    node->note = NULL;
    return reselect(tree, selected, err) && (ok || c2_fail_nomem(err, "list"));
}

bool c2_tui_tree_roots(struct c2_tui_tree *tree, const cat2_strings *roots, struct cat2_error *err)
{
    struct c2_tui_node fresh = {.kind = C2_TUI_TOP, .open = true};
    char selected[2048] = "";
    bool ok = true;

    if (c2_tui_tree_selected(tree)) c2_tui_node_path(c2_tui_tree_selected(tree), selected, sizeof(selected));
    for (size_t i = 0; ok && i < cat2_strings_count(roots); i++) {
        struct c2_tui_node *node = add_kid(&fresh, C2_TUI_ROOT, c2_str_of(cat2_strings_at(roots, i)));
        struct c2_tui_node *was = node ? find_kid(&tree->top, C2_TUI_ROOT, c2_str_of(node->name)) : NULL;
        ok = node != NULL;
        if (was) { /* the contents move over, the old node is left hollow */
            struct c2_tui_node hollow = {.name = was->name};
            char *name = node->name;
            *node = *was;
            node->name = name;
            *was = hollow;
            for (size_t k = 0; k < node->kids.n; k++)
                node->kids.p[k]->parent = node;
            was->kind = C2_TUI_ROOT;
        }
        if (node) {
            node->subscribed = cat2_strings_flag(roots, i);
            node->parent = &tree->top;
        }
    }
    free_kids(&tree->top);
    tree->top = fresh;
    if (fresh.kids.n) qsort(fresh.kids.p, fresh.kids.n, sizeof(struct c2_tui_node *), compare_nodes);
    return reselect(tree, selected, err) && (ok || c2_fail_nomem(err, "roots"));
}

void c2_tui_tree_unlist(struct c2_tui_tree *tree, struct c2_tui_node *root)
{
    struct cat2_error ignored;
    char path[2048];

    c2_tui_node_path(root, path, sizeof(path));
    free_kids(root);
    root->listed = C2_TUI_UNLISTED;
    root->open = false;
    (void)reselect(tree, path, &ignored);
}

struct c2_tui_node *c2_tui_tree_find(struct c2_tui_tree *tree, const char *path)
{
    struct c2_tui_node *node = &tree->top, *kid;
    struct c2_str rest = c2_str_of(path), name;

    while (node && rest.n) {
        bool more = c2_str_cut(rest, '/', &name, &rest);
        kid = find_kid(node, C2_TUI_ROOT, name);
        if (!kid) kid = find_kid(node, C2_TUI_FOLDER, name);
        if (!kid && !more) kid = find_kid(node, C2_TUI_DATASET, name);
        node = kid;
    }
    return node == &tree->top ? NULL : node;
}

/* Does the filter find the node or something in it? Sets hit all the way down. */
static bool mark_hits(struct c2_tui_node *node, struct c2_str filter)
{
    char path[2048];
    bool any = false;

    for (size_t i = 0; i < node->kids.n; i++)
        any |= mark_hits(node->kids.p[i], filter);
    if (node->kind == C2_TUI_DATASET) {
        c2_tui_node_path(node, path, sizeof(path));
        any = c2_tui_fuzzy(filter, c2_str_of(path)) > 0;
    }
    node->hit = any;
    return any;
}

static bool add_rows(struct c2_tui_tree *tree, struct c2_tui_node *node, int depth, struct cat2_error *err)
{
    bool filtered = tree->filter[0] != '\0';

    for (size_t i = 0; i < node->kids.n; i++) {
        struct c2_tui_node *kid = node->kids.p[i];
        if (filtered && !kid->hit) continue;
        if (!c2_vec_push(&tree->rows, C2_VEC_NO_MAX, "rows", err, (struct c2_tui_row){kid, depth}))
            return false;
        if ((filtered || kid->open) && !add_rows(tree, kid, depth + 1, err)) return false;
    }
    return true;
}

bool c2_tui_tree_update(struct c2_tui_tree *tree, struct cat2_error *err)
{
    const struct c2_tui_node *selected = c2_tui_tree_selected(tree);

    if (tree->filter[0]) mark_hits(&tree->top, c2_str_of(tree->filter));
    tree->rows.n = 0;
    bool ok = add_rows(tree, &tree->top, 0, err);
    while (selected && selected->kind != C2_TUI_TOP) { /* itself, or what it lies in */
        for (size_t i = 0; i < tree->rows.n; i++)
            if (tree->rows.p[i].node == selected) {
                tree->selected = i;
                return ok || c2_fail_nomem(err, "tree");
            }
        selected = selected->parent;
    }
    if (tree->selected >= tree->rows.n) tree->selected = tree->rows.n ? tree->rows.n - 1 : 0;
    return ok || c2_fail_nomem(err, "tree");
}

struct c2_tui_node *c2_tui_tree_selected(const struct c2_tui_tree *tree)
{
    return tree->selected < tree->rows.n ? tree->rows.p[tree->selected].node : NULL;
}

bool c2_tui_tree_select(struct c2_tui_tree *tree, struct c2_tui_node *node, struct cat2_error *err)
{
    for (struct c2_tui_node *up = node->parent; up && up->kind != C2_TUI_TOP; up = up->parent)
        up->open = true;
    if (!c2_tui_tree_update(tree, err)) return false;
    for (size_t i = 0; i < tree->rows.n; i++)
        if (tree->rows.p[i].node == node) tree->selected = i;
    return true;
}

bool c2_tui_tree_next_hit(struct c2_tui_tree *tree, int by)
{
    size_t n = tree->rows.n;

    for (size_t i = 1; i < n; i++) {
        size_t at = (tree->selected + (by > 0 ? i : n - i)) % n;
        if (tree->rows.p[at].node->kind != C2_TUI_DATASET) continue;
        tree->selected = at;
        return true;
    }
    return false;
}

void c2_tui_node_path(const struct c2_tui_node *node, char *out, size_t size)
{
    if (node->kind == C2_TUI_ROOT || node->kind == C2_TUI_TOP) {
        snprintf(out, size, "%s", node->name ? node->name : "");
        return;
    }
    c2_tui_node_path(node->parent, out, size);
    size_t n = strlen(out);
    snprintf(out + n, size - n, "/%s", node->name);
}

struct c2_tui_node *c2_tui_node_root(struct c2_tui_node *node)
{
    while (node->kind != C2_TUI_ROOT && node->parent)
        node = node->parent;
    return node;
}
