/* SPDX-License-Identifier: BSD-3-Clause */
/* The terminal by ncurses, which knows 256 colours. 24-bit colours are written over its output after each
 * refresh, between saving and restoring the cursor. The characters on the screen stay those that ncurses
 * wrote. */
#include "tui/screen.h"

#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

bool c2_tui_screen_open(bool *colour, struct cat2_error *err)
{
    const char *term = getenv("TERM");

    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return c2_fail(err, CAT2_EIO, "no terminal here; cat2tui --snapshot DATASET works without one");
    if (!newterm(term, stdout, stdin))
        return c2_fail(err, CAT2_EIO, "terminal type '%.40s' is not known", term ? term : "");
    cbreak();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    set_escdelay(25);
    curs_set(0);
    mousemask(BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED, NULL);
    mouseinterval(0);
    *colour = *colour && has_colors() && start_color() == OK && use_default_colors() == OK && COLORS >= 256;
    return true;
}

void c2_tui_screen_close(void)
{
    endwin();
}

void c2_tui_screen_size(int *columns, int *rows)
{
    getmaxyx(stdscr, *rows, *columns);
}

static uint32_t key_of(wint_t code)
{
    static const struct {
        wint_t code;
        uint32_t key;
    } keys[] = {{KEY_UP, C2_TUI_KEY_UP},
                {KEY_DOWN, C2_TUI_KEY_DOWN},
                {KEY_LEFT, C2_TUI_KEY_LEFT},
                {KEY_RIGHT, C2_TUI_KEY_RIGHT},
                {KEY_PPAGE, C2_TUI_KEY_PAGE_UP},
                {KEY_NPAGE, C2_TUI_KEY_PAGE_DOWN},
                {KEY_HOME, C2_TUI_KEY_HOME},
                {KEY_END, C2_TUI_KEY_END},
                {KEY_RESIZE, C2_TUI_KEY_RESIZE},
                {KEY_BACKSPACE, C2_TUI_KEY_BACKSPACE},
                {KEY_ENTER, '\n'}};

    for (size_t i = 0; i < C2_ARRAY_LEN(keys); i++)
        if (keys[i].code == code) return keys[i].key;
    return 0;
}

static bool mouse_event(struct c2_tui_event *event)
{
    MEVENT mouse;

    if (getmouse(&mouse) != OK) return false;
    event->x = mouse.x;
    event->y = mouse.y;
    event->key = mouse.bstate & BUTTON4_PRESSED   ? C2_TUI_KEY_WHEEL_UP
                 : mouse.bstate & BUTTON5_PRESSED ? C2_TUI_KEY_WHEEL_DOWN
                                                  : C2_TUI_KEY_CLICK;
    return true;
}

bool c2_tui_screen_event(struct c2_tui_event *event)
{
    wint_t code;

    for (;;) {
        int kind = get_wch(&code);
        *event = (struct c2_tui_event){0};
        if (kind == ERR) return false;
        if (kind == KEY_CODE_YES && code == KEY_MOUSE) {
            if (mouse_event(event)) return true;
            continue;
        }
        event->key = kind == KEY_CODE_YES ? key_of(code) : (uint32_t)code;
        if (kind != KEY_CODE_YES && (code == 127 || code == 8)) event->key = C2_TUI_KEY_BACKSPACE;
        if (event->key) return true;
    }
}

static void put_cell(int x, int y, const struct c2_tui_cell *cell, bool colour)
{
    wchar_t text[2] = {(wchar_t)cell->ch, 0};
    attr_t attributes = A_NORMAL;
    cchar_t out;
    int pair = 0;

    if (cell->style.marks & C2_TUI_BOLD) attributes |= A_BOLD;
    if (cell->style.marks & C2_TUI_DIM) attributes |= A_DIM;
    if (cell->style.marks & C2_TUI_REVERSE) attributes |= A_REVERSE;
    if (cell->style.marks & C2_TUI_UNDERLINE) attributes |= A_UNDERLINE;
    if (colour && (cell->style.fg >= 0 || cell->style.bg >= 0)) {
        pair = alloc_pair(cell->style.fg < 0 ? -1 : c2_tui_xterm(cell->style.fg),
                          cell->style.bg < 0 ? -1 : c2_tui_xterm(cell->style.bg));
        if (pair < 0) pair = 0;
    }
    if (setcchar(&out, text, attributes, 0, &pair) == OK) mvadd_wch(y, x, &out);
}

/* Cells with colours of their own, in all their bits. */
static void show_direct(const struct c2_tui_canvas *canvas)
{
    C2_AUTO(c2_buf) out = C2_BUF_INIT((size_t)1 << 26);
    struct cat2_error ignored;
    char bytes[4];
    bool ok = c2_buf_puts(&out, "\0337", &ignored), any = false;

    for (int y = 0; ok && y < canvas->rows; y++)
        for (int x = 0, next = -1; ok && x < canvas->columns; x++) {
            const struct c2_tui_cell *cell = c2_tui_at(canvas, x, y);
            if ((cell->style.fg < 0 && cell->style.bg < 0) || cell->ch == 0) continue;
            if (x != next) ok = c2_buf_printf(&out, &ignored, "\033[%d;%dH", y + 1, x + 1);
            ok = ok && c2_tui_style_escape(cell->style, &out, &ignored) &&
                 c2_buf_append(&out, bytes, (size_t)c2_tui_encode(cell->ch, bytes), &ignored);
            next = x + 1;
            any = true;
        }
    if (!ok || !any || !c2_buf_puts(&out, "\033[0m\0338", &ignored)) return;
    fwrite(out.p, 1, out.n, stdout);
    fflush(stdout);
}

void c2_tui_screen_show(const struct c2_tui_canvas *canvas, bool direct)
{
    for (int y = 0; y < canvas->rows; y++)
        for (int x = 0; x < canvas->columns; x++) {
            const struct c2_tui_cell *cell = c2_tui_at(canvas, x, y);
            if (cell->ch) put_cell(x, y, cell, canvas->colour);
        }
    refresh();
    if (direct && canvas->colour) show_direct(canvas);
}

void c2_tui_screen_copy(const char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = strlen(text);

    fputs("\033]52;c;", stdout);
    for (size_t i = 0; i < n; i += 3) {
        uint32_t bits = 0;
        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (i + k < n ? (uint8_t)text[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            putchar(i + k <= n ? digits[bits >> (18 - 6 * k) & 63] : '=');
    }
    fputs("\a", stdout);
    fflush(stdout);
}
