/* SPDX-License-Identifier: BSD-3-Clause */
/* One dataset of an HDF5 file becomes an array: libhdf5 reads in this thread, all compress, chunks are
 * written in their order. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "blosc/meta.h"
#include "import_export/import_impl.h"

#define NAMES_TRIED 1000

struct dataset {
    struct c2_importer *im;
    const struct c2_import_item *item;
    struct c2_h5_dataset *from;
    struct c2_import_attrs attrs;
    struct c2_h5_raw raw[C2_CREW_UNITS];
    struct c2_frame_writer *to;
    struct c2_buf path;   /* of the file */
    const char *own_name; /* where the file's does not tell it */
    bool broken;          /* the result cannot be written: no use in going on */
};

static void dataset_auto(struct dataset *ds)
{
    c2_frame_writer_free(ds->to);
    c2_import_attrs_fini(&ds->attrs);
    c2_h5_dataset_close(ds->from);
    c2_buf_fini(&ds->path);
    for (int i = 0; i < C2_CREW_UNITS; i++)
        c2_h5_raw_fini(&ds->raw[i]);
}

static bool take(void *ctx, struct c2_crew_unit *unit, struct cat2_error *err)
{
    struct dataset *ds = ctx;
    return c2_h5_fetch(ds->from, unit->i, &ds->raw[unit->at], err);
}

static bool work(void *ctx, struct c2_codec *codec, struct c2_crew_unit *unit, struct cat2_error *err)
{
    struct dataset *ds = ctx;
    struct c2_h5_raw *raw = &ds->raw[unit->at];

    unit->copied = raw->kind == C2_H5_RAW_STORED && c2_h5_dataset_facts(ds->from)->passes;
    return c2_h5_convert(ds->from, codec, raw, &unit->out, err);
}

static bool hand_in(void *ctx, struct c2_crew_unit *unit, struct cat2_error *err)
{
    struct dataset *ds = ctx;
    struct c2_importer *im = ds->im;

    if (!c2_convert_goes_on(im->options, err)) return false;
    if (!c2_frame_writer_add(ds->to, c2_buf_bytes(&unit->out), err)) {
        ds->broken = err->code == CAT2_EIO;
        return false;
    }
    c2_convert_chunk_done(im->options, im->counts, &im->progress, unit->i, unit->copied);
    return true;
}

static bool write_frame(struct dataset *ds, int fd, struct cat2_error *err)
{
    static const struct c2_crew_work chunks = {.take = take, .work = work, .hand_in = hand_in};
    const struct c2_meta *meta = c2_h5_meta(ds->from);

    ds->im->progress.nchunks = meta->grid.nchunks;
    if (!c2_frame_writer_new(fd, meta, &ds->to, err) ||
        !c2_import_describe(ds->im, ds->item, &ds->attrs, ds->to, err) ||
        !c2_crew_run(ds->im->crew, &chunks, ds, meta->grid.nchunks, meta->chunksize, err) ||
        !c2_import_attrs_write(ds->im, ds->item, &ds->attrs, ds->to, err))
        return false;
    if (c2_frame_writer_finish(ds->to, NULL, err)) return true;
    ds->broken = err->code == CAT2_EIO;
    return false;
}

static bool write_file(struct dataset *ds, struct cat2_error *err)
{
    const char *path = c2_buf_cstr(&ds->path);
    C2_AUTO(c2_fd) file = {openat(ds->im->dirfd, path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666)};

    if (file.fd < 0) {
        ds->broken = errno == ENOSPC || errno == EDQUOT || errno == EROFS || errno == EMFILE;
        return c2_fail_errno(err, errno, "cannot be written");
    }
    bool ok = write_frame(ds, file.fd, err);
    if (!ok) unlinkat(ds->im->dirfd, path, 0);
    return ok;
}

static bool is_taken(const struct dataset *ds)
{
    struct stat st;

    /* The attributes of a group have this name, also of a group that has none yet. */
    return c2_is_group_attrs(c2_buf_str(&ds->path)) ||
           (!ds->im->options->dry_run &&
            fstatat(ds->im->dirfd, c2_buf_cstr(&ds->path), &st, AT_SYMLINK_NOFOLLOW) == 0);
}

/* The name of the file: another one where that is taken, or too long with its suffix; the description has the
 * dataset's own. */
static bool choose_name(struct dataset *ds, struct cat2_error *err)
{
    const char *path = ds->item->path, *name = c2_path_name(path);
    size_t above = (size_t)(name - path), n = strlen(name);

    ds->own_name = c2_import_own_name(ds->item);
    for (int i = 0; i < NAMES_TRIED; i++) {
        size_t most = C2_NAME_MAX - strlen(".b2nd") - (i ? 6 : 0),
               kept = c2_utf8_whole((struct c2_str){name, n}, n < most ? n : most);
        c2_buf_clear(&ds->path);
        if (!c2_buf_append(&ds->path, path, above + kept, err) ||
            !(i ? c2_buf_printf(&ds->path, err, "~%d.b2nd", i) : c2_buf_puts(&ds->path, ".b2nd", err)))
            return false;
        bool same = i == 0 && kept == n;
        if (!same) ds->own_name = c2_path_name(ds->item->name);
        if (is_taken(ds)) continue;
        if (!same)
            c2_import_note(ds->im, C2_NOTE_CHANGED, path,
                           "its name is taken, or too long: the file has another");
        return true;
    }
    return c2_fail(err, CAT2_EUNSUPPORTED, "its name is taken");
}

/* A chunk shape that was asked for is not the file's. */
static bool read_attributes(struct dataset *ds, struct cat2_error *err)
{
    const struct c2_h5_options *reading = &ds->im->reading;
    bool other_chunks = reading->ndim > 0 && reading->ndim == c2_h5_meta(ds->from)->grid.ndim;

    return c2_import_attrs_read(ds->im, ds->item, ds->own_name, other_chunks, &ds->attrs, err);
}

/* Members that cannot be carried. */
static void note_left_out(struct c2_importer *im, const struct c2_import_item *item,
                          const struct c2_h5_dataset *from)
{
    const struct c2_h5_left_out *left;
    size_t n = c2_h5_dataset_left_out(from, &left);
    struct cat2_error text;

    for (size_t i = 0; i < n; i++) {
        c2_fail(&text, CAT2_EUNSUPPORTED, "member '%.60s': %.150s", left[i].name, left[i].reason);
        c2_import_note(im, C2_NOTE_SKIPPED, item->path, text.message);
    }
}

bool c2_import_dataset(struct c2_importer *im, const struct c2_import_item *item, struct cat2_error *err)
{
    __attribute__((cleanup(dataset_auto))) struct dataset ds = {.im = im, .item = item};
    struct c2_convert_counts before = *im->counts;

    c2_buf_init(&ds.path, 4 * C2_PATH_MAX);
    for (int i = 0; i < C2_CREW_UNITS; i++)
        c2_h5_raw_init(&ds.raw[i]);
    if (c2_h5_dataset_open(im->h5, item->name, &im->reading, &ds.from, err) && choose_name(&ds, err) &&
        read_attributes(&ds, err) && (im->options->dry_run || write_file(&ds, err))) {
        im->counts->datasets++;
        note_left_out(im, item, ds.from);
        if (im->options->dry_run) c2_import_note(im, C2_NOTE_LISTED, item->path, item->name);
        return true;
    }
    if (ds.broken || err->code == CAT2_ECANCELLED || err->code == CAT2_ENOMEM)
        return c2_fail_within(err, "%.100s", item->path);
    before.skipped = im->counts->skipped;
    *im->counts = before;
    c2_import_note(im, C2_NOTE_SKIPPED, item->path, err->message);
    return true;
}
