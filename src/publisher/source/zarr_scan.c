/* SPDX-License-Identifier: BSD-3-Clause */
/* Chunk files of an array are looked at in the order in which folders list them, and sorted then. */
#include "publisher/source/zarr_scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/bisect.h"
#include "base/fs.h"
#include "base/hash.h"

#define LAYOUT 1 /* of what is made of the files: another one is another generation */

struct scanning {
    struct c2_zs_scan *scan;
    struct c2_zs_place *place; /* the folder at hand */
};

/* ---- keys ---- */

/* A plain decimal number less than max, at the start of text. */
static bool take_number(struct c2_cursor *in, int64_t max, uint64_t *number)
{
    int64_t n = 0;
    const char *start = in->p;

    while (!c2_cursor_done(in) && c2_is_digit(*in->p) && n < max)
        n = 10 * n + (*in->p++ - '0');
    if (in->p == start || n >= max || (*start == '0' && in->p - start > 1)) return false;
    *number = *number * (uint64_t)max + (uint64_t)n;
    return true;
}

/* A name with all numbers, as "0.1"; "0" of version 2, without axes. */
static bool number_of(const struct c2_zs_scan *scan, struct c2_str name, uint64_t *number)
{
    const struct c2_zs_array *array = &scan->array;
    struct c2_cursor in = c2_cursor_of(name);

    *number = 0;
    if (array->ndim == 0) return c2_str_is(name, array->prefixed ? "c" : "0");
    if (array->prefixed && array->separator == '.' && !c2_cursor_eat(&in, "c.")) return false;
    for (int i = 0; i < array->ndim; i++)
        if ((i > 0 && !c2_cursor_eat(&in, ".")) || !take_number(&in, scan->along[i], number)) return false;
    return c2_cursor_done(&in);
}

bool c2_zs_chunk_name(const struct c2_zs_scan *scan, uint64_t number, struct c2_buf *out,
                      struct cat2_error *err)
{
    const struct c2_zs_array *array = &scan->array;
    uint64_t at[C2_DIM_MAX];

    if (array->prefixed && !c2_buf_putc(out, 'c', err)) return false;
    if (array->ndim == 0) return array->prefixed || c2_buf_putc(out, '0', err);
    for (int i = array->ndim - 1; i >= 0; i--) {
        at[i] = number % (uint64_t)scan->along[i];
        number /= (uint64_t)scan->along[i];
    }
    for (int i = 0; i < array->ndim; i++)
        if (((i > 0 || array->prefixed) && !c2_buf_putc(out, array->separator, err)) ||
            !c2_buf_printf(out, err, "%llu", (unsigned long long)at[i]))
            return false;
    return true;
}

/* ---- looking ---- */

static bool add_part(struct scanning *s, int fd, const char *name, uint64_t number, struct cat2_error *err)
{
    struct c2_zs_scan *scan = s->scan;
    struct c2_zs_part part = {number, C2_ZS_NO_FILE};
    struct stat st;

    if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0) return true; /* gone meanwhile */
    if (S_ISLNK(st.st_mode)) {
        C2_AUTO(c2_fd) file = {c2_zs_open(s->place, name, O_PATH)};
        if (file.fd < 0 || fstat(file.fd, &st) != 0) st.st_mode = 0;
    }
    if (S_ISREG(st.st_mode)) {
        part.digest = c2_zs_digest(&st, &scan->mtime_ns, &scan->ctime_ns);
        if (!c2_add_i64(scan->nbytes, st.st_size, &scan->nbytes)) scan->nbytes = INT64_MAX;
    }
    return c2_vec_push(scan, C2_NCHUNKS_MAX, "chunk files of an array", err, part);
}

static bool look_into(struct scanning *s, int axis, uint64_t before, struct cat2_error *err);

static bool look_below(struct scanning *s, const char *name, int axis, uint64_t before,
                       struct cat2_error *err)
{
    struct c2_buf *path = &s->place->path;
    size_t n = path->n;

    bool ok = (n == 0 || c2_buf_putc(path, '/', err)) && c2_buf_puts(path, name, err) &&
              look_into(s, axis, before, err);
    path->n = n;
    if (path->p) path->p[n] = '\0';
    return ok;
}

/* axis: which number the names of the folder are; keys in one name have all of them. */
static bool look_at(struct scanning *s, int fd, const char *name, int axis, uint64_t before,
                    struct cat2_error *err)
{
    const struct c2_zs_array *array = &s->scan->array;
    struct c2_cursor in = c2_cursor_of(c2_str_of(name));
    uint64_t number = before;

    if (array->separator == '.' || array->ndim == 0)
        return !number_of(s->scan, c2_str_of(name), &number) || add_part(s, fd, name, number, err);
    if (!take_number(&in, s->scan->along[axis], &number) || !c2_cursor_done(&in)) return true;
    return axis + 1 == array->ndim ? add_part(s, fd, name, number, err)
                                   : look_below(s, name, axis + 1, number, err);
}

static bool look_into(struct scanning *s, int axis, uint64_t before, struct cat2_error *err)
{
    int64_t ignored = 0;
    struct stat st;
    int fd = c2_zs_open(s->place, "", O_RDONLY | O_DIRECTORY);
    bool ok = true;

    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == EXDEV || errno == ELOOP)) return true;
    DIR *dir = fd >= 0 && fstat(fd, &st) == 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        int errnum = errno;
        if (fd >= 0) close(fd);
        return c2_fail_errno(err, errnum, "the chunks cannot be listed");
    }
    c2_zs_digest(&st, &ignored, &s->scan->ctime_ns);
    errno = 0;
    for (struct dirent *entry = readdir(dir); ok && entry; entry = readdir(dir)) {
        ok = look_at(s, fd, entry->d_name, axis, before, err);
        errno = 0;
    }
    if (ok && errno) ok = c2_fail_errno(err, errno, "the chunks cannot be listed");
    closedir(dir);
    return ok;
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = ((const struct c2_zs_part *)a)->number, y = ((const struct c2_zs_part *)b)->number;

    return (x > y) - (x < y);
}

/* ---- a state ---- */

static void name_state(struct c2_zs_scan *scan)
{
    struct c2_hasher hasher;
    uint64_t head[2] = {LAYOUT, scan->metadata};

    if (scan->n) qsort(scan->p, scan->n, sizeof(*scan->p), by_number);
    c2_hasher128_begin(&hasher);
    c2_hasher128_add(&hasher, head, sizeof(head));
    if (scan->n) c2_hasher128_add(&hasher, scan->p, scan->n * sizeof(*scan->p));
    scan->digest = c2_hasher128_end(&hasher);
}

static bool fill(const struct c2_container *c, const char *rel, struct c2_zs_scan *scan,
                 struct cat2_error *err)
{
    C2_AUTO(c2_zs_place) place = {-1, C2_BUF_INIT(0)};
    C2_AUTO(c2_zs_node) node = {0};
    struct scanning s = {scan, &place};
    struct timespec now;
    bool empty = false;

    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    scan->began_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    if (!c2_zs_place_of(c, rel, &place, err) || !c2_zs_node_read(&place, &node, err)) return false;
    if (node.type != C2_ZS_ARRAY) return c2_fail(err, CAT2_ENOTFOUND, "Not Found");
    scan->metadata = node.digest;
    scan->mtime_ns = node.mtime_ns;
    scan->ctime_ns = node.ctime_ns;
    if (!c2_zs_node_array(&node, &scan->array, err)) return false;
    for (int i = 0; i < scan->array.ndim; i++)
        scan->along[i] = c2_div_ceil(scan->array.shape[i], scan->array.files[i]);
    for (int i = 0; i < scan->array.ndim; i++)
        empty = empty || scan->along[i] == 0;
    bool below = scan->array.prefixed && scan->array.separator == '/' && scan->array.ndim > 0;
    if (!empty && !(below ? look_below(&s, "c", 0, 0, err) : look_into(&s, 0, 0, err))) return false;
    name_state(scan);
    return true;
}

bool c2_zs_scan_new(const struct c2_container *c, const char *rel, struct c2_zs_scan **out,
                    struct cat2_error *err)
{
    struct c2_zs_scan *scan = calloc(1, sizeof(*scan));

    if (!scan) return c2_fail_nomem(err, "array");
    atomic_init(&scan->refs, 1);
    if (!fill(c, rel, scan, err)) {
        c2_zs_scan_unref(scan);
        return false;
    }
    *out = scan;
    return true;
}

struct c2_zs_scan *c2_zs_scan_ref(struct c2_zs_scan *scan)
{
    atomic_fetch_add(&scan->refs, 1);
    return scan;
}

void c2_zs_scan_unref(struct c2_zs_scan *scan)
{
    if (!scan || atomic_fetch_sub(&scan->refs, 1) != 1) return;
    c2_zs_array_fini(&scan->array);
    c2_vec_fini(scan);
    free(scan);
}

bool c2_zs_scan_is_still(const struct c2_zs_scan *scan)
{
    struct c2_file_key key = {.ctime_ns = scan->ctime_ns};

    return scan->ctime_ns < scan->began_ns && c2_file_is_quiet(&key);
}

uint64_t c2_zs_scan_part(const struct c2_zs_scan *scan, uint64_t number)
{
    size_t at;

    c2_bisect(at, scan->n, scan->p[at].number < number);
    return at < scan->n && scan->p[at].number == number ? scan->p[at].digest : 0;
}
