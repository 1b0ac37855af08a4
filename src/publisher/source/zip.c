/* SPDX-License-Identifier: BSD-3-Clause */
/* The central directory of a ZIP file. All numbers are little-endian. */
#include "publisher/source/zip.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/endian.h"
#include "base/fs.h"

#define END_NBYTES     22           /* the record at the end, without its comment */
#define TAIL_NBYTES    1024         /* looked at first */
#define COMMENT_MAX    65535        /* its length has 16 bits */
#define END64_NBYTES   56           /* of the ZIP64 record, whose place the locator tells */
#define LOCATOR_NBYTES 20           /* in front of the first record */
#define HEAD_NBYTES    46           /* of an entry in the directory, then name, extra field, comment */
#define LOCAL_NBYTES   30           /* of its header in front of its bytes, then name and extra field */
#define DIRECTORY_MAX  (256u << 20) /* bytes: 256 an entry */
#define ENCRYPTED      1            /* flag */
#define OVERFLOW32     0xffffffffu  /* the number is in the ZIP64 extra field */
#define EXTRA_ZIP64    1

/* -1: it cannot be examined. */
static int64_t size_of(const struct c2_zip_file *file)
{
    struct stat st;

    if (file->object) return file->pin->state.nbytes;
    return fstat(file->fd, &st) == 0 ? (int64_t)st.st_size : -1;
}

static bool read_at(const struct c2_zip_file *file, void *to, size_t n, int64_t off, struct cat2_error *err)
{
    if (file->object) return c2_object_bytes_read(file->object, file->pin, off, n, to, err);
    return c2_fs_pread(file->fd, to, n, off, err);
}

struct directory {
    int64_t at, n, nentries;
};

static bool damaged(struct cat2_error *err, const char *what)
{
    return c2_fail(err, CAT2_EDATA, "is no ZIP file, or one that is cut off: %s", what);
}

/* The last record that has nothing but its comment behind it, among the last n bytes. */
static bool find_end_in(const struct c2_zip_file *file, int64_t size, size_t n, uint8_t end[END_NBYTES],
                        int64_t *at, struct cat2_error *err)
{
    C2_AUTO(c2_buf) tail = C2_BUF_INIT(END_NBYTES + COMMENT_MAX);

    if (!c2_buf_resize(&tail, n, err) || !read_at(file, tail.p, n, size - (int64_t)n, err)) return false;
    for (size_t i = n - END_NBYTES + 1; i-- > 0;) {
        const uint8_t *p = tail.p + i;
        if (memcmp(p, "PK\5\6", 4) != 0 || c2_le16(p + 20) != n - i - END_NBYTES) continue;
        memcpy(end, p, END_NBYTES);
        *at = size - (int64_t)(n - i);
        return true;
    }
    return damaged(err, "it has no end record");
}

/* Few have a comment. */
static bool find_end(const struct c2_zip_file *file, int64_t size, uint8_t end[END_NBYTES], int64_t *at,
                     struct cat2_error *err)
{
    size_t few = (size_t)c2_min_i64(size, TAIL_NBYTES),
           most = (size_t)c2_min_i64(size, END_NBYTES + COMMENT_MAX);

    if (size < END_NBYTES) return damaged(err, "too short");
    if (find_end_in(file, size, few, end, at, err)) return true;
    return err->code == CAT2_EDATA && most > few && find_end_in(file, size, most, end, at, err);
}

/* Where the directory is, of a file of more than 4 GiB or 65535 entries, if it is one. */
static bool find_wide(const struct c2_zip_file *file, int64_t end_at, struct directory *out,
                      struct cat2_error *err)
{
    uint8_t locator[LOCATOR_NBYTES], end[END64_NBYTES];
    int64_t at;

    if (end_at < LOCATOR_NBYTES + END64_NBYTES) return true;
    if (!read_at(file, locator, sizeof(locator), end_at - LOCATOR_NBYTES, err)) return false;
    if (memcmp(locator, "PK\6\7", 4) != 0) return true;
    at = (int64_t)c2_le64(locator + 8);
    if (at < 0 || at > end_at - LOCATOR_NBYTES - END64_NBYTES) return damaged(err, "its second end record");
    if (!read_at(file, end, sizeof(end), at, err)) return false;
    if (memcmp(end, "PK\6\6", 4) != 0) return damaged(err, "its second end record");
    *out = (struct directory){(int64_t)c2_le64(end + 48), (int64_t)c2_le64(end + 40),
                              (int64_t)c2_le64(end + 32)};
    return true;
}

static bool find_directory(const struct c2_zip_file *file, int64_t size, struct directory *out,
                           struct cat2_error *err)
{
    uint8_t end[END_NBYTES] = {0};
    int64_t end_at = 0;

    if (!find_end(file, size, end, &end_at, err)) return false;
    *out = (struct directory){c2_le32(end + 16), c2_le32(end + 12), c2_le16(end + 10)};
    if (!find_wide(file, end_at, out, err)) return false;
    if (out->at < 0 || out->n < 0 || out->nentries < 0 || out->at > end_at || out->n > end_at - out->at)
        return damaged(err, "its directory leaves the file");
    if (out->n > DIRECTORY_MAX || out->nentries > C2_ZIP_ENTRIES_MAX)
        return c2_fail(err, CAT2_ELIMIT, "is a ZIP file of more than %d entries", C2_ZIP_ENTRIES_MAX);
    return true;
}

/* What does not fit in 32 bits, in the order in which it is missing. */
static bool widen(const uint8_t *extra, size_t n, int64_t *const numbers[], size_t nnumbers)
{
    while (n >= 4) {
        size_t id = c2_le16(extra), len = c2_le16(extra + 2);
        if (len > n - 4) return false;
        if (id == EXTRA_ZIP64) {
            for (size_t i = 0; i < nnumbers; i++) {
                if (len < 8 * (i + 1)) return false;
                *numbers[i] = (int64_t)c2_le64(extra + 4 + 8 * i);
            }
            return true;
        }
        extra += 4 + len;
        n -= 4 + len;
    }
    return nnumbers == 0;
}

/* *used: the bytes of the entry. Folders, whose names end with a slash, are passed over. */
static bool take_entry(const uint8_t *p, size_t left, struct c2_zip *out, size_t *used,
                       struct cat2_error *err)
{
    if (left < HEAD_NBYTES || memcmp(p, "PK\1\2", 4) != 0) return damaged(err, "its directory");
    size_t name = c2_le16(p + 28), extra = c2_le16(p + 30);
    int64_t whole = c2_le32(p + 24), nbytes = c2_le32(p + 20), at = c2_le32(p + 42), *wide[3];
    size_t nwide = 0;

    *used = HEAD_NBYTES + name + extra + c2_le16(p + 32);
    if (left < *used) return damaged(err, "its directory");
    if (whole == OVERFLOW32) wide[nwide++] = &whole;
    if (nbytes == OVERFLOW32) wide[nwide++] = &nbytes;
    if (at == OVERFLOW32) wide[nwide++] = &at;
    if (!widen(p + HEAD_NBYTES + name, extra, wide, nwide) || nbytes < 0 || at < 0)
        return damaged(err, "its directory");
    struct c2_str text = {(const char *)p + HEAD_NBYTES, name};
    if (name == 0 || text.p[name - 1] == '/' || memchr(text.p, 0, name)) return true;
    char *copy = c2_str_dup(text);
    bool stored = c2_le16(p + 10) == 0 && !(c2_le16(p + 8) & ENCRYPTED) && whole == nbytes;
    if (copy && c2_vec_push(out, C2_ZIP_ENTRIES_MAX, "entries of a ZIP file", err,
                            (struct c2_zip_entry){copy, at, nbytes, stored}))
        return true;
    free(copy);
    return copy ? false : c2_fail_nomem(err, "ZIP file");
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct c2_zip_entry *)a)->name, ((const struct c2_zip_entry *)b)->name);
}

bool c2_zip_read(const struct c2_zip_file *file, struct c2_zip *out, struct cat2_error *err)
{
    C2_AUTO(c2_buf) bytes = C2_BUF_INIT(DIRECTORY_MAX);
    C2_AUTO(c2_zip) zip = {0};
    struct directory dir;
    int64_t size = size_of(file);
    size_t at = 0, used = 0;

    if (size < 0) return c2_fail(err, CAT2_EIO, "cannot be examined");
    if (!find_directory(file, size, &dir, err) || !c2_buf_resize(&bytes, (size_t)dir.n, err) ||
        !read_at(file, bytes.p, bytes.n, dir.at, err))
        return false;
    for (int64_t i = 0; i < dir.nentries; i++, at += used) {
        if (at == bytes.n) return damaged(err, "its directory");
        if (!take_entry(bytes.p + at, bytes.n - at, &zip, &used, err)) return false;
    }
    if (zip.n) qsort(zip.p, zip.n, sizeof(*zip.p), by_name);
    for (size_t i = 1; i < zip.n; i++)
        if (by_name(&zip.p[i - 1], &zip.p[i]) == 0)
            return c2_fail(err, CAT2_EDATA, "is a ZIP file that has %.100s twice", zip.p[i].name);
    c2_zip_fini(out);
    *out = zip;
    zip = (struct c2_zip){0};
    return true;
}

void c2_zip_fini(struct c2_zip *zip)
{
    for (size_t i = 0; i < zip->n; i++)
        free(zip->p[i].name);
    c2_vec_fini(zip);
}

const struct c2_zip_entry *c2_zip_find(const struct c2_zip *zip, const char *name)
{
    struct c2_zip_entry wanted = {.name = (char *)(uintptr_t)name};

    return zip->n ? bsearch(&wanted, zip->p, zip->n, sizeof(*zip->p), by_name) : NULL;
}

bool c2_zip_place(const struct c2_zip_file *file, const struct c2_zip_entry *entry, int64_t *at,
                  struct cat2_error *err)
{
    uint8_t local[LOCAL_NBYTES];
    int64_t end, size = size_of(file);

    if (!entry->stored)
        return c2_fail(err, CAT2_EUNSUPPORTED, "%.100s is compressed by ZIP, or encrypted", entry->name);
    if (entry->at > size - LOCAL_NBYTES) return damaged(err, entry->name);
    if (!read_at(file, local, sizeof(local), entry->at, err)) return false;
    *at = entry->at + LOCAL_NBYTES + c2_le16(local + 26) + c2_le16(local + 28);
    if (memcmp(local, "PK\3\4", 4) != 0 || !c2_add_i64(*at, entry->n, &end) || end > size)
        return damaged(err, entry->name);
    return true;
}
