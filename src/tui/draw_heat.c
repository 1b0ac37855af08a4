/* SPDX-License-Identifier: BSD-3-Clause */
/* A plane of numbers as a picture: the upper half block shows two pixels in one cell. */
#include <inttypes.h>
#include <stdio.h>

#include "tui/draw.h"

#define UPPER_HALF 0x2580

static bool halves(const struct c2_tui_canvas *canvas)
{
    return canvas->colour && canvas->utf8;
}

/* Characters of the longest number of a row, 0 where the box is too small for numbers. */
static int margin_of(struct c2_tui_box box, const struct c2_tui_window *window)
{
    char first[24], last[24];

    if (box.w < 24 || box.h < 8 || window->y < 0) return 0;
    const struct c2_axis_sel *sel = &window->bound.axes[window->y];
    int a = snprintf(first, sizeof(first), "%" PRId64, sel->start);
    int b = snprintf(last, sizeof(last), "%" PRId64, sel->start + sel->step * c2_max_i64(sel->count - 1, 0));
    return a > b ? a : b;
}

struct c2_tui_box c2_tui_heat_area(const struct c2_tui_canvas *canvas, struct c2_tui_box box,
                                   const struct c2_tui_window *window, int *w, int *h)
{
    int margin = margin_of(box, window), beneath = margin ? 2 : 1;
    struct c2_tui_box area = {box.x + (margin ? margin + 1 : 0), box.y, box.w - (margin ? margin + 1 : 0),
                              box.h > beneath ? box.h - beneath : 1};

    *w = area.w;
    *h = area.h * (halves(canvas) ? 2 : 1);
    return area;
}

struct paint {
    struct c2_scaler scaler;
    struct c2_colormap map;
};

static struct paint paint_of(const struct c2_tui_look *look)
{
    struct paint paint;
    struct cat2_error err;

    c2_scaler_init(&paint.scaler, look->scale, look->lo, look->hi);
    (void)c2_colormap_of(c2_str_of(c2_colormap_name(look->map)), &paint.map, &err); /* a known name */
    return paint;
}

/* The place of the pixel's value in the range; -1 NaN, -2 outside the picture. */
static double place_at(const struct paint *paint, const struct c2_tui_data *data, int row, int column)
{
    if (row >= data->ask.rows.n || column >= data->ask.columns.n) return -2;
    int64_t i = c2_tui_data_index(data, row, column);
    return i < 0 ? -2 : c2_scaler_place(&paint->scaler, data->values[i]);
}

static int32_t rgb_of(const struct paint *paint, double place)
{
    return place < 0 ? C2_TUI_DEFAULT : c2_colormap_rgb(&paint->map, place);
}

/* The words come first: the bar between them has what is left of the line. */
static void draw_bar(struct c2_tui_canvas *canvas, struct c2_tui_box line, const struct c2_tui_look *look,
                     const struct paint *paint)
{
    char words[120];
    int nwords = snprintf(words, sizeof(words), " %.6g  %s %s%s", look->hi, c2_colormap_name(look->map),
                          c2_scale_name(look->scale), look->robust ? " 1-99 %" : "");
    int x = c2_tui_printf(canvas, line, C2_TUI_PLAIN, "%.6g ", look->lo);
    int w = (int)c2_max_i64(c2_min_i64(16, line.w - x - nwords), 2);

    for (int i = 0; i < w && x < line.w; i++, x++) {
        double place = i / (double)(w - 1);
        struct c2_tui_style style = C2_TUI_PLAIN;
        if (halves(canvas)) style.bg = c2_colormap_rgb(&paint->map, place);
        c2_tui_put(canvas, line.x + x, line.y, halves(canvas) ? ' ' : (uint32_t)(uint8_t)c2_tui_ramp(place),
                   style);
    }
    c2_tui_text(canvas, line.x + x, line.y, line.w - x, words, C2_TUI_PLAIN);
}

static int zoom_of(const struct c2_tui_data *data, int w, int h)
{
    int64_t kx = w / c2_max_i64(data->ask.columns.n, 1), ky = h / c2_max_i64(data->ask.rows.n, 1);
    return (int)c2_max_i64(c2_min_i64(kx, ky), 1);
}

bool c2_tui_heat_at(const struct c2_tui_canvas *canvas, struct c2_tui_box box,
                    const struct c2_tui_window *window, const struct c2_tui_data *data, int x, int y,
                    struct c2_tui_cursor *out)
{
    int w, h;
    struct c2_tui_box area = c2_tui_heat_area(canvas, box, window, &w, &h);
    int zoom = zoom_of(data, w, h);
    struct c2_tui_cursor at = {true, (int64_t)(y - area.y) * (halves(canvas) ? 2 : 1) / zoom,
                               (x - area.x) / zoom};

    if (x < area.x || y < area.y || at.row >= data->ask.rows.n || at.column >= data->ask.columns.n)
        return false;
    *out = at;
    return true;
}

/* Numbers of rows to the left, of columns beneath, as many as can be told apart. */
static void draw_numbers(struct c2_tui_canvas *canvas, struct c2_tui_box box, struct c2_tui_box area,
                         const struct c2_tui_window *window, const struct c2_tui_data *data, int zoom)
{
    const struct c2_tui_style dim = {C2_TUI_DEFAULT, C2_TUI_DEFAULT, C2_TUI_DIM};
    int per_cell = halves(canvas) ? 2 : 1, margin = area.x - box.x - 1;
    char number[24];

    if (margin < 1) return;
    for (int y = 0; y < area.h && y * per_cell / zoom < data->ask.rows.n; y += 4) {
        int64_t index = c2_tui_window_index(window, &data->ask.rows, y * per_cell / zoom);
        int n = snprintf(number, sizeof(number), "%" PRId64, index);
        c2_tui_text(canvas, box.x + margin - n, area.y + y, n, number, dim);
    }
    for (int x = 0; x < area.w && x / zoom < data->ask.columns.n; x += 10) {
        int n = snprintf(number, sizeof(number), "%" PRId64,
                         c2_tui_window_index(window, &data->ask.columns, x / zoom));
        if (n < 10 && x + n <= area.w) c2_tui_text(canvas, area.x + x, area.y + area.h, n, number, dim);
    }
}

/* One cell: two pixels, or one. up and down are their places. */
static void draw_cell(struct c2_tui_canvas *canvas, int x, int y, const struct paint *paint, double up,
                      double down)
{
    struct c2_tui_style style = {rgb_of(paint, up), rgb_of(paint, down), 0};

    if (!halves(canvas)) {
        c2_tui_put(canvas, x, y, (uint32_t)(uint8_t)c2_tui_ramp(up), C2_TUI_PLAIN);
    } else if (style.fg < 0 && style.bg < 0) { /* not a number */
        c2_tui_put(canvas, x, y, 0xb7, C2_TUI_PLAIN);
    } else if (style.fg < 0) { /* only below: a lower half block */
        style = (struct c2_tui_style){style.bg, C2_TUI_DEFAULT, 0};
        c2_tui_put(canvas, x, y, 0x2584, style);
    } else {
        c2_tui_put(canvas, x, y, UPPER_HALF, style);
    }
}

void c2_tui_draw_heat(struct c2_tui_canvas *canvas, struct c2_tui_box box, const struct c2_tui_window *window,
                      const struct c2_tui_look *look, const struct c2_tui_data *data,
                      const struct c2_tui_cursor *cursor)
{
    const struct c2_tui_style mark = {C2_TUI_DEFAULT, C2_TUI_DEFAULT, C2_TUI_REVERSE};
    int w, h, per_cell = halves(canvas) ? 2 : 1;

    if (!data->values || c2_tui_data_nitems(data) == 0) {
        c2_tui_text(canvas, box.x, box.y, box.w, data->values ? "0 elements" : "no numbers to paint",
                    C2_TUI_PLAIN);
        return;
    }
    struct c2_tui_box area = c2_tui_heat_area(canvas, box, window, &w, &h);
    int zoom = zoom_of(data, w, h);
    struct paint paint = paint_of(look);
    for (int y = 0; y < area.h; y++)
        for (int x = 0; x < w; x++) {
            double up = place_at(&paint, data, y * per_cell / zoom, x / zoom);
            if (up == -2) continue;
            draw_cell(canvas, area.x + x, area.y + y, &paint, up,
                      place_at(&paint, data, (y * per_cell + per_cell - 1) / zoom, x / zoom));
        }
    draw_numbers(canvas, box, area, window, data, zoom);
    if (cursor->on && cursor->row * zoom / per_cell < area.h && cursor->column * zoom < w)
        c2_tui_put(canvas, area.x + (int)cursor->column * zoom, area.y + (int)cursor->row * zoom / per_cell,
                   '+', mark);
    draw_bar(canvas, (struct c2_tui_box){box.x, box.y + box.h - 1, box.w, 1}, look, &paint);
}
