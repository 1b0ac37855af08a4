/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables: an array for each column, and one that tells which rows are not deleted. A chunk of rows is made
 * when it is asked for. */
#include "publisher/source/b2z_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "select/select.h"

#define STRETCH     65536 /* rows whose marks are looked at together; how many live before each is known */
#define COLUMNS_MAX 256   /* of one table: the file is open once for each */
#define MARKS       "_valid_rows"

struct column {
    struct c2_frame *frame;
    int64_t off, nbytes; /* in a row */
};
struct table {
    struct c2_item base;
    struct c2_meta meta;
    struct column *columns;
    size_t ncolumns;
    struct c2_frame *marks; /* NULL: every row is there */
    int64_t nstored;        /* rows, with the deleted ones */
    int64_t *before;        /* live rows in front of each stretch; one more at the end */
};

/* ---- reading ---- */

/* Items [first, first + n) of the first axis. */
static bool read_rows(struct c2_codec *codec, struct c2_frame *frame, int64_t first, int64_t n, uint8_t *out,
                      struct cat2_error *err)
{
    const struct c2_meta *meta = c2_frame_meta(frame);
    struct c2_selectable ds = {meta, c2_frame_chunks(frame)};
    struct c2_slice all = {0};
    struct c2_bound bound;

    if (!c2_slice_bind(&all, meta->grid.shape, meta->grid.ndim, &bound, err)) return false;
    bound = c2_bound_part(&bound, 0, first, n);
    return c2_select_items(codec, &ds, &bound, out, err);
}

static bool read_marks(struct c2_codec *codec, const struct table *table, int64_t first, int64_t n,
                       uint8_t *marks, struct cat2_error *err)
{
    if (table->marks) return read_rows(codec, table->marks, first, n, marks, err);
    memset(marks, 1, (size_t)n);
    return true;
}

/* Which of the marked rows are among the live rows [skip, skip + n): the first of them, and one after the
 * last. */
struct stretch {
    int64_t first, nrows; /* stored rows of it */
    int64_t skip, n;      /* live rows of it that are passed over, and that are wanted */
    int64_t lo, hi;       /* stored rows that hold these, from first on */
};

static void find_rows(const uint8_t *marks, struct stretch *s)
{
    int64_t nlive = 0;

    s->lo = s->hi = 0;
    for (int64_t i = 0; i < s->nrows && nlive < s->skip + s->n; i++) {
        if (!marks[i]) continue;
        if (nlive == s->skip) s->lo = i;
        s->hi = i + 1;
        nlive++;
    }
}

/* One column of them, into the rows at `to`. */
static bool put_column(struct c2_codec *codec, const struct table *table, const struct column *column,
                       const struct stretch *s, const uint8_t *marks, struct c2_buf *items, uint8_t *to,
                       struct cat2_error *err)
{
    size_t each = (size_t)column->nbytes, row = (size_t)table->meta.dtype.itemsize;
    int64_t n = 0;

    if (!c2_buf_resize(items, (size_t)(s->hi - s->lo) * each, err) ||
        !read_rows(codec, column->frame, s->first + s->lo, s->hi - s->lo, items->p, err))
        return false;
    for (int64_t i = s->lo; i < s->hi; i++)
        if (marks[i])
            memcpy(to + (size_t)n++ * row + column->off, items->p + (size_t)(i - s->lo) * each, each);
    return true;
}

/* Live rows [first, first + n). */
static bool put_rows(struct c2_codec *codec, const struct table *table, int64_t first, int64_t n, uint8_t *to,
                     struct cat2_error *err)
{
    C2_AUTO(c2_buf) items = C2_BUF_INIT(C2_CHUNK_NBYTES_MAX);
    uint8_t marks[STRETCH];
    int64_t k = 0;

    while (table->before[k + 1] <= first)
        k++;
    for (; n > 0; k++) {
        struct stretch s = {.first = k * STRETCH};
        s.nrows = c2_min_i64(STRETCH, table->nstored - s.first);
        s.skip = first - table->before[k];
        s.n = c2_min_i64(n, table->before[k + 1] - first);
        if (s.n == 0) continue;
        if (!read_marks(codec, table, s.first, s.nrows, marks, err)) return false;
        find_rows(marks, &s);
        for (size_t c = 0; c < table->ncolumns; c++)
            if (!put_column(codec, table, &table->columns[c], &s, marks, &items, to, err)) return false;
        to += s.n * table->meta.dtype.itemsize;
        first += s.n;
        n -= s.n;
    }
    return true;
}

static bool table_chunk(struct c2_item *base, int64_t nchunk, struct c2_buf *out, struct cat2_error *err)
{
    const struct table *table = (const struct table *)base;
    const struct c2_meta *meta = &table->meta;
    C2_AUTO_PTR(c2_codec) *codec = c2_codec_new();
    C2_AUTO(c2_buf) rows = C2_BUF_INIT(C2_CHUNK_NBYTES_MAX);

    if (!codec) return c2_fail_nomem(err, "codec");
    if (nchunk < 0 || nchunk >= meta->nchunks)
        return c2_fail(err, CAT2_EINVAL, "no chunk %lld: there are %lld", (long long)nchunk,
                       (long long)meta->nchunks);
    if (!c2_buf_resize(&rows, (size_t)meta->chunksize, err)) return false;
    memset(rows.p, 0, rows.n);
    int64_t first = nchunk * meta->grid.chunks[0];
    int64_t n = c2_min_i64(meta->grid.chunks[0], meta->grid.shape[0] - first);
    return put_rows(codec, table, first, n, rows.p, err) &&
           c2_codec_encode(codec, &meta->cparams, rows.p, meta->chunksize, out, err);
}

static void table_free(struct c2_item *base)
{
    struct table *table = (struct table *)base;

    for (size_t i = 0; i < table->ncolumns; i++)
        c2_frame_free(table->columns[i].frame);
    c2_frame_free(table->marks);
    c2_meta_fini(&table->meta);
    free(table->columns);
    free(table->before);
    free(table);
}

static const struct c2_item_ops TABLE_OPS = {.chunk = table_chunk, .free = table_free};

/* ---- opening ---- */

struct opening {
    const struct c2_zip_file *file;
    const char *name;
    const struct c2_b2z *store;
    const struct c2_b2z_leaf *leaf;
};

/* One of the arrays that it is made of; NULL: there is none of this name. */
static bool open_part(const struct opening *o, struct c2_str part, struct c2_frame **out,
                      struct cat2_error *err)
{
    C2_AUTO(c2_buf) path = C2_BUF_INIT(2 * C2_PATH_MAX);

    *out = NULL;
    if (!c2_buf_printf(&path, err, "%.*s%.*s" C2_ARRAY_SUFFIX, C2_STR_ARG(c2_str_of(o->leaf->table)),
                       C2_STR_ARG(part)))
        return false;
    const struct c2_b2z_leaf *leaf = c2_b2z_find(o->store, c2_buf_cstr(&path));
    return !leaf || c2_b2z_open(o->file, o->name, leaf, out, err);
}

static bool add_field(struct table *table, struct c2_str name, const struct c2_meta *meta,
                      struct cat2_error *err)
{
    struct c2_dtype *row = &table->meta.dtype;
    struct c2_field *field = &row->fields[row->nfields];
    C2_AUTO(c2_buf) descr = C2_BUF_INIT(2 * C2_DTYPE_TEXT_MAX);

    if (!c2_dtype_descr(&meta->dtype, &descr, err) || !c2_dtype_parse(c2_buf_str(&descr), &field->type, err))
        return false;
    row->nfields++;
    field->name = c2_str_dup(name);
    field->offset = row->itemsize;
    field->nbytes = meta->dtype.itemsize;
    field->ndim = meta->grid.ndim - 1;
    for (int i = 0; i < field->ndim; i++) {
        field->shape[i] = meta->grid.shape[i + 1];
        if (!c2_mul_i64(field->nbytes, field->shape[i], &field->nbytes))
            return c2_fail(err, CAT2_ELIMIT, "column %.*s: too large", C2_STR_ARG(name));
    }
    row->itemsize += field->nbytes;
    if (row->itemsize > C2_CHUNK_NBYTES_MAX) return c2_fail(err, CAT2_ELIMIT, "its rows are too large");
    return field->name || c2_fail_nomem(err, "table");
}

static bool add_column(const struct opening *o, struct table *table, struct c2_jval of,
                       struct cat2_error *err)
{
    struct column *column = &table->columns[table->ncolumns];
    C2_AUTO(c2_buf) part = C2_BUF_INIT(2 * C2_PATH_MAX);
    struct c2_str name, kind = C2_STR("?");

    if (!c2_jstr(c2_jget(of, "name"), &name)) return c2_fail(err, CAT2_EDATA, "a column has no name");
    c2_jstr(c2_jget(of, "kind"), &kind);
    if (!c2_buf_printf(&part, err, "_cols/%.*s", C2_STR_ARG(name)) ||
        !open_part(o, c2_buf_str(&part), &column->frame, err))
        return false;
    if (!column->frame)
        return c2_fail(err, CAT2_EUNSUPPORTED, "column '%.*s' is no array: it holds %.*s, which is not read",
                       C2_STR_ARG(name), C2_STR_ARG(kind));
    table->ncolumns++;
    const struct c2_meta *meta = c2_frame_meta(column->frame);
    const char *why = c2_frame_refusal(column->frame);
    if (why) return c2_fail(err, CAT2_EUNSUPPORTED, "column '%.*s': %s", C2_STR_ARG(name), why);
    if (meta->kind != C2_KIND_ARRAY || meta->grid.ndim == 0 || meta->grid.shape[0] < table->nstored)
        return c2_fail(err, CAT2_EDATA, "column '%.*s' has not as many items as there are rows",
                       C2_STR_ARG(name));
    if (!table->marks && (table->ncolumns == 1 || meta->grid.shape[0] < table->nstored))
        table->nstored = meta->grid.shape[0];
    column->off = table->meta.dtype.itemsize;
    if (!add_field(table, name, meta, err)) return false;
    column->nbytes = table->meta.dtype.itemsize - column->off;
    return true;
}

static bool count_rows(struct table *table, struct c2_codec *codec, struct cat2_error *err)
{
    int64_t nstretches = (table->nstored + STRETCH - 1) / STRETCH;
    uint8_t marks[STRETCH];

    table->before = calloc((size_t)nstretches + 1, sizeof(*table->before));
    if (!table->before) return c2_fail_nomem(err, "table");
    for (int64_t k = 0; k < nstretches; k++) {
        int64_t n = c2_min_i64(STRETCH, table->nstored - k * STRETCH);
        if (!read_marks(codec, table, k * STRETCH, n, marks, err)) return false;
        table->before[k + 1] = table->before[k];
        for (int64_t i = 0; i < n; i++)
            table->before[k + 1] += marks[i] != 0;
    }
    return true;
}

static bool open_marks(const struct opening *o, struct table *table, struct cat2_error *err)
{
    if (!open_part(o, C2_STR(MARKS), &table->marks, err)) return false;
    if (!table->marks) return true;
    const struct c2_meta *meta = c2_frame_meta(table->marks);
    const char *why = c2_frame_refusal(table->marks);
    if (why) return c2_fail(err, CAT2_EUNSUPPORTED, MARKS ": %s", why);
    table->nstored = meta->grid.shape[0];
    return (meta->kind == C2_KIND_ARRAY && meta->grid.ndim == 1 && meta->dtype.kind == 'b') ||
           c2_fail(err, CAT2_EDATA, MARKS " are not marks of rows");
}

/* Attributes of the table itself, without their braces. */
static bool put_attrs(const struct opening *o, struct c2_buf *out, struct cat2_error *err)
{
    C2_AUTO(c2_buf) path = C2_BUF_INIT(2 * C2_PATH_MAX);
    C2_AUTO_PTR(c2_frame) *frame = NULL;

    if (!c2_buf_printf(&path, err, "%s_vlmeta" C2_FRAME_SUFFIX, o->leaf->table)) return false;
    const struct c2_b2z_leaf *leaf = c2_b2z_find(o->store, c2_buf_cstr(&path));
    if (!leaf) return true;
    if (!c2_b2z_open(o->file, o->name, leaf, &frame, err)) return false;
    const struct c2_buf *attrs = &c2_frame_meta(frame)->vlmeta;
    return attrs->n <= 2 ||
           (c2_buf_append(out, attrs->p + 1, attrs->n - 2, err) && c2_buf_putc(out, ',', err));
}

/* The attribute by which it is known to be a table is its schema, a text in what says so. */
static bool read_schema(const struct opening *o, struct table *table, struct c2_json **out,
                        struct cat2_error *err)
{
    C2_AUTO_PTR(c2_frame) *frame = NULL;
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct c2_buf *vlmeta = &table->meta.vlmeta;
    struct c2_str text;

    if (!c2_b2z_open(o->file, o->name, o->leaf, &frame, err) ||
        !c2_json_parse(c2_buf_str(&c2_frame_meta(frame)->vlmeta), &json, err))
        return false;
    if (!c2_jstr(c2_jget(c2_json_root(json), "schema"), &text) || !c2_json_parse(text, out, err))
        return c2_fail(err, CAT2_EDATA, "the table has no schema");
    c2_buf_init(vlmeta, C2_TRAILER_NBYTES_MAX);
    return c2_buf_putc(vlmeta, '{', err) && put_attrs(o, vlmeta, err) &&
           c2_buf_puts(vlmeta, "\"" C2_TABLE_ATTR "\":", err) &&
           c2_json_print(c2_json_root(*out), C2_JSON_COMPACT, vlmeta, err) && c2_buf_putc(vlmeta, '}', err);
}

static bool describe(struct table *table, const char *name, struct cat2_error *err)
{
    struct c2_meta *meta = &table->meta;
    int64_t nstretches = (table->nstored + STRETCH - 1) / STRETCH, nrows = table->before[nstretches];
    int32_t chunk, block, size = (int32_t)meta->dtype.itemsize;

    c2_grid_choose(&nrows, 1, size, &chunk, &block);
    if (!c2_grid_init(&meta->grid, &nrows, &chunk, &block, 1, size, true, err)) return false;
    meta->kind = C2_KIND_ARRAY;
    meta->cparams = c2_cparams_default(size, (int32_t)(meta->grid.block_items * size));
    meta->chunksize = (int32_t)(meta->grid.chunk_items * size);
    meta->chunkshape = (int32_t)meta->grid.chunk_items;
    meta->nchunks = meta->grid.nchunks;
    meta->urlpath = c2_str_dup(c2_str_of(name));
    for (size_t i = 0; i < table->ncolumns; i++)
        meta->cbytes += c2_frame_meta(table->columns[i].frame)->cbytes;
    if (!c2_mul_i64(meta->nchunks, meta->chunksize, &meta->nbytes))
        return c2_fail(err, CAT2_ELIMIT, "the table is too large");
    return meta->urlpath || c2_fail_nomem(err, "table");
}

static bool open_table(const struct opening *o, struct table *table, struct c2_codec *codec,
                       struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *schema = NULL;
    struct c2_str key;
    struct c2_jval column;

    if (!read_schema(o, table, &schema, err) || !open_marks(o, table, err)) return false;
    struct c2_jval columns = c2_jget(c2_json_root(schema), "columns");
    size_t n = c2_jlen(columns);
    if (n == 0) return c2_fail(err, CAT2_EDATA, "the table has no columns");
    if (n > COLUMNS_MAX) return c2_fail(err, CAT2_ELIMIT, "the table has more than %d columns", COLUMNS_MAX);
    struct c2_dtype *row = &table->meta.dtype;
    *row = (struct c2_dtype){.kind = 'V', .order = '|', .fields = calloc(n, sizeof(*row->fields))};
    table->columns = calloc(n, sizeof(*table->columns));
    if (!row->fields || !table->columns) return c2_fail_nomem(err, "table");
    struct c2_jiter it = c2_jiter_of(columns);
    for (size_t i = 0; i < n && c2_jnext(&it, &key, &column); i++)
        if (!add_column(o, table, column, err)) return false;
    return count_rows(table, codec, err) && describe(table, o->name, err);
}

bool c2_b2z_table_open(const struct c2_zip_file *file, const char *name, const struct c2_b2z *store,
                       const struct c2_b2z_leaf *leaf, struct c2_codec *codec, struct c2_item **out,
                       struct cat2_error *err)
{
    struct opening o = {file, name, store, leaf};
    struct table *table = calloc(1, sizeof(*table));

    if (!table) return c2_fail_nomem(err, "table");
    table->base = (struct c2_item){.ops = &TABLE_OPS, .meta = &table->meta};
    atomic_init(&table->base.refs, 1);
    if (!open_table(&o, table, codec, err)) {
        table_free(&table->base);
        return false;
    }
    *out = &table->base;
    return true;
}
