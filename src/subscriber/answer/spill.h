/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory of answers that wait for their clients to read them. There is one budget of it over all requests;
 * what does not fit goes to a temporary file, and where that is full too, an answer is not made before others
 * were read. So slow clients cost disk, and memory for what their sockets take at a time. */
#ifndef C2_SUBSCRIBER_ANSWER_SPILL_H
#define C2_SUBSCRIBER_ANSWER_SPILL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/blob.h"
#include "base/exposition.h"

#define C2_SPILL_MEMORY (16 << 20)         /* of all answers: four parts of large ones */
#define C2_SPILL_UNIT   (1 << 20)          /* of the file: an answer takes some of these, anywhere */
#define C2_SPILL_DISK   ((int64_t)8 << 30) /* of the file */
#define C2_SPILL_UNITS  (C2_SPILL_DISK / C2_SPILL_UNIT)

/* Somebody who waits for room. */
struct c2_spill_wait {
    struct c2_spill_wait *prev, *next;
    void (*fn)(void *ctx); /* loop; there may be room now: reserve again */
    void *ctx;
    bool waits;
};
struct c2_spill {
    int dirfd;            /* borrowed: where the file is made */
    atomic_size_t nbytes; /* in memory, or promised */
    size_t memory_max;
    struct c2_spill_wait *first, *last;
    pthread_mutex_t lock;       /* guards all below; not held while the file is read or written */
    int fd;                     /* -1: not made yet */
    int32_t nunits, nused;      /* there may be; taken */
    uint64_t *used;             /* a bit a unit */
    int rest;                   /* ticks in which the file is not tried, for it failed */
    uint64_t nspilled, nwaited; /* answers that went to the file; that waited */
};
/* What an answer is promised, and then its bytes. All zeros: nothing. */
struct c2_held {
    struct c2_spill *spill;
    enum { C2_HELD_NOTHING, C2_HELD_MEMORY, C2_HELD_DISK } place;
    size_t promised;
    struct c2_buf bytes; /* in memory */
    int32_t *units, nunits;
    int64_t n; /* bytes there are */
};

/** @param dirfd  borrowed. @param units  of the file, 0: C2_SPILL_UNITS. */
struct c2_spill *c2_spill_new(int dirfd, size_t memory_max, int32_t units);
void c2_spill_free(struct c2_spill *spill); /* NULL is fine */
/** Loop. May an answer of about so many bytes be made? false: not now, see c2_spill_wait(). */
bool c2_spill_reserve(struct c2_spill *spill, size_t nbytes, struct c2_held *held);
/** The file, when nothing is in it, to be closed by the caller: what it took is the disk's again then. -1:
 * there is none, or something is. The next answer that needs one makes another. */
int c2_spill_take_file(struct c2_spill *spill);
bool c2_spill_has_file(struct c2_spill *spill);
/** Is there room for so many in memory? */
bool c2_spill_fits(const struct c2_spill *spill, size_t nbytes);
/** Loop. Count bytes that are in memory anyway. */
void c2_spill_count(struct c2_spill *spill, size_t nbytes, struct c2_held *held);
/** Loop. fn(ctx) is called once, when others gave something back. */
void c2_spill_wait(struct c2_spill *spill, struct c2_spill_wait *wait, void (*fn)(void *ctx), void *ctx);
/** Loop, a few times a second: those who wait are told, and a file that failed is tried again after a while.
 */
void c2_spill_tick(struct c2_spill *spill);
void c2_spill_leave(struct c2_spill *spill, struct c2_spill_wait *wait);
/** Any thread. Hold these bytes, which are taken, where it was promised: in memory too when the file fails.
 */
void c2_held_fill(struct c2_held *held, struct c2_buf *take);
/** Any thread. Write these bytes to the file, which was promised. false: it failed. */
bool c2_held_write(struct c2_held *held, struct c2_bytes from);
/** Copy up to room bytes at off; < 0: the file cannot be read. Any thread. */
int64_t c2_held_read(const struct c2_held *held, int64_t off, uint8_t *to, size_t room);
/** Loop. Give it back; whoever waits is told. */
void c2_held_release(struct c2_held *held);
/** Is little memory left? Then answers are made no further ahead than they must be. */
bool c2_spill_is_tight(const struct c2_spill *spill);
void c2_spill_metrics(struct c2_spill *spill, struct c2_metrics *m);

#endif
