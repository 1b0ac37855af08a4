/* SPDX-License-Identifier: BSD-3-Clause */
/* Pictures. */
#include "picture/png.h"

#include <stdlib.h>

#include <png.h>

bool c2_picture_init(struct c2_picture *picture, int64_t w, int64_t h, struct cat2_error *err)
{
    *picture = (struct c2_picture){(int)w, (int)h, NULL};
    if (w < 1 || h < 1 || w > C2_PICTURE_SIDE_MAX || h > C2_PICTURE_SIDE_MAX)
        return c2_fail(err, CAT2_ELIMIT, "a picture of %lld x %lld pixels is not made", (long long)w,
                       (long long)h);
    picture->rgba = calloc((size_t)(w * h), 4);
    return picture->rgba || c2_fail_nomem(err, "picture");
}

void c2_picture_fini(struct c2_picture *picture)
{
    free(picture->rgba);
    picture->rgba = NULL;
}

bool c2_picture_png(const struct c2_picture *picture, struct c2_buf *out, struct cat2_error *err)
{
    png_image image = {.version = PNG_IMAGE_VERSION, .format = PNG_FORMAT_RGBA};
    size_t at = out->n;

    image.width = (png_uint_32)picture->w;
    image.height = (png_uint_32)picture->h;
    image.flags = PNG_IMAGE_FLAG_FAST;
    png_alloc_size_t n = PNG_IMAGE_PNG_SIZE_MAX(image);
    if (!c2_buf_resize(out, at + n, err)) return false;
    bool ok = png_image_write_to_memory(&image, out->p + at, &n, 0, picture->rgba, 0, NULL);
    if (!ok) c2_fail(err, CAT2_EIO, "PNG: %.64s", image.message);
    png_image_free(&image);
    return ok && c2_buf_resize(out, at + n, err);
}
