/* SPDX-License-Identifier: BSD-3-Clause */
/* GET /api/fetch with rows, sort, where or fields: the rows of a table as a file. First the rows are found,
 * as for a window; then one pass over the items puts each into its place, in memory or in a mapped temporary
 * file; then they are written in the format asked for. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/fs.h"
#include "ndim/print.h"
#include "subscriber/api/api.h"
#include "subscriber/api/file_type.h"
#include "subscriber/api/table.h"

#define FILE_NBYTES ((int64_t)4 << 30) /* of all rows: of the temporary file */
#define JSON_NBYTES (16 << 20)         /* as of other answers in JSON */
#define TEXT_ROWS   16384              /* written at a time */
#define TEXT_NBYTES (2 << 20)          /* of items: larger text goes to a file, too */
#define TEXT_MAX    (256u << 20)       /* of those rows */
#define NOWHERE     UINT32_MAX

enum format { FORMAT_B2ND, FORMAT_NPY, FORMAT_RAW, FORMAT_CSV, FORMAT_JSON };
static const char *const names[] = {"b2nd", "npy", "raw", "csv", "json"};

struct table_file {
    struct table t; /* finds the rows */
    enum format format;
    struct c2_dtype dtype; /* of a row of the file: its fields are ours, what is in them the dataset's */
    struct c2_field item;  /* the row as the only field, where it has none */
    struct c2_select_parts parts; /* of the dataset, that are looked through */
    uint32_t *places;             /* of each row in the file, or NOWHERE; NULL: all, in their order */
    uint8_t *rows;
    size_t nrows_nbytes;
    bool mapped;
    int64_t ntext; /* stages in which text is written; 1 of other formats */
    struct c2_buf text;
    int64_t written;
};

static void file_fini(void *state)
{
    struct table_file *f = state;

    if (f->mapped)
        munmap(f->rows, f->nrows_nbytes);
    else
        free(f->rows);
    free(f->dtype.fields);
    free(f->places);
    c2_buf_fini(&f->text);
    c2_table_fini(&f->t);
}

static bool is_text(const struct table_file *f)
{
    return f->format == FORMAT_CSV || f->format == FORMAT_JSON;
}

/* ---- which rows, and where to ---- */

static bool make_places(struct table_file *f, struct cat2_error *err)
{
    const struct table *t = &f->t;
    size_t nbytes = ((size_t)t->nrows + 1) * sizeof(*f->places);

    if (!t->index) return true;
    const uint32_t *index = (const uint32_t *)(const void *)t->index->bytes.p;
    f->places = malloc(nbytes);
    if (!f->places) return c2_fail_nomem(err, "rows");
    memset(f->places, 0xff, nbytes);
    for (int64_t i = 0; i < t->count; i++)
        f->places[index[t->first + i]] = (uint32_t)i;
    return true;
}

/* A file that is there as a whole: writing to its pages cannot fail. */
static bool map_file(struct c2_view *view, size_t n, struct cat2_error *err)
{
    struct table_file *f = view->state;
    C2_AUTO(c2_fd) file = {c2_fs_open_nameless(view->ds->sub->statefd, ".")};

    if (file.fd < 0) return c2_fail(err, CAT2_EIO, "temporary file: cannot be made");
    int why = posix_fallocate(file.fd, 0, (off_t)n);
    if (why) return c2_fail_errno(err, why, "temporary file of %zu bytes", n);
    void *map = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, file.fd, 0);
    if (map == MAP_FAILED) return c2_fail_nomem(err, "rows");
    f->rows = map;
    f->mapped = true;
    return true;
}

static bool make_room(struct c2_view *view, struct cat2_error *err)
{
    struct table_file *f = view->state;
    int64_t nbytes, most = f->format == FORMAT_JSON ? JSON_NBYTES : FILE_NBYTES;
    int64_t at_once = is_text(f) ? TEXT_NBYTES : C2_VIEW_AT_ONCE_NBYTES;

    if (!c2_mul_i64(f->t.count, f->dtype.itemsize, &nbytes) || nbytes > most)
        return c2_fail(err, CAT2_ELIMIT,
                       "%s of sorted, filtered or picked rows: up to %" PRId64
                       " bytes of items, not the %" PRId64 " rows of %" PRId64
                       " bytes each; rows=A:B gives a part",
                       names[f->format], most, f->t.count, f->dtype.itemsize);
    f->nrows_nbytes = (size_t)nbytes;
    if (nbytes > at_once) {
        view->spool = c2_fs_open_nameless(view->ds->sub->statefd, ".");
        if (view->spool < 0) return c2_fail(err, CAT2_EIO, "temporary file: cannot be made");
        return map_file(view, f->nrows_nbytes, err);
    }
    f->rows = malloc(f->nrows_nbytes + 1);
    return f->rows || c2_fail_nomem(err, "rows");
}

static bool plan_file(struct c2_view *view, struct cat2_error *err)
{
    struct table_file *f = view->state;
    struct table *t = &f->t;

    if (!c2_table_rows(t, err) || !make_places(f, err) || !make_room(view, err)) return false;
    struct c2_bound bound = t->index ? t->whole : c2_bound_part(&t->whole, 0, t->first, t->count);
    c2_select_plan(view->ds->meta, &bound, C2_VIEW_PART_NBYTES, &f->parts);
    f->ntext = is_text(f) ? c2_max_i64(1, c2_div_ceil(t->count, TEXT_ROWS)) : 1;
    view->nparts = t->nbuild + f->parts.nparts + f->ntext;
    return true;
}

/* ---- items into their places ---- */

static void put_row(const struct table_file *f, const uint8_t *item, int64_t place)
{
    uint8_t *to = f->rows + place * f->dtype.itemsize;

    if (!f->dtype.nfields) {
        memcpy(to, item, (size_t)f->dtype.itemsize);
        return;
    }
    for (size_t i = 0; i < f->t.columns.n; i++) {
        const struct c2_column *column = &f->t.columns.p[i];
        memcpy(to, item + column->offset, (size_t)column->nbytes);
        to += column->nbytes;
    }
}

static bool gather(struct table_file *f, const struct c2_reading *reading, int64_t part,
                   struct cat2_error *err)
{
    struct c2_bound bound = c2_select_part(&f->parts, part);
    int64_t row = bound.axes[0].start;

    c2_buf_clear(&f->t.part);
    if (!c2_read_items(reading, &bound, &f->t.part, err)) return false;
    for (int64_t i = 0; i < bound.nitems; i++, row++)
        if (!f->places)
            put_row(f, f->t.part.p + i * f->t.itemsize, row - f->t.first);
        else if (f->places[row] != NOWHERE)
            put_row(f, f->t.part.p + i * f->t.itemsize, f->places[row]);
    return true;
}

/* ---- the formats ---- */

/* To the file, where there is one; else to the answer. */
static bool put(struct c2_view *view, struct c2_bytes bytes, struct c2_buf *out, struct cat2_error *err)
{
    struct table_file *f = view->state;

    if (view->spool < 0) return c2_buf_append(out, bytes.p, bytes.n, err);
    if (!c2_fs_pwrite(view->spool, bytes.p, bytes.n, f->written, err)) return false;
    f->written += (int64_t)bytes.n;
    return true;
}

static bool put_npy_head(struct c2_view *view, struct c2_buf *out, struct cat2_error *err)
{
    struct table_file *f = view->state;
    C2_AUTO(c2_buf) descr = C2_BUF_INIT(2 * C2_DTYPE_TEXT_MAX);
    C2_AUTO(c2_buf) head = C2_BUF_INIT(C2_NPY_HEADER_MAX);

    return c2_dtype_descr(&f->dtype, &descr, err) &&
           c2_npy_header(c2_buf_str(&descr), &f->t.count, 1, &head, err) &&
           put(view, c2_buf_bytes(&head), out, err);
}

static bool put_csv_names(struct table_file *f, struct cat2_error *err)
{
    const struct c2_dtype *dtype = &f->dtype;

    return dtype->nfields == 0 || c2_print_csv_names(dtype->fields, dtype->nfields, &f->text, err);
}

static bool put_csv_row(struct table_file *f, const uint8_t *row, struct cat2_error *err)
{
    const struct c2_dtype *dtype = &f->dtype;
    const struct c2_field *fields = dtype->nfields ? dtype->fields : &f->item;

    return c2_print_csv_item(fields, dtype->nfields ? dtype->nfields : 1, row, &f->text, err) &&
           c2_buf_puts(&f->text, "\r\n", err);
}

static bool put_text(struct c2_view *view, int64_t stage, struct c2_buf *out, struct cat2_error *err)
{
    struct table_file *f = view->state;
    bool csv = f->format == FORMAT_CSV, ok = true;
    int64_t first = stage * TEXT_ROWS, end = c2_min_i64(f->t.count, first + TEXT_ROWS);

    c2_buf_clear(&f->text);
    if (stage == 0) ok = csv ? put_csv_names(f, err) : c2_buf_putc(&f->text, '[', err);
    for (int64_t i = first; ok && i < end; i++) {
        const uint8_t *row = f->rows + i * f->dtype.itemsize;
        if (i % 1024 == 0 && c2_cancelled(err)) return false;
        ok = csv ? put_csv_row(f, row, err)
                 : (i == 0 || c2_buf_putc(&f->text, ',', err)) &&
                       c2_print_json_item(&f->dtype, row, &f->text, err);
    }
    if (ok && !csv && stage + 1 == f->ntext) ok = c2_buf_putc(&f->text, ']', err);
    return ok && put(view, c2_buf_bytes(&f->text), out, err);
}

static bool put_whole(struct c2_view *view, const struct c2_reading *reading, struct c2_buf *out,
                      struct cat2_error *err)
{
    struct table_file *f = view->state;

    if (f->format == FORMAT_B2ND)
        return c2_select_cframe_of(reading->codec, &f->dtype, f->rows, f->t.count, view->spool, out, err);
    return (f->format != FORMAT_NPY || put_npy_head(view, out, err)) &&
           put(view, (struct c2_bytes){f->rows, f->nrows_nbytes}, out, err);
}

/* ---- stages ---- */

static bool file_size(struct c2_view *view, const struct c2_reading *reading, struct cat2_error *err)
{
    const struct table *t = view->state;

    (void)reading;
    return c2_table_size(view, err) && (t->nbuild > 0 || plan_file(view, err));
}

static bool file_bound(struct c2_view *view, int64_t i, struct c2_bound *out)
{
    const struct table_file *f = view->state;
    int64_t part = i - f->t.nbuild;

    if (part >= 0 && part >= f->parts.nparts) return false;
    *out = part < 0 ? c2_select_part(&f->t.parts, i % f->t.parts.nparts) : c2_select_part(&f->parts, part);
    return true;
}

static int64_t file_extra(struct c2_view *view, int64_t i)
{
    const struct table_file *f = view->state;
    int64_t part = i - f->t.nbuild;

    if (part < 0) return c2_table_build_extra(&f->t, i);
    if (part < f->parts.nparts) return c2_select_part(&f->parts, part).nitems * C2_TABLE_ROW_COST;
    int64_t cells = c2_min_i64(TEXT_ROWS, f->t.count) * (int64_t)f->t.columns.n * C2_TABLE_CELL_COST;
    return is_text(f) ? cells : (int64_t)f->nrows_nbytes;
}

static bool file_run(struct c2_view *view, const struct c2_reading *reading, int64_t i, struct c2_buf *out,
                     struct cat2_error *err)
{
    struct table_file *f = view->state;
    int64_t part = i - f->t.nbuild;

    if (part < 0) return c2_table_build(&f->t, reading, i, err) && (part + 1 < 0 || plan_file(view, err));
    if (part < f->parts.nparts) return gather(f, reading, part, err);
    return is_text(f) ? put_text(view, part - f->parts.nparts, out, err) : put_whole(view, reading, out, err);
}

static bool file_heads(struct c2_view *view, struct cat2_error *err)
{
    const struct table_file *f = view->state;

    return c2_view_download(view, names[f->format], err);
}

/* ---- the request ---- */

static bool choose_format(struct c2_view *view, struct cat2_error *err)
{
    struct table_file *f = view->state;
    struct c2_str text = c2_view_query(view->req, "format");

    for (size_t i = 0; i < C2_ARRAY_LEN(names); i++)
        if (text.n == 0 || c2_str_is(text, names[i])) {
            f->format = (enum format)i;
            return true;
        }
    return c2_fail(err, CAT2_EINVAL,
                   "format '%.*s': sorted, filtered or picked rows are given as b2nd, npy, raw, csv, json",
                   (int)c2_min_i64(30, (int64_t)text.n), text.p);
}

static bool is_twice(const struct table *t, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (strcmp(t->columns.p[k].name, t->columns.p[i].name) == 0) return true;
    return false;
}

/* A structure of the fields that were picked, one after the other. */
static bool make_dtype(struct table_file *f, const struct c2_dtype *from, struct cat2_error *err)
{
    const struct table *t = &f->t;
    int64_t offset = 0;

    f->dtype = *from;
    f->dtype.fields = NULL;
    if (from->nfields) {
        f->dtype.fields = calloc(t->columns.n, sizeof(*f->dtype.fields));
        if (!f->dtype.fields) return c2_fail_nomem(err, "fields");
    }
    for (size_t i = 0; from->nfields && i < t->columns.n; i++) {
        const struct c2_column *column = &t->columns.p[i];
        if (is_twice(t, i)) return c2_fail(err, CAT2_EINVAL, "fields: '%.80s' is there twice", column->name);
        struct c2_field *field = &f->dtype.fields[i];
        *field = (struct c2_field){.name = column->name,
                                   .offset = offset,
                                   .type = *column->type,
                                   .ndim = column->ndim,
                                   .nbytes = column->nbytes};
        memcpy(field->shape, column->shape, sizeof(field->shape));
        offset += column->nbytes;
    }
    if (from->nfields) {
        f->dtype.nfields = (int)t->columns.n;
        f->dtype.itemsize = offset;
    }
    f->item = (struct c2_field){.type = f->dtype, .nbytes = f->dtype.itemsize};
    return true;
}

static bool file_parse(struct c2_view *view, struct cat2_error *err)
{
    struct table_file *f = view->state;
    struct table *t = &f->t;
    const struct c2_meta *meta = view->ds->meta;

    struct c2_str prefer;

    if (meta->grid.ndim != 1)
        return c2_fail(err, CAT2_EINVAL, "rows, sort, where and fields are for tables, arrays of one axis");
    if (c2_request_query(view->req, "prefer_schunk", &prefer))
        return c2_fail(err, CAT2_EINVAL,
                       "prefer_schunk: not with rows, sort, where or fields; format says it");
    if (!c2_table_parse(view, err)) return false;
    if (c2_view_query(view->req, "rows").n == 0)
        t->rows = (struct c2_slice){.nsels = 1, .sels = {{.kind = C2_SEL_RANGE}}};
    if (!choose_format(view, err) || !make_dtype(f, &meta->dtype, err)) return false;
    view->cost = -1;
    if (!c2_add_i64(view->work, c2_grid_cost(&meta->grid, &t->whole), &view->work)) view->work = INT64_MAX;
    view->content_type = f->format == FORMAT_CSV    ? "text/csv; charset=utf-8"
                         : f->format == FORMAT_JSON ? "application/json"
                                                    : c2_file_type_of(C2_STR(""))->type;
    c2_buf_init(&f->text, TEXT_MAX);
    return true;
}

const struct c2_view_type c2_table_file_view = {.state_nbytes = sizeof(struct table_file),
                                                .parse = file_parse,
                                                .is_heavy = c2_table_is_heavy,
                                                .size = file_size,
                                                .bound = file_bound,
                                                .extra = file_extra,
                                                .run = file_run,
                                                .heads = file_heads,
                                                .end = c2_table_end,
                                                .fini = file_fini,
                                                .sums = true,
                                                .in_line = true};
