/* SPDX-License-Identifier: BSD-3-Clause */
/* What import and export share: which paths, and when to stop. */
#include "import_export/convert.h"

#include <fnmatch.h>

#include "base/str.h"

static bool matches(const char *patterns, const char *path)
{
    struct c2_str rest = c2_str_of(patterns), line;
    char pattern[C2_PATH_MAX + 1];

    while (!c2_str_empty(rest)) {
        c2_str_cut(rest, '\n', &line, &rest);
        if (line.n > C2_PATH_MAX) continue;
        memcpy(pattern, line.p, line.n);
        pattern[line.n] = '\0';
        if (fnmatch(pattern, path, 0) == 0) return true;
    }
    return false;
}

bool c2_convert_picks(const struct c2_convert_options *options, const char *path)
{
    if (options->include && !matches(options->include, path)) return false;
    return !options->exclude || !matches(options->exclude, path);
}

bool c2_convert_goes_on(const struct c2_convert_options *options, struct cat2_error *err)
{
    return !options->stop || !*options->stop || c2_fail(err, CAT2_ECANCELLED, "stopped");
}

void c2_convert_chunk_done(const struct c2_convert_options *options, struct c2_convert_counts *counts,
                           struct c2_progress *progress, int64_t nchunk, bool copied)
{
    if (copied)
        counts->copied++;
    else
        counts->compressed++;
    progress->chunks = nchunk + 1;
    if (options->progress) options->progress(options->ctx, progress);
}
