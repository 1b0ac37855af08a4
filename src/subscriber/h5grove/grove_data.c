/* SPDX-License-Identifier: BSD-3-Clause */
/* Values: plain bytes, JSON, npy, TIFF. Small answers are made at once, larger ones streamed. */
#include <inttypes.h>

#include "base/endian.h"
#include "base/limits.h"
#include "ndim/print.h"
#include "reduce/plain.h"
#include "subscriber/answer/disposition.h"
#include "subscriber/answer/view.h"
#include "subscriber/h5grove/grove.h"

#define JSON_NBYTES (8 << 20) /* items of one JSON answer; the text is several times that */
#define TIFF_TAGS   10
#define TIFF_HEAD   (8 + 2 + 12 * TIFF_TAGS + 4)

enum format { FORMAT_JSON, FORMAT_BIN, FORMAT_NPY, FORMAT_TIFF };

struct data {
    enum format format;
    bool flat, turned;
    const struct c2_dtype *dtype; /* the dataset's */
    struct c2_bound bound;
    struct c2_plain plain;
    int64_t nbytes, out_nbytes; /* of the items as stored, as sent */
};

/* ---- the answer ---- */

static bool put_json(const struct data *d, const uint8_t *items, struct c2_buf *out, struct cat2_error *err)
{
    bool flat = d->flat && d->bound.out_ndim;
    bool ok = c2_print_json_array(d->dtype, flat ? &d->bound.nitems : d->bound.out_shape,
                                  flat ? 1 : d->bound.out_ndim, items, out, err);

    return ok || c2_fail_within(err, "as JSON this selection is too large; ask for less of it");
}

static bool data_run(struct c2_view *view, const struct c2_reading *reading, int64_t i, struct c2_buf *out,
                     struct cat2_error *err)
{
    const struct data *d = view->state;
    struct c2_bound part = c2_select_part(&view->parts, i);

    if (d->format != FORMAT_JSON && !d->turned) return c2_read_items(reading, &part, out, err);
    C2_AUTO(c2_buf) items = C2_BUF_INIT((size_t)C2_CHUNK_CBYTES_MAX);
    if (!c2_read_items(reading, &part, &items, err)) return false;
    const uint8_t *from = items.p ? items.p : (const uint8_t *)"";
    if (d->format == FORMAT_JSON) return put_json(d, from, out, err);
    size_t before = out->n;
    if (!c2_buf_resize(out, before + (size_t)(part.nitems * d->plain.out_size), err)) return false;
    c2_plain_items(&d->plain, from, part.nitems, out->p + before);
    return true;
}

/* To be saved under the dataset's name. */
static bool data_heads(struct c2_view *view, struct cat2_error *err)
{
    static const char *const suffixes[] = {[FORMAT_NPY] = "npy", [FORMAT_TIFF] = "tiff"};
    const struct data *d = view->state;
    C2_AUTO(c2_buf) text = C2_BUF_INIT(32768);

    if (d->format != FORMAT_NPY && d->format != FORMAT_TIFF) return true;
    return c2_sub_disposition(view->ds, C2_STR(""), suffixes[d->format], &text, err) &&
           c2_view_head(view, err, "Content-Disposition", c2_buf_cstr(&text));
}

/* ---- what goes before the items ---- */

struct tiff_tag {
    uint16_t tag, type; /* 3 short, 4 long */
    uint32_t value;
};

/* One strip, uncompressed, after the only directory. */
static bool tiff_head(const struct data *d, struct c2_buf *out, struct cat2_error *err)
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

    if (!c2_buf_resize(out, TIFF_HEAD, err)) return false;
    p = out->p;
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

static bool npy_head(const struct data *d, struct c2_buf *out, struct cat2_error *err)
{
    C2_AUTO(c2_buf) descr = C2_BUF_INIT(2 * C2_DTYPE_TEXT_MAX);
    bool ok = d->turned ? c2_buf_puts(&descr, d->plain.typestr, err) : c2_dtype_descr(d->dtype, &descr, err);

    return ok && c2_npy_header(c2_buf_str(&descr), d->bound.out_shape, d->bound.out_ndim, out, err);
}

/* ---- the request ---- */

static bool parse_format(struct c2_request *req, struct data *d, struct cat2_error *err)
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

static bool bind(struct c2_view *view, struct data *d, struct cat2_error *err)
{
    const struct c2_grid *grid = &view->ds->meta->grid;
    struct c2_slice slice;

    if (!c2_slice_parse(c2_view_query(view->req, "selection"), &slice, err) ||
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
    return true;
}

static bool data_parse(struct c2_view *view, struct cat2_error *err)
{
    struct data *d = view->state;

    d->dtype = &view->ds->meta->dtype;
    c2_buf_init(&view->head, C2_NPY_HEADER_MAX);
    if (!parse_format(view->req, d, err) || !bind(view, d, err)) return false;
    if (d->format == FORMAT_NPY && !npy_head(d, &view->head, err)) return false;
    if (d->format == FORMAT_TIFF && (!tiff_check(d, err) || !tiff_head(d, &view->head, err))) return false;
    bool large = d->format != FORMAT_JSON && c2_max_i64(d->nbytes, d->out_nbytes) > C2_VIEW_AT_ONCE_NBYTES;
    c2_view_select(view, &d->bound, large ? C2_VIEW_PART_NBYTES : 0);
    if (d->format == FORMAT_JSON) view->weight = 24;
    if (d->format != FORMAT_JSON) {
        view->length = d->out_nbytes + (int64_t)view->head.n;
        view->content_type = d->format == FORMAT_TIFF ? "image/tiff" : "application/octet-stream";
    }
    return c2_codec_supports(&view->ds->meta->cparams, err);
}

static const struct c2_view_type data_view = {.state_nbytes = sizeof(struct data),
                                              .parse = data_parse,
                                              .run = data_run,
                                              .heads = data_heads,
                                              .in_line = true};

void c2_grove_data(const struct c2_found *at)
{
    c2_view_answer(at->req, at->ds, &data_view);
}
