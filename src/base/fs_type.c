/* SPDX-License-Identifier: BSD-3-Clause */
/* File systems by the number that statfs() gives. */
#include <sys/vfs.h>

#include "base/fs.h"

static const struct {
    uint32_t type;
    const char *name;
} REMOTE[] = {
    {0x6969, "NFS"},
    {0x517b, "SMB"},
    {0xff534d42, "CIFS"},
    {0xfe534d42, "SMB 2"},
    {0x65735546, "FUSE"},
    {0x47504653, "GPFS"},
    {0x0bd00bd0, "Lustre"},
    {0x00c36400, "Ceph"},
    {0x5346414f, "AFS"},
    {0x6b414653, "AFS"},
    {0x01021997, "9p"},
    {0x794c7630, "an overlay"},
    {0x01161970, "GFS2"},
    {0x7461636f, "OCFS2"},
    {0x19830326, "BeeGFS"},
    {0xaad7aaea, "PanFS"},
    {0x564c, "NCP"},
    {0x73757245, "Coda"},
    {0x20030528, "OrangeFS"},
    {0xbacbacbc, "VMHGFS"},
    {0x786f4256, "VBoxSF"},
    {0x013111a8, "IBRIX"},
    {0xa501fcf5, "VxFS"},
    {0x61756673, "aufs"},
    {0x6a656a62, "a shared folder"},
};

bool c2_fs_is_local(int fd, const char **why)
{
    struct statfs fs;

    if (fstatfs(fd, &fs) != 0) return true;
    for (size_t i = 0; i < C2_ARRAY_LEN(REMOTE); i++)
        if ((uint32_t)fs.f_type == REMOTE[i].type) {
            *why = REMOTE[i].name;
            return false;
        }
    return true;
}
