/* SPDX-License-Identifier: BSD-3-Clause */
/* A row of numbers as a curve of braille dots. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tui/draw.h"
#include "tui/tui_number.h"

void c2_tui_dot(struct c2_tui_dots *dots, int x, int y)
{
    static const uint8_t bit[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};

    if (x < 0 || x >= dots->w * 2 || y < 0 || y >= dots->h * 4) return;
    dots->bits[y / 4 * dots->w + x / 2] |= bit[y % 4][x % 2];
}

/* The places of the least and the greatest finite number. */
struct range {
    int64_t least, most;
};

/* false when there is none. */
static bool range_of(const double *values, int64_t n, struct range *out)
{
    *out = (struct range){-1, -1};
    for (int64_t i = 0; i < n; i++) {
        if (!isfinite(values[i])) continue;
        if (out->least < 0 || values[i] < values[out->least]) out->least = i;
        if (out->most < 0 || values[i] > values[out->most]) out->most = i;
    }
    return out->least >= 0;
}

static int height_of(double v, double lo, double hi, int h)
{
    double place = hi > lo ? (v / 2 - lo / 2) / (hi / 2 - lo / 2) : 0.5;
    return (int)lround((1 - place) * (h - 1));
}

/* Every column of dots gets a stroke from the least to the greatest of its samples, joined to the one before.
 */
static void plot(struct c2_tui_dots *dots, const double *values, int64_t n, double lo, double hi)
{
    int w = dots->w * 2, h = dots->h * 4, previous = -1;

    for (int x = 0; x < w; x++) {
        int64_t first = x * n / w, end = c2_max_i64((x + 1) * n / w, first + 1);
        struct range range;
        if (!range_of(values + first, c2_min_i64(end, n) - first, &range)) {
            previous = -1;
            continue;
        }
        int top = height_of(values[first + range.most], lo, hi, h);
        int bottom = height_of(values[first + range.least], lo, hi, h);
        int from = previous >= 0 && previous < top ? previous : top;
        int to = previous > bottom ? previous : bottom;
        for (int y = from; y <= to; y++)
            c2_tui_dot(dots, x, y);
        previous = (top + bottom) / 2;
    }
}

static void show_dots(struct c2_tui_canvas *canvas, struct c2_tui_box box, const struct c2_tui_dots *dots)
{
    const struct c2_tui_style curve = {canvas->colour ? 0x4cc3c9 : C2_TUI_DEFAULT, C2_TUI_DEFAULT, 0};

    for (int y = 0; y < dots->h; y++)
        for (int x = 0; x < dots->w; x++) {
            uint8_t bits = dots->bits[y * dots->w + x];
            if (bits) c2_tui_put(canvas, box.x + x, box.y + y, canvas->utf8 ? 0x2800u + bits : '*', curve);
        }
}

/* Items of the answer that share a place along the curve: least and greatest, or one. */
static int64_t nparts(const struct c2_tui_data *data)
{
    return c2_tui_data_nitems(data) / (data->ask.pairs ? 2 : 1);
}

/* What stands beside a curve: the greatest, that in the middle, the least; "" nothing. */
struct labels {
    char text[3][C2_TUI_WORD_MAX];
    int width;
};

/* Integers and dates are exact, as far as there is room. */
static void label(const struct c2_tui_data *data, int64_t i, int room, char out[C2_TUI_WORD_MAX])
{
    if (strchr("iumM", data->dtype.kind)) c2_tui_word(&data->dtype, c2_tui_data_item(data, i), out);
    if (!strchr("iumM", data->dtype.kind) || (int)strlen(out) > room)
        snprintf(out, C2_TUI_WORD_MAX, "%.6g", data->values[i]);
}

static struct labels labels_of(struct c2_tui_box box, const struct c2_tui_data *data)
{
    struct labels labels = {.width = 0};
    struct range range;

    if (!range_of(data->heights, c2_tui_data_nitems(data), &range)) return labels;
    double lo = data->values[range.least], hi = data->values[range.most];
    bool large = fabs(lo) > 1e9 || fabs(hi) > 1e9;
    label(data, range.most, box.w / 3, labels.text[0]);
    if (hi > lo && !(large && strchr("iumM", data->dtype.kind)))
        snprintf(labels.text[1], C2_TUI_WORD_MAX, "%.6g", lo / 2 + hi / 2);
    label(data, range.least, box.w / 3, labels.text[2]);
    for (int i = 0; i < 3; i++)
        labels.width = (int)c2_max_i64(labels.width, (int64_t)strlen(labels.text[i]));
    return labels;
}

/* The curve beside its numbers; room is left beneath it for those of the axis, where there is any. */
static struct c2_tui_box area_of(struct c2_tui_box box, const struct labels *labels)
{
    int margin = 1 + labels->width;

    return (struct c2_tui_box){box.x + margin, box.y, box.w - margin, box.h - (box.h >= 6 ? 2 : 1)};
}

bool c2_tui_line_at(struct c2_tui_box box, const struct c2_tui_data *data, int x, struct c2_tui_cursor *out)
{
    if (!data->values || nparts(data) == 0) return false;
    struct labels labels = labels_of(box, data);
    struct c2_tui_box area = area_of(box, &labels);
    if (x < area.x || area.w < 1) return false;
    *out = (struct c2_tui_cursor){true, 0, (x - area.x) * nparts(data) / area.w};
    return true;
}

/* Index of a part's first item. */
static int64_t index_of(const struct c2_tui_window *window, const struct c2_tui_data *data, int64_t part)
{
    const struct c2_axis_sel *sel = &window->bound.axes[data->ask.columns.axis];

    if (data->ask.pairs)
        return sel->start + sel->step * (int64_t)((double)part * (double)sel->count / (double)nparts(data));
    return c2_tui_window_index(window, &data->ask.columns, part);
}

static void draw_numbers(struct c2_tui_canvas *canvas, struct c2_tui_box area,
                         const struct c2_tui_window *window, const struct c2_tui_data *data)
{
    const struct c2_tui_style dim = {C2_TUI_DEFAULT, C2_TUI_DEFAULT, C2_TUI_DIM};
    int step = area.w >= 60 ? area.w / 4 : area.w / 2;
    char number[24];

    for (int x = 0; x < area.w && step > 12; x += step) {
        int n =
            snprintf(number, sizeof(number), "%" PRId64, index_of(window, data, x * nparts(data) / area.w));
        if (x + n <= area.w) c2_tui_text(canvas, area.x + x, area.y + area.h, n, number, dim);
    }
}

static void draw_note(struct c2_tui_canvas *canvas, struct c2_tui_box foot, const struct c2_tui_data *data)
{
    const struct c2_tui_style dim = {C2_TUI_DEFAULT, C2_TUI_DEFAULT, C2_TUI_DIM};
    const struct c2_tui_span *span = &data->ask.columns;
    int64_t n = c2_tui_data_nitems(data);

    if (data->ask.pairs)
        c2_tui_printf(canvas, foot, dim, "least and greatest of all items, in %" PRId64 " parts", n / 2);
    else
        c2_tui_printf(canvas, foot, dim,
                      span->stride > 1 ? "%" PRId64 " samples, one of %" PRId64 : "%" PRId64 " items", n,
                      span->stride);
}

static void draw_cursor(struct c2_tui_canvas *canvas, struct c2_tui_box area, const struct c2_tui_dots *dots,
                        int64_t part, int64_t n)
{
    const struct c2_tui_style dim = {C2_TUI_DEFAULT, C2_TUI_DEFAULT, C2_TUI_DIM};
    int x = (int)((part * area.w + area.w / 2) / c2_max_i64(n, 1));

    if (n > area.w) x = (int)(part * area.w / n);
    for (int y = 0; y < area.h && x < area.w; y++)
        if (!dots->bits[y * dots->w + x])
            c2_tui_put(canvas, area.x + x, area.y + y, canvas->utf8 ? 0x2502 : '|', dim);
}

void c2_tui_draw_line(struct c2_tui_canvas *canvas, struct c2_tui_box box, const struct c2_tui_window *window,
                      const struct c2_tui_data *data, const struct c2_tui_cursor *cursor)
{
    int64_t n = c2_tui_data_nitems(data);
    struct range range;

    if (!data->values || !range_of(data->heights, n, &range)) {
        c2_tui_text(canvas, box.x, box.y, box.w, n ? "no numbers to draw" : "0 elements", C2_TUI_PLAIN);
        return;
    }
    struct labels labels = labels_of(box, data);
    struct c2_tui_box area = area_of(box, &labels);
    if (area.w < 2 || area.h < 1) return;
    int places[] = {0, area.h >= 5 ? (area.h - 1) / 2 : -1, area.h > 1 ? area.h - 1 : -1};
    for (size_t i = 0; i < C2_ARRAY_LEN(places); i++)
        if (places[i] >= 0)
            c2_tui_text(canvas, box.x, box.y + places[i], area.x - box.x, labels.text[i], C2_TUI_PLAIN);
    struct c2_tui_dots dots = {area.w, area.h, calloc((size_t)area.w * (size_t)area.h, 1)};
    if (!dots.bits) return;
    plot(&dots, data->heights, n, data->heights[range.least], data->heights[range.most]);
    show_dots(canvas, area, &dots);
    if (cursor->on) draw_cursor(canvas, area, &dots, cursor->column, nparts(data));
    free(dots.bits);
    if (area.h == box.h - 2) draw_numbers(canvas, area, window, data);
    draw_note(canvas, (struct c2_tui_box){area.x, box.y + box.h - 1, area.w, 1}, data);
}
