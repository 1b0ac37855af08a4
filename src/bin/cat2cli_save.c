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

static bool make_tiff(const struct c2_cli *cli, cat2_dataset *dataset, const char *slice, FILE *to,
                      struct cat2_error *err)
{
    cat2_array *array = NULL;

    if (c2_cli_picks_rows(cli))
        return c2_fail(
            err, CAT2_EUNSUPPORTED,
            "%.150s: a TIFF holds pictures, not rows of a table: --where, --sort and --fields need "
            ".npy, .csv, .json, .h5, .raw or .b2nd",
            cat2_dataset_path(dataset));
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

    if (strcmp(file, "-") == 0) return c2_fail(err, CAT2_EINVAL, "an HDF5 file cannot go to standard output");
    if (slice && cat2_dataset_kind(dataset) != CAT2_ARRAY)
        return c2_fail(err, CAT2_EINVAL, "%.150s: a part of what is no array cannot go into an HDF5 file",
                       path);
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
                            : make_tiff(cli, dataset, slice, to, err);

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

/* A device or a FIFO. */
static bool fill_through(const struct c2_cli *cli, cat2_dataset *dataset, const char *slice,
                         const struct format *format, const char *file, struct cat2_error *err)
{
    if (strcmp(format->name, "h5") == 0)
        return c2_fail(err, CAT2_EINVAL, "%.160s is a device or pipe: an HDF5 file cannot go there", file);
    int fd = open(file, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    FILE *to = fd >= 0 ? fdopen(fd, "wb") : NULL;
    if (!to) {
        c2_fail_errno(err, errno, "%.160s", file);
        if (fd >= 0) close(fd);
        return false;
    }
    bool ok = fill(cli, dataset, slice, format, to, err);
    return (fclose(to) == 0 || (ok && c2_fail_errno(err, errno, "%.160s", file))) && ok;
}

bool c2_cli_is_stdout(const char *file)
{
    struct stat st, out;

    return strcmp(file, "-") == 0 || (stat(file, &st) == 0 && fstat(STDOUT_FILENO, &out) == 0 &&
                                      st.st_dev == out.st_dev && st.st_ino == out.st_ino);
}

bool c2_cli_save(const struct c2_cli *cli, cat2_dataset *dataset, const char *slice, const char *file,
                 struct cat2_error *err)
{
    struct stat st;
    bool out = strcmp(file, "-") == 0, through = out;
    char *target = NULL;

    if (!out && stat(file, &st) == 0 && S_ISDIR(st.st_mode))
        return c2_fail(err, CAT2_EIO, "%.160s is a directory: -o names a file", file);
    if (!out && !c2_fs_result(file, &target, &through, err)) return false;
    const struct format *format = choose(cli, dataset, file, through, err);
    bool ok = format != NULL;
    if (ok && !out) ok = (through ? fill_through : fill_file)(cli, dataset, slice, format, target, err);
    free(target);
    if (!ok || !out) return ok;
    if (cli->terminal && !format->text)
        return c2_fail(err, CAT2_EINVAL, "%s is not written to a terminal: name a file, or --format csv",
                       format->name);
    if (strcmp(format->name, "h5") == 0) return make_h5(cli, dataset, slice, file, err);
    return fill(cli, dataset, slice, format, stdout, err);
}
