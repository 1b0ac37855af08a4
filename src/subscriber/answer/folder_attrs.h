/* SPDX-License-Identifier: BSD-3-Clause */
/* Attributes of roots and folders. */
#ifndef C2_SUBSCRIBER_ANSWER_FOLDER_ATTRS_H
#define C2_SUBSCRIBER_ANSWER_FOLDER_ATTRS_H

#include "subscriber/mirror/mirror.h"

/** Attributes of a root or a folder, ROOT/PATH. fn is called once, at once or later: with a JSON object that
 * is borrowed, or with why there is none: CAT2_ENOTFOUND, it has none. */
typedef void c2_attrs_fn(void *ctx, struct c2_str json, const struct cat2_error *err);
void c2_sub_attrs(struct c2_subscriber *sub, struct c2_str whole, c2_attrs_fn *fn, void *ctx);

#endif
