/* SPDX-License-Identifier: BSD-3-Clause */
/* Formats of files: most are made by the subscriber and passed on as they come; TIFF is made here, HDF5 by
 * cat2export. A file has its name when it is whole; into a device or a FIFO the data goes as it comes. */
#include "bin/cat2cli_save.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/beside.h"
#include "base/fs.h"
#include "base/limits.h"
#include "client/internal.h"

extern char **environ;

struct format {
    const char *name, *asked; /* asked: what the subscriber is asked for; NULL: made here */
    bool text;                /* fit for a terminal */
};
static const struct format formats[] = {
    {"npy", "npy", false}, {"csv", "csv", true},    {"json", "json", true}, {"png", "png", false},
    {"raw", "raw", false}, {"b2nd", "b2nd", false}, {"tiff", NULL, false},  {"h5", NULL, false},
};
static const struct {
    const char *ending, *format;
} endings[] = {{".npy", "npy"},   {".csv", "csv"},  {".json", "json"}, {".png", "png"},
               {".raw", "raw"},   {".bin", "raw"},  {".b2nd", "b2nd"}, {".b2frame", "b2nd"},
               {".tiff", "tiff"}, {".tif", "tiff"}, {".h5", "h5"},     {".hdf5", "h5"}};

static const struct format *format_of(const char *name)
{
    for (size_t i = 0; i < C2_ARRAY_LEN(formats); i++)
        if (strcmp(formats[i].name, name) == 0) return &formats[i];
    return NULL;
}

/* --format; else by the ending; else what holds everything of an array, and plain files as they are. stream:
 * what is no file has no ending. */
static const struct format *choose(const struct c2_cli *cli, const cat2_dataset *dataset, const char *file,
                                   bool stream, struct cat2_error *err)
{
    const char *given = c2_options_text(cli->options, "format");

    if (given) return format_of(given);
    for (size_t i = 0; i < C2_ARRAY_LEN(endings); i++)
        if (c2_str_ends(c2_str_of(file), endings[i].ending)) return format_of(endings[i].format);
    if (cat2_dataset_kind(dataset) != CAT2_ARRAY) return format_of("raw");
    if (stream) return format_of("npy");
    c2_fail(
        err, CAT2_EINVAL,
        "%.150s: its ending says no format: use .npy, .csv, .json, .tiff, .h5, .png, .raw, .b2nd or --format",
        file);
    return NULL;
}

/* ---- what the subscriber makes ---- */

struct receiver {
    FILE *to;
    struct c2_cli_bar bar;
    const char *name;
    int64_t nbytes;
};

static bool receive(void *ctx, struct c2_exchange *http, struct c2_bytes bytes, struct cat2_error *err)
{
    struct receiver *r = ctx;

    if (fwrite(bytes.p, 1, bytes.n, r->to) != bytes.n) return c2_fail_errno(err, errno, "cannot write");
    r->nbytes += (int64_t)bytes.n;
    c2_cli_bar_show(&r->bar, r->name, r->nbytes, http->content_length);
    return !c2_cli_interrupted() || c2_fail(err, CAT2_ECANCELLED, "download cancelled");
}

bool c2_cli_picks_rows(const struct c2_cli *cli)
{
    return c2_options_text(cli->options, "where") || c2_options_text(cli->options, "sort") ||
           c2_options_text(cli->options, "fields");
}

/* The selection, or rows of a table that are picked. */
static bool put_selection(const struct c2_cli *cli, const char *slice, struct c2_buf *target,
                          struct cat2_error *err)
{
    static const char *const keys[][2] = {
        {"where", "&where="}, {"sort", "&sort="}, {"fields", "&fields="}, {"field", "&field="}};
    bool rows = c2_cli_picks_rows(cli), ok = true;

    if (!rows || slice) ok = c2_client_target(rows ? "&rows=" : "&slice_=", slice ? slice : "", target, err);
    for (size_t i = 0; ok && i < C2_ARRAY_LEN(keys); i++) {
        const char *text = c2_options_text(cli->options, keys[i][0]);
        ok = !text || c2_client_target(keys[i][1], text, target, err);
    }
    return ok;
}

static bool pass_on(const struct c2_cli *cli, cat2_dataset *dataset, const char *slice, const char *format,
                    FILE *to, struct cat2_error *err)
{
    const char *path = cat2_dataset_path(dataset);
    struct receiver r = {.to = to, .name = path};
    C2_AUTO(c2_buf) target = C2_BUF_INIT(32768);
    C2_AUTO(c2_exchange) http = {.body = C2_BUF_INIT(65536), .sink = receive, .ctx = &r};

    c2_cli_bar_open(&r.bar);
    bool ok = c2_client_target("/api/fetch/", path, &target, err) &&
              c2_client_target("?format=", format, &target, err) && put_selection(cli, slice, &target, err);
    http.target = c2_buf_cstr(&target);
    ok = ok && (c2_exchange_run(&cli->client->session, &http, err) || c2_client_named(path, err));
    c2_cli_bar_clear(&r.bar);
    return ok;
}

static bool make_tiff(cat2_dataset *dataset, const char *slice, FILE *to, struct cat2_error *err)
{
    cat2_array *array = NULL;

    if (!cat2_dataset_fetch(dataset, slice ? slice : "", &array, err)) return false;
    bool ok = c2_tiff_write(array, to, err) || c2_client_named(cat2_dataset_path(dataset), err);
    cat2_array_free(array);
    return ok;
}

/* ---- HDF5 ---- */

/* The last part of the path without its ending: the name of the dataset in the file. */
static bool put_stem(const char *path, struct c2_buf *out, struct cat2_error *err)
{
    const char *name = c2_path_name(path), *dot = strrchr(name, '.');
    size_t n = dot && dot != name ? (size_t)(dot - name) : strlen(name);

    return c2_buf_append(out, name, (size_t)c2_min_i64((int64_t)n, 200), err);
}

/* A frame of rows that are picked. */
static bool put_rows(const struct c2_cli *cli, cat2_dataset *dataset, const char *slice, const char *file,
                     struct cat2_error *err)
{
    FILE *to = fopen(file, "wbxe");

    if (!to) return c2_fail_errno(err, errno, "%.160s", file);
    bool ok = pass_on(cli, dataset, slice, "b2nd", to, err);
    return (fclose(to) == 0 || (ok && c2_fail_errno(err, errno, "%.160s", file))) && ok;
}

/* A frame of the slice, or the whole dataset with its attributes. */
static bool put_frame(const struct c2_cli *cli, cat2_dataset *dataset, const char *slice, const char *file,
                      struct cat2_error *err)
{
    void *frame = NULL;
    size_t n = 0;

    if (c2_cli_picks_rows(cli)) return put_rows(cli, dataset, slice, file, err);
    if (!slice) return cat2_dataset_download(dataset, file, NULL, err);
    if (!cat2_dataset_fetch_frame(dataset, slice, &frame, &n, err)) return false;
    int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool ok = fd >= 0 ? c2_fs_pwrite(fd, frame, n, 0, err) : c2_fail_errno(err, errno, "%.160s", file);
    if (fd >= 0) close(fd);
    free(frame);
    return ok;
}

/* cat2export, which is installed beside us. */
static bool export(const char *from, const char *to, struct cat2_error *err)
{
    char program[PATH_MAX];
    pid_t child;
    int status;

    c2_beside_program("", "cat2export", program);
    char *const argv[] = {program,
                          (char *)(uintptr_t) "--quiet",
                          (char *)(uintptr_t) "--overwrite",
                          (char *)(uintptr_t) "--filters",
                          (char *)(uintptr_t) "gzip",
                          (char *)(uintptr_t) "--",
                          (char *)(uintptr_t)from,
                          (char *)(uintptr_t)to,
                          NULL};
    int errnum = posix_spawn(&child, program, NULL, NULL, argv, environ);
    if (errnum) return c2_fail_errno(err, errnum, "%.160s, which makes HDF5 files", program);
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return c2_fail_errno(err, errno, "cat2export");
    return (WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
           c2_fail(err, CAT2_EIO, "%.160s: cat2export could not make it", to);
}

static bool make_h5(const struct c2_cli *cli, cat2_dataset *dataset, const char *slice, const char *file,
                    struct cat2_error *err)
{
    C2_AUTO(c2_buf) folder = C2_BUF_INIT(C2_PATH_MAX), frame = C2_BUF_INIT(2 * C2_PATH_MAX);
    const char *path = cat2_dataset_path(dataset);

    if (!c2_buf_printf(&folder, err, "%.*s.cat2cli-XXXXXX", (int)(c2_path_name(file) - file), file))
        return false;
    if (!mkdtemp((char *)folder.p)) return c2_fail_errno(err, errno, "%.160s", c2_buf_cstr(&folder));
    const char *ending = cat2_dataset_kind(dataset) == CAT2_ARRAY   ? ".b2nd"
                         : cat2_dataset_kind(dataset) == CAT2_FRAME ? ".b2frame"
                                                                    : "";
    bool ok = c2_buf_printf(&frame, err, "%s/", c2_buf_cstr(&folder)) && put_stem(path, &frame, err) &&
              c2_buf_puts(&frame, ending, err) && put_frame(cli, dataset, slice, c2_buf_cstr(&frame), err) &&
              export(c2_buf_cstr(&folder), file, err);
    if (frame.n) unlink(c2_buf_cstr(&frame));
    rmdir(c2_buf_cstr(&folder));
    return ok;
}

/* ---- the file ---- */

static bool fill(const struct c2_cli *cli, cat2_dataset *dataset, const char *slice,
                 const struct format *format, FILE *to, struct cat2_error *err)
{
    bool ok = format->asked ? pass_on(cli, dataset, slice, format->asked, to, err)
                            : make_tiff(dataset, slice, to, err);

    return ok && ((fflush(to) == 0 && !ferror(to)) || c2_fail_errno(err, errno, "cannot write"));
}

/* FILE.part, which may be left from a try that was killed. */
static FILE *open_part(const char *part, struct cat2_error *err)
{
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);
    struct stat st;
    FILE *to = NULL;

    if (fd < 0)
        c2_fail_errno(err, errno, "%.160s", part);
    else if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        c2_fail(err, CAT2_EIO, "%.160s is no file: remove it", part);
    else if (!(to = fdopen(fd, "wb")))
        c2_fail_errno(err, errno, "%.160s", part);
    if (!to && fd >= 0) close(fd);
    return to;
}

static bool fill_file(const struct c2_cli *cli, cat2_dataset *dataset, const char *slice,
                      const struct format *format, const char *file, struct cat2_error *err)
{
    C2_AUTO(c2_buf) part = C2_BUF_INIT(2 * C2_PATH_MAX);
    if (strcmp(format->name, "h5") == 0) return make_h5(cli, dataset, slice, file, err);
    if (!c2_buf_printf(&part, err, "%s.part", file)) return false;
    FILE *to = open_part(c2_buf_cstr(&part), err);
    if (!to) return false;
    bool ok = fill(cli, dataset, slice, format, to, err);
    if (fclose(to) != 0 && ok) ok = c2_fail_errno(err, errno, "%.160s", c2_buf_cstr(&part));
    if (ok && rename(c2_buf_cstr(&part), file) != 0) ok = c2_fail_errno(err, errno, "%.160s", file);
    if (!ok) unlink(c2_buf_cstr(&part));
    return ok;
}

/* A device, a FIFO or what is open: of ours by its descriptor, of others behind what is there. */
static bool fill_through(const struct c2_cli *cli, cat2_dataset *dataset, const char *slice,
                         const struct format *format, const char *file, struct cat2_error *err)
{
    struct stat st;
    int ours = c2_fs_descriptor(file), flags = O_WRONLY | O_CLOEXEC | O_NOCTTY;

    if (stat(file, &st) == 0 && S_ISREG(st.st_mode)) flags |= O_APPEND;
    int fd = ours >= 0 ? fcntl(ours, F_DUPFD_CLOEXEC, 0) : open(file, flags);
    FILE *to = fd >= 0 ? fdopen(fd, "wb") : NULL;
    if (!to) {
        c2_fail_errno(err, errno, "%.160s", file);
        if (fd >= 0) close(fd);
        return false;
    }
    bool ok = fill(cli, dataset, slice, format, to, err);
    return (fclose(to) == 0 || (ok && c2_fail_errno(err, errno, "%.160s", file))) && ok;
}

static bool names_stdout(const char *file)
{
    return strcmp(file, "-") == 0 || c2_fs_descriptor(file) == STDOUT_FILENO;
}

bool c2_cli_is_stdout(const char *file)
{
    struct stat st, out;

    return names_stdout(file) || (stat(file, &st) == 0 && fstat(STDOUT_FILENO, &out) == 0 &&
                                  st.st_dev == out.st_dev && st.st_ino == out.st_ino);
}

/* Where it goes and how. */
struct destination {
    bool out, through;
    char *file; /* yours, free(); NULL: standard output */
    const struct format *format;
};

/* Can a file of the format hold it, and be there? */
static bool is_held(const struct c2_cli *cli, const cat2_dataset *dataset, const char *slice,
                    const char *file, const struct destination *to, struct cat2_error *err)
{
    const char *path = cat2_dataset_path(dataset);
    bool tiff = strcmp(to->format->name, "tiff") == 0, h5 = strcmp(to->format->name, "h5") == 0;

    if (tiff && c2_cli_picks_rows(cli))
        return c2_fail(
            err, CAT2_EUNSUPPORTED,
            "%.150s: a TIFF holds pictures, not rows of a table: --where, --sort and --fields need "
            ".npy, .csv, .json, .h5, .raw or .b2nd",
            path);
    if (h5 && to->out) return c2_fail(err, CAT2_EINVAL, "an HDF5 file cannot go to standard output");
    if (h5 && to->through)
        return c2_fail(err, CAT2_EINVAL, "%.160s is a device or pipe: an HDF5 file cannot go there", file);
    if (h5 && slice && cat2_dataset_kind(dataset) != CAT2_ARRAY)
        return c2_fail(err, CAT2_EINVAL, "%.150s: a part of what is no array cannot go into an HDF5 file",
                       path);
    return true;
}

static bool find_destination(const struct c2_cli *cli, const cat2_dataset *dataset, const char *slice,
                             const char *file, struct destination *to, struct cat2_error *err)
{
    struct stat st;

    *to = (struct destination){.out = names_stdout(file)};
    to->through = to->out;
    if (!to->out && stat(file, &st) == 0 && S_ISDIR(st.st_mode))
        return c2_fail(err, CAT2_EIO, "%.160s is a directory: -o names a file", file);
    if (!to->out && !c2_fs_result(file, &to->file, &to->through, err)) return false;
    to->format = choose(cli, dataset, file, to->through, err);
    if (!to->format) return false;
    if (to->out && cli->terminal && !to->format->text)
        return c2_fail(err, CAT2_EINVAL, "%s is not written to a terminal: name a file, or --format csv",
                       to->format->name);
    return is_held(cli, dataset, slice, file, to, err);
}

/* May a file be made in its directory, which is not made? */
static bool has_directory(const char *file, struct cat2_error *err)
{
    struct c2_str whole = c2_str_of(file);
    char *directory = c2_str_dup((struct c2_str){file, whole.n - c2_path_last(whole).n});

    if (!directory) return c2_fail_nomem(err, "path");
    bool ok =
        access(*directory ? directory : ".", W_OK | X_OK) == 0 || c2_fail_errno(err, errno, "%.160s", file);
    free(directory);
    return ok;
}

bool c2_cli_may_save(const struct c2_cli *cli, const cat2_dataset *dataset, const char *slice,
                     const char *file, struct cat2_error *err)
{
    struct destination to;

    bool ok = find_destination(cli, dataset, slice, file, &to, err);
    if (ok)
        ok = to.through ? !to.file || access(to.file, W_OK) == 0 || c2_fail_errno(err, errno, "%.160s", file)
                        : has_directory(to.file, err);
    free(to.file);
    return ok;
}

bool c2_cli_save(const struct c2_cli *cli, cat2_dataset *dataset, const char *slice, const char *file,
                 struct cat2_error *err)
{
    struct destination to;

    bool ok = find_destination(cli, dataset, slice, file, &to, err);
    if (ok && to.out)
        ok = fill(cli, dataset, slice, to.format, stdout, err);
    else if (ok)
        ok = (to.through ? fill_through : fill_file)(cli, dataset, slice, to.format, to.file, err);
    free(to.file);
    return ok;
}
