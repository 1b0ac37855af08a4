/* SPDX-License-Identifier: BSD-3-Clause */
/* The page of one dataset: what it is, its attributes, a picture, its first rows. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/limits.h"
#include "blosc/codec_names.h"
#include "meaning/attrs.h"
#include "meaning/image.h"
#include "ndim/print.h"
#include "subscriber/mirror/roots.h"
#include "subscriber/pages/pages.h"

#define ROWS_MAX       50          /* shown without a script */
#define COLUMNS_MAX    12          /* of them: the width of a screen */
#define TEXT_NBYTES    16384       /* of a file, shown without a script */
#define MARKDOWN_MAX   (256 << 10) /* rendered in the page */
#define ROW_NBYTES_MAX (256 << 10) /* items so large are not shown */

struct ds_page {
    struct c2_page page;
    struct c2_ds *ds;
    struct c2_bound bound; /* what is read for the first rows */
    int64_t rows, columns;
    struct c2_image image;
    bool bare; /* for a module, which shows the data itself */
};

/* ---- what it is ---- */

static void row(struct c2_html *h, const char *name, const char *value)
{
    c2_html(h, "<tr><th scope=\"row\">$</th><td>$</td></tr>\n", name, value);
}

static void dims_row(struct c2_html *h, const char *name, const int32_t *dims, const struct c2_meta *meta)
{
    int64_t nbytes = meta->dtype.itemsize;

    c2_html(h, "<tr><th scope=\"row\">$</th><td>", name);
    for (int i = 0; i < meta->grid.ndim; i++) {
        if (i) c2_html(h, " × ");
        c2_html_int(h, dims[i]);
        nbytes *= dims[i];
    }
    c2_html(h, " (");
    c2_page_nbytes(h, nbytes);
    c2_html(h, ")</td></tr>\n");
}

static void codec_rows(struct c2_html *h, const struct c2_cparams *cparams)
{
    const struct c2_codec_name *codec = c2_codec_of_id(cparams->codec);
    bool any = false;

    c2_html(h, "<tr><th scope=\"row\">Codec</th><td>$, level ", codec ? codec->name : "unknown");
    c2_html_int(h, cparams->clevel);
    c2_html(h, "</td></tr>\n<tr><th scope=\"row\">Filters</th><td>");
    for (size_t i = 0; i < C2_ARRAY_LEN(cparams->filters); i++) {
        if (!cparams->filters[i]) continue;
        const char *name = c2_filter_name(cparams->filters[i]);
        c2_html(h, any ? ", $" : "$", name ? name : "unknown");
        any = true;
    }
    c2_html(h, any ? "</td></tr>\n" : "none</td></tr>\n");
}

static void changed_row(struct c2_html *h, int64_t ms)
{
    time_t at = (time_t)(ms / 1000);
    char text[40];
    struct tm tm;

    if (ms < 0 || !gmtime_r(&at, &tm) || !strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm)) return;
    row(h, "Changed", text);
}

static void metadata(struct ds_page *p, const char *dtype)
{
    const struct c2_meta *meta = p->ds->meta;
    struct c2_html *h = &p->page.h;
    char text[64];

    c2_html(h, "<section id=\"meta\"><h2>Metadata</h2>\n<table class=\"facts\"><tbody>\n");
    c2_html(h, "<tr><th scope=\"row\">Shape</th><td>");
    c2_page_shape(h, meta);
    c2_html(h, "</td></tr>\n");
    if (meta->kind == C2_KIND_ARRAY) {
        row(h, "Type", dtype);
        dims_row(h, "Chunks", meta->grid.chunks, meta);
        dims_row(h, "Blocks", meta->grid.blocks, meta);
    }
    snprintf(text, sizeof(text), "%lld", (long long)meta->nchunks);
    row(h, "Number of chunks", text);
    codec_rows(h, &meta->cparams);
    c2_html(h, "<tr><th scope=\"row\">Size</th><td>");
    c2_page_nbytes(h, meta->nbytes);
    c2_html(h, "</td></tr>\n<tr><th scope=\"row\">Compressed</th><td>");
    c2_page_nbytes(h, meta->cbytes);
    if (meta->cbytes > 0) {
        snprintf(text, sizeof(text), "%.2f", (double)meta->nbytes / (double)meta->cbytes);
        c2_html(h, " (ratio $)", text);
    }
    c2_html(h, "</td></tr>\n");
    row(h, "Frame", meta->contiguous ? "contiguous" : "sparse");
    changed_row(h, c2_ds_mtime_ms(p->ds));
    c2_html(h, "</tbody></table></section>\n");
}

static void attribute(struct c2_html *h, struct c2_str key, struct c2_jval value)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    struct cat2_error err;
    struct c2_str plain;

    c2_html(h, "<tr><th scope=\"row\">");
    c2_html_text(h, key);
    c2_html(h, "</th><td>");
    if (c2_jstr(value, &plain)) {
        c2_html_text(h, plain);
    } else if (c2_html_has(h, c2_json_print(value, C2_JSON_PYTHON, &text, &err), &err)) {
        c2_html(h, "<code>");
        c2_html_text(h, c2_buf_str(&text));
        c2_html(h, "</code>");
    }
    c2_html(h, "</td></tr>\n");
}

static void attributes(struct ds_page *p)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct cat2_error err;
    struct c2_html *h = &p->page.h;
    struct c2_str key = {"", 0};
    struct c2_jval value;

    c2_html(h, "<section id=\"attrs\"><h2>Attributes</h2>\n");
    bool parsed = c2_html_has(h, c2_json_parse(c2_buf_str(&p->ds->meta->vlmeta), &json, &err), &err);
    bool some = parsed && c2_jlen(c2_json_root(json)) > 0;
    if (some) {
        struct c2_jiter it = c2_jiter_of(c2_json_root(json));
        c2_html(h, "<table class=\"facts\"><tbody>\n");
        while (c2_jnext(&it, &key, &value))
            attribute(h, key, value);
        c2_html(h, "</tbody></table>");
    } else {
        c2_html(h, "<p class=\"empty\">No user attributes</p>");
    }
    c2_html(h, "</section>\n");
}

/* ---- for the modules: what they need to know at once ---- */

static void fields_attr(struct c2_page *page, const struct c2_dtype *dtype)
{
    C2_AUTO(c2_buf) json = C2_BUF_INIT(1 << 20);
    struct cat2_error err;
    struct c2_jw w;

    c2_jw_init(&w, &json, C2_JSON_COMPACT, &err);
    c2_jw_begin_array(&w);
    for (int i = 0; i < dtype->nfields; i++) {
        const struct c2_field *field = &dtype->fields[i];
        C2_AUTO(c2_buf) name = C2_BUF_INIT(2 * C2_DTYPE_TEXT_MAX);
        if (!c2_html_has(&page->h, c2_dtype_name(&field->type, &name, &err), &err)) continue;
        c2_jw_begin_object(&w);
        c2_jw_put_cstr(&w, "name", field->name);
        c2_jw_put_str(&w, "dtype", c2_buf_str(&name));
        c2_jw_put_ints(&w, "shape", field->shape, field->ndim);
        c2_jw_end_object(&w);
    }
    c2_jw_end_array(&w);
    if (c2_html_has(&page->h, c2_jw_finish(&w), &err)) c2_page_attr(page, "fields", c2_buf_cstr(&json));
}

/* Of an HDF5 image: "IMAGE_TRUECOLOR INTERLACE_PLANE BGR", what of that is told. */
static void image_attr(struct c2_page *page, struct c2_jval attrs)
{
    static const char *const names[] = {"IMAGE_SUBCLASS", "INTERLACE_MODE", "IMAGE_COLORMODEL"};
    char text[200] = "";
    struct c2_str word;
    size_t n = 0;

    for (size_t i = 0; i < C2_ARRAY_LEN(names); i++)
        if (c2_attr_text(attrs, names[i], &word))
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s", n ? " " : "",
                                  (int)c2_min_i64(40, (int64_t)word.n), word.p);
    c2_page_attr(page, "image", text);
}

static void content_type_attr(struct ds_page *p)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct cat2_error err;
    struct c2_str type;
    char text[100];

    if (!c2_html_has(&p->page.h, c2_json_parse(c2_buf_str(&p->ds->meta->vlmeta), &json, &err), &err)) return;
    struct c2_jval root = c2_json_root(json);
    if (c2_jstr(c2_jget(root, "contenttype"), &type)) {
        snprintf(text, sizeof(text), "%.*s", (int)c2_min_i64(99, (int64_t)type.n), type.p);
        c2_page_attr(&p->page, "contenttype", text);
    }
    if (c2_image_of(root, &p->image)) image_attr(&p->page, root);
}

static void dims_attr(struct c2_page *page, const char *name, const int64_t *wide, const int32_t *narrow,
                      int n)
{
    char text[24 * C2_DIM_MAX] = "";
    size_t at = 0;

    for (int i = 0; i < n; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, i ? ",%lld" : "%lld",
                               wide ? (long long)wide[i] : (long long)narrow[i]);
    c2_page_attr(page, name, text);
}

static void main_attrs(struct ds_page *p, const char *whole, const char *dtype)
{
    static const char *const kinds[] = {"array", "frame", "file"};
    const struct c2_meta *meta = p->ds->meta;
    struct c2_page *page = &p->page;

    c2_page_attr(page, "path", whole);
    c2_page_attr(page, "kind", kinds[meta->kind]);
    c2_page_attr(page, "dtype", dtype);
    c2_page_attr(page, "etag", p->ds->etag);
    dims_attr(page, "shape", meta->grid.shape, NULL, meta->grid.ndim);
    dims_attr(page, "chunks", NULL, meta->grid.chunks, meta->grid.ndim);
    if (meta->dtype.nfields > 0) fields_attr(page, &meta->dtype);
    content_type_attr(p);
}

/* ---- first rows ---- */

/* One item as text: numbers as NumPy prints them, text as text. */
static void cell(struct c2_html *h, const struct c2_dtype *dtype, const uint8_t *item)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(1 << 20);
    struct cat2_error err;

    if (dtype->nfields == 0 && dtype->kind != 'S' && dtype->kind != 'U' && dtype->kind != 'V') {
        if (c2_html_has(h, c2_print_array(dtype, NULL, 0, item, &text, &err), &err))
            c2_html_text(h, c2_buf_str(&text));
        return;
    }
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct c2_str plain;
    if (!c2_html_has(h, c2_print_json_item(dtype, item, &text, &err), &err)) return;
    if (c2_html_has(h, c2_json_parse(c2_buf_str(&text), &json, &err), &err) &&
        c2_jstr(c2_json_root(json), &plain))
        c2_html_text(h, plain);
    else
        c2_html_text(h, c2_buf_str(&text));
}

static void field_cell(struct c2_html *h, const struct c2_field *field, const uint8_t *item)
{
    int64_t n = field->type.itemsize > 0 ? field->nbytes / field->type.itemsize : 0;

    for (int64_t i = 0; i < n && i < COLUMNS_MAX; i++) {
        if (i) c2_html(h, " ");
        cell(h, &field->type, item + field->offset + i * field->type.itemsize);
    }
    if (n > COLUMNS_MAX) c2_html(h, " …");
}

static void rows_head(struct ds_page *p)
{
    const struct c2_dtype *dtype = &p->ds->meta->dtype;
    struct c2_html *h = &p->page.h;

    c2_html(
        h,
        "<h2>First rows</h2>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"First rows\">"
        "<table class=\"values\"><thead><tr><th scope=\"col\">Row</th>");
    for (int i = 0; i < dtype->nfields && i < COLUMNS_MAX; i++)
        c2_html(h, "<th scope=\"col\">$</th>", dtype->fields[i].name);
    for (int64_t i = 0; dtype->nfields == 0 && i < p->columns; i++) {
        c2_html(h, "<th scope=\"col\">");
        if (p->bound.out_ndim > 1)
            c2_html_int(h, i);
        else
            c2_html(h, "Value");
        c2_html(h, "</th>");
    }
    c2_html(h, "</tr></thead><tbody>\n");
}

static void first_rows(struct ds_page *p, struct c2_bytes items)
{
    const struct c2_dtype *dtype = &p->ds->meta->dtype;
    struct c2_html *h = &p->page.h;
    const uint8_t *item = items.p;

    rows_head(p);
    for (int64_t r = 0; r < p->rows; r++) {
        c2_html(h, "<tr><th scope=\"row\">");
        c2_html_int(h, r);
        c2_html(h, "</th>");
        for (int64_t c = 0; c < p->columns; c++, item += dtype->itemsize) {
            for (int i = 0; i < dtype->nfields && i < COLUMNS_MAX; i++) {
                c2_html(h, "<td>");
                field_cell(h, &dtype->fields[i], item);
                c2_html(h, "</td>");
            }
            if (dtype->nfields > 0) continue;
            c2_html(h, "<td>");
            cell(h, dtype, item);
            c2_html(h, "</td>");
        }
        c2_html(h, "</tr>\n");
    }
    c2_html(h, "</tbody></table></div>\n");
}

/* ---- the view without a script ---- */

/* The first plane, reduced by the server as far as it must be; three or four bytes at the end, or where the
 * file has them, are a colour. */
static void picture(struct ds_page *p)
{
    const struct c2_meta *meta = p->ds->meta;
    int ndim = meta->grid.ndim;
    int axis = p->image.is && ndim == 3 && p->image.colours_axis >= 0 ? p->image.colours_axis : ndim - 1;
    int64_t last = ndim ? meta->grid.shape[axis] : 0;
    bool colours =
        ndim == 3 && (last == 3 || last == 4) && meta->dtype.kind == 'u' && meta->dtype.itemsize == 1;
    char slice[4 * C2_DIM_MAX] = "";
    size_t at = 0;

    if (ndim < 2 || !strchr("biuf", meta->dtype.kind)) return;
    for (int i = 0; i < ndim - 2 && !colours; i++)
        at += (size_t)snprintf(slice + at, sizeof(slice) - at, "0,");
    snprintf(slice + at, sizeof(slice) - at, colours ? ":,:,:" : ":,:");
    c2_html(
        &p->page.h,
        "<noscript><figure><img class=\"heat\" src=\"/api/fetch/~/~?slice_=$&amp;format=png&amp;width=768\" "
        "alt=\"Picture of [$]\"><figcaption>[$]</figcaption></figure></noscript>\n",
        p->ds->root, p->ds->path, slice, slice, slice);
}

static bool is_text(struct c2_bytes bytes)
{
    return !memchr(bytes.p, 0, bytes.n);
}

static bool is_markdown(const struct c2_ds *ds)
{
    return ds->meta->kind == C2_KIND_FILE && c2_str_ends(c2_str_of(ds->path), ".md");
}

/* bytes: of markdown its HTML. */
static void file_view(struct ds_page *p, struct c2_bytes bytes)
{
    struct c2_html *h = &p->page.h;
    struct c2_str text = {(const char *)bytes.p, bytes.n};

    if (bytes.n == 0) {
        c2_html(h, "<p class=\"empty\">0 bytes</p>\n");
    } else if (is_markdown(p->ds)) {
        c2_html_made(h, text);
    } else if (is_text(bytes)) {
        text.n = (size_t)c2_min_i64((int64_t)text.n, TEXT_NBYTES);
        c2_html(h, "<pre class=\"text\" tabindex=\"0\">");
        c2_html_text(h, text);
        c2_html(h, "</pre>\n");
    } else {
        c2_html(h, "<p class=\"empty\">Binary data: download it to look inside.</p>\n");
    }
}

static void finish(struct ds_page *p, struct c2_bytes items, const struct cat2_error *failed)
{
    const struct c2_meta *meta = p->ds->meta;
    C2_AUTO(c2_buf) dtype = C2_BUF_INIT(2 * C2_DTYPE_TEXT_MAX);
    struct c2_html *h = &p->page.h;
    struct cat2_error err;

    c2_html(h, "<section id=\"view\" aria-label=\"Data\">\n");
    if (failed)
        c2_page_cannot_show(h, p->ds, failed);
    else if (meta->kind == C2_KIND_FILE)
        file_view(p, items);
    else if (p->bound.nitems == 0)
        c2_html(h, "<p class=\"empty\">0 elements</p>\n");
    if (!failed && meta->kind != C2_KIND_FILE && p->bound.nitems > 0) {
        if (meta->kind == C2_KIND_ARRAY && !p->bare) picture(p);
        if (items.n) first_rows(p, items);
    }
    c2_html(h, "</section>\n");
    c2_html_has(h, c2_dtype_name(&meta->dtype, &dtype, &err), &err);
    metadata(p, c2_buf_cstr(&dtype));
    attributes(p);
    c2_page_plugins(&p->page, p->ds);
    c2_page_end(&p->page, 200);
    c2_ds_unref(p->ds);
    free(p);
}

static void on_items(void *ctx, struct c2_bytes items, const struct cat2_error *err)
{
    finish(ctx, items, err);
}

/* The first rows of the first plane; of a file, its beginning. */
static bool plan(struct ds_page *p, struct cat2_error *err)
{
    const struct c2_meta *meta = p->ds->meta;
    const struct c2_grid *grid = &meta->grid;
    struct c2_slice slice = {.nsels = grid->ndim};

    for (int i = 0; i < grid->ndim; i++) {
        int64_t most = i == grid->ndim - 1 && i > 0 ? COLUMNS_MAX : ROWS_MAX;
        if (meta->kind == C2_KIND_FILE) most = MARKDOWN_MAX;
        bool index = i < grid->ndim - 2 && grid->shape[i] > 0;
        slice.sels[i] =
            (struct c2_sel){.kind = index ? C2_SEL_INDEX : C2_SEL_RANGE, .has_stop = true, .stop = most};
    }
    if (!c2_slice_bind(&slice, grid->shape, grid->ndim, &p->bound, err)) return false;
    p->rows = p->bound.out_ndim > 0 ? p->bound.out_shape[0] : 1;
    p->columns = p->bound.out_ndim > 1 ? p->bound.out_shape[1] : 1;
    return true;
}

static void opening(struct ds_page *p, const char *dtype)
{
    const struct c2_meta *meta = p->ds->meta;
    struct c2_html *h = &p->page.h;

    c2_page_away(h, c2_sub_root(p->ds->sub, c2_str_of(p->ds->root)));
    c2_page_trail(h, p->ds->root, p->ds->path);
    c2_html(h, "<div id=\"head\"><h1>$</h1><p class=\"facts\">", c2_path_name(p->ds->path));
    c2_page_shape(h, meta);
    if (meta->kind == C2_KIND_ARRAY) c2_html(h, " · <span>$</span>", meta->dtype.nfields ? "table" : dtype);
    if (meta->kind != C2_KIND_FILE) {
        c2_html(h, " · ");
        c2_page_nbytes(h, meta->nbytes);
    }
    bool file = meta->kind == C2_KIND_FILE;
    c2_html(h,
            "</p><p class=\"actions\"><a class=\"button\" href=\"/api/$/~/~$\" "
            "download>Download</a>",
            file ? "fetch" : "download", p->ds->root, p->ds->path, file ? "?format=raw" : "");
    if (p->ds->sub->config.h5web_dir)
        c2_html(h, "<a class=\"button\" href=\"/h5web/?file=~&amp;path=/~\">H5Web</a>", p->ds->root,
                p->ds->path);
    c2_html(h, "</p></div>\n");
}

void c2_page_dataset(struct c2_request *req, struct c2_ds *ds)
{
    struct ds_page *p = calloc(1, sizeof(*p));
    C2_AUTO(c2_buf) dtype = C2_BUF_INIT(2 * C2_DTYPE_TEXT_MAX);
    C2_AUTO(c2_buf) whole = C2_BUF_INIT(2 * C2_PATH_MAX);
    struct c2_str header;
    struct cat2_error err;

    if (!p) {
        c2_reply_detail(req, 503, "out of memory");
        return;
    }
    p->ds = c2_ds_ref(ds);
    bool named = c2_dtype_name(&ds->meta->dtype, &dtype, &err) &&
                 c2_buf_printf(&whole, &err, "%s/%s", ds->root, ds->path);
    c2_page_begin(&p->page, req, ds->sub, c2_buf_cstr(&whole), "dataset");
    c2_html_has(&p->page.h, named, &err);
    main_attrs(p, c2_buf_cstr(&whole), c2_buf_cstr(&dtype));
    c2_page_body(&p->page);
    opening(p, c2_buf_cstr(&dtype));
    if (!plan(p, &err)) {
        finish(p, (struct c2_bytes){NULL, 0}, &err);
        return;
    }
    p->bare = c2_request_header(req, "X-Caterva2-Part", &header) && ds->meta->kind != C2_KIND_FILE;
    if (p->bare || /* large items take too long for a first look */ p->bound.nitems == 0 ||
        ds->meta->dtype.itemsize > ROW_NBYTES_MAX / ROWS_MAX)
        finish(p, (struct c2_bytes){NULL, 0}, NULL);
    else if (is_markdown(ds))
        c2_page_read_markdown(ds, &p->bound, 1, p->page.h.base, on_items, p);
    else
        c2_page_read(ds, &p->bound, on_items, p);
}
