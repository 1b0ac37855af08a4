/* SPDX-License-Identifier: BSD-3-Clause */
/* Attributes as the netCDF libraries and xarray show them: the axes have names, and what only keeps
 * dimensions in HDF5 is left out. docs/protocol.md "Zarr". */
#include <stdio.h>

#include "base/limits.h"
#include "meaning/dims.h"
#include "subscriber/mirror/dataset.h"
#include "subscriber/zarr/zarr.h"

#define LOOK_MAX 64 /* datasets of a group that are looked at for whether it is one of netCDF */

/* The attributes of an array as a document; *text holds it. */
static bool parse_attrs(const struct c2_ds *ds, struct c2_buf *text, struct c2_json **out,
                        struct cat2_error *err)
{
    return c2_attrs_put(c2_buf_str(&ds->meta.vlmeta), text, err) && c2_json_parse(c2_buf_str(text), out, err);
}

bool c2_zarr_is_hidden(const struct c2_ds *ds)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct cat2_error err;

    return memmem(ds->meta.vlmeta.p, ds->meta.vlmeta.n, "DIMENSION_SCALE", 15) &&
           parse_attrs(ds, &text, &json, &err) && c2_is_mere_dimension(c2_json_root(json));
}

static bool is_netcdf(const struct c2_ds *ds)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct cat2_error err;

    return memmem(ds->meta.vlmeta.p, ds->meta.vlmeta.n, "DIMENSION_", 10) &&
           parse_attrs(ds, &text, &json, &err) && c2_is_scaled(c2_json_root(json));
}

bool c2_zarr_is_netcdf(struct c2_ds *const *list, size_t n)
{
    for (size_t i = 0; i < n && i < LOOK_MAX; i++)
        if (is_netcdf(list[i])) return true;
    return false;
}

/* Of netCDF, where a list of one and a scalar are the same. */
static void put_values(struct c2_jval attrs, bool netcdf, struct c2_jw *w)
{
    struct c2_jiter it = c2_jiter_of(attrs);
    struct c2_str key;
    struct c2_jval v;

    while (w->ok && c2_jnext(&it, &key, &v)) {
        bool is_fill = c2_str_is(key, "_FillValue") || c2_str_is(key, "missing_value");
        if (c2_str_is(key, "_ARRAY_DIMENSIONS") || (netcdf && c2_is_bookkeeping(attrs, key))) continue;
        if (is_fill && c2_jval_kind(c2_attr_item(v)) == C2_JNULL) continue; /* NaN, which JSON has not */
        c2_jw_key_str(w, key);
        c2_jw_value(w, netcdf ? c2_attr_item(v) : v);
    }
}

/* An axis without a name is called by its length, as xarray wants a name, and axes of one name and several
 * lengths it refuses; the second of a length in one array has another. */
static void put_axis(const struct c2_dims *dims, const int64_t *shape, int axis, struct c2_jw *w)
{
    char text[64];
    int before = 0;

    if (dims->name[axis].n) {
        c2_jw_str(w, dims->name[axis]);
        return;
    }
    for (int i = 0; i < axis; i++)
        before += !dims->name[i].n && shape[i] == shape[axis];
    snprintf(text, sizeof(text), before ? "dim_%lld_%d" : "dim_%lld", (long long)shape[axis], before);
    c2_jw_cstr(w, text);
}

bool c2_zarr_attrs_json(const struct c2_ds *ds, struct c2_jw *w)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    C2_AUTO_PTR(c2_json) *json = NULL;
    const struct c2_grid *grid = &ds->meta.grid;
    struct c2_dims dims;

    w->ok = w->ok && parse_attrs(ds, &text, &json, w->err);
    if (!w->ok) return false;
    struct c2_jval attrs = c2_json_root(json);
    c2_dims_of(attrs, c2_ds_name(ds), grid->ndim, &dims);
    c2_jw_begin_object(w);
    put_values(attrs, c2_is_scaled(attrs), w);
    c2_jw_key(w, "_ARRAY_DIMENSIONS");
    c2_jw_begin_array(w);
    for (int i = 0; i < grid->ndim; i++)
        put_axis(&dims, grid->shape, i, w);
    c2_jw_end_array(w);
    c2_jw_end_object(w);
    return w->ok;
}

bool c2_zarr_group_attrs_json(struct c2_str text, bool netcdf, struct c2_jw *w)
{
    C2_AUTO_PTR(c2_json) *json = NULL;

    w->ok = w->ok && c2_json_parse(text, &json, w->err);
    if (!w->ok) return false;
    c2_jw_begin_object(w);
    put_values(c2_json_root(json), netcdf, w);
    c2_jw_end_object(w);
    return w->ok;
}

/* ---- the value that stands for none ---- */

static bool fits(const struct c2_dtype *dtype, double v)
{
    double limit =
        dtype->itemsize >= 8 ? 9e18 : (double)(INT64_C(1) << (8 * dtype->itemsize - (dtype->kind == 'i')));

    return dtype->kind == 'u' ? v >= 0 && v < limit : v >= -limit && v < limit;
}

/* As Zarr's fill_value, which xarray takes for netCDF's _FillValue; null: there is none, or not a number. */
void c2_zarr_fill_value(const struct c2_meta *meta, struct c2_jw *w)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    const struct c2_dtype *dtype = &meta->dtype;
    struct cat2_error err;
    double number;

    bool parsed = !dtype->nfields && memmem(meta->vlmeta.p, meta->vlmeta.n, "\"_FillValue\"", 12) &&
                  c2_json_parse(c2_buf_str(&meta->vlmeta), &json, &err);
    struct c2_jval v =
        parsed ? c2_attr_item(c2_jget(c2_json_root(json), "_FillValue")) : (struct c2_jval){NULL};
    enum c2_jkind kind = c2_jval_kind(v);
    bool integer = kind == C2_JINT || kind == C2_JUINT;
    if (dtype->kind == 'f' && kind == C2_JNULL)
        c2_jw_cstr(w, "NaN");
    else if (c2_jreal(v, &number) &&
             (dtype->kind == 'f' || (integer && strchr("iu", dtype->kind) && fits(dtype, number))))
        c2_jw_value(w, v);
    else
        c2_jw_null(w);
}
