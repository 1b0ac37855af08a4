/* SPDX-License-Identifier: BSD-3-Clause */
/* A file driver of libhdf5 that reads, beneath one directory only. Few descriptors are open at once: a
 * virtual dataset may have thousands of sources, and libhdf5 keeps all of them open. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "hdf5/read/beneath_impl.h"

#define DESCRIPTORS_MAX   32 /* cat2h5 may have 64 */
#define SWMR_ATTEMPTS     12
#define CACHE_NBYTES      (1 << 20) /* of metadata, in the file; in memory it is several times that */
#define CACHE_NBYTES_MAX  (8 << 20) /* where libhdf5 sees that it reads things again */
#define SUPERBLOCK_NBYTES 12        /* of its beginning: signature, version, sizes, flags */
#define VERSION           1         /* of the class, as libraries since 1.14 want it */
#define VALUE             400       /* of drivers that nobody registered */

struct c2_h5_beneath_file {
    H5FD_t base;
    struct c2_h5_beneath *b;
    struct c2_h5_beneath_file *next, **at; /* in the list of the directory */
    char *filename;
    int fd; /* -1: closed for others' sake, or elsewhere */
    dev_t dev;
    ino_t ino;
    haddr_t eoa, eof;
};
typedef struct c2_h5_beneath_file file_t;

static hid_t driver = -1;

static file_t *of(const H5FD_t *base)
{
    return (file_t *)(uintptr_t)base;
}

/* ---- descriptors ---- */

static void unlink_file(file_t *file)
{
    *file->at = file->next;
    if (file->next) file->next->at = file->at;
}

static void link_first(file_t *file)
{
    struct c2_h5_beneath *b = file->b;

    file->next = b->files;
    file->at = &b->files;
    if (file->next) file->next->at = &file->next;
    b->files = file;
}

static void drop_descriptor(file_t *file)
{
    if (file->fd < 0) return;
    close(file->fd);
    file->fd = -1;
    file->b->ndescriptors--;
}

/* The one not read from for longest goes; that of the file itself (the last of the list as often as not) is
 * asked for by its number and stays. */
static void make_room(struct c2_h5_beneath *b)
{
    while (b->ndescriptors >= DESCRIPTORS_MAX) {
        file_t *last = NULL;
        for (file_t *file = b->files; file; file = file->next)
            if (file->fd >= 0 && strcmp(file->filename + b->dir_n + 1, b->others.p[0].rel) != 0) last = file;
        if (!last) return;
        drop_descriptor(last);
    }
}

static bool have_descriptor(file_t *file)
{
    struct stat st;

    if (file->b->elsewhere) return false;
    if (file->b->files != file) {
        unlink_file(file);
        link_first(file);
    }
    if (file->fd >= 0) return true;
    make_room(file->b);
    int fd =
        c2_fs_open_beneath(file->b->fd, c2_h5_beneath_rel(file->b, file->filename), O_RDONLY | O_NONBLOCK);
    if (fd < 0) return false;
    if (fstat(fd, &st) != 0 || st.st_dev != file->dev || st.st_ino != file->ino) { /* another one by now */
        close(fd);
        return false;
    }
    file->fd = fd;
    file->b->ndescriptors++;
    return true;
}

/* ---- what libhdf5 calls ---- */

static file_t *file_new(struct c2_h5_beneath *b, const char *name)
{
    file_t *file = calloc(1, sizeof(*file));

    if (file) file->filename = c2_str_dup(c2_str_of(name));
    if (!file || !file->filename) {
        free(file);
        return NULL;
    }
    file->b = b;
    file->fd = -1;
    return file;
}

static file_t *open_elsewhere(struct c2_h5_beneath *b, const char *name)
{
    file_t *file = c2_h5_beneath_is_only(b, name) ? file_new(b, name) : NULL;

    if (file) file->eof = (haddr_t)b->elsewhere->nbytes;
    return file;
}

static file_t *open_here(struct c2_h5_beneath *b, const char *name)
{
    struct stat st;

    make_room(b);
    int fd = c2_h5_beneath_take(b, name, O_RDONLY, &st);
    if (fd < 0) return NULL;
    file_t *file = file_new(b, name);
    if (!file) {
        close(fd);
        return NULL;
    }
    file->fd = fd;
    file->dev = st.st_dev;
    file->ino = st.st_ino;
    file->eof = (haddr_t)st.st_size;
    file->b->ndescriptors++;
    return file;
}

static H5FD_t *driver_open(const char *name, unsigned flags, hid_t fapl, haddr_t maxaddr)
{
    struct c2_h5_beneath *const *info = H5Pget_driver_info(fapl);

    (void)maxaddr;
    if (!info || !*info || flags & (H5F_ACC_RDWR | H5F_ACC_TRUNC | H5F_ACC_CREAT)) return NULL;
    if (name[0] != '/') return NULL; /* the working directory is nobody's place to look */
    file_t *file = (*info)->elsewhere ? open_elsewhere(*info, name) : open_here(*info, name);
    if (!file) return NULL;
    link_first(file);
    return &file->base;
}

/* The directory goes with the properties of a file, from which those of the files it links to are made. */
static void *copy_info(const void *info)
{
    void *copy = malloc(sizeof(struct c2_h5_beneath *));

    if (copy) memcpy(copy, info, sizeof(struct c2_h5_beneath *));
    return copy;
}

static void *get_info(H5FD_t *base)
{
    return copy_info(&of(base)->b);
}

static herr_t free_info(void *info)
{
    free(info);
    return 0;
}

static herr_t driver_close(H5FD_t *base)
{
    drop_descriptor(of(base));
    unlink_file(of(base));
    free(of(base)->filename);
    free(base);
    return 0;
}

static int driver_cmp(const H5FD_t *x, const H5FD_t *y)
{
    const file_t *a = of(x), *b = of(y);

    if (a->dev != b->dev) return a->dev < b->dev ? -1 : 1;
    return a->ino == b->ino ? 0 : a->ino < b->ino ? -1 : 1;
}

static herr_t driver_query(const H5FD_t *base, unsigned long *flags)
{
    (void)base;
    *flags = H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE | H5FD_FEAT_AGGREGATE_SMALLDATA |
             H5FD_FEAT_SUPPORTS_SWMR_IO | H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
    return 0;
}

static haddr_t driver_get_eoa(const H5FD_t *base, H5FD_mem_t type)
{
    (void)type;
    return of(base)->eoa;
}

static herr_t driver_set_eoa(H5FD_t *base, H5FD_mem_t type, haddr_t addr)
{
    (void)type;
    of(base)->eoa = addr;
    return 0;
}

static haddr_t driver_get_eof(const H5FD_t *base, H5FD_mem_t type)
{
    (void)type;
    return of(base)->eof;
}

static herr_t driver_get_handle(H5FD_t *base, hid_t fapl, void **handle)
{
    (void)fapl;
    if (!have_descriptor(of(base))) return -1;
    *handle = &of(base)->fd;
    return 0;
}

static herr_t read_elsewhere(const struct c2_h5_elsewhere *it, int64_t off, size_t n, uint8_t *to)
{
    size_t there = (size_t)c2_min_i64((int64_t)n, c2_max_i64(0, it->nbytes - off));

    memset(to + there, 0, n - there);
    return there == 0 || it->read(it->ctx, off, there, to) ? 0 : -1;
}

/* Beyond the end there are zeros: a file that grows is read by what it says of its length. */
static herr_t driver_read(H5FD_t *base, H5FD_mem_t type, hid_t dxpl, haddr_t addr, size_t n, void *to)
{
    const struct c2_h5_elsewhere *elsewhere = of(base)->b->elsewhere;
    uint8_t *at = to;

    (void)type;
    (void)dxpl;
    if (addr > INT64_MAX || n > INT64_MAX - addr) return -1;
    if (elsewhere) return read_elsewhere(elsewhere, (int64_t)addr, n, to);
    if (!have_descriptor(of(base))) return -1;
    while (n) {
        ssize_t got = pread(of(base)->fd, at, n, (off_t)addr);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -1;
        if (got == 0) {
            memset(at, 0, n);
            break;
        }
        at += got;
        addr += (haddr_t)got;
        n -= (size_t)got;
    }
    return 0;
}

static herr_t driver_write(H5FD_t *base, H5FD_mem_t type, hid_t dxpl, haddr_t addr, size_t n,
                           const void *from)
{
    (void)base;
    (void)type;
    (void)dxpl;
    (void)addr;
    (void)n;
    (void)from;
    return -1;
}

/* ---- the class, as libraries up to 1.12 and since 1.13 lay it out ---- */

#define MEMBERS                                                                                              \
    .name = "beneath", .maxaddr = INT64_MAX, .fc_degree = H5F_CLOSE_WEAK,                                    \
    .fapl_size = sizeof(struct c2_h5_beneath *), .fapl_get = get_info, .fapl_copy = copy_info,               \
    .fapl_free = free_info, .open = driver_open, .close = driver_close, .cmp = driver_cmp,                   \
    .query = driver_query, .get_eoa = driver_get_eoa, .set_eoa = driver_set_eoa, .get_eof = driver_get_eof,  \
    .get_handle = driver_get_handle, .read = driver_read, .write = driver_write,                             \
    .fl_map = H5FD_FLMAP_DICHOTOMY

static const H5FD_class_t BEFORE = {MEMBERS};

struct since {
    unsigned version;
    int value;
    const char *name;
    haddr_t maxaddr;
    H5F_close_degree_t fc_degree;
    void (*terminate)(void), (*superblock[3])(void);
    size_t fapl_size;
    void *(*fapl_get)(H5FD_t *file);
    void *(*fapl_copy)(const void *info);
    herr_t (*fapl_free)(void *info);
    size_t dxpl_size;
    void (*dxpl[2])(void);
    H5FD_t *(*open)(const char *name, unsigned flags, hid_t fapl, haddr_t maxaddr);
    herr_t (*close)(H5FD_t *file);
    int (*cmp)(const H5FD_t *a, const H5FD_t *b);
    herr_t (*query)(const H5FD_t *file, unsigned long *flags);
    void (*type_map_alloc_free[3])(void);
    haddr_t (*get_eoa)(const H5FD_t *file, H5FD_mem_t type);
    herr_t (*set_eoa)(H5FD_t *file, H5FD_mem_t type, haddr_t addr);
    haddr_t (*get_eof)(const H5FD_t *file, H5FD_mem_t type);
    herr_t (*get_handle)(H5FD_t *file, hid_t fapl, void **handle);
    herr_t (*read)(H5FD_t *file, H5FD_mem_t type, hid_t dxpl, haddr_t addr, size_t n, void *to);
    herr_t (*write)(H5FD_t *file, H5FD_mem_t type, hid_t dxpl, haddr_t addr, size_t n, const void *from);
    void (*vectors_flush_truncate_locks_del_ctl[10])(void);
    H5FD_mem_t fl_map[H5FD_MEM_NTYPES];
};
static const struct since SINCE = {.version = VERSION, .value = VALUE, MEMBERS};

bool c2_h5_beneath_setup(struct cat2_error *err)
{
    unsigned major = 0, minor = 0, patch = 0;

    if (driver >= 0) return true;
    H5get_libversion(&major, &minor, &patch);
    bool since = major > 1 || minor >= 13;
    driver = H5FDregister(since ? (const H5FD_class_t *)(const void *)&SINCE : &BEFORE);
    return driver >= 0 || c2_h5_fail(err, CAT2_EIO, "the file driver cannot be registered");
}

/* ---- opening ---- */

/* A walk looks at every object once, and needs none of it. The index of some 10^5 chunks has its place. */
static bool limit_cache(hid_t fapl)
{
    H5AC_cache_config_t config = {.version = H5AC__CURR_CACHE_CONFIG_VERSION};

    if (H5Pget_mdc_config(fapl, &config) < 0) return false;
    config.set_initial_size = true;
    config.initial_size = config.min_size = CACHE_NBYTES;
    config.max_size = CACHE_NBYTES_MAX;
    return H5Pset_mdc_config(fapl, &config) >= 0;
}

static hid_t make_fapl(struct c2_h5_beneath *b)
{
    hid_t fapl = H5Pcreate(H5P_FILE_ACCESS);

    if (fapl >= 0 && (H5Pset_driver(fapl, driver, &b) < 0 || !limit_cache(fapl))) {
        H5Pclose(fapl);
        return -1;
    }
    return fapl;
}

static bool read_head(struct c2_h5_beneath *b, const char *filename, uint8_t head[SUPERBLOCK_NBYTES])
{
    const struct c2_h5_elsewhere *elsewhere = b->elsewhere;

    if (elsewhere)
        return elsewhere->nbytes >= SUPERBLOCK_NBYTES &&
               elsewhere->read(elsewhere->ctx, 0, SUPERBLOCK_NBYTES, head);
    const char *rel = c2_h5_beneath_rel(b, filename);
    int fd = rel ? c2_fs_open_beneath(b->fd, rel, O_RDONLY | O_NONBLOCK) : -1;
    bool ok = fd >= 0 && pread(fd, head, SUPERBLOCK_NBYTES, 0) == SUPERBLOCK_NBYTES;
    if (fd >= 0) close(fd);
    return ok;
}

/* The newest superblock keeps a mark while a writer has the file open. */
static bool is_being_written(struct c2_h5_beneath *b, const char *filename)
{
    uint8_t head[SUPERBLOCK_NBYTES];

    return read_head(b, filename, head) && head[8] == 3 && (head[11] & 1);
}

hid_t c2_h5_beneath_open(struct c2_h5_beneath *b, const char *filename)
{
    hid_t file = -1;

    if (b->fapl < 0) b->fapl = make_fapl(b);
    if (b->fapl < 0) return -1;
    if (is_being_written(b, filename)) { /* some libraries would open it, and then not see what grows */
        if (b->swmr_fapl < 0) { /* what is torn is read again, a few times: libhdf5 would go on for minutes */
            b->swmr_fapl = make_fapl(b);
            if (b->swmr_fapl >= 0) H5Pset_metadata_read_attempts(b->swmr_fapl, SWMR_ATTEMPTS);
        }
        file = H5Fopen(filename, H5F_ACC_RDONLY | H5F_ACC_SWMR_READ, b->swmr_fapl);
        if (file < 0) H5Eclear2(H5E_DEFAULT);
    }
    return file >= 0 ? file : H5Fopen(filename, H5F_ACC_RDONLY, b->fapl);
}
