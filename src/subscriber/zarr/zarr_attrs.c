/* SPDX-License-Identifier: BSD-3-Clause */
/* Attributes as the netCDF libraries and xarray show them: the axes have names, and what only keeps
 * dimensions in HDF5 is left out. docs/protocol.md "Zarr". */
#include <math.h>
#include <stdio.h>

#include "base/endian.h"
#include "base/limits.h"
#include "meaning/dims.h"
#include "meaning/ome.h"
#include "net/digest.h"
#include "subscriber/mirror/dataset.h"
#include "subscriber/zarr/zarr.h"

#define LOOK_MAX 64 /* datasets of a group that are looked at for whether it is one of netCDF */

bool c2_zarr_parse_attrs(const struct c2_ds *ds, struct c2_buf *text, struct c2_json **out,
                         struct cat2_error *err)
{
    return c2_attrs_put(c2_buf_str(&ds->meta->vlmeta), text, err) &&
           c2_json_parse(c2_buf_str(text), out, err);
}

/* Are its attributes so? Those without this word are not: most need not be read. */
static bool attrs_are(const struct c2_ds *ds, const char *word, bool (*are)(struct c2_jval attrs))
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct cat2_error err;

    return c2_str_has(c2_buf_str(&ds->meta->vlmeta), word) && c2_zarr_parse_attrs(ds, &text, &json, &err) &&
           are(c2_json_root(json));
}

bool c2_zarr_is_hidden(const struct c2_ds *ds)
{
    return attrs_are(ds, "DIMENSION_SCALE", c2_is_mere_dimension);
}

bool c2_zarr_is_netcdf(struct c2_ds *const *list, size_t n)
{
    for (size_t i = 0; i < n && i < LOOK_MAX; i++)
        if (attrs_are(list[i], "DIMENSION_", c2_is_scaled)) return true;
    return false;
}

/* ---- _FillValue ---- */

void c2_zarr_put_base64(struct c2_jw *w, struct c2_bytes bytes)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(2 * bytes.n + 4);

    w->ok = w->ok && c2_base64(bytes, &text, w->err);
    c2_jw_str(w, c2_buf_str(&text));
}

static void put_double(struct c2_jw *w, double v)
{
    uint8_t bytes[8];
    uint64_t bits;

    memcpy(&bits, &v, 8);
    c2_put_le64(bytes, bits);
    c2_zarr_put_base64(w, (struct c2_bytes){bytes, 8});
}

/* As xarray writes it among the attributes of version 3; what it would not read there is left out: the
 * reading of the whole dataset would fail. */
static void put_fill_attr(const struct c2_dtype *dtype, struct c2_jval v, struct c2_jw *w)
{
    enum c2_jkind kind = c2_jval_kind(v);
    struct c2_str text;
    double number;
    char type = dtype->nfields ? 'V' : dtype->kind;

    if (type == 'f' && (c2_jreal(v, &number) || kind == C2_JNULL)) {
        c2_jw_key(w, "_FillValue");
        put_double(w, kind == C2_JNULL ? (double)NAN : number);
    } else if (strchr("iu", type) && (kind == C2_JINT || kind == C2_JUINT)) {
        c2_jw_key(w, "_FillValue");
        c2_jw_value(w, v);
    } else if (type == 'S' && c2_jstr(v, &text)) {
        c2_jw_key(w, "_FillValue");
        c2_zarr_put_base64(w, (struct c2_bytes){(const uint8_t *)text.p, text.n});
    }
}

/* Of netCDF, where a list of one and a scalar are the same. ome: without what tells of pyramids. dtype: of an
 * array of version 3. */
static void put_values(struct c2_jval attrs, bool netcdf, bool ome, const struct c2_dtype *dtype,
                       struct c2_jw *w)
{
    struct c2_jiter it = c2_jiter_of(attrs);
    struct c2_str key;
    struct c2_jval v;

    while (w->ok && c2_jnext(&it, &key, &v)) {
        bool is_fill = c2_str_is(key, "_FillValue");
        bool none = c2_jval_kind(c2_attr_item(v)) == C2_JNULL; /* NaN, which JSON has not */
        if (c2_str_is(key, "_ARRAY_DIMENSIONS") || (netcdf && c2_is_bookkeeping(attrs, key)) ||
            (ome && c2_is_ome(key)))
            continue;
        if (is_fill && dtype) {
            put_fill_attr(dtype, c2_attr_item(v), w);
            continue;
        }
        if (none && (is_fill || c2_str_is(key, "missing_value"))) continue;
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

static void put_axes(const struct c2_dims *dims, const struct c2_grid *grid, const char *key, struct c2_jw *w)
{
    c2_jw_open_array(w, key);
    for (int i = 0; i < grid->ndim; i++)
        put_axis(dims, grid->shape, i, w);
    c2_jw_end_array(w);
}

bool c2_zarr_attrs_json(const struct c2_ds *ds, struct c2_jw *w)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    C2_AUTO_PTR(c2_json) *json = NULL;
    const struct c2_grid *grid = &ds->meta->grid;
    struct c2_dims dims;

    w->ok = w->ok && c2_zarr_parse_attrs(ds, &text, &json, w->err);
    if (!w->ok) return false;
    struct c2_jval attrs = c2_json_root(json);
    c2_dims_of(attrs, c2_ds_name(ds), grid->ndim, &dims);
    c2_jw_begin_object(w);
    put_values(attrs, c2_is_scaled(attrs), false, NULL, w);
    put_axes(&dims, grid, "_ARRAY_DIMENSIONS", w);
    c2_jw_end_object(w);
    return w->ok;
}

void c2_zarr3_put_attrs(const struct c2_ds *ds, struct c2_jval attrs, struct c2_jw *w)
{
    struct c2_dims dims;

    c2_dims_of(attrs, c2_ds_name(ds), ds->meta->grid.ndim, &dims);
    put_axes(&dims, &ds->meta->grid, "dimension_names", w);
    c2_jw_open_object(w, "attributes");
    put_values(attrs, c2_is_scaled(attrs), false, &ds->meta->dtype, w);
    c2_jw_end_object(w);
}

bool c2_zarr_group_attrs_json(struct c2_str text, bool netcdf, int format, struct c2_jw *w)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    C2_AUTO(c2_ome) ome = {0};

    w->ok = w->ok && c2_json_parse(text, &json, w->err);
    if (!w->ok) return false;
    c2_ome_of(c2_json_root(json), &ome);
    bool pyramids = ome.multiscales.v, inside = pyramids && format == 3;
    c2_jw_begin_object(w);
    put_values(c2_json_root(json), netcdf, pyramids, NULL, w);
    if (inside) {
        c2_jw_open_object(w, "ome");
        c2_jw_put_cstr(w, "version", "0.5");
    }
    if (pyramids) c2_ome_put(&ome, inside ? NULL : "0.4", w);
    if (inside) c2_jw_end_object(w);
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

bool c2_zarr_put_fill(const struct c2_dtype *dtype, struct c2_jval attrs, struct c2_jw *w)
{
    struct c2_jval v = c2_attr_item(c2_jget(attrs, "_FillValue"));
    double number;

    if (dtype->nfields) return false;
    enum c2_jkind kind = c2_jval_kind(v);
    bool integer = kind == C2_JINT || kind == C2_JUINT;
    if (dtype->kind == 'f' && kind == C2_JNULL) {
        c2_jw_cstr(w, "NaN");
        return true;
    }
    if (!c2_jreal(v, &number)) return false;
    if (dtype->kind != 'f' && !(integer && strchr("iu", dtype->kind) && fits(dtype, number))) return false;
    c2_jw_value(w, v);
    return true;
}
