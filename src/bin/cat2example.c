/* SPDX-License-Identifier: BSD-3-Clause */
/* cat2example DIR: writes the example root, eight small datasets of known values. What is there already must
 * be the same. cat2example FILE.h5: see cat2example_h5.c. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/endian.h"
#include "base/fs.h"
#include "bin/cat2example_h5.h"
#include "bin/options.h"
#include "blosc/codec.h"
#include "blosc/frame.h"

#define FILE_NBYTES_MAX (1 << 20) /* the largest example has a few KiB */
#define ALWAYS_SPLIT    1         /* as the first examples were written */

static const char readme[] =
    "# Header example\nThis is a simple example,\n\nwith several lines,\n\nfor showing purposes.\n";

static void fill_int64(uint8_t *to, int64_t i)
{
    c2_put_le64(to, (uint64_t)i);
}

static void fill_uint16(uint8_t *to, int64_t i)
{
    c2_put_le16(to, (uint16_t)i);
}

static void fill_float32(uint8_t *to, int64_t i)
{
    float value = (float)i;
    uint32_t bits;

    memcpy(&bits, &value, sizeof(bits));
    c2_put_le32(to, bits);
}

static void fill_complex128(uint8_t *to, int64_t i)
{
    double value = (double)i;
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    c2_put_le64(to, bits);
    c2_put_le64(to + 8, bits);
}

static void fill_bytes6(uint8_t *to, int64_t i)
{
    (void)i;
    memcpy(to, "foobar", 6);
}

static void fill_text6(uint8_t *to, int64_t i)
{
    (void)i;
    for (int c = 0; c < 6; c++)
        c2_put_le32(to + 4 * c, (uint32_t) "foobar"[c]);
}

static void fill_hello(uint8_t *to, int64_t i)
{
    *to = (uint8_t) "Hello world!"[i % 12];
}

/* One dataset; dtype NULL: a super-chunk of bytes. */
struct example {
    const char *path, *dtype;
    int ndim;
    int64_t shape[4];
    int32_t chunks[4], blocks[4];
    void (*fill)(uint8_t *to, int64_t i);
    const char *attributes;
};
static const struct example examples[] = {
    {"dir1/ds-2d.b2nd", "<u2", 2, {10, 20}, {5, 5}, {2, 3}, fill_uint16, NULL},
    {"dir1/ds-3d.b2nd", "<f4", 3, {3, 4, 5}, {2, 3, 4}, {2, 2, 2}, fill_float32, NULL},
    {"dir2/ds-4d.b2nd", "<c16", 4, {2, 3, 4, 5}, {1, 2, 3, 4}, {1, 2, 2, 2}, fill_complex128, NULL},
    {"ds-1d-b.b2nd", "|S6", 1, {1000}, {100}, {10}, fill_bytes6, NULL},
    {"ds-1d.b2nd", "<i8", 1, {1000}, {100}, {10}, fill_int64, NULL},
    {"ds-hello.b2frame", NULL, 1, {1200}, {100}, {100}, fill_hello, NULL},
    {"ds-sc-attr.b2nd", "<U6", 0, {0}, {0}, {0}, fill_text6, "{\"a\":1,\"b\":\"foo\",\"c\":123.456}"},
};

static bool make_meta(const struct example *ex, struct c2_meta *meta, struct cat2_error *err)
{
    bool array = ex->dtype != NULL;

    if (!c2_dtype_parse(c2_str_of(array ? ex->dtype : "|u1"), &meta->dtype, err)) return false;
    int32_t typesize = (int32_t)meta->dtype.itemsize;
    if (!c2_grid_init(&meta->grid, ex->shape, ex->chunks, ex->blocks, ex->ndim, typesize, array, err))
        return false;
    meta->kind = array ? C2_KIND_ARRAY : C2_KIND_FRAME;
    meta->chunkshape = (int32_t)meta->grid.chunk_items;
    meta->chunksize = meta->chunkshape * typesize;
    meta->cparams = c2_cparams_default(typesize, array ? (int32_t)meta->grid.block_items * typesize : 0);
    meta->cparams.splitmode = ALWAYS_SPLIT;
    c2_buf_init(&meta->vlmeta, FILE_NBYTES_MAX);
    return !ex->attributes || c2_buf_puts(&meta->vlmeta, ex->attributes, err);
}

static bool write_chunks(struct c2_codec *codec, const struct c2_meta *meta, const uint8_t *items,
                         uint8_t *plain, struct c2_frame_writer *w, struct cat2_error *err)
{
    for (int64_t i = 0; i < meta->grid.nchunks; i++) {
        if (meta->kind == C2_KIND_ARRAY)
            c2_grid_gather(&meta->grid, items, i, plain);
        else
            memcpy(plain, items + i * meta->chunksize, (size_t)meta->chunksize);
        if (!c2_frame_writer_encode(w, codec, plain, meta->chunksize, err)) return false;
    }
    return true;
}

static bool make_frame(struct c2_codec *codec, const struct example *ex, struct c2_buf *out,
                       struct cat2_error *err)
{
    C2_AUTO(c2_meta) meta = {0};
    C2_AUTO(c2_buf) items = C2_BUF_INIT(FILE_NBYTES_MAX), plain = C2_BUF_INIT(FILE_NBYTES_MAX);
    C2_AUTO_PTR(c2_frame_writer) *w = NULL;
    int64_t nitems = 1;

    if (!make_meta(ex, &meta, err) || !c2_frame_writer_new(-1, &meta, &w, err)) return false;
    for (int i = 0; i < ex->ndim; i++)
        nitems *= ex->shape[i];
    if (!c2_buf_resize(&items, (size_t)(nitems * meta.dtype.itemsize), err) ||
        !c2_buf_resize(&plain, (size_t)meta.chunksize, err))
        return false;
    for (int64_t i = 0; i < nitems; i++)
        ex->fill(items.p + i * meta.dtype.itemsize, i);
    return write_chunks(codec, &meta, items.p, plain.p, w, err) && c2_frame_writer_finish(w, out, err);
}

/* Is the file `rel` there with just these bytes? Other bytes are an error. */
static bool is_there(int dirfd, const char *rel, struct c2_bytes want, bool *there, struct cat2_error *err)
{
    C2_AUTO(c2_buf) have = C2_BUF_INIT(FILE_NBYTES_MAX);

    *there = false;
    C2_AUTO(c2_fd) file = {c2_fs_open(dirfd, rel, O_RDONLY, err)};
    if (file.fd < 0) return err->code == CAT2_ENOTFOUND;
    if (!c2_fs_read(file.fd, FILE_NBYTES_MAX, &have, err)) return false;
    *there = have.n == want.n && memcmp(have.p, want.p, want.n) == 0;
    return *there || c2_fail(err, CAT2_EINVAL, "%s is there already and is not the example's", rel);
}

static bool is_example(const char *rel)
{
    for (size_t i = 0; i < C2_ARRAY_LEN(examples); i++)
        if (strcmp(rel, examples[i].path) == 0) return true;
    return strcmp(rel, "README.md") == 0;
}

static bool refuse_strangers(void *ctx, const char *rel, const struct stat *st, struct cat2_error *err)
{
    (void)ctx;
    (void)st;
    return is_example(rel) || c2_fail(err, CAT2_EINVAL, "not empty: %s is not of the example", rel);
}

static bool put(int dirfd, const char *rel, struct c2_bytes bytes, bool write, struct cat2_error *err)
{
    bool there;

    if (!is_there(dirfd, rel, bytes, &there, err)) return false;
    if (there || !write) return true;
    return c2_fs_mkparents(dirfd, rel, err) && c2_fs_replace(dirfd, rel, bytes, err);
}

/* First look at everything, then write: a folder that is refused stays as it was. */
static bool make_root(int dirfd, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_codec) *codec = c2_codec_new();

    if (!codec) return c2_fail_nomem(err, "codec");
    if (!c2_fs_walk(dirfd, refuse_strangers, NULL, err)) return false;
    for (int pass = 0; pass < 2; pass++) {
        struct c2_bytes text = {(const uint8_t *)readme, sizeof(readme) - 1};
        if (!put(dirfd, "README.md", text, pass == 1, err)) return false;
        for (size_t i = 0; i < C2_ARRAY_LEN(examples); i++) {
            C2_AUTO(c2_buf) frame = C2_BUF_INIT(FILE_NBYTES_MAX);
            if (!make_frame(codec, &examples[i], &frame, err) ||
                !put(dirfd, examples[i].path, c2_buf_bytes(&frame), pass == 1, err))
                return false;
        }
    }
    return true;
}

static bool make_directory(const char *path, struct cat2_error *err)
{
    int dirfd = c2_fs_open_dir(path, true, err);
    bool ok = dirfd >= 0 && make_root(dirfd, err);

    if (dirfd >= 0) close(dirfd);
    return ok;
}

int main(int argc, char **argv)
{
    static const struct c2_options_spec spec = {
        .program = "cat2example",
        .synopsis = "[OPTIONS] DIR|FILE.h5",
        .about = "Make the example root: eight small datasets.\n\n"
                 "  DIR         directory to make; if it exists it must be empty or hold the example\n"
                 "  FILE.h5     HDF5 file to make, a root of its own with other datasets",
        .section = "",
        .args_min = 1,
        .args_max = 1,
        .takes = "dir",
        .bare = true,
    };
    struct c2_options *options = NULL;
    struct cat2_error err = {0};

    if (!c2_options_parse(&spec, argc, argv, &options, &err)) {
        fprintf(stderr, "cat2example: %s\n", err.message);
        return 1;
    }
    const char *arg = c2_options_arg(options, 0);
    c2_codec_setup();
    bool ok = c2_str_ends(c2_str_of(arg), ".h5") ? c2_example_h5(arg, &err) : make_directory(arg, &err);
    if (!ok) fprintf(stderr, "cat2example: %s: %s\n", arg, err.message);
    c2_options_free(options);
    return ok ? 0 : 1;
}
