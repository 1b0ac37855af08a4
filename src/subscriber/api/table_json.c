/* SPDX-License-Identifier: BSD-3-Clause */
/* What a window of a table was asked to be, and its answer. */
#include <inttypes.h>
#include <stdio.h>

#include "subscriber/api/table.h"

#define DEFAULT_COUNT 100

/* ---- the answer ---- */

/* Nulls that mean something, gathered while the cells are written. */
struct specials {
    struct c2_buf text;
    struct cat2_error *err;
    bool ok;
};

static void note(struct specials *s, int64_t row, int64_t column, const char *what)
{
    if (!what || !s->ok) return;
    s->ok = c2_buf_printf(&s->text, s->err, "%s[%" PRId64 ",%" PRId64 ",\"%s\"]", s->text.n > 1 ? "," : "",
                          row, column, what);
}

/* Of enumerated numbers: what they are called. All columns of a plane have the same. */
static void put_names(const struct table *t, const struct c2_meta *meta, size_t i, struct c2_jval enums,
                      struct c2_jw *w)
{
    const char *name = t->columns.p[i].name;

    if (t->matrix && i > 0) return;
    struct c2_jval names = c2_jget(enums, t->matrix ? t->field : meta->dtype.nfields ? name : "");
    if (c2_jval_kind(names) != C2_JOBJECT) return;
    c2_jw_key(w, "names");
    c2_jw_value(w, names);
}

static void put_columns(const struct table *t, const struct c2_meta *meta, struct c2_jw *w)
{
    C2_AUTO(c2_buf) name = C2_BUF_INIT(2 * C2_DTYPE_TEXT_MAX);
    C2_AUTO_PTR(c2_json) *json = NULL;

    bool some = meta->enums.n > 0 && c2_jw_read(w, c2_buf_str(&meta->enums), &json);
    c2_jw_open_array(w, "columns");
    for (size_t i = 0; i < t->columns.n; i++) {
        const struct c2_column *column = &t->columns.p[i];
        c2_buf_clear(&name);
        w->ok = w->ok && c2_dtype_name(column->type, &name, w->err);
        c2_jw_begin_object(w);
        c2_jw_put_cstr(w, "name", column->name);
        c2_jw_put_str(w, "dtype", c2_buf_str(&name));
        c2_jw_put_cstr(w, "kind", c2_cell_kind(column->type));
        if (column->ndim) c2_jw_put_ints(w, "shape", column->shape, column->ndim);
        if (some) put_names(t, meta, i, c2_json_root(json), w);
        c2_jw_end_object(w);
    }
    c2_jw_end_array(w);
}

static void put_matrix(const struct table *t, struct c2_jw *w, struct specials *s)
{
    bool across = t->axes.x > t->axes.y; /* do columns lie together? */

    for (int64_t r = 0; w->ok && r < t->count; r++) {
        c2_jw_begin_array(w);
        for (int64_t c = 0; c < (int64_t)t->columns.n; c++) {
            int64_t at = across ? r * (int64_t)t->columns.n + c : c * t->count + r;
            note(s, r, c, c2_cell_json(&t->columns.p[c], t->items.p + at * t->itemsize, w));
        }
        c2_jw_end_array(w);
    }
}

static void put_rows(const struct table *t, struct c2_jw *w, struct specials *s)
{
    for (int64_t r = 0; w->ok && r < t->count; r++) {
        c2_jw_begin_array(w);
        for (size_t c = 0; c < t->columns.n; c++)
            note(s, r, (int64_t)c, c2_cell_json(&t->columns.p[c], t->items.p + r * t->itemsize, w));
        c2_jw_end_array(w);
    }
}

static void put_index(const struct table *t, struct c2_jw *w)
{
    if (!t->index) return;
    const uint32_t *index = (const uint32_t *)(const void *)t->index->bytes.p;
    c2_jw_open_array(w, "index");
    for (int64_t i = 0; i < t->count; i++)
        c2_jw_int(w, index[t->first + i]);
    c2_jw_end_array(w);
}

bool c2_table_json(const struct table *t, const struct c2_ds *ds, struct c2_buf *out, struct cat2_error *err)
{
    struct specials s = {C2_BUF_INIT(16 << 20), err, true};
    struct c2_jw w;

    s.ok = c2_buf_putc(&s.text, '[', err);
    c2_jw_init(&w, out, C2_JSON_COMPACT, err);
    c2_jw_begin_object(&w);
    c2_jw_put_cstr(&w, "kind", t->matrix ? "matrix" : "table");
    c2_jw_put_cstr(&w, "etag", ds->etag);
    c2_jw_put_int(&w, "nrows", t->nrows);
    c2_jw_put_int(&w, "total", t->total);
    c2_jw_put_int(&w, "first", t->first);
    c2_jw_put_int(&w, "ncols", t->ncols);
    c2_jw_put_int(&w, "first_col", t->first_col);
    put_columns(t, ds->meta, &w);
    put_index(t, &w);
    c2_jw_open_array(&w, "rows");
    if (t->matrix)
        put_matrix(t, &w, &s);
    else
        put_rows(t, &w, &s);
    c2_jw_end_array(&w);
    s.ok = s.ok && c2_buf_putc(&s.text, ']', err);
    c2_jw_put_raw(&w, "special", c2_buf_str(&s.text));
    c2_jw_end_object(&w);
    bool ok = c2_jw_finish(&w) && s.ok;
    c2_buf_fini(&s.text);
    return ok;
}

/* ---- the request ---- */

static bool parse_window(const struct c2_request *req, const char *name, struct c2_slice *out,
                         struct cat2_error *err)
{
    struct c2_str text = c2_view_query(req, name);

    *out = (struct c2_slice){
        .nsels = 1,
        .sels = {{.kind = C2_SEL_RANGE, .has_start = true, .has_stop = true, .stop = DEFAULT_COUNT}}};
    if (text.n == 0) return true;
    if (!c2_slice_parse(text, out, err)) return c2_fail_within(err, "%s", name);
    if (out->nsels == 1 && out->sels[0].kind == C2_SEL_RANGE && !out->sels[0].has_step) return true;
    return c2_fail(err, CAT2_EINVAL, "%s is A:B", name);
}

static bool add_column(struct table *t, struct c2_column column, struct cat2_error *err)
{
    if (c2_vec_push(&t->columns, C2_TABLE_CELLS_MAX, "columns", err, column)) return true;
    c2_column_fini(&column);
    return false;
}

static bool named_columns(struct table *t, const struct c2_dtype *dtype, struct c2_str text,
                          struct cat2_error *err)
{
    struct c2_cursor in = c2_cursor_of(text);
    struct c2_column column;

    for (c2_cursor_blanks(&in); !c2_cursor_done(&in); c2_cursor_blanks(&in)) {
        if ((int64_t)t->columns.n == C2_DTYPE_FIELDS_MAX)
            return c2_fail(err, CAT2_EINVAL, "fields: too many");
        if (!c2_column_read(&in, dtype, &column, err)) return c2_fail_within(err, "fields");
        if (!add_column(t, column, err)) return false;
        c2_cursor_blanks(&in);
        if (!c2_cursor_done(&in) && !c2_cursor_eat(&in, ","))
            return c2_fail(err, CAT2_EINVAL, "fields: expected ',' at character %td", in.p - text.p + 1);
    }
    return true;
}

static bool all_columns(struct table *t, const struct c2_dtype *dtype, struct cat2_error *err)
{
    for (int i = 0; i < dtype->nfields || i == 0; i++) {
        const struct c2_field *field = dtype->nfields ? &dtype->fields[i] : NULL;
        struct c2_column column = c2_column_of(dtype, field, field ? field->offset : 0);
        column.name = c2_str_dup(c2_str_of(field ? field->name : "value"));
        if (!column.name) return c2_fail_nomem(err, "columns");
        if (!add_column(t, column, err)) return false;
    }
    return true;
}

static bool parse_order(const struct c2_request *req, struct c2_ds *ds, struct table *t, int64_t *position,
                        struct cat2_error *err)
{
    struct c2_str sort = c2_str_trim(c2_view_query(req, "sort")),
                  where = c2_str_trim(c2_view_query(req, "where"));

    t->order.dtype = &ds->meta->dtype;
    t->order.nrows = t->nrows;
    if (!c2_order_parse(&t->order, sort, err)) return false;
    if (where.n) {
        struct c2_str raw = c2_view_query(req, "where");
        bool ok = c2_where_parse(raw, &ds->meta->dtype, &t->order.where, position, err);
        if (!ok) return false;
        *position = -1;
    }
    if (!sort.n && !where.n) return true;
    if (t->nrows > C2_ORDER_ROWS_MAX)
        return c2_fail(err, CAT2_ELIMIT, "tables of more than %lld rows are neither sorted nor filtered",
                       (long long)C2_ORDER_ROWS_MAX);
    c2_buf_init(&t->index_key, 65536);
    return c2_buf_printf(&t->index_key, err, "%" PRIu64 " %.*s\n%.*s", ds->serial, C2_STR_ARG(sort),
                         C2_STR_ARG(where));
}

/* Nothing is ignored: those are of the other kind of table. */
static bool refuse_given(const struct c2_request *req, const char *const names[], size_t n, const char *of,
                         struct cat2_error *err)
{
    for (size_t i = 0; i < n; i++)
        if (c2_view_query(req, names[i]).n)
            return c2_fail(err, CAT2_EINVAL, "%s: this parameter is for %s", names[i], of);
    return true;
}

static bool parse_table(const struct c2_request *req, struct c2_ds *ds, struct table *t, int64_t *position,
                        struct cat2_error *err)
{
    const struct c2_grid *grid = &ds->meta->grid;
    struct c2_str fields = c2_str_trim(c2_view_query(req, "fields"));
    struct c2_slice all = {0};
    static const char *const OF_PLANES[] = {"slice_", "at", "axes", "cols", "field"};

    if (!refuse_given(req, OF_PLANES, C2_ARRAY_LEN(OF_PLANES), "planes, arrays of several axes", err))
        return false;
    t->nrows = grid->ndim ? grid->shape[0] : 1;
    if (!c2_slice_bind(&all, grid->shape, grid->ndim, &t->whole, err)) return false;
    bool ok =
        fields.n ? named_columns(t, &ds->meta->dtype, fields, err) : all_columns(t, &ds->meta->dtype, err);
    t->ncols = (int64_t)t->columns.n;
    return ok && parse_order(req, ds, t, position, err);
}

static bool matrix_columns(const struct c2_request *req, struct c2_ds *ds, struct table *t, int64_t n,
                           struct cat2_error *err)
{
    struct c2_str field_name = c2_view_query(req, "field");
    int64_t offset = 0;
    const struct c2_field *field =
        field_name.n ? c2_dtype_field(&ds->meta->dtype, field_name, &offset) : NULL;

    if (field_name.n && !field)
        return c2_fail(err, CAT2_EINVAL, "field: there is no '%.*s'",
                       (int)c2_min_i64(100, (int64_t)field_name.n), field_name.p);
    snprintf(t->field, sizeof(t->field), "%.*s",
             (int)c2_min_i64((int64_t)sizeof(t->field) - 1, (int64_t)field_name.n), field_name.p);
    for (int64_t i = 0; i < n; i++) {
        struct c2_column column = c2_column_of(&ds->meta->dtype, field, offset);
        char name[32];
        snprintf(name, sizeof(name), "%" PRId64, t->first_col + i);
        column.name = c2_str_dup(c2_str_of(name));
        if (!column.name) return c2_fail_nomem(err, "columns");
        if (!add_column(t, column, err)) return false;
    }
    return true;
}

static bool parse_matrix(const struct c2_request *req, struct c2_ds *ds, struct table *t,
                         struct cat2_error *err)
{
    struct c2_slice cols;
    struct c2_bound plane, rows_bound, cols_bound;

    static const char *const OF_TABLES[] = {"sort", "where", "fields"};

    t->matrix = true;
    if (!refuse_given(req, OF_TABLES, C2_ARRAY_LEN(OF_TABLES), "tables, arrays of one axis", err))
        return false;
    if (!parse_window(req, "cols", &cols, err) ||
        !c2_plane_axes_parse(c2_view_query(req, "axes"), ds->meta->grid.ndim, &t->axes, err) ||
        !c2_plane_bind(&ds->meta->grid, &t->axes, c2_view_slice_text(req), &plane, err))
        return false;
    t->nrows = t->total = plane.axes[t->axes.y].count;
    t->ncols = plane.axes[t->axes.x].count;
    if (!c2_slice_bind(&t->rows, &t->nrows, 1, &rows_bound, err) ||
        !c2_slice_bind(&cols, &t->ncols, 1, &cols_bound, err))
        return false;
    t->first = rows_bound.axes[0].start;
    t->count = rows_bound.axes[0].count;
    t->first_col = cols_bound.axes[0].start;
    int64_t n = cols_bound.axes[0].count;
    if (t->count > C2_TABLE_ROWS_MAX || n > C2_TABLE_CELLS_MAX || t->count * n > C2_TABLE_CELLS_MAX)
        return c2_fail(err, CAT2_ELIMIT, "a window has up to %d rows and %d cells", C2_TABLE_ROWS_MAX,
                       C2_TABLE_CELLS_MAX);
    t->whole = c2_bound_part(&plane, t->axes.y, t->first, t->count);
    t->whole = c2_bound_part(&t->whole, t->axes.x, t->first_col, n);
    return matrix_columns(req, ds, t, n, err);
}

/* Of finding the order of all rows. */
static int64_t order_work(const struct table *t, const struct c2_grid *grid)
{
    int64_t pass, work, sorting = t->nrows * (C2_TABLE_ROW_COST + C2_TABLE_SORT_COST);

    if (!c2_add_i64(c2_grid_cost(grid, &t->whole), sorting, &pass)) return INT64_MAX;
    return c2_mul_i64(c2_order_npasses(&t->order), pass, &work) ? work : INT64_MAX;
}

bool c2_table_parse(struct c2_view *view, struct cat2_error *err)
{
    struct table *t = view->state;
    struct c2_ds *ds = view->ds;

    t->itemsize = ds->meta->dtype.itemsize;
    if (!c2_codec_supports(&ds->meta->cparams, err) || !parse_window(view->req, "rows", &t->rows, err))
        return false;
    bool ok = ds->meta->grid.ndim > 1 ? parse_matrix(view->req, ds, t, err)
                                      : parse_table(view->req, ds, t, &view->position, err);
    if (ok && t->matrix)
        view->work = view->cost = c2_grid_cost(&ds->meta->grid, &t->whole);
    else if (ok && t->index_key.n)
        view->work = order_work(t, &ds->meta->grid);
    else if (ok) /* rows that lie together, and a block on either side */
        view->cost = (C2_TABLE_ROWS_MAX + 2 * ds->meta->grid.block_items) * t->itemsize;
    return ok;
}
