/* SPDX-License-Identifier: BSD-3-Clause */
/* A plane of numbers as a picture: the upper half block shows two pixels in one cell. */
#include <stdio.h>

#include "tui/draw.h"

#define UPPER_HALF 0x2580

static bool halves(const struct c2_tui_canvas *canvas)
{
    return canvas->colour && canvas->utf8;
}

void c2_tui_heat_size(const struct c2_tui_canvas *canvas, struct c2_tui_box box, int *w, int *h)
{
    *w = box.w;
    *h = (box.h > 1 ? box.h - 1 : 1) * (halves(canvas) ? 2 : 1);
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

void c2_tui_draw_heat(struct c2_tui_canvas *canvas, struct c2_tui_box box, const struct c2_tui_look *look,
                      const struct c2_tui_data *data)
{
    int w, h, per_cell = halves(canvas) ? 2 : 1;

    if (!data->values || c2_tui_data_nitems(data) == 0) {
        c2_tui_text(canvas, box.x, box.y, box.w, data->values ? "0 elements" : "no numbers to paint",
                    C2_TUI_PLAIN);
        return;
    }
    c2_tui_heat_size(canvas, box, &w, &h);
    int zoom = zoom_of(data, w, h);
    struct paint paint = paint_of(look);
    for (int y = 0; y < h / per_cell; y++)
        for (int x = 0; x < w; x++) {
            double up = place_at(&paint, data, y * per_cell / zoom, x / zoom);
            if (up == -2) continue;
            if (per_cell == 1) {
                c2_tui_put(canvas, box.x + x, box.y + y, (uint32_t)(uint8_t)c2_tui_ramp(up), C2_TUI_PLAIN);
                continue;
            }
            double down = place_at(&paint, data, (y * 2 + 1) / zoom, x / zoom);
            struct c2_tui_style style = {rgb_of(&paint, up), rgb_of(&paint, down), 0};
            if (style.fg < 0 && style.bg < 0) { /* not a number */
                c2_tui_put(canvas, box.x + x, box.y + y, 0xb7, C2_TUI_PLAIN);
            } else if (style.fg < 0) { /* only below: a lower half block */
                style = (struct c2_tui_style){style.bg, C2_TUI_DEFAULT, 0};
                c2_tui_put(canvas, box.x + x, box.y + y, 0x2584, style);
            } else {
                c2_tui_put(canvas, box.x + x, box.y + y, UPPER_HALF, style);
            }
        }
    draw_bar(canvas, (struct c2_tui_box){box.x, box.y + box.h - 1, box.w, 1}, look, &paint);
}
