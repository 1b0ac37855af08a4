/* SPDX-License-Identifier: BSD-3-Clause */
/* The screen: title or banner, tree, preview, status or prompt; help above all. */
#include <stdio.h>

#include "tui/app.h"

static const struct c2_tui_style plain = {C2_TUI_DEFAULT, C2_TUI_DEFAULT, 0};
static const struct c2_tui_style dim = {C2_TUI_DEFAULT, C2_TUI_DEFAULT, C2_TUI_DIM};
static const struct c2_tui_style bar = {C2_TUI_DEFAULT, C2_TUI_DEFAULT, C2_TUI_REVERSE};

static const char *const help[] = {
    "j k arrows   move",
    "h l          fold, unfold (tree)",
    "Enter        unfold; on a dataset: keys to the preview (in pictures: a cursor), Esc back",
    "Tab          next view: metadata, values, heat map, line",
    "[ ]          previous, next slice on the active axis",
    "{ }          another axis becomes the active one",
    "x Y          map another axis to x, to y (y in the preview)",
    "s            slice expression      g   go to a row",
    "c            colour map            a   scale to these values",
    "L            linear, log, symlog, sqrt (l on a dataset)",
    "/ n N        filter, next, previous match; Esc ends it",
    "w            rows of a table where an expression is true",
    "u            subscribe a root; unsubscribe it, after a question",
    "d            download (Esc cancels)",
    "y            copy the path         R   reload",
    "PgUp PgDn    scroll the preview, in the tree when it has the keys",
    "q            quit",
};

void c2_tui_app_layout(struct c2_tui_app *app)
{
    int columns = app->canvas.columns, rows = app->canvas.rows;
    int wide = columns / 3 < 20 ? columns / 2 < 20 ? columns / 2 : 20 : columns / 3 > 50 ? 50 : columns / 3;
    int high = rows > 2 ? rows - 2 : 0;

    app->tree_box = (struct c2_tui_box){0, 1, wide, high};
    app->pane_box = (struct c2_tui_box){wide + 1, 1, columns - wide - 1, high};
}

static void ask_size(struct c2_tui_app *app, struct c2_tui_node *node)
{
    char path[1300];

    if (node->asked || app->down) return;
    node->asked = true;
    c2_tui_node_path(node, path, sizeof(path));
    c2_tui_jobs_post(app->jobs, c2_tui_job_new(C2_TUI_JOB_SIZE, path));
}

/* The mark before a name: what is open, what is followed. */
static const char *sign_of(const struct c2_tui_app *app, const struct c2_tui_node *node)
{
    bool open = node->open || app->tree.filter[0], utf8 = app->canvas.utf8;

    if (node->kind == C2_TUI_DATASET) return "  ";
    if (node->kind == C2_TUI_ROOT && !node->subscribed) return utf8 ? "\xe2\x97\x8b " : "o ";
    if (open) return utf8 ? "\xe2\x96\xbe " : "- ";
    return utf8 ? "\xe2\x96\xb8 " : "+ ";
}

static void draw_row(struct c2_tui_app *app, size_t i, struct c2_tui_box line)
{
    struct c2_tui_row *row = &app->tree.rows.p[i];
    struct c2_tui_node *node = row->node;
    char right[40] = "";
    int indent = row->depth * 2 < line.w / 2 ? row->depth * 2 : line.w / 2;

    if (node->kind == C2_TUI_DATASET) {
        if (node->size >= 0) c2_size_text(node->size, right);
        ask_size(app, node);
    } else if (node->kind == C2_TUI_ROOT) {
        snprintf(right, sizeof(right), "%s",
                 !node->subscribed                ? "not subscribed"
                 : node->note                     ? "failed"
                 : node->listed == C2_TUI_LISTING ? "loading"
                                                  : "subscribed");
    }
    int wide = (int)strlen(right);
    if (wide + indent + 12 > line.w) wide = 0;
    int x = indent +
            c2_tui_text(&app->canvas, line.x + indent, line.y, line.w - indent, sign_of(app, node), plain);
    struct c2_tui_style style = {C2_TUI_DEFAULT, C2_TUI_DEFAULT,
                                 node->kind == C2_TUI_DATASET ? 0 : C2_TUI_BOLD};
    c2_tui_text(&app->canvas, line.x + x, line.y, line.w - x - (wide ? wide + 1 : 0), node->name, style);
    if (wide) c2_tui_text(&app->canvas, line.x + line.w - wide, line.y, wide, right, dim);
    if (i == app->tree.selected) {
        struct c2_tui_style mark = bar;
        if (app->in_pane) mark.marks = C2_TUI_UNDERLINE;
        c2_tui_paint(&app->canvas, line, mark);
    }
}

static void draw_tree(struct c2_tui_app *app)
{
    struct c2_tui_box box = app->tree_box;
    size_t high = (size_t)box.h;

    if (app->tree.selected < app->tree_top) app->tree_top = app->tree.selected;
    if (high && app->tree.selected >= app->tree_top + high) app->tree_top = app->tree.selected - high + 1;
    if (app->tree_top >= app->tree.rows.n) app->tree_top = 0;
    for (int y = 0; y < box.h; y++) {
        size_t i = app->tree_top + (size_t)y;
        if (i < app->tree.rows.n) draw_row(app, i, (struct c2_tui_box){box.x, box.y + y, box.w, 1});
        c2_tui_put(&app->canvas, box.w, box.y + y, app->canvas.utf8 ? 0x2502 : '|', dim);
    }
    if (app->tree.rows.n == 0 && box.h)
        c2_tui_text(&app->canvas, box.x, box.y, box.w,
                    app->tree.filter[0] ? "No match"
                    : app->started      ? "No roots yet"
                                        : "Connecting",
                    dim);
}

static void draw_title(struct c2_tui_app *app)
{
    struct c2_tui_box line = {0, 0, app->canvas.columns, 1};

    if (app->down)
        c2_tui_printf(&app->canvas, line, plain, "SERVER DOWN, retrying: %s", app->reason);
    else
        c2_tui_printf(&app->canvas, line, plain, "cat2tui %s%s%s", app->settings->host,
                      app->tree.filter[0] ? "  filter: " : "", app->tree.filter);
    struct c2_tui_style style = bar;
    if (app->down && app->canvas.colour) style = (struct c2_tui_style){0xffffff, 0xaf0000, C2_TUI_BOLD};
    c2_tui_paint(&app->canvas, line, style);
}

static void draw_status(struct c2_tui_app *app)
{
    static const char *const prompts[] = {
        "", "/", "slice: ", "go to row: ", "rows where: ", "unsubscribe from "};
    struct c2_tui_progress progress = c2_tui_jobs_progress(app->jobs);
    struct c2_tui_box line = {0, app->canvas.rows - 1, app->canvas.columns, 1};
    char done[16], total[16] = "?";

    if (app->prompt) {
        int x = c2_tui_printf(&app->canvas, line, plain, "%s%s%s", prompts[app->prompt], app->input,
                              app->prompt == C2_TUI_CONFIRM ? ", and forget what is cached of it? y/n " : "");
        c2_tui_put(&app->canvas, x, line.y, ' ', bar);
        return;
    }
    if (progress.running) {
        c2_size_text(progress.nbytes, done);
        if (progress.total >= 0) c2_size_text(progress.total, total);
        c2_tui_printf(&app->canvas, line, plain, "downloading: %s of %s (Esc cancels)", done, total);
        return;
    }
    char pointed[600];
    c2_tui_pane_pointed(&app->pane, pointed, sizeof(pointed));
    if (app->message[0])
        c2_tui_text(&app->canvas, 0, line.y, line.w, app->message, plain);
    else if (pointed[0])
        c2_tui_text(&app->canvas, 0, line.y, line.w, pointed, plain);
    else
        c2_tui_text(&app->canvas, 0, line.y, line.w,
                    "? help  Tab view  / filter  [ ] slice  d download  q quit", dim);
}

static void draw_help(struct c2_tui_app *app)
{
    int n = (int)C2_ARRAY_LEN(help), w = app->canvas.columns, h = app->canvas.rows;

    c2_tui_clear(&app->canvas);
    c2_tui_text(&app->canvas, 0, 0, w, "Keys (any key returns)", (struct c2_tui_style){-1, -1, C2_TUI_BOLD});
    for (int i = 0; i < n && i + 1 < h; i++)
        c2_tui_text(&app->canvas, 0, i + 1, w, help[i], plain);
}

void c2_tui_app_draw(struct c2_tui_app *app)
{
    app->dirty = false;
    c2_tui_clear(&app->canvas);
    if (app->help) {
        draw_help(app);
        return;
    }
    draw_tree(app);
    c2_tui_pane_draw(&app->pane, &app->canvas, app->pane_box);
    draw_title(app);
    draw_status(app);
}
