/* SPDX-License-Identifier: BSD-3-Clause */
/* Percentiles come from counting: the bits of a double, made to sort as the number does, are a histogram
 * whose bins are 1/16 of an octave wide; those that hold the percentiles are counted 1024 times finer in the
 * second pass. Where all numbers lie closer together than these, the bins of the histogram tell.
 * 64-bit integers are calculated with as distances from the first of them, which doubles hold exactly. */
#include "reduce/stats.h"

#include <math.h>
#include <stdlib.h>

#include "base/endian.h"
#include "ndim/print.h"

#define RUN     4096
#define KEYS    65536
#define TOP_BIT ((uint64_t)1 << 63)

#define RANK_STEP (1.0 / 16384) /* of a number: how far apart those are that a rank can tell apart */

bool c2_stats_plan(struct c2_stats *stats, const struct c2_selectable *ds, struct cat2_error *err)
{
    stats->nsamples = 1;
    stats->min = stats->min_positive = (double)INFINITY;
    stats->max = -(double)INFINITY;
    stats->wide_min = INT64_MAX;
    stats->wide_max = INT64_MIN;
    stats->keys = calloc(KEYS, sizeof(*stats->keys));
    if (!stats->keys) return c2_fail_nomem(err, "statistics");
    if (c2_walk_cost(ds, &stats->bound) <= C2_REDUCE_NBYTES_MAX) return true;
    stats->sampled = true;
    c2_select_plan(ds->meta, &stats->bound, C2_REDUCE_NBYTES_MAX / C2_STATS_SAMPLES, &stats->parts);
    struct c2_bound part = c2_select_part(&stats->parts, 0);
    int64_t cost = c2_max_i64(1, c2_walk_cost(ds, &part));
    stats->nsamples = c2_min_i64(C2_STATS_SAMPLES, C2_REDUCE_NBYTES_MAX / cost);
    stats->nsamples = c2_max_i64(1, c2_min_i64(stats->nsamples, stats->parts.nparts));
    return true;
}

void c2_stats_fini(struct c2_stats *stats)
{
    free(stats->keys);
    stats->keys = NULL;
    c2_where_free(stats->where);
    stats->where = NULL;
}

int64_t c2_stats_nstages(const struct c2_stats *stats)
{
    return 2 * stats->nsamples;
}

struct c2_bound c2_stats_stage(const struct c2_stats *stats, int64_t i)
{
    if (!stats->sampled) return stats->bound;
    i %= stats->nsamples;
    return c2_select_part(&stats->parts, stats->parts.nparts / stats->nsamples * i +
                                             stats->parts.nparts % stats->nsamples * i / stats->nsamples);
}

/* ---- order ---- */

static inline uint64_t ordered(double v)
{
    uint64_t u;

    memcpy(&u, &v, 8);
    return u & TOP_BIT ? ~u : u | TOP_BIT;
}

/* The number nearest to zero of those that begin with these 26 bits. */
static double unordered(uint64_t top)
{
    uint64_t u = top << 38;
    double v;

    u = u & TOP_BIT ? u & ~TOP_BIT : ~(u | (((uint64_t)1 << 38) - 1));
    memcpy(&v, &u, 8);
    return v;
}

/* Only keys of numbers from min to max, which may be zeros of either sign, are counted. */
static void find_key(const struct c2_stats *stats, struct c2_rank *rank, double fraction)
{
    uint64_t first = ordered(stats->min == 0 ? -0.0 : stats->min) >> 48, before = 0;
    uint64_t last = ordered(stats->max == 0 ? 0.0 : stats->max) >> 48;

    rank->at = fraction * (double)(stats->finite - 1);
    if (stats->finite == 0) return;
    for (uint64_t key = first; key <= last; key++) {
        rank->key = (uint32_t)key;
        rank->before = before;
        before += stats->keys[key];
        if (stats->keys[key] && (double)before > rank->at) return;
    }
}

void c2_stats_begin(struct c2_stats *stats, int64_t i)
{
    if (i != stats->nsamples) return;
    stats->second = true;
    find_key(stats, &stats->low, 0.01);
    find_key(stats, &stats->high, 0.99);
}

/* a - b, where that may be no int64_t. */
static inline double apart(int64_t a, int64_t b)
{
    return a >= b ? (double)((uint64_t)a - (uint64_t)b) : -(double)((uint64_t)b - (uint64_t)a);
}

static double width_of(const struct c2_stats *stats)
{
    return stats->num.wide ? apart(stats->wide_max, stats->wide_min) : stats->max - stats->min;
}

double c2_stats_mean(const struct c2_stats *stats)
{
    return stats->num.wide ? c2_num_wide_real(&stats->num, stats->base) + stats->mean : stats->mean;
}

/* The number at a position of the sorted ones, as if those of a bin were spread evenly over it. */
static double in_bins(const struct c2_stats *stats, double at)
{
    double width = width_of(stats) / C2_STATS_BINS;
    uint64_t seen = 0;
    int bin = 0;

    for (; bin < C2_STATS_BINS - 1 && (double)(seen + stats->bins[bin]) <= at; bin++)
        seen += stats->bins[bin];
    return stats->min +
           width * (bin + (at - (double)seen + 0.5) / (double)(stats->bins[bin] ? stats->bins[bin] : 1));
}

double c2_stats_percentile(const struct c2_stats *stats, const struct c2_rank *rank)
{
    uint64_t seen = rank->before;
    uint32_t sub = 0;

    for (; sub < 1023; sub++) {
        seen += rank->sub[sub];
        if (rank->sub[sub] && (double)seen > rank->at) break;
    }
    double v = unordered((uint64_t)rank->key << 10 | sub);
    if (fabs(v) * RANK_STEP > width_of(stats) / C2_STATS_BINS) v = in_bins(stats, rank->at);
    return v < stats->min ? stats->min : v > stats->max ? stats->max : v;
}

/* ---- passes ---- */

static void count_finer(struct c2_rank *rank, uint64_t key, uint64_t n)
{
    if (key >> 48 == rank->key) rank->sub[key >> 38 & 1023] += n;
}

/* The bin of a number, which is so far above the least. */
static int bin_of(const struct c2_stats *stats, double v, double above)
{
    double width = width_of(stats), at = width > 0 ? above / width * C2_STATS_BINS : 0;

    if (!isfinite(at)) at = (v / 2 - stats->min / 2) / (stats->max / 2 - stats->min / 2) * C2_STATS_BINS;
    return at >= C2_STATS_BINS ? C2_STATS_BINS - 1 : (int)at;
}

static void second_pass(struct c2_stats *stats, const double *v, const int64_t *wide, int64_t n,
                        uint64_t each)
{
    for (int64_t i = 0; i < n; i++) {
        if (!isfinite(v[i])) continue;
        uint64_t key = ordered(v[i]);
        double above = wide ? apart(wide[i], stats->wide_min) : v[i] - stats->min;
        stats->bins[bin_of(stats, v[i], above)] += each;
        count_finer(&stats->low, key, each);
        count_finer(&stats->high, key, each);
    }
}

/* Mean and squared deviations of two groups together. */
static void merge(struct c2_stats *stats, double n, double mean, double m2)
{
    double before = (double)stats->finite, delta = mean - stats->mean;

    if (n == 0) return;
    stats->mean += delta * (n / (before + n));
    stats->m2 += m2 + delta * delta * (before * n / (before + n));
    stats->finite += (int64_t)n;
}

/* far: the same numbers, as they are summed up. */
static void first_pass(struct c2_stats *stats, const double *v, const double *far, int64_t n, int64_t each)
{
    double sum = 0, m2 = 0, count = 0;

    for (int64_t i = 0; i < n; i++) {
        if (!isfinite(v[i])) {
            *(isnan(v[i]) ? &stats->nan : &stats->inf) += each;
            continue;
        }
        count++;
        sum += far[i];
        if (v[i] < stats->min) stats->min = v[i];
        if (v[i] > stats->max) stats->max = v[i];
        if (v[i] > 0 && v[i] < stats->min_positive) stats->min_positive = v[i];
        stats->keys[ordered(v[i]) >> 48] += (uint64_t)each;
    }
    double mean = count > 0 ? sum / count : 0;
    for (int64_t i = 0; i < n; i++)
        if (isfinite(v[i])) m2 += (far[i] - mean) * (far[i] - mean);
    merge(stats, count * (double)each, mean, m2 * (double)each);
}

static void wide_first_pass(struct c2_stats *stats, const double *v, const int64_t *wide, int64_t n,
                            int64_t each)
{
    double far[RUN];

    for (int64_t i = 0; i < n; i++) {
        far[i] = 0;
        if (isnan(v[i])) continue;
        if (stats->wide_min > stats->wide_max) stats->base = wide[i];
        if (wide[i] < stats->wide_min) stats->wide_min = wide[i];
        if (wide[i] > stats->wide_max) stats->wide_max = wide[i];
        far[i] = apart(wide[i], stats->base);
    }
    first_pass(stats, v, far, n, each);
}

static void take_items(struct c2_stats *stats, const uint8_t *items, int64_t n, int64_t each)
{
    double v[RUN];
    int64_t wide[RUN];

    c2_num_load(&stats->num, items, n, v);
    if (stats->num.wide) c2_num_load_i64(&stats->num, items, n, wide);
    for (int64_t i = 0; stats->time && i < n; i++)
        if (stats->num.wide ? wide[i] == INT64_MIN : v[i] == (double)INT64_MIN) v[i] = (double)NAN;
    if (stats->second) {
        second_pass(stats, v, stats->num.wide ? wide : NULL, n, (uint64_t)each);
        return;
    }
    stats->passed += n * each;
    if (stats->num.wide)
        wide_first_pass(stats, v, wide, n, each);
    else
        first_pass(stats, v, v, n, each);
}

/* Runs of items for which the filter is true. */
static void take_passing(struct c2_stats *stats, const uint8_t *items, int64_t n, int64_t each)
{
    uint8_t mask[RUN];

    c2_where_eval(stats->where, items, n, mask);
    for (int64_t i = 0, end; i < n; i = end + 1) {
        for (end = i; end < n && mask[end];)
            end++;
        if (end > i) take_items(stats, items + i * stats->num.itemsize, end - i, each);
    }
}

bool c2_stats_take(void *ctx, const struct c2_box *box, struct cat2_error *err)
{
    struct c2_stats *stats = ctx;
    int64_t each = box->constant ? box->nitems : 1, left = box->constant ? 1 : box->nitems;
    const uint8_t *items = box->items;

    (void)err;
    for (int64_t n; left > 0; left -= n, items += n * stats->num.itemsize) {
        n = c2_min_i64(RUN, left);
        if (!stats->second) stats->looked += n * each;
        if (stats->where)
            take_passing(stats, items, n, each);
        else
            take_items(stats, items, n, each);
    }
    return true;
}

/* ---- the result ---- */

static void put_extreme(const struct c2_stats *stats, struct c2_jw *w, double v, int64_t wide)
{
    bool whole = !c2_num_is_real(&stats->num);

    if (stats->finite == 0 || !isfinite(v))
        c2_jw_null(w);
    else if (stats->num.wide && stats->num.kind == 'u')
        c2_jw_uint(w, (uint64_t)wide ^ TOP_BIT);
    else if (stats->num.wide)
        c2_jw_int(w, wide);
    else if (whole)
        c2_jw_int(w, (int64_t)v);
    else
        c2_jw_real(w, v);
}

static void put_histogram(const struct c2_stats *stats, struct c2_jw *w)
{
    c2_jw_open_object(w, "histogram");
    c2_jw_key(w, "lo");
    put_extreme(stats, w, stats->min, stats->wide_min);
    c2_jw_key(w, "hi");
    put_extreme(stats, w, stats->max, stats->wide_max);
    c2_jw_open_array(w, "counts");
    for (int i = 0; i < C2_STATS_BINS; i++)
        c2_jw_uint(w, stats->bins[i]);
    c2_jw_end_array(w);
    c2_jw_end_object(w);
}

static void put_counts(const struct c2_stats *stats, struct c2_jw *w)
{
    const struct {
        const char *name;
        int64_t n;
    } counts[] = {{"count", stats->where ? stats->passed : stats->bound.nitems},
                  {"finite", stats->finite},
                  {"nan", stats->nan},
                  {"inf", stats->inf}};

    for (size_t i = 0; i < C2_ARRAY_LEN(counts); i++)
        c2_jw_put_int(w, counts[i].name, counts[i].n);
}

/* The extremes and the mean of dates as their text. */
static void put_dates(const struct c2_stats *stats, struct c2_jw *w)
{
    const struct {
        const char *name;
        int64_t v;
    } dates[] = {{"min", stats->wide_min},
                 {"mean", stats->base + (int64_t)llrint(stats->mean)},
                 {"max", stats->wide_max}};
    struct c2_dtype type = *stats->time;

    type.order = '<';
    c2_jw_open_object(w, "dates");
    for (size_t i = 0; i < C2_ARRAY_LEN(dates); i++) {
        C2_AUTO(c2_buf) text = C2_BUF_INIT(256);
        uint8_t item[8];
        c2_put_le64(item, (uint64_t)dates[i].v);
        w->ok = w->ok && c2_print_json_item(&type, item, &text, w->err);
        c2_jw_put_raw(w, dates[i].name, c2_buf_str(&text));
    }
    c2_jw_end_object(w);
}

bool c2_stats_json(struct c2_stats *stats, struct c2_buf *out, struct cat2_error *err)
{
    bool some = stats->finite > 0, dates = stats->time && stats->time->kind == 'M' && stats->num.wide;
    bool ranks = some && !dates; /* a 10 000th of a date since 1970 is days */
    struct c2_jw w;
    char type[8];

    c2_num_typestr(&stats->num, type);
    c2_jw_init(&w, out, C2_JSON_COMPACT, err);
    c2_jw_begin_object(&w);
    c2_jw_put_cstr(&w, "dtype", type);
    put_counts(stats, &w);
    c2_jw_key(&w, "min");
    put_extreme(stats, &w, stats->min, stats->wide_min);
    c2_jw_key(&w, "max");
    put_extreme(stats, &w, stats->max, stats->wide_max);
    c2_jw_put_real(&w, "min_positive", stats->min_positive);
    c2_jw_put_real(&w, "mean", some ? c2_stats_mean(stats) : (double)NAN);
    c2_jw_put_real(&w, "std", some ? sqrt(stats->m2 / (double)stats->finite) : (double)NAN);
    c2_jw_put_real(&w, "p1", ranks ? c2_stats_percentile(stats, &stats->low) : (double)NAN);
    c2_jw_put_real(&w, "p99", ranks ? c2_stats_percentile(stats, &stats->high) : (double)NAN);
    put_histogram(stats, &w);
    if (dates && some) put_dates(stats, &w);
    c2_jw_put_bool(&w, "sampled", stats->sampled);
    c2_jw_put_real(&w, "fraction",
                   stats->bound.nitems ? (double)stats->looked / (double)stats->bound.nitems : 1);
    c2_jw_end_object(&w);
    return c2_jw_finish(&w);
}
