/* SPDX-License-Identifier: BSD-3-Clause */
/* What a plain file of a root is, by its name, when it is served as itself. */
#ifndef C2_SUBSCRIBER_API_FILE_TYPE_H
#define C2_SUBSCRIBER_API_FILE_TYPE_H

#include "base/str.h"

struct c2_file_type {
    const char *type;
    bool is_active; /* browsers run what is in it: it is to be saved, not shown */
};
/** By the end of the path, any case; application/octet-stream where nothing is known. Scripts and style are
 * plain text: no page may load them as what they are. */
const struct c2_file_type *c2_file_type_of(struct c2_str path);

#endif
