/* SPDX-License-Identifier: BSD-3-Clause */
/* The loop on libuv: deferred calls, calls from other threads, timers, signals. */
#include "net/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "base/list.h"
#include "base/log.h"

struct signal_watch {
    uv_poll_t handle;
    int fd; /* signal_fds has it: it is not closed */
    struct signal_watch *next;
    c2_loop_fn *fn;
    void *ctx;
};

/* By signal: the eventfd that its handler writes to, plus 1. The handlers stay until the process ends. */
static volatile sig_atomic_t signal_fds[NSIG];

/* A timer that cannot be started would be a broker that is never asked again, or a stop without end: some are
 * kept for the time when memory is out. */
#define SPARE_TIMERS 32

struct c2_loop {
    uv_loop_t uv; /* the first member */
    uv_async_t async;
    uv_prepare_t before;  /* it is looked what is ready */
    uv_check_t after;     /* what was ready has had its turn */
    bool owes;            /* calls that its own thread queued: no other need wake it for them */
    pthread_mutex_t lock; /* guards first and last only; never held while anything is called */
    struct c2_loop_call *first, *last;
    struct signal_watch *signals;
    struct c2_clock clock;
    struct c2_timer *spares;
    int nspares;
    bool in_timer; /* the function of one is being called */
    struct c2_loop_turns turns;
    int64_t turn_from_ns; /* by the clock of this thread's processor time */
};

struct c2_timer {
    uv_timer_t handle;
    struct c2_timer *next; /* of the spare ones */
    c2_loop_fn *fn;
    void *ctx;
    bool once;
};

/* The loop that this thread runs. */
static _Thread_local struct c2_loop *turning;

static int64_t loop_mono(void *ctx)
{
    (void)ctx;
    return c2_now_ms();
}

static int64_t loop_wall(void *ctx)
{
    (void)ctx;
    return c2_wall_ms(c2_clock_real());
}

void c2_loop_run_calls(const struct c2_loop_call *call)
{
    while (call) {
        struct c2_loop_call due = *call; /* it may be gone, or used anew, when fn returns */
        due.fn(due.ctx);
        call = due.next;
    }
}

/* Run what was queued before now; what these calls queue runs in the next round. */
static void on_async(uv_async_t *async)
{
    struct c2_loop *loop = async->data;

    pthread_mutex_lock(&loop->lock);
    struct c2_loop_call *call = loop->first;
    loop->first = NULL;
    pthread_mutex_unlock(&loop->lock);
    c2_loop_run_calls(call);
}

static void run_owed(struct c2_loop *loop)
{
    if (!loop->owes) return;
    loop->owes = false;
    on_async(&loop->async);
}

static int64_t thread_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* All that was due has been done. What comes next is waited for, which takes no processor time. */
static void end_turn(struct c2_loop *loop)
{
    int64_t now = thread_ns(), ns = now - loop->turn_from_ns;

    loop->turn_from_ns = now;
    loop->turns.n++;
    loop->turns.most_ns = c2_max_i64(loop->turns.most_ns, ns);
    if (ns <= C2_LOOP_LONG_MS * INT64_C(1000000)) return;
    loop->turns.nlong++;
    c2_log_debug("loop: a turn took %lld ms of processor time", (long long)(ns / 1000000));
}

static void on_before(uv_prepare_t *before)
{
    struct c2_loop *loop = before->data;

    run_owed(loop);
    if (loop->owes) uv_async_send(&loop->async); /* else it would wait for something else to happen */
    end_turn(loop);
}

static void on_after(uv_check_t *after)
{
    run_owed(after->data);
}

/* libuv aborts the process when it cannot make the pipe that tells of signals. */
static bool has_descriptors(struct cat2_error *err)
{
    int fds[8], n = 0;

    while (n < (int)(sizeof(fds) / sizeof(*fds)) && pipe2(fds + n, O_CLOEXEC) == 0)
        n += 2;
    int failed = n < (int)(sizeof(fds) / sizeof(*fds)) ? errno : 0;
    while (n > 0)
        close(fds[--n]);
    return !failed || c2_fail_errno(err, failed, "event loop");
}

static void free_spares(struct c2_loop *loop)
{
    for (struct c2_timer *next; loop->spares; loop->spares = next) {
        next = loop->spares->next;
        free(loop->spares);
    }
}

static void keep_or_free(struct c2_loop *loop, struct c2_timer *timer)
{
    if (loop->nspares >= SPARE_TIMERS) {
        free(timer);
        return;
    }
    timer->next = loop->spares;
    loop->spares = timer;
    loop->nspares++;
}

static bool make_spares(struct c2_loop *loop, struct cat2_error *err)
{
    while (loop->nspares < SPARE_TIMERS) {
        struct c2_timer *timer = malloc(sizeof(*timer));
        if (!timer) return c2_fail_nomem(err, "timers");
        keep_or_free(loop, timer);
    }
    return true;
}

bool c2_loop_new(struct c2_loop **out, struct cat2_error *err)
{
    struct c2_loop *loop = calloc(1, sizeof(*loop));

    if (!loop) return c2_fail_nomem(err, "loop");
    if (!has_descriptors(err) || !make_spares(loop, err)) {
        free_spares(loop);
        free(loop);
        return false;
    }
    int code = uv_loop_init(&loop->uv);
    if (code != 0) {
        free_spares(loop);
        free(loop);
        return c2_fail(err, CAT2_EIO, "event loop: %s", uv_strerror(code));
    }
    uv_async_init(&loop->uv, &loop->async, on_async);
    uv_prepare_init(&loop->uv, &loop->before);
    uv_check_init(&loop->uv, &loop->after);
    loop->async.data = loop->before.data = loop->after.data = loop;
    uv_prepare_start(&loop->before, on_before);
    uv_check_start(&loop->after, on_after);
    uv_unref((uv_handle_t *)&loop->before);
    uv_unref((uv_handle_t *)&loop->after);
    pthread_mutex_init(&loop->lock, NULL);
    loop->clock = (struct c2_clock){loop_mono, loop_wall, loop};
    *out = loop;
    return true;
}

struct c2_loop_turns c2_loop_turns(const struct c2_loop *loop)
{
    return loop->turns;
}

void c2_loop_run(struct c2_loop *loop)
{
    turning = loop;
    loop->turn_from_ns = thread_ns();
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    turning = NULL;
}
void c2_loop_stop(struct c2_loop *loop)
{
    uv_stop(&loop->uv);
}
const struct c2_clock *c2_loop_clock(struct c2_loop *loop)
{
    return &loop->clock;
}
struct uv_loop_s *c2_loop_uv(struct c2_loop *loop)
{
    return &loop->uv;
}

void c2_loop_post(struct c2_loop *loop, struct c2_loop_call *call, c2_loop_fn *fn, void *ctx)
{
    *call = (struct c2_loop_call){NULL, fn, ctx};
    pthread_mutex_lock(&loop->lock);
    c2_chain_push(loop->first, loop->last, call);
    pthread_mutex_unlock(&loop->lock);
    if (turning == loop)
        loop->owes = true;
    else
        uv_async_send(&loop->async);
}

static void timer_closed(uv_handle_t *handle)
{
    keep_or_free((struct c2_loop *)handle->loop, handle->data);
}

static struct c2_timer *spare_timer(struct c2_loop *loop)
{
    struct c2_timer *timer = loop->spares;

    if (!timer) return NULL;
    loop->spares = timer->next;
    loop->nspares--;
    return timer;
}

static void on_timer(uv_timer_t *handle)
{
    struct c2_timer *timer = handle->data;
    c2_loop_fn *fn = timer->fn;
    void *ctx = timer->ctx;
    struct c2_loop *loop = (struct c2_loop *)handle->loop;

    if (timer->once) uv_close((uv_handle_t *)handle, timer_closed);
    loop->in_timer = true;
    fn(ctx);
    loop->in_timer = false;
}

/* Before its version 1.45 libuv goes on with timers as long as one is due: what starts itself again at once
 * would have the loop for itself. */
static uint64_t in_another_turn(const struct c2_loop *loop, int64_t delay_ms)
{
    return (uint64_t)c2_max_i64(loop->in_timer, delay_ms);
}

struct c2_timer *c2_timer_start(struct c2_loop *loop, int64_t delay_ms, int64_t repeat_ms, c2_loop_fn *fn,
                                void *ctx)
{
    struct c2_timer *timer = malloc(sizeof(*timer));

    if (!timer) timer = spare_timer(loop);
    if (!timer) return NULL;
    *timer = (struct c2_timer){.fn = fn, .ctx = ctx, .once = repeat_ms == 0};
    uv_timer_init(&loop->uv, &timer->handle);
    timer->handle.data = timer;
    uv_update_time(&loop->uv);
    uv_timer_start(&timer->handle, on_timer, in_another_turn(loop, delay_ms), (uint64_t)repeat_ms);
    return timer;
}

void c2_timer_stop(struct c2_timer *timer)
{
    if (timer) uv_close((uv_handle_t *)&timer->handle, timer_closed);
}

static void note_signal(int signum)
{
    int saved = errno;

    (void)!write(signal_fds[signum] - 1, &(uint64_t){1}, sizeof(uint64_t));
    errno = saved;
}

static void on_signal(uv_poll_t *handle, int status, int events)
{
    struct signal_watch *watch = handle->data;
    uint64_t n;

    (void)status;
    (void)events;
    if (read(watch->fd, &n, sizeof(n)) == sizeof(n)) watch->fn(watch->ctx);
}

/* libuv's own would give a signal its default back as the loop ends: the second of two that ask to stop, as
 * at Ctrl-C in a shell, would kill. */
bool c2_loop_on_signal(struct c2_loop *loop, int signum, c2_loop_fn *fn, void *ctx, struct cat2_error *err)
{
    struct sigaction action = {.sa_handler = note_signal, .sa_flags = SA_RESTART};

    if (!signal_fds[signum]) signal_fds[signum] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) + 1;
    if (!signal_fds[signum]) return c2_fail_errno(err, errno, "signal %d", signum);
    struct signal_watch *watch = calloc(1, sizeof(*watch));
    if (!watch) return c2_fail_nomem(err, "signal");
    *watch = (struct signal_watch){.fd = signal_fds[signum] - 1, .fn = fn, .ctx = ctx, .next = loop->signals};
    int code = uv_poll_init(&loop->uv, &watch->handle, watch->fd);
    if (code) {
        free(watch);
        return c2_fail(err, CAT2_EIO, "signal %d: %s", signum, uv_strerror(code));
    }
    watch->handle.data = watch;
    loop->signals = watch;
    uv_poll_start(&watch->handle, UV_READABLE, on_signal);
    uv_unref((uv_handle_t *)&watch->handle);
    return sigaction(signum, &action, NULL) == 0 || c2_fail_errno(err, errno, "signal %d", signum);
}

/* Nobody is left whom it could be for, and its time may be far away. */
static void stop_timer(uv_handle_t *handle, void *ctx)
{
    (void)ctx;
    if (handle->type == UV_TIMER && ((uv_timer_t *)handle)->timer_cb == on_timer && !uv_is_closing(handle))
        uv_close(handle, timer_closed);
}

/* Calls that were still queued may own memory: they run, as the last thing. */
void c2_loop_free(struct c2_loop *loop)
{
    if (!loop) return;
    for (int round = 0; round < 16 && loop->first; round++)
        on_async(&loop->async);
    for (struct signal_watch *watch = loop->signals; watch; watch = watch->next)
        uv_close((uv_handle_t *)&watch->handle, NULL);
    uv_close((uv_handle_t *)&loop->before, NULL);
    uv_close((uv_handle_t *)&loop->after, NULL);
    uv_close((uv_handle_t *)&loop->async, NULL);
    uv_walk(&loop->uv, stop_timer, NULL);
    while (uv_run(&loop->uv, UV_RUN_DEFAULT) != 0) {}
    for (struct signal_watch *watch = loop->signals, *next; watch; watch = next) {
        next = watch->next;
        free(watch);
    }
    C2_ASSERT(uv_loop_close(&loop->uv) == 0); /* somebody left a handle open */
    free_spares(loop);
    pthread_mutex_destroy(&loop->lock);
    free(loop);
}
