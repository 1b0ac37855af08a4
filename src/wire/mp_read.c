/* SPDX-License-Identifier: BSD-3-Clause */
/* The one place that knows how msgpack is laid out, for all that read it. */
#include "base/endian.h"
#include "wire/mp.h"

static bool bad(const struct c2_mp_reader *r, const char *what)
{
    return c2_fail(r->err, CAT2_EDATA, "msgpack: %s", what);
}

static bool take(struct c2_mp_reader *r, uint64_t n, const uint8_t **out)
{
    if (n > (uint64_t)(r->end - r->p)) return bad(r, "ends early");
    *out = r->p;
    r->p += n;
    return true;
}

/* A big-endian unsigned number of 1, 2, 4 or 8 bytes. */
static bool number(struct c2_mp_reader *r, int width, uint64_t *out)
{
    const uint8_t *p = NULL;

    if (!take(r, (uint64_t)width, &p)) return false;
    *out = width == 1 ? *p : width == 2 ? c2_be16(p) : width == 4 ? c2_be32(p) : c2_be64(p);
    return true;
}

static bool bytes(struct c2_mp_reader *r, enum c2_mp_kind kind, uint64_t n, struct c2_mp_node *node)
{
    node->kind = kind;
    node->bytes.n = (size_t)n;
    return take(r, n, &node->bytes.p);
}

static bool sized(struct c2_mp_reader *r, enum c2_mp_kind kind, int width, struct c2_mp_node *node)
{
    uint64_t n;

    return number(r, width, &n) && bytes(r, kind, n, node);
}

static int64_t signed_byte(uint64_t byte)
{
    return (int64_t)(byte ^ 0x80) - 0x80;
}

static bool extension(struct c2_mp_reader *r, uint64_t n, struct c2_mp_node *node)
{
    uint64_t type;

    if (!number(r, 1, &type)) return false;
    node->i = signed_byte(type);
    return bytes(r, C2_MP_EXT, n, node);
}

static bool integer(struct c2_mp_reader *r, uint8_t tag, struct c2_mp_node *node)
{
    int width = 1 << (tag & 3);
    uint64_t n;

    if (!number(r, width, &n)) return false;
    node->kind = C2_MP_INT;
    node->u = n;
    node->huge = tag == 0xcf && n > INT64_MAX;
    if (tag >= 0xd0 && width < 8) node->i = width == 1 ? (int8_t)n : width == 2 ? (int16_t)n : (int32_t)n;
    return true;
}

static bool real(struct c2_mp_reader *r, int width, struct c2_mp_node *node)
{
    uint64_t bits;
    float narrow;

    if (!number(r, width, &bits)) return false;
    uint32_t low = (uint32_t)bits;
    node->kind = C2_MP_REAL;
    memcpy(&narrow, &low, sizeof(narrow));
    memcpy(&node->d, &bits, sizeof(node->d));
    if (width == 4) node->d = (double)narrow;
    return true;
}

/* What it holds takes a byte each at least. */
static bool container(struct c2_mp_reader *r, bool map, uint64_t n, struct c2_mp_node *node)
{
    node->kind = map ? C2_MP_MAP : C2_MP_LIST;
    node->n = (uint32_t)n;
    return c2_mp_children(node) <= (uint64_t)(r->end - r->p) || bad(r, "ends early");
}

static bool short_form(struct c2_mp_reader *r, uint8_t tag, struct c2_mp_node *node)
{
    if (tag >= 0xa0 && tag < 0xc0) return bytes(r, C2_MP_TEXT, tag & 0x1f, node);
    if (tag >= 0x80 && tag < 0xa0) return container(r, tag < 0x90, tag & 0x0f, node);
    node->kind = C2_MP_INT;
    node->i = signed_byte(tag);
    return true;
}

bool c2_mp_read(struct c2_mp_reader *r, struct c2_mp_node *node)
{
    uint64_t n;

    *node = (struct c2_mp_node){.kind = C2_MP_NIL, .span = 1};
    if (!number(r, 1, &n)) return false;
    uint8_t tag = (uint8_t)n;
    if (tag < 0xc0 || tag >= 0xe0) return short_form(r, tag, node);
    if (tag == 0xc1) return bad(r, "the byte c1 is never used");
    if (tag <= 0xc3) {
        if (tag != 0xc0) node->kind = C2_MP_BOOL;
        node->b = tag == 0xc3;
        return true;
    }
    if (tag <= 0xc6) return sized(r, C2_MP_BYTES, 1 << (tag - 0xc4), node);
    if (tag <= 0xc9) return number(r, 1 << (tag - 0xc7), &n) && extension(r, n, node);
    if (tag <= 0xcb) return real(r, tag == 0xca ? 4 : 8, node);
    if (tag <= 0xd3) return integer(r, tag, node);
    if (tag <= 0xd8) return extension(r, UINT64_C(1) << (tag - 0xd4), node);
    if (tag <= 0xdb) return sized(r, C2_MP_TEXT, 1 << (tag - 0xd9), node);
    return number(r, tag & 1 ? 4 : 2, &n) && container(r, tag >= 0xde, n, node);
}

bool c2_mp_skip(struct c2_mp_reader *r)
{
    struct c2_mp_node node;

    for (uint64_t left = 1; left > 0; left--) {
        if (!c2_mp_read(r, &node)) return false;
        left += c2_mp_children(&node);
    }
    return true;
}

uint32_t c2_mp_skip_tuple_mark(struct c2_mp_reader *r, uint32_t n)
{
    static const char mark[] = "\xa9__tuple__";

    if (n == 0 || (size_t)(r->end - r->p) < sizeof(mark) - 1 || memcmp(r->p, mark, sizeof(mark) - 1) != 0)
        return n;
    r->p += sizeof(mark) - 1;
    return n - 1;
}

bool c2_mp_at_end(const struct c2_mp_reader *r)
{
    return r->p == r->end ||
           c2_fail(r->err, CAT2_EDATA, "msgpack: %zu bytes follow the value", (size_t)(r->end - r->p));
}
