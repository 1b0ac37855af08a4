/* SPDX-License-Identifier: BSD-3-Clause */
/* Starting, ending and talking to helper processes. */
#include "helper/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/beside.h"
#include "base/clock.h"
#include "base/log_share.h"

#define SAID_LINES_MAX  20        /* logged at a time; of the rest the bytes are counted */
#define SAID_NBYTES_MAX (1 << 20) /* read at a time: a pipe has less, but may be filled meanwhile */

void c2_child_find(const char *name, const char *variable, char out[PATH_MAX])
{
    const char *named = getenv(variable);

    if (named && named[0]) {
        snprintf(out, PATH_MAX, "%s", named);
        return;
    }
    c2_beside_program("", name, out);
    if (access(out, X_OK) != 0) c2_beside_program("../libexec/caterva2/", name, out);
}

/* Those of this process that were started and not buried, and all that were. */
static _Atomic int nrunning, nstarted;

/* Keys of the service, which nothing that it starts has a use for. */
static bool is_secret(const char *variable)
{
    return strncmp(variable, "AWS_", 4) == 0 || strncmp(variable, "CATERVA2_KEY=", 13) == 0;
}

/* The environment without them; to be freed, not what it points to. NULL: no memory. */
static char **plain_environment(void)
{
    size_t n = 0, kept = 0;

    while (environ[n])
        n++;
    char **out = malloc((n + 1) * sizeof(*out));
    for (size_t i = 0; out && i < n; i++)
        if (!is_secret(environ[i])) out[kept++] = environ[i];
    if (out) out[kept] = NULL;
    return out;
}

static int spawn(const char *program, char *const argv[], int socket, int said, pid_t *pid)
{
    char **env = plain_environment();
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t none, every;

    sigemptyset(&none);
    sigfillset(&every);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attr);
    posix_spawn_file_actions_adddup2(&actions, socket, STDIN_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, said, STDERR_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1); /* whatever a library left open */
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &every);
    posix_spawnattr_setpgroup(&attr, 0); /* Ctrl-C is for the service, which then ends us */
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    int rc = env ? posix_spawn(pid, program, &actions, &attr, argv, env) : ENOMEM;
    free(env);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&actions);
    return rc;
}

bool c2_child_start(const char *program, char *const argv[], struct c2_child *out, struct cat2_error *err)
{
    int pair[2], said[2];

    *out = C2_CHILD_NONE;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return c2_fail_errno(err, errno, "no socket for %s", argv[0]);
    if (pipe2(said, O_CLOEXEC | O_NONBLOCK) != 0) { /* so that it never waits for us to read it */
        c2_fail_errno(err, errno, "no pipe for %s", argv[0]);
        close(pair[0]);
        close(pair[1]);
        return false;
    }
    int rc = spawn(program, argv, pair[1], said[1], &out->pid);
    close(pair[1]);
    close(said[1]);
    if (rc == 0) {
        out->fd = pair[0];
        out->said = said[0];
        nrunning++;
        nstarted++;
        return true;
    }
    close(pair[0]);
    close(said[0]);
    out->pid = 0;
    c2_fail_errno(err, rc, "%.160s cannot be started", program);
    if (err->code != CAT2_ENOMEM) err->code = CAT2_EIO; /* else of the moment */
    return false;
}

void c2_child_hear(const struct c2_child *child, const char *name)
{
    char block[8192];
    ssize_t got = read(child->said, block, sizeof(block));
    struct c2_str rest = {block, got > 0 ? (size_t)got : 0}, line;
    size_t left_out;

    for (int i = 0; rest.n && i < SAID_LINES_MAX; i++) {
        c2_str_cut(rest, '\n', &line, &rest);
        c2_log_some(C2_WARN, "%s pid=%d: %.*s", name, (int)child->pid, C2_STR_ARG(line));
    }
    left_out = rest.n;
    while (got > 0 && left_out < SAID_NBYTES_MAX && (got = read(child->said, block, sizeof(block))) > 0)
        left_out += (size_t)got;
    if (left_out)
        c2_log_some(C2_WARN, "%s pid=%d: %zu bytes more are left out", name, (int)child->pid, left_out);
}

/* Looks only: its number stays its own, and its group's, until waitpid(). */
static bool has_ended(pid_t pid)
{
    siginfo_t info = {0};

    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == pid;
}

void c2_child_bury(struct c2_child *child, const char *name, bool late, char how[64])
{
    int status = 0;

    close(child->fd); /* which ends it, if it still listens */
    for (int i = 0; i < 50 && !late && !has_ended(child->pid); i++)
        poll(NULL, 0, 10);
    kill(-child->pid, SIGKILL); /* its group: what it started goes with it */
    kill(child->pid, SIGKILL);  /* if it has left its group */
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (late)
        snprintf(how, 64, "did not answer in time");
    else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
        snprintf(how, 64, "was ended by a system call that it may not make");
    else if (WIFSIGNALED(status))
        snprintf(how, 64, "was ended by signal %d", WTERMSIG(status));
    else
        snprintf(how, 64, "ended with status %d", WEXITSTATUS(status));
    c2_child_hear(child, name);
    close(child->said);
    *child = C2_CHILD_NONE;
    nrunning--;
}

int c2_child_count(int64_t *started)
{
    *started = nstarted;
    return nrunning;
}

/* ---- talking ---- */

struct c2_talk c2_talk_begin(int fd, int64_t patience_ms)
{
    return (struct c2_talk){.fd = fd, .until_ms = patience_ms < 0 ? INT64_MAX : c2_now_ms() + patience_ms};
}

static bool wait_for(struct c2_talk *talk, short events)
{
    struct pollfd pfd = {.fd = talk->fd, .events = events};

    for (;;) {
        int64_t left = talk->until_ms == INT64_MAX ? -1 : c2_max_i64(0, talk->until_ms - c2_now_ms());
        int rc = left ? poll(&pfd, 1, (int)left) : 0;
        if (rc > 0) return true;
        if (rc < 0 && errno == EINTR) continue;
        talk->late = rc == 0;
        talk->ended = rc < 0;
        return false;
    }
}

/* After a call that moved nothing: is another worth it? */
static bool try_again(struct c2_talk *talk, ssize_t rc, short events)
{
    if (rc < 0 && errno == EINTR) return true;
    if (rc < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return wait_for(talk, events);
    talk->ended = true;
    return false;
}

void c2_talk_read_ahead(struct c2_talk *talk, uint8_t *room, size_t n)
{
    talk->ahead = room;
    talk->ahead_max = n;
}

/* Of what has come already. */
static size_t take_ahead(struct c2_talk *talk, uint8_t *to, size_t n)
{
    size_t taken = n < talk->ahead_n ? n : talk->ahead_n;

    if (taken) memcpy(to, talk->ahead + talk->ahead_at, taken);
    talk->ahead_at += taken;
    talk->ahead_n -= taken;
    return taken;
}

bool c2_talk_receive(struct c2_talk *talk, void *to, size_t n)
{
    uint8_t *p = to;

    for (;;) {
        size_t taken = take_ahead(talk, p, n);
        p += taken;
        n -= taken;
        if (n == 0) return true;
        bool small = n < talk->ahead_max;
        ssize_t got = recv(talk->fd, small ? talk->ahead : p, small ? talk->ahead_max : n, MSG_DONTWAIT);
        if (got <= 0 && !try_again(talk, got, POLLIN)) return false;
        if (got <= 0) continue;
        if (small) {
            talk->ahead_at = 0;
            talk->ahead_n = (size_t)got;
        } else {
            p += got;
            n -= (size_t)got;
        }
    }
}

bool c2_talk_send(struct c2_talk *talk, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;

    while (n) {
        ssize_t sent = send(talk->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
            p += sent;
            n -= (size_t)sent;
            continue;
        }
        if (!try_again(talk, sent, POLLOUT)) return false;
    }
    return true;
}
