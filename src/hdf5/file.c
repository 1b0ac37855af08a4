/* SPDX-License-Identifier: BSD-3-Clause */
/* Opening files, and what libhdf5 has to say when something fails. */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "hdf5/h5_impl.h"

#define SWMR_ATTEMPTS 12

void c2_h5_quiet(void)
{
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* each thread has a stack of messages of its own */
    H5Eclear2(H5E_DEFAULT);
}

bool c2_h5_setup(struct cat2_error *err)
{
    if (setenv("HDF5_USE_FILE_LOCKING", "FALSE", 1) != 0) return c2_fail_nomem(err, "environment");
    if (H5open() < 0) return c2_fail(err, CAT2_EIO, "libhdf5 cannot be initialised");
    c2_h5_quiet();
    return c2_h5_register_filters(err);
}

/* The innermost message is the cause. */
static herr_t take_message(unsigned n, const H5E_error2_t *error, void *ctx)
{
    char *text = ctx;

    (void)n;
    if (error->desc && error->desc[0]) snprintf(text, C2_H5_CAUSE_MAX, "%s", error->desc);
    return 0;
}

/* Messages of a version that this library does not know: later libraries wrote them, or no library. */
static bool is_of_later_version(const char *cause)
{
    return strcasestr(cause, "bad version") || strcasestr(cause, "wrong version") ||
           strcasestr(cause, "bad superblock version") || strcasestr(cause, "unknown dataset layout") ||
           strcasestr(cause, "unknown chunk index");
}

void c2_h5_cause(char *text)
{
    char told[C2_H5_CAUSE_MAX] = "";
    unsigned major = 0, minor = 0, patch = 0;

    H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, take_message, told);
    H5Eclear2(H5E_DEFAULT);
    H5get_libversion(&major, &minor, &patch);
    if (is_of_later_version(told))
        snprintf(text, C2_H5_CAUSE_MAX,
                 "written by %s, or damaged; this program reads up to HDF5 %u.%u (%.70s)",
                 major < 2 ? "HDF5 2 or another later library" : "a later HDF5 library", major, minor, told);
    else
        memcpy(text, told, sizeof(told));
}

bool c2_h5_fail(struct cat2_error *err, enum cat2_code code, const char *fmt, ...)
{
    char text[160], cause[C2_H5_CAUSE_MAX];
    va_list args;

    c2_h5_cause(cause);
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return c2_fail(err, code, "%s%s%s", text, cause[0] ? ": " : "", cause);
}

/* Called before an external link would be followed. */
static herr_t refuse_external(const char *parent_file, const char *parent_group, const char *child_file,
                              const char *child_object, unsigned *flags, hid_t fapl, void *ctx)
{
    (void)parent_file;
    (void)parent_group;
    (void)child_file;
    (void)child_object;
    (void)flags;
    (void)fapl;
    (void)ctx;
    return -1;
}

/* Addresses count from the end of a user block, if there is one. */
static void find_descriptor(struct c2_h5 *h5)
{
    hid_t plist = H5Fget_create_plist(h5->file);
    hsize_t userblock = 1;
    int *fd = NULL;

    h5->fd = -1;
    if (plist >= 0 && H5Pget_userblock(plist, &userblock) >= 0 && userblock == 0 &&
        H5Fget_vfd_handle(h5->file, H5P_DEFAULT, (void **)&fd) >= 0 && fd)
        h5->fd = *fd;
    if (plist >= 0) H5Pclose(plist);
    H5Eclear2(H5E_DEFAULT);
}

/* The newest superblock keeps a mark while a writer has the file open. */
static bool is_being_written(const char *filename)
{
    uint8_t head[12];
    int fd = open(filename, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool is = fd >= 0 && pread(fd, head, sizeof(head), 0) == sizeof(head) && head[8] == 3 && (head[11] & 1);

    if (fd >= 0) close(fd);
    return is;
}

/* What is torn is read again, a few times: libhdf5 would go on for minutes. */
static hid_t open_swmr(const char *filename)
{
    hid_t plist = H5Pcreate(H5P_FILE_ACCESS), file = -1;

    if (plist >= 0 && H5Pset_metadata_read_attempts(plist, SWMR_ATTEMPTS) >= 0)
        file = H5Fopen(filename, H5F_ACC_RDONLY | H5F_ACC_SWMR_READ, plist);
    if (plist >= 0) H5Pclose(plist);
    return file;
}

bool c2_h5_open(const char *filename, struct c2_h5 **out, struct cat2_error *err)
{
    struct c2_h5 *h5 = calloc(1, sizeof(*h5));

    if (!h5) return c2_fail_nomem(err, "HDF5 file");
    c2_h5_quiet();
    h5->file = h5->lapl = -1;
    if (access(filename, R_OK) != 0) {
        free(h5);
        return c2_fail(err, CAT2_ENOTFOUND, "%.160s cannot be read", filename);
    }
    h5->lapl = H5Pcreate(H5P_LINK_ACCESS);
    if (h5->lapl < 0 || H5Pset_elink_cb(h5->lapl, refuse_external, NULL) < 0) {
        c2_h5_close(h5);
        return c2_h5_fail(err, CAT2_ENOMEM, "HDF5 file");
    }
    h5->file = H5Fopen(filename, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (h5->file < 0 && is_being_written(filename)) {
        H5Eclear2(H5E_DEFAULT);
        h5->file = open_swmr(filename);
    }
    if (h5->file < 0) {
        c2_h5_fail(err, CAT2_EDATA, "cannot be opened as HDF5");
        c2_h5_close(h5);
        return false;
    }
    find_descriptor(h5);
    *out = h5;
    return true;
}

void c2_h5_close(struct c2_h5 *h5)
{
    if (!h5) return;
    c2_h5_names_free(h5->names);
    c2_h5_decoded_forget(h5, NULL);
    if (h5->lapl >= 0) H5Pclose(h5->lapl);
    if (h5->file >= 0) H5Fclose(h5->file);
    free(h5);
}
