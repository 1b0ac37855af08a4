/* SPDX-License-Identifier: BSD-3-Clause */
/* The users and keys that there are now, and the addresses that need none. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/access_impl.h"
#include "base/fs.h"
#include "base/log.h"

/* ---- the file ---- */

/* SQLite counts commits in the file's header, at byte 24; times alone are too coarse. All zero: no file. The
 * file stays open, so that a look is two system calls: its inode number cannot be that of another meanwhile.
 */
static struct c2_file_mark mark_of(struct c2_access *access)
{
    struct c2_file_mark mark;
    struct stat st;

    memset(&mark, 0, sizeof(mark));
    bool is_there = stat(access->file, &st) == 0;
    if (!is_there || access->head.fd < 0 || st.st_dev != access->head_dev || st.st_ino != access->head_ino) {
        c2_fd_auto(&access->head);
        access->head.fd = is_there ? open(access->file, O_RDONLY | O_CLOEXEC) : -1;
        if (access->head.fd < 0 || fstat(access->head.fd, &st) < 0) return mark;
        access->head_dev = st.st_dev;
        access->head_ino = st.st_ino;
    }
    mark.dev = (int64_t)st.st_dev;
    mark.ino = (int64_t)st.st_ino;
    mark.size = st.st_size;
    mark.mtime_ns = st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec;
    if (pread(access->head.fd, mark.counter, sizeof(mark.counter), 24) < 0)
        memset(mark.counter, 0, sizeof(mark.counter));
    return mark;
}

static bool read_file(struct c2_access *access, struct c2_file_mark mark, struct cat2_error *err)
{
    if (!c2_store_read(access->file, &access->holders, err)) return false;
    access->mark = mark;
    access->generation++;
    return true;
}

bool c2_access_read_file(struct c2_access *access, struct cat2_error *err)
{
    return read_file(access, mark_of(access), err);
}

void c2_access_look(struct c2_access *access)
{
    struct cat2_error err;

    struct c2_file_mark mark = mark_of(access);
    if (memcmp(&mark, &access->mark, sizeof(mark)) == 0) return;
    if (read_file(access, mark, &err)) {
        c2_log_info("access file %s: %zu users and keys", access->file, access->holders.n);
        access->unread = false;
        return;
    }
    if (!access->unread) c2_log_error("%s; users and keys stay as they were", err.message);
    access->unread = true;
}

bool c2_holder_holds(const struct c2_access *access, const struct c2_holder *holder, const char **why)
{
    bool over = holder->expires_ms && c2_wall_ms(c2_loop_clock(access->loop)) >= holder->expires_ms;

    *why = holder->revoked_ms ? "was revoked" : over ? "has expired" : NULL;
    return !*why;
}

bool c2_holder_renew(const struct c2_access *access, struct c2_holder **holder)
{
    struct c2_holder *was = *holder;
    struct c2_holder *now = c2_holders_find(&access->holders, was->kind, c2_str_of(was->name));

    if (!now || memcmp(now->hash, was->hash, sizeof(now->hash)) != 0 ||
        strcmp(now->password, was->password) != 0)
        return false;
    *holder = c2_holder_ref(now);
    c2_holder_unref(was);
    return true;
}

/* ---- addresses ---- */

bool c2_access_is_local(struct c2_request *req)
{
    return c2_request_peer(req)->is_loopback; /* which says no where a proxy is between */
}

bool c2_access_trusts(const struct c2_access *access, struct c2_request *req)
{
    const struct c2_peer *peer = c2_request_peer(req);

    if (!access->gate.closed && peer->is_loopback) return true;
    if (!access->trusted || !peer->family || !c2_subnets_have(access->trusted, peer->address)) return false;
    /* By a proxy that is not trusted: everybody has its address then. */
    return c2_request_is_told(req) || !c2_request_was_passed_on(req);
}
