/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the cache share: the sidecar's layout and the steps that change a record. */
#ifndef C2_CACHE_CACHEFILE_IMPL_H
#define C2_CACHE_CACHEFILE_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "blosc/frame_impl.h"
#include "cache/cachefile.h"

#define C2_CACHE_PAGE       4096
#define C2_CACHE_ETAG_MAX   1024 /* what fits the first page of the sidecar */
#define C2_CACHE_ACTIVE_MAX 64   /* changes at a time; more wait. Workers are as many as cores */
#define C2_CACHE_BLOCKS_MAX                                                                                  \
    ((int64_t)1 << 31) /* over all chunks; larger grids are cached by whole chunks only */

/* First page of the sidecar. Host byte order: a cache does not travel, and the magic notices. */
struct c2_cache_head {
    uint64_t magic;
    uint32_t version, mirror;
    uint32_t kind, etag_len;
    int32_t blocksize, pad;
    int64_t nchunks, blocks_per_chunk;
    uint64_t frame_hash; /* of header, index and trailer */
    char etag[C2_CACHE_ETAG_MAX];
    uint64_t check; /* XXH3-64 of all before */
};
_Static_assert(sizeof(struct c2_cache_head) <= C2_CACHE_PAGE, "head fits its page");

enum c2_cache_state {
    C2_CACHE_ABSENT,
    C2_CACHE_WHOLE,   /* hash: of all cbytes; of chunks whose blocks cannot be told apart */
    C2_CACHE_PARTIAL, /* hash: of the prefix; block words tell the rest */
    C2_CACHE_BLOCKS   /* PARTIAL with no block missing */
};
struct c2_cache_rec {
    uint32_t state; /* low 4 bits; above: prefix length of PARTIAL and BLOCKS */
    uint32_t cbytes;
    uint64_t hash;
    uint32_t used; /* seconds since 1970; not covered by check */
    uint32_t gen;  /* one up at each change */
    uint64_t check;
};
_Static_assert(sizeof(struct c2_cache_rec) == 32, "records are 32 bytes");

struct c2_cachefile {
    atomic_int refs;
    struct c2_frame *frame; /* owns fd; gives offsets, header, trailer */
    int fd, idx_fd;         /* -1: in memory, the frame has the bytes */
    atomic_llong stored;    /* in memory: compressed bytes of the chunks that have a record */
    struct c2_meta meta;
    struct c2_frame_layout layout;
    char *etag;
    bool mirror;
    int32_t blocksize;        /* 0: whole chunks only */
    int64_t blocks_per_chunk; /* block words per chunk; 0 with blocksize 0 */
    int64_t slot;             /* slot mode: bytes of each */
    int64_t nstored;          /* mirror: chunks that have a place, sorted by it */
    int64_t *offs;
    int32_t *order;
    uint8_t *map; /* the sidecar; stores through it touch only `used` of present records */
    size_t map_len;
    int64_t words_off;
    struct c2_cache_head head;
    struct c2_buf tail;         /* index chunk and trailer: what is given of them is given from here */
    atomic_llong first_missing; /* all chunks before are here */
    atomic_bool is_read_ahead;  /* the system may read what was not asked for */

    /* lock guards what follows, and every write to the sidecar but `used`. */
    pthread_mutex_t lock;
    pthread_cond_t left;
    struct {
        int64_t nchunk;
        uint64_t tag;
        int n;
    } active[C2_CACHE_ACTIVE_MAX];
    int64_t hand;          /* where the next eviction starts */
    struct c2_hold *holds; /* what readers need */
};

/* Reading and writing data and sidecar, wherever they are. */
bool c2_cache_pread(const struct c2_cachefile *cf, void *to, size_t n, int64_t off, struct cat2_error *err);
bool c2_cache_pwrite(struct c2_cachefile *cf, const void *from, size_t n, int64_t off,
                     struct cat2_error *err);
bool c2_cache_pwrite_idx(struct c2_cachefile *cf, const void *from, size_t n, int64_t off,
                         struct cat2_error *err);
/** The system reads ahead where no chunk is missing. Reading ahead into holes would fill memory with zeros,
 * which takes as long as all else. */
void c2_cache_choose_ahead(struct c2_cachefile *cf);
/** An anonymous mapping of zeros, sparse. NULL and CAT2_ENOMEM. */
void *c2_cache_map(int64_t len, struct cat2_error *err);
/** In memory: so many more bytes have a record; and give back the pages of a chunk's place. */
void c2_cache_count_stored(struct c2_cachefile *cf, int64_t nbytes);
void c2_cache_forget(const struct c2_cachefile *cf, int64_t off, int64_t n);
/** Size of the sidecar and where its block words begin. */
int64_t c2_cache_sidecar_len(int64_t nchunks, int64_t blocks_per_chunk, int64_t *words_off);
/** Block words per chunk; 0 when blocks cannot be told apart. */
int64_t c2_cache_blocks_per_chunk(const struct c2_meta *meta, int32_t blocksize);
uint64_t c2_cache_head_check(const struct c2_cache_head *head);
/** Not of a newer program, whose work is not ours to replace. @errors CAT2_EUNSUPPORTED. */
bool c2_cache_head_known(const struct c2_cache_head *head, struct cat2_error *err);
uint64_t c2_cache_frame_hash(struct c2_bytes head, struct c2_bytes tail);
/** Make the object of two open files, or of a frame in memory and idx_fd -1; takes the frame and idx_fd on
 * success. tail: index chunk and trailer, checked; copied. */
bool c2_cache_attach(struct c2_frame *frame, int idx_fd, const struct c2_cache_head *head,
                     struct c2_bytes tail, struct c2_cachefile **out, struct cat2_error *err);
/** So many more are open, and so many more bytes mapped; for c2_cachefile_stats(). */
void c2_cache_count(int64_t n, int64_t nbytes);
/** Stored bytes failed their hash. */
void c2_cache_count_dropped(void);
struct c2_chunk_expect c2_cache_expect(const struct c2_cachefile *cf, int64_t nchunk);

/** A sound record, or one of state ABSENT. Any thread, no lock held. */
struct c2_cache_rec c2_cache_load(const struct c2_cachefile *cf, int64_t nchunk);
/** The same with cf->lock held. */
struct c2_cache_rec c2_cache_load_locked(const struct c2_cachefile *cf, int64_t nchunk);
/** Are two copies of a record of the same stored data (last use aside)? */
bool c2_cache_same(const struct c2_cache_rec *a, const struct c2_cache_rec *b);
/** Write a record with the next gen; lock held. */
bool c2_cache_store(struct c2_cachefile *cf, int64_t nchunk, const struct c2_cache_rec *old,
                    enum c2_cache_state state, struct c2_cache_rec fields, struct cat2_error *err);
/** Take a chunk whose bytes failed out of service, unless its record has changed since. True when it did. */
bool c2_cache_drop(struct c2_cachefile *cf, int64_t nchunk, const struct c2_cache_rec *seen);
bool c2_cache_drop_block(struct c2_cachefile *cf, int64_t nchunk, int32_t nblock,
                         const struct c2_cache_rec *seen);
void c2_cache_touch(const struct c2_cachefile *cf, int64_t nchunk);

uint32_t c2_cache_word(const struct c2_cachefile *cf, int64_t nchunk, int32_t nblock);
uint32_t c2_cache_block_check(struct c2_bytes block);
/** Write n words from block nblock on; lock held. */
bool c2_cache_put_words(struct c2_cachefile *cf, int64_t nchunk, int32_t nblock, const uint32_t *words,
                        int32_t n, struct cat2_error *err);

/** Do the blocks begin right behind the prefix? (Each ends where the next begins.) */
bool c2_cache_tiles(const struct c2_chunk_info *info, const int32_t *off);
static inline enum c2_cache_state c2_cache_state_of(const struct c2_cache_rec *rec)
{
    return (enum c2_cache_state)(rec->state & 15);
}

/** Does a reader hold chunk nchunk? cf->lock held. */
bool c2_cache_is_held(const struct c2_cachefile *cf, int64_t nchunk);

/** Begin a change of a chunk: changes of the same tag go together, others wait (or false with wait false). */
bool c2_cache_enter(struct c2_cachefile *cf, int64_t nchunk, uint64_t tag, bool wait);
void c2_cache_leave(struct c2_cachefile *cf, int64_t nchunk);

#endif
