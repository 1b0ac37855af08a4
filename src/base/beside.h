/* SPDX-License-Identifier: BSD-3-Clause */
/* Files that are found by where the running program is. */
#ifndef C2_BASE_BESIDE_H
#define C2_BASE_BESIDE_H

#include <limits.h>

/** A file by where this program is: folder is "" or ends with a slash, such as "../share/". */
void c2_beside_program(const char *folder, const char *name, char out[PATH_MAX]);

#endif
