/* SPDX-License-Identifier: BSD-3-Clause */
/* Is a file HDF5, and if not, what is it? By its first bytes, whatever it is called. */
#ifndef C2_PUBLISHER_SOURCE_H5_KIND_H
#define C2_PUBLISHER_SOURCE_H5_KIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct c2_h5_bytes {
    int64_t nbytes;
    bool (*read)(void *ctx, int64_t off, size_t n, void *to); /* within the file */
    void *ctx;
};
/** Does it begin as HDF5 files do, perhaps behind a user block (512, 1024, 2048... bytes)? */
bool c2_h5_bytes_signature(const struct c2_h5_bytes *bytes);
bool c2_h5_signature(int fd);
/** What a file without the signature is: "is a netCDF-3 file, not HDF5". Static. */
const char *c2_h5_bytes_not(const struct c2_h5_bytes *bytes);
const char *c2_h5_not(int fd);
/** Does the name promise HDF5? */
bool c2_h5_suffix(const char *name);

#endif
