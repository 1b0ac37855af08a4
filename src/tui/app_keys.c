/* SPDX-License-Identifier: BSD-3-Clause */
/* What each key does. */
#include <stdio.h>

#include "tui/app.h"

#define ESCAPE 27

static void update(struct c2_tui_app *app)
{
    struct cat2_error err;

    if (!c2_tui_tree_update(&app->tree, &err)) c2_tui_app_say(app, "%s", err.message);
    app->dirty = true;
}

static void move(struct c2_tui_app *app, int64_t by)
{
    int64_t last = (int64_t)app->tree.rows.n - 1, to = (int64_t)app->tree.selected + by;

    if (last < 0) return;
    app->tree.selected = (size_t)c2_max_i64(c2_min_i64(to, last), 0);
    c2_tui_app_show(app, false);
}

static void unfold(struct c2_tui_app *app, struct c2_tui_node *node)
{
    if (node->kind == C2_TUI_ROOT && !node->subscribed) {
        c2_tui_app_say(app, "%s is not subscribed: u subscribes", node->name);
        return;
    }
    node->open = true;
    c2_tui_app_list_open(app, false);
    update(app);
}

static void fold(struct c2_tui_app *app, struct c2_tui_node *node)
{
    if (node->kind != C2_TUI_DATASET && node->open) {
        node->open = false;
    } else if (node->parent && node->parent->kind != C2_TUI_TOP) {
        for (size_t i = 0; i < app->tree.rows.n; i++)
            if (app->tree.rows.p[i].node == node->parent) app->tree.selected = i;
    }
    update(app);
}

static void enter(struct c2_tui_app *app, struct c2_tui_node *node)
{
    if (node->kind == C2_TUI_DATASET) {
        app->in_pane = true;
        c2_tui_app_show(app, false);
        if (app->pane.kind == C2_TUI_HEAT || app->pane.kind == C2_TUI_LINE)
            c2_tui_pane_scroll(&app->pane, 0, 0);
    } else if (node->open && !app->tree.filter[0]) {
        fold(app, node);
    } else {
        unfold(app, node);
    }
}

static void subscribe(struct c2_tui_app *app, struct c2_tui_node *node)
{
    struct c2_tui_node *root = c2_tui_node_root(node);

    if (root->subscribed) { /* what is cached would have to come again: ask first */
        app->prompt = C2_TUI_CONFIRM;
        snprintf(app->input, sizeof(app->input), "%s", root->name);
        return;
    }
    c2_tui_app_say(app, "subscribing to %s", root->name);
    c2_tui_jobs_post(app->jobs, c2_tui_job_new(C2_TUI_JOB_SUBSCRIBE, root->name));
}

static void download(struct c2_tui_app *app)
{
    if (!app->shown[0] || app->folder) {
        c2_tui_app_say(app, "select a dataset to download");
        return;
    }
    struct c2_tui_job *job = c2_tui_job_new(C2_TUI_JOB_DOWNLOAD, app->shown);
    if (!job) return;
    snprintf(job->file, sizeof(job->file), "%s/%s", app->settings->outdir, app->shown);
    c2_tui_app_say(app, "downloading %s", app->shown);
    c2_tui_jobs_drop(app->jobs, C2_TUI_JOB_SIZE); /* they share a thread: those rows ask again, after it */
    for (size_t i = 0; i < app->tree.rows.n; i++)
        app->tree.rows.p[i].node->asked = app->tree.rows.p[i].node->size >= 0;
    c2_tui_jobs_post(app->jobs, job);
}

static void open_prompt(struct c2_tui_app *app, enum c2_tui_prompt prompt)
{
    app->prompt = prompt;
    app->input[0] = '\0';
    app->message[0] = '\0';
    if (prompt == C2_TUI_SLICE) snprintf(app->input, sizeof(app->input), "%.500s", app->pane.window.expr);
    if (prompt == C2_TUI_WHERE) snprintf(app->input, sizeof(app->input), "%s", app->pane.where);
    if (prompt == C2_TUI_FILTER) c2_tui_app_list_open(app, true);
}

static void set_filter(struct c2_tui_app *app, const char *text)
{
    snprintf(app->tree.filter, sizeof(app->tree.filter), "%.120s", text);
    update(app);
    struct c2_tui_node *node = c2_tui_tree_selected(&app->tree);
    if (text[0] && node && node->kind != C2_TUI_DATASET) c2_tui_tree_next_hit(&app->tree, 1);
    c2_tui_app_show(app, false);
}

static void end_filter(struct c2_tui_app *app)
{
    struct c2_tui_node *node = c2_tui_tree_selected(&app->tree);
    struct cat2_error err;

    app->tree.filter[0] = '\0';
    if (node && !c2_tui_tree_select(&app->tree, node, &err)) c2_tui_app_say(app, "%s", err.message);
    update(app);
}

static void go_to_row(struct c2_tui_app *app)
{
    int64_t row;

    if (!c2_str_to_i64(c2_str_trim(c2_str_of(app->input)), &row)) {
        c2_tui_app_say(app, "'%s' is no row number", app->input);
        return;
    }
    app->pane.top = 0;
    c2_tui_window_scroll(&app->pane.window, -(INT64_MAX / 2), 0);
    c2_tui_pane_scroll(&app->pane, row, 0);
    c2_tui_app_fetch(app);
}

/* Rows of a table; "" for all. */
static void filter_rows(struct c2_tui_app *app)
{
    if (app->folder || !c2_tui_pane_filter(&app->pane, app->input))
        c2_tui_app_say(app, "only values of one axis can be filtered");
    app->asked = (struct c2_tui_ask){0};
    c2_tui_app_fetch(app);
}

static void confirm_key(struct c2_tui_app *app, uint32_t key)
{
    app->prompt = C2_TUI_NO_PROMPT;
    if (key == 'y' || key == 'Y') {
        c2_tui_app_say(app, "unsubscribing from %s", app->input);
        c2_tui_app_leave(app, app->input);
        c2_tui_jobs_post(app->jobs, c2_tui_job_new(C2_TUI_JOB_UNSUBSCRIBE, app->input));
    } else {
        c2_tui_app_say(app, "%s stays subscribed", app->input);
    }
}

static void accept(struct c2_tui_app *app)
{
    enum c2_tui_prompt prompt = app->prompt;
    struct cat2_error err;

    app->prompt = C2_TUI_NO_PROMPT;
    app->dirty = true;
    if (prompt == C2_TUI_GO) go_to_row(app);
    if (prompt == C2_TUI_WHERE) filter_rows(app);
    if (prompt != C2_TUI_SLICE) return;
    if (!c2_tui_pane_slice(&app->pane, app->input, &err)) c2_tui_app_say(app, "%s", err.message);
    c2_tui_app_fetch(app);
}

/* Without its last character. */
static void shorten(char *text)
{
    size_t n = strlen(text);

    while (n && ((uint8_t)text[n - 1] & 0xc0) == 0x80)
        n--;
    text[n ? n - 1 : 0] = '\0';
}

static void prompt_key(struct c2_tui_app *app, uint32_t key)
{
    size_t n = strlen(app->input);

    app->dirty = true;
    if (app->prompt == C2_TUI_CONFIRM) {
        if (key != C2_TUI_KEY_RESIZE) confirm_key(app, key);
        return;
    }
    if (key == '\n' || key == '\r') {
        accept(app);
        return;
    }
    if (key == ESCAPE) {
        bool filter = app->prompt == C2_TUI_FILTER;
        app->prompt = C2_TUI_NO_PROMPT;
        if (filter) end_filter(app);
        return;
    }
    if (key == C2_TUI_KEY_BACKSPACE)
        shorten(app->input);
    else if (key == 21) /* ^U */
        app->input[0] = '\0';
    else if (key >= ' ' && key < C2_TUI_KEY_UP && n + 5 < sizeof(app->input))
        app->input[n + (size_t)c2_tui_encode(key, app->input + n)] = '\0';
    if (app->prompt == C2_TUI_FILTER) set_filter(app, app->input);
}

static void escape(struct c2_tui_app *app)
{
    if (c2_tui_jobs_progress(app->jobs).running)
        c2_tui_jobs_cancel_download(app->jobs);
    else if (app->in_pane)
        app->in_pane = false;
    else if (app->tree.filter[0])
        end_filter(app);
    app->message[0] = '\0';
}

/* Keys that change the picture, wherever the keys go. */
static bool pane_key(struct c2_tui_app *app, uint32_t key)
{
    struct c2_tui_pane *pane = &app->pane;

    switch (key) {
    case '\t':
        c2_tui_pane_next_kind(pane);
        break;
    case '[':
    case ']':
        if (!c2_tui_window_step(&pane->window, pane->kind, key == ']' ? 1 : -1))
            c2_tui_app_say(app, "no further slice");
        break;
    case '{':
    case '}':
        if (!c2_tui_window_turn(&pane->window, pane->kind, key == '}' ? 1 : -1))
            c2_tui_app_say(app, "no other axis");
        break;
    case 'x':
    case 'Y':
        if (!c2_tui_window_map(&pane->window, key == 'x')) c2_tui_app_say(app, "no other axis");
        break;
    case 'c':
        pane->look.map = c2_colormap_name(pane->look.map + 1) ? pane->look.map + 1 : 0;
        break;
    case 'L':
        pane->look.scale = (enum c2_scale)((pane->look.scale + 1) % C2_SCALES);
        if (!pane->fixed_range) c2_tui_pane_autoscale(pane);
        break;
    case 'a':
        pane->look.robust = !pane->look.robust;
        c2_tui_pane_autoscale(pane);
        break;
    default:
        return false;
    }
    c2_tui_app_fetch(app);
    return true;
}

static bool command_key(struct c2_tui_app *app, uint32_t key)
{
    struct c2_tui_node *node = c2_tui_tree_selected(&app->tree);

    switch (key) {
    case 'q':
        app->quit = true;
        break;
    case '?':
        app->help = true;
        break;
    case ESCAPE:
        escape(app);
        break;
    case '/':
        open_prompt(app, C2_TUI_FILTER);
        break;
    case 's':
        open_prompt(app, C2_TUI_SLICE);
        break;
    case 'g':
        open_prompt(app, C2_TUI_GO);
        break;
    case 'w':
        open_prompt(app, C2_TUI_WHERE);
        break;
    case 'n':
    case 'N':
        if (!app->tree.filter[0] || !c2_tui_tree_next_hit(&app->tree, key == 'n' ? 1 : -1))
            c2_tui_app_say(app, "no other match");
        c2_tui_app_show(app, false);
        break;
    case 'd':
        download(app);
        break;
    case 'u':
        if (node) subscribe(app, node);
        break;
    case 'R':
        c2_tui_app_refresh(app);
        c2_tui_app_show(app, true);
        c2_tui_app_say(app, "reloading");
        break;
    default:
        return false;
    }
    return true;
}

static void scroll(struct c2_tui_app *app, int64_t rows, int64_t columns)
{
    c2_tui_pane_scroll(&app->pane, rows, columns);
    c2_tui_app_fetch(app);
}

/* Arrows while the preview has the keys. */
static void in_pane_key(struct c2_tui_app *app, uint32_t key)
{
    int64_t page = c2_max_i64(app->pane_box.h - 4, 1);

    if (key == 'j' || key == C2_TUI_KEY_DOWN) scroll(app, 1, 0);
    if (key == 'k' || key == C2_TUI_KEY_UP) scroll(app, -1, 0);
    if (key == 'h' || key == C2_TUI_KEY_LEFT) scroll(app, 0, -1);
    if (key == C2_TUI_KEY_RIGHT) scroll(app, 0, 1);
    if (key == C2_TUI_KEY_PAGE_DOWN) scroll(app, page, 0);
    if (key == C2_TUI_KEY_PAGE_UP) scroll(app, -page, 0);
    if (key == C2_TUI_KEY_HOME) scroll(app, -(INT64_MAX / 2), 0);
    if (key == C2_TUI_KEY_END) scroll(app, INT64_MAX / 2, 0);
    if (key == 'l') pane_key(app, 'L');
    if (key == 'y') pane_key(app, 'Y');
}

static void in_tree_key(struct c2_tui_app *app, uint32_t key)
{
    struct c2_tui_node *node = c2_tui_tree_selected(&app->tree);
    int64_t page = c2_max_i64(app->tree_box.h - 1, 1);

    if (key == 'j' || key == C2_TUI_KEY_DOWN) move(app, 1);
    if (key == 'k' || key == C2_TUI_KEY_UP) move(app, -1);
    if (key == C2_TUI_KEY_PAGE_DOWN) move(app, page);
    if (key == C2_TUI_KEY_PAGE_UP) move(app, -page);
    if (key == C2_TUI_KEY_HOME) move(app, -(INT64_MAX / 2));
    if (key == C2_TUI_KEY_END) move(app, INT64_MAX / 2);
    if (!node) return;
    if (key == '\n' || key == '\r') enter(app, node);
    if (key == 'h' || key == C2_TUI_KEY_LEFT) fold(app, node);
    if (key == 'l' && node->kind == C2_TUI_DATASET)
        pane_key(app, 'L');
    else if (key == 'l' || key == C2_TUI_KEY_RIGHT)
        unfold(app, node);
    if (key == 'y') {
        c2_tui_node_path(node, app->copied, sizeof(app->copied));
        c2_tui_app_say(app, "copied %s", app->copied);
    }
}

static bool inside(struct c2_tui_box box, int x, int y)
{
    return x >= box.x && x < box.x + box.w && y >= box.y && y < box.y + box.h;
}

static void mouse(struct c2_tui_app *app, const struct c2_tui_event *event)
{
    int by = event->key == C2_TUI_KEY_WHEEL_UP ? -3 : 3;
    bool tree = inside(app->tree_box, event->x, event->y), window = inside(app->pane_box, event->x, event->y);

    if (event->key != C2_TUI_KEY_CLICK) {
        if (tree) move(app, by);
        if (window) scroll(app, by, 0);
        return;
    }
    app->in_pane = window;
    if (window) c2_tui_pane_point(&app->pane, &app->canvas, app->pane_box, event->x, event->y);
    size_t row = app->tree_top + (size_t)c2_max_i64(event->y - app->tree_box.y, 0);
    if (!tree || row >= app->tree.rows.n) return;
    bool again = row == app->tree.selected;
    app->tree.selected = row;
    struct c2_tui_node *node = app->tree.rows.p[row].node;
    if (node->kind != C2_TUI_DATASET && (again || !node->open)) enter(app, node);
    c2_tui_app_show(app, false);
}

void c2_tui_app_key(struct c2_tui_app *app, const struct c2_tui_event *event)
{
    uint32_t key = event->key;

    app->dirty = true;
    if (app->help) {
        app->help = false;
    } else if (key >= C2_TUI_KEY_CLICK && key <= C2_TUI_KEY_WHEEL_DOWN) {
        mouse(app, event);
    } else if (app->prompt) {
        prompt_key(app, key);
    } else {
        if (key != C2_TUI_KEY_RESIZE) app->message[0] = '\0';
        if (command_key(app, key) || pane_key(app, key)) return;
        if (app->in_pane)
            in_pane_key(app, key);
        else
            in_tree_key(app, key);
    }
}
