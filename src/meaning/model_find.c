/* SPDX-License-Identifier: BSD-3-Clause */
/* Looking around in the root: by names, and for the coordinates of dimensions. */
#include <stdio.h>

#include "meaning/model_impl.h"

/* ---- looking around ---- */

bool c2_mean_find(struct c2_mean *m, struct c2_str path, struct c2_object *out)
{
    enum c2_model_found look = C2_LOOK_NONE;

    *out = (struct c2_object){0};
    if (!m->ask && m->looks++ < C2_MEANING_LOOKS_MAX) look = m->objects->find(m->objects->ctx, path, out);
    if (look == C2_LOOK_ASK) {
        m->ask = true;
        snprintf(m->asked, C2_PATH_MAX + 1, "%.*s", C2_STR_ARG(path));
    }
    return look == C2_LOOK_FOUND;
}

bool c2_mean_find_in(struct c2_mean *m, struct c2_str group, struct c2_str name, struct c2_object *out)
{
    char text[C2_PATH_MAX + 1];

    *out = (struct c2_object){0};
    return c2_attr_path(group, name, text) && c2_mean_find(m, c2_str_of(text), out);
}

/* ---- coordinates by dimensions ---- */

static bool fits(const struct c2_object *o, int64_t length)
{
    return !o->group && o->ndim == 1 && o->shape[0] == length && !c2_is_mere_dimension(o->attrs);
}

/* The scale, or what is called as the dimension: beside the dataset or above it, as netCDF has it. */
static bool coordinate_of(struct c2_mean *m, const struct c2_object *o, const struct c2_dims *dims, int axis,
                          struct c2_object *out)
{
    struct c2_str group = c2_path_parent(o->path);
    int64_t length = o->shape[axis];

    if (dims->scale[axis].n && c2_mean_find_in(m, group, dims->scale[axis], out) && fits(out, length))
        return true;
    for (int depth = 0; dims->name[axis].n && depth < C2_MEANING_GROUPS_MAX; depth++) {
        if (c2_mean_find_in(m, group, dims->name[axis], out) && fits(out, length)) return true;
        if (!group.n) break;
        group = c2_path_parent(group);
    }
    return false;
}

void c2_mean_take_signal(struct c2_mean *m, const struct c2_object *o)
{
    m->signal = *o;
    m->has_signal = true;
    c2_dims_of(o->attrs, o->path, o->ndim, &m->dims);
    for (int i = 0; i < o->ndim; i++) {
        struct c2_object found;
        bool itself;
        if (m->axes[i].has || !coordinate_of(m, o, &m->dims, i, &found)) continue;
        itself = c2_str_eq(found.path, o->path);
        m->axes[i].has = !itself;
        m->axes[i].object = found;
    }
    struct c2_str palette;
    m->has_palette = c2_attr_text(o->attrs, "PALETTE", &palette) &&
                     c2_mean_find_in(m, c2_path_parent(o->path), palette, &m->palette) && !m->palette.group;
    c2_mean_take_pixels(m, o);
}
