/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the catalog share, from the ground up: entries, jobs; walk; hash; load; fill, get; list.
 * None uses one that comes after it. */
#ifndef C2_PUBLISHER_CATALOG_IMPL_H
#define C2_PUBLISHER_CATALOG_IMPL_H

#include "base/vec.h"
#include "publisher/catalog.h"
#include "publisher/source/so_far.h"

#define C2_ITEMS_OPEN_MAX 64 /* descriptors kept for the next request */

#define C2_PASSING_MAX 256 /* entries that no walk has seen */

struct load_job;
struct c2_walk_job;
struct c2_waiter {
    struct c2_waiter *next;
    enum c2_catalog_need need;
    c2_catalog_got *fn;
    void *ctx;
};
struct c2_look {
    struct c2_look *next;
    c2_catalog_done *fn;
    void *ctx;
};
/* A job that goes on after a while. It counts as running. */
struct c2_later {
    struct c2_later *next;
    struct c2_catalog *cat;
    struct c2_timer *timer;
    void (*fn)(void *ctx); /* also when the catalog is closed */
    void *ctx;
};
struct c2_hashing;
struct c2_catalog {
    struct c2_loop *loop;
    struct c2_pool *pool;
    struct c2_source *source;
    struct {
        C2_VEC(struct c2_entry *);
    } entries; /* sorted by path */
    struct c2_entry *owing_first, *owing_last;
    struct c2_entry *open[C2_ITEMS_OPEN_MAX];
    size_t items_max, items_kept;             /* of the process; of this catalog, for the next request */
    struct c2_entry *passing[C2_PASSING_MAX]; /* the oldest makes room */
    size_t passing_at;
    uint64_t clock;
    struct load_job *line, *line_end; /* loads that wait for others to end */
    struct c2_timer *line_timer;
    size_t nloading; /* loads running, each of which may open one */
    void (*changed)(void *ctx, struct c2_entry *entry);
    void *changed_ctx;
    struct c2_look *looks;    /* who waits for the next walk */
    struct c2_walk_job *walk; /* under way; NULL: there is none */
    uint32_t nwalks;
    bool walk_again;
    bool look_for;                          /* the next walk is for c2_catalog_look_for() */
    int64_t look_for_ms;                    /* before this there is no such walk */
    void (*walked)(struct c2_catalog *cat); /* after each look */
    bool filling[2];                        /* with what is quick, with what was sketched */
    bool complete;                          /* a walk has come to its end */
    atomic_size_t nfound;                   /* by the walk under way, or the last */
    struct c2_so_far *so_far;               /* names, until it is complete */
    char *fill_at;                          /* where the background is; NULL: from the start */
    bool closed;
    struct c2_later *laters;
    struct c2_timer *look_timer;
    bool deciding;              /* contents are being hashed that tell what has changed */
    struct c2_hashing *hashing; /* NULL until there was something to hash */
    size_t njobs;               /* in the pool: the catalog outlives them */
};

/* ---- catalog_entries.c ---- */

struct c2_entry *c2_catalog_insert(struct c2_catalog *cat, const char *path, size_t at);
/** No walk has seen it: it is kept until others like it come. */
void c2_entry_passes(struct c2_catalog *cat, struct c2_entry *entry);
/** This generation is what there is now. */
void c2_entry_renew(struct c2_catalog *cat, struct c2_entry *entry, const struct c2_generation *gen);
/** It cannot be opened, and why. */
void c2_entry_fail(struct c2_entry *entry, const struct cat2_error *why);
/** Its metadata came with it (NULL: it did not). */
void c2_entry_learn(struct c2_catalog *cat, struct c2_entry *entry, struct c2_shared *meta,
                    const uint8_t cparams[4]);
void c2_entry_gone(struct c2_catalog *cat, struct c2_entry *entry);
/** Keep it open for the next request; the one used least makes room. Takes the item. */
void c2_entry_keep_item(struct c2_catalog *cat, struct c2_entry *entry, struct c2_item *item);
void c2_entry_drop_item(struct c2_catalog *cat, struct c2_entry *entry);
/** Tell those who have what they need, or all of a failure. */
void c2_entry_wake(struct c2_catalog *cat, struct c2_entry *entry, const struct cat2_error *err);
void c2_entry_free(struct c2_entry *entry);

/* ---- catalog_jobs.c ---- */

#define C2_BUSY_MS 30 /* until what is being written is looked at again */

/** A job left the pool; frees a closed catalog after the last. false: it is closed, touch nothing. */
bool c2_catalog_job_done(struct c2_catalog *cat);
/** fn(ctx) after ms, or when the catalog is closed. The caller is a job that counts on. false: out of memory,
 * fn is not called. */
bool c2_catalog_later(struct c2_catalog *cat, int64_t ms, void (*fn)(void *ctx), void *ctx);
/** Closed: all of them now. */
void c2_catalog_end_laters(struct c2_catalog *cat);

/* ---- catalog_walk.c ---- */

/** Closed: who waits for a look is told. */
void c2_catalog_end_walk(struct c2_catalog *cat);

/* ---- catalog_hash.c ---- */

/** Hash what is to be hashed: at once what is undecided, slowly what is not known yet. */
void c2_catalog_hash(struct c2_catalog *cat);
/** Closed: forget what was hashed in part. */
void c2_catalog_end_hash(struct c2_catalog *cat);

/* ---- catalog_load.c ---- */

/** Of the background: it was loaded, or not. */
typedef void c2_loaded(struct c2_catalog *cat, bool sketch, bool ok);
/** then: of the background, which it may wait for. NULL: for those who wait for it. */
void c2_entry_load(struct c2_catalog *cat, struct c2_entry *entry, bool sketch, c2_loaded *then);
/** Closing: loads in line are told. */
void c2_catalog_end_line(struct c2_catalog *cat);

/* ---- catalog_fill.c ---- */

/** Load what is not known, one at a time, when the pool has nothing better to do; from the start, after a
 * walk: what failed for the moment is tried again. */
void c2_catalog_fill_anew(struct c2_catalog *cat);

#endif
