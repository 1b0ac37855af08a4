/* SPDX-License-Identifier: BSD-3-Clause */
/* Slices: parsed without knowing a shape, then bound to one by Python's rules. */
#include "ndim/slice.h"

#include <inttypes.h>

struct parser {
    struct c2_cursor in;
    const char *start;
    const char *beyond; /* the digit at which the last number no longer fitted 64 bits; NULL: it fits */
    struct cat2_error *err;
};

static bool fail_at(const struct parser *p, const char *what)
{
    return c2_fail(p->err, CAT2_EINVAL, "slice: not a slice: %s at character %td", what,
                   p->in.p - p->start + 1);
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

/* An integer as Python's int() takes it: sign, digits, single underscores between digits. One that is too
 * large is the largest there is. */
static bool parse_int(struct parser *p, int64_t *out)
{
    bool negative = c2_cursor_peek(&p->in) == '-';
    int64_t value = 0; /* counted downwards, so that INT64_MIN fits */

    p->beyond = NULL;
    if (negative || c2_cursor_peek(&p->in) == '+') p->in.p++;
    c2_cursor_blanks(&p->in);
    if (!digit(c2_cursor_peek(&p->in))) return fail_at(p, "a number is missing");
    while (digit(c2_cursor_peek(&p->in))) {
        int64_t d = *p->in.p - '0';
        bool fits = !p->beyond && c2_mul_i64(value, 10, &value) && c2_add_i64(value, -d, &value) &&
                    (negative || value != INT64_MIN);
        if (!fits && !p->beyond) p->beyond = p->in.p;
        p->in.p++;
        if (c2_cursor_peek(&p->in) == '_' && c2_cursor_left(&p->in) > 1 && digit(p->in.p[1])) p->in.p++;
    }
    c2_cursor_blanks(&p->in);
    if (p->beyond)
        *out = negative ? INT64_MIN : INT64_MAX;
    else
        *out = negative ? value : -value;
    return true;
}

static bool starts_int(const struct parser *p)
{
    char c = c2_cursor_peek(&p->in);
    return c == '-' || c == '+' || digit(c);
}

static bool parse_optional(struct parser *p, bool *has, int64_t *out)
{
    c2_cursor_blanks(&p->in);
    *has = starts_int(p);
    return !*has || parse_int(p, out);
}

static bool parse_range(struct parser *p, struct c2_sel *sel)
{
    sel->kind = C2_SEL_RANGE;
    if (!parse_optional(p, &sel->has_stop, &sel->stop)) return false;
    if (!c2_cursor_eat(&p->in, ":")) return true;
    if (!parse_optional(p, &sel->has_step, &sel->step)) return false;
    return !sel->has_step || sel->step != 0 || fail_at(p, "step is 0");
}

static bool parse_sel(struct parser *p, struct c2_sel *sel)
{
    *sel = (struct c2_sel){.kind = C2_SEL_INDEX};
    c2_cursor_blanks(&p->in);
    if (c2_cursor_eat(&p->in, "...")) {
        sel->kind = C2_SEL_ELLIPSIS;
        c2_cursor_blanks(&p->in);
        return true;
    }
    if (!parse_optional(p, &sel->has_start, &sel->start)) return false;
    if (c2_cursor_eat(&p->in, ":")) return parse_range(p, sel);
    if (sel->has_start && p->beyond) {
        p->in.p = p->beyond;
        return fail_at(p, "number does not fit 64 bits");
    }
    if (sel->has_start) return true;
    if (c2_cursor_done(&p->in) || c2_cursor_peek(&p->in) == ',') return fail_at(p, "empty axis");
    return fail_at(p, "unexpected character");
}

bool c2_slice_parse(struct c2_str text, struct c2_slice *out, struct cat2_error *err)
{
    struct parser p = {.in = c2_cursor_of(text), .start = text.p, .err = err};
    bool ellipsis = false;

    *out = (struct c2_slice){0};
    c2_cursor_blanks(&p.in);
    while (!c2_cursor_done(&p.in)) {
        if (out->nsels == C2_SELS_MAX)
            return c2_fail(err, CAT2_EINVAL, "slice: more than %d parts", C2_SELS_MAX);
        struct c2_sel *sel = &out->sels[out->nsels++];
        if (!parse_sel(&p, sel)) return false;
        if (sel->kind == C2_SEL_ELLIPSIS && ellipsis) return fail_at(&p, "a second '...'");
        ellipsis |= sel->kind == C2_SEL_ELLIPSIS;
        if (c2_cursor_done(&p.in)) return true;
        if (!c2_cursor_eat(&p.in, ",")) return fail_at(&p, "unexpected character");
        c2_cursor_blanks(&p.in);
        if (c2_cursor_done(&p.in)) return fail_at(&p, "empty axis");
    }
    return true;
}

static bool bind_index(int64_t index, int64_t n, int axis, struct c2_axis_sel *out, struct cat2_error *err)
{
    int64_t at = index < 0 ? index + n : index;

    if (at < 0 || at >= n)
        return c2_fail(err, CAT2_EINVAL,
                       "slice: index %" PRId64 " is out of bounds for axis %d with size %" PRId64, index,
                       axis, n);
    *out = (struct c2_axis_sel){at, 1, 1, true};
    return true;
}

/* Clamp a bound as slice.indices() does: into [low, high], counting from the end when negative. */
static int64_t clamp(int64_t v, int64_t n, int64_t low, int64_t high)
{
    if (v < 0) v += n; /* n >= 0: cannot overflow */
    return v < low ? low : v > high ? high : v;
}

static struct c2_axis_sel bind_range(const struct c2_sel *sel, int64_t n)
{
    int64_t step = sel->has_step ? sel->step : 1;
    bool forward = step > 0;
    int64_t low = forward ? 0 : -1, high = forward ? n : n - 1;
    int64_t start = sel->has_start ? clamp(sel->start, n, low, high) : forward ? 0 : n - 1;
    int64_t stop = sel->has_stop ? clamp(sel->stop, n, low, high) : forward ? n : -1;
    int64_t span = forward ? stop - start : start - stop;
    int64_t count = 0;

    if (span > 0) count = step == INT64_MIN ? 1 : (span - 1) / (forward ? step : -step) + 1;
    if (count == 0) start = 0;
    if (count < 2) step = 1;
    return (struct c2_axis_sel){start, step, count, false};
}

/* The shape of the result, and whether it is the dataset as it stands. */
static bool finish(struct c2_bound *out, const int64_t *shape, struct cat2_error *err)
{
    bool empty = false;

    out->nitems = 1;
    out->whole = true;
    for (int axis = 0; axis < out->ndim; axis++)
        empty |= out->axes[axis].count == 0;
    for (int axis = 0; axis < out->ndim; axis++) {
        const struct c2_axis_sel *sel = &out->axes[axis];
        out->whole &= !sel->dropped && sel->start == 0 && sel->step == 1 && sel->count == shape[axis];
        if (!sel->dropped) out->out_shape[out->out_ndim++] = sel->count;
        if (empty) continue;
        if (!c2_mul_i64(out->nitems, sel->count, &out->nitems))
            return c2_fail(err, CAT2_ELIMIT, "slice: more items than 64 bits count");
    }
    if (empty) out->nitems = 0;
    return true;
}

bool c2_slice_bind(const struct c2_slice *slice, const int64_t *shape, int ndim, struct c2_bound *out,
                   struct cat2_error *err)
{
    const struct c2_sel full = {.kind = C2_SEL_RANGE};
    int ellipsis = -1, axis = 0;

    *out = (struct c2_bound){.ndim = ndim};
    for (int i = 0; i < slice->nsels; i++)
        if (slice->sels[i].kind == C2_SEL_ELLIPSIS) ellipsis = i;
    int given = slice->nsels - (ellipsis >= 0);
    if (given > ndim)
        return c2_fail(err, CAT2_EINVAL, "slice: %d axes for a dataset of %d dimension%s", given, ndim,
                       ndim == 1 ? "" : "s");
    for (int i = 0; i < slice->nsels; i++) {
        const struct c2_sel *sel = &slice->sels[i];
        if (i == ellipsis) {
            for (int k = given; k < ndim; k++, axis++)
                out->axes[axis] = bind_range(&full, shape[axis]);
            continue;
        }
        if (sel->kind == C2_SEL_RANGE && sel->has_step && sel->step == 0)
            return c2_fail(err, CAT2_EINVAL, "slice: the step of axis %d is 0", axis);
        if (sel->kind == C2_SEL_RANGE)
            out->axes[axis] = bind_range(sel, shape[axis]);
        else if (!bind_index(sel->start, shape[axis], axis, &out->axes[axis], err))
            return false;
        axis++;
    }
    for (; axis < ndim; axis++)
        out->axes[axis] = bind_range(&full, shape[axis]);
    return finish(out, shape, err);
}

void c2_bound_box(const struct c2_bound *bound, int64_t *lo, int64_t *hi)
{
    for (int axis = 0; axis < bound->ndim; axis++) {
        const struct c2_axis_sel *sel = &bound->axes[axis];
        int64_t last = sel->start + (sel->count - 1) * sel->step;
        lo[axis] = sel->count == 0 ? sel->start : c2_min_i64(sel->start, last);
        hi[axis] = sel->count == 0 ? sel->start : c2_max_i64(sel->start, last) + 1;
    }
}

struct c2_bound c2_bound_part(const struct c2_bound *bound, int axis, int64_t first, int64_t n)
{
    struct c2_bound part = *bound;
    int out_axis = 0;

    C2_ASSERT(0 <= axis && axis < bound->ndim && 0 <= first && 0 <= n &&
              first + n <= bound->axes[axis].count);
    part.axes[axis].start += first * part.axes[axis].step;
    part.axes[axis].count = n;
    for (int i = 0; i < axis; i++)
        out_axis += !bound->axes[i].dropped;
    if (!bound->axes[axis].dropped) part.out_shape[out_axis] = n;
    part.whole = bound->whole && n == bound->axes[axis].count;
    part.nitems = bound->axes[axis].count ? bound->nitems / bound->axes[axis].count * n : 0;
    return part;
}
