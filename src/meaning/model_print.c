/* SPDX-License-Identifier: BSD-3-Clause */
/* What was found, as JSON. */
#include <stdio.h>

#include "meaning/model_impl.h"

#define LEVELS_MAX 64 /* of a pyramid */

static void put_text(struct c2_jw *w, const char *key, struct c2_jval attrs, const char *name)
{
    struct c2_str text;

    if (!c2_attr_text(attrs, name, &text) || !text.n) return;
    c2_jw_put_str(w, key, text);
}

static void put_number(struct c2_jw *w, const char *key, struct c2_jval attrs, const char *name)
{
    double v;

    if (!c2_attr_number(attrs, name, &v)) return;
    c2_jw_key(w, key);
    c2_jw_value(w, c2_attr_item(c2_jget(attrs, name)));
}

static void put_label(struct c2_jw *w, const struct c2_object *o)
{
    struct c2_str text;

    c2_jw_key(w, "label");
    if ((c2_attr_text(o->attrs, "long_name", &text) || c2_attr_text(o->attrs, "standard_name", &text)) &&
        text.n)
        c2_jw_str(w, text);
    else
        c2_jw_str(w, c2_path_last(o->path));
}

/* Units "days since 2000-01-01" count from a moment. */
static void put_time_of(struct c2_jw *w, struct c2_jval attrs, struct c2_str units)
{
    if (!c2_str_has(units, " since ")) return;
    c2_jw_open_object(w, "time");
    c2_jw_put_str(w, "units", units);
    put_text(w, "calendar", attrs, "calendar");
    c2_jw_end_object(w);
}

static void put_time(struct c2_jw *w, struct c2_jval attrs)
{
    struct c2_str units;

    if (c2_attr_text(attrs, "units", &units)) put_time_of(w, attrs, units);
}

/* What its numbers are. */
static void put_quantity(struct c2_jw *w, const struct c2_object *o)
{
    c2_jw_put_str(w, "path", o->at);
    c2_jw_put_str(w, "name", c2_path_last(o->path));
    put_label(w, o);
    put_text(w, "units", o->attrs, "units");
    put_text(w, "standard_name", o->attrs, "standard_name");
    put_time(w, o->attrs);
    put_number(w, "fill", o->attrs, "_FillValue");
    put_number(w, "missing", o->attrs, "missing_value");
    put_number(w, "scale", o->attrs, "scale_factor");
    put_number(w, "offset", o->attrs, "add_offset");
}

static void put_image(struct c2_jw *w, const struct c2_mean *m)
{
    struct c2_jval attrs = m->signal.attrs;
    struct c2_str class;
    struct c2_jval range = c2_jget(attrs, "IMAGE_MINMAXRANGE");

    if (!c2_attr_text(attrs, "CLASS", &class) || !c2_str_is(class, "IMAGE")) return;
    c2_jw_open_object(w, "image");
    put_text(w, "subclass", attrs, "IMAGE_SUBCLASS");
    put_text(w, "interlace", attrs, "INTERLACE_MODE");
    put_text(w, "model", attrs, "IMAGE_COLORMODEL");
    if (m->has_palette) c2_jw_put_str(w, "palette", m->palette.at);
    put_number(w, "white_is_zero", attrs, "IMAGE_WHITE_IS_ZERO");
    if (c2_jlen(range) == 2) {
        c2_jw_key(w, "range");
        c2_jw_value(w, range);
    }
    c2_jw_end_object(w);
}

/* An axis without coordinates whose items are known to be so far apart. */
static void put_step(struct c2_jw *w, const struct c2_mean *m, int axis)
{
    c2_jw_put_real(w, "step", m->pixels[axis].step);
    if (m->pixels[axis].units.n) c2_jw_put_str(w, "units", m->pixels[axis].units);
}

static void put_signal(struct c2_jw *w, const struct c2_mean *m)
{
    c2_jw_open_object(w, "signal");
    put_quantity(w, &m->signal);
    put_text(w, "interpretation", m->signal.attrs, "interpretation");
    put_image(w, m);
    c2_jw_end_object(w);
    c2_jw_open_array(w, "axes");
    for (int i = 0; i < m->signal.ndim; i++) {
        c2_jw_begin_object(w);
        if (m->dims.name[i].n) {
            c2_jw_put_str(w, "dimension", m->dims.name[i]);
        }
        if (m->axes[i].has)
            put_quantity(w, &m->axes[i].object);
        else if (m->pixels[i].step > 0)
            put_step(w, m, i);
        c2_jw_end_object(w);
    }
    c2_jw_end_array(w);
    if (!m->has_errors) return;
    c2_jw_put_str(w, "errors", m->errors.at);
}

/* Units of field i: the i-th of a list, of its name in an object, NAME_units, FIELD_i_UNITS, FITS' TUNIT. */
static bool units_of(struct c2_jval attrs, const struct c2_dtype *dtype, int i, struct c2_str *out)
{
    struct c2_jval all = c2_jget(attrs, "units");
    const char *name = dtype->fields[i].name;
    char key[300];

    if (c2_jval_kind(all) == C2_JOBJECT) return c2_jstr(c2_jget(all, name), out);
    if (c2_jval_kind(all) == C2_JARRAY && c2_jlen(all) == (size_t)dtype->nfields)
        return c2_jstr(c2_jat(all, (size_t)i), out);
    snprintf(key, sizeof(key), "%.250s_units", name);
    if (c2_attr_text(attrs, key, out)) return true;
    snprintf(key, sizeof(key), "FIELD_%d_UNITS", i);
    if (c2_attr_text(attrs, key, out)) return true;
    snprintf(key, sizeof(key), "TUNIT%d", i + 1);
    return c2_attr_text(attrs, key, out);
}

/* Of a table: its columns that have units. */
static void put_columns(struct c2_jw *w, const struct c2_object *o)
{
    struct c2_str units;

    if (!o->dtype || o->dtype->nfields == 0) return;
    c2_jw_open_array(w, "columns");
    for (int i = 0; i < o->dtype->nfields; i++) {
        if (!units_of(o->attrs, o->dtype, i, &units) || units.n == 0) continue;
        c2_jw_begin_object(w);
        c2_jw_put_cstr(w, "name", o->dtype->fields[i].name);
        c2_jw_put_str(w, "units", units);
        put_time_of(w, o->attrs, units);
        c2_jw_end_object(w);
    }
    c2_jw_end_array(w);
}

static void put_level(struct c2_mean *m, struct c2_jw *w, struct c2_str group, struct c2_str path,
                      struct c2_jval level)
{
    struct c2_jval scale = c2_mean_scale(level);
    struct c2_object o;

    c2_jw_begin_object(w);
    c2_jw_put_str(w, "path", path);
    if (c2_jval_kind(scale) == C2_JARRAY && c2_jlen(scale) <= C2_DIM_MAX) {
        c2_jw_key(w, "scale");
        c2_jw_value(w, scale);
    }
    if (c2_mean_find_in(m, group, path, &o) && !o.group) {
        c2_jw_put_str(w, "at", o.at);
        c2_jw_open_array(w, "shape");
        for (int i = 0; i < o.ndim; i++)
            c2_jw_int(w, o.shape[i]);
        c2_jw_end_array(w);
    }
    c2_jw_end_object(w);
}

/* Is a dataset of this name a level? */
static bool is_level(struct c2_jval levels, struct c2_str name)
{
    struct c2_jiter it = c2_jiter_of(levels);
    struct c2_str key, path;
    struct c2_jval v;

    while (c2_jnext(&it, &key, &v))
        if (c2_jstr(c2_jget(v, "path"), &path) && path.n == name.n && memcmp(path.p, name.p, name.n) == 0)
            return true;
    return false;
}

/* The levels of OME's first pyramid: paths within the group, and their scales. Also of a dataset that is one.
 */
static void put_levels(struct c2_mean *m, struct c2_jw *w, const struct c2_object *group,
                       const struct c2_object *asked)
{
    C2_AUTO(c2_ome) ome;
    struct c2_str key, path;
    struct c2_jval v;

    c2_ome_of(group->attrs, &ome);
    struct c2_jval levels = c2_jget(c2_jat(ome.multiscales, 0), "datasets");
    if (!ome.multiscales.v || (!asked->group && !is_level(levels, c2_path_last(asked->path)))) return;
    struct c2_jiter it = c2_jiter_of(levels);
    c2_jw_open_array(w, "levels");
    for (int i = 0; i < LEVELS_MAX && c2_jnext(&it, &key, &v); i++)
        if (c2_jstr(c2_jget(v, "path"), &path)) put_level(m, w, group->path, path, v);
    c2_jw_end_array(w);
}

bool c2_mean_print(struct c2_mean *m, const struct c2_object *asked, struct c2_buf *out,
                   struct cat2_error *err)
{
    struct c2_object parent;
    struct c2_jw w;

    c2_jw_init(&w, out, C2_JSON_COMPACT, err);
    c2_jw_begin_object(&w);
    c2_jw_put_str(&w, "path", asked->at);
    c2_jw_put_cstr(&w, "kind", asked->group ? "group" : "dataset");
    put_text(&w, "title", m->group.attrs, "title");
    if (m->has_title) c2_jw_put_str(&w, "title_path", m->title.at);
    if (m->has_signal) put_signal(&w, m);
    put_columns(&w, asked);
    if (asked->group)
        put_levels(m, &w, m->group.attrs.v ? &m->group : asked, asked);
    else if (c2_mean_find(m, c2_path_parent(asked->path), &parent))
        put_levels(m, &w, &parent, asked);
    c2_jw_end_object(&w);
    return c2_jw_finish(&w);
}
