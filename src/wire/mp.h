/* SPDX-License-Identifier: BSD-3-Clause */
/* Msgpack: a reader of one value after the other, a tree that can be looked into, and a writer. Whatever
 * bytes come in, reading ends with values that lie within them, or an error. */
#ifndef C2_WIRE_MP_H
#define C2_WIRE_MP_H

#include "base/buf.h"

enum c2_mp_kind {
    C2_MP_NIL,
    C2_MP_BOOL,
    C2_MP_INT,
    C2_MP_REAL,
    C2_MP_TEXT, /* str */
    C2_MP_BYTES,
    C2_MP_LIST,
    C2_MP_MAP, /* children: key, value, key, value ... */
    C2_MP_EXT
};
struct c2_mp_node {
    enum c2_mp_kind kind;
    bool huge; /* INT above INT64_MAX: in u */
    uint32_t span;
    union {
        bool b;
        int64_t i; /* of EXT its type */
        uint64_t u;
        double d;
        uint32_t n; /* items of LIST, pairs of MAP */
    };
    struct c2_bytes bytes; /* TEXT, BYTES, EXT: in the input */
};
/** Values that a list or map holds. */
static inline uint64_t c2_mp_children(const struct c2_mp_node *node)
{
    return node->kind == C2_MP_LIST ? node->n : node->kind == C2_MP_MAP ? 2 * (uint64_t)node->n : 0;
}

/* ---- one value after the other ---- */

struct c2_mp_reader {
    const uint8_t *p, *end;
    struct cat2_error *err;
};
static inline struct c2_mp_reader c2_mp_reader_of(struct c2_bytes in, struct cat2_error *err)
{
    return (struct c2_mp_reader){in.p, in.p + in.n, err};
}
/** The next value; of a list or map its head: what it holds comes next, and is not more than the bytes left.
 *  @errors CAT2_EDATA why it is not msgpack. */
bool c2_mp_read(struct c2_mp_reader *r, struct c2_mp_node *out);
/** Past a value and all it holds. */
bool c2_mp_skip(struct c2_mp_reader *r);
/** Python's tuples are lists that begin with the text "__tuple__". After the head of a list of n: what is
 * left of n. */
uint32_t c2_mp_skip_tuple_mark(struct c2_mp_reader *r, uint32_t n);
/** @errors CAT2_EDATA something follows. */
bool c2_mp_at_end(const struct c2_mp_reader *r);

/* ---- the tree: nodes lie in the order of the bytes, so that the first child of a node follows it and its
 * next sibling comes `span` nodes later ---- */

struct c2_mp {
    struct c2_mp_node *nodes; /* the first is the whole */
    uint32_t n;
};
void c2_mp_fini(struct c2_mp *mp);
C2_DEFINE_AUTO(c2_mp);

/** The whole input must be one value of `max` nodes at most. The tree borrows the input. @errors CAT2_EDATA;
 * CAT2_ELIMIT. */
bool c2_mp_parse(struct c2_bytes in, uint32_t max, struct c2_mp *out, struct cat2_error *err);

/* ---- looking into it; a NULL node has nothing ---- */

/** The value of a text key of a map; NULL: it has none, or is no map. */
const struct c2_mp_node *c2_mp_get(const struct c2_mp_node *map, const char *key);
/** Item i of a list; NULL when there is none. */
const struct c2_mp_node *c2_mp_item(const struct c2_mp_node *list, uint32_t i);
static inline const struct c2_mp_node *c2_mp_first(const struct c2_mp_node *node)
{
    return node + 1;
}
static inline const struct c2_mp_node *c2_mp_next(const struct c2_mp_node *node)
{
    return node + node->span;
}
bool c2_mp_is(const struct c2_mp_node *node, const char *text);
/** Of a list; 0 for all else. */
uint32_t c2_mp_count(const struct c2_mp_node *list);
/** An integer from min to max. */
bool c2_mp_int(const struct c2_mp_node *node, int64_t min, int64_t max, int64_t *out);
/** TEXT or BYTES without NUL: how names are written, bytes where they are no UTF-8. */
bool c2_mp_name(const struct c2_mp_node *node, struct c2_str *out);
bool c2_mp_true(const struct c2_mp_node *node);

/* ---- writing: after a failure nothing more is written ---- */

struct c2_mpw {
    struct c2_buf *out;
    struct cat2_error *err;
    bool ok;
};
void c2_mpw_init(struct c2_mpw *w, struct c2_buf *out, struct cat2_error *err);
void c2_mpw_nil(struct c2_mpw *w);
void c2_mpw_bool(struct c2_mpw *w, bool value);
void c2_mpw_int(struct c2_mpw *w, int64_t value);
void c2_mpw_uint(struct c2_mpw *w, uint64_t value);
void c2_mpw_real(struct c2_mpw *w, double value);
void c2_mpw_text(struct c2_mpw *w, const char *text);
void c2_mpw_str(struct c2_mpw *w, struct c2_str text);
/** TEXT where it is UTF-8, else BYTES. */
void c2_mpw_name(struct c2_mpw *w, struct c2_str name);
void c2_mpw_bytes(struct c2_mpw *w, struct c2_bytes bytes);
/** The head of a list of n items, a map of n pairs. */
void c2_mpw_head(struct c2_mpw *w, enum c2_mp_kind kind, uint64_t n);
/** The head of one whose length is told at its end. */
size_t c2_mpw_open(struct c2_mpw *w, enum c2_mp_kind kind);
void c2_mpw_close(struct c2_mpw *w, size_t opened, size_t n);

#endif
