/* SPDX-License-Identifier: BSD-3-Clause */
/* One pass over the bytes; a stack says how many children are still to come. */
#include "wire/mp.h"

#include "base/limits.h"
#include "base/vec.h"

struct parser {
    struct c2_mp_reader in;
    C2_VEC(struct c2_mp_node);
    uint32_t max;
};

void c2_mp_fini(struct c2_mp *mp)
{
    free(mp->nodes);
    *mp = (struct c2_mp){0};
}

static bool parse(struct parser *parser)
{
    struct {
        size_t node;
        uint64_t left;
    } open[C2_MSGPACK_DEPTH_MAX];
    int depth = 0;

    do {
        if (!c2_vec_room(parser, parser->max, "values of msgpack", parser->in.err) ||
            !c2_mp_read(&parser->in, &parser->p[parser->n]))
            return false;
        const struct c2_mp_node *node = &parser->p[parser->n++];
        uint64_t children = c2_mp_children(node);
        if (depth) open[depth - 1].left--;
        if (children) {
            if (depth == C2_MSGPACK_DEPTH_MAX)
                return c2_fail(parser->in.err, CAT2_ELIMIT, "msgpack nests too deep");
            open[depth].node = parser->n - 1;
            open[depth++].left = children;
        }
        for (; depth && open[depth - 1].left == 0; depth--)
            parser->p[open[depth - 1].node].span = (uint32_t)(parser->n - open[depth - 1].node);
    } while (depth);
    return c2_mp_at_end(&parser->in);
}

bool c2_mp_parse(struct c2_bytes in, uint32_t max, struct c2_mp *out, struct cat2_error *err)
{
    struct parser parser = {.in = c2_mp_reader_of(in, err), .max = max};

    if (!parse(&parser)) {
        c2_vec_fini(&parser);
        return false;
    }
    *out = (struct c2_mp){parser.p, (uint32_t)parser.n};
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
