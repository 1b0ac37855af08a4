/* SPDX-License-Identifier: BSD-3-Clause */
/* Axes, steps and the slices that follow from them. */
#include "tui/window.h"

#include <inttypes.h>
#include <stdio.h>

/* Items of the selection along an axis; 1 for -1. */
static int64_t count_of(const struct c2_tui_window *window, int axis)
{
    return axis < 0 ? 1 : window->bound.axes[axis].count;
}

static bool is_free(const struct c2_tui_window *window, int axis)
{
    return axis >= 0 && axis < window->bound.ndim && !window->bound.axes[axis].dropped;
}

bool c2_tui_window_mapped(const struct c2_tui_window *window, enum c2_tui_kind kind, int axis)
{
    return axis == window->x || (axis == window->y && kind != C2_TUI_LINE);
}

bool c2_tui_window_init(struct c2_tui_window *window, const char *expr, const int64_t *shape, int ndim,
                        struct cat2_error *err)
{
    struct c2_tui_window fresh = {.x = -1, .y = -1, .active = -1};
    struct c2_slice slice;

    if (strlen(expr) >= sizeof(fresh.expr)) return c2_fail(err, CAT2_ELIMIT, "the slice is too long");
    if (!c2_slice_parse(c2_str_of(expr), &slice, err) ||
        !c2_slice_bind(&slice, shape, ndim, &fresh.bound, err))
        return false;
    snprintf(fresh.expr, sizeof(fresh.expr), "%s", expr);
    for (int axis = 0; axis < ndim; axis++) {
        if (!is_free(&fresh, axis)) continue;
        fresh.y = fresh.x;
        fresh.x = axis;
    }
    for (int axis = 0; axis < ndim && fresh.active < 0; axis++)
        if (is_free(&fresh, axis) && axis != fresh.x) fresh.active = axis;
    *window = fresh;
    return true;
}

static bool may_step(const struct c2_tui_window *window, enum c2_tui_kind kind, int axis)
{
    return is_free(window, axis) && !c2_tui_window_mapped(window, kind, axis);
}

bool c2_tui_window_turn(struct c2_tui_window *window, enum c2_tui_kind kind, int by)
{
    int ndim = window->bound.ndim;

    for (int i = 1; i <= ndim; i++) {
        int axis = (window->active + by * i + ndim * (i + 1)) % ndim;
        if (!may_step(window, kind, axis)) continue;
        bool moved = axis != window->active;
        window->active = axis;
        return moved;
    }
    return false;
}

static bool move_to(struct c2_tui_window *window, int axis, int64_t to)
{
    int64_t last = count_of(window, axis) - 1;

    if (axis < 0) return false;
    to = to < 0 || last < 0 ? 0 : to > last ? last : to;
    bool moved = to != window->at[axis];
    window->at[axis] = to;
    return moved;
}

bool c2_tui_window_step(struct c2_tui_window *window, enum c2_tui_kind kind, int64_t by)
{
    if (!may_step(window, kind, window->active)) c2_tui_window_turn(window, kind, 1);
    return may_step(window, kind, window->active) &&
           move_to(window, window->active, window->at[window->active] + by);
}

bool c2_tui_window_map(struct c2_tui_window *window, bool to_x)
{
    int *mine = to_x ? &window->x : &window->y, *other = to_x ? &window->y : &window->x;
    int ndim = window->bound.ndim, was = *mine;

    for (int i = 1; was >= 0 && i < ndim; i++) {
        int axis = (was + i) % ndim;
        if (!is_free(window, axis)) continue;
        if (axis == *other) *other = was;
        *mine = axis;
        window->at[window->x] = 0;
        if (window->y >= 0) window->at[window->y] = 0;
        return true;
    }
    return false;
}

void c2_tui_window_scroll(struct c2_tui_window *window, int64_t rows, int64_t columns)
{
    int down = window->y >= 0 ? window->y : window->x, right = window->y >= 0 ? window->x : -1;

    if (down >= 0) move_to(window, down, window->at[down] + rows);
    if (right >= 0) move_to(window, right, window->at[right] + columns);
}

/* From `first`, all of the axis in at most `room` items by leaving some out, or just those that have room. */
static struct c2_tui_span span_of(const struct c2_tui_window *window, int axis, int64_t room, bool thin)
{
    struct c2_tui_span span = {axis, 0, 1, 1};

    if (axis < 0) return span;
    room = c2_max_i64(room, 1);
    int64_t count = count_of(window, axis);
    if (thin) {
        span.stride = c2_max_i64(c2_div_ceil(count, room), 1);
        span.n = c2_div_ceil(count, span.stride);
        return span;
    }
    span.first = window->at[axis];
    span.n = c2_max_i64(c2_min_i64(room, count - span.first), 0);
    return span;
}

static bool put_span(const struct c2_axis_sel *sel, const struct c2_tui_span *span, struct c2_buf *out,
                     struct cat2_error *err)
{
    int64_t start = sel->start + sel->step * span->first, step = sel->step * span->stride;

    if (span->n == 0) return c2_buf_puts(out, "0:0", err);
    if (span->n == 1) return c2_buf_printf(out, err, "%" PRId64 ":%" PRId64, start, start + 1);
    int64_t stop = start + (span->n - 1) * step + (step > 0 ? 1 : -1);
    if (!c2_buf_printf(out, err, "%" PRId64 ":", start)) return false;
    if (stop >= 0 && !c2_buf_printf(out, err, "%" PRId64, stop)) return false;
    return step == 1 || c2_buf_printf(out, err, ":%" PRId64, step);
}

static bool put_slice(const struct c2_tui_window *window, const struct c2_tui_ask *ask,
                      char out[C2_TUI_SLICE_MAX], struct cat2_error *err)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(C2_TUI_SLICE_MAX - 1);
    bool ok = true;

    for (int axis = 0; ok && axis < window->bound.ndim; axis++) {
        const struct c2_axis_sel *sel = &window->bound.axes[axis];
        const struct c2_tui_span *span = axis == ask->rows.axis      ? &ask->rows
                                         : axis == ask->columns.axis ? &ask->columns
                                                                     : NULL;
        if (axis) ok = c2_buf_putc(&text, ',', err);
        if (ok && span)
            ok = put_span(sel, span, &text, err);
        else if (ok && sel->count == 0)
            ok = c2_buf_puts(&text, "0:0", err);
        else if (ok)
            ok = c2_buf_printf(&text, err, "%" PRId64, sel->start + sel->step * window->at[axis]);
    }
    snprintf(out, C2_TUI_SLICE_MAX, "%s", c2_buf_cstr(&text));
    return ok;
}

int64_t c2_tui_window_index(const struct c2_tui_window *window, const struct c2_tui_span *span, int64_t i)
{
    const struct c2_axis_sel *sel = &window->bound.axes[span->axis < 0 ? 0 : span->axis];

    return span->axis < 0 ? 0 : sel->start + sel->step * (span->first + i * span->stride);
}

bool c2_tui_window_ask(const struct c2_tui_window *window, enum c2_tui_kind kind, int w, int h,
                       struct c2_tui_ask *ask, struct cat2_error *err)
{
    const struct c2_tui_span none = {-1, 0, 1, 1};

    *ask = (struct c2_tui_ask){.kind = kind, .rows = none, .columns = none};
    if (kind == C2_TUI_LINE) {
        ask->columns = span_of(window, window->x, C2_TUI_LINE_MAX, true);
    } else if (kind == C2_TUI_HEAT) {
        ask->rows = span_of(window, window->y, h, true);
        ask->columns = span_of(window, window->x, w, true);
    } else if (window->y < 0) {
        ask->rows = span_of(window, window->x, h, false);
    } else {
        ask->rows = span_of(window, window->y, h, false);
        ask->columns = span_of(window, window->x, w, false);
    }
    ask->turned = ask->rows.axis >= 0 && ask->columns.axis >= 0 && ask->rows.axis > ask->columns.axis;
    if (kind == C2_TUI_LINE && ask->columns.stride > 1) {
        struct c2_tui_ask all = *ask;
        all.columns = (struct c2_tui_span){.axis = window->x, .n = count_of(window, window->x), .stride = 1};
        if (!put_slice(window, &all, ask->whole, err)) return false;
    }
    return put_slice(window, ask, ask->slice, err);
}
