/* SPDX-License-Identifier: BSD-3-Clause */
/* A ring of units: EMPTY -> BUSY (taken, and somebody's task) -> DONE -> EMPTY (handed in). */
#include "import_export/crew.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/threads.h"

#define UNDER_WAY_MAX (48 << 20) /* bytes of all units, decoded and encoded */
#define SMALL_NBYTES  (16 << 10) /* handing over costs more than the work */
#define PER_THREAD    3          /* units under way */

enum state { EMPTY, BUSY, DONE };
struct slot {
    struct c2_task task;
    struct c2_crew *crew;
    struct c2_crew_unit unit;
    enum state state; /* guarded by crew->lock */
    bool ok;
    struct cat2_error err;
};

struct c2_crew {
    pthread_mutex_t lock;
    pthread_cond_t done;
    struct slot slots[C2_CREW_UNITS];
    const struct c2_crew_work *work;
    void *ctx;
    int nslots;
    int64_t taken;
    struct c2_threads *threads; /* besides the caller's; NULL: none */
    struct c2_codec *codec;
};

static void work_on(struct c2_task *task, void *codec)
{
    struct slot *slot = (struct slot *)task;
    struct c2_crew *crew = slot->crew;

    c2_buf_clear(&slot->unit.out);
    slot->ok = crew->work->work(crew->ctx, codec, &slot->unit, &slot->err);
    pthread_mutex_lock(&crew->lock);
    slot->state = DONE;
    pthread_cond_signal(&crew->done);
    pthread_mutex_unlock(&crew->lock);
}

static void *codec_new(void)
{
    return c2_codec_new();
}

static void codec_free(void *codec)
{
    c2_codec_free(codec);
}

bool c2_crew_new(int nthreads, struct c2_crew **out, struct cat2_error *err)
{
    static const struct c2_threads_kind kind = {codec_new, codec_free, work_on};
    struct c2_crew *crew = calloc(1, sizeof(*crew));
    struct cat2_error ignored;

    if (!crew) return c2_fail_nomem(err, "threads");
    pthread_mutex_init(&crew->lock, NULL);
    pthread_cond_init(&crew->done, NULL);
    for (int i = 0; i < C2_CREW_UNITS; i++) {
        crew->slots[i].crew = crew;
        crew->slots[i].unit.at = i;
        c2_buf_init(&crew->slots[i].unit.out, C2_CHUNK_CBYTES_MAX + C2_HEADER_NBYTES_MAX);
    }
    crew->nslots = 1;
    crew->codec = c2_codec_new();
    if (!crew->codec) {
        c2_crew_free(crew);
        return c2_fail_nomem(err, "codec");
    }
    if (nthreads <= 0) nthreads = (int)sysconf(_SC_NPROCESSORS_ONLN);
    if (nthreads > 1 && !c2_threads_new(nthreads - 1, 0, &kind, &crew->threads, &ignored))
        crew->threads = NULL; /* the caller does it all */
    *out = crew;
    return true;
}

void c2_crew_free(struct c2_crew *crew)
{
    if (!crew) return;
    c2_threads_free(crew->threads);
    for (int i = 0; i < C2_CREW_UNITS; i++)
        c2_buf_fini(&crew->slots[i].unit.out);
    pthread_cond_destroy(&crew->done);
    pthread_mutex_destroy(&crew->lock);
    c2_codec_free(crew->codec);
    free(crew);
}

struct c2_codec *c2_crew_codec(struct c2_crew *crew)
{
    return crew->codec;
}

static bool run_alone(struct c2_crew *crew, const struct c2_crew_work *work, void *ctx, int64_t n,
                      struct cat2_error *err)
{
    struct c2_crew_unit *unit = &crew->slots[0].unit;

    for (int64_t i = 0; i < n; i++) {
        unit->i = i;
        unit->copied = false;
        c2_buf_clear(&unit->out);
        if ((work->take && !work->take(ctx, unit, err)) || !work->work(ctx, crew->codec, unit, err) ||
            !work->hand_in(ctx, unit, err))
            return false;
    }
    return true;
}

static bool take(struct c2_crew *crew, struct cat2_error *err)
{
    struct slot *slot = &crew->slots[crew->taken % crew->nslots];

    C2_ASSERT(slot->state == EMPTY);
    slot->unit.i = crew->taken;
    slot->unit.copied = false;
    if (crew->work->take && !crew->work->take(crew->ctx, &slot->unit, err)) return false;
    slot->state = BUSY;
    crew->taken++;
    c2_threads_put(crew->threads, &slot->task, C2_LANE_SMALL);
    return true;
}

/* Until unit i is done; the caller's hands help while any waits. */
static struct slot *wait_for(struct c2_crew *crew, int64_t i)
{
    struct slot *slot = &crew->slots[i % crew->nslots];
    struct c2_task *other;

    pthread_mutex_lock(&crew->lock);
    while (slot->state != DONE) {
        pthread_mutex_unlock(&crew->lock);
        if ((other = c2_threads_take(crew->threads))) work_on(other, crew->codec);
        pthread_mutex_lock(&crew->lock);
        if (!other && slot->state != DONE) pthread_cond_wait(&crew->done, &crew->lock);
    }
    slot->state = EMPTY;
    pthread_mutex_unlock(&crew->lock);
    return slot;
}

static bool run_together(struct c2_crew *crew, int64_t n, struct cat2_error *err)
{
    bool ok = true;
    int64_t given = 0;

    while (ok && given < n) {
        if (crew->taken < n && crew->taken - given < crew->nslots) {
            ok = take(crew, err);
            continue;
        }
        struct slot *slot = wait_for(crew, given++);
        if (!slot->ok) *err = slot->err;
        ok = slot->ok && crew->work->hand_in(crew->ctx, &slot->unit, err);
    }
    while (given < crew->taken)
        wait_for(crew, given++);
    return ok;
}

bool c2_crew_run(struct c2_crew *crew, const struct c2_crew_work *work, void *ctx, int64_t n, int64_t nbytes,
                 struct cat2_error *err)
{
    int nthreads = crew->threads ? c2_threads_n(crew->threads) : 0;
    int64_t fit = UNDER_WAY_MAX / c2_max_i64(2 * nbytes, 1);

    fit = c2_min_i64(c2_min_i64(fit, PER_THREAD * (nthreads + 1)), C2_CREW_UNITS);
    if (n < 2 || fit < 2 || nthreads == 0 || nbytes < SMALL_NBYTES) return run_alone(crew, work, ctx, n, err);
    crew->nslots = (int)fit;
    crew->work = work;
    crew->ctx = ctx;
    crew->taken = 0;
    return run_together(crew, n, err);
}
