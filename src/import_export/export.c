/* SPDX-License-Identifier: BSD-3-Clause */
/* A directory becomes an HDF5 file: the tree is read first, then thing after thing is written. */
#include <unistd.h>

#include "base/fs.h"
#include "import_export/export_impl.h"
#include "import_export/place.h"

static bool go_on(struct c2_exporter *ex, const struct c2_export_item *item, struct cat2_error *err)
{
    if (!c2_convert_goes_on(ex->options, err)) return false;
    ex->progress.path = item->source;
    ex->progress.chunks = ex->progress.nchunks = 0;
    if (ex->options->progress) ex->options->progress(ex->options->ctx, &ex->progress);
    return true;
}

static bool export_sequences(struct c2_exporter *ex, struct c2_export_item *item,
                             const struct c2_export_groups *groups, struct cat2_error *err)
{
    return c2_export_sequences(ex, item, &c2_export_group_find(groups, item->target)->like, err);
}

/* Objects first, then what leads to them: see hdf5/rebuild.h. */
static bool write_objects(struct c2_exporter *ex, struct c2_export_tree *tree,
                          const struct c2_export_groups *groups, struct cat2_error *err)
{
    ex->progress.nitems = (int64_t)tree->n;
    if (!c2_export_groups_make(ex, tree, groups, err)) return false;
    for (size_t i = 0; i < tree->n; i++) {
        struct c2_export_item *item = &tree->p[i];
        ex->progress.items++;
        bool sequences = item->kind == C2_EXPORT_GROUP && item->offsets;
        if ((item->kind != C2_EXPORT_FRAME && item->kind != C2_EXPORT_FILE && !sequences) || item->part)
            continue;
        if (!go_on(ex, item, err)) return false;
        if (sequences ? !export_sequences(ex, item, groups, err) : !c2_export_one(ex, item, err))
            return false;
    }
    for (size_t i = 0; i < tree->n; i++) {
        struct c2_export_item *item = &tree->p[i];
        if (item->second && !(go_on(ex, item, err) && c2_export_one(ex, item, err))) return false;
    }
    if (!c2_export_groups_link(ex, groups, true, err)) return false;
    for (size_t i = 0; i < tree->n; i++) {
        struct c2_export_item *item = &tree->p[i];
        if (!item->made || !(item->items_wait || item->attributes_wait)) continue;
        if (!go_on(ex, item, err)) return false;
        if (item->offsets ? !export_sequences(ex, item, groups, err)
                          : !c2_export_dataset_finish(ex, item, err))
            return false;
    }
    return c2_export_groups_finish(ex, groups, err) && c2_export_groups_link(ex, groups, false, err);
}

static bool write_file(struct c2_exporter *ex, struct c2_export_tree *tree, const char *filename,
                       struct cat2_error *err)
{
    C2_AUTO(c2_export_groups) groups = {0};

    if (!c2_export_groups_read(ex, tree, &groups, err) ||
        !c2_export_groups_create(ex, &groups, filename, err))
        return false;
    if (write_objects(ex, tree, &groups, err)) return c2_h5w_close(ex->file, err);
    c2_h5w_free(ex->file);
    return false;
}

static bool write_with_crew(struct c2_exporter *ex, struct c2_export_tree *tree, const char *filename,
                            struct cat2_error *err)
{
    C2_AUTO_PTR(c2_crew) *crew = NULL;

    if (!c2_crew_new(ex->options->nthreads, &crew, err)) return false;
    ex->crew = crew;
    return write_file(ex, tree, filename, err) && c2_convert_goes_on(ex->options, err);
}

static bool export_from(struct c2_exporter *ex, const char *new_file, struct cat2_error *err)
{
    C2_AUTO(c2_export_tree) tree = {0};
    C2_AUTO(c2_place) place = {0};
    bool dry = ex->options->dry_run;

    /* The tree before the place: that may lie in the tree. */
    return c2_place_check(new_file, false, ex->options->overwrite, err) &&
           c2_export_tree_read(ex->rootfd, ex->options, ex->counts, &tree, err) &&
           (dry || c2_place_begin(new_file, false, ex->options->overwrite, &place, err)) &&
           write_with_crew(ex, &tree, dry ? NULL : place.temp, err) && (dry || c2_place_commit(&place, err));
}

bool c2_export(const char *root_dir, const char *new_file, const struct c2_convert_options *options,
               struct c2_convert_counts *counts, struct cat2_error *err)
{
    struct c2_exporter ex = {.options = options, .counts = counts};

    *counts = (struct c2_convert_counts){0};
    ex.rootfd = c2_fs_open_dir(root_dir, false, err);
    if (ex.rootfd < 0) return false;
    bool ok = export_from(&ex, new_file, err);
    close(ex.rootfd);
    return ok;
}
