/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables of Blosc2 stores as python-blosc2 has them (CTable): their info, and rows as a frame that embeds a
 * frame for each column. Who names the table as its store does gets these; by our path it is an array. */
#include "blosc/codec.h"
#include "subscriber/api/api.h"
#include "subscriber/api/fetch_kinds.h"
#include "subscriber/mirror/dataset.h"
#include "subscriber/mirror/roots.h"

#define PIECE_NBYTES (1 << 20)         /* of a chunk of the frame that embeds the others */
#define EMBED_MAX    ((size_t)1 << 30) /* of all of them: rows are at most C2_REDUCE_NBYTES_MAX */
#define SCHEMA_MAX   (1 << 20)         /* of the text of a schema with hundreds of columns */

struct c2_ds *c2_ctable_asked(struct c2_request *req, struct c2_ds *ds)
{
    static const char *const OF_ARRAYS[] = {"indices",       "field", "filter", "format", "at",
                                            "prefer_schunk", "rows",  "sort",   "where",  "fields"};
    struct c2_root_state *root = c2_sub_root(ds->sub, c2_str_of(ds->root));
    struct c2_str value, path = c2_request_param(req, "path");

    for (size_t i = 0; i < C2_ARRAY_LEN(OF_ARRAYS); i++)
        if (c2_request_query(req, OF_ARRAYS[i], &value) && value.n) return NULL;
    if (ds->table) return c2_str_ends(path, C2_ARRAY_SUFFIX) ? NULL : ds;
    return root ? c2_sub_table_of(root, ds) : NULL;
}

struct c2_ds *c2_ctable_rows(struct c2_request *req, struct c2_ds *ds)
{
    struct c2_root_state *root = c2_sub_root(ds->sub, c2_str_of(ds->root));
    bool of_rows =
        c2_view_query(req, "indices").n || c2_view_query(req, "field").n || c2_view_query(req, "filter").n;
    struct c2_ds *rows = of_rows && root ? c2_sub_table_of(root, ds) : NULL;

    return rows ? rows : ds;
}

/* ---- info ---- */

static bool attrs_of(const struct c2_ds *rows, struct c2_json **json, struct c2_jval *schema,
                     struct cat2_error *err)
{
    if (!c2_json_parse(c2_buf_str(&rows->meta->vlmeta), json, err)) return false;
    *schema = c2_jget(c2_json_root(*json), C2_TABLE_ATTR);
    return true;
}

static void put_columns(struct c2_jval schema, struct c2_jw *w)
{
    struct c2_str key, name;
    struct c2_jval column, version = c2_jget(schema, "version");

    c2_jw_open_object(w, "schema_dict");
    c2_jw_key(w, "version");
    c2_jw_value(w, version);
    c2_jw_key(w, "columns");
    c2_jw_value(w, c2_jget(schema, "columns"));
    c2_jw_end_object(w);
    c2_jw_open_array(w, "columns");
    struct c2_jiter it = c2_jiter_of(c2_jget(schema, "columns"));
    while (c2_jnext(&it, &key, &column))
        if (c2_jstr(c2_jget(column, "name"), &name)) c2_jw_str(w, name);
    c2_jw_end_array(w);
}

/* Those of the table, without its schema. */
static bool own_attrs(struct c2_jval attrs, struct c2_buf *out, struct cat2_error *err)
{
    static const char *const SCHEMA[] = {C2_TABLE_ATTR, NULL};
    struct c2_jw w;

    c2_jw_init(&w, out, C2_JSON_COMPACT, err);
    c2_jw_begin_object(&w);
    c2_jw_members(&w, attrs, SCHEMA);
    c2_jw_end_object(&w);
    return c2_jw_finish(&w);
}

static void put_sizes(const struct c2_ds *rows, struct c2_str attrs, struct c2_jw *w)
{
    const struct c2_meta *meta = rows->meta;
    int64_t nbytes = meta->grid.shape[0] * meta->dtype.itemsize;

    c2_jw_put_int(w, "nbytes", nbytes);
    c2_jw_put_int(w, "cbytes", meta->cbytes);
    c2_jw_put_real(w, "cratio", meta->cbytes ? (double)nbytes / (double)meta->cbytes : 0);
    c2_jw_put_raw(w, "vlmeta", attrs);
}

/* What is at the path besides, a file or the array of rows, with the attributes of the table. */
static bool put_other(struct c2_ds *ds, bool file, const struct c2_buf *attrs, struct c2_buf *out,
                      struct cat2_error *err)
{
    struct c2_meta meta = *ds->meta; /* borrows all of it */
    struct c2_jw w;

    if (ds->urlpath) meta.urlpath = ds->urlpath;
    if (!file) return c2_ds_put_info(ds, out, err);
    meta.vlmeta = *attrs;
    c2_jw_init(&w, out, C2_JSON_COMPACT, err);
    return c2_meta_to_json(&meta, true, c2_ds_mtime_ms(ds), &w) && c2_jw_finish(&w);
}

bool c2_ctable_info(struct c2_ds *ds, const struct c2_ds *rows, struct c2_buf *out, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    C2_AUTO(c2_buf) attrs = C2_BUF_INIT(C2_TRAILER_NBYTES_MAX);
    const struct c2_grid *grid = &rows->meta->grid;
    struct c2_jval schema;
    bool file = ds != rows;
    struct c2_jw w;

    if (!attrs_of(rows, &json, &schema, err) || !own_attrs(c2_json_root(json), &attrs, err) ||
        !put_other(ds, file, &attrs, out, err))
        return false;
    size_t at = out->n;
    c2_jw_init(&w, out, C2_JSON_COMPACT, err);
    c2_jw_begin_object(&w);
    c2_jw_put_cstr(&w, "kind", "ctable");
    c2_jw_put_int(&w, "nrows", grid->shape[0]);
    c2_jw_put_int(&w, "ncols", rows->meta->dtype.nfields);
    put_columns(schema, &w);
    if (file) {
        c2_jw_put_ints(&w, "chunks", grid->chunks, 1);
        c2_jw_put_ints(&w, "blocks", grid->blocks, 1);
    } else {
        put_sizes(rows, c2_buf_str(&attrs), &w);
    }
    c2_jw_end_object(&w);
    if (!c2_jw_finish(&w)) return false;
    out->p[at - 1] = ','; /* in place of both braces: one object */
    memmove(out->p + at, out->p + at + 1, out->n - at - 1);
    out->n--;
    return true;
}

/* ---- rows ---- */

struct ctable {
    struct c2_bound bound;
    int64_t nbytes;
};

static bool ctable_parse(struct c2_view *view, struct cat2_error *err)
{
    struct ctable *t = view->state;

    if (!c2_view_slice(view, &t->bound, err)) return false;
    if (!c2_mul_i64(t->bound.nitems, view->ds->meta->dtype.itemsize, &t->nbytes) ||
        t->nbytes > C2_REDUCE_NBYTES_MAX)
        return c2_fail(err, CAT2_ELIMIT,
                       "rows of %d MiB at most are given as a table; ask for some by slice_, or with "
                       "format=b2nd for an array",
                       C2_REDUCE_NBYTES_MAX >> 20);
    c2_view_select(view, &t->bound, 0);
    view->weight = 4;
    view->memory = 3 * t->nbytes;
    view->content_type = "application/octet-stream";
    c2_buf_init(&view->out, EMBED_MAX);
    return true;
}

static bool ctable_is_heavy(struct c2_view *view)
{
    return view->memory > C2_PICKED_HEAVY;
}

struct column {
    const struct c2_field *field;
    const uint8_t *rows;
    int64_t itemsize; /* of a row */
};

/* The column is the first axis, those of a field that is an array follow. */
static bool read_column(void *ctx, struct c2_codec *codec, const int64_t *first, const int64_t *count,
                        uint8_t *to, struct cat2_error *err)
{
    const struct column *c = ctx;
    const struct c2_field *field = c->field;
    struct c2_stride axes[C2_DIM_MAX + 1];
    int64_t size = field->type.itemsize, from = size, out = size;
    const uint8_t *items = c->rows + first[0] * c->itemsize + field->offset;

    (void)codec, (void)err;
    for (int i = field->ndim; i > 0; i--) {
        axes[i] = (struct c2_stride){count[i], from, out};
        items += first[i] * from;
        from *= field->shape[i - 1];
        out *= count[i];
    }
    axes[0] = (struct c2_stride){count[0], c->itemsize, out};
    c2_grid_copy(axes, field->ndim + 1, (size_t)size, items, to);
    return true;
}

/* What is embedded, and where. */
struct embedding {
    struct c2_codec *codec;
    struct c2_buf bytes, map_text;
    struct c2_jw map;
};

static void embedding_fini(struct embedding *e)
{
    c2_buf_fini(&e->bytes);
    c2_buf_fini(&e->map_text);
}
C2_DEFINE_AUTO(embedding);

static bool embed(struct embedding *e, struct c2_str key, const struct c2_buf *frame, struct cat2_error *err)
{
    c2_jw_key_str(&e->map, key);
    c2_jw_begin_object(&e->map);
    c2_jw_put_int(&e->map, "offset", (int64_t)e->bytes.n);
    c2_jw_put_int(&e->map, "length", (int64_t)frame->n);
    c2_jw_end_object(&e->map);
    return c2_buf_append(&e->bytes, frame->p, frame->n, err);
}

static bool embed_column(struct embedding *e, const struct c2_field *field, const struct c2_buf *rows,
                         int64_t nrows, int64_t itemsize, struct cat2_error *err)
{
    C2_AUTO(c2_buf) frame = C2_BUF_INIT(EMBED_MAX), key = C2_BUF_INIT(C2_DTYPE_TEXT_MAX);
    static const uint8_t nothing[1];
    struct column column = {field, rows->n ? rows->p : nothing, itemsize};
    struct c2_made made = {.kind = C2_KIND_ARRAY,
                           .dtype = &field->type,
                           .typesize = (int32_t)field->type.itemsize,
                           .ndim = 1 + field->ndim,
                           .shape = {nrows},
                           .read = read_column,
                           .ctx = &column};

    memcpy(made.shape + 1, field->shape, (size_t)field->ndim * sizeof(*field->shape));
    return c2_buf_printf(&key, err, "/_cols/%s", field->name) &&
           c2_select_made(e->codec, &made, -1, &frame, err) && embed(e, c2_buf_str(&key), &frame, err);
}

static bool embed_marks(struct embedding *e, int64_t nrows, struct cat2_error *err)
{
    C2_AUTO(c2_buf) frame = C2_BUF_INIT(EMBED_MAX), marks = C2_BUF_INIT(EMBED_MAX);
    C2_AUTO(c2_dtype) dtype = {0};

    if (!c2_dtype_parse(C2_STR("|b1"), &dtype, err) || !c2_buf_resize(&marks, (size_t)nrows, err))
        return false;
    if (nrows) memset(marks.p, 1, marks.n);
    return c2_select_cframe_of(e->codec, &dtype, nrows ? marks.p : (const uint8_t *)"", nrows, -1, &frame,
                               err) &&
           embed(e, C2_STR("/_valid_rows"), &frame, err);
}

/* A frame of bytes with these attributes. @param layer  the metalayer that tells what it is, or NULL. */
static bool put_frame(struct c2_codec *codec, const struct c2_buf *bytes, const struct c2_buf *attrs,
                      const char *layer, struct c2_buf *out, struct cat2_error *err)
{
    static const uint8_t VERSION[] = "\x81\xa7version\x01";
    C2_AUTO_PTR(c2_frame_writer) *w = NULL;
    struct c2_meta meta = {.kind = C2_KIND_FRAME,
                           .chunksize = PIECE_NBYTES,
                           .chunkshape = PIECE_NBYTES,
                           .contiguous = true,
                           .cparams = c2_cparams_fast(1, 0),
                           .vlmeta = *attrs};

    if (!c2_frame_writer_new(-1, &meta, &w, err)) return false;
    if (layer &&
        !c2_frame_writer_metalayer(w, c2_str_of(layer), (struct c2_bytes){VERSION, sizeof(VERSION) - 1}, err))
        return false;
    for (size_t at = 0; at < bytes->n; at += PIECE_NBYTES) {
        size_t n = bytes->n - at < PIECE_NBYTES ? bytes->n - at : PIECE_NBYTES;
        if (!c2_frame_writer_encode(w, codec, bytes->p + at, (int32_t)n, err)) return false;
    }
    return c2_frame_writer_finish(w, out, err);
}

/* The schema of as many rows; what indexes it has are not sent. */
static bool put_schema(struct c2_jval schema, int64_t nrows, struct c2_buf *out, struct cat2_error *err)
{
    static const char *const OWN[] = {"n_rows", "summary_indexes_built", NULL};
    struct c2_jw w;

    c2_jw_init(&w, out, C2_JSON_COMPACT, err);
    c2_jw_begin_object(&w);
    c2_jw_members(&w, schema, OWN);
    c2_jw_put_int(&w, "n_rows", nrows);
    c2_jw_put_bool(&w, "summary_indexes_built", false);
    c2_jw_end_object(&w);
    return c2_jw_finish(&w);
}

static bool embed_schema(struct embedding *e, const struct c2_ds *rows, int64_t nrows, struct cat2_error *err)
{
    C2_AUTO(c2_buf)
    text = C2_BUF_INIT(SCHEMA_MAX), attrs = C2_BUF_INIT(2 * SCHEMA_MAX), frame = C2_BUF_INIT(4 * SCHEMA_MAX),
    none = C2_BUF_INIT(1);
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct c2_jval schema;
    struct c2_jw w;

    if (!attrs_of(rows, &json, &schema, err) || !put_schema(schema, nrows, &text, err)) return false;
    c2_jw_init(&w, &attrs, C2_JSON_COMPACT, err);
    c2_jw_begin_object(&w);
    c2_jw_put_cstr(&w, "kind", "ctable");
    c2_jw_put_int(&w, "version", 1);
    c2_jw_put_str(&w, "schema", c2_buf_str(&text));
    c2_jw_end_object(&w);
    return c2_jw_finish(&w) && put_frame(e->codec, &none, &attrs, NULL, &frame, err) &&
           embed(e, C2_STR("/_meta"), &frame, err);
}

static bool put_embedding(struct embedding *e, struct c2_buf *out, struct cat2_error *err)
{
    c2_jw_end_object(&e->map);
    c2_jw_put_int(&e->map, "current_offset", (int64_t)e->bytes.n);
    c2_jw_end_object(&e->map);
    c2_jw_end_object(&e->map);
    return c2_jw_finish(&e->map) && put_frame(e->codec, &e->bytes, &e->map_text, "b2embed", out, err);
}

static bool ctable_run(struct c2_view *view, const struct c2_reading *reading, int64_t i, struct c2_buf *out,
                       struct cat2_error *err)
{
    const struct ctable *t = view->state;
    const struct c2_dtype *row = &view->ds->meta->dtype;
    C2_AUTO(c2_buf) rows = C2_BUF_INIT(C2_REDUCE_NBYTES_MAX);
    C2_AUTO(embedding) e = {reading->codec, C2_BUF_INIT(EMBED_MAX), C2_BUF_INIT(2 * SCHEMA_MAX), {0}};

    (void)i;
    c2_jw_init(&e.map, &e.map_text, C2_JSON_COMPACT, err);
    c2_jw_begin_object(&e.map);
    c2_jw_open_object(&e.map, "estore_metadata");
    c2_jw_open_object(&e.map, "embed_map");
    bool ok = (t->nbytes == 0 || c2_read_items(reading, &t->bound, &rows, err)) &&
              embed_schema(&e, view->ds, t->bound.nitems, err) && embed_marks(&e, t->bound.nitems, err);
    for (int k = 0; ok && k < row->nfields; k++)
        ok = embed_column(&e, &row->fields[k], &rows, t->bound.nitems, row->itemsize, err);
    return ok && put_embedding(&e, out, err);
}

static bool ctable_heads(struct c2_view *view, struct cat2_error *err)
{
    return c2_view_head(view, err, "Accept-Ranges", "none") && c2_view_download(view, "b2frame", err);
}

const struct c2_view_type c2_ctable_view = {.state_nbytes = sizeof(struct ctable),
                                            .parse = ctable_parse,
                                            .is_heavy = ctable_is_heavy,
                                            .run = ctable_run,
                                            .heads = ctable_heads};
