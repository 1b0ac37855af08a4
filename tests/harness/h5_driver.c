/* SPDX-License-Identifier: BSD-3-Clause */
/* h5_driver FILE.h5 DIR: every dataset as DIR/N.b2nd; a line of JSON each on stdout. For the tests in Python.
 * h5_driver --library: the version of libhdf5 that this build runs with, "1.10.8". */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "blosc/frame.h"
#include "h5_visit.h"
#include "hdf5/common/hdf5_api.h"

static bool write_frame(struct driver *d, struct c2_h5_dataset *ds, const char *name, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_frame_writer) *writer = NULL;
    C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
    C2_AUTO(c2_h5_raw) raw;
    const struct c2_meta *meta = c2_h5_meta(ds);
    struct c2_chunk_expect want = {meta->chunksize, meta->cparams.blocksize, meta->cparams.typesize, false};
    struct c2_chunk_info info;
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0666);

    c2_h5_raw_init(&raw);
    bool ok = fd >= 0 && c2_frame_writer_new(fd, meta, &writer, err);
    for (int64_t i = 0; ok && i < meta->nchunks; i++) {
        c2_buf_clear(&chunk);
        ok = c2_h5_fetch(ds, i, &raw, err) && c2_h5_convert(ds, d->codec, &raw, &chunk, err) &&
             c2_guard_chunk(c2_buf_bytes(&chunk), &want, &info, err) &&
             c2_frame_writer_add(writer, c2_buf_bytes(&chunk), err);
    }
    ok = ok && c2_frame_writer_finish(writer, NULL, err);
    if (fd >= 0) close(fd);
    return ok;
}

/* The same items read as one box. */
static bool write_box(struct c2_h5_dataset *ds, const char *name, struct cat2_error *err)
{
    C2_AUTO(c2_buf) items = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
    const struct c2_grid *grid = &c2_h5_meta(ds)->grid;
    const int64_t zeros[C2_DIM_MAX] = {0};
    size_t n = (size_t)grid->typesize;
    char full[4200];

    for (int i = 0; i < grid->ndim; i++)
        n *= (size_t)grid->shape[i];
    snprintf(full, sizeof(full), "%s.items", name);
    int fd = open(full, O_RDWR | O_CREAT | O_TRUNC, 0666);
    bool ok = fd >= 0 && c2_buf_resize(&items, n, err) && c2_h5_read(ds, zeros, grid->shape, items.p, err) &&
              write(fd, items.p, n) == (ssize_t)n;
    if (fd >= 0) close(fd);
    return ok;
}

static bool visit(void *ctx, const struct c2_h5_entry *entry, struct cat2_error *err)
{
    struct driver *d = ctx;
    C2_AUTO_PTR(c2_h5_dataset) *ds = NULL;
    C2_AUTO(c2_buf) line = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    char name[4096];
    struct cat2_error why = {0};
    struct c2_jw w;

    snprintf(name, sizeof(name), "%s/%d.b2nd", d->dir, d->n++);
    c2_jw_init(&w, &line, C2_JSON_COMPACT, err);
    c2_jw_begin_object(&w);
    c2_jw_put_cstr(&w, "path", entry->path);
    c2_jw_put_int(&w, "kind", entry->kind);
    c2_jw_key(&w, "refusal");
    if (entry->kind == C2_H5_DATASET) {
        bool ok = c2_h5_dataset_open(d->h5, entry->name, NULL, &ds, &why) && write_frame(d, ds, name, &why) &&
                  write_box(ds, name, &why);
        c2_jw_cstr(&w, ok ? "" : why.message);
        c2_jw_put_cstr(&w, "frame", name);
        c2_jw_put_bool(&w, "passes", ds && c2_h5_dataset_facts(ds)->passes);
        if (ds) {
            c2_jw_put_raw(&w, "attrs", c2_buf_str(&c2_h5_meta(ds)->vlmeta));
        }
    } else {
        c2_jw_cstr(&w, entry->refusal ? entry->refusal : "");
    }
    if (entry->kind == C2_H5_GROUP) {
        C2_AUTO(c2_buf) attrs = C2_BUF_INIT(C2_TRAILER_NBYTES_MAX);
        if (!c2_h5_attrs_json(d->h5, entry->name, &attrs, err)) return false;
        c2_jw_put_raw(&w, "attrs", c2_buf_str(&attrs));
    }
    c2_jw_end_object(&w);
    if (!c2_jw_finish(&w)) return false;
    printf("%s\n", c2_buf_cstr(&line));
    return true;
}

static int print_library(void)
{
    unsigned major, minor, release;

    if (H5get_libversion(&major, &minor, &release) < 0) return 1;
    printf("%u.%u.%u\n", major, minor, release);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--library") == 0) return print_library();
    return visit_all(argc, argv, visit);
}
