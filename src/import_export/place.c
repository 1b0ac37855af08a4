/* SPDX-License-Identifier: BSD-3-Clause */
/* Results appear at once or not at all. The guard reads from a pipe of which only we have the other end: a
 * byte says that all is well, its end that we are no more. */
#include "import_export/place.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/limits.h"
#include "base/random.h"

bool c2_place_check(const char *target, bool directory, bool overwrite, struct cat2_error *err)
{
    struct stat st;

    if (!*target) return c2_fail(err, CAT2_EINVAL, "no name was given for the result");
    if (lstat(target, &st) != 0) return errno == ENOENT || c2_fail_errno(err, errno, "%.150s", target);
    if (!overwrite) return c2_fail(err, CAT2_EINVAL, "%.150s exists already", target);
    if (S_ISLNK(st.st_mode))
        return c2_fail(err, CAT2_EINVAL, "%.150s is a symbolic link: it is not overwritten", target);
    if (directory ? !S_ISDIR(st.st_mode) : !S_ISREG(st.st_mode))
        return c2_fail(err, CAT2_EINVAL, "%.150s is not a %s: it is not overwritten", target,
                       directory ? "directory" : "file");
    return true;
}

/* What a program would have made: the private modes of temporary names are not for results. */
static mode_t usual_mode(bool directory)
{
    mode_t mask = umask(0);

    umask(mask);
    return (directory ? 0777 : 0666) & ~mask;
}

/* ".cat2-X", X 32 hexadecimal digits, in the target's directory. */
static bool make_names(struct c2_place *place, const char *target, struct cat2_error *err)
{
    C2_AUTO(c2_buf) temp = C2_BUF_INIT(4 * C2_PATH_MAX);
    struct c2_str whole = c2_str_of(target);
    char digits[33];

    c2_random_hex32(digits);
    while (whole.n > 1 && whole.p[whole.n - 1] == '/')
        whole.n--;
    if (!c2_buf_append(&temp, whole.p, whole.n - c2_path_last(whole).n, err) ||
        !c2_buf_printf(&temp, err, ".cat2-%s", digits))
        return false;
    place->temp = c2_str_dup(c2_buf_str(&temp));
    place->target = c2_str_dup(whole);
    return (place->temp && place->target) || c2_fail_nomem(err, "names");
}

static void keep_watch(const struct c2_place *place, int fd)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    ssize_t n;
    char well;

    for (size_t i = 0; i < C2_ARRAY_LEN(signals); i++)
        signal(signals[i], SIG_IGN);
    do
        n = read(fd, &well, 1);
    while (n < 0 && errno == EINTR);
    if (n == 0) c2_fs_remove_tree(place->temp);
    _exit(0);
}

/* It is there before what it removes: no name is made that nobody would look after. Without a guard we still
 * clean up whenever we can. */
static void post_guard(struct c2_place *place)
{
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) != 0) return;
    place->guard = fork();
    if (place->guard == 0) {
        close(fds[1]);
        keep_watch(place, fds[0]);
    }
    close(fds[0]);
    if (place->guard > 0) {
        place->guard_fd = fds[1];
        return;
    }
    place->guard = 0;
    close(fds[1]);
}

static void dismiss_guard(struct c2_place *place)
{
    if (place->guard == 0) return;
    bool told = write(place->guard_fd, "", 1) == 1;
    close(place->guard_fd);
    if (told) waitpid(place->guard, NULL, 0);
    place->guard = 0;
}

bool c2_place_begin(const char *target, bool directory, bool overwrite, struct c2_place *out,
                    struct cat2_error *err)
{
    C2_AUTO(c2_place) place = {.directory = directory, .overwrite = overwrite};

    if (!c2_place_check(target, directory, overwrite, err) || !make_names(&place, target, err)) return false;
    post_guard(&place);
    int fd =
        directory ? mkdir(place.temp, 0700) : open(place.temp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        int errnum = errno;
        dismiss_guard(&place);
        free(place.temp);
        place.temp = NULL;
        return c2_fail_errno(err, errnum, "%.150s", target);
    }
    if (!directory) close(fd);
    if (chmod(place.temp, usual_mode(directory)) != 0) return c2_fail_errno(err, errno, "%.150s", target);
    *out = place;
    place = (struct c2_place){0};
    return true;
}

bool c2_place_commit(struct c2_place *place, struct cat2_error *err)
{
    bool swap = place->overwrite && access(place->target, F_OK) == 0;

    int failed =
        renameat2(AT_FDCWD, place->temp, AT_FDCWD, place->target, swap ? RENAME_EXCHANGE : RENAME_NOREPLACE);
    if (failed && (errno == EINVAL || errno == ENOSYS) && !(swap && place->directory)) {
        /* A file system without these: a race with another program is lost quietly. */
        failed = rename(place->temp, place->target);
        swap = false;
    }
    if (failed) return c2_fail_errno(err, errno, "%.150s", place->target);
    if (swap) c2_fs_remove_tree(place->temp);
    dismiss_guard(place);
    free(place->temp);
    place->temp = NULL;
    return true;
}

void c2_place_fini(struct c2_place *place)
{
    if (place->temp) c2_fs_remove_tree(place->temp);
    dismiss_guard(place);
    free(place->temp);
    free(place->target);
    *place = (struct c2_place){0};
}
