/* SPDX-License-Identifier: BSD-3-Clause */
/* <hdf5.h> as our files see it. The distribution's headers may be those of an older library than the one that
 * is linked (C2_HDF5=bundled, docs/decisions/0009-hdf5-library.md): then four functions go by the names that
 * keep their old meaning in later libraries, and nothing compares the version of headers and library. */
#ifndef C2_HDF5_COMMON_HDF5_API_H
#define C2_HDF5_COMMON_HDF5_API_H

#define H5_USE_110_API
#ifdef C2_HDF5_OLDER_HEADERS
#define H5Dread_chunk H5Dread_chunk1
#define H5Lget_info   H5Lget_info1
#define H5Literate    H5Literate1
#define H5Lvisit      H5Lvisit1
#endif
#include <hdf5.h>
#ifdef C2_HDF5_OLDER_HEADERS
#undef H5CHECK /* H5F_ACC_RDONLY and the like call it */
#define H5CHECK
herr_t H5Dread_chunk2(hid_t dset_id, hid_t dxpl_id, const hsize_t *offset, uint32_t *filters, void *buf,
                      size_t *buf_size);
#endif
#if defined(C2_HDF5_OLDER_HEADERS) || H5_VERSION_GE(2, 0, 0)
#define C2_HDF5_HAS_READ_CHUNK2 /* H5Dread_chunk() writes what the file says, however much */
#endif

#endif
