/* SPDX-License-Identifier: BSD-3-Clause */
/* Signatures of HDF5 and of what goes by its names. */
#include "publisher/source/h5_kind.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

/* ---- files ---- */

static bool read_file(void *ctx, int64_t off, size_t n, void *to)
{
    return pread(*(const int *)ctx, to, n, (off_t)off) == (ssize_t)n;
}

static struct c2_h5_bytes bytes_of(int *fd)
{
    struct stat st;

    return (struct c2_h5_bytes){fstat(*fd, &st) == 0 ? (int64_t)st.st_size : -1, read_file, fd};
}

bool c2_h5_signature(int fd)
{
    struct c2_h5_bytes bytes = bytes_of(&fd);

    return c2_h5_bytes_signature(&bytes);
}

const char *c2_h5_not(int fd)
{
    struct c2_h5_bytes bytes = bytes_of(&fd);

    return c2_h5_bytes_not(&bytes);
}

/* ---- bytes ---- */

static bool read_bytes(const struct c2_h5_bytes *bytes, int64_t off, size_t n, void *to)
{
    return off + (int64_t)n <= bytes->nbytes && bytes->read(bytes->ctx, off, n, to);
}

bool c2_h5_bytes_signature(const struct c2_h5_bytes *bytes)
{
    static const char SIGNATURE[8] = "\x89HDF\r\n\x1a\n";
    char found[8];

    for (int64_t at = 0; at < (int64_t)1 << 50; at = at ? 2 * at : 512) { /* HDF5 looks at the same places */
        if (!read_bytes(bytes, at, sizeof(found), found)) return false;
        if (memcmp(found, SIGNATURE, sizeof(found)) == 0) return true;
    }
    return false;
}

const char *c2_h5_bytes_not(const struct c2_h5_bytes *bytes)
{
    char found[4] = "";

    if (bytes->nbytes == 0) return "is empty, no HDF5 file (yet)";
    bool read = read_bytes(bytes, 0, sizeof(found), found);
    if (read && memcmp(found, "CDF", 3) == 0 && (found[3] == 1 || found[3] == 2 || found[3] == 5))
        return "is a netCDF-3 (classic) file, not HDF5";
    if (read && memcmp(found, "\x0e\x03\x13\x01", 4) == 0) return "is an HDF4 file, not HDF5";
    return "is no HDF5 file: it has no HDF5 signature (half copied, overwritten, or something else)";
}

bool c2_h5_suffix(const char *name)
{
    static const char *const SUFFIXES[] = {".h5",  ".hdf5", ".he5", ".hdf", ".nc",
                                           ".nc4", ".nxs",  ".nwb", ".cxi", ".h5ad"};
    struct c2_str path = c2_str_of(name);

    for (size_t i = 0; i < C2_ARRAY_LEN(SUFFIXES); i++) {
        size_t n = strlen(SUFFIXES[i]);
        if (path.n > n && c2_str_eq_nocase((struct c2_str){path.p + path.n - n, n}, c2_str_of(SUFFIXES[i])))
            return true;
    }
    return false;
}
