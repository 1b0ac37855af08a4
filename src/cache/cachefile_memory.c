/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a cache file's bytes are: two files, or two mappings of this process where the disk cannot take them.
 * Mappings are as sparse as files are; all of them together are bounded. */
#include "cache/cachefile_impl.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/fs.h"

/* The system takes memory for as much as is written at once, in one piece if it can. Large pieces are seldom
 * of memory that was just in use: where a machine is virtual, its host has to find them first. */
#define WRITE_NBYTES ((size_t)256 << 10)

static atomic_llong in_memory; /* compressed bytes of chunks, of all cache files without a file */

int64_t c2_cachefile_memory_nbytes(void)
{
    return atomic_load(&in_memory);
}

bool c2_cachefile_is_in_memory(const struct c2_cachefile *cf)
{
    return cf->fd < 0;
}

void *c2_cache_map(int64_t len, struct cat2_error *err)
{
    void *map =
        mmap(NULL, (size_t)len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (map != MAP_FAILED) return map;
    c2_fail_nomem(err, "cache in memory");
    return NULL;
}

bool c2_cache_pread(const struct c2_cachefile *cf, void *to, size_t n, int64_t off, struct cat2_error *err)
{
    if (cf->fd >= 0) return c2_fs_pread(cf->fd, to, n, off, err);
    return c2_frame_pread(cf->frame, to, n, off, err);
}

static bool write_file(int fd, const uint8_t *from, size_t n, int64_t off, struct cat2_error *err)
{
    for (size_t at = 0; at < n; at += WRITE_NBYTES) {
        size_t some = n - at < WRITE_NBYTES ? n - at : WRITE_NBYTES;
        if (!c2_fs_pwrite(fd, from + at, some, off + (int64_t)at, err)) return false;
    }
    return true;
}

bool c2_cache_pwrite(struct c2_cachefile *cf, const void *from, size_t n, int64_t off, struct cat2_error *err)
{
    if (cf->fd >= 0) return write_file(cf->fd, from, n, off, err);
    C2_ASSERT(off >= 0 && n <= cf->frame->bytes.n && (size_t)off <= cf->frame->bytes.n - n);
    if (n) memcpy(cf->frame->bytes.p + off, from, n);
    return true;
}

bool c2_cache_pwrite_idx(struct c2_cachefile *cf, const void *from, size_t n, int64_t off,
                         struct cat2_error *err)
{
    if (cf->fd >= 0) return c2_fs_pwrite(cf->idx_fd, from, n, off, err);
    /* Readers look without a lock: whole words, which they check. */
    C2_ASSERT(off >= 0 && off % 4 == 0 && n % 4 == 0 && n <= cf->map_len && (size_t)off <= cf->map_len - n);
    for (size_t i = 0; i < n; i += 4) {
        uint32_t word;
        memcpy(&word, (const uint8_t *)from + i, 4);
        __atomic_store_n((uint32_t *)(void *)(cf->map + off + i), word, __ATOMIC_RELEASE);
    }
    return true;
}

void c2_cache_count_stored(struct c2_cachefile *cf, int64_t nbytes)
{
    if (cf->fd >= 0) return;
    atomic_fetch_add(&cf->stored, nbytes);
    atomic_fetch_add(&in_memory, nbytes);
}

void c2_cache_forget(const struct c2_cachefile *cf, int64_t off, int64_t n)
{
    int64_t page = sysconf(_SC_PAGESIZE), from = c2_div_ceil(off, page) * page, to = (off + n) / page * page;

    if (from < to) (void)madvise(cf->frame->bytes.p + from, (size_t)(to - from), MADV_DONTNEED);
}
