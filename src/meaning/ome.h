/* SPDX-License-Identifier: BSD-3-Clause */
/* The pyramids of a group, as OME-NGFF has them: attribute `multiscales`, or `ome` of version 0.5 with it. In
 * HDF5, whose attributes are no trees, they are JSON in a text. */
#ifndef C2_MEANING_OME_H
#define C2_MEANING_OME_H

#include "meaning/attrs.h"

struct c2_ome {
    struct c2_json *texts[2];
    struct c2_jval multiscales; /* a list that is not empty; absent: there are none */
    struct c2_jval omero;       /* an object, or absent */
};
/** attrs are borrowed until c2_ome_fini(). What is malformed counts for nothing. */
void c2_ome_of(struct c2_jval attrs, struct c2_ome *out);
void c2_ome_fini(struct c2_ome *ome);
C2_DEFINE_AUTO(c2_ome);
/** Is this the name of an attribute that c2_ome_of() reads? */
bool c2_is_ome(struct c2_str name);
/** Append "multiscales" and "omero" to an object. version: of each pyramid, as up to 0.4; NULL: none. */
void c2_ome_put(const struct c2_ome *ome, const char *version, struct c2_jw *w);

#endif
