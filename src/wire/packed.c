/* SPDX-License-Identifier: BSD-3-Clause */
/* Two walks over one msgpack value: the first learns kind and shape, the second collects. */
#include "wire/packed.h"

#include "base/endian.h"
#include "base/limits.h"

#define EXACT_INT (INT64_C(1) << 53) /* larger integers do not fit a double */

enum token_kind { NIL, BOOLEAN, INTEGER, REAL, TEXT, BYTES, LIST, MAP, EXTENSION };
struct token {
    enum token_kind kind;
    bool huge; /* INTEGER above INT64_MAX: in u */
    union {
        int64_t i;
        uint64_t u;
        double d;
    };
    struct c2_bytes bytes; /* TEXT, BYTES, EXTENSION */
    uint64_t n;            /* items of LIST, pairs of MAP */
};

struct walk {
    const uint8_t *p, *end;
    struct c2_packed_shape *shape; /* the first walk writes it */
    const struct c2_packed_shape *known;
    struct c2_buf *out; /* of the second walk */
    struct cat2_error *err;
    bool large; /* an integer that a double may not hold */
    bool leaves;
};

static bool bad(const struct walk *w)
{
    return c2_fail(w->err, CAT2_EDATA, "attribute: not msgpack");
}

static bool take(struct walk *w, uint64_t n, const uint8_t **out)
{
    if (n > (uint64_t)(w->end - w->p)) return bad(w);
    *out = w->p;
    w->p += n;
    return true;
}

static bool number(struct walk *w, int width, uint64_t *out)
{
    const uint8_t *p = NULL;

    if (!take(w, (uint64_t)width, &p)) return false;
    *out = width == 1 ? *p : width == 2 ? c2_be16(p) : width == 4 ? c2_be32(p) : c2_be64(p);
    return true;
}

static bool integer(struct walk *w, uint8_t tag, struct token *out)
{
    int width = 1 << (tag & 3);
    uint64_t n;

    if (!number(w, width, &n)) return false;
    out->kind = INTEGER;
    out->huge = tag == 0xcf && n > INT64_MAX;
    out->u = n;
    if (tag >= 0xd0 && width < 8) out->i = width == 1 ? (int8_t)n : width == 2 ? (int16_t)n : (int32_t)n;
    return true;
}

static bool real(struct walk *w, uint8_t tag, struct token *out)
{
    uint64_t bits;
    float single;

    if (!number(w, tag == 0xca ? 4 : 8, &bits)) return false;
    uint32_t half = (uint32_t)bits;
    out->kind = REAL;
    if (tag == 0xca) {
        memcpy(&single, &half, sizeof(single));
        out->d = (double)single;
    } else {
        memcpy(&out->d, &bits, sizeof(out->d));
    }
    return true;
}

static bool sized(struct walk *w, enum token_kind kind, uint64_t n, struct token *out)
{
    out->kind = kind;
    out->bytes.n = (size_t)n;
    return take(w, n, &out->bytes.p);
}

static bool short_form(struct walk *w, uint8_t tag, struct token *out)
{
    if (tag < 0x80 || tag >= 0xe0) {
        out->kind = INTEGER;
        out->i = tag < 0x80 ? tag : (int)tag - 256;
        return true;
    }
    if (tag >= 0xa0) return sized(w, TEXT, tag & 0x1f, out);
    out->kind = tag < 0x90 ? MAP : LIST;
    out->n = tag & 0x0f;
    return true;
}

static bool next(struct walk *w, struct token *out)
{
    uint64_t n;
    const uint8_t *p = NULL;

    *out = (struct token){0};
    if (!number(w, 1, &n)) return false;
    uint8_t tag = (uint8_t)n;
    if (tag < 0xc0 || tag >= 0xe0) return short_form(w, tag, out);
    if (tag == 0xc1) return bad(w);
    if (tag <= 0xc3) {
        out->kind = tag == 0xc0 ? NIL : BOOLEAN;
        out->i = tag == 0xc3;
        return true;
    }
    if (tag <= 0xc6) return number(w, 1 << (tag - 0xc4), &n) && sized(w, BYTES, n, out);
    if (tag <= 0xc9) return number(w, 1 << (tag - 0xc7), &n) && take(w, 1, &p) && sized(w, EXTENSION, n, out);
    if (tag <= 0xcb) return real(w, tag, out);
    if (tag <= 0xd3) return integer(w, tag, out);
    if (tag <= 0xd8) return take(w, 1, &p) && sized(w, EXTENSION, UINT64_C(1) << (tag - 0xd4), out);
    if (tag <= 0xdb) return number(w, 1 << (tag - 0xd9), &n) && sized(w, TEXT, n, out);
    out->kind = tag <= 0xdd ? LIST : MAP;
    return number(w, tag & 1 ? 4 : 2, &out->n);
}

/* Python's tuples are lists that begin with a mark. */
static uint64_t skip_tuple_mark(struct walk *w, uint64_t n)
{
    static const char mark[] = "\xa9__tuple__";

    if (n == 0 || (size_t)(w->end - w->p) < sizeof(mark) - 1 || memcmp(w->p, mark, sizeof(mark) - 1) != 0)
        return n;
    w->p += sizeof(mark) - 1;
    return n - 1;
}

static bool other(struct walk *w)
{
    w->shape->kind = C2_PACKED_OTHER;
    return true;
}

static enum c2_packed_kind kind_of(const struct token *t)
{
    static const enum c2_packed_kind kinds[] = {
        [NIL] = C2_PACKED_OTHER,  [BOOLEAN] = C2_PACKED_BOOL, [INTEGER] = C2_PACKED_INT,
        [REAL] = C2_PACKED_REAL,  [TEXT] = C2_PACKED_TEXT,    [BYTES] = C2_PACKED_BYTES,
        [LIST] = C2_PACKED_OTHER, [MAP] = C2_PACKED_OTHER,    [EXTENSION] = C2_PACKED_OTHER};
    return kinds[t->kind];
}

static bool look_at_leaf(struct walk *w, const struct token *t, int depth)
{
    struct c2_packed_shape *shape = w->shape;
    enum c2_packed_kind kind = kind_of(t);

    if (kind == C2_PACKED_OTHER || (w->leaves && depth != shape->ndim)) return other(w);
    w->leaves = true;
    shape->ndim = depth;
    bool mixed = (kind == C2_PACKED_INT && shape->kind == C2_PACKED_REAL) ||
                 (kind == C2_PACKED_REAL && shape->kind == C2_PACKED_INT);
    if (shape->kind != C2_PACKED_NONE && shape->kind != kind && !mixed) return other(w);
    shape->kind = mixed ? C2_PACKED_REAL : kind;
    if (kind == C2_PACKED_INT) {
        shape->huge |= t->huge;
        shape->negative |= !t->huge && t->i < 0;
        w->large |= t->huge || t->i > EXACT_INT || t->i < -EXACT_INT;
    }
    if ((shape->huge && shape->negative) || (shape->kind == C2_PACKED_REAL && w->large)) return other(w);
    if (kind == C2_PACKED_TEXT && memchr(t->bytes.p, 0, t->bytes.n)) return other(w);
    if (kind == C2_PACKED_BYTES) {
        if (shape->nvalues > 0 && t->bytes.n != shape->width) shape->one_width = false;
        if (t->bytes.n > shape->width) shape->width = t->bytes.n;
        shape->nul_at_end |= t->bytes.n > 0 && t->bytes.p[t->bytes.n - 1] == 0;
    }
    shape->nvalues++;
    return true;
}

/* Lists of one level all have one length, and values stand at one level only. */
static bool look(struct walk *w, int depth)
{
    struct c2_packed_shape *shape = w->shape;
    struct token t;

    if (!next(w, &t)) return false;
    if (t.kind != LIST) return look_at_leaf(w, &t, depth);
    uint64_t n = skip_tuple_mark(w, t.n);
    if (depth == C2_PACKED_DIM_MAX || (w->leaves && depth >= shape->ndim) || n > INT64_MAX) return other(w);
    if (shape->dims[depth] >= 0 && shape->dims[depth] != (int64_t)n) return other(w);
    shape->dims[depth] = (int64_t)n;
    if (n == 0) {
        if (w->leaves && depth + 1 != shape->ndim) return other(w);
        w->leaves = true;
        shape->ndim = depth + 1;
    }
    for (uint64_t i = 0; i < n && shape->kind != C2_PACKED_OTHER; i++)
        if (!look(w, depth + 1)) return false;
    return true;
}

bool c2_packed_look(struct c2_bytes msgpack, struct c2_packed_shape *out, struct cat2_error *err)
{
    struct walk w = {.p = msgpack.p, .end = msgpack.p + msgpack.n, .shape = out, .err = err};

    *out = (struct c2_packed_shape){.kind = C2_PACKED_NONE, .one_width = true};
    for (int i = 0; i < C2_PACKED_DIM_MAX; i++)
        out->dims[i] = -1;
    if (!look(&w, 0)) return false;
    return out->kind == C2_PACKED_OTHER || w.p == w.end || bad(&w);
}

static bool collect_leaf(struct walk *w, const struct token *t)
{
    uint8_t word[8] = {(uint8_t)t->i};
    double d = t->kind == REAL ? t->d : (double)t->i;
    uint64_t bits = t->u;

    switch (w->known->kind) {
    case C2_PACKED_BOOL:
        return c2_buf_append(w->out, word, 1, w->err);
    case C2_PACKED_REAL:
        memcpy(&bits, &d, sizeof(bits));
        c2_put_le64(word, bits);
        return c2_buf_append(w->out, word, 8, w->err);
    case C2_PACKED_INT:
        c2_put_le64(word, bits);
        return c2_buf_append(w->out, word, 8, w->err);
    default:
        break;
    }
    if (!c2_buf_append(w->out, t->bytes.p, t->bytes.n, w->err)) return false;
    if (w->known->kind == C2_PACKED_TEXT) return c2_buf_putc(w->out, '\0', w->err);
    size_t padding = w->known->width - t->bytes.n, at = w->out->n;
    if (!c2_buf_resize(w->out, at + padding, w->err)) return false;
    if (padding) memset(w->out->p + at, 0, padding);
    return true;
}

static bool collect(struct walk *w)
{
    struct token t;

    if (!next(w, &t)) return false;
    if (t.kind != LIST) return collect_leaf(w, &t);
    uint64_t n = skip_tuple_mark(w, t.n);
    for (uint64_t i = 0; i < n; i++)
        if (!collect(w)) return false;
    return true;
}

bool c2_packed_values(struct c2_bytes msgpack, const struct c2_packed_shape *shape, struct c2_buf *out,
                      struct cat2_error *err)
{
    struct walk w = {.p = msgpack.p, .end = msgpack.p + msgpack.n, .known = shape, .out = out, .err = err};

    C2_ASSERT(shape->kind != C2_PACKED_OTHER);
    return collect(&w);
}

/* Past one value. */
static bool pass(struct walk *w, int depth)
{
    struct token t;

    if (depth > C2_MSGPACK_DEPTH_MAX || !next(w, &t)) return bad(w);
    uint64_t n = t.kind == LIST ? t.n : t.kind == MAP ? 2 * t.n : 0;
    for (uint64_t i = 0; i < n; i++)
        if (!pass(w, depth + 1)) return false;
    return true;
}

static bool pairs(struct c2_bytes msgpack,
                  bool (*fn)(void *ctx, struct c2_str key, struct c2_bytes value, struct cat2_error *err),
                  void *ctx, struct cat2_error *err)
{
    struct walk w = {.p = msgpack.p, .end = msgpack.p + msgpack.n, .err = err};
    struct token map, key;

    if (!next(&w, &map)) return false;
    if (map.kind != MAP) return bad(&w);
    for (uint64_t i = 0; i < map.n; i++) {
        if (!next(&w, &key)) return false;
        const uint8_t *start = w.p;
        if (key.kind != TEXT || !pass(&w, 0)) return bad(&w);
        struct c2_str name = {(const char *)key.bytes.p, key.bytes.n};
        if (fn && !fn(ctx, name, (struct c2_bytes){start, (size_t)(w.p - start)}, err)) return false;
    }
    return w.p == w.end || bad(&w);
}

bool c2_packed_is_text_map(struct c2_bytes msgpack)
{
    struct cat2_error ignored;
    return pairs(msgpack, NULL, NULL, &ignored);
}

bool c2_packed_each(struct c2_bytes text_map,
                    bool (*fn)(void *ctx, struct c2_str key, struct c2_bytes value, struct cat2_error *err),
                    void *ctx, struct cat2_error *err)
{
    return pairs(text_map, fn, ctx, err);
}
