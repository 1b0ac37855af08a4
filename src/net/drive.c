/* SPDX-License-Identifier: BSD-3-Clause */
/* libmicrohttpd driven by its front's loop, which polls its epoll descriptor and has a timer for its
 * timeouts. */
#include <stdlib.h>
#include <uv.h>

#include "net/server_impl.h"

#define STUCK_MS 5 /* until a handshake is looked at again that is not complete; what arrives wakes us */

struct c2_drive {
    struct c2_front *front;
    uv_poll_t poll;
    uv_timer_t timer;
    uv_idle_t again; /* MHD has more to do at once */
    int handles_open;
    bool kicked; /* while it turned: libmicrohttpd 0.9.75 does not tell that something was resumed */
};

static void on_again(uv_idle_t *idle);
static void on_timer(uv_timer_t *timer);

static void run_mhd(struct c2_drive *drive)
{
    MHD_UNSIGNED_LONG_LONG wait = 0;

    struct c2_front *front = drive->front;
    if (front->closing) return;
    drive->kicked = false;
    c2_conns_run(front->conns);
    bool timed = MHD_get_timeout(front->daemon, &wait) == MHD_YES;
    if (timed && wait == 0 && c2_tls_is_stuck(front->server->tls)) wait = STUCK_MS;
    if (drive->kicked || (timed && wait == 0)) {
        uv_idle_start(&drive->again, on_again);
        return;
    }
    uv_idle_stop(&drive->again);
    if (timed)
        uv_timer_start(&drive->timer, on_timer, (uint64_t)wait, 0);
    else
        uv_timer_stop(&drive->timer);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    run_mhd(poll->data);
}
static void on_timer(uv_timer_t *timer)
{
    run_mhd(timer->data);
}
static void on_again(uv_idle_t *idle)
{
    run_mhd(idle->data);
}

void c2_drive_kick(struct c2_drive *drive)
{
    drive->kicked = true;
    uv_idle_start(&drive->again, on_again);
}

static void run(void *ctx)
{
    run_mhd(ctx);
}

bool c2_drive_new(struct c2_front *front, struct cat2_error *err)
{
    struct c2_drive *drive = calloc(1, sizeof(*drive));
    uv_loop_t *uv = c2_loop_uv(front->loop);
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(front->daemon, MHD_DAEMON_INFO_EPOLL_FD);

    if (!drive) return c2_fail_nomem(err, "server");
    drive->front = front;
    uv_poll_init(uv, &drive->poll, info->epoll_fd);
    uv_timer_init(uv, &drive->timer);
    uv_idle_init(uv, &drive->again);
    drive->poll.data = drive->timer.data = drive->again.data = drive;
    uv_poll_start(&drive->poll, UV_READABLE, on_poll);
    front->drive = drive;
    return c2_conns_start(front->conns, front->daemon, run, drive, err);
}

static void on_closed(uv_handle_t *handle)
{
    struct c2_drive *drive = handle->data;

    if (--drive->handles_open == 0) free(drive);
}

void c2_drive_free(struct c2_drive *drive)
{
    drive->handles_open = 3;
    uv_close((uv_handle_t *)&drive->poll, on_closed);
    uv_close((uv_handle_t *)&drive->timer, on_closed);
    uv_close((uv_handle_t *)&drive->again, on_closed);
}
