/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line of the converters. Exit status: 0 done, 1 failed and nothing is left, 2 wrong usage, 3
 * done but something was skipped. */
#include "bin/options_convert.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "bin/options.h"
#include "blosc/codec.h"
#include "hdf5/write/rebuild.h"

#define DRAW_EVERY_MS 100 /* ten times a second looks steady and costs nothing */
#define BAR_WIDTH     24
#define PATH_SHOWN    40
#define THREADS_MAX   1024 /* more than machines have cores */
#define CLEVEL_MAX    9    /* Blosc2's */

enum { DONE, FAILED, USAGE, SKIPPED };

static const struct c2_option options[] = {
    {"dry-run", 0, C2_OPT_FLAG, NULL, NULL, "tell what would be made, make nothing", ""},
    {"overwrite", 0, C2_OPT_FLAG, NULL, NULL,
     "replace the result of an earlier run, once the new one is complete", ""},
    {"include", 0, C2_OPT_LIST, NULL, "GLOB", "only datasets whose path matches; may be repeated", ""},
    {"exclude", 0, C2_OPT_LIST, NULL, "GLOB", "no datasets whose path matches; may be repeated", ""},
    {"codec", 0, C2_OPT_TEXT, NULL, "blosclz|lz4|lz4hc|zlib|zstd", "compress everything again with it", NULL},
    {"clevel", 0, C2_OPT_INT, NULL, "N", "compress everything again, at level 0 to 9", NULL},
    {"chunks", 0, C2_OPT_TEXT, NULL, "N,N,...", "chunk shape for the arrays of so many axes", ""},
    {"threads", 0, C2_OPT_INT, "0", "N", "threads that compress, 0: one a core", NULL},
    {"keep-going", 0, C2_OPT_FLAG, NULL, NULL, "exit with 0 although something was skipped", ""},
    {"quiet", 0, C2_OPT_FLAG, NULL, NULL, "no progress bar and no summary", ""},
    /* of the export only: the last one */
    {"filters", 0, C2_OPT_TEXT, NULL, "blosc2|original|gzip|none", "how HDF5 compresses", NULL},
};

struct teller {
    const char *program;
    bool bar, bar_is_drawn;
    int64_t drawn_ms;
};

/* Handlers have nothing else to reach. */
static volatile sig_atomic_t stopped_by;

static void stop(int signal_number)
{
    stopped_by = signal_number;
}

static void listen_to_signals(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = stop};

    for (size_t i = 0; i < C2_ARRAY_LEN(signals); i++)
        sigaction(signals[i], &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL); /* whoever reads our messages may leave: the result counts */
    sigaction(SIGXFSZ, &action, NULL); /* a limit on files is an error like a full disk */
}

/* End as the signal would have ended us, now that nothing is left behind. */
static void end_by_signal(void)
{
    int signal_number = stopped_by;
    struct sigaction action = {.sa_handler = SIG_DFL};

    sigaction(signal_number, &action, NULL);
    raise(signal_number);
}

static void erase_bar(struct teller *t)
{
    if (t->bar_is_drawn) fputs("\r\033[K", stderr);
    t->bar_is_drawn = false;
}

static void tell(void *ctx, enum c2_note what, const char *path, const char *text)
{
    struct teller *t = ctx;

    erase_bar(t);
    if (what == C2_NOTE_LISTED) {
        printf("%s\t%s\n", path, text);
        return;
    }
    fflush(stdout); /* both may go to one file */
    fprintf(stderr, "%s: %s%s: %s\n", t->program,
            what == C2_NOTE_SKIPPED ? "skipped "
            : what == C2_NOTE_LOST  ? "not kept of "
                                    : "",
            path, text);
}

static void draw_bar(void *ctx, const struct c2_progress *p)
{
    struct teller *t = ctx;
    char bar[BAR_WIDTH + 1];

    if (!t->bar) return;
    int64_t now = c2_now_ms();
    if (now - t->drawn_ms < DRAW_EVERY_MS) return;
    t->drawn_ms = now;
    t->bar_is_drawn = true;
    double part = p->nchunks > 0 ? (double)p->chunks / (double)p->nchunks : 0;
    double done = p->nitems > 0 ? ((double)(p->items - (p->nchunks > 0)) + part) / (double)p->nitems : 0;
    int full = (int)(done * BAR_WIDTH);
    for (int i = 0; i < BAR_WIDTH; i++)
        bar[i] = i < full ? '#' : '.';
    bar[BAR_WIDTH] = '\0';
    size_t len = strlen(p->path);
    const char *tail = len > PATH_SHOWN ? p->path + len - PATH_SHOWN : p->path;
    fprintf(stderr, "\r\033[K[%s] %3.0f%%  %" PRId64 "/%" PRId64 "  %s", bar, 100 * done, p->items, p->nitems,
            tail);
    fflush(stderr);
}

static bool codec_of(const char *name, int *out, struct cat2_error *err)
{
    const struct c2_codec_name *codec = c2_codec_of_word(c2_str_of(name));

    if (!codec || codec->id >= C2_CODEC_FIRST_PLUGIN)
        return c2_fail(err, CAT2_EINVAL, "--codec: '%.60s' is not blosclz, lz4, lz4hc, zlib or zstd", name);
    *out = codec->id;
    return true;
}

static bool chunks_of(const char *text, struct c2_convert_options *out, struct cat2_error *err)
{
    struct c2_str rest = c2_str_of(text), part;
    int64_t n;

    do {
        c2_str_cut(rest, ',', &part, &rest);
        if (out->ndim == C2_DIM_MAX)
            return c2_fail(err, CAT2_EINVAL, "--chunks: more than %d axes", C2_DIM_MAX);
        if (!c2_str_to_i64(c2_str_trim(part), &n) || n < 1 || n > C2_CHUNK_NBYTES_MAX)
            return c2_fail(err, CAT2_EINVAL, "--chunks: '%.60s' is not a list such as 100,200", text);
        out->chunks[out->ndim++] = (int32_t)n;
    } while (!c2_str_empty(rest));
    return true;
}

static bool filters_of(const char *name, int *out, struct cat2_error *err)
{
    static const char *const names[] = {[C2_H5W_BLOSC2] = "blosc2",
                                        [C2_H5W_ORIGINAL] = "original",
                                        [C2_H5W_GZIP] = "gzip",
                                        [C2_H5W_NONE] = "none"};

    for (size_t i = 0; i < C2_ARRAY_LEN(names); i++)
        if (names[i] && strcmp(name, names[i]) == 0) {
            *out = (int)i;
            return true;
        }
    return c2_fail(err, CAT2_EINVAL, "--filters: '%.60s' is not blosc2, original, gzip or none", name);
}

static bool read_options(const struct c2_convert_program *program, const struct c2_options *o,
                         struct c2_convert_options *out, struct cat2_error *err)
{
    const char *codec = c2_options_text(o, "codec"), *chunks = c2_options_text(o, "chunks");
    int64_t threads = 0, level = -1;

    out->dry_run = c2_options_flag(o, "dry-run");
    out->overwrite = c2_options_flag(o, "overwrite");
    out->include = c2_options_text(o, "include");
    out->exclude = c2_options_text(o, "exclude");
    out->codec = -1;
    if (!c2_options_number(o, "threads", 0, THREADS_MAX, &threads, err) ||
        !c2_options_number(o, "clevel", 0, CLEVEL_MAX, &level, err))
        return false;
    out->nthreads = (int)threads;
    out->clevel = (int)level;
    const char *filters = program->exports ? c2_options_text(o, "filters") : NULL;
    if (filters && !filters_of(filters, &out->filters, err)) return false;
    return (!codec || codec_of(codec, &out->codec, err)) && (!chunks || chunks_of(chunks, out, err));
}

static void summarize(const struct c2_convert_program *program, const struct c2_convert_counts *c, bool dry)
{
    fflush(stdout);
    fprintf(stderr,
            "%s: %s%" PRId64 " datasets, %" PRId64 " groups, %" PRId64 " attributes; chunks: %" PRId64
            " copied, %" PRId64 " compressed",
            program->name, dry ? "would make " : "", c->datasets, c->groups, c->attributes, c->copied,
            c->compressed);
    if (c->links) fprintf(stderr, "; %" PRId64 " %s", c->links, program->links);
    if (c->excluded) fprintf(stderr, "; %" PRId64 " excluded", c->excluded);
    if (c->lost) fprintf(stderr, "; %" PRId64 " parts not kept", c->lost);
    fprintf(stderr, "; %" PRId64 " skipped\n", c->skipped);
}

static int run(const struct c2_convert_program *program, const struct c2_options *o)
{
    struct cat2_error err = {0};
    struct c2_convert_counts counts = {0};
    bool quiet = c2_options_flag(o, "quiet");
    struct teller teller = {.program = program->name, .bar = !quiet && isatty(STDERR_FILENO)};
    struct c2_convert_options how = {.stop = &stopped_by, .note = tell, .progress = draw_bar, .ctx = &teller};

    if (!read_options(program, o, &how, &err)) {
        fprintf(stderr, "usage: %s %s\n%s: %s\n", program->name, program->synopsis, program->name,
                err.message);
        return USAGE;
    }
    bool ok = program->convert(c2_options_arg(o, 0), c2_options_arg(o, 1), &how, &counts, &err);
    erase_bar(&teller);
    if (!ok) {
        fprintf(stderr, "%s: %s; nothing was made\n", program->name, err.message);
        if (stopped_by) end_by_signal();
        return FAILED;
    }
    if (!quiet) summarize(program, &counts, how.dry_run);
    return counts.skipped + counts.lost && !c2_options_flag(o, "keep-going") ? SKIPPED : DONE;
}

int c2_convert_main(const struct c2_convert_program *program, int argc, char **argv)
{
    const struct c2_options_spec spec = {.program = program->name,
                                         .synopsis = program->synopsis,
                                         .about = program->about,
                                         .section = program->section,
                                         .options = options,
                                         .noptions = C2_ARRAY_LEN(options) - !program->exports,
                                         .args_min = 2,
                                         .args_max = 2,
                                         .takes = program->takes};
    struct cat2_error err = {0};
    struct c2_options *o = NULL;

    if (!c2_options_parse(&spec, argc, argv, &o, &err)) {
        fprintf(stderr, "%s: %s\n", program->name, err.message);
        return FAILED;
    }
    listen_to_signals();
    c2_codec_setup();
    int status = run(program, o);
    c2_options_free(o);
    return status;
}
