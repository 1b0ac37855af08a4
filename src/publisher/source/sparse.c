/* SPDX-License-Identifier: BSD-3-Clause */
/* Directories of NNNNNNNN.chunk files. */
#include "publisher/source/sparse.h"
#include "base/hash.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"

bool c2_sparse_is_chunk_name(struct c2_str name)
{
    return name.n == 14 && c2_str_ends(name, ".chunk") && strspn(name.p, "0123456789ABCDEF") == 8;
}

static uint64_t digest_of(const struct stat *st, int64_t *ctime_ns)
{
    struct c2_file_key key;

    c2_file_key_of(st, &key);
    *ctime_ns = key.ctime_ns;
    key.dev = 0;
    return c2_hash64(&key, sizeof(key));
}

static bool add_part(struct c2_sparse_parts *parts, const char *name, const struct stat *st,
                     struct cat2_error *err)
{
    int64_t ctime_ns;

    struct c2_sparse_part part = {strtoull(name, NULL, 16), digest_of(st, &ctime_ns)};
    if (!c2_vec_push(parts, C2_VEC_NO_MAX, "chunks of a sparse frame", err, part)) return false;
    parts->ctime_ns = c2_max_i64(parts->ctime_ns, ctime_ns);
    return true;
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = ((const struct c2_sparse_part *)a)->number, y = ((const struct c2_sparse_part *)b)->number;

    return (x > y) - (x < y);
}

/* Look at all of them. */
static bool scan(int dirfd, struct c2_sparse_parts *out, struct cat2_error *err)
{
    int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    bool ok = true;

    *out = (struct c2_sparse_parts){0};
    if (!dir) {
        int errnum = errno;
        if (fd >= 0) close(fd);
        return c2_fail_errno(err, errnum, "the chunks of a sparse frame");
    }
    for (struct dirent *entry = readdir(dir); ok && entry; entry = readdir(dir)) {
        struct stat st;
        if (!c2_sparse_is_chunk_name(c2_str_of(entry->d_name))) continue;
        if (fstatat(dirfd, entry->d_name, &st, 0) == 0) ok = add_part(out, entry->d_name, &st, err);
    }
    closedir(dir);
    if (out->n) qsort(out->p, out->n, sizeof(*out->p), by_number);
    if (!ok) c2_sparse_parts_fini(out);
    return ok;
}

void c2_sparse_parts_fini(struct c2_sparse_parts *parts)
{
    free(parts->p);
    *parts = (struct c2_sparse_parts){0};
}

/* The key of the frame: that of its index, and of these. */
static void key_of(const struct c2_sparse_parts *parts, const struct c2_file_key *index,
                   struct c2_file_key *out)
{
    *out = *index;
    out->ctime_ns = c2_max_i64(index->ctime_ns, parts->ctime_ns);
    out->parts = c2_hash64(parts->p, parts->n * sizeof(*parts->p)) | 1;
}

bool c2_sparse_same(const struct c2_sparse_parts *parts, int dirfd, int64_t number)
{
    struct c2_sparse_part wanted = {(uint64_t)number, 0};
    char name[32];
    struct stat st;
    int64_t ignored;

    if (parts->n == 0) return false;
    const struct c2_sparse_part *part = bsearch(&wanted, parts->p, parts->n, sizeof(*parts->p), by_number);
    snprintf(name, sizeof(name), "%08llX.chunk", (unsigned long long)number);
    return part && fstatat(dirfd, name, &st, 0) == 0 && digest_of(&st, &ignored) == part->digest;
}

bool c2_sparse_key_at(int root, const char *path, const struct stat *st, struct c2_sparse_parts *parts,
                      struct c2_file_key *out, struct cat2_error *err)
{
    C2_AUTO(c2_fd) dir = {c2_fs_open(root, path, O_RDONLY | O_DIRECTORY, err)};
    struct c2_file_key index;

    if (dir.fd < 0 || !scan(dir.fd, parts, err)) return false;
    c2_file_key_of(st, &index);
    key_of(parts, &index, out);
    return true;
}
