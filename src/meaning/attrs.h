/* SPDX-License-Identifier: BSD-3-Clause */
/* Attributes as JSON objects, in the words of the file that they come from. */
#ifndef C2_MEANING_ATTRS_H
#define C2_MEANING_ATTRS_H

#include "base/limits.h"
#include "wire/json.h"

/** Append the attributes of a Blosc2 array, "" none, as those of the HDF5 object that cat2import made it of:
 * with the long names, without the description. Others are given as they are. */
bool c2_attrs_put(struct c2_str vlmeta, struct c2_buf *out, struct cat2_error *err);

/** The text of an attribute, also of a list of one. */
bool c2_attr_text(struct c2_jval attrs, const char *name, struct c2_str *out);
/** Its number, also of a list of one; false: it is none that is finite. */
bool c2_attr_number(struct c2_jval attrs, const char *name, double *out);
/** The path in the file that an attribute of an object in a group names: "/a/b", or "b" beside the object.
 * false: it names none, or the path is too long. */
bool c2_attr_path(struct c2_str group, struct c2_str name, char out[C2_PATH_MAX + 1]);
/** A list of one item is that item. */
struct c2_jval c2_attr_item(struct c2_jval v);

#endif
