/* SPDX-License-Identifier: BSD-3-Clause */
/* A plugin that does what `?do=` says: all that a plugin can do wrong. Compiled with HOW for what it does
 * when it is loaded. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <caterva2/plugin.h>

static bool is(const struct cat2_plugin_dataset *ds, const char *what)
{
    return strcmp(ds->query, what) == 0;
}

static void hoard(void)
{
    for (;;) {
        char *p = malloc(16 << 20);
        if (!p) abort();
        memset(p, 1, 16 << 20);
    }
}

/* What was possible, a letter each; "none" when this kernel confines nobody. */
static void try_all(const char *folder, char *out)
{
    char path[400], *argv[] = {(char *)"true", NULL};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    long version = syscall(444, NULL, 0, 1);
    int status = 0;

    snprintf(path, sizeof(path), "%s/made", folder);
    if (open(path, O_WRONLY | O_CREAT, 0600) >= 0) *out++ = 'w';
    if (mkdirat(AT_FDCWD, path, 0700) == 0) *out++ = 'm';
    pid_t pid = fork();
    if (pid == 0) {
        execv("/bin/true", argv);
        _exit(9);
    }
    if (pid > 0 && waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 0) *out++ = 'x';
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (version >= 4 && connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0 && errno != EACCES) *out++ = 'c';
    if (version >= 6 && kill(getppid(), 0) == 0) *out++ = 'k';
    snprintf(out, 8, "%s", version < 1 ? "none" : ".");
}

static bool show(const struct cat2_plugin_dataset *ds, const struct cat2_plugin_host *host)
{
    static unsigned char room[1 << 16];
    char text[600];

    if (is(ds, "do=crash")) raise(SIGSEGV);
    if (is(ds, "do=exit")) exit(0);
    if (is(ds, "do=loop"))
        for (volatile int i = 0;; i++)
            ;
    if (is(ds, "do=hoard")) hoard();
    if (is(ds, "do=garbage")) send(0, room, sizeof(room), 0);
    if (is(ds, "do=twice")) host->text(host->ctx, "one", 3);
    if (is(ds, "do=bad-slice")) return host->fetch(host->ctx, "5:x", room, 8);
    if (is(ds, "do=bad-size")) return host->fetch(host->ctx, ":", room, 3);
    if (is(ds, "do=too-large")) return host->fetch(host->ctx, ":", room, (size_t)1 << 40);
    if (is(ds, "do=too-many"))
        while (host->fetch(host->ctx, "0:1", room, (size_t)ds->itemsize))
            ;
    if (is(ds, "do=huge-picture")) return host->picture(host->ctx, room, 100000, 100000);
    if (is(ds, "do=html")) return host->text(host->ctx, "<script>alert(1)</script>", 25);
    if (is(ds, "do=many")) {
        long sum = 0;
        for (int i = 0; i < 20; i++) {
            snprintf(text, sizeof(text), "%d:%d", i, i + 1);
            if (!host->fetch(host->ctx, text, room, (size_t)ds->itemsize)) return false;
            long long v;
            memcpy(&v, room, 8);
            sum += v;
        }
        snprintf(text, sizeof(text), "%ld", sum);
        return host->text(host->ctx, text, strlen(text));
    }
    if (strncmp(ds->query, "do=escape&", 10) == 0) {
        try_all(ds->query + 10, text);
        return host->text(host->ctx, text, strlen(text));
    }
    if (is(ds, "do=fork")) {
        pid_t pid = fork();
        while (pid == 0)
            pause();
        snprintf(text, sizeof(text), "%d", (int)pid);
        return host->text(host->ctx, text, strlen(text));
    }
    if (is(ds, "do=nothing")) return true;
    snprintf(text, sizeof(text), "%s|%s|%d|%lld|%s|%lld|%s|%s", ds->root, ds->path, ds->ndim,
             (long long)ds->shape[0], ds->dtype, (long long)ds->itemsize, ds->attributes, ds->query);
    return host->text(host->ctx, text, strlen(text));
}

const struct cat2_plugin *cat2_plugin(void)
{
    static const struct cat2_plugin plugin = {.abi = CAT2_PLUGIN_ABI + (HOW == 1),
                                              .name = HOW == 2   ? "../x"
                                                      : HOW == 4 ? "tomography"
                                                                 : "hostile",
                                              .title = "Hostile",
                                              .contenttypes = "hostile",
                                              .suffixes = ".hostile,both.b2nd",
                                              .ndim_min = 0,
                                              .ndim_max = 16,
                                              .show = show};

    if (HOW == 3) raise(SIGSEGV);
    return &plugin;
}
