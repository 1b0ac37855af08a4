/* SPDX-License-Identifier: BSD-3-Clause */
/* The groups of the file: made before all else, finished after all else. */
#include <stdlib.h>

#include "import_export/export_impl.h"

void c2_export_groups_fini(struct c2_export_groups *groups)
{
    for (size_t i = 0; i < groups->n; i++)
        c2_h5w_like_fini(&groups->list[i].like);
    free(groups->list);
    *groups = (struct c2_export_groups){0};
}

static int by_target(const void *left, const void *right)
{
    return strcmp(((const struct c2_export_group *)left)->item->target,
                  ((const struct c2_export_group *)right)->item->target);
}

const struct c2_export_group *c2_export_group_find(const struct c2_export_groups *groups, const char *path)
{
    struct c2_export_item item = {.target = (char *)(uintptr_t)path};
    struct c2_export_group wanted = {.item = &item};

    return groups->n ? bsearch(&wanted, groups->list, groups->n, sizeof(wanted), by_target) : NULL;
}

/* ---- reading ---- */

static bool read_group(struct c2_exporter *ex, struct c2_export_item *item, struct c2_export_group *out,
                       struct cat2_error *err)
{
    C2_AUTO(c2_export_dataset) ds = {0};

    out->item = item;
    if (c2_export_dataset_open(ex, item, &ds, err)) {
        item->told = true;
        out->like = ds.like;
        ds.like = (struct c2_h5w_like){0};
        return true;
    }
    if (err->code == CAT2_ENOMEM || err->code == CAT2_ECANCELLED) return false;
    c2_export_note(ex, C2_NOTE_SKIPPED, item->source, err->message);
    out->item = NULL;
    return true;
}

/* All that lies in a group moves with it. */
static bool move(struct c2_export_tree *tree, const char *from, const char *to, struct cat2_error *err)
{
    size_t n = strlen(from);

    for (size_t i = 0; i < tree->n; i++) {
        C2_AUTO(c2_buf) path = C2_BUF_INIT(SIZE_MAX / 4);
        char **target = &tree->p[i].target;
        if (strncmp(*target, from, n) != 0 || ((*target)[n] != '/' && (*target)[n] != '\0')) continue;
        if (!c2_buf_puts(&path, to, err) || !c2_buf_puts(&path, *target + n, err)) return false;
        char *moved = c2_str_dup(c2_buf_str(&path));
        if (!moved) return c2_fail_nomem(err, "path");
        free(*target);
        *target = moved;
    }
    return true;
}

static bool give_name(struct c2_export_tree *tree, const struct c2_export_group *group,
                      struct cat2_error *err)
{
    C2_AUTO(c2_buf) from = C2_BUF_INIT(SIZE_MAX / 4), to = C2_BUF_INIT(SIZE_MAX / 4);
    const char *path = group->item->target;
    struct c2_str name;

    if (!*path || !c2_h5w_like_name(&group->like, &name)) return true;
    if (!c2_buf_puts(&from, path, err) ||
        !c2_buf_append(&to, path, (size_t)(c2_path_name(path) - path), err) ||
        !c2_buf_append_str(&to, name, err))
        return false;
    for (size_t i = 0; i < tree->n; i++)
        if (strcmp(tree->p[i].target, c2_buf_cstr(&to)) == 0)
            return true; /* its name is taken: it keeps the directory's */
    return move(tree, c2_buf_cstr(&from), c2_buf_cstr(&to), err);
}

bool c2_export_groups_read(struct c2_exporter *ex, struct c2_export_tree *tree, struct c2_export_groups *out,
                           struct cat2_error *err)
{
    C2_AUTO(c2_export_groups) groups = {0};

    for (size_t i = 0; i < tree->n; i++)
        groups.n += tree->p[i].kind == C2_EXPORT_ATTRIBUTES;
    groups.list = calloc(groups.n + 1, sizeof(*groups.list));
    if (!groups.list) return c2_fail_nomem(err, "groups");
    groups.n = 0;
    for (size_t i = 0; i < tree->n; i++) {
        struct c2_export_group *group = &groups.list[groups.n];
        if (tree->p[i].kind != C2_EXPORT_ATTRIBUTES) continue;
        if (!c2_convert_goes_on(ex->options, err) || !read_group(ex, &tree->p[i], group, err)) return false;
        groups.n += group->item != NULL;
    }
    for (size_t i = 0; i < groups.n; i++)
        if (!give_name(tree, &groups.list[i], err)) return false;
    if (groups.n > 1) qsort(groups.list, groups.n, sizeof(*groups.list), by_target);
    *out = groups;
    groups = (struct c2_export_groups){0};
    return true;
}

/* Which items are the two arrays of a directory of sequences? All else in it, or one of them missing, makes
 * it a group. Items of a directory follow it. */
static void find_parts(struct c2_exporter *ex, struct c2_export_tree *tree, size_t at)
{
    struct c2_export_item *item = &tree->p[at], *offsets = NULL, *values = NULL;
    size_t n = strlen(item->target);
    bool others = false;

    for (size_t i = at + 1; i < tree->n && strncmp(tree->p[i].target, item->target, n) == 0; i++) {
        struct c2_export_item *child = &tree->p[i];
        if (child->target[n] == '\0') continue; /* its attributes */
        if (child->target[n] != '/') break;
        if (child->kind == C2_EXPORT_FRAME && strcmp(child->target + n + 1, "offsets") == 0)
            offsets = child;
        else if (child->kind == C2_EXPORT_FRAME && strcmp(child->target + n + 1, "values") == 0)
            values = child;
        else
            others = true;
    }
    if (!offsets || !values || others) {
        c2_export_note(ex, C2_NOTE_LOST, item->source,
                       "it is described as sequences of variable length, but holds more or less than their "
                       "two arrays: a group");
        return;
    }
    item->offsets = offsets;
    item->values = values;
    offsets->part = values->part = true;
}

/* ---- making ---- */

static struct c2_h5w_teller teller_of(struct c2_exporter *ex, const struct c2_export_group *group,
                                      struct c2_export_telling *to)
{
    *to = (struct c2_export_telling){ex, group ? group->item : NULL};
    return c2_export_teller(to);
}

/* A described group; not a dataset of sequences, which looks like one in the directory. */
static bool is_group(const struct c2_exporter *ex, const struct c2_export_group *group)
{
    return group->like.root && c2_h5w_is_group(ex->file, group->item->target);
}

bool c2_export_groups_create(struct c2_exporter *ex, const struct c2_export_groups *groups,
                             const char *filename, struct cat2_error *err)
{
    const struct c2_export_group *root = c2_export_group_find(groups, "");
    struct c2_export_telling telling;
    struct c2_h5w_teller teller = teller_of(ex, root, &telling);

    return c2_h5w_create_like(filename, root ? &root->like : NULL, &teller, &ex->file, err);
}

bool c2_export_groups_make(struct c2_exporter *ex, struct c2_export_tree *tree,
                           const struct c2_export_groups *groups, struct cat2_error *err)
{
    for (size_t i = 0; i < tree->n; i++) {
        struct c2_export_item *item = &tree->p[i];
        if (item->kind != C2_EXPORT_GROUP) continue;
        const struct c2_export_group *group = c2_export_group_find(groups, item->target);
        if (group && c2_h5w_like_is_sequence(&group->like)) find_parts(ex, tree, i);
        if (item->offsets) continue;
        bool ok = group && group->like.root ? c2_h5w_group_like(ex->file, item->target, &group->like, err)
                                            : c2_h5w_group(ex->file, item->target, err);
        if (!c2_convert_goes_on(ex->options, err) || !ok) return false;
        ex->counts->groups++;
    }
    for (size_t i = 0; i < groups->n; i++) {
        const struct c2_export_group *group = &groups->list[i];
        struct c2_export_telling telling;
        struct c2_h5w_teller teller = teller_of(ex, group, &telling);
        if (is_group(ex, group) && !c2_h5w_types(ex->file, group->item->target, &group->like, &teller, err))
            return false;
    }
    return true;
}

/* ---- finishing ---- */

/* Is it more than what cat2import makes, an array without axes of one byte? */
static bool has_data(const struct c2_export_dataset *ds)
{
    const struct c2_meta *meta = ds->frame ? c2_frame_meta(ds->frame) : NULL;

    return meta && (meta->grid.ndim > 0 || meta->grid.typesize != 1);
}

static bool attributes(struct c2_exporter *ex, const struct c2_export_group *group, struct cat2_error *err)
{
    C2_AUTO(c2_export_dataset) ds = {0};
    struct c2_export_telling telling;
    struct c2_h5w_teller teller = teller_of(ex, group, &telling);

    if (!c2_convert_goes_on(ex->options, err)) return false;
    if (!c2_h5w_is_there(ex->file, group->item->target)) return true; /* a dataset that could not be made */
    bool opened = c2_export_dataset_open(ex, group->item, &ds, err);
    if (opened && has_data(&ds))
        c2_export_note(ex, C2_NOTE_LOST, group->item->source,
                       "its data: an array of this name is its group's attributes");
    if (opened && c2_export_attributes(ex, ds.frame, group->item, &group->like, err))
        return !group->like.root ||
               c2_h5w_types_attributes(ex->file, group->item->target, &group->like, &teller, err);
    if (err->code == CAT2_ENOMEM || err->code == CAT2_ECANCELLED) return false;
    c2_export_note(ex, C2_NOTE_SKIPPED, group->item->source, err->message);
    return true;
}

/* Hard links lead to objects by their first names; references may lead to objects by any. */
bool c2_export_groups_link(struct c2_exporter *ex, const struct c2_export_groups *groups, bool hard,
                           struct cat2_error *err)
{
    for (size_t i = 0; i < groups->n; i++) {
        const struct c2_export_group *group = &groups->list[i];
        const char *path = group->item->target;
        struct c2_export_telling telling;
        struct c2_h5w_teller teller = teller_of(ex, group, &telling);
        if (!is_group(ex, group)) continue;
        if (!(hard ? c2_h5w_hard_links(ex->file, path, &group->like, &teller, err)
                   : c2_h5w_links(ex->file, path, &group->like, &teller, err)))
            return false;
    }
    return true;
}

bool c2_export_groups_finish(struct c2_exporter *ex, const struct c2_export_groups *groups,
                             struct cat2_error *err)
{
    for (size_t i = 0; i < groups->n; i++)
        if (!attributes(ex, &groups->list[i], err)) return false;
    return true;
}
