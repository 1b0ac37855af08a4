/* SPDX-License-Identifier: BSD-3-Clause */
/* GET /api/chunks: which chunks are cached, which are special, how well they compress. */
#include "subscriber/api/api.h"

#define CELLS_MAX 4096  /* what a page draws: more chunks share a cell */
#define LIMIT_MAX 16384 /* chunks of one page of the map */

struct map {
    bool paged;
    int64_t offset, limit;
    int64_t group, n; /* chunks a cell, cells */
    int64_t cached, partial, absent, special;
    struct c2_buf state, ratio;
};
/* What the chunks of one cell have in common. */
struct cell {
    char state;
    double plain, packed; /* bytes of those whose size is known */
};

static void map_fini(void *state)
{
    struct map *m = state;

    c2_buf_fini(&m->state);
    c2_buf_fini(&m->ratio);
}

static char state_of(const struct c2_chunk_stat *stat)
{
    switch (stat->kind) {
    case C2_CHUNK_ABSENT:
        return '.';
    case C2_CHUNK_ZERO:
        return 'z';
    case C2_CHUNK_NAN:
        return 'n';
    case C2_CHUNK_UNINIT:
        return 'u';
    case C2_CHUNK_STORED:
        break;
    }
    return stat->partial ? 'p' : 'c';
}

static void count(struct map *m, char state)
{
    *(state == 'c' ? &m->cached : state == 'p' ? &m->partial : state == '.' ? &m->absent : &m->special) += 1;
}

static bool put_cell(struct map *m, struct cell *cell, struct cat2_error *err)
{
    bool ok =
        c2_buf_putc(&m->state, cell->state, err) && (m->ratio.n == 0 || c2_buf_putc(&m->ratio, ',', err));

    if (ok && cell->packed > 0)
        ok = c2_buf_printf(&m->ratio, err, "%.3g", cell->plain / cell->packed);
    else if (ok)
        ok = c2_buf_puts(&m->ratio, "null", err);
    *cell = (struct cell){0};
    return ok;
}

/* Special chunks are here whatever else is: they do not make a cell of cached ones a partial one. */
static char together(char a, char b)
{
    const char *here = "cznu";

    if (!a || a == b) return b;
    return strchr(here, a) && strchr(here, b) ? 'c' : 'p';
}

static bool look(struct map *m, const struct c2_reading *reading, struct cat2_error *err)
{
    const struct c2_meta *meta = reading->source.meta;
    struct c2_chunk_stat stat;
    struct cell cell = {0};
    int64_t in_cell = 0, end = m->offset + m->n * m->group;

    for (int64_t i = 0; i < meta->nchunks; i++) {
        if (!c2_chunk_stat(&reading->source.chunks, i, &stat, err)) return false;
        char state = state_of(&stat);
        count(m, state);
        if (i < m->offset || i >= end) continue;
        cell.state = together(cell.state, state);
        if (stat.kind == C2_CHUNK_STORED && stat.cbytes > 0) {
            cell.plain += (double)c2_min_i64(meta->chunksize, meta->nbytes - i * meta->chunksize);
            cell.packed += stat.cbytes;
        }
        if (++in_cell < m->group && i + 1 < meta->nchunks) continue;
        in_cell = 0;
        if (!put_cell(m, &cell, err)) return false;
    }
    return true;
}

static bool put_json(const struct map *m, const struct c2_ds *ds, const struct c2_meta *meta,
                     struct c2_buf *out, struct cat2_error *err)
{
    struct c2_jw w;

    c2_jw_init(&w, out, C2_JSON_COMPACT, err);
    c2_jw_begin_object(&w);
    c2_jw_put_cstr(&w, "etag", ds->etag);
    c2_jw_put_int(&w, "nchunks", meta->nchunks);
    c2_jw_put_ints(&w, "grid", meta->grid.nchunks_along, meta->grid.ndim);
    c2_jw_put_ints(&w, "chunks", meta->grid.chunks, meta->grid.ndim);
    c2_jw_put_ints(&w, "blocks", meta->grid.blocks, meta->grid.ndim);
    c2_jw_put_int(&w, "cached", m->cached);
    c2_jw_put_int(&w, "partial", m->partial);
    c2_jw_put_int(&w, "absent", m->absent);
    c2_jw_put_int(&w, "special", m->special);
    c2_jw_put_int(&w, "group", m->group);
    c2_jw_put_int(&w, "offset", m->offset);
    c2_jw_put_int(&w, "n", (int64_t)m->state.n);
    c2_jw_put_str(&w, "state", c2_buf_str(&m->state));
    c2_jw_open_array(&w, "ratio");
    c2_jw_raw(&w, c2_buf_str(&m->ratio));
    c2_jw_end_array(&w);
    c2_jw_end_object(&w);
    return c2_jw_finish(&w);
}

static bool map_run(struct c2_view *view, const struct c2_reading *reading, int64_t i, struct c2_buf *out,
                    struct cat2_error *err)
{
    struct map *m = view->state;
    int64_t nchunks = reading->source.meta->nchunks;

    (void)i;
    if (m->paged) {
        m->group = 1;
        m->n = m->limit;
    } else {
        m->offset = 0;
        m->group = c2_max_i64(1, c2_div_ceil(nchunks, CELLS_MAX));
        m->n = c2_div_ceil(nchunks, m->group);
    }
    return look(m, reading, err) && put_json(m, view->ds, reading->source.meta, out, err);
}

/* The cache file alone. */
static bool map_bound(struct c2_view *view, int64_t i, struct c2_bound *out)
{
    (void)view, (void)i, (void)out;
    return false;
}

static bool map_parse(struct c2_view *view, struct cat2_error *err)
{
    const struct c2_request *req = view->req;
    struct map *m = view->state;

    m->limit = CELLS_MAX;
    m->paged = c2_view_query(req, "offset").n || c2_view_query(req, "limit").n;
    c2_buf_init(&m->state, 1 << 20);
    c2_buf_init(&m->ratio, 1 << 20);
    return c2_view_int(req, "offset", 0, INT64_MAX / 2, &m->offset, err) &&
           c2_view_int(req, "limit", 1, LIMIT_MAX, &m->limit, err);
}

const struct c2_view_type c2_chunks_view = {.state_nbytes = sizeof(struct map),
                                            .parse = map_parse,
                                            .bound = map_bound,
                                            .run = map_run,
                                            .fini = map_fini,
                                            .of_now = true};
