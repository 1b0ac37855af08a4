/* SPDX-License-Identifier: BSD-3-Clause */
/* Pixels as PNG files. Any thread. */
#ifndef C2_PICTURE_PNG_H
#define C2_PICTURE_PNG_H

#include "base/buf.h"
#include "base/limits.h"

/* RGBA, 8 bits each, rows from the top; not premultiplied. */
struct c2_picture {
    int w, h;
    uint8_t *rgba;
};
/** @errors CAT2_ENOMEM. */
bool c2_picture_init(struct c2_picture *picture, int64_t w, int64_t h, struct cat2_error *err);
void c2_picture_fini(struct c2_picture *picture);
C2_DEFINE_AUTO(c2_picture);
/** Append as a PNG file. @errors CAT2_ENOMEM, what libpng says. */
bool c2_picture_png(const struct c2_picture *picture, struct c2_buf *out, struct cat2_error *err);

#endif
