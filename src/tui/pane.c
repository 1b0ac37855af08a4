/* SPDX-License-Identifier: BSD-3-Clause */
/* The preview: one dataset, one view of it at a time. */
#include "tui/pane.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/tui_number.h"
#include "wire/url.h"

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

    free(pane->folder);
    pane->folder = NULL;
    c2_tui_info_free(pane->info);
    pane->info = info;
    if (!keep && !c2_tui_window_init(&pane->window, "", info->shape, info->ndim, &ignored))
        pane->window.x = -1;
    if (!same) {
        c2_tui_data_free(pane->data);
        pane->data = NULL;
        pane->top = pane->lines = 0;
        pane->fixed_range = false;
        pane->where[0] = '\0';
        pane->cursor = (struct c2_tui_cursor){0};
    }
    free(pane->table);
    pane->table = NULL;
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
    pane->cursor = (struct c2_tui_cursor){0};
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

    if (pane->folder || !pane->info || pane->kind == C2_TUI_META) return false;
    if (pane->kind == C2_TUI_HEAT) (void)c2_tui_heat_area(canvas, body, &pane->window, &w, &h);
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

static int64_t clamp(int64_t v, int64_t n)
{
    return c2_max_i64(c2_min_i64(v, n - 1), 0);
}

/* Of a line, by as many items as share a column of a screen of 100. */
static void move_cursor(struct c2_tui_pane *pane, int64_t rows, int64_t columns)
{
    const struct c2_tui_data *data = pane->data;
    struct c2_tui_cursor *cursor = &pane->cursor;

    if (!data || data->ask.kind != pane->kind || !data->values) return;
    if (pane->kind == C2_TUI_LINE) {
        int64_t n = c2_tui_data_nitems(data) / (data->ask.pairs ? 2 : 1);
        cursor->column = clamp(cursor->column + (cursor->on ? columns * c2_max_i64(n / 100, 1) : 0), n);
    } else {
        rows = c2_max_i64(c2_min_i64(rows, data->ask.rows.n), -data->ask.rows.n);
        cursor->row = clamp(cursor->row + (cursor->on ? rows : 0), data->ask.rows.n);
        cursor->column = clamp(cursor->column + (cursor->on ? columns : 0), data->ask.columns.n);
    }
    cursor->on = true;
}

void c2_tui_pane_point(struct c2_tui_pane *pane, const struct c2_tui_canvas *canvas, struct c2_tui_box box,
                       int x, int y)
{
    const struct c2_tui_data *data = pane->data;
    struct c2_tui_box body = body_of(box);

    if (!data || data->ask.kind != pane->kind || !data->values) return;
    if (pane->kind == C2_TUI_HEAT)
        (void)c2_tui_heat_at(canvas, body, &pane->window, data, x, y, &pane->cursor);
    if (pane->kind == C2_TUI_LINE) (void)c2_tui_line_at(body, data, x, &pane->cursor);
}

/* "[3, 5]" with the cursor's index on the axes of the picture; of a part of a line its first and last. */
static size_t index_text(const struct c2_tui_pane *pane, char *out, size_t room)
{
    const struct c2_tui_window *window = &pane->window;
    const struct c2_tui_ask *ask = &pane->data->ask;
    size_t n = (size_t)snprintf(out, room, "[");

    for (int axis = 0; axis < window->bound.ndim && n + 60 < room; axis++) {
        const struct c2_axis_sel *sel = &window->bound.axes[axis];
        int64_t index = sel->start + (sel->dropped ? 0 : sel->step * window->at[axis]);
        if (axis == ask->rows.axis) index = c2_tui_window_index(window, &ask->rows, pane->cursor.row);
        if (axis == ask->columns.axis)
            index = c2_tui_window_index(window, &ask->columns, pane->cursor.column);
        n += (size_t)snprintf(out + n, room - n, "%s", axis ? ", " : "");
        if (ask->pairs && axis == ask->columns.axis) {
            int64_t npairs = c2_tui_data_nitems(pane->data) / 2;
            double each = (double)sel->count / (double)npairs;
            int64_t from = (int64_t)((double)pane->cursor.column * each),
                    to = (int64_t)((double)(pane->cursor.column + 1) * each);
            n += (size_t)snprintf(out + n, room - n, "%" PRId64 ":%" PRId64, sel->start + sel->step * from,
                                  sel->start + sel->step * to);
        } else {
            n += (size_t)snprintf(out + n, room - n, "%" PRId64, index);
        }
    }
    return n + (size_t)snprintf(out + n, room - n, "]");
}

void c2_tui_pane_pointed(const struct c2_tui_pane *pane, char *out, size_t room)
{
    const struct c2_tui_data *data = pane->data;
    char word[C2_TUI_WORD_MAX], most[C2_TUI_WORD_MAX];

    out[0] = '\0';
    if (pane->folder || !pane->cursor.on || !data || data->ask.kind != pane->kind || !data->values) return;
    int64_t column = pane->cursor.column * (data->ask.pairs ? 2 : 1), n = c2_tui_data_nitems(data);
    int64_t i = pane->kind == C2_TUI_HEAT ? c2_tui_data_index(data, pane->cursor.row, column) : column;
    if (i < 0 || i + data->ask.pairs >= n) return;
    size_t used = index_text(pane, out, room);
    c2_tui_word(&data->dtype, c2_tui_data_item(data, i), word);
    if (data->ask.pairs) {
        c2_tui_word(&data->dtype, c2_tui_data_item(data, i + 1), most);
        snprintf(out + used, room - used, " from %s to %s", word, most);
    } else {
        snprintf(out + used, room - used, " = %s", word);
    }
}

void c2_tui_pane_scroll(struct c2_tui_pane *pane, int64_t rows, int64_t columns)
{
    if (pane->folder || pane->kind == C2_TUI_META || is_bytes(pane)) {
        int64_t last = c2_max_i64(pane->lines - 1, 0), top = c2_min_i64(pane->top + rows, last);
        pane->top = (int)c2_max_i64(top, 0);
    } else if (pane->kind == C2_TUI_VALUES) {
        c2_tui_window_scroll(&pane->window, rows, columns);
    } else {
        move_cursor(pane, rows, columns);
    }
}

/* "axes  y=0 x=1  [2]=5/10": which axis is where. */
static void draw_axes(const struct c2_tui_pane *pane, struct c2_tui_canvas *canvas, struct c2_tui_box line)
{
    const struct c2_tui_style dim = {C2_TUI_DEFAULT, C2_TUI_DEFAULT, C2_TUI_DIM};
    const struct c2_tui_window *window = &pane->window;
    int x = c2_tui_printf(canvas, line, dim, "[%s]", kinds[pane->kind]);

    if (pane->kind == C2_TUI_META || is_bytes(pane)) return;
    if (c2_tui_pane_filters(pane)) {
        c2_tui_printf(canvas, (struct c2_tui_box){line.x + x, line.y, line.w - x, 1}, dim, " where %s",
                      pane->where);
        return;
    }
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
    if (c2_tui_pane_filters(pane)) {
        if (pane->table) c2_tui_draw_table(canvas, body, pane->table);
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
        c2_tui_draw_heat(canvas, body, &pane->window, &pane->look, pane->data, &pane->cursor);
    else
        c2_tui_draw_line(canvas, body, &pane->window, pane->data, &pane->cursor);
}

void c2_tui_pane_draw(struct c2_tui_pane *pane, struct c2_tui_canvas *canvas, struct c2_tui_box box)
{
    const struct c2_tui_style bold = {C2_TUI_DEFAULT, C2_TUI_DEFAULT, C2_TUI_BOLD};
    char shape[C2_SHAPE_ROOM];

    if (box.w < 1 || box.h < 1) return;
    if (pane->folder) {
        pane->lines = c2_tui_draw_folder(canvas, box, pane->folder_path, pane->folder, pane->top);
        return;
    }
    if (!pane->info) return;
    if (box.h > HEAD_LINES) {
        c2_tui_printf(canvas, (struct c2_tui_box){box.x, box.y, box.w, 1}, bold, "%s  %s %s",
                      pane->info->path, c2_shape_text(pane->info->shape, pane->info->ndim, shape),
                      pane->info->dtype);
        draw_axes(pane, canvas, (struct c2_tui_box){box.x, box.y + 1, box.w, 1});
    }
    draw_body(pane, canvas, body_of(box));
}

void c2_tui_pane_folder(struct c2_tui_pane *pane, const char *path, char *json)
{
    bool same = pane->folder_path && strcmp(pane->folder_path, path) == 0;

    free(pane->folder);
    free(pane->folder_path);
    pane->folder = json;
    pane->folder_path = c2_str_dup(c2_str_of(path));
    if (!same) pane->top = 0;
}

bool c2_tui_pane_filters(const struct c2_tui_pane *pane)
{
    return pane->where[0] && pane->info && pane->kind == C2_TUI_VALUES;
}

bool c2_tui_pane_filter(struct c2_tui_pane *pane, const char *where)
{
    if (!pane->info || pane->info->kind != CAT2_ARRAY || pane->info->ndim != 1) return false;
    snprintf(pane->where, sizeof(pane->where), "%s", where);
    pane->kind = C2_TUI_VALUES;
    free(pane->table);
    pane->table = NULL;
    if (pane->window.x >= 0) pane->window.at[pane->window.x] = 0;
    return true;
}

bool c2_tui_pane_table_target(const struct c2_tui_pane *pane, struct c2_tui_box box, char *out, size_t room)
{
    C2_AUTO(c2_buf) target = C2_BUF_INIT(room - 1);
    int64_t first = pane->window.x >= 0 ? pane->window.at[pane->window.x] : 0;
    struct cat2_error ignored;

    bool ok = c2_buf_puts(&target, "/api/table/", &ignored) &&
              c2_url_encode(c2_str_of(pane->info->path), true, &target, &ignored) &&
              c2_buf_printf(&target, &ignored, "?rows=%" PRId64 ":%" PRId64 "&where=", first,
                            first + c2_max_i64(box.h, 1)) &&
              c2_url_encode(c2_str_of(pane->where), false, &target, &ignored);
    if (ok) snprintf(out, room, "%s", c2_buf_cstr(&target));
    return ok;
}

void c2_tui_pane_table(struct c2_tui_pane *pane, char *json)
{
    free(pane->table);
    pane->table = json;
}

void c2_tui_pane_fini(struct c2_tui_pane *pane)
{
    free(pane->folder);
    free(pane->folder_path);
    free(pane->table);
    c2_tui_info_free(pane->info);
    c2_tui_data_free(pane->data);
    *pane = (struct c2_tui_pane){0};
}
