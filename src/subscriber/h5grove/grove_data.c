/* SPDX-License-Identifier: BSD-3-Clause */
/* Values: plain bytes, JSON, npy, TIFF. Small answers are made at once, larger ones streamed. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/endian.h"
#include "base/limits.h"
#include "ndim/print.h"
#include "reduce/plain.h"
#include "subscriber/answer/stream.h"
#include "subscriber/h5grove/grove.h"
#include "wire/url.h"

#define AT_ONCE_NBYTES (8 << 20)
#define PART_NBYTES    (4 << 20)
#define JSON_NBYTES    (8 << 20) /* items of one JSON answer; the text is several times that */
#define TIFF_TAGS      10
#define TIFF_HEAD      (8 + 2 + 12 * TIFF_TAGS + 4)

enum format { FORMAT_JSON, FORMAT_BIN, FORMAT_NPY, FORMAT_TIFF };

struct data {
    enum format format;
    bool flat, turned;
    const struct c2_dtype *dtype; /* the dataset's */
    const char *quoted;           /* its ETag */
    struct c2_bound bound;
    struct c2_plain plain;
    int64_t nbytes, out_nbytes; /* of the items as stored, as sent */
    struct c2_buf head, items, disposition;
    struct c2_select_parts parts; /* of a large answer */
};

static void data_free(void *state)
{
    struct data *d = state;

    c2_buf_fini(&d->head);
    c2_buf_fini(&d->items);
    c2_buf_fini(&d->disposition);
    free(d);
}

/* ---- at once ---- */

static bool data_bound(struct c2_view *view, int64_t i, struct c2_bound *out)
{
    const struct data *d = view->state;

    (void)i;
    *out = d->bound;
    return true;
}

static bool data_work(struct c2_view *view, struct c2_codec *codec, int64_t i)
{
    struct data *d = view->state;

    (void)i;
    c2_buf_init(&d->items, (size_t)d->nbytes);
    return c2_buf_resize(&d->items, (size_t)d->nbytes, &view->err) &&
           (d->nbytes == 0 || c2_select_items(codec, &view->source, &d->bound, d->items.p, &view->err));
}

static bool make_json(const struct data *d, struct c2_buf *out, struct cat2_error *err)
{
    const uint8_t *items = d->items.p ? d->items.p : (const uint8_t *)"";
    bool flat = d->flat && d->bound.out_ndim;
    bool ok = c2_print_json_array(d->dtype, flat ? &d->bound.nitems : d->bound.out_shape,
                                  flat ? 1 : d->bound.out_ndim, items, out, err);

    return ok || c2_fail_within(err, "as JSON this selection is too large; ask for less of it");
}

static bool data_finish(struct c2_view *view)
{
    struct data *d = view->state;
    struct c2_buf *out = &view->out;

    if (d->disposition.n &&
        !c2_view_head(view, &view->err, "Content-Disposition", c2_buf_cstr(&d->disposition)))
        return false;
    if (d->format == FORMAT_JSON) return make_json(d, out, &view->err);
    view->content_type = d->format == FORMAT_TIFF ? "image/tiff" : "application/octet-stream";
    if (!c2_buf_append(out, d->head.p, d->head.n, &view->err)) return false;
    if (!d->turned) return c2_buf_append(out, d->items.p, d->items.n, &view->err);
    size_t before = out->n;
    if (!c2_buf_resize(out, before + (size_t)d->out_nbytes, &view->err)) return false;
    c2_plain_items(&d->plain, d->items.p, d->bound.nitems, out->p + before);
    return true;
}

static const struct c2_view_ops data_ops = {
    .bound = data_bound, .work = data_work, .finish = data_finish, .free = data_free};

/* ---- part by part ---- */

static bool part_make(void *ctx, struct c2_codec *codec, const struct c2_selectable *ds, int64_t i,
                      struct c2_buf *out, struct cat2_error *err)
{
    const struct data *d = ctx;
    struct c2_bound bound = c2_select_part(&d->parts, i);
    size_t n = (size_t)(bound.nitems * d->dtype->itemsize);

    if (!d->turned) return c2_buf_resize(out, n, err) && c2_select_items(codec, ds, &bound, out->p, err);
    C2_AUTO(c2_buf) items = C2_BUF_INIT(n);
    if (!c2_buf_resize(&items, n, err) || !c2_select_items(codec, ds, &bound, items.p, err) ||
        !c2_buf_resize(out, (size_t)(bound.nitems * d->plain.out_size), err))
        return false;
    c2_plain_items(&d->plain, items.p, bound.nitems, out->p);
    return true;
}

static void part_heads(void *ctx, struct c2_request *req)
{
    const struct data *d = ctx;

    c2_reply_header(req, "ETag", d->quoted);
    if (d->disposition.n) c2_reply_header(req, "Content-Disposition", c2_buf_cstr(&d->disposition));
}

static void stream(const struct c2_grove_at *at, struct data *d)
{
    static const struct c2_stream_ops ops = {.make = part_make, .heads = part_heads, .free = data_free};

    c2_select_plan(&at->ds->meta, &d->bound, PART_NBYTES, &d->parts);
    struct c2_stream stream = {.ops = &ops,
                               .ctx = d,
                               .parts = &d->parts,
                               .length = d->out_nbytes + (int64_t)d->head.n,
                               .content_type =
                                   d->format == FORMAT_TIFF ? "image/tiff" : "application/octet-stream",
                               .head = c2_buf_steal(&d->head)};
    c2_stream_start(at->req, at->ds, &stream);
}

/* ---- what goes before the items ---- */

struct tiff_tag {
    uint16_t tag, type; /* 3 short, 4 long */
    uint32_t value;
};

/* One strip, uncompressed, after the only directory. */
static bool tiff_head(struct data *d, struct cat2_error *err)
{
    const struct c2_num *num = &d->plain.num;
    uint32_t sample_format = num->kind == 'i' ? 2 : num->kind == 'f' ? 3 : 1;
    uint32_t rows = (uint32_t)d->bound.out_shape[0];
    const struct tiff_tag tags[TIFF_TAGS] = {{256, 4, (uint32_t)d->bound.out_shape[1]},
                                             {257, 4, rows},
                                             {258, 3, (uint32_t)(8 * d->plain.out_size)},
                                             {259, 3, 1}, /* not compressed */
                                             {262, 3, 1}, /* 0 is black */
                                             {273, 4, TIFF_HEAD},
                                             {277, 3, 1},
                                             {278, 4, rows},
                                             {279, 4, (uint32_t)d->out_nbytes},
                                             {339, 3, sample_format}};
    uint8_t *p;

    if (!c2_buf_resize(&d->head, TIFF_HEAD, err)) return false;
    p = d->head.p;
    memset(p, 0, TIFF_HEAD);
    memcpy(p, "II*\0", 4);
    c2_put_le32(p + 4, 8);
    c2_put_le16(p + 8, TIFF_TAGS);
    p += 10;
    for (int i = 0; i < TIFF_TAGS; i++, p += 12) {
        c2_put_le16(p, tags[i].tag);
        c2_put_le16(p + 2, tags[i].type);
        c2_put_le32(p + 4, 1);
        c2_put_le32(p + 8, tags[i].value);
    }
    return true;
}

static bool tiff_check(const struct data *d, struct cat2_error *err)
{
    char kind = d->dtype->nfields ? 'V' : d->dtype->kind;

    if (!strchr("biuf", kind) || d->bound.out_ndim != 2)
        return c2_fail(err, CAT2_EUNSUPPORTED,
                       "TIFF is given for planes of numbers: two axes, no structures");
    if (d->bound.nitems == 0 || d->out_nbytes > UINT32_MAX - TIFF_HEAD)
        return c2_fail(err, CAT2_ELIMIT, "TIFF holds up to 4 GiB, and no empty pictures");
    return true;
}

static bool npy_head(struct data *d, struct cat2_error *err)
{
    C2_AUTO(c2_buf) descr = C2_BUF_INIT(2 * C2_DTYPE_TEXT_MAX);
    bool ok = d->turned ? c2_buf_puts(&descr, d->plain.typestr, err) : c2_dtype_descr(d->dtype, &descr, err);

    return ok && c2_npy_header(c2_buf_str(&descr), d->bound.out_shape, d->bound.out_ndim, &d->head, err);
}

/* To be saved under the dataset's name. */
static bool dispose(struct data *d, const struct c2_ds *ds, struct cat2_error *err)
{
    const char *slash = strrchr(ds->path, '/'), *suffix = d->format == FORMAT_NPY ? "npy" : "tiff";
    struct c2_str base = c2_str_of(slash ? slash + 1 : ds->path);
    C2_AUTO(c2_buf) encoded = C2_BUF_INIT(4 * C2_PATH_MAX);

    if (c2_str_ends(base, ".b2nd")) base.n -= 5;
    c2_buf_init(&d->disposition, 4 * C2_PATH_MAX);
    if (!c2_url_encode(base, false, &encoded, err)) return false;
    if (encoded.n == base.n)
        return c2_buf_printf(&d->disposition, err, "attachment; filename=\"%s.%s\"", c2_buf_cstr(&encoded),
                             suffix);
    return c2_buf_printf(&d->disposition, err, "attachment; filename*=utf-8''%s.%s", c2_buf_cstr(&encoded),
                         suffix);
}

static bool make_head(struct data *d, const struct c2_ds *ds, struct cat2_error *err)
{
    c2_buf_init(&d->head, C2_NPY_HEADER_MAX);
    if (d->format == FORMAT_NPY) return npy_head(d, err) && dispose(d, ds, err);
    if (d->format == FORMAT_TIFF) return tiff_check(d, err) && tiff_head(d, err) && dispose(d, ds, err);
    return true;
}

/* ---- the request ---- */

static bool parse_format(const struct c2_request *req, struct data *d, struct cat2_error *err)
{
    static const char *const names[] = {
        [FORMAT_JSON] = "json", [FORMAT_BIN] = "bin", [FORMAT_NPY] = "npy", [FORMAT_TIFF] = "tiff"};
    struct c2_str format = c2_view_query(req, "format"), dtype = c2_view_query(req, "dtype");

    if (!c2_request_query_bool(req, "flatten", false, &d->flat, err)) return false;
    if (dtype.n && !c2_str_is(dtype, "safe") && !c2_str_is(dtype, "origin"))
        return c2_fail(err, CAT2_EINVAL, "dtype is origin or safe");
    d->turned = c2_str_is(dtype, "safe");
    for (size_t i = 0; i < C2_ARRAY_LEN(names); i++)
        if (c2_str_is(format, names[i]) || (i == FORMAT_JSON && format.n == 0)) {
            d->format = (enum format)i;
            d->turned = i == FORMAT_TIFF || (d->turned && i != FORMAT_JSON);
            return true;
        }
    return c2_fail(err, CAT2_EUNSUPPORTED, "format '%.*s' is none of json, bin, npy, tiff",
                   (int)c2_min_i64(30, (int64_t)format.n), format.p);
}

static bool parse(const struct c2_request *req, const struct c2_ds *ds, struct data *d,
                  struct cat2_error *err)
{
    const struct c2_grid *grid = &ds->meta.grid;
    struct c2_slice slice;

    if (!parse_format(req, d, err) || !c2_slice_parse(c2_view_query(req, "selection"), &slice, err) ||
        !c2_slice_bind(&slice, grid->shape, grid->ndim, &d->bound, err))
        return false;
    if (d->format == FORMAT_TIFF && !tiff_check(d, err)) return false;
    if (d->turned && !c2_plain_of(d->dtype, &d->plain, err)) return false;
    if (d->turned && d->plain.same && d->format != FORMAT_TIFF) d->turned = false;
    int64_t size = d->turned ? d->plain.out_size : d->dtype->itemsize;
    if (!c2_mul_i64(d->bound.nitems, d->dtype->itemsize, &d->nbytes) ||
        !c2_mul_i64(d->bound.nitems, size, &d->out_nbytes))
        return c2_fail(err, CAT2_ELIMIT, "selection: too large");
    if (d->format == FORMAT_JSON && (d->nbytes > JSON_NBYTES || d->bound.nitems > JSON_NBYTES))
        return c2_fail(err, CAT2_ELIMIT,
                       "JSON is given for up to %d bytes of items, not for %" PRId64 ": select less of it",
                       JSON_NBYTES, d->nbytes);
    return make_head(d, ds, err) && c2_codec_supports(&ds->meta.cparams, err);
}

void c2_grove_data(const struct c2_grove_at *at)
{
    struct cat2_error err;

    if (c2_view_settled(at->req, at->ds)) return;
    struct data *d = calloc(1, sizeof(*d));
    if (!d) {
        c2_reply_detail(at->req, 503, "out of memory");
        return;
    }
    d->dtype = &at->ds->meta.dtype;
    d->quoted = at->ds->quoted;
    if (!parse(at->req, at->ds, d, &err)) {
        c2_reply_error(at->req, &err);
        data_free(d);
    } else if (d->format != FORMAT_JSON && c2_max_i64(d->nbytes, d->out_nbytes) > AT_ONCE_NBYTES) {
        stream(at, d);
    } else {
        c2_view_start(at->req, at->ds, &data_ops, d);
    }
}
