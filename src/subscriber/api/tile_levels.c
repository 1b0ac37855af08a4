/* SPDX-License-Identifier: BSD-3-Clause */
/* A tile is the sum of tiles below it. So what is too much for one look is made of parts that are not, each
 * of which is kept: a client that leaves, or asks again, loses nothing. */
#include "subscriber/api/tile_levels.h"

#include <stdlib.h>

#include "base/cancel.h"
#include "base/log_share.h"
#include "subscriber/mirror/dataset.h"

#define WORK_AT_ONCE  ((int64_t)1 << 30) /* bytes decoded for one request: about a second */
#define WORTH_KEEPING (4 << 20)          /* bytes decoded for a tile; less is as soon made as found */
#define KEPT_IN_PART  32                 /* tiles that are added up at a time */
#define BROUGHT_MAX   (1 << 20)          /* chunks of one request; more stay in the cache */
#define QUOTA_SHARE   4 /* levels of one way of reducing take at most a quarter of the quota */

/* ---- what is kept ---- */

void c2_tile_levels_begin(struct c2_tile *t, struct c2_ds *ds)
{
    const struct c2_grid *grid = &ds->meta->grid;
    char name[C2_PYRAMID_NAME_MAX];

    t->n = t->nplane = -1;
    if (t->at.z < C2_LEVELS_Z_MIN || !c2_pyramid_of(grid, &t->plane.axes, C2_LEVELS_NTILES, &t->pyramid) ||
        t->at.z < t->pyramid.z_min)
        return;
    t->nplane = c2_pyramid_plane(&t->pyramid, grid, &t->plane.axes, &t->whole);
    if (t->nplane < 0) return;
    t->n = c2_pyramid_tile(&t->pyramid, t->nplane, &t->at);
    c2_pyramid_name(&t->plane, name);
    t->levels = c2_sub_levels(ds, name, t->pyramid.per_plane * t->pyramid.nplanes);
    if (t->levels) t->ds = c2_ds_ref(ds);
}

bool c2_tile_is_kept(const struct c2_tile *t)
{
    return t->levels && c2_levels_has(t->levels, t->n);
}

static bool restore(const struct c2_tile *t, struct c2_plane *plane, int64_t n, struct c2_codec *codec)
{
    uint8_t *bytes = malloc(C2_LEVELS_TILE_NBYTES);
    bool ok = bytes && c2_levels_get(t->levels, codec, n, bytes);

    if (ok) c2_plane_restore(plane, bytes);
    free(bytes);
    return ok;
}

/* Nobody's answer fails because a tile cannot be kept. */
static bool keep(const struct c2_tile *t, const struct c2_plane *plane, int64_t n, struct c2_codec *codec,
                 struct cat2_error *err)
{
    uint8_t *bytes = malloc(C2_LEVELS_TILE_NBYTES);
    bool was = c2_levels_failed(t->levels, NULL), ok = bytes;

    if (bytes) c2_plane_save(plane, bytes);
    ok = ok ? c2_levels_put(t->levels, codec, n, bytes, err) : c2_fail_nomem(err, "tile");
    free(bytes);
    if (!ok && !was) c2_log_some(C2_WARN, "not kept: %s", err->message);
    return ok;
}

/* Texels of a tile along an axis. */
static int64_t texels(int64_t count, int z, int64_t at)
{
    int64_t side = (int64_t)C2_TILE_SIDE << z;

    return c2_div_ceil(c2_min_i64(side, count - at * side), (int64_t)1 << z);
}

static bool begin(const struct c2_tile *t, const struct c2_tile_at *at, struct c2_plane *plane,
                  struct cat2_error *err)
{
    *plane = (struct c2_plane){.sums.num = t->plane.sums.num,
                               .axes = t->plane.axes,
                               .sums.agg = t->plane.sums.agg,
                               .factor = (int64_t)1 << at->z,
                               .exact = true};
    return c2_sums_begin(&plane->sums, texels(t->pyramid.columns, at->z, at->x),
                         texels(t->pyramid.rows, at->z, at->y), err);
}

static void become(struct c2_tile *t, struct c2_plane *plane)
{
    c2_plane_fini(&t->plane);
    t->plane = *plane;
}

bool c2_tile_take_kept(struct c2_tile *t, struct c2_codec *codec)
{
    struct c2_plane plane;
    struct cat2_error err;

    if (!t->levels) return false;
    c2_levels_look(t->levels);
    if (!c2_levels_has(t->levels, t->n)) return false;
    if (begin(t, &t->at, &plane, &err) && restore(t, &plane, t->n, codec)) {
        become(t, &plane);
        return true;
    }
    c2_plane_fini(&plane);
    return false;
}

/* ---- what it is made of ---- */

static struct c2_bound bound_of(const struct c2_tile *t, const struct c2_tile_at *at)
{
    struct c2_bound bound = t->whole;
    struct c2_plane plane = {
        .sums.agg = t->plane.sums.agg, .axes = t->plane.axes, .factor = (int64_t)1 << at->z};
    struct cat2_error err;

    bool there = c2_plane_tile(&bound, &t->plane.axes, at->z, at->x, at->y, &err);
    C2_ASSERT(there);
    return c2_plane_reads(&plane, &bound);
}

struct plan {
    struct c2_tile *t;
    const struct c2_reading *reading;
    int64_t work, work_max; /* of what is made now */
    bool makes;
};

static bool push(struct c2_tile_units *units, const struct c2_tile_at *at, int64_t n, struct cat2_error *err)
{
    return c2_vec_push(units, C2_LEVELS_NTILES, "tiles", err, (struct c2_tile_unit){*at, n});
}

/* Reduced at once, if it is the turn of this request. */
static bool make(struct plan *p, const struct c2_tile_at *at, int64_t n, int64_t cost, struct cat2_error *err)
{
    if (p->t->made.n && cost > p->work_max - p->work) {
        p->t->nleft++;
        return true;
    }
    p->work += c2_min_i64(cost, p->work_max);
    return push(&p->t->made, at, n, err);
}

static bool push_below(struct c2_tile_units *stack, const struct c2_tile_at *at, struct cat2_error *err)
{
    for (int i = 0; i < 4; i++) {
        struct c2_tile_at below = {at->z - 1, 2 * at->x + i % 2, 2 * at->y + i / 2};
        if (!push(stack, &below, -1, err)) return false;
    }
    return true;
}

/* One tile: it is kept, it is made, or those below it are looked at. *all: nothing is missing. */
static bool look_at(struct plan *p, const struct c2_tile_at *at, struct c2_tile_units *stack, bool *all,
                    struct cat2_error *err)
{
    struct c2_tile *t = p->t;
    int64_t side = (int64_t)C2_TILE_SIDE << at->z;
    bool lowest = at->z == t->pyramid.z_min;

    if (at->x * side >= t->pyramid.columns || at->y * side >= t->pyramid.rows) return true;
    int64_t n = c2_pyramid_tile(&t->pyramid, t->nplane, at);
    if (c2_levels_has(t->levels, n)) return push(&t->kept, at, n, err);
    if (p->makes) {
        struct c2_bound bound = bound_of(t, at);
        int64_t cost = c2_walk_cost(&p->reading->source, &bound);
        if (lowest || cost <= C2_REDUCE_NBYTES_MAX) return make(p, at, n, cost, err);
    }
    *all = !lowest;
    return lowest || push_below(stack, at, err);
}

static bool look(struct plan *p, bool *all, struct cat2_error *err)
{
    struct c2_tile_units stack = {0};
    bool ok = push(&stack, &p->t->at, -1, err);

    *all = true;
    while (ok && *all && stack.n) {
        struct c2_tile_at at = stack.p[--stack.n].at;
        ok = !c2_cancelled(err) && look_at(p, &at, &stack, all, err);
    }
    c2_vec_fini(&stack);
    return ok;
}

/* Chunks of which nothing is here yet. */
static bool note_brought(struct c2_tile *t, const struct c2_reading *reading, const struct c2_tile_at *at,
                         struct cat2_error *err)
{
    struct c2_bound bound = bound_of(t, at);
    struct c2_grid_walk walk;
    struct c2_chunk_stat stat;
    int64_t nchunk;

    c2_grid_walk_init(&walk, &reading->source.meta->grid, &bound);
    while (c2_grid_walk_next(&walk, &nchunk))
        if (t->brought.n < BROUGHT_MAX && c2_chunk_stat(&reading->source.chunks, nchunk, &stat, err) &&
            stat.kind == C2_CHUNK_ABSENT && !c2_vec_push(&t->brought, BROUGHT_MAX, "chunks", err, nchunk))
            return false;
    return true;
}

/* One by one they would be made again for every request. */
static bool can_keep(const struct c2_tile *t, struct cat2_error *err)
{
    int64_t quota = t->ds->sub->config.quota, nbytes = c2_levels_nbytes(t->levels);
    bool ok = true;

    if (c2_levels_failed(t->levels, err))
        ok = c2_fail_within(err, "tiles of this size are made of others, which could not be kept");
    else if (quota > 0 && nbytes > quota / QUOTA_SHARE)
        ok = c2_fail(err, CAT2_ELIMIT,
                     "tiles of this size are made of others, which would take more than a quarter of the "
                     "subscriber's quota of %lld bytes",
                     (long long)quota);
    if (!ok) err->http_status = 503;
    return ok;
}

bool c2_tile_plan(struct c2_tile *t, const struct c2_reading *reading, int64_t work_max, bool *found,
                  struct cat2_error *err)
{
    struct plan p = {t, reading, 0, work_max ? c2_min_i64(work_max, WORK_AT_ONCE) : WORK_AT_ONCE, t->exact};
    struct c2_plane plane;
    bool all;

    *found = false;
    if (!t->levels) return true;
    if (!look(&p, &all, err)) return false;
    if (!all) {
        t->kept.n = 0;
        return true;
    }
    if (t->nleft && !can_keep(t, err)) return false;
    t->cf = c2_cachefile_ref(reading->cf);
    for (size_t i = 0; i < t->made.n; i++)
        if (!note_brought(t, reading, &t->made.p[i].at, err)) return false;
    if (!begin(t, &t->at, &plane, err)) {
        c2_plane_fini(&plane);
        return false;
    }
    become(t, &plane);
    *found = true;
    return true;
}

/* ---- parts: first those that are made, then some of those that are kept at a time ---- */

int64_t c2_tile_nparts(const struct c2_tile *t)
{
    return (int64_t)t->made.n + (t->nleft ? 0 : c2_div_ceil((int64_t)t->kept.n, KEPT_IN_PART));
}

bool c2_tile_part_reads(const struct c2_tile *t, int64_t i, struct c2_bound *out)
{
    if (i >= (int64_t)t->made.n || c2_levels_has(t->levels, t->made.p[i].n)) return false;
    *out = bound_of(t, &t->made.p[i].at);
    return true;
}

static bool make_unit(struct c2_tile *t, const struct c2_reading *reading, const struct c2_tile_unit *unit,
                      struct cat2_error *err)
{
    C2_AUTO(c2_plane) plane = {0};
    struct cat2_error ignored;

    if (!begin(t, &unit->at, &plane, err)) return false;
    plane.bound = bound_of(t, &unit->at);
    bool kept = c2_levels_has(t->levels, unit->n) && restore(t, &plane, unit->n, reading->codec);
    if (!kept && !c2_walk_boxes(reading->codec, &reading->source, &plane.bound, c2_plane_take, &plane, err))
        return false;
    c2_plane_fold(&t->plane, &t->at, &plane, &unit->at);
    if (!kept && unit->n >= 0) keep(t, &plane, unit->n, reading->codec, &ignored);
    return !t->nleft || can_keep(t, err); /* else the rest would never be reached */
}

/* Damaged since it was looked at: whoever asks again makes it. */
static bool add_kept(struct c2_tile *t, const struct c2_tile_unit *unit, struct c2_codec *codec,
                     struct cat2_error *err)
{
    C2_AUTO(c2_plane) plane = {0};

    if (!begin(t, &unit->at, &plane, err)) return false;
    if (!restore(t, &plane, unit->n, codec)) {
        c2_fail(err, CAT2_EIO, "a level of the plane was damaged in the cache");
        err->http_status = 503;
        return false;
    }
    c2_plane_fold(&t->plane, &t->at, &plane, &unit->at);
    return true;
}

bool c2_tile_run(struct c2_tile *t, const struct c2_reading *reading, int64_t i, struct cat2_error *err)
{
    int64_t first = (i - (int64_t)t->made.n) * KEPT_IN_PART, last = c2_tile_nparts(t) - 1;
    struct cat2_error ignored;

    if (first < 0 && !make_unit(t, reading, &t->made.p[i], err)) return false;
    for (int64_t k = first; k >= 0 && k < c2_min_i64(first + KEPT_IN_PART, (int64_t)t->kept.n); k++)
        if (!add_kept(t, &t->kept.p[k], reading->codec, err)) return false;
    if (i == last && t->n >= 0 && !t->nleft) keep(t, &t->plane, t->n, reading->codec, &ignored);
    return true;
}

void c2_tile_keep(struct c2_tile *t, struct c2_codec *codec)
{
    struct cat2_error ignored;
    bool worth = t->n >= 0 && t->levels && !t->plane.approx &&
                 c2_grid_cost(&t->ds->meta->grid, &t->plane.bound) >= WORTH_KEEPING;

    if (worth) keep(t, &t->plane, t->n, codec, &ignored);
}

/* ---- the end ---- */

struct leftover {
    struct c2_cachefile *cf;
    int64_t *chunks;
    size_t n;
};

static void give_back(void *job, void *codec)
{
    struct leftover *left = job;

    (void)codec;
    for (size_t i = 0; i < left->n; i++)
        c2_cachefile_give_back(left->cf, left->chunks[i]);
}

static void given_back(void *job)
{
    struct leftover *left = job;

    c2_cachefile_unref(left->cf);
    free(left->chunks);
    free(left);
}

void c2_tile_levels_end(struct c2_tile *t)
{
    struct leftover *left = t->brought.n ? malloc(sizeof(*left)) : NULL;

    if (left) {
        *left = (struct leftover){t->cf, t->brought.p, t->brought.n};
        t->cf = NULL;
        t->brought.p = NULL;
        c2_pool_run_low(t->ds->sub->config.pool, give_back, given_back, left);
    }
    c2_vec_fini(&t->brought);
    c2_vec_fini(&t->kept);
    c2_vec_fini(&t->made);
    c2_cachefile_unref(t->cf);
    if (!t->levels) return;
    c2_sub_levels_done(t->ds, t->levels);
    c2_ds_unref(t->ds);
    t->levels = NULL;
}
