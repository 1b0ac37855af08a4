/* SPDX-License-Identifier: BSD-3-Clause */
/* The budget, the file and its units, and those who wait. */
#include "subscriber/answer/spill.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/list.h"
#include "base/log.h"

#define REST_TICKS 20 /* the file failed: for so long it is not tried again */

struct c2_spill *c2_spill_new(int dirfd, size_t memory_max, int32_t units)
{
    struct c2_spill *spill = calloc(1, sizeof(*spill));

    if (!spill) return NULL;
    spill->dirfd = dirfd;
    spill->fd = -1;
    spill->memory_max = memory_max;
    spill->nunits = units ? units : (int32_t)C2_SPILL_UNITS;
    spill->used = calloc((size_t)spill->nunits / 64 + 1, sizeof(*spill->used));
    pthread_mutex_init(&spill->lock, NULL);
    if (spill->used) return spill;
    c2_spill_free(spill);
    return NULL;
}

void c2_spill_free(struct c2_spill *spill)
{
    if (!spill) return;
    if (spill->fd >= 0) close(spill->fd);
    pthread_mutex_destroy(&spill->lock);
    free(spill->used);
    free(spill);
}

/* ---- units; the lock is held ---- */

static bool make_file(struct c2_spill *spill)
{
    if (spill->fd >= 0) return true;
    spill->fd = c2_fs_open_nameless(spill->dirfd, ".");
    if (spill->fd < 0) spill->rest = REST_TICKS;
    return spill->fd >= 0;
}

static void give_units(struct c2_spill *spill, const int32_t *units, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        spill->used[units[i] / 64] &= ~(UINT64_C(1) << (units[i] % 64));
    spill->nused -= n;
}

/* The lowest that are free, so that the file stays short. */
static bool take_units(struct c2_spill *spill, int32_t n, int32_t *units)
{
    int32_t found = 0;

    if (spill->rest || n > spill->nunits - spill->nused || !make_file(spill)) return false;
    for (int32_t word = 0; found < n; word++)
        for (uint64_t freed = ~spill->used[word]; freed && found < n; freed &= freed - 1)
            units[found++] = word * 64 + __builtin_ctzll(freed);
    if (units[n - 1] >= spill->nunits) return false;
    for (int32_t i = 0; i < n; i++)
        spill->used[units[i] / 64] |= UINT64_C(1) << (units[i] % 64);
    spill->nused += n;
    return true;
}

static int32_t units_of(size_t nbytes)
{
    return (int32_t)c2_max_i64(1, c2_div_ceil((int64_t)nbytes, C2_SPILL_UNIT));
}

int c2_spill_take_file(struct c2_spill *spill)
{
    pthread_mutex_lock(&spill->lock);
    int fd = spill->nused ? -1 : spill->fd;
    if (fd >= 0) spill->fd = -1;
    pthread_mutex_unlock(&spill->lock);
    return fd;
}

bool c2_spill_has_file(struct c2_spill *spill)
{
    pthread_mutex_lock(&spill->lock);
    bool has = spill->fd >= 0;
    pthread_mutex_unlock(&spill->lock);
    return has;
}

/* ---- promises ---- */

bool c2_spill_fits(const struct c2_spill *spill, size_t nbytes)
{
    size_t now = atomic_load(&spill->nbytes);

    return now == 0 || (now < spill->memory_max && nbytes <= spill->memory_max - now);
}

static bool reserve_disk(struct c2_spill *spill, size_t nbytes, struct c2_held *held)
{
    int32_t n = units_of(nbytes), *units;

    if (n > spill->nunits) return false;
    units = malloc((size_t)n * sizeof(*units));
    if (!units) return false;
    pthread_mutex_lock(&spill->lock);
    bool ok = take_units(spill, n, units);
    spill->nspilled += ok;
    pthread_mutex_unlock(&spill->lock);
    if (!ok) {
        free(units);
        return false;
    }
    *held = (struct c2_held){.spill = spill, .place = C2_HELD_DISK, .units = units, .nunits = n};
    return true;
}

void c2_spill_count(struct c2_spill *spill, size_t nbytes, struct c2_held *held)
{
    atomic_fetch_add(&spill->nbytes, nbytes);
    *held = (struct c2_held){.spill = spill, .place = C2_HELD_MEMORY, .promised = nbytes};
}

bool c2_spill_reserve(struct c2_spill *spill, size_t nbytes, struct c2_held *held)
{
    if (!c2_spill_fits(spill, nbytes)) return reserve_disk(spill, nbytes, held);
    c2_spill_count(spill, nbytes, held);
    return true;
}

bool c2_spill_is_tight(const struct c2_spill *spill)
{
    return atomic_load(&spill->nbytes) > spill->memory_max / 2;
}

/* ---- those who wait ---- */

void c2_spill_wait(struct c2_spill *spill, struct c2_spill_wait *wait, void (*fn)(void *ctx), void *ctx)
{
    *wait = (struct c2_spill_wait){.fn = fn, .ctx = ctx, .waits = true};
    c2_queue_push(spill->first, spill->last, wait, prev, next);
    spill->nwaited++;
}

void c2_spill_leave(struct c2_spill *spill, struct c2_spill_wait *wait)
{
    if (!wait->waits) return;
    c2_queue_remove(spill->first, spill->last, wait, prev, next);
    wait->waits = false;
}

/* In their order, as long as there is room: the first that has to wait anew is the last of them. */
static void wake(struct c2_spill *spill)
{
    struct c2_spill_wait *wait;

    while ((wait = spill->first)) {
        c2_spill_leave(spill, wait);
        wait->fn(wait->ctx); /* which may free it */
        if (spill->last == wait) return;
    }
}

void c2_spill_tick(struct c2_spill *spill)
{
    pthread_mutex_lock(&spill->lock);
    if (spill->rest) spill->rest--;
    pthread_mutex_unlock(&spill->lock);
    wake(spill);
}

/* ---- bytes ---- */

static bool write_units(const struct c2_held *held, struct c2_bytes from, struct cat2_error *err)
{
    for (int32_t i = 0; i < held->nunits && (size_t)i * C2_SPILL_UNIT < from.n; i++) {
        size_t at = (size_t)i * C2_SPILL_UNIT, n = (size_t)c2_min_i64(C2_SPILL_UNIT, (int64_t)(from.n - at));
        if (!c2_fs_pwrite(held->spill->fd, from.p + at, n, (int64_t)held->units[i] * C2_SPILL_UNIT, err))
            return false;
    }
    return true;
}

/* It is larger than was thought. */
static bool grow(struct c2_held *held, size_t nbytes)
{
    int32_t more = units_of(nbytes) - held->nunits;

    if (more <= 0) return true;
    int32_t *units = realloc(held->units, (size_t)(held->nunits + more) * sizeof(*units));
    if (!units) return false;
    held->units = units;
    pthread_mutex_lock(&held->spill->lock);
    bool ok = take_units(held->spill, more, units + held->nunits);
    pthread_mutex_unlock(&held->spill->lock);
    if (ok) held->nunits += more;
    return ok;
}

static void drop_units(struct c2_held *held)
{
    pthread_mutex_lock(&held->spill->lock);
    if (held->nunits) give_units(held->spill, held->units, held->nunits);
    pthread_mutex_unlock(&held->spill->lock);
    free(held->units);
    held->units = NULL;
    held->nunits = 0;
}

bool c2_held_write(struct c2_held *held, struct c2_bytes from)
{
    struct cat2_error err;

    if (!grow(held, from.n)) return false;
    if (write_units(held, from, &err)) {
        held->n = (int64_t)from.n;
        return true;
    }
    pthread_mutex_lock(&held->spill->lock);
    bool first = !held->spill->rest;
    held->spill->rest = REST_TICKS;
    pthread_mutex_unlock(&held->spill->lock);
    if (first) c2_log_warn("answers for slow clients wait for memory: the temporary file: %s", err.message);
    return false;
}

/* What it grew beyond is the allocator's again. */
static void fit(struct c2_buf *bytes)
{
    if (bytes->cap - bytes->n <= C2_SPILL_UNIT / 4) return;
    uint8_t *p = realloc(bytes->p, bytes->n + 1);
    if (!p) return;
    bytes->p = p;
    bytes->cap = bytes->n;
}

void c2_held_fill(struct c2_held *held, struct c2_buf *take)
{
    if (held->place == C2_HELD_DISK) {
        if (c2_held_write(held, c2_buf_bytes(take))) {
            c2_buf_fini(take);
            return;
        }
        drop_units(held);
    }
    held->n = (int64_t)take->n;
    held->place = C2_HELD_MEMORY;
    fit(take);
    atomic_fetch_add(&held->spill->nbytes, take->cap);
    atomic_fetch_sub(&held->spill->nbytes, held->promised);
    held->promised = take->cap;
    held->bytes = c2_buf_steal(take);
}

int64_t c2_held_read(const struct c2_held *held, int64_t off, uint8_t *to, size_t room)
{
    struct cat2_error err;
    size_t n = (size_t)c2_min_i64((int64_t)room, held->n - off), done = 0;

    if (held->place == C2_HELD_MEMORY && n) memcpy(to, held->bytes.p + off, n);
    while (held->place == C2_HELD_DISK && done < n) {
        int64_t at = off + (int64_t)done, within = at % C2_SPILL_UNIT;
        size_t some = (size_t)c2_min_i64((int64_t)(n - done), C2_SPILL_UNIT - within);
        int64_t from = (int64_t)held->units[at / C2_SPILL_UNIT] * C2_SPILL_UNIT + within;
        if (!c2_fs_pread(held->spill->fd, to + done, some, from, &err)) {
            c2_log_warn("the temporary file of answers: %s", err.message);
            return -1;
        }
        done += some;
    }
    return (int64_t)n;
}

void c2_held_release(struct c2_held *held)
{
    struct c2_spill *spill = held->spill;

    if (!spill) return;
    if (held->place == C2_HELD_DISK) drop_units(held);
    atomic_fetch_sub(&spill->nbytes, held->promised);
    c2_buf_fini(&held->bytes);
    *held = (struct c2_held){0};
    wake(spill);
}

void c2_spill_metrics(struct c2_spill *spill, struct c2_metrics *m)
{
    pthread_mutex_lock(&spill->lock);
    int64_t disk = (int64_t)spill->nused * C2_SPILL_UNIT;
    uint64_t nspilled = spill->nspilled;
    pthread_mutex_unlock(&spill->lock);
    c2_metrics_gauge(m, "caterva2_answers_memory_bytes", (double)atomic_load(&spill->nbytes),
                     "Answers in memory that clients have not read yet.");
    c2_metrics_gauge(m, "caterva2_answers_spilled_bytes", (double)disk,
                     "Answers in the temporary file that clients have not read yet.");
    c2_metrics_counter(m, "caterva2_answers_spilled_total", (double)nspilled,
                       "Parts of answers that went to the temporary file.");
    c2_metrics_counter(m, "caterva2_answers_waited_total", (double)spill->nwaited,
                       "Parts of answers that waited for others to be read.");
}
