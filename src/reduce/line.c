/* SPDX-License-Identifier: BSD-3-Clause */
/* Pixel p is of the items [p*n/px, (p+1)*n/px). */
#include "reduce/line.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/bisect.h"

#define RUN 4096

bool c2_line_check(struct c2_line *line, struct cat2_error *err)
{
    const struct c2_bound *b = &line->bound;

    if (b->out_ndim != 1)
        return c2_fail(err, CAT2_EINVAL, "a line has one axis, the slice leaves %d", b->out_ndim);
    for (int i = 0; i < b->ndim; i++)
        if (!b->axes[i].dropped) line->axis = i;
    line->n = b->axes[line->axis].count;
    if (line->n > C2_LINE_ITEMS_MAX)
        return c2_fail(err, CAT2_ELIMIT, "a line of %" PRId64 " items is too long", line->n);
    line->pairs = line->n > 2 * line->px;
    line->nvalues = line->pairs ? 2 * line->px : line->n;
    return true;
}

/* Stretches of the line, so many and so long that the work is bounded. */
static void plan_samples(struct c2_line *line, const struct c2_selectable *ds)
{
    int64_t room = line->n / line->px; /* items a pixel, at least 2 */
    struct c2_bound one = c2_bound_part(&line->bound, line->axis, 0, 1);
    int64_t cost = c2_max_i64(1, c2_walk_cost(ds, &one));

    line->approx = true;
    line->nsamples = c2_max_i64(1, c2_min_i64(line->px, C2_REDUCE_NBYTES_MAX / 2 / cost));
    line->stretch = c2_min_i64(room, c2_max_i64(1, ds->meta->grid.blocks[line->axis]));
}

bool c2_line_plan(struct c2_line *line, const struct c2_selectable *ds, struct cat2_error *err)
{
    size_t n = (size_t)line->nvalues + 1;

    if (line->pairs && c2_walk_cost(ds, &line->bound) > C2_REDUCE_NBYTES_MAX) plan_samples(line, ds);
    line->seen = calloc(n, sizeof(*line->seen));
    if (line->num.wide)
        line->wide = calloc(n, sizeof(*line->wide));
    else
        line->real = calloc(n, sizeof(*line->real));
    return (line->seen && (line->wide || line->real)) || c2_fail_nomem(err, "line");
}

void c2_line_fini(struct c2_line *line)
{
    free(line->real);
    free(line->wide);
    free(line->seen);
    line->real = NULL;
    line->wide = NULL;
    line->seen = NULL;
}

int64_t c2_line_nstages(const struct c2_line *line)
{
    return line->approx ? line->nsamples : 1;
}

static int64_t first_of(const struct c2_line *line, int64_t pixel)
{
    return line->n / line->px * pixel + line->n % line->px * pixel / line->px;
}

static int64_t stage_first(const struct c2_line *line, int64_t i)
{
    return line->approx ? first_of(line, i * line->px / line->nsamples) : 0;
}

struct c2_bound c2_line_stage(const struct c2_line *line, int64_t i)
{
    int64_t first = stage_first(line, i);

    if (!line->approx) return line->bound;
    return c2_bound_part(&line->bound, line->axis, first, c2_min_i64(line->stretch, line->n - first));
}

/* ---- taking ---- */

static void add(struct c2_line *line, int64_t pixel, double v, int64_t wide)
{
    double *real = line->real ? &line->real[2 * pixel] : NULL;
    int64_t *pair = line->wide ? &line->wide[2 * pixel] : NULL;
    bool first = !line->seen[pixel];

    if (real && isnan(v)) return;
    line->seen[pixel] = true;
    if (real) {
        if (first || v < real[0]) real[0] = v;
        if (first || v > real[1]) real[1] = v;
    } else if (pair) {
        if (first || wide < pair[0]) pair[0] = wide;
        if (first || wide > pair[1]) pair[1] = wide;
    }
}

/* Least and greatest of a run that lies in one pixel. */
static void add_run(struct c2_line *line, int64_t pixel, const double *real, const int64_t *wide, int64_t n)
{
    double low = (double)INFINITY, high = -(double)INFINITY;
    bool some = false;

    if (line->wide) {
        int64_t least = wide[0], most = wide[0];
        for (int64_t i = 1; i < n; i++) {
            least = wide[i] < least ? wide[i] : least;
            most = wide[i] > most ? wide[i] : most;
        }
        add(line, pixel, 0, least);
        add(line, pixel, 0, most);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        low = real[i] < low ? real[i] : low;
        high = real[i] > high ? real[i] : high;
        some |= real[i] == real[i];
    }
    if (!some) return;
    add(line, pixel, low, 0);
    add(line, pixel, high, 0);
}

static void take_numbers(struct c2_line *line, int64_t at, int64_t n, const double *real, const int64_t *wide)
{
    if (!line->pairs) {
        for (int64_t i = 0; i < n; i++) {
            if (line->wide)
                line->wide[at + i] = wide[i];
            else
                line->real[at + i] = real[i];
        }
        return;
    }
    int64_t pixel;
    c2_bisect(pixel, line->px, first_of(line, pixel) <= at);
    pixel--; /* the last that begins at or before `at` */
    for (int64_t i = 0; i < n; pixel++) {
        int64_t end = c2_min_i64(n, first_of(line, pixel + 1) - at);
        add_run(line, pixel, real + i, wide + i, end - i);
        i = end;
    }
}

bool c2_line_take(void *ctx, const struct c2_box *box, struct cat2_error *err)
{
    struct c2_line *line = ctx;
    double real[RUN];
    int64_t wide[RUN], n, from = stage_first(line, line->stage) + box->first[line->axis];
    struct c2_num num = line->num;

    (void)err;
    for (int64_t i = 0; i < box->nitems; i += n) {
        n = c2_min_i64(RUN, box->nitems - i);
        const uint8_t *items = box->items + (box->constant ? 0 : i * num.itemsize);
        if (box->constant && i == 0) num.itemsize = 0; /* the one item, again and again */
        if (line->wide)
            c2_num_load_i64(&num, items, n, wide);
        else
            c2_num_load(&num, items, n, real);
        take_numbers(line, from + i, n, real, wide);
    }
    return true;
}

/* ---- the result ---- */

/* Pixels between samples show what the sample before them shows. */
static void spread(struct c2_line *line)
{
    int64_t next = 0, from = 0;

    for (int64_t pixel = 0; pixel < line->px; pixel++) {
        if (next < line->nsamples && next * line->px / line->nsamples == pixel) {
            from = pixel;
            next++;
            continue;
        }
        line->seen[pixel] = line->seen[from];
        for (int i = 0; i < 2; i++) {
            if (line->wide)
                line->wide[2 * pixel + i] = line->wide[2 * from + i];
            else
                line->real[2 * pixel + i] = line->real[2 * from + i];
        }
    }
}

bool c2_line_encode(struct c2_line *line, struct c2_buf *out, struct cat2_error *err)
{
    if (line->approx) spread(line);
    for (int64_t pixel = 0; line->pairs && line->real && pixel < line->px; pixel++)
        if (!line->seen[pixel]) line->real[2 * pixel] = line->real[2 * pixel + 1] = (double)NAN;
    if (!c2_buf_resize(out, (size_t)(line->nvalues * line->num.out_size), err)) return false;
    if (line->wide)
        c2_num_store_i64(&line->num, line->wide, line->nvalues, out->p);
    else
        c2_num_store(&line->num, line->real, line->nvalues, out->p);
    return true;
}
