/* SPDX-License-Identifier: BSD-3-Clause */
/* What the views of one subscriber share, and what they give back when nobody asks. */
#include <inttypes.h>
#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

#include "subscriber/answer/view_impl.h"

#define ANSWERS_NBYTES (12 << 20) /* remembered */
#define ANSWER_NBYTES  (2 << 20)  /* one of them */
#define ORDERS_NBYTES  (64 << 20) /* row numbers of sorted and filtered tables: one of the largest */
#define IDLE_MS        10000      /* nobody asked for so long: most of what is remembered is forgotten */
#define IDLE_NBYTES    (4 << 20)  /* but for so much, of either */
#define AGAIN_MS       3000       /* after free memory was looked for: some is freed later */
#define TRIM_NBYTES    (16 << 20) /* answers of so many bytes leave holes that are worth looking for */

/* ---- memory that is free goes back to the system ---- */

static void trim_work(void *job, void *codec)
{
    (void)job, (void)codec;
    malloc_trim(1 << 20);
}

static void trim_done(void *job)
{
    struct c2_views *views = job;

    views->trimming = false;
    if (views->orphaned) free(views);
}

/* ---- temporary files: who is the last to close one waits until all its pages are the system's ---- */

struct c2_closing {
    struct c2_closing *next;
    int fd;
};

static void close_work(void *job, void *codec)
{
    (void)codec;
    for (struct c2_closing *closing = job; closing; closing = closing->next) {
        if (closing->fd >= 0) close(closing->fd);
        closing->fd = -1;
    }
}

static void close_done(void *job)
{
    struct c2_closing *closing = job;

    close_work(job, NULL); /* without a worker */
    for (struct c2_closing *next; closing; closing = next) {
        next = closing->next;
        free(closing);
    }
}

void c2_views_close(struct c2_views *views, int fd)
{
    struct c2_closing *closing = views->attendance.stopped ? NULL : malloc(sizeof(*closing));

    if (!closing) {
        close(fd);
        return;
    }
    *closing = (struct c2_closing){views->closing, fd};
    views->closing = closing;
    c2_attend_start(&views->attendance);
}

/* At a tick: libmicrohttpd has closed its copies by then. */
static void close_files(struct c2_views *views)
{
    int fd = c2_spill_take_file(views->spill);

    if (fd >= 0) c2_views_close(views, fd);
    if (views->closing) c2_pool_run_low(views->pool, close_work, close_done, views->closing);
    views->closing = NULL;
}

/* ---- looks ---- */

static bool is_quiet(const struct c2_views *views)
{
    return !views->attendance.first && !views->making && !views->groups;
}

static size_t remembered(const struct c2_views *views)
{
    return c2_lru_nbytes(views->answers) + c2_lru_nbytes(views->orders) +
           c2_kept_blocks_stats(views->kept).nbytes;
}

/* What was remembered and nobody asks for. */
static void forget(struct c2_views *views)
{
    size_t before = remembered(views);

    c2_lru_shrink(views->answers, IDLE_NBYTES);
    c2_lru_shrink(views->orders, IDLE_NBYTES);
    c2_kept_blocks_clear(views->kept);
    if (remembered(views) < before) views->untrimmed += TRIM_NBYTES;
}

static void tick(void *ctx)
{
    struct c2_views *views = ctx;
    int64_t now = c2_loop_now_ms(views->attendance.loop), idle = now - views->used_ms;

    c2_spill_tick(views->spill);
    close_files(views);
    if (!is_quiet(views) || idle < 2 * C2_ATTEND_MS) return;
    if (idle >= IDLE_MS) forget(views);
    bool much = views->untrimmed >= TRIM_NBYTES, again = views->trim_again_ms && now >= views->trim_again_ms;
    if (views->trimming || !(much || again)) return;
    views->trim_again_ms = much ? now + AGAIN_MS : 0;
    views->untrimmed = 0;
    views->trimming = true;
    c2_pool_run_low(views->pool, trim_work, trim_done, views);
}

/* Nothing is left to give back. */
static bool may_rest(void *ctx)
{
    const struct c2_views *views = ctx;
    bool forgotten = c2_lru_nbytes(views->answers) <= IDLE_NBYTES &&
                     c2_lru_nbytes(views->orders) <= IDLE_NBYTES &&
                     c2_kept_blocks_stats(views->kept).nbytes == 0;

    return is_quiet(views) && forgotten && views->untrimmed < TRIM_NBYTES && !views->trimming &&
           !views->trim_again_ms && !views->spill->first && !views->closing &&
           !c2_spill_has_file(views->spill);
}

void c2_views_used(struct c2_views *views, size_t nbytes)
{
    views->used_ms = c2_loop_now_ms(views->attendance.loop);
    views->untrimmed += nbytes;
    if (views->untrimmed >= TRIM_NBYTES) c2_attend_start(&views->attendance);
}

/* ---- life ---- */

struct c2_views *c2_views_new(struct c2_loop *loop, struct c2_pool *pool, int dirfd,
                              struct c2_kept_blocks *kept)
{
    struct c2_views *views = calloc(1, sizeof(*views));

    if (!views) return NULL;
    views->pool = pool;
    views->kept = kept;
    views->attendance = (struct c2_attendance){.loop = loop, .tick = tick, .idle = may_rest, .ctx = views};
    views->answers = c2_lru_new(ANSWERS_NBYTES, ANSWER_NBYTES);
    views->orders = c2_lru_new(ORDERS_NBYTES, ORDERS_NBYTES);
    views->spill = c2_spill_new(dirfd, C2_SPILL_MEMORY, 0);
    if (views->answers && views->orders && views->spill) return views;
    c2_views_free(views);
    return NULL;
}

void c2_views_stop(struct c2_views *views)
{
    if (!views) return;
    views->attendance.stopped = true;
    c2_attend_stop(&views->attendance);
}

void c2_views_free(struct c2_views *views)
{
    if (!views) return;
    c2_lru_free(views->answers);
    c2_lru_free(views->orders);
    c2_spill_free(views->spill);
    close_done(views->closing);
    views->orphaned = true;
    if (!views->trimming) free(views);
}

/* ---- metrics ---- */

void c2_views_metrics(struct c2_views *views, struct c2_metrics *m)
{
    c2_metrics_counter(m, "caterva2_hot_answers_total", (double)views->hits,
                       "Answers that were found in memory, whole.");
    c2_metrics_counter(m, "caterva2_hot_answers_bytes_total", (double)views->hit_nbytes,
                       "Bytes of these answers.");
    c2_metrics_gauge(m, "caterva2_hot_bytes", (double)c2_lru_nbytes(views->answers),
                     "Bytes of answers kept in memory.");
    const struct c2_kept_blocks_stats kept = c2_kept_blocks_stats(views->kept);
    c2_metrics_counter(m, "caterva2_kept_blocks_found_total", (double)kept.hits,
                       "Blocks that were found in memory, decoded.");
    c2_metrics_counter(m, "caterva2_kept_blocks_missed_total", (double)kept.misses,
                       "Blocks that were looked for there and not found.");
    c2_metrics_gauge(m, "caterva2_kept_blocks_bytes", (double)kept.nbytes,
                     "Bytes of decoded blocks kept in memory.");
    c2_metrics_gauge(m, "caterva2_views_running", views->running,
                     "Answers that are made and had to have a place for it.");
    c2_metrics_gauge(m, "caterva2_views_waiting", (double)(views->line.n + views->heavies.n),
                     "Answers that wait for a place.");
    c2_metrics_counter(m, "caterva2_views_refused_total", (double)views->refused,
                       "Answers refused because too many waited.");
    c2_metrics_counter(m, "caterva2_views_cancelled_total", (double)views->attendance.nleft,
                       "Answers given up because the client had left.");
    c2_metrics_counter(m, "caterva2_views_shared_total", (double)views->shared,
                       "Answers or parts that were made for another request too.");
    c2_spill_metrics(views->spill, m);
}
