/* SPDX-License-Identifier: BSD-3-Clause */
/* Boxes, in any order, summed up into cells. Item i along an axis that stays is of cell i * step / factor. */
#include "reduce/project.h"

#define FEW 8 /* items that a sample keeps along an axis as long as another axis has more */

/* ---- what is read ---- */

/* Every second, fourth, ... item of an axis, as soon as that costs less. */
static bool thin(struct c2_projection *p, const struct c2_selectable *ds, int axis, int64_t least,
                 int64_t *cost)
{
    struct c2_bound bound = p->bound;

    for (int64_t step = 2; bound.axes[axis].count > least; step *= 2) {
        bound = c2_walk_every(&bound, axis, 2);
        int64_t now = c2_walk_cost(ds, &bound);
        if (now > *cost - *cost / 4) continue;
        p->bound = bound;
        for (int i = 0; i < 2; i++)
            if (p->along[i].axis == axis) p->along[i].step *= step;
        *cost = now;
        return true;
    }
    return false;
}

/* The axes that go first, then those that stay, and at last all of them down to one item; longest first. */
static bool thin_some(struct c2_projection *p, const struct c2_selectable *ds, int64_t *cost)
{
    for (int round = 0; round < 3; round++) {
        bool tried[C2_DIM_MAX] = {false};
        for (int n = 0; n < p->bound.ndim; n++) {
            int longest = -1;
            for (int i = 0; i < p->bound.ndim; i++)
                if (!tried[i] && (longest < 0 || p->bound.axes[i].count > p->bound.axes[longest].count))
                    longest = i;
            tried[longest] = true;
            bool stays = longest == p->along[0].axis || longest == p->along[1].axis;
            if (round < 2 && stays != (round == 1)) continue;
            if (thin(p, ds, longest, round == 2 ? 1 : FEW, cost)) return true;
        }
    }
    return false;
}

bool c2_projection_plan(struct c2_projection *p, const struct c2_selectable *ds, const struct c2_bound *bound,
                        struct cat2_error *err)
{
    const struct c2_along *x = &p->along[0], *y = &p->along[1];
    int64_t cost = c2_walk_cost(ds, bound), w = c2_div_ceil(bound->axes[x->axis].count, x->factor);
    int64_t h = y->axis < 0 ? 1 : c2_div_ceil(bound->axes[y->axis].count, y->factor);

    p->sums.means_f8 = y->axis < 0;
    p->along[0].step = p->along[1].step = 1;
    p->bound = *bound;
    while (cost > C2_REDUCE_NBYTES_MAX && thin_some(p, ds, &cost))
        p->approx = true;
    return c2_sums_begin(&p->sums, w, h, err);
}

void c2_projection_fini(struct c2_projection *p)
{
    c2_sums_fini(&p->sums);
}

/* ---- what was read ---- */

bool c2_projection_take(void *ctx, const struct c2_box *box, struct cat2_error *err)
{
    struct c2_projection *p = ctx;

    (void)err;
    c2_sums_take(&p->sums, p->along, box);
    return true;
}

/* The cell of the sample that a cell shows, along an axis. */
static int64_t sampled(const struct c2_projection *p, int which, int64_t at)
{
    int64_t step = p->along[which].step, factor = p->along[which].factor;

    return step > factor ? ((at + 1) * factor - 1) / step * step / factor : at;
}

void c2_projection_spread(struct c2_projection *p)
{
    struct c2_sums *sums = &p->sums;

    if (!p->approx) return;
    for (int64_t i = 0; i < sums->w * sums->h; i++) {
        int64_t from = sampled(p, 1, i / sums->w) * sums->w + sampled(p, 0, i % sums->w);
        sums->counts[i] = sums->counts[from];
        if (sums->wide)
            sums->wide[i] = sums->wide[from];
        else
            sums->real[i] = sums->real[from];
    }
}
