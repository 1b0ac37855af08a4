/* SPDX-License-Identifier: BSD-3-Clause */
/* Downloads as a person sees them: where to, how far, how fast; Ctrl-C leaves a part that the next try goes
 * on with. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "bin/cat2cli.h"
#include "cache/cache_name.h"
#include "ndim/print.h"

static volatile sig_atomic_t interrupted; /* the one thing a signal may set */

static void on_interrupt(int signum)
{
    (void)signum;
    interrupted = 1;
}

struct bar {
    const char *name;
    bool visible;
    int64_t started_ms, shown_ms, first;
};

static void draw(struct bar *bar, int64_t nbytes, int64_t total, int64_t now)
{
    char done[16], all[16] = "?", speed[16];
    double seconds = (double)(now - bar->started_ms) / 1000;

    c2_size_text(nbytes, done);
    if (total >= 0) c2_size_text(total, all);
    c2_size_text(seconds > 0 ? (int64_t)((double)(nbytes - bar->first) / seconds) : 0, speed);
    int width = 24, full = total > 0 ? (int)(nbytes * width / total) : 0;
    fprintf(stderr, "\r%.40s [%.*s%*s] %s of %s, %s/s \033[K", bar->name, full, "########################",
            width - full, "", done, all, speed);
    fflush(stderr);
}

static bool on_progress(void *ctx, int64_t nbytes, int64_t total)
{
    struct bar *bar = ctx;
    int64_t now = c2_mono_ms(c2_clock_real());

    if (bar->started_ms == 0) {
        bar->started_ms = now;
        bar->first = nbytes;
    }
    if (bar->visible && (now - bar->shown_ms >= 100 || nbytes == total)) {
        bar->shown_ms = now;
        draw(bar, nbytes, total, now);
    }
    return !interrupted;
}

static bool save(cat2_dataset *dataset, const char *file, struct cat2_error *err)
{
    struct bar bar = {.name = cat2_dataset_path(dataset), .visible = isatty(STDERR_FILENO)};
    struct cat2_download_options options = CAT2_DOWNLOAD_OPTIONS_INIT;
    struct sigaction action = {.sa_handler = on_interrupt};

    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    options.progress = on_progress;
    options.ctx = &bar;
    bool ok = cat2_dataset_download(dataset, file, &options, err);
    if (bar.visible && bar.shown_ms) fputc('\n', stderr);
    return ok;
}

/* The path as a local one: names longer than file systems take are cut, with their hash behind. */
static bool put_local(struct c2_str path, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_str name;
    bool more = true;

    while (more) {
        more = c2_str_cut(path, '/', &name, &path);
        if (!(name.n > C2_NAME_MAX ? c2_name_fit(name, C2_NAME_MAX, out, err)
                                   : c2_buf_append_str(out, name, err)) ||
            (more && !c2_buf_putc(out, '/', err)))
            return false;
    }
    return true;
}

bool c2_cli_download(cat2_client *client, const char *path, const char *outdir, bool json,
                     struct cat2_error *err)
{
    cat2_dataset *dataset = NULL;
    C2_AUTO(c2_buf) file = C2_BUF_INIT(4 * C2_PATH_MAX);
    C2_AUTO(c2_buf) line = C2_BUF_INIT(32768);
    struct c2_jw w;

    if (!c2_buf_printf(&file, err, "%s%s", outdir ? outdir : "", outdir ? "/" : "") ||
        !put_local(c2_str_of(path), &file, err))
        return false;
    if (!cat2_dataset_open(client, path, &dataset, err)) return false;
    bool ok = save(dataset, c2_buf_cstr(&file), err);
    cat2_dataset_free(dataset);
    if (!ok) return false;
    if (!json) return printf("Dataset saved to %s\n", c2_buf_cstr(&file)) > 0;
    c2_jw_init(&w, &line, C2_JSON_PYTHON, err);
    c2_jw_str(&w, c2_buf_str(&file));
    return c2_jw_finish(&w) && printf("%s\n", c2_buf_cstr(&line)) > 0;
}

/* Nested lists over axes [axis, ndim). */
static bool put_lists(const cat2_array *array, const struct c2_dtype *dtype, int axis, const uint8_t **item,
                      struct c2_buf *out, struct cat2_error *err)
{
    if (axis == cat2_array_ndim(array)) {
        bool ok = c2_print_json_item(dtype, *item, out, err);
        *item += dtype->itemsize;
        return ok;
    }
    bool ok = c2_buf_putc(out, '[', err);
    for (int64_t i = 0; ok && i < cat2_array_shape(array)[axis]; i++)
        ok = (i == 0 || c2_buf_puts(out, ", ", err)) && put_lists(array, dtype, axis + 1, item, out, err);
    return ok && c2_buf_putc(out, ']', err);
}

bool c2_cli_array_json(const cat2_array *array, bool bytes, struct c2_buf *out, struct cat2_error *err)
{
    C2_AUTO(c2_dtype) dtype = {0};
    const uint8_t *item = cat2_array_data(array);
    struct c2_jw w;

    if (bytes) {
        c2_jw_init(&w, out, C2_JSON_PYTHON, err);
        c2_jw_str(&w, (struct c2_str){(const char *)item, (size_t)cat2_array_nbytes(array)});
        return c2_jw_finish(&w);
    }
    return c2_dtype_parse(c2_str_of(cat2_array_dtype(array)), &dtype, err) &&
           put_lists(array, &dtype, 0, &item, out, err);
}
