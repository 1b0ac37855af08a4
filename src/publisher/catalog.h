/* SPDX-License-Identifier: BSD-3-Clause */
/* All datasets of a source in memory: generation, metadata as JSON, and the last few opened. Filled in the
 * background, checked against the source when used. Loop thread only; the work is done by the pool. */
#ifndef C2_PUBLISHER_CATALOG_H
#define C2_PUBLISHER_CATALOG_H

#include "net/worker.h"
#include "publisher/source/source.h"

struct c2_waiter;
/* What is small comes last, together: there may be very many. */
struct c2_entry {
    char *path;
    struct c2_generation gen;
    struct c2_shared *json;         /* metadata; NULL: not known yet */
    const char *refusal;            /* why its data is not served though it opens, or NULL */
    struct cat2_error *err;         /* of a failed one; NULL: none failed yet */
    struct c2_frame_layout *layout; /* of a contiguous frame; NULL: it is none */
    struct c2_item *item;           /* NULL: not open at present */
    uint64_t used;                  /* when the item was used last */
    struct c2_waiter *waiters;
    struct c2_cparams_rest cparams; /* what its metadata does not say of them: it is in lines */
    uint32_t walk;                  /* that saw it last */
    bool sketched;                  /* json was made without the long work; no item yet */
    bool imported;                  /* cat2import made it of a dataset of an HDF5 file */
    bool failed;                    /* this generation cannot be opened: err says why */
    bool loading, gone;
    bool passing; /* among the few that are kept though no walk has seen them */
    bool listed;  /* a walk has seen it: what it passes by is served by its path where that can be, not
                     announced */
    /* Of the announcer. */
    bool owing;
    bool publishing;
    bool broken_new;    /* should it be broken: readers do not know that yet, or not why now */
    bool was_broken;    /* gone, and readers may have it as broken */
    bool told;          /* readers know of it, and it was not announced */
    char announced[64]; /* etag the bus took last, "" none */
    struct c2_entry *owing_prev, *owing_next; /* in the line of those that owe, "owing" */
};

/** Why a failed one is that. */
const struct cat2_error *c2_entry_why(const struct c2_entry *entry);

/** Gone, and nobody has to be told any more. */
static inline bool c2_entry_is_over(const struct c2_entry *entry)
{
    return entry->gone && !entry->announced[0] && !entry->was_broken && !entry->told;
}

/** A reader is told of it: should it be gone before it is announced, then that is announced. */
static inline void c2_entry_tell(struct c2_entry *entry)
{
    entry->told = entry->told || (entry->listed && !entry->announced[0]);
}

struct c2_catalog;
/** changed(ctx, entry): its generation is new, it became known or failed, or it is gone.
 *  The source is taken when this succeeds. */
bool c2_catalog_new(struct c2_loop *loop, struct c2_pool *pool, struct c2_source *source,
                    struct c2_catalog **out, struct cat2_error *err);
/** Datasets of this process open at a time, and how many of this catalog stay open for the next request; 0:
 * as is. */
void c2_catalog_limit(struct c2_catalog *cat, int items_max, int items_kept);
void c2_catalog_on_change(struct c2_catalog *cat, void (*changed)(void *ctx, struct c2_entry *entry),
                          void *ctx);
/** Everything that waits is told CAT2_ECANCELLED; freed once its running jobs ended. */
void c2_catalog_close(struct c2_catalog *cat);

/** Look at the whole source; fn(ctx, err) after a look that began after this call. fn may be NULL. */
typedef void c2_catalog_done(void *ctx, const struct cat2_error *err);
void c2_catalog_rescan(struct c2_catalog *cat, c2_catalog_done *fn, void *ctx);

/** The same for who asks for what no look has listed. Strangers can do so without end: these looks take at
 * most a tenth of the time, and begin later where that is soon. false: not now, and fn is not called. */
bool c2_catalog_look_for(struct c2_catalog *cat, c2_catalog_done *fn, void *ctx);
/** The same for who wants the list: fn after such a look; or, when that takes long, with the list of the last
 * one. @errors CAT2_EUPSTREAM, status 503: there is none yet. */
void c2_catalog_list(struct c2_catalog *cat, c2_catalog_done *fn, void *ctx);
/** Found by the look under way, or by the last. */
size_t c2_catalog_nfound(const struct c2_catalog *cat);
#define C2_LIST_PATIENCE_MS 8000 /* less than subscribers wait for a first byte */
/** Why there is no list yet. */
void c2_catalog_not_yet(const struct c2_catalog *cat, struct cat2_error *err);
/** fn after the first look, when the root is being listed for the first time: at the end of the one under
 * way. */
void c2_catalog_list_first(struct c2_catalog *cat, c2_catalog_done *fn, void *ctx);
/** Names found by a first look; see c2_so_far_put(). */
struct c2_so_far *c2_catalog_so_far(const struct c2_catalog *cat);
/** Has a look come to its end? Before, the entries are not all there are. */
bool c2_catalog_is_complete(const struct c2_catalog *cat);

/** Is a look under way, or to come soon, or do contents tell yet what has changed? */
bool c2_catalog_is_looking(const struct c2_catalog *cat);
/** Look after ms, unless a look is to come already. */
void c2_catalog_look_later(struct c2_catalog *cat, int64_t ms);

/** Bytes of files hashed in this process. */
int64_t c2_catalog_hashed_nbytes(const struct c2_catalog *cat);

enum c2_catalog_need {
    C2_NEED_SKETCH, /* entry->json, perhaps sketched */
    C2_NEED_META,   /* entry->json */
    C2_NEED_ITEM    /* entry->item too: take your own reference */
};
/** entry NULL: *err says why. */
typedef void c2_catalog_got(void *ctx, struct c2_entry *entry, const struct cat2_error *err);
/** Check the present generation of path, load what is needed, call fn (always later). */
void c2_catalog_get(struct c2_catalog *cat, const char *path, enum c2_catalog_need need, c2_catalog_got *fn,
                    void *ctx);

/* Sorted by path. */
size_t c2_catalog_count(const struct c2_catalog *cat);
struct c2_entry *c2_catalog_at(const struct c2_catalog *cat, size_t i);
struct c2_entry *c2_catalog_find(const struct c2_catalog *cat, const char *path);
/** The first entry not before path. */
size_t c2_catalog_lower(const struct c2_catalog *cat, const char *path);
/** An entry known from before, gone as far as we know yet. NULL: out of memory. */
struct c2_entry *c2_catalog_remember(struct c2_catalog *cat, const char *path, const char *announced);
/* The line of entries whose change is to be announced: in the order of the changes, each of them once. */
void c2_catalog_owe(struct c2_catalog *cat, struct c2_entry *entry);
/** Take the first out of it; NULL: there is none. */
struct c2_entry *c2_catalog_next_owing(struct c2_catalog *cat);

/** A gone entry of which nobody needs to be told any more. */
void c2_catalog_drop(struct c2_catalog *cat, struct c2_entry *entry);

#endif
