/* SPDX-License-Identifier: BSD-3-Clause */
/* What a dataset or group means: what to plot of it, against which coordinates, with which labels and units.
 * By the attributes of NeXus, netCDF and CF, HDF5's images and dimension scales, OME's multiscales. Nothing
 * is read but attributes and shapes; references may be wrong or lead in circles. */
#ifndef C2_MEANING_MODEL_H
#define C2_MEANING_MODEL_H

#include "meaning/dims.h"
#include "ndim/dtype.h"

struct c2_object {
    bool group;
    struct c2_str path;   /* in the names of the file, without a slash in front */
    struct c2_str at;     /* its path within the root, for other routes */
    struct c2_jval attrs; /* absent: none */
    int ndim;
    const int64_t *shape;
    const struct c2_dtype *dtype; /* NULL: of a group, or not known */
};
enum c2_model_found {
    C2_LOOK_FOUND,
    C2_LOOK_NONE,
    C2_LOOK_ASK
}; /* ASK: a group whose attributes are not known yet */
/* Where objects are found. What is found lives until c2_meaning_put() returns. */
struct c2_objects {
    enum c2_model_found (*find)(void *ctx, struct c2_str path, struct c2_object *out);
    /* The i-th dataset that lies directly in a group; false: there are no more. */
    bool (*child)(void *ctx, struct c2_str group, size_t i, struct c2_object *out);
    /* The path of the i-th group in it, until the next call. */
    bool (*subgroup)(void *ctx, struct c2_str group, size_t i, struct c2_str *path);
    void *ctx;
};

enum c2_meaning { C2_MEANING_TOLD, C2_MEANING_ASK, C2_MEANING_FAILED };
/** Append what the object at `path` means as JSON, docs/protocol.md "Meaning". ASK: the attributes of the
 * group `ask` are needed first, then call again; out is as it was. @errors CAT2_ENOTFOUND there is no such
 * object. */
enum c2_meaning c2_meaning_put(const struct c2_objects *objects, struct c2_str path, struct c2_buf *out,
                               char ask[C2_PATH_MAX + 1], struct cat2_error *err);

#endif
