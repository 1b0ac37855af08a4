/* SPDX-License-Identifier: BSD-3-Clause */
/* The tree of roots, folders and datasets, and the rows of it that are to be seen: what is open, or what a
 * filter finds. What is open, selected and known of sizes survives a new list. */
#ifndef C2_TUI_TREE_H
#define C2_TUI_TREE_H

#include "base/buf.h"
#include "base/vec.h"
#include "caterva2/caterva2.h"

enum c2_tui_node_kind { C2_TUI_TOP, C2_TUI_ROOT, C2_TUI_FOLDER, C2_TUI_DATASET };
enum c2_tui_list_state { C2_TUI_UNLISTED, C2_TUI_LISTING, C2_TUI_LISTED };

struct c2_tui_node {
    enum c2_tui_node_kind kind;
    char *name;
    struct c2_tui_node *parent;
    struct {
        C2_VEC(struct c2_tui_node *);
    } kids;
    bool open, subscribed, asked; /* asked: for its size */
    bool stale;                   /* of a root: there is something new in it */
    bool hit;                     /* the filter finds it, or something in it */
    enum c2_tui_list_state listed;
    int64_t size; /* bytes, -1 unknown */
    char *note;   /* why it could not be listed; NULL */
};
struct c2_tui_row {
    struct c2_tui_node *node;
    int depth;
};
struct c2_tui_tree {
    struct c2_tui_node top;
    struct {
        C2_VEC(struct c2_tui_row);
    } rows;
    size_t selected;
    char filter[128];
};

void c2_tui_tree_fini(struct c2_tui_tree *tree);
C2_DEFINE_AUTO(c2_tui_tree);
/** The roots there are now, with their marks. */
bool c2_tui_tree_roots(struct c2_tui_tree *tree, const cat2_strings *roots, struct cat2_error *err);
/** What a root holds now; an unknown root is left out. */
bool c2_tui_tree_list(struct c2_tui_tree *tree, const char *root, const cat2_strings *paths,
                      struct cat2_error *err);
/** Forget what a root held. */
void c2_tui_tree_unlist(struct c2_tui_tree *tree, struct c2_tui_node *root);
/** By path, "foo/dir/a.b2nd"; NULL. */
struct c2_tui_node *c2_tui_tree_find(struct c2_tui_tree *tree, const char *path);
/** The rows after any change of open or filter; the selection stays on its node, or the nearest before it. */
bool c2_tui_tree_update(struct c2_tui_tree *tree, struct cat2_error *err);
struct c2_tui_node *c2_tui_tree_selected(const struct c2_tui_tree *tree);
/** Select a node, opening what it lies in. */
bool c2_tui_tree_select(struct c2_tui_tree *tree, struct c2_tui_node *node, struct cat2_error *err);
/** The next (by 1) or previous (-1) dataset that the filter finds; false when there is no other. */
bool c2_tui_tree_next_hit(struct c2_tui_tree *tree, int by);
/** "foo/dir/a.b2nd", cut to size. */
void c2_tui_node_path(const struct c2_tui_node *node, char *out, size_t size);
/** The root a node lies in. */
struct c2_tui_node *c2_tui_node_root(struct c2_tui_node *node);

#endif
