/* SPDX-License-Identifier: BSD-3-Clause */
/* One frame as text: for pipes, papers and tests. */
#include <stdio.h>

#include "tui/pane.h"
#include "tui/tui.h"

static bool parse_size(const char *text, int *w, int *h, struct cat2_error *err)
{
    struct c2_str columns, rows;
    int64_t x, y;

    if (!c2_str_cut(c2_str_of(text), 'x', &columns, &rows) || !c2_str_to_i64(columns, &x) ||
        !c2_str_to_i64(rows, &y) || x < 10 || x > C2_TUI_COLUMNS_MAX || y < 3 || y > C2_TUI_ROWS_MAX)
        return c2_fail(err, CAT2_EINVAL, "size '%.40s' is not like 100x30 (10x3 to %dx%d)", text,
                       C2_TUI_COLUMNS_MAX, C2_TUI_ROWS_MAX);
    *w = (int)x;
    *h = (int)y;
    return true;
}

static bool fetch(cat2_dataset *dataset, struct c2_tui_pane *pane, const struct c2_tui_canvas *canvas,
                  struct cat2_error *err)
{
    struct c2_tui_box box = {0, 0, canvas->columns, canvas->rows};
    struct c2_tui_data *data = NULL;
    struct c2_tui_ask ask;

    if (!c2_tui_pane_ask(pane, canvas, box, &ask)) return true;
    if (!c2_tui_data_fetch(dataset, &ask, &data, err)) return false;
    c2_tui_pane_answer(pane, data);
    return true;
}

static bool print(struct c2_tui_pane *pane, struct c2_tui_canvas *canvas, struct cat2_error *err)
{
    C2_AUTO(c2_buf) out = C2_BUF_INIT((size_t)1 << 26);

    c2_tui_pane_draw(pane, canvas, (struct c2_tui_box){0, 0, canvas->columns, canvas->rows});
    if (!c2_tui_canvas_print(canvas, canvas->colour, &out, err)) return false;
    return (fwrite(out.p, 1, out.n, stdout) == out.n && fflush(stdout) == 0) ||
           c2_fail(err, CAT2_EIO, "cannot write to standard output");
}

static bool show(cat2_client *client, cat2_dataset *dataset, const struct c2_tui_settings *settings,
                 struct cat2_error *err)
{
    C2_AUTO(c2_tui_canvas) canvas = {.utf8 = settings->utf8, .colour = settings->colour};
    C2_AUTO(c2_tui_pane) pane = {.look = {.robust = true}};
    struct c2_tui_info *info = NULL;
    enum c2_tui_kind kind;
    int w = 0, h = 0;

    if (!c2_tui_kind_parse(settings->view, &kind, err) || !parse_size(settings->size, &w, &h, err) ||
        !c2_tui_canvas_resize(&canvas, w, h, err) || !c2_tui_info_of(dataset, &info, err))
        return false;
    if (kind == C2_TUI_META) c2_tui_info_add_chunks(info, client);
    c2_tui_pane_show(&pane, info);
    if (settings->slice && !c2_tui_pane_slice(&pane, settings->slice, err)) return false;
    pane.kind = kind;
    if (!c2_tui_pane_offers(&pane, kind))
        return c2_fail(err, CAT2_EINVAL, "%.120s has no view '%s'", settings->path, settings->view);
    return fetch(dataset, &pane, &canvas, err) && print(&pane, &canvas, err);
}

bool c2_tui_snapshot(const struct c2_tui_settings *settings, struct cat2_error *err)
{
    cat2_client *client = NULL;
    cat2_dataset *dataset = NULL;

    bool ok = cat2_client_new(settings->host, settings->access, &client, err) &&
              cat2_dataset_open(client, settings->path, &dataset, err) &&
              show(client, dataset, settings, err);
    cat2_dataset_free(dataset);
    cat2_client_free(client);
    return ok;
}
