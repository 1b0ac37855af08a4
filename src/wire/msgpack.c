/* SPDX-License-Identifier: BSD-3-Clause */
/* Attributes between msgpack and JSON. A reader and writer of our own: the reader writes JSON as it goes, in
 * bounded depth and without building the tree that a general library would. */
#include "wire/msgpack.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/endian.h"
#include "base/limits.h"

/* Attributes stand inside metadata and that inside a frame: together they must still parse as JSON. */
enum { ENVELOPE = 16, DEPTH_MAX = C2_JSON_DEPTH_MAX - ENVELOPE };
_Static_assert((int)DEPTH_MAX <= (int)C2_MSGPACK_DEPTH_MAX, "never deeper than the limit of msgpack");

struct reader {
    const uint8_t *p, *end;
    struct c2_jw *out;
    struct cat2_error *err;
};

static bool value(struct reader *r, int depth);

static bool bad(struct reader *r, const char *what)
{
    return c2_fail(r->err, CAT2_EDATA, "msgpack: %s", what);
}

/* Take n bytes; NULL at the end. */
static const uint8_t *take(struct reader *r, uint64_t n)
{
    const uint8_t *at = r->p;

    if (n > (uint64_t)(r->end - r->p)) {
        bad(r, "ends early");
        return NULL;
    }
    r->p += n;
    return at;
}

/* A big-endian unsigned number of 1, 2, 4 or 8 bytes. */
static bool number(struct reader *r, int width, uint64_t *out)
{
    const uint8_t *p = take(r, (uint64_t)width);

    if (!p) return false;
    *out = width == 1 ? *p : width == 2 ? c2_be16(p) : width == 4 ? c2_be32(p) : c2_be64(p);
    return true;
}

static int64_t sign_extend(uint64_t n, int width)
{
    return width == 1 ? (int8_t)n : width == 2 ? (int16_t)n : width == 4 ? (int32_t)n : (int64_t)n;
}

static bool text(struct reader *r, uint64_t n)
{
    const uint8_t *p = take(r, n);

    if (!p) return false;
    c2_jw_str(r->out, (struct c2_str){(const char *)p, (size_t)n});
    return r->out->ok;
}

static bool is_tuple_mark(const struct reader *r)
{
    static const char mark[] = "\xa9__tuple__";
    return (size_t)(r->end - r->p) >= sizeof(mark) - 1 && memcmp(r->p, mark, sizeof(mark) - 1) == 0;
}

static bool array(struct reader *r, uint64_t n, int depth)
{
    if (n > 0 && is_tuple_mark(r)) {
        r->p += strlen("\xa9__tuple__");
        n--;
    }
    c2_jw_begin_array(r->out);
    for (uint64_t i = 0; i < n; i++)
        if (!value(r, depth + 1)) return false;
    c2_jw_end_array(r->out);
    return r->out->ok;
}

/* Keys are text in JSON: integers, booleans and nil become theirs; anything else cannot be a key. */
static bool key(struct reader *r)
{
    uint64_t n = 0;
    uint8_t tag = 0xc1;
    char digits[24];

    if (!number(r, 1, &n)) return false;
    tag = (uint8_t)n;
    if (tag < 0x80 || tag >= 0xe0) {
        snprintf(digits, sizeof(digits), "%d", tag < 0x80 ? tag : (int)tag - 256);
        c2_jw_key(r->out, digits);
        return r->out->ok;
    }
    if (tag >= 0xcc && tag <= 0xd3) {
        if (!number(r, 1 << (tag & 3), &n)) return false;
        int64_t v = tag >= 0xd0 ? sign_extend(n, 1 << (tag & 3)) : 0;
        if (tag >= 0xd0)
            snprintf(digits, sizeof(digits), "%" PRId64, v);
        else
            snprintf(digits, sizeof(digits), "%" PRIu64, n);
        c2_jw_key(r->out, digits);
        return r->out->ok;
    }
    if (tag == 0xc0 || tag == 0xc2 || tag == 0xc3) {
        c2_jw_key(r->out, tag == 0xc0 ? "null" : tag == 0xc3 ? "true" : "false");
        return r->out->ok;
    }
    if (tag >= 0xa0 && tag <= 0xbf)
        n = tag & 0x1f;
    else if (tag >= 0xc4 && tag <= 0xc6)
        tag = number(r, 1 << (tag - 0xc4), &n) ? tag : 0;
    else if (tag >= 0xd9 && tag <= 0xdb)
        tag = number(r, 1 << (tag - 0xd9), &n) ? tag : 0;
    else
        return bad(r, "a map key is neither text nor a number");
    const uint8_t *p = tag ? take(r, n) : NULL;
    if (!p) return false;
    c2_jw_key_str(r->out, (struct c2_str){(const char *)p, (size_t)n});
    return r->out->ok;
}

static bool map(struct reader *r, uint64_t n, int depth)
{
    c2_jw_begin_object(r->out);
    for (uint64_t i = 0; i < n; i++)
        if (!key(r) || !value(r, depth + 1)) return false;
    c2_jw_end_object(r->out);
    return r->out->ok;
}

/* Application types carry bytes of their own meaning: shown by type and size. */
static bool too_deep(struct reader *r)
{
    return c2_fail(r->err, CAT2_ELIMIT, "msgpack: nested deeper than %d", (int)DEPTH_MAX);
}

static bool extension(struct reader *r, uint64_t n, int depth)
{
    uint64_t type;

    if (depth == DEPTH_MAX) return too_deep(r); /* it becomes an object with values, a level more */
    if (!number(r, 1, &type) || !take(r, n)) return false;
    c2_jw_begin_object(r->out);
    c2_jw_key(r->out, "__ext__");
    c2_jw_int(r->out, (int8_t)type);
    c2_jw_key(r->out, "nbytes");
    c2_jw_uint(r->out, n);
    c2_jw_end_object(r->out);
    return r->out->ok;
}

static bool real(struct reader *r, int width)
{
    uint64_t bits;
    double wide;
    float narrow;
    uint32_t low;

    if (!number(r, width, &bits)) return false;
    low = (uint32_t)bits;
    memcpy(&wide, &bits, sizeof(wide));
    memcpy(&narrow, &low, sizeof(narrow));
    c2_jw_real(r->out, width == 8 ? wide : (double)narrow);
    return r->out->ok;
}

static bool integer(struct reader *r, uint8_t tag)
{
    int width = 1 << (tag & 3);
    uint64_t n;

    if (!number(r, width, &n)) return false;
    if (tag >= 0xd0)
        c2_jw_int(r->out, sign_extend(n, width));
    else
        c2_jw_uint(r->out, n);
    return r->out->ok;
}

/* The tags 0xc0 to 0xdf. */
static bool tagged(struct reader *r, uint8_t tag, int depth)
{
    uint64_t n = 0;

    if (tag == 0xc0) c2_jw_null(r->out);
    if (tag == 0xc2 || tag == 0xc3) c2_jw_bool(r->out, tag == 0xc3);
    if (tag == 0xc0 || tag == 0xc2 || tag == 0xc3) return r->out->ok;
    if (tag == 0xc1) return bad(r, "the byte c1 is never used");
    if (tag == 0xca || tag == 0xcb) return real(r, tag == 0xca ? 4 : 8);
    if (tag >= 0xcc && tag <= 0xd3) return integer(r, tag);
    if (tag >= 0xd4 && tag <= 0xd8) return extension(r, 1u << (tag - 0xd4), depth);
    if (tag >= 0xc4 && tag <= 0xc6) return number(r, 1 << (tag - 0xc4), &n) && text(r, n);
    if (tag >= 0xc7 && tag <= 0xc9) return number(r, 1 << (tag - 0xc7), &n) && extension(r, n, depth);
    if (tag >= 0xd9 && tag <= 0xdb) return number(r, 1 << (tag - 0xd9), &n) && text(r, n);
    if (!number(r, tag & 1 ? 4 : 2, &n)) return false;
    return tag < 0xde ? array(r, n, depth) : map(r, n, depth);
}

static bool value(struct reader *r, int depth)
{
    uint64_t byte;

    if (depth > DEPTH_MAX) return too_deep(r);
    if (!number(r, 1, &byte)) return false;
    uint8_t tag = (uint8_t)byte;
    if (tag < 0x80 || tag >= 0xe0) {
        c2_jw_int(r->out, (int8_t)tag);
        return r->out->ok;
    }
    if (tag < 0x90) return map(r, tag & 0x0f, depth);
    if (tag < 0xa0) return array(r, tag & 0x0f, depth);
    if (tag < 0xc0) return text(r, tag & 0x1f);
    return tagged(r, tag, depth);
}

bool c2_msgpack_to_json(struct c2_bytes in, struct c2_jw *out, struct cat2_error *err)
{
    struct reader r = {in.p, in.p + in.n, out, err};

    if (!value(&r, 0)) return false;
    return r.p == r.end ||
           c2_fail(err, CAT2_EDATA, "msgpack: %zu bytes follow the value", (size_t)(r.end - r.p));
}

/* ---- the reverse ---- */

static bool put_head(struct c2_buf *out, uint8_t tag, uint64_t n, int width, struct cat2_error *err)
{
    uint8_t bytes[9] = {tag};

    for (int i = 0; i < width; i++)
        bytes[1 + i] = (uint8_t)(n >> 8 * (width - 1 - i));
    return c2_buf_append(out, bytes, (size_t)width + 1, err);
}

/* A length in its smallest form: `fix` holds up to fix_max in its low bits; tag8 0 when there is no 8-bit
 * form. */
static bool put_length(struct c2_buf *out, uint64_t n, uint8_t fix, uint8_t fix_max, uint8_t tag8,
                       uint8_t tag16, struct cat2_error *err)
{
    if (n <= fix_max) return put_head(out, (uint8_t)(fix | n), 0, 0, err);
    if (tag8 && n <= UINT8_MAX) return put_head(out, tag8, n, 1, err);
    if (n <= UINT16_MAX) return put_head(out, tag16, n, 2, err);
    return put_head(out, (uint8_t)(tag16 + 1), n, 4, err);
}

static bool put_text(struct c2_buf *out, struct c2_str s, struct cat2_error *err)
{
    return put_length(out, s.n, 0xa0, 31, 0xd9, 0xda, err) && c2_buf_append_str(out, s, err);
}

static bool put_unsigned(struct c2_buf *out, uint64_t n, struct cat2_error *err)
{
    if (n < 0x80) return put_head(out, (uint8_t)n, 0, 0, err);
    if (n <= UINT8_MAX) return put_head(out, 0xcc, n, 1, err);
    if (n <= UINT16_MAX) return put_head(out, 0xcd, n, 2, err);
    return n <= UINT32_MAX ? put_head(out, 0xce, n, 4, err) : put_head(out, 0xcf, n, 8, err);
}

static bool put_integer(struct c2_buf *out, int64_t n, struct cat2_error *err)
{
    if (n >= 0) return put_unsigned(out, (uint64_t)n, err);
    if (n >= -32) return put_head(out, (uint8_t)n, 0, 0, err);
    if (n >= INT8_MIN) return put_head(out, 0xd0, (uint64_t)n, 1, err);
    if (n >= INT16_MIN) return put_head(out, 0xd1, (uint64_t)n, 2, err);
    return n >= INT32_MIN ? put_head(out, 0xd2, (uint64_t)n, 4, err)
                          : put_head(out, 0xd3, (uint64_t)n, 8, err);
}

static bool put_container(struct c2_buf *out, struct c2_jval v, struct cat2_error *err)
{
    bool object = c2_jval_kind(v) == C2_JOBJECT;
    struct c2_jiter it = c2_jiter_of(v);
    struct c2_str name = {0};
    struct c2_jval item;
    bool ok = put_length(out, c2_jlen(v), object ? 0x80 : 0x90, 15, 0, object ? 0xde : 0xdc, err);

    while (ok && c2_jnext(&it, &name, &item))
        ok = (!object || put_text(out, name, err)) && c2_msgpack_from_json(item, out, err);
    return ok;
}

bool c2_msgpack_from_json(struct c2_jval v, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_str s = {0};
    int64_t n = 0;
    double d = 0;
    uint64_t bits;
    bool truth = false;

    switch (c2_jval_kind(v)) {
    case C2_JSTR:
        c2_jstr(v, &s);
        return put_text(out, s, err);
    case C2_JINT:
        c2_jint(v, &n);
        return put_integer(out, n, err);
    case C2_JUINT:
        return put_unsigned(out, c2_juint(v), err);
    case C2_JREAL:
        c2_jreal(v, &d);
        memcpy(&bits, &d, sizeof(bits));
        return put_head(out, 0xcb, bits, 8, err);
    case C2_JBOOL:
        c2_jbool(v, &truth);
        return put_head(out, truth ? 0xc3 : 0xc2, 0, 0, err);
    case C2_JARRAY:
    case C2_JOBJECT:
        return put_container(out, v, err);
    default:
        return put_head(out, 0xc0, 0, 0, err);
    }
}
