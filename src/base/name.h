/* SPDX-License-Identifier: BSD-3-Clause */
/* Names as bytes, as file systems and HDF5 files have them, and as text, as paths of datasets show them. Each
 * name has one text and each text one name.
 *
 * A name in UTF-8 is its own text. In the text of any other name (and of "." and "..", which HDF5 allows) the
 * bytes from 0x80 on and '%' are %XX, with capital digits; in that of "." and ".." every byte is. A name that
 * itself looks like such a text has its '%' as %25: "caf\xe9" is caf%E9, and "caf%E9" is caf%25E9. Others,
 * such as "50%", stay as they are. */
#ifndef C2_BASE_NAME_H
#define C2_BASE_NAME_H

#include "base/buf.h"

/** Append the text of one name, without NUL. */
bool c2_name_show(struct c2_str name, struct c2_buf *out, struct cat2_error *err);
/** The same for every part of a path; and the path that has this text. */
bool c2_path_show(struct c2_str path, struct c2_buf *out, struct cat2_error *err);
bool c2_path_of_text(struct c2_str text, struct c2_buf *out, struct cat2_error *err);

#endif
