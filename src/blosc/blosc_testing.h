/* SPDX-License-Identifier: BSD-3-Clause */
/* Helpers of this room's tests: the corpus of real frames and what their chunks decode to. */
#ifndef C2_BLOSC_BLOSC_TESTING_H
#define C2_BLOSC_BLOSC_TESTING_H

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base_testing.h"
#include "blosc/codec.h"
#include "blosc/frame.h"

#define FRAMES_DIR C2_TEST_DATA "/corpus/frame"
#define FNV_START  0xcbf29ce484222325u

/* A line of expected-vN.txt; {0} is in front of the first. */
struct sample {
    FILE *list; /* that it is read from, the second of both when `second` is set */
    bool second;
    char name[64], shape[80];
    long long nbytes;
    unsigned long long hash;
};

static inline uint64_t fnv1a(uint64_t h, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001b3u;
    return h;
}

/* The next sample of both lists. */
static inline bool next_sample(struct sample *s)
{
    for (;; s->second = true) {
        if (!s->list)
            s->list = fopen(s->second ? FRAMES_DIR "/expected-v4.txt" : FRAMES_DIR "/expected-v2.txt", "r");
        assert_non_null(s->list);
        if (fscanf(s->list, "%63s %lld %llx %79s", s->name, &s->nbytes, &s->hash, s->shape) == 4) return true;
        fclose(s->list);
        s->list = NULL;
        if (s->second) return false;
    }
}

static inline struct c2_frame *open_sample(const char *name)
{
    char path[512];
    struct stat st;
    struct cat2_error err = {0};
    struct c2_frame *frame = NULL;

    snprintf(path, sizeof(path), "%s/%s", FRAMES_DIR, name);
    assert_int_equal(stat(path, &st), 0);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    bool ok = S_ISDIR(st.st_mode) ? c2_frame_open_dir(fd, name, &frame, &err)
                                  : c2_frame_open_fd(fd, name, &frame, &err);
    if (!ok) fail_msg("%s", err.message);
    return frame;
}

/* Hash of all chunks decoded, and their bytes together. */
static inline uint64_t hash_frame(struct c2_codec *codec, struct c2_frame *frame, long long *nbytes)
{
    const struct c2_meta *meta = c2_frame_meta(frame);
    struct cat2_error err = {0};
    uint64_t h = FNV_START;
    uint8_t *plain = malloc((size_t)meta->chunksize + 1);

    *nbytes = 0;
    for (int64_t i = 0; i < meta->nchunks; i++) {
        C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
        bool ok = c2_frame_chunk(frame, i, &chunk, &err);
        int64_t n = c2_min_i64(meta->chunksize, meta->nbytes - i * meta->chunksize);
        memset(plain, 0xa5, (size_t)meta->chunksize);
        ok = ok && c2_codec_decode(codec, meta, c2_buf_bytes(&chunk), plain, &err);
        if (!ok) fail_msg("%s: %s", meta->urlpath, err.message);
        h = fnv1a(h, plain, (size_t)n);
        *nbytes += n;
    }
    free(plain);
    return h;
}

#endif
