/* SPDX-License-Identifier: BSD-3-Clause */
/* Two walks over one msgpack value: the first learns kind and shape, the second collects. */
#include "wire/packed.h"

#include "base/endian.h"
#include "wire/mp.h"

#define EXACT_INT (INT64_C(1) << 53) /* larger integers do not fit a double */

struct look {
    struct c2_mp_reader in;
    struct c2_packed_shape *shape;
    bool large; /* an integer that a double may not hold */
    bool leaves;
};
struct collect {
    struct c2_mp_reader in;
    const struct c2_packed_shape *shape;
    struct c2_buf *out;
};

static bool other(struct look *w)
{
    w->shape->kind = C2_PACKED_OTHER;
    return true;
}

static enum c2_packed_kind kind_of(const struct c2_mp_node *node)
{
    static const enum c2_packed_kind kinds[] = {
        [C2_MP_NIL] = C2_PACKED_OTHER,  [C2_MP_BOOL] = C2_PACKED_BOOL, [C2_MP_INT] = C2_PACKED_INT,
        [C2_MP_REAL] = C2_PACKED_REAL,  [C2_MP_TEXT] = C2_PACKED_TEXT, [C2_MP_BYTES] = C2_PACKED_BYTES,
        [C2_MP_LIST] = C2_PACKED_OTHER, [C2_MP_MAP] = C2_PACKED_OTHER, [C2_MP_EXT] = C2_PACKED_OTHER};
    return kinds[node->kind];
}

static bool look_at_leaf(struct look *w, const struct c2_mp_node *t, int depth)
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

/* All lists of a level have the same length, and values are at the innermost level only. */
static bool look(struct look *w, int depth)
{
    struct c2_packed_shape *shape = w->shape;
    struct c2_mp_node t;

    if (!c2_mp_read(&w->in, &t)) return false;
    if (t.kind != C2_MP_LIST) return look_at_leaf(w, &t, depth);
    uint32_t n = c2_mp_skip_tuple_mark(&w->in, t.n);
    if (depth == C2_PACKED_DIM_MAX || (w->leaves && depth >= shape->ndim)) return other(w);
    if (shape->dims[depth] >= 0 && shape->dims[depth] != n) return other(w);
    shape->dims[depth] = n;
    if (n == 0) {
        if (w->leaves && depth + 1 != shape->ndim) return other(w);
        w->leaves = true;
        shape->ndim = depth + 1;
    }
    for (uint32_t i = 0; i < n && shape->kind != C2_PACKED_OTHER; i++)
        if (!look(w, depth + 1)) return false;
    return true;
}

bool c2_packed_look(struct c2_bytes msgpack, struct c2_packed_shape *out, struct cat2_error *err)
{
    struct look w = {.in = c2_mp_reader_of(msgpack, err), .shape = out};

    *out = (struct c2_packed_shape){.kind = C2_PACKED_NONE, .one_width = true};
    for (int i = 0; i < C2_PACKED_DIM_MAX; i++)
        out->dims[i] = -1;
    if (!look(&w, 0)) return false;
    return out->kind == C2_PACKED_OTHER || c2_mp_at_end(&w.in);
}

static bool collect_leaf(struct collect *w, const struct c2_mp_node *t)
{
    uint8_t word[8];
    double d = t->kind == C2_MP_REAL ? t->d : (double)t->i;
    uint64_t bits = t->u;

    switch (w->shape->kind) {
    case C2_PACKED_BOOL:
        return c2_buf_putc(w->out, t->b, w->in.err);
    case C2_PACKED_REAL:
        memcpy(&bits, &d, sizeof(bits));
        c2_put_le64(word, bits);
        return c2_buf_append(w->out, word, 8, w->in.err);
    case C2_PACKED_INT:
        c2_put_le64(word, bits);
        return c2_buf_append(w->out, word, 8, w->in.err);
    default:
        break;
    }
    if (!c2_buf_append(w->out, t->bytes.p, t->bytes.n, w->in.err)) return false;
    if (w->shape->kind == C2_PACKED_TEXT) return c2_buf_putc(w->out, '\0', w->in.err);
    size_t padding = w->shape->width - t->bytes.n, at = w->out->n;
    if (!c2_buf_resize(w->out, at + padding, w->in.err)) return false;
    if (padding) memset(w->out->p + at, 0, padding);
    return true;
}

static bool collect(struct collect *w)
{
    struct c2_mp_node t;

    if (!c2_mp_read(&w->in, &t)) return false;
    if (t.kind != C2_MP_LIST) return collect_leaf(w, &t);
    uint32_t n = c2_mp_skip_tuple_mark(&w->in, t.n);
    for (uint32_t i = 0; i < n; i++)
        if (!collect(w)) return false;
    return true;
}

bool c2_packed_values(struct c2_bytes msgpack, const struct c2_packed_shape *shape, struct c2_buf *out,
                      struct cat2_error *err)
{
    struct collect w = {.in = c2_mp_reader_of(msgpack, err), .shape = shape, .out = out};

    C2_ASSERT(shape->kind != C2_PACKED_OTHER);
    return collect(&w);
}

static bool pairs(struct c2_bytes msgpack, c2_packed_pair *fn, void *ctx, struct cat2_error *err)
{
    struct c2_mp_reader r = c2_mp_reader_of(msgpack, err);
    struct c2_mp_node map, key;

    if (!c2_mp_read(&r, &map)) return false;
    if (map.kind != C2_MP_MAP) return c2_fail(err, CAT2_EDATA, "msgpack: no map");
    for (uint32_t i = 0; i < map.n; i++) {
        if (!c2_mp_read(&r, &key)) return false;
        const uint8_t *start = r.p;
        if (key.kind != C2_MP_TEXT) return c2_fail(err, CAT2_EDATA, "msgpack: a map key is no text");
        if (!c2_mp_skip(&r)) return false;
        struct c2_str name = {(const char *)key.bytes.p, key.bytes.n};
        if (fn && !fn(ctx, name, (struct c2_bytes){start, (size_t)(r.p - start)}, err)) return false;
    }
    return c2_mp_at_end(&r);
}

bool c2_packed_is_text_map(struct c2_bytes msgpack)
{
    struct cat2_error ignored;
    return pairs(msgpack, NULL, NULL, &ignored);
}

bool c2_packed_each(struct c2_bytes text_map, c2_packed_pair *fn, void *ctx, struct cat2_error *err)
{
    return pairs(text_map, fn, ctx, err);
}
