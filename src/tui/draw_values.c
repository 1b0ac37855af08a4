/* SPDX-License-Identifier: BSD-3-Clause */
/* Values as a table, bytes as text. */
#include <inttypes.h>
#include <stdio.h>

#include "tui/draw.h"
#include "tui/tui_number.h"

static const struct c2_tui_style dim = {C2_TUI_DEFAULT, C2_TUI_DEFAULT, C2_TUI_DIM};

static void right(struct c2_tui_canvas *canvas, struct c2_tui_box cell, const char *text,
                  struct c2_tui_style style)
{
    int w = c2_tui_width(canvas, text), pad = w < cell.w ? cell.w - w : 0;

    c2_tui_text(canvas, cell.x + pad, cell.y, cell.w - pad, text, style);
}

/* Index in the dataset's selection of the i-th of a span. */
static void index_text(const struct c2_tui_window *window, const struct c2_tui_span *span, int64_t i,
                       char out[24])
{
    snprintf(out, 24, "%" PRId64, c2_tui_window_index(window, span, i));
}

/* Words of one column: of the c-th asked, or of the c-th field. */
static void word_at(const struct c2_tui_data *data, int64_t row, int64_t c, char out[C2_TUI_WORD_MAX])
{
    const struct c2_dtype *dtype = &data->dtype;
    bool fields = dtype->nfields > 0 && data->ask.columns.axis < 0;
    int64_t i = c2_tui_data_index(data, row, fields ? 0 : c);

    out[0] = '\0';
    if (i < 0) return;
    const uint8_t *item = c2_tui_data_item(data, i);
    if (!fields)
        c2_tui_word(dtype, item, out);
    else if (dtype->fields[c].ndim == 0)
        c2_tui_word(&dtype->fields[c].type, item + dtype->fields[c].offset, out);
    else
        snprintf(out, C2_TUI_WORD_MAX, "[%" PRId64 " bytes]", dtype->fields[c].nbytes);
}

static int column_width(const struct c2_tui_canvas *canvas, const struct c2_tui_data *data, int64_t c,
                        const char *title, int rows)
{
    int widest = c2_tui_width(canvas, title);
    char word[C2_TUI_WORD_MAX];

    for (int64_t row = 0; row < rows && row < data->ask.rows.n; row++) {
        word_at(data, row, c, word);
        int w = c2_tui_width(canvas, word);
        if (w > widest) widest = w;
    }
    return widest > 40 ? 40 : widest;
}

void c2_tui_draw_values(struct c2_tui_canvas *canvas, struct c2_tui_box box,
                        const struct c2_tui_window *window, const struct c2_tui_data *data)
{
    const struct c2_dtype *dtype = &data->dtype;
    bool fields = dtype->nfields > 0 && data->ask.columns.axis < 0;
    int64_t ncolumns = fields ? dtype->nfields : data->ask.columns.n, nrows = data->ask.rows.n;
    bool header = fields || data->ask.columns.axis >= 0;
    char word[C2_TUI_WORD_MAX], number[24];
    int rows = box.h - 1 < nrows ? box.h - 1 : (int)nrows, margin = 0, x;

    if (c2_tui_data_nitems(data) == 0) {
        c2_tui_text(canvas, box.x, box.y, box.w, "0 elements", dim);
        return;
    }
    for (int row = 0; row < rows && data->ask.rows.axis >= 0; row++) {
        index_text(window, &data->ask.rows, row, number);
        if ((int)strlen(number) > margin) margin = (int)strlen(number);
    }
    for (int row = 0; row < rows && margin; row++) {
        index_text(window, &data->ask.rows, row, number);
        right(canvas, (struct c2_tui_box){box.x, box.y + 1 + row, margin, 1}, number, dim);
    }
    x = margin ? margin + 1 : 0;
    for (int64_t c = 0; c < ncolumns && x < box.w; c++) {
        index_text(window, &data->ask.columns, c, number);
        const char *title = !header ? "" : fields ? dtype->fields[c].name : number;
        int w = column_width(canvas, data, c, title, rows);
        if (w > box.w - x) w = box.w - x;
        right(canvas, (struct c2_tui_box){box.x + x, box.y, w, 1}, title, dim);
        for (int row = 0; row < rows; row++) {
            word_at(data, row, c, word);
            right(canvas, (struct c2_tui_box){box.x + x, box.y + 1 + row, w, 1}, word, C2_TUI_PLAIN);
        }
        x += w + 1;
    }
}

static int draw_hex(struct c2_tui_canvas *canvas, struct c2_tui_box box, struct c2_bytes bytes, int top)
{
    int lines = (int)((bytes.n + 15) / 16);

    for (int y = 0; y < box.h && y + top < lines; y++) {
        char text[80];
        size_t at = (size_t)(y + top) * 16, n = (size_t)snprintf(text, sizeof(text), "%06zx ", at);
        for (size_t i = at; i < at + 16 && i < bytes.n; i++)
            n += (size_t)snprintf(text + n, sizeof(text) - n, " %02x", bytes.p[i]);
        c2_tui_text(canvas, box.x, box.y + y, box.w, text, C2_TUI_PLAIN);
    }
    return lines;
}

/* Remove the last character if only a part of its bytes was fetched. */
static struct c2_str whole_characters(struct c2_str text)
{
    for (int i = 0; i < 3 && text.n && !c2_str_is_utf8(text); i++)
        text.n--;
    return text;
}

int c2_tui_draw_text(struct c2_tui_canvas *canvas, struct c2_tui_box box, const struct c2_tui_data *data,
                     int top)
{
    struct c2_bytes bytes = {cat2_array_data(data->array), (size_t)cat2_array_nbytes(data->array)};
    struct c2_str rest = whole_characters((struct c2_str){(const char *)bytes.p, bytes.n}), line;
    int lines = 0;

    if (!c2_str_is_utf8(rest) || (rest.n && memchr(rest.p, '\0', rest.n)))
        return draw_hex(canvas, box, bytes, top);
    for (; rest.n; lines++) {
        char text[2048];
        c2_str_cut(rest, '\n', &line, &rest);
        if (lines < top || lines >= top + box.h) continue;
        size_t n = 0;
        for (size_t i = 0; i < line.n && n + 4 < sizeof(text); i++) {
            text[n++] = line.p[i] == '\t' || line.p[i] == '\r' ? ' ' : line.p[i];
            while (line.p[i] == '\t' && n % 4 && n + 4 < sizeof(text))
                text[n++] = ' ';
        }
        text[n] = '\0';
        c2_tui_text(canvas, box.x, box.y + lines - top, box.w, text, C2_TUI_PLAIN);
    }
    return lines;
}
