/* SPDX-License-Identifier: BSD-3-Clause */
/* An HDF5 file becomes a directory: directories and their attributes first, then dataset after dataset. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "hdf5/read/links.h"
#include "import_export/import_impl.h"
#include "import_export/place.h"

/* An array without axes whose one item says nothing. */
static bool write_attributes(struct c2_importer *im, const struct c2_import_item *group,
                             const struct c2_import_attrs *attrs, int fd, struct cat2_error *err)
{
    C2_AUTO(c2_meta) meta = {.kind = C2_KIND_ARRAY, .chunksize = 1, .chunkshape = 1};
    C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
    C2_AUTO_PTR(c2_frame_writer) *w = NULL;

    meta.cparams = c2_cparams_default(1, 1);
    return c2_dtype_parse(C2_STR("|u1"), &meta.dtype, err) &&
           c2_grid_init(&meta.grid, NULL, NULL, NULL, 0, 1, true, err) &&
           c2_chunk_special(C2_CHUNK_ZERO, &meta.cparams, 1, &chunk, err) &&
           c2_frame_writer_new(fd, &meta, &w, err) && c2_import_describe(im, group, attrs, w, err) &&
           c2_frame_writer_add(w, c2_buf_bytes(&chunk), err) &&
           c2_import_attrs_write(im, group, attrs, w, err) && c2_frame_writer_finish(w, NULL, err);
}

static bool import_group(struct c2_importer *im, const struct c2_import_item *group, struct cat2_error *err)
{
    C2_AUTO(c2_import_attrs) attrs = {0};
    C2_AUTO(c2_buf) path = C2_BUF_INIT(2 * C2_PATH_MAX);
    bool dry = im->options->dry_run;

    if (*group->path && !dry && mkdirat(im->dirfd, group->path, 0777) != 0) {
        if (errno == ENOSPC || errno == EDQUOT || errno == EROFS)
            return c2_fail_errno(err, errno, "%.150s", group->path);
        c2_fail_errno(err, errno, "cannot be made");
        c2_import_note(im, C2_NOTE_SKIPPED, group->path, err->message);
        return true;
    }
    im->counts->groups += *group->path != '\0';
    if (!c2_import_attrs_read(im, group, c2_import_own_name(group), false, &attrs, err)) {
        if (err->code == CAT2_ENOMEM) return false;
        c2_import_note(im, C2_NOTE_SKIPPED, *group->path ? group->path : "/", err->message);
        return true;
    }
    if ((attrs.n == 0 && attrs.description.n == 0) || dry) return true;
    if (!c2_buf_printf(&path, err, "%s%s%s.b2nd", group->path, *group->path ? "/" : "", C2_GROUP_ATTRS))
        return false;
    C2_AUTO(c2_fd)
    file = {openat(im->dirfd, c2_buf_cstr(&path), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666)};
    if (file.fd < 0) return c2_fail_errno(err, errno, "%.150s", c2_buf_cstr(&path));
    return write_attributes(im, group, &attrs, file.fd, err);
}

/* Links to nowhere, to other files and back to a group above are kept as links by their group; all else is an
 * object that libhdf5 cannot open. */
static void tell_refused(struct c2_importer *im, const struct c2_import_item *item)
{
    uint64_t id;
    enum c2_h5_link_kind kind = c2_h5_link_kind(im->h5, item->name, &id);

    if (kind == C2_H5_LINK_SOFT || kind == C2_H5_LINK_EXTERNAL) return;
    if (kind == C2_H5_LINK_HARD && c2_import_home(im->tree, id)) return;
    im->counts->links--;
    c2_import_note(im, C2_NOTE_SKIPPED, item->path, item->refusal ? item->refusal : "cannot be opened");
}

/* Is it made at all? What is not is counted here. */
static bool is_made(struct c2_importer *im, const struct c2_import_item *item)
{
    if (item->kind == C2_H5_LINK || !item->hard || item->again) {
        if (!item->top) return false; /* what it lies in is a link */
        im->counts->links++;
        if (item->kind == C2_H5_LINK) tell_refused(im, item);
        return false;
    }
    if (item->kind == C2_H5_TYPE) return false; /* its group describes it */
    if (item->kind == C2_H5_DATASET && !c2_convert_picks(im->options, item->path)) {
        im->counts->excluded++;
        return false;
    }
    return true;
}

/* ---- which groups ---- */

/* Item i of the tree, which is in the order of a walk: the group above is the nearest before it whose path
 * its own begins with. */
static size_t group_above(const struct c2_import_tree *tree, const size_t *above, size_t i)
{
    const char *path = tree->p[i].path;
    size_t g = i ? i - 1 : 0;

    for (; g; g = above[g]) {
        const struct c2_import_item *item = &tree->p[g];
        size_t n = strlen(item->path);
        if (item->kind == C2_H5_GROUP && strncmp(path, item->path, n) == 0 && path[n] == '/') break;
    }
    return g;
}

/* wanted[i]: a dataset that is chosen; a group that holds one, or one that holds none at all and is chosen
 * by its own name. NULL: out of memory. */
static bool *choose(const struct c2_importer *im, const struct c2_import_tree *tree)
{
    bool *wanted = calloc(tree->n + 1, 1), *holds = calloc(tree->n + 1, 1);
    size_t *above = calloc(tree->n + 1, sizeof(*above));

    for (size_t i = 0; wanted && holds && above && i < tree->n; i++)
        above[i] = group_above(tree, above, i);
    for (size_t i = tree->n; wanted && holds && above && i-- > 0;) {
        const struct c2_import_item *item = &tree->p[i];
        bool own = item->hard && !item->again;
        if (item->kind == C2_H5_DATASET) holds[i] = own;
        bool candidate = item->kind == C2_H5_DATASET || (item->kind == C2_H5_GROUP && !holds[i]);
        wanted[i] = wanted[i] || (own && candidate && c2_convert_picks(im->options, item->path));
        wanted[above[i]] = wanted[above[i]] || wanted[i];
        holds[above[i]] = holds[above[i]] || holds[i];
    }
    if (!holds || !above) {
        free(wanted);
        wanted = NULL;
    }
    free(holds);
    free(above);
    return wanted;
}

static bool import_groups(struct c2_importer *im, const struct c2_import_tree *tree, struct cat2_error *err)
{
    bool *wanted = choose(im, tree), ok = wanted || c2_fail_nomem(err, "groups");

    for (size_t i = 0; ok && i < tree->n; i++) {
        const struct c2_import_item *item = &tree->p[i];
        if (item->kind != C2_H5_GROUP || !item->hard || item->again || !(wanted[i] || !*item->path)) continue;
        ok = c2_convert_goes_on(im->options, err) && import_group(im, item, err);
    }
    free(wanted);
    return ok;
}

static bool import_items(struct c2_importer *im, const struct c2_import_tree *tree, struct cat2_error *err)
{
    if (!import_groups(im, tree, err)) return false;
    im->progress.nitems = (int64_t)tree->n;
    for (size_t i = 0; i < tree->n; i++) {
        const struct c2_import_item *item = &tree->p[i];
        im->progress.items = (int64_t)i + 1;
        im->progress.chunks = im->progress.nchunks = 0;
        im->progress.path = item->path;
        if (im->options->progress) im->options->progress(im->options->ctx, &im->progress);
        if (!c2_convert_goes_on(im->options, err)) return false;
        if (is_made(im, item) && item->kind == C2_H5_DATASET && !c2_import_dataset(im, item, err))
            return false;
    }
    return true;
}

static bool import_with_crew(struct c2_importer *im, const struct c2_import_tree *tree,
                             struct cat2_error *err)
{
    C2_AUTO_PTR(c2_crew) *crew = NULL;

    if (!c2_crew_new(im->options->nthreads, &crew, err)) return false;
    im->crew = crew;
    return import_items(im, tree, err) && c2_convert_goes_on(im->options, err);
}

static bool import_to(struct c2_importer *im, const char *new_dir, struct cat2_error *err)
{
    C2_AUTO(c2_import_tree) tree = {0};
    C2_AUTO(c2_place) place = {0};
    bool dry = im->options->dry_run;

    if (!c2_place_check(new_dir, true, im->options->overwrite, err)) return false;
    if (!c2_import_tree_read(im->h5, &tree, err)) return false;
    if (!dry) {
        if (!c2_place_begin(new_dir, true, im->options->overwrite, &place, err)) return false;
        im->dirfd = c2_fs_open_dir(place.temp, false, err);
        if (im->dirfd < 0) return false;
    }
    im->tree = &tree;
    bool ok = import_with_crew(im, &tree, err);
    im->tree = NULL;
    if (im->dirfd >= 0) close(im->dirfd);
    return ok && (dry || c2_place_commit(&place, err));
}

static void say_how(struct c2_importer *im)
{
    const struct c2_convert_options *options = im->options;
    struct c2_h5_options *reading = &im->reading;

    reading->cparams = c2_cparams_default(1, 0);
    if (options->codec >= 0) reading->cparams.codec = options->codec;
    if (options->clevel >= 0) reading->cparams.clevel = options->clevel;
    reading->recompress = options->codec >= 0 || options->clevel >= 0;
    reading->ndim = options->ndim;
    for (int i = 0; i < options->ndim; i++)
        reading->chunks[i] = options->chunks[i];
}

bool c2_import(const char *file, const char *new_dir, const struct c2_convert_options *options,
               struct c2_convert_counts *counts, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_h5) *h5 = NULL;
    struct c2_importer im = {.dirfd = -1, .options = options, .counts = counts};

    *counts = (struct c2_convert_counts){0};
    if (!c2_h5_setup(err)) return false;
    if (!c2_h5_open(file, &h5, err)) {
        if (!strstr(err->message, file)) c2_fail_within(err, "%.160s", file);
        return false;
    }
    im.h5 = h5;
    say_how(&im);
    return import_to(&im, new_dir, err);
}
