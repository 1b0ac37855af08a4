/* SPDX-License-Identifier: BSD-3-Clause */
/* HDF5 as a format: its files are known by their signature, whatever they are called, and read by cat2h5. */
#include "helper/h5_proto.h"
#include "publisher/source/h5_file_impl.h"
#include "publisher/source/h5_kind.h"

static struct c2_h5_file *of(struct c2_container *c)
{
    return (struct c2_h5_file *)c;
}

static enum c2_claim probe(const struct c2_candidate *candidate, const char **why)
{
    if (candidate->fd < 0) return C2_CLAIM_NONE;
    if (c2_h5_signature(candidate->fd)) return C2_CLAIM_CONTENTS;
    *why = c2_h5_not(candidate->fd);
    return c2_h5_suffix(candidate->name) ? C2_CLAIM_PROMISED : C2_CLAIM_NONE;
}

static bool start(const struct c2_site *site, void **shared, struct cat2_error *err)
{
    struct c2_h5_workers *workers;

    if (!c2_h5_workers_new(site->has_objects ? C2_H5_NO_FILES : site->dir, &workers, err)) return false;
    *shared = workers;
    return true;
}

static void cancel(void *shared)
{
    c2_h5_workers_cancel(shared);
}

static void stop(void *shared)
{
    c2_h5_workers_free(shared);
}

static bool init(struct c2_container *c, struct cat2_error *err)
{
    (void)err;
    pthread_mutex_init(&of(c)->walking, NULL);
    pthread_mutex_init(&of(c)->lock, NULL);
    return true;
}

static void fini(struct c2_container *c)
{
    c2_h5_snapshot_unref(of(c)->snap);
    c2_h5_snapshot_unref(of(c)->whole);
    pthread_mutex_destroy(&of(c)->walking);
    pthread_mutex_destroy(&of(c)->lock);
}

static bool list(struct c2_container *c, c2_container_sink *sink, void *ctx, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_h5_snapshot) *snap = NULL;
    bool ok = c2_h5_file_last(of(c), &snap, err);

    for (size_t i = 0; ok && i < c2_h5_snapshot_count(snap); i++) {
        const struct c2_h5_entry_of *entry = c2_h5_snapshot_at(snap, i);
        if (entry->group) continue;
        struct c2_generation gen;
        c2_h5_entry_gen(entry, c->format, &gen);
        gen.meta = c2_h5_snapshot_take_meta(snap, i);
        memcpy(gen.cparams, &entry->cparams, sizeof(gen.cparams));
        ok = sink(ctx, entry->path, &gen, err);
        c2_shared_unref(gen.meta);
    }
    return ok;
}

static bool stat_dataset(struct c2_container *c, const char *path, struct c2_generation *out,
                         struct cat2_error *err)
{
    return c2_h5_file_stat(of(c), path, out, err);
}

static bool open_dataset(struct c2_container *c, const char *path, struct c2_codec *codec,
                         struct c2_item **out, struct cat2_error *err)
{
    (void)codec; /* the worker has its own */
    return c2_h5_file_open(of(c), path, out, err);
}

static bool attrs(struct c2_container *c, const char *path, struct c2_buf *out, struct cat2_error *err)
{
    return c2_h5_file_attrs(of(c), path, out, err);
}

static bool uses(struct c2_container *c, const char *rel)
{
    return c2_h5_file_uses(of(c), rel);
}

extern const struct c2_format c2_format_hdf5;
const struct c2_format c2_format_hdf5 = {.name = "h5",
                                         .nbytes = sizeof(struct c2_h5_file),
                                         .probe = probe,
                                         .takes_object = c2_h5_suffix,
                                         .start = start,
                                         .cancel = cancel,
                                         .stop = stop,
                                         .init = init,
                                         .fini = fini,
                                         .list = list,
                                         .stat = stat_dataset,
                                         .open = open_dataset,
                                         .attrs = attrs,
                                         .uses = uses};
