/* SPDX-License-Identifier: BSD-3-Clause */
/* Opening files, and what libhdf5 has to say when something fails. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "hdf5/read/beneath.h"

bool c2_h5_setup(struct cat2_error *err)
{
    if (setenv("HDF5_USE_FILE_LOCKING", "FALSE", 1) != 0) return c2_fail_nomem(err, "environment");
    if (H5open() < 0) return c2_fail(err, CAT2_EIO, "libhdf5 cannot be initialised");
    c2_h5_quiet();
    unsetenv("HDF5_EXT_PREFIX"); /* other files are looked for beside the one that speaks of them */
    unsetenv("HDF5_VDS_PREFIX");
    return c2_h5_register_filters(err) && c2_h5_beneath_setup(err);
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

/* The file's own place, so that nothing depends on the way that led to it. */
static bool find_file(struct c2_h5 *h5, const char *dir, const char *filename, struct cat2_error *err)
{
    char *slash;

    h5->filename = realpath(filename, NULL);
    if (!h5->filename || access(filename, R_OK) != 0)
        return c2_fail(err, CAT2_ENOTFOUND, "%.160s cannot be read", filename);
    if (dir) return c2_h5_beneath_new(dir, &h5->beneath, err);
    char *own = c2_str_dup(c2_str_of(h5->filename));
    if (!own) return c2_fail_nomem(err, "HDF5 file");
    slash = strrchr(own, '/');
    slash[slash == own] = '\0';
    bool ok = c2_h5_beneath_new(own, &h5->beneath, err);
    free(own);
    return ok;
}

/* Where it is says nothing to libhdf5; its own name does to who reads messages. */
static bool name_elsewhere(struct c2_h5 *h5, const char *name, const struct c2_h5_elsewhere *elsewhere,
                           struct cat2_error *err)
{
    C2_AUTO(c2_buf) full = C2_BUF_INIT(C2_PATH_MAX + 2);

    if (!c2_buf_printf(&full, err, "/%s", c2_path_name(name))) return false;
    h5->filename = c2_str_dup(c2_buf_str(&full));
    return h5->filename ? c2_h5_beneath_new_elsewhere(h5->filename, elsewhere, &h5->beneath, err)
                        : c2_fail_nomem(err, "HDF5 file");
}

static bool open_file(struct c2_h5 *h5, struct cat2_error *err)
{
    H5O_info_t info;

    h5->lapl = H5Pcreate(H5P_LINK_ACCESS);
    if (h5->lapl < 0) return c2_h5_fail(err, CAT2_ENOMEM, "HDF5 file");
    h5->file = c2_h5_beneath_open(h5->beneath, h5->filename);
    if (h5->file < 0) return c2_h5_fail(err, CAT2_EDATA, "cannot be opened as HDF5");
    if (H5Oget_info2(h5->file, &info, H5O_INFO_BASIC) >= 0) h5->fileno = info.fileno;
    H5Eclear2(H5E_DEFAULT);
    return true;
}

static bool open_any(const char *dir, const char *filename, const struct c2_h5_elsewhere *elsewhere,
                     struct c2_h5 **out, struct cat2_error *err)
{
    struct c2_h5 *h5 = calloc(1, sizeof(*h5));

    if (!h5) return c2_fail_nomem(err, "HDF5 file");
    c2_h5_quiet();
    h5->file = h5->lapl = -1;
    bool found = elsewhere ? name_elsewhere(h5, filename, elsewhere, err) : find_file(h5, dir, filename, err);
    if (!found || !open_file(h5, err)) {
        c2_h5_close(h5);
        return false;
    }
    find_descriptor(h5);
    *out = h5;
    return true;
}

bool c2_h5_open_beneath(const char *dir, const char *filename, struct c2_h5 **out, struct cat2_error *err)
{
    return open_any(dir, filename, NULL, out, err);
}

bool c2_h5_open_elsewhere(const char *name, const struct c2_h5_elsewhere *elsewhere, struct c2_h5 **out,
                          struct cat2_error *err)
{
    return open_any(NULL, name, elsewhere, out, err);
}

bool c2_h5_open(const char *filename, struct c2_h5 **out, struct cat2_error *err)
{
    return c2_h5_open_beneath(NULL, filename, out, err);
}

void c2_h5_close(struct c2_h5 *h5)
{
    if (!h5) return;
    c2_h5_names_free(h5->names);
    c2_h5_decoded_forget(h5, NULL);
    if (h5->lapl >= 0) H5Pclose(h5->lapl);
    if (h5->file >= 0) H5Fclose(h5->file);
    c2_h5_beneath_free(h5->beneath);
    free(h5->filename);
    free(h5);
}
