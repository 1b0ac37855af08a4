/* SPDX-License-Identifier: BSD-3-Clause */
/* Objects of other files, which external links bring into this one. */
#include <stdio.h>
#include <sys/stat.h>

#include "hdf5/read/beneath.h"

bool c2_h5_is_foreign(struct c2_h5 *h5, const H5O_info_t *info)
{
    return info->fileno != h5->fileno;
}

/* Numbers of files are given anew with each opening, so that of another file comes from its place on disk. */
uint64_t c2_h5_object_id(struct c2_h5 *h5, hid_t object, const H5O_info_t *info)
{
    uint64_t id = (uint64_t)info->addr + 1; /* never 0: the superblock is there */
    int *fd = NULL;
    struct stat st;

    if (!c2_h5_is_foreign(h5, info)) return id;
    hid_t file = H5Iget_file_id(object);
    if (file >= 0 && H5Fget_vfd_handle(file, H5P_DEFAULT, (void **)&fd) >= 0 && fd && fstat(*fd, &st) == 0)
        id ^= (((uint64_t)st.st_ino << 16 ^ (uint64_t)st.st_dev) * 0x9e3779b97f4a7c15u) | (uint64_t)1 << 63;
    if (file >= 0) H5Fclose(file);
    H5Eclear2(H5E_DEFAULT);
    return id;
}

/* What an external link names; false: it cannot be read. */
static bool unpack(hid_t group, const char *name, char *value, size_t size, const char **file,
                   const char **path)
{
    H5L_info_t info;
    unsigned flags;

    return H5Lget_info(group, name, &info, H5P_DEFAULT) >= 0 && info.type == H5L_TYPE_EXTERNAL &&
           info.u.val_size <= size && H5Lget_val(group, name, value, size, H5P_DEFAULT) >= 0 &&
           H5Lunpack_elink_val(value, info.u.val_size, &flags, file, path) >= 0;
}

void c2_h5_why_not_followed(struct c2_h5 *h5, hid_t group, const char *name, H5L_type_t type, char *out,
                            size_t size)
{
    const char *reason = c2_h5_beneath_reason(h5->beneath), *file = NULL, *path = NULL;
    char value[4096];
    char told[C2_H5_CAUSE_MAX], cause[C2_H5_CAUSE_MAX + 24];

    c2_h5_cause(told);
    snprintf(cause, sizeof(cause), "cannot be opened%s%s", *told ? ": " : "", told);
    bool external = type != H5L_TYPE_HARD && type != H5L_TYPE_SOFT;
    if (external && type != H5L_TYPE_EXTERNAL)
        snprintf(out, size, "is a link of a kind that only its makers know");
    else if (external && !unpack(group, name, value, sizeof(value), &file, &path))
        snprintf(out, size, "is an external link that cannot be read");
    else if (external)
        snprintf(out, size, "is an external link to %.80s, %.60s: %s", file, path, reason ? reason : cause);
    else if (type == H5L_TYPE_SOFT)
        snprintf(out, size, "is a soft link that leads nowhere%s%s%s", reason ? " (through a file that " : "",
                 reason ? reason : "", reason ? ")" : "");
    else
        snprintf(out, size, "%s", cause);
    H5Eclear2(H5E_DEFAULT);
}
