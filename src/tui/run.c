/* SPDX-License-Identifier: BSD-3-Clause */
/* The main loop: it handles keys, answers and timeouts. It waits only in ppoll(), and there alone signals are
 * taken: one that came just before would not end the wait. */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "tui/screen.h"

static volatile sig_atomic_t stopped; /* the one thing a signal may set */

static void on_stop(int signum)
{
    (void)signum;
    stopped = 1;
}

static bool fit(struct c2_tui_app *app, struct cat2_error *err)
{
    int columns, rows;

    c2_tui_screen_size(&columns, &rows);
    if (columns == app->canvas.columns && rows == app->canvas.rows) return true;
    if (!c2_tui_canvas_resize(&app->canvas, columns, rows, err)) return false;
    c2_tui_app_layout(app);
    c2_tui_app_fetch(app);
    return true;
}

static bool loop(struct c2_tui_app *app, const sigset_t *waiting, struct cat2_error *err)
{
    struct pollfd fds[] = {{STDIN_FILENO, POLLIN, 0}, {c2_tui_jobs_fd(app->jobs), POLLIN, 0}};
    struct c2_tui_event event;

    while (!app->quit && !stopped) {
        while (c2_tui_screen_event(&event))
            c2_tui_app_key(app, &event);
        c2_tui_app_answers(app);
        if (!fit(app, err)) return false;
        int timeout = c2_tui_app_tick(app, c2_now_ms());
        if (app->dirty) {
            c2_tui_app_draw(app);
            c2_tui_screen_show(&app->canvas, app->settings->direct);
        }
        if (app->copied[0]) c2_tui_screen_copy(app->copied);
        app->copied[0] = '\0';
        if (app->quit) return true;
        struct timespec time = {timeout / 1000, timeout % 1000 * 1000000L};
        fds[0].revents = 0;
        if (ppoll(fds, C2_ARRAY_LEN(fds), timeout < 0 ? NULL : &time, waiting) > 0 &&
            fds[0].revents & (POLLHUP | POLLERR | POLLNVAL))
            return true; /* the terminal is gone */
    }
    return true;
}

bool c2_tui_run(const struct c2_tui_settings *settings, struct cat2_error *err)
{
    static const int handled[] = {SIGTERM, SIGINT, SIGHUP, SIGWINCH};
    struct sigaction action = {.sa_handler = on_stop};
    sigset_t signals, before, waiting;
    struct c2_tui_app app;
    bool colour = settings->colour;

    unsetenv("LINES"); /* a shell's: ncurses would believe them after the terminal was resized */
    unsetenv("COLUMNS");
    sigemptyset(&action.sa_mask);
    sigemptyset(&signals);
    for (size_t i = 0; i < C2_ARRAY_LEN(handled); i++)
        sigaddset(&signals, handled[i]);
    pthread_sigmask(SIG_BLOCK, &signals, &before); /* in the threads made from here on, too */
    waiting = before;
    for (size_t i = 0; i < C2_ARRAY_LEN(handled); i++)
        sigdelset(&waiting, handled[i]);
    bool ok = c2_tui_app_init(&app, settings, err);
    if (ok && c2_tui_screen_open(&colour, err)) {
        sigaction(SIGTERM, &action, NULL);
        sigaction(SIGINT, &action, NULL);
        sigaction(SIGHUP, &action, NULL);
        app.canvas.utf8 = settings->utf8;
        app.canvas.colour = colour;
        ok = loop(&app, &waiting, err);
        c2_tui_screen_close();
    } else {
        ok = false;
    }
    c2_tui_app_fini(&app);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return ok;
}
