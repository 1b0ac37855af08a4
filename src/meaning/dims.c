/* SPDX-License-Identifier: BSD-3-Clause */
/* What the axes of an array are called. */
#include "meaning/dims.h"

/* As the netCDF-4 library writes into NAME. */
#define MERE_DIMENSION "This is a netCDF dimension but not a netCDF variable"

static bool is_scale(struct c2_jval attrs)
{
    struct c2_str class;

    return c2_attr_text(attrs, "CLASS", &class) && c2_str_is(class, "DIMENSION_SCALE");
}

bool c2_is_scaled(struct c2_jval attrs)
{
    return is_scale(attrs) || c2_jval_kind(c2_jget(attrs, "DIMENSION_LIST")) == C2_JARRAY;
}

bool c2_is_mere_dimension(struct c2_jval attrs)
{
    struct c2_str name;

    return is_scale(attrs) && c2_attr_text(attrs, "NAME", &name) && c2_str_starts(name, MERE_DIMENSION);
}

bool c2_is_bookkeeping(struct c2_jval attrs, struct c2_str name)
{
    static const char *const always[] = {"DIMENSION_LIST",      "REFERENCE_LIST", "_Netcdf4Dimid",
                                         "_Netcdf4Coordinates", "_nc3_strict",    "_NCProperties"};

    for (size_t i = 0; i < C2_ARRAY_LEN(always); i++)
        if (c2_str_is(name, always[i])) return true;
    return is_scale(attrs) && (c2_str_is(name, "CLASS") || c2_str_is(name, "NAME"));
}

/* ---- names ---- */

/* A list of one text for each axis; "" stands for none. */
static void take_texts(struct c2_jval list, struct c2_dims *out)
{
    struct c2_jiter it = c2_jiter_of(list);
    struct c2_str key, text;
    struct c2_jval v;

    if (c2_jval_kind(list) != C2_JARRAY || c2_jlen(list) != (size_t)out->n) return;
    for (int i = 0; i < out->n && c2_jnext(&it, &key, &v); i++)
        if (!out->name[i].n && c2_jstr(v, &text)) out->name[i] = text;
}

/* For each axis the paths of its scales, of which netCDF has one. */
static void take_scales(struct c2_jval list, struct c2_dims *out)
{
    struct c2_jiter it = c2_jiter_of(list);
    struct c2_str key, text;
    struct c2_jval v;

    if (c2_jval_kind(list) != C2_JARRAY || c2_jlen(list) != (size_t)out->n) return;
    for (int i = 0; i < out->n && c2_jnext(&it, &key, &v); i++) {
        struct c2_jval first = c2_jval_kind(v) == C2_JARRAY ? c2_jat(v, 0) : v;
        if (!c2_jstr(first, &text) || !text.n) continue;
        out->scale[i] = text;
        if (!out->name[i].n) out->name[i] = c2_path_last(text);
    }
}

void c2_dims_of(struct c2_jval attrs, struct c2_str path, int ndim, struct c2_dims *out)
{
    *out = (struct c2_dims){.n = ndim};
    take_texts(c2_jget(attrs, "_ARRAY_DIMENSIONS"), out);
    take_scales(c2_jget(attrs, "DIMENSION_LIST"), out);
    if (ndim == 1 && !out->name[0].n && is_scale(attrs)) out->name[0] = c2_path_last(path);
    take_texts(c2_jget(attrs, "DIMENSION_LABELS"), out);
    for (int i = 0; i < ndim; i++)
        out->any = out->any || out->name[i].n;
}
