/* SPDX-License-Identifier: BSD-3-Clause */
/* NXdata of NeXus: the attributes of the group say what is plotted; before 2014 those of its datasets did. */
#include <stdio.h>

#include "meaning/model_impl.h"

/* The i-th text of a list, or of a text alone. */
static bool text_at(struct c2_jval v, size_t i, struct c2_str *out)
{
    if (c2_jval_kind(v) == C2_JARRAY) return i < c2_jlen(v) && c2_jstr(c2_jat(v, i), out);
    return i == 0 && c2_jstr(v, out);
}

static bool is_named(struct c2_jval names, struct c2_str name)
{
    struct c2_str text;

    for (size_t i = 0; i < C2_DIM_MAX; i++)
        if (text_at(names, i, &text) && c2_str_eq(text, name)) return true;
    return false;
}

static void put_axis(struct c2_mean *m, const struct c2_object *signal, int64_t dim,
                     const struct c2_object *axis)
{
    if (dim < 0 || dim >= signal->ndim || m->axes[dim].has || axis->group || axis->ndim != 1) return;
    int64_t n = axis->shape[0], wanted = signal->shape[dim];
    if (n != wanted && n != wanted + 1) return; /* edges of bins are one more */
    m->axes[dim] = (struct c2_mean_axis){true, *axis};
}

/* The axis that stands at place i belongs to that dimension, or to those of NAME_indices. */
static void take_axis(struct c2_mean *m, const struct c2_object *group, const struct c2_object *signal,
                      struct c2_str name, size_t i)
{
    char key[300];
    struct c2_object axis;
    int64_t dim;

    if (!c2_mean_find_in(m, group->path, name, &axis)) return;
    snprintf(key, sizeof(key), "%.*s_indices", (int)(name.n < 280 ? name.n : 280), name.p);
    struct c2_jval indices = c2_jget(group->attrs, key);
    enum c2_jkind kind = c2_jval_kind(indices);
    if (kind == C2_JNONE) {
        put_axis(m, signal, (int64_t)i, &axis);
    } else if (c2_jint(indices, &dim)) {
        put_axis(m, signal, dim, &axis);
    } else {
        for (size_t k = 0; k < C2_DIM_MAX && k < c2_jlen(indices); k++)
            if (c2_jint(c2_jat(indices, k), &dim)) put_axis(m, signal, dim, &axis);
    }
}

static void take_axes(struct c2_mean *m, const struct c2_object *group, const struct c2_object *signal,
                      struct c2_jval names)
{
    struct c2_str name;

    for (size_t i = 0; i < C2_DIM_MAX; i++)
        if (text_at(names, i, &name) && name.n && !c2_str_is(name, ".")) take_axis(m, group, signal, name, i);
}

/* axes="y:x" of the signal. */
static void take_old_axes(struct c2_mean *m, const struct c2_object *group, const struct c2_object *signal)
{
    struct c2_str text, name;
    struct c2_object axis;
    bool more = c2_attr_text(signal->attrs, "axes", &text);

    while (text.n && more && (text.p[0] == '[' || text.p[text.n - 1] == ']')) {
        if (text.p[0] == '[') text = (struct c2_str){text.p + 1, text.n - 1};
        if (text.n && text.p[text.n - 1] == ']') text.n--;
    }
    for (int i = 0; more && i < C2_DIM_MAX; i++) {
        more = c2_str_cut(text, memchr(text.p, ':', text.n) ? ':' : ',', &name, &text);
        if (c2_mean_find_in(m, group->path, c2_str_trim(name), &axis)) put_axis(m, signal, i, &axis);
    }
}

/* axis=N of datasets beside it. */
static void take_marked_axes(struct c2_mean *m, const struct c2_object *group, const struct c2_object *signal)
{
    struct c2_object one;
    double n;

    for (size_t i = 0;
         m->looks++ < C2_MEANING_LOOKS_MAX && m->objects->child(m->objects->ctx, group->path, i, &one); i++)
        if (c2_attr_number(one.attrs, "axis", &n) && n >= 1 && n <= C2_DIM_MAX)
            put_axis(m, signal, (int64_t)n - 1, &one);
}

static void take_errors(struct c2_mean *m, const struct c2_object *group, struct c2_str name)
{
    char text[C2_PATH_MAX + 1];
    int n = snprintf(text, sizeof(text), "%.*s_errors", (int)(name.n < C2_PATH_MAX - 8 ? name.n : 0), name.p);

    m->has_errors = c2_mean_find_in(m, group->path, (struct c2_str){text, (size_t)n}, &m->errors) ||
                    c2_mean_find_in(m, group->path, C2_STR("errors"), &m->errors);
    m->has_errors = m->has_errors && !m->errors.group && m->errors.ndim == m->signal.ndim;
    for (int i = 0; m->has_errors && i < m->signal.ndim; i++)
        m->has_errors = m->errors.shape[i] == m->signal.shape[i];
}

static bool is_text(const struct c2_object *o)
{
    return !o->group && (o->ndim == 0 || (o->ndim == 1 && o->shape[0] == 1)) &&
           (!o->dtype || o->dtype->kind == 'S' || o->dtype->kind == 'U');
}

static void take(struct c2_mean *m, const struct c2_object *group, const struct c2_object *signal)
{
    struct c2_str text;

    take_axes(m, group, signal, c2_jget(group->attrs, "axes"));
    take_old_axes(m, group, signal);
    take_marked_axes(m, group, signal);
    c2_mean_take_signal(m, signal);
    take_errors(m, group, c2_path_last(signal->path));
    if (!c2_attr_text(group->attrs, "title", &text))
        m->has_title = c2_mean_find_in(m, group->path, C2_STR("title"), &m->title) && is_text(&m->title);
    m->group = *group;
}

static bool is_old_signal(const struct c2_object *o)
{
    struct c2_str text;
    double n;

    if (c2_attr_text(o->attrs, "signal", &text)) return c2_str_is(text, "1");
    return c2_attr_number(o->attrs, "signal", &n) && n > 0 && n < 2;
}

static bool find_signal(struct c2_mean *m, const struct c2_object *group, struct c2_object *out)
{
    struct c2_str name;

    if (c2_attr_text(group->attrs, "signal", &name))
        return c2_mean_find_in(m, group->path, name, out) && !out->group;
    if (!c2_attr_text(group->attrs, "NX_class", &name) || !c2_str_is(name, "NXdata")) return false;
    for (size_t i = 0;
         m->looks++ < C2_MEANING_LOOKS_MAX && m->objects->child(m->objects->ctx, group->path, i, out); i++)
        if (is_old_signal(out)) return true;
    return false;
}

bool c2_mean_nexus(struct c2_mean *m, const struct c2_object *group)
{
    struct c2_object signal;

    if (!find_signal(m, group, &signal)) return false;
    take(m, group, &signal);
    return true;
}

bool c2_mean_nexus_of(struct c2_mean *m, const struct c2_object *group, const struct c2_object *dataset)
{
    struct c2_object signal;
    struct c2_str name = c2_path_last(dataset->path);
    bool ours = is_named(c2_jget(group->attrs, "auxiliary_signals"), name) ||
                (find_signal(m, group, &signal) && c2_str_eq(signal.path, dataset->path));

    if (ours) take(m, group, dataset);
    return ours;
}
