/* SPDX-License-Identifier: BSD-3-Clause */
/* One dataset of the directory on its way into the file. */
#include <stdlib.h>

#include "import_export/export_impl.h"

/* Must the whole export end, or only this dataset be left out? */
static bool is_the_end(const struct c2_export_dataset *ds, const struct cat2_error *err)
{
    return ds->broken || err->code == CAT2_ECANCELLED || err->code == CAT2_ENOMEM;
}

static bool make_dataset(struct c2_export_dataset *ds, struct cat2_error *err)
{
    struct c2_exporter *ex = ds->ex;
    struct c2_export_telling telling = {ex, ds->item};
    struct c2_h5w_teller teller = c2_export_teller(&telling);
    bool chosen = false;

    if (ds->fill_free && !c2_export_choose_fill(ds, ds->fill, &chosen, err)) return false;
    ds->plan.fill = chosen ? ds->fill : NULL;
    if (!ds->described)
        return c2_h5w_dataset_new(ex->file, ds->item->target, &ds->meta, ds->plan.fill, &ds->out, err);
    return c2_h5w_dataset_like(ex->file, ds->item->target, &ds->meta, &ds->like, &ds->plan, ds->filters,
                               &teller, &ds->out, err);
}

static bool write_item(struct c2_export_dataset *ds, struct c2_export_item *item, struct cat2_error *err)
{
    struct c2_exporter *ex = ds->ex;
    bool wait = false;

    if (!make_dataset(ds, err)) return false;
    item->made = item->told = true;
    item->items_wait = ds->described && ds->plan.later;
    bool ok = ex->options->dry_run || item->items_wait || c2_export_chunks(ds, err);
    ok = ok && (!ds->frame || c2_export_attributes_wait(ds->frame, &ds->like, &wait, err));
    item->attributes_wait = wait;
    ok = ok && (!ds->frame || wait || c2_export_attributes(ex, ds->frame, item, &ds->like, err));
    c2_h5w_dataset_close(ds->out);
    ds->out = NULL;
    return ok;
}

/* What was made of a dataset that cannot be carried goes. */
static void take_back(struct c2_exporter *ex, struct c2_export_item *item)
{
    struct cat2_error ignored;

    if (item->made) c2_h5w_remove(ex->file, item->target, &ignored);
    item->made = false;
}

/* Its own name, where the file's does not tell it. */
static bool rename_target(struct c2_export_item *item, const struct c2_h5w_like *like, struct cat2_error *err)
{
    C2_AUTO(c2_buf) path = C2_BUF_INIT(SIZE_MAX / 4);
    struct c2_str name;

    if (!c2_h5w_like_name(like, &name)) return true;
    if (!c2_buf_append(&path, item->target, (size_t)(c2_path_name(item->target) - item->target), err) ||
        !c2_buf_append_str(&path, name, err))
        return false;
    free(item->target);
    item->target = c2_str_dup(c2_buf_str(&path));
    return item->target || c2_fail_nomem(err, "path");
}

bool c2_export_one(struct c2_exporter *ex, struct c2_export_item *item, struct cat2_error *err)
{
    C2_AUTO(c2_export_dataset) ds = {0};

    bool opened = c2_export_dataset_open(ex, item, &ds, err);
    if (opened && ds.described && ds.plan.fill_refers && !item->second) {
        item->second = item->told = true;
        return true;
    }
    if (opened && rename_target(item, &ds.like, err) && write_item(&ds, item, err)) {
        ex->counts->datasets++;
        if (ex->options->dry_run) c2_export_note(ex, C2_NOTE_LISTED, item->target, item->source);
        return true;
    }
    if (is_the_end(&ds, err)) return c2_fail_within(err, "%.100s", item->source);
    c2_h5w_dataset_close(ds.out);
    ds.out = NULL;
    take_back(ex, item);
    c2_export_note(ex, C2_NOTE_SKIPPED, item->source, err->message);
    return true;
}

/* When all objects are there: items and attributes that lead to them. */
bool c2_export_dataset_finish(struct c2_exporter *ex, struct c2_export_item *item, struct cat2_error *err)
{
    C2_AUTO(c2_export_dataset) ds = {0};
    bool ok = c2_export_dataset_open(ex, item, &ds, err);

    if (ok && item->items_wait && !ex->options->dry_run) {
        ok = c2_h5w_dataset_again(ex->file, item->target, &ds.meta, &ds.like, &ds.plan, &ds.out, err) &&
             c2_export_chunks(&ds, err);
        c2_h5w_dataset_close(ds.out);
        ds.out = NULL;
    }
    if (ok && item->attributes_wait) ok = c2_export_attributes(ex, ds.frame, item, &ds.like, err);
    if (ok) return true;
    if (is_the_end(&ds, err)) return c2_fail_within(err, "%.100s", item->source);
    take_back(ex, item);
    ex->counts->datasets--;
    c2_export_note(ex, C2_NOTE_SKIPPED, item->source, err->message);
    return true;
}
