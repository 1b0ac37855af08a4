/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading a dataset: its pieces are brought into the cache file, held there, worked on, and let go.
 *
 *   c2_read ──► cache file open ──► held ──► missing pieces fetched ──► work (a worker) ──► let go ──► done
 *
 * What a reader holds is not evicted (c2_cachefile_hold), so that what it was promised is there when its work
 * begins: the cache may be larger than its quota by what is held, and no more. A piece that work finds
 * damaged is fetched again, and work runs again. */
#ifndef C2_SUBSCRIBER_FETCH_READ_H
#define C2_SUBSCRIBER_FETCH_READ_H

#include "base/cancel.h"
#include "base/vec.h"
#include "subscriber/fetch/upstream.h"

#define C2_READ_CHUNK_COST                                                                                   \
    64 /* bytes that are decoded in the time in which what is known of a chunk is looked at */

/* What a reader needs. */
struct c2_pieces {
    enum c2_need {
        C2_NEED_FILE,   /* the cache file, whatever is in it */
        C2_NEED_BOUND,  /* the blocks of a selection */
        C2_NEED_BLOCKS, /* of those only the ones that are listed */
        C2_NEED_ALL,    /* every chunk */
        C2_NEED_BYTES, /* the blocks under bytes of the publisher's frame: work says which, c2_read_bytes() */
        C2_NEED_SPANS, /* chunks, or bytes of them */
        C2_NEED_CHUNKS /* the blocks of a selection in some chunks, or these whole; they are not held */
    } need;
    const struct c2_bound *bound;      /* copied */
    const int64_t *blocks;             /* of BLOCKS: nchunk * grid->nblocks + nblock, rising; borrowed */
    const int64_t *chunks;             /* of CHUNKS: their numbers; borrowed until done */
    const struct c2_range *ranges;     /* of BYTES; borrowed until done */
    const struct c2_chunk_span *spans; /* of SPANS; copied */
    size_t n;                          /* of blocks, chunks, ranges or spans */
    int64_t rest;                 /* of BYTES: so many more that follow the last range will be wanted soon */
    const struct c2_asker *asker; /* borrowed until done; NULL: nobody in particular */
    int32_t weight;               /* of work: how many times longer than decoding it takes; 0 is 1 */
    int64_t extra;                /* and what else it does: bytes that are decoded in that time */
};
/* Who waits for it. */
struct c2_asker {
    uint64_t client;         /* whose turn it is (net/worker.h) */
    struct c2_cancel cancel; /* work stops at once, and done is told CAT2_ECANCELLED */
};

struct c2_read;
/* What work has, while it runs. */
struct c2_reading {
    struct c2_codec *codec;
    struct c2_cachefile *cf;
    struct c2_selectable source; /* of cf */
    struct c2_read *read;
};
struct c2_reader {
    /** Use what was needed. Worker. Its CAT2_ENOTFOUND means that a piece is not there after all, for it
     * failed its hash: the piece is fetched again and work is called again, so it begins with what it began
     * with the first time. NULL: the pieces are wanted in the cache, no more. */
    bool (*work)(void *ctx, const struct c2_reading *reading, struct cat2_error *err);
    /** Once, on the loop, never within c2_read(). err: NULL, or why pieces could not be had or work failed.
     */
    void (*done)(void *ctx, const struct cat2_error *err);
    /** Before work, on the loop: does anybody still wait for it? false: done is told CAT2_ECANCELLED. May be
     * NULL. */
    bool (*wanted)(void *ctx);
    /** work adds up and cannot be called again: when a piece was damaged, done is told so after it was
     * fetched again, and r->damaged is set. */
    bool once;
};
/* So many pieces of one reader may be damaged. */
#define C2_READ_REPEATS_MAX 32

/* A reader on its way. The caller gives the place, which may be in anything that lives until done: so there
 * is no reader that cannot be told how it ended. */
struct c2_read {
    struct c2_read *next; /* in ds->waiting */
    const struct c2_asker *asker;
    int64_t cost; /* of work, in bytes that are decoded in that time */
    int32_t weight;
    int64_t extra;
    struct c2_loop_call finishing;
    struct c2_ds *ds;
    const struct c2_reader *reader;
    void *ctx;
    enum c2_need need;
    struct c2_bound bound;
    const int64_t *listed; /* blocks, or chunks */
    size_t nlisted;
    bool whole;              /* of CHUNKS: there is no selection */
    struct c2_cachefile *cf; /* held; NULL: not yet */
    struct c2_hold hold;
    int64_t end; /* of BYTES: what will be wanted of the frame */
    int flights, repeats;
    bool failed, damaged, is_working;
    bool counted; /* for the metrics: what it needs, and what of it is missing */
    bool quick;   /* its work was little, on blocks that were decoded already */
    struct cat2_error err;
    struct c2_flying {
        int64_t nchunk;
        size_t nwants; /* of it that are not stored; 0: it has landed */
    } * mine;          /* chunks this one is fetching, sorted, each once */
    size_t nmine;
    struct { /* BYTES, SPANS: found missing, to be fetched */
        C2_VEC(struct c2_chunk_span);
    } missing;
    /* One look at what is missing. */
    struct {
        C2_VEC(struct c2_want);
    } wants;
    bool others;        /* some are fetched by others */
    int64_t blocked_on; /* one of those; -1: the cache file */
    int32_t *blocks, *lacking;
};

/** Loop thread. r: uninitialised, and not to be touched until done; which may free it. */
void c2_read(struct c2_read *r, struct c2_ds *ds, const struct c2_pieces *pieces,
             const struct c2_reader *reader, void *ctx);
/** Of BOUND or ALL, in work: the items of a selection, appended to out. @errors as c2_select_items(). */
bool c2_read_items(const struct c2_reading *reading, const struct c2_bound *bound, struct c2_buf *out,
                   struct cat2_error *err);
/** Of BYTES, in work: bytes [off, off + n) of the publisher's frame. What is missing is noted, and work is
 * called again when it is there; `to` means nothing then. */
bool c2_read_bytes(const struct c2_reading *reading, int64_t off, size_t n, uint8_t *to,
                   struct cat2_error *err);
/** Of BOUND or ALL, in work: chunk nchunk is needed as it is stored, and is here in blocks. Always false,
 * with CAT2_ENOTFOUND as of a damaged piece: it is fetched, and work is called again. */
bool c2_read_whole(const struct c2_reading *reading, int64_t nchunk, struct cat2_error *err);
/** Did c2_read_bytes() miss something? */
bool c2_read_missed(const struct c2_reading *reading);

#endif
