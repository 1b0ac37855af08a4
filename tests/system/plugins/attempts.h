/* SPDX-License-Identifier: BSD-3-Clause */
/* What a process that is confined must not be able to do, tried by hostile plugins and filters. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static bool runs_a_program(void)
{
    char *argv[] = {(char *)"true", NULL};
    int status = 1;
    pid_t pid = fork();

    if (pid == 0) {
        execv("/bin/true", argv);
        _exit(9);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 0;
}

static bool connects(int family)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/nonexistent"};
    int fd = socket(family, SOCK_STREAM, 0);
    int rc = family == AF_INET ? connect(fd, (struct sockaddr *)&in, sizeof(in)) : connect(fd, (struct sockaddr *)&un, sizeof(un));

    return rc == 0 || errno == ECONNREFUSED || errno == ENOENT;
}

static bool reads_memory_of(pid_t pid)
{
    char path[64], byte;
    struct iovec to = {&byte, 1}, from = {&byte, 1}; /* as good as any address: EFAULT would be an answer, too */

    snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
    if (open(path, O_RDONLY) >= 0) return true;
    return process_vm_readv(pid, &to, 1, &from, 1, 0) >= 0 || errno == EFAULT;
}

static bool can_open(const char *path, int flags)
{
    return open(path, flags, 0600) >= 0;
}

/* What was possible, a letter each, and a dot. `folder` has a file there/secret. */
static void try_all(const char *folder, char out[32])
{
    char made[450], there[450];
    struct rlimit none = {0, 0};
    pid_t parent = getppid();

    snprintf(made, sizeof(made), "%s/made", folder);
    snprintf(there, sizeof(there), "%s/secret", folder);
    if (can_open(there, O_RDONLY)) *out++ = 'r';
    if (can_open(made, O_WRONLY | O_CREAT)) *out++ = 'w';
    if (can_open(there, O_RDWR) || can_open(there, O_RDONLY | O_TRUNC) || truncate(there, 0) == 0) *out++ = 't';
    if (can_open(folder, O_TMPFILE | O_RDWR)) *out++ = 'T';
    if (mkdirat(AT_FDCWD, made, 0700) == 0) *out++ = 'm';
    if (rename(there, made) == 0 || unlink(there) == 0 || chmod(there, 0777) == 0) *out++ = 'd';
    if (runs_a_program()) *out++ = 'x';
    if (execl("/bin/true", "true", NULL) == 0 || errno == ENOENT) *out++ = 'e';
    if (connects(AF_INET)) *out++ = 'c';
    if (connects(AF_UNIX)) *out++ = 'u';
    if (kill(parent, 0) == 0 || kill(-1, 0) == 0) *out++ = 'k';
    if (fcntl(0, F_SETOWN, parent) == 0) *out++ = 'o';
    if (prlimit(parent, RLIMIT_CPU, &none, NULL) == 0) *out++ = 'l';
    if (ptrace(PTRACE_SEIZE, parent, NULL, NULL) == 0) *out++ = 'p';
    if (reads_memory_of(parent)) *out++ = 'y';
    if (setpgid(0, getpgid(parent)) == 0 || setsid() > 0) *out++ = 'g';
    if (memfd_create("x", 0) >= 0) *out++ = 'f';
    *out++ = '.';
    *out = '\0';
}
