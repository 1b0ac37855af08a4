/* SPDX-License-Identifier: BSD-3-Clause */
/* Cells, the text that goes into them, and cells as text. */
#include "tui/canvas.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>

static const struct c2_tui_cell blank = {' ', {C2_TUI_DEFAULT, C2_TUI_DEFAULT, 0}};

bool c2_tui_canvas_resize(struct c2_tui_canvas *canvas, int columns, int rows, struct cat2_error *err)
{
    columns = columns < 1 ? 1 : columns > C2_TUI_COLUMNS_MAX ? C2_TUI_COLUMNS_MAX : columns;
    rows = rows < 1 ? 1 : rows > C2_TUI_ROWS_MAX ? C2_TUI_ROWS_MAX : rows;
    struct c2_tui_cell *cells = calloc((size_t)columns * (size_t)rows, sizeof(*cells));
    if (!cells) return c2_fail_nomem(err, "screen");
    free(canvas->cells);
    canvas->cells = cells;
    canvas->columns = columns;
    canvas->rows = rows;
    c2_tui_clear(canvas);
    return true;
}

void c2_tui_canvas_fini(struct c2_tui_canvas *canvas)
{
    free(canvas->cells);
    *canvas = (struct c2_tui_canvas){0};
}

void c2_tui_clear(struct c2_tui_canvas *canvas)
{
    for (int i = 0; i < canvas->columns * canvas->rows; i++)
        canvas->cells[i] = blank;
}

struct c2_tui_cell *c2_tui_at(const struct c2_tui_canvas *canvas, int x, int y)
{
    if (x < 0 || x >= canvas->columns || y < 0 || y >= canvas->rows) return NULL;
    return &canvas->cells[y * canvas->columns + x];
}

/* How wide, and whether it may be shown at all: controls and what this terminal lacks are '?'. */
static uint32_t showable(const struct c2_tui_canvas *canvas, uint32_t ch, int *width)
{
    *width = 1;
    if (ch >= 0x20 && ch < 0x7f) return ch;
    if (ch < 0xa0 || !canvas->utf8) return '?';
    if ((ch >= 0x202a && ch <= 0x202e) || (ch >= 0x2066 && ch <= 0x2069)) return '?'; /* reorders the line */
    int w = wcwidth((wchar_t)ch);
    if (w < 0) return '?';
    *width = w;
    return ch;
}

void c2_tui_put(struct c2_tui_canvas *canvas, int x, int y, uint32_t ch, struct c2_tui_style style)
{
    struct c2_tui_cell *cell = c2_tui_at(canvas, x, y);

    if (cell) *cell = (struct c2_tui_cell){ch, style};
}

uint32_t c2_tui_decode(struct c2_str *text)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t first = (uint8_t)*text->p;
    size_t n = first < 0x80   ? 1
               : first < 0xc2 ? 0
               : first < 0xe0 ? 2
               : first < 0xf0 ? 3
               : first < 0xf5 ? 4
                              : 0;
    uint32_t ch = n == 1 ? first : first & (0xffu >> (n + 1));
    bool ok = n && n <= text->n;

    for (size_t i = 1; ok && i < n; i++) {
        uint8_t byte = (uint8_t)text->p[i];
        ok = (byte & 0xc0) == 0x80;
        ch = ch << 6 | (byte & 0x3f);
    }
    ok = ok && ch >= least[n] && ch <= 0x10ffff && (ch < 0xd800 || ch > 0xdfff);
    text->p += ok ? n : 1;
    text->n -= ok ? n : 1;
    return ok ? ch : 0xfffd;
}

int c2_tui_encode(uint32_t ch, char out[4])
{
    if (ch < 0x80) {
        out[0] = (char)ch;
        return 1;
    }
    int n = ch < 0x800 ? 2 : ch < 0x10000 ? 3 : 4;
    for (int i = n - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (ch & 0x3f));
        ch >>= 6;
    }
    out[0] = (char)((0xf00 >> n & 0xf0) | (int)ch);
    return n;
}

int c2_tui_width(const struct c2_tui_canvas *canvas, const char *text)
{
    struct c2_str rest = c2_str_of(text);
    int total = 0, w;

    while (rest.n) {
        showable(canvas, c2_tui_decode(&rest), &w);
        total += w;
    }
    return total;
}

int c2_tui_text(struct c2_tui_canvas *canvas, int x, int y, int w, const char *text,
                struct c2_tui_style style)
{
    struct c2_str rest = c2_str_of(text);
    int used = 0, width, last = x;

    while (rest.n) {
        uint32_t ch = showable(canvas, c2_tui_decode(&rest), &width);
        if (width == 0) continue;
        if (used + width > w) {
            if (used > 0) c2_tui_put(canvas, last, y, canvas->utf8 ? 0x2026 : '~', style);
            return used;
        }
        last = x + used;
        c2_tui_put(canvas, last, y, ch, style);
        if (width == 2) c2_tui_put(canvas, last + 1, y, 0, style);
        used += width;
    }
    return used;
}

int c2_tui_printf(struct c2_tui_canvas *canvas, struct c2_tui_box line, struct c2_tui_style style,
                  const char *fmt, ...)
{
    char text[1024];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return c2_tui_text(canvas, line.x, line.y, line.w, text, style);
}

void c2_tui_paint(struct c2_tui_canvas *canvas, struct c2_tui_box box, struct c2_tui_style style)
{
    for (int y = box.y; y < box.y + box.h; y++)
        for (int x = box.x; x < box.x + box.w; x++) {
            struct c2_tui_cell *cell = c2_tui_at(canvas, x, y);
            if (cell) cell->style = style;
        }
}

bool c2_tui_style_escape(struct c2_tui_style style, struct c2_buf *out, struct cat2_error *err)
{
    bool ok = c2_buf_puts(out, "\033[0", err);

    if (ok && style.marks & C2_TUI_BOLD) ok = c2_buf_puts(out, ";1", err);
    if (ok && style.marks & C2_TUI_DIM) ok = c2_buf_puts(out, ";2", err);
    if (ok && style.marks & C2_TUI_UNDERLINE) ok = c2_buf_puts(out, ";4", err);
    if (ok && style.marks & C2_TUI_REVERSE) ok = c2_buf_puts(out, ";7", err);
    if (ok && style.fg >= 0)
        ok = c2_buf_printf(out, err, ";38;2;%d;%d;%d", style.fg >> 16, style.fg >> 8 & 255, style.fg & 255);
    if (ok && style.bg >= 0)
        ok = c2_buf_printf(out, err, ";48;2;%d;%d;%d", style.bg >> 16, style.bg >> 8 & 255, style.bg & 255);
    return ok && c2_buf_putc(out, 'm', err);
}

static bool same_style(struct c2_tui_style a, struct c2_tui_style b)
{
    return a.fg == b.fg && a.bg == b.bg && a.marks == b.marks;
}

/* One line; without escapes its trailing blanks are cut. */
static bool print_line(const struct c2_tui_canvas *canvas, int y, bool escapes, struct c2_buf *out,
                       struct cat2_error *err)
{
    const struct c2_tui_cell *line = &canvas->cells[y * canvas->columns];
    struct c2_tui_style now = C2_TUI_PLAIN;
    int end = canvas->columns;
    char bytes[4];
    bool ok = true;

    while (end > 0 && line[end - 1].ch == ' ' && (!escapes || same_style(line[end - 1].style, now)))
        end--;
    for (int x = 0; ok && x < end; x++) {
        if (line[x].ch == 0) continue;
        if (escapes && !same_style(line[x].style, now)) ok = c2_tui_style_escape(line[x].style, out, err);
        now = line[x].style;
        ok = ok && c2_buf_append(out, bytes, (size_t)c2_tui_encode(line[x].ch, bytes), err);
    }
    if (ok && escapes && !same_style(now, C2_TUI_PLAIN)) ok = c2_buf_puts(out, "\033[0m", err);
    return ok && c2_buf_putc(out, '\n', err);
}

bool c2_tui_canvas_print(const struct c2_tui_canvas *canvas, bool escapes, struct c2_buf *out,
                         struct cat2_error *err)
{
    for (int y = 0; y < canvas->rows; y++)
        if (!print_line(canvas, y, escapes, out, err)) return false;
    return true;
}
