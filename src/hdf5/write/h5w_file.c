/* SPDX-License-Identifier: BSD-3-Clause */
/* The file that is written: creating, groups, links, closing. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fs.h"
#include "hdf5/write/h5w_impl.h"

#define MEMORY_STEP (1 << 20) /* a file in memory grows by */
#define REASON_MAX  100       /* bytes of a reason by libhdf5: an error message has 240 in all */

/* The walk begins at the outermost call; the last entry seen is where it happened. Of a failed system call
 * only what the system said is kept. */
static herr_t keep_message(unsigned n, const H5E_error2_t *entry, void *to)
{
    static const char mark[] = "error message = '";
    const char *text = entry->desc, *system = text ? strstr(text, mark) : NULL;

    (void)n;
    if (system) text = system + sizeof(mark) - 1;
    if (text && *text) snprintf(to, REASON_MAX, "%.*s", (int)strcspn(text, system ? "'" : ""), text);
    return 0;
}

bool c2_h5w_fail(struct cat2_error *err, const char *fmt, ...)
{
    char what[120], why[REASON_MAX] = "no reason given";
    va_list args;

    va_start(args, fmt);
    vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, keep_message, why);
    H5Eclear2(H5E_DEFAULT);
    return c2_fail(err, CAT2_EIO, "%s: HDF5: %s", what, why);
}

const char *c2_h5w_path(const char *path)
{
    return *path ? path : "/";
}

static size_t not_called(unsigned flags, size_t nvalues, const unsigned values[], size_t nbytes, size_t *size,
                         void **buf)
{
    (void)flags;
    (void)nvalues;
    (void)values;
    (void)nbytes;
    (void)size;
    (void)buf;
    return 0; /* failed */
}

bool c2_h5w_name_filter(struct cat2_error *err)
{
    static const H5Z_class2_t filter = {.version = H5Z_CLASS_T_VERS,
                                        .id = C2_HDF5_FILTER_BLOSC2,
                                        .encoder_present = 1,
                                        .decoder_present = 1,
                                        .name = "blosc2",
                                        .filter = not_called};

    H5dont_atexit(); /* it would fall over a file that could not be written */
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    return H5Zregister(&filter) >= 0 || c2_h5w_fail(err, "filter");
}

bool c2_h5w_create(const char *filename, struct c2_h5w **out, struct cat2_error *err)
{
    return c2_h5w_create_with(filename, H5P_DEFAULT, out, err);
}

bool c2_h5w_create_with(const char *filename, hid_t like, struct c2_h5w **out, struct cat2_error *err)
{
    if (!c2_h5w_name_filter(err)) return false;
    C2_AUTO(c2_hid) fapl = {H5Pcreate(H5P_FILE_ACCESS)}, fcpl = {-1};
    C2_AUTO_PTR(c2_h5w) *w = calloc(1, sizeof(*w));

    if (!w) return c2_fail_nomem(err, "file");
    w->file = w->lcpl = w->acpl = w->gcpl = -1;
    c2_buf_init(&w->user_block, 1 << 20);
    if (filename && !(w->filename = c2_str_dup(c2_str_of(filename)))) return c2_fail_nomem(err, "file");
    const char *name = filename ? filename : "memory";
    /* Formats since HDF5 1.8: attributes beyond 64 KiB, groups of any size. */
    if (fapl.id < 0 || H5Pset_libver_bounds(fapl.id, H5F_LIBVER_V18, H5F_LIBVER_V110) < 0 ||
        (!filename && H5Pset_fapl_core(fapl.id, MEMORY_STEP, false) < 0))
        return c2_h5w_fail(err, "%s", name);
    w->lcpl = H5Pcreate(H5P_LINK_CREATE);
    w->acpl = H5Pcreate(H5P_ATTRIBUTE_CREATE);
    w->gcpl = H5Pcreate(H5P_GROUP_CREATE);
    fcpl.id = like == H5P_DEFAULT ? H5Pcreate(H5P_FILE_CREATE) : H5Pcopy(like);
    if (w->lcpl < 0 || w->acpl < 0 || w->gcpl < 0 || fcpl.id < 0 ||
        H5Pset_obj_track_times(w->gcpl, false) < 0 || H5Pset_obj_track_times(fcpl.id, false) < 0 ||
        H5Pset_char_encoding(w->lcpl, H5T_CSET_UTF8) < 0 || H5Pset_char_encoding(w->acpl, H5T_CSET_UTF8) < 0)
        return c2_h5w_fail(err, "%s", name);
    w->file = H5Fcreate(name, H5F_ACC_TRUNC, fcpl.id, fapl.id);
    if (w->file < 0) return c2_h5w_fail(err, "%s", name);
    *out = w;
    w = NULL;
    return true;
}

/* libhdf5 leaves room for it and does not look there. */
static bool put_user_block(const struct c2_h5w *w, struct cat2_error *err)
{
    if (w->user_block.n == 0 || !w->filename) return true;
    C2_AUTO(c2_fd) file = {open(w->filename, O_WRONLY | O_CLOEXEC)};
    if (file.fd < 0) return c2_fail_errno(err, errno, "writing the user block");
    return c2_fs_pwrite(file.fd, w->user_block.p, w->user_block.n, 0, err);
}

bool c2_h5w_close(struct c2_h5w *w, struct cat2_error *err)
{
    bool flushed = H5Fflush(w->file, H5F_SCOPE_GLOBAL) >= 0 || c2_h5w_fail(err, "writing");
    bool closed = H5Fclose(w->file) >= 0;

    w->file = -1;
    if (flushed && !closed) c2_h5w_fail(err, "closing");
    bool ok = flushed && closed && put_user_block(w, err);
    c2_h5w_free(w);
    return ok;
}

void c2_h5w_free(struct c2_h5w *w)
{
    if (!w) return;
    if (w->file >= 0) H5Fclose(w->file);
    if (w->lcpl >= 0) H5Pclose(w->lcpl);
    if (w->acpl >= 0) H5Pclose(w->acpl);
    if (w->gcpl >= 0) H5Pclose(w->gcpl);
    c2_buf_fini(&w->user_block);
    free(w->filename);
    free(w);
}

bool c2_h5w_group(struct c2_h5w *w, const char *path, struct cat2_error *err)
{
    C2_AUTO(c2_hid) group = {-1};

    if (!*path) return true;
    group.id = H5Gcreate2(w->file, path, w->lcpl, w->gcpl, H5P_DEFAULT);
    return group.id >= 0 || c2_h5w_fail(err, "making the group");
}

bool c2_h5w_remove(struct c2_h5w *w, const char *path, struct cat2_error *err)
{
    return H5Ldelete(w->file, path, H5P_DEFAULT) >= 0 || c2_h5w_fail(err, "removing the dataset");
}
