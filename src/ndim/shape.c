/* SPDX-License-Identifier: BSD-3-Clause */
/* Shapes as text. */
#include "ndim/shape.h"

#include <inttypes.h>
#include <stdio.h>

const char *c2_shape_text(const int64_t *shape, int ndim, char out[C2_SHAPE_ROOM])
{
    size_t n = (size_t)snprintf(out, C2_SHAPE_ROOM, "(");

    for (int axis = 0; axis < ndim; axis++)
        n += (size_t)snprintf(out + n, C2_SHAPE_ROOM - n, axis ? ", %" PRId64 : "%" PRId64, shape[axis]);
    snprintf(out + n, C2_SHAPE_ROOM - n, ndim == 1 ? ",)" : ")");
    return out;
}

const char *c2_shape_text_json(struct c2_jval shape, char out[C2_SHAPE_ROOM])
{
    struct c2_jiter it = c2_jiter_of(shape);
    int64_t axes[C2_DIM_MAX] = {0};
    struct c2_jval value;
    struct c2_str key;
    int ndim = 0;

    while (ndim < C2_DIM_MAX && c2_jnext(&it, &key, &value))
        c2_jint(value, &axes[ndim++]);
    return c2_shape_text(axes, ndim, out);
}
