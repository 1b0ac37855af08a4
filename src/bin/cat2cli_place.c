/* SPDX-License-Identifier: BSD-3-Clause */
/* Local names, directories without links, and what is remembered of copies. */
#include "bin/cat2cli_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/limits.h"
#include "cache/cache_name.h"

#define FILE_NBYTES_MAX ((size_t)4 << 30) /* of what is remembered: ten million copies */

bool c2_place_part(struct c2_str part, bool of_folder, struct c2_buf *out, struct cat2_error *err)
{
    size_t room = C2_NAME_MAX - (of_folder ? 4 : 0);

    return (part.n > room ? c2_name_fit(part, room, out, err) : c2_buf_append_str(out, part, err)) &&
           (!of_folder || c2_buf_puts(out, ".dir", err));
}

/* Only names with a dot are asked for: files without an ending that hold datasets are rare. */
static bool is_dataset(const struct c2_cli *cli, const struct c2_buf *path)
{
    const char *slash = strrchr(c2_buf_cstr(path), '/');
    cat2_dataset *dataset = NULL;
    struct cat2_error ignored;

    if (!slash || !strchr(slash, '.')) return false;
    bool there = cat2_dataset_open(cli->client, c2_buf_cstr(path), &dataset, &ignored);
    cat2_dataset_free(dataset);
    return there;
}

bool c2_place_path(const struct c2_cli *cli, const char *path, bool folder, struct c2_buf *out,
                   struct cat2_error *err)
{
    C2_AUTO(c2_buf) above = C2_BUF_INIT(2 * C2_PATH_MAX);
    struct c2_str rest = c2_str_of(path), part;

    for (bool more = true; more;) {
        more = c2_str_cut(rest, '/', &part, &rest);
        if (!c2_buf_append_str(&above, part, err)) return false;
        bool of_folder = (more || folder) && is_dataset(cli, &above);
        if (!c2_place_part(part, of_folder, out, err)) return false;
        if (more && (!c2_buf_putc(out, '/', err) || !c2_buf_putc(&above, '/', err))) return false;
    }
    return true;
}

/* Why there is no directory `name` beneath at; it is the first `upto` bytes of rel. */
static void explain(int at, const char *name, const char *rel, size_t upto, int errnum,
                    struct cat2_error *err)
{
    struct stat st;
    bool there = fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0;

    if (there && S_ISLNK(st.st_mode))
        c2_fail(err, CAT2_EIO, "%.*s is a symbolic link, which is not followed, so %.120s cannot be there",
                (int)c2_min_i64((int64_t)upto, 90), rel, rel);
    else if (there && !S_ISDIR(st.st_mode))
        c2_fail(err, CAT2_EIO, "%.*s is a file, so %.120s cannot be saved beneath it",
                (int)c2_min_i64((int64_t)upto, 90), rel, rel);
    else
        c2_fail_errno(err, errnum, "%.160s", rel);
}

int c2_place_open_parent(int dirfd, const char *rel, bool create, const char **name, struct cat2_error *err)
{
    struct c2_str rest = c2_str_of(rel), part;
    char text[C2_NAME_MAX + 1];
    int at = fcntl(dirfd, F_DUPFD_CLOEXEC, 0);

    if (!c2_path_check(rest, err)) {
        if (at >= 0) close(at);
        return -1;
    }
    *name = rel;
    while (at >= 0 && c2_str_cut(rest, '/', &part, &rest)) {
        if (part.n >= sizeof(text)) {
            c2_fail(err, CAT2_ELIMIT, "%.160s: a name is longer than %d bytes", rel, C2_NAME_MAX);
            close(at);
            return -1;
        }
        memcpy(text, part.p, part.n);
        text[part.n] = '\0';
        bool made = !create || mkdirat(at, text, 0777) == 0 || errno == EEXIST;
        int next = made ? openat(at, text, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
        if (next < 0) explain(at, text, rel, (size_t)(part.p - rel) + part.n, errno, err);
        close(at);
        at = next;
        *name = rest.p;
    }
    if (at < 0 && err->code == CAT2_OK) c2_fail_errno(err, errno, "%.160s", rel);
    return at;
}

/* ---- what is remembered ---- */

static void copy_fini(struct c2_saved_file *copy)
{
    free(copy->path);
    free(copy->file);
    free(copy->etag);
}

void c2_saved_fini(struct c2_saved *copies)
{
    for (size_t i = 0; i < copies->n; i++)
        copy_fini(&copies->p[i]);
    c2_vec_fini(copies);
}

static int by_path(const void *a, const void *b)
{
    const struct c2_saved_file *left = a, *right = b;
    return strcmp(left->path, right->path);
}

struct c2_saved_file *c2_saved_find(struct c2_saved *copies, const char *path)
{
    struct c2_saved_file key = {.path = (char *)(uintptr_t)path};

    return copies->n ? bsearch(&key, copies->p, copies->n, sizeof(key), by_path) : NULL;
}

bool c2_saved_head(const char *source, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_jw w;

    c2_jw_init(&w, out, C2_JSON_COMPACT, err);
    c2_jw_begin_object(&w);
    c2_jw_put_cstr(&w, "copies_of", source);
    c2_jw_end_object(&w);
    return c2_jw_finish(&w) && c2_buf_putc(out, '\n', err);
}

bool c2_saved_file_line(const struct c2_saved_file *copy, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_jw w;

    c2_jw_init(&w, out, C2_JSON_COMPACT, err);
    c2_jw_begin_object(&w);
    c2_jw_put_cstr(&w, "path", copy->path);
    c2_jw_put_cstr(&w, "file", copy->file);
    c2_jw_put_cstr(&w, "etag", copy->etag);
    c2_jw_put_int(&w, "size", copy->size);
    c2_jw_put_int(&w, "mtime_ns", copy->mtime_ns);
    c2_jw_end_object(&w);
    return c2_jw_finish(&w) && c2_buf_putc(out, '\n', err);
}

/* A line that cannot be read, as after a crash, is one copy less. */
static bool read_line(struct c2_str line, const char *source, struct c2_saved *out, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct c2_str path, file, etag, of;
    struct c2_saved_file copy = {.line = out->n};
    struct cat2_error ignored;

    if (!c2_json_parse(line, &json, &ignored)) return true;
    struct c2_jval v = c2_json_root(json);
    if (c2_jstr(c2_jget(v, "copies_of"), &of))
        return c2_str_is(of, source) ||
               c2_fail(err, CAT2_EINVAL,
                       "it holds copies of %.*s: take another directory (or remove its " C2_COPIES_NAME ")",
                       (int)c2_min_i64((int64_t)of.n, 100), of.p);
    if (!c2_jstr(c2_jget(v, "path"), &path) || !c2_jstr(c2_jget(v, "file"), &file) ||
        !c2_jstr(c2_jget(v, "etag"), &etag) || !c2_jint(c2_jget(v, "size"), &copy.size) ||
        !c2_jint(c2_jget(v, "mtime_ns"), &copy.mtime_ns) || !c2_path_check(file, &ignored) ||
        !c2_path_check(path, &ignored))
        return true;
    copy.path = c2_str_dup(path);
    copy.file = c2_str_dup(file);
    copy.etag = c2_str_dup(etag);
    if (copy.path && copy.file && copy.etag && c2_vec_push(out, C2_COPIES_MAX, "copies", err, copy))
        return true;
    copy_fini(&copy);
    return c2_fail_nomem(err, "copies");
}

/* Of several lines for one path the last one counts. */
static void keep_last(struct c2_saved *copies)
{
    size_t n = 0;

    for (size_t i = 0; i < copies->n; i++) {
        if (n && strcmp(copies->p[n - 1].path, copies->p[i].path) == 0) copy_fini(&copies->p[--n]);
        copies->p[n++] = copies->p[i];
    }
    copies->n = n;
}

static int by_path_and_line(const void *a, const void *b)
{
    const struct c2_saved_file *left = a, *right = b;
    int order = by_path(a, b);

    return order ? order : (left->line > right->line) - (left->line < right->line);
}

static void sort(struct c2_saved *copies)
{
    if (copies->n) qsort(copies->p, copies->n, sizeof(*copies->p), by_path_and_line);
    keep_last(copies);
}

bool c2_saved_read(int dirfd, const char *source, struct c2_saved *out, struct cat2_error *err)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(FILE_NBYTES_MAX);
    int fd = openat(dirfd, C2_COPIES_NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0 && errno == ENOENT) return true;
    if (fd < 0) return c2_fail_errno(err, errno, C2_COPIES_NAME);
    bool ok = c2_fs_read(fd, text.max, &text, err);
    close(fd);
    struct c2_str rest = c2_buf_str(&text), line;
    while (ok && rest.n) {
        c2_str_cut(rest, '\n', &line, &rest);
        ok = read_line(line, source, out, err);
    }
    if (ok) sort(out);
    return ok;
}

bool c2_saved_file_is_whole(int dirfd, const struct c2_saved_file *copy)
{
    const char *name;
    struct cat2_error ignored = {0};
    struct stat st;
    int at = c2_place_open_parent(dirfd, copy->file, false, &name, &ignored);

    if (at < 0) return false;
    bool whole = fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
                 st.st_size == copy->size &&
                 (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec == copy->mtime_ns;
    close(at);
    return whole;
}
