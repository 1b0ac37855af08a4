/* SPDX-License-Identifier: BSD-3-Clause */
/* The rate of a source is measured while it sends: bytes that came from it, of all requests, from the end of
 * one to the end of another. One that sends less than before counts with what it sends now. */
#include "subscriber/mirror/shares.h"

#define NEAR          2.0        /* of the nearest one's round trip, and */
#define NEAR_MS       5.0        /* so much more: as near as that one */
#define SMOOTH        0.3        /* what the last measurement counts */
#define SAMPLE_NBYTES (64 << 10) /* less tells nothing of a rate */
#define PATIENCE_MS   300        /* and a round trip: until the first bytes may come */
#define FORGET_MS     30000      /* a rate of before says nothing any more: it may be another one by now */
#define SLOW          8          /* times slower than another one: it is left in mid-request */
#define SLOW_MS       1000       /* but not before */

static bool takes_part(const struct c2_root_state *root, const struct c2_turn *turn, int i)
{
    const struct c2_supplier *supplier = root->suppliers[i];

    return !c2_turn_was_left(turn, supplier->key) && !supplier->nfailed && !supplier->circle &&
           !(i == 0 && root->cyclic) && supplier->round_trip_ms >= 0;
}

/* The most that one may be away to take part. */
static double reach(const struct c2_root_state *root, const struct c2_turn *turn)
{
    double nearest = -1;

    for (int i = 0; i < root->nsuppliers; i++) {
        double ms = root->suppliers[i]->round_trip_ms;
        if (takes_part(root, turn, i) && (nearest < 0 || ms < nearest)) nearest = ms;
    }
    return nearest * NEAR + NEAR_MS;
}

bool c2_shares_are_several(const struct c2_root_state *root, const struct c2_turn *turn)
{
    double most = reach(root, turn);
    int n = 0;

    for (int i = 0; i < root->nsuppliers; i++)
        n += takes_part(root, turn, i) && root->suppliers[i]->round_trip_ms <= most;
    return n > 1;
}

/* Bytes a millisecond; < 0: not known. */
static double rate_of(const struct c2_supplier *supplier)
{
    int64_t now = c2_loop_now_ms(supplier->sub->config.loop), ms = now - supplier->busy_ms;
    double rate = now - supplier->rated_ms > FORGET_MS ? -1 : supplier->rate;

    if (supplier->pending == 0 || ms < PATIENCE_MS + (int64_t)supplier->round_trip_ms) return rate;
    double current = (double)supplier->busy_nbytes / (double)ms;
    return rate < 0 || current < rate ? current : rate;
}

/* Of those that take part. */
static double best_rate(const struct c2_root_state *root, const struct c2_turn *turn)
{
    double best = -1, most = reach(root, turn);

    for (int i = 0; i < root->nsuppliers; i++) {
        double rate = rate_of(root->suppliers[i]);
        if (takes_part(root, turn, i) && root->suppliers[i]->round_trip_ms <= most && rate > best)
            best = rate;
    }
    return best;
}

uint64_t c2_share_begin(struct c2_root_state *root, const struct c2_turn *turn, int64_t nbytes)
{
    double most = reach(root, turn), best = best_rate(root, turn), soonest = 0;
    struct c2_supplier *chosen = NULL;

    for (int i = 0; i < root->nsuppliers; i++) {
        struct c2_supplier *supplier = root->suppliers[i];
        if (!takes_part(root, turn, i) || supplier->round_trip_ms > most) continue;
        double rate = rate_of(supplier);
        if (rate < 0) rate = best; /* as good as any, until it is known */
        double ms = (double)(supplier->pending + nbytes) / (rate > 1e-3 ? rate : best < 0 ? 1 : 1e-3);
        if (chosen && ms >= soonest) continue;
        chosen = supplier;
        soonest = ms;
    }
    if (!chosen) return 0;
    if (chosen->pending == 0) {
        chosen->busy_ms = c2_loop_now_ms(root->sub->config.loop);
        chosen->busy_nbytes = 0;
    }
    chosen->pending += nbytes;
    return chosen->key;
}

void c2_share_got(struct c2_root_state *root, uint64_t at, size_t n)
{
    struct c2_supplier *supplier = c2_supplier_at(root, at);

    if (!supplier) return;
    supplier->busy_nbytes += (int64_t)n;
    supplier->nbytes += (int64_t)n;
}

void c2_share_end(struct c2_root_state *root, uint64_t at, int64_t nbytes)
{
    struct c2_supplier *supplier = c2_supplier_at(root, at);

    if (!supplier) return; /* one that came back meanwhile began with nothing */
    int64_t now = c2_loop_now_ms(root->sub->config.loop), ms = c2_max_i64(1, now - supplier->busy_ms);
    double last = (double)supplier->busy_nbytes / (double)ms;
    supplier->pending = c2_max_i64(0, supplier->pending - nbytes);
    if (supplier->busy_nbytes < SAMPLE_NBYTES && ms < SLOW_MS) return;
    bool known = supplier->rate >= 0 && now - supplier->rated_ms <= FORGET_MS;
    supplier->rate = known ? supplier->rate + SMOOTH * (last - supplier->rate) : last;
    supplier->rated_ms = supplier->busy_ms = now;
    supplier->busy_nbytes = 0;
}

bool c2_share_is_slow(const struct c2_root_state *root, const struct c2_turn *turn, uint64_t at,
                      int64_t nbytes, int64_t ms)
{
    struct c2_turn others = *turn;

    if (ms < SLOW_MS || others.nleft == C2_ROOT_SUPPLIERS_MAX) return false;
    c2_turn_leave_at(&others, at);
    return best_rate(root, &others) > SLOW * (double)nbytes / (double)ms;
}
