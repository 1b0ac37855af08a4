/* SPDX-License-Identifier: BSD-3-Clause */
/* Datasets and attributes as HDF5 describes them: class numbers, sizes, members. */
#include <stdio.h>

#include "base/limits.h"
#include "blosc/codec_names.h"
#include "meaning/attrs.h"
#include "subscriber/h5grove/grove.h"
#include "subscriber/mirror/dataset.h"

/* H5T_class_t */
enum h5_class { H5_INT, H5_FLOAT, H5_STRING = 3, H5_OPAQUE = 5, H5_COMPOUND = 6, H5_ENUM = 8, H5_ARRAY = 10 };

/* ---- types ---- */

static void put_class(struct c2_jw *w, enum h5_class class, int64_t size)
{
    c2_jw_put_int(w, "class", class);
    c2_jw_put_int(w, "size", size);
}

static void put_number(struct c2_jw *w, enum h5_class class, int64_t size, bool big_endian, bool sign)
{
    put_class(w, class, size);
    c2_jw_put_int(w, "order", big_endian);
    if (class == H5_INT) c2_jw_put_int(w, "sign", sign);
}

static void put_string(struct c2_jw *w, int64_t size, bool utf8, bool vlen)
{
    put_class(w, H5_STRING, size);
    c2_jw_put_int(w, "cset", utf8);
    c2_jw_put_int(w, "strPad", !vlen); /* null-padded, or ended by a null */
    c2_jw_put_bool(w, "vlen", vlen);
}

static void put_bool(struct c2_jw *w)
{
    put_class(w, H5_ENUM, 1);
    c2_jw_open_object(w, "members");
    c2_jw_put_int(w, "FALSE", 0);
    c2_jw_put_int(w, "TRUE", 1);
    c2_jw_end_object(w);
    c2_jw_open_object(w, "base");
    put_number(w, H5_INT, 1, false, true);
    c2_jw_end_object(w);
}

static void put_complex(struct c2_jw *w, int64_t size, bool big_endian)
{
    static const char *const parts[] = {"r", "i"};

    put_class(w, H5_COMPOUND, size);
    c2_jw_open_array(w, "members");
    for (size_t i = 0; i < C2_ARRAY_LEN(parts); i++) {
        c2_jw_begin_object(w);
        c2_jw_put_cstr(w, "name", parts[i]);
        put_number(w, H5_FLOAT, size / 2, big_endian, false);
        c2_jw_end_object(w);
    }
    c2_jw_end_array(w);
}

/* What numbers are called: the enumerations of a dataset, and of which of its fields we speak. */
struct names {
    struct c2_jval of_fields; /* {FIELD: {NUMBER: NAME}} */
    char field[1024];         /* "a.b", "" the item itself */
};

static bool is_whole(struct c2_str text)
{
    bool sign = text.n > 1 && text.p[0] == '-', ok = text.n > sign && text.n <= 20;

    for (size_t i = sign; ok && i < text.n; i++)
        ok = text.p[i] >= '0' && text.p[i] <= '9' && (text.p[i] != '0' || i > sign || text.n == i + 1);
    return ok;
}

static void put_enum(struct c2_jval names, const struct c2_dtype *dtype, struct c2_jw *w)
{
    struct c2_jiter it = c2_jiter_of(names);
    struct c2_str number, name;
    struct c2_jval v;

    put_class(w, H5_ENUM, dtype->itemsize);
    c2_jw_open_object(w, "members");
    while (c2_jnext(&it, &number, &v)) {
        if (!is_whole(number) || !c2_jstr(v, &name)) continue;
        c2_jw_key_str(w, name);
        c2_jw_raw(w, number);
    }
    c2_jw_end_object(w);
    c2_jw_open_object(w, "base");
    put_number(w, H5_INT, dtype->itemsize, dtype->order == '>', dtype->kind == 'i');
    c2_jw_end_object(w);
}

static void put_type(const struct c2_dtype *dtype, struct names *names, struct c2_jw *w);

static void put_member(const struct c2_field *field, struct names *names, struct c2_jw *w)
{
    size_t n = strlen(names->field);

    snprintf(names->field + n, sizeof(names->field) - n, "%s%s", n ? "." : "", field->name);
    c2_jw_begin_object(w);
    c2_jw_put_cstr(w, "name", field->name);
    if (field->ndim == 0) {
        put_type(&field->type, names, w);
    } else {
        put_class(w, H5_ARRAY, field->nbytes);
        c2_jw_put_ints(w, "dims", field->shape, field->ndim);
        c2_jw_open_object(w, "base");
        put_type(&field->type, names, w);
        c2_jw_end_object(w);
    }
    c2_jw_end_object(w);
    names->field[n] = '\0';
}

static void put_compound(const struct c2_dtype *dtype, struct names *names, struct c2_jw *w)
{
    put_class(w, H5_COMPOUND, dtype->itemsize);
    c2_jw_open_array(w, "members");
    for (int i = 0; w->ok && i < dtype->nfields; i++)
        put_member(&dtype->fields[i], names, w);
    c2_jw_end_array(w);
}

/* The members of a type's object. Depth: fields nest at most C2_DTYPE_DEPTH_MAX deep. */
static void put_type(const struct c2_dtype *dtype, struct names *names, struct c2_jw *w)
{
    bool big_endian = dtype->order == '>';
    int64_t n = dtype->itemsize;
    struct c2_jval called = c2_jget(names->of_fields, names->field);

    if (dtype->nfields) {
        put_compound(dtype, names, w);
        return;
    }
    if (c2_jlen(called) && (dtype->kind == 'i' || dtype->kind == 'u')) {
        put_enum(called, dtype, w);
        return;
    }
    switch (dtype->kind) {
    case 'b':
        put_bool(w);
        return;
    case 'i':
    case 'u':
    case 'm':
        put_number(w, H5_INT, n, big_endian, dtype->kind != 'u');
        return;
    case 'f':
        put_number(w, H5_FLOAT, n, big_endian, false);
        return;
    case 'c':
        put_complex(w, n, big_endian);
        return;
    case 'S':
    case 'U':
        put_string(w, n, dtype->kind == 'U', false);
        return;
    case 'M': /* as ISO text */
        put_string(w, n, false, true);
        return;
    default:
        put_class(w, H5_OPAQUE, n);
        c2_jw_put_cstr(w, "tag", "");
    }
}

static void put_dataset_type(const struct c2_meta *meta, struct c2_jw *w)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct names names = {0};

    if (meta->enums.n && c2_jw_read(w, c2_buf_str(&meta->enums), &json)) names.of_fields = c2_json_root(json);
    put_type(&meta->dtype, &names, w);
}

/* ---- attributes ---- */

/* A list of items of one kind is an array of one axis; what else nests is given as text. */
static enum c2_jkind list_kind(struct c2_jval list)
{
    struct c2_jiter it = c2_jiter_of(list);
    enum c2_jkind all = C2_JNONE;
    struct c2_jval v;
    struct c2_str key;

    while (c2_jnext(&it, &key, &v)) {
        enum c2_jkind kind = c2_jval_kind(v);
        bool number = kind == C2_JINT || kind == C2_JREAL;
        if (kind != C2_JSTR && !number && kind != C2_JBOOL) return C2_JNONE;
        if (all == C2_JNONE || (all == C2_JINT && kind == C2_JREAL))
            all = kind;
        else if (all != kind && !(all == C2_JREAL && number))
            return C2_JNONE;
    }
    return all;
}

static void put_value_type(enum c2_jkind kind, struct c2_jw *w)
{
    c2_jw_begin_object(w);
    switch (kind) {
    case C2_JINT:
    case C2_JUINT:
        put_number(w, H5_INT, 8, false, kind == C2_JINT);
        break;
    case C2_JREAL:
        put_number(w, H5_FLOAT, 8, false, false);
        break;
    case C2_JBOOL:
        put_bool(w);
        break;
    default:
        put_string(w, 8, true, true);
    }
    c2_jw_end_object(w);
}

static void put_attr_type(struct c2_str name, struct c2_jval v, struct c2_jw *w)
{
    enum c2_jkind kind = c2_jval_kind(v), items = kind == C2_JARRAY ? list_kind(v) : C2_JNONE;

    c2_jw_begin_object(w);
    c2_jw_put_str(w, "name", name);
    c2_jw_key(w, "shape");
    if (kind == C2_JNULL) {
        c2_jw_null(w);
    } else {
        c2_jw_begin_array(w);
        if (items != C2_JNONE) c2_jw_uint(w, c2_jlen(v));
        c2_jw_end_array(w);
    }
    c2_jw_key(w, "type");
    put_value_type(items != C2_JNONE ? items : kind, w);
    c2_jw_end_object(w);
}

static void put_attr_value(struct c2_jval v, struct c2_jw *w)
{
    enum c2_jkind kind = c2_jval_kind(v);

    if (kind == C2_JOBJECT || (kind == C2_JARRAY && list_kind(v) == C2_JNONE)) {
        C2_AUTO(c2_buf) text = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
        w->ok = w->ok && c2_json_print(v, C2_JSON_COMPACT, &text, w->err);
        c2_jw_str(w, c2_buf_str(&text));
    } else {
        c2_jw_value(w, v);
    }
}

void c2_grove_attr_types(struct c2_str json, struct c2_jw *w)
{
    C2_AUTO_PTR(c2_json) *parsed = NULL;
    struct c2_str name;
    struct c2_jval v;

    c2_jw_begin_array(w);
    if (json.n > 2 && c2_jw_read(w, json, &parsed)) {
        struct c2_jiter it = c2_jiter_of(c2_json_root(parsed));
        while (w->ok && c2_jnext(&it, &name, &v))
            put_attr_type(name, v, w);
    }
    c2_jw_end_array(w);
}

static bool is_named(struct c2_str name, const struct c2_str *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (c2_str_eq(name, names[i])) return true;
    return n == 0;
}

void c2_grove_attr_values(struct c2_str json, const struct c2_str *names, size_t nnames, struct c2_jw *w)
{
    C2_AUTO_PTR(c2_json) *parsed = NULL;
    struct c2_str name;
    struct c2_jval v;

    c2_jw_begin_object(w);
    if (json.n > 2 && c2_jw_read(w, json, &parsed)) {
        struct c2_jiter it = c2_jiter_of(c2_json_root(parsed));
        while (w->ok && c2_jnext(&it, &name, &v)) {
            if (!is_named(name, names, nnames)) continue;
            c2_jw_key_str(w, name);
            put_attr_value(v, w);
        }
    }
    c2_jw_end_object(w);
}

/* ---- datasets ---- */

static struct c2_str base_name(const struct c2_ds *ds)
{
    return c2_path_last(c2_ds_name(ds));
}

static void put_filters(const struct c2_ds *ds, struct c2_jw *w)
{
    const struct c2_codec_name *codec = c2_codec_of_id(ds->meta->cparams.codec);
    bool plugin = !codec || codec->id >= C2_CODEC_FIRST_PLUGIN;
    char text[40];

    snprintf(text, sizeof(text), "blosc2:%s", plugin ? "plugin" : codec->word);
    c2_jw_open_array(w, "filters");
    c2_jw_begin_object(w);
    c2_jw_put_int(w, "id", C2_HDF5_FILTER_BLOSC2);
    c2_jw_put_cstr(w, "name", text);
    c2_jw_end_object(w);
    c2_jw_end_array(w);
}

static void put_geometry(const struct c2_ds *ds, struct c2_jw *w)
{
    const struct c2_grid *grid = &ds->meta->grid;

    c2_jw_put_ints(w, "shape", grid->shape, grid->ndim);
    if (grid->ndim)
        c2_jw_put_ints(w, "chunks", grid->chunks, grid->ndim);
    else
        c2_jw_put_null(w, "chunks");
}

/* Opaque, so that nothing but its data is asked for: the answer to that is the error. */
static void put_broken(struct c2_jw *w)
{
    c2_jw_open_array(w, "shape");
    c2_jw_end_array(w);
    c2_jw_put_null(w, "chunks");
    c2_jw_put_null(w, "filters");
    c2_jw_open_object(w, "type");
    put_class(w, H5_OPAQUE, 1);
    c2_jw_put_cstr(w, "tag", "cannot be served");
    c2_jw_end_object(w);
    c2_jw_key(w, "attributes");
    c2_grove_attr_types(C2_STR("{\"error\":\"\"}"), w);
}

static void put_attrs_of(const struct c2_ds *ds, struct c2_jw *w)
{
    C2_AUTO(c2_buf) attrs = C2_BUF_INIT(C2_JSON_NBYTES_MAX);

    w->ok = w->ok && c2_attrs_put(c2_buf_str(&ds->meta->vlmeta), &attrs, w->err);
    c2_grove_attr_types(c2_buf_str(&attrs), w);
}

void c2_grove_dataset(const struct c2_ds *ds, struct c2_jw *w)
{
    c2_jw_begin_object(w);
    c2_jw_put_cstr(w, "kind", "dataset");
    c2_jw_put_str(w, "name", base_name(ds));
    if (ds->error) {
        put_broken(w);
    } else {
        put_geometry(ds, w);
        put_filters(ds, w);
        c2_jw_open_object(w, "type");
        put_dataset_type(ds->meta, w);
        c2_jw_end_object(w);
        c2_jw_key(w, "attributes");
        put_attrs_of(ds, w);
    }
    c2_jw_end_object(w);
}

void c2_grove_attrs(const struct c2_ds *ds, const struct c2_str *names, size_t nnames, struct c2_jw *w)
{
    C2_AUTO(c2_buf) attrs = C2_BUF_INIT(C2_JSON_NBYTES_MAX);

    if (!ds->error) {
        w->ok = w->ok && c2_attrs_put(c2_buf_str(&ds->meta->vlmeta), &attrs, w->err);
        c2_grove_attr_values(c2_buf_str(&attrs), names, nnames, w);
        return;
    }
    c2_jw_begin_object(w);
    c2_jw_put_cstr(w, "error", ds->error);
    c2_jw_end_object(w);
}
