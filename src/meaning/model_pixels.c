/* SPDX-License-Identifier: BSD-3-Clause */
/* How far items are apart: by element_size_um, as Fiji and ilastik have it, or by the scales of OME's
 * multiscales. */
#include "meaning/model_impl.h"

static bool is_of(struct c2_jval list, const struct c2_object *o)
{
    return c2_jval_kind(list) == C2_JARRAY && c2_jlen(list) == (size_t)o->ndim;
}

static void take_steps(struct c2_mean *m, struct c2_jval list)
{
    double step;

    for (int i = 0; i < m->signal.ndim; i++)
        if (c2_jreal(c2_jat(list, (size_t)i), &step) && step > 0 && step < 1e300) m->pixels[i].step = step;
}

struct c2_jval c2_mean_scale(struct c2_jval level)
{
    return c2_jget(c2_jat(c2_jget(level, "coordinateTransformations"), 0), "scale");
}

static void take_level(struct c2_mean *m, const struct c2_object *o, const struct c2_object *group)
{
    struct c2_str key, path;
    struct c2_jval v;

    c2_ome_fini(&m->ome);
    c2_ome_of(group->attrs, &m->ome);
    struct c2_jval pyramid = c2_jat(m->ome.multiscales, 0), axes = c2_jget(pyramid, "axes");
    struct c2_jiter it = c2_jiter_of(c2_jget(pyramid, "datasets"));
    while (c2_jnext(&it, &key, &v)) {
        if (!c2_jstr(c2_jget(v, "path"), &path) || !c2_str_eq(path, c2_path_last(o->path))) continue;
        if (!is_of(c2_mean_scale(v), o)) return;
        take_steps(m, c2_mean_scale(v));
        for (int i = 0; is_of(axes, o) && i < o->ndim; i++)
            c2_jstr(c2_jget(c2_jat(axes, (size_t)i), "unit"), &m->pixels[i].units);
        return;
    }
}

void c2_mean_take_pixels(struct c2_mean *m, const struct c2_object *o)
{
    struct c2_jval sizes = c2_jget(o->attrs, "element_size_um");
    struct c2_object group;

    if (is_of(sizes, o)) {
        take_steps(m, sizes);
        for (int i = 0; i < o->ndim; i++)
            m->pixels[i].units = C2_STR("µm");
    } else if (c2_mean_find(m, c2_path_parent(o->path), &group) && group.group) {
        take_level(m, o, &group);
    }
}
