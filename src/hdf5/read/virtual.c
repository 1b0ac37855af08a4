/* SPDX-License-Identifier: BSD-3-Clause */
/* Sources of virtual datasets. libhdf5 takes a source that it cannot open for one that is absent, and shows
 * the fill value; so all are looked at first, and only those that are really absent may be. */
#include <stdio.h>
#include <stdlib.h>

#include "hdf5/read/beneath.h"

#define SOURCES_MAX 65536 /* of one dataset, their own included */
#define DEPTH_MAX   8     /* virtual datasets of virtual datasets */
#define NAME_SIZE   4096

struct check {
    struct c2_h5_dataset *ds;
    size_t n;
    char file[NAME_SIZE]; /* the last one opened */
    hid_t opened;         /* -1: none */
};
struct source {
    char file[NAME_SIZE], dataset[NAME_SIZE]; /* as written: %b is the number of a block */
};

static bool check_list(struct check *check, hid_t plist, const char *from, hid_t own, int depth,
                       struct cat2_error *err);

/* %b becomes a number, %% a %. false: too long. */
static bool expand(const char *pattern, size_t block, char *out, bool *numbered)
{
    size_t n = 0;

    for (const char *p = pattern; *p; p++) {
        if (n + 24 > NAME_SIZE) return false;
        if (p[0] == '%' && p[1] == 'b') {
            n += (size_t)snprintf(out + n, 24, "%zu", block);
            *numbered = true;
            p++;
            continue;
        }
        if (p[0] == '%' && p[1] == '%') p++;
        out[n++] = *p;
    }
    out[n] = '\0';
    return true;
}

static bool keep_open(struct c2_h5_dataset *ds, hid_t file, struct cat2_error *err)
{
    if (!c2_vec_room(&ds->sources, C2_VEC_NO_MAX, "sources", err)) return false;
    if (H5Iinc_ref(file) < 0) return c2_h5_fail(err, CAT2_EDATA, "a source cannot be kept open");
    ds->sources.p[ds->sources.n++] = file;
    return true;
}

static void close_last(struct check *check)
{
    if (check->opened >= 0) H5Fclose(check->opened);
    check->opened = -1;
    check->file[0] = '\0';
}

/* A file that is being written stays open: libhdf5 then finds it so, and would not open it by itself. */
static bool open_file(struct check *check, const char *filename, const char *shown, struct cat2_error *err)
{
    unsigned intent = 0;

    if (check->opened >= 0 && strcmp(check->file, filename) == 0) return true;
    close_last(check);
    check->opened = c2_h5_beneath_open(check->ds->h5->beneath, filename);
    if (check->opened < 0)
        return c2_h5_fail(err, CAT2_EDATA, "its source %.100s cannot be opened as HDF5", shown);
    snprintf(check->file, NAME_SIZE, "%s", filename);
    if (H5Fget_intent(check->opened, &intent) >= 0 && intent & H5F_ACC_SWMR_READ)
        return keep_open(check->ds, check->opened, err);
    return true;
}

/* *there: it can be read. */
static bool check_dataset(struct check *check, hid_t file, const char *filename, const char *name,
                          bool *there, int depth, struct cat2_error *err)
{
    *there = false;
    hid_t id = H5Oopen(file, name, check->ds->h5->lapl);
    if (id < 0) {
        if (H5Lexists(file, name, H5P_DEFAULT) > 0)
            return c2_h5_fail(err, CAT2_EDATA, "its source %.100s cannot be opened", name);
        H5Eclear2(H5E_DEFAULT);
        return true;
    }
    hid_t plist = H5Iget_type(id) == H5I_DATASET ? H5Dget_create_plist(id) : -1;
    H5D_layout_t layout = plist >= 0 ? H5Pget_layout(plist) : H5D_LAYOUT_ERROR;
    bool ok = true;
    if (layout == H5D_LAYOUT_ERROR)
        ok = c2_fail(err, CAT2_EDATA, "its source %.100s is no dataset", name);
    else if (layout == H5D_CONTIGUOUS && H5Pget_external_count(plist) > 0)
        ok = c2_fail(err, CAT2_EUNSUPPORTED, "its source %.100s holds its data in other files", name);
    else if (layout == H5D_VIRTUAL)
        ok = check_list(check, plist, filename, file, depth + 1, err);
    *there = ok;
    if (plist >= 0) H5Pclose(plist);
    H5Oclose(id);
    return ok;
}

static bool check_one(struct check *check, const struct source *source, const char *from, hid_t own,
                      bool *there, int depth, struct cat2_error *err)
{
    char full[NAME_SIZE];

    *there = false;
    if (++check->n > SOURCES_MAX)
        return c2_fail(err, CAT2_EUNSUPPORTED, "a virtual dataset of more than %d sources", SOURCES_MAX);
    if (strcmp(source->file, ".") == 0)
        return check_dataset(check, own, from, source->dataset, there, depth, err);
    switch (c2_h5_beneath_find(check->ds->h5->beneath, from, source->file, full)) {
    case C2_H5_ABSENT:
        return true;
    case C2_H5_OUTSIDE:
        return c2_fail(err, CAT2_EUNSUPPORTED, "its source %.100s leads out of the root", source->file);
    case C2_H5_BARRED:
        return c2_fail(err, CAT2_EDATA, "its source %.100s: %s", source->file,
                       c2_h5_beneath_reason(check->ds->h5->beneath));
    case C2_H5_THERE:
        break;
    }
    if (!open_file(check, full, source->file, err)) return false;
    hid_t file = check->opened; /* its own sources may take its place */
    H5Iinc_ref(file);
    bool ok = check_dataset(check, file, full, source->dataset, there, depth, err);
    H5Idec_ref(file);
    return ok;
}

/* All blocks of a pattern, up to the first that is not there, which is where libhdf5 ends too. */
static bool check_blocks(struct check *check, const struct source *pattern, const char *from, hid_t own,
                         int depth, struct cat2_error *err)
{
    struct source *source = malloc(sizeof(*source));
    bool ok = source || c2_fail_nomem(err, "sources"), there = true, numbered = false;

    for (size_t block = 0; ok && there && (block == 0 || numbered); block++) {
        ok = (expand(pattern->file, block, source->file, &numbered) &&
              expand(pattern->dataset, block, source->dataset, &numbered)) ||
             c2_fail(err, CAT2_EUNSUPPORTED, "the name of a source is too long");
        ok = ok && check_one(check, source, from, own, &there, depth, err);
    }
    free(source);
    return ok;
}

static bool check_list(struct check *check, hid_t plist, const char *from, hid_t own, int depth,
                       struct cat2_error *err)
{
    struct source *source = malloc(sizeof(*source));
    size_t n = 0;
    bool ok = source || c2_fail_nomem(err, "sources");

    if (ok && depth > DEPTH_MAX)
        ok = c2_fail(err, CAT2_EUNSUPPORTED, "virtual datasets of virtual datasets, more than %d deep",
                     DEPTH_MAX);
    if (ok && H5Pget_virtual_count(plist, &n) < 0) ok = c2_h5_fail(err, CAT2_EDATA, "no list of sources");
    for (size_t i = 0; ok && i < n; i++) {
        ssize_t file_n = H5Pget_virtual_filename(plist, i, source->file, NAME_SIZE);
        ssize_t name_n = H5Pget_virtual_dsetname(plist, i, source->dataset, NAME_SIZE);
        if (file_n < 1 || name_n < 1)
            ok = c2_h5_fail(err, CAT2_EDATA, "source %zu cannot be described", i);
        else if (file_n >= NAME_SIZE || name_n >= NAME_SIZE)
            ok = c2_fail(err, CAT2_EUNSUPPORTED, "the name of source %zu is too long", i);
        else
            ok = check_blocks(check, source, from, own, depth, err);
    }
    free(source);
    return ok;
}

bool c2_h5_check_virtual(struct c2_h5_dataset *ds, hid_t plist, struct cat2_error *err)
{
    struct check *check = calloc(1, sizeof(*check));
    char from[NAME_SIZE];
    hid_t own = H5Iget_file_id(ds->id);
    ssize_t n = H5Fget_name(ds->id, from, sizeof(from));
    bool ok = check || c2_fail_nomem(err, "sources");

    if (ok && (own < 0 || n < 1 || (size_t)n >= sizeof(from) || from[0] != '/'))
        ok = c2_h5_fail(err, CAT2_EDATA, "its file has no name");
    if (ok) {
        check->ds = ds;
        check->opened = -1;
        ok = check_list(check, plist, from, own, 0, err);
        close_last(check);
    }
    if (own >= 0) H5Fclose(own);
    free(check);
    return ok;
}
