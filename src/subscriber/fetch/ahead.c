/* SPDX-License-Identifier: BSD-3-Clause */
/* The next chunks of an answer that are not here: readers which work on nothing. */
#include "subscriber/fetch/ahead.h"

#include <stdlib.h>

/* Compressed, about: of one reader; and of all beyond what is needed, which is in vain if the client leaves.
 */
#define FLIGHT_NBYTES (8 << 20)
#define AHEAD_NBYTES  (32 << 20)
#define AHEAD_NCHUNKS 4096 /* the same, of tiny ones: the loop looks at each */

struct c2_ahead_flight {
    struct c2_ahead *ahead; /* NULL: its answer has ended */
    struct c2_read read;
    int64_t nbytes; /* about */
    size_t n;
    int64_t chunks[AHEAD_NCHUNKS];
};

static int64_t chunk_nbytes(const struct c2_ds *ds)
{
    return c2_max_i64(1, ds->meta->cbytes / c2_max_i64(1, ds->meta->nchunks));
}

static bool has_room(const struct c2_ahead_flight *flight)
{
    return flight->n < AHEAD_NCHUNKS && flight->nbytes < FLIGHT_NBYTES;
}

static void add_missing(const struct c2_ds *ds, struct c2_ahead_flight *flight, int64_t nchunk)
{
    if (!c2_cachefile_missing(ds->cf, nchunk, NULL, 0, NULL, NULL)) return;
    flight->chunks[flight->n++] = nchunk;
    flight->nbytes += chunk_nbytes(ds);
}

/* ---- a selection ---- */

static void pass(struct c2_ahead_walk *w)
{
    w->more = w->more && c2_grid_walk_next(&w->walk, &w->nchunk);
    w->n += w->more;
}

static bool is_near(const struct c2_ahead *a)
{
    int64_t beyond = a->asked.n - a->needed.n;

    return beyond < AHEAD_NCHUNKS && beyond * chunk_nbytes(a->ds) < AHEAD_NBYTES;
}

static void collect_of_bound(struct c2_ahead *a, struct c2_ahead_flight *flight)
{
    for (; a->asked.more && is_near(a) && has_room(flight); pass(&a->asked))
        add_missing(a->ds, flight, a->asked.nchunk);
    a->ended = !a->asked.more;
}

/* ---- a frame ---- */

/* Not the one in which what is being read ends: its reader fetches it; nor one of which less than half will
 * be read. */
static bool collect_chunk(void *ctx, int64_t nchunk)
{
    struct c2_ahead_flight *flight = ctx;
    struct c2_ahead *a = flight->ahead;
    int64_t off, room;

    if (!has_room(flight) || !c2_cachefile_place(a->ds->cf, nchunk, &off, &room)) return false;
    if (off + room <= a->off) return true;
    if (off >= a->now && (c2_min_i64(off + room, a->end) - off) * 2 > room)
        add_missing(a->ds, flight, nchunk);
    a->off = c2_max_i64(a->off, off + room);
    return true;
}

static void collect_of_frame(struct c2_ahead *a, struct c2_ahead_flight *flight)
{
    int64_t end = c2_min_i64(a->end, a->now + AHEAD_NBYTES);

    if (end > a->off && c2_cachefile_chunks_under(a->ds->cf, a->off, end - a->off, collect_chunk, flight))
        a->off = c2_max_i64(a->off, end);
    a->ended = a->off >= a->end;
}

/* ---- both ---- */

static void go_on(struct c2_ahead *a);

/* Why it could not be had, who needs it is told. */
static void done(void *ctx, const struct cat2_error *err)
{
    struct c2_ahead_flight *flight = ctx;
    struct c2_ahead *a = flight->ahead;

    for (int i = 0; a && i < C2_AHEAD_FLIGHTS; i++)
        if (a->flights[i] == flight) a->flights[i] = NULL;
    free(flight);
    if (!a) return;
    a->ended = a->ended || err;
    go_on(a);
}

/* NULL: nothing is to be fetched yet, or there is no memory for it. */
static struct c2_ahead_flight *new_flight(struct c2_ahead *a)
{
    struct c2_ahead_flight *flight = calloc(1, sizeof(*flight));

    if (!flight) return NULL;
    flight->ahead = a;
    a->of_frame ? collect_of_frame(a, flight) : collect_of_bound(a, flight);
    if (flight->n) return flight;
    free(flight);
    return NULL;
}

static bool start(struct c2_ahead *a, struct c2_ahead_flight **slot)
{
    static const struct c2_reader reader = {.done = done};
    struct c2_ahead_flight *flight = new_flight(a);

    if (!flight) return false;
    struct c2_pieces pieces = {.need = C2_NEED_CHUNKS,
                               .bound = a->of_frame ? NULL : &a->bound,
                               .chunks = flight->chunks,
                               .n = flight->n};
    *slot = flight;
    c2_read(&flight->read, a->ds, &pieces, &reader, flight);
    return true;
}

static void go_on(struct c2_ahead *a)
{
    bool more = a->ds && a->ds->cf && !a->ds->leaving;

    for (int i = 0; more && !a->ended && i < C2_AHEAD_FLIGHTS; i++)
        if (!a->flights[i]) more = start(a, &a->flights[i]);
}

void c2_ahead_of_bound(struct c2_ahead *ahead, struct c2_ds *ds, const struct c2_bound *bound)
{
    *ahead = (struct c2_ahead){.bound = *bound, .asked = {.more = true}, .needed = {.more = true}};
    for (int i = 0; i < bound->ndim; i++)
        if (bound->axes[i].step < 0) return;
    c2_grid_walk_init(&ahead->asked.walk, &ds->meta->grid, &ahead->bound);
    c2_grid_walk_init(&ahead->needed.walk, &ds->meta->grid, &ahead->bound);
    ahead->ds = ds;
    pass(&ahead->asked);
    pass(&ahead->needed);
}

static int64_t last_chunk(const struct c2_grid *grid, const struct c2_bound *bound)
{
    int64_t nchunk = 0;

    for (int i = 0; i < bound->ndim; i++) {
        const struct c2_axis_sel *sel = &bound->axes[i];
        int64_t last = sel->start + (sel->count - 1) * sel->step;
        nchunk = nchunk * grid->nchunks_along[i] + last / c2_max_i64(1, grid->chunks[i]);
    }
    return nchunk;
}

void c2_ahead_need(struct c2_ahead *ahead, const struct c2_bound *part)
{
    if (!ahead->ds || part->nitems == 0) return;
    int64_t last = last_chunk(&ahead->ds->meta->grid, part);
    while (ahead->needed.more && ahead->needed.nchunk <= last)
        pass(&ahead->needed);
    go_on(ahead);
}

void c2_ahead_of_frame(struct c2_ahead *ahead, struct c2_ds *ds, int64_t off, int64_t end)
{
    *ahead = (struct c2_ahead){.ds = ds, .of_frame = true, .off = off, .end = end, .now = off};
}

void c2_ahead_need_bytes(struct c2_ahead *ahead, int64_t off)
{
    ahead->now = c2_max_i64(ahead->now, off);
    go_on(ahead);
}

void c2_ahead_stop(struct c2_ahead *ahead)
{
    for (int i = 0; i < C2_AHEAD_FLIGHTS; i++)
        if (ahead->flights[i]) ahead->flights[i]->ahead = NULL;
    memset(ahead->flights, 0, sizeof(ahead->flights));
    ahead->ds = NULL;
}
