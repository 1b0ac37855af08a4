/* SPDX-License-Identifier: BSD-3-Clause */
/* cache_crash DIR SEED KILLS: fills, re-fills by blocks and evicts a cache file in a child of two threads,
 * kills the child with SIGKILL at a random moment, and looks what is left: it opens, all that was
 * acknowledged through the pipe is there, and nothing reads back wrong. Prints one line of counts; exit
 * status 1 when a promise was broken. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "cache/cachefile.h"

#define NCHUNKS 200
#define ITEMS   4096
#define BLOCK   256
#define NBLOCKS (ITEMS / BLOCK)

/* Through the pipe, 4 bytes at a time: what is done. A whole chunk, a block, or "about to be evicted". */
enum ack_kind { ACK_CHUNK, ACK_BLOCK, ACK_EVICTING };
struct ack {
    uint8_t kind, block;
    uint16_t nchunk;
};

/* A chunk as the publisher has it, made once. */
struct source {
    struct c2_buf chunks[NCHUNKS];
    int32_t off[NCHUNKS][NBLOCKS], len[NCHUNKS][NBLOCKS];
    size_t prefix_n;
};
struct child {
    struct c2_cachefile *cf;
    const struct source *source;
    uint64_t seed;
    int pipe;
    bool evicts;
    struct order *order;
};
/* Between the two threads: what was put while an eviction ran is not acknowledged, since it may be gone at
 * once. */
struct order {
    pthread_mutex_t lock;
    unsigned evictions; /* odd while one runs */
};

static void need(bool ok, const char *what, const struct cat2_error *err)
{
    if (ok) return;
    fprintf(stderr, "cache_crash: %s: %s\n", what, err->message);
    exit(2);
}

static uint64_t next_random(uint64_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x;
}

static void make_meta(struct c2_meta *meta)
{
    int64_t shape = NCHUNKS * ITEMS;
    int32_t chunk = ITEMS, block = BLOCK;
    struct cat2_error err = {0};

    *meta = (struct c2_meta){
        .kind = C2_KIND_ARRAY, .chunksize = ITEMS * 8, .chunkshape = ITEMS, .nchunks = NCHUNKS};
    need(c2_grid_init(&meta->grid, &shape, &chunk, &block, 1, 8, true, &err), "grid", &err);
    need(c2_dtype_parse(C2_STR("<i8"), &meta->dtype, &err), "dtype", &err);
    meta->cparams = c2_cparams_fast(8, BLOCK * 8);
    meta->nbytes = shape * 8;
}

static void make_source(const struct c2_meta *meta, struct source *source)
{
    struct c2_chunk_expect any = {.nbytes = -1, .blocksize = -1, .typesize = -1};
    struct c2_codec *codec = c2_codec_new();
    struct cat2_error err = {0};
    uint64_t items[ITEMS], x = 4711;

    for (int c = 0; c < NCHUNKS; c++) {
        struct c2_buf *chunk = &source->chunks[c];
        struct c2_chunk_info info;
        for (int i = 0; i < ITEMS; i++)
            items[i] = (next_random(&x) & 0xffffff) | (uint64_t)c << 40;
        c2_buf_init(chunk, C2_CHUNK_CBYTES_MAX);
        need(c2_codec_encode(codec, &meta->cparams, (uint8_t *)items, ITEMS * 8, chunk, &err), "encode",
             &err);
        need(c2_guard_header(chunk->p, (int64_t)chunk->n, &any, &info, &err), "header", &err);
        source->prefix_n = (size_t)info.data_start;
        need(c2_block_extents((struct c2_bytes){chunk->p, source->prefix_n}, &info, source->off[c],
                              source->len[c], &err),
             "blocks", &err);
    }
    c2_codec_free(codec);
}

static void tell(const struct child *me, enum ack_kind kind, int nchunk, int block)
{
    struct ack ack = {(uint8_t)kind, (uint8_t)block, (uint16_t)nchunk};

    if (write(me->pipe, &ack, sizeof(ack)) != sizeof(ack)) _exit(3);
}

static unsigned evictions(const struct child *me)
{
    pthread_mutex_lock(&me->order->lock);
    unsigned n = me->order->evictions;
    pthread_mutex_unlock(&me->order->lock);
    return n;
}

/* Acknowledge what was put, when no eviction came between. */
static void acknowledge(const struct child *me, unsigned before, enum ack_kind kind, int nchunk, int block)
{
    pthread_mutex_lock(&me->order->lock);
    if (before % 2 == 0 && me->order->evictions == before) tell(me, kind, nchunk, block);
    pthread_mutex_unlock(&me->order->lock);
}

static void evict_some(const struct child *me)
{
    pthread_mutex_lock(&me->order->lock);
    me->order->evictions++;
    tell(me, ACK_EVICTING, 0, 0); /* which chunks go is not known: nothing before this is promised any more */
    pthread_mutex_unlock(&me->order->lock);
    (void)c2_cachefile_evict(me->cf, 64 << 10);
    pthread_mutex_lock(&me->order->lock);
    me->order->evictions++;
    pthread_mutex_unlock(&me->order->lock);
}

static void put_some(const struct child *me, int c, uint64_t x)
{
    const struct c2_buf *chunk = &me->source->chunks[c];
    struct cat2_error err = {0};
    int32_t block = (int32_t)(x >> 32 & (NBLOCKS - 1));
    unsigned before = evictions(me);

    if (x >> 48 & 1) {
        need(c2_cachefile_put(me->cf, c, c2_buf_bytes(chunk), &err), "put", &err);
        acknowledge(me, before, ACK_CHUNK, c, 0);
        return;
    }
    struct c2_bytes data = {chunk->p + me->source->off[c][block], (size_t)me->source->len[c][block]};
    need(c2_cachefile_put_blocks(me->cf, c, (struct c2_bytes){chunk->p, me->source->prefix_n}, &block, 1,
                                 data, &err),
         "put_blocks", &err);
    acknowledge(me, before, ACK_BLOCK, c, block);
}

static void *child_thread(void *ctx)
{
    struct child *me = ctx;

    for (uint64_t round = 1;; round++) {
        uint64_t x = next_random(&me->seed);
        if (me->evicts && round % 256 == 0)
            evict_some(me);
        else
            put_some(me, (int)(x % NCHUNKS), x);
    }
    return NULL;
}

static void child_main(int dirfd, const struct source *source, uint64_t seed, int pipe, bool evicts)
{
    struct cat2_error err = {0};
    struct order order = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct child a = {.source = source, .seed = seed | 1, .pipe = pipe, .order = &order}, b;
    pthread_t thread;

    need(c2_cachefile_open(dirfd, "a", "e", &a.cf, &err), "open in the child", &err);
    b = a;
    b.seed = seed * 2654435761u + 1;
    b.evicts = evicts;
    pthread_create(&thread, NULL, child_thread, &b);
    child_thread(&a);
}

struct counts {
    long kills, acked, lost, wrong, unopened, reads;
};
/* What must be there. Chunks as a row of blocks. */
struct promise {
    bool block[NCHUNKS][NBLOCKS];
};

static void read_acks(int fd, struct promise *promise, struct counts *counts)
{
    struct ack ack;

    while (read(fd, &ack, sizeof(ack)) == sizeof(ack)) {
        if (ack.kind == ACK_EVICTING) {
            *promise = (struct promise){0};
            continue;
        }
        counts->acked++;
        for (int b = 0; b < NBLOCKS; b++)
            if (ack.kind == ACK_CHUNK || b == ack.block) promise->block[ack.nchunk][b] = true;
    }
}

static void check_block(struct c2_cachefile *cf, const struct source *source, int c, int b, bool promised,
                        struct counts *counts)
{
    struct c2_chunks chunks = c2_cachefile_chunks(cf);
    struct cat2_error err = {0};
    uint8_t bytes[BLOCK * 8 + 64];
    int32_t off = source->off[c][b], len = source->len[c][b];

    counts->reads++;
    if (!c2_chunk_read(&chunks, c, off, len, bytes, &err)) {
        if (err.code != CAT2_ENOTFOUND) counts->wrong++;
        if (promised) counts->lost++;
        return;
    }
    if (memcmp(bytes, source->chunks[c].p + off, (size_t)len) != 0) counts->wrong++;
}

static void inspect(int dirfd, const struct source *source, const struct promise *promise,
                    struct counts *counts)
{
    C2_AUTO_PTR(c2_cachefile) *cf = NULL;
    struct cat2_error err = {0};

    if (!c2_cachefile_open(dirfd, "a", "e", &cf, &err)) {
        counts->unopened++;
        return;
    }
    for (int c = 0; c < NCHUNKS; c++)
        for (int b = 0; b < NBLOCKS; b++)
            check_block(cf, source, c, b, promise->block[c][b], counts);
}

static void one_kill(int dirfd, const struct c2_meta *meta, const struct source *source, uint64_t *x,
                     bool evicts, struct counts *counts)
{
    struct promise promise = {0};
    struct cat2_error err = {0};
    struct c2_cachefile *cf = NULL;
    int fds[2];

    need(c2_cachefile_create_slots(dirfd, "a", "e", meta, &cf, &err), "create", &err);
    c2_cachefile_unref(cf);
    need(pipe(fds) == 0, "pipe", &err);
    uint64_t seed = next_random(x);
    pid_t child = fork();
    need(child >= 0, "fork", &err);
    if (child == 0) {
        close(fds[0]);
        child_main(dirfd, source, seed, fds[1], evicts);
    }
    close(fds[1]);
    struct timespec nap = {.tv_nsec = (long)(50000 + next_random(x) % (evicts ? 25000000 : 4000000))};
    nanosleep(&nap, NULL); /* the moment of the kill is what is tried */
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    read_acks(fds[0], &promise, counts);
    close(fds[0]);
    counts->kills++;
    inspect(dirfd, source, &promise, counts);
}

int main(int argc, char **argv)
{
    static struct source source;
    struct counts counts = {0};
    struct cat2_error err = {0};
    struct c2_meta meta;
    int64_t seed, kills;

    if (argc != 4 || !c2_str_to_i64(c2_str_of(argv[2]), &seed) ||
        !c2_str_to_i64(c2_str_of(argv[3]), &kills)) {
        fprintf(stderr, "usage: cache_crash DIR SEED KILLS\n");
        return 2;
    }
    uint64_t x = (uint64_t)seed * 0x9e3779b97f4a7c15u + 1;
    c2_log_set_level(C2_ERROR);
    c2_codec_setup();
    int dirfd = c2_fs_open_dir(argv[1], true, &err);
    need(dirfd >= 0, argv[1], &err);
    make_meta(&meta);
    make_source(&meta, &source);
    for (int64_t i = 0; i < kills; i++)
        one_kill(dirfd, &meta, &source, &x, i % 2 == 1, &counts);
    printf("seed=%lld kills=%ld acked=%ld lost=%ld wrong=%ld unopened=%ld reads=%ld\n", (long long)seed,
           counts.kills, counts.acked, counts.lost, counts.wrong, counts.unopened, counts.reads);
    return counts.lost || counts.wrong || counts.unopened || counts.acked == 0;
}
