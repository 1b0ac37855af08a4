/* SPDX-License-Identifier: BSD-3-Clause */
/* Answers that are lists: what is in a folder, the rows that a filter lets through. */
#include <inttypes.h>
#include <stdio.h>

#include "base/limits.h"
#include "tui/draw.h"
#include "tui/tui_number.h"
#include "wire/json.h"

#define COLUMNS_MAX 64 /* of a table: more have no room on a screen */
#define CELL_MAX    40 /* characters of a cell, as of values */

static const struct c2_tui_style dim = {C2_TUI_DEFAULT, C2_TUI_DEFAULT, C2_TUI_DIM};
static const struct c2_tui_style bold = {C2_TUI_DEFAULT, C2_TUI_DEFAULT, C2_TUI_BOLD};

static void copy_text(struct c2_jval value, char *out, size_t room)
{
    struct c2_str text = {"", 0};

    c2_jstr(value, &text);
    snprintf(out, room, "%.*s", (int)c2_min_i64((int64_t)text.n, (int64_t)room - 1), text.p);
}

static int64_t number_of(struct c2_jval object, const char *key)
{
    int64_t n = 0;

    c2_jint(c2_jget(object, key), &n);
    return n;
}

/* ---- folders ---- */

/* The name, to its right what it is: a reason, how many datasets, or shape and dtype; then the size. */
static void draw_entry(struct c2_tui_canvas *canvas, struct c2_tui_box line, struct c2_jval entry)
{
    char kind[10], name[300], what[700], dtype[210], size[16], shape[C2_SHAPE_ROOM];
    bool broken = c2_jval_kind(c2_jget(entry, "error")) == C2_JSTR;

    copy_text(c2_jget(entry, "kind"), kind, sizeof(kind));
    copy_text(c2_jget(entry, "name"), name, sizeof(name) - 1);
    size_t length = strlen(name);
    copy_text(c2_jget(entry, "dtype"), dtype, sizeof(dtype));
    bool folder = strcmp(kind, "folder") == 0;
    if (folder) snprintf(name + length, sizeof(name) - length, "/");
    if (broken) {
        snprintf(what, sizeof(what), "broken: ");
        copy_text(c2_jget(entry, "error"), what + 8, sizeof(what) - 8);
    } else if (folder) {
        int64_t n = number_of(entry, "datasets"), nbroken = number_of(entry, "errors");
        int used = snprintf(what, sizeof(what), "%" PRId64 " dataset%s", n, n == 1 ? "" : "s");
        if (nbroken) snprintf(what + used, sizeof(what) - (size_t)used, ", %" PRId64 " broken", nbroken);
    } else if (strcmp(kind, "file") == 0) {
        snprintf(what, sizeof(what), "file");
    } else {
        snprintf(what, sizeof(what), "%s %s", c2_shape_text_json(c2_jget(entry, "shape"), shape), dtype);
    }
    c2_size_text(number_of(entry, "nbytes"), size);
    int half = line.w / 2, right = (int)strlen(size);
    c2_tui_text(canvas, line.x, line.y, half - 1, name, folder ? bold : C2_TUI_PLAIN);
    c2_tui_text(canvas, line.x + half, line.y, broken ? line.w - half : line.w - half - right - 1, what, dim);
    if (!broken) c2_tui_text(canvas, line.x + line.w - right, line.y, right, size, dim);
}

static int64_t count_broken(struct c2_jval entries)
{
    struct c2_jiter it = c2_jiter_of(entries);
    struct c2_jval entry;
    struct c2_str key;
    int64_t n = 0;

    while (c2_jnext(&it, &key, &entry))
        n += c2_jval_kind(c2_jget(entry, "error")) == C2_JSTR ? 1 : number_of(entry, "errors");
    return n;
}

int c2_tui_draw_folder(struct c2_tui_canvas *canvas, struct c2_tui_box box, const char *path,
                       const char *json, int top)
{
    C2_AUTO_PTR(c2_json) *parsed = NULL;
    struct cat2_error ignored;
    struct c2_jval entry;
    struct c2_str key;
    char size[16];
    int i = 0;

    if (!c2_json_parse(c2_str_of(json), &parsed, &ignored)) return 0;
    struct c2_jval all = c2_json_root(parsed), entries = c2_jget(all, "entries");
    int64_t broken = count_broken(entries), more = number_of(all, "total") - (int64_t)c2_jlen(entries);
    c2_size_text(number_of(all, "nbytes"), size);
    c2_tui_text(canvas, box.x, box.y, box.w, path ? path : "", bold);
    struct c2_tui_box line = {box.x, box.y + 1, box.w, 1};
    int x = c2_tui_printf(canvas, line, dim, "[folder] %" PRId64 " datasets, %s", number_of(all, "datasets"),
                          size);
    if (broken) {
        line = (struct c2_tui_box){box.x + x, box.y + 1, box.w - x, 1};
        c2_tui_printf(canvas, line, dim, ", %" PRId64 " of them broken", broken);
    }
    struct c2_jiter it = c2_jiter_of(entries);
    for (; c2_jnext(&it, &key, &entry); i++) {
        int y = 2 + i - top;
        if (i >= top && y < box.h) draw_entry(canvas, (struct c2_tui_box){box.x, box.y + y, box.w, 1}, entry);
    }
    line = (struct c2_tui_box){box.x, box.y + 2 + i - top, box.w, 1};
    if (more > 0 && i >= top && 2 + i - top < box.h)
        c2_tui_printf(canvas, line, dim, "and %" PRId64 " more", more);
    return i + (more > 0);
}

/* ---- tables ---- */

/* A cell as a word: what is no text as JSON. */
static void cell_text(struct c2_jval cell, char *out, size_t room)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(1 << 20);
    struct cat2_error ignored;

    out[0] = '\0';
    if (c2_jval_kind(cell) == C2_JSTR)
        copy_text(cell, out, room);
    else if (c2_json_print(cell, C2_JSON_PYTHON, &text, &ignored))
        snprintf(out, room, "%s", c2_buf_cstr(&text));
    if (strcmp(out, "null") == 0) snprintf(out, room, "nan");
}

/* The c-th cell of each row, or its number (c -1), right-aligned beneath its title; returns the width. */
static int draw_column(struct c2_tui_canvas *canvas, struct c2_tui_box box, struct c2_jval all, int c)
{
    struct c2_jval rows = c2_jget(all, c < 0 ? "index" : "rows");
    char word[200], title[200] = "";
    int width = 0;

    if (c >= 0) copy_text(c2_jget(c2_jat(c2_jget(all, "columns"), (size_t)c), "name"), title, sizeof(title));
    for (int pass = 0; pass < 2; pass++) {
        struct c2_jiter it = c2_jiter_of(rows);
        struct c2_jval row;
        struct c2_str key;
        for (int y = 0; y < box.h; y++) {
            if (y && !c2_jnext(&it, &key, &row)) break;
            if (y)
                cell_text(c < 0 ? row : c2_jat(row, (size_t)c), word, sizeof(word));
            else
                snprintf(word, sizeof(word), "%s", title);
            int w = c2_tui_width(canvas, word);
            if (w > CELL_MAX) w = CELL_MAX;
            if (w > box.w) w = box.w;
            if (pass == 0 && w > width) width = w;
            if (pass == 1)
                c2_tui_text(canvas, box.x + width - w, box.y + y, w, word,
                            y == 0 || c < 0 ? dim : C2_TUI_PLAIN);
        }
    }
    return width;
}

void c2_tui_draw_table(struct c2_tui_canvas *canvas, struct c2_tui_box box, const char *json)
{
    C2_AUTO_PTR(c2_json) *parsed = NULL;
    struct cat2_error ignored;

    if (box.h < 2 || !c2_json_parse(c2_str_of(json), &parsed, &ignored)) return;
    struct c2_jval all = c2_json_root(parsed);
    int ncolumns = (int)c2_min_i64((int64_t)c2_jlen(c2_jget(all, "columns")), COLUMNS_MAX);
    struct c2_tui_box body = {box.x, box.y, box.w, box.h - 1};
    for (int c = -1; c < ncolumns && body.w > 0; c++) {
        int used = draw_column(canvas, body, all, c) + 1;
        body.x += used;
        body.w -= used;
    }
    struct c2_tui_box foot = {box.x, box.y + box.h - 1, box.w, 1};
    c2_tui_printf(canvas, foot, dim, "%" PRId64 " of %" PRId64 " rows", number_of(all, "total"),
                  number_of(all, "nrows"));
}
