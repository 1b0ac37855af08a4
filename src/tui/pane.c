/* SPDX-License-Identifier: BSD-3-Clause */
/* The preview: one dataset, one view of it at a time. */
#include "tui/pane.h"

#include <inttypes.h>
#include <string.h>

#define HEAD_LINES 2

static const char *const kinds[] = {"meta", "values", "heat", "line"};

bool c2_tui_kind_parse(const char *text, enum c2_tui_kind *out, struct cat2_error *err)
{
    for (int kind = 0; kind < C2_TUI_KINDS; kind++)
        if (strcmp(text, kinds[kind]) == 0) {
            *out = (enum c2_tui_kind)kind;
            return true;
        }
    return c2_fail(err, CAT2_EINVAL, "no view '%.40s': meta, values, heat, line", text);
}

static bool same_shape(const struct c2_tui_info *a, const struct c2_tui_info *b)
{
    return a && b && a->ndim == b->ndim &&
           (a->ndim == 0 || memcmp(a->shape, b->shape, (size_t)a->ndim * sizeof(*a->shape)) == 0);
}

void c2_tui_pane_show(struct c2_tui_pane *pane, struct c2_tui_info *info)
{
    bool keep = same_shape(pane->info, info), same = keep && strcmp(pane->info->path, info->path) == 0;
    struct cat2_error ignored;

    c2_tui_info_free(pane->info);
    pane->info = info;
    if (!keep && !c2_tui_window_init(&pane->window, "", info->shape, info->ndim, &ignored))
        pane->window.x = -1;
    if (!same) {
        c2_tui_data_free(pane->data);
        pane->data = NULL;
        pane->top = pane->lines = 0;
        pane->fixed_range = false;
    }
    if (!c2_tui_pane_offers(pane, pane->kind)) pane->kind = C2_TUI_META;
}

bool c2_tui_pane_slice(struct c2_tui_pane *pane, const char *expr, struct cat2_error *err)
{
    if (!pane->info) return c2_fail(err, CAT2_EINVAL, "no dataset is shown");
    if (!c2_tui_window_init(&pane->window, expr, pane->info->shape, pane->info->ndim, err)) return false;
    pane->top = 0;
    if (!c2_tui_pane_offers(pane, pane->kind)) pane->kind = C2_TUI_VALUES;
    return true;
}

/* By the name of the dtype, before any data came. */
static bool numeric(const struct c2_tui_info *info)
{
    const char *name = info->dtype + strspn(info->dtype, "<>|=");
    static const char *const stems[] = {"int", "uint", "float", "bool", "complex", "datetime", "timedelta"};

    for (size_t i = 0; i < C2_ARRAY_LEN(stems); i++)
        if (strncmp(name, stems[i], strlen(stems[i])) == 0) return true;
    return strchr("iufcbmM", *name) != NULL;
}

bool c2_tui_pane_offers(const struct c2_tui_pane *pane, enum c2_tui_kind kind)
{
    if (kind == C2_TUI_META) return true;
    if (!pane->info) return false;
    if (kind == C2_TUI_VALUES) return true;
    if (pane->info->kind != CAT2_ARRAY || !numeric(pane->info)) return false;
    return kind == C2_TUI_LINE ? pane->window.x >= 0 : pane->window.y >= 0;
}

void c2_tui_pane_next_kind(struct c2_tui_pane *pane)
{
    do {
        pane->kind = (enum c2_tui_kind)((pane->kind + 1) % C2_TUI_KINDS);
    } while (!c2_tui_pane_offers(pane, pane->kind));
    pane->top = 0;
}

static struct c2_tui_box body_of(struct c2_tui_box box)
{
    int head = box.h > HEAD_LINES ? HEAD_LINES : 0;
    return (struct c2_tui_box){box.x, box.y + head, box.w, box.h - head};
}

static bool is_bytes(const struct c2_tui_pane *pane)
{
    return pane->info && pane->info->kind != CAT2_ARRAY;
}

bool c2_tui_pane_ask(const struct c2_tui_pane *pane, const struct c2_tui_canvas *canvas,
                     struct c2_tui_box box, struct c2_tui_ask *ask)
{
    struct c2_tui_box body = body_of(box);
    struct cat2_error ignored;
    int w = body.w / 2 + 1, h = body.h - 1;

    if (!pane->info || pane->kind == C2_TUI_META) return false;
    if (pane->kind == C2_TUI_HEAT) c2_tui_heat_size(canvas, body, &w, &h);
    if (is_bytes(pane)) {
        int64_t items = c2_max_i64(C2_TUI_TEXT_MAX / c2_max_i64(pane->info->itemsize, 1), 1);
        return c2_tui_window_ask(&pane->window, C2_TUI_VALUES, 1, (int)items, ask, &ignored);
    }
    if (pane->info->itemsize > 64) w = 1 + body.w / 8; /* long items: fewer columns are seen */
    return c2_tui_window_ask(&pane->window, pane->kind, w, h, ask, &ignored);
}

void c2_tui_pane_autoscale(struct c2_tui_pane *pane)
{
    if (pane->data && pane->data->values)
        c2_tui_autoscale(&pane->look, pane->data->values, (size_t)c2_tui_data_nitems(pane->data));
}

void c2_tui_pane_answer(struct c2_tui_pane *pane, struct c2_tui_data *data)
{
    c2_tui_data_free(pane->data);
    pane->data = data;
    if (data->ask.kind == C2_TUI_HEAT && !pane->fixed_range) c2_tui_pane_autoscale(pane);
}

void c2_tui_pane_scroll(struct c2_tui_pane *pane, int64_t rows, int64_t columns)
{
    if (pane->kind == C2_TUI_META || is_bytes(pane)) {
        int64_t last = c2_max_i64(pane->lines - 1, 0), top = c2_min_i64(pane->top + rows, last);
        pane->top = (int)c2_max_i64(top, 0);
    } else if (pane->kind == C2_TUI_VALUES) {
        c2_tui_window_scroll(&pane->window, rows, columns);
    }
}

/* "axes  y=0 x=1  [2]=5/10": which axis is where. */
static void draw_axes(const struct c2_tui_pane *pane, struct c2_tui_canvas *canvas, struct c2_tui_box line)
{
    const struct c2_tui_style dim = {C2_TUI_DEFAULT, C2_TUI_DEFAULT, C2_TUI_DIM};
    const struct c2_tui_window *window = &pane->window;
    int x = c2_tui_printf(canvas, line, dim, "[%s]", kinds[pane->kind]);

    if (pane->kind == C2_TUI_META || is_bytes(pane)) return;
    if (*window->expr)
        x += c2_tui_printf(canvas, (struct c2_tui_box){line.x + x, line.y, line.w - x, 1}, dim, " slice %s",
                           window->expr);
    for (int axis = 0; axis < window->bound.ndim && x < line.w; axis++) {
        struct c2_tui_box rest = {line.x + x, line.y, line.w - x, 1};
        const struct c2_axis_sel *sel = &window->bound.axes[axis];
        if (sel->dropped) continue;
        if (c2_tui_window_mapped(window, pane->kind, axis))
            x += c2_tui_printf(canvas, rest, dim, " %c=axis %d", axis == window->x ? 'x' : 'y', axis);
        else
            x += c2_tui_printf(canvas, rest,
                               axis == window->active ? (struct c2_tui_style){-1, -1, C2_TUI_BOLD} : dim,
                               " axis %d: %" PRId64 "/%" PRId64, axis,
                               sel->start + sel->step * window->at[axis], pane->info->shape[axis]);
    }
}

static void draw_body(struct c2_tui_pane *pane, struct c2_tui_canvas *canvas, struct c2_tui_box body)
{
    if (pane->kind == C2_TUI_META) {
        pane->lines = c2_tui_draw_meta(canvas, body, pane->info, pane->top);
        return;
    }
    enum c2_tui_kind asked = is_bytes(pane) ? C2_TUI_VALUES : pane->kind;
    if (!pane->data || pane->data->ask.kind != asked)
        c2_tui_text(canvas, body.x, body.y, body.w, canvas->utf8 ? "loading\xe2\x80\xa6" : "loading...",
                    C2_TUI_PLAIN);
    else if (is_bytes(pane))
        pane->lines = c2_tui_draw_text(canvas, body, pane->data, pane->top);
    else if (pane->kind == C2_TUI_VALUES)
        c2_tui_draw_values(canvas, body, &pane->window, pane->data);
    else if (pane->kind == C2_TUI_HEAT)
        c2_tui_draw_heat(canvas, body, &pane->look, pane->data);
    else
        c2_tui_draw_line(canvas, body, pane->data);
}

void c2_tui_pane_draw(struct c2_tui_pane *pane, struct c2_tui_canvas *canvas, struct c2_tui_box box)
{
    const struct c2_tui_style bold = {C2_TUI_DEFAULT, C2_TUI_DEFAULT, C2_TUI_BOLD};
    char shape[400];

    if (!pane->info || box.w < 1 || box.h < 1) return;
    if (box.h > HEAD_LINES) {
        c2_tui_shape_text(pane->info->shape, pane->info->ndim, shape, sizeof(shape));
        c2_tui_printf(canvas, (struct c2_tui_box){box.x, box.y, box.w, 1}, bold, "%s  %s %s",
                      pane->info->path, shape, pane->info->dtype);
        draw_axes(pane, canvas, (struct c2_tui_box){box.x, box.y + 1, box.w, 1});
    }
    draw_body(pane, canvas, body_of(box));
}

void c2_tui_pane_fini(struct c2_tui_pane *pane)
{
    c2_tui_info_free(pane->info);
    c2_tui_data_free(pane->data);
    *pane = (struct c2_tui_pane){0};
}
