/* SPDX-License-Identifier: BSD-3-Clause */
/* A row of numbers as a curve of braille dots. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tui/draw.h"

void c2_tui_dot(struct c2_tui_dots *dots, int x, int y)
{
    static const uint8_t bit[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};

    if (x < 0 || x >= dots->w * 2 || y < 0 || y >= dots->h * 4) return;
    dots->bits[y / 4 * dots->w + x / 2] |= bit[y % 4][x % 2];
}

/* Least and greatest finite value; false when there is none. */
static bool range_of(const double *values, int64_t n, double *lo, double *hi)
{
    bool any = false;

    for (int64_t i = 0; i < n; i++) {
        if (!isfinite(values[i])) continue;
        *lo = any ? fmin(*lo, values[i]) : values[i];
        *hi = any ? fmax(*hi, values[i]) : values[i];
        any = true;
    }
    return any;
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
        double least, most;
        if (!range_of(values + first, c2_min_i64(end, n) - first, &least, &most)) {
            previous = -1;
            continue;
        }
        int top = height_of(most, lo, hi, h), bottom = height_of(least, lo, hi, h);
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

void c2_tui_draw_line(struct c2_tui_canvas *canvas, struct c2_tui_box box, const struct c2_tui_data *data)
{
    int64_t n = c2_tui_data_nitems(data);
    char top[32], bottom[32];
    double lo = 0, hi = 0;

    if (!data->values || !range_of(data->values, n, &lo, &hi)) {
        c2_tui_text(canvas, box.x, box.y, box.w, n ? "no numbers to draw" : "0 elements", C2_TUI_PLAIN);
        return;
    }
    snprintf(top, sizeof(top), "%.6g", hi);
    snprintf(bottom, sizeof(bottom), "%.6g", lo);
    int margin = 1 + (int)(strlen(top) > strlen(bottom) ? strlen(top) : strlen(bottom));
    struct c2_tui_box area = {box.x + margin, box.y, box.w - margin, box.h - 1};
    if (area.w < 2 || area.h < 1) return;
    c2_tui_text(canvas, box.x, box.y, margin, top, C2_TUI_PLAIN);
    if (area.h > 1) c2_tui_text(canvas, box.x, box.y + area.h - 1, margin, bottom, C2_TUI_PLAIN);
    struct c2_tui_dots dots = {area.w, area.h, calloc((size_t)area.w * (size_t)area.h, 1)};
    if (!dots.bits) return;
    plot(&dots, data->values, n, lo, hi);
    show_dots(canvas, area, &dots);
    free(dots.bits);
    const struct c2_tui_span *span = &data->ask.columns;
    struct c2_tui_box foot = {area.x, box.y + box.h - 1, area.w, 1};
    const struct c2_tui_style dim = {C2_TUI_DEFAULT, C2_TUI_DEFAULT, C2_TUI_DIM};
    if (data->ask.pairs)
        c2_tui_printf(canvas, foot, dim, "least and greatest of all items, in %" PRId64 " parts", n / 2);
    else
        c2_tui_printf(canvas, foot, dim,
                      span->stride > 1 ? "%" PRId64 " samples, one of %" PRId64 : "%" PRId64 " items", n,
                      span->stride);
}
