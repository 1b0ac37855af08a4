/* SPDX-License-Identifier: BSD-3-Clause */
/* A publisher's frame goes through a cache file whose bytes change on the disk: what can be read is what was
 * stored. Input: how many changes, each 4 bytes (which file, its distance from the start or the end, what
 * becomes of the byte), then the frame. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "blosc/codec.h"
#include "cache/cachefile.h"

#define CHUNK_MAX (1 << 16)
#define CHUNKS    16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[64];
static int dirfd = -1;
static struct c2_buf chunks[CHUNKS]; /* as they were stored */

static void leave(void)
{
    struct cat2_error err;

    (void)c2_cachefile_remove(dirfd, "a", &err);
    close(dirfd);
    rmdir(folder);
}

static struct c2_cachefile *make(struct c2_frame *frame)
{
    const struct c2_frame_layout *l = c2_frame_layout(frame);
    C2_AUTO(c2_buf) head = C2_BUF_INIT(1 << 24), tail = C2_BUF_INIT(1 << 24);
    struct c2_cachefile *cf = NULL;
    struct cat2_error err;

    if (!c2_buf_resize(&head, (size_t)l->header_len, &err) ||
        !c2_buf_resize(&tail, (size_t)(l->frame_len - l->index_off), &err) ||
        !c2_frame_pread(frame, head.p, head.n, 0, &err) ||
        !c2_frame_pread(frame, tail.p, tail.n, l->index_off, &err) ||
        !c2_cachefile_create_mirror(dirfd, "a", "1:1", c2_buf_bytes(&head), c2_buf_bytes(&tail), l->frame_len,
                                    l->blocksize, &cf, &err))
        return NULL;
    return cf;
}

static int fill(struct c2_cachefile *cf, struct c2_frame *frame)
{
    int n = 0;

    for (; n < c2_frame_meta(frame)->nchunks && n < CHUNKS; n++) {
        struct cat2_error err;
        c2_buf_clear(&chunks[n]);
        if (!c2_frame_chunk(frame, n, &chunks[n], &err)) continue;
        if (!c2_cachefile_put(cf, n, c2_buf_bytes(&chunks[n]), &err)) c2_buf_clear(&chunks[n]);
    }
    return n;
}

/* Reading says what was stored, or that it is not there. */
static void compare(struct c2_cachefile *cf, int n)
{
    struct c2_chunks source = c2_cachefile_chunks(cf);

    for (int i = 0; i < n; i++) {
        C2_AUTO(c2_buf) now = C2_BUF_INIT(1 << 24);
        struct c2_chunk_stat stat;
        struct cat2_error err;
        if (!c2_chunk_stat(&source, i, &stat, &err) || stat.kind != C2_CHUNK_STORED || stat.cbytes <= 0 ||
            !c2_buf_resize(&now, (size_t)stat.cbytes, &err) ||
            !c2_chunk_read(&source, i, 0, stat.cbytes, now.p, &err))
            continue;
        C2_ASSERT(now.n == chunks[i].n && memcmp(now.p, chunks[i].p, now.n) == 0);
    }
}

static void change(const uint8_t edit[4])
{
    int fd = openat(dirfd, edit[0] % 2 ? "a" : "a.idx", O_RDWR | O_CLOEXEC);
    struct stat st;
    uint8_t byte;

    C2_ASSERT(fd >= 0 && fstat(fd, &st) == 0);
    int64_t at = edit[1] | edit[2] << 8, off = edit[0] & 2 ? at : st.st_size - 1 - at;
    if (edit[0] & 4) C2_ASSERT(ftruncate(fd, off >= 0 && off < st.st_size ? off : 0) == 0);
    if (off >= 0 && pread(fd, &byte, 1, off) == 1) {
        byte ^= edit[3];
        C2_ASSERT(pwrite(fd, &byte, 1, off) == 1);
    }
    close(fd);
}

static void look_again(int n)
{
    C2_AUTO_PTR(c2_cachefile) *cf = NULL;
    struct c2_scrub scrub = {0};
    struct cat2_error err = {0};

    if (!c2_cachefile_open(dirfd, "a", "1:1", &cf, &err)) {
        C2_ASSERT(err.code != CAT2_OK && err.message[0]);
        return;
    }
    compare(cf, n);
    (void)c2_cachefile_scrub(cf, &scrub, INT64_MAX / 2, &err);
    compare(cf, n);
    for (int i = 0; i < n; i++)
        if (chunks[i].n) (void)c2_cachefile_put(cf, i, c2_buf_bytes(&chunks[i]), &err);
    compare(cf, n);
    (void)c2_cachefile_evict(cf, INT64_MAX / 2);
    compare(cf, n);
}

static void setup(void)
{
    struct cat2_error err;

    snprintf(folder, sizeof(folder), "%s/c2-cache-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    C2_ASSERT(mkdtemp(folder));
    dirfd = c2_fs_open_dir(folder, false, &err);
    C2_ASSERT(dirfd >= 0 && atexit(leave) == 0);
    c2_codec_setup();
    for (int i = 0; i < CHUNKS; i++)
        c2_buf_init(&chunks[i], 1 << 24);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    C2_AUTO(c2_buf) bytes = C2_BUF_INIT(1 << 24);
    C2_AUTO_PTR(c2_frame) *frame = NULL;
    struct cat2_error err;

    if (dirfd < 0) setup();
    size_t nedits = size ? data[0] % 16 : 0, skip = 1 + 4 * nedits;
    if (size <= skip || !c2_buf_append(&bytes, data + skip, size - skip, &err) ||
        !c2_frame_open_buf(&bytes, "input", &frame, &err) || c2_frame_refusal(frame) ||
        c2_frame_meta(frame)->chunksize > CHUNK_MAX || c2_frame_meta(frame)->nchunks > 4096)
        return 0;
    struct c2_cachefile *cf = make(frame);
    if (!cf) return 0;
    int n = fill(cf, frame);
    compare(cf, n);
    c2_cachefile_unref(cf);
    for (size_t i = 0; i < nedits; i++)
        change(data + 1 + 4 * i);
    look_again(n);
    return 0;
}
