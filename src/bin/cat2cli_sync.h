/* SPDX-License-Identifier: BSD-3-Clause */
/* Copies of roots and folders, brought up to date. */
#ifndef C2_BIN_CAT2CLI_SYNC_H
#define C2_BIN_CAT2CLI_SYNC_H

#include "bin/cat2cli.h"

/** Make `directory`, or what is `beneath` it (NULL: itself), a copy of the root or folder `source`. What was
 * saved before and has not changed is left alone; what the source has no more is removed with `delete`, if it
 * was saved before and is as it was then. Options: include, exclude, parallel, dry-run. */
bool c2_sync(const struct c2_cli *cli, const char *source, const char *directory, const char *beneath,
             bool delete, struct cat2_error *err);

#endif
