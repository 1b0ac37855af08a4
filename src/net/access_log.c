/* SPDX-License-Identifier: BSD-3-Clause */
/* Lines of the access log on their way to stderr: gathered during a turn of the loop, so that a busy server
 * makes few system calls. */
#include "net/access_log.h"

#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "base/log.h"
#include "net/server_impl.h"

#define GATHERED_MAX (64 << 10) /* past that it is written at once */

struct access_log {
    uv_prepare_t prepare; /* before the loop waits */
    struct c2_loop *loop;
    enum c2_access_format format;
    bool due;
    struct c2_buf lines;
};
/* The process's one access log; NULL: none. */
static struct access_log *the_log;

static void flush(struct access_log *log)
{
    for (size_t at = 0; at < log->lines.n;) {
        ssize_t n = write(STDERR_FILENO, log->lines.p + at, log->lines.n - at);
        if (n <= 0) break; /* nowhere to complain */
        at += (size_t)n;
    }
    c2_buf_clear(&log->lines);
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct access_log *log = prepare->data;

    flush(log);
    log->due = false;
    uv_prepare_stop(prepare);
}

bool c2_access_log_start(struct c2_loop *loop, enum c2_access_format format, struct cat2_error *err)
{
    if (format == C2_ACCESS_OFF) return true;
    struct access_log *log = calloc(1, sizeof(*log));
    if (!log) return c2_fail_nomem(err, "access log");
    log->loop = loop;
    log->format = format;
    c2_buf_init(&log->lines, 4 * GATHERED_MAX);
    uv_prepare_init(c2_loop_uv(loop), &log->prepare);
    log->prepare.data = log;
    the_log = log;
    return true;
}

static void on_closed(uv_handle_t *handle)
{
    struct access_log *log = handle->data;

    c2_buf_fini(&log->lines);
    free(log);
}

void c2_access_log_stop(void)
{
    struct access_log *log = the_log;

    if (!log) return;
    flush(log);
    the_log = NULL;
    uv_close((uv_handle_t *)&log->prepare, on_closed);
}

static const char *method_of(const struct c2_request *req)
{
    if (req->head) return "HEAD";
    if (req->options) return "OPTIONS";
    if (req->other_method || !req->method) return "OTHER";
    return c2_method_name(req->method);
}

void c2_access_log(struct c2_request *req, int64_t us)
{
    struct access_log *log = the_log;
    struct cat2_error err;

    if (!log || c2_log_level() < C2_INFO || req->status == 0) return;
    struct c2_access_entry entry = {
        .client = c2_request_peer(req)->text,
        .user = req->user,
        .method = method_of(req),
        .target = req->target,
        .version = req->version,
        .id = c2_request_id(req),
        .service = req->server->service,
        .root = req->server->root,
        .status = req->status,
        .nbytes = req->sent,
        .us = us,
        .wall_ms = c2_wall_ms(c2_loop_clock(log->loop)),
    };
    if (log->lines.n > GATHERED_MAX) flush(log);
    size_t before = log->lines.n;
    if (!c2_access_line(&entry, log->format, &log->lines, &err)) log->lines.n = before;
    if (!log->due) uv_prepare_start(&log->prepare, on_prepare);
    log->due = true;
}
