/* SPDX-License-Identifier: BSD-3-Clause */
/* What cat2cli prints: names of others are shown and never sent to a terminal as they are; colours, a pager
 * and progress are for people only. */
#include <errno.h>
#include <langinfo.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "bin/cat2cli.h"

/* ---- text of others ---- */

/* How many bytes at p control a terminal: C0, DEL, and C1 in UTF-8 or as single bytes that are none. */
static size_t control_at(const char *p, size_t n)
{
    unsigned char c = (unsigned char)p[0], next = n > 1 ? (unsigned char)p[1] : 0;

    if (c < 0x20 || c == 0x7f) return 1;
    return c == 0xc2 && next >= 0x80 && next < 0xa0 ? 2 : 0;
}

static void put_safe(FILE *to, struct c2_str text, bool lines)
{
    bool utf8 = c2_str_is_utf8(text);

    for (size_t i = 0; i < text.n;) {
        char c = text.p[i];
        size_t n = lines && (c == '\n' || c == '\t') ? 0 : control_at(text.p + i, text.n - i);
        bool strange = n == 0 && !utf8 && (unsigned char)c >= 0x80 && (unsigned char)c < 0xa0;
        putc(n || strange ? '?' : c, to);
        i += n ? n : 1;
    }
}

static void put(const struct c2_cli *cli, struct c2_str text, bool lines)
{
    if (cli->terminal)
        put_safe(stdout, text, lines);
    else if (text.n)
        fwrite(text.p, 1, text.n, stdout);
}

void c2_cli_put(const struct c2_cli *cli, struct c2_str text)
{
    put(cli, text, false);
}

void c2_cli_put_lines(const struct c2_cli *cli, struct c2_str text)
{
    put(cli, text, true);
}

void c2_cli_put_error(const char *prefix, const char *message)
{
    fflush(stdout);
    fputs(prefix, stderr);
    if (isatty(STDERR_FILENO))
        put_safe(stderr, c2_str_of(message), false);
    else
        fputs(message, stderr);
    putc('\n', stderr);
}

const char *c2_cli_plain(const char *text, char *out, size_t room)
{
    size_t i = 0, written = 0, n = strlen(text);

    while (i < n && written + 1 < room) {
        size_t control = control_at(text + i, n - i);
        out[written++] = control ? '?' : text[i];
        i += control ? control : 1;
    }
    out[written] = '\0';
    return out;
}

void c2_cli_put_in(const struct c2_cli *cli, enum c2_cli_style style, struct c2_str text)
{
    static const char *const codes[] = {[C2_CLI_FOLDER] = "1;34",
                                        [C2_CLI_BROKEN] = "31",
                                        [C2_CLI_FAINT] = "2",
                                        [C2_CLI_ADDED] = "32",
                                        [C2_CLI_REMOVED] = "31"};

    if (cli->colour) printf("\033[%sm", codes[style]);
    c2_cli_put(cli, text);
    if (cli->colour) fputs("\033[0m", stdout);
}

bool c2_cli_put_json(const struct c2_buf *line, struct cat2_error *err)
{
    return (fwrite(line->p ? line->p : (const uint8_t *)"", 1, line->n, stdout) == line->n &&
            putchar('\n') == '\n') ||
           c2_fail(err, CAT2_EIO, "cannot write to standard output");
}

bool c2_cli_reprint(const char *text, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    C2_AUTO(c2_buf) line = C2_BUF_INIT(C2_JSON_NBYTES_MAX);

    return c2_json_parse(c2_str_of(text), &json, err) &&
           c2_json_print(c2_json_root(json), C2_JSON_PYTHON, &line, err) && c2_cli_put_json(&line, err);
}

const char *c2_cli_time(int64_t ms, char out[32])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm parts;

    if (ms < 0 || !localtime_r(&seconds, &parts) || strftime(out, 32, "%Y-%m-%d %H:%M", &parts) == 0)
        snprintf(out, 32, "-");
    return out;
}

/* ---- standard output ---- */

/* The pager's output is the terminal; what it is fed becomes our standard output. 0: there is none. */
static int start_pager(const char *pager)
{
    int ends[2];

    if (pipe(ends) != 0) return 0;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[0], STDIN_FILENO);
        close(ends[0]);
        close(ends[1]);
        setenv("LESS", "FRX", 0); /* leave at once what fits the screen, keep colours */
        execl("/bin/sh", "sh", "-c", pager, (char *)NULL);
        _exit(127);
    }
    if (child > 0) dup2(ends[1], STDOUT_FILENO);
    close(ends[0]);
    close(ends[1]);
    return child > 0 ? child : 0;
}

static bool is_given(const char *name)
{
    const char *value = getenv(name);
    return value && *value;
}

void c2_cli_out_open(struct c2_cli *cli, bool pages)
{
    const char *pager = getenv("PAGER"), *term = getenv("TERM");

    cli->terminal = isatty(STDOUT_FILENO);
    cli->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    cli->colour = cli->terminal && !is_given("NO_COLOR") && term && strcmp(term, "dumb") != 0;
    if (!pages || !cli->terminal || !isatty(STDIN_FILENO) || cli->json) return;
    if (!pager) pager = access("/usr/bin/less", X_OK) == 0 ? "less" : "";
    if (!*pager || strcmp(pager, "cat") == 0) return;
    (void)c2_terminal_columns(); /* asked while standard output is the terminal */
    signal(SIGPIPE, SIG_IGN);    /* the pager may be left early */
    cli->pager = start_pager(pager);
}

bool c2_cli_out_close(struct c2_cli *cli, struct cat2_error *err)
{
    bool failed = fflush(stdout) != 0 || ferror(stdout);
    bool left = failed && errno == EPIPE && cli->pager;

    if (cli->pager) {
        fclose(stdout);
        close(STDOUT_FILENO);
        while (waitpid(cli->pager, NULL, 0) < 0 && errno == EINTR)
            ;
        cli->pager = 0;
    }
    return !failed || left || c2_fail(err, CAT2_EIO, "cannot write to standard output");
}

/* ---- progress ---- */

static volatile sig_atomic_t interrupted; /* the one thing a signal may set */

static void on_interrupt(int signum)
{
    (void)signum;
    interrupted = 1;
}

void c2_cli_catch_interrupts(void)
{
    struct sigaction action = {.sa_handler = on_interrupt};

    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool c2_cli_interrupted(void)
{
    return interrupted;
}

bool c2_cli_goes_on(void *ctx)
{
    (void)ctx;
    return !interrupted;
}

void c2_cli_bar_open(struct c2_cli_bar *bar)
{
    *bar = (struct c2_cli_bar){.visible = isatty(STDERR_FILENO)};
}

/* "1:02:03", "0:05": what is left at this speed; "?" while that is not known. */
static const char *time_left(int64_t left, double speed, char out[24])
{
    double seconds = left == 0 ? 0 : speed > 0 ? (double)left / speed : -1;
    int64_t s = seconds >= 0 && seconds < 359999 ? (int64_t)(seconds + 0.999) : -1;

    if (s < 0)
        snprintf(out, 24, "?");
    else if (s >= 3600)
        snprintf(out, 24, "%d:%02d:%02d", (int)(s / 3600), (int)(s / 60 % 60), (int)(s % 60));
    else
        snprintf(out, 24, "%d:%02d", (int)(s / 60), (int)(s % 60));
    return out;
}

static void draw(const struct c2_cli_bar *bar, const char *what, int64_t nbytes, int64_t total, int64_t now)
{
    char done[16], all[16] = "?", each[16], left[24], name[44];
    double seconds = (double)(now - bar->started_ms) / 1000;
    double speed = seconds > 0 ? (double)(nbytes - bar->first) / seconds : 0;
    int width = 24, full = total > 0 ? (int)(c2_min_i64(nbytes, total) * width / total) : 0;

    c2_size_text(nbytes, done);
    if (total >= 0) c2_size_text(total, all);
    c2_size_text((int64_t)speed, each);
    fprintf(stderr, "\r%s [%.*s%*s] %s of %s, %s/s, ETA %s \033[K", c2_cli_plain(what, name, sizeof(name)),
            full, "########################", width - full, "", done, all, each,
            total < 0 ? "?" : time_left(c2_max_i64(total - nbytes, 0), speed, left));
    fflush(stderr);
}

void c2_cli_bar_show(struct c2_cli_bar *bar, const char *what, int64_t nbytes, int64_t total)
{
    int64_t now = c2_now_ms();

    if (bar->started_ms == 0) {
        bar->started_ms = now;
        bar->first = nbytes;
    }
    if (!bar->visible || (now - bar->shown_ms < 100 && nbytes != total)) return;
    bar->shown_ms = now;
    draw(bar, what, nbytes, total, now);
}

void c2_cli_bar_clear(struct c2_cli_bar *bar)
{
    if (bar->visible && bar->shown_ms) fputs("\r\033[K", stderr);
    bar->shown_ms = 0;
}
