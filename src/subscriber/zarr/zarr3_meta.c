/* SPDX-License-Identifier: BSD-3-Clause */
/* zarr.json of arrays and groups. */
#include <stdio.h>

#include "subscriber/zarr/zarr3.h"

#define RAW_MAX 4096 /* bytes of an item that is not a number: its fill value is written out */

/* ---- data types ---- */

bool c2_zarr3_knows(const struct c2_dtype *dtype, struct cat2_error *err)
{
    if (!c2_zarr_common(dtype))
        return c2_fail(
            err, CAT2_EUNSUPPORTED,
            "version 3 of Zarr knows no structures in structures, arrays in them, or extended floats: "
            "ask for version 2, .zarray");
    if ((dtype->nfields || dtype->kind == 'V') && c2_zarr3_itemsize(dtype) > RAW_MAX)
        return c2_fail(err, CAT2_ELIMIT, "items of more than %d bytes are given in version 2 of Zarr only",
                       RAW_MAX);
    return true;
}

/* {"name": name, "configuration": {...}}, after which it is ended. */
static void begin_configured(struct c2_jw *w, const char *name)
{
    c2_jw_begin_object(w);
    c2_jw_put_cstr(w, "name", name);
    c2_jw_open_object(w, "configuration");
}

static void end_configured(struct c2_jw *w)
{
    c2_jw_end_object(w);
    c2_jw_end_object(w);
}

static void put_configured(struct c2_jw *w, const char *name, const char *key, int64_t value)
{
    begin_configured(w, name);
    c2_jw_put_int(w, key, value);
    end_configured(w);
}

/* "25s" is unit s, factor 25; no unit is "generic". */
static void put_time(const struct c2_dtype *dtype, struct c2_jw *w)
{
    size_t digits = strspn(dtype->unit, "0123456789");
    int64_t factor = 1;

    if (digits) c2_str_to_i64((struct c2_str){dtype->unit, digits}, &factor);
    begin_configured(w, dtype->kind == 'M' ? "numpy.datetime64" : "numpy.timedelta64");
    c2_jw_put_cstr(w, "unit", dtype->unit[digits] ? dtype->unit + digits : "generic");
    c2_jw_put_int(w, "scale_factor", factor);
    end_configured(w);
}

static void put_scalar_type(const struct c2_dtype *dtype, struct c2_jw *w)
{
    char text[32];
    const char *word = dtype->kind == 'i'   ? "int"
                       : dtype->kind == 'u' ? "uint"
                       : dtype->kind == 'f' ? "float"
                                            : "complex";

    switch (dtype->kind) {
    case 'b':
        c2_jw_cstr(w, "bool");
        return;
    case 'S':
        put_configured(w, "null_terminated_bytes", "length_bytes", dtype->itemsize);
        return;
    case 'U':
        put_configured(w, "fixed_length_utf32", "length_bytes", dtype->itemsize);
        return;
    case 'V':
        put_configured(w, "raw_bytes", "length_bytes", dtype->itemsize);
        return;
    case 'M':
    case 'm':
        put_time(dtype, w);
        return;
    default:
        snprintf(text, sizeof(text), "%s%d", word, (int)(8 * dtype->itemsize));
        c2_jw_cstr(w, text);
    }
}

static void put_type(const struct c2_dtype *dtype, struct c2_jw *w)
{
    if (dtype->nfields == 0) {
        put_scalar_type(dtype, w);
        return;
    }
    begin_configured(w, "structured");
    c2_jw_open_array(w, "fields");
    for (int i = 0; i < dtype->nfields; i++) {
        c2_jw_begin_array(w);
        c2_jw_cstr(w, dtype->fields[i].name);
        put_scalar_type(&dtype->fields[i].type, w);
        c2_jw_end_array(w);
    }
    c2_jw_end_array(w);
    end_configured(w);
}

static void put_zeros(struct c2_jw *w, int64_t nbytes)
{
    static const uint8_t zeros[RAW_MAX];

    c2_zarr_put_base64(w, (struct c2_bytes){zeros, (size_t)nbytes});
}

static void put_fill_value(const struct c2_dtype *dtype, struct c2_jval attrs, struct c2_jw *w)
{
    c2_jw_key(w, "fill_value");
    if (dtype->nfields || dtype->kind == 'V') {
        put_zeros(w, c2_zarr3_itemsize(dtype));
    } else if (strchr("SU", dtype->kind)) {
        c2_jw_cstr(w, "");
    } else if (strchr("Mm", dtype->kind)) {
        c2_jw_int(w, INT64_MIN);
    } else if (dtype->kind == 'b') {
        c2_jw_bool(w, false);
    } else if (dtype->kind == 'c') {
        c2_jw_raw(w, C2_STR("[0.0,0.0]"));
    } else if (!c2_zarr_put_fill(dtype, attrs, w)) {
        c2_jw_raw(w, dtype->kind == 'f' ? C2_STR("0.0") : C2_STR("0"));
    }
}

/* ---- arrays and groups ---- */

static void put_named(struct c2_jw *w, const char *key, const char *name, const char *what)
{
    c2_jw_open_object(w, key);
    c2_jw_put_cstr(w, "name", name);
    c2_jw_put_raw(w, "configuration", c2_str_of(what));
    c2_jw_end_object(w);
}

static void put_codecs(const struct c2_dtype *dtype, struct c2_jw *w)
{
    bool one = dtype->nfields || strchr("bSV", dtype->kind) || dtype->itemsize == 1;

    c2_jw_key(w, "codecs");
    if (one)
        c2_jw_raw(w, C2_STR("[{\"name\":\"bytes\"}]"));
    else if (c2_dtype_swapped(dtype))
        c2_jw_raw(w, C2_STR("[{\"name\":\"bytes\",\"configuration\":{\"endian\":\"big\"}}]"));
    else
        c2_jw_raw(w, C2_STR("[{\"name\":\"bytes\",\"configuration\":{\"endian\":\"little\"}}]"));
}

bool c2_zarr3_array_json(const struct c2_ds *ds, struct c2_jw *w)
{
    const struct c2_grid *grid = &ds->meta->grid;
    C2_AUTO(c2_buf) text = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    C2_AUTO_PTR(c2_json) *json = NULL;

    if (!c2_zarr_parse_attrs(ds, &text, &json, w->err)) return w->ok = false;
    c2_jw_begin_object(w);
    c2_jw_put_int(w, "zarr_format", 3);
    c2_jw_put_cstr(w, "node_type", "array");
    c2_zarr_put_shape(grid, w);
    c2_jw_key(w, "data_type");
    put_type(&ds->meta->dtype, w);
    c2_jw_key(w, "chunk_grid");
    begin_configured(w, "regular");
    c2_zarr_put_chunk_shape(grid, "chunk_shape", w);
    end_configured(w);
    put_named(w, "chunk_key_encoding", "default", "{\"separator\":\"/\"}");
    put_codecs(&ds->meta->dtype, w);
    put_fill_value(&ds->meta->dtype, c2_json_root(json), w);
    c2_zarr3_put_attrs(ds, c2_json_root(json), w);
    c2_jw_end_object(w);
    return w->ok;
}

bool c2_zarr3_begin_group(struct c2_str text, bool netcdf, struct c2_jw *w)
{
    c2_jw_begin_object(w);
    c2_jw_put_int(w, "zarr_format", 3);
    c2_jw_put_cstr(w, "node_type", "group");
    c2_jw_key(w, "attributes");
    return c2_zarr_group_attrs_json(text.n ? text : C2_STR("{}"), netcdf, 3, w);
}
