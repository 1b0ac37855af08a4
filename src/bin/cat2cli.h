/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of cat2cli share. */
#ifndef C2_BIN_CAT2CLI_H
#define C2_BIN_CAT2CLI_H

#include "caterva2/caterva2.h"
#include "wire/json.h"

/** JSON as Python would lay out the same dict: one line where it fits `width` columns, else an item a line, 4
 * deeper. */
bool c2_pretty_print(struct c2_jval v, int width, struct c2_buf *out, struct cat2_error *err);

/** Columns of the terminal: COLUMNS, else what the terminal says, else 80. */
int c2_terminal_columns(void);

/** Save with a progress bar when stderr is a terminal. */
bool c2_cli_download(cat2_client *client, const char *path, const char *outdir, bool json,
                     struct cat2_error *err);

/** A fetched selection as nested JSON lists (a string for bytes). */
bool c2_cli_array_json(const cat2_array *array, bool bytes, struct c2_buf *out, struct cat2_error *err);

#endif
