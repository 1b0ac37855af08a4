/* SPDX-License-Identifier: BSD-3-Clause */
/* One pass over the bytes; a stack says how many children are still to come. */
#include "wire/mp.h"

#include <stdlib.h>

#include "base/endian.h"
#include "base/limits.h"

struct parser {
    const uint8_t *p, *end;
    struct c2_mp_node *nodes;
    uint32_t n, cap, max;
    struct cat2_error *err;
};

void c2_mp_fini(struct c2_mp *mp)
{
    free(mp->nodes);
    *mp = (struct c2_mp){0};
}

static bool bad(const struct parser *parser)
{
    return c2_fail(parser->err, CAT2_EDATA, "not msgpack");
}

static bool take(struct parser *parser, uint64_t n, const uint8_t **out)
{
    if (n > (uint64_t)(parser->end - parser->p)) return bad(parser);
    *out = parser->p;
    parser->p += n;
    return true;
}

static bool number(struct parser *parser, int width, uint64_t *out)
{
    const uint8_t *p = NULL;

    if (!take(parser, (uint64_t)width, &p)) return false;
    *out = width == 1 ? *p : width == 2 ? c2_be16(p) : width == 4 ? c2_be32(p) : c2_be64(p);
    return true;
}

static bool sized(struct parser *parser, enum c2_mp_kind kind, int width, struct c2_mp_node *node)
{
    uint64_t n;
    const uint8_t *p = NULL;

    if (!number(parser, width, &n) || (kind == C2_MP_EXT && !take(parser, 1, &p))) return false;
    node->kind = kind;
    node->bytes.n = (size_t)n;
    return take(parser, n, &node->bytes.p);
}

static bool integer(struct parser *parser, uint8_t tag, struct c2_mp_node *node)
{
    int width = 1 << (tag & 3);
    uint64_t n;

    if (!number(parser, width, &n)) return false;
    node->kind = C2_MP_INT;
    node->u = n;
    node->huge = tag == 0xcf && n > INT64_MAX;
    if (tag >= 0xd0 && width < 8) node->i = width == 1 ? (int8_t)n : width == 2 ? (int16_t)n : (int32_t)n;
    return true;
}

static bool real(struct parser *parser, uint8_t tag, struct c2_mp_node *node)
{
    uint64_t bits;
    float single;

    if (!number(parser, tag == 0xca ? 4 : 8, &bits)) return false;
    uint32_t half = (uint32_t)bits;
    node->kind = C2_MP_REAL;
    memcpy(&single, &half, sizeof(single));
    if (tag == 0xca)
        node->d = (double)single;
    else
        memcpy(&node->d, &bits, sizeof(node->d));
    return true;
}

static bool container(struct parser *parser, bool map, int width, struct c2_mp_node *node)
{
    uint64_t n;

    if (!number(parser, width, &n)) return false;
    if (n > parser->max)
        return c2_fail(parser->err, CAT2_ELIMIT, "msgpack of more than %u values", parser->max);
    node->kind = map ? C2_MP_MAP : C2_MP_LIST;
    node->n = (uint32_t)n;
    return true;
}

static bool short_form(struct parser *parser, uint8_t tag, struct c2_mp_node *node)
{
    if (tag < 0x80 || tag >= 0xe0) {
        node->kind = C2_MP_INT;
        node->i = tag < 0x80 ? tag : (int)tag - 256;
        return true;
    }
    if (tag >= 0xa0) {
        node->kind = C2_MP_TEXT;
        node->bytes.n = tag & 0x1f;
        return take(parser, node->bytes.n, &node->bytes.p);
    }
    node->kind = tag < 0x90 ? C2_MP_MAP : C2_MP_LIST;
    node->n = tag & 0x0f;
    return true;
}

static bool read_node(struct parser *parser, struct c2_mp_node *node)
{
    const uint8_t *p = NULL;

    *node = (struct c2_mp_node){.kind = C2_MP_NIL, .span = 1};
    if (!take(parser, 1, &p)) return false;
    uint8_t tag = *p;
    if (tag < 0xc0 || tag >= 0xe0) return short_form(parser, tag, node);
    if (tag == 0xc1) return bad(parser);
    if (tag <= 0xc3) {
        if (tag != 0xc0) node->kind = C2_MP_BOOL;
        node->b = tag == 0xc3;
        return true;
    }
    if (tag <= 0xc6) return sized(parser, C2_MP_BYTES, 1 << (tag - 0xc4), node);
    if (tag <= 0xc9) return sized(parser, C2_MP_EXT, 1 << (tag - 0xc7), node);
    if (tag <= 0xcb) return real(parser, tag, node);
    if (tag <= 0xd3) return integer(parser, tag, node);
    if (tag <= 0xd8) {
        node->kind = C2_MP_EXT;
        node->bytes.n = (size_t)1 << (tag - 0xd4);
        return take(parser, 1, &p) && take(parser, node->bytes.n, &node->bytes.p);
    }
    if (tag <= 0xdb) return sized(parser, C2_MP_TEXT, 1 << (tag - 0xd9), node);
    return container(parser, tag >= 0xde, tag & 1 ? 4 : 2, node);
}

static bool grow(struct parser *parser)
{
    if (parser->n < parser->cap) return true;
    if (parser->n == parser->max)
        return c2_fail(parser->err, CAT2_ELIMIT, "msgpack of more than %u values", parser->max);
    uint32_t cap = parser->cap ? (uint32_t)c2_min_i64(2 * (int64_t)parser->cap, parser->max) : 16;
    struct c2_mp_node *grown = realloc(parser->nodes, cap * sizeof(*grown));
    if (!grown) return c2_fail_nomem(parser->err, "msgpack");
    parser->nodes = grown;
    parser->cap = cap;
    return true;
}

static bool parse(struct parser *parser)
{
    struct {
        uint32_t node;
        uint64_t left;
    } open[C2_MSGPACK_DEPTH_MAX];
    int depth = 0;

    do {
        if (!grow(parser) || !read_node(parser, &parser->nodes[parser->n])) return false;
        const struct c2_mp_node *node = &parser->nodes[parser->n++];
        uint64_t children = node->kind == C2_MP_LIST  ? node->n
                            : node->kind == C2_MP_MAP ? 2 * (uint64_t)node->n
                                                      : 0;
        if (depth) open[depth - 1].left--;
        if (children) {
            if (depth == C2_MSGPACK_DEPTH_MAX)
                return c2_fail(parser->err, CAT2_ELIMIT, "msgpack nests too deep");
            open[depth].node = parser->n - 1;
            open[depth++].left = children;
        }
        for (; depth && open[depth - 1].left == 0; depth--)
            parser->nodes[open[depth - 1].node].span = parser->n - open[depth - 1].node;
    } while (depth);
    return parser->p == parser->end || bad(parser);
}

bool c2_mp_parse(struct c2_bytes in, uint32_t max, struct c2_mp *out, struct cat2_error *err)
{
    struct parser parser = {.p = in.p, .end = in.p + in.n, .max = max, .err = err};

    if (!parse(&parser)) {
        free(parser.nodes);
        return false;
    }
    *out = (struct c2_mp){parser.nodes, parser.n};
    return true;
}

/* ---- looking ---- */

const struct c2_mp_node *c2_mp_get(const struct c2_mp_node *map, const char *key)
{
    if (!map || map->kind != C2_MP_MAP) return NULL;
    const struct c2_mp_node *at = map + 1;
    for (uint32_t i = 0; i < map->n; i++) {
        const struct c2_mp_node *value = c2_mp_next(at);
        if (at->kind == C2_MP_TEXT && c2_mp_is(at, key)) return value;
        at = c2_mp_next(value);
    }
    return NULL;
}

uint32_t c2_mp_count(const struct c2_mp_node *list)
{
    return list && list->kind == C2_MP_LIST ? list->n : 0;
}

const struct c2_mp_node *c2_mp_item(const struct c2_mp_node *list, uint32_t i)
{
    if (i >= c2_mp_count(list)) return NULL;
    const struct c2_mp_node *at = list + 1;
    for (; i; i--)
        at = c2_mp_next(at);
    return at;
}

bool c2_mp_is(const struct c2_mp_node *node, const char *text)
{
    return node && node->kind == C2_MP_TEXT &&
           c2_str_is((struct c2_str){(const char *)node->bytes.p, node->bytes.n}, text);
}

bool c2_mp_int(const struct c2_mp_node *node, int64_t min, int64_t max, int64_t *out)
{
    if (!node || node->kind != C2_MP_INT || node->huge || node->i < min || node->i > max) return false;
    *out = node->i;
    return true;
}

bool c2_mp_name(const struct c2_mp_node *node, struct c2_str *out)
{
    if (!node || (node->kind != C2_MP_TEXT && node->kind != C2_MP_BYTES)) return false;
    if (node->bytes.n && memchr(node->bytes.p, 0, node->bytes.n)) return false;
    *out = (struct c2_str){(const char *)node->bytes.p, node->bytes.n};
    return true;
}

bool c2_mp_true(const struct c2_mp_node *node)
{
    return node && node->kind == C2_MP_BOOL && node->b;
}

/* ---- writing ---- */

void c2_mpw_init(struct c2_mpw *w, struct c2_buf *out, struct cat2_error *err)
{
    *w = (struct c2_mpw){out, err, true};
}

static void put(struct c2_mpw *w, uint8_t tag, uint64_t value, int width)
{
    uint8_t bytes[9] = {tag}, wide[8];

    c2_put_be64(wide, value);
    memcpy(bytes + 1, wide + 8 - width, (size_t)width);
    w->ok = w->ok && c2_buf_append(w->out, bytes, 1 + (size_t)width, w->err);
}

void c2_mpw_nil(struct c2_mpw *w)
{
    put(w, 0xc0, 0, 0);
}

void c2_mpw_bool(struct c2_mpw *w, bool value)
{
    put(w, value ? 0xc3 : 0xc2, 0, 0);
}

void c2_mpw_uint(struct c2_mpw *w, uint64_t value)
{
    if (value < 0x80)
        put(w, (uint8_t)value, 0, 0);
    else if (value <= 0xff)
        put(w, 0xcc, value, 1);
    else if (value <= 0xffff)
        put(w, 0xcd, value, 2);
    else
        put(w, value <= UINT32_MAX ? 0xce : 0xcf, value, value <= UINT32_MAX ? 4 : 8);
}

void c2_mpw_int(struct c2_mpw *w, int64_t value)
{
    if (value >= 0)
        c2_mpw_uint(w, (uint64_t)value);
    else if (value >= -32)
        put(w, (uint8_t)value, 0, 0);
    else
        put(w, 0xd3, (uint64_t)value, 8);
}

static void text(struct c2_mpw *w, struct c2_str s)
{
    if (s.n < 32)
        put(w, (uint8_t)(0xa0 | s.n), 0, 0);
    else
        put(w,
            s.n <= 0xff     ? 0xd9
            : s.n <= 0xffff ? 0xda
                            : 0xdb,
            s.n,
            s.n <= 0xff     ? 1
            : s.n <= 0xffff ? 2
                            : 4);
    w->ok = w->ok && c2_buf_append_str(w->out, s, w->err);
}

void c2_mpw_text(struct c2_mpw *w, const char *s)
{
    text(w, c2_str_of(s));
}

void c2_mpw_name(struct c2_mpw *w, struct c2_str name)
{
    if (c2_str_is_utf8(name))
        text(w, name);
    else
        c2_mpw_bytes(w, (struct c2_bytes){(const uint8_t *)name.p, name.n});
}

void c2_mpw_bytes(struct c2_mpw *w, struct c2_bytes bytes)
{
    size_t n = bytes.n;

    put(w, n <= 0xff ? 0xc4 : n <= 0xffff ? 0xc5 : 0xc6, n, n <= 0xff ? 1 : n <= 0xffff ? 2 : 4);
    c2_mpw_raw(w, bytes);
}

void c2_mpw_raw(struct c2_mpw *w, struct c2_bytes packed)
{
    w->ok = w->ok && c2_buf_append(w->out, packed.p, packed.n, w->err);
}

size_t c2_mpw_open(struct c2_mpw *w, enum c2_mp_kind kind)
{
    put(w, kind == C2_MP_MAP ? 0xdf : 0xdd, 0, 4);
    return w->out->n;
}

void c2_mpw_close(struct c2_mpw *w, size_t opened, size_t n)
{
    if (w->ok) c2_put_be32(w->out->p + opened - 4, (uint32_t)n);
}
