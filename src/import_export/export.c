/* SPDX-License-Identifier: BSD-3-Clause */
/* A directory becomes an HDF5 file: the tree is read first, then thing after thing is written. */
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "import_export/export_impl.h"
#include "import_export/place.h"

static void note(struct c2_exporter *ex, enum c2_note what, const char *path, const char *text)
{
    if (what == C2_NOTE_SKIPPED) ex->counts->skipped++;
    ex->options->note(ex->options->ctx, what, path, text);
}

/* Must the whole export end, or only this dataset be left out? */
static bool is_the_end(const struct c2_export_dataset *ds, const struct cat2_error *err)
{
    return ds->broken || err->code == CAT2_ECANCELLED || err->code == CAT2_ENOMEM;
}

static bool write_item(struct c2_export_dataset *ds, struct cat2_error *err)
{
    struct c2_exporter *ex = ds->ex;

    if (!c2_h5w_dataset_new(ex->file, ds->item->target, &ds->meta, &ds->out, err)) return false;
    bool ok = (ex->options->dry_run || c2_export_chunks(ds, err)) &&
              (!ds->frame || c2_export_attributes(ex, ds->frame, ds->item, err));
    c2_h5w_dataset_close(ds->out);
    ds->out = NULL;
    struct cat2_error ignored;
    if (!ok && !is_the_end(ds, err)) c2_h5w_remove(ex->file, ds->item->target, &ignored);
    return ok;
}

static bool export_dataset(struct c2_exporter *ex, const struct c2_export_item *item, struct cat2_error *err)
{
    C2_AUTO(c2_export_dataset) ds = {0};

    if (c2_export_dataset_open(ex, item, &ds, err) && write_item(&ds, err)) {
        ex->counts->datasets++;
        if (ex->options->dry_run) note(ex, C2_NOTE_LISTED, item->target, item->source);
        return true;
    }
    if (is_the_end(&ds, err)) return c2_fail_within(err, "%.100s", item->source);
    note(ex, C2_NOTE_SKIPPED, item->source, err->message);
    return true;
}

static bool export_group_attributes(struct c2_exporter *ex, const struct c2_export_item *item,
                                    struct cat2_error *err)
{
    C2_AUTO(c2_export_dataset) ds = {0};

    if (c2_export_dataset_open(ex, item, &ds, err)) return c2_export_attributes(ex, ds.frame, item, err);
    if (is_the_end(&ds, err)) return false;
    note(ex, C2_NOTE_SKIPPED, item->source, err->message);
    return true;
}

static bool export_item(struct c2_exporter *ex, const struct c2_export_item *item, struct cat2_error *err)
{
    if (!c2_convert_goes_on(ex->options, err)) return false;
    ex->progress.path = item->source;
    ex->progress.chunks = ex->progress.nchunks = 0;
    if (ex->options->progress) ex->options->progress(ex->options->ctx, &ex->progress);
    ex->progress.items++;
    switch (item->kind) {
    case C2_EXPORT_GROUP:
        ex->counts->groups++;
        return c2_h5w_group(ex->file, item->target, err);
    case C2_EXPORT_ATTRIBUTES:
        return export_group_attributes(ex, item, err);
    default:
        return export_dataset(ex, item, err);
    }
}

static bool write_file(struct c2_exporter *ex, const struct c2_export_tree *tree, const char *filename,
                       struct cat2_error *err)
{
    if (!c2_h5w_create(filename, &ex->file, err)) return false;
    ex->progress.nitems = (int64_t)tree->n;
    for (size_t i = 0; i < tree->n; i++)
        if (!export_item(ex, &tree->items[i], err)) {
            c2_h5w_free(ex->file);
            return false;
        }
    return c2_h5w_close(ex->file, err);
}

static bool write_with_crew(struct c2_exporter *ex, const struct c2_export_tree *tree, const char *filename,
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
