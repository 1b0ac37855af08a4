/* SPDX-License-Identifier: BSD-3-Clause */
/* HDF5 images. */
#include "meaning/image.h"

#include <math.h>

#include "meaning/attrs.h"

static bool says(struct c2_jval attrs, const char *name, const char *word)
{
    struct c2_str text;

    return c2_attr_text(attrs, name, &text) && c2_str_is(text, word);
}

bool c2_image_of(struct c2_jval attrs, struct c2_image *out)
{
    struct c2_jval range = c2_jget(attrs, "IMAGE_MINMAXRANGE");
    double white = 0, lo, hi;

    *out = (struct c2_image){.colours_axis = -1, .lo = (double)NAN, .hi = (double)NAN};
    out->is = says(attrs, "CLASS", "IMAGE");
    if (!out->is) return false;
    out->bgr = says(attrs, "IMAGE_COLORMODEL", "BGR");
    if (says(attrs, "INTERLACE_MODE", "INTERLACE_PLANE")) out->colours_axis = 0;
    if (says(attrs, "INTERLACE_MODE", "INTERLACE_LINE")) out->colours_axis = 1;
    out->inverted = c2_attr_number(attrs, "IMAGE_WHITE_IS_ZERO", &white) && white == 1;
    if (c2_jlen(range) == 2 && c2_jreal(c2_jat(range, 0), &lo) && c2_jreal(c2_jat(range, 1), &hi) &&
        lo < hi) {
        out->lo = lo;
        out->hi = hi;
    }
    c2_attr_text(attrs, "PALETTE", &out->palette);
    return true;
}
