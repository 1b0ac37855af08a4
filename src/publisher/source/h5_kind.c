/* SPDX-License-Identifier: BSD-3-Clause */
/* Signatures of HDF5 and of what goes by its names. */
#include "publisher/source/h5_kind.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

bool c2_h5_signature(int fd)
{
    static const char SIGNATURE[8] = "\x89HDF\r\n\x1a\n";
    char bytes[8];

    for (off_t at = 0; at < (off_t)1 << 50; at = at ? 2 * at : 512) { /* HDF5 looks at the same places */
        if (pread(fd, bytes, sizeof(bytes), at) != sizeof(bytes)) return false;
        if (memcmp(bytes, SIGNATURE, sizeof(bytes)) == 0) return true;
    }
    return false;
}

const char *c2_h5_not(int fd)
{
    char bytes[4] = "";
    struct stat st;

    if (fstat(fd, &st) == 0 && st.st_size == 0) return "is empty, no HDF5 file (yet)";
    ssize_t n = pread(fd, bytes, sizeof(bytes), 0);
    if (n == 4 && memcmp(bytes, "CDF", 3) == 0 && (bytes[3] == 1 || bytes[3] == 2 || bytes[3] == 5))
        return "is a netCDF-3 (classic) file, not HDF5";
    if (n == 4 && memcmp(bytes, "\x0e\x03\x13\x01", 4) == 0) return "is an HDF4 file, not HDF5";
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
