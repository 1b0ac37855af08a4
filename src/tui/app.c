/* SPDX-License-Identifier: BSD-3-Clause */
/* What the program knows, and how answers change it. */
#include "tui/app.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "wire/url.h"

#define RETRY_MS   1000 /* until the subscriber is asked again when it is down */
#define POLL_MS    3000 /* until it is asked for changes */
#define LIST_EVERY 5    /* polls */
#define LIST_MS    300  /* between two lists of what is new: many things come at once */

void c2_tui_app_say(struct c2_tui_app *app, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(app->message, sizeof(app->message), fmt, args);
    va_end(args);
    app->dirty = true;
}

static void post(struct c2_tui_app *app, enum c2_tui_job_kind kind, const char *path)
{
    c2_tui_jobs_post(app->jobs, c2_tui_job_new(kind, path));
}

bool c2_tui_app_init(struct c2_tui_app *app, const struct c2_tui_settings *settings, struct cat2_error *err)
{
    *app = (struct c2_tui_app){.settings = settings, .dirty = true, .pane = {.look = {.robust = true}}};
    app->tree.top = (struct c2_tui_node){.kind = C2_TUI_TOP, .open = true};
    if (!c2_tui_kind_parse(settings->view, &app->pane.kind, err)) return false;
    if (settings->path) snprintf(app->shown, sizeof(app->shown), "%s", settings->path);
    if (!c2_tui_jobs_new(settings->host, settings->access, &app->jobs, err)) return false;
    post(app, C2_TUI_JOB_ROOTS, "");
    if (app->shown[0]) post(app, C2_TUI_JOB_INFO, app->shown);
    return true;
}

void c2_tui_app_fini(struct c2_tui_app *app)
{
    c2_tui_jobs_free(app->jobs);
    c2_tui_tree_fini(&app->tree);
    c2_tui_pane_fini(&app->pane);
    c2_tui_canvas_fini(&app->canvas);
}

static void ask_list(struct c2_tui_app *app, struct c2_tui_node *root)
{
    root->listed = C2_TUI_LISTING;
    post(app, C2_TUI_JOB_LIST, root->name);
}

/* Lists of the open roots, or of all that are followed, which are not there yet. */
void c2_tui_app_list_open(struct c2_tui_app *app, bool all)
{
    for (size_t i = 0; i < app->tree.top.kids.n; i++) {
        struct c2_tui_node *root = app->tree.top.kids.p[i];
        if (root && root->subscribed && (all || root->open) && root->listed == C2_TUI_UNLISTED)
            ask_list(app, root);
    }
}

/* The rows of the filter that have room. */
static void ask_table(struct c2_tui_app *app)
{
    struct c2_tui_job *job = c2_tui_job_new(C2_TUI_JOB_TABLE, app->shown);

    if (job && c2_tui_pane_table_target(&app->pane, app->pane_box, job->target, sizeof(job->target)))
        c2_tui_jobs_post(app->jobs, job);
    else
        c2_tui_job_free(job);
}

void c2_tui_app_fetch(struct c2_tui_app *app)
{
    struct c2_tui_ask ask;

    app->dirty = true;
    if (app->folder || !app->pane.info || strcmp(app->pane.info->path, app->shown) != 0) return;
    if (c2_tui_pane_filters(&app->pane)) {
        ask_table(app);
        return;
    }
    if (!c2_tui_pane_ask(&app->pane, &app->canvas, app->pane_box, &ask)) return;
    if (ask.kind == app->asked.kind && ask.turned == app->asked.turned &&
        strcmp(ask.slice, app->asked.slice) == 0)
        return;
    app->asked = ask;
    struct c2_tui_job *job = c2_tui_job_new(C2_TUI_JOB_FETCH, app->shown);
    if (job) job->ask = ask;
    c2_tui_jobs_post(app->jobs, job);
}

/* The page of /api/tree for what is shown; more of it has no room on a screen. */
static void ask_folder(struct c2_tui_app *app)
{
    C2_AUTO(c2_buf) target = C2_BUF_INIT(sizeof(((struct c2_tui_job *)0)->target) - 1);
    struct c2_tui_job *job = c2_tui_job_new(C2_TUI_JOB_FOLDER, app->shown);
    struct c2_str root, dir;
    struct cat2_error ignored;

    c2_str_cut(c2_str_of(app->shown), '/', &root, &dir);
    char name[256];
    snprintf(name, sizeof(name), "%.*s", (int)c2_min_i64((int64_t)root.n, 255), root.p);
    struct c2_tui_node *node = c2_tui_tree_find(&app->tree, name);
    bool ok = job && node && node->subscribed && /* asking would follow it again */
              c2_buf_puts(&target, "/api/tree/", &ignored) && c2_url_encode(root, false, &target, &ignored) &&
              c2_buf_puts(&target, "?limit=1000&dir=", &ignored) &&
              c2_url_encode(dir, false, &target, &ignored);
    if (ok) snprintf(job->target, sizeof(job->target), "%s", c2_buf_cstr(&target));
    if (ok)
        c2_tui_jobs_post(app->jobs, job);
    else
        c2_tui_job_free(job);
}

/* Is what is shown still as it is at the subscriber? */
static void look_again(struct c2_tui_app *app)
{
    if (app->folder)
        ask_folder(app);
    else if (app->shown[0])
        post(app, C2_TUI_JOB_WATCH, app->shown);
}

void c2_tui_app_leave(struct c2_tui_app *app, const char *root)
{
    struct c2_tui_node *node = c2_tui_tree_find(&app->tree, root);
    size_t n = strlen(root);

    if (node) node->subscribed = false;
    if (strncmp(app->shown, root, n) != 0 || (app->shown[n] && app->shown[n] != '/')) return;
    app->shown[0] = '\0';
    app->folder = false;
    c2_tui_pane_folder(&app->pane, "", NULL);
    c2_tui_info_free(app->pane.info);
    app->pane.info = NULL;
}

void c2_tui_app_refresh(struct c2_tui_app *app)
{
    post(app, C2_TUI_JOB_ROOTS, "");
    for (size_t i = 0; i < app->tree.top.kids.n; i++)
        app->tree.top.kids.p[i]->stale = true;
    look_again(app);
}

void c2_tui_app_show(struct c2_tui_app *app, bool reload)
{
    struct c2_tui_node *node = c2_tui_tree_selected(&app->tree);
    char path[sizeof(app->shown)];

    app->dirty = true;
    if (node && node->note) c2_tui_app_say(app, "%s", node->note);
    if (!node || (node->kind == C2_TUI_ROOT && !node->subscribed)) return;
    bool folder = node->kind != C2_TUI_DATASET;
    c2_tui_node_path(node, path, sizeof(path));
    if (!reload && folder == app->folder && strcmp(path, app->shown) == 0) return;
    snprintf(app->shown, sizeof(app->shown), "%s", path);
    app->folder = folder;
    c2_tui_jobs_drop(app->jobs, C2_TUI_JOB_FETCH);
    if (folder)
        ask_folder(app);
    else
        post(app, C2_TUI_JOB_INFO, path);
}

/* The subscriber answers again. What the screen shows may be old. */
static void came_back(struct c2_tui_app *app)
{
    app->down = false;
    c2_tui_app_say(app, "connected to %s", app->settings->host);
    for (size_t i = 0; i < app->tree.top.kids.n; i++)
        if (app->tree.top.kids.p[i]->listed == C2_TUI_LISTING)
            app->tree.top.kids.p[i]->listed = C2_TUI_UNLISTED;
    if (app->shown[0] && !app->folder) post(app, C2_TUI_JOB_INFO, app->shown);
}

static void on_roots(struct c2_tui_app *app, struct c2_tui_job *job)
{
    struct cat2_error err = {0};

    if (app->down) came_back(app);
    if (!c2_tui_tree_roots(&app->tree, job->strings, &err)) c2_tui_app_say(app, "%s", err.message);
    if (!app->started) {
        app->started = true;
        struct c2_tui_node *only = app->tree.top.kids.n == 1 ? app->tree.top.kids.p[0] : NULL;
        if (only && only->subscribed) only->open = true;
    }
    c2_tui_app_list_open(app, app->tree.filter[0] || app->prompt == C2_TUI_FILTER);
}

static void on_list(struct c2_tui_app *app, struct c2_tui_job *job)
{
    struct c2_tui_node *root = c2_tui_tree_find(&app->tree, job->path);
    struct cat2_error err = job->err;

    if (job->ok && c2_tui_tree_list(&app->tree, job->path, job->strings, &err)) {
        struct c2_tui_node *node = c2_tui_tree_selected(&app->tree);
        if (node && (node->kind == C2_TUI_DATASET || !app->shown[0])) c2_tui_app_show(app, false);
        return;
    }
    if (!root) return;
    root->listed = err.http_status == 503 ? C2_TUI_UNLISTED : C2_TUI_LISTED; /* not yet: asked again */
    free(root->note);
    root->note = c2_str_dup(c2_str_of(err.message));
}

static void on_subscribed(struct c2_tui_app *app, struct c2_tui_job *job)
{
    struct c2_tui_node *root = c2_tui_tree_find(&app->tree, job->path);

    if (!job->ok) {
        c2_tui_app_say(app, "%s: %s", job->path, job->err.message);
        post(app, C2_TUI_JOB_ROOTS, ""); /* how it is now */
        return;
    }
    bool followed = job->kind == C2_TUI_JOB_SUBSCRIBE;
    c2_tui_app_say(app, followed ? "subscribed to %s" : "unsubscribed from %s", job->path);
    if (!root) return;
    root->subscribed = root->open = followed;
    if (followed)
        ask_list(app, root);
    else
        c2_tui_tree_unlist(&app->tree, root);
}

static void note_size(struct c2_tui_app *app, const struct c2_tui_info *info)
{
    struct c2_tui_node *node = c2_tui_tree_find(&app->tree, info->path);

    if (node && node->kind == C2_TUI_DATASET) node->size = info->nbytes;
}

static void on_info(struct c2_tui_app *app, struct c2_tui_job *job)
{
    bool watch = job->kind == C2_TUI_JOB_WATCH;

    if (job->info) note_size(app, job->info);
    if (job->kind == C2_TUI_JOB_SIZE || app->folder || strcmp(job->path, app->shown) != 0) return;
    if (!job->ok || !job->info) {
        if (!watch) c2_tui_app_say(app, "%s", job->err.message);
        return;
    }
    const struct c2_tui_info *old = app->pane.info;
    bool same = old && strcmp(old->path, job->path) == 0 && strcmp(old->etag, job->info->etag) == 0;
    if (watch && same && old->chunk_map && job->info->chunk_map &&
        strcmp(old->chunk_map, job->info->chunk_map) != 0) {
        char *newer = job->info->chunk_map; /* more of it is held now */
        job->info->chunk_map = app->pane.info->chunk_map;
        app->pane.info->chunk_map = newer;
    }
    if (watch && same) return;
    if (watch) c2_tui_app_say(app, "%s changed: shown anew", job->path);
    c2_tui_pane_show(&app->pane, job->info);
    job->info = NULL;
    if (app->settings->slice && !old) {
        struct cat2_error err;
        if (!c2_tui_pane_slice(&app->pane, app->settings->slice, &err))
            c2_tui_app_say(app, "%s", err.message);
    }
    app->asked = (struct c2_tui_ask){0};
    c2_tui_app_fetch(app);
}

static void on_fetch(struct c2_tui_app *app, struct c2_tui_job *job)
{
    if (strcmp(job->path, app->shown) != 0 || strcmp(job->ask.slice, app->asked.slice) != 0 ||
        job->ask.kind != app->asked.kind)
        return; /* the user has moved on */
    if (!job->ok) {
        c2_tui_app_say(app, "%s", job->err.message);
        return;
    }
    c2_tui_pane_answer(&app->pane, job->data);
    job->data = NULL;
}

static void on_download(struct c2_tui_app *app, const struct c2_tui_job *job)
{
    if (job->ok)
        c2_tui_app_say(app, "saved to %s", job->file);
    else
        c2_tui_app_say(app, "%s: %s", job->path, job->err.message);
}

static void on_folder(struct c2_tui_app *app, struct c2_tui_job *job)
{
    if (!app->folder || strcmp(job->path, app->shown) != 0) return;
    if (!job->ok) {
        c2_tui_app_say(app, "%s", job->err.message);
        return;
    }
    c2_tui_pane_folder(&app->pane, job->path, job->json);
    job->json = NULL;
}

static void on_table(struct c2_tui_app *app, struct c2_tui_job *job)
{
    if (app->folder || strcmp(job->path, app->shown) != 0 || !c2_tui_pane_filters(&app->pane)) return;
    if (!job->ok) {
        c2_tui_app_say(app, "%s", job->err.message);
        app->pane.where[0] = '\0';
        c2_tui_app_fetch(app);
        return;
    }
    c2_tui_pane_table(&app->pane, job->json);
    job->json = NULL;
}

/* What happened at the subscriber. */
static void on_event(struct c2_tui_app *app, const struct c2_tui_job *job)
{
    struct c2_str name, rest;
    char root[256];

    app->live = job->ok;
    if (!job->ok || !job->word[0]) {
        app->next_poll_ms = 1; /* asked at once */
        return;
    }
    if (strcmp(job->word, "hello") == 0 || strcmp(job->word, "resync") == 0) {
        c2_tui_app_refresh(app);
        return;
    }
    c2_str_cut(c2_str_of(job->path), '/', &name, &rest);
    snprintf(root, sizeof(root), "%.*s", (int)c2_min_i64((int64_t)name.n, 255), name.p);
    struct c2_tui_node *in = c2_tui_tree_find(&app->tree, root),
                       *node = c2_tui_tree_find(&app->tree, job->path);
    if (strcmp(job->word, "root") == 0) post(app, C2_TUI_JOB_ROOTS, "");
    if (in && strcmp(job->word, "changed") != 0) in->stale = true;
    if (node && node->kind == C2_TUI_DATASET) node->asked = false; /* its size */
    size_t n = strlen(app->shown);
    bool beneath = app->folder && strncmp(job->path, app->shown, n) == 0 && job->path[n] == '/';
    if (beneath || (strcmp(job->path, app->shown) == 0 && strcmp(job->word, "removed") != 0)) look_again(app);
}

static void on_answer(struct c2_tui_app *app, struct c2_tui_job *job)
{
    bool silent = !job->ok && job->err.code == CAT2_EUPSTREAM && job->err.http_status == 0;

    app->dirty = true;
    if (silent && job->kind != C2_TUI_JOB_DOWNLOAD) {
        app->down = true;
        snprintf(app->reason, sizeof(app->reason), "%s", job->err.message);
        app->asked = (struct c2_tui_ask){0};
        struct c2_tui_node *node =
            job->kind == C2_TUI_JOB_SIZE ? c2_tui_tree_find(&app->tree, job->path) : NULL;
        if (node) node->asked = false;
        if (job->kind == C2_TUI_JOB_EVENT) app->live = false;
        return;
    }
    switch (job->kind) {
    case C2_TUI_JOB_ROOTS:
        if (job->ok) on_roots(app, job);
        break;
    case C2_TUI_JOB_LIST:
        on_list(app, job);
        break;
    case C2_TUI_JOB_SUBSCRIBE:
    case C2_TUI_JOB_UNSUBSCRIBE:
        on_subscribed(app, job);
        break;
    case C2_TUI_JOB_FETCH:
        on_fetch(app, job);
        break;
    case C2_TUI_JOB_DOWNLOAD:
        on_download(app, job);
        break;
    case C2_TUI_JOB_FOLDER:
        on_folder(app, job);
        break;
    case C2_TUI_JOB_TABLE:
        on_table(app, job);
        break;
    case C2_TUI_JOB_EVENT:
        on_event(app, job);
        break;
    default:
        on_info(app, job);
    }
}

void c2_tui_app_answers(struct c2_tui_app *app)
{
    struct c2_tui_job *job;

    while ((job = c2_tui_jobs_take(app->jobs))) {
        on_answer(app, job);
        c2_tui_job_free(job);
    }
    if (c2_tui_jobs_progress(app->jobs).running) app->dirty = true;
}

/* Roots of which something was told: the open ones are listed again, others when they are opened. */
static bool list_stale(struct c2_tui_app *app, int64_t now_ms)
{
    bool waits = false;

    for (size_t i = 0; i < app->tree.top.kids.n; i++) {
        struct c2_tui_node *root = app->tree.top.kids.p[i];
        if (!root->stale || !root->subscribed || root->listed != C2_TUI_LISTED) continue;
        if (now_ms < app->next_list_ms) {
            waits = true;
            continue;
        }
        root->stale = false;
        if (root->open || app->tree.filter[0])
            post(app, C2_TUI_JOB_LIST, root->name);
        else
            root->listed = C2_TUI_UNLISTED;
    }
    if (!waits && now_ms >= app->next_list_ms) app->next_list_ms = now_ms + LIST_MS;
    return waits;
}

static void poll_now(struct c2_tui_app *app)
{
    post(app, C2_TUI_JOB_ROOTS, "");
    if (!app->down) look_again(app);
    for (size_t i = 0; !app->down && i < app->tree.top.kids.n && app->npolls % LIST_EVERY == 0; i++) {
        struct c2_tui_node *root = app->tree.top.kids.p[i];
        if (root->subscribed && root->open && root->listed == C2_TUI_LISTED)
            post(app, C2_TUI_JOB_LIST, root->name);
    }
    app->npolls++;
}

int c2_tui_app_tick(struct c2_tui_app *app, int64_t now_ms)
{
    int64_t every = app->down ? RETRY_MS : POLL_MS;

    if (app->next_poll_ms == 0) app->next_poll_ms = now_ms + every;
    if (app->next_poll_ms - now_ms > every) app->next_poll_ms = now_ms + every;
    if (list_stale(app, now_ms)) return (int)c2_max_i64(app->next_list_ms - now_ms, 1);
    if (app->live && !app->down) return -1; /* we are told */
    if (now_ms >= app->next_poll_ms) {
        app->next_poll_ms = now_ms + every;
        poll_now(app);
    }
    return (int)c2_max_i64(app->next_poll_ms - now_ms, 0);
}
