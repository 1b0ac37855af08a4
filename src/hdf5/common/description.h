/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the description of an HDF5 object is kept (hdf5/describe.h), and how much an object may be. */
#ifndef C2_HDF5_COMMON_DESCRIPTION_H
#define C2_HDF5_COMMON_DESCRIPTION_H

#define C2_H5_DESCRIPTION "hdf5" /* the metalayer */
#define C2_H5_DESCRIPTION_LARGE                                                                              \
    "CATERVA2_HDF5" /* the attribute that holds it when it is larger than a header should be */
#define C2_H5_DESCRIPTION_LAYER   (256 << 10)
#define C2_H5_DESCRIPTION_VERSION 1

#define C2_H5_DIM_MAX       32         /* HDF5's own */
#define C2_H5_FILTERS_MAX   32         /* HDF5's own */
#define C2_H5_ATTR_MAX      (4 << 20)  /* bytes of an attribute */
#define C2_H5_ITEM_MAX      (64 << 20) /* bytes of an item: a chunk has one at least, in memory a few times */
#define C2_H5_USERBLOCK_MAX (64 << 10) /* bytes before HDF5's own that are kept */

#endif
