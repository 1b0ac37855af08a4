/* SPDX-License-Identifier: BSD-3-Clause */
/* A dataset or a slice of it as a file of another format. */
#ifndef C2_BIN_CAT2CLI_SAVE_H
#define C2_BIN_CAT2CLI_SAVE_H

#include "bin/cat2cli.h"

/** As a BigTIFF: the last two axes are a page, three if there are colours (3 or 4 small unsigned numbers);
 * the others number the pages.  @errors CAT2_EUNSUPPORTED, CAT2_EINVAL what a TIFF cannot hold. */
bool c2_tiff_write(const cat2_array *array, FILE *to, struct cat2_error *err);

/** `download DATASET[SLICE] -o FILE`: the format is that of the file's ending, or --format. "-": standard
 * output. slice NULL: all of it. Where FILE is a link, what it leads to is replaced; a device, a FIFO or
 * an open file (/dev/stdout) is written to. */
bool c2_cli_save(const struct c2_cli *cli, cat2_dataset *dataset, const char *slice, const char *file,
                 struct cat2_error *err);

/** What is known of it before anything is asked for or written, as --dry-run tells it. */
bool c2_cli_may_save(const struct c2_cli *cli, const cat2_dataset *dataset, const char *slice,
                     const char *file, struct cat2_error *err);

/** "-", or a path of what is standard output. */
bool c2_cli_is_stdout(const char *file);

/** Do --where, --sort or --fields pick rows of a table? A slice is then one of these rows. */
bool c2_cli_picks_rows(const struct c2_cli *cli);

#endif
