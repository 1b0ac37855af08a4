/* SPDX-License-Identifier: BSD-3-Clause */
/* The path of a file from the place of the running program. */
#include "base/beside.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

void c2_beside_program(const char *folder, const char *name, char out[PATH_MAX])
{
    char self[PATH_MAX - 64];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

    self[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(self, '/');
    if (slash) *slash = '\0';
    snprintf(out, PATH_MAX, "%s/%s%s", self, folder, name);
}
